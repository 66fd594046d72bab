"""One listener's place in the stream of events: what waits for it, and catching up.

Owns the order, the joining of deltas, and how far a listener may fall behind: from there on it
reads what it missed from where events are kept. It must not know where that is.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

from worker.contract.events import (
    AnswerDelta,
    ChatChanged,
    DataReplaced,
    Event,
    MessageChanged,
    RunChanged,
    ToolChanged,
)

WAITING_MOST = 2_000
"""Events that wait for one listener before it has to catch up by reading."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stretch of the kept events of one owner."""

    events: Sequence[Event]
    """Oldest first; a `DataReplaced` before them where some are not kept any more."""
    until: int
    """The seq that was looked up to; the stretch after it is asked for next."""
    more: bool
    """Whether there may be events after `until`."""


Replay: TypeAlias = Callable[[str, int], Awaitable[Kept]]
"""(owner, after) -> the kept events after that seq."""


class _Joined:
    """Deltas of one answer that follow one another, as one."""

    __slots__ = ("_first", "_last", "_parts", "end")

    def __init__(self, delta: AnswerDelta) -> None:
        self._first = self._last = delta
        self._parts = [delta.text]
        self.end = delta.offset + len(delta.text)

    def add(self, delta: AnswerDelta) -> bool:
        """Take one more; False when it does not follow."""
        if delta.offset != self.end:
            return False
        self._parts.append(delta.text)
        self._last = delta
        self.end += len(delta.text)
        return True

    def event(self) -> AnswerDelta:
        """All of it."""
        if len(self._parts) == 1:
            return self._first
        return replace(self._last, text="".join(self._parts), offset=self._first.offset)


@dataclass(frozen=True, slots=True)
class _Unkept:
    """An event that could not be kept: what is not delivered from the queue is lost."""

    event: Event


def _subject(event: Event) -> tuple[str, ...] | None:
    """What an event tells the whole state of, so that a later one replaces it; None for none."""
    match event:
        case ChatChanged():
            return (event.kind, event.chat.id)
        case MessageChanged():
            return (event.kind, event.message.id)
        case RunChanged():
            return (event.kind, event.run.id)
        case ToolChanged():
            return (event.kind, event.message, event.tool.id)
        case _:
            return None


