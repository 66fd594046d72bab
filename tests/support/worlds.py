"""A real engine on a model server, and a client of it: in this process, or over a real uvicorn.

Owns their making and ending for tests that must not care which client they have.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from nagatha_desktop.client.local import LocalClient
from nagatha_desktop.client.remote import RemoteClient
from tests.support.model_server import ModelServer
from worker.api.app import create_api
from worker.api.server import serve
from worker.contract.events import Event, RunChanged
from worker.contract.services import Client
from worker.contract.types import FINAL_STATES, Message, Run, Sent
from worker.engine import Engine
from worker.paths import Paths
from worker.runtime import Runtime

Kind = Literal["local", "remote"]
T = TypeVar("T")
DEADLINE = 150.0
"""Seconds for a whole test, far above what it takes."""
TOKEN = "a-token-for-tests"
KEY = "sk-test-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class World:
    """What a test has: a client, what is behind it, and the loop that all of it lives on."""

    client: Client
    models: ModelServer
    engine: Engine
    runtime: Runtime
    folder: Path

    def run(self, test: Callable[["World"], Awaitable[T]], deadline: float = DEADLINE) -> T:
        """Run a test on the loop, for at most `deadline` seconds."""

        async def bounded() -> T:
            async with asyncio.timeout(deadline):
                return await test(self)

        return self.runtime.run(bounded(), deadline + 5)

    async def answered(self, sent: Sent) -> Message:
        """The answer once its run has ended."""
        await self.ended(sent.run)
        return await self.client.chats.message(sent.answer.id)

    async def ended(self, run: str) -> Run:
        """A run once it is in a final state; told by events, not by asking again and again."""
        events = self.client.events(0)
        try:
            async for event in events:
                ended = isinstance(event, RunChanged) and event.run.state in FINAL_STATES
                if ended and event.run_id == run:
                    return await self.client.jobs.get(run)
        finally:
            await close(events)
        raise AssertionError("the events ended")


async def close(events: AsyncIterator[Event]) -> None:
    """End a stream of events, whichever client it came from."""
    aclose = getattr(events, "aclose", None)
    if aclose is not None:
        await aclose()


@contextmanager
def world(
    kind: Kind, folder: Path, *, background: bool = False, titles: bool = False, model: str = "fast"
) -> Iterator[World]:
    """An engine in `folder` with the provider "openai" of the environment at a model server.

    With `background` the worker runs too, with `titles` chats find their titles themselves.
    """
    with ModelServer() as models, Runtime() as runtime:
        environ = {
            "NAGATHA_HOME": str(folder),
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": models.url,
            "OPENAI_MODEL": model,
            "NAGATHA_CHAT_AUTOMATIC_TITLES": str(titles).lower(),
        }
        paths = Paths.find(environ)
        engine = Engine(paths, runtime, "desktop", environ=environ, cwd=folder)
        stack = AsyncExitStack()

        async def open_() -> Client:
            await stack.enter_async_context(engine)
            await engine.modules_ready()
            if background:
                from worker.background import CeleryBackground

                await engine.plug(CeleryBackground(engine, paths.queue, work=True))
            return await stack.enter_async_context(client_of(kind, engine))

        try:
            client = runtime.run(open_(), DEADLINE)
            yield World(client, models, engine, runtime, folder)
        finally:
            runtime.run(stack.aclose(), DEADLINE)


@asynccontextmanager
async def client_of(kind: Kind, engine: Engine) -> AsyncIterator[Client]:
    """One of the two clients of an engine that is open."""
    local = LocalClient(engine)
    if kind == "local":
        yield local
        await local.aclose()
        return
    async with serve(create_api(lambda owner: local, {TOKEN: "local"})) as url:
        remote = RemoteClient(url, TOKEN)
        try:
            yield remote
        finally:
            await remote.aclose()
