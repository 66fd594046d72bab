"""What people can ask of background work, on a real engine with the bundled broker and worker:
logs, batches, putting first, doing again, dead letters, and what a killed process leaves behind.
"""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.engines import Failing, becomes, engine_in
from tests.support.lab import done, state
from tests.support.queued import bury, heard
from tests.support.worlds import World
from worker.contract.errors import Conflict, InvalidInput, NotFound, Unavailable
from worker.contract.jobs import TaskCall
from worker.contract.types import Run
from worker.storage.base import Storage
from worker.storage.sqlite.store import SqliteStorage

ECHO = "echo_bot.echo"


def echo(text: str) -> TaskCall:
    return TaskCall(ECHO, {"text": text})


async def told(there: World, run: str) -> list[str]:
    """A run's log as it reads."""
    return [line.text for line in await there.client.jobs.log(run)]


def lost(there: World) -> None:
    """Its message is gone from the queue, as after the loss of that file."""
    with closing(sqlite3.connect(there.engine.paths.queue)) as queue:
        queue.execute("DELETE FROM message WHERE task IS NOT NULL")
        queue.commit()


# the log ---------------------------------------------------------------------------------


def test_a_run_s_log_tells_what_the_engine_did_and_what_the_task_said(lab: World) -> None:
    async def test(there: World) -> None:
        key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
        ended = await done(there, "lab.talks", words=f"the key is {key}")
        assert (ended.state, ended.attempts) == ("SUCCESS", 2)
        lines = await there.client.jobs.log(ended.id)
        texts = [line.text for line in lines]
        process = there.engine.presence.id
        assert texts[0].startswith("Queued: asked for in a chat")
        assert texts[1:3] == [f"Begun by {process}.", "attempt 0"]
        assert texts[3].startswith("the key is ") and key not in "".join(texts)
        assert texts[4] == "Attempt 1 failed: not yet. It is tried again in 0 s."
        assert texts[5:7] == [f"Begun by {process}, attempt 2.", "attempt 1"]
        assert texts[8].startswith("Ended well after ")
        levels = [line.level for line in lines]
        assert levels[2:5] == ["DEBUG", "WARNING", "WARNING"]
        assert [line.at for line in lines] == sorted(line.at for line in lines)

    lab.run(test)


def test_of_a_task_that_never_stops_talking_the_newest_lines_are_kept(lab: World) -> None:
    async def test(there: World) -> None:
        ended = await done(there, "lab.talks", words="x" * 5000, lines=600)
        lines = await there.client.jobs.log(ended.id)
        assert len(lines) == 1000
        assert lines[-1].text.startswith("Ended well")
        assert max(len(line.text) for line in lines) == 4000

    lab.run(test)


def test_the_log_of_a_run_that_there_is_not_is_not_found(lab: World) -> None:
    async def test(there: World) -> None:
        with pytest.raises(NotFound):
            await there.client.jobs.log("nothing")
        with pytest.raises(NotFound):
            await there.client.jobs.batch("nothing")
        with pytest.raises(NotFound):
            await there.client.jobs.batch("")

    lab.run(test)


# batches ---------------------------------------------------------------------------------


def test_a_group_is_done_in_any_order_and_its_progress_is_that_of_all(lab: World) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        batch = await jobs.run_group(tuple(echo(str(number)) for number in range(5)))
        assert batch.kind == "group" and batch.progress < 1.0
        for run in batch.runs:
            await there.ended(run.id)
        ended = await jobs.batch(batch.id)
        assert [run.id for run in ended.runs] == [run.id for run in batch.runs]
        assert [run.result for run in ended.runs] == ["0", "1", "2", "3", "4"]
        assert (ended.kind, ended.progress) == ("group", 1.0)
        # No two are queued at one moment: a page of the list may end between any of them.
        assert len({run.queued for run in ended.runs}) == 5

    lab.run(test)


def test_a_chain_is_done_step_by_step(lab: World, tmp_path: Path) -> None:
    file = tmp_path / "count"

    async def test(there: World) -> None:
        calls = [TaskCall("lab.count", {"file": str(file), "value": n}) for n in range(4)]
        batch = await there.client.jobs.run_chain(tuple(calls))
        assert [run.follows for run in batch.runs[1:]] == [run.id for run in batch.runs[:-1]]
        await there.ended(batch.runs[-1].id)
        assert file.read_text().split() == ["0", "1", "2", "3"]
        ended = await there.client.jobs.batch(batch.id)
        assert (ended.kind, ended.progress) == ("chain", 1.0)
        starts = [run.started for run in ended.runs]
        assert starts == sorted(cast(Any, starts))

    lab.run(test)


