"""Lists of runs: by time and words, by batch, what follows what, what a schedule did, how long.

Each function runs inside one transaction, which its caller owns.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    String,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    text,
    tuple_,
)

from worker.contract.types import Run, RunKind, RunState
from worker.storage import folding, rules
from worker.storage.base import RunCounts
from worker.storage.sqlite.rows import AnyRow, AnySelect, owner_seq, run_from, whose
from worker.storage.sqlite.schema import chats, messages, owners, runs

_STRETCHES = (250, 4000)
"""Rows that are looked through at once for words: at first, and at most."""
_BATCH = 500
_PLAIN = re.compile(r"[!#-\[\]-~]+")
"""A word that stands in JSON as it is, and that only ASCII text or folded other text holds."""
_TEXT = (
    func.coalesce(runs.c.name, "")
    + "\n" + func.coalesce(cast(runs.c.arguments, String), "")
    + "\n" + func.coalesce(cast(runs.c.error, String), "")
    + "\n" + func.coalesce(chats.c.title, "")
)  # fmt: skip
_FOLDS = _TEXT.op("GLOB")("*[^\x01-\x7f]*")
"""Whether it has to be folded to be compared: SQLite knows no case but that of ASCII."""


def list_runs(
    db: Connection,
    owner: str,
    states: Sequence[RunState],
    limit: int,
    before: datetime | None,
    query: str,
    kinds: Sequence[RunKind],
    before_run: str,
) -> tuple[Run, ...]:
    """See `Storage.list_runs`."""
    words, limit = rules.words_of(query), rules.within(limit)

    def among(statement: AnySelect) -> AnySelect:
        statement = statement.where(runs.c.owner == owner_seq(owner))
        if states:
            statement = statement.where(runs.c.state.in_(states))
        if kinds:
            statement = statement.where(runs.c.kind.in_(kinds))
        if before is not None:
            statement = statement.where(_earlier(owner, before, before_run))
        return statement.order_by(runs.c.queued.desc(), runs.c.seq.desc())

    if not words:
        return tuple(map(run_from, db.execute(among(select(runs)).limit(limit))))
    # One text is read of each that is looked through, and all only of what may be found.
    plain = [word for word in words if _PLAIN.fullmatch(word)]
    narrow = among(
        select(runs.c.seq, runs.c.queued, cast(_TEXT, LargeBinary).label("text"))
        .outerjoin(chats, and_(chats.c.owner == runs.c.owner, chats.c.id == runs.c.chat))
        .where(*(or_(_TEXT.icontains(word, autoescape=True), _FOLDS) for word in plain))
    )
    found: list[Run] = []
    for rows in _stretches(db, narrow) if limit else ():
        likely = []
        for row in rows:
            folded = folding.fold(row.text.decode("utf-8", "surrogatepass"))
            if all(word in folded for word in plain):
                likely.append(row.seq)
        found += _holding(db, likely, words)
        if len(found) >= limit:
            break
    return tuple(found[:limit])


def _earlier(owner: str, before: datetime, run: str) -> ColumnElement[bool]:
    """What comes after a run that was queued at `before`, in the order of the list."""
    if not run:
        return runs.c.queued < before
    place = (
        select(runs.c.seq)
        .where(runs.c.owner == owner_seq(owner), runs.c.id == run)
        .correlate(None)
        .scalar_subquery()
    )
    # One that is gone leaves all of its moment: rather twice than not at all.
    after = or_(runs.c.queued < before, runs.c.seq < func.coalesce(place, runs.c.seq + 1))
    return and_(runs.c.queued <= before, after)


def _stretches(db: Connection, statement: AnySelect) -> Iterator[Sequence[AnyRow]]:
    """All rows, some at a time, so that a search that finds early ends early."""
    place: tuple[datetime, int] | None = None
    many, most = _STRETCHES
    while True:
        here = statement
        if place is not None:
            here = here.where(tuple_(runs.c.queued, runs.c.seq) < place)
        rows = db.execute(here.limit(many)).all()
        yield rows
        if len(rows) < many:
            return
        place, many = (rows[-1].queued, rows[-1].seq), min(many * 4, most)


def _holding(db: Connection, numbers: Sequence[int], words: Sequence[str]) -> list[Run]:
    """Of the runs of these row ids those that hold all of `words`, in the same order."""
    known: dict[int, Run] = {}
    statement = select(runs, chats.c.title.label("chat_title")).outerjoin(
        chats, and_(chats.c.owner == runs.c.owner, chats.c.id == runs.c.chat)
    )
    for at in range(0, len(numbers), _BATCH):
        some = statement.where(runs.c.seq.in_(numbers[at : at + _BATCH]))
        for row in db.execute(some):
            run = run_from(row)
            if rules.holds_words(words, run.name, run.arguments, run.error, row.chat_title or ""):
                known[row.seq] = run
    return [known[number] for number in numbers if number in known]


def count_runs(db: Connection, owner: str, failed_since: datetime) -> RunCounts:
    """See `Storage.count_runs`."""
    mine = runs.c.owner == owner_seq(owner)
    states = select(runs.c.state, func.count()).where(mine).group_by(runs.c.state)
    failed = select(func.count()).where(
        mine,
        runs.c.state == "FAILURE",
        func.coalesce(runs.c.ended, runs.c.queued) >= failed_since,
    )
    # A row is no pair to the type checker, so `dict` would not do.
    counts: dict[RunState, int] = {state: number for state, number in db.execute(states)}  # noqa: C416
    return RunCounts(counts, db.scalar(failed) or 0)


def runs_of_batch(db: Connection, owner: str, batch: str) -> tuple[Run, ...]:
    """See `Storage.runs_of_batch`."""
    return _oldest_first(db, select(runs).where(_mine(owner), runs.c.batch == batch))


def followers(db: Connection, owner: str, run: str) -> tuple[Run, ...]:
    """See `Storage.followers`."""
    return _oldest_first(db, select(runs).where(_mine(owner), runs.c.follows == run))


def last_run_of(db: Connection, owner: str, schedule: str) -> Run | None:
    """See `Storage.last_run_of`."""
    row = db.execute(_last(), {"whose": owner, "of": schedule}).one_or_none()
    return None if row is None else run_from(row)


@cache
def _last() -> AnySelect:  # made once: see `rows.whose`
    # As it stands in the index, or SQLite would not see that it may use it.
    mine = (runs.c.owner == whose(), runs.c.schedule == bindparam("of"), text("schedule <> ''"))
    return select(runs).where(*mine).order_by(runs.c.queued.desc(), runs.c.seq.desc()).limit(1)


def last_begun(db: Connection, name: str) -> datetime | None:
    """See `Storage.last_begun`."""
    # The index is by owner, then name.
    mine = runs.c.owner.in_(select(owners.c.seq))
    last: datetime | None = db.scalar(
        select(func.max(runs.c.started)).where(mine, runs.c.name == name)
    )
    return last


def run_seconds(db: Connection, owner: str, name: str, limit: int) -> tuple[float, ...]:
    """See `Storage.run_seconds`."""
    rows = db.execute(
        select(runs.c.started, runs.c.ended)
        .outerjoin(
            messages, and_(messages.c.owner == runs.c.owner, messages.c.id == runs.c.message)
        )
        .where(_mine(owner), runs.c.name == name, runs.c.state == "SUCCESS")
        .where(runs.c.started.is_not(None), runs.c.ended.is_not(None))
        # A kept answer takes no time, whatever a model would take.
        .where(messages.c.cached.is_(None))
        .order_by(runs.c.ended.desc(), runs.c.seq.desc())
        .limit(rules.within(limit))
    )
    return tuple((row.ended - row.started).total_seconds() for row in rows)


def _mine(owner: str) -> ColumnElement[bool]:
    return runs.c.owner == owner_seq(owner)


def _oldest_first(db: Connection, statement: AnySelect) -> tuple[Run, ...]:
    return tuple(map(run_from, db.execute(statement.order_by(runs.c.queued, runs.c.seq))))
