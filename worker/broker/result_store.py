"""Results and chords in the broker's file.

Owns how a task's state, a group's members and the joining of a chord are kept. Knows nothing of
Celery: values are text or bytes that somebody else encodes.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import cast

from worker.broker.database import Database
from worker.broker.store import DOORBELLS, read_ports

_BATCH = 500  # keys in one statement, below SQLite's limit of variables
_AFTERLIFE = 3600.0  # s for which a joined chord is remembered, so that late copies do nothing
SUCCESS = "SUCCESS"

Value = str | bytes

_PUT = f"""INSERT OR REPLACE INTO result(key, state, value, expires)
    SELECT :key, :state, :value, :expires
    WHERE NOT EXISTS (SELECT 1 FROM result WHERE key = :key AND state = :success
                      AND (expires IS NULL OR expires > :now))
    RETURNING change, {DOORBELLS}"""
_FINISH = f"""INSERT INTO done_work
    VALUES (:key, :state, :value, :expires, :message, :but, :now, :success)
    RETURNING (SELECT value = :value FROM result WHERE result.key = :key), {DOORBELLS}"""


@dataclass(frozen=True, slots=True)
class Change:
    """A write to a result: its place in the order of all writes, and the result's key."""

    number: int
    key: str


@dataclass(frozen=True, slots=True)
class ChordPart:
    """What one header task of a chord gave: where it belongs and its encoded value."""

    chord: str
    task: str
    position: float
    value: Value


@dataclass(frozen=True, slots=True)
class Put:
    """Whether a result was stored, and the doorbells of those who want to know."""

    stored: bool
    ports: tuple[int, ...]


class ResultStore:
    """The verbs on results. Every method may raise a `BrokerError`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._db = database
        self._clock = clock

    def get(self, key: str) -> Value | None:
        """Give a value, None when there is none or it expired."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Collection[str]) -> dict[str, Value]:
        """Give the values that there are, by key."""
        found: dict[str, Value] = {}
        wanted, now = list(keys), self._clock()
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            rows = self._db.read(
                f"""SELECT key, value FROM result
                    WHERE key IN ({marks}) AND (expires IS NULL OR expires > ?)""",
                (*part, now),
            )
            found.update(cast("list[tuple[str, Value]]", rows))
        return found

    def put(
        self,
        key: str,
        value: Value,
        state: str,
        lifetime: float | None,
        *,
        settles: int | None = None,
        topic: int = 0,
        peer: str = "",
    ) -> Put:
        """Store a value unless a success is there already.

        Args:
            key: what it is stored under.
            value: the encoded result.
            state: its state; only `SUCCESS` has a meaning here.
            lifetime: seconds until it expires, None for never.
            settles: a message of the peer that is forgotten in the same transaction.
            topic: what others wait for who want to know of it.
            peer: who stores it, and need not be told.

        Returns:
            Whether it was stored: a task that was delivered twice does not undo its success.
        """
        now = self._clock()
        values: dict[str, str | bytes | float | None] = {
            "key": key,
            "state": state,
            "value": value,
            "expires": now + lifetime if lifetime else None,
            "now": now,
            "success": SUCCESS,
            "topic": topic,
            "but": peer,
        }
        if settles is None:
            rows = self._db.write(_PUT, values)
        else:
            values["message"] = settles
            rows = self._db.write(_FINISH, values)
        return Put(bool(rows and rows[0][0]), read_ports(rows[0][1]) if rows else ())

    def delete(self, key: str) -> None:
        """Forget a value. An unknown one is no error."""
        self._db.write("DELETE FROM result WHERE key = ?", (key,))

    def expire(self, key: str, lifetime: float | None) -> None:
        """Give a value a new lifetime, counted from now."""
        expires = self._clock() + lifetime if lifetime else None
        self._db.write("UPDATE result SET expires = ? WHERE key = ?", (expires, key))

    def last_change(self) -> int:
        """Give the number of the last write, 0 when there was none."""
        return cast(int, self._db.read("SELECT coalesce(max(change), 0) FROM result")[0][0])

    def changes_since(self, number: int) -> Sequence[Change]:
        """Give the writes after a number, each key's last one only, in order."""
        rows = self._db.read(
            "SELECT change, key FROM result WHERE change > ? ORDER BY change", (number,)
        )
        return [Change(*cast("tuple[int, str]", row)) for row in rows]

    # -- chords

    def start_chord(self, chord: str, size: int, lifetime: float | None) -> None:
        """Note how many parts a chord has. A chord that is applied again starts anew."""
        self._db.write(
            """INSERT INTO chord(id, size, expires) VALUES (:id, :size, :expires)
               ON CONFLICT(id) DO UPDATE SET size = :size, claimed = NULL, expires = :expires,
                   extra = CASE done WHEN 1 THEN 0 ELSE extra END, done = 0""",
            {"id": chord, "size": size, "expires": self._until(lifetime)},
        )

    def grow_chord(self, chord: str) -> None:
        """Note that a chord has one more part than it was started with."""
        self._db.write(
            """INSERT INTO chord(id, extra) VALUES (?, 1)
               ON CONFLICT(id) DO UPDATE SET extra = extra + 1""",
            (chord,),
        )

    def join_chord(
        self, part: ChordPart, claimant: str, lifetime: float | None
    ) -> list[Value] | None:
        """Store a part; to the one caller who completes the chord, give all of them.

        A part that is stored already counts once, so a task that is delivered twice does no harm.

        Args:
            part: what the task gave.
            claimant: the peer that would go on with the chord. When it dies before
                `finish_chord`, the task that was delivered again completes it.
            lifetime: seconds for which an unfinished chord is kept.

        Returns:
            The values in the order of their positions, or None for everybody else.
        """
        expires = self._until(lifetime)
        with self._db.transaction() as db:
            row = db.execute(
                "SELECT size, extra, claimed, done FROM chord WHERE id = ?", (part.chord,)
            ).fetchone()
            size, extra, claimed, done = row or (None, 0, None, 0)
            if done:
                return None
            if row is None:
                db.execute("INSERT INTO chord(id) VALUES (?)", (part.chord,))
            db.execute(
                """INSERT OR IGNORE INTO chord_part(chord, task, position, value)
                   VALUES (?, ?, ?, ?)""",
                (part.chord, part.task, part.position, part.value),
            )
            db.execute("UPDATE chord SET expires = ? WHERE id = ?", (expires, part.chord))
            if size is None or claimed is not None:
                return None
            values = db.execute(
                "SELECT value FROM chord_part WHERE chord = ? ORDER BY position, rowid",
                (part.chord,),
            ).fetchall()
            if len(values) != size + extra:
                return None
            db.execute("UPDATE chord SET claimed = ? WHERE id = ?", (claimant, part.chord))
        return [value for (value,) in values]

    def finish_chord(self, chord: str) -> None:
        """Note that a chord's body was sent or failed: its parts go, late copies do nothing."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM chord_part WHERE chord = ?", (chord,))
            db.execute(
                "UPDATE chord SET done = 1, expires = ? WHERE id = ?",
                (self._clock() + _AFTERLIFE, chord),
            )

    def _until(self, lifetime: float | None) -> float | None:
        return self._clock() + lifetime if lifetime else None
