"""Reminders: how long after its time each is notified and told, awake and after a sleep; whether
each is fired once, whatever is killed; how quickly what is due is found.

Notified is when the program hears that the desktop has taken the notification: it is measured in
the whole program, with its windows, on a bus of its own. Told is when a listener
of the event stream has the firing. A process that is killed is one of its own, with an engine and
without Celery.
"""

import asyncio
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.figure import Figure
from tests.support.desktop import session_bus
from tests.support.engines import becomes, engine_in, environment, module
from tests.support.model_behaviours import Behaviour
from tests.support.model_server import ModelServer
from tests.support.notification_daemon import notification_service
from tests.support.processes import kill
from tests.support.reminders import a_row
from tests.support.storages import sqlite_in
from tests.support.worlds import World
from worker.contract.events import FiringChanged
from worker.storage.sqlite.store import SqliteStorage

NAME = "reminders"
ROOT = Path(__file__).resolve().parents[2]
EVERY = 0.04
"""Seconds between two due times, awake."""
AHEAD = 3.0
"""Seconds until the first one."""
ASLEEP = timedelta(hours=8)
JOBS = 4
STREAM = Behaviour(text="word ", repeat=100_000, rate=200)
BUSY = '''
import time


def register_tasks(registry):
    registry.register_task("busy", "work", work, bind=True)


def work(context) -> int:
    """Reckons and waits in turn until it is asked to stop."""
    rounds = 0
    while not context.cancelled:
        sum(range(20_000))
        time.sleep(0.005)
        rounds += 1
    return rounds
'''


def measure(quick: bool) -> list[Figure]:
    """500 awake, 200 after a sleep, 10,000 with 20 kills, and finding among 100,000."""
    # A short name: a socket's path must not be long.
    with tempfile.TemporaryDirectory(prefix="ngb-") as folder:
        place = Path(folder)
        return [
            *_notified(place, 100 if quick else 500),
            *_awake(place / "awake", 100 if quick else 500),
            _slept(place / "slept", 50 if quick else 200),
            *_killed(place / "killed", 2000 if quick else 10_000, 4 if quick else 20),
            *_found(place / "found", 100_000),
        ]


# on time ---------------------------------------------------------------------------------


def _notified(place: Path, many: int) -> list[Figure]:
    home = place / "notified"
    module(home, "busy", BUSY)
    with (
        session_bus(place, place) as address,
        notification_service(address) as daemon,
        ModelServer(behaviours={"stream": STREAM}) as models,
    ):
        env = {
            **os.environ,
            **environment(home, models, "stream", False),
            "DBUS_SESSION_BUS_ADDRESS": address,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONPATH": str(ROOT),
            "QT_QPA_PLATFORM": "offscreen",
            "XDG_RUNTIME_DIR": str(place),
        }
        command = [sys.executable, "-m", "tests.bench.notified_program"]
        command += [str(value) for value in (many, JOBS, EVERY, AHEAD)]
        done = subprocess.run(
            command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
        )
        taken = len(daemon.shown) + len(daemon.closed)
    if done.returncode:
        raise RuntimeError(done.stderr or f"ended with {done.returncode}")
    found = json.loads(done.stdout.splitlines()[-1])
    note = (
        f"the worst {found['worst'] * 1000:.0f} ms, p50 {found['p50'] * 1000:.0f} ms, of {many} at "
        f"one each {EVERY * 1000:.0f} ms, in {taken} notifications; the whole program, a chat "
        f"streaming in its window, {found['jobs']:.0f} jobs running"
    )
    return [
        Figure("notified after its time, p99", found["p99"], "s", 1.0, note=note),
        Figure("notified before its time", found["early"], "", 0, note=f"of {many}"),
    ]


def _awake(home: Path, many: int) -> list[Figure]:
    module(home, "busy", BUSY)
    with (
        ModelServer(behaviours={"stream": STREAM}) as models,
        engine_in(home, models=models, model="stream", background=True) as there,
    ):
        late, early, runs = there.runtime.run(_told_awake(there, many), 180)
    late.sort()
    note = (
        f"the worst {late[-1] * 1000:.0f} ms, p50 {statistics.median(late) * 1000:.0f} ms, of "
        f"{many} at one each {EVERY * 1000:.0f} ms, a chat streaming, {runs} jobs running"
    )
    return [
        Figure("told after its time, p99", late[int(len(late) * 0.99) - 1], "s", 1.0, note=note),
        Figure("told before its time", early, "", 0, note=f"of {many}"),
    ]


async def _told_awake(there: World, many: int) -> tuple[list[float], int, int]:
    client = there.client
    sent = await client.chats.send(None, "Tell me everything")
    jobs = [await client.jobs.run_task("busy.work", {}) for _ in range(JOBS)]

    async def at_work() -> bool:
        return all([(await client.jobs.get(job.id)).state == "STARTED" for job in jobs])

    await becomes(at_work, "the jobs run")
    events = client.events()
    first = datetime.now(UTC) + timedelta(seconds=AHEAD)
    rows = [a_row(f"r{n}", first + timedelta(seconds=n * EVERY)) for n in range(many)]
    await there.engine.services("local").reminders.add_all(rows)
    late: list[float] = []
    early = 0
    async for event in events:
        if isinstance(event, FiringChanged):
            firing = event.firing
            late.append((datetime.now(UTC) - firing.due).total_seconds())
            early += late[-1] < 0 or firing.fired < firing.due
            if len(late) == many:
                break
    states = [(await client.jobs.get(job.id)).state for job in jobs]
    answer = await client.chats.message(sent.answer.id)
    if answer.state != "streaming" or not len(answer.text):
        raise RuntimeError(f"the chat did not stream all the while: {answer.state}")
    await client.chats.stop(sent.run)
    for job in jobs:
        await client.jobs.cancel(job.id)
    return late, early, states.count("STARTED")


