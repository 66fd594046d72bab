"""A whole `Client` in memory for tests of windows: chats that really are trees, and answers that
come as scripted.

Owns no engine: nothing is stored, no model is asked. Everything in it belongs to the loop that it
is used on, but a script may be changed from the test's thread before it is played.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal, cast

from tests.support.fake_jobs import FakeJobs, FakeSystem
from tests.support.fake_reminders import FakeReminders
from tests.support.fake_routines import FakeApprovals, FakeOffers, FakeRoutines
from worker.contract.errors import Conflict, InvalidInput, NotFound, TooLarge
from worker.contract.events import (
    AnswerDelta,
    ChatChanged,
    DataReplaced,
    EngineChanged,
    Event,
    MessageChanged,
    Notice,
    ToolChanged,
)
from worker.contract.services import (
    ChatService,
    Client,
    DataService,
    JobService,
    ModelService,
    ModuleService,
    SystemService,
    ToolService,
    UsageService,
)
from worker.contract.system import (
    ModelChoice,
    ModelInfo,
    Provider,
)
from worker.contract.time_services import ApprovalService, ReminderService, RoutineService
from worker.contract.types import (
    Attachment,
    Chat,
    Hit,
    Message,
    Page,
    Problem,
    Sent,
    Source,
    ToolUse,
    Usage,
)

LIMIT = 1_000_000
"""Bytes that a fake attachment may have."""


@dataclass(slots=True)
class Script:
    """How the next answer goes."""

    parts: tuple[str, ...] = ("Hello", " there", ".")
    pause: float = 0.0
    """Seconds before each part."""
    tools: tuple[ToolUse, ...] = ()
    error: Problem | None = None
    """How it ends after its parts, if not well."""
    hold: bool = False
    """Goes on after its parts until it is stopped."""
    asks: tuple[str, ...] = ()
    """Tools (names) that it asks about after its parts. Once all are answered it goes on."""
    rest: tuple[str, ...] = ()
    """Parts that come after that."""
    refuse: Exception | None = None
    """Raised by `send` itself."""
    usage: Usage | None = field(default_factory=lambda: Usage(1240, 318))


class FakeClient:
    """See the module. `scripts` are played one an answer; when they run out, the plain one."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.fail: dict[str, Exception] = {}
        """Method name ("chats.page") and what it raises from now on."""
        self.calls: list[str] = []
        self.closed = False
        self._numbers = count(1)
        self._seq = count(1)
        self._queues: list[asyncio.Queue[Event]] = []
        self.store = FakeChats(self)
        self.chats: ChatService = self.store
        self.work = FakeJobs(self)
        self.jobs: JobService = self.work
        self.due = FakeReminders(self)
        self.reminders: ReminderService = self.due
        self.routine_desk = FakeRoutines(self)
        self.routines: RoutineService = self.routine_desk
        self.approval_desk = FakeApprovals(self)
        self.approvals: ApprovalService = self.approval_desk
        self.models: ModelService = cast(ModelService, FakeModels(self))
        self.offers = FakeOffers()
        self.modules = cast(ModuleService, self.offers)
        self.tools: ToolService = self.offers
        self.usage = cast(UsageService, object())
        self.data = cast(DataService, object())
        self.system: SystemService = cast(SystemService, FakeSystem(self))

    def as_client(self) -> Client:
        """The same, typed."""
        return self

    @property
    def streams(self) -> int:
        """How many listen to the events now."""
        return len(self._queues)

    def called(self, name: str) -> None:
        self.calls.append(name)
        if error := self.fail.get(name):
            raise error

    def name(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    def emit(self, event: Event) -> None:
        """Tell every stream; on the loop's thread."""
        numbered = replace(event, seq=next(self._seq), at=datetime.now(UTC))
        for queue in self._queues:
            queue.put_nowait(numbered)

    async def events(self, after: int | None = None) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._queues.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.remove(queue)

    async def aclose(self) -> None:
        self.closed = True
        for task in list(self.store.tasks.values()):
            task.cancel()

    async def say(self, problem: Problem) -> None:
        """A notice of the engine's."""
        self.emit(Notice(problem))

    async def replace_all(self) -> None:
        """As after a restore."""
        self.emit(DataReplaced())

    async def set_status(self, **changes: object) -> None:
        """The engine changed its state."""
        system = cast(FakeSystem, self.system)
        system.state = replace(system.state, **changes)  # type: ignore[arg-type]
        self.emit(EngineChanged(system.state))


class FakeChats:
    """Chats in dictionaries."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.all: dict[str, Chat] = {}
        self.messages: dict[str, Message] = {}
        self.files: dict[str, tuple[Attachment, bytes]] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    # -- for tests -------------------------------------------------------------------------

    def add(
        self,
        title: str,
        *turns: str,
        age: timedelta = timedelta(),
        pinned: bool = False,
        running: bool = False,
        draft: str = "",
    ) -> Chat:
        """A finished conversation: questions and answers by turns."""
        when = datetime.now(UTC) - age
        chat = Chat(
            self._client.name("chat"),
            title,
            when,
            when,
            pinned=pinned,
            running=running,
            draft=draft,
        )
        self.all[chat.id] = chat
        parent: str | None = None
        for number, text in enumerate(turns):
            role: Literal["user", "assistant"] = "assistant" if number % 2 else "user"
            message = self._message(chat.id, parent, role, text, when)
            if role == "assistant":
                message = replace(message, model="gpt-4o-mini", usage=Usage(1240, 318), seconds=2.1)
            self._put(message)
            parent = message.id
        self.all[chat.id] = replace(chat, head=parent, messages=len(turns))
        return self.all[chat.id]

    def _message(
        self,
        chat: str,
        parent: str | None,
        role: Literal["user", "assistant"],
        text: str,
        when: datetime | None = None,
    ) -> Message:
        above = self.messages[parent] if parent else None
        return Message(
            self._client.name("message"),
            chat,
            parent,
            role,
            "complete",
            text,
            when or datetime.now(UTC),
            depth=above.depth + 1 if above else 0,
        )

    def _put(self, message: Message) -> Message:
        self.messages[message.id] = message
        same = tuple(
            other.id
            for other in self.messages.values()
            if (other.chat, other.parent, other.role)
            == (message.chat, message.parent, message.role)
        )
        for name in same:
            self.messages[name] = replace(self.messages[name], siblings=same)
        return self.messages[message.id]

    def branch(self, chat: str) -> list[Message]:
        """The shown branch, oldest first."""
        found: list[Message] = []
        name = self.all[chat].head
        while name is not None:
            found.append(self.messages[name])
            name = self.messages[name].parent
        return found[::-1]

    def _chat(self, chat: str) -> Chat:
        if chat not in self.all:
            raise NotFound("There is no such chat")
        return self.all[chat]

    def _change(self, chat: str, **changes: object) -> Chat:
        self._chat(chat)
        changed = replace(self.all[chat], **changes)  # type: ignore[arg-type]
        self.all[chat] = changed
        self._client.emit(ChatChanged(changed))
        return changed

    def _changed(self, message: Message) -> Message:
        self.messages[message.id] = message
        self._client.emit(MessageChanged(message, run_id=message.run or ""))
        return message

    # -- the Protocol -------------------------------------------------------------------------

    async def create(self, title: str = "", provider: str = "", model: str = "") -> Chat:
        now = datetime.now(UTC)
        chat = Chat(self._client.name("chat"), title, now, now, provider=provider, model=model)
        self.all[chat.id] = chat
        self._client.emit(ChatChanged(chat))
        return chat

    async def get(self, chat: str) -> Chat:
        return self._chat(chat)

    async def list_chats(self, archived: bool = False, limit: int = 1000) -> tuple[Chat, ...]:
        self._client.called("chats.list_chats")
        found = [c for c in self.all.values() if c.deleted is None and c.archived == archived]
        found.sort(key=lambda chat: (chat.pinned, chat.updated), reverse=True)
        return tuple(found[:limit])

    async def page(self, chat: str, before: str | None = None, limit: int = 40) -> Page:
        self._client.called("chats.page")
        self._chat(chat)
        branch = self.branch(chat)
        end = [m.id for m in branch].index(before) if before else len(branch)
        start = max(0, end - limit)
        return Page(self.all[chat], tuple(branch[start:end]), start > 0)

    async def page_from(self, chat: str, message: str, limit: int = 40) -> Page:
        self._client.called("chats.page_from")
        self._chat(chat)
        if message not in [m.id for m in self.branch(chat)]:
            await self.select(message)
        branch = self.branch(chat)
        start = max(0, [m.id for m in branch].index(message) - limit)
        return Page(self.all[chat], tuple(branch[start:]), start > 0)

    async def tree(self, chat: str) -> tuple[Message, ...]:
        return tuple(m for m in self.messages.values() if m.chat == chat)

    async def message(self, message: str) -> Message:
        self._client.called("chats.message")
        if message not in self.messages:
            raise NotFound("There is no such message")
        return self.messages[message]

    async def send(
        self,
        chat: str | None,
        text: str,
        attachments: tuple[str, ...] = (),
        provider: str = "",
        model: str = "",
        source: Source = "chat",
    ) -> Sent:
        self._client.called("chats.send")
        if not text.strip() and not attachments:
            raise InvalidInput("There is nothing to send", "The message is empty.", "Write one.")
        if self._client.scripts and (refusal := self._client.scripts[0].refuse):
            self._client.scripts.pop(0)
            raise refusal
        target = self._chat(chat) if chat else await self.create("", provider, model)
        if target.running:
            raise Conflict("An answer is being written here", "", "Wait for it, or stop it.")
        files = tuple(self.files[name][0] for name in attachments)
        question = self._put(
            replace(
                self._message(target.id, self.all[target.id].head, "user", text),
                attachments=files,
            )
        )
        self._client.emit(MessageChanged(question))
        return self._answer(question, question)

    def _answer(self, question: Message, shown: Message | None) -> Sent:
        run = self._client.name("run")
        answer = self._put(
            replace(
                self._message(question.chat, question.id, "assistant", ""),
                state="streaming",
                run=run,
                model="gpt-4o-mini",
            )
        )
        chat = self._change(
            question.chat,
            head=answer.id,
            running=True,
            updated=datetime.now(UTC),
            draft="",
            messages=len([m for m in self.messages.values() if m.chat == question.chat]),
        )
        self._client.emit(MessageChanged(answer, run_id=run))
        script = self._client.scripts.pop(0) if self._client.scripts else Script()
        self._play(answer.id, run, script)
        return Sent(chat, shown, answer, run)

    def _play(self, answer: str, run: str, script: Script) -> None:
        task = asyncio.get_running_loop().create_task(self._stream(answer, run, script))
        self.tasks[run] = task

    async def _stream(self, name: str, run: str, script: Script) -> None:
        chat = self.messages[name].chat
        state: Literal["complete", "stopped", "failed", "interrupted"] = "complete"
        try:
            for tool in script.tools:
                running = replace(tool, state="running", result="", seconds=None)
                self._client.emit(ToolChanged(chat, name, running, run_id=run))
                await asyncio.sleep(script.pause)
                self.messages[name] = replace(
                    self.messages[name], tools=(*self.messages[name].tools, tool)
                )
                self._client.emit(ToolChanged(chat, name, tool, run_id=run))
            await self._write(name, run, script.parts, script.pause)
            for asked in script.asks:
                await self._client.approval_desk.ask(asked, run=run, chat=chat, message=name)
            if script.asks:
                await self._client.approval_desk.settled(name)
            await self._write(name, run, script.rest, script.pause)
            if script.hold:
                await asyncio.Event().wait()
            if script.error is not None:
                state = "interrupted" if script.error.kind == "cut" else "failed"
        except asyncio.CancelledError:
            state = "stopped"
        self.tasks.pop(run, None)
        self._changed(
            replace(
                self.messages[name],
                state=state,
                error=script.error,
                usage=script.usage,
                seconds=2.1,
            )
        )
        title = self.all[chat].title or self.branch(chat)[0].text[:40]
        self._change(chat, running=False, title=title, titled_by="model")

    async def _write(self, name: str, run: str, parts: tuple[str, ...], pause: float) -> None:
        for part in parts:
            await asyncio.sleep(pause)
            message = self.messages[name]
            self.messages[name] = replace(message, text=message.text + part)
            delta = AnswerDelta(message.chat, name, part, len(message.text), run_id=run)
            self._client.emit(delta)

    async def retry(self, message: str, provider: str = "", model: str = "") -> Sent:
        self._client.called("chats.retry")
        parent = self.messages[message].parent
        assert parent is not None
        return self._answer(self.messages[parent], None)

    async def edit(
        self, message: str, text: str, attachments: tuple[str, ...] | None = None
    ) -> Sent:
        self._client.called("chats.edit")
        old = self.messages[message]
        files = (
            old.attachments
            if attachments is None
            else tuple(self.files[name][0] for name in attachments)
        )
        question = self._put(
            replace(self._message(old.chat, old.parent, "user", text), attachments=files)
        )
        self._client.emit(MessageChanged(question))
        return self._answer(question, question)

    async def resume(self, message: str) -> Sent:
        self._client.called("chats.resume")
        run = self._client.name("run")
        answer = self._changed(
            replace(self.messages[message], state="streaming", run=run, error=None)
        )
        chat = self._change(answer.chat, running=True)
        script = self._client.scripts.pop(0) if self._client.scripts else Script()
        self._play(message, run, script)
        return Sent(chat, None, answer, run)

    async def stop(self, run: str) -> None:
        self._client.called("chats.stop")
        if task := self.tasks.get(run):
            task.cancel()

    async def select(self, message: str) -> Page:
        self._client.called("chats.select")
        end = message
        while below := [m for m in self.messages.values() if m.parent == end]:
            end = below[-1].id
        chat = self._change(self.messages[message].chat, head=end)
        return await self.page(chat.id)

    async def rename(self, chat: str, title: str) -> Chat:
        return self._change(chat, title=title, titled_by="person")

    async def pin(self, chat: str, pinned: bool) -> Chat:
        return self._change(chat, pinned=pinned)

    async def archive(self, chat: str, archived: bool) -> Chat:
        return self._change(chat, archived=archived)

    async def delete(self, chat: str) -> Chat:
        return self._change(chat, deleted=datetime.now(UTC))

    async def undelete(self, chat: str) -> Chat:
        return self._change(chat, deleted=None)

    async def set_draft(self, chat: str, text: str) -> None:
        self._client.called("chats.set_draft")
        self._change(chat, draft=text)

    async def set_model(self, chat: str, provider: str, model: str) -> Chat:
        return self._change(chat, provider=provider, model=model)

    async def search(self, query: str, chat: str | None = None, limit: int = 50) -> tuple[Hit, ...]:
        self._client.called("chats.search")
        word = query.strip().casefold()
        hits = []
        for message in reversed(self.messages.values()):
            at = message.text.casefold().find(word) if word else -1
            if at < 0 or (chat and message.chat != chat):
                continue
            end = at + len(word)
            hits.append(
                Hit(
                    message.chat,
                    self.all[message.chat].title,
                    message.id,
                    message.role,
                    message.created,
                    message.text[max(0, at - 30) : at],
                    message.text[at:end],
                    message.text[end : end + 60],
                )
            )
        return tuple(hits[:limit])

    async def attach(self, name: str, data: bytes) -> Attachment:
        self._client.called("chats.attach")
        if len(data) > LIMIT:
            raise TooLarge(
                f"{name} is too large",
                f"It has {len(data)} bytes; the limit for text is 1 MB.",
                "Attach a part of it.",
            )
        kind = "image/png" if data.startswith(b"\x89PNG") else "text/plain"
        if kind == "text/plain" and b"\0" in data:
            raise InvalidInput(f"{name} is neither text nor an image", "", "")
        made = Attachment(self._client.name("file"), name, kind, len(data), len(data) // 4)
        self.files[made.id] = (made, data)
        return made

    async def attachment(self, attachment: str) -> bytes:
        return self.files[attachment][1]


class FakeModels:
    """Two providers and their models."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.found = (
            Provider("openai", "OpenAI", "https://api.openai.com/v1", model="gpt-4o-mini"),
            Provider("ollama", "Ollama", "http://127.0.0.1:11434/v1", local=True),
            Provider("builtin", "Built-in assistant", "", kind="builtin", source="builtin"),
        )
        self.choice = ModelChoice("openai", "gpt-4o-mini")

    async def providers(self) -> tuple[Provider, ...]:
        self._client.called("models.providers")
        return self.found

    async def list_models(self, provider: str, refresh: bool = False) -> tuple[ModelInfo, ...]:
        self._client.called(f"models.list_models.{provider}")
        known = {
            "openai": (("gpt-4o-mini", 128_000), ("gpt-4o", 128_000), ("o4-mini", 200_000)),
            "ollama": (("llama3.2:3b", None), ("qwen3:8b", 40_960)),
            "builtin": (("builtin", None),),
        }
        if provider not in known:
            raise NotFound("There is no such provider")
        return tuple(ModelInfo(name, provider, name, size) for name, size in known[provider])

    async def default(self) -> ModelChoice:
        return self.choice

    async def set_default(self, provider: str, model: str) -> ModelChoice:
        self.choice = ModelChoice(provider, model)
        return self.choice


def picture(width: int = 1) -> bytes:
    """A PNG image of one pixel."""
    return base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
        "RU5ErkJggg=="
    )
