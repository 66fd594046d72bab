# ruff: noqa: E501 - a pattern is read best on one line
"""The words for times in English, German, French and Spanish.

Owns the four vocabularies, as patterns that `phrase_scan` fills in: {n} a number, {day} a
weekday, {unit} a unit of time, {place} first to last, {part} a part of the day, {month} what may
be a month (dateparser decides). What can be meant in two ways is listed as unclear.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_DAY = "is no single day"
"""Said of weeks and months, unless a day of them is named as well."""
_BOTH = "may be every {0} weeks, or a certain one of each month"


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language's words. Patterns are matched as whole words, whatever their case."""

    code: str
    numbers: Mapping[str, int]
    weekdays: tuple[str, ...]
    short_weekdays: str
    """Seven, separated by spaces; they count after a word such as "on" only."""
    units: Mapping[str, str]
    """Patterns by unit: minute, hour, day, week, month, year."""
    places: Mapping[str, int]
    parts: Mapping[str, str]
    triggers: str
    """What a line begins with that is neither its text nor its time."""
    lead: str
    """Words before a day that belong to it."""
    fillers: str
    """Words that are left over at either end of the text and say nothing."""
    months: str
    """How names of months begin."""
    amounts: Mapping[str, int]
    """Lengths of time that are no number and unit, in minutes."""
    patterns: tuple[tuple[str, str], ...]
    """Kind and pattern, the most special first; see `phrase_scan`."""
    unclear: Mapping[str, str] = field(default_factory=dict)


