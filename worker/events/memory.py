"""The event stream of one process.

Owns the newest events, for who comes back. It must not know who listens, nor keep anything
beyond the process.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from weakref import WeakSet

from worker.contract.events import AnswerDelta, DataReplaced, Event
from worker.events.subscription import WAITING_MOST, Kept, Subscription

KEEP = 10_000
"""How many events are kept."""


def now() -> datetime:
    """The time, where no other clock is given."""
    return datetime.now(UTC)


class Listeners:
    """The subscriptions of a bus; one that its listener dropped is forgotten by itself."""

    def __init__(self) -> None:
        self._all: dict[str, WeakSet[Subscription]] = {}
        self.waited_for: set[Subscription] = set()
        """Those at which somebody waits; they are held."""
        self._closed = False

    def add(self, subscription: Subscription) -> Subscription:
        """One more; ended at once where the bus has ended."""
        if self._closed:
            subscription.close()
        else:
            self._all.setdefault(subscription.owner, WeakSet()).add(subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """One less; nothing happens where it is not there."""
        mine = self._all.get(subscription.owner)
        if mine is not None:
            mine.discard(subscription)
            if not mine:
                del self._all[subscription.owner]

    def offer(self, owner: str, event: Event, *, kept: bool = True) -> None:
        """Hand an event to the listeners of `owner`; one that is not `kept` cannot be read."""
        for subscription in self._all.get(owner, ()):
            subscription.offer(event, kept=kept)

    def offer_all(self, event: Event) -> None:
        """Hand an event to every listener."""
        for owner in tuple(self._all):
            self.offer(owner, event)

    def close(self) -> None:
        """End them; what waits is still delivered."""
        self._closed = True
        for subscriptions in self._all.values():
            for subscription in subscriptions:
                subscription.close()
        self._all.clear()


class MemoryBus:
    """An `EventBus` for one process. Lives on the runtime loop."""

    def __init__(
        self,
        clock: Callable[[], datetime] = now,
        keep: int = KEEP,
        waiting_most: int = WAITING_MOST,
    ) -> None:
        """`keep` is how many events can be resumed from, `waiting_most` how many may wait for
        one slow listener before it has to read them from there."""
        self._clock = clock
        self._waiting_most = waiting_most
        self._kept: deque[tuple[str, Event]] = deque(maxlen=keep)
        self._seq = 0
        self._listeners = Listeners()

    async def publish(self, owner: str, event: Event) -> Event:
        """See `EventBus.publish`. A delta is not kept and has the seq of the event before it."""
        if isinstance(event, AnswerDelta):
            done: Event = replace(event, seq=self._seq, at=self._clock())
        else:
            self._seq += 1
            done = replace(event, seq=self._seq, at=self._clock())
            self._kept.append((owner, done))
        self._listeners.offer(owner, done)
        return done

    async def publish_all(self, owner: str, events: Sequence[Event]) -> tuple[Event, ...]:
        """See `EventBus.publish_all`."""
        return tuple([await self.publish(owner, event) for event in events])

    def subscribe(self, owner: str, after: int | None = None) -> Subscription:
        """See `EventBus.subscribe`. Where events after `after` are gone, `DataReplaced` comes
        first: what was known has to be read again."""
        return self._listeners.add(
            Subscription(
                owner,
                after,
                self._seq,
                self._replay,
                self._listeners.remove,
                self._listeners.waited_for,
                self._waiting_most,
            )
        )

    async def aclose(self) -> None:
        """See `EventBus.aclose`."""
        self._listeners.close()

    async def _replay(self, owner: str, after: int) -> Kept:
        found = [event for whose, event in self._kept if whose == owner and event.seq > after]
        oldest = self._kept[0][1].seq if self._kept else self._seq + 1
        if after < oldest - 1 or after > self._seq:
            first = found[0].seq - 1 if found else self._seq
            found.insert(0, DataReplaced(seq=first, at=self._clock()))
        return Kept(found, self._seq, more=False)
