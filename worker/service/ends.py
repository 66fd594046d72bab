"""Ends of runs that could not be stored: kept in memory until there is room again.

Owns what waits to be stored. A disk that fills up just as a run ends must not leave it at work
for ever. It must not know what a run is.
"""

import logging
from collections.abc import Awaitable, Callable

from worker.contract.errors import NotFound

log = logging.getLogger(__name__)


class UnkeptEnds:
    """What has to be stored yet, by its run. One for each engine, on its loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, Callable[[], Awaitable[object]]] = {}

    def keep(self, run: str, store: Callable[[], Awaitable[object]]) -> None:
        """`store` is called until it does not raise; a later one for the same run replaces it."""
        self._waiting[run] = store

    def __len__(self) -> int:
        return len(self._waiting)

    async def settle(self) -> int:
        """Store what waits; returns how many there were.

        Raises StorageError with the rest left for later.
        """
        waiting = tuple(self._waiting)
        for run in waiting:
            store = self._waiting.pop(run, None)
            if store is None:
                continue  # another call is at it
            try:
                await store()
            except NotFound:
                log.warning("the end of run %s has no place any more", run)
            except BaseException:
                self._waiting.setdefault(run, store)
                raise
        return len(waiting)
