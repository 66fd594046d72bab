"""Connections to the broker's file, shared by the threads of one process.

One connection writes and one reads, each behind its own lock: SQLite lets one writer in at a
time, and a lock wakes the next thread at once where SQLite would make it sleep and try again.
Owns transactions, the two sync levels and the closing around a fork. Knows no table.

A commit is safe from a crash of the process, and in the order of all commits. What has to be safe
from a power cut as well is synced afterwards (`Database.sync`), where SQLite's own
``synchronous=FULL`` would do the same while it keeps every other process from writing. Threads
that want it at the same time share one sync. What nobody waits for is synced within a second.

The log is written back into the file on a thread beside. SQLite would do it in a commit, and
where others write all the time, in every one: nobody is ever alone, so the log never begins anew.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from worker.broker import schema
from worker.broker.errors import BrokerDamaged, BrokerError, BrokerGone, translated
from worker.broker.threads import begun

_log = logging.getLogger(__name__)

Value = str | bytes | int | float | None
Arguments = Sequence[Value] | Mapping[str, Value]
Row = tuple[Value, ...]

_PAUSES = (0.0001, 0.0005)  # s between tries while another process writes: the first, the longest
_END_WITHIN = 5.0  # s that closing waits for the thread of the sync that nobody waits for
_WRITE_BACK_EVERY = 300  # rows that this process changed
_TOO_FAR = 3000  # of them while it is written back; then whoever writes waits for that
_RESTART_WITHIN = 0.1  # s that writing back waits for others to let the log begin anew
_RESTART_LATE = 2.0  # the same, for a log of twice the length
SYNC_WITHIN = 1.0
"""Seconds after which a commit that nobody waits for is safe from a power cut as well."""
_sync_file: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


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
        self._closed = False
        # Guards the log's descriptor, and counts the commits that a sync has covered.
        self._sync_lock = threading.RLock()
        self._log: int | None = None
        self._commits = 0
        self._synced = 0
        self._later: threading.Timer | None = None
        self._last: threading.Timer | None = None  # which may be at its sync just now
        # Held while the log is written back.
        self._back_lock = threading.RLock()
        self._written_back = 0  # rows that were changed by then
        self._back: threading.Thread | None = None

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
            BrokerError: nothing was written; or with ``durable``, see `sync`.
        """
        with self._write_lock:
            try:
                rows = _patiently(self._open_writer(), sql, arguments)
            except sqlite3.Error as error:
                raise self._told(error) from error
            self._committed(durable)
        if durable:
            self.sync()
        return rows

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Run several statements as one: all are stored when the block ends, or none.

        Raises:
            BrokerError: nothing was written; or with ``durable``, see `sync`.
        """
        with self._write_lock:
            try:
                db = self._open_writer()
                _patiently(db, "BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._told(error) from error
            self._committed(durable)
        if durable:
            self.sync()

    def sync(self) -> None:
        """Wait until everything that was committed so far is safe from a power cut.

        Raises:
            BrokerError: the disk could not do that; what was committed may be lost with it.
        """
        wanted = self._commits
        with self._sync_lock:
            if self._synced >= wanted:
                return  # another thread's sync began after our commit
            covered = self._commits
            try:
                if self._log is None:
                    # No lock is on the log, so that closing this drops none (see schema).
                    self._log = os.open(f"{self.path}-wal", os.O_RDWR)
                _sync_file(self._log)
                if self._closed:
                    self._close_log()
            except FileNotFoundError:
                pass  # closed meanwhile, by the last who used it: all is in the file, and synced
            except OSError as error:
                raise translated(error, self.path) from error
            self._synced = covered

    def _committed(self, durable: bool) -> None:
        """Count a commit, under the lock of writing; see to its sync unless the caller does.

        Raises nothing: what was committed is there, and its caller must not be told otherwise.
        """
        self._commits += 1
        if not durable and self._later is None and not self._closed:
            before, later = self._last, threading.Timer(SYNC_WITHIN, self._sync_later)
            self._later = self._last = later
            later.name = "nagatha-broker-sync"
            later.daemon = True
            if not begun(later):
                self._last = before
                self._sync_later()
        if self._writer is None or self._closed:
            return
        changed = self._writer.total_changes
        if changed - self._written_back < _WRITE_BACK_EVERY:
            return
        if self._back is not None and self._back.is_alive():
            if changed - self._written_back >= _TOO_FAR:
                self._back.join(_END_WITHIN)
        else:
            self._written_back = changed
            back = threading.Thread(
                target=self._write_back, name="nagatha-broker-write-back", daemon=True
            )
            # Without, SQLite does it in a commit once the log is three times as long.
            self._back = back if begun(back) else None

    def _sync_later(self) -> None:
        # Before it reads how far commits are: one that comes from now on has a timer of its own.
        self._later = None
        try:
            self.sync()
        except BrokerError as error:
            _log.warning("The last second's changes are not safe from a power cut: %s", error)

    def _write_back(self) -> None:
        """Write the log back while others go on; where it is long, hold them up for a moment, so
        that it begins anew."""
        with self._back_lock:
            if self._closed:
                return
            try:
                db = self._open()
                try:
                    _, pages, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if pages >= schema.LOG_PAGES:
                        late = pages >= 2 * schema.LOG_PAGES
                        wait = _RESTART_LATE if late else _RESTART_WITHIN
                        db.execute(f"PRAGMA busy_timeout={int(wait * 1000)}")
                        # Little is left to write by now, so they do not wait long.
                        db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
                finally:
                    db.close()
            except sqlite3.Error as error:
                # Nothing is lost: the log grows, and whoever writes is told when it cannot.
                _log.warning("The broker's log was not written back: %s", self._told(error))
            except BrokerGone:
                pass

    def checkpoint(self) -> None:
        """Write the log back into the file and cut it to nothing, as far as others allow.

        Raises:
            BrokerError: see `errors.translated`.
        """
        with self._write_lock:  # a connection of its own: this one waits for readers
            try:
                db = self._open()
                try:
                    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                finally:
                    db.close()
            except sqlite3.Error as error:
                raise self._told(error) from error

    def close(self) -> None:
        """Close for good; later calls raise `BrokerGone`."""
        with self._write_lock, self._read_lock:
            self._closed = True
            self._drop()
        last, self._last, back, self._back = self._last, None, self._back, None
        for thread in (last, back):
            if thread is not None and thread is not threading.current_thread():
                thread.join(_END_WITHIN)  # it has little or nothing to do any more

    def hold(self) -> None:
        """Before a fork: wait for transactions to end, close, and keep every thread out."""
        self._write_lock.acquire()
        self._read_lock.acquire()
        self._sync_lock.acquire()
        self._back_lock.acquire()
        self._drop()

    def let_go(self) -> None:
        """After a fork: let threads in again."""
        self._back_lock.release()
        self._sync_lock.release()
        self._read_lock.release()
        self._write_lock.release()

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise BrokerGone(f"{self.path} was closed meanwhile.", "Connect again.")
        return schema.connect(self.path)

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            db = self._open()
            try:
                for statement in schema.WRITER:
                    db.execute(statement)
                # SQLite would sleep up to a tenth of a second between tries; see _patiently.
                db.execute("PRAGMA busy_timeout=0")
            except sqlite3.Error:
                db.close()
                raise
            with self._sync_lock:
                # Somebody may have synced while this process had no connection. Then what he
                # opened went with another process's last one, and this is a new log.
                self._close_log()
            self._writer = db
            self._written_back = db.total_changes
        return self._writer

    def _drop(self) -> None:
        later, self._later = self._later, None
        if later is not None:
            later.cancel()
            with suppress(BrokerError):  # whoever closes cannot wait for a better disk
                self.sync()
        writer, self._writer = self._writer, None
        reader, self._reader = self._reader, None
        with self._sync_lock:
            self._close_log()
        for db in (reader, writer):
            if db is not None:
                db.close()

    def _close_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            os.close(log)

    def _told(self, error: sqlite3.Error) -> BrokerError:
        told = translated(error, self.path)
        if isinstance(told, BrokerDamaged):
            schema.mark_suspect(self.path)
        return told


def _patiently(db: sqlite3.Connection, sql: str, arguments: Arguments = ()) -> list[Row]:
    """Run a statement, trying again while another process writes.

    Raises:
        sqlite3.OperationalError: it did so for longer than `schema.BUSY_TIMEOUT`.
    """
    pause, longest = _PAUSES
    deadline: float | None = None
    while True:
        try:
            return db.execute(sql, arguments).fetchall()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            now = time.monotonic()
            if deadline is None:
                deadline = now + schema.BUSY_TIMEOUT
            if now >= deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 1.3, longest)