ENGLISH = Language(
    code="en",
    numbers={
        "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
        "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
        "fifteen": 15, "twenty": 20, "thirty": 30, "forty-five": 45,
    },
    weekdays=("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    short_weekdays="mon tues?|tue weds?|wed thurs?|thu|thur fri sat sun",
    units={
        "minute": r"minutes?|mins?", "hour": r"hours?|hrs?|h", "day": r"days?",
        "week": r"weeks?", "month": r"months?", "year": r"years?",
    },
    places={"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4,
            "4th": 4, "last": -1},
    parts={"morning": "morning", "afternoon": "afternoon", "evening": "evening",
           "night": "night"},
    triggers=r"(?:please\s+)?(?:remind\s+me|set\s+a\s+reminder|reminder|remember)"
    r"(?:\s+(?:to|about|that|of|for))?",
    lead=r"on\s+the|on|by|this\s+coming|coming|this",
    fillers=r"please|to|and|at|on|about|that",
    months=r"jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec",
    amounts={r"half\s+an\s+hour": 30, r"an?\s+hour\s+and\s+a\s+half": 90,
             r"one\s+and\s+a\s+half\s+hours": 90, r"a\s+quarter\s+of\s+an\s+hour": 15,
             r"three\s+quarters\s+of\s+an\s+hour": 45},
    patterns=(
        ("after", r"in\s+{amount}(?:(?:\s*,)?\s+(?:and\s+)?{amount})*"),
        ("after", r"{amount}(?:(?:\s*,)?\s+(?:and\s+)?{amount})*\s+from\s+now"),
        ("place", r"(?:on\s+)?(?:every|each|the)\s+{place}\s+{day}\s+(?:of|in)\s+"
         r"(?:the|each|every)\s+month|(?:monthly|(?:every|each)\s+month)\s+on\s+the\s+{place}\s+{day}"),
        ("last_day", r"(?:on\s+)?(?:the\s+|every\s+)?last\s+day\s+of\s+(?:the|each|every)\s+month"),
        ("place", r"(?:every|each)\s+(?:first|1st|last)\s+{day}"),
        ("past", r"{n}\s+{unit}\s+ago|yesterday|last\s+(?:{day}|night|week|month|year)"),
        ("weeks", r"(?:every|each)\s+other\s+{day}"),
        ("other", r"(?:every|each)\s+(?:other|second|2nd)\s+{unit}"),
        ("interval", r"(?:every|each)\s+{n}\s+{unit}(?:\s+on)?"),
        ("month_day", r"(?:on\s+)?(?:every|each|the)\s+(?P<dom>\d{{1,2}})(?:st|nd|rd|th)"
         r"\s+(?:day\s+)?of\s+(?:the|each|every)\s+month"
         r"|(?:monthly|(?:every|each)\s+month)\s+on\s+the\s+(?P<dom2>\d{{1,2}})(?:st|nd|rd|th)?"),
        ("month_day", r"(?:every|each)\s+(?P<dom>\d{{1,2}})(?:st|nd|rd|th)"
         r"(?!\s+(?:{unit}|{day}|(?:of\s+)?{month}))"),
        ("workdays", r"(?:(?:on\s+|every\s+|each\s+)?weekdays|(?:every|each)\s+(?:weekday|workday))"),
        ("weekends", r"(?:(?:on\s+)?weekends|(?:every|each)\s+weekend)"),
        ("days", r"(?:every|each)\s+{anyday}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*){anyday})*"),
        ("days", r"(?:on\s+)?{day}s(?:(?:\s*,\s*|\s+and\s+|\s*&\s*){day}s)*"),
        ("every_part", r"(?:every|each)\s+{part}"),
        ("every", r"(?:every|each)\s+{unit}(?:\s+on)?"),
        ("DAILY", r"daily"), ("WEEKLY", r"weekly(?:\s+on)?"), ("MONTHLY", r"monthly(?:\s+on)?"),
        ("YEARLY", r"(?:yearly|annually)(?:\s+on)?"), ("HOURLY", r"hourly"),
        ("2 WEEKLY", r"fortnightly"), ("3 MONTHLY", r"quarterly"),
        ("date", r"(?:{lead}\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{month}"
         r"(?:,?\s+(?P<y>\d{{4}}))?"),
        ("date", r"(?:{lead}\s+)?{month}\s+(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![:.]?\d)"
         r"(?:,?\s+(?P<y>\d{{4}}))?"),
        ("slash", r"(?:on\s+|by\s+)(?P<d>\d{{1,2}})/(?P<mo>\d{{1,2}})(?:/(?P<y>\d{{4}}))?(?![\d/])"
         r"|(?P<d2>\d{{1,2}})/(?P<mo2>\d{{1,2}})/(?P<y2>\d{{4}})"),
        ("month_day_once", r"(?:{lead}\s+)(?P<d>\d{{1,2}})(?:st|nd|rd|th)"),
        ("month_day_once", r"(?<=\x00\s)(?P<d>\d{{1,2}})(?:st|nd|rd|th)"),
        ("0 night", r"tonight"), ("0 evening", r"this\s+evening"), ("0 morning", r"this\s+morning"),
        ("0 afternoon", r"this\s+afternoon"),
        ("2 days", r"(?:the\s+)?day\s+after\s+tomorrow"), ("1 days", r"tomorrow|tmrw"),
        ("0 days", r"today"),
        ("next_week", r"(?:{lead}\s+)?{day},?\s+next\s+week|next\s+week,?\s+(?:on\s+)?{day}"),
        ("next", r"(?:on\s+)?next\s+{anyday}"),
        ("weekday", r"(?:{lead}\s+){anyday}|{day}"),
        ("weekday", r"(?<=\x00\s){anyday}"), ("weekday", r"(?<=\x00,\s){anyday}"),
        ("weekday", r"(?<=\x00\sand\s){anyday}"),
        ("half_past", r"(?:at\s+)?half\s+past\s+{n}"),
        ("quarter_past", r"(?:at\s+)?(?:a\s+)?quarter\s+past\s+{n}"),
        ("quarter_to", r"(?:at\s+)?(?:a\s+)?quarter\s+to\s+{n}"),
        ("noon", r"(?:at\s+)?(?:noon|midday)"), ("midnight", r"(?:at\s+)?midnight"),
        ("clock", r"(?:at\s+|@\s*|by\s+)?(?P<h>\d{{1,2}})(?:[:.](?P<m>\d{{2}}))?\s*"
         r"(?P<half>[ap])\.?m\b\.?"),
        ("clock", r"(?:at\s+|@\s*)(?P<h>\d{{1,4}})[:.h](?P<m>\d{{2}})(?:\s*o['’]clock)?"),
        ("clock", r"(?P<h>\d{{1,2}}):(?P<m>\d{{2}})"),
        ("clock", r"(?:at\s+|@\s*)(?P<h>\d{{1,2}})(?:\s*o['’]clock)?(?![\d.,:/])"),
        ("clock", r"(?P<h>\d{{1,2}})\s*o['’]clock"),
        ("clock", r"at\s+(?P<h>{hour_words})(?:\s+o['’]clock)?"),
        ("part", r"in\s+the\s+{part}|at\s+night"),
        ("part", r"(?<=\x00\s){part}"),
        ("from", r"(?:starting|beginning|from)(?:\s+on)?(?=\s*\x00)"),
        ("until", r"(?:until|till|up\s+to)(?=\s*\x00)"),
        ("repeated", r"(?:every|each)(?:\s+year\s+on)?(?=\s*\x00)"),
    ),
    unclear={
        r"(?:every|each)\s+(?:second|2nd)\s+{day}": _BOTH.format(2),
        r"(?:every|each)\s+(?:third|3rd)\s+{day}": _BOTH.format(3),
        r"(?:every|each)\s+(?:fourth|4th)\s+{day}": _BOTH.format(4),
        r"bi-?weekly|bi-?monthly|bi-?annually": "may mean every two, or twice in one",
        r"(?:once|twice|{n}\s+times)\s+(?:a|per|every)\s+(?:{unit})":
            "says how often, but not when",
        r"(?:{lead}\s+)?weekend|next\s+weekend": "may be Saturday or Sunday",
        r"next\s+(?:week|month|year)|this\s+(?:week|month|year)": NO_DAY,
        r"in\s+(?:a\s+few|some|several|a\s+couple\s+of)\s+{unit}": "says not exactly when",
        r"(?:every|each)\s+(?:{n}\s+)?seconds?|in\s+{n}\s+seconds?": "is finer than a minute",
        r"before\s+(?={day}|noon|tomorrow)|after\s+(?={day}|noon|tomorrow)":
            "says not exactly when",
    },
)  # fmt: skip

GERMAN = Language(
    code="de",
    numbers={
        "ein": 1, "eine": 1, "einem": 1, "einer": 1, "einen": 1, "eins": 1, "zwei": 2,
        "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9,
        "zehn": 10, "elf": 11, "zwölf": 12, "fünfzehn": 15, "zwanzig": 20, "dreißig": 30,
    },
    weekdays=("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag|sonnabend",
              "sonntag"),
    short_weekdays="mo di mi do fr sa so",
    units={
        "minute": r"minuten?|min", "hour": r"stunden?|std|h", "day": r"tage?n?",
        "week": r"wochen?", "month": r"monate?n?", "year": r"jahre?n?",
    },
    places={r"ersten?": 1, r"1\.": 1, r"zweiten?": 2, r"2\.": 2, r"dritten?": 3, r"3\.": 3,
            r"vierten?": 4, r"4\.": 4, r"letzten?": -1},
    parts={"morgen|vormittag|früh": "morning", "nachmittag": "afternoon", "abend": "evening",
           "nacht": "night"},
    triggers=r"(?:bitte\s+)?(?:erinner(?:e|\s)?\s*mich|erinnerung)(?:\s+(?:bitte\s+)?"
    r"(?:daran|an|dass))?",
    lead=r"am|bis\s+zum|an|den|diesen|kommenden",
    fillers=r"bitte|an|um|am|und|daran|dass|zu",
    months=r"jan|jän|feb|mär|mar|apr|mai|jun|jul|aug|sep|okt|nov|dez",
    amounts={r"einer\s+halben\s+stunde|halben\s+stunde": 30, r"anderthalb\s+stunden": 90,
             r"eineinhalb\s+stunden": 90, r"einer\s+viertelstunde": 15,
             r"einer\s+dreiviertelstunde": 45},
    patterns=(
        ("after", r"in\s+{amount}(?:(?:\s*,)?\s+(?:und\s+)?{amount})*"),
        ("place", r"(?:am\s+|an\s+)?(?:jede[nrm]|de[nm])?\s*{place}\s+{day}\s+"
         r"(?:im|des|jedes|jeden|in\s+jedem)\s+monate?s?"
         r"|(?:monatlich|jeden\s+monat)\s+am\s+{place}\s+{day}"),
        ("last_day", r"(?:am\s+|jeden\s+)?letzten\s+(?:tag\s+)?(?:im|des|jedes|jeden)\s+monate?s?"
         r"|(?:immer\s+)?(?:am|zum)\s+monatsende"),
        ("place", r"(?:immer\s+)?(?:jeden\s+)(?:ersten|1\.|letzten)\s+{day}"),
        ("past", r"vor\s+{n}\s+{unit}|vorgestern|gestern|letzte[nrs]?\s+(?:{day}|woche|monat|jahr|nacht)"),
        ("other", r"jede[nrs]?\s+(?:zweiten?s?|2\.|anderen?)\s+{unit}"),
        ("interval", r"alle\s+{n}\s+{unit}(?:\s+am)?"),
        ("month_day", r"(?:am\s+|an\s+jedem\s+|jeden\s+|immer\s+am\s+)(?P<dom>\d{{1,2}})\.\s*"
         r"(?:im|des|jedes|jeden|eines\s+jeden)\s+monate?s?"
         r"|(?:monatlich|jeden\s+monat)\s+am\s+(?P<dom2>\d{{1,2}})\.?(?!\d)"),
        ("month_day", r"jeden\s+(?P<dom>\d{{1,2}})\.(?!\s*(?:\d|{day}|{month}))"),
        ("workdays", r"werktags|wochentags|(?:an\s+)?(?:jedem|jeden)\s+(?:werktag|wochentag|arbeitstag)|an\s+werktagen"),
        ("weekends", r"(?:jedes|an\s+jedem)\s+wochenende|an\s+wochenenden"),
        ("days", r"(?:jede[nm]|immer)\s+(?:am\s+)?{anyday}(?:(?:\s*,\s*|\s+und\s+|\s*&\s*){anyday})*"),
        ("days", r"{day}s(?:(?:\s*,\s*|\s+und\s+){day}s)*"),
        ("every_part", r"jede[nr]?\s+{part}"),
        ("every", r"jede[nrs]?\s+{unit}(?:\s+am)?"),
        ("DAILY", r"täglich"), ("WEEKLY", r"wöchentlich(?:\s+am)?"),
        ("MONTHLY", r"monatlich(?:\s+am)?"), ("YEARLY", r"jährlich(?:\s+am)?"),
        ("HOURLY", r"stündlich"), ("2 WEEKLY", r"zweiwöchentlich|14-tägig|vierzehntägig"),
        ("3 MONTHLY", r"vierteljährlich|quartalsweise"), ("6 MONTHLY", r"halbjährlich"),
        ("date", r"(?:{lead}\s+)?(?P<d>\d{{1,2}})\.?\s*{month}(?:\s+(?P<y>\d{{4}}))?"),
        ("date_numbers", r"(?:{lead}\s+)?(?P<d>\d{{1,2}})\.\s?(?P<mo>\d{{1,2}})\.(?:\s?(?P<y>\d{{4}}))?"
         r"(?!\d)"),
        ("month_day_once", r"(?:am|zum)\s+(?P<d>\d{{1,2}})\.(?!\d)"),
        ("0 evening", r"heute\s+abend"), ("0 morning", r"heute\s+(?:morgen|früh|vormittag)"),
        ("0 afternoon", r"heute\s+nachmittag"), ("0 night", r"heute\s+nacht"),
        ("2 days", r"übermorgen"), ("0 days", r"heute"),
        ("next_week", r"(?:{lead}\s+)?{day}\s+nächster?\s+woche|nächste\s+woche\s+(?:am\s+)?{day}"),
        ("next", r"(?:am\s+)?nächste[nrm]?\s+{anyday}"),
        ("weekday", r"(?:{lead}\s+){anyday}|{day}"),
        ("weekday", r"(?<=\x00\s){anyday}"), ("weekday", r"(?<=\x00,\s){anyday}"),
        ("weekday", r"(?<=\x00\sund\s){anyday}"),
        ("half_to", r"(?:um\s+)?halb\s+{n}(?:\s+uhr)?"),
        ("quarter_past", r"(?:um\s+)?viertel\s+nach\s+{n}"),
        ("quarter_to", r"(?:um\s+)?viertel\s+vor\s+{n}"),
        ("quarter_to", r"(?:um\s+)?dreiviertel\s+{n}"),
        ("noon", r"um\s+12\s+uhr\s+mittags|(?:am\s+|zu\s+|(?<=\x00\s))mittag|mittags"),
        ("midnight", r"(?:um\s+)?mitternacht"),
        ("clock", r"(?:um|gegen|ab)\s+(?P<h>\d{{1,4}})[:.](?P<m>\d{{2}})(?:\s*uhr)?"),
        ("clock", r"(?P<h>\d{{1,2}})[:.](?P<m>\d{{2}})\s*uhr"),
        ("clock", r"(?P<h>\d{{1,2}}):(?P<m>\d{{2}})"),
        ("clock", r"(?:um\s+)?(?P<h>\d{{1,2}})\s*uhr(?:\s+(?P<m>\d{{2}}))?"),
        ("clock", r"(?:um\s+)?(?P<h>ein)\s+uhr"),
        ("clock", r"um\s+(?P<h>\d{{1,2}})(?![\d.,:/])"),
        ("clock", r"(?:um\s+(?P<h>{hour_words})(?:\s+uhr)?|(?P<h2>{hour_words})\s+uhr)"),
        ("part", r"am\s+(?:frühen\s+|späten\s+)?{part}|in\s+der\s+(?:{part}|früh)"),
        ("part", r"morgens|vormittags|nachmittags|abends|nachts"),
        ("part", r"(?<=\x00\s){part}"),
        ("1 days", r"morgen"),
        ("part", r"(?<=\x00\s){part}"),
        ("from", r"(?:ab|von|beginnend|angefangen)(?=\s*\x00)"),
        ("until", r"bis(?:\s+zum)?(?=\s*\x00)"),
        ("repeated", r"(?:jedes\s+jahr(?:\s+am)?|jede[nm]|immer)(?=\s*\x00)"),
    ),
    unclear={
        r"jede[nr]\s+(?:zweiten|2\.)\s+{day}(?!\s+(?:im|des|jedes))": _BOTH.format(2),
        r"jede[nr]\s+(?:dritten|3\.)\s+{day}(?!\s+(?:im|des|jedes))": _BOTH.format(3),
        r"(?:einmal|zweimal|{n}\s*mal)\s+(?:am|pro|in\s+der|im)\s+{unit}":
            "says how often, but not when",
        r"(?:am|dieses|nächstes)\s+wochenende": "may be Saturday or Sunday",
        r"(?:nächste|diese)\s+woche|(?:nächsten|diesen)\s+monat|nächstes\s+jahr|dieses\s+jahr":
            NO_DAY,
        r"in\s+(?:ein\s+paar|einigen|wenigen)\s+{unit}": "says not exactly when",
        r"alle\s+{n}\s+sekunden|jede\s+sekunde|in\s+{n}\s+sekunden?": "is finer than a minute",
    },
)  # fmt: skip

FRENCH = Language(
    code="fr",
    numbers={
        "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7,
        "huit": 8, "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "quinze": 15, "vingt": 20,
        "trente": 30,
    },
    weekdays=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    short_weekdays="lun mar mer jeu ven sam dim",
    units={
        "minute": r"minutes?|min", "hour": r"heures?|h", "day": r"jours?",
        "week": r"semaines?", "month": r"mois", "year": r"ans?|années?",
    },
    places={"premier": 1, "1er": 1, "deuxième": 2, "second": 2, "troisième": 3,
            "quatrième": 4, "dernier": -1},
    parts={"matin": "morning", "après-midi": "afternoon", "soir": "evening", "nuit": "night"},
    triggers=r"(?:s['’]il\s+te\s+pla[iî]t\s+)?(?:rappelle[- ]moi|rappelez[- ]moi|rappel)"
    r"(?:\s+(?:de|d['’]|que))?",
    lead=r"le|ce|d['’]ici",
    fillers=r"de|d['’]|à|et|le|que|pour",
    months=r"jan|fév|fev|mar|avr|mai|juin|juil|aoû|aou|sep|oct|nov|déc|dec",
    amounts={r"une\s+demi-heure|une\s+demie?\s+heure": 30, r"une\s+heure\s+et\s+demie": 90,
             r"un\s+quart\s+d['’]heure": 15, r"trois\s+quarts\s+d['’]heure": 45},
    patterns=(
        ("after", r"(?:dans|d['’]ici)\s+{amount}(?:(?:\s*,)?\s+(?:et\s+)?{amount})*"),
        ("past", r"il\s+y\s+a\s+{n}\s+{unit}|avant-hier|hier|{day}\s+dernier"),
        ("place", r"(?:le\s+|chaque\s+|tous\s+les\s+)?{place}s?\s+{day}s?\s+"
         r"(?:du|de\s+chaque|de\s+tous\s+les)\s+mois"
         r"|(?:tous\s+les\s+mois|chaque\s+mois)\s+le\s+{place}\s+{day}"),
        ("last_day", r"(?:le\s+|chaque\s+)?dernier\s+jour\s+(?:du|de\s+chaque)\s+mois"),
        ("place", r"chaque\s+(?:premier|1er|dernier)\s+{day}"),
        ("weeks", r"un\s+{day}\s+sur\s+deux"),
        ("other", r"une?\s+(?:{unit})\s+sur\s+deux"),
        ("interval", r"(?:tous|toutes)\s+les\s+{n}\s+{unit}"),
        ("month_day", r"(?:le\s+|tous\s+les\s+|chaque\s+)(?P<dom>\d{{1,2}})(?:er)?\s+"
         r"(?:du|de\s+chaque)\s+mois"
         r"|(?:tous\s+les\s+mois|chaque\s+mois)\s+le\s+(?P<dom2>\d{{1,2}})(?:er)?"),
        ("month_day", r"(?:tous\s+les|chaque)\s+(?P<dom>\d{{1,2}})(?:er)?(?!\s*(?:\d|{month}|{unit}))"),
        ("workdays", r"(?:chaque\s+jour|tous\s+les\s+jours)\s+(?:de\s+(?:la\s+)?semaine|ouvrables?|ouvrés?)"
         r"|en\s+semaine"),
        ("weekends", r"(?:chaque|tous\s+les)\s+week-?ends?"),
        ("days", r"(?:tous\s+les|chaque)\s+{day}s?(?:(?:\s*,\s*|\s+et\s+)(?:les\s+)?{day}s?)*"),
        ("days", r"les\s+{day}s(?:(?:\s*,\s*|\s+et\s+)(?:les\s+)?{day}s)*"),
        ("every_part", r"(?:tous\s+les|chaque|toutes\s+les)\s+{part}s?"),
        ("every", r"(?:tous\s+les|toutes\s+les|chaque)\s+{unit}"),
        ("DAILY", r"quotidiennement"), ("WEEKLY", r"hebdomadaire(?:ment)?(?:\s+le)?"),
        ("MONTHLY", r"mensuel(?:lement)?(?:\s+le)?"), ("YEARLY", r"annuel(?:lement)?(?:\s+le)?"),
        ("3 MONTHLY", r"trimestriel(?:lement)?"),
        ("date", r"(?:{lead}\s+)?(?:{day}\s+)?(?P<d>\d{{1,2}})(?:er)?\s+{month}(?:\s+(?P<y>\d{{4}}))?"),
        ("date_numbers", r"(?:{lead}\s+)(?P<d>\d{{1,2}})/(?P<mo>\d{{1,2}})(?:/(?P<y>\d{{4}}))?(?![\d/])"),
        ("month_day_once", r"le\s+(?P<d>\d{{1,2}})(?:er)?(?!\s*(?:\d|[:h/]|heures?))"),
        ("0 evening", r"ce\s+soir"), ("0 morning", r"ce\s+matin"),
        ("0 afternoon", r"cet\s+après-midi"), ("0 night", r"cette\s+nuit"),
        ("2 days", r"après-demain"), ("1 days", r"demain"), ("0 days", r"aujourd['’]hui"),
        ("next_week", r"(?:le\s+)?{day}\s+(?:de\s+)?la\s+semaine\s+prochaine"),
        ("next", r"(?:le\s+)?{day}\s+prochain"),
        ("weekday", r"(?:{lead}\s+){anyday}|{day}"),
        ("weekday", r"(?<=\x00\s){anyday}"), ("weekday", r"(?<=\x00,\s){anyday}"),
        ("weekday", r"(?<=\x00\set\s){anyday}"),
        ("half_past", r"(?:à\s+)?{n}\s*(?:h|heures?)\s+et\s+demie?"),
        ("quarter_past", r"(?:à\s+)?{n}\s*(?:h|heures?)\s+et\s+quart"),
        ("quarter_to", r"(?:à\s+)?{n}\s*(?:h|heures?)\s+moins\s+le\s+quart"),
        ("noon", r"(?:à\s+|(?<=\x00\s))midi"), ("midnight", r"(?:à\s+)?minuit"),
        ("clock", r"(?:(?:à|vers|pour)\s+)?(?P<h>\d{{1,4}})\s*(?:[:h]|heures?\s)\s*(?P<m>\d{{2}})(?!\d)"),
        ("clock", r"(?:(?:à|vers)\s+)?(?P<h>\d{{1,2}})\s*(?:h|heures?)(?![\d])"),
        ("clock", r"à\s+(?P<h>{hour_words})\s+heures?"),
        ("part", r"du\s+{part}|de\s+l['’]après-midi|dans\s+(?:la\s+matinée|la\s+soirée)|le\s+{part}"),
        ("part", r"(?<=\x00\s){part}"),
        ("from", r"(?:à\s+partir\s+d[eu]|dès)(?:\s+le)?(?=\s*\x00)"),
        ("until", r"jusqu['’](?:au|à|en)(?:\s+le)?(?=\s*\x00)"),
        ("repeated", r"(?:chaque\s+année|tous\s+les\s+ans|chaque|tous)(?:\s+le)?(?=\s*\x00)"),
    ),
    unclear={
        r"(?:{n}\s+fois)\s+par\s+{unit}": "says how often, but not when",
        r"(?:ce|le)\s+week-?end(?:\s+prochain)?": "may be Saturday or Sunday",
        r"(?:la\s+)?semaine\s+prochaine|(?:le\s+)?mois\s+prochain|l['’]année\s+prochaine|cette\s+semaine":
            NO_DAY,
        r"dans\s+quelques\s+{unit}": "says not exactly when",
        r"toutes\s+les\s+(?:{n}\s+)?secondes|dans\s+{n}\s+secondes?": "is finer than a minute",
    },
)  # fmt: skip

SPANISH = Language(
    code="es",
    numbers={
        "un": 1, "una": 1, "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6,
        "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12, "quince": 15,
        "veinte": 20, "treinta": 30,
    },
    weekdays=("lunes", "martes", "miércoles|miercoles", "jueves", "viernes", "sábado|sabado",
              "domingo"),
    short_weekdays="lun mar mié jue vie sáb dom",
    units={
        "minute": r"minutos?|min", "hour": r"horas?|h", "day": r"días?|dias?",
        "week": r"semanas?", "month": r"mes(?:es)?", "year": r"años?",
    },
    places={r"primer(?:o)?": 1, "segundo": 2, "tercer(?:o)?": 3, "cuarto": 4,
            r"último|ultimo": -1},
    parts={"mañana": "morning", "tarde": "afternoon", "noche": "night"},
    triggers=r"(?:por\s+favor\s+)?(?:recu[eé]rdame|recordarme|recordatorio)(?:\s+(?:que|de))?",
    lead=r"el\s+día|el|este|para\s+el",
    fillers=r"de|que|a|el|y|por\s+favor|para",
    months=r"ene|feb|mar|abr|may|jun|jul|ago|sep|oct|nov|dic",
    amounts={r"media\s+hora": 30, r"una\s+hora\s+y\s+media": 90,
             r"un\s+cuarto\s+de\s+hora": 15, r"tres\s+cuartos\s+de\s+hora": 45},
    patterns=(
        ("after", r"(?:en|dentro\s+de)\s+{amount}(?:(?:\s*,)?\s+(?:y\s+)?{amount})*"),
        ("past", r"hace\s+{n}\s+{unit}|anteayer|ayer|{day}\s+pasado"),
        ("place", r"(?:el\s+|cada\s+|todos\s+los\s+)?{place}s?\s+{day}s?\s+(?:del|de\s+cada)\s+mes"
         r"|cada\s+mes\s+el\s+{place}\s+{day}"),
        ("last_day", r"(?:el\s+|cada\s+)?(?:último|ultimo)\s+día\s+(?:del|de\s+cada)\s+mes"),
        ("place", r"cada\s+(?:primer|último|ultimo)\s+{day}"),
        ("weeks", r"cada\s+dos\s+{day}s?|un\s+{day}\s+sí\s+y\s+otro\s+no"),
        ("interval", r"cada\s+{n}\s+{unit}"),
        ("month_day", r"(?:el\s+|el\s+día\s+|cada\s+)(?P<dom>\d{{1,2}})\s+(?:del|de\s+cada)\s+mes"
         r"|cada\s+mes\s+el\s+(?:día\s+)?(?P<dom2>\d{{1,2}})"),
        ("month_day", r"(?:cada|todos\s+los)(?:\s+días?)?\s+(?P<dom>\d{{1,2}})"
         r"(?!\s*(?:\d|{unit}|de\s+{month}))"),
        ("workdays", r"(?:cada\s+|todos\s+los\s+|los\s+)días?\s+(?:laborables?|hábil(?:es)?)"
         r"|entre\s+semana|de\s+lunes\s+a\s+viernes"),
        ("weekends", r"(?:cada|todos\s+los)\s+fin(?:es)?\s+de\s+semana"),
        ("days", r"(?:cada|todos\s+los)\s+{day}s?(?:(?:\s*,\s*|\s+y\s+)(?:los\s+)?{day}s?)*"),
        ("days", r"los\s+{day}s?(?:(?:\s*,\s*|\s+y\s+)(?:los\s+)?{day}s?)*"),
        ("every_part", r"(?:cada|todas\s+las)\s+{part}s?"),
        ("every", r"(?:cada|todos\s+los|todas\s+las)\s+{unit}"),
        ("DAILY", r"diariamente|a\s+diario"), ("WEEKLY", r"semanalmente"),
        ("MONTHLY", r"mensualmente"), ("YEARLY", r"anualmente"), ("3 MONTHLY", r"trimestralmente"),
        ("date", r"(?:{lead}\s+)?(?:{day},?\s+)?(?P<d>\d{{1,2}})\s+de\s+{month}"
         r"(?:\s+del?\s+(?P<y>\d{{4}}))?"),
        ("date_numbers", r"(?:{lead}\s+)(?P<d>\d{{1,2}})/(?P<mo>\d{{1,2}})(?:/(?P<y>\d{{4}}))?(?![\d/])"),
        ("month_day_once", r"(?:el\s+día|el)\s+(?P<d>\d{{1,2}})(?!\s*(?:\d|[:/]))"),
        ("0 night", r"esta\s+noche"), ("0 afternoon", r"esta\s+tarde"),
        ("0 morning", r"esta\s+mañana"),
        ("2 days", r"pasado\s+mañana"), ("0 days", r"hoy"),
        ("next_week", r"(?:el\s+)?{day}\s+de\s+la\s+(?:próxima\s+semana|semana\s+que\s+viene)"),
        ("next", r"(?:el\s+)?(?:próximo\s+{day}|{day}\s+(?:que\s+viene|próximo))"),
        ("weekday", r"(?:{lead}\s+){anyday}|{day}"),
        ("weekday", r"(?<=\x00\s){anyday}"), ("weekday", r"(?<=\x00,\s){anyday}"),
        ("weekday", r"(?<=\x00\sy\s){anyday}"),
        ("half_past", r"a\s+las?\s+{n}\s+y\s+media"),
        ("quarter_past", r"a\s+las?\s+{n}\s+y\s+cuarto"),
        ("quarter_to", r"a\s+las?\s+{n}\s+menos\s+cuarto"),
        ("noon", r"a(?:l)?\s+mediodía"), ("midnight", r"a\s+(?:la\s+)?medianoche"),
        ("clock", r"a\s+las?\s+(?P<h>\d{{1,4}})[:.h](?P<m>\d{{2}})(?:\s*(?:h|horas))?"),
        ("clock", r"(?P<h>\d{{1,2}}):(?P<m>\d{{2}})(?:\s*h)?"),
        ("clock", r"a\s+las?\s+(?P<h>\d{{1,2}})(?:\s*(?:h|horas))?(?![\d.,:/])"),
        ("clock", r"a\s+las?\s+(?P<h>{hour_words})"),
        ("part", r"(?:de|por|en)\s+la\s+{part}"),
        ("1 days", r"mañana"),
        ("part", r"(?<=\x00\s){part}"),
        ("from", r"(?:desde|a\s+partir\s+de)(?:\s+el)?(?=\s*\x00)"),
        ("until", r"hasta(?:\s+el)?(?=\s*\x00)"),
        ("repeated", r"(?:cada\s+año|todos\s+los\s+años|cada)(?:\s+el)?(?=\s*\x00)"),
    ),
    unclear={
        r"cada\s+segundo\s+{day}(?!\s+del?)": _BOTH.format(2),
        r"(?:{n}\s+veces)\s+(?:al|por|a\s+la)\s+{unit}": "says how often, but not when",
        r"(?:el|este|el\s+próximo)\s+fin\s+de\s+semana": "may be Saturday or Sunday",
        r"(?:la\s+)?(?:próxima\s+semana|semana\s+que\s+viene)|(?:el\s+)?(?:próximo\s+mes|mes\s+que\s+viene)":
            NO_DAY,
        r"(?:en|dentro\s+de)\s+(?:unos|unas|algunos|algunas|pocos|pocas)\s+{unit}":
            "says not exactly when",
        r"cada\s+(?:{n}\s+)?segundos?|en\s+{n}\s+segundos?": "is finer than a minute",
    },
)  # fmt: skip

LANGUAGES = (ENGLISH, GERMAN, FRENCH, SPANISH)
