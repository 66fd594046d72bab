"""The bar at the top of the chat window: what is open, and how the engine is.

Owns these few labels and buttons.
"""

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.badges import Badge, BadgeButton, Elided
from nagatha_desktop.widgets.buttons import icon_button
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES


class TopBar(QFrame):
    """See the module."""

    sidebar_wanted = Signal()
    """Show or hide the list of chats."""
    menu_wanted = Signal(QPoint)
    """What can be done to the open chat; where on the screen."""
    activity_wanted = Signal()
    """Show what runs, or what failed."""

    def __init__(
        self, themes: ThemeController, watch: EngineWatch, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_role(self, "bar")
        self.setFixedHeight(MEASURES.bar)
        self._watch = watch
        row = QHBoxLayout(self)
        row.setContentsMargins(MEASURES.grid, 0, MEASURES.grid * 2, 0)
        row.setSpacing(MEASURES.grid)
        self.sidebar_button = icon_button(themes, "menu", self.tr("Show or hide the chats"), self)
        self.sidebar_button.clicked.connect(self.sidebar_wanted)
        row.addWidget(self.sidebar_button)
        self.title = Elided(self.tr("Nagatha"), "title", self)
        row.addWidget(self.title, 1)
        self.more_button = icon_button(themes, "more", self.tr("This chat"), self, colour="muted")
        self.more_button.clicked.connect(self._more)
        row.addWidget(self.more_button)
        self.work = BadgeButton(self)
        self.work.clicked.connect(self.activity_wanted)
        row.addWidget(self.work)
        self.place = Badge("", "muted", self)
        row.addWidget(self.place)
        watch.changed.connect(self._show)
        self._show()

    def set_chat(self, title: str, begun: bool) -> None:
        """Name the open chat; one that is not begun has no menu."""
        self.title.set_text(title)
        self.more_button.setVisible(begun)

    @Slot()
    def _more(self) -> None:
        below = QPoint(0, self.more_button.height())
        self.menu_wanted.emit(self.more_button.mapToGlobal(below))

    @Slot()
    def _show(self) -> None:
        mood = self._watch.mood
        if mood == "starting":
            self.place.say(self.tr("Starting …"), "muted")
        elif mood == "error":
            self.place.say(self.tr("● Engine stopped"), "bad")
        else:
            self.place.say(self.tr("● This computer"), "ok")
        self._show_work()

    def _show_work(self) -> None:
        running, failures = self._watch.running, self._watch.failures
        if failures:
            self.work.say(self.tr("{number} failed").format(number=failures), "bad")
        elif running:
            self.work.say(self.tr("{number} running").format(number=running), "accent")
        elif self._watch.paused:
            self.work.say(self.tr("Paused"), "warn")
        self.work.setVisible(bool(failures or running or self._watch.paused))
        self.work.setAccessibleName(
            self.tr("Activity: {state}").format(state=self.work.text().strip())
        )
