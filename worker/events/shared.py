"""The event stream of all processes on one data folder.

Owns that every process sees every kept event once and in the same order: events are stored, the
doorbell of the others rings, and each reads what is new. Deltas of answers stay in the process. It
must not know how events are stored, nor who listens.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from worker.contract.errors import NagathaError, StorageError
from worker.contract.events import AnswerDelta, DataReplaced, Event
from worker.events.codec import UnknownEvent, decode, encode
from worker.events.doorbell import Doorbell
from worker.events.memory import Listeners, now
from worker.events.subscription import WAITING_MOST, Kept, Subscription

_PAGE = 500  # events read at once
_RETRY = 1.0  # s until reading that failed is tried again

log = logging.getLogger(__name__)


class StoredEvent(Protocol):
    """An event as the storage hands it out."""

    @property
    def seq(self) -> int:
        """Its place in the row of all events."""
        ...

    @property
    def owner(self) -> str:
        """Whose it is."""
        ...

    @property
    def at(self) -> datetime:
        """When it was published."""
        ...

    @property
    def origin(self) -> str:
        """The id of the process that published it."""
        ...

    @property
    def kind(self) -> str:
        """What sort it is."""
        ...

    @property
    def data(self) -> str:
        """The event as JSON."""
        ...


class EventStore(Protocol):
    """What is needed of a storage; `worker.storage.base.Storage` has it."""

    async def add_events(
        self, owner: str, events: Sequence[tuple[str, str]], *, origin: str, at: datetime
    ) -> Sequence[int]:
        """See `Storage.add_events`."""
        ...

    async def events_after(self, seq: int, limit: int = 1000) -> Sequence[StoredEvent]:
        """See `Storage.events_after`."""
        ...

    async def last_event(self) -> int:
        """See `Storage.last_event`."""
        ...


class SharedBus:
    """An `EventBus` for several processes. Lives on the runtime loop.

    `open` it after the storage and end it before. `origin` is this process's id.
    """

    def __init__(
        self,
        storage: EventStore,
        doorbell: Doorbell,
        origin: str,
        clock: Callable[[], datetime] = now,
        waiting_most: int = WAITING_MOST,
    ) -> None:
        self._storage = storage
        self._doorbell = doorbell
        self._origin = origin
        self._clock = clock
        self._waiting_most = waiting_most
        self._listeners = Listeners()
        self._own: dict[int, Event] = {}  # published here, not delivered yet: no need to decode
        self._cursor = 0  # everything up to here was delivered
        self._turn = asyncio.Lock()
        self._rung = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to listen to the other processes. Raises StorageError."""
        if self._reader is not None:
            raise RuntimeError("The bus was opened already")
        self._cursor = await self._storage.last_event()
        await self._doorbell.open(self._rung.set)
        self._reader = asyncio.create_task(self._read_when_rung(), name="events of others")
        # What came between the two lines above has rung at no one.
        self._rung.set()

    async def publish(self, owner: str, event: Event) -> Event:
        """See `EventBus.publish`.

        A delta is not kept, reaches this process only, and has the seq of the event before it.
        So does an event that the storage cannot keep: who listens here is told that the disk is
        full, though nobody else can be.
        """
        if isinstance(event, AnswerDelta):
            delta = replace(event, seq=self._cursor, at=self._clock())
            self._listeners.offer(owner, delta)
            return delta
        return (await self.publish_all(owner, (event,)))[0]

    async def publish_all(self, owner: str, events: Sequence[Event]) -> tuple[Event, ...]:
        """See `EventBus.publish_all`. No deltas."""
        at = self._clock()
        texts = [(event.kind, encode(replace(event, seq=0, at=at))) for event in events]
        try:
            seqs = await self._storage.add_events(owner, texts, origin=self._origin, at=at)
        except StorageError as error:
            kinds = ", ".join(event.kind for event in events)
            log.warning("An event is told to this process only (%s): %s", kinds, error)
            return tuple([await self._deliver_unkept(owner, event, at) for event in events])
        self._doorbell.ring()
        made = zip(seqs, events, strict=True)
        done: tuple[Event, ...] = tuple(replace(event, seq=seq, at=at) for seq, event in made)
        self._own.update({event.seq: event for event in done})
        try:
            async with self._turn:
                for event in done:
                    await self._deliver_own(owner, event.seq, event)
        except NagathaError as error:
            # It is stored; whoever reads next delivers it.
            log.warning("An event waits to be delivered: %s", error)
            self._rung.set()
        return done

    def subscribe(self, owner: str, after: int | None = None) -> Subscription:
        """See `EventBus.subscribe`. Where events after `after` are gone, `DataReplaced` comes
        first: what was known has to be read again."""
        return self._listeners.add(
            Subscription(
                owner,
                after,
                self._cursor,
                self._replay,
                self._listeners.remove,
                self._listeners.waited_for,
                self._waiting_most,
            )
        )

    async def aclose(self) -> None:
        """See `EventBus.aclose`."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait((reader,))
        await self._doorbell.aclose()
        self._listeners.close()

    async def _deliver_own(self, owner: str, seq: int, event: Event) -> None:
        if seq not in self._own:
            return  # delivered by a reading that was quicker
        if seq > self._cursor + 1:
            await self._read()  # others have published, too: theirs come first
            return
        # The next one; or, where the seq is an old one, the storage was replaced by a copy.
        self._cursor = seq
        del self._own[seq]
        self._listeners.offer(owner, event)

    async def _deliver_unkept(self, owner: str, event: Event, at: datetime) -> Event:
        async with self._turn:
            try:
                await self._read()  # what was published before it comes before it
            except NagathaError as error:
                log.warning("Events wait to be read: %s", error)
                self._rung.set()
            told: Event = replace(event, seq=self._cursor, at=at)
            self._listeners.offer(owner, told, kept=False)
            return told

    async def _read_when_rung(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                async with self._turn:
                    await self._read()
                continue
            except NagathaError as error:  # a full disk, or data that is being replaced
                log.warning("Events of other programs cannot be read now: %s", error)
            except Exception:  # a defect of ours must not end the stream
                log.exception("Events of other programs could not be read")
            await asyncio.sleep(_RETRY)
            self._rung.set()

    async def _read(self) -> None:
        """Deliver all that is stored after the cursor."""
        page = await self._storage.events_after(self._cursor, _PAGE)
        if not page:
            last = await self._storage.last_event()
            if 0 < last < self._cursor:  # the storage was replaced by another process
                self._cursor = last
                self._own.clear()
                self._listeners.offer_all(DataReplaced(seq=last, at=self._clock()))
        while page:
            for stored in page:
                self._cursor = stored.seq
                event = self._own.pop(stored.seq, None) if self._is_own(stored) else None
                event = event or _decoded(stored)
                if event is not None:
                    self._listeners.offer(stored.owner, event)
            if len(page) < _PAGE:
                return
            page = await self._storage.events_after(self._cursor, _PAGE)

    def _is_own(self, stored: StoredEvent) -> bool:
        return stored.origin == self._origin

    async def _replay(self, owner: str, after: int) -> Kept:
        page = await self._storage.events_after(after, _PAGE)
        mine = (_decoded(stored) for stored in page if stored.owner == owner)
        found = [event for event in mine if event is not None]
        until = page[-1].seq if page else max(after, self._cursor)
        if await self._is_gap(after, page):
            before = page[0].seq - 1 if page else await self._storage.last_event()
            until = until if page else before
            found.insert(0, DataReplaced(seq=before, at=self._clock()))
        return Kept(found, until, more=len(page) == _PAGE)

    async def _is_gap(self, after: int, page: Sequence[StoredEvent]) -> bool:
        """Whether events between `after` and what is kept are gone, or `after` is of another
        storage than the one that is there now."""
        if not page:
            last = await self._storage.last_event()
            return after > max(last, self._cursor) or 0 < last < after
        if page[0].seq == after + 1:
            return False
        oldest = await self._storage.events_after(0, 1)
        return bool(oldest) and after < oldest[0].seq - 1


def _decoded(stored: StoredEvent) -> Event | None:
    try:
        return replace(decode(stored.data), seq=stored.seq, at=stored.at)
    except UnknownEvent as error:
        # Another version of the program publishes it; it knows what this one cannot show.
        log.warning("An event of kind %s was left out: %s", stored.kind, error)
        return None
