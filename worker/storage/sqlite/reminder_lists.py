"""Lists of reminders and of their firings, and counting them.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, and_, func, select, text

from worker.contract.reminders import Firing, Reminder, ReminderView
from worker.storage import rules
from worker.storage.reminders import DueCounts, ReminderRow
from worker.storage.sqlite.reminder_rows import firing_from, reminder_from
from worker.storage.sqlite.rows import AnyRow, AnySelect, owner_seq
from worker.storage.sqlite.schema import chats, firings, reminders

_BATCH = 500
_T = TypeVar("_T")
# As they stand in the indexes, or SQLite would not see that it may use them.
_WAITING = text("firings.state IN ('due', 'held', 'missed')")
COMING = and_(reminders.c.due.is_not(None), reminders.c.deleted.is_(None))
_ENDED = and_(reminders.c.done.is_not(None), reminders.c.deleted.is_(None))


def get_reminder(db: Connection, owner: str, reminder: str) -> ReminderRow:
    """See `ReminderStorage.get_reminder`."""
    rows = db.execute(
        select(reminders).where(reminders.c.owner == owner_seq(owner), reminders.c.id == reminder)
    ).all()
    if not rows:
        raise rules.missing_reminder(reminder)
    return complete(db, rows)[0]


def reminders_of(db: Connection, owner: str, names: Sequence[str]) -> tuple[ReminderRow, ...]:
    """See `ReminderStorage.reminders_of`."""
    found: dict[int, AnyRow] = {}
    for some in _some(names):
        rows = db.execute(
            select(reminders)
            .join(firings, firings.c.reminder == reminders.c.seq)
            .where(firings.c.owner == owner_seq(owner), firings.c.id.in_(some))
            .where(reminders.c.deleted.is_(None))
        )
        found.update((row.seq, row) for row in rows)
    return complete(db, list(found.values()))


def complete(db: Connection, rows: Sequence[AnyRow]) -> tuple[ReminderRow, ...]:
    """Reminders from their rows, with what waits for an answer."""
    waiting: dict[int, list[Firing]] = {}
    for some in _some([row.seq for row in rows]):
        found = db.execute(
            _firings().where(firings.c.reminder.in_(some), _WAITING).order_by(firings.c.due)
        )
        for firing in found:
            waiting.setdefault(firing.reminder_seq, []).append(firing_from(firing))
    return tuple(reminder_from(row, waiting.get(row.seq, ())) for row in rows)


def list_reminders(
    db: Connection, owner: str, view: ReminderView, query: str, limit: int, offset: int
) -> tuple[Reminder, ...]:
    """See `ReminderStorage.list_reminders`."""
    limit, offset = rules.within(limit), rules.within(offset)
    words = [func.instr(reminders.c.folded, word) > 0 for word in rules.words_of(query)]
    mine = and_(reminders.c.owner == owner_seq(owner), *words)
    if view == "upcoming":
        rows = _upcoming(db, owner, mine, limit, offset)
    elif view == "done":
        ended = select(reminders).where(mine, _ENDED)
        order = (reminders.c.done.desc(), reminders.c.seq.desc())
        rows = db.execute(ended.order_by(*order).limit(limit).offset(offset)).all()
    else:
        last = func.max(firings.c.due).desc()
        late = _with_firing(owner, mine, firings.c.state == "missed")
        rows = db.execute(
            late.order_by(last, reminders.c.seq.desc()).limit(limit).offset(offset)
        ).all()
    return tuple(row.reminder for row in complete(db, rows))


def _upcoming(
    db: Connection, owner: str, mine: ColumnElement[bool], limit: int, offset: int
) -> Sequence[AnyRow]:
    waits = and_(firings.c.state != "missed", reminders.c.due.is_(None))
    waiting = db.execute(
        _with_firing(owner, mine, waits).order_by(func.min(firings.c.due), reminders.c.seq)
    ).all()
    rows = waiting[offset : offset + limit]
    coming = select(reminders).where(mine, COMING).order_by(reminders.c.due, reminders.c.seq)
    rest = coming.limit(limit - len(rows)).offset(max(0, offset - len(waiting)))
    return [*rows, *db.execute(rest)]


def _with_firing(owner: str, mine: ColumnElement[bool], which: ColumnElement[bool]) -> AnySelect:
    """Reminders not deleted that have such a firing among those that wait."""
    return (
        select(reminders)
        .join(firings, firings.c.reminder == reminders.c.seq)
        .where(firings.c.owner == owner_seq(owner), _WAITING, which)
        .where(mine, reminders.c.deleted.is_(None))
        .group_by(reminders.c.seq)
    )


def every_reminder(db: Connection, owner: str) -> tuple[Reminder, ...]:
    """See `ReminderStorage.every_reminder`."""
    rows = db.execute(
        select(reminders)
        .where(reminders.c.owner == owner_seq(owner), reminders.c.deleted.is_(None))
        .order_by(reminders.c.seq)
    ).all()
    return tuple(row.reminder for row in complete(db, rows))


def count_reminders(db: Connection, owner: str, before: datetime) -> DueCounts:
    """See `ReminderStorage.count_reminders`."""
    mine = and_(reminders.c.owner == owner_seq(owner), reminders.c.due < before)
    once = db.scalar(
        select(func.count()).select_from(reminders).where(mine, COMING, reminders.c.rrule == "")
    )
    rows = db.execute(
        select(reminders)
        .where(mine, COMING, reminders.c.rrule != "")
        .order_by(reminders.c.due, reminders.c.seq)
    )
    found = db.execute(
        select(firings.c.state, func.count().label("many"))
        .join(reminders, reminders.c.seq == firings.c.reminder)
        .where(firings.c.owner == owner_seq(owner), _WAITING, reminders.c.deleted.is_(None))
        .group_by(firings.c.state)
    )
    states: dict[str, int] = {row.state: row.many for row in found}
    recurring = tuple(reminder_from(row, ()).reminder for row in rows)
    return DueCounts(once or 0, recurring, sum(states.values()), states.get("missed", 0))


# firings ---------------------------------------------------------------------------------


def _firings() -> AnySelect:
    return (
        select(
            firings,
            firings.c.reminder.label("reminder_seq"),
            reminders.c.id.label("reminder_id"),
            chats.c.id.label("chat_id"),
            chats.c.title.label("chat_title"),
        )
        .join(reminders, reminders.c.seq == firings.c.reminder)
        .outerjoin(
            chats,
            and_(
                chats.c.owner == reminders.c.owner,
                chats.c.id == reminders.c.chat,
                chats.c.deleted.is_(None),
            ),
        )
    )


def get_firing(db: Connection, owner: str, firing: str) -> Firing:
    """See `ReminderStorage.get_firing`."""
    found = firings_named(db, owner, (firing,))
    if not found:
        raise rules.missing_firing(firing)
    return found[0]


def firings_named(db: Connection, owner: str, names: Sequence[str]) -> tuple[Firing, ...]:
    """See `ReminderStorage.firings_named`."""
    found: list[Firing] = []
    for some in _some(names):
        mine = _firings().where(firings.c.owner == owner_seq(owner), firings.c.id.in_(some))
        found += map(firing_from, db.execute(mine.order_by(firings.c.due, firings.c.seq)))
    return tuple(found)


def open_firings(db: Connection, owner: str) -> tuple[Firing, ...]:
    """See `ReminderStorage.open_firings`."""
    rows = db.execute(
        _firings()
        .where(firings.c.owner == owner_seq(owner), _WAITING, reminders.c.deleted.is_(None))
        .order_by(firings.c.due, firings.c.seq)
    )
    return tuple(map(firing_from, rows))


def firings_of(db: Connection, owner: str, reminder: str, limit: int) -> tuple[Firing, ...]:
    """See `ReminderStorage.firings_of`."""
    seq = db.scalar(
        select(reminders.c.seq).where(
            reminders.c.owner == owner_seq(owner), reminders.c.id == reminder
        )
    )
    if seq is None:
        raise rules.missing_reminder(reminder)
    rows = db.execute(
        _firings()
        .where(firings.c.reminder == seq)
        .order_by(firings.c.due.desc())
        .limit(rules.within(limit))
    )
    return tuple(map(firing_from, rows))


def _some(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (values[at : at + _BATCH] for at in range(0, len(values), _BATCH))
