"""What is true by now of news that had to wait: read anew, and left out where it is no news.

Owns what each kind that `calm` keeps means to the engine, and that none is dropped before it can be
said. What is said of it, and how, it must not know.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from PySide6.QtCore import QObject

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
from worker.contract.errors import NagathaError
from worker.contract.routines import Occurrence, Routine
from worker.contract.services import Client
from worker.contract.types import Problem, Run

T = TypeVar("T")
Reader: TypeAlias = Callable[[Client, Mapping[str, str]], Awaitable[T]]
"""Finds out, on the runtime loop, what is true of what waited."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is there, in a chat (id)."""

    chat: str
    title: str
    """The chat's."""
    text: str


class Waited(QObject):
    """Reads what waited, one kind at a time each, and hands on what is true of it."""

    def __init__(self, bridge: Bridge, calm: Calm, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._calm = calm
        self._reading: set[str] = set()

    def read(self, kind: str, reader: Reader[T], say: Callable[[T], None]) -> None:
        """Have `say` called with what is still true of one kind; not where nothing waits."""
        waited = self._calm.waiting(kind)
        if not waited or kind in self._reading:
            return
        self._reading.add(kind)

        def done(found: T) -> None:
            self._reading.discard(kind)
            self._calm.settle(kind, waited)
            say(found)

        def failed(_: Problem) -> None:
            self._reading.discard(kind)
            self._calm.try_again()

        self._bridge.call(
            lambda client: reader(client, waited), owner=self, done=done, failed=failed
        )


async def answers_of(client: Client, waited: Mapping[str, str]) -> tuple[Answered, ...]:
    """Those that are still there, the oldest first. `waited` maps chats to messages (ids)."""
    found = []
    for name, message in waited.items():
        chat = await _there(client.chats.get(name))
        answer = await _there(client.chats.message(message)) if message else None
        if chat is not None and chat.deleted is None:
            found.append((chat.updated, Answered(name, chat.title, answer.text if answer else "")))
    return tuple(answer for _, answer in sorted(found, key=lambda pair: pair[0]))


async def ends_of(
    client: Client, waited: Mapping[str, str]
) -> tuple[tuple[Routine, Occurrence], ...]:
    """Routines whose end is to be told, with that time of it. `waited` maps routines (ids) to an
    occurrence (id) and, after a space, the chat with its answer."""
    found = []
    for name, value in waited.items():
        routine = await _there(client.routines.get(name))
        if routine is None or routine.deleted is not None or not routine.notify:
            continue
        occurrence = await _there(client.routines.occurrence(value.partition(" ")[0]))
        if occurrence is not None:
            found.append((routine, occurrence))
    return tuple(found)


async def pauses_of(client: Client, waited: Mapping[str, str]) -> tuple[Routine, ...]:
    """Those that paused themselves, and still are paused. `waited` is by routine (id)."""
    found = [await _there(client.routines.get(name)) for name in waited]
    return tuple(
        one for one in found if one and one.paused and one.paused_why and one.deleted is None
    )


async def failures_of(client: Client, waited: Mapping[str, str]) -> tuple[Run, ...]:
    """Runs that failed and are still there, but for those of a schedule that went well since.
    `waited` is by run (id)."""
    found = [await _there(client.jobs.get(name)) for name in waited]
    failed = tuple(run for run in found if run is not None and run.state == "FAILURE")
    if not any(run.schedule for run in failed):
        return failed
    # It may have gone well in another process, which told nobody here.
    last = {one.name: one.last_run for one in await client.jobs.schedules()}
    return tuple(run for run in failed if not _went_well_after(run, last.get(run.schedule)))


def _went_well_after(failed: Run, last: Run | None) -> bool:
    return last is not None and last.state == "SUCCESS" and last.queued > failed.queued


async def _there(asked: Awaitable[T]) -> T | None:
    """None where it is gone."""
    try:
        return await asked
    except NagathaError as error:
        if error.problem.kind != "not_found":
            raise
        return None
