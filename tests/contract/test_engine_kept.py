"""Answers that are used again: when they are, when not, and what is said about them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.engines import engine_in, until
from tests.support.half import PIXEL, is_text
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from tests.support.worlds import World
from worker.contract.types import Message, QueryType
from worker.service.kept import LIFETIMES

QUESTION = "What is a monad?"


@dataclass
class Clock:
    """The engine's time, which goes on only when it is told to."""

    at: datetime = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def ask(
    there: World, text: str = QUESTION, chat: str | None = None, **wishes: Any
) -> Message:
    sent = await there.client.chats.send(chat, text, **wishes)
    if sent.lane == "queued":
        return await there.answered(sent)
    await there.engine.answers.wait(sent.run)
    return await there.client.chats.message(sent.answer.id)


def calls(there: World) -> int:
    return len(there.models.completions)


# used again ------------------------------------------------------------------------------


def test_the_very_same_question_is_answered_again_with_the_kept_answer_and_says_so(
    tmp_path: Path, models: ModelServer, clock: Clock
) -> None:
    async def test(there: World) -> None:
        first = await ask(there)
        assert first.cached is None and first.usage is not None
        clock.forward(minutes=12)
        again = await ask(there)
        assert (again.state, again.text, calls(there)) == ("complete", ANSWER, 1)
        assert clock.at - timedelta(minutes=13) < (again.cached or clock.at) <= clock.at
        assert (again.usage, again.error) == (None, None)
        assert (again.provider, again.model) == (first.provider, first.model)
        assert again.chat != first.chat and again.run != first.run
        run = await there.client.jobs.get(str(again.run))
        assert (run.kind, run.state) == ("answer", "SUCCESS")
        since = clock.at - timedelta(hours=1)
        used = await there.client.usage.summary(since, clock.at + timedelta(hours=1))
        assert used.requests == 1
        # It stays so after a new start, and the tree goes on from it.
        more = await ask(there, "And more?", again.chat)
        assert more.cached is None and calls(there) == 2
        assert (await there.client.chats.message(again.id)).cached == again.cached

    with engine_in(tmp_path, models=models, now=clock) as there:
        there.run(test)


