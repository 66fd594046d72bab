"""What a person wants of the built-in assistant, found by rules.

Owns the recognition: a text goes in, one of a few wishes comes out, always the same for the same
text. It must not know tools. English, and the commonest German words.
"""

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Help:
    """Wants to know how to use it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Says hello."""


@dataclass(frozen=True, slots=True)
class Thanks:
    """Says thanks."""


@dataclass(frozen=True, slots=True)
class AskTime:
    """Wants the date or time."""

    zone: str = ""
    """A city or time zone as the person wrote it; "" for here."""


@dataclass(frozen=True, slots=True)
class Calculate:
    """Wants something calculated."""

    expression: str


@dataclass(frozen=True, slots=True)
class ListAbilities:
    """Wants a list of what can be done."""


@dataclass(frozen=True, slots=True)
class RunTask:
    """Wants a module's task run."""

    name: str
    arguments: dict[str, object] = field(default_factory=dict)
    problem: str = ""
    """What cannot be understood, as a sentence; "" for nothing."""


@dataclass(frozen=True, slots=True)
class RemindMe:
    """Wants to be reminded of something, or to know of what they will be."""

    line: str = ""
    """As the person wrote it; "" for a list."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else."""


Intent: TypeAlias = (
    Help | Hello | Thanks | AskTime | Calculate | ListAbilities | RunTask | RemindMe | Unknown
)

