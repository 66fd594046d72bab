"""A damaged database is moved aside and a copy offered; a copy is put back whole."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.processes import kill
from tests.support.storages import NOW, a_chat, chain, later, sqlite_in
from worker.contract.errors import Conflict, InvalidInput, NotFound, StorageError
from worker.contract.types import Problem
from worker.storage.sqlite.recovery import open_or_recover, restore_file

ME = "me"


def filled(folder: Path, *, keep: bool = True) -> Path:
    """A database with a chat, and with a backup of it."""
    with sqlite_in(folder) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 200), {})
        if keep:
            storage.back_up("daily", NOW)
    return folder / "nagatha.db"


def recover(path: Path) -> tuple[Problem | None, int]:
    """What opening says, and how many chats there are then."""

    async def work() -> tuple[Problem | None, int]:
        storage, problem = await open_or_recover(
            path, path.parent / "backups", clock=lambda: later(60)
        )
        try:
            return problem, (await storage.statistics()).chats
        finally:
            await storage.aclose()

    return asyncio.run(work())


def scribble(path: Path) -> None:
    """Overwrite pages in the middle, as a failing disk does."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        for at in range(4096 * 2, size, 4096):
            file.seek(at)
            file.write(os.urandom(512))


def mark_unclean(path: Path) -> None:
    path.with_name(f"{path.name}-suspect").touch()


def test_a_sound_database_is_opened_without_a_problem(tmp_path: Path) -> None:
    assert recover(filled(tmp_path)) == (None, 1)


