"""A reminder that is made urgent, or not any more, while a time of it waits for its answer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.clocks import WallClock
from tests.support.engines import engine_in, until
from tests.support.worlds import World
from worker.contract.events import FiringChanged
from worker.contract.reminders import Firing


async def fired(there: World) -> tuple[Firing, ...]:
    """What is open once it was looked for."""
    await there.engine.reminding.tick()
    return await there.client.reminders.open_firings()


def test_one_that_is_made_urgent_is_so_where_it_waits_and_is_not_kept_back_any_more(
    tmp_path: Path,
) -> None:
    clock = WallClock(datetime(2026, 3, 27, 9, 0, tzinfo=UTC))

    async def test(there: World) -> None:
        reminders = there.client.reminders
        shown = await reminders.add("shown", "2026-03-27T09:10")
        kept = await reminders.add("kept back", "2026-03-27T09:20")
        other = await reminders.add("other", "2026-03-27T09:20")
        clock.go(minutes=10)
        (firing,) = await fired(there)
        await reminders.shown(firing.id)
        at = clock()
        await reminders.do_not_disturb(at + timedelta(hours=1))
        clock.go(minutes=10)
        assert [one.state for one in await fired(there)] == ["due", "held", "held"]
        for reminder in (shown, kept):
            await reminders.change(reminder.id, urgent=True)
        await reminders.change(other.id, notes="in the blue folder")
        found = {one.text: one for one in await reminders.open_firings()}
        assert (found["shown"].urgent, found["shown"].shown) == (True, at)
        free = found["kept back"]
        assert (free.urgent, free.state) == (True, "due")
        assert (found["other"].urgent, found["other"].state) == (False, "held")
        await until(there, lambda e: isinstance(e, FiringChanged) and e.firing == free)
        assert await reminders.take(free.id, "p")
        await reminders.change(kept.id, urgent=False)
        (one,) = await reminders.history(kept.id)
        assert (one.urgent, one.state) == (False, "due")

    with engine_in(tmp_path, now=clock, role="cli", zone=lambda: "UTC") as there:
        there.run(test)
