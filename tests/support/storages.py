"""A storage as tests use it: blocking calls on a loop of its own; and values to put into it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from worker.contract.types import Chat, Message, Run
from worker.storage.base import Storage
from worker.storage.memory import MemoryStorage
from worker.storage.sqlite.store import SqliteStorage

ME = "me"
"""The owner in most tests."""
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Blocking:
    """Every verb of a storage as a plain call."""

    def __init__(self, storage: Storage, runner: asyncio.Runner) -> None:
        self.storage = storage
        self.runner = runner

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        method: Callable[..., Coroutine[Any, Any, Any]] = getattr(self.storage, verb)
        return lambda *args, **kwargs: self.runner.run(method(*args, **kwargs))


@contextmanager
def opened(storage: Storage) -> Iterator[Blocking]:
    """The storage, open; closed at the end."""
    with asyncio.Runner() as runner:
        blocking = Blocking(storage, runner)
        blocking.open()
        try:
            yield blocking
        finally:
            blocking.aclose()


@contextmanager
def sqlite_in(folder: Path) -> Iterator[Blocking]:
    """The SQLite storage in `folder`, open."""
    with opened(SqliteStorage(folder / "nagatha.db", folder / "backups")) as storage:
        yield storage


BACKENDS = ("memory", "sqlite")


@contextmanager
def backend(name: str, folder: Path) -> Iterator[Blocking]:
    """One of BACKENDS, open; what it keeps is in `folder`."""
    if name == "memory":
        with opened(MemoryStorage()) as storage:
            yield storage
    else:
        with sqlite_in(folder) as storage:
            yield storage


def a_chat(name: str = "chat", **values: Any) -> Chat:
    return Chat(**{"id": name, "title": "A chat", "created": NOW, "updated": NOW, **values})


def a_question(name: str = "q1", chat: str = "chat", **values: Any) -> Message:
    return Message(
        **{
            "id": name,
            "chat": chat,
            "parent": None,
            "role": "user",
            "state": "complete",
            "text": f"Question {name}",
            "created": NOW,
            **values,
        }
    )


def an_answer(name: str = "a1", parent: str | None = "q1", **values: Any) -> Message:
    return a_question(
        name,
        **{"parent": parent, "role": "assistant", "state": "streaming", "text": "", **values},
    )


def a_run(name: str = "r1", /, **values: Any) -> Run:
    return Run(
        **{
            "id": name,
            "kind": "answer",
            "name": "answer",
            "state": "STARTED",
            "source": "chat",
            "queued": NOW,
            **values,
        }
    )


def chain(
    chat: str, length: int, text: Callable[[int], str] = "Message {}".format
) -> list[Message]:
    """A chat of questions and answers, one below the other, a second apart."""
    return [
        a_question(
            f"{chat}-{number}",
            chat,
            parent=f"{chat}-{number - 1}" if number else None,
            role="assistant" if number % 2 else "user",
            text=text(number),
            created=later(number),
        )
        for number in range(length)
    ]


def begin(storage: Blocking, number: int = 1, parent: str | None = None, **values: Any) -> None:
    """Question and answer `number` in the chat "chat", which is made with the first."""
    storage.begin_answer(
        ME,
        question=a_question(f"q{number}", parent=parent, created=later(number)),
        answer=an_answer(f"a{number}", f"q{number}", created=later(number)),
        run=a_run(f"r{number}", chat="chat", message=f"a{number}", queued=later(number)),
        process="p1",
        **values,
    )


def finish(storage: Blocking, number: int = 1, text: str = "An answer", **values: Any) -> Any:
    return storage.finish_answer(
        ME,
        an_answer(f"a{number}", f"q{number}", text=text, **{"state": "complete", **values}),
        a_run(f"r{number}", chat="chat", message=f"a{number}", state="SUCCESS", ended=later(99)),
    )


def told(storage: Blocking, number: int, parent: str | None, text: str = "An answer") -> None:
    begin(storage, number, parent, **({"chat": a_chat()} if number == 1 else {}))
    finish(storage, number, text)
