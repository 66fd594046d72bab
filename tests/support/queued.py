"""Queued answers for tests: asked, half written, waiting, and looked at.

Owns no engine; see `engines`.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.support.engines import becomes
from tests.support.half import HALF, is_text
from tests.support.worlds import World
from worker.contract.types import Message, Run, RunState, Sent
from worker.paths import Paths
from worker.presence import Presence

LONG = "Tell me all about it. " * 30
WHOLE = HALF.text


@contextmanager
def somebody_works(folder: Path) -> Iterator[None]:
    """Another process that would run tasks is there, and is slow to begin any."""
    presence = Presence(Paths.find({"NAGATHA_HOME": str(folder)}).locks, "worker")
    presence.enter()
    yield
    presence.leave()


async def half_written(there: World, **wishes: object) -> Sent:
    """A queued answer of which the first words are there."""
    events = there.client.events()
    sent = await there.client.chats.send(
        None, LONG, model="half", provider="openai", use_celery=True
    )
    wanted = is_text("three")
    async for event in events:
        if wanted(event):
            break
    return sent


async def in_state(there: World, run: str, *states: RunState) -> Run:
    """A run once it is in one of these states."""

    async def found() -> Run | None:
        now = await there.client.jobs.get(run)
        return now if now.state in states else None

    got: Run = await becomes(found, f"{run} is {states}")
    return got


async def message(there: World, sent: Sent) -> Message:
    return await there.client.chats.message(sent.answer.id)


async def waiting(there: World) -> Sent:
    sent = await there.client.chats.send(None, LONG)
    assert (await there.client.jobs.get(sent.run)).state == "PENDING"
    assert (await message(there, sent)).state == "streaming"
    return sent


async def nothing_held(there: World, sent: Sent) -> bool:
    return not await there.engine.background.holds(sent.run)


def bury(there: World, run: str) -> None:
    """What the broker does after five deliveries whose process died."""
    with closing(sqlite3.connect(there.engine.paths.queue)) as queue:
        queue.execute(
            """INSERT INTO dead(id, queue, priority, deliveries, task, payload, died)
               SELECT id, queue, priority, 5, task, payload, 1700000000 FROM message
               WHERE task = ?""",
            (run,),
        )
        queue.execute("DELETE FROM message WHERE task = ?", (run,))
        queue.commit()


async def heard(there: World, run: str) -> str:
    """What a Celery client is told of a run."""
    app: Any = there.engine.background._app  # type: ignore[attr-defined]
    return str(await asyncio.to_thread(lambda: app.AsyncResult(run).state))
