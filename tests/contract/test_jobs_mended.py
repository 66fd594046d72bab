"""Long chains, changes of a schedule at one moment, runs done again, and how long runs take."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.engines import engine_in, module
from tests.support.storages import (
    BACKENDS,
    ME,
    Blocking,
    a_chat,
    a_run,
    an_answer,
    backend,
    begin,
    later,
)
from tests.support.worlds import World, close
from worker.contract.errors import InvalidInput
from worker.contract.events import RunChanged
from worker.contract.jobs import PRIORITY_PERSON, TaskCall
from worker.storage.base import Storage
from worker.storage.memory import MemoryStorage

STEPS = 600
CLOCK = '''
def register_tasks(registry):
    registry.register_task("clock", "tick", tick, schedule=3600)


def tick() -> str:
    """Says tick."""
    return "tick"
'''
TICK = "module:clock.tick"


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "clock", CLOCK)
    return folder


# chains ----------------------------------------------------------------------------------


def echoes() -> tuple[TaskCall, ...]:
    return tuple(TaskCall("echo_bot.echo", {"text": str(number)}) for number in range(STEPS))


async def revoked_until(there: World, last: str) -> Counter[str]:
    """How often each run was told to be revoked, until that of `last` was."""
    told = Counter[str]()
    events = there.client.events(0)
    try:
        async for event in events:
            if isinstance(event, RunChanged) and event.run.state == "REVOKED":
                told[event.run_id] += 1
                if event.run_id == last:
                    break
    finally:
        await close(events)
    return told


def test_cancelling_the_first_of_hundreds_of_steps_ends_each_of_them_once(home: Path) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        names = [run.id for run in (await jobs.run_chain(echoes())).runs]
        telling = asyncio.create_task(revoked_until(there, names[-1]))
        assert (await jobs.cancel(names[0])).error is None
        first, *rest = (await jobs.list_runs(limit=STEPS))[::-1]
        assert [first.id, *(run.id for run in rest)] == names
        assert {run.state for run in (first, *rest)} == {"REVOKED"}
        assert all(run.ended is not None for run in rest)
        problems = [run.error for run in rest if run.error is not None]
        assert len(problems) == STEPS - 1
        assert {problem.kind for problem in problems} == {"not_begun"}
        assert {problem.title for problem in problems} == {
            "It was not begun: echo_bot.echo, which comes before it, was cancelled"
        }
        assert await telling == Counter(names)
        for name in (names[1], names[-1]):
            ends = [line for line in await jobs.log(name) if line.text.startswith("Cancelled")]
            assert len(ends) == 1

    with engine_in(home, background=True, work=False, storage=MemoryStorage()) as there:
        there.run(test)


def test_recovery_ends_a_long_chain_whose_first_step_failed_and_tells_each_once(
    home: Path,
) -> None:
    async def test(there: World) -> None:
        jobs, store = there.client.jobs, there.engine.storage
        runs = (await jobs.run_chain(echoes())).runs
        # Killed between the end of the first step and what follows from it.
        failed = replace(runs[0], state="FAILURE", ended=there.engine.now())
        await store.save_run("local", failed)
        telling = asyncio.create_task(revoked_until(there, runs[-1].id))
        await there.engine.maintenance.recover()
        states = Counter(run.state for run in await jobs.list_runs(limit=STEPS))
        assert states == {"FAILURE": 1, "REVOKED": STEPS - 1}
        assert await telling == Counter(run.id for run in runs[1:])

    with engine_in(home, background=True, work=False, storage=MemoryStorage()) as there:
        there.run(test)


# how long runs take ----------------------------------------------------------------------


def test_an_answer_that_was_kept_from_before_does_not_count_as_quickly_written(
    storage: Blocking,
) -> None:
    above = None
    for number, (took, cached) in enumerate([(9.0, None), (0.03, later(-600)), (5.0, None)], 1):
        begin(storage, number, above, **({"chat": a_chat()} if number == 1 else {}))
        ended: dict[str, Any] = {
            "started": later(100 * number - took),
            "ended": later(100 * number),
        }
        storage.finish_answer(
            ME,
            an_answer(f"a{number}", f"q{number}", text="It", state="complete", cached=cached),
            a_run(f"r{number}", chat="chat", message=f"a{number}", state="SUCCESS", **ended),
        )
        above = f"a{number}"
    assert storage.run_seconds(ME, "answer", 20) == (5.0, 9.0)
    # It takes no place among those that are looked at, either.
    assert storage.run_seconds(ME, "answer", 2) == (5.0, 9.0)
    # A run whose answer was deleted, or that never had one, took what it took.
    storage.add_run(
        ME, a_run("gone", message="nothing", state="SUCCESS", started=later(0), ended=later(3))
    )
    assert storage.run_seconds(ME, "answer", 20) == (5.0, 9.0, 3.0)


# schedules -------------------------------------------------------------------------------


def test_two_changes_of_an_entry_at_one_moment_are_both_kept(home: Path) -> None:
    async def test(there: World) -> None:
        await there.engine.modules_ready()
        jobs = there.client.jobs
        for paused, seconds in ((True, 600.5), (False, None), (True, 60.0)):
            await asyncio.gather(
                jobs.pause_schedule(TICK, paused), jobs.set_interval(TICK, seconds)
            )
            found = (await jobs.schedules())[-1]
            assert (found.paused, found.interval) == (paused, seconds or 3600.0)

    with engine_in(home) as there:
        there.run(test)


# done again ------------------------------------------------------------------------------


def test_a_run_of_a_schedule_that_a_person_does_again_is_of_that_schedule_still(
    home: Path,
) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        for name in (TICK, "usage"):
            cancelled = await jobs.cancel((await jobs.run_schedule(name)).id)
            again = await jobs.retry(cancelled.id)
            assert (again.schedule, again.source) == (name, "schedule")
            assert (again.priority, again.kind) == (PRIORITY_PERSON, cancelled.kind)
            (why,) = await jobs.log(again.id)
            assert why.text == f"Queued: a person asked for it again (“{name}”)."
            shown = {schedule.name: schedule for schedule in await jobs.schedules()}[name]
            assert shown.last_run == again
            assert queued_with(there, again.id) == PRIORITY_PERSON

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


def queued_with(there: World, run: str) -> int:
    """The priority that the broker knows."""
    with closing(sqlite3.connect(there.engine.paths.queue)) as queue:
        ((found,),) = queue.execute("SELECT priority FROM message WHERE task = ?", (run,))
    return int(found)


def test_a_run_of_a_program_that_a_person_does_again_is_begun_before_other_programs(
    home: Path,
) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        first = await jobs.run_task("clock.tick", {}, source="api")
        assert first.priority < PRIORITY_PERSON
        await jobs.cancel(first.id)
        again = await jobs.retry(first.id)
        assert (again.source, again.priority, again.schedule) == ("api", PRIORITY_PERSON, "")
        assert (await jobs.log(first.id))[0].text == "Queued: asked for by another program."
        assert (await jobs.log(again.id))[0].text == "Queued: a person asked for it again."

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


# pages -----------------------------------------------------------------------------------


def test_a_page_before_a_time_without_a_zone_is_refused_and_says_so(home: Path) -> None:
    async def test(there: World) -> None:
        with pytest.raises(InvalidInput) as refused:
            await there.client.jobs.list_runs(before=datetime(2026, 11, 27, 12, 0))
        assert refused.value.problem.title == "The time has no zone"

    with engine_in(home) as there:
        there.run(test)


# recovery --------------------------------------------------------------------------------


class Counting:
    """A storage that counts how often each verb was called."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.calls = Counter[str]()

    def __getattr__(self, verb: str) -> Any:
        self.calls[verb] += 1
        return getattr(self._storage, verb)


def test_recovery_asks_for_nothing_more_where_more_is_waiting(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Counting(MemoryStorage())
    asked: list[tuple[str, ...]] = []

    async def test(there: World) -> None:
        jobs, background = there.client.jobs, there.engine.background
        missing = background.missing

        async def counted(runs: Sequence[str]) -> frozenset[str]:
            asked.append(tuple(runs))
            return await missing(runs)

        monkeypatch.setattr(background, "missing", counted)
        looks: list[Counter[str]] = []
        names: list[str] = []
        for _ in range(2):
            for _ in range(20):
                run = await jobs.run_task("echo_bot.echo", {"text": "x"})
                names.append(run.id)
            storage.calls.clear()
            assert await there.engine.maintenance.recover() == 0
            looks.append(Counter(storage.calls))
        assert looks[0] == looks[1]
        assert [len(runs) for runs in asked] == [20, 40]
        # One whose message is gone is found among them, and nothing else is read.
        await background.revoke(names[7])
        storage.calls.clear()
        assert await there.engine.maintenance.recover() == 1
        assert Counter(storage.calls) - looks[1] == {"get_run": 1}
        assert await background.holds(names[7])

    with engine_in(home, background=True, work=False, storage=cast(Storage, storage)) as there:
        there.run(test)
