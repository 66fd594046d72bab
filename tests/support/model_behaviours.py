"""What the model server of the tests can do, good and bad, and the chunks that it says.

Owns `Behaviour`, the list of `BEHAVIOURS` by model name, and how a request becomes the pieces
of an answer. It must not know sockets: `model_server` puts the pieces on the wire.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ANSWER = (
    "Hello from the model server. This is **Markdown**, with `code` and a list:\n\n- one\n- two\n"
)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one request for a completion is answered."""

    text: str = ANSWER
    repeat: int = 1
    """How many times the text is said."""
    echo: bool = False
    """Answer with the last message's own text instead."""
    rate: float = 0
    """Tokens (words) a second; 0 as fast as possible."""
    delay: float = 0
    """Seconds before the first byte."""
    tcp_chunk: int = 0
    """Write at most this many bytes at once; 0 whole."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    """Answer with this instead of a completion."""
    content_type: str = ""
    """Of `body`; "" for application/json."""
    raw: str | None = None
    """Write these bytes (latin-1) instead of any HTTP, and close."""
    flood: int = 0
    """Send so many bytes without a line's end instead of an answer, as an event stream if
    `content_type` is empty."""
    raw_events: str | None = None
    """The body (latin-1) of an event stream, word for word."""
    mute: bool = False
    """Accept, read the request, and never say anything."""
    mute_after: int | None = None
    """Go mute in mid-answer, after so many tokens."""
    pause_after: int | None = None
    """Wait after so many tokens until the test calls `release`."""
    cut_after: int | None = None
    """Cut the connection after so many tokens."""
    calls: tuple[tuple[str, str], ...] = ()
    """Tools to call, as (name, JSON arguments), all at once, until their results are there."""
    fragments: int = 3
    """Characters of arguments in each piece."""
    always_call: bool = False
    """Call the tools again and again, whatever comes back, as long as tools are offered."""
    finish: str | None = "stop"
    usage: Literal["end", "cumulative", "none"] = "end"
    odd: bool = False
    """Mix in what compatible servers really send: reasoning, nulls, empty choices."""
    refuse: tuple[str, ...] = ()
    """Fields of a request that give 400."""
    context: int = 0
    """Refuse prompts of more than so many tokens (characters / 4)."""
    events: tuple[str, ...] = ()
    """Data of events that are sent after the text instead of an end."""


def error_body(
    message: str, *, kind: str = "invalid_request_error", code: str | None = None
) -> str:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


GARBAGE = "\x00\x01\xff\xfe\x80garbage\r\n\xc3\x28data:\x00{{{]\n\n" * 20

BEHAVIOURS: Mapping[str, Behaviour] = {
    "fast": Behaviour(),
    "slow": Behaviour(repeat=20, rate=20),
    "steady": Behaviour(text="word ", repeat=2000, rate=200),
    "flood": Behaviour(text="word ", repeat=10_000, rate=10_000),
    "long": Behaviour(text="word ", repeat=20_000),
    "bytes": Behaviour(text=ANSWER + "Grüße, 你好, 🎉\n", tcp_chunk=1),
    "late": Behaviour(delay=0.5),
    "pause": Behaviour(repeat=3, pause_after=5),
    "mute": Behaviour(mute=True),
    "mute-mid": Behaviour(mute_after=5),
    "garbage": Behaviour(raw=GARBAGE),
    "garbage-stream": Behaviour(raw_events=GARBAGE),
    "garbage-mid": Behaviour(events=("{not json",), finish=None),
    "html": Behaviour(
        body="<!doctype html><title>Sign in</title><p>Welcome to the hotel.",
        content_type="text/html; charset=utf-8",
    ),
    "empty": Behaviour(raw_events=""),
    "plain-json": Behaviour(body='{"object": "chat.completion", "choices": []}'),
    "no-finish": Behaviour(finish=None),
    "cut": Behaviour(repeat=3, cut_after=6),
    "cut-early": Behaviour(raw=""),
    "401": Behaviour(
        status=401,
        body=error_body("Incorrect API key provided: {key}.", code="invalid_api_key"),
    ),
    "403": Behaviour(status=403, body=error_body("Your key may not use this model.")),
    "429": Behaviour(
        status=429,
        headers={"Retry-After": "20"},
        body=error_body("Rate limit reached.", kind="requests", code="rate_limit_exceeded"),
    ),
    "no-credit": Behaviour(
        status=429,
        body=error_body(
            "You exceeded your current quota, please check your plan and billing details.",
            kind="insufficient_quota",
            code="insufficient_quota",
        ),
    ),
    "402": Behaviour(status=402, body=error_body("Insufficient credits.", code="402")),
    "404": Behaviour(
        status=404,
        body=error_body("The model `404` does not exist.", code="model_not_found"),
    ),
    "too-long": Behaviour(
        status=400,
        body=error_body(
            "This model's maximum context length is 8192 tokens. However, your messages "
            "resulted in 9001 tokens.",
            code="context_length_exceeded",
        ),
    ),
    "small": Behaviour(context=500),
    "400": Behaviour(status=400, body=error_body("Unsupported value: 'temperature'.")),
    "500": Behaviour(status=500, body=error_body("The server had an error.", kind="server_error")),
    "503": Behaviour(status=503, body="upstream gone", content_type="text/plain"),
    "stream-error": Behaviour(
        events=('{"error": {"message": "The upstream failed.", "code": 502}}',), finish=None
    ),
    "tools": Behaviour(
        text="The tools have answered: ",
        calls=(
            ("date_time", '{"zone": "Asia/Tokyo"}'),
            ("calculate", '{"expression": "6 * 7"}'),
        ),
    ),
    "tools-forever": Behaviour(
        text="Enough. ", calls=(("calculate", '{"expression": "1 + 1"}'),), always_call=True
    ),
    "tools-bad": Behaviour(
        text="I see: ",
        calls=(
            ("calculate", '{"expression": '),
            ("nothing_like_it", "{}"),
            ("calculate", '{"expression": 5}'),
        ),
    ),
    "gemini": Behaviour(usage="cumulative"),
    "no-usage": Behaviour(usage="none"),
    "no-stream-options": Behaviour(usage="none", refuse=("stream_options",)),
    "length": Behaviour(finish="length"),
    "filter": Behaviour(finish="content_filter"),
    "echo": Behaviour(echo=True),
    "odd": Behaviour(odd=True),
    "title": Behaviour(text='"A title of its own."'),
}


@dataclass(slots=True)
class Recorded:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    at: float
    """time.monotonic() when it was complete."""
    gone: threading.Event = field(default_factory=threading.Event)
    """Set once the client has closed the connection."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body.get("messages", [])
        return found


