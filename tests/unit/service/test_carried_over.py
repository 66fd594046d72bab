"""What is known of runs when a copy takes the place of the database."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.storages import ME, NOW, Blocking, a_chat, a_question, a_run, backend, later
from worker.contract.system import Backup
from worker.contract.types import Message, Run
from worker.service.carried_over import carry_over, end_of_copying, known_ends

COPY = Backup("nagatha-20261121T120100Z-person.db", later(60), 1, "person")


@pytest.fixture
def replaced(tmp_path: Path) -> Iterator[Blocking]:
    with backend("sqlite", tmp_path / "replaced") as storage:
        yield storage


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Blocking]:
    with backend("sqlite", tmp_path / "restored") as storage:
        yield storage


def taken_over(replaced: Blocking, restored: Blocking, *names: str) -> None:
    run = replaced.runner.run
    ends = run(known_ends(replaced.storage, [(ME, name) for name in names]))
    restored.runner.run(carry_over(restored.storage, ends))


def asked(storage: Blocking) -> tuple[Run, Message]:
    """An answer that is being written in a new chat."""
    answer = Message("a", "chat", "q", "assistant", "streaming", "", NOW, run="r")
    run = a_run("r", chat="chat", message="a", lane="queued", state="PENDING")
    storage.begin_answer(
        ME, question=a_question("q"), answer=answer, run=run, process="", chat=a_chat()
    )
    return run, answer


def test_only_what_has_ended_is_taken_over(replaced: Blocking, restored: Blocking) -> None:
    for storage in (replaced, restored):
        for name in ("done", "waits", "gone"):
            if (name, storage) != ("gone", replaced):
                storage.add_run(ME, a_run(name, kind="task", state="PENDING"))
    done = replace(replaced.get_run(ME, "done"), state="SUCCESS", ended=later(9), result=[1])
    replaced.save_run(ME, done)
    taken_over(replaced, restored, "done", "waits", "gone")
    assert restored.get_run(ME, "done") == done
    assert {restored.get_run(ME, name).state for name in ("waits", "gone")} == {"PENDING"}
    assert [one.id for one in restored.waiting_runs()] == ["waits", "gone"]


def test_an_answer_is_taken_over_with_what_was_written(
    replaced: Blocking, restored: Blocking
) -> None:
    for storage in (replaced, restored):
        run, answer = asked(storage)
    ended = replace(run, state="SUCCESS", ended=later(9))
    replaced.finish_answer(ME, replace(answer, state="complete", text="So it is"), ended)
    taken_over(replaced, restored, "r")
    assert restored.get_run(ME, "r") == ended
    assert restored.get_message(ME, "a") == replaced.get_message(ME, "a")
    assert len(restored.search(ME, "so it is", chat=None, limit=9)) == 1


def test_an_answer_that_another_run_went_on_with_is_not_taken_for_this_ones(
    replaced: Blocking, restored: Blocking
) -> None:
    for storage in (replaced, restored):
        run, answer = asked(storage)
    failed = replace(run, state="FAILURE", ended=later(9))
    replaced.finish_answer(ME, replace(answer, state="failed"), failed)
    another = replace(run, id="s")
    replaced.begin_answer(
        ME, question=None, answer=replace(answer, run="s"), run=another, process=""
    )
    taken_over(replaced, restored, "r")
    assert restored.get_run(ME, "r").state == "PENDING"


@pytest.mark.parametrize(
    ("runs", "states"),
    [
        ([{}], ["SUCCESS"]),
        ([{}, {"name": "export"}], ["SUCCESS", "STARTED"]),
        ([{"arguments": {"reason": "daily"}}], ["STARTED"]),
        ([{}, {}], ["STARTED", "STARTED"]),
    ],
)
def test_the_run_that_made_the_copy_went_well_where_it_is_known_which_it_was(
    restored: Blocking, runs: list[dict[str, Any]], states: list[str]
) -> None:
    for number, values in enumerate(runs):
        given = {"kind": "backup", "name": "backup", "arguments": {"reason": "person"}, **values}
        restored.add_run(ME, a_run(f"r{number}", **given), (), "p1")
    claimed = restored.runs_of_others("")
    restored.runner.run(end_of_copying(restored.storage, claimed, COPY))
    found = [restored.get_run(ME, f"r{number}") for number in range(len(runs))]
    assert [run.state for run in found] == states
    if found[0].state == "SUCCESS":
        assert (found[0].result, found[0].ended) == (COPY.name, COPY.created)
