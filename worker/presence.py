"""Which processes use a data folder: the program, command lines, workers beside it.

Owns one locked file for each of them. A lock goes away with its process however that ends,
so work that a gone process left behind can be found without asking a clock. It must not
know what the processes do.
"""

import os
import uuid
from pathlib import Path
from typing import Literal, Self, TypeAlias

from worker.broker.locks import HeldLock, PeerLocks

ProcessRole: TypeAlias = Literal["desktop", "worker", "cli", "api"]


class Presence:
    """This process among those that use the same data folder.

    `folder` is where the lock files lie; it is made when missing. Enter before reading who
    else is there. `id` is "<role>-<pid>-<random>", so a pid that comes again is no confusion.
    """

    def __init__(self, folder: Path, role: ProcessRole) -> None:
        self.id = f"{role}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.role = role
        self._processes = PeerLocks(folder / "processes")
        self._duties = PeerLocks(folder / "duties")
        self._lock: HeldLock | None = None
        self._held: dict[str, HeldLock] = {}
        self._folder = folder

    def enter(self) -> Self:
        """Show that this process is alive. Raises OSError where the folder cannot be written."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = self._processes.hold(self.id)
        return self

    def leave(self) -> None:
        """Be gone; duties are given back. Twice is harmless."""
        for duty in tuple(self._held):
            self.give_back(duty)
        if self._lock is not None:
            self._lock.release(remove=True)
            self._lock = None

    def living(self) -> frozenset[str]:
        """Ids of the processes that are alive, this one among them; forgets the others."""
        alive = set()
        for peer in self._processes.known():
            if peer != self.id and self._processes.is_gone(peer):
                self._processes.forget(peer)
            else:
                alive.add(peer)
        return frozenset(alive)

    def others(self) -> frozenset[str]:
        """Ids of the other living processes."""
        return self.living() - {self.id}

    def take(self, duty: str) -> bool:
        """Become the one process that has `duty` (e.g. "beat"); False while another has it."""
        if duty in self._held:
            return True
        try:
            self._held[duty] = self._duties.hold(duty)
        except FileExistsError:
            return False
        return True

    def give_back(self, duty: str) -> None:
        """Let another process have `duty`."""
        lock = self._held.pop(duty, None)
        if lock is not None:
            # The file stays: removing it could let two processes lock two files of one name.
            lock.release()

    def is_taken(self, duty: str) -> bool:
        """Whether a living process, this one included, has `duty`."""
        return duty in self._held or not self._duties.is_gone(duty)
