"""What concerns much at once: importing a chat, deleting all, expiry, counting.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, not_, select
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.contract.types import FINAL_STATES, Chat, Message
from worker.storage import rules
from worker.storage.base import Expired, Statistics
from worker.storage.sqlite import approvals as approvals_
from worker.storage.sqlite import chats as chats_
from worker.storage.sqlite import messages as messages_
from worker.storage.sqlite import reminders as reminders_
from worker.storage.sqlite import routines as routines_
from worker.storage.sqlite import runs as runs_
from worker.storage.sqlite import search
from worker.storage.sqlite.rows import chat_values, message_values, owner_seq
from worker.storage.sqlite.schema import (
    allowed_tools,
    answers,
    approvals,
    attachments,
    chats,
    events,
    message_attachments,
    messages,
    occurrences,
    owners,
    pieces,
    reminders,
    routines,
    runs,
    small_values,
    standstills,
    usage,
)

_BATCH = 500
_T = TypeVar("_T")


def import_chat(
    db: Connection,
    owner: str,
    chat: Chat,
    found: Sequence[Message],
    files: Mapping[str, bytes],
) -> bool:
    """See `Storage.import_chat`."""
    chats_.know_owner(db, owner)
    statement = (
        insert_or(chats)
        .values(
            owner=owner_seq(owner),
            messages=len(found),
            written=len(found),
            **chat_values(replace(chat, head=rules.imported_head(chat, found))),
        )
        .on_conflict_do_nothing()
        .returning(chats.c.seq, chats.c.owner)
    )
    made = db.execute(statement).one_or_none()
    if made is None:
        return False
    ordered = rules.in_order(found)
    stored: dict[str, bytes] = {}
    for name in {file.id for message in found for file in message.attachments}:
        kept = db.scalar(
            select(attachments.c.data).where(
                attachments.c.owner == made.owner, attachments.c.id == name
            )
        )
        if kept is not None:
            stored[name] = kept
    for name, file in rules.check_attachments(found, files, stored).items():
        if name not in stored:
            messages_.put_attachment(db, owner, file, files[name], chat.created)
        elif files.get(name, stored[name]) != stored[name]:
            raise rules.not_the_same_file(name)
    places: dict[str, tuple[int, int]] = {}
    rows: list[dict[str, object]] = []
    numbers = _Numbers(db)
    for written, message in enumerate(ordered, start=1):
        parent, depth = places[message.parent] if message.parent else (None, -1)
        seq = numbers.after(int(message.created.timestamp()), parent)
        places[message.id] = (seq, depth + 1)
        place = {"seq": seq, "owner": made.owner, "chat": made.seq, "parent": parent}
        row = {**place, "depth": depth + 1, "written": written, **message_values(message)}
        rows.append(row)
    taken = _first_taken(db, made.owner, list(places))
    if taken is not None:
        raise rules.already_there("message", taken)
    if rows:
        db.execute(insert(messages), rows)
    for message in ordered:
        messages_.link(db, owner, places[message.id][0], message.attachments)
    search.add(db, made.seq, [(places[message.id][0], message.text) for message in ordered])
    return True


def delete_all(db: Connection, owner: str) -> None:
    """Remove the rows of `owner`; what is left of them in the file, the caller wipes.

    Raises Conflict where something of theirs is being written.
    """
    runs_.check_at_rest(db, owner)
    number = db.scalar(select(owner_seq(owner)))
    db.execute(delete(events).where(events.c.owner == owner))
    if number is None:
        return
    _remove_messages(db, messages.c.owner == number, forget=False)
    reminders_.delete_all(db, number)
    for table in (occurrences, routines, approvals, standstills, allowed_tools):
        db.execute(delete(table).where(table.c.owner == number))
    for table in (answers, attachments, chats, runs, usage, small_values):
        db.execute(delete(table).where(table.c.owner == number))
    db.execute(delete(owners).where(owners.c.seq == number))
    search.rebuild(db)


def expire(
    db: Connection,
    deleted_before: datetime,
    runs_before: datetime,
    events_before: datetime,
    unused_before: datetime,
    quiet_before: datetime | None,
) -> Expired:
    """See `Storage.expire`."""
    gone = db.execute(
        select(chats.c.seq, chats.c.id, chats.c.owner).where(chats.c.deleted < deleted_before)
    ).all()
    files = runs_gone = 0
    for chat in gone:
        files += _remove_messages(db, messages.c.chat == chat.seq, forget=True)
        of_chat = and_(runs.c.owner == chat.owner, runs.c.chat == chat.id)
        runs_gone += db.execute(delete(runs).where(of_chat)).rowcount
        db.execute(delete(chats).where(chats.c.seq == chat.seq))
    ended = and_(runs.c.ended < runs_before, runs.c.state.in_(sorted(FINAL_STATES)))
    runs_gone += db.execute(delete(runs).where(ended)).rowcount
    if quiet_before is not None:
        # What `rules.is_quiet` says, for the database.
        quiet = and_(runs.c.kind == "maintenance", runs.c.state == "SUCCESS")
        runs_gone += db.execute(delete(runs).where(quiet, runs.c.ended < quiet_before)).rowcount
    approvals_.expire(db)
    routines_.expire(db, deleted_before, runs_before)
    old = db.execute(delete(events).where(events.c.at < events_before)).rowcount
    files += _remove_files(db, attachments.c.created < unused_before)
    return Expired(chats=len(gone), attachments=files, runs=runs_gone, events=old)


def statistics(db: Connection, owner: str | None, size: int) -> Statistics:
    """See `Storage.statistics`. What is deleted does not count, but runs."""
    of_chats: list[ColumnElement[bool]] = [chats.c.deleted.is_(None)]
    of_runs: list[ColumnElement[bool]] = []
    of_reminders: list[ColumnElement[bool]] = [reminders.c.deleted.is_(None)]
    if owner is not None:
        of_chats.append(chats.c.owner == owner_seq(owner))
        of_runs.append(runs.c.owner == owner_seq(owner))
        of_reminders.append(reminders.c.owner == owner_seq(owner))
    counted = select(func.count(), func.coalesce(func.sum(chats.c.messages), 0))
    chats_there, messages_there = db.execute(counted.where(*of_chats)).one()
    runs_there = db.scalar(select(func.count()).select_from(runs).where(*of_runs)) or 0
    kept = select(func.count()).select_from(reminders).where(*of_reminders)
    return Statistics(chats_there, messages_there, runs_there, size, db.scalar(kept) or 0)


class _Numbers:
    """Gives row ids to many messages: looks up what is taken a stretch at a time."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._taken: set[int] = set()
        self._known = range(0)

    def after(self, wanted: int, parent: int | None) -> int:
        """A free one from `wanted` on, greater than the parent's."""
        seq = wanted if parent is None else max(wanted, parent + 1)
        while True:
            if seq not in self._known:
                self._look(seq)
            if seq not in self._taken:
                break
            seq += 1
        self._taken.add(seq)
        return seq

    def _look(self, start: int) -> None:
        given = self._taken
        self._known = range(start, start + 10_000)
        rows = self._db.execute(
            select(messages.c.seq).where(messages.c.seq.between(start, self._known[-1]))
        )
        self._taken = given | set(rows.scalars())


