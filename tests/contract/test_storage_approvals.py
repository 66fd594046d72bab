"""What waits for a person's word, on every storage: parked, answered once, gone on with."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_storage_routines import RUNNING, a_routine, a_start, a_time
from tests.support.storages import BACKENDS, ME, NOW, Blocking, backend, later
from worker.contract.errors import Conflict, NotFound
from worker.contract.routines import Approval
from worker.contract.types import Message, Run, ToolUse, Usage, UsageRecord
from worker.storage.approvals import ParkedCall


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as made:
        yield made


CALL = ToolUse("c1", "mail.send", "{}", "running", "It waits.", offset=2)


def a_call(name: str = "c1", **values: Any) -> ParkedCall:
    given: dict[str, Any] = {
        "id": f"approval-{name}", "run": "r1", "tool": "mail.send", "arguments": {"to": "Ann"},
        "why": "Send a mail", "asked": NOW, "chat": "new", "message": "ar1", "routine": "morning",
        **values,
    }  # fmt: skip
    return ParkedCall(Approval(**given), name)


def parked(storage: Blocking, *calls: ParkedCall) -> tuple[Run, Message]:
    """An answer of a routine that was begun 10 s ago and waits."""
    storage.add_routine(ME, a_routine())
    storage.add_occurrence(
        ME, a_time(**RUNNING, run="r1", chat="new"), move=(NOW, None), start=a_start()
    )
    run, answer = storage.claim_answer(ME, "r1", "p1", NOW)
    run = replace(run, state="PENDING", started=None, progress_text="waits for your approval")
    answer = replace(answer, text="So", tools=(CALL,))
    record = UsageRecord("u", "r1", NOW, "answer", "p", "m", Usage(1, 1), 1.0)
    storage.park_answer(ME, answer, run, calls or (a_call(),), {"turns": [1]}, later(10), [record])
    return run, answer


def go_on(run: Run) -> Run:
    return replace(run, progress_text="", priority=8)


def test_a_parked_answer_holds_nothing_and_is_not_taken(storage: Blocking) -> None:
    run, _ = parked(storage)
    assert storage.get_run(ME, "r1") == run
    stored = storage.get_message(ME, "ar1")
    assert (stored.state, stored.text, stored.tools) == ("streaming", "So", (CALL,))
    assert storage.runs_of_others("") == ()
    assert storage.claim_answer(ME, "r1", "p2", NOW) is None
    assert storage.parked_runs() == {"r1"}
    assert storage.get_standstill(ME, "r1") == {"turns": [1]}
    assert storage.get_standstill(ME, "r2") is None
    assert storage.waiting_approvals(ME) == (a_call().approval,)
    assert storage.waiting_approvals("somebody") == ()
    assert storage.parked_calls(ME, "r1") == (a_call(),)
    assert storage.get_occurrence(ME, "o1").state == "parked"
    assert storage.usage_summary(ME, NOW, later(1)).requests == 1


def test_the_last_verdict_lets_it_go_on_and_the_wait_does_not_count(storage: Blocking) -> None:
    run, _ = parked(storage, a_call(), a_call("c2", asked=later(1)))
    first, waits = storage.answer_approval(
        ME, "approval-c1", "deny", "Call her", later(20), go_on(run)
    )
    assert (first.verdict, first.instead, first.answered) == ("deny", "Call her", later(20))
    assert waits is None and storage.claim_answer(ME, "r1", "p2", NOW) is None
    assert [one.id for one in storage.waiting_approvals(ME)] == ["approval-c2"]
    second, goes = storage.answer_approval(ME, "approval-c2", "once", "", later(40), go_on(run))
    assert goes == go_on(run) == storage.get_run(ME, "r1")
    assert storage.get_approval(ME, "approval-c2") == second
    assert storage.parked_runs() == frozenset()
    assert storage.get_occurrence(ME, "o1").state == "running"
    assert storage.claim_answer(ME, "r1", "p2", later(41))[0].attempts == 2
    storage.end_occurrence(ME, a_time(state="done", run="r1", ended=later(45)), False)
    assert storage.get_occurrence(ME, "o1").seconds == 15.0


def test_an_approval_is_answered_once(storage: Blocking) -> None:
    run, _ = parked(storage)
    storage.answer_approval(ME, "approval-c1", "once", "", NOW, go_on(run))
    for verdict in ("deny", "once"):
        with pytest.raises(Conflict):
            storage.answer_approval(ME, "approval-c1", verdict, "", NOW, go_on(run))
    assert storage.get_approval(ME, "approval-c1").verdict == "once"
    with pytest.raises(NotFound):
        storage.answer_approval(ME, "nothing", "once", "", NOW, go_on(run))


def test_an_approval_expires_with_its_run_and_the_call_did_not_end(storage: Blocking) -> None:
    run, _ = parked(storage)
    stopped = storage.revoke_answer(ME, "r1", later(20))
    assert (stopped.state, stopped.tools) == ("stopped", (replace(CALL, state="failed"),))
    assert storage.get_approval(ME, "approval-c1").expired
    assert storage.waiting_approvals(ME) == ()
    assert storage.parked_runs() == frozenset()
    with pytest.raises(Conflict):
        storage.answer_approval(ME, "approval-c1", "once", "", NOW, go_on(run))
    storage.end_occurrence(ME, a_time(state="skipped", run="r1", ended=later(20)), None)
    assert storage.get_occurrence(ME, "o1").seconds == 10.0


def test_always_is_kept_for_the_tool_until_it_is_revoked(storage: Blocking) -> None:
    run, _ = parked(storage)
    storage.answer_approval(ME, "approval-c1", "always", "", NOW, go_on(run))
    assert storage.allowed_tools(ME) == ("mail.send",)
    assert storage.allowed_tools("somebody") == ()
    storage.revoke_tool(ME, "mail.send")
    storage.revoke_tool(ME, "mail.send")
    assert storage.allowed_tools(ME) == ()


def test_a_call_is_begun_once_and_its_result_is_kept(storage: Blocking) -> None:
    run, answer = parked(storage)
    storage.answer_approval(ME, "approval-c1", "once", "", NOW, go_on(run))
    assert storage.begin_call(ME, "approval-c1", later(1))
    assert not storage.begin_call(ME, "approval-c1", later(2))
    (made,) = storage.parked_calls(ME, "r1")
    assert (made.made, made.result) == (later(1), None)
    storage.end_call(ME, "approval-c1", "Sent", True)
    (made,) = storage.parked_calls(ME, "r1")
    assert (made.result, made.failed) == ("Sent", True)
    # Parked once more, by another call: what was answered stays so.
    storage.park_answer(ME, answer, run, (a_call(), a_call("c2")), {"turns": [2]}, later(9))
    assert storage.get_standstill(ME, "r1") == {"turns": [2]}
    assert [one.approval.verdict for one in storage.parked_calls(ME, "r1")] == ["once", None]


def test_what_waits_goes_with_its_run_and_with_everything(storage: Blocking) -> None:
    parked(storage)
    with pytest.raises(Conflict):
        storage.delete_all(ME)  # it can still go on
    storage.revoke_answer(ME, "r1", later(20))
    storage.expire(deleted_before=NOW, runs_before=later(30), events_before=NOW,
                   unused_before=NOW)  # fmt: skip
    with pytest.raises(NotFound):
        storage.get_approval(ME, "approval-c1")
    assert storage.get_standstill(ME, "r1") is None
    storage.delete_all(ME)
    assert storage.allowed_tools(ME) == ()
