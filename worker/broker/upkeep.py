"""What keeps the broker's file small and its failures visible.

Owns dead letters, the regular clean-up and the figures. To be used through `worker.broker.upkeep`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from worker.broker.database import Database

_BATCH = 1000  # rows deleted in one transaction, so that nobody waits long
_PAGES = 2000  # pages given back to the disk in one transaction


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message whose delivery failed too often.

    Attributes:
        id: names it to `Upkeep.retry` and `Upkeep.delete`.
        queue: where it was, and goes back to.
        task: its task's id, None when it is no task.
        deliveries: how often it was handed out.
        died: when it was given up.
        payload: its text, as the transport stored it.
    """

    id: int
    queue: str
    task: str | None
    deliveries: int
    died: datetime
    payload: str


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How many messages of a queue wait, are with a worker, and are not yet due."""

    queue: str
    waiting: int
    running: int
    scheduled: int


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """The figures of a broker's file.

    Attributes:
        queues: the lengths of every queue that has messages.
        dead: the number of dead letters.
        results: the number of results.
        peers: the number of processes that use the file.
        size: bytes on disk, the write-ahead log included.
        free: bytes of it that `Upkeep.clean` can give back.
    """

    queues: tuple[QueueLength, ...]
    dead: int
    results: int
    peers: int
    size: int
    free: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a clean-up did: messages and results that had expired, bytes given to the disk."""

    messages: int
    results: int
    freed: int


class Upkeep:
    """Dead letters, clean-up and figures of one file. Every method may raise a `BrokerError`."""

    def __init__(
        self, database: Database, ring: Callable[[], None], clock: Callable[[], float] = time.time
    ) -> None:
        self._db = database
        self._ring = ring
        self._clock = clock

    def dead_letters(self, *, limit: int = 100, offset: int = 0) -> list[DeadLetter]:
        """List dead letters, the newest first."""
        rows = self._db.read(
            """SELECT id, queue, task, deliveries, died, payload FROM dead
               ORDER BY died DESC, id DESC LIMIT ? OFFSET ?""",
            (limit, offset),
        )
        return [
            DeadLetter(
                cast(int, row[0]),
                cast(str, row[1]),
                cast("str | None", row[2]),
                cast(int, row[3]),
                datetime.fromtimestamp(cast(float, row[4]), UTC),
                cast(str, row[5]),
            )
            for row in rows
        ]

    def dead_tasks(self) -> list[str]:
        """The task of each dead letter; "" for one of none. Reads no payload."""
        return [cast(str, task or "") for (task,) in self._db.read("SELECT task FROM dead")]

    def retry(self, letter: int) -> bool:
        """Put a dead letter back in its place with a clean slate; False when there is none.

        It has its priority, age, task and time as before; only that time may be over.
        """
        with self._db.transaction(durable=True) as db:
            moved = db.execute(
                """INSERT INTO message(id, queue, priority, deliveries, task, payload)
                   SELECT id, queue, priority, deliveries, task, payload FROM dead WHERE id = ?""",
                (letter,),
            ).rowcount
            db.execute("DELETE FROM dead WHERE id = ?", (letter,))
        if moved:
            self._ring()
        return bool(moved)

    def delete(self, letter: int) -> bool:
        """Delete a dead letter for good; False when there is none."""
        return bool(self._db.write("DELETE FROM dead WHERE id = ? RETURNING id", (letter,)))

    def status(self) -> BrokerStatus:
        """Count what is in the file."""
        rows = self._db.read(
            """SELECT queue, sum(owner IS NULL AND due = 0), sum(owner IS NOT NULL), sum(due > 0)
               FROM message GROUP BY queue ORDER BY queue"""
        )
        counts = self._db.read(
            """SELECT (SELECT count(*) FROM dead), (SELECT count(*) FROM result),
                      (SELECT count(*) FROM peer)"""
        )
        dead, results, peers = cast("tuple[int, int, int]", counts[0])
        return BrokerStatus(
            tuple(QueueLength(*cast("tuple[str, int, int, int]", row)) for row in rows),
            dead,
            results,
            peers,
            self._size(),
            self._pragma("freelist_count") * self._pragma("page_size"),
        )

    def clean(self) -> Cleaned:
        """Delete what has expired, write the log back and give free space to the disk.

        Safe at any time; meant for once an hour. Takes many short transactions, so that nobody
        has to wait for it.
        """
        before = self._size()
        messages, results = self.delete_expired()
        while self._pragma("freelist_count"):
            left = self._pragma("freelist_count")
            self._db.write(f"PRAGMA incremental_vacuum({_PAGES})")
            if self._pragma("freelist_count") >= left:
                break
        self._db.checkpoint()
        self._db.write("PRAGMA optimize")
        return Cleaned(messages, results, max(0, before - self._size()))

    def forget_all(self) -> None:
        """Delete every waiting message, dead letter and result, so that none can be read."""
        self._db.write("PRAGMA secure_delete = ON")
        with self._db.transaction(durable=True) as db:
            for statement in (
                "DELETE FROM message WHERE owner IS NULL",
                "DELETE FROM dead",
                "DELETE FROM result",
                "DELETE FROM chord",
                "DELETE FROM chord_part",
            ):
                db.execute(statement)
        self._db.write("PRAGMA secure_delete = OFF")
        self.clean()

    def delete_expired(self) -> tuple[int, int]:
        """Delete expired messages and results (and chords), and tell how many of each."""
        messages = self._delete_in_batches("message", "owner IS NULL AND")
        results = self._delete_in_batches("result", "")
        with self._db.transaction() as db:
            gone = db.execute(
                "DELETE FROM chord WHERE expires <= ? RETURNING id", (self._clock(),)
            ).fetchall()
            db.executemany("DELETE FROM chord_part WHERE chord = ?", gone)
        return messages, results

    def _delete_in_batches(self, table: str, condition: str) -> int:
        now, total = self._clock(), 0
        expired = f"SELECT rowid FROM {table} WHERE {condition} expires <= ? LIMIT {_BATCH}"
        while True:
            if not self._db.read(expired, (now,)):
                return total
            total += len(
                self._db.write(
                    f"DELETE FROM {table} WHERE rowid IN ({expired}) RETURNING rowid", (now,)
                )
            )

    def _size(self) -> int:
        files = (Path(f"{self._db.path}{suffix}") for suffix in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def _pragma(self, name: str) -> int:
        return cast(int, self._db.read(f"PRAGMA {name}")[0][0])
