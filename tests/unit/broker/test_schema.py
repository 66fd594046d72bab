"""The broker's file: made, migrated, refused or rebuilt."""

import os
import sqlite3
from pathlib import Path

import pytest

from tests.support.processes import posix_only
from worker.broker import schema
from worker.broker.database import Database
from worker.broker.errors import (
    BrokerAddressError,
    BrokerDamaged,
    BrokerForeignFile,
    BrokerNewerFile,
    BrokerUnavailable,
)


def tables(path: Path) -> set[str]:
    db = sqlite3.connect(path)
    names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    db.close()
    return names


def pragma(path: Path, name: str) -> object:
    db = sqlite3.connect(path)
    value = db.execute(f"PRAGMA {name}").fetchone()[0]
    db.close()
    return value


def test_new_file_has_tables_version_wal_and_can_shrink(path: Path) -> None:
    assert schema.prepare(path, alone=True) is None
    assert {"message", "dead", "queue", "binding", "peer", "result", "chord"} <= tables(path)
    assert pragma(path, "user_version") == schema.VERSION
    assert pragma(path, "application_id") == schema.APPLICATION_ID
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "auto_vacuum") == 2


@posix_only
def test_file_and_its_log_are_readable_by_the_owner_only(path: Path) -> None:
    path.touch(0o666)
    path.chmod(0o666)
    schema.prepare(path, alone=True)
    database = Database(path)
    database.write("INSERT INTO peer(id) VALUES ('x')")
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.glob("queue.db*")}
    database.close()
    assert modes == {"queue.db": 0o600, "queue.db-wal": 0o600, "queue.db-shm": 0o600}


def test_second_opening_keeps_what_is_stored(path: Path) -> None:
    schema.prepare(path, alone=True)
    db = sqlite3.connect(path)
    db.execute("INSERT INTO peer(id) VALUES ('kept')")
    db.commit()
    db.close()
    assert schema.prepare(path, alone=True) is None
    db = sqlite3.connect(path)
    assert db.execute("SELECT id FROM peer").fetchall() == [("kept",)]
    db.close()


def test_older_file_is_migrated_with_its_messages(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.prepare(path, alone=True)
    db = sqlite3.connect(path)
    db.execute("INSERT INTO message(queue, priority, payload) VALUES ('q', 0, 'kept')")
    db.commit()
    db.close()
    step = ("ALTER TABLE message ADD COLUMN colour TEXT",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    schema.prepare(path, alone=True)
    db = sqlite3.connect(path)
    assert db.execute("SELECT payload, colour FROM message").fetchall() == [("kept", None)]
    assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    db.close()


def test_failing_migration_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.prepare(path, alone=True)
    version = schema.VERSION
    steps = ("CREATE TABLE half(done)", "CREATE NONSENSE")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, steps))
    monkeypatch.setattr(schema, "VERSION", version + 1)
    with pytest.raises(BrokerUnavailable):
        schema.prepare(path, alone=True)
    assert "half" not in tables(path)
    assert pragma(path, "user_version") == version


def test_newer_file_is_refused_and_untouched(path: Path) -> None:
    schema.prepare(path, alone=True)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(BrokerNewerFile, match="left untouched"):
        schema.prepare(path, alone=True)
    assert path.read_bytes() == before


def test_database_of_another_program_is_refused_and_untouched(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs(x)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(BrokerForeignFile, match="another program"):
        schema.prepare(path, alone=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("large", [False, True])
def test_file_that_is_no_database_is_moved_aside_and_made_anew(path: Path, large: bool) -> None:
    path.write_bytes(os.urandom(200_000 if large else 3_000))
    garbage = path.read_bytes()
    aside = schema.prepare(path, alone=True)
    assert aside is not None
    assert aside.read_bytes() == garbage
    assert "message" in tables(path)


def test_file_with_damaged_pages_is_moved_aside_and_made_anew(path: Path) -> None:
    schema.prepare(path, alone=True)
    db = sqlite3.connect(path)
    db.executemany(
        "INSERT INTO message(queue, priority, payload) VALUES ('q', 0, ?)", [("x" * 500,)] * 500
    )
    db.commit()
    db.close()
    with path.open("r+b") as file:
        file.seek(40_000)
        file.write(os.urandom(60_000))
    aside = schema.prepare(path, alone=True)
    assert aside is not None
    assert aside.exists()
    assert "message" in tables(path)


def test_damaged_file_that_another_process_uses_is_not_moved(path: Path) -> None:
    path.write_bytes(os.urandom(5_000))
    garbage = path.read_bytes()
    with pytest.raises(BrokerDamaged):
        schema.prepare(path, alone=False)
    assert path.read_bytes() == garbage


def test_damage_found_while_working_is_checked_at_the_next_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_FULL_CHECK_BELOW", 0)  # as if the file were too large to check
    schema.prepare(path, alone=True)
    db = sqlite3.connect(path)
    db.executemany(
        "INSERT INTO message(queue, priority, payload) VALUES ('q', 0, ?)", [("x" * 500,)] * 500
    )
    db.commit()
    root = db.execute("SELECT rootpage FROM sqlite_master WHERE name='message'").fetchone()[0]
    db.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    assert schema.prepare(path, alone=True) is None
    database = Database(path)
    with pytest.raises(BrokerDamaged):
        database.read("SELECT sum(length(payload)) FROM message")
    database.close()
    assert schema.prepare(path, alone=True) is not None
    assert not path.with_name("queue.db.suspect").exists()


def test_folder_in_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(BrokerAddressError):
        schema.prepare(path, alone=True)


def test_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable):
        schema.prepare(tmp_path / "no" / "queue.db", alone=True)


def test_too_old_sqlite_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 0))
    with pytest.raises(BrokerUnavailable, match="too old"):
        schema.prepare(path, alone=True)