def test_a_queued_question_is_answered_with_a_kept_answer_too(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        await ask(there)
        again = await ask(there, use_celery=True)
        assert again.cached is not None and again.text == ANSWER
        assert (await there.client.jobs.get(str(again.run))).lane == "queued"
        assert calls(there) == 1

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_each_kind_is_used_again_for_its_own_time(
    tmp_path: Path, models: ModelServer, clock: Clock
) -> None:
    hours: dict[QueryType, float] = {"general": 1, "medical": 2, "database": 0.5, "code": 0.5}
    assert dict(LIFETIMES) == {kind: timedelta(hours=time) for kind, time in hours.items()}

    async def test(there: World) -> None:
        for kind, time in hours.items():
            before = calls(there)
            await ask(there, query_type=kind)
            clock.forward(hours=time, seconds=-1)
            assert (await ask(there, query_type=kind)).cached is not None
            clock.forward(seconds=1)
            assert (await ask(there, query_type=kind)).cached is None
            # That one is kept in its place.
            assert (await ask(there, query_type=kind)).cached == clock.at
            assert calls(there) == before + 2

    with engine_in(tmp_path, models=models, now=clock) as there:
        there.run(test)


def test_how_the_system_is_is_asked_each_time(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        for _ in range(2):
            assert (await ask(there, query_type="system")).cached is None
        assert calls(there) == 2 and "system" not in LIFETIMES

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


# the key ---------------------------------------------------------------------------------


async def another_text(there: World, text: str) -> Message:
    return await ask(there, text + " ")


async def another_model(there: World, text: str) -> Message:
    return await ask(there, text, provider="openai", model="echo")


async def another_kind(there: World, text: str) -> Message:
    return await ask(there, text, query_type="code")


async def another_temperature(there: World, text: str) -> Message:
    await there.client.system.set_setting("models.temperature", 0.1)
    return await ask(there, text)


async def another_length(there: World, text: str) -> Message:
    await there.client.system.set_setting("models.max_tokens", 1999)
    return await ask(there, text)


async def other_instructions(there: World, text: str) -> Message:
    await there.client.system.set_setting("models.system_prompt", "Be brief.")
    return await ask(there, text)


async def other_tools(there: World, text: str) -> Message:
    await there.client.modules.disable("echo_bot")
    return await ask(there, text)


async def another_branch(there: World, text: str) -> Message:
    return await ask(there, text, (await ask(there, text)).chat)


async def a_file(there: World, text: str) -> Message:
    note = await there.client.chats.attach("note.txt", b"A note.")
    return await ask(there, text, attachments=(note.id,))


async def another_owner(there: World, text: str) -> Message:
    chats = there.engine.services("ann").chats
    sent = await chats.send(None, text)
    await there.engine.answers.wait(sent.run)
    return await chats.message(sent.answer.id)


async def another_address(there: World, text: str) -> Message:
    (known,) = there.engine.configuration.providers
    moved = replace(known, base_url=known.base_url + "/")
    there.engine.desk.book = replace(there.engine.desk.book, providers=lambda: (moved,))
    return await ask(there, text)


def test_whatever_the_answer_depends_on_makes_it_another_question(
    tmp_path: Path, models: ModelServer
) -> None:
    changes = (another_text, another_model, another_kind, another_temperature, another_length,
               other_instructions, other_tools, another_branch, a_file, another_owner,
               another_address)  # fmt: skip

    async def test(there: World) -> None:
        await there.engine.modules_ready()
        for change in changes:
            text = f"What is {change.__name__}?"
            assert (await ask(there, text)).cached is None
            before = calls(there)
            assert (await ask(there, text)).cached is not None
            assert calls(there) == before
            answer = await change(there, text)
            assert (change, answer.state, answer.cached) == (change, "complete", None)
            assert calls(there) == before + 1

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


def test_the_next_day_is_another_question_since_the_model_is_told_the_day(
    tmp_path: Path, models: ModelServer, clock: Clock
) -> None:
    async def test(there: World) -> None:
        clock.at = datetime(2026, 11, 26, 23, 50).astimezone(UTC)
        await ask(there)
        clock.forward(minutes=5)
        assert (await ask(there)).cached is not None
        clock.forward(minutes=6)
        assert (await ask(there)).cached is None

    with engine_in(tmp_path, models=models, now=clock) as there:
        there.run(test)


def test_the_same_file_attached_anew_is_the_same_question_and_another_file_is_not(
    tmp_path: Path,
) -> None:
    async def with_file(there: World, name: str, data: bytes) -> Message:
        file = await there.client.chats.attach(name, data)
        return await ask(there, attachments=(file.id,), provider="openai", model="gpt-4o-mini")

    async def test(there: World) -> None:
        assert (await with_file(there, "a.png", PIXEL)).cached is None
        assert (await with_file(there, "a.png", PIXEL)).cached is not None
        assert (await with_file(there, "a.png", PIXEL + b"\1")).cached is None
        assert (await with_file(there, "n.txt", b"one")).cached is None
        assert (await with_file(there, "n.txt", b"one")).cached is not None
        assert (await with_file(there, "m.txt", b"one")).cached is None
        assert (await with_file(there, "n.txt", b"two")).cached is None

    with (
        ModelServer(behaviours={"gpt-4o-mini": Behaviour()}) as server,
        engine_in(tmp_path, models=server) as there,
    ):
        there.run(test)


# ask again -------------------------------------------------------------------------------


def test_retry_and_the_same_question_edited_ask_the_model_again(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        await ask(there)
        used = await ask(there)
        assert used.cached is not None
        models.queue(Behaviour(text="Another answer."))
        asked = await there.answered(await chats.retry(used.id))
        assert (asked.text, asked.cached) == ("Another answer.", None)
        assert asked.siblings == (used.id, asked.id)
        # From now on this is the answer of a while ago.
        assert (await ask(there)).text == "Another answer."
        models.queue(Behaviour(text="A third answer."))
        edited = await there.answered(await chats.edit(str(asked.parent), QUESTION))
        assert (edited.text, edited.cached) == ("A third answer.", None)
        # Edited to something that was asked before, in the same place of a chat.
        other = await ask(there, "Something else")
        back = await there.answered(await chats.edit(str(other.parent), QUESTION))
        assert (back.text, back.cached is not None) == ("A third answer.", True)
        assert calls(there) == 4

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


# what is kept ----------------------------------------------------------------------------


UNKEPT = {
    "tools": Behaviour(calls=(("calculate", '{"expression": "1+1"}'),), text="Two."),
    "cut off": Behaviour(text="one two ", finish="length"),
    "filtered": Behaviour(text="one two ", finish="content_filter"),
    "an error": Behaviour(text="one two three ", cut_after=2),
    "a refusal": Behaviour(status=500, body="{}"),
}


def test_an_answer_that_is_not_whole_or_not_the_models_alone_is_not_kept(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        for name, how in UNKEPT.items():
            models.queue(how, *([how] if how.calls else []))
            await ask(there, name)
            before = calls(there)
            again = await ask(there, name)
            found = (name, again.cached, again.text, calls(there))
            assert found == (name, None, ANSWER, before + 1)

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


def test_an_answer_that_was_stopped_and_went_on_is_not_kept(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        models.queue(Behaviour(text="one two three ", pause_after=2))
        sent = await chats.send(None, QUESTION)
        await until(there, is_text("two"))
        await chats.stop(sent.run)
        whole = await there.answered(await chats.resume(sent.answer.id))
        assert whole.state == "complete"
        assert (await ask(there)).cached is None

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


def test_the_built_in_assistant_is_asked_each_time(tmp_path: Path) -> None:
    async def test(there: World) -> None:
        for _ in range(2):
            assert (await ask(there, "What can you do?")).cached is None
        assert (await there.client.data.places()).cached == 0

    with engine_in(tmp_path) as there:
        there.run(test)


def test_nothing_is_kept_or_used_where_that_was_switched_off(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        await ask(there)
        await there.client.system.set_setting("chat.reuse_answers", False)
        assert (await ask(there)).cached is None
        assert (await ask(there, "Another")).cached is None
        assert (await there.client.data.places()).cached == 1
        await there.client.system.set_setting("chat.reuse_answers", None)
        assert (await ask(there, "Another")).cached is None
        assert (await ask(there, "Another")).cached is not None

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


# forgetting ------------------------------------------------------------------------------


def test_kept_answers_are_counted_and_forgotten(
    tmp_path: Path, models: ModelServer, clock: Clock
) -> None:
    async def test(there: World) -> None:
        data = there.client.data
        await ask(there)
        await ask(there, "Something else")
        assert (await data.places()).cached == 2
        assert await data.clear_cache() == 2
        assert ((await data.places()).cached, await data.clear_cache()) == (0, 0)
        assert (await ask(there)).cached is None
        clock.forward(hours=1)
        assert (await data.places()).cached == 0  # expired, though it is still there
        done = await there.engine.maintenance.run()
        assert done["expired"]["answers"] == 1  # type: ignore[index]
        await ask(there)
        await data.delete_all()
        assert (await data.places()).cached == 0
        assert (await ask(there)).cached is None

    with engine_in(tmp_path, models=models, now=clock) as there:
        there.run(test)


def test_a_restored_database_uses_no_answer_again(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        await ask(there)
        made = await there.client.data.back_up()
        await there.client.data.restore(made.name)
        assert (await there.client.data.places()).cached == 0
        assert (await ask(there)).cached is None

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)
