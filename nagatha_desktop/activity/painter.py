"""How a row of background work looks.

Owns the painting of each cell in the theme; what stands in it comes from the model. Every row has
the same height, and what had to be measured is kept, so that a list of any length scrolls.
"""

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from nagatha_desktop.activity import words
from nagatha_desktop.activity.rows import Column, Index, RunRows
from nagatha_desktop.widgets.pens import Pens, colour, paint_badge, pens_of, small_font, write
from nagatha_desktop.widgets.text import one_line
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Run

_LINE = 200
"""Characters of a line that may have to be measured."""
_BAR = MEASURES.half * 3 // 2


def row_height(font: QFont) -> int:
    """The height of a row: two lines with room around them."""
    lines = QFontMetrics(font).height() + QFontMetrics(small_font(font)).height()
    return lines + 2 * MEASURES.grid + MEASURES.border


class RunPainter(QStyledItemDelegate):
    """Paints the cells of `RunRows`; the view says which row is under the pointer."""

    def __init__(self, themes: ThemeController, parent: QWidget) -> None:
        super().__init__(parent)
        self._themes = themes
        self.hovered = -1
        """The row under the pointer, -1 for none."""
        self.current = -1
        """The row that the keyboard is at, -1 for none."""
        self.selected = -1
        """The row that is looked at, -1 for none."""
        self._font = QFont()
        self._pens: Pens | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(MEASURES.grid * 10, row_height(option.font))

    def _measured(self, font: QFont) -> Pens:
        if self._pens is None or font != self._font:
            self._font = QFont(font)
            self._pens = pens_of(font.toString())
        return self._pens

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        run = model.run_at(index) if isinstance(model, RunRows) else None
        if run is None or not isinstance(model, RunRows):
            return
        column, row = index.column(), index.row()
        rect: QRect = option.rect
        pens = self._measured(option.font)
        painter.save()
        self._paint_ground(painter, rect, row, column)
        side = MEASURES.grid * 2 if column == Column.WHAT else MEASURES.grid
        inner = rect.adjusted(side, 0, -MEASURES.grid, -MEASURES.border)
        if column == Column.STATE:
            self._paint_state(painter, inner, pens, model, run, row == self.selected)
        elif column == Column.MORE and model.segment == "now":
            self._paint_progress(painter, inner, pens, run, row == self.selected)
        else:
            self._paint_text(painter, inner, pens, row, model, run, column)
        painter.restore()

    # -- the ground -----------------------------------------------------------------------------

    def _paint_ground(self, painter: QPainter, rect: QRect, row: int, column: int) -> None:
        theme = self._themes.current
        if row == self.selected:
            painter.fillRect(rect, colour(theme.accent_soft))
        elif row == self.hovered:
            painter.fillRect(rect, colour(theme.hover))
        width = MEASURES.border
        line = QRect(rect.left(), rect.bottom(), rect.width(), width)
        painter.fillRect(line, colour(theme.line))
        if row != self.current:
            return
        ring = colour(theme.accent)
        painter.fillRect(line, ring)
        painter.fillRect(QRect(rect.left(), rect.top(), rect.width(), width), ring)
        if column == Column.WHAT:
            painter.fillRect(QRect(rect.left(), rect.top(), MEASURES.half, rect.height()), ring)
        if column == Column.WHEN:
            left = rect.right() - width + 1
            painter.fillRect(QRect(left, rect.top(), width, rect.height()), ring)

    # -- the cells ------------------------------------------------------------------------------

    def _paint_text(
        self,
        painter: QPainter,
        rect: QRect,
        pens: Pens,
        row: int,
        model: RunRows,
        run: Run,
        column: int,
    ) -> None:
        theme = self._themes.current
        first, second = _lines(model, run, column)
        pen, ink = pens.normal, theme.ink
        if column == Column.WHAT:
            pen, ink = pens.strong, theme.accent if row == self.selected else theme.ink
        elif column == Column.WHY:
            pen, ink = pens.small, theme.muted
        height = pen.height + (pens.small.height if second else 0)
        top = rect.top() + (rect.height() - height) // 2
        write(painter, rect, top, pen, first, ink)
        if second:
            write(painter, rect, top + pen.height, pens.small, second, theme.muted)

    def _paint_state(
        self,
        painter: QPainter,
        rect: QRect,
        pens: Pens,
        model: RunRows,
        run: Run,
        selected: bool,
    ) -> None:
        theme = self._themes.current
        word, tone = words.state(run, model.clock())
        below = words.attempts(run)
        height = MEASURES.badge_height + (pens.small.height if below else 0)
        top = rect.top() + (rect.height() - height) // 2
        ink, ground = theme.tone(tone)
        if selected and ground == theme.accent_soft:
            ground = theme.panel  # or it would not be seen on the ground of the row
        place = QPoint(rect.left(), top)
        paint_badge(painter, place, rect.width(), pens.small_strong, word, ink, ground)
        if below:
            line = rect.adjusted(MEASURES.grid, 0, 0, 0)
            write(painter, line, top + MEASURES.badge_height, pens.small, below, theme.muted)

    def _paint_progress(
        self, painter: QPainter, rect: QRect, pens: Pens, run: Run, selected: bool
    ) -> None:
        theme = self._themes.current
        said = " · ".join(
            part for part in (words.percent(run), one_line(run.progress_text, _LINE)) if part
        )
        pen = pens.small
        if run.progress is None:
            top = rect.top() + (rect.height() - pen.height) // 2
            write(painter, rect, top, pen, said, theme.muted)
            return
        height = _BAR + MEASURES.half + pen.height
        top = rect.top() + (rect.height() - height) // 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = theme.panel if selected else theme.line
        for share, ink in ((1.0, track), (run.progress, theme.accent)):
            width = rect.width() * min(1.0, max(0.0, share))
            if width >= _BAR:
                painter.setBrush(colour(ink))
                part = QRectF(rect.left(), top, width, _BAR)
                painter.drawRoundedRect(part, _BAR / 2, _BAR / 2)
        write(painter, rect, top + _BAR + MEASURES.half, pen, said, theme.muted)


def _lines(model: RunRows, run: Run, column: int) -> tuple[str, str]:
    if column == Column.WHAT:
        return words.what(run, model.title(run)), words.about(run)
    if column == Column.WHY:
        return words.why(run, model.title(run)), ""
    if column == Column.WHEN:
        return words.when(run, model.clock())
    if run.error is None:
        return "", ""
    return one_line(run.error.title, _LINE), one_line(run.error.message, _LINE)