def test_after_a_step_that_failed_the_rest_of_a_chain_is_not_begun_and_says_why(
    lab: World, tmp_path: Path
) -> None:
    file = tmp_path / "count"

    async def test(there: World) -> None:
        count = TaskCall("lab.count", {"file": str(file)})
        batch = await there.client.jobs.run_chain(
            (count, TaskCall("lab.breaks", {"text": "it"}), count, count)
        )
        last = await there.ended(batch.runs[-1].id)
        runs = (await there.client.jobs.batch(batch.id)).runs
        assert [run.state for run in runs] == ["SUCCESS", "FAILURE", "REVOKED", "REVOKED"]
        assert file.read_text().split() == ["0"]
        third = runs[2].error
        assert third is not None and third.kind == "not_begun"
        assert "lab.breaks" in third.title and "failed" in third.title
        assert last.error is not None and "lab.count" in last.error.title
        assert (await told(there, last.id))[-1].startswith("Cancelled")

    lab.run(test)


def test_a_step_that_is_retried_brings_along_what_was_cancelled_because_of_it(
    lab: World, tmp_path: Path
) -> None:
    file, go = tmp_path / "waited", tmp_path / "go"

    async def test(there: World) -> None:
        jobs = there.client.jobs
        wait = TaskCall("lab.wait", {"file": str(file)})
        batch = await jobs.run_chain((echo("a"), wait, echo("b"), echo("c")))
        one, two, three, four = (run.id for run in batch.runs)
        await state(there, two, "STARTED")
        await jobs.cancel(two)
        assert (await there.ended(four)).state == "REVOKED"
        go.write_text("")
        again = await jobs.retry(two)
        assert (again.batch, again.follows, again.name) == (batch.id, None, "lab.wait")
        runs = (await jobs.batch(batch.id)).runs
        assert [run.id for run in runs[:5]] == [one, two, three, four, again.id]
        assert [run.name for run in runs[5:]] == [ECHO, ECHO]
        assert [run.follows for run in runs[5:]] == [again.id, runs[5].id]
        assert (await there.ended(runs[6].id)).result == "c"
        ended = (await jobs.batch(batch.id)).runs[4:]
        assert [run.result for run in ended] == ["went", "b", "c"]
        assert [run.started for run in ended] == sorted(cast(Any, [run.started for run in ended]))
        assert (await told(there, again.id))[0] == (
            f"Queued: a person asked for it again, with others in the batch {batch.id}."
        )
        # The first went well, and what came after it has no need of it.
        alone = await jobs.retry(one)
        assert (await there.ended(alone.id)).result == "a"
        assert len((await jobs.batch(batch.id)).runs) == 8

    lab.run(test)


def test_a_chain_is_not_revived_with_a_step_that_nobody_can_do(home: Path) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        batch = await jobs.run_chain((echo("a"), TaskCall("lab.count", {"file": "x"})))
        await jobs.cancel(batch.runs[0].id)
        await there.client.modules.disable("lab")
        with pytest.raises(NotFound):
            await jobs.retry(batch.runs[0].id)
        assert len(await jobs.list_runs()) == 2

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


def test_cancelling_a_step_of_a_chain_ends_the_rest(home: Path) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        batch = await jobs.run_chain((echo("a"), echo("b"), echo("c")))
        with pytest.raises(Conflict):
            await jobs.run_now(batch.runs[1].id)
        await jobs.cancel(batch.runs[0].id)
        runs = (await jobs.batch(batch.id)).runs
        assert [run.state for run in runs] == ["REVOKED"] * 3
        assert runs[0].error is None
        assert runs[1].error is not None and "was cancelled" in runs[1].error.title

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


def test_a_batch_with_one_wrong_call_queues_nothing(lab: World) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        with pytest.raises(NotFound):
            await jobs.run_group((echo("a"), TaskCall("lab.nothing", {})))
        with pytest.raises(InvalidInput):
            await jobs.run_chain((echo("a"), TaskCall(ECHO, {})))
        with pytest.raises(InvalidInput):
            await jobs.run_group(())
        assert await jobs.list_runs() == ()

    lab.run(test)


