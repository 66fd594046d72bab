"""From older versions to the newest: by named steps, after a copy, whole or not at all."""

import hashlib
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.support.processes import kill
from tests.support.storages import a_chat, chain, sqlite_in
from worker.contract.errors import StorageError
from worker.contract.types import Attachment, Usage
from worker.storage.sqlite import migrate
from worker.storage.sqlite.schema import APPLICATION_ID, REVISION, VERSION

FIXTURES = Path(__file__).parent / "fixtures"
OLD = sorted(FIXTURES.glob("nagatha-*.sql"))
ME = "me"


def make_old(folder: Path, dump: Path = OLD[0]) -> Path:
    """A database of an older version, written by that version."""
    path = folder / "nagatha.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(dump.read_text("utf-8"))
    return path


def shape(path: Path) -> set[tuple[str, str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master")
        return {(kind, name, re.sub(r"\s+", "", sql)) for kind, name, sql in rows}


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def digests(folder: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if file.is_file() and not file.name.endswith("-shm")
    }


@pytest.mark.parametrize("dump", OLD, ids=lambda dump: dump.stem)
def test_a_migrated_database_has_the_shape_of_a_new_one(tmp_path: Path, dump: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "old").mkdir()
    old = make_old(tmp_path / "old", dump)
    with sqlite_in(tmp_path / "old"), sqlite_in(tmp_path / "new"):
        pass
    new = tmp_path / "new" / "nagatha.db"
    assert shape(old) == shape(new)
    assert version(old) == version(new) == VERSION
    for path in (old, new):
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            assert found == [(REVISION,)]
            found = connection.execute("PRAGMA application_id").fetchone()
            assert found == (APPLICATION_ID,)


def test_all_steps_from_nothing_make_the_shape_of_a_new_database(tmp_path: Path) -> None:
    with sqlite_in(tmp_path / "new"):
        pass
    engine = create_engine(f"sqlite:///{tmp_path / 'steps.db'}", poolclass=NullPool)
    with engine.begin() as connection:
        migrate._run_steps(connection)
    assert shape(tmp_path / "steps.db") == shape(tmp_path / "new" / "nagatha.db")


def test_what_version_1_kept_is_there_after_the_migration(tmp_path: Path) -> None:
    make_old(tmp_path, FIXTURES / "nagatha-0001.sql")
    with sqlite_in(tmp_path) as storage:
        chat = storage.get_chat(ME, "old chat")
        assert (chat.title, chat.draft, chat.head, chat.pinned) == (
            "From version 1",
            "a draft",
            "a1",
            True,
        )
        question, answer = storage.tree(ME, "old chat")
        assert question.text == "Where is the Käsebrot?"
        assert question.created == datetime.fromtimestamp(1763700000, UTC)
        assert question.attachments == (Attachment("f1", "cat.png", "image/png", 3, 85),)
        assert (answer.parent, answer.text) == ("q1", "Lone \ud800 and 東京")
        assert (answer.usage, answer.notes) == (Usage(10, 5), ("a note",))
        assert storage.get_attachment(ME, "f1")[1] == b"\0\1\2"
        assert storage.get_run(ME, "r1").result == {"n": 1}
        assert storage.get_value(ME, "key") == "value"
        assert storage.last_event() == 7
        summary = storage.usage_summary(ME, question.created, answer.created)
        assert summary.cost == Decimal("0.0012")
        # The index came with version 2.
        assert [hit.message for hit in storage.search(ME, "kasebr", chat=None, limit=5)] == ["q1"]
        assert [hit.message for hit in storage.search(ME, "京", chat=None, limit=5)] == ["a1"]


def test_a_copy_is_made_before_the_migration_and_not_again(tmp_path: Path) -> None:
    make_old(tmp_path)
    with sqlite_in(tmp_path) as storage:
        [copy] = storage.backups()
        assert copy.reason == "migration"
        assert version(tmp_path / "backups" / copy.name) == 1
    with sqlite_in(tmp_path) as storage:
        assert storage.backups() == (copy,)


def test_a_new_database_is_made_without_a_copy_and_without_alembic(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.support.storages import sqlite_in\n"
        "for _ in range(2):\n"
        "    with sqlite_in(Path(sys.argv[1])) as storage:\n"
        "        assert storage.backups() == ()\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)


@pytest.mark.parametrize("in_log", [False, True])
def test_a_file_of_a_newer_version_is_refused_and_left_untouched(
    tmp_path: Path, in_log: bool
) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.set_value(ME, "key", "value")
    path = tmp_path / "nagatha.db"
    statement = f"PRAGMA user_version = {VERSION + 1}"
    if in_log:
        # A process that was killed leaves its newest header in the log.
        code = (
            "import os, sqlite3, sys\n"
            "connection = sqlite3.connect(sys.argv[1])\n"
            "connection.execute(sys.argv[2])\n"
            "connection.commit()\n"
            "os.kill(os.getpid(), 9)\n"
        )
        subprocess.run([sys.executable, "-c", code, str(path), statement], timeout=60)
        assert (tmp_path / "nagatha.db-wal").stat().st_size
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
    before = digests(tmp_path)
    with pytest.raises(StorageError) as caught, sqlite_in(tmp_path):
        pass
    assert caught.value.kind == "newer_version"
    assert str(VERSION + 1) in caught.value.problem.message
    assert digests(tmp_path) == before


def test_a_database_of_another_program_is_refused_and_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "nagatha.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
        connection.execute("CREATE TABLE theirs (x)")
    before = digests(tmp_path)
    with pytest.raises(StorageError) as caught, sqlite_in(tmp_path):
        pass
    assert caught.value.kind == "storage"
    assert digests(tmp_path) == before


KILLED = """
import sys
from pathlib import Path
from sqlalchemy import Engine, event
from tests.support.storages import sqlite_in

@event.listens_for(Engine, "after_cursor_execute")
def after(connection, cursor, statement, parameters, context, many):
    if sys.argv[2] in statement:
        print("here", flush=True)
        sys.stdin.read()

with sqlite_in(Path(sys.argv[1])):
    print("not here", flush=True)
"""


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE facts", "CREATE VIRTUAL TABLE", "UPDATE alembic_version", "INSERT INTO search"],
)
def test_kill_9_in_mid_migration_leaves_the_old_version_intact(
    tmp_path: Path, statement: str
) -> None:
    path = make_old(tmp_path)
    before = shape(path)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), statement],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        assert process.stdout.readline() == b"here\n"
    finally:
        kill(process)
        process.stdout.close()
        process.stdin.close()
    kept = tmp_path / "kept"
    kept.mkdir()
    for file in tmp_path.glob("nagatha.db*"):
        shutil.copy(file, kept)
    assert version(kept / "nagatha.db") == 1
    assert shape(kept / "nagatha.db") == before
    with sqlite_in(tmp_path) as storage:
        assert storage.get_chat(ME, "old chat").messages == 2
        assert len(storage.search(ME, "kasebrot", chat=None, limit=5)) == 1


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_old(tmp_path)
    before = shape(path)

    def fail(connection: object) -> None:
        raise sqlite3.OperationalError("for the test")

    monkeypatch.setattr("worker.storage.sqlite.search.rebuild", fail)
    with pytest.raises(StorageError), sqlite_in(tmp_path):
        pass
    assert (version(path), shape(path)) == (1, before)


def test_two_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    make_old(tmp_path)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.support.storages import sqlite_in\n"
        "sys.stdin.readline()\n"
        "with sqlite_in(Path(sys.argv[1])) as storage:\n"
        "    assert storage.get_chat('me', 'old chat').messages == 2\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert version(tmp_path / "nagatha.db") == VERSION


def test_three_processes_that_start_at_once_make_one_new_database(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.support.storages import sqlite_in\n"
        "sys.stdin.readline()\n"
        "with sqlite_in(Path(sys.argv[1])) as storage:\n"
        "    storage.set_value('me', sys.argv[2], 'x')\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(number)], stdin=subprocess.PIPE
        )
        for number in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    with sqlite_in(tmp_path) as storage:
        assert [storage.get_value(ME, str(number)) for number in range(3)] == ["x"] * 3


def test_an_index_made_by_other_rules_is_made_anew_at_the_start(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 3), {})
    with closing(sqlite3.connect(tmp_path / "nagatha.db")) as connection:
        connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
        connection.execute("UPDATE facts SET value = 'other' WHERE name = 'search'")
        connection.commit()
    with sqlite_in(tmp_path) as storage:
        assert len(storage.search(ME, "message", chat=None, limit=5)) == 3
