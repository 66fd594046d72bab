"""How queued answers end: cancelled in every state, tried again, moved while they were written."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in, until
from tests.support.half import begun, is_text
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from tests.support.others import other_on
from tests.support.processes import kill
from tests.support.queued import (
    LONG,
    WHOLE,
    bury,
    half_written,
    heard,
    in_state,
    message,
    nothing_held,
    somebody_works,
    waiting,
)
from tests.support.worlds import World
from worker.broker import Upkeep, upkeep
from worker.contract.errors import Conflict
from worker.contract.events import RunChanged
from worker.contract.types import Run, Sent
from worker.service.run_words import dead_letter

# cancel ----------------------------------------------------------------------------------


def test_an_answer_that_waits_in_the_queue_is_cancelled_and_never_begun(
    tmp_path: Path, models: ModelServer
) -> None:
    with somebody_works(tmp_path), engine_in(tmp_path, models=models, background=True,
                                             work=False) as there:  # fmt: skip

        async def cancel(there: World) -> None:
            first, second = await waiting(there), await waiting(there)
            await there.client.chats.stop(first.run)
            assert (await there.client.jobs.cancel(second.run)).state == "REVOKED"
            for sent in (first, second):
                assert (await message(there, sent)).state == "stopped"
                assert await nothing_held(there, sent)
                assert not (await there.client.chats.get(sent.chat.id)).running
            third = await waiting(there)
            assert (await there.client.chats.delete(third.chat.id)).running is False
            assert (await message(there, third)).state == "stopped"

        there.run(cancel)
    with engine_in(tmp_path, models=models, background=True) as there:

        async def test(there: World) -> None:
            run = await there.client.jobs.run_task("echo_bot.echo", {"text": "through"})
            await there.ended(run.id)

        there.run(test)
    assert not models.completions


def test_a_queued_answer_that_is_written_is_stopped_with_what_came(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        sent = await half_written(there)
        await there.client.jobs.cancel(sent.run)
        answer = await message(there, sent)
        assert (answer.state, answer.text) == ("stopped", "one two three ")
        assert (await there.client.jobs.get(sent.run)).state == "REVOKED"
        assert await there.engine.maintenance.recover() == 0
        models.queue(Behaviour(text="and the end"))
        whole = await there.answered(await there.client.chats.resume(answer.id))
        assert whole.text == "one two three and the end"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_queued_answer_is_stopped_from_another_process(
    tmp_path: Path, models: ModelServer
) -> None:
    with (
        engine_in(tmp_path, models=models, background=True) as one,
        engine_in(tmp_path, role="cli") as other,
    ):
        sent = one.run(half_written)
        other.run(lambda there: there.client.chats.stop(sent.run))

        async def stopped(one: World) -> None:
            answer = await one.answered(sent)
            assert (answer.state, answer.text) == ("stopped", "one two three ")

        one.run(stopped)


def test_a_queued_answer_of_a_killed_process_can_be_stopped(
    tmp_path: Path, models: ModelServer
) -> None:
    with other_on(tmp_path, models) as other:

        async def begin() -> None:
            await other.do(f"client.chats.send(None, {LONG!r}, model='half', provider='openai')")

            async def text() -> bool:
                return bool(await other.do("last_text(client)"))

            await becomes(text, "the first words")

        asyncio.run(begin())
        kill(other.process)  # type: ignore[arg-type]
    with engine_in(tmp_path, models=models, role="cli") as there:

        async def test(there: World) -> None:
            (run,) = await there.client.jobs.list_runs()
            assert run.state in ("STARTED", "PROGRESS")
            await there.client.chats.stop(run.id)
            assert (await there.client.jobs.get(run.id)).state == "REVOKED"
            answer = await there.client.chats.message(str(run.message))
            assert (answer.state, answer.text) == ("stopped", "one two three ")

        there.run(test)


# tried again -----------------------------------------------------------------------------


def test_a_server_error_is_tried_again_three_times_a_minute_apart_and_then_fails(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue("500", "500", "500", "500")
        before = there.engine.now()
        sent = await there.client.chats.send(None, LONG)

        async def tried(times: int) -> Run | None:
            run = await there.client.jobs.get(sent.run)
            return run if (run.state, run.attempts) == ("RETRY", times) else None

        for attempt in (1, 2, 3):
            run = await becomes(partial(tried, attempt), f"it was tried {attempt} times")
            assert run.error is not None and run.error.kind == "server_error"
            assert run.error.retry_at is not None and run.due == run.error.retry_at
            minute = timedelta(minutes=1)
            assert before + minute <= run.error.retry_at <= there.engine.now() + minute
            answer = await message(there, sent)
            assert (answer.state, answer.error) == ("streaming", None)
            # It waits with the broker until then; the test does not.
            await becomes(lambda: there.engine.background.holds(sent.run), "its message is sent")
            before = there.engine.now()
            await there.client.jobs.run_now(sent.run)
        run = await in_state(there, sent.run, "FAILURE")
        assert run.attempts == 4
        answer = await message(there, sent)
        assert answer.state == "failed" and answer.error is not None
        assert answer.error.action == "retry"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_an_answer_that_is_to_be_tried_again_is_not_begun_early_by_a_message_too_many(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue("500")
        sent = await there.client.chats.send(None, LONG)
        run = await in_state(there, sent.run, "RETRY")
        background = there.engine.background
        await becomes(lambda: background.holds(sent.run), "its message is sent")
        await background.send("local", run.name, sent.run, priority=run.priority)

        def look(upkeep: Upkeep) -> tuple[int, int]:
            queues = upkeep.status().queues
            return sum(q.waiting + q.running for q in queues), sum(q.scheduled for q in queues)

        async def put_off() -> bool:
            with upkeep(there.engine.paths.queue) as there_is:
                return look(there_is) == (0, 2)

        await becomes(put_off, "the other message waits for that time as well")
        assert await there.client.jobs.get(sent.run) == run
        assert len(models.completions) == 1
        # Given up before its time, it has failed all the same.
        await there.engine.services("local").jobs.give_up(run, dead_letter())
        assert (await there.client.jobs.get(sent.run)).state == "FAILURE"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_rate_limit_says_itself_when_it_is_tried_again_and_can_be_cancelled_until_then(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue("429")
        before = there.engine.now()
        sent = await there.client.chats.send(None, LONG)
        run = await in_state(there, sent.run, "RETRY")
        assert run.error is not None and run.error.retry_at is not None
        said = timedelta(seconds=20)
        assert before + said <= run.error.retry_at <= there.engine.now() + said
        await there.client.chats.stop(sent.run)
        assert (await message(there, sent)).state == "stopped"
        assert (await there.client.jobs.get(sent.run)).state == "REVOKED"
        assert await nothing_held(there, sent)

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_an_answer_that_waits_for_its_next_try_is_begun_at_once_when_a_person_wants_it(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        jobs = there.client.jobs
        models.queue("500")
        sent = await there.client.chats.send(None, LONG)
        await in_state(there, sent.run, "RETRY")
        await becomes(lambda: there.engine.background.holds(sent.run), "its message is sent")
        await jobs.run_now(sent.run)
        assert (await there.answered(sent)).text == ANSWER
        # All of it can be read afterwards.
        await becomes(lambda: ended_log(there, sent), "the log is whole")
        log = [line.text for line in await jobs.log(sent.run)]
        assert log[0] == sent.reason and log[1].startswith("Begun by ")
        assert "It is tried again in 60 s" in log[2] and "problem" in log[2]
        assert log[-1].startswith("Ended well after")

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


async def ended_log(there: World, sent: Sent) -> bool:
    return any("Ended" in line.text for line in await there.client.jobs.log(sent.run))


def test_an_answer_whose_message_was_given_up_ends_with_a_card_in_its_chat(
    tmp_path: Path, models: ModelServer
) -> None:
    with somebody_works(tmp_path), engine_in(tmp_path, models=models, background=True,
                                             work=False) as there:  # fmt: skip

        async def test(there: World) -> None:
            sent = await waiting(there)
            life = there.engine.services("local").jobs
            await life.give_up(await life.get(sent.run), dead_letter())
            answer = await message(there, sent)
            assert answer.state == "failed" and answer.error is not None
            assert (answer.error.kind, answer.error.action) == ("dead_letter", "retry")
            assert (await life.get(sent.run)).state == "FAILURE"
            assert not (await there.client.chats.get(sent.chat.id)).running

        there.run(test)


def test_a_dead_letter_of_an_answer_that_is_retried_makes_it_go_on_in_its_chat(
    tmp_path: Path, models: ModelServer
) -> None:
    with somebody_works(tmp_path), engine_in(tmp_path, models=models, background=True,
                                             work=False) as there:  # fmt: skip

        async def give_up(there: World) -> Sent:
            jobs = there.client.jobs
            sent, other = await waiting(there), await waiting(there)
            for one in (sent, other):
                bury(there, one.run)
            await there.engine.maintenance.recover()
            assert (await message(there, sent)).state == "failed"
            assert await heard(there, sent.run) == "FAILURE"
            last = (await jobs.log(sent.run))[-1].text
            assert last.startswith("Failed: It was given up")
            letters = {letter.run: letter.id for letter in await jobs.dead_letters()}
            # Something else is being written in the other chat by now.
            await there.client.chats.send(other.chat.id, LONG)
            with pytest.raises(Conflict):
                await jobs.retry_dead(letters[other.run])
            assert (await message(there, other)).state == "failed"
            await jobs.retry_dead(letters[sent.run])
            answer = await message(there, sent)
            assert (answer.state, answer.error) == ("streaming", None)
            assert (await there.client.chats.get(sent.chat.id)).running
            assert (await jobs.get(sent.run)).state == "PENDING"
            assert await heard(there, sent.run) == "PENDING"
            assert [letter.run for letter in await jobs.dead_letters()] == [other.run]
            return sent

        sent = there.run(give_up)

    async def written(there: World) -> None:
        await in_state(there, sent.run, "SUCCESS")
        answer = await message(there, sent)
        assert answer.state == "complete" and answer.text

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(written)


def test_a_wrong_key_is_not_tried_again(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        models.queue("401")
        answer = await there.answered(await there.client.chats.send(None, LONG))
        assert answer.state == "failed" and answer.error is not None
        assert answer.error.kind == "wrong_key"
        assert len(models.completions) == 1

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_an_answer_that_was_cut_goes_on_from_there_at_its_next_try(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue(Behaviour(text="one two three four ", cut_after=2))
        sent = await there.client.chats.send(None, LONG)
        await in_state(there, sent.run, "RETRY")
        assert (await message(there, sent)).text == "one two "
        models.queue(Behaviour(text="and the end"))
        await becomes(lambda: there.engine.background.holds(sent.run), "its message is sent")
        await there.client.jobs.run_now(sent.run)
        answer = await there.answered(sent)
        assert (answer.state, answer.text) == ("complete", "one two and the end")

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


# moved -----------------------------------------------------------------------------------


def test_an_answer_that_takes_over_thirty_seconds_is_moved_and_not_restarted(
    tmp_path: Path, models: ModelServer
) -> None:
    clock = [1000.0]

    async def test(there: World) -> None:
        sent = await begun(there)
        assert sent.lane == "now"
        clock[0] += 31
        models.release()
        moved = await until(there, lambda e: isinstance(e, RunChanged) and e.run.lane == "queued")
        assert isinstance(moved, RunChanged)
        assert (moved.run.id, moved.run.state) == (sent.run, "STARTED")
        assert (moved.run.name, moved.run.priority) == ("process_ai_query_task", 8)
        assert "30 s" in moved.run.progress_text
        answer = await there.answered(sent)
        assert (answer.state, answer.text) == ("complete", WHOLE)
        await becomes(lambda: nothing_held(there, sent), "its message was looked at")
        run = await there.client.jobs.get(sent.run)
        assert (run.state, run.lane, run.attempts) == ("SUCCESS", "queued", 1)
        assert len(models.completions) == 1

    with engine_in(tmp_path, models=models, background=True, monotonic=lambda: clock[0]) as there:
        there.run(test)


def test_an_answer_that_begins_its_second_tool_call_is_moved(
    tmp_path: Path, models: ModelServer
) -> None:
    calls = (("calculate", '{"expression": "1+1"}'), ("calculate", '{"expression": "2+2"}'))

    async def test(there: World) -> None:
        chats, jobs = there.client.chats, there.client.jobs
        one = Behaviour(calls=calls[:1], text="Two.")
        models.queue(one, one)
        sent = await chats.send(None, "One tool")
        await there.answered(sent)
        assert (await jobs.get(sent.run)).lane == "now"
        # The model server answers with the calls until their results are there.
        both = Behaviour(calls=calls, text="Four.", pause_after=1)
        models.queue(both, Behaviour(text="Four and more ", pause_after=1))
        sent = await chats.send(None, "Two tools")
        await until(there, lambda e: isinstance(e, RunChanged) and e.run.lane == "queued")
        models.release()
        answer = await there.answered(sent)
        assert answer.state == "complete" and len(answer.tools) == 2
        assert (await jobs.get(sent.run)).lane == "queued"
        models.queue(both, Behaviour(text="Four."))
        wished = await chats.send(None, "Two tools, but here", use_celery=False)
        assert len((await there.answered(wished)).tools) == 2
        assert (await jobs.get(wished.run)).lane == "now"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_moved_answer_goes_on_by_itself_after_the_next_start(
    tmp_path: Path, models: ModelServer
) -> None:
    clock = [1000.0]
    with engine_in(tmp_path, models=models, background=True, monotonic=lambda: clock[0]) as there:

        async def begin(there: World) -> Sent:
            models.queue(Behaviour(text="one two three four ", pause_after=2, mute_after=3))
            events = there.client.events()
            sent = await there.client.chats.send(None, "Short")
            wanted = is_text("two")
            async for event in events:
                if wanted(event):
                    break
            clock[0] += 31
            models.release()
            await becomes(lambda: is_queued(there, sent), "it is moved")
            assert (await message(there, sent)).text == "one two three "
            return sent

        sent = there.run(begin)
    models.queue(Behaviour(text="and the end"))
    with engine_in(tmp_path, models=models, background=True) as there:

        async def test(there: World) -> None:
            assert (await there.answered(sent)).text == "one two three and the end"

        there.run(test)


async def is_queued(there: World, sent: Sent) -> bool:
    return (await there.client.jobs.get(sent.run)).lane == "queued"


def test_progress_of_a_queued_answer_is_told(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        sent = await half_written(there)
        run = await in_state(there, sent.run, "PROGRESS")
        assert run.progress_text.startswith("Writing, ")
        models.release()
        await there.answered(sent)
        assert (await there.client.jobs.get(sent.run)).state == "SUCCESS"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)
