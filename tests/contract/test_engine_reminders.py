"""Reminders that happen: on time, once, whatever the machine did meanwhile. The clock is a
test's own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.clocks import WallClock
from tests.support.engines import Failing, engine_in, until
from tests.support.reminders import a_row
from tests.support.worlds import World, close
from worker.contract.errors import InvalidInput, NotFound, StorageError, TooLarge
from worker.contract.events import (
    DataReplaced,
    FiringChanged,
    QuietChanged,
    ReminderChanged,
)
from worker.contract.reminders import Firing
from worker.engine import Engine
from worker.paths import Paths
from worker.service import reminding
from worker.storage.memory import MemoryStorage

START = datetime(2026, 3, 27, 8, 0, tzinfo=UTC)
"""Two days before clocks change in Berlin, where it is 9:00."""
BERLIN = "Europe/Berlin"


@contextmanager
def at_berlin(folder: Path, clock: WallClock, **options: Any) -> Iterator[World]:
    """An engine that fires nothing by itself: its tests say when it looks."""
    with engine_in(folder, now=clock, role="cli", zone=lambda: BERLIN, **options) as there:
        yield there


@pytest.fixture
def clock() -> WallClock:
    return WallClock(START)


@pytest.fixture
def there(tmp_path: Path, clock: WallClock) -> Iterator[World]:
    with at_berlin(tmp_path, clock) as world:
        yield world


async def fired(there: World) -> tuple[Firing, ...]:
    """What is open once it was looked for."""
    await there.engine.reminding.tick()
    return await there.client.reminders.open_firings()


# what is kept ----------------------------------------------------------------------------


def test_reminder_is_kept_at_its_wall_time_and_told(there: World) -> None:
    async def test(there: World) -> None:
        made = await there.client.reminders.add(
            " call Anna ", "2026-03-30T08:30", rrule="FREQ=DAILY", notes="Her new flat", urgent=True
        )
        assert (made.text, made.start, made.zone) == ("call Anna", "2026-03-30T08:30:00", BERLIN)
        assert made.due == datetime(2026, 3, 30, 6, 30, tzinfo=UTC)
        assert await there.client.reminders.get(made.id) == made
        event = await until(there, lambda e: isinstance(e, ReminderChanged))
        assert isinstance(event, ReminderChanged) and event.reminder == made
        # Wherever the machine is, it stays where it was meant.
        there.engine.zone = lambda: "Asia/Tokyo"
        assert (await there.client.reminders.get(made.id)).due == made.due

    there.run(test)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"text": " "}, InvalidInput),
        ({"text": "x" * 5000}, TooLarge),
        ({"notes": "x" * 200_000}, TooLarge),
        ({"start": "2026-03-26T09:00"}, InvalidInput),
        ({"start": "tomorrow"}, InvalidInput),
        ({"start": "2026-04-01T09:00+02:00"}, InvalidInput),
        ({"zone": "Europe/Nowhere"}, InvalidInput),
        ({"rrule": "FREQ=NEVER"}, InvalidInput),
        ({"rrule": "FREQ=SECONDLY"}, InvalidInput),
        ({"start": "2025-01-01T09:00", "rrule": "FREQ=DAILY;COUNT=3"}, InvalidInput),
    ],
)
def test_what_makes_no_sense_is_not_kept(
    there: World, values: dict[str, Any], error: type[Exception]
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        with pytest.raises(error):
            await reminders.add(**{"text": "x", "start": "2026-04-01T09:00", **values})
        assert await reminders.list_reminders() == ()

    there.run(test)


def test_a_new_time_ends_a_snooze_and_answers_what_waits(there: World, clock: WallClock) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T09:30")
        clock.go(minutes=30)
        (firing,) = await fired(there)
        await reminders.change(made.id, text="y", notes="z", missed="list")
        assert (await reminders.open_firings())[0].id == firing.id
        found = await reminders.change(made.id, start="2026-03-28T10:00")
        assert (found.text, found.due, found.snoozed) == (
            "y",
            datetime(2026, 3, 28, 9, 0, tzinfo=UTC),
            False,
        )
        (history,) = await reminders.history(made.id)
        assert (history.state, history.until) == ("snoozed", found.due)
        with pytest.raises(InvalidInput):
            await reminders.change(made.id, start="2026-03-26T10:00")

    there.run(test)


# being due -------------------------------------------------------------------------------


def test_a_reminder_fires_when_it_is_due_and_not_before(there: World, clock: WallClock) -> None:
    async def test(there: World) -> None:
        made = await there.client.reminders.add("tea", "2026-03-27T09:30")
        clock.go(minutes=29, seconds=59)
        assert await fired(there) == ()
        clock.go(seconds=1)
        (firing,) = await fired(there)
        assert (firing.state, firing.text, firing.due, firing.fired) == (
            "due",
            "tea",
            made.due,
            clock(),
        )
        assert await fired(there) == (firing,)
        event = await until(there, lambda e: isinstance(e, FiringChanged))
        assert isinstance(event, FiringChanged) and event.firing == firing
        found = await there.client.reminders.get(made.id)
        assert (found.due, found.firing) == (None, firing)

    there.run(test)


def test_wall_time_stays_when_clocks_change_while_the_machine_sleeps(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("rise", "2026-03-28T08:30", rrule="FREQ=DAILY")
        assert made.due == datetime(2026, 3, 28, 7, 30, tzinfo=UTC)
        clock.set(datetime(2026, 3, 28, 22, 0, tzinfo=UTC))
        await fired(there)
        # Asleep over the night in which 2:00 becomes 3:00.
        clock.set(datetime(2026, 3, 29, 6, 30, tzinfo=UTC))
        _, on_time = await fired(there)
        assert (on_time.due, on_time.state) == (datetime(2026, 3, 29, 6, 30, tzinfo=UTC), "due")
        assert (await reminders.get(made.id)).due == datetime(2026, 3, 30, 6, 30, tzinfo=UTC)

    there.run(test)


def test_off_for_three_days_with_forty_due_tells_each_once_with_its_time(
    tmp_path: Path, clock: WallClock
) -> None:
    async def keep(there: World) -> None:
        reminders = there.client.reminders
        for number in range(37):
            await reminders.add(f"n{number}", f"2026-03-28T{number % 24:02}:{number:02}")
        await reminders.add("daily", "2026-03-28T08:30", rrule="FREQ=DAILY")
        await reminders.add("listed", "2026-03-28T12:00", missed="list")
        await reminders.add("left out", "2026-03-28T12:00", missed="skip")

    async def find(there: World) -> None:
        reminders = there.client.reminders
        counts = await there.engine.reminding.tick()
        assert (counts["missed"], counts["skipped"], counts["due"]) == (39, 1, 0)
        found = {firing.text: firing for firing in await reminders.open_firings()}
        assert len(found) == 39 and {one.state for one in found.values()} == {"missed"}
        assert found["n5"].due == datetime(2026, 3, 28, 4, 5, tzinfo=UTC)
        daily = found["daily"]
        assert (daily.due, daily.earlier) == (datetime(2026, 3, 30, 6, 30, tzinfo=UTC), 2)
        assert [one.text for one in found.values() if one.silent] == ["listed"]
        (left,) = [one for one in await reminders.list_reminders("done") if one.text == "left out"]
        assert (await reminders.history(left.id))[0].state == "skipped"
        assert len(await reminders.list_reminders("missed")) == 39
        counts = await reminders.counts()
        assert (counts.open, counts.missed) == (39, 39)
        assert await reminders.done_all(tuple(one.id for one in found.values())) == 39
        assert await reminders.done_all(tuple(one.id for one in found.values())) == 0
        assert await reminders.open_firings() == ()
        assert [one.text for one in await reminders.list_reminders()] == ["daily"]

    with at_berlin(tmp_path, clock) as there:
        there.run(keep)
    clock.go(days=3, hours=2)
    with at_berlin(tmp_path, clock) as there:
        there.run(find)


def test_a_clock_that_is_set_back_and_forth_fires_nothing_twice(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        await reminders.add("once", "2026-03-27T10:00")
        daily = await reminders.add("daily", "2026-03-27T10:30", rrule="FREQ=DAILY")
        clock.go(hours=2)
        first = await fired(there)
        assert {one.state for one in first} == {"missed"} and len(first) == 2
        for hours in (-2, 1, 1, -2, 2):
            clock.go(hours=hours)
            assert await fired(there) == first
        # A time that somebody chooses is told, though it was due just then before.
        clock.go(hours=-2)
        put_off = await reminders.snooze(daily.id, first[1].due)
        assert put_off.snoozed
        clock.go(hours=3)
        again = await fired(there)
        assert [one.text for one in again] == ["once", "daily"]
        assert again[1].id != first[1].id

    there.run(test)


def test_what_is_paused_is_found_late_afterwards(there: World, clock: WallClock) -> None:
    async def test(there: World) -> None:
        await there.client.reminders.add("x", "2026-03-27T09:30")
        await there.client.system.pause(True)
        clock.go(hours=1)
        assert await fired(there) == ()
        assert (await there.engine.reminding.tick())["paused"] is True
        await there.client.system.pause(False)
        (firing,) = await fired(there)
        assert firing.state == "missed"

    there.run(test)


# answers ---------------------------------------------------------------------------------


def test_done_ends_what_does_not_recur_and_can_be_undone(there: World, clock: WallClock) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T10:00")
        ended = await reminders.done(made.id)  # before its time
        assert (ended.due, ended.done) == (None, clock())
        assert await reminders.done(made.id) == ended
        assert (await reminders.reopen(made.id)).due == made.due
        clock.go(hours=2)
        (firing,) = await fired(there)
        ended = await reminders.done(made.id, firing.id)
        assert ended.done == clock() and ended.firing is None
        assert [one.id for one in await reminders.list_reminders("done")] == [made.id]
        opened = await reminders.reopen(made.id)
        assert opened.firing is not None and opened.done is None
        assert (opened.firing.id, opened.firing.state) == (firing.id, "missed")
        assert await reminders.reopen(made.id) == opened

    there.run(test)


def test_one_that_was_done_before_its_time_is_open_as_missed_when_that_has_passed(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T10:00")
        await reminders.done(made.id)
        clock.go(hours=3)
        assert await fired(there) == ()
        opened = await reminders.reopen(made.id)
        assert opened.firing is not None
        assert (opened.firing.state, opened.firing.due) == ("missed", made.due)

    there.run(test)


def test_one_that_recurs_goes_on_when_it_is_done_or_left_out(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T10:00", rrule="FREQ=DAILY;COUNT=4")
        assert await reminders.done(made.id) == made
        assert (await reminders.skip(made.id)).due == datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
        clock.set(datetime(2026, 3, 28, 9, 0, tzinfo=UTC))
        (firing,) = await fired(there)
        assert (firing.state, firing.earlier) == ("due", 0)
        found = await reminders.done(made.id)
        assert (found.due, found.done) == (datetime(2026, 3, 29, 8, 0, tzinfo=UTC), None)
        await reminders.skip(made.id)
        ended = await reminders.skip(made.id)
        assert (ended.due, ended.done) == (None, clock())
        assert await reminders.skip(made.id) == ended

    there.run(test)


def test_a_snooze_brings_it_back_and_leaves_the_series_alone(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T09:30", rrule="FREQ=DAILY")
        clock.go(minutes=30)
        (firing,) = await fired(there)
        until = clock() + timedelta(minutes=10)
        found = await reminders.snooze(made.id, until, firing.id)
        assert (found.due, found.snoozed, found.firing) == (until, True, None)
        # The same button again, on a notification that is still there.
        later = await reminders.snooze(made.id, until + timedelta(hours=1), firing.id)
        assert later.due == until
        assert (await reminders.done(made.id, firing.id)).due == until
        clock.go(minutes=10)
        (again,) = await fired(there)
        assert (again.due, again.state) == (until, "due")
        found = await reminders.get(made.id)
        assert (found.due, found.snoozed) == (datetime(2026, 3, 28, 8, 30, tzinfo=UTC), False)
        # Put off before it is due: that time does not come as well.
        await reminders.done(made.id)
        early = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
        assert (await reminders.snooze(made.id, early)).due == early
        with pytest.raises(InvalidInput):
            await reminders.snooze(made.id, clock())

    there.run(test)


def test_a_deleted_reminder_is_silent_until_it_is_brought_back(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T10:00")
        assert (await reminders.delete(made.id)).deleted == clock()
        clock.go(hours=2)
        assert await fired(there) == ()
        with pytest.raises(NotFound):
            await reminders.done(made.id)
        await reminders.undelete(made.id)
        (firing,) = await fired(there)
        assert firing.state == "missed"
        await reminders.delete(made.id)
        assert await reminders.open_firings() == ()
        await there.client.data.delete_all()
        with pytest.raises(NotFound):
            await reminders.get(made.id)

    there.run(test)


def test_counts_tell_the_times_until_midnight_in_the_zone_of_the_machine(there: World) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        await reminders.add("a", "2026-03-27T23:59")
        await reminders.add("b", "2026-03-28T00:00")
        await reminders.add("c", "2026-03-27T21:00", rrule="FREQ=DAILY;BYHOUR=21,22,23")
        assert (await reminders.counts()).today == 4

    there.run(test)


# quiet -----------------------------------------------------------------------------------


def test_do_not_disturb_keeps_back_and_tells_together_when_it_ends(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        for minute in (10, 20):
            await reminders.add(f"at {minute}", f"2026-03-27T09:{minute}")
        await reminders.add("urgent", "2026-03-27T09:15", urgent=True)
        end = clock() + timedelta(hours=1)
        quiet = await reminders.do_not_disturb(end)
        assert (quiet.until, quiet.why) == (end, "asked")
        assert await reminders.quiet() == quiet
        await until(there, lambda e: isinstance(e, QuietChanged) and e.quiet == quiet)
        for _ in range(3):
            clock.go(minutes=10)
            found = await fired(there)
        states = {firing.text: firing.state for firing in found}
        assert states == {"at 10": "held", "at 20": "held", "urgent": "missed"}
        held = [firing.id for firing in found if firing.state == "held"]
        assert not await reminders.take(held[0], "p")
        clock.set(end)
        counts = await there.engine.reminding.tick()
        assert counts["released"] == 2
        assert "held" not in {firing.state for firing in await reminders.open_firings()}
        assert await reminders.take(held[0], "p")
        assert (await reminders.quiet()).until is None
        with pytest.raises(InvalidInput):
            await reminders.do_not_disturb(clock())

    there.run(test)


def test_quiet_hours_can_be_ended_for_a_night(there: World, clock: WallClock) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        await there.client.system.set_setting("reminders.quiet_from", "22:00")
        await there.client.system.set_setting("reminders.quiet_to", "07:00")
        clock.set(datetime(2026, 3, 28, 22, 0, tzinfo=UTC))  # 23:00 in Berlin
        quiet = await reminders.quiet()
        # 7:00 of the night in which clocks change.
        assert (quiet.until, quiet.why) == (datetime(2026, 3, 29, 5, 0, tzinfo=UTC), "hours")
        await reminders.add("x", "2026-03-28T23:30")
        clock.go(minutes=30)
        (firing,) = await fired(there)
        assert firing.state == "held"
        assert (await reminders.do_not_disturb(None)).until is None
        (firing,) = await fired(there)
        assert firing.state == "due"
        clock.go(days=1)
        assert (await reminders.quiet()).why == "hours"

    there.run(test)


def test_what_was_told_to_nobody_is_kept_back_when_somebody_asks_for_quiet(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        await reminders.add("x", "2026-03-27T09:30")
        clock.go(minutes=30)
        (firing,) = await fired(there)
        await reminders.do_not_disturb(clock() + timedelta(hours=1))
        assert not await reminders.take(firing.id, "p")
        assert (await reminders.open_firings())[0].state == "held"

    there.run(test)


# many ------------------------------------------------------------------------------------


def test_who_begins_again_is_told_what_a_killed_process_told_nobody(
    tmp_path: Path, clock: WallClock
) -> None:
    async def fire(there: World) -> None:
        await there.client.reminders.add("x", "2026-03-27T09:30")
        clock.go(minutes=30)
        (firing,) = await fired(there)
        assert await there.client.reminders.take(firing.id, "")

    async def again(there: World) -> None:
        seen = await there.engine.storage.last_event()
        there.engine.reminding.wake()
        event = await until(there, lambda e: isinstance(e, FiringChanged) and e.seq > 0)
        assert isinstance(event, FiringChanged)
        assert await there.client.reminders.take(event.firing.id, "")
        await there.client.reminders.shown(event.firing.id)
        assert not await there.client.reminders.take(event.firing.id, "")
        assert seen > 0

    with at_berlin(tmp_path, clock) as there:
        there.run(fire)
    with engine_in(tmp_path, now=clock) as there:
        there.run(again)


def test_the_timer_fires_by_itself_when_its_time_comes(tmp_path: Path) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        events = there.client.events()
        at = datetime.now(UTC) + timedelta(seconds=1)
        made = await reminders.add("x", at.replace(tzinfo=None).isoformat(), zone="UTC")
        async for event in events:
            if isinstance(event, FiringChanged):
                break
        await close(events)
        assert event.firing.reminder == made.id
        assert event.firing.fired >= event.firing.due == at

    with engine_in(tmp_path) as there:
        there.run(test)


def test_the_timer_notices_a_sleep_that_it_is_told_of(tmp_path: Path, clock: WallClock) -> None:
    async def test(there: World) -> None:
        made = await there.client.reminders.add("x", "2026-03-27T18:00", zone="UTC")
        while there.engine.reminding._aim != made.due:  # noqa: ASYNC110 - the timer tells nobody what it aims at
            await asyncio.sleep(0.01)
        clock.go(hours=12)
        there.engine.woke()
        event = await until(there, lambda e: isinstance(e, FiringChanged))
        assert isinstance(event, FiringChanged) and event.firing.state == "missed"

    with engine_in(tmp_path, now=clock) as there:
        there.run(test)


def test_what_came_due_in_a_sleep_that_a_program_tells_of_fires_at_once(
    tmp_path: Path, clock: WallClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The timer would find the gap by itself soon; here it does not look before it is told.
    monkeypatch.setattr(reminding, "LOOK", 3600.0)
    monkeypatch.setattr(reminding, "LONGEST_SLEEP", 3600.0)

    async def test(there: World) -> None:
        made = await there.client.reminders.add("x", "2026-03-27T18:00", zone="UTC")
        while there.engine.reminding._aim != made.due:  # noqa: ASYNC110 - the timer tells nobody what it aims at
            await asyncio.sleep(0.01)
        clock.go(hours=12)
        await there.client.system.woke()
        event = await until(there, lambda e: isinstance(e, FiringChanged))
        assert isinstance(event, FiringChanged) and event.firing.state == "missed"

    with engine_in(tmp_path, now=clock) as there:
        there.run(test)


def test_two_programs_and_the_safety_net_fire_once(tmp_path: Path, clock: WallClock) -> None:
    async def test(there: World) -> None:
        other = Engine(
            Paths.find({"NAGATHA_HOME": str(tmp_path)}),
            there.runtime,
            "cli",
            environ={"NAGATHA_HOME": str(tmp_path)},
            cwd=tmp_path,
            now=clock,
        )
        async with other:
            for number in range(50):
                await there.client.reminders.add(f"n{number}", f"2026-03-27T10:{number:02}")
            clock.go(hours=2)
            ticks = [engine.reminding.tick() for engine in (there.engine, other) for _ in range(3)]
            counts = await asyncio.gather(*ticks)
            assert sum(int(str(count["missed"])) for count in counts) == 50
            assert len(await there.client.reminders.open_firings()) == 50
            kept = await there.engine.storage.events_after(0, 1000)
            assert sum(event.kind == "firing.changed" for event in kept) == 50

    with at_berlin(tmp_path, clock) as there:
        there.run(test)


def test_a_full_disk_loses_no_reminder(tmp_path: Path, clock: WallClock) -> None:
    failing = Failing(MemoryStorage())

    async def test(there: World) -> None:
        await there.client.reminders.add("x", "2026-03-27T09:30")
        clock.go(minutes=30)
        failing.broken.add("fire")
        with pytest.raises(StorageError):
            await there.engine.reminding.tick()
        failing.mend()
        assert [firing.text for firing in await fired(there)] == ["x"]

    with at_berlin(tmp_path, clock, storage=failing) as there:
        there.run(test)


def test_a_hundred_thousand_reminders_are_added_listed_and_found(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        service = there.engine.services("local").reminders
        rows = [a_row(f"r{n}", START + timedelta(minutes=n)) for n in range(1, 100_001)]
        events = there.client.events()
        made = await service.add_all(rows)
        assert len(made) == 100_000
        async for event in events:
            assert isinstance(event, DataReplaced)
            break
        await close(events)
        page = await service.list_reminders(limit=3, offset=99_998)
        assert [one.id for one in page] == ["r99999", "r100000"]
        found = await service.list_reminders(query="reminder R77777")
        assert [one.id for one in found] == ["r77777"]
        clock.go(minutes=250)
        assert len(await fired(there)) == 250

    there.run(test)


def test_beat_has_what_is_due_looked_for(tmp_path: Path) -> None:
    async def test(there: World) -> None:
        run = await there.client.jobs.run_schedule("scheduled")
        ended = await there.ended(run.id)
        assert ended.state == "SUCCESS" and isinstance(ended.result, dict)
        assert (ended.result["success"], ended.result["due"]) == (True, 0)

    with engine_in(tmp_path, background=True) as there:
        there.run(test)
