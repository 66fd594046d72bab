"""The use cases of conversations: ask, retry, edit, stop, page, organise, find.

Owns what is allowed and what belongs together in one transaction. How an answer is written
is in `answers`; it must not know a model's SDK, SQL or Celery.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from worker.agent.title import first_words
from worker.contract.errors import Conflict, InvalidInput, NagathaError, NotFound, TooLarge
from worker.contract.events import ChatChanged, MessageChanged, RunChanged
from worker.contract.types import (
    Attachment,
    Chat,
    Hit,
    Message,
    Page,
    QueryType,
    Run,
    Sent,
    Source,
)
from worker.service.answers import Answers
from worker.service.attachments import Attachments
from worker.service.carrier import NOBODY, REFUSED
from worker.service.routing import TASKS, Route, priority, route
from worker.service.scope import Scope, new_id
from worker.service.wish import Wish
from worker.storage.base import ChatChanges

LONGEST_TEXT = 2_000_000
"""Characters of one message."""
LONGEST_TITLE = 200
LARGEST_PAGE = 500


@dataclass(frozen=True, slots=True)
class Chats:
    """`ChatService` for one owner."""

    scope: Scope
    answers: Answers
    files: Callable[[], Attachments]
    """Attachments under the limits of the moment."""
    estimate: Callable[[str], Awaitable[float | None]]
    """See `JobService.estimate`."""

    # reading -----------------------------------------------------------------------------

    async def get(self, chat: str) -> Chat:
        """See `ChatService.get`."""
        return await self.scope.storage.get_chat(self.scope.owner, chat)

    async def list_chats(self, archived: bool = False, limit: int = 1000) -> tuple[Chat, ...]:
        """See `ChatService.list_chats`."""
        return await self.scope.storage.list_chats(
            self.scope.owner, archived=archived, limit=max(1, limit)
        )

    async def page(self, chat: str, before: str | None = None, limit: int = 40) -> Page:
        """See `ChatService.page`."""
        found = await self.get(chat)
        if found.head is None:
            return Page(found, (), more=False)
        messages, more = await self.scope.storage.branch(
            self.scope.owner, found.head, before=before, limit=max(1, min(limit, LARGEST_PAGE))
        )
        return Page(found, messages, more)

    async def page_from(self, chat: str, message: str, limit: int = 40) -> Page:
        """See `ChatService.page_from`."""
        storage, owner = self.scope.storage, self.scope.owner
        found = await self.get(chat)
        target = await storage.get_message(owner, message)
        if target.chat != chat:
            raise InvalidInput("That message is in another chat")
        head = found.head
        if head is None or not await storage.is_above(owner, message, head):
            found = (await self.select(message)).chat
            head = found.head
        assert head is not None  # a chat with a message has a head
        tip = await storage.get_message(owner, head)
        below = tip.depth - target.depth
        messages, more = await storage.branch(owner, head, limit=below + 1 + max(0, limit))
        return Page(found, messages, more)

    async def tree(self, chat: str) -> tuple[Message, ...]:
        """See `ChatService.tree`."""
        await self.get(chat)
        return await self.scope.storage.tree(self.scope.owner, chat)

    async def message(self, message: str) -> Message:
        """See `ChatService.message`."""
        return await self.scope.storage.get_message(self.scope.owner, message)

    async def search(self, query: str, chat: str | None = None, limit: int = 50) -> tuple[Hit, ...]:
        """See `ChatService.search`."""
        if not query.strip():
            return ()
        return await self.scope.storage.search(
            self.scope.owner, query, chat=chat, limit=max(1, limit)
        )

    # asking ------------------------------------------------------------------------------

    async def send(
        self,
        chat: str | None,
        text: str,
        attachments: tuple[str, ...] = (),
        provider: str = "",
        model: str = "",
        source: Source = "chat",
        query_type: QueryType = "general",
        use_celery: bool | None = None,
        *,
        run: str = "",
        sent: bool = False,
    ) -> Sent:
        """See `ChatService.send`. `run` is the id that its run shall have, "" for a new one.

        With `sent` its message is with a worker already, which is the caller: it is stored as
        queued, and begun with `Answers.take`.
        """
        _check_text(text, attachments)
        kept = await self._attached(attachments)
        now = self.scope.now()
        if chat is None:
            target = Chat(
                id=new_id(),
                title=_provisional_title(text, kept),
                created=now,
                updated=now,
                provider=provider,
                model=model,
            )
        else:
            target = await self.get(chat)
            if target.deleted is not None:
                raise Conflict("This chat was deleted", remedy="Undo the deletion first.")
        question = Message(
            id=new_id(),
            chat=target.id,
            parent=target.head,
            role="user",
            state="complete",
            text=text,
            created=now,
            attachments=kept,
        )
        if chat is not None and not target.title:
            await self._set(target.id, {"title": _provisional_title(text, kept)})
        return await self._begin(
            target,
            question,
            text=text,
            parent=question.id,
            source=source,
            wish=Wish(provider, model, query_type),
            use_celery=True if sent else use_celery,
            new=chat is None,
            run_id=run,
            sent=sent,
        )

    async def retry(self, message: str, provider: str = "", model: str = "") -> Sent:
        """See `ChatService.retry`."""
        old = await self._settled(message)
        if old.role != "assistant":
            raise InvalidInput("Only an answer can be tried again", kind="invalid")
        if old.state == "streaming":
            raise _busy()
        wish = replace(await self._wish(old), provider=provider, model=model, fresh=True)
        return await self._begin(
            await self.get(old.chat),
            None,
            text=await self._text(old.parent),
            parent=old.parent,
            source="chat",
            wish=wish,
        )

    async def edit(
        self, message: str, text: str, attachments: tuple[str, ...] | None = None
    ) -> Sent:
        """See `ChatService.edit`."""
        old = await self.message(message)
        if old.role != "user":
            raise InvalidInput("Only your own messages can be edited")
        kept = old.attachments if attachments is None else await self._attached(attachments)
        _check_text(text, kept)
        question = Message(
            id=new_id(),
            chat=old.chat,
            parent=old.parent,
            role="user",
            state="complete",
            text=text,
            created=self.scope.now(),
            attachments=kept,
        )
        return await self._begin(
            await self.get(old.chat),
            question,
            text=text,
            parent=question.id,
            source="chat",
            # Who asks the very same thing again wants another answer.
            wish=Wish(fresh=(text, kept) == (old.text, old.attachments)),
        )

    async def resume(self, message: str, *, use_celery: bool | None = None) -> Sent:
        """See `ChatService.resume`; `use_celery` as in `send`."""
        old = await self._settled(message)
        if old.role != "assistant" or old.state not in ("stopped", "interrupted", "failed"):
            raise InvalidInput("Only an answer that broke off can go on")
        if old.id != (await self.get(old.chat)).head:
            await self.select(message)
        return await self._begin(
            await self.get(old.chat),
            None,
            text=await self._text(old.parent),
            parent=old.parent,
            source="chat",
            # Whoever chose another model meanwhile wants that one to go on.
            wish=replace(await self._wish(old), provider="", model=""),
            use_celery=use_celery,
            again=old,
        )

    async def stop(self, run: str) -> None:
        """See `ChatService.stop`."""
        await self.answers.stop(self.scope, run)

    async def _settled(self, message: str) -> Message:
        """A message; the end of an answer that could not be stored is stored first."""
        found = await self.message(message)
        if found.state == "streaming" and await self.answers.settle(found.chat):
            return await self.message(message)
        return found

    async def _wish(self, answer: Message) -> Wish:
        """How `answer` was wished for, as far as that is still known."""
        if answer.run is None:
            return Wish()
        try:
            run = await self.scope.storage.get_run(self.scope.owner, answer.run)
        except NotFound:
            return Wish()
        return replace(Wish.of(run.arguments), fresh=False)

    async def _text(self, question: str | None) -> str:
        return (await self.message(question)).text if question is not None else ""

    def _route(
        self, text: str, query_type: QueryType, use_celery: bool | None, source: Source
    ) -> tuple[Route, str]:
        """Where it goes, and why it does not go where it should."""
        wanted = route(text, query_type, use_celery, interactive=source in _WAITS)
        if wanted.lane == "queued" and not self.answers.carrier.is_served():
            return Route("now"), f"{wanted.reason} {NOBODY}"
        return wanted, ""

    async def _begin(
        self,
        target: Chat,
        question: Message | None,
        *,
        text: str,
        parent: str | None,
        source: Source,
        wish: Wish,
        use_celery: bool | None = None,
        new: bool = False,
        again: Message | None = None,
        run_id: str = "",
        sent: bool = False,
    ) -> Sent:
        chat = target.id
        await self.answers.settle(chat)
        way, instead = self._route(text, wish.query_type, use_celery, source)
        if sent:
            way = Route("queued", way.reason)
        if not wish.provider and not wish.model:
            # As it is chosen now: a queued one may be begun much later.
            wish = replace(wish, provider=target.provider, model=target.model)
        queued, now = way.lane == "queued", self.scope.now()
        run = Run(
            id=run_id or new_id(),
            kind="answer",
            name=TASKS[wish.query_type] if queued else "answer",
            state="PENDING" if queued else "STARTED",
            source=source,
            queued=now,
            started=None if queued else now,
            chat=chat,
            arguments=wish.arguments(),
            attempts=0 if queued else 1,
            progress_text=way.reason if queued else instead,
            lane=way.lane,
            priority=priority(interactive=source in _WAITS),
        )
        if again is None:
            answer = Message(
                id=new_id(),
                chat=chat,
                parent=parent,
                role="assistant",
                state="streaming",
                text="",
                created=now,
                run=run.id,
            )
        else:
            answer = replace(again, state="streaming", error=None, run=run.id)
        run = replace(run, message=answer.id)
        begun = await self.scope.storage.begin_answer(
            self.scope.owner,
            question=question,
            answer=answer,
            run=run,
            process="" if queued else self.scope.process,
            chat=target if new else None,
        )
        # From here on the rows are there: whoever fails below finds the run at the next start.
        if run.progress_text:
            await self.answers.carrier.write_down(self.scope, run.id, run.progress_text)
        written = [one for one in (begun.question, begun.answer) if one is not None]
        await self.scope.tell_all(
            (
                RunChanged(run=run, run_id=run.id),
                ChatChanged(chat=begun.chat, run_id=run.id),
                *(MessageChanged(message=one, run_id=one.run or "") for one in written),
            )
        )
        current, asked, stored = begun.chat, begun.question, begun.answer
        if not queued:
            movable = use_celery is not False
            self.answers.start(self.scope, stored, run, wish, movable=movable)
            return Sent(current, asked, stored, run.id)
        estimate = await self.estimate(run.name)
        if not sent and not await self.answers.carrier.send(self.scope, run):
            await self._write_here(run)
            return Sent(current, asked, stored, run.id)
        return Sent(current, asked, stored, run.id, "queued", way.reason, estimate)

    async def _write_here(self, run: Run) -> None:
        """The broker does not take it, and a person waits: it is answered at once instead."""
        words = f"{run.progress_text} {REFUSED}"
        await self.answers.take(self.scope, run.id, lane="now", words=words)

    # organising --------------------------------------------------------------------------

    async def create(self, title: str = "", provider: str = "", model: str = "") -> Chat:
        """See `ChatService.create`."""
        now = self.scope.now()
        chat = Chat(
            id=new_id(),
            title=_clean_title(title),
            created=now,
            updated=now,
            titled_by="person" if title.strip() else "",
            provider=provider,
            model=model,
        )
        await self.scope.storage.create_chat(self.scope.owner, chat)
        return await self.scope.tell_chat(chat.id)

    async def select(self, message: str) -> Page:
        """See `ChatService.select`."""
        chosen = await self.message(message)
        chat = await self.get(chosen.chat)
        if chat.running:
            raise _busy()
        leaf = await self.scope.storage.newest_leaf(self.scope.owner, message)
        await self._set(chosen.chat, {"head": leaf})
        return await self.page(chosen.chat)

    async def rename(self, chat: str, title: str) -> Chat:
        """See `ChatService.rename`."""
        clean = _clean_title(title)
        if clean:
            return await self._set(chat, {"title": clean, "titled_by": "person"})
        changed = await self._set(chat, {"titled_by": ""})
        self.answers.find_title(self.scope, changed)
        return changed

    async def pin(self, chat: str, pinned: bool) -> Chat:
        """See `ChatService.pin`."""
        return await self._set(chat, {"pinned": pinned})

    async def archive(self, chat: str, archived: bool) -> Chat:
        """See `ChatService.archive`."""
        return await self._set(chat, {"archived": archived})

    async def delete(self, chat: str) -> Chat:
        """See `ChatService.delete`."""
        found = await self.get(chat)
        if found.running:
            await self.answers.stop_chat(self.scope, chat)
        return await self._set(chat, {"deleted": self.scope.now()})

    async def undelete(self, chat: str) -> Chat:
        """See `ChatService.undelete`."""
        return await self._set(chat, {"deleted": None})

    async def set_draft(self, chat: str, text: str) -> None:
        """See `ChatService.set_draft`."""
        if len(text) > LONGEST_TEXT:
            raise _too_long(len(text))
        await self._set(chat, {"draft": text})

    async def set_model(self, chat: str, provider: str, model: str) -> Chat:
        """See `ChatService.set_model`."""
        return await self._set(chat, {"provider": provider, "model": model})

    async def _set(self, chat: str, changes: ChatChanges) -> Chat:
        await self.scope.storage.update_chat(self.scope.owner, chat, changes)
        return await self.scope.tell_chat(chat)

    # attachments -------------------------------------------------------------------------

    async def attach(self, name: str, data: bytes) -> Attachment:
        """See `ChatService.attach`."""
        attachment = self.files().describe(new_id(), name, data)
        await self.scope.storage.put_attachment(
            self.scope.owner, attachment, data, self.scope.now()
        )
        return attachment

    async def attachment(self, attachment: str) -> bytes:
        """See `ChatService.attachment`."""
        return (await self.scope.storage.get_attachment(self.scope.owner, attachment))[1]

    async def _attached(self, ids: tuple[str, ...]) -> tuple[Attachment, ...]:
        found = []
        for one in ids:
            found.append((await self.scope.storage.get_attachment(self.scope.owner, one))[0])
        return tuple(found)


_WAITS: frozenset[Source] = frozenset({"chat", "quick", "cli", "api"})
"""Who asks from there waits for the answer."""


def _check_text(text: str, attachments: tuple[object, ...]) -> None:
    if not text.strip() and not attachments:
        raise InvalidInput("There is nothing to send", remedy="Write something first.")
    if len(text) > LONGEST_TEXT:
        raise _too_long(len(text))


def _too_long(length: int) -> NagathaError:
    return TooLarge(
        "The message is too long",
        f"It has {length:,} characters; the limit is {LONGEST_TEXT:,}.",
        "Shorten it, or attach it as a file in parts.",
    )


def _busy() -> NagathaError:
    return Conflict(
        "An answer is still being written in this chat",
        remedy="Wait for it to end, or stop it.",
        action="wait",
    )


def _provisional_title(text: str, attachments: tuple[Attachment, ...]) -> str:
    """The first words, until the model has found a title."""
    return first_words(text) or (attachments[0].name if attachments else "")


def _clean_title(title: str) -> str:
    return " ".join(title.split())[:LONGEST_TITLE]
