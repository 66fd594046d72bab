"""The machine's zone is read again each time, and is always one that there is."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from worker.moments import zone


@pytest.fixture(autouse=True)
def home_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local times of this process are afterwards what they were before."""
    yield
    monkeypatch.undo()
    if sys.platform != "win32":
        time.tzset()


def test_a_change_of_the_zone_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert zone.machine_zone() == "Europe/Berlin"
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert zone.machine_zone() == "Asia/Tokyo"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows looks for the zone each time")
def test_local_times_of_the_process_follow_a_change_of_the_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, hours in (("Asia/Tokyo", 9), ("Asia/Dubai", 4)):
        monkeypatch.setenv("TZ", name)
        zone.machine_zone()
        assert datetime.now().astimezone().utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("error", [zone.ZoneInfoNotFoundError("two"), OSError("none")])
def test_a_machine_that_names_none_is_in_utc(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr(zone.tzlocal, "reload_localzone", broken)
    assert zone.machine_zone() == "UTC"


def test_a_zone_without_a_name_is_taken_as_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone.tzlocal, "reload_localzone", lambda: object())
    assert zone.machine_zone() == "UTC"


@pytest.mark.parametrize(
    ("name", "hour"), [("Asia/Tokyo", 21), ("Mars/Base", 12), ("", 12), ("Europe", 12)]
)
def test_a_time_in_a_zone_that_is_gone_is_shown_in_utc(name: str, hour: int) -> None:
    assert zone.in_zone(datetime(2026, 11, 27, 12, 0, tzinfo=UTC), name).hour == hour
