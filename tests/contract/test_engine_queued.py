"""Queued answers through a real worker, a real broker and a real model server."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in, until
from tests.support.half import HALF, begun, is_text
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from tests.support.others import other_on
from tests.support.processes import kill
from tests.support.worlds import World
from worker.contract.errors import Unavailable
from worker.contract.events import AnswerDelta, RunChanged
from worker.contract.types import Message, Run, RunState, Sent
from worker.paths import Paths
from worker.presence import Presence

LONG = "Tell me all about it. " * 30
WHOLE = HALF.text


@contextmanager
def somebody_works(folder: Path) -> Iterator[None]:
    """Another process that would run tasks is there, and is slow to begin any."""
    presence = Presence(Paths.find({"NAGATHA_HOME": str(folder)}).locks, "worker")
    presence.enter()
    yield
    presence.leave()


async def half_written(there: World, **wishes: object) -> Sent:
    """A queued answer of which the first words are there."""
    events = there.client.events()
    sent = await there.client.chats.send(
        None, LONG, model="half", provider="openai", use_celery=True
    )
    wanted = is_text("three")
    async for event in events:
        if wanted(event):
            break
    return sent


async def in_state(there: World, run: str, *states: RunState) -> Run:
    """A run once it is in one of these states."""

    async def found() -> Run | None:
        now = await there.client.jobs.get(run)
        return now if now.state in states else None

    got: Run = await becomes(found, f"{run} is {states}")
    return got


async def message(there: World, sent: Sent) -> Message:
    return await there.client.chats.message(sent.answer.id)


# which lane ------------------------------------------------------------------------------


def test_a_long_question_is_queued_and_its_answer_streams_into_its_chat(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        events = there.client.events()
        sent = await there.client.chats.send(None, LONG)
        assert (sent.lane, sent.estimate) == ("queued", None)
        assert "500 characters" in sent.reason
        told, states = "", []
        async for event in events:
            if isinstance(event, AnswerDelta):
                told += event.text
            if isinstance(event, RunChanged) and event.run_id == sent.run:
                states.append(event.run.state)
                if event.run.state == "SUCCESS":
                    break
        assert told == ANSWER
        assert states[:2] == ["PENDING", "STARTED"] and states[-1] == "SUCCESS"
        answer = await message(there, sent)
        assert (answer.state, answer.text, answer.run) == ("complete", ANSWER, sent.run)
        run = await there.client.jobs.get(sent.run)
        assert (run.kind, run.lane, run.name) == ("answer", "queued", "process_ai_query_task")
        assert (run.priority, run.attempts, run.message) == (8, 1, answer.id)
        again = await there.client.chats.send(None, LONG + "?")
        assert again.estimate is not None and again.estimate < 60
        await there.answered(again)

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_short_question_is_answered_at_once_unless_it_is_asked_to_be_queued(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        short = await chats.send(None, "Ask")
        assert (short.lane, short.reason) == ("now", "")
        await there.answered(short)
        assert (await there.client.jobs.get(short.run)).lane == "now"
        wanted = await chats.send(None, "Ask this", use_celery=True)
        assert wanted.lane == "queued" and wanted.reason
        assert (await there.answered(wanted)).text == ANSWER
        unwanted = await chats.send(None, LONG, use_celery=False)
        assert unwanted.lane == "now"
        await there.answered(unwanted)
        code = await chats.send(None, "def f(): pass", query_type="code")
        assert (await there.answered(code)).state == "complete"
        assert (await there.client.jobs.get(code.run)).name == "process_code_analysis_task"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_without_any_worker_a_long_question_is_answered_at_once_and_its_run_says_so(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        events = there.client.events()
        sent = await there.client.chats.send(None, LONG)
        assert (sent.lane, sent.reason) == ("now", "")
        async for event in events:
            if isinstance(event, RunChanged) and event.run_id == sent.run:
                assert "no background worker" in event.run.progress_text
                break
        assert (await there.answered(sent)).text == ANSWER

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


def test_a_broker_that_takes_nothing_lets_the_question_be_answered_at_once(
    tmp_path: Path, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise Unavailable("The broker is full")

    async def test(there: World) -> None:
        monkeypatch.setattr(there.engine.background, "send", refuse)
        sent = await there.client.chats.send(None, LONG)
        assert sent.lane == "now"
        assert (await there.answered(sent)).text == ANSWER
        assert (await there.client.jobs.get(sent.run)).lane == "now"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_long_answers_leave_the_threads_of_the_pool_to_others(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        sents = [await half_written(there) for _ in range(6)]
        run = await there.client.jobs.run_task("echo_bot.echo", {"text": "quick"})
        assert (await there.ended(run.id)).result == "quick"
        assert there.engine.answers.count == 6
        models.release()
        for sent in sents:
            assert (await there.answered(sent)).text == WHOLE

    with engine_in(
        tmp_path, models=models, background=True, environ={"NAGATHA_CHAT_REUSE_ANSWERS": "false"}
    ) as there:
        there.run(test)


# going on --------------------------------------------------------------------------------


def test_a_killed_process_loses_no_queued_answer_and_another_one_goes_on_with_it(
    tmp_path: Path, models: ModelServer
) -> None:
    ask = f"client.chats.send(None, {LONG!r}, model='half', provider='openai')"

    async def test(there: World) -> None:
        await there.engine.modules_ready()
        (chat,) = await there.client.chats.list_chats()
        (run,) = await there.client.jobs.list_runs()

        async def ended() -> Message | None:
            found = (await there.client.chats.tree(chat.id))[-1]
            return found if found.state != "streaming" else None

        answer: Message = await becomes(ended, "the end of the answer")
        assert (answer.state, answer.text) == ("complete", "one two three and the end")
        assert answer.siblings == (answer.id,) and answer.run == run.id
        run = await there.client.jobs.get(run.id)
        assert (run.state, run.attempts) == ("SUCCESS", 2)
        # Resumed, not begun again.
        assert len(models.completions) == 2
        assert models.completions[1].body["messages"][-2]["content"] == "one two three "
        # Nothing is left that would write it once more.
        assert await there.engine.maintenance.recover() == 0
        assert not await there.engine.background.holds(run.id)

    with other_on(tmp_path, models) as other:

        async def begin() -> None:
            await other.do(ask)
            await asyncio.to_thread(models.wait_for, 1)

            async def three_words() -> bool:
                (name,) = await other.do("client.chats.list_chats()")
                text: str = await other.do("last_text(client)")
                return bool(name) and text == "one two three "

            await becomes(three_words, "the first words")

        asyncio.run(begin())
        kill(other.process)  # type: ignore[arg-type]
    models.queue(Behaviour(text="and the end"))
    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_living_process_goes_on_with_what_a_killed_one_was_writing(
    tmp_path: Path, models: ModelServer
) -> None:
    ask = f"client.chats.send(None, {LONG!r}, model='half', provider='openai')"
    with other_on(tmp_path, models) as other:

        async def begin() -> None:
            await other.do(ask)

            async def three_words() -> bool:
                text: str = await other.do("last_text(client)")
                return text == "one two three "

            await becomes(three_words, "the first words")

        asyncio.run(begin())
        with engine_in(tmp_path, models=models, background=True) as there:

            async def test(there: World) -> None:
                (run,) = await there.client.jobs.list_runs()
                assert await there.engine.maintenance.release_orphans() == 0
                kill(other.process)  # type: ignore[arg-type]
                models.queue(Behaviour(text="and the end"))
                await there.engine._tend()
                assert (await there.ended(run.id)).state == "SUCCESS"
                answer = await there.client.chats.message(str(run.message))
                assert answer.text == "one two three and the end"

            there.run(test)


def test_a_queued_answer_goes_on_by_itself_at_the_next_start(
    tmp_path: Path, models: ModelServer
) -> None:
    with engine_in(tmp_path, models=models, background=True) as there:
        sent = there.run(half_written)
    models.queue(Behaviour(text="and the end"))
    with engine_in(tmp_path, models=models, background=True) as there:

        async def test(there: World) -> None:
            answer = await there.answered(sent)
            assert (answer.state, answer.text) == ("complete", "one two three and the end")
            # Both calls were paid for.
            now = there.engine.now()
            used = await there.client.usage.summary(
                now - timedelta(hours=1), now + timedelta(hours=1)
            )
            assert used.requests == 2
            assert answer.usage is not None and answer.usage.output == used.output

        there.run(test)


@pytest.mark.usefixtures("expect_log_errors")
def test_an_answer_that_waits_is_written_at_once_where_no_broker_can_be_reached(
    tmp_path: Path, models: ModelServer
) -> None:
    with somebody_works(tmp_path), engine_in(tmp_path, models=models, background=True,
                                             work=False) as there:  # fmt: skip
        sent = there.run(waiting)
    nowhere = {"NAGATHA_CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    with engine_in(tmp_path, models=models, background=True, environ=nowhere) as there:

        async def test(there: World) -> None:
            assert (await there.answered(sent)).text == ANSWER

        there.run(test)


async def waiting(there: World) -> Sent:
    sent = await there.client.chats.send(None, LONG)
    assert (await there.client.jobs.get(sent.run)).state == "PENDING"
    assert (await message(there, sent)).state == "streaming"
    return sent


def test_a_message_that_comes_three_times_is_one_answer(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        sent = await half_written(there)
        background, name = there.engine.background, "process_ai_query_task"
        for _ in range(2):
            await background.send("local", name, sent.run)
        await becomes(lambda: nothing_held(there, sent), "the others were looked at")
        models.release()
        assert (await there.answered(sent)).text == WHOLE
        await background.send("local", name, sent.run)
        await becomes(lambda: nothing_held(there, sent), "the last was looked at")
        run = await there.client.jobs.get(sent.run)
        assert (run.state, run.attempts, len(models.completions)) == ("SUCCESS", 1, 1)
        assert (await message(there, sent)).text == WHOLE

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


async def nothing_held(there: World, sent: Sent) -> bool:
    return not await there.engine.background.holds(sent.run)


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
        sent = await there.client.chats.send(None, LONG)
        for attempt in (1, 2, 3):
            run = await in_state(there, sent.run, "RETRY")
            assert run.attempts == attempt
            assert run.error is not None and run.error.kind == "server_error"
            assert run.error.retry_at is not None and run.due == run.error.retry_at
            left = run.error.retry_at - there.engine.now()
            assert timedelta(seconds=50) < left <= timedelta(seconds=60)
            answer = await message(there, sent)
            assert (answer.state, answer.error) == ("streaming", None)
            # It waits with the broker until then; the test does not.
            await becomes(lambda: there.engine.background.holds(sent.run), "its message is sent")
            scope = there.engine.services("local").chats.scope
            assert await there.engine.answers.take(scope, sent.run)
            await there.engine.answers.wait(sent.run)
        run = await there.client.jobs.get(sent.run)
        assert (run.state, run.attempts) == ("FAILURE", 4)
        answer = await message(there, sent)
        assert answer.state == "failed" and answer.error is not None
        assert answer.error.action == "retry"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_rate_limit_says_itself_when_it_is_tried_again_and_can_be_cancelled_until_then(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue("429")
        sent = await there.client.chats.send(None, LONG)
        run = await in_state(there, sent.run, "RETRY")
        assert run.error is not None and run.error.retry_at is not None
        left = run.error.retry_at - there.engine.now()
        assert timedelta(seconds=10) < left <= timedelta(seconds=20)
        await there.client.chats.stop(sent.run)
        assert (await message(there, sent)).state == "stopped"
        assert (await there.client.jobs.get(sent.run)).state == "REVOKED"
        assert await nothing_held(there, sent)

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


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
        scope = there.engine.services("local").chats.scope
        await there.engine.answers.take(scope, sent.run)
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
