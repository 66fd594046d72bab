"""What waits for a person's word: parked answers, their calls, tools that are allowed.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.contract.routines import Approval, Verdict
from worker.contract.types import FINAL_STATES, JsonObject, Message, Run, UsageRecord
from worker.storage import rules
from worker.storage.approvals import ParkedCall
from worker.storage.sqlite import queued, routines
from worker.storage.sqlite import runs as runs_
from worker.storage.sqlite.rows import AnyRow, AnySelect, owner_seq, whose
from worker.storage.sqlite.schema import allowed_tools, approvals, runs, standstills


def park_answer(
    db: Connection,
    owner: str,
    answer: Message,
    run: Run,
    calls: Sequence[ParkedCall],
    standstill: JsonObject,
    at: datetime,
    used: Sequence[UsageRecord],
) -> None:
    """See `ApprovalStorage.park_answer`."""
    queued.put_back_answer(db, owner, answer, run, used)
    for parked in calls:
        values = {
            field.name: getattr(parked.approval, field.name)
            for field in fields(Approval)
            if field.name != "expired"
        }
        values["arguments"] = dict(parked.approval.arguments)
        db.execute(
            insert_or(approvals)
            .values(owner=owner_seq(owner), call=parked.call, failed=False, **values)
            .on_conflict_do_nothing()
        )
    value = dict(standstill)
    db.execute(
        insert_or(standstills)
        .values(owner=owner_seq(owner), run=run.id, value=value)
        .on_conflict_do_update(index_elements=["owner", "run"], set_={"value": value})
    )
    routines.park(db, owner, run.id, at)


def get_standstill(db: Connection, owner: str, run: str) -> JsonObject | None:
    """See `ApprovalStorage.get_standstill`."""
    found: JsonObject | None = db.scalar(_standstill(), {"whose": owner, "wanted": run})
    return found


@cache
def _standstill() -> AnySelect:  # made once: see `rows.whose`
    mine = (standstills.c.owner == whose(), standstills.c.run == bindparam("wanted"))
    return select(standstills.c.value).where(*mine)


def parked_calls(db: Connection, owner: str, run: str) -> tuple[ParkedCall, ...]:
    """See `ApprovalStorage.parked_calls`."""
    rows = db.execute(
        _select()
        .where(approvals.c.owner == owner_seq(owner), approvals.c.run == run)
        .order_by(approvals.c.seq)
    )
    return tuple(
        ParkedCall(_approval(row), row.call, row.made, row.result, row.failed) for row in rows
    )


def waiting_approvals(db: Connection, owner: str) -> tuple[Approval, ...]:
    """See `ApprovalStorage.waiting_approvals`."""
    rows = db.execute(
        _select()
        .where(approvals.c.owner == owner_seq(owner), approvals.c.verdict.is_(None), _alive())
        .order_by(approvals.c.asked, approvals.c.seq)
    )
    return tuple(map(_approval, rows))


def get_approval(db: Connection, owner: str, approval: str) -> Approval:
    """See `ApprovalStorage.get_approval`."""
    return _approval(_row(db, owner, approval))


def answer_approval(
    db: Connection,
    owner: str,
    approval: str,
    verdict: Verdict,
    instead: str,
    at: datetime,
    go_on: Run,
) -> tuple[Approval, Run | None]:
    """See `ApprovalStorage.answer_approval`."""
    row = _row(db, owner, approval)
    if row.verdict is not None:
        raise rules.decided_before()
    if not row.alive:
        raise rules.expired_approval()
    db.execute(
        update(approvals)
        .where(approvals.c.seq == row.seq)
        .values(verdict=verdict, instead=instead, answered=at)
    )
    if verdict == "always":
        db.execute(
            insert_or(allowed_tools)
            .values(owner=row.owner, tool=row.tool, at=at)
            .on_conflict_do_nothing()
        )
    run = None
    if not queued.is_parked(db, owner, row.run):
        run = go_on
        runs_.put_run(db, owner, go_on, "")
        routines.unpark(db, owner, row.run, at)
    return get_approval(db, owner, approval), run


def begin_call(db: Connection, owner: str, approval: str, at: datetime) -> bool:
    """See `ApprovalStorage.begin_call`."""
    mine = and_(approvals.c.owner == owner_seq(owner), approvals.c.id == approval)
    statement = update(approvals).where(mine, approvals.c.made.is_(None)).values(made=at)
    return bool(db.execute(statement).rowcount)


def end_call(db: Connection, owner: str, approval: str, result: str, failed: bool) -> None:
    """See `ApprovalStorage.end_call`."""
    mine = and_(approvals.c.owner == owner_seq(owner), approvals.c.id == approval)
    db.execute(update(approvals).where(mine).values(result=result, failed=failed))


def parked_runs(db: Connection) -> frozenset[str]:
    """See `ApprovalStorage.parked_runs`."""
    return frozenset(db.execute(_parked()).scalars())


@cache
def _parked() -> Select[str]:  # made once: see `rows.whose`
    return select(approvals.c.run).where(approvals.c.verdict.is_(None), _alive())


def allowed(db: Connection, owner: str) -> tuple[str, ...]:
    """See `ApprovalStorage.allowed_tools`."""
    mine = select(allowed_tools.c.tool).where(allowed_tools.c.owner == owner_seq(owner))
    return tuple(db.execute(mine.order_by(allowed_tools.c.tool)).scalars())


def revoke_tool(db: Connection, owner: str, tool: str) -> None:
    """See `ApprovalStorage.revoke_tool`."""
    mine = and_(allowed_tools.c.owner == owner_seq(owner), allowed_tools.c.tool == tool)
    db.execute(delete(allowed_tools).where(mine))


def expire(db: Connection) -> None:
    """Remove what belongs to runs that are gone."""
    for table in (approvals, standstills):
        there = exists().where(runs.c.owner == table.c.owner, runs.c.id == table.c.run)
        db.execute(delete(table).where(~there))


def _alive() -> ColumnElement[bool]:
    return exists().where(
        runs.c.owner == approvals.c.owner,
        runs.c.id == approvals.c.run,
        runs.c.state.not_in(sorted(FINAL_STATES)),
    )


def _select() -> AnySelect:
    return select(approvals, _alive().label("alive"))


def _row(db: Connection, owner: str, approval: str) -> AnyRow:
    row = db.execute(
        _select().where(approvals.c.owner == owner_seq(owner), approvals.c.id == approval)
    ).one_or_none()
    if row is None:
        raise rules.missing_approval(approval)
    return row


def _approval(row: AnyRow) -> Approval:
    values = {
        field.name: getattr(row, field.name)
        for field in fields(Approval)
        if field.name != "expired"
    }
    return Approval(**values, expired=row.verdict is None and not row.alive)
