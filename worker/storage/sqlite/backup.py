"""Copies of the database: making them whole or not at all, listing, keeping the right ones.

Owns the backups folder. Must not know the engine: a copy is made from the file with a connection
of its own. Blocks: callers go through a thread.
"""

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias, cast

from worker.contract.errors import StorageError
from worker.contract.system import Backup
from worker.storage.sqlite import files

Reason: TypeAlias = Literal["daily", "person", "migration", "restore"]

DAYS = 7
"""So many of the newest daily copies stay."""
WEEKS = 4
"""And the newest one of each of so many weeks before those."""
OTHERS = 5
"""Of the copies made for another reason, so many of each stay."""

_NAME = re.compile(r"nagatha-(\d{8}T\d{6}Z)-(daily|person|migration|restore)(?:-\d+)?\.db")
_STAMP = "%Y%m%dT%H%M%SZ"
_UNFINISHED = ".part"
_ABANDONED = 600.0  # seconds; another process may be writing a younger one


def back_up(database: Path, folder: Path, reason: Reason, at: datetime) -> Backup:
    """Copy `database` into `folder`, then drop what is too many there."""
    files.private_folder(folder)
    clean(folder)
    name = _free_name(folder, reason, at)
    unfinished = folder / f"{name}.{os.getpid()}{_UNFINISHED}"
    try:
        copy(database, unfinished)
        unfinished.replace(folder / name)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    files.to_disk(folder)
    there = listed(folder)
    for old in superfluous(there, at):
        if old != name:  # whatever the clock says: this one was asked for
            with contextlib.suppress(OSError):  # one too many is no reason to fail
                (folder / old).unlink(missing_ok=True)
    return next(backup for backup in there if backup.name == name)


def copy(database: Path, target: Path) -> None:
    """Write a consistent copy of `database` to the new file `target`, safely on the disk.

    Others may go on writing. Only the owner can read it. Raises FileExistsError.
    """
    files.new_private_file(target)
    try:
        with files.connected(database) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        files.to_disk(target)
    except BaseException:
        target.unlink(missing_ok=True)
        files.companion(target, "-journal").unlink(missing_ok=True)
        raise


def listed(folder: Path) -> tuple[Backup, ...]:
    """The finished copies in `folder`, newest first."""
    found = []
    for file in folder.iterdir() if folder.is_dir() else ():
        if match := _NAME.fullmatch(file.name):
            try:
                created = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
                size = file.stat().st_size
            except (ValueError, FileNotFoundError):  # no such day; another process removed it
                continue
            found.append(Backup(file.name, created, size, cast(Reason, match[2])))
    return tuple(sorted(found, key=lambda backup: (backup.created, backup.name), reverse=True))


def superfluous(backups: Sequence[Backup], now: datetime) -> tuple[str, ...]:
    """The names of those that are not kept.

    Kept are the newest 7 daily ones, of the older daily ones the newest of each of the 4 last
    weeks (Monday to Sunday) that have one, and the newest 5 of each other reason. Copies from
    the future, made while the clock was wrong, take no place of these: for them the same
    holds among themselves.
    """
    future = [backup for backup in backups if backup.created > now]
    past = [backup for backup in backups if backup.created <= now]
    return (*_superfluous(past), *_superfluous(future))


def _superfluous(backups: Sequence[Backup]) -> tuple[str, ...]:
    newest_first = sorted(backups, key=lambda backup: (backup.created, backup.name), reverse=True)
    dropped: list[str] = []
    weeks: set[tuple[int, int]] = set()
    counts: dict[Reason, int] = {}
    for backup in newest_first:
        counts[backup.reason] = count = counts.get(backup.reason, 0) + 1
        if backup.reason != "daily":
            if count > OTHERS:
                dropped.append(backup.name)
            continue
        if count <= DAYS:
            continue
        week = backup.created.isocalendar()[:2]
        if week in weeks or len(weeks) == WEEKS:
            dropped.append(backup.name)
        else:
            weeks.add(week)
    return tuple(dropped)


def is_due(backups: Sequence[Backup], now: datetime) -> bool:
    """Whether today (in UTC) has no daily copy yet. One that is made later today, going by its
    name, does not count: the clock was wrong then, or is now."""
    today = now.astimezone(UTC).date()
    return all(
        backup.reason != "daily" or backup.created.date() != today or backup.created > now
        for backup in backups
    )


def newest_good(folder: Path, now: datetime) -> Backup | None:
    """The newest copy that can be read from end to end; None where there is none.

    One from the future comes last, since nobody knows when it was really made.
    """
    there = sorted(listed(folder), key=lambda backup: backup.created > now)
    return next((backup for backup in there if is_good(folder / backup.name)), None)


def is_good(file: Path) -> bool:
    """Whether `file` is a sound database that this program can take over."""
    try:
        header = files.read_header(file)
        if header is None or header.version == 0:
            return False
        files.check_header(file, header)
        with files.connected(file, read_only=True) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except (sqlite3.Error, OSError, StorageError):
        return False


def clean(folder: Path, older_than: float = _ABANDONED) -> None:
    """Remove what an interrupted copy left behind: nobody has written it for a while.

    With 0 seconds, unfinished copies of other processes too; those fail there.
    """
    for pattern in (f"*{_UNFINISHED}", f"*{_UNFINISHED}-journal"):
        for file in folder.glob(f"nagatha-{pattern}"):
            try:
                if time.time() - file.stat().st_mtime >= older_than:
                    file.unlink()
            except FileNotFoundError:  # another process was quicker
                continue


def _free_name(folder: Path, reason: Reason, at: datetime) -> str:
    stem = f"nagatha-{at.astimezone(UTC).strftime(_STAMP)}-{reason}"
    name, number = f"{stem}.db", 2
    while (folder / name).exists():
        name, number = f"{stem}-{number}.db", number + 1
    return name
