"""Schedules and pauses as people and other processes see them, rate limits over restarts, and
settings of the broker that somebody else changed."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in, module, until
from tests.support.processes import free_port
from tests.support.redis_server import RedisServer, available, redis_server
from tests.support.worlds import World, close
from worker.contract.errors import InvalidInput, NotFound
from worker.contract.events import EngineChanged, RunChanged, ScheduleChanged
from worker.contract.types import Run
from worker.engine import Engine

CLOCK = '''
def register_tasks(registry):
    registry.register_task("clock", "tick", tick, schedule=3600)
    registry.register_task("clock", "seldom", seldom, rate_limit="1/h")


def tick() -> str:
    """Says tick.

    And nothing else.
    """
    return "tick"


def seldom() -> str:
    """Once an hour at most."""
    return "seldom"
'''
TICK = "module:clock.tick"
pytestmark = [
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
needs_redis = pytest.mark.skipif(not available(), reason="there is no redis-server here")


class Now:
    """The wall clock of an engine."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "clock", CLOCK)
    return folder


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis") as server:
        yield server


def wakes(engine: Engine) -> None:
    """Have Beat look at its clocks now, as it does every few seconds."""
    engine.background._worker.reschedule()  # type: ignore[attr-defined]


def ended(name: str, source: str = "schedule") -> Callable[[object], bool]:
    def look(event: object) -> bool:
        if not isinstance(event, RunChanged):
            return False
        run = event.run
        return (run.name, run.state, run.source) == (name, "SUCCESS", source)

    return look


def test_schedules_say_what_they_do_and_when_and_what_came_of_it(home: Path) -> None:
    now = Now()

    async def test(there: World) -> None:
        jobs = there.client.jobs
        found = {schedule.name: schedule for schedule in await jobs.schedules()}
        assert list(found) == ["maintenance", "usage", "scheduled", TICK]
        assert found["maintenance"].title == "Tidy up and make the daily copy"
        tick = found[TICK]
        assert (tick.task, tick.title, tick.interval) == ("clock.tick", "Says tick.", 3600.0)
        assert (tick.last, tick.last_run, tick.paused) == (None, None, False)

        async def seen() -> bool:
            return (await jobs.schedules())[-1].next is not None

        await becomes(seen, "Beat has seen it")
        now.ahead += timedelta(hours=1)
        wakes(there.engine)
        event = await until(there, ended("clock.tick"))
        assert isinstance(event, RunChanged) and event.run.schedule == TICK
        tick = (await jobs.schedules())[-1]
        assert tick.last_run is not None and tick.last_run.result == "tick"
        assert tick.last is not None and tick.next == tick.last + timedelta(hours=1)
        assert abs(tick.last - now()) < timedelta(minutes=1)
        await until(there, lambda e: isinstance(e, ScheduleChanged) and e.schedule.name == TICK)

    with engine_in(home, background=True, now=now) as there:
        there.run(test)


def test_entry_that_is_run_now_is_due_when_it_was(home: Path) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs

        async def seen() -> bool:
            return (await jobs.schedules())[-1].next is not None

        await becomes(seen, "Beat has seen it")
        before = (await jobs.schedules())[-1]
        run = await jobs.run_schedule(TICK)
        assert (run.schedule, run.source, run.state) == (TICK, "schedule", "PENDING")
        assert (await there.ended(run.id)).result == "tick"
        after = (await jobs.schedules())[-1]
        assert (before.last, after.last, after.next) == (None, run.queued, before.next)
        assert after.last_run is not None and after.last_run.id == run.id
        why = (await jobs.log(run.id))[0].text
        assert why == f"Queued: a person asked for it now (“{TICK}”)."
        told = await until(there, lambda e: isinstance(e, ScheduleChanged))
        assert isinstance(told, ScheduleChanged) and told.schedule.last == run.queued
        with pytest.raises(NotFound):
            await jobs.run_schedule("no such")

    with engine_in(home, background=True) as there:
        there.run(test)