class Subscription(AsyncIterator[Event]):
    """The events for one listener. Belongs to the runtime loop, as all of the bus."""

    def __init__(
        self,
        owner: str,
        after: int | None,
        now: int,
        replay: Replay,
        on_close: Callable[["Subscription"], None],
        waited_for: set["Subscription"],
        waiting_most: int = WAITING_MOST,
    ) -> None:
        """From after the seq `after`, or from `now` on, which is the newest seq.

        It is put into `waited_for` while somebody waits for an event of it.
        """
        self.owner = owner
        self._replay = replay
        self._on_close = on_close
        self._waited_for = waited_for
        self._most = waiting_most
        self._queue: deque[Event | _Joined | _Unkept] = deque()
        self._growing: dict[str, _Joined] = {}  # by message: in the queue, and may get longer
        self._counted = 0  # events in the queue that are kept, too
        self._unkept = 0  # events in the queue that are nowhere else
        self._wake = asyncio.Event()
        self._closed = False
        self._last = now if after is None else after  # seq of what was delivered last
        self._behind = after is not None
        self._missed = False

    def __aiter__(self) -> Self:
        return self

    def offer(self, event: Event, *, kept: bool = True) -> None:
        """Put an event into the queue, or note that there is one to be read.

        One that is not `kept` cannot be read later, so it waits in the queue whatever happens,
        with the seq of the event before it.
        """
        if self._closed:
            return
        if isinstance(event, AnswerDelta):
            self._offer_delta(event)
        elif not kept:
            self._end_deltas(event)
            self._forget_unkept(event)
            self._queue.append(_Unkept(event))
            self._unkept += 1
        else:
            self._end_deltas(event)
            if self._behind or self._counted >= self._most:
                # It is read, and what is read comes before what waits: the older goes.
                self._forget_unkept(event)
            if self._behind:
                self._missed = True
            elif self._counted >= self._most:
                # Too slow. What is kept can be read when there is time; it need not wait here.
                self._behind = self._missed = True
                self._fall_behind()
            else:
                self._queue.append(event)
                self._counted += 1
        self._wake.set()

    def close(self) -> None:
        """End it: what waits is still delivered, then the iteration stops."""
        self._closed = True
        self._wake.set()

    async def aclose(self) -> None:
        """The listener is done: forget it and what waits."""
        self._on_close(self)
        self._queue.clear()
        self._growing.clear()
        self._unkept = 0
        self._behind = False
        self.close()

    async def __anext__(self) -> Event:
        while True:
            if self._behind and not self._counted:
                await self._catch_up()
            # What could not be kept, and deltas, come after what has to be read still.
            while self._queue and (self._counted or not self._behind):
                event, kept = self._take()
                if isinstance(event, AnswerDelta) or not kept:
                    return event
                # Reading may be ahead of what is announced; after a restore it all begins anew.
                if event.seq > self._last or isinstance(event, DataReplaced):
                    self._last = event.seq
                    return event
            if self._behind:
                continue
            if self._closed:
                self._on_close(self)
                raise StopAsyncIteration
            self._wake.clear()
            # The bus holds it weakly, so that a dropped one is gone. But a task that waits for
            # something which nobody holds would be collected together with it.
            self._waited_for.add(self)
            try:
                await self._wake.wait()
            finally:
                self._waited_for.discard(self)

    def _take(self) -> tuple[Event, bool]:
        """The next one, and whether it is one of those that are kept."""
        item = self._queue.popleft()
        if isinstance(item, _Unkept):
            self._unkept -= 1
            return item.event, False
        if not isinstance(item, _Joined):
            self._counted -= 1
            return item, True
        event = item.event()
        if self._growing.get(event.message) is item:
            del self._growing[event.message]
        return event, False

    def _fall_behind(self) -> None:
        """Let go of what can be read, and of what that says better."""
        waiting, self._queue = self._queue, deque()
        self._counted = 0
        self._growing.clear()
        for item in waiting:
            if isinstance(item, _Unkept):
                self._queue.append(item)
            elif not isinstance(item, _Joined):
                self._forget_unkept(item)

    def _forget_unkept(self, event: Event) -> None:
        """`event` is newer than what waits of its subject, and replaces it."""
        subject = _subject(event)
        if not self._unkept or subject is None:
            return
        self._queue = deque(
            item
            for item in self._queue
            if not isinstance(item, _Unkept) or _subject(item.event) != subject
        )
        self._unkept = sum(isinstance(item, _Unkept) for item in self._queue)

    def _offer_delta(self, delta: AnswerDelta) -> None:
        growing = self._growing.get(delta.message)
        if growing is None or not growing.add(delta):
            self._growing[delta.message] = joined = _Joined(delta)
            self._queue.append(joined)

    def _end_deltas(self, event: Event) -> None:
        """Deltas that come after `event` must not be told before it, by growing what is there."""
        if isinstance(event, MessageChanged):
            joined = self._growing.pop(event.message.id, None)
            if joined is not None and self._behind:
                # What is read comes first in the queue, and this message holds their text.
                self._queue.remove(joined)
        elif isinstance(event, ToolChanged):
            self._growing.pop(event.message, None)
        elif isinstance(event, DataReplaced):
            self._growing.clear()

    async def _catch_up(self) -> None:
        """Read one stretch of what was missed, to stand before deltas that came meanwhile."""
        self._missed = False
        try:
            kept = await self._replay(self.owner, self._last)
        except BaseException:
            self._missed = True
            raise
        self._queue.extendleft(reversed(kept.events))
        self._counted += len(kept.events)
        if not kept.events:
            self._last = max(self._last, kept.until)
        if not kept.more and not self._missed:
            self._behind = False
