"""Connections to one database file, on the loop that opened them.

Owns how transactions begin and which are made safe at once. Must not know tables.

One connection writes, some read. A transaction that writes begins with BEGIN IMMEDIATE, so that
it waits its turn with other processes before it reads anything, and holds a lock of the loop,
so that two of one process wait without blocking a thread. A reader sees the file as it was when
it began and holds up nobody.

Each connection has a thread of its own, aiosqlite's, and a verb runs there from its first
statement to its last. (SQLAlchemy's asyncio adapter goes to that thread and back several times a
statement, and waits for the interpreter each time: ten times as long while a window paints.)
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, SingletonThreadPool

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
        self._writer = _Lines(path, 1, writes=True)
        self._reader = _Lines(path, _READERS, writes=False)

    async def read(
        self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `verb` on a connection that cannot write.

        Who waits may be cancelled; the connection is given back in order all the same.
        """

        def whole() -> T:
            with self._reader.engine.connect() as connection:
                return verb(connection, *args, **kwargs)

        async def attempt() -> T:
            with self._told():
                return await self._reader.run(whole)

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
                await self._transaction(check)
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
        await self._reader.aclose()
        await self._writer.aclose()

    async def _shielded(
        self,
        durable: bool,
        verb: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def whole(connection: Connection) -> T:
            return verb(connection, *args, **kwargs)

        async def transact() -> T:
            async with self._turn:
                self._check_open()
                try:
                    return await self._transaction(whole, durable)
                except StorageError as error:
                    if not is_index_fault(error) or verb is self._mend_index:
                        raise
                await self._transaction(self._mend_index)
                return await self._transaction(whole, durable)

        return await self._to_its_end(transact())

    async def _transaction(self, verb: Callable[[Connection], T], durable: bool = True) -> T:
        def whole() -> T:
            with self._writer.engine.connect() as connection:
                connection.execution_options(nagatha_durable=durable)
                with connection.begin():
                    return verb(connection)

        with self._told():
            return await self._writer.run(whole)

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


class _Line(aiosqlite.Connection):
    """A connection and its thread."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True  # a query that hangs must not keep the program from ending

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` on the thread, after what was asked for before."""
        done: T = await self._execute(work)  # type: ignore[no-untyped-call]
        return done


class _Lines:
    """Some connections to one file, opened when they are first wanted."""

    def __init__(self, path: Path, most: int, *, writes: bool) -> None:
        self._path = path
        self._mine = threading.local()
        self._all: list[_Line] = []
        # The one that was used last comes first: it has the pages in its cache.
        self._free: asyncio.LifoQueue[_Line | None] = asyncio.LifoQueue()
        for _ in range(most):
            self._free.put_nowait(None)
        self.engine = _engine(self._of_this_thread, writes=writes)
        """Gives the connection of the thread that asks."""

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` on the thread of a connection that is free."""
        async with self._taken() as line:
            return await line.run(work)

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[_Line]:
        line = await self._free.get()
        try:
            if line is None:
                opened = _Line(self._connect)
                await opened
                line = opened
                self._all.append(line)
            yield line
        finally:
            self._free.put_nowait(line)

    async def aclose(self) -> None:
        """Close every connection; none of them is in use any more."""
        for line in self._all:
            await line.close()
        self._all.clear()
        self.engine.dispose()

    def _connect(self) -> sqlite3.Connection:
        self._mine.connection = sqlite3.connect(
            self._path,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # it begins no transactions of its own: `_engine` does
            check_same_thread=False,  # its thread closes it, then the engine, to which it is news
        )
        return self._of_this_thread()

    def _of_this_thread(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = self._mine.connection
        return connection


def _engine(connect: Callable[[], sqlite3.Connection], *, writes: bool) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=SingletonThreadPool,
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

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begin)
    return engine
