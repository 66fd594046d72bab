"""What tests of the whole program share: an engine in memory behind it, and its start.

Owns the fake of the engine's side (`Backend`). The program itself is made in tests/gui/conftest.py.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.program import Program
from tests.support.fake_client import FakeClient
from worker.contract.services import Client
from worker.runtime import Runtime


class Backend:
    """An engine that is there at once, or fails as told."""

    def __init__(self, runtime: Runtime, fake: FakeClient) -> None:
        self.runtime = runtime
        self.fake = fake
        self.failure: Exception | None = None
        self.ended = 0

    def begin(self, bridge: Bridge) -> None:
        async def make() -> Client:
            if self.failure is not None:
                raise self.failure
            return self.fake.as_client()

        bridge.connect_client(self.runtime, make)

    def aside(self, work: Callable[[], None]) -> "Future[None]":
        return self.runtime.submit(asyncio.to_thread(work))

    def end(self, ended: Callable[[], None]) -> None:
        self.ended += 1
        ended()


def begun(program: Program, qtbot: QtBot, *commands: str, hidden: bool = False) -> None:
    """Start it, and wait until the engine is there or is known to have failed."""
    program.start(commands or ("show chat",), hidden)
    qtbot.waitUntil(lambda: program.watch.engine is not None or bool(program.watch.failure))
