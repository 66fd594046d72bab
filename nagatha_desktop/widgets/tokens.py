"""Colours and measures: the one place that holds a colour, a radius or a size of type.

Owns `Theme` (with `LIGHT` and `DARK`) and `Measures`. Knows no Qt: what is made of these
values for Qt is in `style` and `theme`.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["accent", "ok", "warn", "bad", "muted"]
"""What a colour says. A word always stands beside it."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Every colour of the program, as #rrggbb."""

    name: Literal["light", "dark"]
    background: str
    """The window."""
    panel: str
    """Bars, cards, inputs, menus."""
    side: str
    """The list at the left."""
    ink: str
    """Text."""
    muted: str
    """Second-rank text."""
    line: str
    """Borders and rules."""
    hover: str
    """A row or a quiet button under the pointer."""
    accent: str
    """The one action, the selected row, links."""
    accent_strong: str
    """The accent under the pointer."""
    accent_soft: str
    """The person's bubble, selection, badges."""
    on_accent: str
    """Text on the accent."""
    ok: str
    ok_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    code: str
    """Behind code."""
    scroll: str
    """The handle of a scroll bar."""
    find: str
    """Behind text that a search found."""
    find_current: str
    """Behind the find that is looked at now."""
    shadow: str
    """Under a window that floats over another; used half transparent."""
    syntax_keyword: str
    syntax_name: str
    """Functions, classes, tags."""
    syntax_string: str
    syntax_number: str
    syntax_comment: str
    syntax_builtin: str
    syntax_operator: str
    syntax_added: str
    syntax_removed: str

    @property
    def dark(self) -> bool:
        """True for light text on a dark ground."""
        return self.name == "dark"

    def tone(self, tone: Tone) -> tuple[str, str]:
        """The colours (text, ground) that say `tone`."""
        return {
            "accent": (self.accent, self.accent_soft),
            "ok": (self.ok, self.ok_soft),
            "warn": (self.warn, self.warn_soft),
            "bad": (self.bad, self.bad_soft),
            "muted": (self.muted, self.hover),
        }[tone]


LIGHT = Theme(
    name="light",
    background="#f7f8fa",
    panel="#ffffff",
    side="#eef0f3",
    ink="#1d2129",
    muted="#646b78",
    line="#dfe3e9",
    hover="#eaedf1",
    accent="#3457d5",
    accent_strong="#2846b8",
    accent_soft="#e7ecfd",
    on_accent="#ffffff",
    ok="#17764a",
    ok_soft="#e0f3e8",
    warn="#945e00",
    warn_soft="#fbf0d9",
    bad="#b3261e",
    bad_soft="#fbe6e4",
    code="#f2f4f7",
    scroll="#c3c9d3",
    find="#fdeeb8",
    find_current="#f9c846",
    shadow="#1d2129",
    syntax_keyword="#8a2bb8",
    syntax_name="#2650c8",
    syntax_string="#1f7a3d",
    syntax_number="#b04a00",
    syntax_comment="#646b78",
    syntax_builtin="#8f5700",
    syntax_operator="#0b6a7d",
    syntax_added="#17764a",
    syntax_removed="#b3261e",
)

DARK = Theme(
    name="dark",
    background="#17191d",
    panel="#1f2227",
    side="#1b1e22",
    ink="#e7e9ee",
    muted="#9aa2b1",
    line="#30343c",
    hover="#282c33",
    accent="#8ea6ff",
    accent_strong="#a9bcff",
    accent_soft="#28304d",
    on_accent="#14161a",
    ok="#6fd09c",
    ok_soft="#1d3529",
    warn="#e5b75c",
    warn_soft="#3a2f18",
    bad="#ff8f86",
    bad_soft="#402321",
    code="#14161a",
    scroll="#434954",
    find="#584617",
    find_current="#7d6015",
    shadow="#000000",
    syntax_keyword="#c79bf2",
    syntax_name="#8fb4ff",
    syntax_string="#9fd67f",
    syntax_number="#f2a174",
    syntax_comment="#8b93a1",
    syntax_builtin="#e8c06a",
    syntax_operator="#7fd3e0",
    syntax_added="#6fd09c",
    syntax_removed="#ff8f86",
)


@dataclass(frozen=True, slots=True)
class Measures:
    """Lengths in device-independent pixels; sizes of type as a factor of the system's."""

    grid: int = 8
    half: int = 4
    """The grid inside controls."""
    control_radius: int = 8
    card_radius: int = 10
    bubble_radius: int = 14
    line_length: int = 760
    """The widest an answer may become."""
    target: int = 28
    """The least height of something to click."""
    button: int = 32
    """The height of a button that has words."""
    bar: int = 44
    """The height of the bar at the top of a window."""
    side_width: int = 232
    icon: int = 16
    badge_height: int = 20
    scroll_width: int = 12
    scroll_gap: int = 3
    """Around the handle of a scroll bar."""
    border: int = 1
    focus: int = 2
    small: float = 0.88
    """Second-rank text: what an answer cost, section labels, badges."""
    normal: float = 1.0
    large: float = 1.15
    """The question of the quick window, titles of empty states."""
    figure: float = 1.6
    """A number that is the point of a card."""
    code: float = 0.95
    headings: tuple[float, ...] = (1.3, 1.18, 1.08, 1.0, 1.0, 1.0)
    """Headings 1 to 6 of an answer."""
    paragraph: float = 0.85
    """Space between paragraphs, in lines."""
    leading: int = 125
    """Height of a line of an answer, in percent."""


MEASURES = Measures()
