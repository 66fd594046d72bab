"""What calls to models used.

Each function runs inside one transaction, which its caller owns.
"""

from datetime import datetime
from decimal import Decimal
from functools import cache

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.contract.types import UsageRecord, UsageSummary
from worker.storage import rules
from worker.storage.sqlite.chats import know_owner
from worker.storage.sqlite.rows import owner_seq, whose
from worker.storage.sqlite.schema import usage


def add_usage(db: Connection, owner: str, record: UsageRecord) -> None:
    """See `Storage.add_usage`. The same record twice counts once."""
    know_owner(db, owner)
    counted = rules.counted(record.usage)
    values = {
        "whose": owner,
        "id": record.id,
        "run": record.run,
        "at": record.at,
        "purpose": record.purpose,
        "provider": record.provider,
        "model": record.model,
        "input": counted.input,
        "output": counted.output,
        "cached": counted.cached,
        "estimated": counted.estimated,
        "seconds": record.seconds,
        "cost": record.cost,
    }
    db.execute(_new(), values)


@cache
def _new() -> Insert:  # made once: see `rows.whose`
    return insert_or(usage).values(owner=whose()).on_conflict_do_nothing()


def usage_summary(db: Connection, owner: str, since: datetime, until: datetime) -> UsageSummary:
    """See `Storage.usage_summary`. Money is added up here: SQLite would do it in floats."""
    within = (usage.c.owner == owner_seq(owner), usage.c.at >= since, usage.c.at < until)
    requests, tokens_in, tokens_out, cached, priced = db.execute(
        select(
            func.count(),
            func.coalesce(func.sum(usage.c.input), 0),
            func.coalesce(func.sum(usage.c.output), 0),
            func.coalesce(func.sum(usage.c.cached), 0),
            func.count(usage.c.cost),
        ).where(*within)
    ).one()
    prices = db.execute(
        select(usage.c.cost, func.count())
        .where(*within, usage.c.cost.is_not(None))
        .group_by(usage.c.cost)
    )
    cost = sum((price * times for price, times in prices), Decimal(0))
    return UsageSummary(
        since=since,
        until=until,
        requests=requests,
        input=tokens_in,
        output=tokens_out,
        cached=cached,
        cost=cost if priced else None,
        unpriced=requests - priced,
    )
