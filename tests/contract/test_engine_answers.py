"""Answers through a real engine, a real model server, a real database: what is kept, and when."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.engines import engine_in, until
from tests.support.half import begun, run
from tests.support.model_server import ANSWER, BEHAVIOURS, Behaviour, ModelServer
from tests.support.worlds import World
from worker.contract.errors import Conflict
from worker.contract.events import AnswerDelta, ChatChanged, MessageChanged, RunChanged
from worker.contract.types import FINAL_STATES, Sent

# every error is a card -------------------------------------------------------------------

ERRORS = {
    "401": ("wrong_key", "failed", "models"),
    "403": ("wrong_key", "failed", "models"),
    "429": ("rate_limited", "failed", "wait"),
    "no-credit": ("no_credit", "failed", None),
    "402": ("no_credit", "failed", None),
    "404": ("model_unknown", "failed", "choose_model"),
    "nowhere-to-be-found": ("model_unknown", "failed", "choose_model"),
    "too-long": ("too_long", "failed", None),
    "400": ("refused", "failed", None),
    "500": ("server_error", "failed", "retry"),
    "503": ("server_error", "failed", "retry"),
    "stream-error": ("server_error", "interrupted", None),
    "cut": ("cut", "interrupted", "continue"),
    "cut-early": (None, "failed", "retry"),
    "garbage": (None, "failed", None),
    "garbage-stream": ("not_a_stream", "failed", None),
    "garbage-mid": (None, "interrupted", None),
    "html": ("not_a_stream", "failed", None),
    "empty": ("not_a_stream", "failed", None),
    "plain-json": ("not_a_stream", "failed", None),
    "no-finish": (None, "interrupted", None),
    "mute": ("timeout", "failed", "retry"),
    "mute-mid": ("timeout", "interrupted", None),
}


@pytest.mark.parametrize("model", ERRORS)
def test_an_error_of_the_server_ends_as_a_stored_card_that_keeps_what_came(
    tmp_path: Path, models: ModelServer, model: str
) -> None:
    kind, state, action = ERRORS[model]
    quick = {"NAGATHA_MODELS_CHUNK_TIMEOUT": "1"}

    async def test(there: World) -> None:
        events = there.client.events()
        sent = await there.client.chats.send(None, "Ask", model=model, provider="openai")
        answer = await there.answered(sent)
        assert (answer.state, answer.error is not None) == (state, True)
        assert answer.error is not None
        assert kind in (None, answer.error.kind) and action in (None, answer.error.action)
        assert answer.error.title and answer.error.remedy
        assert bool(answer.text) == (state == "interrupted")
        told = ""
        async for event in events:
            if isinstance(event, AnswerDelta):
                told += event.text
            if isinstance(event, MessageChanged) and event.message.state == state:
                assert event.message == answer
                break
        assert answer.text.startswith(told) and (not answer.text or told)
        ended = await there.client.jobs.get(sent.run)
        assert ended.state == ("INTERRUPTED" if state == "interrupted" else "FAILURE")
        assert ended.error == answer.error
        assert not (await there.client.chats.get(sent.chat.id)).running

    with engine_in(tmp_path, models=models, environ=quick) as there:
        run(there, test)
    # The same after a new start.
    with engine_in(tmp_path, models=models) as there:

        async def again(there: World) -> None:
            (chat,) = await there.client.chats.list_chats()
            _, answer = await there.client.chats.tree(chat.id)
            assert answer.state == state and answer.error is not None

        run(there, again)


def test_a_server_that_is_not_there_is_a_card_of_its_own(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-x-0123456789", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}

    async def test(there: World) -> None:
        answer = await there.answered(await there.client.chats.send(None, "Ask", model="fast"))
        assert answer.state == "failed" and answer.error is not None
        assert answer.error.kind == "no_network"

    with engine_in(tmp_path, environ=environ) as there:
        run(there, test)


def test_a_chat_whose_provider_is_gone_says_so_and_asks_no_other(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        answer = await there.answered(
            await there.client.chats.send(None, "Ask", provider="gone", model="fast")
        )
        assert answer.state == "failed" and answer.error is not None
        assert "gone" in str(answer.error) and not models.completions

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


# stop ------------------------------------------------------------------------------------


def test_stop_keeps_what_came_and_resume_appends_to_it(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        sent = await begun(there)
        await chats.stop(sent.run)
        stopped = await chats.message(sent.answer.id)
        assert (stopped.state, stopped.error) == ("stopped", None)
        assert stopped.text.strip() == "one two three"
        assert (stopped.provider, stopped.model) == ("openai", "half")
        assert (await there.client.jobs.get(sent.run)).state == "REVOKED"
        await chats.stop(sent.run)  # twice is harmless
        models.queue(Behaviour(text="and the end"))
        going = await chats.resume(stopped.id)
        assert (going.answer.id, going.question) == (stopped.id, None)
        assert going.answer.text == stopped.text and going.run != sent.run
        whole = await there.answered(going)
        assert whole.state == "complete" and whole.text == stopped.text + "and the end"
        assert whole.siblings == (whole.id,)
        # What both calls used is recorded, and added up in the message.
        now = there.engine.now()
        used = await there.client.usage.summary(now - timedelta(hours=1), now + timedelta(hours=1))
        assert used.requests == 2 and whole.usage is not None
        assert (used.input, used.output) == (whole.usage.input, whole.usage.output)

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


def test_stop_right_after_send_ends_the_answer_before_it_began(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        for _ in range(5):
            sent = await there.client.chats.send(None, "Quick", model="half", provider="openai")
            async with asyncio.timeout(60):
                await there.client.chats.stop(sent.run)
            assert (await there.client.chats.message(sent.answer.id)).state == "stopped"
            assert (await there.client.jobs.get(sent.run)).state == "REVOKED"
            assert not (await there.client.chats.get(sent.chat.id)).running

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


def test_an_answer_is_stopped_from_another_process(tmp_path: Path, models: ModelServer) -> None:
    with engine_in(tmp_path, models=models) as one, engine_in(tmp_path, role="cli") as other:
        sent = one.run(begun)

        async def stop(other: World) -> None:
            await other.client.chats.stop(sent.run)

        async def stopped(one: World) -> None:
            answer = await one.answered(sent)
            assert answer.state == "stopped" and answer.text.strip() == "one two three"

        other.run(stop)
        one.run(stopped)


def test_deleting_a_chat_stops_its_answer(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        sent = await begun(there)
        assert (await there.client.chats.delete(sent.chat.id)).running is False
        answer = await there.client.chats.message(sent.answer.id)
        assert answer.state == "stopped" and answer.text.strip() == "one two three"
        with pytest.raises(Conflict):
            await there.client.chats.send(sent.chat.id, "More")

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


@pytest.mark.parametrize("background", [False, True])
def test_an_answer_at_the_end_of_the_program_is_interrupted_with_what_came(
    tmp_path: Path, models: ModelServer, background: bool
) -> None:
    with engine_in(tmp_path, models=models, background=background) as there:
        sent = there.run(begun)

    async def test(there: World) -> None:
        answer = await there.client.chats.message(sent.answer.id)
        assert answer.state == "interrupted" and answer.text.strip() == "one two three"
        assert (await there.client.jobs.get(sent.run)).state == "INTERRUPTED"
        models.queue(Behaviour(text="the rest"))
        whole = await there.answered(await there.client.chats.resume(answer.id))
        assert whole.state == "complete" and whole.text == answer.text + "the rest"

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


def test_an_answer_sent_while_the_program_ends_is_interrupted(
    tmp_path: Path, models: ModelServer
) -> None:
    with engine_in(tmp_path, models=models) as there:

        async def send(there: World) -> Sent:
            await there.engine.answers.aclose()
            sent = await there.client.chats.send(None, "Late", model="half", provider="openai")
            await there.engine.answers.aclose()
            return sent

        sent = there.run(send)

    async def test(there: World) -> None:
        assert (await there.client.chats.message(sent.answer.id)).state == "interrupted"

    with engine_in(tmp_path) as there:
        run(there, test)
    assert not models.completions


# the tree --------------------------------------------------------------------------------


def test_retry_and_edit_make_versions_and_all_of_them_stay(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        first = await chats.send(None, "Question", model="echo", provider="openai")
        answer = await there.answered(first)
        other = await there.answered(await chats.retry(answer.id, model="fast", provider="openai"))
        assert (other.version, other.versions) == (2, 2) and other.text == ANSWER
        assert first.question is not None
        edited = await chats.edit(first.question.id, "Asked otherwise")
        assert edited.question is not None
        await there.answered(edited)
        assert edited.question.siblings == (first.question.id, edited.question.id)
        assert len(await chats.tree(first.chat.id)) == 5
        page = await chats.select(answer.id)
        assert [m.id for m in page.messages] == [first.question.id, answer.id]
        # What is asked next goes on from the branch that is shown, and from no other.
        await there.answered(await chats.send(first.chat.id, "More", model="echo"))
        said = [m["content"] for m in models.completions[-1].messages if m["role"] == "user"]
        assert said == ["Question", "More"]

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


def test_two_sends_at_once_in_one_chat_are_one_answer_and_one_conflict(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chat = await there.client.chats.create("Busy")
        send = there.client.chats.send
        results = await asyncio.gather(
            *(send(chat.id, f"At once {n}", model="half", provider="openai") for n in range(4)),
            return_exceptions=True,
        )
        sent = [one for one in results if isinstance(one, Sent)]
        assert len(sent) == 1
        assert all(isinstance(one, Sent | Conflict) for one in results)
        for refused in (
            there.client.chats.send(chat.id, "Another"),
            there.client.chats.retry(sent[0].answer.id),
            there.client.chats.select(sent[0].answer.id),
        ):
            with pytest.raises(Conflict):
                await refused
        assert len(await there.client.chats.tree(chat.id)) == 2
        await there.client.chats.stop(sent[0].run)

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


def test_an_answer_that_is_resumed_twice_at_once_goes_on_once(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chats = there.client.chats
        sent = await begun(there)
        await chats.stop(sent.run)
        models.queue(Behaviour(text="end"), Behaviour(text="end"))
        results = await asyncio.gather(
            chats.resume(sent.answer.id), chats.resume(sent.answer.id), return_exceptions=True
        )
        (going,) = [one for one in results if isinstance(one, Sent)]
        whole = await there.answered(going)
        assert whole.text.count("end") == 1 and len(await chats.tree(sent.chat.id)) == 2

    with engine_in(tmp_path, models=models) as there:
        run(there, test)


# titles and usage ------------------------------------------------------------------------


async def title_ended(there: World, chat: str) -> None:
    await until(
        there,
        lambda event: (
            isinstance(event, RunChanged)
            and event.run.kind == "title"
            and event.run.chat == chat
            and event.run.state in FINAL_STATES
        ),
    )


def test_a_chat_finds_its_title_and_the_call_is_recorded_as_one_for_a_title(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue("fast", "title")
        sent = await there.client.chats.send(None, "What is the sense of all this?")
        assert sent.chat.title.startswith("What is the sense")
        await there.answered(sent)
        await title_ended(there, sent.chat.id)
        chat = await there.client.chats.get(sent.chat.id)
        assert (chat.title, chat.titled_by) == ("A title of its own", "model")
        # The second answer in it asks for none.
        await there.answered(await there.client.chats.send(chat.id, "More"))
        assert len(models.completions) == 3

    with engine_in(tmp_path, models=models, titles=True) as there:
        run(there, test)
    records = _usage(tmp_path)
    assert sorted(purpose for purpose, *_ in records) == ["answer", "answer", "title"]
    assert all(provider == "openai" and tokens > 0 for _, provider, tokens in records)


def _usage(folder: Path) -> list[tuple[str, str, int]]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / "nagatha.db")) as db:
        return db.execute("SELECT purpose, provider, output FROM usage").fetchall()


def test_a_title_that_cannot_be_found_leaves_the_first_words(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue("fast", "500")
        sent = await there.client.chats.send(None, "First words stay")
        await there.answered(sent)
        await title_ended(there, sent.chat.id)
        chat = await there.client.chats.get(sent.chat.id)
        assert (chat.title, chat.titled_by) == ("First words stay", "")
        (failed,) = await there.client.jobs.list_runs(states=("FAILURE",))
        assert failed.kind == "title" and failed.error is not None
        # Renaming to nothing lets the model try again.
        models.queue("title")
        await there.client.chats.rename(chat.id, "  ")
        await until(there, lambda e: isinstance(e, ChatChanged) and e.chat.titled_by == "model")

    with engine_in(tmp_path, models=models, titles=True) as there:
        run(there, test)


def test_a_title_given_by_a_person_is_not_overwritten(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        models.queue("fast", replace(BEHAVIOURS["title"], pause_after=1))
        sent = await there.client.chats.send(None, "Name it")
        await there.answered(sent)
        await asyncio.to_thread(models.wait_for, 2)
        await there.client.chats.rename(sent.chat.id, "Mine")
        models.release()
        await title_ended(there, sent.chat.id)
        chat = await there.client.chats.get(sent.chat.id)
        assert (chat.title, chat.titled_by) == ("Mine", "person")

    with engine_in(tmp_path, models=models, titles=True) as there:
        run(there, test)


def test_a_title_that_is_looked_for_at_the_end_of_the_program_is_given_up(
    tmp_path: Path, models: ModelServer
) -> None:
    with engine_in(tmp_path, models=models, titles=True) as there:

        async def test(there: World) -> None:
            models.queue("fast", "mute")
            await there.answered(await there.client.chats.send(None, "Name it"))
            await asyncio.to_thread(models.wait_for, 2)

        run(there, test)

    async def after(there: World) -> None:
        (left,) = await there.client.jobs.list_runs(states=("INTERRUPTED",))
        assert left.kind == "title"

    with engine_in(tmp_path) as there:
        run(there, after)


def test_every_round_of_an_answer_with_tools_is_recorded(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        answer = await there.answered(await there.client.chats.send(None, "Ask", model="tools"))
        assert answer.state == "complete" and "42" in answer.text
        assert [tool.state for tool in answer.tools] == ["done", "done"]

    with engine_in(tmp_path, models=models) as there:
        run(there, test)
    assert len(_usage(tmp_path)) == len(models.completions) == 2
