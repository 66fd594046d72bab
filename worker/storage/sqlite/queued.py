"""Answers that background work writes: taken, put back, cancelled while they wait.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, update

from worker.contract.jobs import LogLine
from worker.contract.types import Message, Run, UsageRecord
from worker.storage import rules
from worker.storage.sqlite import messages as messages_
from worker.storage.sqlite import runs as runs_
from worker.storage.sqlite import search, tree, usage
from worker.storage.sqlite.rows import AnyRow, message_values, owner_seq, run_from
from worker.storage.sqlite.schema import approvals, messages, pieces, runs


def claim_answer(
    db: Connection, owner: str, run: str, process: str, at: datetime
) -> tuple[Run, Message] | None:
    """See `AnswerStorage.claim_answer`."""
    waiting = _waiting(db, owner, run)
    if waiting is None or is_parked(db, owner, run):
        return None
    found, row = waiting
    if rules.is_early(found, at):
        return None
    taken = rules.claimed(found, at)
    runs_.put_run(db, owner, taken, process)
    return taken, tree.get_message(db, owner, row.id)


def put_back_answer(
    db: Connection, owner: str, answer: Message, run: Run, used: Sequence[UsageRecord]
) -> None:
    """See `AnswerStorage.put_back_answer`."""
    row = tree.message_row(db, owner, answer.id)
    if row.state != "streaming":
        search.forget(db, row.chat, [(row.seq, row.text)])
    values = message_values(replace(answer, state="streaming", run=run.id))
    for name in ("id", "created", "role"):
        del values[name]
    db.execute(update(messages).where(messages.c.seq == row.seq).values(**values))
    db.execute(delete(pieces).where(pieces.c.message == row.seq))
    runs_.put_run(db, owner, run, "")
    for record in used:
        usage.add_usage(db, owner, record)


def revoke_answer(db: Connection, owner: str, run: str, at: datetime) -> Message | None:
    """See `AnswerStorage.revoke_answer`."""
    waiting = _waiting(db, owner, run)
    if waiting is None:
        return None
    found, row = waiting
    runs_.put_run(db, owner, replace(found, state="REVOKED", ended=at), "")
    answer = replace(tree.get_message(db, owner, row.id), state="stopped")
    messages_.end(db, row, answer)
    return tree.get_message(db, owner, answer.id)


def is_parked(db: Connection, owner: str, run: str) -> bool:
    """Whether a run waits for a person's word first."""
    waits = exists().where(
        approvals.c.owner == owner_seq(owner), approvals.c.run == run, approvals.c.verdict.is_(None)
    )
    return bool(db.scalar(select(waits)))


def reopen_answer(
    db: Connection, owner: str, run: str, lines: Sequence[LogLine]
) -> tuple[Run, Message] | None:
    """See `AnswerStorage.reopen_answer`."""
    found = runs_.get_run(db, owner, run)
    opened = rules.reopened(found)
    if opened is None or found.message is None:
        return None
    row = tree.message_row(db, owner, found.message)
    if row.state == "streaming" or row.run != run:
        return None
    streaming = select(messages.c.seq).where(
        messages.c.chat == row.chat, messages.c.state == "streaming"
    )
    if db.scalar(streaming.limit(1)) is not None:
        raise rules.answer_under_way()
    answer = replace(tree.get_message(db, owner, row.id), state="streaming", error=None)
    put_back_answer(db, owner, answer, opened, ())
    runs_.add_log(db, owner, run, lines)
    return opened, answer


def _waiting(db: Connection, owner: str, run: str) -> tuple[Run, AnyRow] | None:
    """A run that waits to be taken, and the row of its answer."""
    row = db.execute(
        select(runs).where(runs.c.owner == owner_seq(owner), runs.c.id == run)
    ).one_or_none()
    if row is None:
        raise rules.missing_run(run)
    if row.message is None or row.process or row.state not in rules.WAITING:
        return None
    message = tree.message_row(db, owner, row.message)
    if message.state != "streaming" or message.run != run:
        return None
    return run_from(row), message