def test_a_file_that_is_no_database_is_moved_aside_and_the_backup_named(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.write_bytes(b"This is not a database. " * 500)
    problem, chats = recover(path)
    assert problem is not None
    assert (problem.kind, problem.action, chats) == ("damaged", "restore", 0)
    assert "nagatha-20261121T120000Z-daily.db" in problem.remedy
    aside = tmp_path / "nagatha.db.damaged-20261121T120100Z"
    assert str(aside) in problem.message
    assert aside.read_bytes().startswith(b"This is not a database.")


def test_damaged_pages_are_found_after_an_unclean_end(tmp_path: Path) -> None:
    path = filled(tmp_path)
    scribble(path)
    mark_unclean(path)
    problem, chats = recover(path)
    assert problem is not None and problem.kind == "damaged"
    assert chats == 0
    assert recover(path) == (None, 0)


def test_damage_found_in_use_is_told_and_looked_for_at_the_next_start(tmp_path: Path) -> None:
    path = filled(tmp_path)
    scribble(path)
    with pytest.raises(StorageError) as caught, sqlite_in(tmp_path) as storage:
        storage.tree(ME, "chat")
    assert (caught.value.kind, caught.value.problem.action) == ("damaged", "restore")
    problem, _ = recover(path)
    assert problem is not None and problem.kind == "damaged"


def test_without_a_backup_the_problem_says_so(tmp_path: Path) -> None:
    path = filled(tmp_path, keep=False)
    path.write_bytes(b"no" * 5000)
    problem, _ = recover(path)
    assert problem is not None
    assert (problem.kind, problem.action) == ("damaged", "")
    assert "no backup" in problem.message


def test_a_damaged_backup_is_passed_over(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with sqlite_in(tmp_path) as storage:
        newest = storage.back_up("person", NOW + timedelta(days=1))
    scribble(tmp_path / "backups" / newest.name)
    path.write_bytes(b"no" * 5000)
    problem, _ = recover(path)
    assert problem is not None
    assert "nagatha-20261121T120000Z-daily.db" in problem.remedy


def test_the_log_goes_aside_with_its_database(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.write_bytes(b"no" * 5000)
    path.with_name("nagatha.db-wal").write_bytes(b"old log" * 1000)
    recover(path)
    assert (tmp_path / "nagatha.db.damaged-20261121T120100Z-wal").exists()
    recover(path)
    path.write_bytes(b"no" * 5000)
    recover(path)
    assert (tmp_path / "nagatha.db.damaged-20261121T120100Z-2").exists()


def test_other_errors_are_raised_and_nothing_is_moved(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError) as caught:
        recover(path)
    assert caught.value.kind == "newer_version"
    assert not list(tmp_path.glob("*damaged*"))


def test_a_copy_is_put_back_and_what_was_there_is_copied_before(tmp_path: Path) -> None:
    path = filled(tmp_path)
    copy = tmp_path / "backups" / "nagatha-20261121T120000Z-daily.db"
    with sqlite_in(tmp_path) as storage:
        storage.import_chat(ME, a_chat("later"), chain("later", 2), {})
    restore_file(path, copy, later(60))
    with sqlite_in(tmp_path) as storage:
        assert storage.statistics().chats == 1
        assert [found.reason for found in storage.backups()] == ["restore", "daily"]
        before = storage.backups()[0]
        assert path.stat().st_mode & 0o777 == 0o600
    restore_file(path, tmp_path / "backups" / before.name, later(120))
    with sqlite_in(tmp_path) as storage:
        assert storage.statistics().chats == 2


def test_a_log_left_by_kill_9_is_not_applied_to_the_restored_file(tmp_path: Path) -> None:
    path = filled(tmp_path)
    copy = tmp_path / "backups" / "nagatha-20261121T120000Z-daily.db"
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.support.storages import *\n"
        "with sqlite_in(Path(sys.argv[1])) as storage:\n"
        "    storage.import_chat('me', a_chat('later'), chain('later', 2), {})\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60)
    assert path.with_name("nagatha.db-wal").stat().st_size
    restore_file(path, copy, later(60))
    assert not path.with_name("nagatha.db-wal").exists()
    with sqlite_in(tmp_path) as storage:
        assert storage.statistics().chats == 1
        restore = storage.backups()[0]
    with closing(sqlite3.connect(tmp_path / "backups" / restore.name)) as connection:
        assert connection.execute("SELECT count(*) FROM chats").fetchone() == (2,)


def test_a_damaged_database_is_moved_aside_when_a_copy_is_put_back(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.write_bytes(b"no" * 5000)
    restore_file(path, tmp_path / "backups" / "nagatha-20261121T120000Z-daily.db", later(60))
    assert (tmp_path / "nagatha.db.damaged-20261121T120100Z").exists()
    with sqlite_in(tmp_path) as storage:
        assert storage.statistics().chats == 1


def test_a_copy_can_be_put_where_there_is_no_database(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.unlink()
    restore_file(path, tmp_path / "backups" / "nagatha-20261121T120000Z-daily.db", later(60))
    with sqlite_in(tmp_path) as storage:
        assert storage.statistics().chats == 1


def test_a_copy_that_is_missing_or_damaged_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    path = filled(tmp_path)
    copy = tmp_path / "backups" / "nagatha-20261121T120000Z-daily.db"
    before = path.read_bytes()
    with pytest.raises(NotFound):
        restore_file(path, copy.with_name("nothing.db"), NOW)
    scribble(copy)
    with pytest.raises(InvalidInput):
        restore_file(path, copy, NOW)
    copy.write_bytes(b"")
    with pytest.raises(InvalidInput):
        restore_file(path, copy, NOW)
    assert path.read_bytes() == before


def test_nothing_is_put_back_while_another_process_has_the_database(tmp_path: Path) -> None:
    path = filled(tmp_path)
    copy = tmp_path / "backups" / "nagatha-20261121T120000Z-daily.db"
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.support.storages import sqlite_in\n"
        "with sqlite_in(Path(sys.argv[1])) as storage:\n"
        "    print(storage.statistics().chats, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        assert process.stdout.readline() == b"1\n"
        with pytest.raises(Conflict):
            restore_file(path, copy, later(60))
    finally:
        kill(process)
        process.stdout.close()
        process.stdin.close()
    assert not path.with_name("nagatha.db.restoring").exists()


def test_a_damaged_search_index_is_made_anew_by_itself(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / "nagatha.db")) as connection:
        connection.execute("UPDATE search_data SET block = x'00112233' WHERE id > 10")
        connection.commit()
    with sqlite_in(tmp_path) as storage:
        assert len(storage.search(ME, "message", chat=None, limit=500)) == 200


def test_an_answer_can_be_kept_though_the_search_index_is_damaged(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / "nagatha.db")) as connection:
        connection.execute("UPDATE search_data SET block = x'00112233'")
        connection.commit()
    with sqlite_in(tmp_path) as storage:
        storage.import_chat(ME, a_chat("new"), chain("new", 3), {})
        assert len(storage.search(ME, "message", chat=None, limit=500)) == 203
