"""One theme for all: readable in both, followed by everything, written in one place."""

import re
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from nagatha_desktop.widgets import icons
from nagatha_desktop.widgets.badges import Badge, Elided
from nagatha_desktop.widgets.buttons import button, icon_button
from nagatha_desktop.widgets.style import give_room, palette, points, set_role, style_sheet
from nagatha_desktop.widgets.theme import DARK, LIGHT, MEASURES, Theme, ThemeController

ROOT = Path(__file__).resolve().parents[2]
GROUNDS = ("background", "panel", "side", "code", "accent_soft", "hover")
PAIRS = [
    *product(("ink", "accent"), GROUNDS),
    *product(("muted",), ("background", "panel", "side", "code", "accent_soft", "hover")),
    *product(("ok", "warn", "bad"), ("background", "panel", "side", "code")),
    *((tone, f"{tone}_soft") for tone in ("ok", "warn", "bad", "accent")),
    *product(("ink",), ("ok_soft", "warn_soft", "bad_soft", "find", "find_current")),
    ("on_accent", "accent"),
    ("on_accent", "accent_strong"),
    *((name, "code") for name in Theme.__dataclass_fields__ if name.startswith("syntax_")),
]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_on_every_ground_it_stands_on_has_enough_contrast(
    theme: Theme, text: str, ground: str
) -> None:
    assert contrast(getattr(theme, text), getattr(theme, ground)) >= 4.5


def test_the_measure_of_contrast_is_the_one_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_no_colour_is_written_outside_of_the_tokens() -> None:
    written = re.compile(
        r"""["'#]#?[0-9a-fA-F]{6}\b["';]|QColor\(\s*["'\d]|GlobalColor\.(?!transparent)"""
    )
    offenders = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "nagatha_desktop").rglob("*.py")
        if path.name != "tokens.py"
        for line in path.read_text("utf-8").splitlines()
        if written.search(line)
    ]
    assert offenders == []


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_style_sheet_and_palette_are_made_of_the_theme(
    qapp: QApplication, theme: Theme
) -> None:
    sheet = style_sheet(theme)
    assert "$" not in sheet
    for colour in (theme.background, theme.panel, theme.accent, theme.bad_soft):
        assert colour in sheet
    assert {found.lower() for found in re.findall(r"#[0-9a-fA-F]{6}", sheet)} <= {
        getattr(theme, name) for name in Theme.__dataclass_fields__
    }
    made = palette(theme)
    assert made.color(QPalette.ColorRole.WindowText).name() == theme.ink
    assert made.color(QPalette.ColorRole.Base).name() == theme.panel


def test_points_follow_the_systems_font(qapp: QApplication) -> None:
    before = qapp.font()
    font = qapp.font()
    font.setPointSizeF(20)
    try:
        qapp.setFont(font)
        assert points(1.0) == 20
        assert points(MEASURES.small) == pytest.approx(17.6)
        font.setPixelSize(96)
        qapp.setFont(font)
        assert points(1.0) > 20
    finally:
        qapp.setFont(before)


def test_pinning_a_theme_dresses_the_program_and_says_so_once(
    qtbot: QtBot, qapp: QApplication, themes: ThemeController
) -> None:
    told: list[Theme] = []
    themes.changed.connect(told.append)
    themes.set_mode("dark")
    themes.set_mode("dark")
    assert told == [DARK]
    assert themes.current is DARK and themes.mode == "dark"
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK.background
    assert DARK.panel in qapp.styleSheet()
    themes.set_mode("light")
    assert told == [DARK, LIGHT]


class FakeHints(QObject):
    """The system's hints, which the offscreen platform does not have."""

    colorSchemeChanged = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.scheme = Qt.ColorScheme.Light
        self.pinned: Qt.ColorScheme | None = None

    def colorScheme(self) -> Qt.ColorScheme:
        return self.scheme

    def setColorScheme(self, scheme: Qt.ColorScheme) -> None:
        self.pinned = scheme

    def unsetColorScheme(self) -> None:
        self.pinned = None


