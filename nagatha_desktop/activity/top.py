"""The upper part of the activity window: segments with their numbers, the filter, the pause.

Owns these few controls and what they say. What follows from them is the window's business.
"""

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.activity import words
from nagatha_desktop.activity.segments import SEGMENTS, Filter, Segment
from nagatha_desktop.widgets.badges import Elided
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import EmptyState
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import RunKind

ASK_AFTER = 150
"""Milliseconds of rest after which is searched."""
SCHEDULES = len(SEGMENTS)
"""The place of the schedules, behind the segments."""
translate = QCoreApplication.translate
_KINDS: tuple[RunKind, ...] = ("answer", "task", "title", "maintenance", "backup")


class Top(QWidget):
    """See the module."""

    turned = Signal(int)
    """Another place was chosen: a segment's, or that of the schedules."""
    filter_changed = Signal(object)
    """Show only what fits this (Filter)."""
    list_wanted = Signal()
    """The keyboard wants to go from the filter to the list."""
    pause_wanted = Signal()

    def __init__(self, themes: ThemeController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._ask = QTimer(self)
        self._ask.setSingleShot(True)
        self._ask.setInterval(ASK_AFTER)
        self._ask.timeout.connect(self._search)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._bar())
        whole.addWidget(self._tools())
        self.tabs.currentChanged.connect(self._turn)
        self.field.textChanged.connect(self._typed)
        self.field.installEventFilter(self)
        self.kinds.currentIndexChanged.connect(self._search)
        self.pause_button.clicked.connect(self.pause_wanted)
        self.show_paused(False)

    def _bar(self) -> QFrame:
        bar = QFrame()
        set_role(bar, "bar")
        bar.setFixedHeight(MEASURES.bar)
        row = QHBoxLayout(bar)
        row.setContentsMargins(MEASURES.grid * 2, 0, MEASURES.grid * 2, 0)
        row.setSpacing(MEASURES.grid)
        self.heading = Elided(self.tr("Activity"), "title")
        row.addWidget(self.heading, 1)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.setAccessibleName(self.tr("What is shown"))
        for segment in SEGMENTS:
            self.tabs.addTab(segment_word(segment))
        self.tabs.addTab(self.tr("Schedules"))
        row.addWidget(self.tabs)
        return bar

    def _tools(self) -> QWidget:
        self.tools = QWidget()
        row = QHBoxLayout(self.tools)
        side, above = MEASURES.grid * 2, MEASURES.grid * 3 // 2
        row.setContentsMargins(side, above, side, above)
        row.setSpacing(MEASURES.grid)
        self.field = QLineEdit()
        self.field.setAccessibleName(self.tr("Filter the runs"))
        self.clear_action = QAction(
            icon(self._themes, "close", "muted"), self.tr("Clear the filter"), self.field
        )
        self.clear_action.triggered.connect(self.clear_filter)
        self.field.addAction(self.clear_action, QLineEdit.ActionPosition.TrailingPosition)
        self.clear_action.setVisible(False)
        row.addWidget(self.field, 1)
        self.kinds = QComboBox()
        self.kinds.setAccessibleName(self.tr("Kind of run"))
        self.kinds.addItem(self.tr("All kinds"), "")
        for kind in _KINDS:
            self.kinds.addItem(words.kind_word(kind), kind)
        row.addWidget(self.kinds)
        self.pause_button = button("", "secondary")
        row.addWidget(self.pause_button)
        return self.tools

    # -- what is said -------------------------------------------------------------------------

    @property
    def at(self) -> int:
        """The place that is chosen."""
        return self.tabs.currentIndex()

    def go(self, at: int) -> None:
        """Choose a place."""
        self.tabs.setCurrentIndex(at)

    def show_number(self, segment: Segment, number: str) -> None:
        """Say how many runs a segment has; "" for nothing to say."""
        word = segment_word(segment)
        text = f"{word} {number}" if number else word
        at = SEGMENTS.index(segment)
        if text != self.tabs.tabText(at):
            self.tabs.setTabText(at, text)

    def show_paused(self, paused: bool) -> None:
        """Offer to go on, or to pause."""
        text = self.tr("Resume background work") if paused else self.tr("Pause background work")
        self.pause_button.setText(text)
        self.pause_button.setAccessibleName(text)

    def show_key(self, key: str) -> None:
        """Say which key leads to the filter."""
        text = self.tr("Filter by name, argument, error or chat")
        self.field.setPlaceholderText(f"{text}  {key}" if key else text)

    # -- the filter ---------------------------------------------------------------------------

    @property
    def filter(self) -> Filter:
        """What is to be seen."""
        kind = self.kinds.currentData()
        return Filter(self.field.text().strip(), tuple(k for k in _KINDS if k == kind))

    def focus_filter(self) -> None:
        """Go to the filter."""
        self.field.setFocus()
        self.field.selectAll()

    @Slot()
    def clear_filter(self) -> None:
        """Leave nothing out; said at once."""
        self.field.clear()
        self.kinds.setCurrentIndex(0)
        self._search()

    def stop(self) -> None:
        """Nobody looks any more."""
        self._ask.stop()

    @Slot(int)
    def _turn(self, at: int) -> None:
        self.field.setEnabled(at != SCHEDULES)
        self.kinds.setEnabled(at != SCHEDULES)
        self.turned.emit(at)

    @Slot()
    def _typed(self) -> None:
        self.clear_action.setVisible(bool(self.field.text()))
        self._ask.start()

    @Slot()
    def _search(self) -> None:
        self._ask.stop()
        self.filter_changed.emit(self.filter)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self.field.text():
            self.clear_filter()
            return True
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.list_wanted.emit()
            return True
        return False


def segment_word(segment: Segment) -> str:
    """What a segment is called."""
    words_for: dict[Segment, str] = {
        "now": translate("Activity", "Now"),
        "waiting": translate("Activity", "Waiting", "segment"),
        "failed": translate("Activity", "Failed", "segment"),
        "done": translate("Activity", "Done", "segment"),
    }
    return words_for[segment]


def empty_state(segment: Segment) -> EmptyState:
    """What would be here, for a segment without runs."""
    texts: dict[Segment, tuple[str, str]] = {
        "now": (
            translate("Activity", "Nothing is running"),
            translate(
                "Activity",
                "Answers, tasks of modules and maintenance are shown here while they are at work.",
            ),
        ),
        "waiting": (
            translate("Activity", "Nothing waits"),
            translate(
                "Activity",
                "What is queued, waits for its time or is tried again is shown here.",
            ),
        ),
        "failed": (
            translate("Activity", "Nothing failed"),
            translate(
                "Activity",
                "What went wrong is shown here, with the reason and a way to do it again.",
            ),
        ),
        "done": (
            translate("Activity", "Nothing is done yet"),
            translate("Activity", "What ended well, or was cancelled, is kept here for a while."),
        ),
    }
    return EmptyState(*texts[segment])
