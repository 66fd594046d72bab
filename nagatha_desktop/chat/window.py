"""The chat window: bar, list of chats, conversation, and what lies over them.

Owns how these parts are put together and what is done to whole chats. What is said in a chat is
the conversation's affair.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.asked import Asked
from nagatha_desktop.chat.chat_list import NEW, ChatList
from nagatha_desktop.chat.conversation import Conversation
from nagatha_desktop.chat.model import ChatModel
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.notices import Notices
from nagatha_desktop.chat.sidebar import Sidebar
from nagatha_desktop.chat.sidebar_view import title_of
from nagatha_desktop.chat.top_bar import TopBar
from nagatha_desktop.shortcuts import Keys, WindowKeys, key_text
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.toast import Toast
from nagatha_desktop.widgets.tokens import MEASURES
from nagatha_desktop.widgets.window import Window
from worker.contract.routines import Approval
from worker.contract.types import Chat, Problem

if TYPE_CHECKING:
    from nagatha_desktop.chat.search import SearchPopup

SIZE = (900, 640)
_NARROW = MEASURES.grid * 76
"""A window narrower than this has no room for the list beside the conversation."""
_IN_PLACE = frozenset({"invalid", "too_large", "not_found", "conflict"})
"""Kinds of problems that are answered to what a person just did: said in passing."""


class ChatWindow(Window):
    """See the module."""

    settings_wanted = Signal(str)
    """Open the settings at this page ("" for the first)."""
    activity_wanted = Signal()
    reminders_wanted = Signal()
    """Show what runs in the background, or failed there."""
    quick_wanted = Signal()
    quit_wanted = Signal()
    restart_wanted = Signal()
    """Try again to start the engine."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        state: WindowState,
        keys: Keys,
        watch: EngineWatch,
        chats: ChatList,
        models: Models,
    ) -> None:
        super().__init__("chat", self.tr("Nagatha"), SIZE, state, escape_closes=False)
        self._state = state
        self._keys = keys
        self._themes = themes
        self._bridge = bridge
        self._page: QWidget | None = None
        self._narrow = False
        self.chats = chats
        self.model = ChatModel(bridge, chats, parent=self)
        self.bar = TopBar(themes, watch, self)
        self.sidebar = Sidebar(chats, themes, self)
        self.notices = Notices(self)
        self.conversation = Conversation(self.model, models, bridge, themes, self)
        self.transcript = self.conversation.transcript
        self.composer = self.conversation.composer
        self._asked = Asked(self.model, watch.approvals, self.transcript, self)
        self._lay_out()
        self._search: SearchPopup | None = None
        self.toast = Toast(self.transcript)
        self._connect()
        self._window_keys = WindowKeys(self, keys, self._handlers())
        self._order_of_tabs()
        self._show_keys()
        self._state_changed("send_with_enter")
        self._show_chat()
        self.model.drafts.start_with(NEW, state.text("new_chat_draft"))
        self.composer.show_draft(self.model.drafts.text(NEW))
        self.setMinimumSize(MEASURES.grid * 56, MEASURES.grid * 44)
        self.composer.setFocus()

    # -- how it is put together -----------------------------------------------------------------

    def _lay_out(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        below = QHBoxLayout()
        below.setSpacing(0)
        whole.addLayout(below, 1)
        below.addWidget(self.sidebar)
        self._main = QVBoxLayout()
        self._main.setSpacing(0)
        self._main.addWidget(self.notices)
        self._main.addWidget(self.conversation, 1)
        below.addLayout(self._main, 1)
        self.sidebar.setVisible(self._state.flag("sidebar"))

    def _order_of_tabs(self) -> None:
        composer = self.composer
        order: list[QWidget] = [
            self.bar.sidebar_button,
            self.bar.more_button,
            self.bar.work,
            self.sidebar.new_button,
            self.sidebar.search_field,
            self.sidebar.view,
            self.sidebar.archive_button,
            self.transcript.column,
            composer.box,
            composer.attach_button,
            composer.model_button,
            composer.send_button,
            composer.stop_button,
        ]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

    def _connect(self) -> None:
        talk = self.conversation
        self.model.chat_changed.connect(self._chat_changed)
        self.model.notice.connect(self.notices.add)
        talk.problem.connect(self.tell)
        talk.told.connect(self.toast.say)
        talk.settings_wanted.connect(self.settings_wanted)
        talk.new_chat_wanted.connect(self.new_chat)
        self.composer.text_changed.connect(self._typed)
        self.sidebar.new_wanted.connect(self.new_chat)
        self.sidebar.search_wanted.connect(self.open_search)
        self.sidebar.chat_wanted.connect(self.open_chat)
        self.chats.deleted.connect(self._deleted)
        self.chats.archived.connect(self._archived)
        self.chats.problem.connect(self.tell)
        self.toast.pressed.connect(self._undo)
        self.notices.action_wanted.connect(self._act_on_notice)
        self.bar.sidebar_wanted.connect(self.toggle_sidebar)
        self.bar.menu_wanted.connect(self._open_menu)
        self.bar.activity_wanted.connect(self.activity_wanted)
        self._keys.changed.connect(self._show_keys)
        self._state.changed.connect(self._state_changed)

    def _handlers(self) -> Mapping[str, Callable[[], object]]:
        return {
            "chat.new": self.new_chat,
            "chat.search_all": self.open_search,
            "chat.find": self.transcript.open_find,
            "chat.stop": self.escape,
            "chat.copy_answer": self.conversation.copy_last_answer,
            "chat.retry": self.conversation.retry_last,
            "chat.attach": self.composer.choose_files,
            "chat.model": self.composer.choose_model,
            "chat.rename": self.rename_open,
            "chat.focus": self.composer.setFocus,
            "chat.sidebar": self.toggle_sidebar,
            "window.chat": self.bring_up,
            "window.reminders": self.reminders_wanted.emit,
            "window.activity": self.activity_wanted.emit,
            "window.settings": self.open_settings,
            "window.quick": self.quick_wanted.emit,
            "help.shortcuts": self.show_shortcuts,
            "program.quit": self.quit_wanted.emit,
        }

    # -- which chat ---------------------------------------------------------------------------

    @Slot()
    def new_chat(self) -> None:
        """Show an empty chat, ready to type."""
        self._leave_page()
        self.model.new_chat()
        self.composer.setFocus()

    @Slot(str)
    def open_chat(self, chat: str) -> None:
        """Show a chat, ready to type."""
        self._leave_page()
        self.model.open(chat)
        self.composer.setFocus()

    @property
    def search(self) -> "SearchPopup":
        """The search over all chats, made when it is first wanted."""
        if self._search is None:
            from nagatha_desktop.chat.search import SearchPopup

            self._search = SearchPopup(self._bridge, self.chats, self._themes, self)
            self._search.hit_wanted.connect(self.open_hit)
            self._search.closed.connect(self.composer.setFocus)
        return self._search

    @Slot()
    @Slot(str)
    def open_search(self, text: str = "") -> None:
        """Search all chats, beginning with `text`."""
        self.search.open(text)

    @Slot(str, str, str)
    def open_hit(self, chat: str, message: str, text: str) -> None:
        """Show a chat where a search found something."""
        self._leave_page()
        if message:
            self.model.open_at(chat, message, text)
        else:
            self.model.open(chat)

    def show_approval(self, approval: Approval) -> None:
        """Show what a tool asks for, at the answer that waits for it."""
        self._leave_page()
        chat, message = approval.chat or "", approval.message or ""
        self._asked.show(approval)
        if message and self.model.message(message) is None:
            self.model.open_at(chat, message)
        elif not message:
            self.model.open(chat)

    @Slot()
    def _show_chat(self) -> None:
        chat = self.model.chat
        title = title_of(chat) if chat is not None else self.tr("New chat")
        self.bar.set_chat(title, chat is not None)
        self.setWindowTitle(self.tr("{title} – Nagatha").format(title=title))
        self.sidebar.show_current(self.model.chat_id)

    @Slot()
    def _chat_changed(self) -> None:
        self._show_chat()
        self._state.set("last_chat", self.model.chat_id)
        # A question that began a chat is no draft of the next one.
        self._state.set("new_chat_draft", self.model.drafts.text(NEW))

    @Slot()
    def rename_open(self) -> None:
        """Let the person type another title for the open chat."""
        if self.model.chat is not None:
            self.sidebar.show()
            self.sidebar.rename(self.model.chat.id)

    @Slot(QPoint)
    def _open_menu(self, at: QPoint) -> None:
        if self.model.chat is not None:
            menu = self.sidebar.menu_for(self.model.chat, self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(at)

    @Slot(object)
    def _deleted(self, chat: Chat) -> None:
        text = self.tr("“{title}” was deleted.").format(title=title_of(chat))
        self.toast.say(text, self.tr("Undo"), f"undelete:{chat.id}")

    @Slot(object)
    def _archived(self, chat: Chat) -> None:
        if chat.archived:
            text = self.tr("“{title}” was archived.").format(title=title_of(chat))
            self.toast.say(text, self.tr("Undo"), f"unarchive:{chat.id}")
        else:
            self.toast.say(self.tr("“{title}” is back.").format(title=title_of(chat)))

    @Slot(str)
    def _undo(self, token: str) -> None:
        what, _, chat = token.partition(":")
        if what == "undelete":
            self.chats.undelete(chat)
        elif what == "unarchive":
            self.chats.archive(chat, False)

    # -- telling ---------------------------------------------------------------------------------

    @Slot(object)
    def tell(self, problem: Problem) -> None:
        """Say that something did not work: in passing, or as a card where more is at stake."""
        if problem.kind in _IN_PLACE and not problem.action:
            words = (problem.title.rstrip("."), problem.message)
            self.toast.say(". ".join(part for part in words if part))
        else:
            self.notices.add(problem)

    @Slot(str, object)
    def _act_on_notice(self, action: str, problem: Problem) -> None:
        if action in ("retry", "wait"):
            self.restart_wanted.emit()
        elif action == "new_chat":
            self.new_chat()
        elif action == "choose_model":
            self.composer.choose_model()
        else:
            pages = {"models": "models", "restore": "data"}
            self.settings_wanted.emit(pages.get(action, ""))

    def show_page(self, page: QWidget | None) -> None:
        """Show `page` in place of the conversation (the first start); None takes it away."""
        if self._page is not None:
            self._main.removeWidget(self._page)
            self._page.hide()
            self._page.deleteLater()
        self._page = page
        self.conversation.setVisible(page is None)
        if page is not None:
            self._main.addWidget(page, 1)
            page.show()
            self.bar.set_chat(page.accessibleName(), False)
            self.setWindowTitle(self.tr("{title} – Nagatha").format(title=page.accessibleName()))
        else:
            self._show_chat()
            self.composer.setFocus()

    def _leave_page(self) -> None:
        """Whoever wants a chat is shown it, whatever stands in its place."""
        if self._narrow:
            self.sidebar.hide()
        if self._page is not None:
            self.show_page(None)

    @Slot()
    def escape(self) -> None:
        """Esc: close what lies over the conversation, else leave the edit, else stop."""
        bar = self.transcript.find_bar
        if self._search is not None and self._search.isVisible():
            self._search.close_popup()
        elif bar.isVisible() and bar.isAncestorOf(self.focusWidget()):
            bar.shut()
        else:
            self.composer.escape()

    # -- the rest --------------------------------------------------------------------------------

    @Slot()
    def open_settings(self) -> None:
        """Open the settings at their first page."""
        self.settings_wanted.emit("")

    @Slot()
    def show_shortcuts(self) -> None:
        """List all keys."""
        self.show_shortcuts_beside(self)

    @Slot(object)
    def show_shortcuts_beside(self, window: QWidget) -> None:
        """List all keys beside another window than this one."""
        from nagatha_desktop.chat.shortcuts_window import ShortcutsWindow

        listed = ShortcutsWindow(self._keys, window)
        listed.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        listed.show()

    @Slot()
    def toggle_sidebar(self) -> None:
        """Show or hide the list of chats."""
        shown = not self.sidebar.isVisibleTo(self)
        if not self._narrow:
            # In a narrow window it is only looked at; how a wide one was left stays.
            self._state.set("sidebar", shown)
        self.sidebar.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        narrow = event.size().width() < _NARROW
        if narrow != self._narrow:
            self._narrow = narrow
            self.sidebar.setVisible(not narrow and self._state.flag("sidebar"))
        super().resizeEvent(event)

    @Slot(str)
    def _typed(self, text: str) -> None:
        if not self.model.chat_id:
            self._state.set("new_chat_draft", text)

    @Slot()
    def _show_keys(self) -> None:
        self.sidebar.set_keys(
            key_text(self._keys.key("chat.new")), key_text(self._keys.key("chat.search_all"))
        )

    @Slot(str)
    def _state_changed(self, key: str) -> None:
        if key == "send_with_enter":
            self.composer.box.send_with_enter = self._state.flag(key)
