"""What is true by now of news that had to wait: read anew, and left out where it is no news.

Owns what each kind that `calm` keeps means to the engine. What is said of it, and how, it must not
know. These run on the runtime loop.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from worker.contract.errors import NagathaError
from worker.contract.routines import Occurrence, Routine
from worker.contract.services import Client
from worker.contract.types import Run

T = TypeVar("T")

_HISTORY = 50


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is there, in a chat (id)."""

    chat: str
    title: str
    """The chat's."""
    text: str


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
        for occurrence in await client.routines.history(name, _HISTORY):
            if occurrence.id == value.partition(" ")[0]:
                found.append((routine, occurrence))
    return tuple(found)


async def pauses_of(client: Client, waited: Mapping[str, str]) -> tuple[Routine, ...]:
    """Those that paused themselves, and still are paused. `waited` is by routine (id)."""
    found = [await _there(client.routines.get(name)) for name in waited]
    return tuple(
        one for one in found if one and one.paused and one.paused_why and one.deleted is None
    )


async def failures_of(client: Client, waited: Mapping[str, str]) -> tuple[Run, ...]:
    """Runs that failed and are still there. `waited` is by run (id)."""
    found = [await _there(client.jobs.get(name)) for name in waited]
    return tuple(run for run in found if run is not None and run.state == "FAILURE")


async def _there(asked: Awaitable[T]) -> T | None:
    """None where it is gone."""
    try:
        return await asked
    except NagathaError as error:
        if error.problem.kind != "not_found":
            raise
        return None
