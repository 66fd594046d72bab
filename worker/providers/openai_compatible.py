"""Any server that speaks chat.completions, through the openai SDK.

Owns the client, its time limits, and the way from a request to pieces. What goes wrong becomes a
`ModelError` in `errors`. It must not know the agent or where keys are kept. The SDK takes a good
part of a second to import, so it is imported when a model is first asked.
"""

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from worker.contract.addresses import is_local, is_web_address
from worker.contract.errors import ModelError
from worker.contract.system import ModelInfo, ProviderTest
from worker.providers.base import (
    CallsReady,
    CompletionRequest,
    Finished,
    Piece,
    PromptMessage,
    TextDelta,
)
from worker.providers.catalogue import OPENAI, origin
from worker.providers.chunks import Reader, whole
from worker.providers.listing import read_models
from worker.providers.quirks import Quirks, learn

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI, AsyncStream

    from worker.providers.errors import Call

T = TypeVar("T")

_AFTER_THE_END = 5.0
"""Seconds that the usage may take to come once the answer is complete."""
_LIST_TIMEOUT = 15.0
_EXCERPT = 4096
"""Bytes of an answer that is no stream which are looked at."""
_SENT = frozenset(
    {
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length",
        "transfer-encoding", "user-agent",
    }
)  # fmt: skip


def load_sdk() -> None:
    """Import what talking to a model needs (half a second). Meant for another thread."""
    import worker.providers.errors  # noqa: F401


def _now() -> datetime:
    return datetime.now(UTC)