def test_entry_ran_last_when_beat_or_a_person_had_it_run_whichever_was_later(home: Path) -> None:
    now = Now()

    async def test(there: World) -> None:
        jobs = there.client.jobs

        async def next_() -> datetime | None:
            return (await jobs.schedules())[-1].next

        await becomes(next_, "Beat has seen it")
        asked = await jobs.run_schedule(TICK)
        await there.ended(asked.id)
        now.ahead += timedelta(hours=1)
        wakes(there.engine)

        async def beaten() -> bool:
            tick = (await jobs.schedules())[-1]
            return tick.last is not None and tick.last > asked.queued + timedelta(minutes=59)

        await becomes(beaten, "Beat had it run")
        now.ahead += timedelta(minutes=30)
        again = await jobs.run_schedule(TICK)
        tick = (await jobs.schedules())[-1]
        assert tick.last == again.queued
        # Not from when the person asked on.
        assert tick.next is not None and tick.next < again.queued + timedelta(minutes=31)

    with engine_in(home, background=True, now=now) as there:
        there.run(test)


def test_pause_and_interval_of_an_entry_count_at_once_and_after_restarts(home: Path) -> None:
    now = Now()

    async def change(there: World) -> None:
        jobs = there.client.jobs
        paused = await jobs.pause_schedule("usage", True)
        assert (paused.paused, paused.next) == (True, None)
        changed = await jobs.set_interval(TICK, 600)
        assert (changed.interval, changed.default_interval) == (600.0, 3600.0)
        await until(there, lambda e: isinstance(e, ScheduleChanged) and e.schedule == changed)
        now.ahead += timedelta(minutes=10)
        wakes(there.engine)
        await until(there, ended("clock.tick"))

    async def kept(there: World) -> None:
        jobs = there.client.jobs
        found = {schedule.name: schedule for schedule in await jobs.schedules()}
        assert found["usage"].paused and found[TICK].interval == 600.0
        assert found[TICK].next is not None
        again = await jobs.set_interval(TICK, None)
        assert again.interval == 3600.0
        assert not (await jobs.pause_schedule("usage", False)).paused
        often, long = "Twice within 10 seconds would be too often.", "More than a year is too long."
        for seconds, why in (
            (9.9, often),
            (-1.0, often),
            (float("nan"), "It is not a number."),
            (366 * 86400.0, long),
            (float("inf"), long),
        ):
            with pytest.raises(InvalidInput) as refused:
                await jobs.set_interval(TICK, seconds)
            assert refused.value.problem.message == why
        with pytest.raises(NotFound):
            await jobs.set_interval("no such", 60)
        with pytest.raises(NotFound):
            await jobs.pause_schedule("no such", True)

    with engine_in(home, background=True, now=now) as there:
        there.run(change)
    with engine_in(home, background=True, now=now) as there:
        there.run(kept)


def test_engines_hear_of_what_another_owner_changes(home: Path) -> None:
    async def test(there: World) -> None:
        await there.engine.modules_ready()
        other = there.engine.services("another")
        changed = await other.jobs.set_interval(TICK, 60)
        await until(there, lambda e: isinstance(e, ScheduleChanged) and e.schedule == changed)
        await other.system.pause(True)
        await until(there, lambda e: isinstance(e, EngineChanged) and e.status.paused)
        assert (await there.client.system.status()).paused

    with engine_in(home) as there:
        there.run(test)


def test_nothing_is_due_next_while_all_is_paused_or_nobody_runs_beat(home: Path) -> None:
    async def paused(there: World) -> None:
        async def seen() -> bool:
            return all(schedule.next for schedule in await there.client.jobs.schedules())

        await becomes(seen, "Beat has seen them")
        events = there.client.events()
        names = {schedule.name for schedule in await there.client.jobs.schedules()}
        for is_paused in (True, False):
            await there.client.system.pause(is_paused)
            found = await there.client.jobs.schedules()
            assert {schedule.next is None for schedule in found} == {is_paused}
            told: dict[str, bool] = {}
            async for event in events:
                if isinstance(event, ScheduleChanged):
                    told[event.schedule.name] = event.schedule.next is None
                    if told == dict.fromkeys(names, is_paused):
                        break
        await close(events)

    async def without(there: World) -> None:
        assert {schedule.next for schedule in await there.client.jobs.schedules()} == {None}

    with engine_in(home, background=True) as there:
        there.run(paused)
    with engine_in(home) as there:
        there.run(without)


