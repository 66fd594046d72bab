"""What passed in a long absence: the newest time is exact, and nothing is walked through for it."""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule as rules
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from worker.contract.reminders import MOST_EARLIER
from worker.moments import elapsing as elapsing_module
from worker.moments.passed import passed
from worker.moments.recurrence import instant, next_after, occurrences
from worker.moments.rules import EVERY, Rule, parse_rule

ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "UTC")
_DATEUTIL = {"YEARLY": 0, "MONTHLY": 1, "WEEKLY": 2, "DAILY": 3}
NOW = datetime(2036, 3, 30, 1, 12, 30, tzinfo=UTC)
"""Just after clocks were put forward in Berlin."""


def slowly(start: datetime, zone: ZoneInfo, rule: Rule, until: datetime) -> list[datetime]:
    """All instants of a rule until one, the plain way: one by one from its start."""
    walk = _steps if rule.frequency in EVERY else _walls
    found: list[datetime] = []
    for at in walk(start, zone, rule, until):
        if at <= until and (not found or at > found[-1]):
            found.append(at)
    return found


def _walls(start: datetime, zone: ZoneInfo, rule: Rule, until: datetime) -> Iterator[datetime]:
    end = None if rule.count else until.replace(tzinfo=None) + timedelta(days=2)
    walls = rules.rrule(
        _DATEUTIL[rule.frequency],  # type: ignore[arg-type]
        dtstart=start,
        interval=rule.interval,
        wkst=rule.week_start,
        count=rule.count,
        until=end,
        byweekday=[rules.weekday(day, which or None) for day, which in rule.weekdays] or None,
        **{name.lower(): values for name, values in rule.by},  # type: ignore[arg-type]
    )
    return (instant(wall, zone) for wall in walls if wall not in rule.excepted)


def _steps(start: datetime, zone: ZoneInfo, rule: Rule, until: datetime) -> Iterator[datetime]:
    beginning, came = instant(start, zone), 0
    at = beginning - EVERY[rule.frequency] * rule.interval
    while (at := at + EVERY[rule.frequency] * rule.interval) <= until + timedelta(hours=1):
        wall = at.astimezone(zone)
        days = calendar.monthrange(wall.year, wall.month)[1]
        if (
            (wall.month not in (rule.values("BYMONTH") or (wall.month,)))
            or not {wall.day, wall.day - days - 1} & set(rule.values("BYMONTHDAY") or (wall.day,))
            or wall.weekday() not in [day for day, _ in rule.weekdays or ((wall.weekday(), 0),)]
            or wall.hour not in (rule.values("BYHOUR") or (wall.hour,))
        ):
            continue
        minutes = rule.values("BYMINUTE") or (wall.minute,)
        if rule.frequency == "MINUTELY":
            if wall.minute not in minutes:
                continue
            minutes = (wall.minute,)
        for minute in sorted(set(minutes)):
            found = at + timedelta(minutes=minute - wall.minute)
            if found >= beginning and (rule.count is None or came < rule.count):
                came += 1
                yield found


def _listed(low: int, high: int, most: int) -> st.SearchStrategy[str]:
    numbers = st.lists(st.integers(low, high), min_size=1, max_size=most, unique=True)
    return numbers.map(lambda found: ",".join(map(str, found)))


@st.composite
def rrules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(("YEARLY", "MONTHLY", "WEEKLY", "DAILY", *EVERY)))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.sampled_from((1, 1, 2, 3, 5, 7, 13, 61)))}"]
    given_parts = {
        "BYMONTH": _listed(1, 12, 6),
        "BYMONTHDAY": _listed(1, 31, 10),
        "BYDAY": st.sampled_from(("MO", "TU,TH", "SA,SU", "MO,TU,WE,TH,FR")),
        "BYHOUR": _listed(0, 23, 4),
        "BYMINUTE": _listed(0, 59, 4),
        "COUNT": st.sampled_from(("1", "7", "60", "1500")),
    }
    for name, values in given_parts.items():
        if draw(st.integers(0, 3)) == 0:
            parts.append(f"{name}={draw(values)}")
    by = any(part.startswith("BY") for part in parts)
    if by and frequency not in EVERY and draw(st.integers(0, 2)) == 0:
        parts.append(f"BYSETPOS={draw(_listed(-3, -1, 2))},{draw(_listed(1, 5, 2))}")
    return ";".join(parts)


