"""The event stream by HTTP, which goes on where it broke.

Owns reading, reconnecting and resuming. It must not know what the events mean.
"""

import asyncio
import logging
import weakref
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Self

import httpx2

from worker.contract.errors import AuthenticationError, NagathaError, Unavailable
from worker.contract.events import Event
from worker.contract.wire import EVENTS_PATH, NOW_HEADER, error_of, event_of

RETRY_DELAYS: Sequence[float] = (0.1, 0.3, 1.0, 3.0, 5.0)
"""Seconds before one more try, the last for all that follow."""
SILENCE = 45.0
"""Seconds without a byte after which the connection is taken for dead; the server gives a sign
of life every 15."""
_AHEAD = 1000
"""Events read before somebody takes them. Then reading waits, and the server joins deltas."""

log = logging.getLogger(__name__)


def unreachable(http: httpx2.AsyncClient, error: Exception) -> Unavailable:
    """What a person reads when a connection fails."""
    why = str(error) or type(error).__name__
    if isinstance(error, httpx2.TimeoutException):
        why = "It did not answer in time."
    return Unavailable(
        "Nagatha's engine cannot be reached",
        f"{_address(http)}: {why}",
        "See that it runs there, and that the address and the network are right.",
    )


def not_nagatha(http: httpx2.AsyncClient, response: httpx2.Response) -> Unavailable:
    """What a person reads when something else answers at the address."""
    return Unavailable(
        "That is not Nagatha's engine, or another version of it",
        f"{_address(http)} answered {response.status_code} with something else.",
        "See that the address is right and that both sides have the same version.",
    )


def _address(http: httpx2.AsyncClient) -> str:
    return str(http.base_url.copy_with(userinfo=b"")).rstrip("/")


class EventStream:
    """An async iterator of events; `aclose` ends it, and so does forgetting it."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        after: int | None,
        *,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        reader = _Reader(http, after, retry_delays)
        loop = asyncio.get_running_loop()
        self._reader = reader
        self._task = loop.create_task(reader.run(), name="events")
        self._over = False
        # The task knows the reader and not the stream, so that a forgotten stream goes away.
        weakref.finalize(self, _cancel, loop, self._task).atexit = False

    @property
    def closed(self) -> bool:
        """True once nothing can come any more."""
        return self._over or (self._task.done() and self._reader.ready.empty())

    async def begun(self) -> None:
        """Waits until the stream stands for the first time, or has failed to."""
        await self._reader.begun.wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._over:
            raise StopAsyncIteration
        item = await self._reader.ready.get()
        if item is None or isinstance(item, NagathaError):
            self._over = True
            # Whoever else waits here is told too.
            self._reader.end()
            if item is None:
                raise StopAsyncIteration
            raise item
        return item

    async def aclose(self) -> None:
        """End the stream, also for who waits for its next event."""
        self._over = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._reader.end()


def _cancel(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    if not loop.is_closed():
        # Forgetting may happen on any thread.
        loop.call_soon_threadsafe(task.cancel)


class _Reader:
    """Reads events into `ready`: events, an error that ends it, or None for the end."""

    def __init__(
        self, http: httpx2.AsyncClient, after: int | None, retry_delays: Sequence[float]
    ) -> None:
        self.ready: asyncio.Queue[Event | NagathaError | None] = asyncio.Queue(_AHEAD)
        self.begun = asyncio.Event()
        self._http = http
        self._after = after
        self._since: datetime | None = None
        self._delays = retry_delays

    def end(self) -> None:
        """Let who waits for an event see the end; events not taken yet are dropped."""
        while not self.ready.empty():
            self.ready.get_nowait()
        self.ready.put_nowait(None)

    async def run(self) -> None:
        """Read until cancelled, or until it makes no sense any more."""
        failures = 0
        try:
            while True:
                try:
                    # Closed at once when this is cancelled, and not whenever it is collected.
                    async with aclosing(self._connection()) as events:
                        async for event in events:
                            failures = 0
                            await self.ready.put(event)
                except AuthenticationError as error:
                    await self.ready.put(error)
                    return
                except NagathaError as error:
                    if not self.begun.is_set():
                        await self.ready.put(error)
                        return
                    log.info("The event stream broke: %s", error)
                await asyncio.sleep(self._delays[min(failures, len(self._delays) - 1)])
                failures += 1
        finally:
            self.begun.set()

    async def _connection(self) -> AsyncGenerator[Event]:
        """The events of one connection. Raises NagathaError when it breaks."""
        after = self._after
        if after is None and self._since is not None:
            # Broken before the first event came: all that is kept, but for what was before.
            after = 0
        query = {} if after is None else {"after": str(after)}
        timeout = httpx2.Timeout(SILENCE, connect=10.0)
        try:
            async with self._http.stream(
                "GET", EVENTS_PATH, params=query, timeout=timeout
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise error_of(response.content) or not_nagatha(self._http, response)
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    raise not_nagatha(self._http, response)
                if not self.begun.is_set():
                    self._since = _moment(response.headers.get(NOW_HEADER))
                    self.begun.set()
                async for sent in httpx2.EventSource(response, max_event_size=None):
                    event = _event(sent.data)
                    if event is not None and self._is_new(event):
                        self._after = max(self._after or 0, event.seq)
                        yield event
        except (httpx2.HTTPError, RuntimeError) as error:
            raise unreachable(self._http, error) from error

    def _is_new(self, event: Event) -> bool:
        if self._after is not None or self._since is None or event.at is None:
            return True
        return event.at >= self._since


def _event(data: str) -> Event | None:
    """One event; None for what this version cannot read, which must not end the stream."""
    if not data:
        return None
    try:
        return event_of(data)
    except ValueError as error:
        log.warning("An event of the engine could not be read: %s", type(error).__name__)
        return None


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
