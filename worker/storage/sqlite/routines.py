"""Routines and their occurrences.

Each function runs inside one transaction, which its caller owns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from functools import cache

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.contract.routines import Occurrence, OccurrenceState, Routine
from worker.storage import rules
from worker.storage.routines import OwnedOccurrence, RoutineChanges, Start
from worker.storage.sqlite import messages, runs
from worker.storage.sqlite.chats import know_owner
from worker.storage.sqlite.rows import (
    AnyRow,
    AnySelect,
    owner_seq,
    problem_from,
    problem_values,
    whose,
)
from worker.storage.sqlite.schema import occurrences, owners, routines, usage

AT_WORK: tuple[OccurrenceState, ...] = ("running", "parked")
OPEN: tuple[OccurrenceState, ...] = ("waiting", *AT_WORK)


def add_routine(db: Connection, owner: str, routine: Routine) -> Routine:
    """See `RoutineStorage.add_routine`."""
    know_owner(db, owner)
    values = {field.name: getattr(routine, field.name) for field in fields(Routine)}
    del values["last"]
    statement = insert_or(routines).values(owner=owner_seq(owner), **_columns(values))
    if not db.execute(statement.on_conflict_do_nothing()).rowcount:
        raise rules.already_there("schedule", routine.id)
    return get_routine(db, owner, routine.id)


def get_routine(db: Connection, owner: str, routine: str) -> Routine:
    """See `RoutineStorage.get_routine`."""
    return _routine(db, _routine_row(db, owner, routine))


def list_routines(db: Connection, owner: str) -> tuple[Routine, ...]:
    """See `RoutineStorage.list_routines`."""
    rows = db.execute(
        select(routines)
        .where(routines.c.owner == owner_seq(owner), routines.c.deleted.is_(None))
        .order_by(routines.c.due.is_(None), routines.c.due, routines.c.title, routines.c.seq)
    )
    return tuple(_routine(db, row) for row in rows.all())


def update_routine(db: Connection, owner: str, routine: str, changes: RoutineChanges) -> Routine:
    """See `RoutineStorage.update_routine`."""
    row = _routine_row(db, owner, routine)
    if changes:
        values = _columns({str(name): value for name, value in changes.items()})
        db.execute(update(routines).where(routines.c.seq == row.seq).values(values))
    return get_routine(db, owner, routine)


def due_routines(db: Connection, now: datetime) -> tuple[tuple[str, Routine], ...]:
    """See `RoutineStorage.due_routines`."""
    rows = db.execute(_due(), {"now": now})
    return tuple((row.owner_name, _routine(db, row)) for row in rows.all())


def next_routine_due(db: Connection, after: datetime | None) -> datetime | None:
    """See `RoutineStorage.next_routine_due`."""
    found: datetime | None = db.scalar(_next_due(after is None), {"after": after})
    return found


# Made once: see `rows.whose`.


@cache
def _due() -> AnySelect:
    return (
        select(routines, owners.c.name.label("owner_name"))
        .join(owners, owners.c.seq == routines.c.owner)
        .where(routines.c.due.is_not(None), routines.c.due <= bindparam("now"))
        .order_by(routines.c.due, routines.c.seq)
    )


@cache
def _next_due(of_all: bool) -> AnySelect:
    some = routines.c.due.is_not(None) if of_all else routines.c.due > bindparam("after")
    return select(routines.c.due).where(some).order_by(routines.c.due).limit(1)


@cache
def _of_run() -> AnySelect:
    return _select().where(occurrences.c.owner == whose(), occurrences.c.run == bindparam("wanted"))


@cache
def _open() -> AnySelect:
    return (
        _select()
        .add_columns(owners.c.name.label("owner_name"))
        .join(owners, owners.c.seq == occurrences.c.owner)
        .where(occurrences.c.state.in_(bindparam("states", expanding=True)))
        .order_by(occurrences.c.due, occurrences.c.seq)
    )


# occurrences -----------------------------------------------------------------------------


def add_occurrence(
    db: Connection,
    owner: str,
    occurrence: Occurrence,
    move: tuple[datetime, datetime | None] | None,
    start: Start | None,
    catch_up: bool,
    instead: Sequence[str],
) -> bool:
    """See `RoutineStorage.add_occurrence`."""
    routine = _routine_row(db, owner, occurrence.routine)
    if move is not None:
        was, due = move
        if routine.due != was:
            return False
        db.execute(update(routines).where(routines.c.seq == routine.seq).values(due=due))
    made = db.execute(
        insert_or(occurrences)
        .values(
            owner=routine.owner,
            routine=routine.seq,
            catch_up=catch_up,
            parked_for=0.0,
            **_occurrence_values(occurrence),
        )
        .on_conflict_do_nothing()
        .returning(occurrences.c.seq)
    ).one_or_none()
    if made is None:
        # Its time has been: only the routine's own moves on.
        return False
    if instead:
        asked = and_(
            occurrences.c.owner == routine.owner,
            occurrences.c.id.in_(instead),
            occurrences.c.state.in_(("asking", "waiting")),
        )
        db.execute(update(occurrences).where(asked).values(state="skipped"))
    if start is not None:
        _begin(db, owner, routine.seq, made.seq, start)
    return True


def start_occurrence(db: Connection, owner: str, occurrence: Occurrence, start: Start) -> bool:
    """See `RoutineStorage.start_occurrence`."""
    row = _occurrence_row(db, owner, occurrence.id)
    if row.state != "waiting":
        return False
    values = _occurrence_values(occurrence)
    db.execute(update(occurrences).where(occurrences.c.seq == row.seq).values(values))
    _begin(db, owner, row.routine, row.seq, start)
    return True


def _begin(db: Connection, owner: str, routine: int, occurrence: int, start: Start) -> None:
    others = exists().where(
        occurrences.c.routine == routine,
        occurrences.c.seq != occurrence,
        occurrences.c.state.in_(AT_WORK),
    )
    if db.scalar(select(others)):
        raise rules.overlapping()
    if start.answer is None:
        runs.add_runs(db, owner, (start.run,), start.lines, "")
        return
    messages.begin_answer(db, owner, start.question, start.answer, start.run, "", start.chat)
    runs.add_log(db, owner, start.run.id, start.lines)


def end_occurrence(
    db: Connection,
    owner: str,
    occurrence: Occurrence,
    failed: bool | None,
    pause_why: str,
    at: datetime | None,
) -> Routine | None:
    """See `RoutineStorage.end_occurrence`."""
    row = _occurrence_row(db, owner, occurrence.id)
    if row.state not in OPEN:
        return None
    seconds = rules.worked_seconds(row.started, occurrence.ended, row.parked, row.parked_for)
    values = _occurrence_values(replace(occurrence, started=row.started, seconds=seconds))
    db.execute(
        update(occurrences).where(occurrences.c.seq == row.seq).values(**values, parked=None)
    )
    before = _routine(db, db.execute(select(routines).where(routines.c.seq == row.routine)).one())
    after = rules.failed_once_more(before, failed, pause_why, at or occurrence.ended)
    names = ("failures", "paused", "paused_why", "due", "updated")
    changed = {name: getattr(after, name) for name in names}
    db.execute(update(routines).where(routines.c.seq == row.routine).values(changed))
    return get_routine(db, owner, before.id)


def decide_occurrence(
    db: Connection, owner: str, occurrence: str, run: bool, at: datetime
) -> Occurrence | None:
    """See `RoutineStorage.decide_occurrence`."""
    row = _occurrence_row(db, owner, occurrence)
    if row.state != "asking":
        return None
    values: dict[str, object] = {"state": "waiting", "catch_up": True}
    if not run:
        values = {"state": "skipped", "ended": at}
    db.execute(update(occurrences).where(occurrences.c.seq == row.seq).values(values))
    return get_occurrence(db, owner, occurrence)


def get_occurrence(db: Connection, owner: str, occurrence: str) -> Occurrence:
    """See `RoutineStorage.get_occurrence`."""
    return _occurrence(_occurrence_row(db, owner, occurrence))


def occurrence_of(db: Connection, owner: str, run: str) -> Occurrence | None:
    """See `RoutineStorage.occurrence_of`."""
    row = db.execute(_of_run(), {"whose": owner, "wanted": run}).one_or_none()
    return None if row is None else _occurrence(row)


def of_routine(db: Connection, owner: str, routine: str, limit: int) -> tuple[Occurrence, ...]:
    """See `RoutineStorage.occurrences`."""
    seq = _routine_row(db, owner, routine).seq
    rows = db.execute(
        _select()
        .where(occurrences.c.routine == seq)
        .order_by(occurrences.c.due.desc())
        .limit(rules.within(limit))
    )
    return tuple(map(_occurrence, rows))


def asking(db: Connection, owner: str) -> tuple[Occurrence, ...]:
    """See `RoutineStorage.asking_occurrences`."""
    rows = db.execute(
        _select()
        .where(
            occurrences.c.owner == owner_seq(owner),
            occurrences.c.state == "asking",
            routines.c.deleted.is_(None),
        )
        .order_by(occurrences.c.due, occurrences.c.seq)
    )
    return tuple(map(_occurrence, rows))


def open_occurrences(
    db: Connection, states: Sequence[OccurrenceState]
) -> tuple[OwnedOccurrence, ...]:
    """See `RoutineStorage.open_occurrences`."""
    rows = db.execute(_open(), {"states": states})
    return tuple(OwnedOccurrence(row.owner_name, _occurrence(row), row.catch_up) for row in rows)


def park(db: Connection, owner: str, run: str, at: datetime) -> None:
    """The occurrence of a run, where it has one, waits for an approval from now on."""
    mine = and_(occurrences.c.owner == owner_seq(owner), occurrences.c.run == run)
    db.execute(
        update(occurrences)
        .where(mine, occurrences.c.state == "running")
        .values(state="parked", parked=at)
    )


def unpark(db: Connection, owner: str, run: str, at: datetime) -> None:
    """The occurrence of a run, where it has one, goes on."""
    mine = and_(
        occurrences.c.owner == owner_seq(owner),
        occurrences.c.run == run,
        occurrences.c.state == "parked",
    )
    row = db.execute(select(occurrences).where(mine)).one_or_none()
    if row is not None:
        since = 0.0 if row.parked is None else max(0.0, (at - row.parked).total_seconds())
        db.execute(
            update(occurrences)
            .where(occurrences.c.seq == row.seq)
            .values(state="running", parked=None, parked_for=row.parked_for + since)
        )


def run_cost(db: Connection, owner: str, run: str) -> Decimal | None:
    """See `RoutineStorage.run_cost`. Money is added up here: SQLite would do it in floats."""
    costs = db.execute(
        select(usage.c.cost).where(usage.c.owner == owner_seq(owner), usage.c.run == run)
    ).scalars().all()  # fmt: skip
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if costs and len(known) == len(costs) else None


def expire(db: Connection, deleted_before: datetime, ended_before: datetime) -> None:
    """Remove routines deleted and occurrences ended before those times; of each routine the
    newest occurrence stays."""
    db.execute(delete(routines).where(routines.c.deleted < deleted_before))
    newer = occurrences.alias("newer")
    last = select(func.max(newer.c.due)).where(newer.c.routine == occurrences.c.routine)
    db.execute(
        delete(occurrences).where(
            occurrences.c.state.not_in(("asking", *OPEN)),
            func.coalesce(occurrences.c.ended, occurrences.c.due) < ended_before,
            occurrences.c.due < last.scalar_subquery(),
        )
    )


# rows ------------------------------------------------------------------------------------


def _columns(values: Mapping[str, object]) -> dict[str, object]:
    found = dict(values)
    for name in ("tools", "arguments"):
        value = found.get(name)
        if isinstance(value, tuple):
            found[name] = list(value)
        elif isinstance(value, Mapping):
            found[name] = dict(value)
    return found


def _routine_row(db: Connection, owner: str, routine: str) -> AnyRow:
    row = db.execute(
        select(routines).where(routines.c.owner == owner_seq(owner), routines.c.id == routine)
    ).one_or_none()
    if row is None:
        raise rules.missing_routine(routine)
    return row


def _routine(db: Connection, row: AnyRow) -> Routine:
    last = db.execute(
        _select()
        .where(occurrences.c.routine == row.seq, occurrences.c.state != "asking")
        .order_by(occurrences.c.due.desc())
        .limit(1)
    ).one_or_none()
    values = {
        field.name: getattr(row, field.name)
        for field in fields(Routine)
        if field.name not in ("tools", "last")
    }
    tools = None if row.tools is None else tuple(row.tools)
    return Routine(**values, tools=tools, last=None if last is None else _occurrence(last))


def _select() -> AnySelect:
    return select(occurrences, routines.c.id.label("routine_id")).join(
        routines, routines.c.seq == occurrences.c.routine
    )


def _occurrence_row(db: Connection, owner: str, occurrence: str) -> AnyRow:
    row = db.execute(
        _select().where(occurrences.c.owner == owner_seq(owner), occurrences.c.id == occurrence)
    ).one_or_none()
    if row is None:
        raise rules.missing_occurrence(occurrence)
    return row


def _occurrence_values(occurrence: Occurrence) -> dict[str, object]:
    values = {field.name: getattr(occurrence, field.name) for field in fields(Occurrence)}
    del values["routine"]
    return {**values, "error": problem_values(occurrence.error)}


def _occurrence(row: AnyRow) -> Occurrence:
    values = {
        field.name: getattr(row, field.name)
        for field in fields(Occurrence)
        if field.name not in ("routine", "error")
    }
    return Occurrence(**values, routine=row.routine_id, error=problem_from(row.error))
