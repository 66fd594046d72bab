"""Answers that are used again for a while: for what, how long, and which are kept at all.

Owns the key and the times. It must not know how answers are stored or shown.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from worker.agent.context import Question, build_prompt
from worker.agent.loop import AnswerEnd, Parameters
from worker.contract.errors import ModelError, NagathaError
from worker.contract.types import Message, QueryType
from worker.providers.base import PromptMessage, ToolSpec
from worker.service.scope import Scope
from worker.storage.answers import KeptAnswer
from worker.tools.base import Tool

log = logging.getLogger(__name__)

LIFETIMES: Final[Mapping[QueryType, timedelta]] = MappingProxyType(
    {
        "general": timedelta(hours=1),
        "database": timedelta(minutes=30),
        "code": timedelta(minutes=30),
        "medical": timedelta(hours=2),
    }
)
"""How long an answer may be used again. How the system is, is asked each time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that the answer to a question depends on."""

    provider: str
    address: str
    """Where the provider is: another server under the same name is another one."""
    parameters: Parameters
    question: Question
    tools: Sequence[Tool]
    query_type: QueryType

    def key(self) -> str:
        """A hash of it; "" where its answer may not be used again.

        Made of what the model would be sent, with the whole branch above and the bytes of its
        files. The system prompt names the day and no time: it belongs to the key as it is, so
        that a question about tomorrow is not answered with yesterday's answer.
        """
        if self.query_type not in LIFETIMES or self.question.resume:
            return ""
        try:
            prompt = build_prompt(self.question, images=self.parameters.images)
        except ModelError:
            return ""
        asked = self.parameters
        whole = {
            "kind": self.query_type,
            "provider": [self.provider, self.address],
            "model": [asked.model, asked.temperature, asked.max_tokens],
            "messages": [_message(message) for message in prompt.messages],
            "tools": [
                [spec.name, spec.description, spec.parameters]
                for spec in sorted(map(_spec, self.tools), key=lambda spec: spec.name)
            ],
        }
        text = json.dumps(whole, sort_keys=True, default=str)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def find(scope: Scope, key: str) -> KeptAnswer | None:
    """The answer kept under `key`; None where there is none, or it cannot be read."""
    if not key:
        return None
    try:
        return await scope.storage.get_answer(scope.owner, key, scope.now())
    except NagathaError as error:  # a model can answer all the same
        log.warning("kept answers cannot be read: %s", error)
        return None


async def keep(scope: Scope, key: str, query_type: QueryType, answer: Message) -> None:
    """Keep `answer` for as long as its kind may be used again. Never raises NagathaError."""
    now = scope.now()
    kept = KeptAnswer(
        key, now, now + LIFETIMES[query_type], answer.provider, answer.model, answer.text
    )
    try:
        await scope.storage.put_answer(scope.owner, kept)
    except NagathaError as error:  # the answer itself is there; it is only asked for again
        log.warning("an answer cannot be kept: %s", error)


def may_keep(end: AnswerEnd, *, tools: bool) -> bool:
    """Whether an answer may be used again: whole, from a model alone, with nothing to say about
    how it came to be."""
    return (
        end.state == "complete"
        and end.reason == "stop"
        and end.error is None
        and not end.notes
        and not tools
    )


def _message(message: PromptMessage) -> list[object]:
    images = [[one.media_type, hashlib.sha256(one.data).hexdigest()] for one in message.images]
    return [message.role, message.text, images]


def _spec(tool: Tool) -> ToolSpec:
    return ToolSpec(tool.name, tool.description, tool.parameters)
