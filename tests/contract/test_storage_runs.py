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
from worker.contract.errors import Conflict, NotFound
from worker.contract.jobs import LogLine
from worker.contract.types import Problem, Run, RunState
from worker.storage.base import Waiting

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


def test_a_run_that_is_to_be_tried_again_is_claimed_when_it_is_due_and_not_before(
    storage: Blocking,
) -> None:
    storage.add_run(ME, a_run(state="RETRY", attempts=1, due=later(10)), (line("waits"),))
    assert storage.claim_run(ME, "r1", "p1", later(9), (line("begun"),)) is None
    assert (storage.get_run(ME, "r1").state, storage.get_run(ME, "r1").attempts) == ("RETRY", 1)
    assert storage.run_log(ME, "r1", 9) == (line("waits"),)
    taken = storage.claim_run(ME, "r1", "p1", later(10))
    assert (taken.state, taken.attempts, taken.due) == ("STARTED", 2, None)


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


def test_of_runs_that_wait_those_are_told_in_short_whose_turn_it_is(storage: Blocking) -> None:
    def step(name: str, seconds: int, follows: str | None, state: RunState = "PENDING") -> Run:
        return a_run(
            name, kind="task", name="a.b", state=state, queued=later(seconds), follows=follows
        )

    storage.add_run(ME, step("first", 3, None))
    storage.add_run(ME, step("second", 4, "first"))
    storage.add_run(ME, step("failed", 5, None, "FAILURE"))
    storage.add_run(ME, step("after a failure", 6, "failed"))
    storage.add_run(ME, step("after nothing", 7, "gone"))
    storage.add_run("you", a_run("answer", state="RETRY", queued=later(1), lane="queued"))
    storage.add_run(ME, a_run("taken", state="PENDING"))
    storage.claim_run(ME, "taken", "p1", NOW)
    assert storage.waiting_runs() == (
        Waiting("you", "answer", "answer", "answer", "queued"),
        Waiting(ME, "first", "task", "a.b", "queued"),
        Waiting(ME, "after a failure", "task", "a.b", "queued"),
        Waiting(ME, "after nothing", "task", "a.b", "queued"),
    )
    # What another owner does is no reason to wait.
    storage.add_run("you", step("second", 8, "first"))
    assert storage.waiting_runs()[-1].owner == "you"


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


def test_a_dead_process_s_answer_says_who_wrote_it(storage: Blocking) -> None:
    storage.begin_answer(
        ME,
        question=a_question(),
        answer=an_answer(),
        run=a_run(chat="chat", message="a1"),
        process="dead",
        chat=a_chat(),
    )
    storage.append_text(ME, "a1", 0, "The part ", ("openai", "fast"))
    storage.append_text(ME, "a1", 9, "that came")
    kept = storage.get_message(ME, "a1")
    assert (kept.provider, kept.model) == ("openai", "fast")
    answer = storage.interrupt_run(ME, "r1", "dead", later(5))
    assert (answer.provider, answer.model) == ("openai", "fast")
    assert answer.text == "The part that came"


def test_a_dead_process_s_task_is_interrupted_without_a_message(storage: Blocking) -> None:
    storage.add_run(ME, a_run(kind="task", state="PENDING"))
    storage.claim_run(ME, "r1", "dead", NOW)
    assert storage.interrupt_run(ME, "r1", "dead", later(5)) is None
    assert storage.get_run(ME, "r1").state == "INTERRUPTED"
    assert storage.runs_of_others("p2") == ()


# what is known of a run besides its state ------------------------------------------------


def test_where_a_run_belongs_is_kept_with_it(storage: Blocking) -> None:
    run = a_run(
        kind="maintenance",
        schedule="maintenance",
        lane="now",
        priority=9,
        due=later(60),
        batch="b",
        follows="r0",
    )
    storage.add_run(ME, run)
    assert storage.get_run(ME, "r1") == run


def test_a_run_that_is_taken_has_no_time_to_wait_for_any_more(storage: Blocking) -> None:
    storage.add_run(ME, a_run(state="RETRY", due=later(60)))
    assert storage.claim_run(ME, "r1", "p1", later(60)).due is None


