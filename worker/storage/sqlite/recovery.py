"""When the database is damaged, and when a copy is put back.

Owns moving files aside and into place. It must not delete what a person could still need: a
damaged database stays beside the new one, with its log.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from worker.contract.errors import Conflict, InvalidInput, NotFound, StorageError
from worker.contract.system import Backup
from worker.contract.types import Problem
from worker.storage.sqlite import backup, files
from worker.storage.sqlite.errors import told_as_storage_error
from worker.storage.sqlite.store import SqliteStorage

_STAMP = "%Y%m%dT%H%M%SZ"


def _now() -> datetime:
    return datetime.now(UTC)


async def open_or_recover(
    path: Path, backups: Path, *, clock: Callable[[], datetime] = _now
) -> tuple[SqliteStorage, Problem | None]:
    """The storage, open. A damaged file is moved aside and a new one begun; the problem says so.

    The problem has the kind "damaged" and, where a good backup is there, the action "restore":
    `restore_file` with that backup, the storage closed, mends it. Raises StorageError of
    any other kind.
    """
    storage = SqliteStorage(path, backups, clock=clock)
    try:
        await storage.open()
    except StorageError as error:
        if error.kind != "damaged":
            raise
    else:
        return storage, None
    with told_as_storage_error(path):
        aside = await asyncio.to_thread(move_aside, path, clock())
        good = await asyncio.to_thread(backup.newest_good, backups, clock())
    await storage.open()
    return storage, _moved_problem(aside, good)


def move_aside(path: Path, at: datetime) -> Path:
    """Rename a damaged database, its log first, and say where it is now."""
    stem = f"{path.name}.damaged-{at.astimezone(UTC).strftime(_STAMP)}"
    aside, number = path.with_name(stem), 2
    while aside.exists():
        aside, number = path.with_name(f"{stem}-{number}"), number + 1
    # The log goes first: it must never be taken for that of the next database.
    for ending in files.COMPANIONS:
        if files.companion(path, ending).exists():
            files.companion(path, ending).rename(files.companion(aside, ending))
    path.rename(aside)
    files.suspicion(path).unlink(missing_ok=True)
    files.to_disk(path.parent)
    return aside


def restore_file(path: Path, source: Path, at: datetime) -> None:
    """Put the copy `source` in place of the database, which is copied beside `source` before.

    The storage has to be closed. After kill -9 either the old or the new database is there,
    whole. Raises NotFound, InvalidInput (the copy is damaged or too new), Conflict (another
    process has the database open), StorageError. Blocks.
    """
    if not source.is_file():
        raise NotFound(
            "Backup not found", f"There is no backup {source.name!r}.", "Choose another one."
        )
    if not backup.is_good(source):
        raise InvalidInput(
            "The backup cannot be used", f"{source} is damaged or too new.", "Choose another one."
        )
    with told_as_storage_error(path):
        coming = files.companion(path, files.RESTORING)
        coming.unlink(missing_ok=True)
        backup.copy(source, coming)
        try:
            _set_aside(path, source.parent, at)
            os.replace(coming, path)
        except BaseException:
            coming.unlink(missing_ok=True)
            raise
        files.to_disk(path.parent)


def unfinished_in(copy: Path) -> tuple[tuple[str, str], ...]:
    """The runs (owner and id) that had not ended when `copy` was made; () for a file that is no
    copy that can be used, of which `restore_file` says so. Blocks."""
    if not backup.is_good(copy):
        return ()
    with told_as_storage_error(copy), files.connected(copy, read_only=True) as connection:
        rows = connection.execute(
            """SELECT owners.name, runs.id FROM runs JOIN owners ON owners.seq = runs.owner
               WHERE runs.state IN ('PENDING', 'STARTED', 'PROGRESS', 'RETRY')
               ORDER BY runs.queued"""
        ).fetchall()
    return tuple((_text(owner), _text(name)) for owner, name in rows)


def _text(kept: str | bytes) -> str:
    """As `types.Text` reads it."""
    return kept if isinstance(kept, str) else kept.decode("utf-8", "surrogatepass")


def _set_aside(path: Path, backups: Path, at: datetime) -> None:
    """Copy the database that is to be replaced, and fold its log into it.

    A log that stayed would be applied to the restored file; so it has to go first.
    """
    try:
        if files.read_header(path) is None:
            return
        backup.back_up(path, backups, "restore", at)
        with files.connected(path) as connection:
            # Leaving WAL needs the file for oneself, and takes the log away.
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise _in_use() from error
        raise
    except (StorageError, sqlite3.DatabaseError) as error:
        if isinstance(error, StorageError) and error.kind != "damaged":
            raise
        move_aside(path, at)
    else:
        if mode != "delete":
            raise _in_use()


def _in_use() -> Conflict:
    return Conflict(
        "The data is in use",
        "Another program has the database open.",
        "Close other running copies of the program and try again.",
    )


def _moved_problem(aside: Path, good: Backup | None) -> Problem:
    if good is None:
        return Problem(
            kind="damaged",
            title="The data was damaged",
            message=f"It was moved to {aside}, and a new database was begun. There is no backup.",
            remedy="Keep that file: parts of it may still be read.",
        )
    return Problem(
        kind="damaged",
        title="The data was damaged",
        message=f"It was moved to {aside}, and a new database was begun.",
        remedy=f"Restore the backup of {good.created:%Y-%m-%d %H:%M} UTC ({good.name}).",
        action="restore",
    )