def test_the_theme_follows_the_system_until_it_is_pinned(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints = FakeHints()
    monkeypatch.setattr(QApplication, "styleHints", lambda _: hints)
    made = ThemeController(qapp)
    try:
        assert made.current is LIGHT
        hints.scheme = Qt.ColorScheme.Dark
        hints.colorSchemeChanged.emit(hints.scheme)
        assert made.current is DARK
        made.set_mode("light")
        assert made.current is LIGHT and hints.pinned == Qt.ColorScheme.Light
        hints.colorSchemeChanged.emit(hints.scheme)
        assert made.current is LIGHT
        made.set_mode("system")
        assert made.current is DARK and hints.pinned is None
    finally:
        made.set_mode("light")
        made.deleteLater()


def test_a_role_can_change_while_the_widget_is_shown(qtbot: QtBot, themes: ThemeController) -> None:
    made = button("Stop", "primary")
    qtbot.addWidget(made)
    made.show()
    set_role(made, "danger")
    made.ensurePolished()
    assert made.palette().color(QPalette.ColorRole.ButtonText).name() == LIGHT.bad


def test_buttons_say_their_name_and_are_large_enough(qtbot: QtBot, themes: ThemeController) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    made: list[QWidget] = [
        button("Fish & chips", "primary", holder),
        button("More", "flat", holder),
        button("Copy", "quiet", holder, name="Copy message"),
        icon_button(themes, "close", "Close", holder),
    ]
    holder.show()
    assert [each.accessibleName() for each in made] == [
        "Fish & chips", "More", "Copy message", "Close",
    ]  # fmt: skip
    for each in made:
        each.ensurePolished()
        assert each.sizeHint().height() >= MEASURES.target, each.accessibleName()
    assert isinstance(made[0], QPushButton) and made[0].text() == "Fish && chips"


@pytest.mark.parametrize("name", sorted(icons.NAMES))
def test_every_icon_is_painted_in_the_colour_of_the_theme(
    qtbot: QtBot, themes: ThemeController, name: str
) -> None:
    icon = icons.icon(themes, name)

    def colours() -> set[str]:
        image = icon.pixmap(QSize(32, 32)).toImage()
        return {
            QColor(image.pixelColor(x, y)).name()
            for x in range(image.width())
            for y in range(image.height())
            if image.pixelColor(x, y).alpha() > 250
        }

    assert LIGHT.ink in colours()
    themes.set_mode("dark")
    assert DARK.ink in colours()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_signs_inside_of_controls_have_the_colours_of_the_theme(theme: Theme) -> None:
    for name, colour in (("check", "on_accent"), ("down", "muted"), ("up", "muted")):
        path = ROOT / "resources" / "icons" / f"control-{name}-{theme.name}.svg"
        assert re.findall("#[0-9a-f]{6}", path.read_text("utf-8")) == [getattr(theme, colour)]
        assert path.as_posix() in style_sheet(theme)


@pytest.mark.parametrize("role", ["", "bare", "ask"])
def test_what_stands_in_an_empty_field_is_as_readable_as_other_text(
    role: str, qtbot: QtBot, themes: ThemeController
) -> None:
    for made in (QLineEdit(), QPlainTextEdit()):
        qtbot.addWidget(made)
        set_role(made, role)
        made.show()
        for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Disabled):
            shown = made.palette().color(group, QPalette.ColorRole.PlaceholderText)
            assert (shown.name(), shown.alpha()) == (themes.current.muted, 255)


def test_a_field_with_arrows_begins_where_other_fields_begin(
    qtbot: QtBot, themes: ThemeController
) -> None:
    spin = QSpinBox()
    qtbot.addWidget(spin)
    give_room(spin)
    assert spin.lineEdit().textMargins().left() == MEASURES.grid


def test_an_unknown_icon_is_refused(themes: ThemeController) -> None:
    with pytest.raises(KeyError):
        icons.icon(themes, "no such thing")


@pytest.mark.parametrize("dark", [True, False])
def test_the_trays_icons_differ_by_state(qapp: QApplication, dark: bool) -> None:
    states: tuple[icons.TrayState, ...] = ("idle", "busy", "needs_you", "error")
    images = [icons.tray_icon(state, dark).pixmap(QSize(22, 22)).toImage() for state in states]
    assert all(not image.isNull() for image in images)
    assert all(one != other for at, one in enumerate(images) for other in images[at + 1 :])
    assert isinstance(icons.app_icon(), QIcon) and not icons.app_icon().isNull()


def test_a_badge_keeps_its_word_and_takes_another_colour(
    qtbot: QtBot, themes: ThemeController
) -> None:
    badge = Badge("running", "accent")
    qtbot.addWidget(badge)
    badge.show()
    badge.say("failed", "bad")
    badge.ensurePolished()
    assert badge.text() == "failed"
    assert badge.palette().color(QPalette.ColorRole.WindowText).name() == LIGHT.bad


def test_a_line_without_room_is_cut_and_told_whole(qtbot: QtBot, themes: ThemeController) -> None:
    line = Elided("a rather long line of words that cannot fit")
    qtbot.addWidget(line)
    line.resize(80, 20)
    line.show()
    line.grab()
    assert line.text().endswith("…") and line.toolTip() == line.accessibleName() == line.whole()
    line.set_text("short")
    assert (line.text(), line.toolTip()) == ("short", "")
