"""A chat's title, found by the model.

Owns the question for it and the cleaning of what comes back. It must not know where titles are
kept.
"""

import re
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from worker.agent.loop import Parameters
from worker.agent.prompts import title_prompt
from worker.contract.types import Usage
from worker.providers.base import Finished, ModelProvider, PromptMessage, TextDelta
from worker.providers.tokens import estimate_usage

LONGEST = 60
"""Characters of a title."""
_EXCERPT = 2000
"""Characters of the question and of the answer that the model sees."""
_ENOUGH = 400
"""Characters after which a model that does not stop is not listened to any more."""
_TOKENS = 1000
"""Room for models that think before they speak."""

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_LABEL = re.compile(r"^(?:title|titel|chat title|titre|título)\s*[:：]\s*", re.IGNORECASE)
_QUOTES = "\"'`“”„‘’‚«»‹›「」『』*_#"


@dataclass(frozen=True, slots=True)
class Title:
    """What was found."""

    text: str
    """The title; from the question's first words where the model gave none that can be used."""
    from_model: bool
    model: str = ""
    usage: Usage | None = None
    """What the call used; None when no call was made."""
    seconds: float = 0.0


async def find_title(
    provider: ModelProvider,
    parameters: Parameters,
    question: str,
    answer: str,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Title:
    """A title for a chat that begins with `question` and `answer`, in their language.

    The built-in assistant is not asked. Raises ModelError.
    """
    if provider.id == "builtin":
        return Title(first_words(question), from_model=False)
    prompt = title_prompt(question[:_EXCERPT], answer[:_EXCERPT])
    messages = (PromptMessage("user", prompt),)
    request = replace(parameters, max_tokens=_TOKENS).request(messages)
    began = clock()
    text = ""
    finished: Finished | None = None
    async with aclosing(provider.stream(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextDelta):
                text += piece.text
            elif isinstance(piece, Finished):
                finished = piece
            if len(_THOUGHT.sub("", text)) > _ENOUGH:
                break
    usage = finished.usage if finished is not None else None
    if usage is None:
        usage = estimate_usage(messages, (), PromptMessage("assistant", text))
    found = clean_title(text)
    return Title(
        text=found or first_words(question),
        from_model=bool(found),
        model=finished.model if finished is not None else parameters.model,
        usage=usage,
        seconds=clock() - began,
    )


def clean_title(text: str) -> str:
    """The title in a model's words: one line, no quotes, no Markdown, cut; "" for none."""
    lines = (_plain(line) for line in _THOUGHT.sub("", text).splitlines())
    return next((line for line in lines if line), "")


def first_words(text: str) -> str:
    """A title from the first words of a question; "" for an empty one."""
    return _cut(_strip(" ".join(_CONTROL.sub(" ", text[:_EXCERPT]).split())))


def _plain(line: str) -> str:
    line = _strip(" ".join(_CONTROL.sub(" ", line).split()))
    line = _strip(_LABEL.sub("", line))
    if line.endswith(".") and not line.endswith(".."):
        line = _strip(line[:-1])
    return _cut(line)


def _strip(text: str) -> str:
    text = text.strip().strip(_QUOTES).strip()
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("**", "").replace("`", "")


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    start = text[: LONGEST - 1]
    words = start.rsplit(" ", 1)[0]
    return (words if len(words) > LONGEST // 2 else start).rstrip(" ,;:-") + "…"