class OpenAICompatible:
    """A `ModelProvider` for one server. Made anywhere, used on the runtime loop only."""

    def __init__(
        self,
        id: str,
        name: str,
        base_url: str,
        key: str | None = None,
        proxy: str = "",
        *,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """`key` None sends none. `proxy` "" uses the system's settings, but never for a server
        on this machine. `now` is what the end of a rate limit is counted from."""
        self.id = id
        self.name = name
        self.base_url = base_url.strip()
        self.local = is_local(self.base_url)
        self._key = (key or "").strip() or None
        self._proxy = proxy.strip()
        self._now = now
        self._client: AsyncOpenAI | None = None
        self._web: httpx2.AsyncClient | None = None
        self._closing: asyncio.Future[None] | None = None
        self._opening = asyncio.Lock()
        self._quirks: dict[str, Quirks] = {}

    def __repr__(self) -> str:
        return f"OpenAICompatible({self.id!r})"

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[Piece, None]:
        """See `ModelProvider.stream`."""
        call = await self._call(request)
        reader = Reader(request.model)
        deadline = asyncio.get_running_loop().time() + request.total_timeout
        stream = await self._guarded(self._open(request), call, deadline)
        try:
            await self._guarded(_check_type(stream, call), call, deadline)
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        chunk = await stream.__anext__()
                except StopAsyncIteration:
                    break
                except Exception as error:  # whatever a server makes the SDK or the decoder raise
                    if reader.reason is not None:
                        break  # complete, whatever happened to the connection afterwards
                    raise self._problem(error, call) from None
                if (text := reader.feed(chunk)) != "":
                    if not call.began:
                        call = replace(call, began=True)
                    yield TextDelta(text)
                if reader.reason is not None:
                    end = asyncio.get_running_loop().time() + _AFTER_THE_END
                    deadline = min(deadline, end)
        finally:
            await stream.close()
        if (text := reader.rest()) != "":
            yield TextDelta(text)
        for piece in self._end(reader, call):
            yield piece

    def _end(self, reader: Reader, call: "Call") -> tuple[Piece, ...]:
        from worker.providers.errors import cut, not_a_stream

        if reader.reason is None:
            if reader.chunks == 0:
                raise not_a_stream(call, "nothing came")
            raise cut(call, f"{self.name} ended it without saying that it was complete.")
        calls = reader.calls()
        if calls:
            return (CallsReady(calls), Finished("tool_calls", reader.usage, reader.model))
        reason = "stop" if reader.reason == "tool_calls" else reader.reason
        return (Finished(reason, reader.usage, reader.model),)

    async def models(self) -> tuple[ModelInfo, ...]:
        """See `ModelProvider.models`."""
        call = replace(await self._call(None), chunk_timeout=_LIST_TIMEOUT)
        deadline = asyncio.get_running_loop().time() + _LIST_TIMEOUT
        return await self._guarded(self._list(call), call, deadline)

    async def _list(self, call: "Call") -> tuple[ModelInfo, ...]:
        from worker.providers.errors import not_a_stream

        client = await self._ready()
        listed: object = await client.get("/models", cast_to=object)
        web = self._web if self.local else None
        found = await read_models(self.id, listed, web, origin(self.base_url))
        if found is None:
            raise not_a_stream(call, "no list of models", listed if isinstance(listed, str) else "")
        return found

    async def aclose(self) -> None:
        """See `ModelProvider.aclose`."""
        client, self._client, self._web = self._client, None, None
        if client is not None:
            # On its own: where it is cancelled half way, it leaves the other connections open.
            self._closing = asyncio.ensure_future(client.close())
            await asyncio.shield(self._closing)

    # the way there ---------------------------------------------------------------------------

    async def _call(self, request: CompletionRequest | None) -> "Call":
        await _loaded()
        made = self._what()
        if request is None:
            return made
        return replace(
            made,
            model=request.model,
            connect_timeout=request.connect_timeout,
            chunk_timeout=request.chunk_timeout,
            total_timeout=request.total_timeout,
        )

    def _what(self) -> "Call":
        from worker.providers.errors import Call

        own_proxy = bool(self._proxy)
        return Call(self.name, self.base_url, self._key, local=self.local, own_proxy=own_proxy)

    async def _guarded(self, doing: Awaitable[T], call: "Call", deadline: float) -> T:
        """`doing`, with a limit on its time and its exceptions as ModelError."""
        try:
            async with asyncio.timeout_at(deadline):
                return await doing
        except Exception as error:  # whatever a server makes the SDK or the decoder raise
            # Not chained: the SDK's text and request hold what the server said, key included.
            raise self._problem(error, call) from None

    def _problem(self, error: Exception, call: "Call") -> ModelError:
        from worker.providers.errors import from_exception, timed_out

        if isinstance(error, TimeoutError):
            return timed_out(call, total=True)
        return from_exception(error, call, self._now())

    async def _ready(self) -> "AsyncOpenAI":
        async with self._opening:
            if self._client is None:
                # It reads the machine's certificates, while the loop has others to serve.
                self._client = await asyncio.to_thread(self._make_client)
            return self._client

    def _make_client(self) -> "AsyncOpenAI":
        import httpx2
        from openai import AsyncOpenAI

        from worker.providers.bounds import bound
        from worker.providers.errors import bad_address, bad_certificates, bad_key, bad_proxy
        from worker.providers.way import follow

        call = self._what()
        if not is_web_address(self.base_url):
            raise bad_address(call)
        if self._key is not None and not (self._key.isascii() and self._key.isprintable()):
            raise bad_key(call)
        try:
            web = httpx2.AsyncClient(
                proxy=self._proxy or None,
                trust_env=not self.local,
                follow_redirects=False,  # a key must not travel on to another host
                limits=httpx2.Limits(max_keepalive_connections=4, keepalive_expiry=60.0),
                timeout=httpx2.Timeout(_LIST_TIMEOUT),
                event_hooks={"request": [self._own_headers, follow], "response": [bound]},
            )
        except (ImportError, ValueError, httpx2.InvalidURL) as error:
            raise bad_proxy(call, str(error)) from None
        except OSError as error:
            raise bad_certificates(call, error) from None
        self._web = web
        return AsyncOpenAI(
            base_url=self.base_url,
            api_key=self._key or "none",  # the SDK wants one; `_own_headers` decides what is sent
            max_retries=0,
            http_client=web,
        )

    async def _own_headers(self, request: "httpx2.Request") -> None:
        """Send our key and nothing else: the SDK adds the machine's details, and organisation
        and headers from environment variables that are meant for one server only."""
        for name in list(request.headers):
            if name.lower() not in _SENT:
                del request.headers[name]
        request.headers["User-Agent"] = "Nagatha"
        request.headers["Accept-Encoding"] = "identity"  # packed, a little could become a lot
        if self._key is not None:
            request.headers["Authorization"] = f"Bearer {self._key}"

    async def _open(self, request: CompletionRequest) -> "AsyncStream[object]":
        import httpx2
        import openai

        client = await self._ready()
        timeout = httpx2.Timeout(request.chunk_timeout, connect=request.connect_timeout)
        while True:
            quirks = self._quirks.get(request.model) or self._first_quirks()
            body = request_body(request, quirks)
            try:
                # Not `chat.completions.create`: it builds a model of every chunk without checking
                # it, which costs more than all else and makes odd chunks odder.
                return await client.post(
                    "/chat/completions",
                    body=body,
                    cast_to=object,
                    options={"timeout": timeout},
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                )
            except openai.APIStatusError as error:
                better = learn(quirks, error.status_code, error.response.text)
                # Learning that changes nothing for this request would go round for ever.
                if better is None or request_body(request, better) == body:
                    raise
                self._quirks[request.model] = better

    def _first_quirks(self) -> Quirks:
        if origin(self.base_url) == origin(OPENAI.base_url):
            return Quirks(limit="max_completion_tokens")
        return Quirks()


async def _loaded() -> None:
    """The SDK, imported by a thread of its own the first time: the loop has others to serve."""
    import sys

    if "worker.providers.errors" not in sys.modules:
        await asyncio.to_thread(load_sdk)


async def _check_type(stream: "AsyncStream[object]", call: "Call") -> None:
    """Raises where the server says itself that this is no stream: the SDK would see no chunk."""
    from worker.providers.errors import not_a_stream

    response = stream.response
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("text/html", "application/json", "application/xhtml+xml"):
        return
    data = b""
    async for piece in response.aiter_bytes():
        data += piece
        if len(data) >= _EXCERPT:
            break
    text = data[:_EXCERPT].decode("utf-8", "replace")
    raise not_a_stream(call, kind, "" if "html" in kind else text)


def request_body(request: CompletionRequest, quirks: Quirks) -> dict[str, object]:
    """The body of a request as the server wants it."""
    body: dict[str, object] = {
        "model": whole(request.model),
        "messages": [_message(message) for message in request.messages],
        "stream": True,
    }
    if quirks.stream_options:
        body["stream_options"] = {"include_usage": True}
    if request.tools and quirks.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": _clean(tool.description),
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in request.tools
        ]
    if request.temperature is not None and quirks.temperature:
        body["temperature"] = request.temperature
    if request.max_tokens is not None and quirks.limit:
        body[quirks.limit] = request.max_tokens
    return body


