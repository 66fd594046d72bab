"""Reading messages: one, a stretch of a branch, a whole tree; walking it.

Nothing here reads more of a tree than it has to: a branch is walked from its leaf up, in SQL,
and stops at the limit.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import cast

from sqlalchemy import Connection, Select, bindparam, literal, select

from worker.contract.types import Attachment, Message
from worker.storage import rules
from worker.storage.sqlite.chats import chat_seq
from worker.storage.sqlite.rows import AnyRow, AnySelect, attachment_from, message_from, whose
from worker.storage.sqlite.schema import attachments, chats, message_attachments, messages, pieces

_MANY = 400  # values in one IN (...)
_above = messages.alias("above")


def message_row(db: Connection, owner: str, message: str) -> AnyRow:
    """The row of a message; raises NotFound."""
    row = db.execute(_one(), {"whose": owner, "wanted": message}).one_or_none()
    if row is None:
        raise rules.missing_message(message)
    return row


def get_message(db: Connection, owner: str, message: str) -> Message:
    """See `Storage.get_message`."""
    return _complete(db, [message_row(db, owner, message)])[0]


def branch(
    db: Connection, owner: str, leaf: str, before: str | None, limit: int | None
) -> tuple[tuple[Message, ...], bool]:
    """See `Storage.branch`."""
    start: int | None = message_row(db, owner, leaf).seq
    if before is not None:
        edge = message_row(db, owner, before)
        if not _stands_above(db, edge.seq, edge.depth, cast(int, start)):
            raise rules.not_above(before, leaf)
        start = edge.parent
    if start is None:
        return (), False
    limit = None if limit is None else rules.within(limit)
    if limit == 0:
        return (), True
    rows = db.execute(_upwards(limit is not None), {"leaf": start, "most": limit}).all()
    return tuple(_complete(db, rows)), bool(rows) and rows[0].parent is not None


def tree(db: Connection, owner: str, chat: str) -> tuple[Message, ...]:
    """See `Storage.tree`."""
    seq = chat_seq(db, owner, chat)
    # A child's row id is greater than its parent's.
    rows = db.execute(_select().where(messages.c.chat == seq).order_by(messages.c.seq)).all()
    return tuple(_complete(db, rows))


def newest_leaf(db: Connection, owner: str, message: str) -> str:
    """See `Storage.newest_leaf`."""
    start = message_row(db, owner, message)
    down = (
        select(messages.c.seq, messages.c.id, messages.c.parent, messages.c.written)
        .where(messages.c.seq == start.seq)
        .cte("down", recursive=True)
    )
    child = messages.alias("child")
    down = down.union_all(
        select(child.c.seq, child.c.id, child.c.parent, child.c.written).where(
            child.c.parent == down.c.seq
        )
    )
    rows = db.execute(select(down).order_by(down.c.seq)).all()
    names = {row.seq: row.id for row in rows}
    return rules.newest_leaf(
        start.id, [(row.id, names.get(row.parent), row.written) for row in rows]
    )


def is_above(db: Connection, owner: str, message: str, leaf: str) -> bool:
    """See `Storage.is_above`."""
    upper, lower = message_row(db, owner, message), message_row(db, owner, leaf)
    return upper.chat == lower.chat and _stands_above(db, upper.seq, upper.depth, lower.seq)


def kept_text(db: Connection, row: AnyRow) -> str:
    """The text of a message, with the pieces that came so far if it is streaming."""
    if row.state != "streaming":
        return cast(str, row.text)
    found = db.execute(_pieces(), {"message": row.seq})
    return rules.joined(row.text, [(start, text) for start, text in found])


def _select() -> AnySelect:
    return (
        select(messages, chats.c.id.label("chat_id"), _above.c.id.label("parent_id"))
        .join(chats, chats.c.seq == messages.c.chat)
        .outerjoin(_above, _above.c.seq == messages.c.parent)
    )


# Made once: see `whose`.


@cache
def _one() -> AnySelect:
    return _select().where(messages.c.owner == whose(), messages.c.id == bindparam("wanted"))


@cache
def _pieces() -> Select[int, str]:
    return (
        select(pieces.c.start, pieces.c.text)
        .where(pieces.c.message == bindparam("message"))
        .order_by(pieces.c.start)
    )


@cache
def _upwards(limited: bool) -> AnySelect:
    """The messages from `leaf` towards the root, at most `most` where it is `limited`."""
    up = (
        select(messages.c.seq, messages.c.parent, literal(1).label("taken"))
        .where(messages.c.seq == bindparam("leaf"))
        .cte("up", recursive=True)
    )
    parent = messages.alias("parent")
    step = select(parent.c.seq, parent.c.parent, up.c.taken + 1).where(parent.c.seq == up.c.parent)
    if limited:
        step = step.where(up.c.taken < bindparam("most"))
    up = up.union_all(step)
    return _select().join(up, up.c.seq == messages.c.seq).order_by(messages.c.depth)


def _stands_above(db: Connection, upper: int, depth: int, lower: int) -> bool:
    """Whether `upper`, at `depth`, is `lower` or one of its ancestors."""
    walk = (
        select(messages.c.seq, messages.c.parent, messages.c.depth)
        .where(messages.c.seq == lower)
        .cte("walk", recursive=True)
    )
    parent = messages.alias("parent")
    walk = walk.union_all(
        select(parent.c.seq, parent.c.parent, parent.c.depth).where(
            parent.c.seq == walk.c.parent, walk.c.depth > depth
        )
    )
    return db.scalar(select(walk.c.seq).where(walk.c.seq == upper)) is not None


def _complete(db: Connection, rows: Sequence[AnyRow]) -> list[Message]:
    """Messages from their rows, in that order, with what stands in other tables."""
    files = _attachments(db, [row.seq for row in rows])
    versions = _versions(db, {(row.chat, row.parent) for row in rows})
    return [
        message_from(
            row,
            text=kept_text(db, row),
            attachments=files.get(row.seq, ()),
            siblings=versions[row.chat, row.parent, row.role],
        )
        for row in rows
    ]


def _attachments(db: Connection, seqs: Sequence[int]) -> dict[int, list[Attachment]]:
    found: dict[int, list[Attachment]] = defaultdict(list)
    for some in _some(seqs):
        for row in db.execute(_files(), {"some": some}):
            found[row.message].append(attachment_from(row))
    return found


def _versions(
    db: Connection, places: set[tuple[int, int | None]]
) -> dict[tuple[int, int | None, str], list[str]]:
    """Ids by chat, parent and role, oldest first."""
    found: dict[tuple[int, int | None, str], list[str]] = defaultdict(list)
    chats_of_roots = {chat for chat, parent in places if parent is None}
    parents = sorted(parent for _, parent in places if parent is not None)
    rows = [
        *(db.execute(_children(), {"some": some}) for some in _some(parents)),
        *(db.execute(_roots(), {"chat": chat}) for chat in chats_of_roots),
    ]
    for row in chain.from_iterable(rows):
        found[row.chat, row.parent, row.role].append(row.id)
    return found


@cache
def _files() -> AnySelect:
    columns = [column for column in attachments.c if column.name != "data"]
    return (
        select(message_attachments.c.message, *columns)
        .join(attachments, attachments.c.seq == message_attachments.c.attachment)
        .where(message_attachments.c.message.in_(bindparam("some", expanding=True)))
        .order_by(message_attachments.c.message, message_attachments.c.position)
    )


def _places() -> AnySelect:
    columns = (messages.c.chat, messages.c.parent, messages.c.role, messages.c.id)
    return select(*columns).order_by(messages.c.seq)


@cache
def _children() -> AnySelect:
    return _places().where(messages.c.parent.in_(bindparam("some", expanding=True)))


@cache
def _roots() -> AnySelect:
    return _places().where(messages.c.chat == bindparam("chat"), messages.c.parent.is_(None))


def _some(values: Sequence[int]) -> Iterator[Sequence[int]]:
    return (values[at : at + _MANY] for at in range(0, len(values), _MANY))
