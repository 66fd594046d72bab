"""Quick or queued: which requests are answered at once, and which become background work.

Owns the rule, as one function of plain values. It must not know what carries out either.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from worker.contract.jobs import PRIORITY_DEFAULT, PRIORITY_PERSON
from worker.contract.types import Lane, QueryType

LONG: Final = 500
"""Characters from which a question is long."""
PATIENCE: Final = 30.0
"""Seconds that an answer may take before it is background work."""
SEVERAL: Final = 2
"""Calls of tools from which an answer is background work."""

TASKS: Final[Mapping[QueryType, str]] = MappingProxyType(
    {
        "general": "process_ai_query_task",
        "system": "process_ai_query_task",
        "medical": "process_medical_analysis_task",
        "database": "process_database_query_task",
        "code": "process_code_analysis_task",
    }
)
"""The published task that carries a queued question of each kind."""

_HEAVY = re.compile(
    r"\b(join|group\s+by|union|having|intersect|except\s+select|partition\s+by|with\s+recursive)\b"
    r"|\(\s*select\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes."""

    lane: Lane
    reason: str = ""
    """Why it is queued, for people; "" where it is not."""


def route(
    text: str,
    query_type: QueryType = "general",
    use_celery: bool | None = None,
    *,
    seconds: float = 0.0,
    tool_calls: int = 0,
    interactive: bool = True,
) -> Route:
    """The lane of a request, at its beginning or while it is answered.

    `use_celery` is the wish of who asks and comes before all else. `seconds` it has taken so far,
    `tool_calls` were begun for it, `interactive` while somebody waits for it.
    """
    if use_celery is not None:
        return Route("queued", "It was asked to be queued.") if use_celery else Route("now")
    for applies, reason in (
        (seconds > PATIENCE, f"It takes longer than {PATIENCE:.0f} s."),
        (tool_calls >= SEVERAL, "It needs several tools."),
        (query_type == "medical", "A medical analysis takes its time."),
        (query_type == "code", "An analysis of code takes its time."),
        (query_type == "database" and heavy(text), "The database query is a heavy one."),
        # What is asked about the system's own state is quick, however it is put.
        (query_type != "system" and len(text) >= LONG, f"It has {LONG} characters or more."),
        (not interactive, "Nobody waits for it."),
    ):
        if applies:
            return Route("queued", reason)
    return Route("now")


def heavy(query: str) -> bool:
    """Whether a database query joins, groups, unites or nests others."""
    return _HEAVY.search(query) is not None


def priority(*, interactive: bool) -> int:
    """Of a queued request; see `Run.priority`."""
    return PRIORITY_PERSON if interactive else PRIORITY_DEFAULT