@settings(max_examples=120, deadline=None)
@given(
    rrules(),
    st.datetimes(datetime(2011, 1, 1), datetime(2013, 1, 1)),
    st.sampled_from(ZONES),
    st.integers(0, 60 * 24 * 500),
)
# The day of the zone in which it begins reaches over the turn of the year elsewhere.
@example("FREQ=HOURLY;INTERVAL=1;BYMINUTE=0;COUNT=1", datetime(2011, 1, 1, 0, 1), ZONES[0], 119)
def test_what_passed_is_what_walking_through_all_of_it_finds(
    rrule: str, start: datetime, zone: str, minutes: int
) -> None:
    start, where, rule = start.replace(microsecond=0), ZoneInfo(zone), parse_rule(rrule)
    if rule.frequency == "MINUTELY":
        minutes %= 60 * 24 * 20
    now = instant(start, where) + timedelta(minutes=minutes)
    came = slowly(start, where, rule, now)
    assume(came)
    found = passed(lambda after: occurrences(start.isoformat(), zone, rrule, after), came[0], now)
    assert found.last == came[-1]
    assert found.earlier == min(len(came) - 1, MOST_EARLIER)
    assert found.following is None or found.following > now
    # From anywhere on the way it is the same series.
    middle = came[len(came) // 2]
    rest = [at for at in came if at > middle][:50]
    assert list(islice(occurrences(start.isoformat(), zone, rrule, middle), len(rest))) == rest


LONG = (
    # rule, the newest wall time in Berlin until NOW (2036-03-30 03:12:30), the next
    ("FREQ=MINUTELY", "2036-03-30 03:12", "2036-03-30 03:13"),
    ("FREQ=MINUTELY;INTERVAL=7", "2036-03-30 03:06", "2036-03-30 03:13"),
    ("FREQ=MINUTELY;BYDAY=MO;BYHOUR=9", "2036-03-24 09:59", "2036-03-31 09:00"),
    ("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=29", "2036-02-29 23:59", "2040-02-29 00:00"),
    ("FREQ=MINUTELY;BYHOUR=2;X-EXCEPT=20360329T025900", "2036-03-29 02:58", "2036-03-31 02:00"),
    ("FREQ=HOURLY", "2036-03-30 03:00", "2036-03-30 04:00"),
    ("FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,30", "2036-03-30 00:30", "2036-03-30 06:00"),
    ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2036-03-29 02:30", "2036-03-30 03:30"),
    ("FREQ=DAILY;BYHOUR=0,1,2,3,4,5;BYMINUTE=0,12", "2036-03-30 03:12", "2036-03-30 04:00"),
    ("FREQ=DAILY;COUNT=1000000;BYHOUR=3;BYMINUTE=12", "2036-03-30 03:12", "2036-03-31 03:12"),
    ("FREQ=DAILY;COUNT=3600", "2035-11-09 09:00", None),
    ("FREQ=MINUTELY;INTERVAL=5;COUNT=1000000", "2035-07-05 15:15", None),
    ("FREQ=MINUTELY;BYHOUR=9;COUNT=200000", "2035-02-16 09:19", None),
    ("FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=-1", "2036-03-28 09:00", "2036-04-04 09:00"),
    ("FREQ=MINUTELY;UNTIL=20300101T000000", "2030-01-01 00:00", None),
)  # fmt: skip


@pytest.mark.parametrize(("rrule", "newest", "following"), LONG)
def test_of_ten_years_the_newest_time_is_exact(
    rrule: str, newest: str, following: str | None
) -> None:
    start, zone = "2026-01-01T09:00:00", "Europe/Berlin"
    due = next_after(start, zone, rrule, datetime(2025, 12, 31, tzinfo=UTC))
    assert due is not None
    looked = 0

    def times(after: datetime) -> Iterator[datetime]:
        nonlocal looked
        for at in occurrences(start, zone, rrule, after):
            looked += 1
            yield at

    found = passed(times, due, NOW)
    shown = [
        None if at is None else f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
        for at in (found.last, found.following)
    ]
    assert shown == [newest, following]
    assert looked < MOST_EARLIER + 100


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=SA",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=MONTHLY;BYMONTHDAY=31,26;BYYEARDAY=1",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
        "FREQ=HOURLY;INTERVAL=168;BYDAY=SA",
        "FREQ=MINUTELY;INTERVAL=10080;BYDAY=SA",
    ],
)
def test_a_rule_that_never_comes_is_known_not_to_after_a_bounded_look(
    rrule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked = 0
    steady = elapsing_module.Elapsing._steady_until

    def counted(*args: object) -> datetime:
        nonlocal walked
        walked += 1
        return steady(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(elapsing_module.Elapsing, "_steady_until", counted)
    assert next_after("2026-01-01T09:00:00", "Europe/Berlin", rrule, NOW) is None
    assert walked <= elapsing_module._PATIENCE
