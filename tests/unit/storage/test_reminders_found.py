"""Reminders in the file: what is due is found by an index, and searched by the newest rules."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.reminders import a_row
from tests.support.storages import ME, sqlite_in


def test_reminders_are_searched_by_the_rules_of_the_program_that_opens_them(
    tmp_path: Path,
) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.add_reminders(ME, [a_row(f"r{n}", text=f"Käse {n}") for n in range(1200)])
    with closing(sqlite3.connect(tmp_path / "nagatha.db")) as db:
        db.execute("UPDATE reminders SET folded = 'by older rules'")
        db.execute("UPDATE facts SET value = '0' WHERE name = 'search'")
        db.commit()
    with sqlite_in(tmp_path) as storage:
        found = storage.list_reminders(ME, "upcoming", "kase 1199", 10, 0)
        assert [one.id for one in found] == ["r1199"]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            "SELECT due FROM reminders WHERE due IS NOT NULL AND deleted IS NULL ORDER BY due",
            "reminders_by_due",
        ),
        (
            "SELECT * FROM reminders WHERE owner = 1 AND due IS NOT NULL AND deleted IS NULL"
            " ORDER BY due",
            "reminders_by_owner_due",
        ),
        (
            "SELECT * FROM firings WHERE owner = 1 AND state IN ('due', 'held', 'missed')"
            " ORDER BY due",
            "firings_waiting",
        ),
    ],
)
def test_what_is_asked_often_has_an_index(tmp_path: Path, statement: str, index: str) -> None:
    with sqlite_in(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "nagatha.db")) as db:
        plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}"))
    assert index in plan and "TEMP B-TREE" not in plan
