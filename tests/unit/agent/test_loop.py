"""The agent's loop: with a provider by script, and with the real one over HTTP."""

import asyncio
from collections.abc import Mapping

import pytest

from tests.support.agents import (
    CONTEXT,
    Box,
    Gadget,
    Heard,
    Scripted,
    Step,
    attachment,
    branch,
    message,
)
from tests.support.answers import run
from tests.support.model_server import ANSWER, ModelServer
from worker.agent.calls import MOST_AT_ONCE, Limits
from worker.agent.context import Question
from worker.agent.loop import FILTER_NOTE, LENGTH_NOTE, Agent, AnswerEnd, Parameters
from worker.agent.prompts import ENOUGH_TOOLS, GO_ON
from worker.contract.errors import ModelError
from worker.contract.types import Usage
from worker.providers.base import CallsReady, Finished, TextDelta, ToolCall
from worker.providers.openai_compatible import OpenAICompatible
from worker.tools.base import ToolContext, ToolOutcome
from worker.tools.builtin import BuiltinTools

SAID = Usage(input=10, output=5, cached=2)
STOP = Finished("stop", SAID, "model-1")


def calls(*named: tuple[str, str], same_id: str = "") -> list[CallsReady | Finished]:
    made = tuple(ToolCall(same_id or f"c{n}", *one) for n, one in enumerate(named))
    return [CallsReady(made), Finished("tool_calls", SAID, "model-1")]


def answered(
    provider: Scripted,
    *,
    tools: Box | None = None,
    limits: Limits | None = None,
    question: Question | None = None,
    **parameters: object,
) -> tuple[AnswerEnd, Heard]:
    async def work() -> tuple[AnswerEnd, Heard]:
        heard = Heard()
        agent = Agent(provider, Parameters("m", **parameters), tools, limits)  # type: ignore[arg-type]
        return await agent.answer(question or Question(branch("Hi")), heard, CONTEXT), heard

    return run(work())


def over_http(
    server: ModelServer,
    model: str,
    *,
    question: Question | None = None,
    limits: Limits | None = None,
    **parameters: object,
) -> tuple[AnswerEnd, Heard]:
    """The same, with the real provider and the program's own tools."""

    async def work() -> tuple[AnswerEnd, Heard]:
        provider = OpenAICompatible("test", "Test", server.url, "sk-test-0123456789")
        heard = Heard()
        agent = Agent(
            provider,
            Parameters(model, chunk_timeout=1.0 if "mute" in model else 30.0, **parameters),  # type: ignore[arg-type]
            BuiltinTools(),
            limits,
        )
        try:
            asked = question or Question(branch("Hi"))
            return await agent.answer(asked, heard, CONTEXT), heard
        finally:
            await provider.aclose()

    return run(work())


