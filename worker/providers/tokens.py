"""How many tokens a prompt or an answer has, before (or without) the server saying so.

Owns the estimate: no tokenizer is downloaded, and every number made here is shown as an
estimate. It must not know a vendor.
"""

import json
from collections.abc import Iterable

from worker.contract.types import Usage
from worker.providers.base import PromptMessage, ToolSpec

BYTES_A_TOKEN = 4.0
"""Of UTF-8 text; measured over English, German and code."""
JSON_BYTES_A_TOKEN = 1.8
"""Of JSON: its brackets and quotes are tokens of their own."""
MESSAGE_OVERHEAD = 4
"""Tokens that each message costs on top of its text."""
IMAGE = 1000
"""Tokens of one picture. Servers count 250 to 1,600 depending on its size and their rules; one
of 1,024 by 1,024 costs 765 at OpenAI and 1,400 at Anthropic."""


def estimate_text(text: str) -> int:
    """Tokens of a text; 0 only for an empty one."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return _ceil(size / BYTES_A_TOKEN)


def estimate_json(text: str) -> int:
    """Tokens of a JSON text."""
    return _ceil(len(text.encode("utf-8", "surrogatepass")) / JSON_BYTES_A_TOKEN)


def estimate_image() -> int:
    """Tokens of one picture, whatever its size."""
    return IMAGE


def estimate_message(message: PromptMessage) -> int:
    """Tokens of one message of a prompt, its pictures and calls included."""
    calls = sum(estimate_text(c.name) + estimate_json(c.arguments) for c in message.calls)
    return estimate_text(message.text) + len(message.images) * IMAGE + calls + MESSAGE_OVERHEAD


def estimate_tools(tools: Iterable[ToolSpec]) -> int:
    """Tokens of the tools that are offered with a prompt."""
    return sum(
        estimate_text(tool.name)
        + estimate_text(tool.description)
        + estimate_json(json.dumps(tool.parameters, default=str))
        for tool in tools
    )


def estimate_prompt(messages: Iterable[PromptMessage], tools: Iterable[ToolSpec] = ()) -> int:
    """Tokens of a whole prompt."""
    return sum(estimate_message(message) for message in messages) + estimate_tools(tools)


def estimate_usage(
    messages: Iterable[PromptMessage], tools: Iterable[ToolSpec], answer: PromptMessage
) -> Usage:
    """What a call probably used, where the server sent no count."""
    output = estimate_message(answer) - MESSAGE_OVERHEAD
    return Usage(input=estimate_prompt(messages, tools), output=output, estimated=True)


def _ceil(number: float) -> int:
    return int(-(-number // 1))
