"""An activity window over 10,000 runs: how long it takes to open, and how smoothly it scrolls.

Runs the window in a process of its own, offscreen, against a client in memory on the runtime loop,
through the bridge as in the program. It is scrolled from the top to the last run, pages being
fetched on the way, while the engine tells of 100 changes a second: runs that begin, go on, end, and
new ones. A gap is a time in which the event loop did nothing else; a timer of 2 ms sees them.
"""

import json
import os
import random
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

from tests.bench.figure import Figure
from tests.bench.offscreen import middle, scrolled_to_the_end, until
from tests.support.fake_client import FakeClient
from tests.support.fake_jobs import FakeJobs
from worker.contract.types import Run, RunKind, RunState

NAME = "activity"
RUNS = 10_000
RATE = 100
"""Changes a second."""
GAP = 0.05


def measure(quick: bool) -> list[Figure]:
    """Three runs (one if `quick`); the middle one by gaps counts."""
    run = middle("tests.bench.bench_activity", "gaps", quick)
    return [
        Figure(
            f"activity window over {RUNS:,} runs, open to painted",
            run["open"],
            "s",
            note="offscreen, the first page of each segment is there",
        ),
        Figure(
            f"gaps over 50 ms, from the first to the last run at {RATE} changes/s",
            run["gaps"],
            "",
            3,
            note=f"longest {run['longest'] * 1000:.0f} ms, of that own work at most "
            f"{run['own'] * 1000:.0f} ms, p99 {run['p99'] * 1000:.1f} ms, "
            f"{run['seconds']:.1f} s, {run['told']:.0f} changes, {run['rows']:.0f} rows",
        ),
        Figure("memory after it (RSS)", run["rss"], "MB"),
    ]


class Ordered(FakeJobs):
    """Finds a page without looking at every run, as a database with an index does."""

    async def list_runs(
        self,
        states: tuple[RunState, ...] = (),
        limit: int = 200,
        before: datetime | None = None,
        query: str = "",
        kinds: tuple[RunKind, ...] = (),
        before_run: str = "",
    ) -> tuple[Run, ...]:
        # `runs` holds them from the oldest to the newest, no two of one moment, and a change leaves
        # one in its place.
        newest_first = (
            run
            for run in reversed(self.runs.values())
            if run.state in states and (before is None or run.queued < before)
        )
        return tuple(islice(newest_first, limit))


def fill(fake: FakeClient) -> None:
    """10,000 runs, all of them done, put in from the oldest to the newest."""
    chance = random.Random(3)
    now = datetime.now(UTC)
    chats = [fake.store.add(f"Chat {number} about something") for number in range(50)]
    for number in reversed(range(RUNS)):
        queued = now - timedelta(seconds=20 * number + 5)
        kind = chance.choice(("answer", "task", "task", "title", "maintenance"))
        fake.work.add(
            {"answer": "answer", "title": "title"}.get(kind, "feeds.fetch_one"),
            "SUCCESS",
            kind=kind,
            queued=queued,
            ended=queued + timedelta(seconds=chance.random() * 30),
            chat=chance.choice(chats).id if kind in ("answer", "title") else None,
            arguments={"address": f"https://feeds.example.org/{number}"},
            result={"entries": number},
        )


async def change(fake: FakeClient, told: list[int], stop: list[bool]) -> None:
    """Tell of changes until `stop` holds something; `told` counts them."""
    import asyncio

    chance = random.Random(5)
    old = list(fake.work.runs.values())
    at_work: list[Run] = []
    begun = time.perf_counter()
    while not stop:
        due = int((time.perf_counter() - begun) * RATE)
        while told[0] < due:
            await fake.work.tell((_changed(fake, chance, old, at_work),))
            told[0] += 1
        await asyncio.sleep(0.005)


def _changed(fake: FakeClient, chance: random.Random, old: list[Run], at_work: list[Run]) -> Run:
    now = datetime.now(UTC)
    what = chance.random()
    if not at_work or (what < 0.2 and len(at_work) < 40):
        made = fake.work.add("feeds.fetch_one", "PENDING", queued=now, arguments={"n": 1})
        at_work.append(made)
        return made
    if what < 0.4:
        run = at_work.pop(chance.randrange(len(at_work)))
        return replace(run, state="SUCCESS", started=run.started or now, ended=now)
    if what < 0.5:
        # Something long done is told of again: it stands anywhere in the list.
        return replace(chance.choice(old), result={"entries": chance.randrange(1000)})
    place = chance.randrange(len(at_work))
    run = at_work[place]
    at_work[place] = replace(
        run,
        state="PROGRESS",
        started=run.started or now,
        progress=chance.random(),
        progress_text="Reading",
    )
    return at_work[place]


def main() -> None:
    """Measure in this process and print one line of JSON."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from nagatha_desktop.activity.window import ActivityWindow
    from nagatha_desktop.bridge import Bridge
    from nagatha_desktop.shortcuts import Keys
    from nagatha_desktop.state import WindowState
    from nagatha_desktop.status import EngineWatch
    from nagatha_desktop.widgets.theme import ThemeController
    from worker.contract.services import Client
    from worker.runtime import Runtime

    app = QApplication([])
    themes = ThemeController(app, "light")
    fake = FakeClient()
    fake.work = fake.jobs = Ordered(fake)
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
        until(lambda: watch.engine is not None)
        beats: list[float] = []
        work: list[float] = []
        heart = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=2)

        def beat() -> None:
            beats.append(time.perf_counter())
            work.append(time.thread_time())

        heart.timeout.connect(beat)
        told: list[int] = [0]
        stop: list[bool] = []
        future = runtime.submit(change(fake, told, stop))

        begun = time.perf_counter()
        heart.start()
        window = ActivityWindow(bridge, themes, state, keys, watch)
        window.show_segment("done")
        window.show()
        until(lambda: window.feed.loaded and window.lists["done"].table.isVisible())
        window.grab()
        opened = time.perf_counter() - begun

        table = window.lists["done"].table
        rows = window.feed.rows["done"]
        seconds = scrolled_to_the_end(table, lambda: rows.more)
        heart.stop()
        stop.append(True)
        future.result(5.0)
        spans = sorted(later - former for former, later in pairwise(beats))
        found = {
            "open": opened,
            "gaps": sum(span > GAP for span in spans),
            "longest": spans[-1],
            "own": max(later - former for former, later in pairwise(work)),
            "p99": spans[int(len(spans) * 0.99)],
            "seconds": seconds,
            "told": told[0],
            "rows": len(rows),
            "rss": _rss(),
        }
        window.close_for_good()
        bridge.stop()
    print(json.dumps(found))
    sys.stdout.flush()


def _rss() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