def _message(message: PromptMessage) -> dict[str, object]:
    made: dict[str, object] = {"role": message.role, "content": _clean(message.text)}
    if message.images:
        parts: list[dict[str, object]] = []
        if message.text:
            parts.append({"type": "text", "text": _clean(message.text)})
        for image in message.images:
            data = base64.b64encode(image.data).decode("ascii")
            url = f"data:{image.media_type};base64,{data}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        made["content"] = parts
    if message.calls:
        made["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _clean(call.arguments)},
            }
            for call in message.calls
        ]
        made["content"] = _clean(message.text) or None
    if message.call_id:
        made["tool_call_id"] = message.call_id
    return made


def _clean(text: str) -> str:
    """What every server can read: no NUL, no half of a character."""
    return whole(text).replace("\x00", "\ufffd")


async def test_provider(provider: OpenAICompatible, model: str = "") -> ProviderTest:
    """Try a server: its list of models, or an answer of one token where it has none.

    Without a list, `model` is asked; that costs a few tokens.
    """
    began = time.monotonic()
    count: int | None = None
    problem: ModelError | None = None
    try:
        count = len(await provider.models())
    except ModelError as error:
        problem = error
        # A list that is missing, or whose address is unknown, does not mean that chat fails.
        if error.kind in ("model_unknown", "not_a_stream", "refused", "server_error") and model:
            problem = await _ask(provider, model)
    seconds = time.monotonic() - began
    return ProviderTest(
        ok=problem is None,
        seconds=seconds,
        models=count,
        problem=None if problem is None else problem.problem,
    )


async def _ask(provider: OpenAICompatible, model: str) -> ModelError | None:
    request = CompletionRequest(
        model=model,
        messages=(PromptMessage("user", "Say OK."),),
        max_tokens=1,
        chunk_timeout=_LIST_TIMEOUT,
        total_timeout=2 * _LIST_TIMEOUT,
    )
    try:
        async for _ in provider.stream(request):
            pass
    except ModelError as error:
        return error
    return None
