"""What every storage promises about runs: who may take one, who takes over from the dead."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.storages import (
    BACKENDS,
    ME,
    NOW,
    Blocking,
    a_chat,
    a_question,
    a_run,
    an_answer,
    backend,
    later,
)
from worker.contract.errors import Conflict
from worker.contract.types import Problem, RunState

ENDED: tuple[RunState, ...] = ("SUCCESS", "FAILURE", "REVOKED")


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as found:
        yield found


def test_a_run_is_given_back_as_it_was_stored(storage: Blocking) -> None:
    run = a_run(
        kind="task",
        name="echo_bot.echo",
        state="RETRY",
        started=later(1),
        ended=later(2),
        chat="c",
        message="m",
        arguments={"text": "a\ud800\0", "list": [1, 2.5, None, {"x": True}]},
        attempts=2,
        progress=0.5,
        progress_text="half",
        result=["anything", {"json": 1}],
        error=Problem("kind", "title", "message", "remedy", "retry", later(60)),
    )
    storage.add_run(ME, run)
    assert storage.get_run(ME, "r1") == run


def test_a_second_run_with_the_same_id_is_a_conflict(storage: Blocking) -> None:
    storage.add_run(ME, a_run())
    with pytest.raises(Conflict):
        storage.add_run(ME, a_run())


def test_runs_are_counted_by_state_and_failures_since_a_moment(storage: Blocking) -> None:
    assert (storage.count_runs(ME, NOW).states, storage.count_runs(ME, NOW).failed) == ({}, 0)
    states: list[RunState] = ["STARTED", "PENDING", "PENDING", "RETRY", "SUCCESS", "FAILURE"]
    for number, state in enumerate(states):
        storage.add_run(ME, a_run(f"r{number}", state=state, queued=NOW, ended=later(10)))
    storage.add_run(ME, a_run("old", state="FAILURE", queued=NOW, ended=later(9)))
    storage.add_run(ME, a_run("no end", state="FAILURE", queued=later(11)))
    storage.add_run("you", a_run("theirs", state="FAILURE", queued=later(11)))
    counts = storage.count_runs(ME, later(10))
    expected = {"STARTED": 1, "PENDING": 2, "RETRY": 1, "SUCCESS": 1, "FAILURE": 3}
    assert dict(counts.states) == expected
    assert counts.failed == 2


def test_runs_are_listed_newest_first_by_state_and_time(storage: Blocking) -> None:
    for number, state in enumerate(("SUCCESS", "FAILURE", "SUCCESS", "PENDING")):
        storage.add_run(ME, a_run(f"r{number}", state=state, queued=later(number)))

    def names(**how: object) -> list[str]:
        return [run.id for run in storage.list_runs(ME, **{"limit": 9, **how})]

    assert names() == ["r3", "r2", "r1", "r0"]
    assert names(limit=2) == ["r3", "r2"]
    assert names(states=("SUCCESS",)) == ["r2", "r0"]
    assert names(states=("SUCCESS", "PENDING"), before=later(3)) == ["r2", "r0"]


@pytest.mark.parametrize("state", ["PENDING", "RETRY", "INTERRUPTED"])
def test_a_run_that_waits_is_claimed_once(storage: Blocking, state: RunState) -> None:
    old = a_run(state=state, attempts=1, ended=NOW, error=Problem("k", "t"), progress=0.5)
    storage.add_run(ME, old)
    taken = storage.claim_run(ME, "r1", "p1", later(1))
    assert taken == replace(
        old, state="STARTED", started=later(1), ended=None, attempts=2, error=None, progress=None
    )
    assert storage.get_run(ME, "r1") == taken
    assert storage.claim_run(ME, "r1", "p2", later(2)) is None
    assert storage.claim_run(ME, "r1", "p1", later(2)) is None


@pytest.mark.parametrize("state", ENDED)
def test_a_run_that_has_ended_is_not_claimed(storage: Blocking, state: RunState) -> None:
    storage.add_run(ME, a_run(state=state))
    assert storage.claim_run(ME, "r1", "p1", NOW) is None
    assert storage.get_run(ME, "r1").state == state


def test_a_waiting_answer_is_its_process_s_to_claim(storage: Blocking) -> None:
    storage.begin_answer(
        ME,
        question=a_question(),
        answer=an_answer(),
        run=a_run(state="PENDING"),
        process="p1",
        chat=a_chat(),
    )
    assert storage.unclaimed_runs() == ()
    assert storage.claim_run(ME, "r1", "p2", NOW) is None
    assert storage.claim_run(ME, "r1", "p1", NOW).state == "STARTED"


def test_saving_a_run_stores_how_it_is(storage: Blocking) -> None:
    storage.add_run(ME, a_run(state="PENDING"))
    taken = storage.claim_run(ME, "r1", "p1", NOW)
    going = replace(taken, state="PROGRESS", progress=0.3, progress_text="x")
    assert storage.save_run(ME, going) == going
    assert [owned.process for owned in storage.runs_of_others("p2")] == ["p1"]
    ended = replace(going, state="SUCCESS", ended=later(1), result={"n": 1})
    assert storage.save_run(ME, ended) == ended
    assert storage.get_run(ME, "r1") == ended
    assert storage.runs_of_others("p2") == ()


@pytest.mark.parametrize("state", [*ENDED, "INTERRUPTED"])
def test_a_run_that_has_ended_stays_as_it_ended(storage: Blocking, state: RunState) -> None:
    ended = a_run(state=state, ended=NOW)
    storage.add_run(ME, ended)
    assert storage.save_run(ME, replace(ended, state="PROGRESS", progress=0.1)) == ended
    assert storage.get_run(ME, "r1") == ended


def test_a_run_to_be_tried_again_belongs_to_nobody(storage: Blocking) -> None:
    storage.add_run(ME, a_run(state="PENDING"))
    taken = storage.claim_run(ME, "r1", "p1", NOW)
    storage.save_run(ME, replace(taken, state="RETRY"))
    assert [owned.run.id for owned in storage.unclaimed_runs()] == ["r1"]
    assert storage.claim_run(ME, "r1", "p2", NOW).attempts == 2


def test_waiting_runs_of_all_owners_are_listed_oldest_first(storage: Blocking) -> None:
    storage.add_run(ME, a_run("young", state="PENDING", queued=later(2)))
    storage.add_run("you", a_run("old", state="RETRY", queued=later(1)))
    storage.add_run(ME, a_run("done", state="SUCCESS"))
    assert [(owned.owner, owned.run.id) for owned in storage.unclaimed_runs()] == [
        ("you", "old"),
        (ME, "young"),
    ]


def test_a_run_of_a_dead_process_is_released_once(storage: Blocking) -> None:
    storage.add_run(ME, a_run(state="PENDING"))
    storage.claim_run(ME, "r1", "dead", NOW)
    assert storage.release_run(ME, "r1", "other") is False
    assert storage.release_run(ME, "r1", "dead") is True
    assert storage.release_run(ME, "r1", "dead") is False
    run = storage.get_run(ME, "r1")
    assert (run.state, run.started, run.attempts) == ("PENDING", None, 1)
    assert [owned.run.id for owned in storage.unclaimed_runs()] == ["r1"]
    assert storage.claim_run(ME, "r1", "p2", NOW).attempts == 2


def test_a_dead_process_s_answer_is_interrupted_with_what_came(storage: Blocking) -> None:
    storage.begin_answer(
        ME,
        question=a_question(),
        answer=an_answer(),
        run=a_run(chat="chat", message="a1"),
        process="dead",
        chat=a_chat(),
    )
    storage.append_text(ME, "a1", 0, "The part that came")
    assert storage.interrupt_run(ME, "r1", "other", later(5)) is None
    answer = storage.interrupt_run(ME, "r1", "dead", later(5))
    assert (answer.id, answer.state, answer.text) == ("a1", "interrupted", "The part that came")
    assert storage.get_message(ME, "a1") == answer
    run = storage.get_run(ME, "r1")
    assert (run.state, run.ended) == ("INTERRUPTED", later(5))
    assert storage.interrupt_run(ME, "r1", "dead", later(6)) is None
    assert storage.get_chat(ME, "chat").running is False
    assert len(storage.search(ME, "part that came", chat=None, limit=5)) == 1


def test_a_dead_process_s_task_is_interrupted_without_a_message(storage: Blocking) -> None:
    storage.add_run(ME, a_run(kind="task", state="PENDING"))
    storage.claim_run(ME, "r1", "dead", NOW)
    assert storage.interrupt_run(ME, "r1", "dead", later(5)) is None
    assert storage.get_run(ME, "r1").state == "INTERRUPTED"
    assert storage.runs_of_others("p2") == ()


def test_last_run_of_a_schedule_is_the_one_queued_last(storage: Blocking) -> None:
    assert storage.last_run_of(ME, "tidy") is None
    storage.add_run(ME, a_run(id="a", schedule="tidy", queued=later(5)))
    storage.add_run(ME, a_run(id="b", schedule="tidy", queued=later(9)))
    storage.add_run(ME, a_run(id="c", schedule="other", queued=later(20)))
    storage.add_run(ME, a_run(id="d", queued=later(30)))
    storage.add_run("another", a_run(id="e", schedule="tidy", queued=later(40)))
    found = storage.last_run_of(ME, "tidy")
    assert found is not None and found.id == "b"
    assert storage.last_run_of(ME, "") is None


def test_last_begun_is_the_newest_start_of_a_name_whosever_run_it_was(storage: Blocking) -> None:
    assert storage.last_begun("echo") is None
    storage.add_run(ME, a_run(id="a", name="echo", state="PENDING"))
    assert storage.last_begun("echo") is None
    storage.claim_run(ME, "a", "p", later(5))
    storage.add_run("another", a_run(id="b", name="echo", state="PENDING"))
    storage.claim_run("another", "b", "p", later(9))
    storage.add_run(ME, a_run(id="c", name="other", state="PENDING"))
    storage.claim_run(ME, "c", "p", later(20))
    assert storage.last_begun("echo") == later(9)
