"""How a reminder looks in its list: a card with its circle, text, badges and time.

Owns the painting and where in a row its parts lie. What stands in it comes from the model. What had
to be measured is kept, so that a list of any length scrolls.
"""

from typing import Literal, TypeAlias

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from nagatha_desktop.reminders import words
from nagatha_desktop.reminders.rows import Index, ReminderRows
from nagatha_desktop.widgets.pens import Pens, colour, paint_badge, pens_of, small_font, write
from nagatha_desktop.widgets.text import one_line
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES, Theme, Tone
from worker.contract.reminders import Reminder

Part: TypeAlias = Literal["circle", "more", "body", ""]
"""What of a row lies under a point."""
SIDE = MEASURES.grid * 2
"""Pixels at the left and the right of the cards."""
_LINE = 200
_CIRCLE = MEASURES.icon - 2
_STROKE = 1.5
_ANY = 100_000
"""Pixels that any text fits into."""
_SLACK = 2
"""Pixels without which a text that just fits is cut."""
_TEXT_LEAST = 0.6
"""The share of a card that badges leave to the text at least."""


def card_height(font: QFont) -> int:
    """The height of a card: one line with room around it."""
    return max(MEASURES.target, QFontMetrics(font).height()) + MEASURES.grid + MEASURES.half


def row_height(font: QFont) -> int:
    """The height of a row: a card and the gap below it."""
    return card_height(font) + MEASURES.grid


def head_height(font: QFont) -> int:
    """What a heading adds to the row that it stands above."""
    return QFontMetrics(small_font(font)).height() + 2 * MEASURES.grid + MEASURES.half


