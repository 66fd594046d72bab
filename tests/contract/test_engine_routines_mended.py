"""Routines that something is amiss with: one that breaks, a zone that is gone, a machine that is
carried elsewhere, one that is missed again and again. None of it is lost, and no other waits."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_engine_routines import DRAFT, DUE, ECHO, Clocks, history, tick
from tests.support.engines import becomes, engine_in
from tests.support.model_server import ModelServer
from tests.support.worlds import World, close
from worker.contract.errors import InvalidInput, NotFound
from worker.contract.events import OccurrenceChanged, RoutineChanged
from worker.contract.routines import Occurrence, Routine
from worker.service import routine_clock
from worker.service.routine_start import Starts


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def there(tmp_path: Path, models: ModelServer, clocks: Clocks) -> Iterator[World]:
    """An engine that ticks when the test says so: nothing is plugged in, so nothing else runs."""
    with engine_in(
        tmp_path, models=models, now=lambda: clocks.now, monotonic=lambda: clocks.seconds
    ) as made:
        made.run(lambda there: there.engine.modules_ready())
        yield made


@pytest.mark.parametrize(("missed", "state"), [("once", "waiting"), ("ask", "asking")])
def test_what_is_missed_again_before_it_was_made_up_for_is_one_with_it(
    there: World, clocks: Clocks, missed: Any, state: str
) -> None:
    async def test(there: World) -> None:
        made = await there.client.routines.add(replace(DRAFT, missed=missed))
        other = await there.client.routines.add(replace(DRAFT, title="Other", missed="once"))
        clocks.now += timedelta(days=1, hours=2)
        await tick(there)
        (before,) = await there.client.routines.history(made.id)
        events = there.client.events()
        clocks.now += timedelta(days=3)  # opened for a moment only
        await tick(there)
        assert await history(there, made) == [state, "skipped"]
        (both, _) = await there.client.routines.history(made.id)
        assert both.earlier == 4 and both.due == DUE + timedelta(days=4)
        async for event in events:
            if isinstance(event, OccurrenceChanged) and event.occurrence.id == before.id:
                assert event.occurrence.state == "skipped"
                break
        await close(events)
        clocks.settle()
        await tick(there)
        open_ = await there.engine.storage.open_occurrences(("running",))
        wanted = {other.id} | ({made.id} if missed == "once" else set())
        assert {owned.occurrence.routine for owned in open_} == wanted and len(open_) == len(wanted)

    there.run(test)


@pytest.mark.expect_log_errors
def test_one_that_breaks_makes_no_other_late(
    tmp_path: Path, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What broke is tried again after so long; nothing else waits for that.
    monkeypatch.setattr(routine_clock, "EVERY", 3600.0)
    begin = Starts.begin

    async def test(there: World) -> None:
        broken = await there.client.routines.add(replace(ECHO, zone=""))
        sound = await there.client.routines.add(replace(ECHO, zone=""))
        tried = asyncio.Event()

        async def sometimes(self: Starts, routine: Routine, time: Occurrence) -> Any:
            if routine.id == broken.id:
                tried.set()
                raise RuntimeError("a defect")
            return await begin(self, routine, time)

        monkeypatch.setattr(Starts, "begin", sometimes)
        now = there.engine.now()
        for routine, seconds in ((sound, 2), (broken, -1)):
            due = now + timedelta(seconds=seconds)
            await there.engine.storage.update_routine("local", routine.id, {"due": due})
        there.engine.routine_clock.changed()
        await tried.wait()

        async def begun() -> bool:
            return bool(await there.client.routines.history(sound.id))

        await becomes(begun, "the other has begun")
        assert await there.client.routines.history(broken.id) == ()

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


@pytest.mark.expect_log_errors
def test_an_end_that_breaks_holds_up_no_other(
    there: World, clocks: Clocks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(there: World) -> None:
        broken = await there.client.routines.add(DRAFT)
        await there.client.routines.run_now(broken.id)
        sound = await there.client.routines.add(ECHO)
        get_run = there.engine.storage.get_run

        async def breaks(owner: str, run: str) -> Any:
            raise RuntimeError("a defect")

        monkeypatch.setattr(there.engine.storage, "get_run", breaks)
        clocks.pass_(minutes=30, seconds=1)
        await tick(there)
        monkeypatch.setattr(there.engine.storage, "get_run", get_run)
        assert await history(there, sound) == ["running"]
        assert f"the schedule {broken.id} could not be looked after" in caplog.text

    there.run(test)


@pytest.mark.expect_log_errors
@pytest.mark.parametrize("rule", [{"cron": "30 8 * * *"}, {"cron": "", "rrule": "FREQ=DAILY"}])
def test_one_whose_zone_is_gone_pauses_itself_and_says_why(
    there: World, clocks: Clocks, rule: dict[str, str]
) -> None:
    async def test(there: World) -> None:
        client = there.client.routines
        made = await client.add(replace(DRAFT, start="2026-11-01T08:30", **rule))
        sound = await client.add(DRAFT)
        await there.engine.storage.update_routine("local", made.id, {"zone": "Mars/Base"})
        events = there.client.events()
        clocks.pass_(days=1)
        await tick(there)
        assert await history(there, made) == [] and len(await history(there, sound)) == 1
        async for event in events:
            if isinstance(event, RoutineChanged) and event.routine.id == made.id:
                break
        await close(events)
        told = event.routine
        assert (told.paused, told.due, told.updated) == (True, None, clocks.now)
        assert "Mars/Base" in told.paused_why
        with pytest.raises(InvalidInput):
            await client.pause(made.id, False)
        mended = await client.change(made.id, replace(DRAFT, zone="Europe/Berlin"))
        assert mended.paused
        assert (await client.pause(made.id, False)).due is not None

    there.run(test)


def test_where_no_zone_is_said_it_is_the_one_that_the_machine_is_in_by_then(
    tmp_path: Path, models: ModelServer, clocks: Clocks
) -> None:
    zone = "Europe/Berlin"

    async def test(there: World) -> None:
        nonlocal zone
        client = there.client.routines
        here = await client.add(replace(DRAFT, zone=""))
        assert (here.zone, here.due) == ("Europe/Berlin", DUE)
        zone = "Asia/Tokyo"  # the machine was carried there
        there_ = await client.add(replace(DRAFT, zone="", cron="", rrule="FREQ=DAILY"))
        assert (there_.zone, there_.start[:13]) == ("Asia/Tokyo", "2026-11-23T16")
        # What was meant at home stays there.
        assert await client.preview(replace(DRAFT, zone=here.zone)) == await client.preview(
            replace(DRAFT, zone="Europe/Berlin")
        )
        assert (await client.get(here.id)).due == DUE

    with engine_in(
        tmp_path,
        models=models,
        now=lambda: clocks.now,
        monotonic=lambda: clocks.seconds,
        zone=lambda: zone,
    ) as there:
        there.run(test)


def test_one_time_is_found_by_its_id(there: World, clocks: Clocks) -> None:
    async def test(there: World) -> None:
        client = there.client.routines
        made = await client.add(DRAFT)
        time = await client.run_now(made.id)
        assert await client.occurrence(time.id) == time
        with pytest.raises(NotFound):
            await client.occurrence("none")

    there.run(test)
