"""Answers on a disk that fills up, with files, and without a model: what is kept, and when."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from tests.support.engines import Failing, becomes, engine_in
from tests.support.half import PIXEL, run
from tests.support.model_server import ANSWER, ModelServer
from tests.support.worlds import World
from worker.contract.errors import StorageError
from worker.contract.events import AnswerDelta, MessageChanged
from worker.contract.types import Message, Sent
from worker.storage.base import Storage
from worker.storage.memory import MemoryStorage
from worker.storage.sqlite.store import SqliteStorage

# the disk is full ------------------------------------------------------------------------


@contextmanager
def failing(folder: Path, models: ModelServer, kind: str) -> Iterator[tuple[World, Failing]]:
    inner: Storage = (
        MemoryStorage()
        if kind == "memory"
        else SqliteStorage(folder / "nagatha.db", folder / "backups")
    )
    storage = Failing(inner)
    with engine_in(folder, models=models, storage=cast(Storage, storage)) as there:
        yield there, storage
        storage.mend()


KINDS = pytest.mark.parametrize("kind", ["memory", "sqlite"])


async def seen_until_the_end(there: World, sent: Sent, events: object) -> tuple[str, Message]:
    """The text that was shown, and the message that ended it."""
    shown = ""
    async for event in events:  # type: ignore[attr-defined]
        if isinstance(event, AnswerDelta) and event.message == sent.answer.id:
            assert event.offset == len(shown)
            shown += event.text
        ended = isinstance(event, MessageChanged) and event.message.state != "streaming"
        if ended and event.message.id == sent.answer.id:
            return shown, event.message
    raise AssertionError("the events ended")


@KINDS
def test_a_disk_that_fills_up_in_mid_answer_shows_nothing_that_is_not_kept(
    tmp_path: Path, models: ModelServer, kind: str, expect_log_errors: object
) -> None:
    async def test(there: World) -> None:
        storage.after["append_text"] = 2
        storage.broken.add("finish_answer")
        events = there.client.events()
        sent = await there.client.chats.send(None, "Much", model="steady", provider="openai")
        shown, card = await seen_until_the_end(there, sent, events)
        assert shown and card.state == "interrupted" and card.text == shown
        assert card.error is not None and card.error.kind == "disk_full"
        kept = await there.client.chats.message(sent.answer.id)
        assert kept.text == shown
        # The server is not listened to any more.
        assert await asyncio.to_thread(models.completions[0].gone.wait, 10)
        # While it is full, asking again says so; then it works, and all that came is there.
        with pytest.raises(StorageError):
            await there.client.chats.retry(sent.answer.id)
        storage.mend()
        again = await there.client.chats.retry(sent.answer.id, model="fast", provider="openai")
        assert (await there.answered(again)).state == "complete"
        first = await there.client.chats.message(sent.answer.id)
        assert first.state == "interrupted" and first.text.startswith(shown)
        assert first.error is not None and first.error.kind == "disk_full"
        assert (await there.client.jobs.get(sent.run)).state == "INTERRUPTED"

    with failing(tmp_path, models, kind) as (there, storage):
        run(there, test)


@KINDS
def test_an_end_that_cannot_be_stored_is_stored_as_soon_as_there_is_room(
    tmp_path: Path, models: ModelServer, kind: str, expect_log_errors: object
) -> None:
    async def test(there: World) -> None:
        storage.broken.add("finish_answer")
        events = there.client.events()
        sent = await there.client.chats.send(None, "Ask", model="fast", provider="openai")
        shown, card = await seen_until_the_end(there, sent, events)
        assert card.state == "interrupted" and card.text == shown == ANSWER
        storage.mend()
        assert await there.engine.answers.settle() == 1
        assert await there.engine.answers.settle() == 0
        answer = await there.answered(sent)
        assert (answer.state, answer.text, answer.error) == ("complete", ANSWER, None)
        now = there.engine.now()
        used = await there.client.usage.summary(now - timedelta(1), now + timedelta(1))
        assert used.requests == 1

    with failing(tmp_path, models, kind) as (there, storage):
        run(there, test)


def test_an_end_that_was_never_stored_is_an_interrupted_answer_at_the_next_start(
    tmp_path: Path, models: ModelServer, expect_log_errors: object
) -> None:
    with engine_in(
        tmp_path,
        models=models,
        storage=cast(
            Storage,
            storage := Failing(SqliteStorage(tmp_path / "nagatha.db", tmp_path / "backups")),
        ),
    ) as there:

        async def test(there: World) -> Sent:
            storage.broken |= {"finish_answer"}
            events = there.client.events()
            sent = await there.client.chats.send(None, "Ask", model="fast", provider="openai")
            await seen_until_the_end(there, sent, events)
            return sent

        sent = there.run(test)

    async def after(there: World) -> None:
        answer = await there.client.chats.message(sent.answer.id)
        assert answer.state == "interrupted" and answer.text == ANSWER

    with engine_in(tmp_path) as there:
        run(there, after)


@KINDS
def test_a_question_that_cannot_be_stored_is_not_asked(
    tmp_path: Path, models: ModelServer, kind: str
) -> None:
    async def test(there: World) -> None:
        storage.broken.add("begin_answer")
        with pytest.raises(StorageError) as caught:
            await there.client.chats.send(None, "Ask")
        assert caught.value.kind == "disk_full"
        assert await there.client.chats.list_chats() == () and not models.completions

    with failing(tmp_path, models, kind) as (there, storage):
        run(there, test)


@KINDS
def test_a_title_that_cannot_be_stored_spoils_nothing(
    tmp_path: Path, models: ModelServer, kind: str
) -> None:
    async def test(there: World) -> None:
        storage.broken.add("add_run")
        sent = await there.client.chats.send(None, "Ask", model="fast", provider="openai")
        assert (await there.answered(sent)).state == "complete"

        async def tried() -> bool:
            return "add_run" in storage.failed

        await becomes(tried, "a title was looked for")

    inner: Storage = MemoryStorage()
    if kind == "sqlite":
        inner = SqliteStorage(tmp_path / "nagatha.db", tmp_path / "backups")
    storage = Failing(inner)
    with engine_in(tmp_path, models=models, storage=cast(Storage, storage), titles=True) as there:
        run(there, test)


# what goes along -------------------------------------------------------------------------


def test_attached_text_and_pictures_reach_the_model(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        text = await chats.attach("notes.md", b"Remember the milk")
        picture = await chats.attach("dot.png", PIXEL)
        sent = await chats.send(None, "Look", (text.id, picture.id), model="fast")
        assert sent.question is not None
        assert [one.name for one in sent.question.attachments] == ["notes.md", "dot.png"]
        assert (await there.answered(sent)).state == "complete"
        content = models.completions[-1].messages[-1]["content"]
        assert "Remember the milk" in str(content) and "data:image/png;base64," in str(content)
        assert await chats.attachment(picture.id) == PIXEL
        # An edited question keeps them, unless others are named.
        assert sent.question is not None
        edited = await chats.edit(sent.question.id, "Look again")
        await there.answered(edited)
        assert "Remember the milk" in str(models.completions[-1].messages)
        bare = await chats.edit(sent.question.id, "Look at nothing", ())
        await there.answered(bare)
        assert "Remember the milk" not in str(models.completions[-1].messages)

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


def test_without_a_model_the_built_in_assistant_runs_a_task_through_the_queue(
    tmp_path: Path,
) -> None:
    async def test(there: World) -> None:
        sent = await there.client.chats.send(None, "run echo_bot.reverse text=stressed")
        answer = await there.answered(sent)
        assert answer.state == "complete" and "desserts" in answer.text
        assert (answer.provider, answer.usage) == ("builtin", None)
        (done,) = [r for r in await there.client.jobs.list_runs() if r.kind == "task"]
        assert (done.name, done.state, done.result) == ("echo_bot.reverse", "SUCCESS", "desserts")
        assert (done.source, done.attempts) == ("chat", 1)
        wrong = await there.answered(await there.client.chats.send(None, "run echo_bot.revers x=1"))
        assert wrong.state == "complete" and "echo_bot.reverse" in wrong.text

    with engine_in(tmp_path, background=True) as there:
        run(there, test)


def test_without_a_worker_the_built_in_assistant_says_so_and_queues_nothing(
    tmp_path: Path,
) -> None:
    async def test(there: World) -> None:
        await there.engine.modules_ready()
        answer = await there.answered(
            await there.client.chats.send(None, "run echo_bot.echo text=hello")
        )
        assert "No background worker" in answer.text
        assert all(r.kind == "answer" for r in await there.client.jobs.list_runs())

    with engine_in(tmp_path, role="cli") as there:
        run(there, test)
