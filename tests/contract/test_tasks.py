"""Tasks of modules through the real queue and worker: tried again, cut off, cancelled, delivered
twice, sent by others, switched off, and what becomes of them when the worker ends.
"""

import asyncio
from pathlib import Path

import pytest

import worker.broker
from tests.support.engines import becomes, engine_in
from tests.support.lab import client_of, done, result_of, state, there_is
from tests.support.worlds import World
from worker.contract.events import RunChanged
from worker.contract.types import FINAL_STATES, Run

# trying again ----------------------------------------------------------------------------


def test_task_that_asks_to_be_tried_again_is_until_its_retries_are_used_up(lab: World) -> None:
    async def test(there: World) -> None:
        ended = await done(there, "lab.flaky", fails=2)
        assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", 2, 3)
        assert ended.error is None
        ended = await done(there, "lab.flaky", fails=3)
        assert (ended.state, ended.attempts) == ("FAILURE", 3)
        assert ended.error is not None and ended.error.kind == "retries_used_up"
        assert ended.error.message == "try 2"

    lab.run(test)


def test_task_that_waits_to_be_tried_again_says_until_when_and_recovery_leaves_it(
    lab: World,
) -> None:
    async def test(there: World) -> None:
        run = await there.client.jobs.run_task("lab.later", {})
        waiting = await state(there, run.id, "RETRY")
        assert waiting.error is not None and waiting.error.message == "busy"
        assert waiting.error.retry_at is not None
        wait = (waiting.error.retry_at - there.engine.now()).total_seconds()
        assert 3500 < wait <= 3600
        await becomes(lambda: there.engine.background.holds(run.id), "its message is queued")
        assert await there.engine.maintenance.recover() == 0
        assert (await there.client.jobs.cancel(run.id)).state == "REVOKED"

    lab.run(test)


def test_task_whose_message_was_lost_while_it_waits_is_queued_for_the_time_it_waited_for(
    lab: World,
) -> None:
    async def test(there: World) -> None:
        run = await there.client.jobs.run_task("lab.later", {})
        await state(there, run.id, "RETRY")
        queue = there.engine.paths.queue

        async def discarded() -> int:
            return await asyncio.to_thread(worker.broker.discard, queue, run.id)

        async def gone() -> bool:
            return not await there.engine.background.holds(run.id)

        # The message of the second try comes a moment after the row, and the first one's end.
        await becomes(discarded, "the second message is there and lost")
        await becomes(gone, "the first message has ended")
        assert await there.engine.maintenance.recover() == 1
        assert await there.engine.background.holds(run.id)
        assert (await there.client.jobs.get(run.id)).state == "RETRY"

    lab.run(test)


# limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["hang", "hang_async", "deaf_async", "sees_async"])
def test_task_over_its_time_limit_fails_and_the_next_one_runs(
    lab: World, tmp_path: Path, task: str
) -> None:
    file = tmp_path / "seen"

    async def test(there: World) -> None:
        ended = await done(there, f"lab.{task}", **({"file": str(file)} if task == "hang" else {}))
        assert ended.state == "FAILURE" and ended.error is not None
        assert (ended.error.kind, ended.error.action) == ("time_limit", "retry")
        assert "0.2 s" in ended.error.message
        if task == "hang":
            await there_is(file)  # it was asked to stop
        assert (await done(there, "echo_bot.echo", text="next")).result == "next"

    lab.run(test)


def test_rate_limit_of_a_task_holds_back_what_is_too_much(lab: World) -> None:
    async def test(there: World) -> None:
        await done(there, "lab.note")
        second = await there.client.jobs.run_task("lab.note", {})
        assert (await done(there, "echo_bot.echo", text="by")).state == "SUCCESS"
        assert (await there.client.jobs.get(second.id)).state == "PENDING"
        assert (await there.client.jobs.cancel(second.id)).state == "REVOKED"

    lab.run(test)


# cancelling ------------------------------------------------------------------------------


