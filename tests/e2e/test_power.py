"""Sleep that is told of and kept off, against a logind of the tests on a bus of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.power import SleepWatch, WakeLock
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.wakefulness import Wakefulness
from tests.support.desktop import session_bus
from tests.support.fake_client import FakeClient
from tests.support.logind import logind_on
from worker.contract.services import Client
from worker.runtime import Runtime


@pytest.fixture
def bus(tmp_path: Path, nagatha_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with session_bus(tmp_path, Path(os.environ["XDG_RUNTIME_DIR"])) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address


def test_going_to_sleep_is_no_news_and_waking_is(bus: str, qtbot: QtBot) -> None:
    watch, woke = SleepWatch(), list[bool]()
    watch.woke.connect(lambda: woke.append(True))
    with logind_on(bus) as logind:
        with qtbot.waitSignal(watch.listening):
            watch.start()
        for going in (True, False, True, False):
            logind.tell(going)
        qtbot.waitUntil(lambda: len(woke) == 2)
    watch.stop()
    watch.deleteLater()


def test_without_a_bus_nothing_is_told_and_nothing_breaks(
    nagatha_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    watch = SleepWatch()
    watch.start()
    thread = watch._thread
    assert thread is not None
    qtbot.waitUntil(lambda: not thread.is_alive())
    watch.stop()
    watch.deleteLater()


def test_the_engine_hears_that_the_machine_woke(bus: str, tmp_path: Path, qtbot: QtBot) -> None:
    fake, bridge = FakeClient(), Bridge()
    state = WindowState(tmp_path, parent=bridge)
    wakefulness = Wakefulness(bridge, EngineWatch(bridge, bridge), state, bridge)

    async def make() -> Client:
        return fake.as_client()

    with Runtime() as runtime, logind_on(bus) as logind:
        with qtbot.waitSignal(wakefulness.sleep.listening):
            bridge.connect_client(runtime, make)
        logind.tell(False)
        qtbot.waitUntil(lambda: "system.woke" in fake.calls)
        wakefulness.stop()
        bridge.stop()
    bridge.deleteLater()


def test_logind_holds_sleep_back_until_it_is_let_go(bus: str, qtbot: QtBot) -> None:
    lock = WakeLock()
    with logind_on(bus) as logind:
        with qtbot.waitSignal(lock.changed):
            lock.start()
        assert lock.possible and not lock.held
        lock.hold("Work is done")
        qtbot.waitUntil(lambda: lock.held)
        assert logind.inhibitors == [("sleep", "Nagatha", "Work is done", "block")]
        lock.hold("Work is done")
        lock.release()
        qtbot.waitUntil(lambda: not lock.held and logind.inhibitors == [])
        lock.hold("More of it")
        qtbot.waitUntil(lambda: lock.held)
        lock.stop()
        qtbot.waitUntil(lambda: logind.inhibitors == [])
        assert logind.asked == 2
    lock.deleteLater()


def test_logind_may_refuse(bus: str, qtbot: QtBot) -> None:
    lock = WakeLock()
    with logind_on(bus) as logind:
        logind.refuses = True
        lock.start()
        lock.hold("Work is done")
        qtbot.waitUntil(lambda: bool(lock.refusal))
        assert "Permission denied" in lock.refusal and lock.possible and not lock.held
        lock.stop()
    lock.deleteLater()


def test_a_bus_without_logind_keeps_nothing_awake(bus: str, qtbot: QtBot) -> None:
    lock = WakeLock()
    lock.hold("Work is done")
    with qtbot.waitSignal(lock.changed):
        lock.start()
    assert lock.known and not lock.possible and not lock.held
    lock.stop()
    lock.deleteLater()


def test_without_a_bus_nothing_is_kept_awake(qtbot: QtBot) -> None:
    lock = WakeLock()
    with qtbot.waitSignal(lock.changed):
        lock.start()
    assert lock.known and not lock.possible
    lock.stop()
    lock.deleteLater()