def test_several_runs_are_stored_all_or_none(storage: Blocking) -> None:
    storage.add_run(ME, a_run("r2"))
    with pytest.raises(Conflict):
        storage.add_runs(ME, (a_run("r1"), a_run("r2"), a_run("r3")))
    with pytest.raises(Conflict):
        storage.add_runs(ME, (a_run("r1"), a_run("r1")))
    assert [run.id for run in storage.list_runs(ME, limit=9)] == ["r2"]
    storage.add_runs(ME, (a_run("r1"), a_run("r3")))
    assert {run.id for run in storage.list_runs(ME, limit=9)} == {"r1", "r2", "r3"}


def test_a_run_can_be_stored_as_taken_already(storage: Blocking) -> None:
    storage.add_run(ME, a_run(state="STARTED"), (), "p1")
    assert [owned.process for owned in storage.runs_of_others("p2")] == ["p1"]
    assert storage.claim_run(ME, "r1", "p2", NOW) is None


def test_runs_of_a_batch_come_in_the_order_in_which_they_were_queued(storage: Blocking) -> None:
    storage.add_runs(
        ME,
        (
            a_run("second", batch="b", queued=later(2)),
            a_run("first", batch="b", queued=later(1)),
            a_run("other", batch="c"),
            a_run("none"),
        ),
    )
    storage.add_run("you", a_run("theirs", batch="b"))
    assert [run.id for run in storage.runs_of_batch(ME, "b")] == ["first", "second"]
    assert storage.runs_of_batch(ME, "x") == ()
    assert storage.runs_of_batch("nobody", "b") == ()


def test_who_follows_a_run_is_found(storage: Blocking) -> None:
    storage.add_runs(ME, (a_run("r1"), a_run("r2", follows="r1"), a_run("r3", follows="r2")))
    storage.add_run("you", a_run("theirs", follows="r1"))
    assert [run.id for run in storage.followers(ME, "r1")] == ["r2"]
    assert storage.followers(ME, "r3") == ()


def test_the_last_run_of_a_schedule_is_the_one_queued_last(storage: Blocking) -> None:
    assert storage.last_run_of(ME, "usage") is None
    storage.add_runs(
        ME,
        (
            a_run("late", schedule="usage", queued=later(9)),
            a_run("early", schedule="usage", queued=later(1)),
            a_run("other", schedule="maintenance", queued=later(99)),
            a_run("by hand", queued=later(99)),
        ),
    )
    assert storage.last_run_of(ME, "usage").id == "late"
    assert storage.last_run_of(ME, "") is None
    assert storage.last_run_of("you", "usage") is None


def test_how_long_runs_of_a_name_took_is_told_of_those_that_went_well(storage: Blocking) -> None:
    def ended(run: str, took: float, at: float, **values: object) -> Run:
        return a_run(
            run,
            **{
                "name": "lab.count",
                "state": "SUCCESS",
                "started": later(at - took),
                "ended": later(at),
                **values,
            },
        )

    storage.add_runs(
        ME,
        (
            ended("oldest", 1.5, 10),
            ended("newest", 3.5, 30),
            ended("middle", 2.5, 20),
            ended("failed", 9, 40, state="FAILURE"),
            ended("another", 9, 50, name="lab.note"),
            ended("never begun", 9, 60, started=None),
            ended("at work", 9, 70, state="STARTED", ended=None),
        ),
    )
    assert storage.run_seconds(ME, "lab.count", 2) == (3.5, 2.5)
    assert storage.run_seconds(ME, "lab.count", 20) == (3.5, 2.5, 1.5)
    assert storage.run_seconds(ME, "lab.huge", 20) == ()


def test_a_run_that_failed_can_wait_again_and_no_other(storage: Blocking) -> None:
    storage.add_run(ME, a_run(state="PENDING"))
    taken = storage.claim_run(ME, "r1", "p1", NOW)
    assert storage.reopen_run(ME, "r1") is None
    failed = replace(taken, state="FAILURE", ended=later(1), error=Problem("k", "t"))
    storage.save_run(ME, failed)
    again = storage.reopen_run(ME, "r1", (line("once more"),))
    assert again == replace(failed, state="PENDING", started=None, ended=None, error=None)
    assert storage.get_run(ME, "r1") == again
    assert [owned.run.id for owned in storage.unclaimed_runs()] == ["r1"]
    assert storage.run_log(ME, "r1", 9) == (line("once more"),)
    assert storage.reopen_run(ME, "r1") is None
    with pytest.raises(NotFound):
        storage.reopen_run(ME, "r2")


