"""The bundled broker's file, as the engine uses it beside its worker: what waits in it, what was
given up, how it is opened and tidied.

Owns that what goes wrong with the file is told as our errors, and that damage is noticed by
whoever meets it. It must not know what the messages are for, nor who works at them.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import worker.broker
from worker.broker.node import REGISTER
from worker.contract.errors import Unavailable

T = TypeVar("T")


class QueueFile:
    """One file. Its async methods raise Unavailable where it cannot be used."""

    def __init__(self, address: str, damaged: Callable[[], object]) -> None:
        """`address` is the broker's. `damaged` is called, on any thread, each time that the file
        is found to be damaged. Raises Unavailable where the address names no usable file."""
        try:
            self.path = worker.broker.path_from_url(address)
        except worker.broker.BrokerError as error:
            raise _told(error) from error
        self._damaged = damaged

    def open(self) -> Path | None:
        """Open it, until `close`. Blocks.

        Returns where a damaged one was moved to, None where it was sound or is open already.
        Raises Unavailable.
        """
        if REGISTER.open(self.path) is not None:
            return None
        try:
            REGISTER.borrow(self.path)
        except worker.broker.BrokerError as error:
            raise _told(error) from error
        return worker.broker.moved_aside(self.path)

    def close(self) -> None:
        """Close it, whoever uses it. Blocks."""
        worker.broker.close(self.path)

    def look_at(self, error: BaseException) -> None:
        """See whether an error is that the file is damaged, or comes from that."""
        found: BaseException | None = error
        while found is not None:
            if isinstance(found, worker.broker.BrokerDamaged):
                self._damaged()
                return
            found = found.__cause__

    async def discard(self, run: str) -> None:
        """Delete the waiting messages of a run."""
        await self._use(lambda: worker.broker.discard(self.path, run))

    async def holds(self, run: str) -> bool:
        """Whether a message of a run waits, or is with a worker."""
        return await self._use(lambda: worker.broker.holds(self.path, run))

    async def missing(self, runs: Sequence[str]) -> frozenset[str]:
        """Those of `runs` that `holds` denies."""
        return await self._use(lambda: worker.broker.missing(self.path, runs))

    async def look_after(self, do: Callable[[worker.broker.Upkeep], T]) -> T:
        """What `do` gives for the file's dead letters, clean-up and figures, on a thread."""

        def opened() -> T:
            with worker.broker.upkeep(self.path) as upkeep:
                return do(upkeep)

        return await self._use(opened)

    async def _use(self, do: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(do)
        except worker.broker.BrokerError as error:
            self.look_at(error)
            raise _told(error) from error


def _told(error: worker.broker.BrokerError) -> Unavailable:
    return Unavailable(error.title, error.message, error.remedy)
