"""Runs: storing, taking, giving back, interrupting them. Lists of them are in `run_lists`.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, bindparam, exists, or_, select
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.sql.dml import ReturningInsert

from worker.contract.jobs import LogLine
from worker.contract.types import FINAL_STATES, Run, RunState
from worker.storage import rules
from worker.storage.base import OwnedRun, Waiting
from worker.storage.sqlite import run_log
from worker.storage.sqlite.chats import know_owner
from worker.storage.sqlite.rows import AnyRow, AnySelect, owner_seq, run_from, run_values, whose
from worker.storage.sqlite.schema import messages, owners, runs

_UNFINISHED: tuple[RunState, ...] = ("PENDING", "STARTED", "PROGRESS", "RETRY")


def add_runs(
    db: Connection, owner: str, new: Sequence[Run], lines: Sequence[LogLine], process: str
) -> None:
    """See `Storage.add_runs`."""
    know_owner(db, owner)
    for run in new:
        seq = db.scalar(_new(), {"whose": owner, "process": process, **run_values(run)})
        if seq is None:
            raise rules.already_there("run", run.id)
        run_log.write_down(db, seq, lines)


def put_run(db: Connection, owner: str, run: Run, process: str) -> None:
    """Store a run as it is, whatever was there, as one of `process`."""
    db.execute(_put(), {"whose": owner, "process": process, **run_values(run)})


def get_run(db: Connection, owner: str, run: str) -> Run:
    """See `Storage.get_run`."""
    return run_from(_row(db, owner, run))


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


def claim_run(
    db: Connection, owner: str, run: str, process: str, at: datetime, lines: Sequence[LogLine]
) -> Run | None:
    """See `Storage.claim_run`."""
    row = _row(db, owner, run)
    found = run_from(row)
    if not rules.claimable(found, row.process, process, at):
        return None
    taken = rules.claimed(found, at)
    put_run(db, owner, taken, process)
    run_log.write_down(db, row.seq, lines)
    return taken


def save_run(db: Connection, owner: str, run: Run, lines: Sequence[LogLine]) -> Run:
    """See `Storage.save_run`."""
    row = _row(db, owner, run.id)
    if row.state in FINAL_STATES:
        return run_from(row)
    put_run(db, owner, run, row.process if rules.keeps_process(run.state) else "")
    run_log.write_down(db, row.seq, lines)
    return run


def reopen_run(db: Connection, owner: str, run: str, lines: Sequence[LogLine]) -> Run | None:
    """See `Storage.reopen_run`."""
    row = _row(db, owner, run)
    opened = rules.reopened(run_from(row))
    if opened is not None:
        put_run(db, owner, opened, "")
        run_log.write_down(db, row.seq, lines)
    return opened


def hasten_run(
    db: Connection, owner: str, run: str, priority: int, lines: Sequence[LogLine]
) -> Run | None:
    """See `Storage.hasten_run`."""
    row = _row(db, owner, run)
    hastened = rules.hastened(run_from(row), row.process, priority)
    if hastened is not None:
        put_run(db, owner, hastened, "")
        run_log.write_down(db, row.seq, lines)
    return hastened


def add_log(db: Connection, owner: str, run: str, lines: Sequence[LogLine]) -> None:
    """See `Storage.add_log`."""
    run_log.write_down(db, _row(db, owner, run).seq, lines)


def read_log(db: Connection, owner: str, run: str, limit: int) -> tuple[LogLine, ...]:
    """See `Storage.run_log`."""
    return run_log.newest(db, _row(db, owner, run).seq, limit)


def runs_of_others(db: Connection, process: str) -> tuple[OwnedRun, ...]:
    """See `Storage.runs_of_others`."""
    return _owned(db.execute(_of_others(), {"mine": process}))


def unclaimed_runs(db: Connection) -> tuple[OwnedRun, ...]:
    """See `Storage.unclaimed_runs`."""
    unclaimed = _unfinished(("PENDING", "RETRY")).where(runs.c.process == "")
    return _owned(db.execute(unclaimed))


def waiting_runs(db: Connection) -> tuple[Waiting, ...]:
    """See `Storage.waiting_runs`."""
    return tuple(Waiting(*row) for row in db.execute(_waiting()))


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
    row = db.execute(_one(), {"whose": owner, "wanted": run}).one_or_none()
    if row is None:
        raise rules.missing_run(run)
    return row


# Made once: see `whose`.


@cache
def _one() -> AnySelect:
    return select(runs).where(runs.c.owner == whose(), runs.c.id == bindparam("wanted"))


@cache
def _put() -> Insert:
    names = ["process", *(field.name for field in fields(Run))]
    statement = insert_or(runs).values(owner=whose())
    return statement.on_conflict_do_update(
        index_elements=["owner", "id"], set_={name: statement.excluded[name] for name in names}
    )


@cache
def _new() -> ReturningInsert[int]:
    statement = insert_or(runs).values(owner=whose()).on_conflict_do_nothing()
    return statement.returning(runs.c.seq)


@cache
def _of_others() -> AnySelect:
    others = runs.c.process.not_in(("", bindparam("mine")))
    return _unfinished(_UNFINISHED).where(others)


@cache
def _waiting() -> AnySelect:
    before = runs.alias()
    has_to_wait = exists().where(
        before.c.owner == runs.c.owner,
        before.c.id == runs.c.follows,
        before.c.state.in_(_UNFINISHED),
    )
    return (
        select(owners.c.name, runs.c.id, runs.c.kind, runs.c.name, runs.c.lane)
        .join(owners, owners.c.seq == runs.c.owner)
        .where(runs.c.state.in_(("PENDING", "RETRY")), runs.c.process == "", ~has_to_wait)
        .order_by(runs.c.queued, runs.c.seq)
    )


def _unfinished(states: Sequence[RunState]) -> AnySelect:
    return (
        select(runs, owners.c.name.label("owner_name"))
        .join(owners, owners.c.seq == runs.c.owner)
        .where(runs.c.state.in_(states))
        .order_by(runs.c.queued, runs.c.seq)
    )


def _owned(rows: Iterable[AnyRow]) -> tuple[OwnedRun, ...]:
    return tuple(OwnedRun(row.owner_name, run_from(row), row.process) for row in rows)
