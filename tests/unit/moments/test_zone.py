"""The machine's zone is read again each time, and is always one that there is."""

import pytest

from worker.moments import zone


def test_a_change_of_the_zone_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert zone.machine_zone() == "Europe/Berlin"
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert zone.machine_zone() == "Asia/Tokyo"


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
