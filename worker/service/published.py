"""A message that comes through the broker: sent once, in turn, and waited for.

Owns what the published task `process_message_with_nagatha` does. It must not know Celery.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable

from worker.contract.errors import Conflict, InvalidInput, NotFound, Unavailable
from worker.contract.events import ChatChanged, Event, MessageChanged
from worker.contract.types import Chat, Message
from worker.service.chats import Chats

ENDS = "ends"
"""The kind of the error that gives a message back to the queue."""
LOOK_AGAIN = 2.0
"""Seconds after which is read what an event should have told: its process may be gone."""
_SESSION = re.compile(r"[\w.:@-]{1,128}")


class PublishedMessages:
    """Answers published messages in one owner's chats."""

    def __init__(self, chats: Chats, look_for_orphans: Callable[[], Awaitable[object]]) -> None:
        """`look_for_orphans` marks answers of processes that are gone interrupted."""
        self._chats = chats
        self._scope = chats.scope
        self._look_for_orphans = look_for_orphans

    async def answer(self, session: str, text: str, task: str) -> Message:
        """Send `text` in the chat `session`, and wait for the answer's end.

        A session that there is not begins a chat of that id; "" a new one. `task` is the id of
        the message: one that is delivered twice is sent once. While the chat is busy, it waits
        for its turn. Raises InvalidInput.
        """
        events = self._scope.bus.subscribe(self._scope.owner)
        try:
            known = await self._scope.storage.get_run(self._scope.owner, task)
        except NotFound:
            message = await self._send(session, text, task, events)
        else:
            assert known.message is not None  # the run of an answer names its message
            message = await self._chats.message(known.message)
        while True:
            message = await self._ended(message, events)
            if message.state != "interrupted" or message.error is not None:
                return message
            if self._chats.answers.closing:
                return message
            # Whoever wrote it is gone, and the message came again or waits here for it.
            try:
                message = (await self._chats.resume(message.id, use_celery=False)).answer
            except Conflict:
                await self._turn(message.chat, events)
                message = await self._chats.message(message.id)

    async def _send(
        self, session: str, text: str, task: str, events: AsyncIterator[Event]
    ) -> Message:
        chat = await self._session(session) if session else None
        while True:
            try:
                # It has a message and a thread that wait for it already.
                sent = await self._chats.send(chat, text, source="api", use_celery=False, run=task)
            except Conflict as error:
                if chat is None or (await self._chats.get(chat)).deleted is not None:
                    raise
                if error.kind != "conflict":
                    raise
                await self._turn(chat, events)
            else:
                return sent.answer

    async def _session(self, session: str) -> str:
        if not _SESSION.fullmatch(session):
            raise InvalidInput(
                "This is no id of a session",
                "It may have 128 letters, digits and the signs . : @ _ -",
            )
        with contextlib.suppress(Conflict):
            try:
                await self._chats.get(session)
            except NotFound:
                now = self._scope.now()
                chat = Chat(id=session, title="", created=now, updated=now)
                await self._scope.storage.create_chat(self._scope.owner, chat)
                await self._scope.tell_chat(session)
        return session

    async def _turn(self, chat: str, events: AsyncIterator[Event]) -> None:
        """Wait until nothing is being written in a chat."""
        while (await self._chats.get(chat)).running:
            await self._next(
                events, lambda event: isinstance(event, ChatChanged) and event.chat.id == chat
            )

    async def _ended(self, message: Message, events: AsyncIterator[Event]) -> Message:
        name = message.id
        while message.state == "streaming":
            if message.run in await self._scope.storage.parked_runs():
                return message  # for hours, perhaps: a thread waits for it here
            await self._next(
                events, lambda event: isinstance(event, MessageChanged) and event.message.id == name
            )
            message = await self._chats.message(name)
        return message

    async def _next(self, events: AsyncIterator[Event], wanted: Callable[[Event], bool]) -> None:
        """Wait for an event, but not for ever: a killed process tells nothing."""
        try:
            async with asyncio.timeout(LOOK_AGAIN):
                async for event in events:
                    if wanted(event):
                        return
        except TimeoutError:
            await self._look_for_orphans()


class Published:
    """Answers published messages of every owner, none twice. One for each engine."""

    def __init__(
        self, chats: Callable[[str], Chats], look_for_orphans: Callable[[], Awaitable[object]]
    ) -> None:
        """`chats` are an owner's; for the rest see `PublishedMessages`."""
        self._chats = chats
        self._look_for_orphans = look_for_orphans
        self._turns: dict[str, asyncio.Lock] = {}

    async def reply(self, owner: str, session: str, text: str, task: str) -> dict[str, object]:
        """What the task returns: the answer to `text`, once it has ended.

        Raises InvalidInput, or Unavailable of kind ENDS where the program ends before.
        """
        chats = self._chats(owner)
        if chats.answers.closing:
            raise _ends()
        published = PublishedMessages(chats, self._look_for_orphans)
        # It may be here twice at this very moment; the second time finds what the first began.
        async with self._turns.setdefault(task, asyncio.Lock()):
            message = await published.answer(session, text, task)
        self._turns.pop(task, None)
        if chats.answers.closing and message.state == "interrupted":
            raise _ends()
        return {
            "success": message.state == "complete",
            "session_id": message.chat,
            "message_id": message.id,
            "response": message.text,
            "error": _error(message),
        }


def _error(message: Message) -> str | None:
    if message.state == "streaming":
        return "It waits for a person's approval, and goes on when that came."
    return None if message.error is None else str(message.error)


def _ends() -> Unavailable:
    return Unavailable("The program ends", "The message is answered at the next start.", kind=ENDS)
