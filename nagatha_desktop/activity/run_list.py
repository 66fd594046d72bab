"""The list of one segment: its rows, or what to say where there are none.

Owns the view and its keys. What is done with the run that is looked at is the window's business.
"""

from PySide6.QtCore import QCoreApplication, QEvent, QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QWidget,
)

from nagatha_desktop.activity.painter import RunPainter, row_height
from nagatha_desktop.activity.rows import Column, RunRows
from nagatha_desktop.widgets.cards import EmptyState
from nagatha_desktop.widgets.lists import ListPlace, RowTable
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Run

translate = QCoreApplication.translate
_WIDTHS = {
    Column.WHY: MEASURES.grid * 23,
    Column.STATE: MEASURES.grid * 16,
    Column.MORE: MEASURES.grid * 26,
    Column.WHEN: MEASURES.grid * 22,
}
_WIDE = MEASURES.grid * 94
"""A list narrower than this does without the column that says why; the details say it."""
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class RunTable(RowTable):
    """A table that is moved through row by row, like a list."""

    pressed_run = Signal(object)
    """A run (Run) was pressed with the pointer."""
    chosen_run = Signal(object)
    """Enter was pressed at a run (Run)."""
    looked_at = Signal(object)
    """The keyboard or the pointer came to a run (Run, or None)."""
    cancel_wanted = Signal(object)
    """Delete was pressed at a run (Run)."""

    def __init__(self, rows: RunRows, themes: ThemeController, parent: QWidget) -> None:
        super().__init__(rows, themes, parent)
        self.rows = rows
        self._painter = RunPainter(themes, self)
        self._kept = ""
        self._lost = False
        self._gone = (0, 0)
        self.follow = False
        """Whether something beside shows the run: when that leaves, no other takes its place."""
        self.setItemDelegate(self._painter)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._set_up_headers()
        self.clicked.connect(self._clicked)
        self.entered.connect(self._entered)
        self.selectionModel().currentRowChanged.connect(self._moved)
        rows.rowsInserted.connect(self._inserted)
        rows.rowsAboutToBeRemoved.connect(self._will_be_removed)
        rows.rowsRemoved.connect(self._removed)
        rows.modelAboutToBeReset.connect(self._keep_current)
        rows.modelReset.connect(self._find_current)

    def _set_up_headers(self) -> None:
        vertical = self.verticalHeader()
        vertical.hide()
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.ensurePolished()
        height = row_height(self.font())
        vertical.setMinimumSectionSize(height)
        vertical.setDefaultSectionSize(height)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionsClickable(False)
        head.setMinimumSectionSize(MEASURES.grid * 6)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionResizeMode(Column.WHAT, QHeaderView.ResizeMode.Stretch)
        head.setFixedHeight(MEASURES.button)
        head.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        self.setColumnHidden(Column.MORE, self.rows.segment not in ("now", "failed"))

    # -- where it is ----------------------------------------------------------------------------

    @property
    def current(self) -> Run | None:
        """The run that is looked at."""
        return self.rows.run_at(self.currentIndex())

    def go_to(self, run: str) -> bool:
        """Look at a run; False where it is not here."""
        return self.look_at(self.rows.index_of(run))

    @Slot(QModelIndex, QModelIndex)
    def _moved(self, index: QModelIndex, _: QModelIndex) -> None:
        if self.rows.dropping:
            self._lost = True
            return
        self._mark()
        self.looked_at.emit(self.rows.run_at(index))

    @Slot(QModelIndex, int, int)
    def _inserted(self, _: QModelIndex, first: int, last: int) -> None:
        self._shift(first, last - first + 1)
        self._mark()

    @Slot(QModelIndex, int, int)
    def _will_be_removed(self, _: QModelIndex, first: int, last: int) -> None:
        self._gone = first, last - first + 1

    @Slot()
    def _removed(self) -> None:
        lost, self._lost = self._lost, False
        if lost and self.follow:
            self.setCurrentIndex(QModelIndex())
        first, number = self._gone
        self._shift(first, -number)
        self._mark()

    def _shift(self, first: int, number: int) -> None:
        """What a person reads stays where it is, whatever comes and goes above it."""
        bar = self.verticalScrollBar()
        if bar.value() == 0:
            return
        height = self.verticalHeader().defaultSectionSize()
        if first * height <= bar.value() - (height if number < 0 else 0):
            # The bar does not know of the new number of rows yet.
            bar.setMaximum(max(0, bar.maximum() + number * height))
            bar.setValue(bar.value() + number * height)

    @Slot()
    def _keep_current(self) -> None:
        run = self.current
        self._kept = run.id if run is not None else ""

    @Slot()
    def _find_current(self) -> None:
        index = self.rows.index_of(self._kept)
        if index.isValid():
            self.setCurrentIndex(index)
        self._mark()

    def _mark(self) -> None:
        row = self.currentIndex().row()
        current = row if self.hasFocus() else -1
        if (row, current) != (self._painter.selected, self._painter.current):
            self._painter.selected, self._painter.current = row, current
            self.viewport().update()

    # -- keys and pointer -----------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        last = self.rows.rowCount() - 1
        if key in _ENTER and not event.isAutoRepeat():
            if self.current is not None:
                self.chosen_run.emit(self.current)
        elif key == Qt.Key.Key_Delete:
            if self.current is not None:
                self.cancel_wanted.emit(self.current)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and last >= 0:
            self.setCurrentIndex(self.rows.index(0 if key == Qt.Key.Key_Home else last, 0))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Escape):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.rows.rowCount():
            at_top = self.rowAt(0)
            self.setCurrentIndex(self.rows.index(max(0, at_top), 0))
        self._mark()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._mark()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    @Slot(QModelIndex)
    def _entered(self, index: QModelIndex) -> None:
        self._hover(index.row())

    def _hover(self, row: int) -> None:
        if row != self._painter.hovered:
            left, self._painter.hovered = self._painter.hovered, row
            for changed in (left, row):
                if changed >= 0:
                    top = self.rowViewportPosition(changed)
                    self.viewport().update(0, top, self.viewport().width(), self.rowHeight(changed))

    @Slot(QModelIndex)
    def _clicked(self, index: QModelIndex) -> None:
        run = self.rows.run_at(index)
        if run is not None:
            self.pressed_run.emit(run)

    # -- room -------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        crowded = self.rows.segment in ("now", "failed")
        self.setColumnHidden(Column.WHY, crowded and event.size().width() < _WIDE)
        super().resizeEvent(event)


class RunList(ListPlace):
    """The table of a segment, or an empty state in its place."""

    clear_wanted = Signal()
    """Show everything again, whatever is filtered by."""

    def __init__(
        self, rows: RunRows, themes: ThemeController, name: str, empty: EmptyState, parent: QWidget
    ) -> None:
        table = RunTable(rows, themes, parent)
        table.setAccessibleName(name)
        nothing_found = EmptyState(
            translate("RunList", "Nothing fits"),
            translate("RunList", "No run here has these words and is of this kind."),
            translate("RunList", "Show all"),
        )
        super().__init__(table, lambda: rows.loaded, empty, nothing_found, parent)
        self.rows, self.table = rows, table
        nothing_found.pressed.connect(self.clear_wanted)
