"""Writing messages: an answer's beginning, its pieces, its end; files kept for them.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from sqlalchemy import (
    Connection,
    Delete,
    Select,
    Update,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.sql.dml import ReturningUpdate

from worker.contract.types import Attachment, Chat, Message, Run, UsageRecord
from worker.storage import rules
from worker.storage.base import Begun
from worker.storage.sqlite import chats as chats_
from worker.storage.sqlite import runs as runs_
from worker.storage.sqlite import search, tree, usage
from worker.storage.sqlite.rows import (
    AnyRow,
    AnySelect,
    Values,
    attachment_from,
    message_values,
    owner_seq,
    whose,
)
from worker.storage.sqlite.schema import (
    attachments,
    chats,
    message_attachments,
    messages,
    pieces,
)


def begin_answer(
    db: Connection,
    owner: str,
    question: Message | None,
    answer: Message,
    run: Run,
    process: str,
    chat: Chat | None,
) -> Begun:
    """See `Storage.begin_answer`."""
    if chat is not None:
        chats_.create_chat(db, owner, chat)
    seq = chats_.chat_seq(db, owner, answer.chat)
    for row in db.execute(_streaming(), {"within": seq}):
        if (row.id, row.run) != (answer.id, run.id):
            raise rules.answer_under_way()
    if question is not None:
        insert_message(db, owner, seq, question)
    answer = replace(answer, state="streaming", run=run.id)
    old = db.execute(_known(), {"whose": owner, "wanted": answer.id}).one_or_none()
    if old is None:
        insert_message(db, owner, seq, answer)
    else:
        if old.chat != seq:
            raise rules.already_there("message", answer.id)
        if old.state == "complete":
            raise rules.answer_complete()
        _go_on(db, old, seq, answer)
    runs_.put_run(db, owner, run, process)
    values: Values = {"head": answer.id, "updated": run.queued}
    if question is not None:
        values["draft"] = ""
    db.execute(_change_chat(), {"changed": seq, **values})
    return Begun(
        chats_.get_chat(db, owner, answer.chat),
        None if question is None else tree.get_message(db, owner, question.id),
        tree.get_message(db, owner, answer.id),
    )


def _go_on(db: Connection, old: AnyRow, chat: int, answer: Message) -> None:
    if old.state != "streaming":
        search.forget(db, chat, [(old.seq, old.text)])
    db.execute(_drop_pieces(), {"of": old.seq})
    values = message_values(answer)
    del values["id"], values["created"]
    written = _next_written(db, chat)
    db.execute(_change_message(), {"changed": old.seq, **values, "written": written})


def append_text(
    db: Connection,
    owner: str,
    message: str,
    offset: int,
    text: str,
    by: tuple[str, str] | None,
) -> None:
    """See `Storage.append_text`."""
    row = db.execute(_so_far(), {"whose": owner, "wanted": message}).one_or_none()
    if row is None:
        raise rules.missing_message(message)
    if row.state != "streaming":
        raise rules.not_streaming(message)
    there = row.stop
    if there is None:
        there = len(db.scalar(_text(), {"of": row.seq}) or "")
    if offset > there:
        raise rules.text_gap(message, there, offset)
    if by is not None:
        who = {"provider": by[0], "model": by[1]}
        db.execute(_change_message(), {"changed": row.seq, **who})
    if offset + len(text) <= there:
        return
    new = text[there - offset :]
    piece = {"message": row.seq, "start": there, "stop": there + len(new), "text": new}
    db.execute(insert(pieces), piece)


def finish_answer(
    db: Connection, owner: str, answer: Message, run: Run, used: Sequence[UsageRecord]
) -> Message:
    """See `Storage.finish_answer`."""
    end(db, tree.message_row(db, owner, answer.id), answer)
    runs_.put_run(db, owner, run, "")
    for record in used:
        usage.add_usage(db, owner, record)
    return tree.get_message(db, owner, answer.id)


def interrupt_run(
    db: Connection, owner: str, run: str, process: str, at: datetime
) -> Message | None:
    """See `Storage.interrupt_run`."""
    interrupted = runs_.interrupt(db, owner, run, process, at)
    if interrupted is None or interrupted.message is None:
        return None
    row = tree.message_row(db, owner, interrupted.message)
    if row.state != "streaming" or row.run != run:
        return None
    answer = replace(tree.get_message(db, owner, interrupted.message), state="interrupted")
    end(db, row, answer)
    return tree.get_message(db, owner, answer.id)


def end(db: Connection, old: AnyRow, answer: Message) -> None:
    """Write an answer as it ended over its row `old`, and make it findable."""
    answer = rules.settled(answer)
    if old.state != "streaming":
        search.forget(db, old.chat, [(old.seq, old.text)])
    values = message_values(answer)
    del values["id"], values["created"], values["role"]
    if values["run"] is None:
        del values["run"]
    db.execute(_change_message(), {"changed": old.seq, **values})
    db.execute(_drop_pieces(), {"of": old.seq})
    search.add(db, old.chat, [(old.seq, answer.text)])


def insert_message(db: Connection, owner: str, chat: int, message: Message) -> int:
    """Store a new message below its parent; returns its row id."""
    parent = above = None
    if message.parent is not None:
        above = tree.message_row(db, owner, message.parent)
        if above.chat != chat:
            raise rules.missing_message(message.parent)
        parent = above.seq
    seq = _next_seq(db, message.created, parent)
    values: Values = {
        "seq": seq,
        "whose": owner,
        "chat": chat,
        "parent": parent,
        "depth": 0 if above is None else above.depth + 1,
        "written": _next_written(db, chat),
        **message_values(message),
    }
    if not db.execute(_new(), values).rowcount:
        raise rules.already_there("message", message.id)
    db.execute(_count_one(), {"counted": chat})
    link(db, owner, seq, message.attachments)
    if message.state != "streaming":
        search.add(db, chat, [(seq, message.text)])
    return seq


def link(db: Connection, owner: str, message: int, files: Iterable[Attachment]) -> None:
    """Say which kept files go with a message; raises NotFound."""
    for position, file in enumerate(files):
        db.execute(
            insert(message_attachments).values(
                message=message, position=position, attachment=_attachment_seq(db, owner, file.id)
            )
        )


def put_attachment(
    db: Connection, owner: str, attachment: Attachment, data: bytes, created: datetime
) -> None:
    """See `Storage.put_attachment`."""
    chats_.know_owner(db, owner)
    values = {
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size": attachment.size,
        "tokens": attachment.tokens,
        "created": created,
        "data": data,
    }
    db.execute(
        insert_or(attachments)
        .values(owner=owner_seq(owner), id=attachment.id, **values)
        .on_conflict_do_update(index_elements=["owner", "id"], set_=values)
    )


def get_attachment(db: Connection, owner: str, attachment: str) -> tuple[Attachment, bytes]:
    """See `Storage.get_attachment`."""
    row = db.execute(
        select(attachments).where(
            attachments.c.owner == owner_seq(owner), attachments.c.id == attachment
        )
    ).one_or_none()
    if row is None:
        raise rules.missing_attachment(attachment)
    return attachment_from(row), row.data


def _attachment_seq(db: Connection, owner: str, attachment: str) -> int:
    seq: int | None = db.scalar(
        select(attachments.c.seq).where(
            attachments.c.owner == owner_seq(owner), attachments.c.id == attachment
        )
    )
    if seq is None:
        raise rules.missing_attachment(attachment)
    return seq


def _next_written(db: Connection, chat: int) -> int:
    found: int | None = db.scalar(_write_one(), {"counted": chat})
    assert found is not None  # the caller has the chat's row id
    return found


def _next_seq(db: Connection, created: datetime, parent: int | None) -> int:
    """A free row id for a message of that time, greater than its parent's."""
    wanted = int(created.timestamp())
    if parent is not None:
        wanted = max(wanted, parent + 1)
    newest = db.execute(_newest()).one_or_none()
    if newest is None or wanted > newest.seq:
        return wanted
    if created >= newest.created:
        return int(newest.seq) + 1
    if db.scalar(select(messages.c.seq).where(messages.c.seq == wanted)) is None:
        return wanted
    following = messages.alias("following")
    gap: int | None = db.scalar(
        select(messages.c.seq + 1)
        .where(messages.c.seq >= wanted, ~exists().where(following.c.seq == messages.c.seq + 1))
        .order_by(messages.c.seq)
        .limit(1)
    )
    assert gap is not None  # after the last one there is always room
    return gap


