"""Rules as instants: growing, after, on the wall, and refused where they make no sense."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.moments.recurrence import check, next_after, occurrences

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
ZONES = (BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
RULES = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=MO,TH",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;INTERVAL=3",
)


def first(start: str, rrule: str, after: datetime, count: int = 3) -> list[str]:
    found = islice(occurrences(start, BERLIN, rrule, after), count)
    return [at.strftime("%m-%d %H:%M") for at in found]


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    st.sampled_from(ZONES),
    st.sampled_from(RULES),
)
def test_times_of_a_rule_grow_come_after_and_stay_on_the_wall(
    start: datetime, after: datetime, zone: str, rrule: str
) -> None:
    start, since = start.replace(microsecond=0), after.replace(tzinfo=UTC)
    found = list(islice(occurrences(start.isoformat(), zone, rrule, since), 5))
    assert all(at > since for at in found)
    assert all(one < two for one, two in pairwise(found))
    for at in found:
        wall = at.astimezone(ZoneInfo(zone))
        late = (wall.hour * 60 + wall.minute) - (start.hour * 60 + start.minute)
        # Only a time that clocks jump over is shown as another one.
        assert late == 0 or late % (24 * 60) in (30, 60)


@settings(max_examples=40, deadline=None)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)),
    st.integers(1, 700),
    st.sampled_from(ZONES),
)
def test_hours_and_minutes_are_time_that_passes(start: datetime, every: int, zone: str) -> None:
    start = start.replace(microsecond=0)
    rule = f"FREQ=MINUTELY;INTERVAL={every}"
    found = list(islice(occurrences(start.isoformat(), zone, rule, NOW), 4))
    assert {two - one for one, two in pairwise(found)} <= {timedelta(minutes=every)}


@pytest.mark.parametrize("rrule", RULES)
def test_a_series_is_the_same_from_wherever_it_is_looked_at(rrule: str) -> None:
    start = "1999-03-31T02:30:00"
    whole = list(islice(occurrences(start, BERLIN, rrule, datetime(1999, 1, 1, tzinfo=UTC)), 40))
    for number, at in enumerate(whole[:-1]):
        assert next_after(start, BERLIN, rrule, at) == whole[number + 1]


def test_every_two_hours_is_two_hours_when_clocks_change() -> None:
    since = datetime(2026, 3, 29, 0, tzinfo=UTC)
    assert first("2026-03-28T22:00:00", "FREQ=HOURLY;INTERVAL=2", since) == [
        "03-29 01:00", "03-29 03:00", "03-29 05:00",
    ]  # fmt: skip


def test_a_time_that_clocks_jump_over_comes_after_the_jump_and_one_twice_comes_once() -> None:
    before = datetime(2026, 3, 29, 1, 5, tzinfo=UTC)
    assert first("2026-01-01T02:30:00", "FREQ=DAILY", before, 2) == ["03-29 01:30", "03-30 00:30"]
    before = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    assert first("2026-01-01T02:30:00", "FREQ=DAILY", before, 2) == ["10-25 00:30", "10-26 01:30"]


def test_an_end_is_meant_with_its_zone() -> None:
    start = "2026-11-27T09:00:00"
    assert len(first(start, "FREQ=DAILY;UNTIL=20261128", NOW)) == 2
    assert len(first(start, "FREQ=DAILY;UNTIL=20261128T090000", NOW)) == 2
    assert len(first(start, "FREQ=DAILY;UNTIL=20261128T080000Z", NOW)) == 2
    assert len(first(start, "FREQ=DAILY;UNTIL=20261128T075959Z", NOW)) == 1
    assert len(first(start, "FREQ=DAILY;COUNT=2", NOW)) == 2
    assert len(first(start, "FREQ=HOURLY;COUNT=2", NOW)) == 2
    assert len(first(start, "FREQ=HOURLY;UNTIL=20261127T100000", NOW)) == 2
    assert len(first(start, "FREQ=DAILY;UNTIL=99991231T235959Z", NOW)) == 3


def test_limits_of_hours_are_kept_and_exceptions_left_out() -> None:
    rule = "FREQ=MINUTELY;INTERVAL=30;BYHOUR=9,10;BYDAY=MO"
    assert first("2026-11-27T09:00:00", rule, NOW, 5) == [
        "11-30 08:00", "11-30 08:30", "11-30 09:00", "11-30 09:30", "12-07 08:00",
    ]  # fmt: skip
    rule = "FREQ=DAILY;X-EXCEPT=20261128T090000"
    assert first("2026-11-27T09:00:00", rule, NOW, 2) == ["11-27 08:00", "11-29 08:00"]


def test_the_end_of_time_is_an_end() -> None:
    assert first("9999-12-30T09:00:00", "FREQ=DAILY", NOW) == ["12-30 08:00", "12-31 08:00"]
    assert first("9999-12-31T23:00:00", "FREQ=HOURLY", NOW) == ["12-31 22:00"]


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=DAILY;UNTIL=20200101",
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYSECOND=0,30",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=99999999999",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=SOMETIMES",
        "BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY\nEXDATE:20260101T000000",
        "nonsense",
        "FREQ=DAILY;BYMONTH=" + "1," * 9000 + "1",
    ],
)
def test_a_rule_that_makes_no_sense_or_never_comes_is_refused_with_a_reason(rrule: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        check("2026-11-27T09:00:00", BERLIN, rrule)


@pytest.mark.parametrize(
    ("start", "zone"),
    [
        ("2026-11-27T09:00:00Z", BERLIN),
        ("soon", BERLIN),
        ("2026-11-27T09:00:00", "Europe"),
        ("2026-11-27T09:00:00", "../etc"),
        ("0001-01-01T00:30:00", "Asia/Tokyo"),
    ],
)
def test_a_start_or_zone_that_makes_no_sense_is_refused(start: str, zone: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        next_after(start, zone, "FREQ=DAILY", NOW)
