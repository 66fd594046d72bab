"""The settings window: a list of pages at the left, the page at the right.

Owns which pages there are and which one is shown. Everything applies at once: there is nothing to
confirm and nothing to lose by closing it.
"""

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.outside import Outside
from nagatha_desktop.settings.page import Page, Problems
from nagatha_desktop.settings.pages.connection import ConnectionPage
from nagatha_desktop.settings.pages.data import DataPage
from nagatha_desktop.settings.pages.general import GeneralPage
from nagatha_desktop.settings.pages.models import ModelsPage
from nagatha_desktop.settings.pages.modules import ModulesPage
from nagatha_desktop.settings.pages.reminders import RemindersPage
from nagatha_desktop.settings.pages.shortcuts import ShortcutsPage
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.badges import Elided
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from nagatha_desktop.widgets.window import Window
from worker.contract.types import Problem

SIZE = (720, 560)
_NAME = Qt.ItemDataRole.UserRole
_SIDE = MEASURES.grid * 21
_ACTIONS: Mapping[str, str] = {
    "models": "models",
    "choose_model": "models",
    "settings": "general",
    "restore": "data",
}
"""What the button of an error card asks for, and the page that has it."""


class SettingsWindow(Window):
    """See the module. The page that is shown is read again whenever the window comes up."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        state: WindowState,
        keys: Keys,
        watch: EngineWatch,
        outside: Outside,
    ) -> None:
        super().__init__("settings", self.tr("Settings – Nagatha"), SIZE, state)
        self._watch = watch
        self._told: set[Problem] = set()
        self.store = SettingsStore(bridge, self)
        self.shortcuts = ShortcutsPage(state, keys, outside)
        self.pages: dict[str, Page] = {
            "general": GeneralPage(bridge, state, self.store, outside),
            "models": ModelsPage(bridge, themes, self.store),
            "reminders": RemindersPage(self.store, watch.reminders),
            "connection": ConnectionPage(bridge, watch, self.store),
            "data": DataPage(bridge, self.store),
            "modules": ModulesPage(bridge, self.store),
            "shortcuts": self.shortcuts,
        }
        self._lay_out()
        self.store.failed.connect(self.notices.tell)
        watch.changed.connect(self._show_notices)
        self.setMinimumSize(MEASURES.grid * 70, MEASURES.grid * 45)
        self.show_page("general")
        self._show_notices()
        self.store.load()

    def _lay_out(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        bar = QFrame()
        set_role(bar, "bar")
        bar.setFixedHeight(MEASURES.bar)
        inside = QHBoxLayout(bar)
        inside.setContentsMargins(MEASURES.grid * 2, 0, MEASURES.grid * 2, 0)
        self.heading = Elided(self.tr("Settings"), "title")
        inside.addWidget(self.heading, 1)
        whole.addWidget(bar)
        below = QHBoxLayout()
        below.setSpacing(0)
        whole.addLayout(below, 1)
        side = QFrame()
        set_role(side, "side")
        column = QVBoxLayout(side)
        margin = MEASURES.grid * 3 // 2
        column.setContentsMargins(margin, margin, margin, margin)
        self.list = QListWidget()
        set_role(self.list, "pages")
        self.list.setAccessibleName(self.tr("Pages of the settings"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for name, page in self.pages.items():
            item = QListWidgetItem(page.accessibleName())
            item.setData(_NAME, name)
            item.setSizeHint(QSize(0, MEASURES.button))
            self.list.addItem(item)
        self.list.currentItemChanged.connect(self._turn)
        column.addWidget(self.list)
        names = [page.accessibleName() for page in self.pages.values()]
        widest = max(map(QFontMetrics(self.list.font()).horizontalAdvance, names))
        side.setFixedWidth(max(_SIDE, widest + 2 * margin + 4 * MEASURES.grid))
        below.addWidget(side)
        right = QVBoxLayout()
        right.setSpacing(0)
        self.notices = Problems()
        inset = QHBoxLayout()
        inset.setContentsMargins(MEASURES.grid * 3, 0, MEASURES.grid * 3, 0)
        inset.addWidget(self.notices)
        right.addLayout(inset)
        self.notices.setContentsMargins(0, MEASURES.grid * 2, 0, 0)
        self.notices.action_wanted.connect(self.act)
        self.stack = QStackedWidget()
        for page in self.pages.values():
            page.action_wanted.connect(self.act)
            self.stack.addWidget(page)
        right.addWidget(self.stack, 1)
        below.addLayout(right, 1)
        QWidget.setTabOrder(self.list, self.stack)

    @property
    def page(self) -> str:
        """The name of the page that is shown."""
        item = self.list.currentItem()
        return str(item.data(_NAME)) if item is not None else ""

    def show_page(self, name: str) -> None:
        """Turn to a page by its name or by what a card's button asks for; "" stays here."""
        wanted = _ACTIONS.get(name, name)
        if wanted in self.pages:
            self.list.setCurrentRow(list(self.pages).index(wanted))

    @Slot(QListWidgetItem, QListWidgetItem)
    def _turn(self, item: QListWidgetItem | None, _: QListWidgetItem | None) -> None:
        if item is not None:
            page = self.pages[str(item.data(_NAME))]
            self.stack.setCurrentWidget(page)
            self.heading.set_text(self.tr("Settings › {page}").format(page=page.accessibleName()))

    @Slot(str)
    def hotkey_refused(self, reason: str) -> None:
        """The key that works everywhere could not be had."""
        self.shortcuts.hotkey_refused(reason)

    @Slot(str)
    def act(self, action: str) -> None:
        """A card's button that no page has an answer to."""
        if action in ("retry", "wait"):
            self.notices.clear()
            self.store.load()
        else:
            self.show_page(action)

    @Slot()
    def _show_notices(self) -> None:
        """What the engine has to say about its settings, once each."""
        told = self._watch.engine.notices if self._watch.engine is not None else ()
        for problem in told:
            if problem not in self._told:
                self._told.add(problem)
                self.notices.add(problem, "warn")
