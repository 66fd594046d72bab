"""A limit on what a server can make this program hold in memory.

Owns the counting of bytes below the SDK, which itself keeps whatever comes until a line or a body
ends. It must not know what the bytes mean. Imported only when a model is asked.
"""

from collections.abc import AsyncIterator

import httpx2

LONGEST_LINE = 8_000_000
"""Bytes of one event of a stream."""
LARGEST_BODY = 32_000_000
"""Bytes of an answer that is no stream, such as a list of models or an error page."""


async def bound(response: httpx2.Response) -> None:
    """An event hook: let `response` fail with DecodingError once it is over its limit."""
    kind = response.headers.get("content-type", "")
    most = LONGEST_LINE if kind.startswith("text/event-stream") else LARGEST_BODY
    by_line = most == LONGEST_LINE
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream, most, by_line=by_line)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, most: int, *, by_line: bool) -> None:
        self._inner = inner
        self._most = most
        self._by_line = by_line

    async def __aiter__(self) -> AsyncIterator[bytes]:
        held = 0
        async for data in self._inner:
            newline = data.rfind(b"\n") if self._by_line else -1
            held = held + len(data) if newline < 0 else len(data) - newline - 1
            if held > self._most:
                raise httpx2.DecodingError(f"more than {self._most} bytes")
            yield data

    async def aclose(self) -> None:
        await self._inner.aclose()
