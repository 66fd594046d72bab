"""Quick or queued: the rule as a table."""

import pytest

from worker.contract.types import QueryType
from worker.service.routing import LONG, TASKS, priority, route

SHORT = "What is the capital of France?"


@pytest.mark.parametrize(
    ("text", "query_type", "wanted"),
    [
        # Short, simple, interactive.
        ("", "general", "now"),
        (SHORT, "general", "now"),
        ("x" * (LONG - 1), "general", "now"),
        # Status and availability, however long.
        ("Is the engine running?", "system", "now"),
        ("status " * 200, "system", "now"),
        # Long.
        ("x" * LONG, "general", "queued"),
        ("ü" * LONG, "general", "queued"),
        ("x" * 50_000, "general", "queued"),
        # Of a heavy kind, however short.
        ("Hb 9.1", "medical", "queued"),
        ("def f(): ...", "code", "queued"),
        # Database queries are as heavy as what they do.
        ("SELECT name FROM people WHERE id = 7", "database", "now"),
        ("SELECT count(*) FROM joiners", "database", "now"),
        ("SELECT * FROM a JOIN b ON a.id = b.a", "database", "queued"),
        ("select * from a left  join b using (id)", "database", "queued"),
        ("SELECT sum(x) FROM a GROUP BY y", "database", "queued"),
        ("select sum(x) from a\ngroup\n by y", "database", "queued"),
        ("SELECT 1 UNION ALL SELECT 2", "database", "queued"),
        ("SELECT y FROM a HAVING sum(x) > 3", "database", "queued"),
        ("SELECT * FROM a WHERE id IN (SELECT a FROM b)", "database", "queued"),
        ("SELECT rank() OVER (PARTITION BY y) FROM a", "database", "queued"),
        ("WITH RECURSIVE t AS (SELECT 1) SELECT * FROM t", "database", "queued"),
        ("x" * LONG, "database", "queued"),
        # The same words in a question of another kind are only words.
        ("How do I join a group by the sea?", "general", "now"),
    ],
)
def test_the_lane_follows_from_text_and_kind(text: str, query_type: QueryType, wanted: str) -> None:
    found = route(text, query_type)
    assert found.lane == wanted
    assert bool(found.reason) == (wanted == "queued")


@pytest.mark.parametrize(
    ("seconds", "calls", "interactive", "wanted"),
    [
        (0.0, 0, True, "now"),
        (30.0, 0, True, "now"),
        (30.1, 0, True, "queued"),
        (3600.0, 0, True, "queued"),
        (0.0, 1, True, "now"),
        (0.0, 2, True, "queued"),
        (0.0, 9, True, "queued"),
        (0.0, 0, False, "queued"),
    ],
)
def test_the_lane_follows_from_time_tools_and_who_waits(
    seconds: float, calls: int, interactive: bool, wanted: str
) -> None:
    found = route(SHORT, seconds=seconds, tool_calls=calls, interactive=interactive)
    assert found.lane == wanted and bool(found.reason) == (wanted == "queued")


@pytest.mark.parametrize("text", [SHORT, "x" * 5000])
@pytest.mark.parametrize("query_type", TASKS)
@pytest.mark.parametrize("seconds", [0.0, 100.0])
def test_the_wish_of_who_asks_comes_before_all_else(
    text: str, query_type: QueryType, seconds: float
) -> None:
    assert route(text, query_type, True, seconds=seconds).lane == "queued"
    assert route(text, query_type, False, seconds=seconds, tool_calls=5).lane == "now"


def test_what_a_person_waits_for_comes_first() -> None:
    assert priority(interactive=True) == 8 > priority(interactive=False)


def test_each_kind_is_carried_by_its_published_task() -> None:
    assert dict(TASKS) == {
        "general": "process_ai_query_task",
        "system": "process_ai_query_task",
        "medical": "process_medical_analysis_task",
        "database": "process_database_query_task",
        "code": "process_code_analysis_task",
    }