def test_a_step_whose_turn_came_as_the_process_was_killed_is_queued_by_recovery(
    home: Path,
) -> None:
    """Between the end of a step and the message of the next there is a moment to be killed in."""

    async def test(there: World) -> None:
        jobs, storage = there.client.jobs, there.engine.storage
        good = await jobs.run_chain((echo("a"), echo("b")))
        bad = await jobs.run_chain((echo("a"), echo("b"), echo("c")))
        for batch, how in ((good, "SUCCESS"), (bad, "FAILURE")):
            first = replace(batch.runs[0], state=cast(Any, how), ended=there.engine.now())
            await storage.save_run("local", first)
        background = there.engine.background
        assert not await background.holds(good.runs[1].id)
        assert await there.engine.maintenance.recover() == 1
        assert await background.holds(good.runs[1].id)
        states = [run.state for run in (await jobs.batch(bad.id)).runs]
        assert states == ["FAILURE", "REVOKED", "REVOKED"]

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


def test_recovery_leaves_a_step_alone_that_has_to_wait(home: Path) -> None:
    async def test(there: World) -> None:
        batch = await there.client.jobs.run_chain((echo("a"), echo("b")))
        lost(there)
        assert await there.engine.maintenance.recover() == 1
        background = there.engine.background
        assert await background.holds(batch.runs[0].id)
        assert not await background.holds(batch.runs[1].id)

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


# first, again, how long --------------------------------------------------------------------


def test_a_run_that_waits_for_its_time_can_be_begun_now(lab: World) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        run = await jobs.run_task("lab.later", {})
        waiting = await state(there, run.id, "RETRY")
        assert waiting.due is not None and waiting.due > there.engine.now()
        first = await jobs.run_now(run.id)
        assert (first.due, first.priority) == (None, 9)
        ended = await there.ended(run.id)
        assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", "done", 2)
        with pytest.raises(Conflict):
            await jobs.run_now(run.id)
        assert any("before all others" in text for text in await told(there, run.id))

    lab.run(test)


