"""The published tasks, as a Celery program elsewhere uses them: by name, with no `get`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

import worker.broker
from tests.support.engines import becomes, engine_in
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from tests.support.worlds import World


@contextmanager
def client_of(home: Path) -> Iterator[Celery]:
    url = worker.broker.broker_url(home / "queue.db")
    app = Celery(broker=url, backend=url, set_as_current=False, fixups=[])
    app.conf.task_default_queue = "nagatha"
    yield app
    app.close()


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


async def result_of(app: Celery, task: str) -> dict[str, Any]:
    async def ended() -> dict[str, Any] | None:
        meta: dict[str, Any] = await asyncio.to_thread(app.backend.get_task_meta, task, False)
        return meta if meta["status"] in ("SUCCESS", "FAILURE", "REVOKED") else None

    found: dict[str, Any] = await becomes(ended, f"an end of {task}")
    assert found["status"] == "SUCCESS", found
    result: dict[str, Any] = found["result"]
    return result


PROCESS = "process_message_with_nagatha"


def test_message_is_answered_in_a_chat_and_the_next_one_goes_on_there(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            sent = app.send_task(PROCESS, ("", "Hello there", ""))
            result = await result_of(app, sent.id)
            assert (result["success"], result["response"], result["error"]) == (True, ANSWER, None)
            chat = await there.client.chats.get(result["session_id"])
            assert chat.title == "Hello there"
            run = await there.client.jobs.get(sent.id)
            assert (run.kind, run.state, run.source) == ("answer", "SUCCESS", "api")
            kwargs = {"session_id": chat.id, "message": "And more", "user_id": "local"}
            more = await result_of(app, app.send_task(PROCESS, kwargs=kwargs).id)
            assert more["session_id"] == chat.id
            assert len(await there.client.chats.tree(chat.id)) == 4
            # A session that the other program names itself is begun under that name.
            named = await result_of(app, app.send_task(PROCESS, ("shop:4711", "Hello", "")).id)
            assert named["session_id"] == "shop:4711"
            assert (await there.client.chats.get("shop:4711")).title == "Hello"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_message_of_somebody_else_is_in_nobody_elses_chats(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            sent = app.send_task(PROCESS, ("", "Mine", "ann"))
            assert (await result_of(app, sent.id))["success"] is True
        assert await there.client.chats.list_chats() == ()
        (chat,) = await there.engine.services("ann").chats.list_chats()
        assert chat.title == "Mine"

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_message_that_comes_twice_is_one_message_with_one_answer(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            for _ in range(3):
                app.send_task(PROCESS, ("", "Once", ""), task_id="the-same")
            result = await result_of(app, "the-same")
            app.send_task(PROCESS, ("", "Once", ""), task_id="the-same")
            again = app.send_task("track_usage_metrics")
            await result_of(app, again.id)

            async def quiet() -> bool:
                return not await there.engine.background.holds("the-same")

            await becomes(quiet, "all of them were worked at")
            assert await result_of(app, "the-same") == result
        (chat,) = await there.client.chats.list_chats()
        assert [m.role for m in await there.client.chats.tree(chat.id)] == ["user", "assistant"]
        assert len(models.completions) == 1

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_message_that_fails_says_so_in_its_result(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        with client_of(tmp_path) as app:
            models.queue("401")
            result = await result_of(app, app.send_task(PROCESS, ("", "Ask", "")).id)
            assert result["success"] is False and "key" in result["error"]
            for session, text in (("no / session", "Ask"), ("", "   ")):
                wrong = await result_of(app, app.send_task(PROCESS, (session, text, "")).id)
                assert wrong["success"] is False and wrong["error"]
                assert wrong["session_id"] == session

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_message_whose_answer_the_end_of_the_program_broke_off_is_answered_after_the_next_start(
    tmp_path: Path, models: ModelServer
) -> None:
    with client_of(tmp_path) as app:
        with engine_in(tmp_path, models=models, background=True) as there:
            models.queue(Behaviour(text="one two three four ", pause_after=2))

            async def begin(there: World) -> None:
                app.send_task(PROCESS, ("", "Ask", ""), task_id="broken-off")
                await asyncio.to_thread(models.wait_for, 1)

                async def text_is_there() -> bool:
                    chats = await there.client.chats.list_chats()
                    return (
                        bool(chats) and (await there.client.chats.tree(chats[0].id))[1].text != ""
                    )

                await becomes(text_is_there, "the first words")

            there.run(begin)
        models.queue(Behaviour(text="and the rest"))
        with engine_in(tmp_path, models=models, background=True) as there:

            async def end(there: World) -> None:
                result = await result_of(app, "broken-off")
                assert result["success"] is True
                assert result["response"] == "one two and the rest"
                # Once more, when it has long been answered.
                app.send_task(PROCESS, ("", "Ask", ""), task_id="broken-off")
                await result_of(app, app.send_task("track_usage_metrics").id)
                assert await result_of(app, "broken-off") == result

            there.run(end)


def test_maintenance_and_usage_are_there_for_other_programs(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        sent = await chats.send(None, "Ask")
        answer = await there.answered(sent)
        assert answer.usage is not None
        with client_of(tmp_path) as app:
            usage = await result_of(app, app.send_task("track_usage_metrics").id)
            assert usage["success"] is True and usage["total_requests"] == 1
            assert usage["total_tokens"] == answer.usage.input + answer.usage.output
            # The model server is on this machine, where calls cost nothing.
            assert usage["total_cost"] == "0" and usage["unpriced_requests"] == 0
            done = await result_of(app, app.send_task("cleanup_memory_and_maintenance").id)
            assert done["success"] is True and done["statistics"]["messages"] == 2
            assert done["backup"] is not None
            (backup,) = await there.client.data.backups()
            assert (backup.name, backup.reason) == (done["backup"], "daily")
            again = await result_of(app, app.send_task("cleanup_memory_and_maintenance").id)
            assert again["backup"] is None

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_maintenance_removes_what_has_expired_and_keeps_the_rest(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        gone = (await chats.send(None, "Gone")).chat
        kept = (await chats.send(None, "Kept")).chat
        for chat in (gone, kept):
            await becomes(lambda c=chat: ended(there, c.id), "it is answered")  # type: ignore[misc]
        await chats.delete(gone.id)
        await chats.attach("never-sent.txt", b"text")
        first = await there.engine.maintenance.run()
        kinds = ("chats", "attachments", "runs", "events", "answers", "reminders", "firings")
        nothing = dict.fromkeys(kinds, 0)
        assert first["expired"] == nothing
        there.engine.now = lambda: _now() + timedelta(days=400)
        object.__setattr__(there.engine.maintenance, "now", there.engine.now)
        done = await there.engine.maintenance.run()
        expired = done["expired"]
        assert isinstance(expired, dict)
        assert (expired["chats"], expired["attachments"]) == (1, 1) and expired["events"] > 0
        assert [c.id for c in await chats.list_chats()] == [kept.id]
        assert len(await chats.tree(kept.id)) == 2

    from datetime import UTC, datetime

    def _now() -> datetime:
        return datetime.now(UTC)

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


async def ended(there: World, chat: str) -> bool:
    return not (await there.client.chats.get(chat)).running
