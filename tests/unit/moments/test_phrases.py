"""Lines of quick entry and what they mean, and those that mean nothing certain."""

from datetime import UTC, datetime

import pytest

from worker.contract.errors import InvalidInput, TooLarge
from worker.moments.phrases import LONGEST, understand
from worker.moments.recurrence import next_after

NOW = datetime.fromisoformat("2026-11-27T10:00:00+01:00")
"""A Friday."""
BERLIN = "Europe/Berlin"

PHRASES = (
    ("pay rent every 1st at 9", "pay rent", "2026-12-01T09:00+01:00", "FREQ=MONTHLY;BYMONTHDAY=1"),
    ("tomorrow at 9 call Anna", "call Anna", "2026-11-28T09:00+01:00", ""),
    ("remind me to call Anna tomorrow at 9", "call Anna", "2026-11-28T09:00+01:00", ""),
    ("call Anna in 2 hours", "call Anna", "2026-11-27T12:00+01:00", ""),
    ("stretch in half an hour", "stretch", "2026-11-27T10:30+01:00", ""),
    ("tea in an hour and a half", "tea", "2026-11-27T11:30+01:00", ""),
    ("call Bob in 1h30", "call Bob", "2026-11-27T11:30+01:00", ""),
    ("call Bob in 2 hours and 15 minutes", "call Bob", "2026-11-27T12:15+01:00", ""),
    ("water plants in 3 days", "water plants", "2026-11-30T10:00+01:00", ""),
    ("water plants in 3 days at 18:00", "water plants", "2026-11-30T18:00+01:00", ""),
    ("dentist on Friday at 14:30", "dentist", "2026-11-27T14:30+01:00", ""),
    ("dentist Monday 9am", "dentist", "2026-11-30T09:00+01:00", ""),
    ("meeting next Monday at 10", "meeting", "2026-11-30T10:00+01:00", ""),
    ("report on 3 December at noon", "report", "2026-12-03T12:00+01:00", ""),
    ("report on December 3rd, 2026 at 5 pm", "report", "2026-12-03T17:00+01:00", ""),
    ("report on Dec 3 at 5:15pm", "report", "2026-12-03T17:15+01:00", ""),
    ("buy milk this evening", "buy milk", "2026-11-27T18:00+01:00", ""),
    ("buy milk tonight at 8", "buy milk", "2026-11-27T20:00+01:00", ""),
    ("at 9 take pills", "take pills", "2026-11-28T09:00+01:00", ""),
    ("at 11 take pills", "take pills", "2026-11-27T11:00+01:00", ""),
    ("party on the 15th at 20:00", "party", "2026-12-15T20:00+01:00", ""),
    (
        "standup weekdays 10:30",
        "standup",
        "2026-11-27T10:30+01:00",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    ),
    (
        "standup every weekday at 10:30",
        "standup",
        "2026-11-27T10:30+01:00",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    ),
    (
        "gym every Monday and Thursday at 18:00",
        "gym",
        "2026-11-30T18:00+01:00",
        "FREQ=WEEKLY;BYDAY=MO,TH",
    ),
    (
        "gym every Mon, Wed and Fri at 7",
        "gym",
        "2026-11-30T07:00+01:00",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    ),
    (
        "backup every 2 weeks on Mon and Thu",
        "backup",
        "2026-11-30T09:00+01:00",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
    ),
    (
        "water plants every other day at 8",
        "water plants",
        "2026-11-28T08:00+01:00",
        "FREQ=DAILY;INTERVAL=2",
    ),
    (
        "bins every other Tuesday",
        "bins",
        "2026-12-01T09:00+01:00",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    ),
    (
        "review every last Friday of the month at 15:00",
        "review",
        "2026-11-27T15:00+01:00",
        "FREQ=MONTHLY;BYDAY=-1FR",
    ),
    (
        "review on the first Monday of every month",
        "review",
        "2026-12-07T09:00+01:00",
        "FREQ=MONTHLY;BYDAY=1MO",
    ),
    (
        "rent every month on the 15th",
        "rent",
        "2026-12-15T09:00+01:00",
        "FREQ=MONTHLY;BYMONTHDAY=15",
    ),
    (
        "birthday of Anna every 3 March",
        "birthday of Anna",
        "2027-03-03T09:00+01:00",
        "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3",
    ),
    (
        "birthday of Anna every year on March 3",
        "birthday of Anna",
        "2027-03-03T09:00+01:00",
        "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3",
    ),
    ("drink every 2 hours", "drink", "2026-11-27T12:00+01:00", "FREQ=HOURLY;INTERVAL=2"),
    ("drink every hour", "drink", "2026-11-27T11:00+01:00", "FREQ=HOURLY"),
    (
        "vitamins daily at 8 until 31 December",
        "vitamins",
        "2026-11-28T08:00+01:00",
        "FREQ=DAILY;UNTIL=20261231",
    ),
    ("vitamins every day from Monday at 8", "vitamins", "2026-11-30T08:00+01:00", "FREQ=DAILY"),
    ("call at half past 9", "call", "2026-11-28T09:30+01:00", ""),
    ("call at quarter to 9", "call", "2026-11-28T08:45+01:00", ""),
    ("lunch at noon", "lunch", "2026-11-27T12:00+01:00", ""),
    ("pay the bill on 2026-12-03", "pay the bill", "2026-12-03T09:00+01:00", ""),
    ("pay the bill 2026-12-03 14:00", "pay the bill", "2026-12-03T14:00+01:00", ""),
    (
        "close the month on the last day of every month",
        "close the month",
        "2026-11-30T09:00+01:00",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
    ),
    ("tomorrow morning run", "run", "2026-11-28T09:00+01:00", ""),
    ("call mum the day after tomorrow in the evening", "call mum", "2026-11-29T18:00+01:00", ""),
    ("Monday next week plan", "plan", "2026-11-30T09:00+01:00", ""),
    ("backup every night at 11", "backup", "2026-11-27T23:00+01:00", "FREQ=DAILY"),
    (
        "Miete zahlen jeden 1. um 9",
        "Miete zahlen",
        "2026-12-01T09:00+01:00",
        "FREQ=MONTHLY;BYMONTHDAY=1",
    ),
    ("morgen um 9 Anna anrufen", "Anna anrufen", "2026-11-28T09:00+01:00", ""),
    ("erinnere mich morgen um 9 an den Zahnarzt", "den Zahnarzt", "2026-11-28T09:00+01:00", ""),
    ("in 2 Stunden Tee", "Tee", "2026-11-27T12:00+01:00", ""),
    ("in einer halben Stunde Tee", "Tee", "2026-11-27T10:30+01:00", ""),
    ("in anderthalb Stunden Tee", "Tee", "2026-11-27T11:30+01:00", ""),
    ("übermorgen früh joggen", "joggen", "2026-11-29T09:00+01:00", ""),
    ("heute Abend um 8 Müll", "Müll", "2026-11-27T20:00+01:00", ""),
    ("Freitag um 14 Uhr Zahnarzt", "Zahnarzt", "2026-11-27T14:00+01:00", ""),
    ("Freitag morgen Bericht", "Bericht", "2026-12-04T09:00+01:00", ""),
    ("am 3. Dezember um 10:15 Bericht", "Bericht", "2026-12-03T10:15+01:00", ""),
    ("am 3.12. um 9 Uhr Bericht", "Bericht", "2026-12-03T09:00+01:00", ""),
    ("am 15. Rechnung", "Rechnung", "2026-12-15T09:00+01:00", ""),
    (
        "alle 2 Tage um 8 Blumen gießen",
        "Blumen gießen",
        "2026-11-28T08:00+01:00",
        "FREQ=DAILY;INTERVAL=2",
    ),
    ("jeden Montag um 9 Team", "Team", "2026-11-30T09:00+01:00", "FREQ=WEEKLY;BYDAY=MO"),
    ("jeden Tag um 8 Uhr Tabletten", "Tabletten", "2026-11-28T08:00+01:00", "FREQ=DAILY"),
    (
        "werktags um 8:30 Standup",
        "Standup",
        "2026-11-30T08:30+01:00",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    ),
    (
        "alle zwei Wochen am Montag Müll",
        "Müll",
        "2026-11-30T09:00+01:00",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
    ),
    (
        "jeden letzten Freitag im Monat um 15 Uhr Bericht",
        "Bericht",
        "2026-11-27T15:00+01:00",
        "FREQ=MONTHLY;BYDAY=-1FR",
    ),
    (
        "am ersten Montag im Monat Sitzung",
        "Sitzung",
        "2026-12-07T09:00+01:00",
        "FREQ=MONTHLY;BYDAY=1MO",
    ),
    (
        "jedes Jahr am 3. März Geburtstag",
        "Geburtstag",
        "2027-03-03T09:00+01:00",
        "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3",
    ),
    ("monatlich am 15. Miete", "Miete", "2026-12-15T09:00+01:00", "FREQ=MONTHLY;BYMONTHDAY=15"),
    ("um halb 9 anrufen", "anrufen", "2026-11-28T08:30+01:00", ""),
    ("um Viertel vor 9 anrufen", "anrufen", "2026-11-28T08:45+01:00", ""),
    ("nächsten Montag um 10 Termin", "Termin", "2026-11-30T10:00+01:00", ""),
    ("nächste Woche Dienstag Termin", "Termin", "2026-12-01T09:00+01:00", ""),
    (
        "payer le loyer tous les 1er à 9h",
        "payer le loyer",
        "2026-12-01T09:00+01:00",
        "FREQ=MONTHLY;BYMONTHDAY=1",
    ),
    ("demain à 9h appeler Anna", "appeler Anna", "2026-11-28T09:00+01:00", ""),
    ("rappelle-moi d'appeler Anna demain à 9h", "appeler Anna", "2026-11-28T09:00+01:00", ""),
    ("dans 2 heures thé", "thé", "2026-11-27T12:00+01:00", ""),
    ("dans une demi-heure thé", "thé", "2026-11-27T10:30+01:00", ""),
    ("ce soir à 8h poubelles", "poubelles", "2026-11-27T20:00+01:00", ""),
    ("vendredi à 14h30 dentiste", "dentiste", "2026-11-27T14:30+01:00", ""),
    ("le 3 décembre à 10h rapport", "rapport", "2026-12-03T10:00+01:00", ""),
    ("tous les lundis à 9h réunion", "réunion", "2026-11-30T09:00+01:00", "FREQ=WEEKLY;BYDAY=MO"),
    ("tous les jours à 8h pilules", "pilules", "2026-11-28T08:00+01:00", "FREQ=DAILY"),
    (
        "toutes les 2 semaines poubelles",
        "poubelles",
        "2026-11-28T09:00+01:00",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA",
    ),
    (
        "le premier lundi de chaque mois réunion",
        "réunion",
        "2026-12-07T09:00+01:00",
        "FREQ=MONTHLY;BYDAY=1MO",
    ),
    (
        "chaque dernier vendredi du mois à 15h rapport",
        "rapport",
        "2026-11-27T15:00+01:00",
        "FREQ=MONTHLY;BYDAY=-1FR",
    ),
    (
        "chaque année le 3 mars anniversaire",
        "anniversaire",
        "2027-03-03T09:00+01:00",
        "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3",
    ),
    ("lundi prochain à 10h réunion", "réunion", "2026-11-30T10:00+01:00", ""),
    ("après-demain matin courir", "courir", "2026-11-29T09:00+01:00", ""),
    (
        "en semaine à 8h30 réunion",
        "réunion",
        "2026-11-30T08:30+01:00",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    ),
    (
        "un mardi sur deux poubelles",
        "poubelles",
        "2026-12-01T09:00+01:00",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    ),
    ("mañana a las 9 llamar a Ana", "llamar a Ana", "2026-11-28T09:00+01:00", ""),
    ("recuérdame llamar a Ana mañana a las 9", "llamar a Ana", "2026-11-28T09:00+01:00", ""),
    ("en 2 horas té", "té", "2026-11-27T12:00+01:00", ""),
    ("dentro de media hora té", "té", "2026-11-27T10:30+01:00", ""),
    ("esta noche a las 10 basura", "basura", "2026-11-27T22:00+01:00", ""),
    ("el viernes a las 14:30 dentista", "dentista", "2026-11-27T14:30+01:00", ""),
    ("el 3 de diciembre a las 10 informe", "informe", "2026-12-03T10:00+01:00", ""),
    ("cada lunes a las 9 reunión", "reunión", "2026-11-30T09:00+01:00", "FREQ=WEEKLY;BYDAY=MO"),
    ("todos los días a las 8 pastillas", "pastillas", "2026-11-28T08:00+01:00", "FREQ=DAILY"),
    (
        "cada 2 semanas basura",
        "basura",
        "2026-11-28T09:00+01:00",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA",
    ),
    (
        "el primer lunes de cada mes reunión",
        "reunión",
        "2026-12-07T09:00+01:00",
        "FREQ=MONTHLY;BYDAY=1MO",
    ),
    (
        "cada último viernes del mes a las 15 informe",
        "informe",
        "2026-11-27T15:00+01:00",
        "FREQ=MONTHLY;BYDAY=-1FR",
    ),
    (
        "cada año el 3 de marzo cumpleaños",
        "cumpleaños",
        "2027-03-03T09:00+01:00",
        "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3",
    ),
    (
        "pagar el alquiler cada 1 a las 9",
        "pagar el alquiler",
        "2026-12-01T09:00+01:00",
        "FREQ=MONTHLY;BYMONTHDAY=1",
    ),
    ("mañana por la mañana correr", "correr", "2026-11-28T09:00+01:00", ""),
    ("pasado mañana correr", "correr", "2026-11-29T09:00+01:00", ""),
    (
        "los lunes y jueves a las 18:00 gimnasio",
        "gimnasio",
        "2026-11-30T18:00+01:00",
        "FREQ=WEEKLY;BYDAY=MO,TH",
    ),
    ("Meeting morgen at 9", "Meeting", "2026-11-28T09:00+01:00", ""),
    ("a las 8 de la tarde cena", "cena", "2026-11-27T20:00+01:00", ""),
    ("call at a quarter to 9", "call", "2026-11-28T08:45+01:00", ""),
    ("le lundi de la semaine prochaine réunion", "réunion", "2026-11-30T09:00+01:00", ""),
    (
        "birthday every 29 February",
        "birthday",
        "2028-02-29T09:00+01:00",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    ),
    ('call "every day at 9" tomorrow at 10', 'call "every day at 9"', "2026-11-28T10:00+01:00", ""),
    ("nächste Woche Dienstag Termin", "Termin", "2026-12-01T09:00+01:00", ""),
)

