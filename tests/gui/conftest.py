"""What tests of windows share: the application, its theme, and a bridge to a client in memory."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from worker.contract.services import Client
from worker.runtime import Runtime

T = TypeVar("T")


@pytest.fixture
def themes(qapp: QApplication) -> Iterator[ThemeController]:
    """The application in its light theme."""
    made = ThemeController(qapp, "light")
    yield made
    made.deleteLater()


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    """The loop that clients live on."""
    with Runtime() as made:
        yield made


@pytest.fixture
def fake() -> FakeClient:
    """The engine of these tests."""
    return FakeClient()


@pytest.fixture
def on_loop(runtime: Runtime) -> Callable[[Coroutine[Any, Any, T]], T]:
    """Runs a coroutine on the loop and waits for it."""
    return lambda coro: runtime.run(coro, 5.0)


@pytest.fixture
def unconnected(qtbot: QtBot) -> Iterator[Bridge]:
    """A bridge without a client."""
    made = Bridge()
    yield made
    made.stop()
    made.deleteLater()


@pytest.fixture
def bridge(unconnected: Bridge, runtime: Runtime, fake: FakeClient, qtbot: QtBot) -> Bridge:
    """A bridge to `fake`, connected."""

    async def make() -> Client:
        return fake.as_client()

    with qtbot.waitSignal(unconnected.ready):
        unconnected.connect_client(runtime, make)
    qtbot.waitUntil(lambda: bool(fake.streams))
    return unconnected
