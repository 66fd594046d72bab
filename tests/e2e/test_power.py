"""Sleep that the system tells of, against a logind of the tests on a bus of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.power import SleepWatch
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


def test_the_engine_hears_that_the_machine_woke(bus: str, qtbot: QtBot) -> None:
    fake, bridge = FakeClient(), Bridge()
    wakefulness = Wakefulness(bridge, bridge)

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
