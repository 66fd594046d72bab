"""The broker's own errors: what happened, why, and what to do about it.

Owns the translation of SQLite's errors. Of kombu it knows the name under which Celery expects
that a broker could not do something.
"""

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import ClassVar

from kombu.exceptions import OperationalError

_NO_ROOM = 1 << 20  # bytes free below which an I/O error is told as a full disk


class BrokerError(OperationalError):
    """Base of everything that the broker reports.

    An error of kombu's, so that Celery takes a next step that could not be sent for what it is,
    a failure of the task before it, and not for a defect.

    Attributes:
        title: what happened, a few words.
        message: why, one sentence; also what ``str()`` gives.
        remedy: what a person can do about it.
    """

    title: ClassVar[str] = "The message broker failed"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message


class BrokerAddressError(BrokerError):
    """The broker's URL names no usable file."""

    title = "The broker's address is not usable"


class BrokerDiskFull(BrokerError):
    """No room left: what was being stored is not stored."""

    title = "The disk is full"


class BrokerReadOnly(BrokerError):
    """The file or its folder cannot be written."""

    title = "The broker's file is read-only"


class BrokerNewerFile(BrokerError):
    """The file was written by a newer version. It is left untouched."""

    title = "The broker's file is from a newer version"


class BrokerForeignFile(BrokerError):
    """The file is a database of some other program. It is left untouched."""

    title = "The file is not a broker's file"


class BrokerDamaged(BrokerError):
    """The file is damaged. The next process that opens it alone rebuilds it."""

    title = "The broker's file is damaged"


class BrokerNetworkShare(BrokerError):
    """The file would be on a network share, where it could not be kept safe."""

    title = "The broker's file is on a network share"


class BrokerBusy(BrokerError):
    """Another process held the file for too long. Trying again is safe."""

    title = "The broker's file is busy"


class BrokerTooLarge(BrokerError):
    """A message or a result is longer than SQLite stores. Trying again is of no use."""

    title = "Too large for the broker"


class BrokerUnavailable(BrokerError):
    """The file cannot be opened, read or written."""

    title = "The broker's file cannot be used"


class BrokerGone(BrokerError):
    """This connection's broker was closed; a new connection opens it again."""

    title = "The broker was closed"


PASSING = (BrokerBusy, BrokerDiskFull, BrokerReadOnly)
"""What may be over in a moment, or once somebody has seen to it, with the file as it is."""


def translated(error: sqlite3.Error | OSError, path: Path) -> BrokerError:
    """Turn an error of SQLite or the system into the broker's own.

    Args:
        error: what was raised.
        path: the broker's file, named in the message.

    Returns:
        The error to raise ``from`` the given one.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _read_only(path)
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or number in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return _disk_full(path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _read_only(path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return BrokerDamaged(
            f"{path} is damaged ({error}).",
            "Stop every program that uses it and start again: it is moved aside and made anew.",
        )
    if code == sqlite3.SQLITE_TOOBIG:
        return BrokerTooLarge(
            f"{path} takes nothing that long ({error}); it was not stored.",
            "Store it in a file, and send the file's name.",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BrokerBusy(f"{path} was held by another process for too long.", "Try again.")
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _has_no_room(path):
        return _disk_full(path)
    if isinstance(error, sqlite3.ProgrammingError):
        return BrokerGone(f"{path} was closed meanwhile.", "Connect again.")
    return BrokerUnavailable(
        f"{path} cannot be used ({error}).", "Check that the folder exists and can be written."
    )


def _disk_full(path: Path) -> BrokerDiskFull:
    return BrokerDiskFull(
        f"There is no room left on the disk that holds {path}; nothing was stored.",
        "Free some space and try again.",
    )


def _read_only(path: Path) -> BrokerReadOnly:
    return BrokerReadOnly(
        f"{path} cannot be written; nothing was stored.",
        "Check the permissions of the file and its folder.",
    )


def _has_no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _NO_ROOM
    except OSError:
        return False
