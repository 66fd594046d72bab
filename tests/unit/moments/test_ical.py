"""Calendar files: what they mean as reminders, and that what is written is read again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest

from tests.unit.moments.calendars import EVOLUTION, GOOGLE, NEXTCLOUD, THUNDERBIRD
from worker.contract.errors import InvalidInput
from worker.contract.reminders import Reminder
from worker.moments.ical import LARGEST, MOST, ParsedReminder, own_id, parse, render
from worker.moments.recurrence import occurrences

HERE = "Europe/Berlin"
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PLAIN = Reminder("r1", "Pay rent", "2026-12-01T09:00:00", HERE, NOW, NOW)


def read(text: str, zone: str = HERE) -> dict[str, ParsedReminder]:
    found = parse(text.replace("\n", "\r\n").encode(), zone)
    assert len({one.uid for one in found}) == len(found)
    return {one.uid: one for one in found}


def component(*lines: str, kind: str = "VEVENT") -> str:
    inner = "\n".join(("UID:u", "DTSTAMP:20261120T080000Z", "SUMMARY:S", *lines))
    return (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:{kind}\n{inner}\n"
        f"END:{kind}\nEND:VCALENDAR\n"
    )


def alarm(trigger: str) -> str:
    return f"BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER{trigger}\nEND:VALARM"


def one(*lines: str, kind: str = "VEVENT", zone: str = HERE) -> ParsedReminder:
    (found,) = read(component(*lines, kind=kind), zone).values()
    return found


def times(found: ParsedReminder, count: int) -> list[str]:
    series = occurrences(found.start, found.zone, found.rrule, datetime(2026, 1, 1, tzinfo=UTC))
    return [
        f"{at.astimezone(ZoneInfo(found.zone)):%m-%d %H:%M}"
        for at, _ in zip(series, range(count), strict=False)
    ]


def test_thunderbird() -> None:
    found = read(THUNDERBIRD)
    task = found["tb-task"]
    assert (task.text, task.notes) == ("Water the plants", "08:30.\nBoth, please")
    assert (task.urgent, task.done, task.zone) == (True, False, HERE)
    assert times(task, 3) == ["11-30 08:15", "12-14 08:15", "12-21 08:15"]
    assert found["tb-event"].start == "2026-12-01T10:00:00"
    assert found["tb-event"].notes == "Wed 2 Dec 2026 10:00."
    assert found["tb-event#1"].start == "2026-12-02T09:30:00"


def test_evolution() -> None:
    found = read(EVOLUTION)
    assert (found["evo-event"].start, found["evo-event"].zone) == (
        "2026-12-01T19:00:00", "Europe/Paris",
    )  # fmt: skip
    assert (found["evo-done"].done, found["evo-done"].start) == (True, "2026-11-19T09:00:00")


def test_nextcloud_tasks() -> None:
    found = read(NEXTCLOUD)
    assert set(found) == {"nc-float", "nc-day"}
    assert (found["nc-float"].start, found["nc-float"].urgent) == ("2026-12-01T13:00:00", False)
    assert found["nc-day"].start == "2026-12-31T09:00:00"


def test_google_calendar() -> None:
    found = read(GOOGLE)
    assert (found["g-once@google.com"].start, found["g-once@google.com"].zone) == (
        "2026-12-03T13:50:00", HERE,
    )  # fmt: skip
    birthday = found["g-birthday@google.com"]
    assert times(birthday, 2) == ["12-09 09:00"] * 2
    assert times(found["g-daily@google.com"], 4) == [
        "11-23 09:00", "11-24 09:00", "11-27 09:00", "11-28 09:00",
    ]  # fmt: skip
    (changed,) = [one for one in found.values() if one.text == "Standup, later"]
    assert (changed.start, changed.rrule) == ("2026-11-25T11:00:00", "")
    assert len(found) == 4


@pytest.mark.parametrize(
    ("lines", "start", "zone"),
    [
        (("DTSTART:20261201T100000",), "2026-12-01T10:00:00", HERE),
        (("DTSTART:20261201T100000Z",), "2026-12-01T11:00:00", HERE),
        (("DTSTART:20261201T100000Z", "RRULE:FREQ=DAILY"), "2026-12-01T10:00:00", "UTC"),
        (("DTSTART;TZID=Asia/Tokyo:20261201T100000",), "2026-12-01T10:00:00", "Asia/Tokyo"),
        (("DTSTART;TZID=W. Europe Standard Time:20261201T100000",), "2026-12-01T10:00:00", HERE),
        (("DTSTART;TZID=Nowhere/Known:20261201T100000",), "2026-12-01T10:00:00", HERE),
        (("DTSTART;VALUE=DATE:20261201",), "2026-12-01T09:00:00", HERE),
        # A day earlier is one on the wall; 24 hours over a change of clocks would be 9:00.
        (("DTSTART;TZID=Europe/Berlin:20261025T100000", alarm(":-P1D")),
         "2026-10-24T10:00:00", HERE),
        (("DTSTART;TZID=Europe/Berlin:20261025T040000", alarm(":-PT2H")),
         "2026-10-25T02:00:00", HERE),
        (("DTSTART:20261201T100000", alarm(":PT5M")), "2026-12-01T10:05:00", HERE),
        (("DTSTART:20261201T100000", "DURATION:PT2H", alarm(";RELATED=END:-PT5M")),
         "2026-12-01T11:55:00", HERE),
        (("DTSTART:20261201T100000", alarm(";VALUE=DATE-TIME:20261201T060000Z")),
         "2026-12-01T07:00:00", HERE),
    ],
)  # fmt: skip
def test_when_it_is_told(lines: tuple[str, ...], start: str, zone: str) -> None:
    found = one(*lines)
    assert (found.start, found.zone) == (start, zone)


def test_a_task_is_told_when_it_is_due_and_its_alarms_count_from_its_start() -> None:
    lines = ("DTSTART:20261201T100000", "DUE:20261203T100000")
    assert one(*lines, kind="VTODO").start == "2026-12-03T10:00:00"
    assert one(*lines, alarm(":-PT1H"), kind="VTODO").start == "2026-12-01T09:00:00"
    assert one(*lines, alarm(";RELATED=END:-PT1H"), kind="VTODO").start == "2026-12-03T09:00:00"
    assert (
        one(alarm(";VALUE=DATE-TIME:20261201T060000Z"), kind="VTODO").start[:13] == "2026-12-01T07"
    )


@pytest.mark.parametrize(
    ("rule", "trigger", "expected"),
    [
        ("FREQ=WEEKLY;BYDAY=MO", "-P1D", ["11-29 00:10", "12-06 00:10"]),
        ("FREQ=WEEKLY;BYDAY=MO;COUNT=2", "-PT15M", ["11-29 23:55", "12-06 23:55"]),
        ("FREQ=DAILY;UNTIL=20261201T001000", "-PT15M", ["11-29 23:55", "11-30 23:55"]),
        ("FREQ=MONTHLY;BYDAY=-1MO", "-PT5M", ["11-30 00:05", "12-28 00:05"]),
        # The day before the last Monday is not the last Sunday: it stays at its own time.
        ("FREQ=MONTHLY;BYDAY=-1MO", "-P1D", ["11-30 00:10", "12-28 00:10"]),
        ("FREQ=MONTHLY;BYMONTHDAY=30", "-P1D", ["11-30 00:10", "12-30 00:10"]),
    ],
)
def test_a_series_moves_with_its_alarm(rule: str, trigger: str, expected: list[str]) -> None:
    found = one("DTSTART;TZID=Europe/Berlin:20261130T001000", f"RRULE:{rule}", alarm(f":{trigger}"))
    assert times(found, 2) == expected
    assert ("does not allow" in found.notes) == (expected[0] == "11-30 00:10")


def test_a_rule_that_cannot_be_kept_is_told() -> None:
    found = one("DTSTART:20261201T100000", "RRULE:FREQ=SECONDLY")
    assert (found.rrule, found.start) == ("", "2026-12-01T10:00:00")
    assert "cannot be kept" in found.notes and "FREQ=SECONDLY" in found.notes
    further = one("DTSTART:20261201T100000", "RRULE:FREQ=DAILY", "RDATE:20261224T180000")
    assert further.notes == "It has further times, which are left out."


def test_texts_without_a_uid_a_title_or_an_end() -> None:
    text = component("DTSTART:20261201T100000").replace("UID:u\n", "")
    (first,) = read(text)
    assert list(read(text)) == [first] != list(read(text.replace("20261201", "20261202")))
    untitled = one("DTSTART:20261201T100000", "DESCRIPTION:Do it")
    assert untitled.text == "S"
    (bare,) = read(component("DTSTART:20261201T100000").replace("SUMMARY:S\n", "")).values()
    assert bare.text == "(without a title)"
    (long,) = read(
        component("DTSTART:20261201T100000").replace(":S\n", f":{'x' * 3000}\n")
    ).values()
    assert len(long.text) == 2000 and "x" * 3000 in long.notes


@pytest.mark.parametrize(
    "reminder",
    [
        PLAIN,
        replace(PLAIN, text="Grüße; a, b\\n “c” 🎉 " + "long" * 50, notes="One\nTwo, three;"),
        replace(PLAIN, rrule="FREQ=MONTHLY;BYMONTHDAY=1", urgent=True),
        replace(PLAIN, zone="America/New_York", rrule="FREQ=WEEKLY;BYDAY=TU,TH;COUNT=5"),
        replace(PLAIN, rrule="FREQ=DAILY;UNTIL=20270101;X-EXCEPT=20261224T090000,20261225T090000"),
        replace(PLAIN, zone="UTC", rrule="FREQ=HOURLY;INTERVAL=2"),
        replace(PLAIN, done=NOW),
        replace(PLAIN, start="2026-10-25T02:30:00"),
    ],
)
def test_what_is_written_is_read_again(reminder: Reminder) -> None:
    (found,) = parse(render([reminder], NOW), "Asia/Tokyo")
    assert own_id(found.uid) == reminder.id
    kept = ("text", "notes", "start", "zone", "urgent")
    assert [getattr(found, name) for name in kept] == [getattr(reminder, name) for name in kept]
    assert found.done == (reminder.done is not None)
    before = datetime(2026, 1, 1, tzinfo=UTC)
    wanted = occurrences(reminder.start, reminder.zone, reminder.rrule, before)
    got = occurrences(found.start, found.zone, found.rrule, before)
    assert [at for at, _ in zip(got, range(40), strict=False)] == [
        at for at, _ in zip(wanted, range(40), strict=False)
    ]


def test_what_was_put_off_is_written_with_its_time() -> None:
    later = NOW + timedelta(days=3)
    once = replace(PLAIN, start="2026-11-01T09:00:00", due=later, snoozed=True)
    (found,) = parse(render([once], NOW), HERE)
    assert (found.start, found.zone) == ("2026-11-23T09:00:00", HERE)
    again = replace(PLAIN, rrule="FREQ=DAILY", due=later, snoozed=True)
    found_two = parse(render([again], NOW), HERE)
    assert {(one.start, one.rrule) for one in found_two} == {
        ("2026-11-23T09:00:00", ""), ("2026-12-01T09:00:00", "FREQ=DAILY"),
    }  # fmt: skip


def test_others_can_read_what_is_written() -> None:
    written = render([PLAIN, replace(PLAIN, id="r2", rrule="FREQ=DAILY")], NOW)
    calendar = icalendar.Calendar.from_ical(written)
    assert [one.name for one in calendar.subcomponents].count("VTODO") == 2
    assert [str(one["TZID"]) for one in calendar.walk("VTIMEZONE")] == [HERE]
    assert all(not part.errors for part in calendar.walk())
    assert [one.TRIGGER_RELATED for one in calendar.walk("VALARM")] == ["END", "START"]
    (again,) = [one for one in calendar.todos if "RRULE" in one]
    assert [at.trigger for at in again.alarms.times] == [again.DTSTART]
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    assert parse(render([], NOW), HERE) == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\xff\xfe\x00\x01" * 100,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        component("DTSTART:20261201T100000", alarm(":nonsense")).encode(),
        b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        b"END:VCALENDAR\r\n",
        b"BEGIN:VCARD\r\nVERSION:4.0\r\nEND:VCARD\r\n",
        b"x" * (LARGEST + 1),
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VTODO\r\nEND:VTODO\r\n" * 10_000 + b"END:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 30_000,
    ],
    ids=lambda data: data[:20].decode("latin-1").split("\r")[0] or "empty",
)
def test_what_is_no_calendar_or_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="no calendar that can be read") as caught:
        parse(data, HERE)
    assert caught.value.problem.message


def test_deep_and_odd_files_do_no_harm() -> None:
    deep = b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X-A\r\n" * 5000 + b"END:X-A\r\n" * 5000
    assert parse(deep + b"END:VCALENDAR\r\n", HERE) == ()
    for odd in (
        "DTSTART:99991231T235959Z", "DTSTART:00010101T000000", "DTSTART:nonsense",
        "DTSTART:20261399T000000",
    ):  # fmt: skip
        for found in read(component(odd, alarm(":P9000D"))).values():
            times(found, 1)
    many = "\n".join(alarm(f":-PT{minute}M") for minute in range(100))
    assert len(read(component("DTSTART:20261201T100000", many))) == 5


def test_as_many_as_there_may_be_are_read() -> None:
    reminders = [replace(PLAIN, id=str(number)) for number in range(MOST)]
    assert len(parse(render(reminders, NOW), HERE)) == MOST