@pytest.mark.parametrize("state", ["PENDING", "RETRY"])
def test_a_run_that_waits_can_be_put_first_and_one_that_is_taken_cannot(
    storage: Blocking, state: RunState
) -> None:
    waiting = a_run(state=state, due=later(60), error=Problem("k", "t", retry_at=later(60)))
    storage.add_run(ME, waiting)
    first = storage.hasten_run(ME, "r1", 9, (line("now"),))
    assert first == replace(waiting, due=None, priority=9, error=Problem("k", "t"))
    assert storage.get_run(ME, "r1") == first
    storage.claim_run(ME, "r1", "p1", NOW)
    assert storage.hasten_run(ME, "r1", 9, (line("late"),)) is None
    assert storage.get_run(ME, "r1").state == "STARTED"
    assert storage.run_log(ME, "r1", 9) == (line("now"),)


# the list --------------------------------------------------------------------------------


def found(storage: Blocking, query: str = "", **how: object) -> list[str]:
    return [run.id for run in storage.list_runs(ME, **{"limit": 99, "query": query, **how})]


def test_runs_are_found_by_every_word_in_name_arguments_error_and_title(
    storage: Blocking,
) -> None:
    storage.create_chat(ME, a_chat("c", title="Reisepläne für Øresund"))
    storage.add_runs(
        ME,
        (
            a_run("named", name="feeds.fetch", queued=later(1)),
            a_run(
                "given",
                name="lab.count",
                arguments={
                    "url": "https://x/FETCH",
                    "deep": [{"word": 'a "quoted" line\nend'}, 42],
                },
                queued=later(2),
            ),
            a_run(
                "failed",
                name="lab.breaks",
                state="FAILURE",
                error=Problem("kind", "Cannot fetch", "No route to host", "Look at the cable"),
                queued=later(3),
            ),
            a_run("titled", chat="c", queued=later(4)),
            a_run("untitled", chat="gone", queued=later(5)),
        ),
    )
    assert found(storage, "fetch") == ["failed", "given", "named"]
    assert found(storage, "FETCH  lab") == ["failed", "given"]
    assert found(storage, "route cable") == ["failed"]
    assert found(storage, "42") == ["given"]
    assert found(storage, '"quoted"') == ["given"]
    assert found(storage, "reiseplane oresund") == ["titled"]
    assert found(storage, "answer reise") == ["titled"]
    assert found(storage, "kind") == []
    assert found(storage, "title") == []
    assert found(storage, "feeds.fetchlab") == []
    assert found(storage, "fetch", limit=2) == ["failed", "given"]
    assert found(storage, "fetch", limit=0) == []
    assert found(storage, " \n ") == ["untitled", "titled", "failed", "given", "named"]
    assert storage.list_runs("you", limit=9, query="fetch") == ()


def test_words_states_kinds_and_time_narrow_the_list_together(storage: Blocking) -> None:
    kinds = ("task", "maintenance", "task", "backup")
    for number, kind in enumerate(kinds):
        state = "SUCCESS" if number else "FAILURE"
        storage.add_run(
            ME, a_run(f"r{number}", kind=kind, name=f"x{number}", state=state, queued=later(number))
        )
    assert found(storage, kinds=("task", "backup")) == ["r3", "r2", "r0"]
    assert found(storage, "x", kinds=("task",)) == ["r2", "r0"]
    assert found(storage, "x", kinds=("task",), states=("SUCCESS",)) == ["r2"]
    assert found(storage, "x", before=later(2)) == ["r1", "r0"]


def test_a_long_list_is_read_page_by_page_and_searched_to_its_end(storage: Blocking) -> None:
    storage.add_runs(
        ME,
        [
            a_run(f"r{number}", name="lab.rare" if number % 1000 == 0 else "lab.count",
                  queued=later(number))
            for number in range(2500)
        ],
    )  # fmt: skip
    assert found(storage, "rare") == ["r2000", "r1000", "r0"]
    pages, before = [], None
    while page := storage.list_runs(ME, limit=999, before=before):
        pages.append(len(page))
        before = page[-1].queued
    assert pages == [999, 999, 502]