def test_queued_task_that_is_cancelled_never_runs(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "count"
    with engine_in(home, background=True, work=False) as there:

        async def cancel(there: World) -> None:
            run = await there.client.jobs.run_task("lab.count", {"file": str(file)})
            assert await there.engine.background.holds(run.id)
            ended = await there.client.jobs.cancel(run.id)
            assert ended.state == "REVOKED" and ended.ended is not None
            assert not await there.engine.background.holds(run.id)
            assert (await there.client.jobs.cancel(run.id)) == ended

        there.run(cancel)
    with engine_in(home, background=True) as there:

        async def run_others(there: World) -> None:
            assert (await done(there, "echo_bot.ping")).state == "SUCCESS"

        there.run(run_others)
    assert not file.exists()


@pytest.mark.parametrize("task", ["wait", "wait_async"])
def test_running_task_that_is_cancelled_sees_it_and_stops(
    lab: World, home: Path, tmp_path: Path, task: str
) -> None:
    file = tmp_path / "begun"

    async def test(there: World) -> None:
        run = await there.client.jobs.run_task(f"lab.{task}", {"file": str(file)})
        await there_is(file)
        assert (await there.client.jobs.cancel(run.id)).state == "REVOKED"

        async def idle() -> bool:
            return there.engine.running.count == 0

        await becomes(idle, "the task stops")
        assert (await there.client.jobs.get(run.id)).result is None
        with client_of(home) as app:
            assert (await result_of(app, run.id))["status"] == "REVOKED"

    lab.run(test)


def test_running_task_is_cancelled_from_another_process(
    home: Path, lab: World, tmp_path: Path
) -> None:
    file = tmp_path / "begun"

    async def begin(there: World) -> Run:
        run = await there.client.jobs.run_task("lab.wait", {"file": str(file)})
        await there_is(file)
        return run

    async def idle(there: World) -> None:
        async def nothing() -> bool:
            return there.engine.running.count == 0

        await becomes(nothing, "the task stops")

    run = lab.run(begin)
    with engine_in(home, role="cli") as other:

        async def cancel(other: World) -> None:
            assert (await other.client.jobs.cancel(run.id)).state == "REVOKED"

        other.run(cancel)
        lab.run(idle)


def test_cancelled_task_that_does_not_look_stays_cancelled_when_it_ends(
    lab: World, tmp_path: Path
) -> None:
    file = tmp_path / "begun"

    async def test(there: World) -> None:
        run = await there.client.jobs.run_task("lab.gate", {"file": str(file)})
        await there_is(file)
        await there.client.jobs.cancel(run.id)
        file.with_name("go").touch()

        async def idle() -> bool:
            return there.engine.running.count == 0

        await becomes(idle, "the task ends")
        ended = await there.client.jobs.get(run.id)
        assert (ended.state, ended.result) == ("REVOKED", None)

    lab.run(test)


# progress, failures, results -------------------------------------------------------------


@pytest.mark.parametrize("task", ["steps", "steps_async"])
def test_progress_is_told_and_the_end_comes_last(lab: World, home: Path, task: str) -> None:
    async def test(there: World) -> None:
        events = there.client.events()
        run = await there.client.jobs.run_task(f"lab.{task}", {})
        seen = []
        async for event in events:
            if isinstance(event, RunChanged) and event.run_id == run.id:
                seen.append((event.run.state, event.run.progress, event.run.progress_text))
                if event.run.state in FINAL_STATES:
                    break
        told = [progress for name, progress, _ in seen if name == "PROGRESS"]
        assert told and told == sorted(told) and told[-1] == 1.0
        assert seen[-2] == ("PROGRESS", 1.0, "Step 4") and seen[-1][0] == "SUCCESS"
        with client_of(home) as app:
            meta = await result_of(app, run.id)
            assert (meta["status"], meta["result"]) == ("SUCCESS", "there")

    lab.run(test)


def test_progress_just_before_a_retry_does_not_hold_the_run_fast(lab: World) -> None:
    async def test(there: World) -> None:
        for _ in range(10):
            ended = await done(there, "lab.step_and_retry")
            assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", 1, 2)

    lab.run(test)


def test_task_that_breaks_says_where_and_one_without_json_says_so(lab: World, home: Path) -> None:
    async def test(there: World) -> None:
        broke = await done(there, "lab.breaks", text="that")
        assert broke.state == "FAILURE" and broke.error is not None
        assert broke.error.title == "lab.breaks failed"
        assert "cannot do that" in broke.error.message and "__init__.py" in broke.error.message
        odd = await done(there, "lab.odd")
        assert odd.error is not None and odd.error.kind == "bad_result"
        with client_of(home) as app:
            meta = await result_of(app, broke.id)
            assert meta["status"] == "FAILURE" and "cannot do that" in str(meta["result"])
        again = await there.ended((await there.client.jobs.retry(broke.id)).id)
        assert again.id != broke.id and again.arguments == {"text": "that"}

    lab.run(test)


def test_task_that_wants_to_end_the_program_or_returns_too_much_only_fails(lab: World) -> None:
    async def test(there: World) -> None:
        quit_ = await done(there, "lab.quits")
        assert quit_.state == "FAILURE" and quit_.error is not None
        assert "SystemExit: enough" in quit_.error.message
        huge = await done(there, "lab.huge")
        assert huge.state == "FAILURE" and huge.result is None and huge.error is not None
        assert (huge.error.kind, huge.error.title) == ("bad_result", "lab.huge returned too much")
        assert (await done(there, "echo_bot.ping")).state == "SUCCESS"

    lab.run(test)
