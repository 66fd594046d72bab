"""How many tokens something will cost, before a server has counted it. Pure functions.

The rule is the engine's for its own estimates: bytes of UTF-8 by four, four more a message.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from worker.contract.types import Message, Usage

BYTES = 4
"""Bytes of text a token."""
MESSAGE = 4
"""Tokens that a message costs whatever it says."""


def text_tokens(text: str) -> int:
    """An estimate for `text`; 0 for none."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES)


@dataclass(frozen=True, slots=True)
class Room:
    """How full a model's context will be with what stands in the box."""

    tokens: int
    """Of the conversation and the box together."""
    context: int | None
    """What fits; None where the server does not say."""

    @property
    def share(self) -> float | None:
        """From 0 up; above 1 it does not fit. None where the context is not known."""
        return self.tokens / self.context if self.context else None


def conversation_tokens(messages: Iterable[Message]) -> int:
    """An estimate of what the branch `messages` costs to send.

    The last answer whose usage is known counts for everything up to it; the rest is estimated.
    """
    total = 0
    for message in messages:
        used: Usage | None = message.usage
        if message.role == "assistant" and used is not None and used.input:
            total = used.input + used.output
            continue
        files = sum(attachment.tokens for attachment in message.attachments)
        total += text_tokens(message.text) + files + MESSAGE
    return total


def room(
    messages: Iterable[Message], draft: str, attachments: Iterable[int], context: int | None
) -> Room:
    """How full it will be when `draft` is sent with attachments of so many tokens."""
    boxed = text_tokens(draft) + sum(attachments)
    return Room(conversation_tokens(messages) + boxed + (MESSAGE if boxed else 0), context)
