"""Routines and their occurrences, on every storage: each time once, begun whole, ended, counted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.storages import BACKENDS, ME, NOW, Blocking, a_chat, backend, begin, later
from worker.contract.errors import Conflict, NotFound
from worker.contract.jobs import LogLine
from worker.contract.routines import Occurrence, Routine
from worker.contract.types import Message, Problem, Run, Usage, UsageRecord
from worker.storage.routines import OVERLAP, Start


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as made:
        yield made


def a_routine(name: str = "morning", **values: Any) -> Routine:
    given: dict[str, Any] = {
        "id": name, "title": "The news", "kind": "prompt", "start": "2026-11-21T08:30:00",
        "zone": "Europe/Berlin", "created": NOW, "updated": NOW, "cron": "30 8 * * *",
        "prompt": "What is new?", "due": NOW, **values,
    }  # fmt: skip
    return Routine(**given)


def a_time(name: str = "o1", **values: Any) -> Occurrence:
    given = {"id": name, "routine": "morning", "due": NOW, "state": "waiting", **values}
    return Occurrence(**given)


def a_start(name: str = "r1", chat: str = "new") -> Start:
    """A prompt in a new chat."""
    run = Run(name, "answer", "process_ai_query_task", "PENDING", "schedule", NOW, chat=chat,
              message=f"a{name}")  # fmt: skip
    question = Message(f"q{name}", chat, None, "user", "complete", "What is new?", NOW)
    answer = Message(f"a{name}", chat, f"q{name}", "assistant", "streaming", "", NOW, run=name)
    return Start(run, (LogLine(NOW, "INFO", "Queued."),), a_chat(chat), question, answer)


def a_task(name: str) -> Start:
    return Start(Run(name, "task", "echo_bot.echo", "PENDING", "schedule", NOW))


RUNNING: dict[str, Any] = {"state": "running", "started": NOW}


def test_a_routine_is_kept_with_all_that_it_says(storage: Blocking) -> None:
    whole = a_routine(
        tools=("calculate",), provider="openai", model="fast", chat="c", notify=False,
        missed="ask", overlap="queue", source="cli", failures=2, rrule="FREQ=DAILY",
    )  # fmt: skip
    storage.add_routine(ME, whole)
    assert storage.get_routine(ME, "morning") == whole
    task = a_routine("task", kind="task", task="echo_bot.echo", arguments={"text": ["a"]}, tools=())
    assert storage.add_routine(ME, task) == task
    assert storage.get_routine(ME, "task") == task
    with pytest.raises(Conflict):
        storage.add_routine(ME, whole)
    with pytest.raises(NotFound):
        storage.get_routine("somebody", "morning")


def test_routines_are_listed_by_when_they_are_due_without_deleted_ones(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine("b", due=None, title="B"))
    storage.add_routine(ME, a_routine("a", due=None, title="A"))
    storage.add_routine(ME, a_routine("late", due=later(9)))
    storage.add_routine(ME, a_routine("soon", due=later(5)))
    storage.add_routine(ME, a_routine("gone", deleted=NOW, due=None))
    assert [one.id for one in storage.list_routines(ME)] == ["soon", "late", "a", "b"]
    assert storage.list_routines("somebody") == ()


def test_what_is_due_is_found_of_everybody_the_longest_due_first(storage: Blocking) -> None:
    assert storage.next_routine_due() is None
    storage.add_routine(ME, a_routine("late", due=later(9)))
    storage.add_routine("somebody", a_routine("soon", due=later(5)))
    storage.add_routine(ME, a_routine("paused", due=None))
    assert storage.due_routines(later(4)) == ()
    found = [(owner, one.id) for owner, one in storage.due_routines(later(9))]
    assert found == [("somebody", "soon"), (ME, "late")]
    assert storage.next_routine_due() == later(5)
    assert storage.next_routine_due(later(4)) == later(5)
    assert storage.next_routine_due(later(5)) == later(9)
    assert storage.next_routine_due(later(9)) is None


def test_some_fields_are_changed_and_the_others_are_left(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine())
    changed = storage.update_routine(ME, "morning", {"paused": True, "due": None, "tools": ("x",)})
    assert changed == a_routine(paused=True, due=None, tools=("x",))
    with pytest.raises(NotFound):
        storage.update_routine(ME, "nothing", {"paused": True})


def test_a_time_comes_once_whoever_looks(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine())
    move = (NOW, later(60))
    assert storage.add_occurrence(ME, a_time("o1", earlier=2), move=move)
    assert not storage.add_occurrence(ME, a_time("o2"), move=move)
    assert storage.get_routine(ME, "morning").due == later(60)
    assert [one.id for one in storage.occurrences(ME, "morning", 10)] == ["o1"]
    assert storage.get_routine(ME, "morning").last == a_time("o1", earlier=2)


def test_a_time_that_comes_again_with_the_clock_only_moves_the_routine_on(
    storage: Blocking,
) -> None:
    storage.add_routine(ME, a_routine())
    storage.add_occurrence(ME, a_time("o1"), move=(NOW, later(60)))
    storage.update_routine(ME, "morning", {"due": NOW})
    assert not storage.add_occurrence(
        ME, a_time("o2", **RUNNING), move=(NOW, later(60)), start=a_start()
    )
    assert storage.get_routine(ME, "morning").due == later(60)
    with pytest.raises(NotFound):
        storage.get_run(ME, "r1")


def test_an_occurrence_begins_with_its_run_question_and_answer(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine())
    time = a_time(**RUNNING, run="r1", chat="new")
    assert storage.add_occurrence(ME, time, move=(NOW, later(60)), start=a_start())
    assert storage.get_run(ME, "r1").state == "PENDING"
    assert [line.text for line in storage.run_log(ME, "r1", 9)] == ["Queued."]
    assert [one.text for one in storage.branch(ME, "ar1")[0]] == ["What is new?", ""]
    assert storage.occurrence_of(ME, "r1") == time == storage.get_occurrence(ME, "o1")
    assert storage.occurrence_of(ME, "r2") is None
    (owned,) = storage.open_occurrences(("running",))
    assert (owned.owner, owned.occurrence, owned.catch_up) == (ME, time, False)


def test_nothing_is_there_where_the_chat_is_busy(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine())
    begin(storage, chat=a_chat("chat"))  # an answer is being written in it
    start = replace(a_start("r9", "chat"), chat=None)
    with pytest.raises(Conflict) as caught:
        storage.add_occurrence(ME, a_time(**RUNNING), move=(NOW, later(60)), start=start)
    assert caught.value.kind != OVERLAP
    assert storage.get_routine(ME, "morning").due == NOW
    assert storage.occurrences(ME, "morning", 10) == ()
    with pytest.raises(NotFound):
        storage.get_run(ME, "r9")


@pytest.mark.parametrize("state", ["running", "parked"])
def test_a_routine_does_not_begin_twice_at_a_time(storage: Blocking, state: str) -> None:
    storage.add_routine(ME, a_routine())
    storage.add_routine(ME, a_routine("other"))
    storage.add_occurrence(ME, a_time("o1", state=state), start=a_task("r1"))
    second = a_time("o2", due=later(60), **RUNNING)
    with pytest.raises(Conflict) as caught:
        storage.add_occurrence(ME, second, start=a_task("r2"))
    assert caught.value.kind == OVERLAP
    assert storage.add_occurrence(ME, replace(second, state="waiting"))
    with pytest.raises(Conflict):
        storage.start_occurrence(ME, second, a_task("r2"))
    assert storage.get_occurrence(ME, "o2").state == "waiting"
    other = a_time("o3", routine="other", **RUNNING)
    assert storage.add_occurrence(ME, other, start=a_task("r3"))
    storage.end_occurrence(ME, a_time("o1", state="done", ended=later(5)), False)
    assert storage.start_occurrence(ME, replace(second, run="r2"), a_task("r2"))
    assert storage.get_occurrence(ME, "o2") == replace(second, run="r2")
    assert not storage.start_occurrence(ME, second, a_task("r4"))


def test_an_end_is_kept_once_with_cost_result_and_the_time_it_took(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine())
    storage.add_occurrence(ME, a_time(**RUNNING, run="r1"), start=a_task("r1"))
    problem = Problem("server_error", "It broke")
    ended = a_time(state="failed", run="r1", ended=later(90), cost=Decimal("0.01"),
                   result="Half", error=problem)  # fmt: skip
    assert storage.end_occurrence(ME, ended, True).failures == 1
    assert storage.get_occurrence(ME, "o1") == replace(ended, started=NOW, seconds=90.0)
    assert storage.end_occurrence(ME, replace(ended, state="done"), False) is None
    assert storage.get_routine(ME, "morning").failures == 1


def test_the_third_failure_in_a_row_pauses_and_a_success_begins_the_count_anew(
    storage: Blocking,
) -> None:
    storage.add_routine(ME, a_routine(due=later(99)))

    def end(number: int, failed: bool | None) -> Routine:
        time = a_time(f"o{number}", due=later(number), **RUNNING)
        storage.add_occurrence(ME, time, start=a_task(f"r{number}"))
        found: Routine = storage.end_occurrence(
            ME, replace(time, state="failed", ended=later(number)), failed, "It failed thrice."
        )
        return found

    assert [end(1, True).failures, end(2, True).failures] == [1, 2]
    assert end(3, False).failures == 0
    assert [end(4, True).failures, end(5, None).failures, end(6, True).failures] == [1, 1, 2]
    last = end(7, True)
    assert (last.failures, last.paused, last.paused_why) == (3, True, "It failed thrice.")
    assert last.due is None and storage.next_routine_due() is None
    # What is changed is the newer for it: whoever was not there yet is told.
    assert last.updated == later(7)


def test_a_routine_that_pauses_itself_is_changed_when_that_is_found(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine(due=later(99), failures=2))
    for number, failed in ((1, None), (2, True)):
        time = a_time(f"o{number}", due=later(number), **RUNNING)
        storage.add_occurrence(ME, time, start=a_task(f"r{number}"))
        ended = replace(time, state="failed", ended=later(number))
        found = storage.end_occurrence(ME, ended, failed, "It failed thrice.", later(50))
        assert (found.paused, found.updated) == (
            (True, later(50)) if failed else (False, a_routine().updated)
        )


def test_missed_times_are_asked_about_and_decided_once(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine())
    storage.add_occurrence(ME, a_time("o1", state="asking"), move=(NOW, later(60)))
    assert storage.get_routine(ME, "morning").last is None
    storage.add_occurrence(ME, a_time("o2", due=later(60), state="asking", earlier=1),
                           move=(later(60), later(120)), instead=("o1",))  # fmt: skip
    assert [one.id for one in storage.asking_occurrences(ME)] == ["o2"]
    assert storage.get_occurrence(ME, "o1").state == "skipped"
    assert storage.decide_occurrence(ME, "o2", True, NOW).state == "waiting"
    assert storage.decide_occurrence(ME, "o2", False, NOW) is None
    (owned,) = storage.open_occurrences(("waiting",))
    assert (owned.occurrence.id, owned.catch_up) == ("o2", True)
    # One that waits gives way to another that stands for it too.
    storage.add_occurrence(ME, a_time("o5", due=later(65), state="waiting"), instead=("o2",))
    assert storage.get_occurrence(ME, "o2").state == "skipped"
    storage.add_occurrence(ME, a_time("o3", due=later(70), state="asking"))
    skipped = storage.decide_occurrence(ME, "o3", False, later(99))
    assert (skipped.state, skipped.ended) == ("skipped", later(99))
    storage.add_occurrence(ME, a_time("o4", due=later(80), state="asking"))
    storage.update_routine(ME, "morning", {"deleted": NOW})
    assert storage.asking_occurrences(ME) == ()
    with pytest.raises(NotFound):
        storage.decide_occurrence(ME, "nothing", True, NOW)


def test_the_cost_of_a_run_is_known_where_each_call_has_its_price(storage: Blocking) -> None:
    def used(name: str, run: str, cost: Decimal | None) -> None:
        record = UsageRecord(name, run, NOW, "answer", "p", "m", Usage(1, 1), 1.0, cost)
        storage.add_usage(ME, record)

    assert storage.run_cost(ME, "r") is None
    used("1", "r", Decimal("0.1"))
    used("2", "r", Decimal("0.02"))
    used("3", "other", None)
    assert storage.run_cost(ME, "r") == Decimal("0.12")
    assert storage.run_cost("somebody", "r") is None
    used("4", "r", None)
    assert storage.run_cost(ME, "r") is None


def test_old_occurrences_go_but_the_newest_and_deleted_routines_with_all_of_theirs(
    storage: Blocking,
) -> None:
    storage.add_routine(ME, a_routine())
    storage.add_routine(ME, a_routine("gone", deleted=later(-99), due=None))
    storage.add_occurrence(ME, a_time("o0", routine="gone", state="done", ended=NOW))
    for number, state in enumerate(("done", "waiting", "failed", "skipped"), start=1):
        due = later(number)
        storage.add_occurrence(ME, a_time(f"o{number}", due=due, state=state, ended=due))
    edge = NOW + timedelta(days=30)
    storage.expire(deleted_before=NOW, runs_before=edge, events_before=NOW, unused_before=NOW)
    assert [one.id for one in storage.occurrences(ME, "morning", 9)] == ["o4", "o2"]
    with pytest.raises(NotFound):
        storage.get_routine(ME, "gone")
    with pytest.raises(NotFound):
        storage.get_occurrence(ME, "o0")


def test_deleting_everything_deletes_routines_too(storage: Blocking) -> None:
    storage.add_routine(ME, a_routine())
    storage.add_occurrence(ME, a_time(state="done"))
    storage.add_routine("somebody", a_routine())
    storage.delete_all(ME)
    assert storage.list_routines(ME) == ()
    assert len(storage.list_routines("somebody")) == 1
