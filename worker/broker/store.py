"""Messages, queues and routes in the broker's file.

Owns the delivery promise: a published message is on disk; a claimed one stays there until it is
acknowledged, and comes back when its owner is gone. Knows nothing of kombu: payloads are text.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from worker.broker.database import Database, Row, Value
from worker.broker.errors import BrokerError

_ASKED = 500  # tasks that one statement asks for; old SQLites take 999
MAX_FAILURES = 5  # deliveries that failed before a message goes to the dead letters

_INSERT = """
    INSERT INTO message(queue, priority, due, expires, task, payload)
    VALUES (:queue, :priority, :due,
        coalesce(min(:expires, (SELECT :now + ttl FROM queue WHERE name = :queue)),
                 :expires, (SELECT :now + ttl FROM queue WHERE name = :queue)),
        :task, :payload)
    RETURNING id"""
# The doorbells of the others who wait for a topic, in the same statement as what they wait for.
DOORBELLS = """(SELECT group_concat(port) FROM peer
    WHERE topics & :topic AND id <> :but AND port > 0)"""
_READY = """SELECT id FROM message WHERE queue = ? AND owner IS NULL AND due = 0
    ORDER BY priority DESC, id LIMIT ?"""
_FORGET_EXPIRED = """DELETE FROM message WHERE id IN (SELECT id FROM message
    WHERE expires <= ? AND owner IS NULL AND queue = ? LIMIT 1000)"""
_ANY_READY = "SELECT 1 FROM message WHERE queue = ? AND owner IS NULL AND due = 0"
_NEXT_DUE = "SELECT min(due) FROM message WHERE due > 0"
_BURY = """
    INSERT OR REPLACE INTO dead(id, queue, priority, deliveries, task, payload, died)
    SELECT id, queue, priority, deliveries, task, payload, ? FROM message"""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to publish.

    Attributes:
        queue: where to.
        payload: the text to deliver.
        priority: 0 to 9, the highest is delivered first.
        due: not before this time (seconds since 1970); 0 for at once.
        expires: not after this time; None for never.
        task: the task's id, by which it can be discarded.
    """

    queue: str
    payload: str
    priority: int = 0
    due: float = 0.0
    expires: float | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Messages that were stored, and the doorbells of those who want to know."""

    ids: tuple[int, ...]
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that was handed out.

    Attributes:
        id: names it to `ack`, `release` and `fail`.
        payload: its text.
        redelivered: it was handed out before.
    """

    id: int
    payload: str
    redelivered: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to do: `ready` queues, and seconds until the next is `due`, None for none."""

    ready: frozenset[str]
    due: float | None


@dataclass(frozen=True, slots=True)
class Route:
    """A binding: messages of an exchange with a routing key or pattern go to a queue."""

    routing_key: str
    pattern: str
    queue: str


def read_ports(listed: Value) -> tuple[int, ...]:
    """Read the ports that `DOORBELLS` gave."""
    return tuple(int(port) for port in str(listed).split(",")) if listed else ()


class MessageStore:
    """The verbs on messages and queues. Every method may raise a `BrokerError`."""

    def __init__(
        self,
        database: Database,
        *,
        max_failures: int = MAX_FAILURES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = database
        self._max_failures = max_failures
        self._clock = clock

    # -- publishing and delivering

    def publish(self, messages: Iterable[NewMessage], *, durable: bool = True) -> None:
        """Store messages: all or none. With ``durable`` they are safe from a power cut."""
        stored = self.store(messages)
        if durable:
            self.secure(stored)

    def store(self, messages: Iterable[NewMessage], *, topic: int = 0, but: str = "") -> Stored:
        """Store messages: all or none. They are safe from a power cut after `secure` only.

        Args:
            messages: what to store.
            topic: what others wait for who want to know of it.
            but: the peer that need not be told.
        """
        now = self._clock()
        rows = [
            {
                "queue": message.queue,
                "priority": message.priority,
                "due": message.due if message.due > now else 0.0,
                "expires": message.expires,
                "task": message.task,
                "payload": message.payload,
                "now": now,
                "topic": topic,
                "but": but,
            }
            for message in messages
        ]
        if not rows:
            return Stored((), ())
        if len(rows) == 1:
            stored = self._db.write(f"{_INSERT}, {DOORBELLS}", rows[0])
        else:
            with self._db.transaction() as db:
                stored = [db.execute(_INSERT, row).fetchall()[0] for row in rows]
                stored += db.execute(f"SELECT NULL, {DOORBELLS}", rows[0]).fetchall()
        ids = tuple(cast(int, row[0]) for row in stored if row[0] is not None)
        return Stored(ids, read_ports(stored[-1][1]))

    def secure(self, stored: Stored) -> None:
        """Wait until stored messages are safe from a power cut.

        Raises:
            BrokerError: the disk cannot do that; they were taken back as far as nobody has them.
        """
        try:
            self._db.sync()
        except BrokerError:
            with suppress(BrokerError):  # a disk that cannot sync may not delete, either
                self._take_back(stored)
            raise

    def _take_back(self, stored: Stored) -> None:
        with self._db.transaction() as db:
            db.executemany(
                "DELETE FROM message WHERE id = ? AND owner IS NULL", [(id,) for id in stored.ids]
            )

    def look(self, queues: Sequence[str]) -> Look:
        """Tell which queues have something to deliver, and when the next message is due."""
        columns = f", EXISTS({_ANY_READY})" * len(queues)
        (row,) = self._db.read(f"SELECT ({_NEXT_DUE}){columns}", tuple(queues))
        due = cast("float | None", row[0])
        ready = [queue for queue, there in zip(queues, row[1:], strict=True) if there]
        return Look(frozenset(ready), None if due is None else due - self._clock())

    def promote_due(self) -> float | None:
        """Make messages whose time has come deliverable.

        Returns:
            Seconds until the next one is due, None when none waits for its time.
        """
        now = self._clock()
        first = self._next_due()
        if first is not None and first <= now:
            self._db.write("UPDATE message SET due = 0 WHERE due > 0 AND due <= ?", (now,))
            first = self._next_due()
        return None if first is None else max(0.0, first - now)

    def _next_due(self) -> float | None:
        return cast("float | None", self._db.read(_NEXT_DUE)[0][0])

    def claim(self, queue: str, limit: int, owner: str, channel: str) -> list[Claimed]:
        """Hand out the first messages of a queue, by priority and then age.

        They belong to the owner until they are acknowledged or given back. This takes the turn of
        a writer even when there is nothing: `look` first.
        """
        return self._first_fresh(
            f"""UPDATE message SET owner = ?, channel = ?, deliveries = deliveries + 1
                WHERE id IN ({_READY})
                RETURNING id, priority, deliveries, payload, expires""",
            (owner, channel),
            queue,
            limit,
        )

    def take(self, queue: str, limit: int) -> list[Claimed]:
        """Hand out the first messages of a queue and forget them; `look` first."""
        return self._first_fresh(
            f"""DELETE FROM message WHERE id IN ({_READY})
                RETURNING id, priority, deliveries + 1, payload, expires""",
            (),
            queue,
            limit,
        )

    def _first_fresh(
        self, hand_out: str, values: tuple[str, ...], queue: str, limit: int
    ) -> list[Claimed]:
        """Hand out until there are enough: what has expired takes nobody's place."""
        found: list[Claimed] = []
        while True:
            try:
                rows = self._db.write(hand_out, (*values, queue, limit - len(found)))
            except BrokerError:
                if not found:
                    raise
                return found  # nobody else has them now
            fresh = self._fresh(rows)
            found += fresh
            if len(fresh) == len(rows):
                return found
            # There may be thousands more of them, which need not be handed out one by one.
            with suppress(BrokerError):
                self._db.write(_FORGET_EXPIRED, (self._clock(), queue))

    def _fresh(self, rows: list[Row]) -> list[Claimed]:
        now = self._clock()
        stale = [(row[0],) for row in rows if row[4] is not None and cast(float, row[4]) <= now]
        if stale:
            with suppress(BrokerError), self._db.transaction() as db:
                db.executemany("DELETE FROM message WHERE id = ?", stale)
        # RETURNING promises no order.
        kept = sorted(
            (row for row in rows if (row[0],) not in stale),
            key=lambda row: (-cast(int, row[1]), cast(int, row[0])),
        )
        return [Claimed(cast(int, r[0]), cast(str, r[3]), cast(int, r[2]) > 1) for r in kept]

    def ack(self, message: int) -> None:
        """Forget a message whose work is done. An unknown one is no error."""
        self._db.write("DELETE FROM message WHERE id = ?", (message,))

    def release(self, owner: str, *, channel: str | None = None, message: int | None = None) -> int:
        """Give messages back in good order; this does not count as a failure.

        Args:
            owner: whose messages.
            channel: only those of this channel.
            message: only this one.

        Returns:
            How many came back.
        """
        rows = self._db.write(
            """UPDATE message SET owner = NULL, channel = NULL
               WHERE owner = :owner AND (:channel IS NULL OR channel = :channel)
                 AND (:message IS NULL OR id = :message) RETURNING id""",
            {"owner": owner, "channel": channel, "message": message},
        )
        return len(rows)

    def fail(self, message: int, owner: str) -> bool:
        """Give a message back because its delivery failed.

        Returns:
            False when it failed too often and went to the dead letters.
        """
        return self._give_back_failed("id = ? AND owner = ?", (message, owner))

    def _give_back_failed(self, which: str, values: tuple[int | str, ...]) -> bool:
        with self._db.transaction() as db:
            last = self._max_failures - 1
            lost = f"WHERE {which} AND failures >= ?"
            db.execute(f"{_BURY} {lost}", (self._clock(), *values, last))
            buried = db.execute(f"DELETE FROM message {lost}", (*values, last)).rowcount
            db.execute(
                f"""UPDATE message SET owner = NULL, channel = NULL, failures = failures + 1
                    WHERE {which}""",
                values,
            )
        return not buried

    def count(self, queue: str) -> int:
        """Count the messages of a queue that nobody has, those not yet due among them."""
        rows = self._db.read(
            """SELECT (SELECT count(*) FROM message WHERE queue = :q AND owner IS NULL AND due = 0
                         AND (expires IS NULL OR expires > :now))
                    + (SELECT count(*) FROM message WHERE queue = :q AND due > 0)""",
            {"q": queue, "now": self._clock()},
        )
        return cast(int, rows[0][0])

    def purge(self, queue: str) -> int:
        """Delete the messages of a queue that nobody has, and tell how many."""
        return len(
            self._db.write(
                "DELETE FROM message WHERE queue = ? AND owner IS NULL RETURNING id", (queue,)
            )
        )

    def discard(self, task: str) -> int:
        """Delete the waiting messages of a task that need not run, and tell how many."""
        return len(
            self._db.write(
                "DELETE FROM message WHERE task = ? AND owner IS NULL RETURNING id", (task,)
            )
        )

    def holds(self, task: str) -> bool:
        """Tell whether a message of a task waits, is not yet due, or is with a worker."""
        return bool(self._db.read("SELECT 1 FROM message WHERE task = ? LIMIT 1", (task,)))

    def missing(self, tasks: Sequence[str]) -> frozenset[str]:
        """Tell which of these tasks `holds` denies."""
        held: set[Value] = set()
        for start in range(0, len(tasks), _ASKED):
            some = tasks[start : start + _ASKED]
            places = ", ".join("?" * len(some))
            held.update(
                task
                for (task,) in self._db.read(
                    f"SELECT task FROM message WHERE task IN ({places})", some
                )
            )
        return frozenset(tasks) - held

    # -- queues and routes

    def declare_queue(
        self, name: str, *, owner: str | None = None, ttl: float | None = None
    ) -> None:
        """Note a queue. With an owner it goes when the owner goes.

        Args:
            name: the queue.
            owner: the peer that it lives and dies with.
            ttl: seconds after which its messages expire.
        """
        wanted = (owner, ttl)
        if self._db.read("SELECT owner, ttl FROM queue WHERE name = ?", (name,)) != [wanted]:
            self._db.write(
                "INSERT OR REPLACE INTO queue(name, owner, temporary, ttl) VALUES (?, ?, ?, ?)",
                (name, owner, int(owner is not None), ttl),
            )

    def has_queue(self, name: str) -> bool:
        """Tell whether a queue was declared or holds messages."""
        return bool(
            self._db.read("SELECT 1 FROM queue WHERE name = ?", (name,))
            or self._db.read("SELECT 1 FROM message WHERE queue = ? LIMIT 1", (name,))
        )

    def is_temporary(self, name: str) -> bool:
        """Tell whether a queue goes with its owner."""
        return self._db.read("SELECT temporary FROM queue WHERE name = ?", (name,)) == [(1,)]

    def delete_queue(self, name: str) -> None:
        """Forget a queue, its routes and its messages."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM binding WHERE queue = ?", (name,))
            db.execute("DELETE FROM queue WHERE name = ?", (name,))
            db.execute("DELETE FROM message WHERE queue = ? AND owner IS NULL", (name,))

    def declare_exchange(self, name: str, kind: str) -> None:
        """Note an exchange and its type, which other processes need to route by."""
        if self.exchange_type(name) != kind:
            self._db.write(
                "INSERT OR REPLACE INTO exchange(name, type) VALUES (?, ?)", (name, kind)
            )

    def exchange_type(self, name: str) -> str | None:
        """Give the type of an exchange, None when it was never declared."""
        rows = self._db.read("SELECT type FROM exchange WHERE name = ?", (name,))
        return cast(str, rows[0][0]) if rows else None

    def delete_exchange(self, name: str) -> None:
        """Forget an exchange and its routes."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM binding WHERE exchange = ?", (name,))
            db.execute("DELETE FROM exchange WHERE name = ?", (name,))

    def bind(self, exchange: str, route: Route) -> None:
        """Note that an exchange's messages go to a queue."""
        if route not in self.routes(exchange):
            self._db.write(
                "INSERT OR IGNORE INTO binding VALUES (?, ?, ?, ?)",
                (exchange, route.routing_key, route.pattern, route.queue),
            )

    def unbind(self, exchange: str, route: Route) -> None:
        """Forget one route."""
        self._db.write(
            """DELETE FROM binding
               WHERE exchange = ? AND routing_key = ? AND pattern = ? AND queue = ?""",
            (exchange, route.routing_key, route.pattern, route.queue),
        )

    def routes(self, exchange: str) -> list[Route]:
        """Give the routes of an exchange."""
        rows = self._db.read(
            "SELECT routing_key, pattern, queue FROM binding WHERE exchange = ?", (exchange,)
        )
        return [Route(*cast("tuple[str, str, str]", row)) for row in rows]

    # -- peers

    def join(self, peer: str) -> None:
        """Enter a process in the list of those that use the file."""
        self._db.write("INSERT OR IGNORE INTO peer(id) VALUES (?)", (peer,))

    def listen(self, peer: str, port: int, topics: int) -> None:
        """Note where a peer's doorbell is and what it waits for."""
        self._db.write(
            "INSERT OR REPLACE INTO peer(id, port, topics) VALUES (?, ?, ?)", (peer, port, topics)
        )

    def peers(self) -> list[str]:
        """Name the peers that are entered."""
        return [cast(str, row[0]) for row in self._db.read("SELECT id FROM peer")]

    def doorbells(self, topic: int, *, but: str) -> Sequence[int]:
        """Give the ports of the other peers that wait for a topic."""
        rows = self._db.read(
            "SELECT port FROM peer WHERE topics & ? AND id <> ? AND port > 0", (topic, but)
        )
        return [cast(int, row[0]) for row in rows]

    def leave(self, peer: str) -> None:
        """Strike off a peer that ends in good order; what it has comes back."""
        self.release(peer)
        self._strike(peer)

    def bury(self, peer: str) -> None:
        """Strike off a peer that died; what it had comes back as a failed delivery."""
        self._give_back_failed("owner = ?", (peer,))
        self._strike(peer)

    def _strike(self, peer: str) -> None:
        mine = "IN (SELECT name FROM queue WHERE owner = ?)"
        with self._db.transaction() as db:
            db.execute(f"DELETE FROM binding WHERE queue {mine}", (peer,))
            db.execute(f"DELETE FROM message WHERE owner IS NULL AND queue {mine}", (peer,))
            db.execute("DELETE FROM queue WHERE owner = ?", (peer,))
            db.execute("UPDATE chord SET claimed = NULL WHERE claimed = ?", (peer,))
            db.execute("DELETE FROM peer WHERE id = ?", (peer,))
