"""Queued answers and kept answers, on every storage: taken once, put back, cancelled, forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.storages import BACKENDS, ME, NOW, Blocking, a_chat, backend, later
from worker.contract.errors import Conflict, NotFound
from worker.contract.jobs import LogLine
from worker.contract.types import Message, Problem, Run, ToolUse, Usage, UsageRecord
from worker.storage.answers import KeptAnswer


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as made:
        yield made


def queued(storage: Blocking, **values: Any) -> tuple[Message, Run]:
    """A question in a new chat whose answer waits in the queue."""
    question = Message("q", "chat", None, "user", "complete", "Why?", NOW)
    answer = Message("a", "chat", "q", "assistant", "streaming", "", NOW, run="r")
    run = Run("r", "answer", "process_ai_query_task", "PENDING", "chat", NOW, chat="chat",
              message="a", lane="queued", priority=8)  # fmt: skip
    run = replace(run, **values)
    storage.begin_answer(
        ME, question=question, answer=answer, run=run, process="", chat=a_chat("chat")
    )
    return answer, run


# queued ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["PENDING", "RETRY"])
def test_a_waiting_answer_is_taken_once_with_all_that_is_known_of_it(
    storage: Blocking, state: str
) -> None:
    queued(storage, state=state, arguments={"query_type": "code"})
    run, answer = storage.claim_answer(ME, "r", "p1", later(5))
    assert (run.state, run.started, run.attempts) == ("STARTED", later(5), 1)
    assert (run.lane, run.priority, run.arguments) == ("queued", 8, {"query_type": "code"})
    assert (answer.id, answer.state, answer.text) == ("a", "streaming", "")
    for process in ("p1", "p2"):
        assert storage.claim_answer(ME, "r", process, later(6)) is None
    assert storage.get_run(ME, "r") == run
    assert [owned.process for owned in storage.runs_of_others("")] == ["p1"]


def test_an_answer_that_is_to_be_tried_again_is_taken_when_it_is_due(storage: Blocking) -> None:
    queued(storage, state="RETRY", due=later(60))
    assert storage.claim_answer(ME, "r", "p1", later(59)) is None
    assert storage.get_run(ME, "r").state == "RETRY"
    run, _ = storage.claim_answer(ME, "r", "p1", later(60))
    assert (run.state, run.due) == ("STARTED", None)


def test_a_released_answer_is_taken_again_with_the_text_that_was_kept(storage: Blocking) -> None:
    queued(storage)
    storage.claim_answer(ME, "r", "p1", NOW)
    storage.append_text(ME, "a", 0, "one ")
    storage.append_text(ME, "a", 4, "two ")
    assert storage.release_run(ME, "r", "p1")
    run, answer = storage.claim_answer(ME, "r", "p2", NOW)
    assert (run.attempts, answer.text) == (2, "one two ")
    storage.append_text(ME, "a", 8, "three")
    assert storage.get_message(ME, "a").text == "one two three"


def test_an_answer_that_is_put_back_keeps_what_came_and_what_it_used(storage: Blocking) -> None:
    queued(storage)
    run, answer = storage.claim_answer(ME, "r", "p1", NOW)
    storage.append_text(ME, "a", 0, "one ")
    tool = ToolUse("t", "calculate", "{}", "done", "2", offset=4)
    usage = Usage(10, 2)
    waiting = replace(answer, text="one ", tools=(tool,), usage=usage, notes=("said",))
    problem = Problem("server_error", "It has a problem", retry_at=later(60))
    back = replace(run, state="RETRY", error=problem)
    record = UsageRecord("u", "r", NOW, "answer", "openai", "fast", usage, 1.0)
    storage.put_back_answer(ME, waiting, back, [record])
    assert storage.get_run(ME, "r") == back
    (owned,) = storage.unclaimed_runs()
    assert (owned.run.id, owned.process) == ("r", "")
    found = storage.get_message(ME, "a")
    assert (found.state, found.text, found.tools) == ("streaming", "one ", (tool,))
    assert (found.usage, found.notes) == (usage, ("said",))
    assert storage.get_chat(ME, "chat").running
    assert storage.usage_summary(ME, NOW, later(1)).requests == 1
    # It goes on from there.
    storage.claim_answer(ME, "r", "p2", NOW)
    storage.append_text(ME, "a", 4, "two")
    assert storage.get_message(ME, "a").text == "one two"
    assert storage.search(ME, "one", chat=None, limit=10) == ()


def test_a_waiting_answer_is_cancelled_with_what_came_of_it(storage: Blocking) -> None:
    queued(storage)
    storage.claim_answer(ME, "r", "p1", NOW)
    storage.append_text(ME, "a", 0, "a word ")
    assert storage.revoke_answer(ME, "r", later(1)) is None  # it is being written
    storage.release_run(ME, "r", "p1")
    stopped = storage.revoke_answer(ME, "r", later(2))
    assert (stopped.state, stopped.text) == ("stopped", "a word ")
    assert storage.get_message(ME, "a") == stopped
    run = storage.get_run(ME, "r")
    assert (run.state, run.ended) == ("REVOKED", later(2))
    assert storage.revoke_answer(ME, "r", later(3)) is None
    assert storage.claim_answer(ME, "r", "p1", later(3)) is None
    assert [hit.message for hit in storage.search(ME, "word", chat=None, limit=10)] == ["a"]
    assert not storage.get_chat(ME, "chat").running


def test_an_answer_that_ended_is_neither_taken_nor_cancelled(storage: Blocking) -> None:
    _, run = queued(storage)
    _, answer = storage.claim_answer(ME, "r", "p1", NOW)
    ended = replace(answer, state="interrupted", text="half")
    storage.finish_answer(ME, ended, replace(run, state="INTERRUPTED", ended=later(1)))
    assert storage.claim_answer(ME, "r", "p1", later(2)) is None
    assert storage.revoke_answer(ME, "r", later(2)) is None
    assert storage.get_message(ME, "a").state == "interrupted"


def test_a_run_of_another_kind_is_no_answer(storage: Blocking) -> None:
    storage.add_run(ME, Run("t", "task", "echo_bot.echo", "PENDING", "chat", NOW))
    assert storage.claim_answer(ME, "t", "p1", NOW) is None
    assert storage.revoke_answer(ME, "t", NOW) is None
    with pytest.raises(NotFound):
        storage.claim_answer(ME, "nothing", "p1", NOW)
    with pytest.raises(NotFound):
        storage.revoke_answer(ME, "nothing", NOW)


def test_an_answer_of_a_run_that_failed_waits_again_from_what_was_kept(storage: Blocking) -> None:
    queued(storage)
    problem = Problem("dead_letter", "It was given up")
    run, answer = storage.claim_answer(ME, "r", "p1", NOW)
    failed = replace(run, state="FAILURE", error=problem, ended=later(9))
    ended = replace(answer, state="interrupted", text="one two", error=problem)
    assert storage.reopen_answer(ME, "r") is None  # it has not failed
    storage.finish_answer(ME, ended, failed)
    line = LogLine(later(10), "INFO", "It waits again.")
    opened, waiting = storage.reopen_answer(ME, "r", (line,))
    assert (opened.state, opened.error, opened.ended) == ("PENDING", None, None)
    assert (waiting.state, waiting.error, waiting.text) == ("streaming", None, "one two")
    assert storage.get_message(ME, "a") == waiting
    assert storage.run_log(ME, "r", 9)[-1] == line
    assert storage.reopen_answer(ME, "r") is None
    assert storage.search(ME, "two", chat=None, limit=9) == ()
    _, taken = storage.claim_answer(ME, "r", "p2", NOW)
    assert taken.text == "one two"


def test_an_answer_does_not_wait_again_where_the_chat_went_on_without_it(
    storage: Blocking,
) -> None:
    queued(storage)
    run, answer = storage.claim_answer(ME, "r", "p1", NOW)
    failed = replace(run, state="FAILURE", ended=later(9))
    storage.finish_answer(ME, replace(answer, state="failed"), failed)
    sibling = replace(answer, id="b", run="s")
    another = replace(run, id="s", message="b", state="PENDING")
    storage.begin_answer(ME, question=None, answer=sibling, run=another, process="")
    with pytest.raises(Conflict):
        storage.reopen_answer(ME, "r")
    assert storage.get_run(ME, "r").state == "FAILURE"
    assert storage.get_message(ME, "a").state == "failed"
    storage.revoke_answer(ME, "s", later(10))
    # The same answer, begun anew by another run.
    anew = replace(run, id="t", state="PENDING")
    storage.begin_answer(ME, question=None, answer=replace(answer, run="t"), run=anew, process="")
    storage.revoke_answer(ME, "t", later(11))
    assert storage.reopen_answer(ME, "r") is None


# kept ------------------------------------------------------------------------------------


def an_answer(key: str = "k", seconds: float = 60, text: str = "Hello") -> KeptAnswer:
    return KeptAnswer(key, NOW, later(seconds), "openai", "fast", text)


def test_a_kept_answer_is_there_until_it_expires(storage: Blocking) -> None:
    storage.put_answer(ME, an_answer())
    assert storage.get_answer(ME, "k", later(59)) == an_answer()
    assert storage.get_answer(ME, "k", later(60)) is None
    assert storage.get_answer(ME, "other", NOW) is None
    assert storage.get_answer("somebody", "k", NOW) is None
    newer = an_answer(seconds=90, text="Hello again")
    storage.put_answer(ME, newer)
    assert storage.get_answer(ME, "k", later(60)) == newer


def test_kept_answers_are_counted_cleared_and_expired(storage: Blocking) -> None:
    storage.put_answer(ME, an_answer("a", 10))
    storage.put_answer(ME, an_answer("b", 20))
    storage.put_answer("somebody", an_answer("a", 10))
    assert storage.count_answers(ME, NOW) == 2
    assert storage.count_answers(ME, later(10)) == 1
    assert storage.expire_answers(later(10)) == 2
    assert (storage.count_answers(ME, NOW), storage.count_answers("somebody", NOW)) == (1, 0)
    storage.put_answer("somebody", an_answer("a", 10))
    assert storage.clear_answers(ME) == 1
    assert storage.clear_answers(ME) == 0
    assert storage.count_answers("somebody", NOW) == 1
    storage.put_answer(ME, an_answer())
    assert storage.clear_answers(None) == 2


def test_deleting_everything_deletes_kept_answers_too(storage: Blocking) -> None:
    storage.put_answer(ME, an_answer())
    storage.put_answer("somebody", an_answer())
    storage.delete_all(ME)
    assert storage.count_answers(ME, NOW) == 0
    assert storage.count_answers("somebody", NOW) == 1


def test_a_message_remembers_when_its_answer_was_first_given(storage: Blocking) -> None:
    _, run = queued(storage)
    _, answer = storage.claim_answer(ME, "r", "p1", NOW)
    ended = replace(answer, state="complete", text="Hello", cached=later(-600))
    stored = storage.finish_answer(ME, ended, replace(run, state="SUCCESS", ended=NOW))
    assert stored.cached == later(-600)
    assert storage.get_message(ME, "a").cached == later(-600)
    assert storage.branch(ME, "a")[0][0].cached is None
