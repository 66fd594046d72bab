"""Beat over sleep, pauses, wrong clocks, brokers that are gone, and kill -9: once each, not all
at the same time."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

import worker.broker
from tests.support.beat import HandClock, MemoryTimes
from worker.service.schedules import Plan
from worker.tasks.beat import APART, LONGEST_SLEEP, TRY_AGAIN, StoredScheduler

HOUR = 3600.0


class Sent:
    """A scheduler whose messages are only written down."""

    def __init__(self, app: Celery, last: MemoryTimes, clock: HandClock) -> None:
        self.names: list[str] = []
        self.ids: list[str] = []
        self.paused = False
        self.broken = False
        self.app, self.last, self.clock = app, last, clock
        app.send_task = self._send
        self.scheduler = self._make()

    def _make(self) -> StoredScheduler:
        return StoredScheduler(
            self.app,
            self.last,
            clocks=self.clock.clocks,
            paused=lambda: self.paused,
            lazy=False,
        )

    def _send(self, name: str, args: object, kwargs: object, **options: object) -> None:
        if self.broken:
            raise OSError("nobody listens")
        self.names.append(name)
        self.ids.append(str(options["task_id"]))

    def starts_anew(self) -> None:
        """The program ends and is started again."""
        self.scheduler = self._make()

    def ticks(self, seconds: float = 0.0) -> list[str]:
        """What is sent while `seconds` go by, as often as Beat itself would look."""
        before, end = len(self.names), self.clock.steady + seconds
        while True:
            wait = self.scheduler.tick()
            if self.clock.steady + wait > end:
                self.clock.passes(end - self.clock.steady)
                return self.names[before:]
            self.clock.passes(wait)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("test", broker="memory://", set_as_current=False, fixups=[])
    yield made
    made.close()


def entries(app: Celery, *names: str, every: float = HOUR) -> None:
    app.conf.beat_schedule = {name: {"task": name, "schedule": every} for name in names}


def ran_now(clock: HandClock, *names: str) -> MemoryTimes:
    return MemoryTimes(**dict.fromkeys(names, clock.wall))


def test_entry_runs_once_an_interval_and_its_time_is_stored_before_it_is_sent(
    app: Celery, clock: HandClock
) -> None:
    entries(app, "tidy")
    sent = Sent(app, ran_now(clock, "tidy"), clock)
    assert sent.ticks(HOUR - 1) == []
    assert sent.ticks(2) == ["tidy"]
    assert sent.ticks(5 * HOUR) == ["tidy"] * 5
    assert sent.last.times["tidy"].count == 7 and sent.last.told == ["tidy"] * 6
    assert len(set(sent.ids)) == 6


@pytest.mark.parametrize("away", ["asleep", "off", "paused"])
def test_what_was_missed_runs_once_each_two_at_a_time(
    app: Celery, clock: HandClock, away: str
) -> None:
    names = ["a", "b", "c", "d", "e"]
    entries(app, *names)
    sent = Sent(app, ran_now(clock, *names), clock)
    sent.ticks(60)
    if away == "asleep":
        clock.sleeps(9 * HOUR)
    elif away == "off":
        clock.passes(9 * HOUR)
        sent.starts_anew()
    else:
        sent.paused = True
        assert sent.ticks(9 * HOUR) == []
        sent.paused = False
    assert sent.ticks() == ["a", "b"]
    assert sent.ticks(APART) == ["c", "d"]
    assert sent.ticks(APART) == ["e"]
    assert sent.ticks(HOUR - 3 * APART) == []
    assert sorted(sent.ticks(3 * APART)) == names


def test_clock_set_back_makes_nothing_run_twice_and_nothing_wait_for_hours(
    app: Celery, clock: HandClock
) -> None:
    entries(app, "tidy")
    sent = Sent(app, ran_now(clock, "tidy"), clock)
    assert sent.ticks(HOUR) == ["tidy"]
    clock.is_set(-5 * HOUR)
    assert sent.ticks(HOUR - 1) == []  # the very time at which it ran comes again meanwhile
    assert sent.ticks(1) == ["tidy"]
    # And so after a start: the corrected times are stored.
    clock.is_set(-HOUR)
    sent.ticks()
    sent.starts_anew()
    assert sent.ticks(HOUR - 1) == [] and sent.ticks(1) == ["tidy"]
    assert len(set(sent.ids)) == 3


def test_clock_that_goes_forward_and_back_again_gives_one_run_for_the_leap_and_no_other(
    app: Celery, clock: HandClock
) -> None:
    entries(app, "tidy")
    sent = Sent(app, ran_now(clock, "tidy"), clock)
    sent.ticks(60)
    clock.is_set(48 * HOUR)
    assert sent.ticks(60) == ["tidy"]
    clock.is_set(-48 * HOUR)
    assert sent.ticks(HOUR - 61) == []
    assert sent.ticks(60) == ["tidy"]


def test_clock_that_is_corrected_a_little_changes_nothing(app: Celery, clock: HandClock) -> None:
    entries(app, "tidy")
    sent = Sent(app, ran_now(clock, "tidy"), clock)
    before = dict(sent.last.times)
    clock.is_set(-1)
    sent.ticks()
    assert sent.last.times == before


def test_a_long_sleep_is_looked_for_often_enough(app: Celery, clock: HandClock) -> None:
    entries(app, "tidy", every=24 * HOUR)
    assert Sent(app, ran_now(clock, "tidy"), clock).scheduler.tick() == LONGEST_SLEEP <= 30


def test_change_of_interval_and_pause_of_an_entry_count_from_the_next_look(
    app: Celery, clock: HandClock
) -> None:
    entries(app, "tidy", "count")
    last = ran_now(clock, "tidy", "count")
    sent = Sent(app, last, clock)
    last.plans = {"tidy": Plan(interval=600.0), "count": Plan(paused=True)}
    sent.scheduler.setup_schedule()
    assert sent.ticks(3 * HOUR) == ["tidy"] * 18
    last.plans = {}
    sent.scheduler.setup_schedule()
    assert sent.ticks(60) == ["count"]
    assert sent.ticks(HOUR) == ["count", "tidy"]


def test_broker_that_is_gone_is_tried_again_later_under_the_same_id(
    app: Celery, clock: HandClock
) -> None:
    entries(app, "tidy")
    sent = Sent(app, ran_now(clock, "tidy"), clock)
    tried: list[str] = []
    send = app.send_task

    def note(name: str, *args: object, **options: object) -> None:
        tried.append(str(options["task_id"]))
        send(name, *args, **options)

    app.send_task = note
    sent.broken = True
    before = sent.last.times["tidy"]
    assert sent.ticks(HOUR + TRY_AGAIN) == []
    assert sent.last.times["tidy"] == before and sent.last.told == []
    sent.broken = False
    assert sent.ticks(TRY_AGAIN) == ["tidy"]
    assert len(tried) == 3 and len(set(tried)) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from celery import Celery
import worker.broker
from tests.support.beat import HandClock, MemoryTimes
from worker.service.schedules import Times
from worker.tasks.beat import StoredScheduler
from datetime import datetime, timedelta

folder, moment = Path(sys.argv[1]), sys.argv[2]
kept = folder / "times"

class Kept(MemoryTimes):
    def load(self, name):
        since, ran, count = kept.read_text().split()
        return Times(datetime.fromisoformat(since), datetime.fromisoformat(ran), int(count))
    def store(self, name, times):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        kept.write_text(f"{times.since.isoformat()} {times.ran.isoformat()} {times.count}")
        if moment == "between":
            os.kill(os.getpid(), signal.SIGKILL)
    def queued(self, name):
        if moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)

clock = HandClock()
if not kept.exists():
    ran = (clock.wall - timedelta(hours=2)).isoformat()
    kept.write_text(f"{ran} {ran} 1")
url = worker.broker.broker_url(folder / "queue.db")
app = Celery("test", broker=url, set_as_current=False, fixups=[])
app.conf.beat_schedule = {"tidy": {"task": "tidy", "schedule": 3600.0}}
clock.passes(float(sys.argv[3]))
StoredScheduler(app, Kept(), clocks=clock.clocks, lazy=False).tick()
"""


@pytest.mark.parametrize(("moment", "messages"), [("before", 1), ("between", 0), ("after", 1)])
def test_beat_that_is_killed_at_any_moment_sends_nothing_twice(
    tmp_path: Path, moment: str, messages: int
) -> None:
    def run(when: str, later: float) -> int:
        command = [sys.executable, "-c", KILLED, str(tmp_path), when, str(later)]
        return subprocess.run(command, check=False, timeout=60).returncode

    assert run(moment, 0) == -signal.SIGKILL
    assert run("never", 10) == 0
    with worker.broker.upkeep(tmp_path / "queue.db") as upkeep:
        assert sum(queue.waiting for queue in upkeep.status().queues) == messages
