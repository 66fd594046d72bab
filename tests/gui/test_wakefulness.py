"""Staying awake while runs are at work: the choice in the menu, and each system's way."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform import power
from nagatha_desktop.platform.power import (
    CaffeinateMeans,
    SleepWatch,
    ThreadStateMeans,
    WakeLock,
    means_of,
)
from nagatha_desktop.program import Program
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.tray import Tray
from nagatha_desktop.wakefulness import Wakefulness
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.program import begun
from worker.contract.types import Problem
from worker.runtime import Runtime

# The offscreen platform has no tray, and says so in these words.
pytestmark = pytest.mark.qt_log_ignore("systemTrayWindowChanged")

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")
def test_a_watch_that_is_slow_to_end_leaves_no_socket_open(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs: list[tuple[socket.socket, socket.socket]] = []
    asked, answer = threading.Event(), threading.Event()
    made = socket.socketpair

    def pair() -> tuple[socket.socket, socket.socket]:
        pairs.append(made())
        return pairs[-1]

    def slow(bus: str) -> None:
        asked.set()
        answer.wait(60)
        raise ConnectionRefusedError(bus)

    monkeypatch.setattr(power.socket, "socketpair", pair)
    monkeypatch.setattr("jeepney.io.blocking.open_dbus_connection", slow)
    monkeypatch.setattr(power, "_JOINED_WITHIN", 0.01)
    watch = SleepWatch()
    watch.start()
    thread = watch._thread
    assert thread is not None and asked.wait(60)
    watch.stop()
    answer.set()
    thread.join(60)
    assert len(pairs) == 1 and [one.fileno() for one in pairs[0]] == [-1, -1]
    watch.deleteLater()


@dataclass
class FakeMeans:
    """A system that is asked to stay awake, or refuses."""

    possible: bool = True
    refuses: bool = False
    said: list[str] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def there(self) -> bool:
        return self.possible

    def take(self, why: str) -> Callable[[], None]:
        self.threads.add(threading.get_ident())
        if self.refuses:
            self.said.append("refused")
            raise PermissionError("not you")
        self.said.append(f"awake: {why}")
        return self._end

    def _end(self) -> None:
        self.threads.add(threading.get_ident())
        self.said.append("may sleep")


@pytest.fixture
def means() -> FakeMeans:
    return FakeMeans()


@dataclass
class Stage:
    """What there is to choose with, and what follows."""

    wakefulness: Wakefulness
    watch: EngineWatch
    state: WindowState
    tray: Tray

    @property
    def lock(self) -> WakeLock:
        return self.wakefulness.lock


@pytest.fixture
def stage(
    unconnected: Bridge, themes: ThemeController, means: FakeMeans, tmp_path: Path
) -> Iterator[Stage]:
    watch = EngineWatch(unconnected, unconnected)
    state = WindowState(tmp_path, parent=unconnected)
    tray = Tray(themes, watch, Keys(parent=unconnected), unconnected)
    made = Wakefulness(unconnected, watch, state, unconnected, means)
    made.offer(tray)
    yield Stage(made, watch, state, tray)
    made.stop()
    tray.stop()


@pytest.fixture
def connected(
    stage: Stage, unconnected: Bridge, runtime: Runtime, fake: FakeClient, qtbot: QtBot
) -> Stage:
    async def make() -> Any:
        return fake.as_client()

    unconnected.connect_client(runtime, make)
    qtbot.waitUntil(lambda: stage.lock.known and stage.watch.engine is not None)
    qtbot.waitUntil(lambda: bool(fake.streams))
    return stage


def test_it_is_off_at_first_and_not_possible_before_that_is_known(stage: Stage) -> None:
    entry = stage.tray.awake
    assert entry.isCheckable() and not entry.isChecked() and not entry.isEnabled()
    assert entry.toolTip() == "Whether this computer can be kept awake is not known yet."
    assert stage.tray.menu.toolTipsVisible()


def test_awake_as_long_as_runs_are_at_work_and_no_longer(
    connected: Stage, means: FakeMeans, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    entry = connected.tray.awake
    assert entry.isEnabled()
    assert entry.toolTip() == "The computer does not go to sleep while runs are at work."
    entry.trigger()
    assert entry.isChecked() and connected.state.flag("keep_awake")
    assert means.said == []
    run = on_loop(fake.work.run_task("echo_bot.echo", {}))
    qtbot.waitUntil(lambda: connected.lock.held)
    on_loop(fake.work.change(run.id, state="SUCCESS", ended=run.queued))
    qtbot.waitUntil(lambda: not connected.lock.held)
    assert means.said == ["awake: Background work is running", "may sleep"]
    # Windows ends it on the thread that began it only.
    assert len(means.threads) == 1 and threading.get_ident() not in means.threads


def test_nothing_is_asked_for_unless_it_is_wanted_and_the_choice_holds_at_once(
    connected: Stage, means: FakeMeans, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    on_loop(fake.work.run_task("echo_bot.echo", {}))
    qtbot.waitUntil(lambda: connected.watch.running == 1)
    assert means.said == []
    connected.tray.awake.trigger()
    qtbot.waitUntil(lambda: connected.lock.held)
    connected.tray.awake.trigger()
    qtbot.waitUntil(lambda: not connected.lock.held)
    assert not connected.tray.awake.isChecked() and not connected.state.flag("keep_awake")
    assert means.said[1:] == ["may sleep"]


def test_the_end_of_the_program_and_of_the_engine_let_it_sleep(
    connected: Stage, means: FakeMeans, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    connected.state.set("keep_awake", True)
    on_loop(fake.work.run_task("echo_bot.echo", {}))
    qtbot.waitUntil(lambda: connected.lock.held)
    connected.watch._failed(Problem("engine", "It is gone", "", ""))
    qtbot.waitUntil(lambda: not connected.lock.held)
    connected.watch._ready()
    qtbot.waitUntil(lambda: connected.lock.held)
    connected.lock.stop()
    assert means.said[-1] == "may sleep" and means.said.count("may sleep") == 2


def test_a_refusal_is_told_and_asked_again_with_the_next_work(
    connected: Stage,
    means: FakeMeans,
    fake: FakeClient,
    on_loop: OnLoop,
    qtbot: QtBot,
) -> None:
    means.refuses = True
    connected.state.set("keep_awake", True)
    run = on_loop(fake.work.run_task("echo_bot.echo", {}))
    qtbot.waitUntil(lambda: bool(connected.lock.refusal))
    entry = connected.tray.awake
    assert entry.toolTip() == "The system refused to stay awake: PermissionError: not you"
    assert entry.isEnabled() and entry.isChecked() and not connected.lock.held
    on_loop(fake.work.change(run.id, state="SUCCESS", ended=run.queued))
    qtbot.waitUntil(lambda: not connected.lock.refusal)
    means.refuses = False
    on_loop(fake.work.run_task("echo_bot.echo", {}))
    qtbot.waitUntil(lambda: connected.lock.held)
    assert means.said == ["refused", "awake: Background work is running"]


def test_where_it_is_not_possible_the_menu_says_so(program: Program, qtbot: QtBot) -> None:
    program.wakefulness.lock._means = FakeMeans(possible=False)
    begun(program, qtbot)
    qtbot.waitUntil(lambda: program.wakefulness.lock.known)
    entry = program.tray.awake
    assert not entry.isEnabled()
    assert entry.toolTip() == "This system cannot be asked to stay awake."


def test_a_system_that_nobody_knows_is_asked_nothing(
    monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    assert means_of("freebsd14") is None
    monkeypatch.setattr(power, "means_of", lambda platform: None)
    lock = WakeLock()
    lock.start()
    lock.hold("work")
    assert lock.known and not lock.possible and not lock.held
    lock.stop()
    lock.deleteLater()


# -- the other systems -----------------------------------------------------------------------------


def test_windows_is_told_by_flags_and_told_when_it_is_over() -> None:
    flags: list[int] = []

    def set_state(new: int) -> int:
        flags.append(new)
        return 0x80000000

    means = ThreadStateMeans(set_state)
    assert means.there()
    end = means.take("work")
    assert flags == [0x80000001]
    end()
    assert flags == [0x80000001, 0x80000000]


def test_windows_may_fail() -> None:
    with pytest.raises(OSError, match="SetThreadExecutionState"):
        ThreadStateMeans(lambda _: 0).take("work")


def test_macos_runs_its_program_as_long_as_that_is_wanted() -> None:
    begun_with: list[tuple[str, ...]] = []
    made: list[subprocess.Popen[bytes]] = []

    def start(command: Sequence[str]) -> "subprocess.Popen[bytes]":
        begun_with.append(tuple(command))
        made.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return made[-1]

    end = CaffeinateMeans(start).take("work")
    assert begun_with == [("/usr/bin/caffeinate", "-i", "-w", str(os.getpid()))]
    assert made[0].poll() is None
    end()
    assert made[0].poll() is not None
    assert made[0].stdin is not None
    made[0].stdin.close()
    assert isinstance(means_of("darwin"), CaffeinateMeans)


def test_macos_without_the_program_cannot(tmp_path: Path) -> None:
    def never(command: Sequence[str]) -> "subprocess.Popen[bytes]":
        raise AssertionError(command)

    assert not CaffeinateMeans(never, str(tmp_path / "none")).there()
    assert CaffeinateMeans(never, sys.executable).there()
