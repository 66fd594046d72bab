"""Events in an SQLite file by themselves, as every backend of the storage keeps them.

For tests of the event stream that need no chats: the same three verbs, usable from several
processes at once.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from worker.storage.base import StoredEvent


class FileEvents:
    """The event verbs of `Storage` on a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._connect()) as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
                " owner TEXT, at TEXT, origin TEXT, kind TEXT, data TEXT)"
            )

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=60, isolation_level=None)

    async def add_events(
        self, owner: str, events: Sequence[tuple[str, str]], *, origin: str, at: datetime
    ) -> tuple[int, ...]:
        with closing(self._connect()) as database:
            database.execute("BEGIN IMMEDIATE")
            seqs = [
                database.execute(
                    "INSERT INTO event (owner, at, origin, kind, data) VALUES (?, ?, ?, ?, ?)",
                    (owner, at.isoformat(), origin, kind, data),
                ).lastrowid
                for kind, data in events
            ]
            database.execute("COMMIT")
        return tuple(seq or 0 for seq in seqs)

    async def events_after(self, seq: int, limit: int = 1000) -> tuple[StoredEvent, ...]:
        with closing(self._connect()) as database:
            rows = database.execute(
                "SELECT seq, owner, at, origin, kind, data FROM event WHERE seq > ?"
                " ORDER BY seq LIMIT ?",
                (seq, limit),
            ).fetchall()
        return tuple(
            StoredEvent(seq, owner, datetime.fromisoformat(at), origin, kind, data)
            for seq, owner, at, origin, kind, data in rows
        )

    async def last_event(self) -> int:
        with closing(self._connect()) as database:
            (seq,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        return int(seq)

    def expire(self, until: int) -> None:
        """Remove events up to and including a seq."""
        with closing(self._connect()) as database:
            database.execute("DELETE FROM event WHERE seq <= ?", (until,))

    def replace_by_older(self, until: int) -> None:
        """As after a restore: what came after `until` never happened."""
        with closing(self._connect()) as database:
            database.execute("DELETE FROM event WHERE seq > ?", (until,))
            database.execute("UPDATE sqlite_sequence SET seq = ?", (until,))
