"""How processes on one data folder tell each other to look for new events, without polling.

Owns a folder with one locked file for each process, named after the UDP port of 127.0.0.1 at
which it hears. One byte says only "look again": a forged or a lost one costs a look or a short
delay. It must not know what is looked for.
"""

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from worker.config.files import try_lock

LOOPBACK = "127.0.0.1"
_ENDING = ".bell"

log = logging.getLogger(__name__)


class Doorbell(Protocol):
    """Reaches the other processes. Lives on the runtime loop."""

    async def open(self, on_ring: Callable[[], None]) -> None:
        """Listen; `on_ring` is called on the loop for each ring."""
        ...

    def ring(self) -> None:
        """Tell the others to look."""
        ...

    async def aclose(self) -> None:
        """Stop listening."""
        ...


class _Hearing(asyncio.DatagramProtocol):
    def __init__(self, on_ring: Callable[[], None]) -> None:
        self._on_ring = on_ring
        self.ended = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._on_ring()

    def error_received(self, exc: Exception) -> None:
        """A process that was rung at is gone; its file is removed by the next one that opens."""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


class FolderDoorbell:
    """A `Doorbell` over a folder that the processes share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._transport: asyncio.DatagramTransport | None = None
        self._hearing: _Hearing | None = None
        self._file: Path | None = None
        self._lock: int | None = None

    async def open(self, on_ring: Callable[[], None]) -> None:
        """Listen and leave a file that says where.

        Where that cannot be done (no port, a folder that is read-only), this process hears
        nothing and the log says so.
        """
        loop = asyncio.get_running_loop()
        try:
            self._transport, self._hearing = await loop.create_datagram_endpoint(
                lambda: _Hearing(on_ring), local_addr=(LOOPBACK, 0)
            )
            port = self._transport.get_extra_info("sockname")[1]
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._remove_stale()
            self._announce(port)
        except OSError as error:
            log.warning("Changes by other programs will not be seen: %s", error)

    def ring(self) -> None:
        """Ring at every other process that has a file there."""
        if self._transport is None or self._transport.is_closing():
            return
        for file, port in self._files():
            if file != self._file:
                # On UDP this never waits; a buffer that is full means that it is awake.
                self._transport.sendto(b"\1", (LOOPBACK, port))

    async def aclose(self) -> None:
        """Stop listening and take the file away."""
        file, self._file = self._file, None
        lock, self._lock = self._lock, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.unlink()
        if lock is not None:
            os.close(lock)
        transport, self._transport = self._transport, None
        if transport is not None and self._hearing is not None:
            transport.close()
            await self._hearing.ended

    def _announce(self, port: int) -> None:
        # Locked before it has its name, so that nobody takes it for a dead process's.
        new = self._folder / f"{port}-{secrets.token_hex(4)}.new"
        self._lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try_lock(self._lock)
        self._file = new.rename(new.with_suffix(_ENDING))

    def _files(self) -> list[tuple[Path, int]]:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        found = []
        for name in names:
            port = name.partition("-")[0]
            if name.endswith(_ENDING) and port.isdecimal() and 0 < int(port) < 65_536:
                found.append((self._folder / name, int(port)))
        return found

    def _remove_stale(self) -> None:
        for file, _ in self._files():
            with contextlib.suppress(OSError):
                descriptor = os.open(file, os.O_RDWR)
                try:
                    gone = try_lock(descriptor)
                finally:
                    os.close(descriptor)
                if gone:
                    file.unlink()
