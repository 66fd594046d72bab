"""Locks of the operating system on files: how a process shows that it is alive.

A lock goes away with its process, however that ends; so a process whose lock can be taken is
gone, and no clock has to be asked. Knows nothing of messages.
"""

import contextlib
import errno
import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

_RETRY = 0.02  # s between tries where the system cannot wait for a lock


class Locker(Protocol):
    """What differs between systems: locking an open file."""

    def lock(self, descriptor: int, *, wait: bool) -> bool:
        """Take the lock; False when another process has it and ``wait`` is off."""
        ...


class _PosixModule(Protocol):
    LOCK_EX: int
    LOCK_NB: int

    def flock(self, descriptor: int, operation: int, /) -> None: ...


class _WindowsModule(Protocol):
    LK_NBLCK: int

    def locking(self, descriptor: int, mode: int, count: int, /) -> None: ...


class PosixLocker:
    """``flock``: belongs to the open file, is freed when its last descriptor is closed."""

    def __init__(self, module: _PosixModule) -> None:
        self._fcntl = module

    def lock(self, descriptor: int, *, wait: bool) -> bool:
        """See `Locker.lock`."""
        operation = self._fcntl.LOCK_EX | (0 if wait else self._fcntl.LOCK_NB)
        try:
            self._fcntl.flock(descriptor, operation)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True


class WindowsLocker:
    """``msvcrt.locking`` on the first byte; it cannot wait, so waiting is trying again."""

    def __init__(self, module: _WindowsModule, patience: float = 30.0) -> None:
        self._msvcrt = module
        self._patience = patience

    def lock(self, descriptor: int, *, wait: bool) -> bool:
        """See `Locker.lock`. Waiting gives up after ``patience`` seconds with an OSError."""
        deadline = time.monotonic() + self._patience
        while True:
            os.lseek(descriptor, 0, os.SEEK_SET)
            try:
                self._msvcrt.locking(descriptor, self._msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    return False
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_RETRY)
            else:
                return True


def system_locker() -> Locker:
    """Give the locker of the system that runs us."""
    if os.name == "nt":
        return WindowsLocker(cast(_WindowsModule, importlib.import_module("msvcrt")))
    return PosixLocker(cast(_PosixModule, importlib.import_module("fcntl")))


class HeldLock:
    """A lock that this process holds until `release`, or until it ends."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor: int | None = descriptor
        self._path = path

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back, and with ``remove`` delete its file. Twice is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if remove and os.name != "nt":  # Windows deletes no open file
            self._path.unlink(missing_ok=True)
        os.close(descriptor)
        if remove and os.name == "nt":
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


class PeerLocks:
    """The folder with one lock file for each process that uses a broker's file."""

    def __init__(self, folder: Path, locker: Locker | None = None) -> None:
        self.folder = folder
        self._locker = locker or system_locker()

    def hold(self, peer: str) -> HeldLock:
        """Make and lock the file of a new peer.

        Raises:
            OSError: the folder cannot be written.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self._file(peer)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not self._locker.lock(descriptor, wait=False):
            os.close(descriptor)
            raise FileExistsError(f"{path} is locked by another process")
        return HeldLock(descriptor, path)

    def is_gone(self, peer: str) -> bool:
        """Tell whether a peer's process has ended."""
        try:
            descriptor = os.open(self._file(peer), os.O_RDWR)
        except FileNotFoundError:
            return True
        except OSError:
            return False  # not allowed to look: do not take its messages away
        try:
            return self._locker.lock(descriptor, wait=False)
        finally:
            os.close(descriptor)

    def forget(self, peer: str) -> None:
        """Delete the lock file of a peer that is gone."""
        with contextlib.suppress(OSError):
            self._file(peer).unlink(missing_ok=True)

    def living(self) -> list[str]:
        """Name the peers whose process lives."""
        return [peer for peer in self.known() if not self.is_gone(peer)]

    def sweep(self) -> list[str]:
        """Delete the lock files of all that are gone, and name the living.

        A process that is killed before it is entered as a peer, or after it was struck off, leaves
        one that nobody else would ask about.
        """
        living = self.living()
        for peer in set(self.known()).difference(living):
            self.forget(peer)
        return living

    def known(self) -> list[str]:
        """Name every peer that has a lock file."""
        return sorted(file.stem for file in self.folder.glob("*.lock") if file.stem != "open")

    @contextlib.contextmanager
    def opening(self) -> Iterator[None]:
        """Keep other processes from opening, making or moving the file meanwhile."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._file("open"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._locker.lock(descriptor, wait=True)
            yield
        finally:
            os.close(descriptor)

    def _file(self, peer: str) -> Path:
        return self.folder / f"{peer}.lock"
