"""The fields of cron lines, and rules and cron lines in words."""

import pytest

from worker.moments.cron import fields
from worker.moments.words import cron_words, rule_words


@pytest.mark.parametrize("line", ["", "x", "* * * *", "0 * * * * *", "* " * 200])
def test_a_cron_line_that_has_no_five_fields_is_refused_with_a_reason(line: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        fields(line)


@pytest.mark.parametrize(
    ("rrule", "words"),
    [
        ("", ""),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "weekdays 09:00"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "monthly on the 1st 09:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "every 2 weeks on Mon and Thu 09:00"),
        ("FREQ=DAILY;COUNT=5", "daily 09:00 5 times"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "monthly on the last Fri 09:00"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "monthly on the last day 09:00"),
        ("FREQ=YEARLY", "yearly on 1 Dec 09:00"),
        ("FREQ=HOURLY;INTERVAL=2", "every 2 hours"),
        ("FREQ=DAILY;BYHOUR=8,20", "daily 08:00 and 20:00"),
        ("FREQ=DAILY;UNTIL=20261224T080000Z", "daily 09:00 until 24 Dec 2026"),
        ("FREQ=DAILY;X-EXCEPT=20261224T090000", "daily 09:00 except 24 Dec 2026"),
        ("FREQ=YEARLY;BYWEEKNO=3", "FREQ=YEARLY;BYWEEKNO=3"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_rule_is_told_in_words_or_as_it_is(rrule: str, words: str) -> None:
    assert rule_words(rrule, "2026-12-01T09:00:00") == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("30 8 * * 1-5", "weekdays 08:30"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "every hour at :05"),
        ("0 9 1 * *", "monthly on the 1st 09:00"),
        ("0 9 * * MON,THU", "every Mon and Thu 09:00"),
        ("0 9 * * 6,0", "weekends 09:00"),
        ("0 9 24 12 *", "yearly on 24 Dec 09:00"),
        ("5 4 */2 * *", "5 4 */2 * *"),
        ("*/7 * * * *", "*/7 * * * *"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_cron_line_is_told_in_words_or_as_it_is(line: str, words: str) -> None:
    assert cron_words(line) == words
