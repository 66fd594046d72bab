"""The open chat: what the chat window shows of it, and what a person says in it.

Owns which chat is open and which of its messages are shown. Knows the contract and the bridge;
no widget. Everything here runs on the GUI thread and returns at once; what the engine answers
arrives as signals.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.chat.chat_list import NEW, ChatList, Drafts
from worker.contract.events import (
    AnswerDelta,
    DataReplaced,
    Event,
    MessageChanged,
    Notice,
    ToolChanged,
)
from worker.contract.services import Client
from worker.contract.types import Chat, Message, Page, Problem, Sent, Source

T = TypeVar("T")

PAGE = 40
"""Messages that are fetched at once."""
REFRESH_AFTER = 150
"""Milliseconds before a message whose text has a gap is read again."""


class ChatModel(QObject):
    """The open chat."""

    chat_changed = Signal()
    """The open chat is another one or was changed: see `chat`."""
    turned = Signal()
    """Another chat is open; its messages are on their way."""
    page_shown = Signal(object)
    """These messages are all there is to show (Page); None for a chat that is not begun yet."""
    older_shown = Signal(object)
    """These stand above those shown (Page)."""
    message_put = Signal(object)
    """A message that is shown was added or changed (Message)."""
    text_added = Signal(str, str, int)
    """More text of a message: id, text, characters before it."""
    tool_changed = Signal(str, object)
    """A tool call of a message (id, ToolUse)."""
    jumped = Signal(str, str)
    """Go to a message (id) and mark a text in it."""
    busy_changed = Signal(bool)
    """An answer is being written in the open chat, or no longer."""
    draft_shown = Signal(str)
    """This stands in the box now."""
    sent = Signal()
    """What stood in the box was accepted."""
    not_sent = Signal(object)
    """What stood in the box was not accepted, and why (Problem)."""
    problem = Signal(object)
    """Something that was asked for did not work (Problem)."""
    notice = Signal(object)
    """The engine tells something that belongs to no chat (Problem)."""

    def __init__(
        self,
        bridge: Bridge,
        chats: ChatList,
        source: Source = "chat",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.chats = chats
        self.drafts = Drafts(bridge, chats, self)
        self._source: Source = source
        self._current: Chat | None = None
        self._choice = ("", "")
        self._shown: dict[str, Message] = {}
        self._order: list[str] = []
        self._more = False
        self._loading: Call | None = None
        self._loading_older: Call | None = None
        self._held: list[MessageChanged | AnswerDelta | ToolChanged] = []
        self._branching = 0
        self._sending = False
        self._busy = False
        self._lengths: dict[str, int] = {}
        self._missed: dict[str, list[AnswerDelta]] = {}
        self._gap_timer = self._timer(REFRESH_AFTER, self._read_gaps)
        self._reload_timer = self._timer(0, self.reload)
        chats.chat_put.connect(self._chat_put)
        chats.restored.connect(self._restored)
        bridge.listen(self, self._take)

    def _timer(self, milliseconds: int, slot: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    # -- what is -----------------------------------------------------------------------------

    @property
    def chat(self) -> Chat | None:
        """The open chat; None for one that is not begun yet."""
        return self._current

    @property
    def chat_id(self) -> str:
        """The open chat's id; "" for one that is not begun yet."""
        return self._current.id if self._current is not None else NEW

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages shown, oldest first."""
        return tuple(self._shown[name] for name in self._order)

    @property
    def more(self) -> bool:
        """Whether older messages stand above those shown."""
        return self._more

    @property
    def busy(self) -> bool:
        """Whether an answer is being written in the open chat."""
        return self._busy

    @property
    def sending(self) -> bool:
        """Whether something is on its way to the engine; nothing else can be sent meanwhile."""
        return self._sending

    @property
    def loading(self) -> bool:
        """Whether the messages of the open chat are on their way."""
        return self._loading is not None

    @property
    def choice(self) -> tuple[str, str]:
        """Provider and model chosen for the open chat; empty texts for the default."""
        return (self._current.provider, self._current.model) if self._current else self._choice

    def last_of(self, role: str) -> Message | None:
        """The last message shown that `role` said."""
        for name in reversed(self._order):
            if self._shown[name].role == role:
                return self._shown[name]
        return None

    def message(self, name: str) -> Message | None:
        """A message that is shown."""
        return self._shown.get(name)

    # -- opening -----------------------------------------------------------------------------

    def new_chat(self) -> None:
        """Show an empty chat. It is made when something is sent."""
        self.drafts.keep()
        self._cancel_loading()
        self._current = None
        self._choice = ("", "")
        self._show(None)
        self.chat_changed.emit()
        self.draft_shown.emit(self.drafts.text(NEW))

    def open(self, chat: str) -> None:
        """Show the end of a chat."""
        if self.chat_id != chat:
            self._open(chat, lambda client: client.chats.page(chat, limit=PAGE))

    def open_at(self, chat: str, message: str, highlight: str = "") -> None:
        """Show a chat where `message` is, with `highlight` marked in it."""
        if message in self._shown:
            self.jumped.emit(message, highlight)
            return
        self._open(
            chat,
            lambda client: client.chats.page_from(chat, message, limit=PAGE // 2),
            lambda: self.jumped.emit(message, highlight),
        )

    @Slot()
    def reload(self) -> None:
        """Read the open chat again, from its end."""
        if self._current is not None:
            name = self._current.id
            self._open(name, lambda client: client.chats.page(name, limit=PAGE))

    def _open(
        self,
        chat: str,
        read: Callable[[Client], Awaitable[Page]],
        then: Callable[[], object] | None = None,
    ) -> None:
        self.drafts.keep()
        self._cancel_loading()
        changed = self.chat_id != chat
        known = self.chats.find(chat)
        if changed and known is not None:
            # The window turns to the chat at once and fills when the messages are there.
            self._current = known
            self._hold(())
            self.turned.emit()
            self._find_busy()
            self.chat_changed.emit()
            self.draft_shown.emit(self.drafts.text(chat, known.draft))

        def done(page: Page) -> None:
            self._loading = None
            self._current = page.chat
            self._show(page)
            self.chats.put(page.chat)
            self.chat_changed.emit()
            if changed and known is None:
                self.draft_shown.emit(self.drafts.text(chat, page.chat.draft))
            self._replay()
            if then is not None:
                then()

        def failed(problem: Problem) -> None:
            self._loading = None
            self._held.clear()
            self.problem.emit(problem)
            if problem.kind == "not_found":
                self.chats.forget(chat)
                self.new_chat()

        self._loading = self._bridge.call(read, owner=self, done=done, failed=failed)

    def _replay(self) -> None:
        """What happened while a page or a first question was on its way may be newer."""
        held, self._held = self._held, []
        for event in held:
            self._apply(event)

    def _cancel_loading(self) -> None:
        for call in (self._loading, self._loading_older):
            if call is not None:
                call.cancel()
        self._loading = self._loading_older = None
        self._held.clear()

    def _show(self, page: Page | None) -> None:
        self._hold(page.messages if page is not None else ())
        self._more = page.more if page is not None else False
        self.page_shown.emit(page)
        self._find_busy()

    def _hold(self, messages: tuple[Message, ...]) -> None:
        self._shown = {message.id: message for message in messages}
        self._order = [message.id for message in messages]
        self._lengths = {message.id: len(message.text) for message in messages}
        self._missed.clear()
        self._more = False

    @Slot()
    def load_older(self) -> None:
        """Fetch what stands above the first message shown."""
        if not self._more or self._current is None or not self._order:
            return
        if self._loading is not None or self._loading_older is not None:
            return
        chat, first = self._current.id, self._order[0]

        def done(page: Page) -> None:
            self._loading_older = None
            self._more = page.more
            self._order[:0] = [message.id for message in page.messages]
            self._shown.update({message.id: message for message in page.messages})
            self._lengths.update({message.id: len(message.text) for message in page.messages})
            self.older_shown.emit(page)

        def failed(problem: Problem) -> None:
            self._loading_older = None
            self.problem.emit(problem)

        self._loading_older = self._bridge.call(
            lambda client: client.chats.page(chat, before=first, limit=PAGE),
            owner=self,
            done=done,
            failed=failed,
        )

    # -- talking -----------------------------------------------------------------------------

    def send(self, text: str, attachments: tuple[str, ...] = ()) -> None:
        """Ask; `sent` or `not_sent` follows. Nothing happens while another is on its way."""
        if self._sending:
            return
        chat = self._current.id if self._current is not None else None
        provider, model = self._choice if chat is None else ("", "")
        self._sending = True

        def done(sent: Sent) -> None:
            self._sending = False
            # Where an event told of the chat already, it is not older than this.
            if self.chats.find(sent.chat.id) is None:
                self.chats.put(sent.chat)
            if self.chat_id == (chat or NEW):
                self._take_sent(sent)
            elif self._loading is None:
                self._held.clear()
            self.sent.emit()

        self.drafts.sent(chat or NEW)
        self._bridge.call(
            lambda client: client.chats.send(
                chat, text, attachments, provider, model, self._source
            ),
            owner=self,
            done=done,
            failed=self._refused,
        )

    def _refused(self, problem: Problem) -> None:
        self._sending = False
        self.not_sent.emit(problem)

    def _take_sent(self, sent: Sent) -> None:
        self._current = self.chats.find(sent.chat.id) or sent.chat
        self.chat_changed.emit()
        if self._loading is None:
            # Their events may have come before this answer; what they said is newer.
            for message in (sent.question, sent.answer):
                if message is not None and message.id not in self._shown:
                    self._put(message)
            self._replay()

    def edit(self, message: str, text: str, attachments: tuple[str, ...] | None = None) -> None:
        """Ask differently; `sent` or `not_sent` follows."""
        if self._sending:
            return
        self._sending = True
        self._branching += 1

        def done(sent: Sent) -> None:
            self._sending = False
            self._rebranched(sent)
            self.sent.emit()

        def failed(problem: Problem) -> None:
            self._branching -= 1
            self._refused(problem)

        self._bridge.call(
            lambda client: client.chats.edit(message, text, attachments),
            owner=self,
            done=done,
            failed=failed,
        )

    def retry(self, message: str) -> None:
        """Answer again, beside the answer `message`."""
        self._branching += 1

        def failed(problem: Problem) -> None:
            self._branching -= 1
            self.problem.emit(problem)

        self._bridge.call(
            lambda client: client.chats.retry(message),
            owner=self,
            done=self._rebranched,
            failed=failed,
        )

    def _rebranched(self, sent: Sent) -> None:
        self._branching -= 1
        if self.chat_id == sent.chat.id:
            self._take_sent(sent)

    def resume(self, message: str) -> None:
        """Let an answer that broke off go on."""

        def done(sent: Sent) -> None:
            shown = self._shown.get(message)
            # An event of this run, where there was one, is not older than this.
            if shown is not None and shown.run != sent.run:
                self._put(sent.answer)

        self._ask(lambda client: client.chats.resume(message), done)

    @Slot()
    def stop(self) -> None:
        """Stop the answer that is being written in the open chat."""
        for message in self.messages:
            if message.state == "streaming" and message.run is not None:
                self._stop(message.run)

    def _stop(self, run: str) -> None:
        self._ask(lambda client: client.chats.stop(run))

    def select(self, message: str) -> None:
        """Show the version `message`."""

        def done(page: Page) -> None:
            if self.chat_id == page.chat.id:
                self._current = page.chat
                self._show(page)
                self.chat_changed.emit()

        self._ask(lambda client: client.chats.select(message), done)

    def choose_model(self, provider: str, model: str) -> None:
        """Choose the model for the open chat; empty texts for the default."""
        if self._current is None:
            self._choice = (provider, model)
            self.chat_changed.emit()
        else:
            self.chats.choose_model(self._current.id, provider, model)

    def set_draft(self, text: str) -> None:
        """What stands in the box now."""
        self.drafts.write(self.chat_id, text)

    # -- what the engine tells -----------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if isinstance(event, DataReplaced):
            self.drafts.clear()
            self.reload()
        elif isinstance(event, Notice):
            self.notice.emit(event.problem)
        elif isinstance(event, MessageChanged | AnswerDelta | ToolChanged):
            known = _message_of(event) in self._shown
            if self._loading is not None or (not known and (self._sending or self._branching)):
                self._held.append(event)
                if not known:
                    return
            self._apply(event)

    def _apply(self, event: MessageChanged | AnswerDelta | ToolChanged) -> None:
        if isinstance(event, MessageChanged):
            if event.message.chat == self.chat_id:
                self._take_message(event.message)
        elif isinstance(event, AnswerDelta):
            if event.message in self._shown:
                self._add_text(event)
        elif event.message in self._shown:
            self.tool_changed.emit(event.message, event.tool)

    def _take_message(self, message: Message) -> None:
        follows = message.parent == (self._order[-1] if self._order else None)
        if follows or message.id in self._shown:
            self._put(message)
        else:
            # It stands on another branch, or the branch was changed elsewhere.
            self._reload_timer.start()

    def _put(self, message: Message) -> None:
        """Show a message: as it is now, or at the end, or in place of what follows its parent."""
        length = len(message.text)
        if message.id not in self._shown:
            above = self._order.index(message.parent) + 1 if message.parent in self._shown else 0
            for gone in self._order[above:]:
                del self._shown[gone], self._lengths[gone]
                self._missed.pop(gone, None)
            self._order[above:] = [message.id]
        elif message.state == self._shown[message.id].state == "streaming":
            # Told of in the middle of the stream; the text that came meanwhile is newer.
            length = max(length, self._lengths[message.id])
        self._shown[message.id] = message
        self._lengths[message.id] = length
        self.message_put.emit(message)
        self._find_busy()

    def _add_text(self, delta: AnswerDelta) -> None:
        """Show what of `delta` is not shown yet; where text is missing, read the message again."""
        name, known = delta.message, self._lengths[delta.message]
        end = delta.offset + len(delta.text)
        if name in self._missed:
            self._missed[name].append(delta)
        elif delta.offset > known:
            self._missed[name] = [delta]
            if not self._gap_timer.isActive():
                self._gap_timer.start()
        elif end > known:
            self._lengths[name] = end
            self.text_added.emit(name, delta.text[known - delta.offset :], known)

    @Slot(str)
    def refresh(self, message: str) -> None:
        """Read a message again."""
        if message in self._shown:
            self._missed.setdefault(message, [])
            self._gap_timer.start()

    @Slot()
    def _read_gaps(self) -> None:
        for name in self._missed:
            self._read_message(name)

    def _read_message(self, message: str) -> None:
        def done(found: Message) -> None:
            if found.id not in self._shown:
                return
            missed = self._missed.pop(message, [])
            self._put(found)
            for delta in missed:
                self._add_text(delta)

        self._ask(lambda client: client.chats.message(message), done)

    @Slot(object)
    def _chat_put(self, chat: Chat) -> None:
        if self.chat_id != chat.id:
            return
        if chat.deleted is not None:
            self.drafts.sent(chat.id)
            self.new_chat()
        elif chat != self._current:
            self._current = chat
            self.chat_changed.emit()

    @Slot(object)
    def _restored(self, chat: Chat) -> None:
        self.open(chat.id)

    def _find_busy(self) -> None:
        busy = any(message.state == "streaming" for message in self._shown.values())
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)

    def _ask(
        self, use: Callable[[Client], Awaitable[T]], done: Callable[[T], None] | None = None
    ) -> None:
        self._bridge.call(use, owner=self, done=done, failed=self.problem.emit)


def _message_of(event: MessageChanged | AnswerDelta | ToolChanged) -> str:
    return event.message.id if isinstance(event, MessageChanged) else event.message
