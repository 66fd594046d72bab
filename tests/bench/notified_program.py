"""The program under measurement, for bench_reminders: a chat streams in its window, jobs run, and
reminders come due. Says how long after its time the desktop had the notification of each.

Run as a process, on a bus with something that shows notifications, and with the module "busy":
python -m tests.bench.notified_program REMINDERS JOBS EVERY AHEAD
"""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from nagatha_desktop.app import LocalBackend
from nagatha_desktop.client.local import LocalClient
from nagatha_desktop.platform.lean import spare_sources
from nagatha_desktop.platform.notifications import Shown
from nagatha_desktop.program import Program
from nagatha_desktop.state import WindowState, read
from tests.support.reminders import a_row
from worker.paths import Paths

PATIENCE = 120.0
LOOK = 500
"""Milliseconds between two looks at what cannot be heard of: to ask is work for the engine."""


def wait(condition: Callable[[], bool], what: str) -> None:
    """Let the program work until something is so. Raises TimeoutError."""
    loop, timer = QEventLoop(), QTimer(interval=LOOK)
    end = time.monotonic() + PATIENCE

    def look() -> None:
        if condition() or time.monotonic() > end:
            loop.quit()

    timer.timeout.connect(look)
    timer.start()
    loop.exec()
    timer.stop()
    if time.monotonic() > end:
        raise TimeoutError(what)


def main(many: int, jobs: int, every: float, ahead: float) -> dict[str, float]:
    """`every` seconds one is due, the first one `ahead` seconds from when all else is at work."""
    spare_sources()
    app = QApplication([])
    paths = Paths.find()
    state = WindowState(paths.home, read(paths.home)[0])
    state.set("first_start_done", True)
    backend = LocalBackend(paths)
    program = Program(app, state, backend)
    program.start(["show chat"], hidden=False)
    wait(lambda: program.bridge.connected, "the engine")
    local, runtime = backend._engine, backend._runtime
    assert local is not None
    assert runtime is not None
    engine = local._engine
    client = LocalClient(engine)
    model = program.window.model
    wait(lambda: engine.background.state.worker == "ok", "the worker")
    runs = [runtime.run(client.jobs.run_task("busy.work", {})).id for _ in range(jobs)]

    def at_work() -> int:
        return sum(runtime.run(client.jobs.get(run)).state == "STARTED" for run in runs)

    def text() -> str:
        """Of the answer, as far as it is kept."""
        last = model.last_of("assistant")
        return "" if last is None else runtime.run(client.chats.message(last.id)).text

    wait(lambda: at_work() == jobs, "the jobs run")
    model.choose_model("openai", "stream")
    model.send("Tell me everything")
    wait(lambda: bool(text()), "the answer streams")

    notified: dict[str, datetime] = {}
    """When the desktop had taken the notification of a firing (id)."""
    reminders = program.alerts.reminders

    def note(shown: Shown) -> None:
        if shown.place != "system":
            raise RuntimeError(f"the desktop does not show it: {shown.why}")
        name = shown.id.removeprefix("reminder:")
        for firing in tuple(reminders._together) if name == "reminders" else (name,):
            notified.setdefault(firing, datetime.now(UTC))

    program.alerts.notifier.shown.connect(note)
    first = datetime.now(UTC) + timedelta(seconds=ahead)
    rows = [a_row(f"r{n}", first + timedelta(seconds=n * every)) for n in range(many)]
    runtime.run(engine.services("local").reminders.add_all(rows))
    end = first + timedelta(seconds=many * every)
    wait(lambda: datetime.now(UTC) > end, "all are due")

    wait(lambda: len(notified) == many, "all are notified")
    firings = {one.id: one for one in runtime.run(client.reminders.open_firings())}
    late = sorted((at - firings[name].due).total_seconds() for name, at in notified.items())
    early = sum(one.fired < one.due for one in firings.values()) + sum(one < 0 for one in late)
    still = at_work()
    before = len(text())
    wait(lambda: len(text()) > before, "the answer streams still")
    done = threading.Event()
    backend.end(done.set)
    done.wait(30)
    return {
        "p99": late[int(len(late) * 0.99) - 1],
        "p50": late[len(late) // 2],
        "worst": late[-1],
        "early": early,
        "jobs": still,
    }


if __name__ == "__main__":
    given = sys.argv[1:]
    try:
        found = main(int(given[0]), int(given[1]), float(given[2]), float(given[3]))
    except BaseException:  # the engine's threads would keep the process
        traceback.print_exc()
        os._exit(1)
    print(json.dumps(found), flush=True)
    os._exit(0)
