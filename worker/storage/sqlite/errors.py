"""The one edge where errors of SQLite, SQLAlchemy and the file system become StorageError.

Owns their words. Everything that touches the database does it inside `told_as_storage_error`.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError, StatementError

from worker.contract.errors import StorageError

_NO_ROOM = 1 << 20  # bytes free below which an I/O error is told as a full disk


@contextmanager
def told_as_storage_error(path: Path) -> Iterator[None]:
    """Turn what the database at `path` raises into StorageError."""
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError, OSError) as error:
        raise storage_error(error, path) from error


def storage_error(error: Exception, path: Path) -> StorageError:
    """What `error`, which came of using `path`, is to be told as."""
    error = _cause(error)
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(path)
    if isinstance(error, PermissionError) or (
        isinstance(error, OSError) and error.errno == errno.EROFS
    ):
        return read_only(path)
    if code == sqlite3.SQLITE_FULL:
        return disk_full(path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return read_only(path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, str(error))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return busy(path)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        if _has_no_room(path):
            return disk_full(path)
        if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            return read_only(path)
    return StorageError(
        "The data cannot be used",
        f"{path}: {_words(error)}",
        "Check that the folder is there and can be written. If it is, restart the program.",
    )


def is_index_fault(error: StorageError) -> bool:
    """Whether only the search index is damaged, which can be made anew from the texts."""
    cause = error.__cause__
    if not isinstance(cause, Exception):
        return False
    # The index tells a fault when it is read, or as a constraint of no kind when it is written
    # (which is at commit); a table's constraint says of which kind it is.
    faults = (sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.SQLITE_CONSTRAINT)
    return getattr(_cause(cause), "sqlite_errorcode", None) in faults


def disk_full(path: Path) -> StorageError:
    """No room is left."""
    return StorageError(
        "The disk is full",
        f"There is no room left where {path} is; nothing was stored.",
        "Free some space and try again.",
        kind="disk_full",
        action="retry",
    )


def read_only(path: Path) -> StorageError:
    """The file or its folder cannot be written."""
    return StorageError(
        "The data cannot be written",
        f"{path} or its folder is read-only.",
        "Give yourself the right to write there, or choose another folder with NAGATHA_HOME.",
        kind="read_only",
        action="retry",
    )


def damaged(path: Path, why: str) -> StorageError:
    """The file cannot be read for what it is."""
    return StorageError(
        "The data is damaged",
        f"{path}: {why}",
        "Restart the program: it moves the damaged file aside and offers the newest backup.",
        kind="damaged",
        action="restore",
    )


def newer_version(path: Path, version: int, known: int) -> StorageError:
    """The file was written by a newer program."""
    return StorageError(
        "The data is from a newer version",
        f"{path} has format {version}; this version reads up to {known}. It was left untouched.",
        "Start the newer version, or choose another folder with NAGATHA_HOME.",
        kind="newer_version",
    )


def foreign_file(path: Path) -> StorageError:
    """The file is some other program's database."""
    return StorageError(
        "The file belongs to another program",
        f"{path} is a database, but not one of Nagatha's. It was left untouched.",
        "Move it away, or choose another folder with NAGATHA_HOME.",
    )


def closed(path: Path) -> StorageError:
    """Nobody has opened the file, or it was closed meanwhile."""
    return StorageError("The data is closed", f"{path} is not open.", "Restart the program.")


def busy(path: Path) -> StorageError:
    """Another process holds the file."""
    return StorageError(
        "The data is in use",
        f"Another program held {path} for too long; nothing was stored.",
        "Try again. If it stays so, close other running copies of the program.",
        action="retry",
    )


def _cause(error: Exception) -> Exception:
    """What the driver raised."""
    cause: BaseException | None = error.orig if isinstance(error, StatementError) else error
    while cause is not None and not isinstance(cause, sqlite3.Error | OSError):
        cause = cause.__cause__
    return cause if isinstance(cause, Exception) else error


def _has_no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _NO_ROOM
    except OSError:
        return False


def _words(error: Exception) -> str:
    # A statement and its values, which SQLAlchemy would add, are not for logs and windows.
    if isinstance(error, StatementError):
        return "a value cannot be stored" if error.orig is None else type(error.orig).__name__
    return str(error)
