"""Finding the parts of a line about time, in one language or several.

Owns the search: a text goes in, elements with their places come out, and what is left of the
text. It must not know what the elements mean together.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from worker.moments.phrase_parts import (
    After,
    Bound,
    Clock,
    Element,
    Every,
    Found,
    InDays,
    Midnight,
    OnDate,
    OnWeekday,
    Part,
    PartName,
    Repeated,
    Unclear,
)
from worker.moments.phrase_words import LANGUAGES, NO_DAY, Language

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

DAY = "\x00"
"""Stands in the text where a day or a rule was found."""
OTHER = "\x01"
"""Stands where anything else was found, and for what was quoted."""

_DAYS = (InDays, OnWeekday, OnDate, Every, Repeated)
_QUOTED = re.compile('“[^”]*”|"[^"]*"|«[^»]*»|„[^“”]*[“”]')
_ISO = re.compile(
    r"(?<!\S)(?:(?:on|am|le|el)\s+)?(\d{4})-(\d{2})-(\d{2})(?:[T\s](\d{2}):(\d{2}))?(?!\S)",
    re.IGNORECASE,
)
_JOINED = re.compile(f"(?<={DAY})(?:\\s|,|&|and|und|et|y|or|oder|ou|o)+(?={DAY})", re.IGNORECASE)
_OR = re.compile(
    f"[{DAY}{OTHER}]\\s*(?:or|oder|ou|o|to|bis|-|–|and|und|et|y)\\s+(?:[{DAY}{OTHER}]|\\d)"
    f"|{OTHER}\\s*(?:-|–)\\s*(?:{OTHER}|\\d)",
    re.IGNORECASE,
)
_LOOSE = (
    re.compile(r"\d{1,4}:\d{2}"),
    re.compile(r"\b\d{1,4}\s*(?:uhr|o['’]clock|heures?|a\.?m\b\.?|p\.?m\b\.?)", re.IGNORECASE),
    re.compile(r"(?:\bat|\bum|@|\bà|\ba\s+las)\s+\d{1,4}(?=\s*$|\s*[.,!]|\s*[\x00\x01])", re.I),
    re.compile(r"(?<=[\x00\x01])[\s,]*\d{1,4}(?:[-–./]\d{1,2})*(?=\s*(?:$|[\x00\x01]|[.,!]\s*$))"),
    re.compile(r"^\s*\d{1,2}(?=[\s,]*[\x00\x01])"),
    re.compile(
        r"\b(?:from|von|de|desde|between|zwischen|entre)\s+\d{1,4}\s*"
        r"(?:to|and|bis|und|à|et|a|y|-|–)\s*\d{1,4}",
        re.IGNORECASE,
    ),
)
"""What still looks like a time when everything that is one was taken out."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was found in a text."""

    elements: tuple[Found, ...]
    text: str
    """The rest of it."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """A language's patterns, ready to be searched for."""

    language: Language
    unclear: tuple[tuple[re.Pattern[str], str], ...]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    trigger: re.Pattern[str]
    number: re.Pattern[str]
    amount: re.Pattern[str]
    month: re.Pattern[str]
    days: tuple[re.Pattern[str], ...]
    """Each weekday, in full and in short."""
    places: tuple[tuple[re.Pattern[str], int], ...]
    units: tuple[tuple[str, re.Pattern[str]], ...]
    amounts: tuple[tuple[re.Pattern[str], int], ...]


def scan(text: str) -> Scanned:
    """Find everything about time in a line. What stands in quotation marks is not looked at."""
    masked = _QUOTED.sub(lambda quoted: OTHER * len(quoted[0]), text)
    # How much of the text each language can say something about tells which one it is.
    ranked = sorted(
        (_in_language(masked, _rules(language), text) for language in LANGUAGES),
        key=lambda done: -done[0],
    )
    elements: list[Found] = []
    begun = 0
    for number, (_, rules, found, rest, beginning) in enumerate(ranked):
        if number:
            # Languages get mixed: “Meeting morgen at 9”.
            _, _, found, rest, beginning = _in_language(masked, rules, text, first=False)
        elements += found
        masked, begun = rest, max(begun, beginning)
    masked = _JOINED.sub(lambda match: DAY * len(match[0]), masked)
    for several in _OR.finditer(masked):
        elements.append(_found(several, Unclear("it names more than one time")))
    for loose in _LOOSE:
        for match in loose.finditer(masked):
            said = text[match.start() : match.end()].strip(" ,")
            elements.append(_found(match, Unclear(f"“{said}” is no time, or out of place")))
    elements.sort(key=lambda one: one.begin)
    said = "".join(
        original if kept not in (DAY, OTHER) or _is_quoted(text, place) else kept
        for place, (original, kept) in enumerate(zip(text, masked, strict=True))
        if place >= begun
    )
    return Scanned(tuple(elements), _tidy(said, ranked[0][1].language))