_RUN = re.compile(
    r"^\s*/?(?:run|execute|start|starte|führe)\s+(?:(?:the\s+|die\s+)?(?:task|aufgabe)\s+)?"
    r"([\w-]+\.[\w.-]+)(?:\s+aus)?(?:\s+(?:with|mit)(?=\s))?\s*(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_BARE_RUN = re.compile(r"^\s*/run\b\s*(.*)$", re.IGNORECASE | re.DOTALL)
_HELP = re.compile(
    r"^/?(help|hilfe|\?|how do (i|you) (use|work).*|wie funktioniert das|hilf mir|help me)$"
)
_HELLO = re.compile(
    r"^(hi|hello|hey|hallo|moin|servus|guten (tag|morgen|abend)|good (morning|evening|afternoon))"
    r"( (there|nagatha|you))?$"
)
_THANKS = re.compile(
    r"^(thanks?|thank you|thx|danke|vielen dank|danke schön)( (you|a lot|nagatha))*$"
)
_LIST = re.compile(
    r"what (all )?can (you|nagatha) do|what are you able to|list (of )?(all |the |your )*"
    r"(tools|tasks|abilities|modules|commands)|(which|what) (tools|tasks|modules|commands)"
    r"|was kannst du|was kann nagatha|welche (werkzeuge|aufgaben|module|befehle)|your (tools|tasks)"
    r"|^/?(tools|tasks|list|abilities|modules)$"
    r"|zeige? (mir )?(alle |die )*(aufgaben|werkzeuge|module)"
)
_REMIND = re.compile(
    r"^(?:please |bitte )?(?:(?:can|could|will|would) you )?(?:please )?"
    r"(?:remind me|set (?:a |me a )?reminder|erinnere? (?:mich|uns)|kannst du mich .* erinnern"
    r"|rappelle[- ]moi|recu[eé]rdame)\b"
)
_REMINDERS = re.compile(
    r"^(?:(?:list|show)(?: me)? )?(?:all |my |the )*reminders$|^what are my reminders$"
    r"|^(?:zeige? )?(?:mir )?(?:alle |meine )*erinnerungen$"
)
_TIME = re.compile(
    r"^/?(time|date|uhrzeit|datum|now)$"
    r"|what('s| is)? (the )?(current |local )?(time|date|day|weekday)\b|what time\b"
    r"|(current|local) (time|date)|time is it|(today's|todays) date|which day|what day"
    r"|what('s| is) today|^(the )?(time|date) (now|today|in)\b|tell me the (time|date)"
    r"|wie spät|wie viel uhr|wieviel uhr|welcher tag|welches datum|welchen tag|aktuelle (uhr)?zeit"
    r"|^datum heute|^uhrzeit in\b"
)
_PLACE = re.compile(
    r"\b(?:in|at|for)\s+(?:the\s+)?([\w/+.'-]+(?:\s[\w/+.'-]+){0,3})$", re.IGNORECASE
)
_BY_NOW = re.compile(
    r"(?:\s+(?:right|now|today|currently|please|jetzt|gerade|heute|bitte))+$", re.I
)
_NO_PLACE = frozenset({"", "here", "me", "my time zone", "my zone"})
_CALCULATE = re.compile(
    r"^(?:please\s+)?(?:what(?:'s| is)|how much is|calculate|compute|calc|work out|evaluate|"
    r"was (?:ist|ergibt|sind)|wie ?viel (?:ist|sind)|berechne|rechne|solve)\s*:?\s+(.+)$",
    re.IGNORECASE,
)
_NAMES = r"sqrt|abs|exp|ln|log10|log2|log|sin|cos|tan|asin|acos|atan|floor|ceil|radians|degrees"
_FORMULA = re.compile(
    rf"^(?:[\d\s.,()+*/^%×÷·−–=-]|\b(?:{_NAMES}|min|max|sum|mean|factorial|round|pi|e|tau|of)\b)+$"
)
_WORDS = (
    (re.compile(r"\bplus\b"), "+"),
    (re.compile(r"\bminus\b"), "-"),
    (re.compile(r"\b(?:times|multiplied by|mal)\b"), "*"),
    (re.compile(r"\b(?:divided by|over|geteilt durch|durch)\b"), "/"),
    (re.compile(r"\b(?:to the power of|hoch)\b"), "^"),
    (re.compile(r"\bsquared\b"), "^2"),
    (re.compile(r"\b(?:percent|prozent)\b"), "%"),
    (re.compile(r"(?<=%)\s*von\b"), " of"),
    (re.compile(r"\b(?:the )?square root of\s+(\d+(?:\.\d+)?)"), r"sqrt(\1)"),
)
_LONGEST = 500
"""Characters of a question that are looked at, but for a task's arguments."""


def recognise(text: str) -> Intent:
    """What `text` asks for."""
    if (found := _RUN.match(text)) is not None:
        return _task(found[1], found[2])
    if (bare := _BARE_RUN.match(text)) is not None:
        said = bare[1].split()
        why = f"“{said[0]}” is no task: it has no dot." if said else "Which task?"
        return RunTask("", problem=why)
    if len(text) > _LONGEST:
        return Unknown()
    plain = " ".join(text.lower().split()).strip(" .!?…,;")
    if not plain:
        return Help() if "?" in text else Unknown()
    for pattern, wish in ((_HELP, Help()), (_HELLO, Hello()), (_THANKS, Thanks())):
        if pattern.match(plain):
            return wish
    # Before the others: what one is to be reminded of may look like any of them.
    if _REMINDERS.match(plain):
        return RemindMe()
    if _REMIND.match(plain):
        return RemindMe(" ".join(text.split()))
    if (expression := _formula(plain)) is not None:
        return Calculate(expression)
    if _TIME.search(plain):
        return AskTime(_place(" ".join(text.split()).strip(" .!?…,;")))
    if _LIST.search(plain):
        return ListAbilities()
    return Unknown()


def _formula(plain: str) -> str | None:
    asked = _CALCULATE.match(plain)
    text = asked[1] if asked is not None else plain
    for pattern, sign in _WORDS:
        text = pattern.sub(sign, text)
    text = text.strip(" =?")
    if not _FORMULA.match(text) or not re.search(r"\d|\bpi\b|\be\b|\btau\b", text):
        return None
    # A number alone, a date or a telephone number is no wish to calculate.
    if asked is None and not re.search(r"[\d)%]\s*[+*/^×÷·−]|\w\(|%\s*of\b|\d\s+-\s+\d", text):
        return None
    if asked is None and re.fullmatch(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}|\+[\d\s/()-]+", text):
        return None
    return text


def _place(text: str) -> str:
    found = _PLACE.search(_BY_NOW.sub("", text))
    place = found[1].strip() if found is not None else ""
    return "" if place.lower() in _NO_PLACE else place


def _task(name: str, rest: str) -> RunTask:
    rest = rest.strip()
    if rest.startswith("{"):
        try:
            given = json.loads(rest)
        except (ValueError, RecursionError):
            return RunTask(name, problem="The arguments are no valid JSON.")
        return RunTask(name, given) if isinstance(given, dict) else RunTask(name, {})
    try:
        words = shlex.split(rest)
    except ValueError:
        # An apostrophe in plain text is no quotation mark.
        words = rest.split()
    arguments: dict[str, object] = {}
    last = ""
    for word in words:
        key, equals, value = word.partition("=")
        if equals and re.fullmatch(r"[A-Za-z_]\w*", key):
            arguments[key] = value
            last = key
        elif last:
            # "text=hello world" means both words.
            arguments[last] = f"{arguments[last]} {word}".strip()
        else:
            return RunTask(name, problem=f"“{word}” is no argument of the form name=value.")
    return RunTask(name, arguments)
