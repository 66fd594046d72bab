"""Queued questions as a worker gets them: of a chat, or from a Celery client elsewhere.

Owns what the published query tasks do with a message, and the questions that their arguments
make. It must not know Celery, nor how an answer is written.
"""

import asyncio
import contextlib
import json
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from worker.contract.errors import InvalidInput, NotFound
from worker.contract.events import RunChanged
from worker.contract.types import FINAL_STATES, Message, QueryType, Run
from worker.service.chats import Chats

LOOK_AGAIN = 2.0
"""Seconds after which is read what an event should have told: its process may be gone."""
_TYPES: tuple[QueryType, ...] = ("general", "medical", "database", "code", "system")


@dataclass(frozen=True, slots=True)
class Query:
    """A question that came with its text."""

    text: str
    query_type: QueryType


class Queries:
    """Takes queued answers. One for each engine, on its loop."""

    def __init__(
        self,
        chats: Callable[[str], Chats],
        release_orphans: Callable[[], Awaitable[object]],
    ) -> None:
        """`chats` are an owner's. `release_orphans` frees what processes that are gone had."""
        self._chats = chats
        self._release_orphans = release_orphans
        self._taking: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def take(self, owner: str, run: str, query: Query | None) -> tuple[Run, Message]:
        """See to it that the answer of `run` is being written, here where nobody else does it.

        A run that is not there is made from `query`, in a new chat. Returns the run and its
        answer as they stand then; whoever took it writes on. A message that comes twice has no
        second effect. Raises NotFound, InvalidInput, StorageError.
        """
        chats = self._chats(owner)
        storage, answers = chats.scope.storage, chats.answers
        lock = self._taking.setdefault(run, asyncio.Lock())
        async with lock:
            try:
                found = await storage.get_run(owner, run)
            except NotFound:
                if query is None:
                    raise
                await chats.send(
                    None,
                    query.text,
                    source="api",
                    query_type=query.query_type,
                    run=run,
                    sent=True,
                )
                found = await storage.get_run(owner, run)
            if found.state not in FINAL_STATES and not await answers.take(chats.scope, run):
                # A killed process may have it, whose message came back before its row was
                # released; recovery, which may do that now, relies on the message being here.
                await self._release_orphans()
                if not await answers.take(chats.scope, run):
                    await answers.send_early(chats.scope, run)
            return await self._now(chats, run)

    async def ended(self, owner: str, run: str) -> tuple[Run, Message] | None:
        """Wait for a run's end, whoever writes it; None where the program ends before."""
        chats = self._chats(owner)
        events = chats.scope.bus.subscribe(owner)
        while True:
            found, message = await self._now(chats, run)
            if found.state in FINAL_STATES:
                return found, message
            if chats.answers.closing:
                return None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN):
                    async for event in events:
                        if isinstance(event, RunChanged) and event.run_id == run:
                            break

    async def _now(self, chats: Chats, run: str) -> tuple[Run, Message]:
        found = await chats.scope.storage.get_run(chats.scope.owner, run)
        if found.message is None:
            raise NotFound("This run writes no answer", f"The run {run!r} is of another kind.")
        return found, await chats.message(found.message)


def query_of(query_type: QueryType, arguments: Mapping[str, object]) -> Query | None:
    """The question that a task's arguments make; None where there are none at all.

    `query` (or `medical_data`, `code`) is the question. The others become lines below it, such as
    the database that it is about. Raises InvalidInput.
    """
    given = {name: value for name, value in arguments.items() if value not in (None, "")}
    if not given:
        return None
    wanted = given.pop("query_type", query_type)
    if wanted not in _TYPES:
        raise InvalidInput(
            "There is no such kind of query", f"It is {wanted!r}.", f"Use {', '.join(_TYPES)}."
        )
    texts = [str(given.pop(name)) for name in ("query", "medical_data", "code") if name in given]
    if not any(text.strip() for text in texts):
        raise InvalidInput("There is nothing to ask", "The query is empty.")
    details = [f"{_LABELS[name]}: {_plain(given[name])}" for name in _LABELS if name in given]
    for kind in _TYPES:
        if kind == wanted:
            return Query("\n\n".join([*texts, *details]), kind)
    raise AssertionError(wanted)


_LABELS: Mapping[str, str] = {
    "analysis_type": "Kind of analysis",
    "patient_id": "Patient",
    "database": "Database",
    "language": "Language",
    "context": "Context",
}
"""What besides the question is told to the model."""


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
