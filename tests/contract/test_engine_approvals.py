"""Calls that need a person's word: parked, held by nobody, made once, also after kill -9."""

import asyncio
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in, module
from tests.support.mailing import MAILING, asked, calling, sent
from tests.support.model_server import Behaviour, ModelServer
from tests.support.others import other_on
from tests.support.processes import kill
from tests.support.queued import LONG
from tests.support.worlds import World
from worker.contract.errors import Conflict, InvalidInput
from worker.contract.types import Message
from worker.service.approvals import UNKNOWN
from worker.service.parking import WAITS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "mailing", MAILING)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mails"


async def last(there: World, chat: str) -> Message:
    return (await there.client.chats.page(chat)).messages[-1]


def test_an_answer_in_a_chat_waits_holds_nothing_and_goes_on_when_the_person_agrees(
    home: Path, file: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        await there.engine.modules_ready()
        models.queue(calling(file))
        begun = await there.client.chats.send(None, "Mail Ann")
        (waits,) = await asked(there)
        assert (waits.tool, waits.run, waits.chat) == ("mailing.send", begun.run, begun.chat.id)
        assert waits.why.startswith("Sends a mail (mailing.send: ")
        assert waits.arguments["to"] == "Ann"
        run = await there.client.jobs.get(begun.run)
        assert (run.state, run.progress_text) == ("PENDING", WAITS)
        await there.engine.answers.wait(begun.run)
        assert there.engine.answers.count == 0
        (call,) = (await last(there, begun.chat.id)).tools
        assert call.state == "running"
        assert sent(file) == []
        models.queue(Behaviour(text="It said: "))
        told = await there.client.approvals.answer(waits.id, "once")
        assert (told.verdict, told.expired) == ("once", False)
        answer = await there.answered(begun)
        assert (answer.state, answer.text) == ("complete", "It said: Sent to Ann")
        assert [one.state for one in answer.tools] == ["done"]
        assert sent(file) == ["Ann"]
        # Once was once.
        models.queue(calling(file))
        again = await there.client.chats.send(begun.chat.id, "Again")
        (second,) = await asked(there)
        with pytest.raises(Conflict):
            await there.client.approvals.answer(waits.id, "deny")
        await there.client.approvals.answer(second.id, "deny", "Call her")
        answer = await there.answered(again)
        assert "did not allow" in answer.text and "Call her" in answer.text
        assert [one.state for one in answer.tools] == ["failed"]
        assert sent(file) == ["Ann"]

    with engine_in(home, models=models) as there:
        there.run(test)


def test_the_other_calls_of_the_turn_are_made_and_not_made_again(
    home: Path, file: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        await there.engine.modules_ready()
        how = calling(file)
        other = ("calculate", '{"expression": "6 * 7"}')
        twice = (other, how.calls[0], calling(file, to="Bob").calls[0])
        models.queue(Behaviour(calls=twice))
        begun = await there.client.chats.send(None, "Mail both", use_celery=False)
        one, two = await asked(there, 2)
        assert {one.arguments["to"], two.arguments["to"]} == {"Ann", "Bob"}
        tools = (await last(there, begun.chat.id)).tools
        assert [t.state for t in tools] == ["done", "running", "running"]
        await there.client.approvals.answer(two.id, "once")
        assert [w.id for w in await there.client.approvals.waiting()] == [one.id]
        models.queue(Behaviour(text="It said: "))
        await there.client.approvals.answer(one.id, "once")
        answer = await there.answered(begun)
        assert sorted(sent(file)) == ["Ann", "Bob"]
        assert answer.text.startswith("It said: 6 * 7 = 42 | ")
        assert len(answer.tools) == 3

    with engine_in(home, models=models) as there:
        there.run(test)


def test_always_is_for_that_tool_until_it_is_taken_back(
    home: Path, file: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        await there.engine.modules_ready()
        models.queue(calling(file))
        begun = await there.client.chats.send(None, "Mail Ann")
        (waits,) = await asked(there)
        with pytest.raises(InvalidInput):
            await there.client.approvals.answer(waits.id, "perhaps")  # type: ignore[arg-type]
        await there.client.approvals.answer(waits.id, "always")
        await there.answered(begun)
        assert await there.client.approvals.always() == ("mailing.send",)
        # However it is called.
        given = f'{{"name": "mailing.send", "arguments": {{"file": "{file}", "to": "Bob"}}}}'
        models.queue(Behaviour(calls=(("run_task", given),)))
        second = await there.client.chats.send(None, "Mail Bob")
        await there.answered(second)
        assert await there.client.approvals.waiting() == ()
        await there.client.approvals.revoke("mailing.send")
        models.queue(Behaviour(calls=(("run_task", given),)))
        third = await there.client.chats.send(None, "Mail Bob again")
        (waits,) = await asked(there)
        assert waits.tool == "mailing.send"
        await there.client.chats.stop(third.run)

    with engine_in(home, models=models) as there:
        there.run(test)
    assert "Ann" in sent(file)


def test_stopping_a_parked_answer_leaves_nothing_to_answer(
    home: Path, file: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        await there.engine.modules_ready()
        models.queue(calling(file))
        begun = await there.client.chats.send(None, "Mail Ann")
        (waits,) = await asked(there)
        assert (await there.client.jobs.cancel(begun.run)).state == "REVOKED"
        answer = await last(there, begun.chat.id)
        assert (answer.state, answer.tools[0].state) == ("stopped", "failed")
        assert (await there.client.approvals.get(waits.id)).expired
        assert await there.client.approvals.waiting() == ()
        with pytest.raises(Conflict):
            await there.client.approvals.answer(waits.id, "once")
        assert sent(file) == []

    with engine_in(home, models=models) as there:
        there.run(test)


def test_one_call_that_waits_is_not_taken_for_several(
    home: Path, file: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue(calling(file))
        begun = await there.client.chats.send(None, "Mail Ann")
        await asked(there)
        assert (await there.client.jobs.get(begun.run)).lane == "now"
        await there.client.chats.stop(begun.run)

    with engine_in(home, models=models, background=True) as there:
        there.run(test)


def test_recovery_leaves_a_parked_answer_alone_and_a_message_does_not_begin_it(
    home: Path, file: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        models.queue(calling(file))
        begun = await there.client.chats.send(None, LONG)
        await asked(there)
        assert await there.engine.maintenance.recover() == 0
        await there.engine.background.send("local", "process_ai_query_task", begun.run)
        await becomes(lambda: _taken(there, begun.run), "the message was looked at")
        run = await there.client.jobs.get(begun.run)
        assert (run.state, run.attempts) == ("PENDING", 1)
        (waits,) = await there.client.approvals.waiting()
        models.queue(Behaviour(text="It said: "))
        await there.client.approvals.answer(waits.id, "once")
        assert (await there.answered(begun)).text == "It said: Sent to Ann"
        assert sent(file) == ["Ann"]

    with engine_in(home, models=models, background=True) as there:
        there.run(test)


async def _taken(there: World, run: str) -> bool:
    return not await there.engine.background.holds(run)


def test_a_parked_answer_goes_on_where_it_was_after_kill_9_and_a_restart(
    home: Path, file: Path, models: ModelServer
) -> None:
    with other_on(home, models) as other:

        async def park() -> None:
            models.queue(calling(file))
            await other.do("client.chats.send(None, 'Mail Ann', provider='openai', model='fast')")
            await becomes(lambda: other.do("client.approvals.waiting()"), "it waits")

        asyncio.run(park())
        kill(other.process)  # type: ignore[arg-type]
    with engine_in(home, models=models, background=True) as there:

        async def test(there: World) -> None:
            (waits,) = await there.client.approvals.waiting()
            models.queue(Behaviour(text="It said: "))
            await there.client.approvals.answer(waits.id, "once")
            run = await there.ended(waits.run)
            assert run.state == "SUCCESS"
            answer = await last(there, str(run.chat))
            assert answer.text == "It said: Sent to Ann"
            # The model saw its own call and the result, as though nothing had happened.
            roles = [m["role"] for m in models.completions[-1].messages]
            assert roles[-3:] == ["user", "assistant", "tool"]

        there.run(test)
    assert sent(file) == ["Ann"]


def test_a_call_that_was_made_before_kill_9_is_not_made_again(
    home: Path, file: Path, models: ModelServer
) -> None:
    with other_on(home, models) as other:

        async def half() -> None:
            models.queue(calling(file))
            await other.do("client.chats.send(None, 'Mail Ann', provider='openai', model='fast')")
            (waits,) = await becomes(lambda: other.do("client.approvals.waiting()"), "it waits")
            models.queue("half")
            name = waits.split("id='")[1].split("'")[0]
            await other.do(f"client.approvals.answer({name!r}, 'once')")
            await becomes(lambda: other.do("last_text(client)"), "the first words")

        asyncio.run(half())
        kill(other.process)  # type: ignore[arg-type]
    models.queue(Behaviour(text="and the end"))
    with engine_in(home, models=models, background=True) as there:

        async def test(there: World) -> None:
            (run,) = await there.client.jobs.list_runs(kinds=("answer",))
            assert (await there.ended(run.id)).state == "SUCCESS"
            answer = await last(there, str(run.chat))
            assert answer.text.startswith("one two three") and "and the end" in answer.text
            roles = [m["role"] for m in models.completions[-1].messages]
            assert roles[-4:] == ["assistant", "tool", "assistant", "user"]

        there.run(test)
    assert sent(file) == ["Ann"]


def test_a_call_of_which_nobody_knows_whether_it_was_made_is_not_made_again(
    home: Path, file: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        await there.engine.modules_ready()
        models.queue(calling(file))
        begun = await there.client.chats.send(None, "Mail Ann")
        (waits,) = await asked(there)
        # As a process leaves it that is killed while it makes the call.
        assert await there.engine.storage.begin_call("local", waits.id, there.engine.now())
        models.queue(Behaviour(text="It said: "))
        await there.client.approvals.answer(waits.id, "once")
        assert UNKNOWN in (await there.answered(begun)).text
        assert sent(file) == []

    with engine_in(home, models=models) as there:
        there.run(test)


def test_a_schedule_is_made_by_the_assistant_only_after_the_person_agreed_each_time(
    home: Path, models: ModelServer
) -> None:
    call = (
        "create_routine",
        '{"title": "News", "prompt": "What is new?", "cron": "30 8 * * 1-5", "zone": "UTC"}',
    )

    async def test(there: World) -> None:
        models.queue(Behaviour(calls=(call,)))
        begun = await there.client.chats.send(None, "Each weekday at 8:30, tell me what is new")
        (waits,) = await asked(there)
        assert "What is new?" in waits.why and waits.why.count("08:30") == 3
        assert not waits.may_always
        assert await there.client.routines.list_routines() == ()
        with pytest.raises(InvalidInput):
            await there.client.approvals.answer(waits.id, "always")
        await there.client.approvals.answer(waits.id, "once")
        answer = await there.answered(begun)
        assert "“News” was made" in answer.text
        (made,) = await there.client.routines.list_routines()
        assert (made.prompt, made.cron, made.zone) == ("What is new?", "30 8 * * 1-5", "UTC")
        # What makes no sense is told to the model, and nobody is asked.
        models.queue(Behaviour(calls=(("create_routine", '{"prompt": "x", "cron": "no"}'),)))
        second = await there.client.chats.send(None, "Nonsense")
        assert "makes no sense" in (await there.answered(second)).text
        models.queue(Behaviour(calls=(("list_routines", "{}"),)))
        third = await there.client.chats.send(None, "What runs by itself?")
        assert "News (30 8 * * 1-5, UTC" in (await there.answered(third)).text

    with engine_in(home, models=models) as there:
        there.run(test)
