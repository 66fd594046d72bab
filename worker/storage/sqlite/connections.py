"""Connections to one database file, on the loop that opened them.

Owns how transactions begin and which are made safe at once. Must not know tables.

One connection writes, some read. A transaction that writes begins with BEGIN IMMEDIATE, so that
it waits its turn with other processes before it reads anything, and holds a lock of the loop,
so that two of one process wait without blocking a thread. A reader sees the file as it was when
it began and holds up nobody.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from worker.contract.errors import StorageError
from worker.storage.sqlite.errors import closed, is_index_fault, told_as_storage_error
from worker.storage.sqlite.files import suspicion

BUSY_SECONDS = 20.0
"""How long another process may hold the file before that is an error."""
_READERS = 3

P = ParamSpec("P")
T = TypeVar("T")


class Connections:
    """Reads and writes a database file. `path` is there and is a current database."""

    def __init__(self, path: Path, mend_index: Callable[[Connection], None]) -> None:
        """`mend_index` makes the search index anew; called where it is found inconsistent."""
        self._path = path
        self._mend_index = mend_index
        self._turn = asyncio.Lock()
        self._at_end = False
        self._under_way: set[asyncio.Task[object]] = set()
        self._writer = _engine(path, writes=True)
        self._reader = _engine(path, writes=False)

    async def read(
        self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `verb` on a connection that cannot write.

        Who waits may be cancelled; the connection is given back in order all the same.
        """

        async def attempt() -> T:
            with self._told():
                async with self._reader.connect() as connection:
                    return await connection.run_sync(verb, *args, **kwargs)

        try:
            return await self._to_its_end(attempt())
        except StorageError as error:
            if not is_index_fault(error):
                raise
        await self.write(self._mend_index)
        return await self._to_its_end(attempt())

    async def write(
        self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `verb` in a transaction that is on the disk when this returns.

        Who waits may be cancelled; the transaction is not: it goes through, or fails, as one.
        """
        return await self._shielded(True, verb, *args, **kwargs)

    async def write_quickly(
        self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `write`, but what it wrote survives the process, not yet the machine's power."""
        return await self._shielded(False, verb, *args, **kwargs)

    async def end_after(self, check: Callable[[Connection], None]) -> None:
        """Run `check` in a transaction; unless it raises, nothing is written any more after it.

        Who waits for a turn to write then gets StorageError. `aclose` comes next.
        """

        async def last() -> None:
            async with self._turn:
                with self._told():
                    async with self._writer.begin() as connection:
                        await connection.run_sync(check)
                self._at_end = True

        await self._to_its_end(last())

    async def alone(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread while nothing else of this process writes."""
        async with self._turn:
            self._check_open()
            with self._told():
                return await asyncio.to_thread(work)

    async def aclose(self) -> None:
        """Let what is under way end, then close every connection."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._reader.dispose()
        await self._writer.dispose()

    async def _shielded(
        self,
        durable: bool,
        verb: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        async def attempt() -> T:
            with self._told():
                async with self._writer.connect() as connection:
                    await connection.execution_options(nagatha_durable=durable)
                    async with connection.begin():
                        return await connection.run_sync(verb, *args, **kwargs)

        async def transact() -> T:
            async with self._turn:
                self._check_open()
                try:
                    return await attempt()
                except StorageError as error:
                    if not is_index_fault(error) or verb is self._mend_index:
                        raise
                with self._told():
                    async with self._writer.begin() as connection:
                        await connection.run_sync(self._mend_index)
                return await attempt()

        return await self._to_its_end(transact())

    def _check_open(self) -> None:
        if self._at_end:
            raise closed(self._path)

    async def _to_its_end(self, work: Coroutine[object, object, T]) -> T:
        """Wait for `work`, which goes on when the waiting is cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors as StorageError; after damage the file is read through when opened next."""
        try:
            with told_as_storage_error(self._path):
                yield
        except StorageError as error:
            if error.kind == "damaged" and not is_index_fault(error):
                suspicion(self._path).touch(mode=0o600)
            raise

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # told to who waited; who was cancelled does not want to know


def _engine(path: Path, *, writes: bool) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        # The driver begins no transactions of its own: `_begin` does.
        connect_args={"isolation_level": None, "timeout": BUSY_SECONDS},
        pool_size=1 if writes else _READERS,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        # An error that is logged must not quote what people wrote.
        hide_parameters=True,
    )
    pragmas = ["PRAGMA foreign_keys = ON", "PRAGMA cache_size = -8000"]
    if not writes:
        pragmas.append("PRAGMA query_only = ON")

    def connected(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    def begin(connection: Connection) -> None:
        if not writes:
            connection.exec_driver_sql("BEGIN")
            return
        durable = bool(connection.get_execution_options().get("nagatha_durable", True))
        if connection.info.get("durable") is not durable:
            connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.info["durable"] = durable
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begin)
    return engine