class ReminderPainter(QStyledItemDelegate):
    """Paints the rows of `ReminderRows`; the view says where pointer and keyboard are."""

    def __init__(self, themes: ThemeController, parent: QWidget) -> None:
        super().__init__(parent)
        self._themes = themes
        self.hovered = -1
        """The row under the pointer, -1 for none."""
        self.hovered_part: Part = ""
        self.current = -1
        """The row that the keyboard is at, -1 for none."""
        self._font = QFont()
        self._pens: Pens | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(MEASURES.grid * 10, row_height(option.font))

    def _measured(self, font: QFont) -> Pens:
        if self._pens is None or font != self._font:
            self._font = QFont(font)
            self._pens = pens_of(font.toString())
        return self._pens

    # -- where things lie -----------------------------------------------------------------------

    def card(self, row: QRect, font: QFont) -> QRect:
        """The card in a row's place; a heading stands above it."""
        height = card_height(font)
        top = row.bottom() + 1 - MEASURES.grid - height
        # With a scroll bar or without, cards end where the fields above them do.
        right = max(MEASURES.half, SIDE - self._beside())
        return QRect(row.left() + SIDE, top, row.width() - SIDE - right, height)

    def _beside(self) -> int:
        """The width of the scroll bar, 0 where there is none."""
        view = self.parent()
        if not isinstance(view, QAbstractScrollArea):
            return 0
        return view.width() - view.viewport().width()

    def part_at(self, at: QPoint, row: QRect, font: QFont) -> Part:
        """What of a row lies at a point of the view."""
        card = self.card(row, font)
        if not card.contains(at):
            return ""
        if at.x() < card.left() + MEASURES.target + MEASURES.half:
            return "circle"
        return "more" if at.x() > card.right() - MEASURES.target - MEASURES.half else "body"

    # -- painting -------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        reminder = model.at(index) if isinstance(model, ReminderRows) else None
        if reminder is None or not isinstance(model, ReminderRows):
            return
        row, pens, theme = index.row(), self._measured(option.font), self._themes.current
        rect: QRect = option.rect
        card = self.card(rect, option.font)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        heading = model.heads.get(row)
        if heading is not None:
            top = card.top() - MEASURES.grid - pens.small.height
            line = rect.adjusted(SIDE, 0, -SIDE, 0)
            write(painter, line, top, pens.small_strong, heading.upper(), theme.muted)
        self._paint_card(painter, card, row, theme)
        over = words.ended(reminder) is not None
        self._paint_circle(painter, card, row, over, theme)
        self._paint_words(painter, card, row, pens, model, reminder, theme, over)
        painter.restore()

    def _paint_card(self, painter: QPainter, card: QRect, row: int, theme: Theme) -> None:
        at_keys = row == self.current
        width = MEASURES.focus if at_keys else MEASURES.border
        painter.setPen(QPen(colour(theme.accent if at_keys else theme.line), width))
        painter.setBrush(colour(theme.hover if row == self.hovered else theme.panel))
        inset = width / 2
        frame = QRectF(card).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(frame, MEASURES.control_radius, MEASURES.control_radius)

    def _paint_circle(
        self, painter: QPainter, card: QRect, row: int, over: bool, theme: Theme
    ) -> None:
        near = row == self.hovered and self.hovered_part == "circle"
        middle = QPointF(card.left() + MEASURES.grid * 2 + MEASURES.half / 2, card.center().y() + 1)
        radius = _CIRCLE / 2
        ink = QColor(theme.ok if over else theme.accent if near else theme.muted)
        painter.setPen(QPen(ink, _STROKE))
        painter.setBrush(QColor(theme.ok_soft) if over else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, radius, radius)
        if over or near:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            left, low, right = QPointF(-3, 0.2), QPointF(-0.8, 2.4), QPointF(3.2, -2.4)
            painter.drawPolyline([middle + left, middle + low, middle + right])

    def _paint_words(
        self,
        painter: QPainter,
        card: QRect,
        row: int,
        pens: Pens,
        model: ReminderRows,
        reminder: Reminder,
        theme: Theme,
        over: bool,
    ) -> None:
        left = card.left() + MEASURES.grid * 4
        right = card.right() - MEASURES.grid * 3 // 2
        if row in (self.hovered, self.current):
            self._paint_dots(painter, card, theme, row)
            right -= MEASURES.target - MEASURES.half
        top = card.top() + (card.height() - pens.normal.height) // 2
        time = words.when(reminder, model.clock(), model.wall)
        time, width = pens.normal.cut(time, (right - left) * 2 // 3)
        width += _SLACK
        place = QRect(right - width + 1, card.top(), width, card.height())
        late = words.is_open(reminder)
        write(painter, place, top, pens.normal, time, theme.warn if late else theme.muted)
        right -= width + MEASURES.grid * 2
        badges = words.badges(reminder, model.wall)
        least = round((right - left) * _TEXT_LEAST)
        pen = pens.normal if over else pens.strong
        text = one_line(reminder.text, _LINE)
        natural = pen.cut(text, _ANY)[1] + _SLACK
        wanted = sum(_badge_width(pens, word) for word, _ in badges)
        room = max(min(natural, least), min(natural, right - left - wanted))
        line = QRect(left, card.top(), room, card.height())
        write(painter, line, top, pen, text, theme.muted if over else theme.ink)
        self._paint_badges(painter, card, left + room, right, pens, badges, theme)

    def _paint_badges(
        self,
        painter: QPainter,
        card: QRect,
        left: int,
        right: int,
        pens: Pens,
        badges: tuple[tuple[str, Tone], ...],
        theme: Theme,
    ) -> None:
        top = card.top() + (card.height() - MEASURES.badge_height) // 2 + 1
        for word, tone in badges:
            room = right - left - MEASURES.grid
            if room < MEASURES.grid * 5:
                return
            ink, ground = theme.tone(tone)
            at = QPoint(left + MEASURES.grid, top)
            left += paint_badge(painter, at, room, pens.small_strong, word, ink, ground)
            left += MEASURES.grid

    def _paint_dots(self, painter: QPainter, card: QRect, theme: Theme, row: int) -> None:
        near = row == self.hovered and self.hovered_part == "more"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(theme.ink if near else theme.muted))
        middle = QPointF(
            card.right() - MEASURES.target / 2 + MEASURES.half / 2, card.center().y() + 1
        )
        for step in (-1, 0, 1):
            painter.drawEllipse(middle + QPointF(step * (MEASURES.half + 1), 0), 1.6, 1.6)


def _badge_width(pens: Pens, word: str) -> int:
    return pens.small_strong.cut(word, _ANY)[1] + 3 * MEASURES.grid