async def _seven(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
    return ToolOutcome("7")


# plain answers -------------------------------------------------------------------------------


def test_answer_a_question_then_text_usage_and_end_agree(server: ModelServer) -> None:
    end, heard = over_http(server, "fast")
    assert end.text == heard.whole == ANSWER
    assert (end.state, end.reason, end.error, end.model) == ("complete", "stop", None, "fast")
    assert end.usage is not None
    assert [(usage, model) for usage, model, _ in heard.usage] == [(end.usage, "fast")]
    assert not end.usage.estimated
    assert end.seconds > 0
    assert end.notes == ()


def test_answer_without_usage_from_the_server_then_it_is_an_estimate(server: ModelServer) -> None:
    end, heard = over_http(server, "no-usage")
    assert end.usage is not None
    assert end.usage.estimated
    assert end.usage.output == -(-len(ANSWER) // 4)
    assert len(heard.usage) == 1


@pytest.mark.parametrize(
    ("model", "reason", "note"),
    [("length", "length", LENGTH_NOTE), ("filter", "content_filter", FILTER_NOTE)],
)
def test_answer_that_was_cut_off_then_a_note_says_why(
    server: ModelServer, model: str, reason: str, note: str
) -> None:
    end, heard = over_http(server, model)
    assert (end.state, end.reason, end.notes) == ("complete", reason, (note,))
    assert heard.notes == [note]


def test_answer_of_nothing_then_it_failed() -> None:
    end, _ = answered(Scripted([STOP]))
    assert (end.state, end.reason) == ("failed", "error")
    assert end.error is not None
    assert end.error.action == "retry"
    assert end.usage == SAID


def test_answer_that_was_all_thought_then_it_says_what_to_change() -> None:
    end, _ = answered(Scripted([Finished("length", SAID, "m")]))
    assert end.state == "failed"
    assert end.error is not None
    assert end.error.action == "settings"


def test_a_prompt_shortened_and_an_answer_broken_off_then_both_are_said() -> None:
    provider = Scripted([TextDelta("Half")])
    end, heard = answered(provider, question=Question(LONG), context=1000)
    assert (end.state, end.text) == ("interrupted", "Half")
    assert len(end.notes) == len(heard.notes) == 1


def test_a_prompt_shortened_in_every_round_then_it_is_said_once() -> None:
    provider = Scripted(calls(("seven", "{}")), calls(("seven", "{}")), [TextDelta("ok"), STOP])
    tools = Box(Gadget("seven", _seven))
    end, _ = answered(provider, tools=tools, question=Question(LONG), context=1000)
    assert len(end.notes) == 1


def test_blank_text_after_tools_then_the_next_words_are_still_set_apart() -> None:
    provider = Scripted(
        [TextDelta("One."), *calls(("seven", "{}"))],
        [TextDelta("\n"), TextDelta("\nTwo."), STOP],
    )
    end, heard = answered(provider, tools=Box(Gadget("seven", _seven)))
    assert end.text == heard.whole == "One.\n\nTwo."


def test_answer_filtered_away_then_it_is_refused() -> None:
    end, _ = answered(Scripted([Finished("content_filter", None, "m")]))
    assert end.error is not None
    assert end.error.kind == "refused"


# what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["cut", "mute-mid", "stream-error", "garbage-mid", "no-finish"])
def test_answer_that_breaks_off_then_the_part_stays_and_counts(
    server: ModelServer, model: str
) -> None:
    end, heard = over_http(server, model)
    assert end.state == "interrupted"
    assert end.text == heard.whole != ""
    assert end.error is not None
    assert end.error.action == "continue"
    assert end.usage is not None
    assert end.usage.estimated


@pytest.mark.parametrize("model", ["401", "mute", "html", "500"])
def test_answer_that_never_begins_then_it_failed_and_cost_nothing(
    server: ModelServer, model: str
) -> None:
    end, heard = over_http(server, model)
    assert (end.state, end.text, end.usage) == ("failed", "", None)
    assert end.error is not None
    assert heard.usage == []


def test_answer_cancelled_then_it_leaves_at_once_and_what_came_is_counted(
    server: ModelServer,
) -> None:
    async def work() -> None:
        provider = OpenAICompatible("test", "Test", server.url)
        heard = Heard()
        agent = Agent(provider, Parameters("pause"))
        task = asyncio.create_task(agent.answer(Question(branch("Hi")), heard, CONTEXT))
        await heard.began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert heard.whole
        assert [usage.estimated for usage, _, _ in heard.usage] == [True]
        assert await asyncio.to_thread(server.completions[-1].gone.wait, 10)
        await provider.aclose()

    run(work())


def test_answer_cancelled_while_a_tool_runs_then_the_tool_is_cancelled_too() -> None:
    async def work() -> None:
        running, ended = asyncio.Event(), asyncio.Event()

        async def forever(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
            running.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return ToolOutcome("")

        agent = Agent(
            Scripted(calls(("wait", "{}"))), Parameters("m"), Box(Gadget("wait", forever))
        )
        task = asyncio.create_task(agent.answer(Question(branch("Hi")), Heard(), CONTEXT))
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    run(work())


def test_a_sink_that_fails_then_its_own_exception_comes_out() -> None:
    class Broken(Heard):
        async def tool(self, use: object) -> None:
            raise OSError("the disk is full")

    async def work() -> None:
        agent = Agent(Scripted(calls(("seven", ""))), Parameters("m"), Box(Gadget("seven", _seven)))
        with pytest.raises(OSError, match="the disk is full"):
            await agent.answer(Question(branch("Hi")), Broken(), CONTEXT)

    run(work())


# tools ---------------------------------------------------------------------------------------


def test_tools_called_at_once_over_http_then_the_model_gets_all_results(
    server: ModelServer,
) -> None:
    end, heard = over_http(server, "tools")
    assert end.state == "complete"
    assert end.text.startswith("The tools have answered: ")
    assert "Saturday, 21 November 2026, 22:05 (Asia/Tokyo" in end.text
    assert "6 * 7 = 42" in end.text
    states = [(use.name, use.state) for use in heard.tools]
    assert sorted(states) == [
        ("Calculator", "done"),
        ("Calculator", "running"),
        ("Date and time", "done"),
        ("Date and time", "running"),
    ]
    assert len(heard.usage) == 2
    assert end.usage is not None
    assert end.usage.input == sum(usage.input for usage, _, _ in heard.usage)
    roles = [m["role"] for m in server.completions[-1].messages]
    assert roles == ["user", "assistant", "tool", "tool"]


def test_tools_called_wrongly_over_http_then_the_model_is_told_how(server: ModelServer) -> None:
    end, heard = over_http(server, "tools-bad")
    assert end.state == "complete"
    failed = [use.result for use in heard.tools if use.state == "failed"]
    assert len(failed) == 3
    assert any("not valid JSON" in text for text in failed)
    assert any("There is no tool nothing_like_it" in text for text in failed)
    assert any("expression" in text and "text" in text for text in failed)
    assert end.text.count("Error: ") == 3


def test_tools_called_for_ever_over_http_then_the_limit_ends_it(server: ModelServer) -> None:
    end, heard = over_http(server, "tools-forever", limits=Limits(rounds=3))
    assert end.state == "complete"
    assert end.text.startswith("Enough. ")
    assert end.notes == ("The model called tools 3 times, which is the limit.",)
    last = server.completions[-1]
    assert "tools" not in last.body
    assert last.messages[-1] == {"role": "user", "content": ENOUGH_TOOLS}
    ended = [use for use in heard.tools if use.state == "done"]
    assert len(ended) == 3
    assert len({use.id for use in heard.tools}) == 3


def test_a_tool_that_raises_then_the_model_is_told_and_goes_on() -> None:
    async def broken(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        raise RuntimeError("no paper")

    provider = Scripted(calls(("print", "{}")), [TextDelta("Sorry."), STOP])
    end, heard = answered(provider, tools=Box(Gadget("print", broken)))
    assert end.text == "Sorry."
    assert heard.tools[-1].state == "failed"
    assert provider.requests[-1].messages[-1].text == "Error: It failed: RuntimeError: no paper"


def test_a_tool_that_takes_too_long_then_it_is_stopped_and_the_others_are_not() -> None:
    async def slow(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        await asyncio.Event().wait()
        return ToolOutcome("")

    async def raises(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        raise TimeoutError

    provider = Scripted(
        calls(("slow", "{}"), ("seven", "{}"), ("raises", "{}")), [TextDelta("Done."), STOP]
    )
    tools = Box(Gadget("slow", slow), Gadget("seven", _seven), Gadget("raises", raises))
    _, heard = answered(provider, tools=tools, limits=Limits(seconds=0.5))
    results = [m.text for m in provider.requests[-1].messages[-3:]]
    assert results == [
        "Error: It took longer than 0.5 s and was stopped.",
        "7",
        "Error: It failed: something took too long within it.",
    ]
    assert {use.name: use.state for use in heard.tools} == {
        "slow": "failed",
        "seven": "done",
        "raises": "failed",
    }


def test_calls_of_one_turn_then_they_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(3)

    async def meet(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        await meeting.wait()
        return ToolOutcome("met")

    provider = Scripted(calls(*[("meet", "{}")] * 3), [TextDelta("ok"), STOP])
    end, heard = answered(provider, tools=Box(Gadget("meet", meet)), limits=Limits(seconds=30))
    assert end.state == "complete"
    assert [use.result for use in heard.tools if use.state == "done"] == ["met"] * 3


def test_a_result_that_is_too_long_then_it_is_cut_and_that_is_said() -> None:
    async def much(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        return ToolOutcome("x" * 1000)

    provider = Scripted(calls(("much", "{}")), [TextDelta("ok"), STOP])
    _, heard = answered(provider, tools=Box(Gadget("much", much)), limits=Limits(characters=10))
    told = provider.requests[-1].messages[-1].text
    assert told == "x" * 10 + "\n… (cut: the first 10 of 1000 characters)"
    assert heard.tools[-1].result == told


def test_too_many_calls_at_once_then_the_rest_is_refused() -> None:
    provider = Scripted(calls(*[("seven", "{}")] * (MOST_AT_ONCE + 2)), [TextDelta("ok"), STOP])
    _, heard = answered(provider, tools=Box(Gadget("seven", _seven)))
    states = [use.state for use in heard.tools if use.state != "running"]
    assert states.count("done") == MOST_AT_ONCE
    assert states.count("failed") == 2


def test_text_before_and_after_tools_then_it_is_set_apart_and_offsets_say_where() -> None:
    first = [TextDelta("Let me see."), *calls(("seven", "{}"), same_id="same")]
    again = calls(("seven", "{}"), same_id="same")
    provider = Scripted(first, again, [TextDelta("It is 7."), STOP])
    end, heard = answered(provider, tools=Box(Gadget("seven", _seven)))
    assert end.text == heard.whole == "Let me see.\n\nIt is 7."
    assert [use.offset for use in heard.tools] == [11] * 4
    assert [use.id for use in heard.tools] == ["same", "same", "same-2", "same-2"]
    sent = provider.requests[-1].messages
    assert [m.call_id for m in sent if m.role == "tool"] == ["same", "same-2"]
    assert [c.id for m in sent for c in m.calls] == ["same", "same-2"]
    assert end.usage == Usage(input=30, output=15, cached=6)


def test_calls_where_none_were_offered_then_they_are_not_made() -> None:
    provider = Scripted([TextDelta("Hm."), *calls(("seven", "{}"))])
    end, heard = answered(provider)
    assert (end.text, end.state) == ("Hm.", "complete")
    assert heard.tools == []


def test_tools_ran_and_then_the_model_fails_then_the_answer_is_interrupted() -> None:
    provider = Scripted(calls(("seven", "{}")), ModelError("Gone", kind="server_error"))
    end, heard = answered(provider, tools=Box(Gadget("seven", _seven)))
    assert (end.state, end.text) == ("interrupted", "")
    assert heard.tools[-1].result == "7"


# what does not fit ---------------------------------------------------------------------------


LONG = branch(*[f"message {n} " + "word " * 60 for n in range(21)])


def test_a_prompt_too_long_for_a_known_context_then_it_is_shortened_and_said() -> None:
    provider = Scripted([TextDelta("ok"), STOP])
    end, heard = answered(provider, question=Question(LONG, system="Be kind."), context=1000)
    assert end.state == "complete"
    sent = provider.requests[0].messages
    assert sent[0].role == "system"
    assert sent[1].role == "user"
    assert sent[-1].text == LONG[-1].text
    left = len(LONG) - (len(sent) - 1)
    assert left > 0
    note = f"{left} older messages were left out to fit the model's context of 1\u202f000 tokens."
    assert end.notes == (note,)
    assert heard.notes == [note]


def test_a_prompt_the_server_finds_too_long_then_it_is_shortened_and_sent_again(
    server: ModelServer,
) -> None:
    before = len(server.completions)
    end, heard = over_http(server, "small", question=Question(LONG), max_tokens=50)
    assert end.state == "complete"
    assert end.text == ANSWER
    assert len(end.notes) == 1
    assert "older messages were left out" in end.notes[0]
    assert "of 500 tokens" in end.notes[0]
    assert 2 <= len(server.completions) - before <= 3
    assert server.completions[-1].messages[-1]["content"] == LONG[-1].text
    assert len(heard.usage) == 1


def test_a_question_that_is_too_long_alone_then_the_card_says_so(server: ModelServer) -> None:
    before = len(server.completions)
    end, _ = over_http(server, "small", question=Question(branch("word " * 2000)))
    assert end.state == "failed"
    assert end.error is not None
    assert end.error.kind == "too_long"
    assert len(server.completions) - before == 1


def test_a_server_that_finds_everything_too_long_then_it_is_given_up(server: ModelServer) -> None:
    before = len(server.completions)
    end, _ = over_http(server, "too-long", question=Question(LONG))
    assert end.error is not None
    assert end.error.kind == "too_long"
    assert len(server.completions) - before == 3


def test_pictures_for_a_model_that_sees_none_then_it_says_so_before_sending() -> None:
    picture = attachment("cat.png", "image/png")
    asked = Question((message("Look", attachments=(picture,)),), files={picture.id: b"x"})
    provider = Scripted([TextDelta("ok"), STOP])
    end, _ = answered(provider, question=asked, images=False)
    assert end.error is not None
    assert (end.error.kind, end.error.action) == ("no_images", "choose_model")
    assert provider.requests == []


# going on ------------------------------------------------------------------------------------


def test_going_on_from_a_part_then_the_model_sees_it_and_only_new_text_is_told() -> None:
    provider = Scripted([TextDelta(" world."), STOP])
    end, heard = answered(provider, question=Question(branch("Say it"), resume="Hello"))
    assert end.text == "Hello world."
    assert heard.whole == " world."
    sent = [(m.role, m.text) for m in provider.requests[0].messages]
    assert sent == [("user", "Say it"), ("assistant", "Hello"), ("user", GO_ON)]


@pytest.mark.parametrize("step", [[STOP], ModelError("Gone", kind="no_network")])
def test_going_on_without_success_then_the_part_is_still_there(step: Step) -> None:
    end, heard = answered(Scripted(step), question=Question(branch("Say it"), resume="Hello"))
    assert end.text == "Hello"
    assert heard.deltas == []
    assert end.state == ("interrupted" if isinstance(step, ModelError) else "complete")
