"""The published query tasks, as a Celery program elsewhere uses them: by name, with arguments."""

import asyncio
from pathlib import Path
from typing import Any

from celery import Celery, chain

from tests.contract.test_tasks_published import client_of
from tests.support.engines import becomes, engine_in
from tests.support.half import is_text
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from tests.support.worlds import World
from worker.contract.types import QueryType
from worker.service.routing import TASKS

QUERY = "process_ai_query_task"


async def meta_of(app: Celery, task: str, *states: str) -> dict[str, Any]:
    """What the result backend holds of a task once it is in one of `states`."""

    async def found() -> dict[str, Any] | None:
        meta: dict[str, Any] = await asyncio.to_thread(app.backend.get_task_meta, task, False)
        return meta if meta["status"] in states else None

    got: dict[str, Any] = await becomes(found, f"{task} is {states}")
    return got


def asked(models: ModelServer) -> str:
    """What the model was asked last."""
    return str(models.completions[-1].body["messages"][-1]["content"])


CALLS: tuple[tuple[str, tuple[object, ...], dict[str, object], QueryType, str], ...] = (
    (QUERY, ("Why?",), {}, "general", "Why?"),
    (QUERY, (), {"query": "Why so?", "query_type": "code"}, "code", "Why so?"),
    (QUERY, ("Why?",), {"context": {"a": 1}}, "general", 'Why?\n\nContext: {"a": 1}'),
    (
        "process_medical_analysis_task",
        ("Hb 9.1", "diagnosis", "p7"),
        {},
        "medical",
        "Hb 9.1\n\nKind of analysis: diagnosis\n\nPatient: p7",
    ),
    (
        "process_database_query_task",
        (),
        {"query": "SELECT 1", "database": "shop"},
        "database",
        "SELECT 1\n\nDatabase: shop",
    ),
    (
        "process_code_analysis_task",
        ("def f(): ...",),
        {"language": "Python"},
        "code",
        "def f(): ...\n\nLanguage: Python",
    ),
)
"""A task, its arguments by place and by name, and the kind and text of the question they make."""


def test_a_query_of_another_program_is_answered_in_a_chat_of_its_own(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            for number, (task, places, named, kind, said) in enumerate(CALLS, start=1):
                sent = app.send_task(task, places, named)
                result = (await meta_of(app, sent.id, "SUCCESS"))["result"]
                assert (result["success"], result["response"]) == (True, ANSWER)
                assert (result["query_type"], result["tools_used"]) == (kind, [])
                assert 0 <= result["processing_time"] < 60
                assert asked(models) == said
                run = await there.client.jobs.get(sent.id)
                assert (run.name, run.lane, run.source) == (TASKS[kind], "queued", "api")
                assert (run.message, run.chat) == (result["message_id"], result["session_id"])
                # Once more when it has long ended: neither asked nor answered again.
                app.send_task(task, places, named, task_id=sent.id)
                await becomes(lambda run=run: gone(there, run.id), "it was looked at")  # type: ignore[misc]
                assert (await meta_of(app, sent.id, "SUCCESS"))["result"] == result
                assert len(models.completions) == number
            assert len(await there.client.chats.list_chats()) == len(CALLS)

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


async def gone(there: World, run: str) -> bool:
    return not await there.engine.background.holds(run)


def test_a_query_tells_its_progress_and_its_tools_and_no_thread_waits_for_it(
    tmp_path: Path, models: ModelServer
) -> None:
    call = Behaviour(calls=(("calculate", '{"expression": "1+1"}'),))

    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            end = Behaviour(text="It is two.", pause_after=1)
            models.queue(call, end)
            events = there.client.events()
            sent = app.send_task(QUERY, ("What is 1+1?",))
            wanted = is_text("It")
            async for event in events:
                if wanted(event):
                    break
            meta = await meta_of(app, sent.id, "PROGRESS")
            assert set(meta["result"]) == {"status", "progress"}
            assert meta["result"]["status"]
            assert await gone(there, sent.id)  # acknowledged, while it is being written
            models.release()
            result = (await meta_of(app, sent.id, "SUCCESS"))["result"]
            assert result["response"].startswith("It is two.")
            assert result["tools_used"] == ["Calculator"]

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_query_that_fails_is_cancelled_or_says_nothing_is_told_as_such(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            models.queue("401")
            failed = app.send_task(QUERY, ("Why?",))
            meta = await meta_of(app, failed.id, "FAILURE")
            assert "key" in str(meta["result"])
            for wrong in ({"query": "  "}, {"query": "x", "query_type": "astrology"}, {}):
                sent = app.send_task(QUERY, (), wrong)
                assert str((await meta_of(app, sent.id, "FAILURE"))["result"])
            models.queue("500")
            tried = app.send_task(QUERY, ("Why?",))
            meta = await meta_of(app, tried.id, "RETRY")
            await there.client.jobs.cancel(tried.id)
            await meta_of(app, tried.id, "REVOKED")
            assert len(models.completions) == 2

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_tasks_that_follow_a_query_begin_with_its_end(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            first = app.signature(QUERY, ("Why?",))
            then = app.signature("echo_bot.echo", kwargs={"text": "after"}, immutable=True)
            after = chain(first, then, app=app).apply_async()
            assert (await meta_of(app, after.id, "SUCCESS"))["result"] == "after"
            assert (await meta_of(app, after.parent.id, "SUCCESS"))["result"]["response"] == ANSWER
            (run,) = [r for r in await there.client.jobs.list_runs() if r.kind == "answer"]
            echo = await there.client.jobs.get(after.id)
            assert run.ended is not None and echo.started is not None
            assert run.ended <= echo.started

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_query_of_somebody_else_is_in_nobody_elses_chats(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            sent = app.send_task(QUERY, ("Mine",), {"user_id": "ann"})
            await meta_of(app, sent.id, "SUCCESS")
        assert await there.client.chats.list_chats() == ()
        (chat,) = await there.engine.services("ann").chats.list_chats()
        assert chat.title == "Mine"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_a_query_that_the_end_of_the_program_broke_off_ends_after_the_next_start(
    tmp_path: Path, models: ModelServer
) -> None:
    with client_of(tmp_path) as app:
        with engine_in(tmp_path, models=models, background=True) as there:

            async def begin(there: World) -> str:
                models.queue(Behaviour(text="one two three ", pause_after=2))
                events = there.client.events()
                sent = app.send_task(QUERY, ("Why?",))
                wanted = is_text("two")
                async for event in events:
                    if wanted(event):
                        break
                return str(sent.id)

            task = there.run(begin)
        models.queue(Behaviour(text="and the end"))
        with engine_in(tmp_path, models=models, background=True) as there:

            async def end(there: World) -> None:
                result = (await meta_of(app, task, "SUCCESS"))["result"]
                assert result["response"] == "one two and the end"

            there.run(end)
