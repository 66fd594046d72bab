"""The list of chats, and what a person does to one of them as a whole.

Owns which chats there are outside the archive and the bin, and what stands unsent in the box of
each. Knows the contract and the bridge; no widget.
"""

from collections.abc import Awaitable, Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.bridge import Bridge
from worker.contract.events import ChatChanged, DataReplaced, Event
from worker.contract.services import Client
from worker.contract.types import Chat, Problem

DRAFT_AFTER = 600
"""Milliseconds of rest after which a draft is kept."""
NEW = ""
"""Stands for the chat that is not begun yet, where drafts are concerned."""


class ChatList(QObject):
    """All chats that a person sees at the left."""

    changed = Signal()
    """The list is another one: see `chats`."""
    chat_put = Signal(object)
    """A chat is known anew, listed or not (Chat)."""
    deleted = Signal(object)
    """A chat was deleted from here (Chat); it can be undone."""
    archived = Signal(object)
    """A chat was put into the archive from here, or taken out of it (Chat)."""
    restored = Signal(object)
    """A deleted chat is back (Chat)."""
    problem = Signal(object)
    """Something that was asked for did not work (Problem)."""

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._chats: dict[str, Chat] = {}
        self._archive: dict[str, Chat] | None = None
        self._loaded = False
        bridge.listen(self, self._take)

    @property
    def chats(self) -> tuple[Chat, ...]:
        """Chats of the list, in no order."""
        return tuple(self._chats.values())

    @property
    def archive_chats(self) -> tuple[Chat, ...]:
        """Chats of the archive, in no order; none before `load_archive`."""
        return tuple((self._archive or {}).values())

    @property
    def loaded(self) -> bool:
        """Whether the list was read at all."""
        return self._loaded

    @property
    def running(self) -> int:
        """In how many of them an answer is being written."""
        return sum(chat.running for chat in self._chats.values())

    def find(self, chat: str) -> Chat | None:
        """The chat with this id, if it is listed or in the archive."""
        return self._chats.get(chat) or (self._archive or {}).get(chat)

    def load(self) -> None:
        """Read the list."""

        def done(chats: tuple[Chat, ...]) -> None:
            self._loaded = True
            self._chats = {chat.id: chat for chat in chats}
            self.changed.emit()

        self._bridge.call(
            lambda client: client.chats.list_chats(),
            owner=self,
            done=done,
            failed=self.problem.emit,
        )

    def load_archive(self) -> None:
        """Read the archive."""

        def done(chats: tuple[Chat, ...]) -> None:
            self._archive = {chat.id: chat for chat in chats}
            self.changed.emit()

        self._bridge.call(
            lambda client: client.chats.list_chats(True),
            owner=self,
            done=done,
            failed=self.problem.emit,
        )

    def put(self, chat: Chat) -> None:
        """Take what is known of a chat now."""
        changed = _put(self._chats, chat, chat.deleted is None and not chat.archived)
        if self._archive is not None:
            changed |= _put(self._archive, chat, chat.deleted is None and chat.archived)
        if changed:
            self.changed.emit()
        self.chat_put.emit(chat)

    def forget(self, chat: str) -> None:
        """Take a chat out that turned out not to exist."""
        if self._chats.pop(chat, None) is not None:
            self.changed.emit()

    def rename(self, chat: str, title: str) -> None:
        """Give a title; an empty one lets the model find one."""
        self._change(lambda client: client.chats.rename(chat, title))

    def pin(self, chat: str, pinned: bool) -> None:
        """Keep at the top of the list, or no longer."""
        self._change(lambda client: client.chats.pin(chat, pinned))

    def archive(self, chat: str, archived: bool) -> None:
        """Take out of the list, or back into it."""
        self._change(lambda client: client.chats.archive(chat, archived), self.archived.emit)

    def choose_model(self, chat: str, provider: str, model: str) -> None:
        """Choose the model of a chat; empty texts for the default."""
        self._change(lambda client: client.chats.set_model(chat, provider, model))

    def delete(self, chat: str) -> None:
        """Delete a chat; `deleted` follows."""
        self._change(lambda client: client.chats.delete(chat), self.deleted.emit)

    def undelete(self, chat: str) -> None:
        """Bring a deleted chat back; `restored` follows."""
        self._change(lambda client: client.chats.undelete(chat), self.restored.emit)

    def _change(
        self,
        use: Callable[[Client], Awaitable[Chat]],
        then: Callable[[Chat], object] | None = None,
    ) -> None:
        def done(chat: Chat) -> None:
            self.put(chat)
            if then is not None:
                then(chat)

        self._bridge.call(use, owner=self, done=done, failed=self.problem.emit)

    def _take(self, event: Event) -> None:
        if isinstance(event, ChatChanged):
            self.put(event.chat)
        elif isinstance(event, DataReplaced):
            self.load()
            if self._archive is not None:
                self.load_archive()


def _put(chats: dict[str, Chat], chat: Chat, belongs: bool) -> bool:
    before = chats.get(chat.id)
    if belongs:
        chats[chat.id] = chat
    else:
        chats.pop(chat.id, None)
    return before != chats.get(chat.id)


class Drafts(QObject):
    """What stands in the box of each chat and was not sent."""

    def __init__(self, bridge: Bridge, chats: ChatList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._chats = chats
        self._texts: dict[str, str] = {}
        self._to_keep: set[str] = set()
        self._on_their_way = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DRAFT_AFTER)
        self._timer.timeout.connect(self.keep)

    @property
    def keeping(self) -> bool:
        """Whether a draft is on its way to the engine."""
        return self._on_their_way > 0

    def text(self, chat: str, stored: str = "") -> str:
        """The draft of a chat; `stored` is what the engine had of it."""
        return self._texts.get(chat, stored)

    def write(self, chat: str, text: str) -> None:
        """What stands in the box now; kept after a moment of rest."""
        self._texts[chat] = text
        self._to_keep.add(chat)
        self._timer.start()

    def start_with(self, chat: str, text: str) -> None:
        """What was left in the box when the program ended."""
        self._texts[chat] = text

    def sent(self, chat: str) -> None:
        """It was sent: the engine forgets it then, and a late draft must not bring it back."""
        self._texts[chat] = ""
        self._to_keep.discard(chat)

    def clear(self) -> None:
        """Forget all; the engine's data was replaced."""
        self._timer.stop()
        self._texts.clear()
        self._to_keep.clear()

    @Slot()
    def keep(self) -> None:
        """Have the engine keep what changed."""
        self._timer.stop()
        changed, self._to_keep = self._to_keep, set()
        for chat in changed:
            if self._chats.find(chat) is not None:
                self._keep(chat, self._texts[chat])

    def _keep(self, chat: str, text: str) -> None:
        self._on_their_way += 1
        self._bridge.call(
            lambda client: client.chats.set_draft(chat, text),
            owner=self,
            done=self._kept,
            failed=self._not_kept,
        )

    def _kept(self, _: object) -> None:
        self._on_their_way -= 1

    def _not_kept(self, problem: Problem) -> None:
        self._on_their_way -= 1
        self._bridge.problem.emit(problem)
