"""When routines are due: across clocks that change, from their start on, and what passed."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest

from worker.contract.errors import InvalidInput
from worker.contract.reminders import MOST_EARLIER
from worker.service.routine_times import Rule, checked_rule, next_time, passed

NOW = datetime(2026, 3, 27, 8, 0, tzinfo=UTC)
BERLIN = Rule("2026-01-01T00:00:00", "Europe/Berlin")


def cron(line: str, start: str = "2026-01-01T00:00:00", zone: str = "Europe/Berlin") -> Rule:
    return Rule(start, zone, cron=line)


@pytest.mark.parametrize(
    ("rule", "now", "expected"),
    [
        (cron("30 8 * * *"), NOW, ["28 07:30", "29 06:30", "30 06:30"]),
        # What clocks jump over comes right after the jump, as cron has it.
        (cron("30 2 * * *"), NOW, ["28 01:30", "29 01:00", "30 00:30"]),
        # What comes twice on the wall comes once.
        (cron("30 2 * * *"), datetime(2026, 10, 24, 8, tzinfo=UTC), ["25 00:30", "26 01:30"]),
        # Unless it comes each hour.
        (cron("30 * * * *"), datetime(2026, 10, 25, 0, 10, tzinfo=UTC), ["25 00:30", "25 01:30"]),
        (cron("0 9 * * *", "2026-04-02T09:00:00"), NOW, ["02 07:00", "03 07:00"]),
        (cron("0 9 * * 1-5", zone="UTC"), NOW, ["27 09:00", "30 09:00"]),
        (cron("@daily"), NOW, ["27 23:00", "28 23:00", "29 22:00"]),
        (Rule("2026-01-01T02:30:00", "Europe/Berlin", "FREQ=DAILY"), NOW, ["28 01:30", "29 01:30"]),
        (Rule("2026-03-29T08:30:00", "Europe/Berlin"), NOW, ["29 06:30"]),
    ],
)
def test_times_are_meant_on_the_wall(rule: Rule, now: datetime, expected: list[str]) -> None:
    found = checked_rule(rule, now, len(expected))
    assert [f"{at:%d %H:%M}" for at in found] == expected
    assert next_time(rule, now) == found[0]


@pytest.mark.parametrize(
    "rule",
    [
        Rule("2026-01-01T00:00:00", "UTC"),
        Rule("tomorrow", "UTC"),
        Rule("2026-01-01T00:00:00+01:00", "UTC"),
        Rule("2026-01-01T00:00:00", "No/Where"),
        Rule("2026-01-01T00:00:00", "../etc"),
        Rule("2026-01-01T00:00:00", "UTC", "FREQ=SECONDLY"),
        Rule("2026-01-01T00:00:00", "UTC", "FREQ=DAILY", "0 9 * * *"),
        Rule("2026-01-01T00:00:00", "UTC", "FREQ=DAILY;UNTIL=20260201T000000"),
        cron("0 9 * *"),
        cron("0 0 9 * * *"),
        cron("0 25 * * *"),
        cron("0 0 0 * *"),
        cron("x"),
        cron("0 9 31 2 *"),
        cron("@often"),
        cron("0 9 * * *", "2026-01-01T00:00:00+01:00"),
    ],
)
def test_a_rule_that_makes_no_sense_or_never_comes_is_refused(rule: Rule) -> None:
    with pytest.raises(InvalidInput):
        checked_rule(rule, NOW)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0 25 * * *", "“25” is no hour"),
        ("0 9 30 2 *", "“30” is no day of the month, or none that ever comes"),
        ("0 0 9 * * *", "with seconds, it could come more than once a minute"),
        ("0 9", "a cron line has five fields"),
    ],
)
def test_why_a_cron_line_is_refused_is_said_in_words(line: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_rule(cron(line), NOW)
    assert why in caught.value.problem.message


def test_what_passed_is_counted_and_the_next_time_is_to_come() -> None:
    due = NOW
    found = passed(cron("0 * * * *"), due, NOW + timedelta(days=3, minutes=5))
    assert (found.last, found.earlier) == (NOW + timedelta(days=3), 72)
    assert found.following == NOW + timedelta(days=3, hours=1)
    once = Rule("2026-03-27T09:00:00", "Europe/Berlin")
    found = passed(once, NOW, NOW + timedelta(hours=1))
    assert (found.last, found.earlier, found.following) == (NOW, 0, None)


@pytest.mark.parametrize("line", ["* * * * *", "*/7 2,3 * * *", "30 2 * * 1#1", "0 0 29 2 *"])
def test_of_ten_years_of_a_cron_line_the_newest_time_is_exact(line: str) -> None:
    due = checked_rule(cron(line), NOW)[0]
    now = datetime(2036, 3, 30, 1, 12, 30, tzinfo=UTC)
    found = passed(cron(line), due, now)
    since = now - timedelta(days=400 if line != "0 0 29 2 *" else 1600)
    if line == "* * * * *":
        since = now - timedelta(hours=3)
    late = list(takewhile(lambda at: at <= now, cron(line).after(since)))
    assert found.last == late[-1]
    assert found.following == next_time(cron(line), now)
    assert found.earlier <= MOST_EARLIER


def test_far_too_many_are_not_counted_and_the_newest_is_exact_all_the_same() -> None:
    found = passed(cron("* * * * *"), NOW, NOW + timedelta(days=3650, seconds=5))
    assert found.earlier == MOST_EARLIER
    assert found.last == NOW + timedelta(days=3650)
    assert found.following == NOW + timedelta(days=3650, minutes=1)
    exact = passed(cron("* * * * *"), NOW, NOW + timedelta(minutes=MOST_EARLIER - 1))
    assert exact.earlier == MOST_EARLIER - 1
