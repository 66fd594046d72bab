"""What comes out of a stream, put together: text, tool calls, usage, the reason for the end.

Owns the reading of chunks as servers really send them, not as their documents say: missing
fields, nulls, lists for texts, calls in fragments. A chunk is JSON as it came, and nothing about
it is certain. It must not know HTTP.
"""

import json
from collections.abc import Mapping
from typing import Literal

from worker.contract.types import Usage
from worker.providers.base import ToolCall

Reason = Literal["stop", "length", "tool_calls", "content_filter"]

_REASONS: Mapping[str, Reason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
}


class _Call:
    """A tool call that is still coming."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []


class Reader:
    """Reads the chunks of one answer."""

    def __init__(self, model: str) -> None:
        self.model = model
        """The model as the server names it, or as it was asked for."""
        self.usage: Usage | None = None
        self.reason: Reason | None = None
        self.chunks = 0
        self._half = ""
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def feed(self, chunk: object) -> str:
        """Take a chunk in; returns the text that it adds to the answer."""
        self.chunks += 1
        if not isinstance(chunk, dict):
            return ""
        model = chunk.get("model")
        if model and isinstance(model, str):
            self.model = model
        if (usage := _usage(chunk.get("usage"))) is not None:
            self.usage = usage
        choices = chunk.get("choices")
        if not choices or not isinstance(choices, list) or not isinstance(choices[0], dict):
            return ""
        text = ""
        if isinstance(delta := choices[0].get("delta"), dict):
            text = self._text(delta.get("content"))
            if isinstance(calls := delta.get("tool_calls"), list):
                for fragment in calls:
                    if isinstance(fragment, dict):
                        self._fragment(fragment)
        reason = choices[0].get("finish_reason")
        if reason and isinstance(reason, str):
            self.reason = _REASONS.get(reason.lower(), "stop")
        return text

    def rest(self) -> str:
        """What was held back when the stream ended: half a character cannot be completed."""
        half, self._half = self._half, ""
        return "\ufffd" if half else ""

    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, complete; none where the answer was cut off within them."""
        if self.reason in ("length", "content_filter"):
            return ()
        made: list[ToolCall] = []
        used: set[str] = set()
        for number, call in enumerate(self._calls):
            if not call.name:
                continue
            identifier = call.id if call.id and call.id not in used else f"call_{number}"
            used.add(identifier)
            made.append(ToolCall(identifier, call.name, "".join(call.arguments) or "{}"))
        return tuple(made)

    def _text(self, content: object) -> str:
        if isinstance(content, list):  # parts, of which some are thoughts
            content = "".join(_part(part) for part in content)
        if not content or not isinstance(content, str):
            return ""
        if self._half:
            content, self._half = self._half + content, ""
        if content.isascii():
            return content
        if "\ud800" <= content[-1] <= "\udbff":
            content, self._half = content[:-1], content[-1]
        return whole(content)

    def _fragment(self, fragment: dict[str, object]) -> None:
        index = fragment.get("index")
        identifier = fragment.get("id")
        function = fragment.get("function")
        if not isinstance(function, dict):
            function = {}
        name = function.get("name")
        if not isinstance(index, int):
            index = None
        call = self._by_index.get(index) if index is not None else None
        if index is None and self._calls and not name:
            call = self._calls[-1]
        # Some servers say index 0 for every call: another id with a name is another call.
        another = call is not None and name and identifier and call.id not in ("", identifier)
        if call is None or another:
            call = _Call()
            self._calls.append(call)
            if index is not None:
                self._by_index[index] = call
        if isinstance(identifier, str) and identifier and not call.id:
            call.id = identifier
        if isinstance(name, str) and name and not call.name:
            call.name = name
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        if isinstance(arguments, str):
            call.arguments.append(arguments)


def whole(text: str) -> str:
    """`text` with halves of characters joined where both are there, and replaced elsewhere."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _part(part: object) -> str:
    if isinstance(part, Mapping) and part.get("type", "text") == "text":
        text = part.get("text")
        return text if isinstance(text, str) else ""
    return ""


def _usage(usage: object) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    given, output = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if given is None and output is None:
        return None
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    if cached is None:
        cached = _count(usage.get("prompt_cache_hit_tokens"))
    return Usage(input=given or 0, output=output or 0, cached=min(cached or 0, given or 0))


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return int(value)
