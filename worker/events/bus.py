"""The seam of the event stream: publish, subscribe, resume.

Owns the interface. Backends: `memory` (one process), `shared` (several processes on one data
folder). It must not know who listens.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from worker.contract.events import Event


class EventBus(Protocol):
    """A stream of events for each owner. All methods belong to the runtime loop's thread."""

    async def publish(self, owner: str, event: Event) -> Event:
        """Give `event` its `seq` and `at` and deliver it; returns it with both."""
        ...

    async def publish_all(self, owner: str, events: Sequence[Event]) -> tuple[Event, ...]:
        """As `publish` for each, in that order, which takes hardly longer than one."""
        ...

    def subscribe(self, owner: str, after: int | None = None) -> AsyncIterator[Event]:
        """Events of `owner` from now on, or those after the seq `after` that are still kept.

        A subscription begins when this is called, not when it is first iterated. A slow
        subscriber loses no event but `answer.delta`s, which are joined.
        """
        ...

    async def aclose(self) -> None:
        """End every subscription."""
        ...
