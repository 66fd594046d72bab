"""What runs wrote down: adding lines, reading the newest.

Each function runs inside one transaction, which its caller owns. Lines go with their run.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from worker.contract.jobs import LogLine
from worker.storage import rules
from worker.storage.sqlite.schema import run_log


def write_down(db: Connection, run: int, lines: Sequence[LogLine]) -> None:
    """Add lines to the log of the run whose row id is `run`; of a long one the oldest go."""
    if not lines:
        return
    mine = run_log.c.run == run
    last: int = db.scalar(select(func.coalesce(func.max(run_log.c.number), 0)).where(mine)) or 0
    kept = rules.kept_lines(lines)
    db.execute(
        insert(run_log),
        [
            {"run": run, "number": number, "at": line.at, "level": line.level, "text": line.text}
            for number, line in enumerate(kept, start=last + 1)
        ],
    )
    newest = last + len(kept)
    if newest > rules.LINES:
        db.execute(delete(run_log).where(mine, run_log.c.number <= newest - rules.LINES))


def newest(db: Connection, run: int, limit: int) -> tuple[LogLine, ...]:
    """The last `limit` lines of a run, oldest first."""
    rows = db.execute(
        select(run_log.c.at, run_log.c.level, run_log.c.text)
        .where(run_log.c.run == run)
        .order_by(run_log.c.number.desc())
        .limit(rules.within(limit))
    ).all()
    return tuple(LogLine(row.at, row.level, row.text) for row in reversed(rows))