def test_of_runs_of_one_moment_none_is_lost_or_doubled_where_a_page_ends(
    storage: Blocking,
) -> None:
    names = [f"r{number}" for number in range(11)]
    storage.add_run(ME, a_run("older", queued=NOW))
    storage.add_runs(ME, [a_run(name, queued=later(1)) for name in names])
    storage.add_run(ME, a_run("newer", queued=later(2)))
    for query in ("", "answer"):
        seen: list[str] = []
        where: dict[str, object] = {}
        while page := storage.list_runs(ME, limit=3, query=query, **where):
            seen += [run.id for run in page]
            where = {"before": page[-1].queued, "before_run": page[-1].id}
        assert seen == ["newer", *reversed(names), "older"]
    # Without the id, and for others, it is as it was.
    assert found(storage, before=later(1)) == ["older"]
    assert storage.list_runs("you", limit=9, before=later(1), before_run="r3") == ()
    # Where that run is gone its whole moment comes again.
    assert found(storage, before=later(1), before_run="gone") == [*reversed(names), "older"]


# the log ---------------------------------------------------------------------------------


def line(text: str, number: float = 0) -> LogLine:
    return LogLine(later(number), "INFO", text)


def test_a_run_s_log_grows_line_by_line_with_what_happens_to_it(storage: Blocking) -> None:
    storage.add_run(ME, a_run(state="PENDING"), (line("queued"),))
    storage.claim_run(ME, "r1", "p1", NOW, (line("begun", 1),))
    storage.add_log(ME, "r1", (line("one \ud800", 2), LogLine(later(3), "ERROR", "two")))
    run = storage.get_run(ME, "r1")
    storage.save_run(ME, replace(run, state="SUCCESS", ended=later(4)), (line("ended", 4),))
    # What has ended stays as it ended, its log too.
    storage.save_run(ME, replace(run, state="FAILURE"), (line("late", 5),))
    assert storage.claim_run(ME, "r1", "p1", NOW, (line("again", 6),)) is None
    assert storage.run_log(ME, "r1", 99) == (
        line("queued"),
        line("begun", 1),
        line("one \ud800", 2),
        LogLine(later(3), "ERROR", "two"),
        line("ended", 4),
    )
    assert storage.run_log(ME, "r1", 1) == (line("ended", 4),)
    assert storage.run_log(ME, "r1", 0) == ()


def test_of_a_long_log_the_newest_lines_are_kept_and_of_a_long_line_its_beginning(
    storage: Blocking,
) -> None:
    storage.add_run(ME, a_run())
    storage.add_log(ME, "r1", [line(str(number)) for number in range(900)])
    storage.add_log(ME, "r1", [line(str(number)) for number in range(900, 1300)])
    kept = storage.run_log(ME, "r1", 5000)
    assert [one.text for one in kept] == [str(number) for number in range(300, 1300)]
    storage.add_log(ME, "r1", [line("x" * 5000)] * 1500)
    kept = storage.run_log(ME, "r1", 5000)
    assert {one.text for one in kept} == {"x" * 4000}
    assert len(kept) == 1000


def test_a_run_that_is_not_there_has_no_log(storage: Blocking) -> None:
    for call in (lambda: storage.run_log(ME, "r1", 9), lambda: storage.add_log(ME, "r1", ())):
        with pytest.raises(NotFound):
            call()


def test_logs_go_with_their_runs(storage: Blocking) -> None:
    old = a_run("old", state="SUCCESS", ended=later(1), batch="b")
    storage.add_runs(ME, (old, replace(old, id="new", ended=later(9))), (line("x"),))
    far = later(-1)
    storage.expire(deleted_before=far, runs_before=later(5), events_before=far, unused_before=far)
    assert [run.id for run in storage.runs_of_batch(ME, "b")] == ["new"]
    storage.add_run(ME, replace(old, ended=None))
    assert storage.run_log(ME, "old", 9) == ()
    storage.delete_all(ME)
    assert storage.runs_of_batch(ME, "b") == ()
    storage.add_run(ME, replace(old, id="new"))
    assert storage.run_log(ME, "new", 9) == ()


def test_maintenance_that_went_well_is_kept_for_a_shorter_time(storage: Blocking) -> None:
    done = a_run(kind="maintenance", state="SUCCESS", ended=later(1))
    storage.add_runs(
        ME,
        (
            replace(done, id="quiet"),
            replace(done, id="fresh", ended=later(9)),
            replace(done, id="failed", state="FAILURE"),
            replace(done, id="task", kind="task"),
        ),
    )
    far = later(-1)
    removed = storage.expire(
        deleted_before=far,
        runs_before=far,
        events_before=far,
        unused_before=far,
        quiet_before=later(5),
    )
    assert removed.runs == 1
    assert {run.id for run in storage.list_runs(ME, limit=9)} == {"fresh", "failed", "task"}


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
