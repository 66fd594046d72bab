"""A machine that is carried into another time zone while the program runs: who asks for the zone is
told the one of now, by its name, and quiet hours follow it by themselves."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.clocks import WallClock
from tests.support.engines import engine_in, until
from tests.support.model_server import Behaviour, ModelServer
from tests.support.worlds import World
from worker.contract.events import QuietChanged
from worker.service import reminding

NOW = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
"""A winter's day: 15:30 in Berlin, 23:30 in Tokyo."""


class Where:
    """Where the machine is."""

    zone = "Europe/Berlin"

    def __call__(self) -> str:
        return self.zone


@pytest.fixture
def where() -> Where:
    return Where()


@pytest.fixture
def there(tmp_path: Path, models: ModelServer, where: Where) -> Iterator[World]:
    clock = WallClock(NOW)
    with engine_in(tmp_path, models=models, now=clock, role="cli", zone=where) as made:
        yield made


def test_the_assistant_is_told_the_zone_by_its_name(there: World, where: Where) -> None:
    async def test(there: World) -> None:
        for zone in ("Europe/Berlin", "Asia/Tokyo"):
            where.zone = zone
            sent = await there.client.chats.send(None, f"Where am I? {zone}")
            await there.answered(sent)
            told = there.models.completions[-1].body["messages"][0]
            assert told["role"] == "system"
            assert f"Friday, 27 November 2026 (time zone {zone})" in told["content"]

    there.run(test)


def test_its_tools_know_when_clocks_change_where_the_person_is(there: World, where: Where) -> None:
    async def called(name: str, **arguments: object) -> str:
        call = ((name, json.dumps(arguments)),)
        there.models.queue(Behaviour(text="", calls=call), Behaviour(text="Said."))
        await there.answered(await there.client.chats.send(None, f"Do it {arguments}"))
        return str(there.models.completions[-1].body["messages"][-1]["content"])

    async def test(there: World) -> None:
        # Asked in winter about a summer's day: clocks have changed by then.
        told = await called("date_time", at="2027-07-01T09:00", zone="UTC")
        assert "2027-07-01T07:00:00" in told
        where.zone = "Asia/Tokyo"
        told = await called("date_time", at="2027-07-01T09:00", zone="UTC")
        assert "2027-07-01T00:00:00" in told
        told = await called("create_reminder", text="x", at="2026-11-27T09:00")
        assert "It is 2026-11-27T23:30 now (Asia/Tokyo)." in told

    there.run(test)


def test_quiet_hours_are_those_of_where_the_machine_is_by_then(
    tmp_path: Path, where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So often it looks without being told; nobody tells of a zone.
    assert reminding.LONGEST_SLEEP <= 60
    monkeypatch.setattr(reminding, "LONGEST_SLEEP", 0.05)

    async def test(there: World) -> None:
        await there.client.system.set_setting("reminders.quiet_from", "22:00")
        await there.client.system.set_setting("reminders.quiet_to", "07:00")
        assert (await there.client.reminders.quiet()).until is None
        seen = await there.engine.storage.last_event()
        where.zone = "Asia/Tokyo"
        event = await until(there, lambda e: isinstance(e, QuietChanged), after=seen)
        assert isinstance(event, QuietChanged)
        # 7:00 in Tokyo.
        assert event.quiet.until == datetime(2026, 11, 27, 22, 0, tzinfo=UTC)
        seen = await there.engine.storage.last_event()
        where.zone = "Europe/Berlin"
        event = await until(there, lambda e: isinstance(e, QuietChanged), after=seen)
        assert isinstance(event, QuietChanged) and event.quiet.until is None

    with engine_in(tmp_path, now=WallClock(NOW), zone=where) as there:
        there.run(test)
