"""A window over 10,000 reminders: how long it takes to open, and how smoothly it scrolls.

Runs the window in a process of its own, offscreen, against reminders in memory on the runtime loop,
through the bridge as in the program. It is scrolled from the top to the last reminder, pages being
read on the way. A gap is a time in which the event loop did nothing else; a timer of 2 ms sees
them.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tests.bench.figure import Figure
from tests.bench.offscreen import middle, scrolled_to_the_end, until
from tests.support.fake_client import FakeClient

NAME = "reminders_window"
REMINDERS = 10_000
OPEN = 0.3
"""Seconds."""
GAP = 0.05
RULES = ("", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "", "FREQ=MONTHLY;BYMONTHDAY=1", "")


def measure(quick: bool) -> list[Figure]:
    """Three runs (one if `quick`); the middle one by opening counts."""
    run = middle("tests.bench.bench_reminders_window", "open", quick)
    return [
        Figure(
            f"reminders window over {REMINDERS:,} reminders, open to painted",
            run["open"],
            "s",
            OPEN,
            note="offscreen, the first page of each view is there",
        ),
        Figure(
            "gaps over 50 ms, from the first to the last reminder",
            run["gaps"],
            "",
            3,
            note=f"longest {run['longest'] * 1000:.0f} ms, p99 {run['p99'] * 1000:.1f} ms, "
            f"{run['seconds']:.1f} s, {run['rows']:.0f} rows",
        ),
    ]


def fill(fake: FakeClient) -> None:
    """10,000 reminders to come; 40 of them were missed."""
    now = datetime.now(UTC)
    for number in range(REMINDERS):
        due = now + timedelta(minutes=20 * number + 5)
        rule = RULES[number % len(RULES)]
        made = fake.due.put(f"Reminder {number} about something", due, rrule=rule)
        if number % 250 == 1:
            fake.due.add_firing(made.id, now - timedelta(hours=number))


def main() -> None:
    """Measure in this process and print one line of JSON."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from nagatha_desktop.bridge import Bridge
    from nagatha_desktop.reminders.window import RemindersWindow
    from nagatha_desktop.shortcuts import Keys
    from nagatha_desktop.state import WindowState
    from nagatha_desktop.status import EngineWatch
    from nagatha_desktop.widgets.theme import ThemeController
    from worker.contract.services import Client
    from worker.runtime import Runtime

    app = QApplication([])
    themes = ThemeController(app, "light")
    fake = FakeClient()
    fill(fake)
    bridge = Bridge()

    async def make() -> Client:
        return fake.as_client()

    with Runtime() as runtime:
        watch = EngineWatch(bridge, bridge)
        state, keys = (
            WindowState(Path(os.environ["NAGATHA_HOME"]), parent=bridge),
            Keys(parent=bridge),
        )
        bridge.connect_client(runtime, make)
        until(lambda: watch.engine is not None and watch.reminders.counts is not None)
        beats: list[float] = []
        heart = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=2)
        heart.timeout.connect(lambda: beats.append(time.perf_counter()))

        heart.start()
        begun = time.perf_counter()
        window = RemindersWindow(bridge, themes, state, keys, watch)
        window.show()
        until(lambda: window.feed.loaded and window.table.isVisible())
        window.grab()
        opened = time.perf_counter() - begun

        beats.clear()
        rows = window.table.rows
        seconds = scrolled_to_the_end(window.table, lambda: rows.more)
        heart.stop()
        spans = sorted(later - former for former, later in pairwise(beats))
        found = {
            "open": opened,
            "gaps": sum(span > GAP for span in spans),
            "longest": spans[-1],
            "p99": spans[int(len(spans) * 0.99)],
            "seconds": seconds,
            "rows": len(rows),
        }
        window.close_for_good()
        bridge.stop()
    print(json.dumps(found))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
