"""The upper part of the window: the views, the menu, the search, and what was missed.

Owns these few controls and what they say. What follows from them is the window's business.
"""

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QMenu, QTabBar, QWidget

from nagatha_desktop.absences import Why
from nagatha_desktop.reminders.rows import VIEWS
from nagatha_desktop.reminders.words import missed_words
from nagatha_desktop.widgets.badges import Elided
from nagatha_desktop.widgets.buttons import button, icon_button
from nagatha_desktop.widgets.cards import EmptyState
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.reminders import ReminderView

ASK_AFTER = 150
"""Milliseconds of rest after which is searched."""
_SIDE = MEASURES.grid * 2
translate = QCoreApplication.translate


def view_word(view: ReminderView) -> str:
    """What a view is called."""
    texts: dict[ReminderView, str] = {
        "upcoming": translate("Reminders", "Upcoming"),
        "done": translate("Reminders", "Done", "view"),
        "missed": translate("Reminders", "Missed", "view"),
    }
    return texts[view]


def empty_state(view: ReminderView) -> EmptyState:
    """What would be here, and what to do first."""
    texts: dict[ReminderView, tuple[str, str, str]] = {
        "upcoming": (
            translate("Reminders", "Nothing to remember"),
            translate(
                "Reminders",
                "Write it in the line above, for example “pay rent every 1st at 9” or "
                "“call the dentist tomorrow at 8:15”.",
            ),
            translate("Reminders", "Write a reminder"),
        ),
        "done": (
            translate("Reminders", "Nothing is done yet"),
            translate("Reminders", "Press the circle of a reminder, and it moves here."),
            "",
        ),
        "missed": (
            translate("Reminders", "Nothing was missed"),
            translate(
                "Reminders",
                "What was due while Nagatha was off or paused, or the machine slept, is shown here "
                "until you answer it.",
            ),
            "",
        ),
    }
    return EmptyState(*texts[view])


class Top(QFrame):
    """The bar: what the window is, its views, and a menu."""

    turned = Signal(object)
    """Another view (ReminderView) was chosen."""
    search_wanted = Signal()
    import_wanted = Signal()
    export_wanted = Signal()
    settings_wanted = Signal()

    def __init__(self, themes: ThemeController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "bar")
        self.setFixedHeight(MEASURES.bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(_SIDE, 0, MEASURES.grid, 0)
        row.setSpacing(MEASURES.half)
        self.heading = Elided(self.tr("Reminders"), "title")
        row.addWidget(self.heading, 1)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.setAccessibleName(self.tr("What is shown"))
        for view in VIEWS:
            self.tabs.addTab(view_word(view))
        self.tabs.currentChanged.connect(self._turn)
        row.addWidget(self.tabs)
        self.more_button = icon_button(themes, "more", self.tr("More"))
        self.more_button.setFixedSize(MEASURES.button, MEASURES.button)
        self.more_button.clicked.connect(self._open_menu)
        row.addWidget(self.more_button)
        self.menu = QMenu(self)
        self.search_action = self.menu.addAction(
            icon(themes, "search"), self.tr("Search …"), self.search_wanted
        )
        self.menu.addSeparator()
        self.import_action = self.menu.addAction(
            icon(themes, "download"), self.tr("Import a calendar …"), self.import_wanted
        )
        self.export_action = self.menu.addAction(
            icon(themes, "upload"), self.tr("Export as a calendar …"), self.export_wanted
        )
        self.menu.addSeparator()
        self.menu.addAction(
            icon(themes, "settings"),
            self.tr("Quiet hours and missed reminders …"),
            self.settings_wanted,
        )

    @property
    def view(self) -> ReminderView:
        """The view that is chosen."""
        return VIEWS[self.tabs.currentIndex()]

    def go(self, view: ReminderView) -> None:
        """Choose a view."""
        self.tabs.setCurrentIndex(VIEWS.index(view))

    def show_missed(self, number: int) -> None:
        """Say how many were missed."""
        word = view_word("missed")
        text = f"{word} {number}" if number else word
        at = VIEWS.index("missed")
        if text != self.tabs.tabText(at):
            self.tabs.setTabText(at, text)

    @Slot(int)
    def _turn(self, at: int) -> None:
        self.turned.emit(VIEWS[at])

    @Slot()
    def _open_menu(self) -> None:
        corner = QPoint(self.more_button.width() - self.menu.sizeHint().width(), 0)
        below = QPoint(0, self.more_button.height())
        self.menu.popup(self.more_button.mapToGlobal(corner + below))


class SearchLine(QWidget):
    """Looks for words in reminders. Hidden until it is wanted; Esc ends it."""

    changed = Signal(str)
    """Look for this; "" for nothing."""
    left = Signal()
    """The keyboard wants to go on to the list."""

    def __init__(self, themes: ThemeController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(MEASURES.half)
        self.field = QLineEdit()
        name = self.tr("Search reminders")
        self.field.setAccessibleName(name)
        self.field.setPlaceholderText(name)
        self.field.addAction(
            icon(themes, "search", "muted"), QLineEdit.ActionPosition.LeadingPosition
        )
        self.field.textChanged.connect(self._typed)
        self.field.installEventFilter(self)
        row.addWidget(self.field, 1)
        self.close_button = icon_button(themes, "close", self.tr("End the search"))
        self.close_button.clicked.connect(self.end)
        row.addWidget(self.close_button)
        self._ask = QTimer(self)
        self._ask.setSingleShot(True)
        self._ask.setInterval(ASK_AFTER)
        self._ask.timeout.connect(self._search)
        self.hide()

    @Slot()
    def begin(self) -> None:
        """Show it, and go there."""
        self.show()
        self.field.setFocus()
        self.field.selectAll()

    @Slot()
    def end(self) -> None:
        """Look for nothing any more."""
        self.field.clear()
        self.hide()
        self._search()
        self.left.emit()

    def stop(self) -> None:
        """Nobody looks any more."""
        self._ask.stop()

    @Slot()
    def _typed(self) -> None:
        self._ask.start()

    @Slot()
    def _search(self) -> None:
        self._ask.stop()
        self.changed.emit(self.field.text())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if event.key() == Qt.Key.Key_Escape:
            self.end()
            return True
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._search()
            self.left.emit()
            return True
        return False


class MissedBar(QFrame):
    """Says how many were due while nobody was there. It takes no room while none were."""

    show_wanted = Signal()
    done_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "error", "warn")
        row = QHBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        row.setContentsMargins(side, MEASURES.grid, side, MEASURES.grid)
        row.setSpacing(MEASURES.grid)
        self.words = Elided("", "strong")
        row.addWidget(self.words, 1)
        self.show_button = button(self.tr("Show"), name=self.tr("Show what was missed"))
        self.show_button.clicked.connect(self.show_wanted)
        row.addWidget(self.show_button)
        self.done_button = button(
            self.tr("Done with all"), name=self.tr("Done with all that was missed")
        )
        self.done_button.clicked.connect(self.done_wanted)
        row.addWidget(self.done_button)
        self.hide()

    def show_number(self, number: int, why: Why) -> None:
        """Say it, and why nobody was there where that is known; or nothing for 0."""
        self.words.set_text(missed_words(number, why))
        self.setVisible(number > 0)
