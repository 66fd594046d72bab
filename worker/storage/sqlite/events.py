"""Kept events, and small values.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Select, bindparam, delete, insert, select, text
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.sql.dml import ReturningInsert

from worker.storage import rules
from worker.storage.base import StoredEvent
from worker.storage.sqlite.chats import know_owner
from worker.storage.sqlite.rows import owner_seq, whose
from worker.storage.sqlite.schema import events, small_values

_LAST = text("SELECT seq FROM sqlite_sequence WHERE name = 'events'")


def add_events(
    db: Connection, owner: str, new: Sequence[tuple[str, str]], origin: str, at: datetime
) -> tuple[int, ...]:
    """See `Storage.add_events`."""
    seqs = []
    for kind, data in new:
        values = {"owner": owner, "kind": kind, "data": data, "origin": origin, "at": at}
        seq: int | None = db.scalar(_new(), values)
        assert seq is not None
        seqs.append(seq)
    return tuple(seqs)


@cache
def _new() -> ReturningInsert[int]:  # made once: see `rows.whose`
    return insert(events).returning(events.c.seq)


def events_after(db: Connection, seq: int, limit: int) -> tuple[StoredEvent, ...]:
    """See `Storage.events_after`."""
    after = select(events).where(events.c.seq > seq).order_by(events.c.seq)
    rows = db.execute(after.limit(rules.within(limit)))
    return tuple(
        StoredEvent(row.seq, row.owner, row.at, row.origin, row.kind, row.data) for row in rows
    )


def last_event(db: Connection) -> int:
    """See `Storage.last_event`. Stays where it is when events expire."""
    return db.scalar(_LAST) or 0


def get_value(db: Connection, owner: str, key: str) -> str | None:
    """See `Storage.get_value`."""
    return db.scalar(_value(), {"whose": owner, "wanted": key})


@cache
def _value() -> Select[str]:
    return select(small_values.c.value).where(
        small_values.c.owner == whose(), small_values.c.key == bindparam("wanted")
    )


def set_value(db: Connection, owner: str, key: str, value: str | None) -> None:
    """See `Storage.set_value`."""
    if value is None:
        db.execute(
            delete(small_values).where(
                small_values.c.owner == owner_seq(owner), small_values.c.key == key
            )
        )
        return
    know_owner(db, owner)
    db.execute(
        insert_or(small_values)
        .values(owner=owner_seq(owner), key=key, value=value)
        .on_conflict_do_update(index_elements=["owner", "key"], set_={"value": value})
    )
