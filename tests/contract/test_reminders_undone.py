"""Undoing "done" and "done with all": the engine with either client and storage."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.clocks import WallClock
from tests.support.engines import Failing, engine_in, still_engine
from tests.support.worlds import World, close
from worker.contract.errors import NotFound, StorageError
from worker.contract.events import FiringChanged, ReminderChanged
from worker.contract.reminders import Firing
from worker.storage.memory import MemoryStorage
from worker.storage.reminders import ReminderChange

START = datetime(2026, 3, 27, 8, 0, tzinfo=UTC)
DEADLINE = 60.0


@pytest.fixture
def clock() -> WallClock:
    return WallClock(START)


@pytest.fixture(params=["local file", "remote file", "local memory", "remote memory"])
def there(request: pytest.FixtureRequest, tmp_path: Path, clock: WallClock) -> Iterator[World]:
    with still_engine(str(request.param), tmp_path, clock) as made:
        yield made


async def fired(there: World) -> tuple[Firing, ...]:
    """What is open once it was looked for."""
    await there.engine.reminding.tick()
    return await there.client.reminders.open_firings()


def again(firings: Sequence[Firing]) -> tuple[Firing, ...]:
    """The same, as they are when their answer was undone."""
    return tuple(replace(firing, silent=True) for firing in firings)


@pytest.mark.parametrize(("minutes", "state"), [(30, "due"), (40, "missed")])
def test_one_that_recurs_waits_again_and_goes_on_as_it_would_have(
    there: World, clock: WallClock, minutes: int, state: str
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T08:30", rrule="FREQ=DAILY")
        clock.go(minutes=minutes)
        (firing,) = before = await fired(there)
        assert firing.state == state
        coming = (await reminders.get(made.id)).due
        clock.go(minutes=1)
        await reminders.done(made.id)
        clock.go(minutes=5)
        events = there.client.events()
        (opened,) = await reminders.undo_done((firing.id,))
        assert opened == await reminders.get(made.id)
        assert (opened.due, opened.done) == (coming, None) and opened.firing is not None
        assert await reminders.open_firings() == again(before) == (opened.firing,)
        told = [await anext(events), await anext(events)]
        await close(events)
        assert isinstance(told[0], FiringChanged) and told[0].firing == opened.firing
        assert isinstance(told[1], ReminderChanged) and told[1].reminder == opened
        # It is told to nobody again, neither now nor by who looks later, and once is enough.
        assert not await reminders.take(firing.id, "p")
        assert await fired(there) == again(before)
        assert await reminders.undo_done((firing.id, firing.id)) == (opened,)
        assert await reminders.get(made.id) == opened
        clock.set(datetime(2026, 3, 28, 8, 30, tzinfo=UTC))
        assert [one.due for one in await fired(there)] == [firing.due, clock()]
        assert len(await reminders.history(made.id)) == 2

    there.run(test)


def test_what_was_missed_and_done_with_at_once_is_all_there_again(
    there: World, clock: WallClock
) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        for number in range(12):
            await reminders.add(f"n{number}", f"2026-03-27T08:{10 + number}")
        await reminders.add("daily", "2026-03-27T09:30", rrule="FREQ=DAILY")
        await reminders.add("listed", "2026-03-27T09:00", missed="list")
        clock.go(days=2)
        first = await fired(there)
        clock.go(days=1)
        before = await fired(there)
        assert (len(first), len(before)) == (14, 15)
        counts, upcoming = await reminders.counts(), await reminders.list_reminders()
        missed = await reminders.list_reminders("missed")
        names = tuple(firing.id for firing in before)
        assert await reminders.done_all(names) == 15
        assert len(await reminders.list_reminders("done")) == 13
        opened = await reminders.undo_done(names)
        assert len(opened) == 14
        daily = next(one for one in opened if one.text == "daily")
        # Two of its times wait; the newest one is what it is shown with.
        assert daily.firing == again(before)[-1]
        assert await reminders.open_firings() == again(before)
        assert await reminders.list_reminders("done") == ()
        assert await reminders.counts() == counts
        shown = [one.id for one in await reminders.list_reminders("missed")]
        assert shown == [one.id for one in missed]
        assert [one.due for one in await reminders.list_reminders()] == [
            one.due for one in upcoming
        ]
        assert await fired(there) == again(before)

    there.run(test)


def test_only_what_is_done_and_there_is_opened(there: World, clock: WallClock) -> None:
    async def test(there: World) -> None:
        reminders = there.client.reminders
        for text in ("open", "snoozed", "deleted", "done", "left"):
            await reminders.add(text, "2026-03-27T08:30", rrule="FREQ=DAILY")
        clock.go(minutes=30)
        named = {firing.text: firing for firing in await fired(there)}
        until = clock() + timedelta(hours=1)
        await reminders.snooze(named["snoozed"].reminder, until)
        await reminders.done_all(tuple(named[text].id for text in ("deleted", "done", "left")))
        await reminders.delete(named["deleted"].reminder)
        wanted = [named[text].id for text in ("open", "snoozed", "deleted", "done")]
        opened = await reminders.undo_done((*wanted, "no-such-firing"))
        assert {one.text for one in opened} == {"open", "done"}
        waiting = {one.text: one for one in await reminders.open_firings()}
        # What was open already is as it was, and may still be notified.
        assert waiting == {"open": named["open"], "done": replace(named["done"], silent=True)}
        assert (await reminders.get(named["snoozed"].reminder)).due == until
        await reminders.undelete(named["deleted"].reminder)
        (kept,) = await reminders.history(named["deleted"].reminder)
        assert kept.state == "done"
        assert await reminders.undo_done(()) == ()

    there.run(test)


class Beaten(MemoryStorage):
    """A storage in which somebody else deletes a reminder just before the next save."""

    beaten = ""

    async def save_reminders(self, owner: str, changes: Sequence[ReminderChange]) -> frozenset[str]:
        name, self.beaten = self.beaten, ""
        if name:
            row = await self.get_reminder(owner, name)
            gone = replace(row, reminder=replace(row.reminder, deleted=START))
            await super().save_reminders(owner, (ReminderChange(gone),))
        return await super().save_reminders(owner, changes)


def test_a_reminder_that_is_deleted_just_then_stays_as_it_is(
    tmp_path: Path, clock: WallClock
) -> None:
    storage = Beaten()

    async def test(there: World) -> None:
        reminders = there.client.reminders
        for text in ("kept", "gone"):
            await reminders.add(text, "2026-03-27T08:30")
        clock.go(minutes=30)
        before = {firing.text: firing for firing in await fired(there)}
        names = tuple(firing.id for firing in before.values())
        await reminders.done_all(names)
        storage.beaten = before["gone"].reminder
        (opened,) = await reminders.undo_done(names)
        assert opened.text == "kept"
        assert [one.text for one in await reminders.open_firings()] == ["kept"]
        assert (await reminders.get(before["gone"].reminder)).done == clock()
        with pytest.raises(NotFound):
            await reminders.reopen(before["gone"].reminder)

    with engine_in(tmp_path, now=clock, role="cli", zone=lambda: "UTC", storage=storage) as there:
        there.run(test)


def test_a_full_disk_undoes_nothing_and_it_can_be_asked_for_again(
    tmp_path: Path, clock: WallClock
) -> None:
    failing = Failing(MemoryStorage())

    async def test(there: World) -> None:
        reminders = there.client.reminders
        made = await reminders.add("x", "2026-03-27T08:30")
        clock.go(minutes=30)
        (firing,) = await fired(there)
        ended = await reminders.done(made.id)
        failing.broken.add("save_reminders")
        with pytest.raises(StorageError):
            await reminders.undo_done((firing.id,))
        assert await reminders.get(made.id) == ended
        failing.mend()
        (opened,) = await reminders.undo_done((firing.id,))
        assert opened.done is None and opened.firing == replace(firing, silent=True)

    with engine_in(tmp_path, now=clock, role="cli", zone=lambda: "UTC", storage=failing) as there:
        there.run(test)
