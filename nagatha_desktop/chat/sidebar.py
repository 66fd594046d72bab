"""The list at the left: new chat, search, and the chats by day.

Owns the rows and the menu of a chat. What is done to a chat is the chat list's business; this
says what a person wants.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.groups import until_midnight
from nagatha_desktop.chat.sidebar_view import ChatRows, RowPainter, title_of
from nagatha_desktop.widgets.badges import wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Chat

_EDITING = QAbstractItemView.State.EditingState
_RETRY = 300
"""Milliseconds after which the list is filled that could not be filled now."""


def utc_now() -> datetime:
    """The clock that is used where no other is given."""
    return datetime.now(UTC)


class SearchField(QLineEdit):
    """Looks like a field; a click or a letter opens the search over all chats."""

    wanted = Signal(str)
    """Search, beginning with this text."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.wanted.emit("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        text = event.text()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.wanted.emit("")
        elif text and text.isprintable() and not event.modifiers():
            self.wanted.emit(text)
        else:
            super().keyPressEvent(event)


class Sidebar(QFrame):
    """See the module."""

    new_wanted = Signal()
    search_wanted = Signal(str)
    chat_wanted = Signal(str)
    """Open a chat (id)."""

    def __init__(
        self,
        chats: ChatList,
        themes: ThemeController,
        parent: QWidget | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(parent)
        set_role(self, "side")
        self._chats = chats
        self._themes = themes
        self._clock = clock
        self._current = ""
        column = QVBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, side, side, MEASURES.grid)
        column.setSpacing(MEASURES.grid)
        self.new_button = button(self.tr("New chat"), "primary", self)
        self.new_button.setIcon(icon(themes, "plus", "on_accent"))
        self.new_button.clicked.connect(self.new_wanted)
        column.addWidget(self.new_button)
        self.search_field = SearchField(self)
        self.search_field.setAccessibleName(self.tr("Search all chats"))
        self.search_field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.search_field.wanted.connect(self.search_wanted)
        column.addWidget(self.search_field)
        self.empty = wrapped(self.tr("Chats that you begin are listed here."), "small", self)
        self.empty.setContentsMargins(MEASURES.grid, MEASURES.grid, MEASURES.grid, 0)
        column.addWidget(self.empty)
        self.rows = ChatRows(self)
        self.view = self._make_view()
        column.addWidget(self.view, 1)
        self.archive_button = button(self.tr("Archive"), "row", self)
        self.archive_button.setIcon(icon(themes, "archive", "muted"))
        self.archive_button.setCheckable(True)
        self.archive_button.toggled.connect(self._show_archive)
        column.addWidget(self.archive_button)
        self._midnight = QTimer(self)
        self._midnight.setSingleShot(True)
        self._midnight.timeout.connect(self._fill)
        self._refill = QTimer(self)
        self._refill.setSingleShot(True)
        self._refill.setInterval(_RETRY)
        self._refill.timeout.connect(self._fill)
        chats.changed.connect(self._fill)
        self.rows.renamed.connect(chats.rename)
        self.set_keys("", "")
        self._fill()

    def _make_view(self) -> QListView:
        view = QListView(self)
        set_role(view, "side")
        view.setModel(self.rows)
        painter = RowPainter(self._themes, view)
        painter.closeEditor.connect(self._refill_soon)
        view.setItemDelegate(painter)
        view.setAccessibleName(self.tr("Chats"))
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.setMouseTracking(True)
        view.setUniformItemSizes(False)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._menu_at)
        view.clicked.connect(self._open)
        view.activated.connect(self._open)
        view.installEventFilter(self)
        return view

    def set_keys(self, new: str, search: str) -> None:
        """Show which keys do the same."""
        text = self.tr("New chat")
        self.new_button.setText(f"{text}  {new}" if new else text)
        sides = 2 * (MEASURES.grid * 3 // 2)
        self.new_button.ensurePolished()
        self.setFixedWidth(max(MEASURES.side_width, self.new_button.sizeHint().width() + sides))
        text = self.tr("Search all chats")
        self.search_field.setPlaceholderText(f"{text}  {search}" if search else text)

    def show_current(self, chat: str) -> None:
        """Mark the chat that is open; "" for one that is not begun yet."""
        self._current = chat
        index = self.rows.index_of(chat)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)
        else:
            self.view.setCurrentIndex(QModelIndex())
            self.view.clearSelection()

    def rename(self, chat: str) -> None:
        """Let the person type another title for a chat."""
        index = self.rows.index_of(chat)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.edit(index)

    @Slot()
    def _show_current_again(self) -> None:
        """What was pressed or looked at for a moment is not what is open."""
        if self.view.state() != _EDITING:
            self.show_current(self._current)

    @Slot()
    def _fill(self) -> None:
        if self.view.isVisible() and self.view.state() == _EDITING:
            # A title that is being typed is not taken away by a chat that moves.
            self._refill.start()
            return
        now = self._clock()
        archive = self.archive_button.isChecked()
        chats = self._chats.archive_chats if archive else self._chats.chats
        self.rows.show_chats(chats, now)
        self.empty.setText(
            self.tr("The archive is empty.")
            if archive
            else self.tr("Chats that you begin are listed here.")
        )
        self.empty.setVisible(self._chats.loaded and not chats)
        self.show_current(self._current)
        self._midnight.start(min(int(until_midnight(now) * 1000) + 1000, 86_400_000))

    @Slot()
    def _refill_soon(self) -> None:
        """A title was typed: what waited for it, and what is open, are shown again."""
        self._refill.start()

    @Slot(bool)
    def _show_archive(self, on: bool) -> None:
        if on:
            self._chats.load_archive()
        self._fill()

    def hideEvent(self, event: QEvent) -> None:
        self._midnight.stop()
        self._refill.stop()

    def showEvent(self, event: QEvent) -> None:
        self._fill()

    @Slot(QModelIndex)
    def _open(self, index: QModelIndex) -> None:
        chat = self.rows.chat_at(index)
        if chat is not None:
            self.chat_wanted.emit(chat.id)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            away = Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason
            if event.reason() not in away:
                self._show_current_again()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            chat = self.rows.chat_at(self.view.currentIndex())
            if chat is not None and event.key() == Qt.Key.Key_Delete:
                self._chats.delete(chat.id)
                return True
        return False

    @Slot(QPoint)
    def _menu_at(self, at: QPoint) -> None:
        chat = self.rows.chat_at(self.view.indexAt(at))
        if chat is None:
            chat = self.rows.chat_at(self.view.currentIndex())
        if chat is not None:
            menu = self.menu_for(chat, self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.view.viewport().mapToGlobal(at))

    def menu_for(self, chat: Chat, parent: QWidget) -> QMenu:
        """What can be done to a chat."""
        menu = QMenu(parent)
        menu.aboutToHide.connect(self._show_current_again)
        menu.setAccessibleName(self.tr("Chat {title}").format(title=title_of(chat)))
        chats, name = self._chats, chat.id
        for symbol, words, do in (
            ("edit", self.tr("Rename …"), lambda: self.rename(name)),
            (
                "unpin" if chat.pinned else "pin",
                self.tr("Unpin") if chat.pinned else self.tr("Pin"),
                lambda: chats.pin(name, not chat.pinned),
            ),
            (
                "undo" if chat.archived else "archive",
                self.tr("Take out of the archive") if chat.archived else self.tr("Archive"),
                lambda: chats.archive(name, not chat.archived),
            ),
            ("delete", self.tr("Delete"), lambda: chats.delete(name)),
        ):
            action = QAction(icon(self._themes, symbol, "muted"), words, menu)
            action.triggered.connect(do)
            menu.addAction(action)
        return menu