class Script:
    """The chunks of one completion."""

    def __init__(self, request: Recorded, how: Behaviour) -> None:
        self._how = how
        self._body = request.body
        last = request.messages[-1] if request.messages else {}
        answered = last.get("role") == "tool"
        self._calls = how.calls if how.calls and (not answered or how.always_call) else ()
        if not self._body.get("tools"):
            self._calls = ()
        text = text_of(last) if how.echo else how.text * how.repeat
        if answered:
            results = [text_of(m) for m in request.messages if m.get("role") == "tool"]
            text += " | ".join(results)
        self._tokens = [] if self._calls else re.findall(r"\S+\s*|\s+", text)
        self._prompt = size_of(request)
        self._id = "chatcmpl-1"

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self._body.get("model"),
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }

    def _usage(self, output: int) -> dict[str, Any]:
        return {
            "prompt_tokens": self._prompt,
            "completion_tokens": output,
            "total_tokens": self._prompt + output,
            "prompt_tokens_details": {"cached_tokens": min(3, self._prompt)},
        }

    def batches(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """(Tokens before, chunks to write at once): one each, or a millisecond's worth."""
        size = max(1, int(self._how.rate / 1000)) if self._how.rate else 1
        for start in range(0, len(self._tokens), size):
            chunks = []
            for position, token in enumerate(self._tokens[start : start + size], start + 1):
                chunk = self._chunk({"content": token})
                if position == 1:
                    chunk["choices"][0]["delta"]["role"] = "assistant"
                if self._how.usage == "cumulative":
                    chunk["usage"] = self._usage(position)
                chunks.append(chunk)
            yield start, self._oddities() + chunks if self._how.odd and not start else chunks

    def _oddities(self) -> list[dict[str, Any]]:
        nothing = self._chunk({})
        nothing["choices"] = []
        missing = self._chunk({})
        missing["choices"] = None
        no_delta = self._chunk({})
        no_delta["choices"][0]["delta"] = None
        return [
            self._chunk({"role": "assistant"}),
            self._chunk({"role": "assistant", "content": None}),
            self._chunk({"reasoning_content": "Let me think.", "content": None}),
            self._chunk({"reasoning": "Still thinking.", "content": ""}),
            nothing,
            missing,
            no_delta,
        ]

    def end(self) -> Iterator[dict[str, Any]]:
        for index, (name, _) in enumerate(self._calls):
            function = {"name": name, "arguments": ""}
            head = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
            yield self._chunk({"tool_calls": [head]})
        # The arguments of all calls mixed, as several at once may come.
        size = self._how.fragments
        longest = max((len(text) for _, text in self._calls), default=0)
        for start in range(0, longest, size):
            for index, (_, text) in enumerate(self._calls):
                if piece := text[start : start + size]:
                    part = {"index": index, "function": {"arguments": piece}}
                    yield self._chunk({"tool_calls": [part]})
        finish = "tool_calls" if self._calls else self._how.finish
        if finish is not None:
            if self._how.odd:
                yield self._chunk({"content": "The end."}, finish)
            else:
                yield self._chunk({}, finish)
        asked = (self._body.get("stream_options") or {}).get("include_usage")
        if self._how.usage == "end" and asked and finish is not None:
            last = self._chunk({})
            last["choices"] = []
            last["usage"] = self._usage(len(self._tokens))
            yield last

    def completion(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._tokens)}
        if self._calls:
            message["tool_calls"] = [
                {
                    "id": f"call_{index}",
                    "type": "function",
                    "function": {"name": name, "arguments": text},
                }
                for index, (name, text) in enumerate(self._calls)
            ]
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": "tool_calls" if self._calls else self._how.finish,
        }
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": 1,
            "model": self._body.get("model"),
            "choices": [choice],
            "usage": self._usage(len(self._tokens)),
        }


def text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def size_of(request: Recorded) -> int:
    return sum(len(text_of(message)) for message in request.messages) // 4


def key_of(request: Recorded) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")
