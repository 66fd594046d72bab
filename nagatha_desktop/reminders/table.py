"""The list of one view: its rows, its keys, and what to say where there are none.

Owns the view. What is done with the reminder that is looked at is the window's business.
"""

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
)
from PySide6.QtWidgets import (
    QHeaderView,
    QWidget,
)

from nagatha_desktop.reminders.painter import Part, ReminderPainter, head_height, row_height
from nagatha_desktop.reminders.rows import ReminderRows
from nagatha_desktop.widgets.cards import EmptyState
from nagatha_desktop.widgets.lists import ListPlace, RowTable
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.reminders import Reminder

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2)


class ReminderTable(RowTable):
    """A table of one column, because its header knows rows of different height at any length."""

    done_wanted = Signal(object)
    """The circle was pressed, or Space, at a reminder (Reminder)."""
    edit_wanted = Signal(object)
    delete_wanted = Signal(object)
    snooze_wanted = Signal(object, QPoint)
    """Offer ways to put it off, at this point of the screen."""
    menu_wanted = Signal(object, QPoint)
    skip_wanted = Signal(object)
    chat_wanted = Signal(object)

    def __init__(self, rows: ReminderRows, themes: ThemeController, parent: QWidget) -> None:
        super().__init__(rows, themes, parent)
        self.rows = rows
        self._painter = ReminderPainter(themes, self)
        self._tall: set[int] = set()
        self._pressed: tuple[int, Part] = (-1, "")
        self._kept = ("", 0)
        self.setItemDelegate(self._painter)
        head = self.horizontalHeader()
        head.hide()
        head.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._measure()
        self.selectionModel().currentRowChanged.connect(self._moved)
        rows.rowsInserted.connect(self._inserted)
        rows.rowsRemoved.connect(self._removed)
        rows.modelReset.connect(self._find_current)
        rows.heads_changed.connect(self._fit_heads)

    # -- heights ----------------------------------------------------------------------------------

    def _measure(self) -> None:
        self.ensurePolished()
        height = row_height(self.font())
        vertical = self.verticalHeader()
        vertical.setMinimumSectionSize(height)
        vertical.setDefaultSectionSize(height)
        vertical.setMaximumSectionSize(height + head_height(self.font()))
        self._fit_heads()

    @Slot()
    def _fit_heads(self) -> None:
        """Give room to rows that have a heading above them."""
        wanted = set(self.rows.heads)
        usual, tall = row_height(self.font()), row_height(self.font()) + head_height(self.font())
        vertical = self.verticalHeader()
        for row in self._tall - wanted:
            if row < vertical.count():
                vertical.resizeSection(row, usual)
        for row in wanted:
            if vertical.sectionSize(row) != tall:
                vertical.resizeSection(row, tall)
        self._tall = wanted
        self.viewport().update()

    @Slot(QModelIndex, int, int)
    def _inserted(self, _: QModelIndex, first: int, last: int) -> None:
        number = last - first + 1
        self._tall = {row + number if row >= first else row for row in self._tall}
        self._stay()

    @Slot(QModelIndex, int, int)
    def _removed(self, _: QModelIndex, first: int, last: int) -> None:
        number = last - first + 1
        self._tall = {
            row - number if row > last else row for row in self._tall if not first <= row <= last
        }
        self._stay()

    def _stay(self) -> None:
        """The keyboard stays where it was when its row left."""
        lost = bool(self._kept[0]) and not self.currentIndex().isValid()
        if lost and len(self.rows):
            row = min(self._kept[1], len(self.rows) - 1)
            self.setCurrentIndex(self.rows.index(row, 0))
        self._mark()

    # -- where it is ----------------------------------------------------------------------------

    @property
    def current(self) -> Reminder | None:
        """The reminder that the keyboard is at."""
        return self.rows.at(self.currentIndex())

    def go_to(self, reminder: str) -> bool:
        """Look at a reminder; False where it is not here."""
        return self.look_at(self.rows.index_of(reminder))

    @Slot(QModelIndex, QModelIndex)
    def _moved(self, index: QModelIndex, _: QModelIndex) -> None:
        current = self.rows.at(index)
        if current is not None:
            self._kept = (current.id, index.row())
        self._mark()

    @Slot()
    def _find_current(self) -> None:
        index = self.rows.index_of(self._kept[0])
        if index.isValid():
            self.setCurrentIndex(index)
        elif self.hasFocus() and len(self.rows):
            self.setCurrentIndex(self.rows.index(min(self._kept[1], len(self.rows) - 1), 0))
        self._mark()

    @Slot()
    def _mark(self) -> None:
        current = self.currentIndex().row() if self.hasFocus() else -1
        if current != self._painter.current:
            self._painter.current = current
            self.viewport().update()

    def menu_point(self) -> QPoint:
        """The point of the screen where a menu of the current row belongs."""
        rect = self.visualRect(self.currentIndex())
        card = self._painter.card(rect, self.font())
        return self.viewport().mapToGlobal(card.bottomLeft() + QPoint(MEASURES.grid * 4, 0))

    # -- keys -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, reminder = Qt.Key(event.key()), self.current
        last = self.rows.rowCount() - 1
        plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        )
        if key in (Qt.Key.Key_Home, Qt.Key.Key_End) and last >= 0:
            self.setCurrentIndex(self.rows.index(0 if key == Qt.Key.Key_Home else last, 0))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Escape):
            event.ignore()
        elif plain and reminder is not None and self._do(key, reminder, event.isAutoRepeat()):
            event.accept()
        elif event.text() and plain and key != Qt.Key.Key_Tab:
            event.ignore()  # letters do not jump about in a list that has keys of its own
        else:
            super().keyPressEvent(event)

    def _do(self, key: Qt.Key, reminder: Reminder, again: bool) -> bool:
        """What a key does to a reminder; False for a key that does nothing."""
        if key not in (*_ENTER, Qt.Key.Key_Space, Qt.Key.Key_Delete, *_LETTERS):
            return False
        if again:
            return True
        if key == Qt.Key.Key_Space:
            self.done_wanted.emit(reminder)
        elif key in _ENTER:
            self.edit_wanted.emit(reminder)
        elif key == Qt.Key.Key_Delete:
            self.delete_wanted.emit(reminder)
        elif key == Qt.Key.Key_S:
            self.snooze_wanted.emit(reminder, self.menu_point())
        elif key == Qt.Key.Key_N:
            self.skip_wanted.emit(reminder)
        else:
            self.chat_wanted.emit(reminder)
        return True

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            if self.current is not None:
                self.menu_wanted.emit(self.current, self.menu_point())
            return
        # The event is the viewport's: its point is one of the rows'.
        index = self.indexAt(event.pos())
        reminder = self.rows.at(index)
        if reminder is not None:
            self.setCurrentIndex(index)
            self.menu_wanted.emit(reminder, event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.rows.rowCount():
            self.setCurrentIndex(self.rows.index(max(0, self.rowAt(0)), 0))
        self._mark()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._mark()

    # -- pointer --------------------------------------------------------------------------------

    def _under(self, at: QPoint) -> tuple[int, Part]:
        index = self.indexAt(at)
        if not index.isValid():
            return -1, ""
        return index.row(), self._painter.part_at(at, self.visualRect(index), self.font())

    def circle_of(self, reminder: str) -> QPoint:
        """The middle of a reminder's circle, in the viewport."""
        card = self._card(reminder)
        return QPoint(card.left() + MEASURES.grid * 2, card.center().y())

    def more_of(self, reminder: str) -> QPoint:
        """The middle of a reminder's three dots, in the viewport."""
        card = self._card(reminder)
        return QPoint(card.right() - MEASURES.grid * 2, card.center().y())

    def _card(self, reminder: str) -> QRect:
        rect = self.visualRect(self.rows.index_of(reminder))
        return self._painter.card(rect, self.font())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = self._under(event.position().toPoint()) if left else (-1, "")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        pressed, self._pressed = self._pressed, (-1, "")
        at = event.position().toPoint()
        if event.button() != Qt.MouseButton.LeftButton or pressed != self._under(at):
            return
        reminder = self.rows.at(self.rows.index(pressed[0], 0)) if pressed[0] >= 0 else None
        if reminder is None:
            return
        if pressed[1] == "circle":
            self.done_wanted.emit(reminder)
        elif pressed[1] == "more":
            self.menu_wanted.emit(reminder, event.globalPosition().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row, part = self._under(event.position().toPoint())
        reminder = self.rows.at(self.rows.index(row, 0)) if row >= 0 else None
        if reminder is not None and part == "body":
            self.edit_wanted.emit(reminder)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(*self._under(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1, "")

    def _hover(self, row: int, part: Part) -> None:
        painter = self._painter
        row = row if part else -1
        if (row, part) == (painter.hovered, painter.hovered_part):
            return
        pressable = part in ("circle", "more")
        self.viewport().setCursor(
            Qt.CursorShape.PointingHandCursor if pressable else Qt.CursorShape.ArrowCursor
        )
        rows = {painter.hovered, row}
        painter.hovered, painter.hovered_part = row, part
        for changed in rows:
            if changed >= 0:
                top, height = self.rowViewportPosition(changed), self.rowHeight(changed)
                self.viewport().update(0, top, self.viewport().width(), height)


_LETTERS = (Qt.Key.Key_S, Qt.Key.Key_N, Qt.Key.Key_C)


class ReminderList(ListPlace):
    """The table of a view, or an empty state in its place."""

    def __init__(
        self,
        rows: ReminderRows,
        themes: ThemeController,
        name: str,
        empty: EmptyState,
        nothing_found: EmptyState,
        parent: QWidget,
    ) -> None:
        """`nothing_found` stands for no row while something is searched for."""
        table = ReminderTable(rows, themes, parent)
        table.setAccessibleName(name)
        super().__init__(table, lambda: rows.loaded, empty, nothing_found, parent)
        self.rows, self.table = rows, table
