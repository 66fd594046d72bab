"""Copies: whole or not at all, private, and the right ones kept."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from tests.support.processes import kill
from tests.support.storages import NOW, a_chat, chain, sqlite_in
from worker.contract.errors import StorageError
from worker.contract.system import Backup
from worker.storage.sqlite import backup

ME = "me"
SUNDAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def made(day: float, reason: backup.Reason = "daily") -> Backup:
    """A copy made so many days ago."""
    created = SUNDAY - timedelta(days=day)
    return Backup(f"{created:%Y%m%dT%H%M}-{reason}", created, 1, reason)


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        ([], []),
        ([0, 1, 2], [0, 1, 2]),
        (range(8), range(8)),
        # The newest 7 are Sunday to Monday; then the Sundays of the 4 weeks before.
        (range(60), [0, 1, 2, 3, 4, 5, 6, 7, 14, 21, 28]),
        # Weeks without the program are skipped, not counted.
        ([0, 1, 2, 3, 4, 5, 6, 100, 101, 200, 300, 400, 500], [*range(7), 100, 200, 300, 400]),
        # Several on one day count one by one.
        ([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
    ],
)
def test_the_newest_7_and_one_of_each_of_4_weeks_are_kept(
    there: list[float], kept: list[float]
) -> None:
    backups = [made(day) for day in there]
    dropped = {*backup.superfluous(list(reversed(backups)), SUNDAY)}
    names = {item.name for item in backups}
    assert names - dropped == {made(day).name for day in kept}


def test_day_by_day_no_more_than_11_are_kept_and_they_reach_4_weeks_back() -> None:
    there: list[Backup] = []
    for day in range(120, -1, -1):
        there.append(made(day))
        dropped = backup.superfluous(there, SUNDAY - timedelta(days=day))
        there = [item for item in there if item.name not in dropped]
        assert len(there) <= 11
    assert there[0].created <= SUNDAY - timedelta(days=28)


def test_of_every_other_reason_the_newest_5_are_kept_apart_from_the_daily_ones() -> None:
    reasons: list[backup.Reason] = ["person", "migration", "restore"]
    assert {*reasons, "daily"} == {*get_args(backup.Reason)}
    backups = [made(day, reason) for reason in reasons for day in range(7)]
    backups += [made(day) for day in range(7)]
    expected = {made(day, reason).name for reason in reasons for day in (5, 6)}
    assert {*backup.superfluous(backups, SUNDAY)} == expected


def test_copies_from_the_future_take_no_place_of_the_others_and_are_not_kept_without_end() -> None:
    reasons: list[backup.Reason] = ["person", "migration", "restore"]
    there = [made(-3650 - day) for day in range(30)]
    there += [made(-3650 - day, reason) for reason in reasons for day in range(9)]
    real = [made(day) for day in range(7)]
    real += [made(day, reason) for reason in reasons for day in range(5)]
    dropped = {*backup.superfluous([*there, *real], SUNDAY)}
    assert dropped.isdisjoint({item.name for item in real})
    assert len(there) - len(dropped) <= 7 + 4 + 5 * len(reasons)


def test_a_name_that_is_no_date_is_no_copy(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        copy = storage.back_up("daily", NOW)
        (tmp_path / "backups" / "nagatha-20269999T999999Z-daily.db").write_bytes(b"x")
        assert storage.backups() == (copy,)


def test_deleting_all_copies_leaves_no_unfinished_one(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.back_up("daily", NOW)
        folder = tmp_path / "backups"
        for file in (
            folder / "nagatha-20261121T120000Z-daily.db.123.part",
            folder / "nagatha-20261121T120000Z-daily.db.123.part-journal",
            tmp_path / "nagatha.db.restoring",
            tmp_path / "nagatha.db.damaged-20261121T120000Z-wal",
        ):
            file.write_bytes(b"what somebody wrote")
        storage.delete_backups()
        assert list(folder.iterdir()) == []
        left = {path.name for path in tmp_path.glob("nagatha.db*")}
        assert left <= {"nagatha.db", "nagatha.db-wal", "nagatha.db-shm"}


def test_a_copy_from_the_future_is_offered_only_where_there_is_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    with sqlite_in(tmp_path) as storage:
        future = storage.back_up("daily", NOW + timedelta(days=3650))
        assert backup.newest_good(folder, NOW) == future
        storage.back_up("daily", NOW - timedelta(days=2))
        newest = storage.back_up("daily", NOW - timedelta(days=1))
        assert backup.newest_good(folder, NOW) == newest


def test_a_copy_that_was_just_made_is_there_whatever_the_clock_says(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        for number in range(9):
            storage.back_up("person", NOW + timedelta(days=100 + number))
        for at in (NOW, NOW - timedelta(days=1), NOW - timedelta(days=200)):
            copy = storage.back_up("person", at)
            assert copy in storage.backups()
            assert (tmp_path / "backups" / copy.name).is_file()


@pytest.mark.parametrize(
    ("there", "due"),
    [
        ([], True),
        ([made(0)], False),
        ([made(1)], True),
        ([made(0, "person")], True),
        ([made(-400)], True),  # the clock was wrong once
        ([made(-0.5)], True),  # by half a day
    ],
)
def test_a_daily_copy_is_due_once_a_day(there: list[Backup], due: bool) -> None:
    assert backup.is_due(there, SUNDAY + timedelta(hours=8)) is due


def test_a_copy_holds_everything_and_is_private(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 4), {})
        assert storage.backup_due(NOW)
        copy = storage.back_up("daily", NOW)
        assert not storage.backup_due(NOW)
        assert storage.backups() == (copy,)
        storage.import_chat(ME, a_chat("after"), chain("after", 4), {})
    assert copy.name == "nagatha-20261121T120000Z-daily.db"
    assert (copy.created, copy.reason) == (NOW, "daily")
    file = tmp_path / "backups" / copy.name
    assert copy.size == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (4,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_two_copies_within_a_second_are_two_files(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        first, second = storage.back_up("person", NOW), storage.back_up("person", NOW)
        assert first.name != second.name
        assert len(storage.backups()) == 2


def test_making_a_copy_drops_those_that_are_too_many(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        for day in range(20):
            storage.back_up("daily", NOW + timedelta(days=day))
        assert len(storage.backups()) == 7 + 3
        assert storage.backups()[0].created == NOW + timedelta(days=19)


def test_others_can_write_while_a_copy_is_made(tmp_path: Path) -> None:
    import asyncio

    with sqlite_in(tmp_path) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 2000), {})

        async def both() -> None:
            copying = asyncio.create_task(storage.storage.back_up("person", NOW))
            for number in range(50):
                await storage.storage.set_value(ME, "key", str(number))
            await copying

        storage.runner.run(both())
        assert storage.get_value(ME, "key") == "49"
        assert len(storage.backups()) == 1


def test_a_copy_elsewhere_can_be_opened_as_a_storage(tmp_path: Path) -> None:
    with sqlite_in(tmp_path / "one") as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 4), {})
        (tmp_path / "two").mkdir()
        storage.copy_to(tmp_path / "two" / "nagatha.db")
        with pytest.raises(StorageError):
            storage.copy_to(tmp_path / "two" / "nagatha.db")
    with sqlite_in(tmp_path / "two") as storage:
        assert len(storage.search(ME, "message", chat=None, limit=9)) == 4


def test_deleting_the_copies_leaves_other_files_alone(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.back_up("person", NOW)
        (tmp_path / "backups" / "mine.txt").touch()
        (tmp_path / "nagatha.db.damaged-20260101T000000Z").touch()
        storage.delete_backups()
        assert storage.backups() == ()
    assert os.listdir(tmp_path / "backups") == ["mine.txt"]
    assert not list(tmp_path.glob("*damaged*"))


KILLED = """
import sqlite3, sys
from datetime import UTC, datetime
from pathlib import Path
from tests.support.storages import sqlite_in
from worker.storage.sqlite import files

def stay(path):
    print("here", flush=True)
    sys.stdin.read()

with sqlite_in(Path(sys.argv[1])) as storage:
    files.to_disk = stay  # the copy is written, and has not its name yet
    storage.back_up("daily", datetime(2026, 11, 22, tzinfo=UTC))
"""


def test_kill_9_in_mid_backup_leaves_no_half_copy(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 100), {})
        whole = storage.back_up("daily", NOW)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
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
    folder = tmp_path / "backups"
    assert len(os.listdir(folder)) == 2
    assert backup.listed(folder) == (whole,)
    for file in folder.glob("*.part"):
        os.utime(file, (0, 0))
    with sqlite_in(tmp_path) as storage:
        assert storage.backups() == (whole,)
        assert os.listdir(folder) == [whole.name]
        assert storage.get_chat(ME, "chat").messages == 100