def _slept(home: Path, many: int) -> Figure:
    ahead = timedelta(0)

    def now() -> datetime:
        return datetime.now(UTC) + ahead

    async def told(there: World) -> float:
        nonlocal ahead
        first = now() + timedelta(minutes=1)
        rows = [a_row(f"r{n}", first + n * ASLEEP / (many + 5)) for n in range(many)]
        await there.engine.services("local").reminders.add_all(rows)
        await asyncio.sleep(1.0)  # the timer aims at the first one by now
        events = there.client.events()
        left = many
        # The steady clock stands while a machine sleeps, and nobody says that it woke.
        ahead, woke = ahead + ASLEEP, time.perf_counter()
        async for event in events:
            left -= isinstance(event, FiringChanged)
            if not left:
                break
        return time.perf_counter() - woke

    with engine_in(home, now=now) as there:
        seconds = there.runtime.run(told(there), 60)
    note = f"until all {many} that were missed are told; logind would say it at once"
    return Figure("told after 8 h of sleep", seconds, "s", 5.0, note=note)


# once ------------------------------------------------------------------------------------


def _killed(home: Path, many: int, kills: int) -> list[Figure]:
    home.mkdir()
    seed = random.randrange(10**6)
    dice = random.Random(seed)
    database = home / "nagatha.db"
    # Due one after the other, for about as long as it is killed.
    span = kills * 1.5
    first = datetime.now(UTC) + timedelta(seconds=1)
    with sqlite_in(home) as storage:
        rows = [a_row(f"r{n}", first + timedelta(seconds=n * span / many)) for n in range(many)]
        storage.add_reminders("local", rows)
    env = {**os.environ, "NAGATHA_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.bench.bench_reminders"]
    amid = 0
    for _ in range(kills):
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            before = _fired(database)
            time.sleep(dice.uniform(0.02, 0.8))
            kill(process)
        amid += before < _fired(database) < many
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        end = time.monotonic() + span + 30
        while _fired(database) < many and time.monotonic() < end:
            time.sleep(0.1)
        kill(process)
    with closing(sqlite3.connect(database)) as db:
        counted = db.execute(
            "SELECT r.id, count(f.id) FROM reminders AS r"
            " LEFT JOIN firings AS f ON f.reminder = r.seq GROUP BY r.seq"
        ).fetchall()
    lost = sum(times == 0 for _, times in counted)
    twice = sum(times > 1 for _, times in counted)
    note = f"of {many:,} with {kills} kill -9, {amid} of them amid firings, seed {seed}"
    return [
        Figure("fired not once", lost + many - len(counted), "", 0, note=note),
        Figure("fired more than once", twice, "", 0, note=note),
    ]


def _fired(database: Path) -> int:
    with closing(sqlite3.connect(database, timeout=20)) as db:
        return int(db.execute("SELECT count(*) FROM firings").fetchone()[0])


async def _fire(runtime: object) -> None:
    """An engine that says when it is there, and goes on until it is killed."""
    from worker.engine import Engine
    from worker.paths import Paths
    from worker.runtime import Runtime

    assert isinstance(runtime, Runtime)
    async with Engine(Paths.find(), runtime, "worker"):
        print(json.dumps("there"), flush=True)
        await asyncio.sleep(600)


# found -----------------------------------------------------------------------------------


def _found(home: Path, many: int) -> list[Figure]:
    home.mkdir()
    start = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    async def look() -> tuple[float, list[float], list[float]]:
        storage = SqliteStorage(home / "nagatha.db", home / "backups")
        await storage.open()
        try:
            began = time.perf_counter()
            rows = [a_row(f"r{n}", start + timedelta(minutes=n)) for n in range(many)]
            await storage.add_reminders("local", rows)
            added = time.perf_counter() - began
            due, following = [], []
            for number in range(300):
                # Ten are due, wherever they stand.
                now = start + timedelta(minutes=9)
                began = time.perf_counter()
                found = await storage.due_reminders(now, 200)
                due.append(time.perf_counter() - began)
                assert len(found) == 10, number
                began = time.perf_counter()
                assert await storage.next_reminder_due() == start
                following.append(time.perf_counter() - began)
            return added, due, following
        finally:
            await storage.aclose()

    added, due, following = asyncio.run(look())
    p99 = sorted(due)[int(len(due) * 0.99) - 1] * 1000
    note = f"p50 {statistics.median(due) * 1000:.2f} ms, 10 due; next time " + (
        f"{statistics.median(following) * 1000:.2f} ms; added in {added:.1f} s"
    )
    return [Figure(f"finding what is due among {many:,}, p99", p99, "ms", 5.0, note=note)]


if __name__ == "__main__":
    from worker.runtime import Runtime

    with Runtime() as loop:
        loop.run(_fire(loop))
