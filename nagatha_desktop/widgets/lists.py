"""What lists of many rows have in common: a table that reads on as it is scrolled, and what stands
in its place while it has no rows.

Owns their looks and nothing else: what a row is, and its keys, is the business of whoever has it.
"""

from collections.abc import Callable

from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QStackedWidget,
    QTableView,
    QWidget,
)

from nagatha_desktop.widgets.cards import EmptyState
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController

_AHEAD = 3
"""Windowfuls before the end at which the next page is read."""


class RowTable(QTableView):
    """A table that is moved through row by row, like a list. Whoever has it sets the delegate."""

    def __init__(
        self,
        rows: QAbstractItemModel,
        themes: ThemeController,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        set_role(self, "bare")
        self._themes = themes
        self.setModel(rows)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        themes.changed.connect(self.viewport().update)
        # Who paints every pixel may have the rest moved when it is scrolled.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def look_at(self, index: QModelIndex) -> bool:
        """Go to a row; False where it is not here."""
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)
        return index.isValid()

    def paintEvent(self, event: QPaintEvent) -> None:
        ground = QPainter(self.viewport())
        ground.fillRect(event.rect(), QColor(self._themes.current.background))
        ground.end()
        super().paintEvent(event)

    @Slot(int)
    def _scrolled(self, value: int) -> None:
        bar = self.verticalScrollBar()
        if value + _AHEAD * bar.pageStep() >= bar.maximum():
            self.model().fetchMore(QModelIndex())


class ListPlace(QStackedWidget):
    """A table, or what stands in its place: nothing yet, an empty state, or nothing that fits."""

    def __init__(
        self,
        table: RowTable,
        loaded: Callable[[], bool],
        empty: EmptyState,
        nothing_found: EmptyState,
        parent: QWidget,
    ) -> None:
        """`loaded` says whether the rows were read. `nothing_found` stands for no row while
        something was left out (`set_narrowed`)."""
        super().__init__(parent)
        self._rows = table.model()
        self._list = table
        self._loaded = loaded
        self.empty = empty
        self.nothing_found = nothing_found
        self.waiting = QWidget()
        for widget in (table, empty, nothing_found, self.waiting):
            self.addWidget(widget)
        self._narrowed = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.show_state)
        self._rows.modelReset.connect(self.show_state)
        self._rows.rowsInserted.connect(self.show_state)
        self._rows.rowsRemoved.connect(self._removed)
        self.show_state()

    def set_narrowed(self, narrowed: bool) -> None:
        """Whether a person looks for something, or left something out."""
        self._narrowed = narrowed
        self.show_state()

    @Slot()
    def _removed(self) -> None:
        # What moves leaves its place before it has another.
        self._later.start(0)

    @Slot()
    def show_state(self) -> None:
        """Show the rows, or what stands for none."""
        if self._rows.rowCount():
            self.setCurrentWidget(self._list)
        elif not self._loaded():
            self.setCurrentWidget(self.waiting)
        else:
            self.setCurrentWidget(self.nothing_found if self._narrowed else self.empty)
