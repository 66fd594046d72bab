"""Says things back: the smallest module there is, and a check that tasks run.

Owns three tasks that need no model. Knows `worker.contract` and nothing else.
"""

import unicodedata
from datetime import UTC, datetime

from worker.contract.module_api import Registry

__version__ = "1.0.0"

_JOINER = "\u200d"


def register_tasks(registry: Registry) -> None:
    """Offer echo, reverse and ping."""
    registry.register_task("echo_bot", "echo", echo, tool=True)
    registry.register_task("echo_bot", "reverse", reverse, tool=True)
    registry.register_task("echo_bot", "ping", ping, max_retries=0, time_limit=10)


def heartbeat() -> dict[str, object]:
    """Always well, as long as it is there to say so."""
    return {"status": "ok"}


def echo(text: str) -> str:
    """Says the text back as it is.

    Args:
        text: What to say back.
    """
    return text


def reverse(text: str) -> str:
    """Says the text back from its end to its beginning.

    What people see as one character (an accented letter, a flag, an emoji with its colour)
    stays whole; right-to-left text is turned round like any other, in the order in which it
    is stored.

    Args:
        text: What to turn round.
    """
    return "".join(reversed(characters(text)))


def ping() -> dict[str, object]:
    """Answers, with the time at which it did: the task ran."""
    return {"reply": "pong", "at": datetime.now(UTC).isoformat()}


def characters(text: str) -> list[str]:
    """The characters of a text as people see them, each with all that belongs to it.

    Follows Unicode's rules for combining marks, joined emoji, skin tones, flags, conjoining
    Hangul and line ends; other scripts' conjuncts are parted.
    """
    found: list[str] = []
    for one in text:
        if found and _belongs(found[-1], one):
            found[-1] += one
        else:
            found.append(one)
    return found


def _belongs(before: str, one: str) -> bool:
    last = before[-1]
    if last == "\r":
        return one == "\n"
    if unicodedata.category(last) in ("Cc", "Zl", "Zp"):
        return False
    if one == _JOINER or _extends(one):
        return True
    if _is_regional(one):
        return _is_regional(last) and len(before) % 2 == 1 and _is_regional(before[0])
    if last == _JOINER:
        # Only pictures are joined into one; letters on both sides of a joiner stay two.
        return unicodedata.category(one) == "So"
    return _hangul_joins(last, one)


def _extends(one: str) -> bool:
    return (
        unicodedata.category(one) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= one <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= one <= "\U000e007f"  # tags, as in the flag of Wales
        or one == "\u200c"
    )


def _is_regional(one: str) -> bool:
    return "\U0001f1e6" <= one <= "\U0001f1ff"


def _hangul_joins(last: str, one: str) -> bool:
    before, after = _jamo(last), _jamo(one)
    if before == "L":
        return after in ("L", "V", "LV", "LVT")
    if before in ("V", "LV"):
        return after in ("V", "T")
    return before in ("T", "LVT") and after == "T"


def _jamo(one: str) -> str:
    if "\u1100" <= one <= "\u115f":
        return "L"
    if "\u1160" <= one <= "\u11a7":
        return "V"
    if "\u11a8" <= one <= "\u11ff":
        return "T"
    if "\uac00" <= one <= "\ud7a3":
        return "LV" if (ord(one) - 0xAC00) % 28 == 0 else "LVT"
    return ""