def _is_quoted(text: str, place: int) -> bool:
    return any(quoted.start() <= place < quoted.end() for quoted in _QUOTED.finditer(text))


def _tidy(said: str, language: Language) -> str:
    """The rest of a line without what only led to its time."""
    joined = " ".join(re.sub(f"[{DAY}{OTHER}]+", " ", said).split())
    joined = re.sub(r"\s+([,.;:!?])", r"\1", joined)
    before = None
    while before != joined:
        before = joined
        joined = joined.strip(" ,;:–-").removesuffix(".")
        joined = re.sub(rf"^(?:{language.fillers})\s+|^(?:d['’])", "", joined, flags=re.I)
        joined = re.sub(rf"\s+(?:{language.fillers})$", "", joined, flags=re.I)
    return "" if re.fullmatch(language.fillers, joined, re.I) else joined


def _in_language(
    masked: str, rules: _Rules, text: str, first: bool = True
) -> tuple[int, _Rules, list[Found], str, int]:
    """How many characters tell something, what they tell, and what is left."""
    found: list[Found] = []
    begun = 0
    score = 0
    trigger = rules.trigger.match(masked)
    if trigger is not None and trigger.end() > trigger.start():
        begun = trigger.end()
        score += begun
    if (iso := _ISO.search(masked)) is not None:
        found.append(_found(iso, OnDate(int(iso[3]), int(iso[2]), int(iso[1]))))
        if iso[4]:
            found.append(_found(iso, Clock(int(iso[4]), int(iso[5]))))
        masked = _mask(masked, iso, DAY)

    def unclear(late: bool) -> None:
        nonlocal masked, score
        for pattern, why in rules.unclear:
            if (why == NO_DAY) is not late:
                continue
            for match in pattern.finditer(masked):
                said = text[match.start() : match.end()]
                found.append(_found(match, Unclear(f"“{said}” {why}")))
                score += len(match[0])
            masked = pattern.sub(lambda match: OTHER * len(match[0]), masked)

    unclear(late=False)
    for kind, pattern in rules.patterns:
        for match in list(pattern.finditer(masked)):
            made = _make(kind, match, rules)
            if not made:
                continue
            score += len(match[0])
            found += [_found(match, one) for one in made]
            is_day = any(isinstance(one, _DAYS) for one in made)
            masked = _mask(masked, match, DAY if is_day else OTHER)
    unclear(late=True)
    return score, rules, found, masked, begun


def _found(match: re.Match[str], element: Element) -> Found:
    return Found(match.start(), match.end(), element)


def _mask(text: str, match: re.Match[str], sign: str) -> str:
    return text[: match.start()] + sign * len(match[0]) + text[match.end() :]


@lru_cache(maxsize=8)
def _rules(language: Language) -> _Rules:
    number = rf"(?:\d{{1,4}}|{_any(language.numbers)})"
    days = [f"(?:{day})" for day in language.weekdays]
    short = [rf"(?:{day})\.?" for day in language.short_weekdays.split()]
    unit = f"(?:{_any(language.units.values())})"
    special = f"(?:{_any(language.amounts)})"
    month = rf"(?:{language.months})[^\W\d_]*\.?"
    articles = ("a", "an", "ein", "eine", "einem", "einer", "einen")
    blanks = {
        "n": number,
        "day": f"(?:{'|'.join(days)})",
        "anyday": rf"(?:{'|'.join(days)}|(?:{'|'.join(short)})(?!\w))",
        "unit": unit,
        "place": f"(?:{_any(language.places)})",
        "part": f"(?:{_any(language.parts)})",
        "lead": f"(?:{language.lead})",
        "month": month,
        "amount": rf"(?:{special}|\d{{1,3}}h\d{{2}}|\d{{1,3}}[.,]5\s+{unit}|{number}\s*{unit})",
        "hour_words": f"(?:{_any(w for w in language.numbers if w not in articles)})",
    }

    def whole(pattern: str) -> re.Pattern[str]:
        return re.compile(rf"(?<!\w)(?:{pattern.format(**blanks)})(?!\w)", re.IGNORECASE)

    return _Rules(
        language=language,
        unclear=tuple((whole(pattern), why) for pattern, why in language.unclear.items()),
        patterns=tuple((kind, whole(pattern)) for kind, pattern in language.patterns),
        trigger=re.compile(rf"\s*(?:{language.triggers}(?!\w)\s*:?)?", re.IGNORECASE),
        number=re.compile(
            rf"(?<!\w)(?:\d{{1,4}}|(?:{_any(language.numbers)})(?!\w))", re.IGNORECASE
        ),
        amount=re.compile(rf"(?<!\w){blanks['amount']}(?!\w)", re.IGNORECASE),
        month=re.compile(rf"(?<!\w){month}", re.IGNORECASE),
        days=tuple(
            re.compile(rf"(?<!\w)(?:{full}s?|{brief}(?!\w))", re.IGNORECASE)
            for full, brief in zip(days, short, strict=True)
        ),
        places=tuple(
            (re.compile(rf"(?<!\w)(?:{word})s?(?!\w)", re.IGNORECASE), place)
            for word, place in language.places.items()
        ),
        units=tuple(
            (name, re.compile(rf"(?<![^\W\d_])(?:{word})(?!\w)", re.IGNORECASE))
            for name, word in language.units.items()
        ),
        amounts=tuple(
            (re.compile(word, re.IGNORECASE), minutes) for word, minutes in language.amounts.items()
        ),
    )


