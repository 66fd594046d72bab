"""Quiet hours and "do not disturb": how long each lasts, alone and together."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from worker.contract.reminders import Quiet
from worker.service.quiet import Hours, Wishes, next_change, quiet_at

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours.of("22:00", "07:00")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """In Berlin, in the March in which clocks change on the 29th."""
    return datetime(2026, 3, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (at(27, 21, 59), None),
        (at(27, 22), at(28, 7)),
        (at(28, 6, 59), at(28, 7)),
        (at(28, 7), None),
        (at(28, 23), at(29, 7)),  # an hour less
    ],
)
def test_hours_over_night(now: datetime, until: datetime | None) -> None:
    assert quiet_at(now, NIGHT, Wishes(), BERLIN).until == until


def test_hours_of_a_day() -> None:
    hours = Hours.of("12:00", "13:30")
    assert quiet_at(at(27, 12, 30), hours, Wishes(), BERLIN) == Quiet(at(27, 13, 30), "hours")
    assert quiet_at(at(27, 13, 30), hours, Wishes(), BERLIN) == Quiet(None)


@pytest.mark.parametrize("hours", [("", ""), ("22:00", ""), ("", "07:00"), ("07:00", "07:00")])
def test_there_may_be_none(hours: tuple[str, str]) -> None:
    assert Hours.of(*hours) is None
    assert quiet_at(at(27, 23), None, Wishes(), BERLIN) == Quiet(None)
    assert next_change(at(27, 23), None, Wishes(), BERLIN) is None


def test_what_was_asked_for_goes_on_into_the_hours_and_after_them() -> None:
    into = Wishes(asked=at(27, 23))
    assert quiet_at(at(27, 20), NIGHT, into, BERLIN) == Quiet(at(28, 7), "asked")
    beyond = Wishes(asked=at(28, 9))
    assert quiet_at(at(27, 23), NIGHT, beyond, BERLIN) == Quiet(at(28, 9), "asked")
    assert quiet_at(at(28, 10), NIGHT, beyond, BERLIN) == Quiet(None)


def test_hours_that_were_ended_begin_again_the_next_night() -> None:
    open_ = Wishes(open=at(28, 7))
    assert quiet_at(at(27, 23), NIGHT, open_, BERLIN) == Quiet(None)
    assert next_change(at(27, 23), NIGHT, open_, BERLIN) == at(28, 22)
    assert quiet_at(at(28, 22), NIGHT, open_, BERLIN) == Quiet(at(29, 7), "hours")
    assert next_change(at(28, 22), NIGHT, open_, BERLIN) == at(29, 7)


def test_wishes_are_kept_as_they_are() -> None:
    for wishes in (Wishes(), Wishes(asked=at(27, 23)), Wishes(open=at(28, 7))):
        assert Wishes.of(wishes.stored()) == wishes
    assert Wishes.of(None) == Wishes()
