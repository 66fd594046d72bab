"""What compatible servers refuse, learnt from their refusals, so that asking again works.

Owns the few parameters that servers differ in. It must not know HTTP or words for people.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a model at a server wants to be asked."""

    stream_options: bool = True
    """False: it refuses to be asked for the usage of a stream."""
    tools: bool = True
    """False: it cannot call tools."""
    temperature: bool = True
    """False: it takes its own temperature only."""
    limit: Literal["max_tokens", "max_completion_tokens", ""] = "max_tokens"
    """What the limit of an answer's length is called; "": it takes none."""


_NO_TOOLS = re.compile(
    r"(not|n't|no endpoints found that) support.{0,30}(tool|function)"
    r"|(tool|function).{0,60}(not supported|unsupported|requires --jinja)",
    re.IGNORECASE,
)


def learn(known: Quirks, status: int, message: str) -> Quirks | None:
    """How to ask again after a refusal; None when the refusal is about something else."""
    if status not in (400, 404, 422, 500, 501):
        return None
    text = message.lower()
    if known.stream_options and re.search(r"stream_options|include_usage", text):
        return replace(known, stream_options=False)
    if known.tools and _NO_TOOLS.search(message):
        return replace(known, tools=False)
    if status in (400, 422):
        if known.limit and known.limit in text and _about(text):
            other = known.limit == "max_tokens"
            return replace(known, limit="max_completion_tokens" if other else "")
        if known.temperature and "temperature" in text and _about(text):
            return replace(known, temperature=False)
    return None


def _about(text: str) -> bool:
    """Whether a parameter itself is refused, and not its value."""
    return bool(
        re.search(r"unsupported|not support|unrecogni|unknown|not permitted|unexpected", text)
    )