def _first_taken(db: Connection, owner: int, names: Sequence[str]) -> str | None:
    for some in _some(names):
        found: str | None = db.scalar(
            select(messages.c.id).where(messages.c.owner == owner, messages.c.id.in_(some)).limit(1)
        )
        if found is not None:
            return found
    return None


def _remove_messages(db: Connection, which: ColumnElement[bool], *, forget: bool) -> int:
    """Remove messages with all that hangs on them; returns how many files went with them."""
    those = select(messages.c.seq).where(which)
    if forget:
        rows = db.execute(
            select(messages.c.seq, messages.c.chat, messages.c.text, messages.c.state).where(which)
        )
        for row in rows.all():
            if row.state != "streaming":
                search.forget(db, row.chat, [(row.seq, row.text)])
    sent = select(message_attachments.c.attachment).where(message_attachments.c.message.in_(those))
    files = list(db.execute(sent.distinct()).scalars())
    db.execute(delete(message_attachments).where(message_attachments.c.message.in_(those)))
    db.execute(delete(pieces).where(pieces.c.message.in_(those)))
    # Children before parents would take one statement a level; the rows go all at once, and
    # the foreign key is looked at when the transaction ends.
    db.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    db.execute(delete(messages).where(which))
    return sum(_remove_files(db, attachments.c.seq.in_(some)) for some in _some(files))


def _remove_files(db: Connection, which: ColumnElement[bool]) -> int:
    used = select(message_attachments.c.attachment).where(
        message_attachments.c.attachment == attachments.c.seq
    )
    return db.execute(delete(attachments).where(which, not_(used.exists()))).rowcount


def _some(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (values[at : at + _BATCH] for at in range(0, len(values), _BATCH))
