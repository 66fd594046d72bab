"""Reminders: storing and changing them, and finding what is due. Lists are in `reminder_lists`.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from functools import cache
from typing import TypeVar

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.contract.reminders import Firing
from worker.storage import rules
from worker.storage.reminders import ExpiredReminders, OwnedReminder, ReminderChange, ReminderRow
from worker.storage.sqlite import reminder_lists
from worker.storage.sqlite.chats import know_owner
from worker.storage.sqlite.reminder_rows import (
    changed_firing_values,
    firing_values,
    folded,
    reminder_values,
)
from worker.storage.sqlite.rows import AnySelect, owner_seq
from worker.storage.sqlite.schema import firings, owners, reminders

_BATCH = 500
_T = TypeVar("_T")
_TOLD = ("due", "missed")
"""Firings in one of these may be notified."""


def add_reminders(db: Connection, owner: str, rows: Sequence[ReminderRow]) -> tuple[str, ...]:
    """See `ReminderStorage.add_reminders`."""
    know_owner(db, owner)
    number = db.scalar(select(owner_seq(owner)))
    known = _known_uids(db, owner, [row.uid for row in rows if row.uid])
    new: dict[str, ReminderRow] = {}
    for row in rows:
        if row.uid and row.uid in known:
            continue
        known.add(row.uid)
        if row.reminder.id in new:
            raise rules.already_there("reminder", row.reminder.id)
        new[row.reminder.id] = row
    for some in _some(tuple(new)):
        taken = select(reminders.c.id).where(reminders.c.owner == number, reminders.c.id.in_(some))
        there: str | None = db.scalar(taken.limit(1))
        if there is not None:
            raise rules.already_there("reminder", there)
    if new:
        db.execute(
            insert(reminders),
            [{"owner": number, "version": 0, **reminder_values(row)} for row in new.values()],
        )
    return tuple(new)


def save_reminders(db: Connection, owner: str, changes: Sequence[ReminderChange]) -> frozenset[str]:
    """See `ReminderStorage.save_reminders`."""
    saved = set()
    for change in changes:
        seq = _save(db, owner, change.row)
        if seq is None:
            continue
        saved.add(change.row.reminder.id)
        for firing in change.firings:
            if not _change_firing(db, owner, firing):
                _insert_firing(db, owner, seq, firing)
    return frozenset(saved)


def fire(db: Connection, owner: str, changes: Sequence[ReminderChange]) -> tuple[Firing, ...]:
    """See `ReminderStorage.fire`."""
    inserted = []
    for change in changes:
        seq = _save(db, owner, change.row)
        if seq is not None:
            inserted += [
                firing.id for firing in change.firings if _insert_firing(db, owner, seq, firing)
            ]
    return reminder_lists.firings_named(db, owner, inserted)


def _save(db: Connection, owner: str, row: ReminderRow) -> int | None:
    """The row id of a reminder that was saved; None where it is not there in that version."""
    values = {**reminder_values(row), "version": row.version + 1}
    found: int | None = db.scalar(
        update(reminders)
        .where(
            reminders.c.owner == owner_seq(owner),
            reminders.c.id == row.reminder.id,
            reminders.c.version == row.version,
        )
        .values(**values)
        .returning(reminders.c.seq)
    )
    return found


def _change_firing(db: Connection, owner: str, firing: Firing) -> bool:
    """Whether it was there to be changed. Who shows it is not told by a change of its answer."""
    changed = db.execute(
        update(firings)
        .where(firings.c.owner == owner_seq(owner), firings.c.id == firing.id)
        .values(**changed_firing_values(firing))
    )
    return bool(changed.rowcount)


def _insert_firing(db: Connection, owner: str, reminder: int, firing: Firing) -> bool:
    made = db.scalar(
        insert_or(firings)
        .values(owner=owner_seq(owner), reminder=reminder, taken="", **firing_values(firing))
        .on_conflict_do_nothing()
        .returning(firings.c.seq)
    )
    return made is not None


def _known_uids(db: Connection, owner: str, uids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in _some(uids):
        rows = db.execute(
            select(reminders.c.uid).where(
                reminders.c.owner == owner_seq(owner),
                reminders.c.uid.in_(some),
                reminders.c.deleted.is_(None),
                text("uid <> ''"),
            )
        )
        found.update(rows.scalars())
    return found


# telling ---------------------------------------------------------------------------------


def take_firing(db: Connection, owner: str, firing: str, process: str, living: Set[str]) -> bool:
    """See `ReminderStorage.take_firing`."""
    row = db.execute(
        select(firings.c.seq, firings.c.taken)
        .join(reminders, reminders.c.seq == firings.c.reminder)
        .where(
            firings.c.owner == owner_seq(owner),
            firings.c.id == firing,
            firings.c.state.in_(_TOLD),
            firings.c.silent.is_(False),
            firings.c.shown.is_(None),
            reminders.c.deleted.is_(None),
        )
    ).one_or_none()
    if row is None or row.taken in living:
        return False
    db.execute(update(firings).where(firings.c.seq == row.seq).values(taken=process))
    return True


def show_firing(db: Connection, owner: str, firing: str, at: datetime) -> Firing:
    """See `ReminderStorage.show_firing`."""
    one = and_(firings.c.owner == owner_seq(owner), firings.c.id == firing)
    db.execute(update(firings).where(one, firings.c.shown.is_(None)).values(shown=at))
    return reminder_lists.get_firing(db, owner, firing)


def forget_takes(db: Connection) -> None:
    """See `ReminderStorage.forget_takes`."""
    db.execute(
        update(firings).where(firings.c.taken != "", firings.c.shown.is_(None)).values(taken="")
    )


# for everybody ---------------------------------------------------------------------------


def due_reminders(db: Connection, now: datetime, limit: int) -> tuple[OwnedReminder, ...]:
    """See `ReminderStorage.due_reminders`."""
    rows = db.execute(_due(), {"now": now, "most": rules.within(limit)}).all()
    made = reminder_lists.complete(db, rows)
    return tuple(OwnedReminder(row.owner_name, one) for row, one in zip(rows, made, strict=True))


def next_reminder_due(db: Connection) -> datetime | None:
    """See `ReminderStorage.next_reminder_due`."""
    found: datetime | None = db.scalar(_next_due())
    return found


def held_firings(db: Connection) -> tuple[tuple[str, str], ...]:
    """See `ReminderStorage.held_firings`."""
    return tuple((row.name, row.id) for row in db.execute(_held()))


# Made once: see `rows.whose`.


@cache
def _due() -> AnySelect:
    return (
        select(reminders, owners.c.name.label("owner_name"))
        .join(owners, owners.c.seq == reminders.c.owner)
        .where(reminders.c.due <= bindparam("now"), reminder_lists.COMING)
        .order_by(reminders.c.due, reminders.c.seq)
        .limit(bindparam("most"))
    )


@cache
def _next_due() -> AnySelect:
    return select(reminders.c.due).where(reminder_lists.COMING).order_by(reminders.c.due).limit(1)


@cache
def _held() -> AnySelect:
    return (
        select(owners.c.name, firings.c.id)
        .join(owners, owners.c.seq == firings.c.owner)
        .join(reminders, reminders.c.seq == firings.c.reminder)
        .where(text("firings.state = 'held'"), reminders.c.deleted.is_(None))
        .order_by(firings.c.due, firings.c.seq)
    )


def expire_reminders(
    db: Connection, deleted_before: datetime, answered_before: datetime, keep: int
) -> ExpiredReminders:
    """See `ReminderStorage.expire_reminders`."""
    gone = reminders.c.deleted < deleted_before
    of_gone = select(reminders.c.seq).where(gone)
    with_them = db.execute(delete(firings).where(firings.c.reminder.in_(of_gone))).rowcount
    removed = db.execute(delete(reminders).where(gone)).rowcount
    many = (
        select(firings.c.reminder)
        .group_by(firings.c.reminder)
        .having(func.count() > keep)
        .scalar_subquery()
    )
    place = func.row_number().over(partition_by=firings.c.reminder, order_by=firings.c.due.desc())
    ranked = (
        select(firings.c.seq, firings.c.answered, place.label("place"))
        .where(firings.c.reminder.in_(many))
        .subquery()
    )
    old = select(ranked.c.seq).where(ranked.c.place > keep, ranked.c.answered < answered_before)
    alone = db.execute(delete(firings).where(firings.c.seq.in_(old))).rowcount
    return ExpiredReminders(removed, with_them + alone)


def delete_all(db: Connection, owner: int) -> None:
    """Remove what an owner, by their number, has."""
    db.execute(delete(firings).where(firings.c.owner == owner))
    db.execute(delete(reminders).where(reminders.c.owner == owner))


def refold(db: Connection) -> None:
    """Make what is searched anew, by the rules of this version."""
    last = 0
    while rows := db.execute(
        select(reminders.c.seq, reminders.c.text, reminders.c.notes)
        .where(reminders.c.seq > last)
        .order_by(reminders.c.seq)
        .limit(_BATCH)
    ).all():
        for row in rows:
            new = folded(row.text, row.notes)
            one = and_(
                reminders.c.seq == row.seq,
                or_(reminders.c.folded != new, reminders.c.folded.is_(None)),
            )
            db.execute(update(reminders).where(one).values(folded=new))
        last = rows[-1].seq


def _some(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (values[at : at + _BATCH] for at in range(0, len(values), _BATCH))
