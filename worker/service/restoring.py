"""Putting a copy of the database in the place of the database, while everything stands still.

Owns the order of the steps and what is carried over from the data that is replaced. It must not
know whose windows ask for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.contract.errors import Conflict
from worker.presence import Presence
from worker.service.carried_over import carry_over, end_of_copying, known_ends
from worker.service.maintenance import Maintenance
from worker.service.schedules import Timetable
from worker.service.tending import Tending
from worker.storage.base import Storage
from worker.storage.sqlite.recovery import restore_file, unfinished_in


@dataclass(frozen=True, slots=True)
class Restoring:
    """Replaces the database at `database` by one of the copies in `backups`."""

    database: Path
    backups: Path
    storage: Storage
    presence: Presence
    maintenance: Maintenance
    timetable: Timetable
    tending: Tending
    go_on: Callable[[], Awaitable[None]]
    """Takes up the work again, on whatever data is there then."""
    now: Callable[[], datetime]

    async def replace(self, backup: str) -> None:
        """Put the copy with this name in place. Raises Conflict while another process has the
        data open; whatever goes wrong, work goes on afterwards."""
        if self.presence.others():
            raise Conflict(
                "Nagatha runs in another process",
                "It would go on with the database that is to be replaced.",
                "Restore in the Settings of the running program, or quit it first.",
            )
        copy = self.backups / Path(backup).name
        # A worker would take messages meanwhile, and find no data to work on.
        await self.tending.background.aclose()
        try:
            unfinished = await asyncio.to_thread(unfinished_in, copy)
            ends = await known_ends(self.storage, unfinished)
            await self.storage.close_at_rest()
            try:
                await asyncio.to_thread(restore_file, self.database, copy, self.now())
            finally:
                await self.storage.open()
            # They were kept for a while that is over, under what may not be true any more.
            await self.storage.clear_answers(None)
            await carry_over(self.storage, ends)
            for made in await self.storage.backups():
                if made.name == copy.name:
                    claimed = await self.storage.runs_of_others("")
                    await end_of_copying(self.storage, claimed, made)
            await self.maintenance.forget_work()
            await self.storage.forget_takes()
            # Whether work is paused is of today, and not of the day of the copy.
            await self.timetable.set_paused(self.tending.paused)
        finally:
            await self.go_on()
