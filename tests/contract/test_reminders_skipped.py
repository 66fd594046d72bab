"""Undoing "skip once": the engine with either client and storage."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.clocks import WallClock
from tests.support.engines import still_engine
from tests.support.worlds import World
from worker.contract.errors import InvalidInput, NotFound

START = datetime(2026, 3, 27, 8, 0, tzinfo=UTC)
DEADLINE = 60.0
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> WallClock:
    return WallClock(START)


@pytest.fixture(params=["local file", "remote file", "local memory"])
def there(request: pytest.FixtureRequest, tmp_path: Path, clock: WallClock) -> Iterator[World]:
    with still_engine(str(request.param), tmp_path, clock) as made:
        yield made


def test_the_time_that_was_left_out_comes_again_and_once(there: World, clock: WallClock) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T08:30", rrule="FREQ=DAILY")
        assert made.due is not None
        assert (await reminders.skip(made.id)).due == made.due + DAY
        back = await reminders.undo_skip(made.id, made.due)
        assert (back.due, back.snoozed, back.done) == (made.due, False, None)
        assert await reminders.undo_skip(made.id, made.due) == back
        clock.go(minutes=30)
        await there.engine.reminding.tick()
        await there.engine.reminding.tick()
        (firing,) = await reminders.open_firings()
        assert (firing.due, firing.state) == (made.due, "due")
        assert (await reminders.get(made.id)).due == made.due + DAY
        # It has been by now: it does not come a second time.
        assert (await reminders.undo_skip(made.id, made.due)).due == made.due
        await there.engine.reminding.tick()
        assert await reminders.open_firings() == (firing,)

    there.run(test)


def test_one_that_ended_with_it_and_a_snooze_come_again(there: World, clock: WallClock) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        once = await reminders.add("once", "2026-03-27T09:00")
        assert once.due is not None
        assert (await reminders.skip(once.id)).done == clock()
        back = await reminders.undo_skip(once.id, once.due)
        assert (back.due, back.done) == (once.due, None)
        later = once.due + timedelta(hours=2)
        assert (await reminders.snooze(once.id, later)).snoozed
        await reminders.skip(once.id)
        back = await reminders.undo_skip(once.id, later, snoozed=True)
        assert (back.due, back.snoozed, back.done) == (later, True, None)
        with pytest.raises(InvalidInput):
            await reminders.undo_skip(once.id, datetime(2026, 3, 27, 9, 0))
        await reminders.delete(once.id)
        with pytest.raises(NotFound):
            await reminders.undo_skip(once.id, later)

    there.run(test)
