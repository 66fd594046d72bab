"""Queued answers through a real worker, a real broker and a real model server."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from tests.support.others import other_on
from tests.support.processes import kill
from tests.support.queued import (
    LONG,
    WHOLE,
    half_written,
    message,
    nothing_held,
    somebody_works,
    waiting,
)
from tests.support.worlds import World
from worker.contract.errors import Unavailable
from worker.contract.events import AnswerDelta, RunChanged
from worker.contract.types import Message

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
