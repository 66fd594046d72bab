"""A reminder that is meant in a zone which this machine does not know (any more): it happens once,
and no other is kept from being counted, listed or told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.clocks import WallClock
from tests.support.engines import engine_in
from tests.support.worlds import World
from worker.storage.reminders import ReminderChange
from worker.tools.base import ToolContext
from worker.tools.reminders import ListRemindersTool

START = datetime(2026, 3, 27, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Mars/Base", "Europe"])
def test_what_is_meant_in_a_zone_that_is_gone_keeps_no_other_from_happening(
    tmp_path: Path, zone: str
) -> None:
    clock = WallClock(START)

    async def test(there: World) -> None:
        reminders, storage = there.client.reminders, there.engine.storage
        for text in ("lost", "sound"):
            await reminders.add(text, "2026-03-27T09:00", rrule="FREQ=HOURLY;INTERVAL=6")
        (lost, sound) = await reminders.list_reminders()
        row = await storage.get_reminder("local", lost.id)
        gone = replace(row, reminder=replace(row.reminder, zone=zone))
        assert await storage.save_reminders("local", (ReminderChange(gone),))
        # 9:00, 15:00 and 21:00 of the one, and of the other the time that is known.
        assert (await reminders.counts()).today == 4
        tool = ListRemindersTool(lambda _, query: reminders.list_reminders(query=query))
        told = await tool.call({}, ToolContext("local", "", "", clock()))
        assert not told.failed and "lost" in told.text and "sound" in told.text
        clock.go(hours=1)
        await there.engine.reminding.tick()
        await there.engine.reminding.tick()
        assert {one.text for one in await reminders.open_firings()} == {"lost", "sound"}
        assert (await reminders.get(lost.id)).due is None
        assert (await reminders.get(sound.id)).due == START + timedelta(hours=7)

    with engine_in(tmp_path, now=clock, role="cli", zone=lambda: "UTC") as there:
        there.run(test)
