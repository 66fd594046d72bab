"""Connections to the broker's file, shared by the threads of one process.

One connection writes and one reads, each behind its own lock: SQLite lets one writer in at a
time, and a lock wakes the next thread at once where SQLite would make it sleep and try again.
Readers need not wait for a writer's fsync. Owns transactions, the two sync levels and the
closing around a fork. Knows no table.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from worker.broker import schema
from worker.broker.errors import BrokerDamaged, BrokerError, BrokerGone, translated

Value = str | bytes | int | float | None
Arguments = Sequence[Value] | Mapping[str, Value]
Row = tuple[Value, ...]


class Database:
    """The process's connections to one prepared file.

    They are opened when first used and after each fork, so a forked child never has one: SQLite's
    locks belong to the process that took them, and a child that went on with its parent's would
    spoil the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._durable = False
        self._closed = False

    def read(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """Run a SELECT and give all its rows.

        Raises:
            BrokerError: see `errors.translated`.
        """
        with self._read_lock:
            try:
                db = self._reader
                if db is None:
                    db = self._reader = self._open()
                return db.execute(sql, arguments).fetchall()
            except sqlite3.Error as error:
                raise self._told(error) from error

    def write(self, sql: str, arguments: Arguments = (), *, durable: bool = False) -> list[Row]:
        """Run one statement as a transaction of its own and give the rows that it returns.

        Args:
            sql: the statement.
            arguments: its values.
            durable: wait until it is safe from a power cut; without, only from a crash.

        Raises:
            BrokerError: nothing was written.
        """
        with self._write_lock:
            try:
                return self._open_writer(durable).execute(sql, arguments).fetchall()
            except sqlite3.Error as error:
                raise self._told(error) from error

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Run several statements as one: all are stored when the block ends, or none.

        Raises:
            BrokerError: nothing was written.
        """
        with self._write_lock:
            try:
                db = self._open_writer(durable)
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._told(error) from error

    def close(self) -> None:
        """Close for good; later calls raise `BrokerGone`."""
        with self._write_lock, self._read_lock:
            self._closed = True
            self._drop()

    def hold(self) -> None:
        """Before a fork: wait for transactions to end, close, and keep every thread out."""
        self._write_lock.acquire()
        self._read_lock.acquire()
        self._drop()

    def let_go(self) -> None:
        """After a fork: let threads in again."""
        self._read_lock.release()
        self._write_lock.release()

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise BrokerGone(f"{self.path} was closed meanwhile.", "Connect again.")
        return schema.connect(self.path)

    def _open_writer(self, durable: bool) -> sqlite3.Connection:
        db = self._writer
        if db is None:
            db = self._writer = self._open()
            self._durable = False
        if durable is not self._durable:
            db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        return db

    def _drop(self) -> None:
        writer, self._writer = self._writer, None
        reader, self._reader = self._reader, None
        for db in (reader, writer):
            if db is not None:
                db.close()

    def _told(self, error: sqlite3.Error) -> BrokerError:
        told = translated(error, self.path)
        if isinstance(told, BrokerDamaged):
            schema.mark_suspect(self.path)
        return told
