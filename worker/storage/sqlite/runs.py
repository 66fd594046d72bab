"""Runs: storing, taking, giving back, interrupting them.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, exists, func, or_, select, text
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.contract.types import FINAL_STATES, Run, RunState
from worker.storage import rules
from worker.storage.base import OwnedRun, RunCounts
from worker.storage.sqlite.chats import know_owner
from worker.storage.sqlite.rows import AnyRow, AnySelect, owner_seq, run_from, run_values
from worker.storage.sqlite.schema import messages, owners, runs

_UNFINISHED: tuple[RunState, ...] = ("PENDING", "STARTED", "PROGRESS", "RETRY")


def add_run(db: Connection, owner: str, run: Run) -> None:
    """See `Storage.add_run`."""
    know_owner(db, owner)
    statement = (
        insert_or(runs)
        .values(owner=owner_seq(owner), process="", **run_values(run))
        .on_conflict_do_nothing()
    )
    if not db.execute(statement).rowcount:
        raise rules.already_there("run", run.id)


def put_run(db: Connection, owner: str, run: Run, process: str) -> None:
    """Store a run as it is, whatever was there, as one of `process`."""
    values = {**run_values(run), "process": process}
    statement = insert_or(runs).values(owner=owner_seq(owner), **values)
    db.execute(statement.on_conflict_do_update(index_elements=["owner", "id"], set_=values))


def get_run(db: Connection, owner: str, run: str) -> Run:
    """See `Storage.get_run`."""
    return run_from(_row(db, owner, run))


def list_runs(
    db: Connection,
    owner: str,
    states: Sequence[RunState],
    limit: int,
    before: datetime | None,
) -> tuple[Run, ...]:
    """See `Storage.list_runs`."""
    statement = select(runs).where(runs.c.owner == owner_seq(owner))
    if states:
        statement = statement.where(runs.c.state.in_(states))
    if before is not None:
        statement = statement.where(runs.c.queued < before)
    statement = statement.order_by(runs.c.queued.desc(), runs.c.seq.desc())
    statement = statement.limit(rules.within(limit))
    return tuple(map(run_from, db.execute(statement)))


def last_run_of(db: Connection, owner: str, schedule: str) -> Run | None:
    """See `Storage.last_run_of`."""
    row = db.execute(
        select(runs)
        # As it stands in the index, or SQLite would not see that it may use it.
        .where(runs.c.owner == owner_seq(owner), runs.c.schedule == schedule)
        .where(text("schedule <> ''"))
        .order_by(runs.c.queued.desc(), runs.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else run_from(row)


def last_begun(db: Connection, name: str) -> datetime | None:
    """See `Storage.last_begun`."""
    # The index is by owner, then name.
    mine = runs.c.owner.in_(select(owners.c.seq))
    last: datetime | None = db.scalar(
        select(func.max(runs.c.started)).where(mine, runs.c.name == name)
    )
    return last


def count_runs(db: Connection, owner: str, failed_since: datetime) -> RunCounts:
    """See `Storage.count_runs`."""
    mine = runs.c.owner == owner_seq(owner)
    states = select(runs.c.state, func.count()).where(mine).group_by(runs.c.state)
    failed = select(func.count()).where(
        mine,
        runs.c.state == "FAILURE",
        func.coalesce(runs.c.ended, runs.c.queued) >= failed_since,
    )
    counts: dict[RunState, int] = {state: number for state, number in db.execute(states)}  # noqa: C416
    return RunCounts(counts, db.scalar(failed) or 0)


def check_at_rest(db: Connection, owner: str | None) -> None:
    """Raise Conflict where something of `owner`, or of anybody, is being written."""
    streaming = exists().where(
        messages.c.owner == runs.c.owner,
        messages.c.id == runs.c.message,
        messages.c.run == runs.c.id,
        messages.c.state == "streaming",
    )
    # A streaming answer without a run, or with one that ended, is written by nobody.
    unfinished = runs.c.state.in_(_UNFINISHED)
    work = select(runs.c.seq).where(unfinished, or_(runs.c.state.in_(rules.AT_WORK), streaming))
    if owner is not None:
        work = work.where(runs.c.owner == owner_seq(owner))
    if db.scalar(work.limit(1)) is not None:
        raise rules.at_work()


def claim_run(db: Connection, owner: str, run: str, process: str, at: datetime) -> Run | None:
    """See `Storage.claim_run`."""
    row = _row(db, owner, run)
    if row.state not in rules.CLAIMABLE or row.process not in ("", process):
        return None
    taken = rules.claimed(run_from(row), at)
    put_run(db, owner, taken, process)
    return taken


def save_run(db: Connection, owner: str, run: Run) -> Run:
    """See `Storage.save_run`."""
    row = _row(db, owner, run.id)
    if row.state in FINAL_STATES:
        return run_from(row)
    put_run(db, owner, run, row.process if rules.keeps_process(run.state) else "")
    return run


def runs_of_others(db: Connection, process: str) -> tuple[OwnedRun, ...]:
    """See `Storage.runs_of_others`."""
    return _owned(db, _unfinished(_UNFINISHED).where(runs.c.process.not_in(("", process))))


def unclaimed_runs(db: Connection) -> tuple[OwnedRun, ...]:
    """See `Storage.unclaimed_runs`."""
    return _owned(db, _unfinished(("PENDING", "RETRY")).where(runs.c.process == ""))


def release_run(db: Connection, owner: str, run: str, process: str) -> bool:
    """See `Storage.release_run`."""
    row = _row(db, owner, run)
    if row.process != process or row.state in FINAL_STATES:
        return False
    put_run(db, owner, rules.released(run_from(row)), "")
    return True


def interrupt(db: Connection, owner: str, run: str, process: str, at: datetime) -> Run | None:
    """Mark a run of the dead process `process` INTERRUPTED; None if it is no longer its."""
    row = _row(db, owner, run)
    if row.process != process or row.state in FINAL_STATES:
        return None
    found = replace(run_from(row), state="INTERRUPTED", ended=at)
    put_run(db, owner, found, "")
    return found


def _row(db: Connection, owner: str, run: str) -> AnyRow:
    row = db.execute(
        select(runs).where(runs.c.owner == owner_seq(owner), runs.c.id == run)
    ).one_or_none()
    if row is None:
        raise rules.missing_run(run)
    return row


def _unfinished(states: Sequence[RunState]) -> AnySelect:
    return (
        select(runs, owners.c.name.label("owner_name"))
        .join(owners, owners.c.seq == runs.c.owner)
        .where(runs.c.state.in_(states))
        .order_by(runs.c.queued, runs.c.seq)
    )


def _owned(db: Connection, statement: AnySelect) -> tuple[OwnedRun, ...]:
    return tuple(
        OwnedRun(row.owner_name, run_from(row), row.process) for row in db.execute(statement)
    )
