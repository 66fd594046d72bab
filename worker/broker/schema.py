"""The broker's file: its tables, its version, and how it is opened, made and rebuilt.

Owns what is on disk. Knows nothing of who uses it.
"""

import contextlib
import logging
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from worker.broker.errors import (
    BrokerAddressError,
    BrokerDamaged,
    BrokerForeignFile,
    BrokerNewerFile,
    BrokerUnavailable,
    translated,
)

_log = logging.getLogger(__name__)

APPLICATION_ID = 0x4E675142  # "NgQB"
BUSY_TIMEOUT = 15.0  # s to wait for another process's transaction
LOG_PAGES = 8000
"""The log begins anew when it has so many; `Database` sees to that beside what is written."""
_MOST_LOG_PAGES = 3 * LOG_PAGES  # from then on each commit tries to write it back by itself
_FULL_CHECK_BELOW = 64 << 20  # bytes; a larger file is checked only when it was found damaged
_OLDEST_SQLITE = (3, 35, 0)  # RETURNING

# One entry a version: the statements that lead from the version before to it.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # due: 0 when it may be delivered, else seconds since 1970. owner: the peer that has it.
        # deliveries: times handed out; failures: times its owner died or asked for it again.
        """CREATE TABLE message(
            id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, priority INTEGER NOT NULL,
            due REAL NOT NULL DEFAULT 0, expires REAL, owner TEXT, channel TEXT,
            deliveries INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
            task TEXT, payload TEXT NOT NULL)""",
        """CREATE INDEX message_ready ON message(queue, priority DESC, id)
            WHERE owner IS NULL AND due = 0""",
        "CREATE INDEX message_due ON message(due) WHERE due > 0",
        "CREATE INDEX message_owner ON message(owner, channel) WHERE owner IS NOT NULL",
        "CREATE INDEX message_task ON message(task) WHERE task IS NOT NULL",
        "CREATE INDEX message_expires ON message(expires) WHERE expires IS NOT NULL",
        """CREATE TABLE dead(
            id INTEGER PRIMARY KEY, queue TEXT NOT NULL, priority INTEGER NOT NULL,
            deliveries INTEGER NOT NULL, task TEXT, payload TEXT NOT NULL, died REAL NOT NULL)""",
        """CREATE TABLE queue(
            name TEXT PRIMARY KEY, owner TEXT, temporary INTEGER NOT NULL, ttl REAL)
            WITHOUT ROWID""",
        "CREATE TABLE exchange(name TEXT PRIMARY KEY, type TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE binding(
            exchange TEXT NOT NULL, routing_key TEXT NOT NULL, pattern TEXT NOT NULL,
            queue TEXT NOT NULL, PRIMARY KEY(exchange, routing_key, pattern, queue))
            WITHOUT ROWID""",
        "CREATE INDEX binding_queue ON binding(queue)",
        # topics: bits, what the peer waits for; port: where its doorbell is, 0 for none.
        """CREATE TABLE peer(
            id TEXT PRIMARY KEY, port INTEGER NOT NULL DEFAULT 0,
            topics INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
        # change grows with every write, so that a waiter can ask for what is new.
        """CREATE TABLE result(
            change INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
            state TEXT NOT NULL, value NOT NULL, expires REAL)""",
        "CREATE INDEX result_expires ON result(expires) WHERE expires IS NOT NULL",
        """CREATE TABLE chord(
            id TEXT PRIMARY KEY, size INTEGER, extra INTEGER NOT NULL DEFAULT 0,
            claimed TEXT, done INTEGER NOT NULL DEFAULT 0, expires REAL) WITHOUT ROWID""",
        """CREATE TABLE chord_part(
            chord TEXT NOT NULL, task TEXT NOT NULL, position REAL NOT NULL, value NOT NULL,
            PRIMARY KEY(chord, task, position))""",
    ),
)
VERSION = len(MIGRATIONS)