UNCLEAR = (
    ("buy milk", "no time"),
    ("buy milk soon", "no time"),
    ("next Sunday call", "29 Nov 2026 or Sun 6 Dec"),
    ("call yesterday", "in the past"),
    ("call 3 days ago", "in the past"),
    ("call on 3 March 2020", "has passed"),
    ("call today at 8", "has passed"),
    ("call at 25:00", "no time of day"),
    ("call tomorrow at 9:75", "no time of day"),
    ("call at 13 pm", "no time of day"),
    ("call on 30 February at 9", "there is no 30 February"),
    ("call on the 32nd at 9", "no day 32"),
    ("every second Monday bins", "every 2 weeks, or a certain one"),
    ("jeden zweiten Montag Müll", "every 2 weeks, or a certain one"),
    ("biweekly report", "may mean every two"),
    ("twice a day pills", "not when"),
    ("this weekend cleaning", "Saturday or Sunday"),
    ("el fin de semana limpiar", "Saturday or Sunday"),
    ("le week-end prochain ménage", "Saturday or Sunday"),
    ("next week report", "no single day"),
    ("nächste Woche Bericht", "no single day"),
    ("next month report", "no single day"),
    ("in a few days call", "not exactly when"),
    ("call tomorrow 9", "“9” is no time"),
    ("call at 9 or 10 tomorrow", "more than one time"),
    ("call from 9 to 10 tomorrow", "“from 9 to 10” is no time"),
    ("wake me at 7-8 tomorrow", "more than one time"),
    ("meeting on Monday on Tuesday", "more than one time"),
    ("call in 2 hours at 9", "do not go together"),
    ("call tomorrow at midnight", "its beginning or its end"),
    ("call on 03/04 at 9", "month 3 or in month 4"),
    ("every 30 seconds blink", "finer than a minute"),
    ("every day in 2 hours stretch", "do not go together"),
    ("every hour at 9 drink", "do not go together"),
    ("every Monday tomorrow plan", "do not go together"),
    ("tomorrow at 9", "what to be reminded of"),
    ("until Friday work", "not how often"),
    ("gestern anrufen", "in the past"),
    ("vor 2 Tagen anrufen", "in the past"),
    ("morgen um 25 Uhr anrufen", "no time of day"),
    ("hier appeler", "in the past"),
    ("hace 2 días llamar", "in the past"),
    ("17:00 in the morning coffee", "not in the morning"),
    ("call Monday 4 December", "another weekday"),
    ("in 0 minutes call", "nothing is now"),
    ("daily at 8 pills until 26 November 2026", "its end included"),
)