# Made once: see `whose`.


@cache
def _streaming() -> Select[str, str | None]:
    return select(messages.c.id, messages.c.run).where(
        messages.c.chat == bindparam("within"), messages.c.state == "streaming"
    )


@cache
def _known() -> AnySelect:
    columns = (messages.c.seq, messages.c.chat, messages.c.state, messages.c.text)
    return select(*columns).where(messages.c.owner == whose(), messages.c.id == bindparam("wanted"))


@cache
def _text() -> Select[str]:
    return select(messages.c.text).where(messages.c.seq == bindparam("of"))


@cache
def _so_far() -> AnySelect:
    stop = select(func.max(pieces.c.stop)).where(pieces.c.message == messages.c.seq)
    columns = (messages.c.seq, messages.c.state, stop.scalar_subquery().label("stop"))
    return select(*columns).where(messages.c.owner == whose(), messages.c.id == bindparam("wanted"))


@cache
def _newest() -> AnySelect:
    return select(messages.c.seq, messages.c.created).order_by(messages.c.seq.desc()).limit(1)


@cache
def _new() -> Insert:
    statement = insert_or(messages).values(owner=whose())
    return statement.on_conflict_do_nothing(index_elements=["owner", "id"])


@cache
def _change_message() -> Update:
    return update(messages).where(messages.c.seq == bindparam("changed"))


@cache
def _change_chat() -> Update:
    return update(chats).where(chats.c.seq == bindparam("changed"))


@cache
def _count_one() -> Update:
    one_more = {"messages": chats.c.messages + 1}
    return update(chats).where(chats.c.seq == bindparam("counted")).values(one_more)


@cache
def _write_one() -> ReturningUpdate[int]:
    one_more = {"written": chats.c.written + 1}
    statement = update(chats).where(chats.c.seq == bindparam("counted")).values(one_more)
    return statement.returning(chats.c.written)


@cache
def _drop_pieces() -> Delete:
    return delete(pieces).where(pieces.c.message == bindparam("of"))
