"""The database as files: its header, its companions, its rights, whether it is sound.

Owns what can be told without the engine. Works on closed files, with the standard library's
sqlite3, and blocks: callers go through a thread.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from worker.storage.sqlite.errors import damaged, foreign_file, newer_version, read_only
from worker.storage.sqlite.schema import APPLICATION_ID, VERSION

COMPANIONS = ("-wal", "-shm", "-journal")
RESTORING = ".restoring"
"""The ending of a copy that is to replace the database."""
_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_BUSY_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a database say."""

    application: int
    version: int
    """`user_version`: the number of the newest migration; 0 in an empty database."""


def companion(path: Path, ending: str) -> Path:
    """The file that SQLite keeps beside the database at `path`."""
    return path.with_name(path.name + ending)


def suspicion(path: Path) -> Path:
    """The empty file that says that the database at `path` has to be looked through."""
    return companion(path, "-suspect")


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, unless it is there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def new_private_file(path: Path) -> None:
    """Make an empty file that only its owner can read. Raises FileExistsError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some file systems cannot do it for folders
            raise
    finally:
        os.close(handle)


@contextmanager
def connected(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection without transactions of its own, closed at the end."""
    mode = "ro" if read_only else "rw"
    with closing(
        sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=_BUSY_SECONDS,
        )
    ) as connection:
        yield connection


def read_header(path: Path) -> Header | None:
    """What the file says it is; None where it is missing or empty. Changes nothing.

    Raises StorageError "damaged" for a file that is no database.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except FileNotFoundError:
        return None
    if not head:
        return None
    if len(head) < _HEADER or not head.startswith(_MAGIC):
        raise damaged(path, "file is not a database")
    header = _parse(head)
    wal = companion(path, "-wal")
    if wal.exists() and wal.stat().st_size:
        # The newest header may still stand in the log. A reader does not touch either file.
        with connected(path, read_only=True) as connection:
            return Header(
                connection.execute("PRAGMA application_id").fetchone()[0],
                connection.execute("PRAGMA user_version").fetchone()[0],
            )
    return header


def check_header(path: Path, header: Header) -> None:
    """Refuse what this program must not touch: newer versions and other programs' files."""
    if header.application not in (0, APPLICATION_ID) or (
        header.application == 0 and header.version != 0
    ):
        raise foreign_file(path)
    if header.version > VERSION:
        raise newer_version(path, header.version, VERSION)


def check_writable(path: Path) -> None:
    """Raise StorageError "read_only" where the database cannot be written."""
    if not os.access(path.parent, os.W_OK) or not os.access(path, os.W_OK):
        raise read_only(path)


def left_open(path: Path) -> bool:
    """Whether the last process that had it did not close it, or it was found damaged in use."""
    wal = companion(path, "-wal")
    return suspicion(path).exists() or (wal.exists() and wal.stat().st_size > 0)


def look_through(path: Path) -> None:
    """Read every page. Raises StorageError "damaged", naming the first fault."""
    with connected(path) as connection:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, str(found).splitlines()[0])
    suspicion(path).unlink(missing_ok=True)


def _parse(head: bytes) -> Header:
    return Header(int.from_bytes(head[68:72], "big"), int.from_bytes(head[60:64], "big"))