OVER_A_CHANGE = (
    # Clocks go from 2 to 3 at 1:00 UTC, and from 3 back to 2.
    ("call in 2 hours", "2026-03-29T01:30+01:00", "2026-03-29T04:30+02:00"),
    ("call in 2 days", "2026-03-28T09:00+01:00", "2026-03-30T09:00+02:00"),
    ("in 24 Stunden anrufen", "2026-03-28T09:00+01:00", "2026-03-29T10:00+02:00"),
    ("call tomorrow at 2:30", "2026-03-28T09:00+01:00", "2026-03-29T03:30+02:00"),
    ("call in 1 hour", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"),
    ("call in 2 hours", "2026-10-25T01:30+02:00", "2026-10-25T02:30+01:00"),
    ("call tomorrow at 2:30", "2026-10-24T09:00+02:00", "2026-10-25T02:30+02:00"),
    ("call in 3 hours", "2026-10-25T01:30+02:00", "2026-10-25T03:30+01:00"),
)


@pytest.mark.parametrize(("line", "text", "due", "rrule"), PHRASES)
def test_a_line_is_understood(line: str, text: str, due: str, rrule: str) -> None:
    found = understand(line, NOW, BERLIN)
    assert found.due is not None, found.understood
    assert (found.text, found.due.isoformat(timespec="minutes"), found.rrule) == (text, due, rrule)
    assert found.start == found.due.replace(tzinfo=None).isoformat() and found.zone == BERLIN


@pytest.mark.parametrize(("line", "why"), UNCLEAR)
def test_a_line_that_could_mean_something_else_is_not_understood(line: str, why: str) -> None:
    found = understand(line, NOW, BERLIN)
    assert found.due is None and (found.start, found.rrule) == ("", "")
    assert found.understood.startswith("Did not understand: ") and why in found.understood


@pytest.mark.parametrize(("line", "now", "due"), OVER_A_CHANGE)
def test_a_line_is_understood_when_clocks_change(line: str, now: str, due: str) -> None:
    found = understand(line, datetime.fromisoformat(now), BERLIN)
    assert found.due is not None and found.due.isoformat(timespec="minutes") == due
    # Whoever keeps only the wall time and the zone gets the same instant.
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert next_after(found.start, found.zone, "", long_ago) == found.due.astimezone(UTC)


def test_a_line_is_told_in_words() -> None:
    assert understand("pay rent every 1st at 9", NOW, BERLIN).understood == (
        "monthly on the 1st, next Tue 1 Dec 2026 09:00"
    )
    assert understand("call tomorrow at 9", NOW, BERLIN).understood == "Sat 28 Nov 2026 09:00"


def test_a_line_in_another_zone_means_the_clock_there() -> None:
    found = understand("call tomorrow at 9", NOW, "America/New_York")
    assert found.due is not None and found.due.isoformat() == "2026-11-28T09:00:00-05:00"


def test_a_zone_that_is_none_and_a_line_too_long_are_refused() -> None:
    with pytest.raises(InvalidInput):
        understand("call tomorrow at 9", NOW, "Europe/Nowhere")
    with pytest.raises(TooLarge):
        understand("x" * (LONGEST + 1), NOW, BERLIN)


def test_a_line_of_odd_characters_is_not_understood() -> None:
    for line in ("", "   ", "\x00\x01", "İ" * 50, "🦜 " * 40, "every " * 300, "1" * 1900):
        assert understand(line, NOW, BERLIN).due is None
