"""What tests of windows share: the application, its theme, and a bridge to a client in memory."""

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nagatha_desktop import program as program_module
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.program import Program
from nagatha_desktop.state import WindowState
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.program import Backend
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
    return lambda coro: runtime.run(coro, 30.0)


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


@pytest.fixture
def backend(runtime: Runtime, fake: FakeClient) -> Backend:
    """The engine's side of `program`."""
    return Backend(runtime, fake)


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes that the program asked Qt to end with."""
    codes: list[int] = []

    class Application:
        exit = staticmethod(codes.append)

    monkeypatch.setattr(program_module, "QCoreApplication", Application)
    return codes


@pytest.fixture
def program(
    qapp: QApplication, backend: Backend, exits: list[int], tmp_path: Path, qtbot: QtBot
) -> Iterator[Program]:
    """The whole program, not started yet."""
    state = WindowState(tmp_path, {"first_start_done": True})
    made = Program(qapp, state, backend)
    yield made
    made.end()
    qtbot.waitUntil(lambda: backend.ended == 1)
    qtbot.waitUntil(lambda: exits == [0])
    for window in (made.window, made._quick, made.activity.made, made.reminders.made):
        if window is not None:
            window.deleteLater()
    made.state.deleteLater()
    made.themes.deleteLater()
    made.deleteLater()
