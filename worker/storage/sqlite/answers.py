"""Answers that are kept to be used again for a while.

Each function runs inside one transaction, which its caller owns.
"""

from datetime import datetime

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.storage.answers import KeptAnswer
from worker.storage.sqlite.chats import know_owner
from worker.storage.sqlite.rows import owner_seq
from worker.storage.sqlite.schema import answers


def put_answer(db: Connection, owner: str, answer: KeptAnswer) -> None:
    """See `AnswerStorage.put_answer`."""
    know_owner(db, owner)
    values = {
        "at": answer.at,
        "expires": answer.expires,
        "provider": answer.provider,
        "model": answer.model,
        "text": answer.text,
    }
    statement = insert_or(answers).values(owner=owner_seq(owner), key=answer.key, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["owner", "key"], set_=values))


def get_answer(db: Connection, owner: str, key: str, now: datetime) -> KeptAnswer | None:
    """See `AnswerStorage.get_answer`."""
    row = db.execute(
        select(answers).where(
            answers.c.owner == owner_seq(owner), answers.c.key == key, answers.c.expires > now
        )
    ).one_or_none()
    if row is None:
        return None
    return KeptAnswer(row.key, row.at, row.expires, row.provider, row.model, row.text)


def count_answers(db: Connection, owner: str, now: datetime) -> int:
    """See `AnswerStorage.count_answers`."""
    counted = select(func.count()).select_from(answers)
    mine = counted.where(answers.c.owner == owner_seq(owner), answers.c.expires > now)
    return db.scalar(mine) or 0


def clear_answers(db: Connection, owner: str | None) -> int:
    """See `AnswerStorage.clear_answers`."""
    statement = delete(answers)
    if owner is not None:
        statement = statement.where(answers.c.owner == owner_seq(owner))
    return db.execute(statement).rowcount


def expire_answers(db: Connection, now: datetime) -> int:
    """See `AnswerStorage.expire_answers`."""
    return db.execute(delete(answers).where(answers.c.expires <= now)).rowcount
