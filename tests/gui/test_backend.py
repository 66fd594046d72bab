"""The engine's side of the program: what its beginning leaves behind."""

import gc
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.app import LocalBackend
from nagatha_desktop.bridge import Bridge
from worker.paths import Paths

LONG = 60_000  # far above what the imports take


@pytest.fixture
def without_collecting() -> Iterator[None]:
    """As the program is while it starts."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def _ended(backend: LocalBackend, unconnected: Bridge) -> bool:
    unconnected.stop()
    ended = Event()
    backend.end(ended.set)
    return ended.wait(LONG / 1000)


@pytest.mark.usefixtures("without_collecting")
def test_garbage_is_collected_again_once_the_engine_is_there(
    qtbot: QtBot, unconnected: Bridge, nagatha_home: Path
) -> None:
    backend = LocalBackend(Paths.under(nagatha_home))
    backend.begin(unconnected)
    qtbot.waitUntil(lambda: unconnected.connected, timeout=LONG)
    qtbot.waitUntil(gc.isenabled, timeout=LONG)
    assert gc.get_freeze_count() > 0
    assert _ended(backend, unconnected)


@pytest.mark.usefixtures("without_collecting")
@pytest.mark.parametrize("in_the_way", ["nagatha.db", "logs"])
def test_garbage_is_collected_again_where_the_engine_cannot_begin(
    qtbot: QtBot, unconnected: Bridge, nagatha_home: Path, in_the_way: str
) -> None:
    paths = Paths.under(nagatha_home)
    nagatha_home.mkdir(parents=True, exist_ok=True)
    if in_the_way == "logs":
        paths.logs.write_text("no folder")
    else:
        (nagatha_home / in_the_way).mkdir()
    backend = LocalBackend(paths)
    with qtbot.waitSignal(unconnected.failed, timeout=LONG):
        backend.begin(unconnected)
    qtbot.waitUntil(gc.isenabled, timeout=LONG)
    assert _ended(backend, unconnected)
