"""Which error of SQLite or of the file system is told as what."""

import errno
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from worker.contract.errors import StorageError
from worker.storage.sqlite.errors import storage_error, told_as_storage_error


def failed(code: int, message: str = "message") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (failed(sqlite3.SQLITE_FULL), "disk_full"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (failed(sqlite3.SQLITE_READONLY), "read_only"),
        (failed(sqlite3.SQLITE_READONLY_DBMOVED), "read_only"),
        (failed(sqlite3.SQLITE_PERM), "read_only"),
        (PermissionError(errno.EACCES, "Permission denied"), "read_only"),
        (OSError(errno.EROFS, "Read-only file system"), "read_only"),
        (failed(sqlite3.SQLITE_CORRUPT), "damaged"),
        (failed(sqlite3.SQLITE_CORRUPT_INDEX), "damaged"),
        (failed(sqlite3.SQLITE_NOTADB), "damaged"),
        (failed(sqlite3.SQLITE_BUSY), "storage"),
        (failed(sqlite3.SQLITE_LOCKED), "storage"),
        (failed(sqlite3.SQLITE_IOERR), "storage"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "storage"),
        (sqlite3.ProgrammingError("no code"), "storage"),
    ],
)
def test_an_error_is_told_as_its_kind(tmp_path: Path, error: Exception, kind: str) -> None:
    path = tmp_path / "nagatha.db"
    wrapped = OperationalError("SELECT 1", {"key": "a secret"}, error)
    for found in (storage_error(error, path), storage_error(wrapped, path)):
        assert isinstance(found, StorageError)
        assert found.kind == kind
        assert found.problem.title and found.problem.message and found.problem.remedy
        assert "secret" not in str(found) and "SELECT" not in str(found)


def test_errors_of_this_program_pass_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"), told_as_storage_error(tmp_path):
        raise ValueError("mine")


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN])
def test_an_input_output_error_on_a_disk_without_room_is_told_as_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(100, 100, 0))
    assert storage_error(failed(code), tmp_path / "nagatha.db").kind == "disk_full"
