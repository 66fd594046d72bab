"""What every use case is handed: whose it is, and the parts it works with.

Owns `Scope`, made once for each owner. It must not know how the parts are made.
"""

import logging
import uuid
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from worker.contract.events import ChatChanged, Event, MessageChanged, RunChanged
from worker.contract.types import Chat, Message, Run
from worker.events.bus import EventBus
from worker.storage.base import Storage

log = logging.getLogger(__name__)

Spawn: TypeAlias = Callable[[Coroutine[object, object, None], str], Future[None]]
"""Runs a coroutine in the background under a name; see `worker.runtime.Runtime.spawn`."""


def new_id() -> str:
    """A new id for a chat, message, run or attachment: 32 hex digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Scope:
    """One owner's view of the storage and the event stream."""

    owner: str
    storage: Storage
    bus: EventBus
    now: Callable[[], datetime]
    """The injected clock; aware, UTC."""
    process: str
    """Who claims runs (`Presence.id`)."""
    redact: Callable[[str], str] = str
    """Takes keys out of what is written into a run's log."""

    async def tell(self, event: Event) -> None:
        """Publish an event to the owner's listeners.

        What it tells of is stored already, so a stream that fails must not undo it: the
        failure is logged, and listeners see the change when they read again.
        """
        try:
            await self.bus.publish(self.owner, event)
        except Exception:  # see above; the storage has raised the same to whoever can act
            log.exception("an event could not be published: %s", event.kind)

    async def tell_all(self, events: Sequence[Event]) -> None:
        """As `tell` for each (no deltas), in that order; takes hardly longer than one."""
        try:
            await self.bus.publish_all(self.owner, events)
        except Exception:  # as in `tell`
            log.exception("events could not be published: %s", [event.kind for event in events])

    async def tell_chat(self, chat: str, run: str = "") -> Chat:
        """Publish how a chat is now, and return it."""
        found = await self.storage.get_chat(self.owner, chat)
        await self.tell(ChatChanged(chat=found, run_id=run))
        return found

    async def tell_message(self, message: Message) -> None:
        """Publish a message as a whole."""
        await self.tell(MessageChanged(message=message, run_id=message.run or ""))

    async def tell_run(self, run: Run) -> None:
        """Publish how a run is now."""
        await self.tell(RunChanged(run=run, run_id=run.id))
