"""Chats: making, reading, changing them.

Each function runs inside one transaction, which its caller owns.
"""

from functools import cache

from sqlalchemy import Connection, Select, bindparam, exists, select, update
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.contract.types import Chat
from worker.storage import rules
from worker.storage.base import ChatChanges
from worker.storage.sqlite.rows import AnySelect, chat_from, chat_values, owner_seq, whose
from worker.storage.sqlite.schema import chats, messages, owners


def know_owner(db: Connection, owner: str) -> None:
    """Give a new owner a number."""
    if db.scalar(_owner(), {"whose": owner}) is None:
        db.execute(insert_or(owners).values(name=owner).on_conflict_do_nothing())


def chat_seq(db: Connection, owner: str, chat: str) -> int:
    """The row id of a chat; raises NotFound."""
    found: int | None = db.scalar(_seq(), {"whose": owner, "wanted": chat})
    if found is None:
        raise rules.missing_chat(chat)
    return found


def create_chat(db: Connection, owner: str, chat: Chat) -> Chat:
    """See `Storage.create_chat`."""
    know_owner(db, owner)
    if not db.execute(_new(), {"whose": owner, **chat_values(chat)}).rowcount:
        raise rules.already_there("chat", chat.id)
    return get_chat(db, owner, chat.id)


def get_chat(db: Connection, owner: str, chat: str) -> Chat:
    """See `Storage.get_chat`."""
    row = db.execute(_one(), {"whose": owner, "wanted": chat}).one_or_none()
    if row is None:
        raise rules.missing_chat(chat)
    return chat_from(row)


def list_chats(db: Connection, owner: str, archived: bool, limit: int) -> tuple[Chat, ...]:
    """See `Storage.list_chats`."""
    rows = db.execute(
        _select()
        .where(
            chats.c.owner == owner_seq(owner),
            chats.c.archived == archived,
            chats.c.deleted.is_(None),
        )
        .order_by(chats.c.pinned.desc(), chats.c.updated.desc(), chats.c.seq.desc())
        .limit(rules.within(limit))
    )
    return tuple(map(chat_from, rows))


def update_chat(db: Connection, owner: str, chat: str, changes: ChatChanges) -> Chat:
    """See `Storage.update_chat`."""
    seq = chat_seq(db, owner, chat)
    head = changes.get("head")
    if head is not None:
        there = select(messages.c.seq).where(messages.c.chat == seq, messages.c.id == head)
        if db.scalar(there) is None:
            raise rules.missing_message(head)
    if changes:
        db.execute(update(chats).where(chats.c.seq == seq).values(**changes))
    return get_chat(db, owner, chat)


# Made once: see `whose`.


@cache
def _owner() -> Select[int]:
    return select(whose())


@cache
def _seq() -> Select[int]:
    return select(chats.c.seq).where(chats.c.owner == whose(), chats.c.id == bindparam("wanted"))


@cache
def _one() -> AnySelect:
    return _select().where(chats.c.owner == whose(), chats.c.id == bindparam("wanted"))


@cache
def _new() -> Insert:
    return insert_or(chats).values(owner=whose(), messages=0, written=0).on_conflict_do_nothing()


def _select() -> AnySelect:
    running = exists().where(messages.c.chat == chats.c.seq, messages.c.state == "streaming")
    return select(chats, running.label("running"))