def test_pause_and_schedules_changed_by_another_process_are_followed(home: Path) -> None:
    now = Now()

    async def test(there: World, other: World) -> None:
        await other.client.system.pause(True)
        await until(there, lambda e: isinstance(e, EngineChanged) and e.status.paused)

        async def follows() -> bool:
            return (await there.client.system.status()).paused

        await becomes(follows, "the worker's process has paused")
        run = await there.client.jobs.run_task("clock.tick", {})
        assert (await other.client.jobs.get(run.id)).state == "PENDING"
        await other.client.system.pause(False)
        assert (await there.ended(run.id)).result == "tick"
        await other.client.jobs.set_interval(TICK, 60)
        now.ahead += timedelta(minutes=2)  # and Beat is woken by the event
        await until(there, ended("clock.tick"))

    with (
        engine_in(home, background=True, now=now) as there,
        engine_in(home, role="cli", runtime=there.runtime, now=now) as other,
    ):
        there.run(lambda this: test(this, other))


@needs_redis
def test_broker_that_another_process_sets_is_used_by_the_one_that_runs(
    home: Path, redis: RedisServer
) -> None:
    nobody = f"redis://:hunter2@127.0.0.1:{free_port()}/0"

    async def test(there: World, other: World) -> None:
        async def uses(url: str) -> bool:
            return (await there.client.system.status()).broker == url

        async def complains() -> tuple[str, ...]:
            status = await there.client.system.status()
            return tuple(str(notice) for notice in status.notices)

        async def echoes() -> None:
            run = await there.client.jobs.run_task("clock.tick", {})
            assert (await there.ended(run.id)).state == "SUCCESS"

        key = "celery.broker_url"
        await other.client.system.set_setting(key, redis.url())
        await becomes(lambda: uses(redis.url()), "Redis is used")
        await echoes()
        await other.client.system.set_setting(key, nobody)
        (complaint,) = await becomes(complains, "that it cannot be used is said")
        assert "does not answer" in complaint and "hunter2" not in complaint
        assert await uses(redis.url())
        await echoes()
        await other.client.system.set_setting(key, None)

        async def bundled() -> bool:
            status = await there.client.system.status()
            return status.broker.startswith("nagatha+") and not status.notices

        await becomes(bundled, "the bundled broker is used again")
        await echoes()

    with (
        engine_in(home, background=True) as there,
        engine_in(home, role="cli", runtime=there.runtime) as other,
    ):
        there.run(lambda this: test(this, other))


def test_rate_limit_holds_over_a_restart_of_the_worker(home: Path) -> None:
    now = Now()

    def buckets(there: World) -> int:
        controller = there.engine.background._worker._controller  # type: ignore[attr-defined]
        return len(controller.consumer.task_buckets["clock.seldom"].contents)

    async def first(there: World) -> None:
        run = await there.client.jobs.run_task("clock.seldom", {})
        assert (await there.ended(run.id)).state == "SUCCESS"

    async def second(there: World) -> Run:
        run = await there.client.jobs.run_task("clock.seldom", {})

        async def held_back() -> bool:
            return await asyncio.to_thread(buckets, there) == 1

        await becomes(held_back, "the worker holds it back")
        assert (await there.client.jobs.get(run.id)).state == "PENDING"
        return run

    async def third(there: World, run: Run) -> None:
        assert (await there.ended(run.id)).state == "SUCCESS"

    with engine_in(home, background=True, now=now) as there:
        there.run(first)
    now.ahead += timedelta(minutes=30)
    with engine_in(home, background=True, now=now) as there:
        run = there.run(second)
    now.ahead += timedelta(minutes=31)
    with engine_in(home, background=True, now=now) as there:
        there.run(lambda this: third(this, run))