def test_what_a_person_waits_for_is_begun_before_what_came_by_itself(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "count"
    names: list[str] = []

    def counted(value: int) -> dict[str, object]:
        return {"file": str(file), "value": value}

    with engine_in(home, background=True, work=False) as there:

        async def queue(there: World) -> None:
            jobs = there.client.jobs
            for value, source in enumerate(("schedule", "module", "chat")):
                run = await jobs.run_task("lab.count", counted(value), source=cast(Any, source))
                names.append(run.id)
            last = await jobs.run_task("lab.count", counted(3), source="schedule")
            await jobs.run_now(last.id)
            names.append(last.id)

        there.run(queue)
    one_by_one = {"NAGATHA_CELERY_CONCURRENCY": "1"}
    with engine_in(home, background=True, environ=one_by_one) as there:

        async def ended(there: World) -> None:
            for name in names:
                await there.ended(name)

        there.run(ended)
    assert file.read_text().split() == ["3", "2", "1", "0"]


def test_a_run_that_failed_is_queued_again_as_it_was(lab: World) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        failed = await there.ended(
            (await jobs.run_task("lab.breaks", {"text": "it"}, source="cli")).id
        )
        again = await jobs.retry(failed.id)
        assert again.id != failed.id
        assert (again.name, again.arguments, again.source) == (
            "lab.breaks",
            {"text": "it"},
            "cli",
        )
        assert (await there.ended(again.id)).state == "FAILURE"

    lab.run(test)


def test_how_long_a_task_takes_is_the_median_of_the_runs_that_went_well(home: Path) -> None:
    async def test(there: World) -> None:
        jobs, now = there.client.jobs, there.engine.now()
        assert await jobs.estimate("lab.count") is None
        for number, seconds in enumerate((1.0, 100.0, 3.0)):
            began = now.replace(microsecond=0)
            run = Run(
                id=f"r{number}",
                kind="task",
                name="lab.count",
                state="SUCCESS",
                source="chat",
                queued=began,
                started=began,
                ended=began.fromtimestamp(began.timestamp() + seconds, began.tzinfo),
            )
            await there.engine.storage.add_run("local", run)
        assert await jobs.estimate("lab.count") == 3.0

    with engine_in(home) as there:
        there.run(test)


# dead letters ----------------------------------------------------------------------------


def test_a_run_whose_message_was_given_up_ends_and_both_come_back_together(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "count"
    ids: list[str] = []

    async def give_up(there: World) -> None:
        jobs = there.client.jobs
        run = await jobs.run_task("lab.count", {"file": str(file)})
        ids.append(run.id)
        bury(there, run.id)
        assert (await there.client.system.status()).dead == 1
        assert await there.engine.maintenance.recover() == 0
        ended = await jobs.get(run.id)
        assert ended.state == "FAILURE" and ended.error is not None
        assert (ended.error.kind, ended.error.action) == ("dead_letter", "retry")
        assert await heard(there, run.id) == "FAILURE"
        (letter,) = await jobs.dead_letters()
        assert (letter.task, letter.run, letter.deliveries) == ("lab.count", run.id, 5)
        with pytest.raises(NotFound):
            await jobs.retry_dead(letter.id + 1)
        await jobs.retry_dead(letter.id)
        back = await jobs.get(run.id)
        assert (back.state, back.error, back.ended) == ("PENDING", None, None)
        assert await heard(there, run.id) == "PENDING"
        assert await there.engine.background.holds(run.id)
        assert await jobs.dead_letters() == ()
        assert (await there.client.system.status()).dead == 0
        assert await there.engine.maintenance.recover() == 0

    async def carried_out(there: World) -> None:
        assert (await state(there, ids[0], "SUCCESS")).attempts == 1

    with engine_in(home, background=True, work=False) as there:
        there.run(give_up)
    with engine_in(home, background=True) as there:
        there.run(carried_out)
    assert file.read_text().split() == ["0"]


def test_a_dead_letter_that_is_deleted_leaves_a_run_that_has_failed(home: Path) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        run = await jobs.run_task(ECHO, {"text": "x"})
        bury(there, run.id)
        (letter,) = await jobs.dead_letters()
        await jobs.delete_dead(letter.id)
        ended = await jobs.get(run.id)
        assert ended.state == "FAILURE" and ended.error is not None
        assert ended.error.kind == "dead_letter"
        assert await heard(there, run.id) == "FAILURE"
        assert (await told(there, run.id))[-1].startswith("Failed: It was given up")
        assert await jobs.dead_letters() == ()
        assert await there.engine.maintenance.recover() == 0
        with pytest.raises(NotFound):
            await jobs.delete_dead(letter.id)
        assert (await jobs.retry(run.id)).state == "PENDING"

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


def test_a_dead_letter_that_is_deleted_is_told_to_who_sent_it_and_into_its_run_s_log(
    home: Path,
) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        app: Any = there.engine.background._app  # type: ignore[attr-defined]
        send = app.send_task
        sent = await asyncio.to_thread(lambda: send(ECHO, kwargs={"text": "x"}))
        run = await jobs.run_task(ECHO, {"text": "x"})
        bury(there, sent.id)
        bury(there, run.id)
        await there.engine.maintenance.recover()
        for letter in await jobs.dead_letters():
            await jobs.delete_dead(letter.id)
        assert await heard(there, sent.id) == "FAILURE"
        assert (await told(there, run.id))[-1] == "Its message was deleted from the dead letters."

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


def test_dead_letters_of_others_are_not_shown(home: Path) -> None:
    async def test(there: World) -> None:
        theirs = there.engine.services("somebody").jobs
        run = await theirs.run_task(ECHO, {"text": "x"})
        bury(there, run.id)
        assert await there.client.jobs.dead_letters() == ()
        assert (await there.client.system.status()).dead == 0
        (letter,) = await theirs.dead_letters()
        with pytest.raises(NotFound):
            await there.client.jobs.retry_dead(letter.id)

    with engine_in(home, background=True, work=False) as there:
        there.run(test)


def test_where_no_broker_can_be_asked_dead_letters_are_unknown(home: Path) -> None:
    async def test(there: World) -> None:
        assert (await there.client.system.status()).dead is None
        with pytest.raises(Unavailable):
            await there.client.jobs.dead_letters()

    with engine_in(home) as there:
        there.run(test)


# a full disk -----------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["lab.count", "lab.breaks", "lab.later"])
def test_how_a_task_ended_is_stored_as_soon_as_there_is_room(
    home: Path, tmp_path: Path, task: str, expect_log_errors: object
) -> None:
    database = SqliteStorage(home / "nagatha.db", home / "backups")
    storage = Failing(database)
    wanted = {"lab.count": "SUCCESS", "lab.breaks": "FAILURE", "lab.later": "RETRY"}[task]
    arguments = {"lab.count": {"file": str(tmp_path / "count")}, "lab.breaks": {"text": "it"}}

    async def test(there: World) -> None:
        storage.broken.add("save_run")
        run = await there.client.jobs.run_task(task, arguments.get(task, {}))

        async def unkept() -> bool:
            return len(there.engine.ends) == 1

        await becomes(unkept, "the end cannot be stored")
        assert (await there.client.jobs.get(run.id)).state == "STARTED"
        storage.mend()
        assert await there.engine.ends.settle() == 1
        assert await there.engine.ends.settle() == 0
        ended = await there.client.jobs.get(run.id)
        assert ended.state == wanted
        assert (await state(there, run.id, wanted)).id == run.id

    with engine_in(home, background=True, storage=cast(Storage, storage)) as there:
        there.run(test)