def _any(words: Iterable[str]) -> str:
    # The longest first: “un” is the beginning of “une”.
    return "|".join(sorted(words, key=len, reverse=True))


# what a match means ----------------------------------------------------------------------


def _make(kind: str, match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    """The elements of a match; none where it turns out to mean nothing."""
    count, _, rest = kind.partition(" ")
    if rest.isupper():
        return (Every(rest, int(count)),)
    if kind.isupper():
        return (Every(kind),)
    if count.isdigit():
        day = InDays(int(count))
        return (day,) if rest == "days" else (day, Part(_part_name(rest)))
    return _MAKERS[kind](match, rules)


def _part_name(text: str) -> PartName:
    names: tuple[PartName, ...] = ("morning", "afternoon", "evening", "night")
    return next(name for name in names if name == text)


def _number(text: str, rules: _Rules) -> int:
    # The last one: “a quarter to 9”.
    found = rules.number.findall(text)[-1]
    return int(found) if found.isdigit() else rules.language.numbers[found.lower()]


def _weekdays(text: str, rules: _Rules) -> tuple[int, ...]:
    return tuple(day for day, pattern in enumerate(rules.days) if pattern.search(text))


def _unit(text: str, rules: _Rules) -> str:
    return next(name for name, pattern in rules.units if pattern.search(text))


_FREQUENCIES = {"minute": "MINUTELY", "hour": "HOURLY", "day": "DAILY", "week": "WEEKLY"} | {
    "month": "MONTHLY",
    "year": "YEARLY",
}


def _after(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    minutes = days = months = 0
    for amount in rules.amount.finditer(match[0]):
        text = amount[0]
        special = next((m for p, m in rules.amounts if p.fullmatch(text)), None)
        if special is not None:
            minutes += special
            continue
        if clock := re.fullmatch(r"(\d+)h(\d\d)", text, re.IGNORECASE):
            minutes += int(clock[1]) * 60 + int(clock[2])
            continue
        unit = _unit(text, rules)
        if half := re.match(r"(\d+)[.,]5", text):
            if unit not in ("hour", "minute"):
                return (Unclear(f"“{match[0]}” is no whole number of days"),)
            minutes += int(half[1]) * 60 + 30 if unit == "hour" else int(half[1])
            continue
        number = _number(text, rules)
        minutes += number * {"minute": 1, "hour": 60}.get(unit, 0)
        days += number * {"day": 1, "week": 7}.get(unit, 0)
        months += number * {"month": 1, "year": 12}.get(unit, 0)
    return (After(minutes, days, months),)


def _place(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    place = next(number for pattern, number in rules.places if pattern.search(match[0]))
    return (Every("MONTHLY", 1, _weekdays(match[0], rules), place),)


def _interval(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    number = _number(match[0], rules)
    if number < 1:
        return (Unclear(f"“{match[0]}” is never"),)
    return (Every(_FREQUENCIES[_unit(match[0], rules)], number),)


def _month_day(match: re.Match[str], _rules: _Rules) -> tuple[Element, ...]:
    day = int(next(value for value in match.groupdict().values() if value))
    if not 1 <= day <= 31:
        return (Unclear(f"there is no day {day} in any month"),)
    return (Every("MONTHLY", month_day=day),)


def _every_part(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    return (Every("DAILY"), *_part(match, rules))


def _part(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    for words, name in rules.language.parts.items():
        if re.search(rf"(?<!\w)(?:{words})s?(?!\w)", match[0], re.IGNORECASE):
            return (Part(_part_name(name)),)
    # “dans la soirée”
    return (Part("morning" if "matin" in match[0].lower() else "evening"),)


def _date(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    names = rules.month.findall(match[0])
    month = next((m for name in names if (m := month_of(name, rules.language.code))), None)
    if month is None:
        return ()
    date = OnDate(int(match["d"]), month, int(match["y"]) if match["y"] else None)
    return (*[OnWeekday(day) for day in _weekdays(match[0], rules)][:1], date)


def _numeric(match: re.Match[str], _rules: _Rules) -> tuple[Element, ...]:
    return (OnDate(int(match["d"]), int(match["mo"]), int(match["y"]) if match["y"] else None),)


def _slash(match: re.Match[str], _rules: _Rules) -> tuple[Element, ...]:
    given = match.groupdict()
    one, two = int(given["d"] or given["d2"]), int(given["mo"] or given["mo2"])
    year = int(given["y"] or given["y2"]) if given["y"] or given["y2"] else None
    if one <= 12 and two <= 12 and one != two:
        return (Unclear(f"“{match[0].strip()}” may be in month {one} or in month {two}"),)
    return (OnDate(one, two, year) if one > 12 or one == two else OnDate(two, one, year),)


def _clock(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    given = match.groupdict()
    text = given.get("h") or given.get("h2") or ""
    hour = int(text) if text.isdigit() else rules.language.numbers[text.lower()]
    half: Literal["", "am", "pm"] = ""
    if letter := given.get("half"):
        half = "am" if letter.lower() == "a" else "pm"
    minute = int(given.get("m") or 0)
    if not (hour < 24 and minute < 60) or (half and not 1 <= hour <= 12):
        return (Unclear(f"“{match[0].strip()}” is no time of day"),)
    return (Clock(hour, minute, half),)


def _shifted(minutes: int) -> Callable[[re.Match[str], _Rules], tuple[Element, ...]]:
    def make(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
        hour = _number(match[0], rules)
        if not 0 <= hour < 24:
            return (Unclear(f"“{match[0]}” is no time of day"),)
        whole = (hour * 60 + minutes) % (24 * 60)
        if hour == 1 and minutes < 0:
            # A quarter to one is in the hour of noon, as clocks with twelve hours have it.
            whole += 12 * 60
        return (Clock(whole // 60, whole % 60),)

    return make


def _next(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    return tuple(OnWeekday(day, "next") for day in _weekdays(match[0], rules)[:1])


def _next_week(match: re.Match[str], rules: _Rules) -> tuple[Element, ...]:
    return tuple(OnWeekday(day, "next week") for day in _weekdays(match[0], rules)[:1])


_MAKERS: Mapping[str, Callable[[re.Match[str], _Rules], tuple[Element, ...]]] = {
    "after": _after,
    "past": lambda match, _: (Unclear(f"“{match[0].strip()}” is in the past"),),
    "place": _place,
    "last_day": lambda _match, _rules: (Every("MONTHLY", month_day=-1),),
    "weeks": lambda match, rules: (Every("WEEKLY", 2, _weekdays(match[0], rules)),),
    "other": lambda match, rules: (Every(_FREQUENCIES[_unit(match[0], rules)], 2),),
    "interval": _interval,
    "month_day": _month_day,
    "workdays": lambda _match, _rules: (Every("WEEKLY", weekdays=(0, 1, 2, 3, 4)),),
    "weekends": lambda _match, _rules: (Every("WEEKLY", weekdays=(5, 6)),),
    "days": lambda match, rules: (Every("WEEKLY", weekdays=_weekdays(match[0], rules)),),
    "every_part": _every_part,
    "every": lambda match, rules: (Every(_FREQUENCIES[_unit(match[0], rules)]),),
    "date": _date,
    "date_numbers": _numeric,
    "slash": _slash,
    "month_day_once": lambda match, _: (OnDate(int(match["d"])),),
    "weekday": lambda m, r: tuple(OnWeekday(day) for day in _weekdays(m[0], r)[:1]),
    "next": _next,
    "next_week": _next_week,
    "half_past": _shifted(30),
    "half_to": _shifted(-30),
    "quarter_past": _shifted(15),
    "quarter_to": _shifted(-15),
    "noon": lambda _match, _rules: (Clock(12),),
    "midnight": lambda _match, _rules: (Midnight(),),
    "clock": _clock,
    "part": _part,
    "from": lambda _match, _rules: (Bound("from"),),
    "until": lambda _match, _rules: (Bound("until"),),
    "repeated": lambda _match, _rules: (Repeated(),),
}


@lru_cache(maxsize=256)
def month_of(name: str, language: str) -> int | None:
    """The month of a name or abbreviation; None where it is none."""
    found = _months(language).get_date_data(f"1 {name.rstrip('.')} 2024").date_obj
    return None if found is None or (found.year, found.day) != (2024, 1) else found.month


@lru_cache(maxsize=8)
def _months(language: str) -> "DateDataParser":
    # dateparser takes most of a second to import, and only dates in words need it.
    from dateparser.date import DateDataParser

    return DateDataParser(
        languages=[language],
        settings={"PARSERS": ["absolute-time"], "REQUIRE_PARTS": ["month"]},
    )
