"""A real engine with what a test wants to be different: storage, modules, provider, settings.

Owns their making and ending. `worlds` is for tests that must not care which client they have;
these are about the engine itself.
"""

import asyncio
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from nagatha_desktop.client.local import LocalClient
from tests.support.model_server import ModelServer
from tests.support.worlds import DEADLINE, KEY, Kind, World, client_of, close
from worker.contract.errors import StorageError
from worker.contract.events import Event
from worker.engine import Engine
from worker.moments.zone import machine_zone
from worker.paths import Paths
from worker.presence import ProcessRole
from worker.runtime import Runtime
from worker.storage.base import Storage
from worker.storage.memory import MemoryStorage


def _now() -> datetime:
    return datetime.now(UTC)


OnLoop = Callable[[World], Awaitable[None]]


def environment(
    folder: Path, models: ModelServer | None, model: str, titles: bool
) -> dict[str, str]:
    """For an engine in `folder`; without `models` there is no provider."""
    environ = {
        "NAGATHA_HOME": str(folder),
        "NAGATHA_CHAT_AUTOMATIC_TITLES": str(titles).lower(),
    }
    if models is not None:
        environ |= {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": models.url, "OPENAI_MODEL": model}
    return environ


@contextmanager
def engine_in(
    folder: Path,
    *,
    models: ModelServer | None = None,
    model: str = "fast",
    titles: bool = False,
    background: bool = False,
    work: bool = True,
    storage: Storage | None = None,
    environ: Mapping[str, str] | None = None,
    role: ProcessRole = "desktop",
    runtime: Runtime | None = None,
    now: Callable[[], datetime] = _now,
    monotonic: Callable[[], float] = time.monotonic,
    zone: Callable[[], str] = machine_zone,
) -> Iterator[World]:
    """An engine in `folder`, with the worker when `background`; ended with the block.

    `runtime` lets two engines share a loop, as two processes never would: theirs are apart.
    """
    settings = environment(folder, models, model, titles) | dict(environ or {})
    with Runtime() as own:
        loop = runtime or own
        paths = Paths.find(settings)
        engine = Engine(
            paths,
            loop,
            role,
            environ=settings,
            cwd=folder,
            storage=storage,
            now=now,
            monotonic=monotonic,
            zone=zone,
        )
        stack = AsyncExitStack()

        async def open_() -> LocalClient:
            await stack.enter_async_context(engine)
            if background:
                from worker.background import CeleryBackground

                await engine.plug(CeleryBackground(engine, paths.queue, work=work))
            return LocalClient(engine)

        try:
            client = loop.run(open_(), DEADLINE)
            yield World(client, models or ModelServer(), engine, loop, folder)
        finally:
            loop.run(stack.aclose(), DEADLINE)


def module(folder: Path, name: str, source: str, options: str = "") -> None:
    """Put a module of the person's own into the data folder `folder`, and switch it on."""
    place = folder / "modules" / name
    place.mkdir(parents=True)
    body = textwrap.dedent(source)
    (place / "__init__.py").write_text(f'"""A module of a test."""\n\n__version__ = "1"\n\n{body}')
    (place / "config.yaml").write_text(f"name: {name}\n{textwrap.dedent(options)}")
    config = folder / "config.yaml"
    names = [*(config.read_text().split(": ")[-1].strip("[]\n ").split(", ") if config.exists()
               else []), name]  # fmt: skip
    config.write_text(f"modules:\n  enabled: [{', '.join(names)}]\n")


async def until(there: World, wanted: Callable[[Event], bool], *, after: int | None = 0) -> Event:
    """The first event that `wanted` likes, of those to come and of those kept."""
    events: AsyncIterator[Event] = there.client.events(after)
    try:
        async for event in events:
            if wanted(event):
                return event
    finally:
        await close(events)
    raise AssertionError("the events ended")


async def becomes(condition: Callable[[], Awaitable[Any]], what: str, seconds: float = 60.0) -> Any:
    """What `condition` gives once that is true, for what never announces itself."""
    end = asyncio.get_running_loop().time() + seconds
    while not (value := await condition()):
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError(f"Not within {seconds:g} s: {what}")
        await asyncio.sleep(0.01)
    return value


class Failing:
    """A storage whose verbs named in `broken` raise, as on a full disk, until they are mended."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.broken: set[str] = set()
        self.after: dict[str, int] = {}
        """How often a verb still works before it breaks."""
        self.failed: list[str] = []

    def __getattr__(self, verb: str) -> Any:
        method = getattr(self._storage, verb)

        async def call(*args: Any, **kwargs: Any) -> Any:
            left = self.after.get(verb)
            if left is not None:
                self.after[verb] = left - 1
                if left <= 0:
                    self.broken.add(verb)
            if verb in self.broken:
                self.failed.append(verb)
                raise full()
            return await method(*args, **kwargs)

        return call

    def mend(self) -> None:
        """The disk has room again."""
        self.broken.clear()
        self.after.clear()


def full() -> StorageError:
    return StorageError(
        "The disk is full", "Nothing more can be written.", "Free some space.", kind="disk_full"
    )


@contextmanager
def still_engine(kind: str, folder: Path, now: Callable[[], datetime]) -> Iterator[World]:
    """An engine in UTC that fires nothing by itself: its tests say when it looks.

    `kind` is its client and its storage: "local file", "remote memory" and so on.
    """
    client, kept = kind.split()
    storage = MemoryStorage() if kept == "memory" else None
    with engine_in(folder, now=now, role="cli", zone=lambda: "UTC", storage=storage) as made:
        stack = AsyncExitStack()
        opening = stack.enter_async_context(client_of(cast(Kind, client), made.engine))
        try:
            yield replace(made, client=made.runtime.run(opening, DEADLINE))
        finally:
            made.runtime.run(stack.aclose(), DEADLINE)
