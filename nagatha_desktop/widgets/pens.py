"""What delegates paint with: fonts that keep what was measured in them, lines, badges.

Owns how a line ends where its room does and how a state is painted as a badge, so that lists look
like the windows around them. Knows no model.
"""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter

from nagatha_desktop.widgets.tokens import MEASURES

_KEPT = 4_000
"""Measured texts that are kept."""


class Pen:
    """A font with all that was measured in it."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self._metrics = QFontMetrics(font)
        self.height = self._metrics.height()
        self.ascent = self._metrics.ascent()
        self._cut: dict[tuple[str, int], tuple[str, int]] = {}

    def cut(self, text: str, room: int) -> tuple[str, int]:
        """As much of `text` as fits into `room` pixels, and its width."""
        found = self._cut.get((text, room))
        if found is None:
            if len(self._cut) >= _KEPT:
                self._cut.clear()
            shown = self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, room))
            found = shown, self._metrics.horizontalAdvance(shown)
            self._cut[text, room] = found
        return found


@dataclass(frozen=True, slots=True)
class Pens:
    """The fonts of a row."""

    normal: Pen
    strong: Pen
    small: Pen
    small_strong: Pen


def small_font(font: QFont) -> QFont:
    """The font of second-rank text beside text in `font`."""
    made = QFont(font)
    made.setPointSizeF(font.pointSizeF() * MEASURES.small)
    return made


def _strong(font: QFont) -> QFont:
    made = QFont(font)
    made.setWeight(QFont.Weight.DemiBold)
    return made


@lru_cache(maxsize=4)
def pens_of(key: str) -> Pens:
    """The fonts that stand beside the one that `QFont.toString` names so."""
    font = QFont()
    font.fromString(key)
    small = small_font(font)
    return Pens(Pen(font), Pen(_strong(font)), Pen(small), Pen(_strong(small)))


@lru_cache(maxsize=64)
def colour(name: str) -> QColor:
    """A colour of the theme, made once."""
    return QColor(name)


def write(painter: QPainter, rect: QRect, top: int, pen: Pen, text: str, ink: str) -> None:
    """A line of text that ends in "…" where `rect` does."""
    painter.setFont(pen.font)
    painter.setPen(colour(ink))
    painter.drawText(QPoint(rect.left(), top + pen.ascent), pen.cut(text, rect.width())[0])


def paint_badge(
    painter: QPainter, at: QPoint, room: int, pen: Pen, word: str, ink: str, ground: str
) -> int:
    """A state as a word in its colour, as `Badge` looks; returns how wide it became."""
    text, width = pen.cut(word, room - 2 * MEASURES.grid)
    height, radius = MEASURES.badge_height, MEASURES.badge_height / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour(ground))
    box = QRectF(at.x(), at.y(), width + 2 * MEASURES.grid, height)
    painter.drawRoundedRect(box, radius, radius)
    painter.setFont(pen.font)
    painter.setPen(colour(ink))
    base = at.y() + (height - pen.height) // 2 + pen.ascent
    painter.drawText(QPoint(at.x() + MEASURES.grid, base), text)
    return round(box.width())
