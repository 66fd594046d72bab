"""A `Client` for tests of what stands in front of one: it remembers calls and returns what it is
told to.

Owns no behaviour of the engine; what that is, tests/contract/test_client.py says.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from worker.contract.events import AnswerDelta, Event


class _Feature:
    def __init__(self, recorder: "Recorder", feature: str) -> None:
        self._recorder = recorder
        self._feature = feature

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(**arguments: object) -> object:
            self._recorder.calls.append((f"{self._feature}.{name}", arguments))
            result = self._recorder.results.get(f"{self._feature}.{name}")
            if isinstance(result, BaseException):
                raise result
            return await result() if callable(result) else result

        return call


class Recorder:
    """The client of one owner. `results` maps "feature.method" to a value, an exception or a
    coroutine function."""

    def __init__(self, owner: str = "me") -> None:
        self.owner = owner
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.results: dict[str, Any] = {}
        self.kept: list[Event] = []
        self.subscriptions: list[int | None] = []
        """What each call of `events` asked for."""
        self.closed = 0
        """How many subscriptions have ended."""
        self.ended = asyncio.Event()
        """Set once one has."""
        self._queues: list[asyncio.Queue[Event | None]] = []

    def __getattr__(self, feature: str) -> Any:
        return _Feature(self, feature)

    def publish(self, text: str, *, stored: bool = True) -> Event:
        """Tell everybody. What is not stored cannot be resumed after, and has the last seq."""
        seq = (self.kept[-1].seq if self.kept else 0) + stored
        event = AnswerDelta("c", "m", text, 0, seq=seq, at=datetime.now(UTC))
        if stored:
            self.kept.append(event)
        for queue in self._queues:
            queue.put_nowait(replace(event))
        return event

    def end_streams(self) -> None:
        """End every subscription, as an engine that closes does."""
        for queue in self._queues:
            queue.put_nowait(None)

    def events(self, after: int | None = None) -> AsyncIterator[Event]:
        self.subscriptions.append(after)
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        if after is not None:
            for event in self.kept:
                if event.seq > after:
                    queue.put_nowait(event)
        self._queues.append(queue)
        return self._events(queue)

    async def _events(self, queue: "asyncio.Queue[Event | None]") -> AsyncGenerator[Event]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._queues.remove(queue)
            self.closed += 1
            self.ended.set()