# What a connection that writes has besides: a success and the end of its message in one statement,
# which is quicker than a transaction of four. `final` is the
# state that nothing replaces.
WRITER = (
    """CREATE TEMP VIEW done_work AS SELECT NULL AS key, NULL AS state, NULL AS value,
        NULL AS expires, NULL AS message, NULL AS owner, NULL AS now, NULL AS final""",
    """CREATE TEMP TRIGGER finish INSTEAD OF INSERT ON done_work BEGIN
        INSERT OR REPLACE INTO result(key, state, value, expires)
            SELECT NEW.key, NEW.state, NEW.value, NEW.expires
            WHERE NOT EXISTS (SELECT 1 FROM result WHERE key = NEW.key AND state = NEW.final
                              AND (expires IS NULL OR expires > NEW.now));
        DELETE FROM message WHERE id = NEW.message AND owner = NEW.owner;
    END""",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open a prepared file in autocommit mode, usable from any thread that holds its lock.

    Raises:
        BrokerError: it cannot be opened.
    """
    try:
        db = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise translated(error, path) from error
    try:
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint={_MOST_LOG_PAGES}")
        db.execute(f"PRAGMA journal_size_limit={LOG_PAGES * 4096}")
    except sqlite3.Error as error:
        db.close()
        raise translated(error, path) from error
    return db


def prepare(path: Path, *, alone: bool) -> Path | None:
    """Make sure that a file of this version is there: made, migrated or rebuilt.

    The caller holds the opening lock, and has seen that the folder is local.

    Args:
        path: the file.
        alone: no other living process uses it, so it may be moved aside.

    Returns:
        Where a damaged file was moved to, None when there was none.

    Raises:
        BrokerError: newer, foreign, damaged and in use, read-only, or the disk is full.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise BrokerUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old.",
            "Use a Python with SQLite 3.35 or newer.",
        )
    try:
        _make_private(path)
        _bring_up_to_date(path, thorough=alone and _should_be_checked(path))
    except BrokerDamaged:
        if not alone:
            raise
        aside = _move_aside(path)
        _make_private(path)
        _bring_up_to_date(path, thorough=False)
        return aside
    return None


def mark_suspect(path: Path) -> None:
    """Remember that the file was found damaged, so that the next to open it alone checks it."""
    try:
        _suspicion(path).touch(mode=0o600)
    except OSError as error:
        _log.warning("could not note that %s is damaged: %s", path, error)


def _make_private(path: Path) -> None:
    """Create the file, and in any case let nobody else read it (-wal and -shm follow it)."""
    if path.is_dir():
        raise BrokerAddressError(f"{path} is a folder.", "Name a file in it.")
    try:
        # An existing file is never opened here: closing it would drop the locks that SQLite
        # holds on it for this process.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if os.name != "nt" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise translated(error, path) from error


def _bring_up_to_date(path: Path, *, thorough: bool) -> None:
    db = connect(path)
    try:
        _refuse_strangers(db, path)
        if thorough:
            _check(db, path)
        if _pragma(db, "user_version") < VERSION:
            _migrate(db)
        elif str(db.execute("PRAGMA journal_mode=WAL").fetchone()[0]).lower() != "wal":
            raise BrokerUnavailable(
                f"{path} cannot be used by several connections at once (no WAL).",
                "Keep the data folder on a local disk.",
            )
        db.execute("SELECT count(*) FROM peer").fetchone()
    except sqlite3.Error as error:
        raise translated(error, path) from error
    finally:
        db.close()


def _refuse_strangers(db: sqlite3.Connection, path: Path) -> None:
    version, application = _pragma(db, "user_version"), _pragma(db, "application_id")
    if application == APPLICATION_ID:
        if version > VERSION:
            raise BrokerNewerFile(
                f"{path} has version {version}, this program knows up to {VERSION}. "
                "It was left untouched.",
                "Update this program, or choose another file.",
            )
        return
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application or version or tables:
        raise BrokerForeignFile(
            f"{path} is a database of another program. It was left untouched.",
            "Choose another file for the broker.",
        )


def _check(db: sqlite3.Connection, path: Path) -> None:
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise BrokerDamaged(f"{path} is damaged ({verdict}).", "It is moved aside and made anew.")
    _suspicion(path).unlink(missing_ok=True)


def _migrate(db: sqlite3.Connection) -> None:
    version = _pragma(db, "user_version")
    if version == 0:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # only before the first table
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")
    except sqlite3.Error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _move_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        for suffix in ("-wal", "-shm", ""):
            source = path.with_name(path.name + suffix)
            if source.exists():
                source.rename(path.with_name(f"{aside.name}{suffix}"))
        _suspicion(path).unlink(missing_ok=True)
    except OSError as error:
        raise translated(error, path) from error
    _log.warning("the broker's file %s was damaged; it was moved to %s and made anew", path, aside)
    return aside


def _should_be_checked(path: Path) -> bool:
    return _suspicion(path).exists() or path.stat().st_size < _FULL_CHECK_BELOW


def _suspicion(path: Path) -> Path:
    return path.with_name(f"{path.name}.suspect")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
