"""The built-in assistant through the agent's own loop, with the program's own tools."""

from collections.abc import Mapping

import pytest

from tests.support.agents import CONTEXT, Box, Gadget, Heard, branch
from tests.support.answers import run
from worker.agent.context import Question
from worker.agent.loop import Agent, AnswerEnd, Parameters
from worker.contract.system import TaskInfo
from worker.providers.builtin import HELLO, HELP, MODEL, NO_MODEL, THANKS, BuiltinProvider
from worker.tools.base import ToolContext, ToolOutcome
from worker.tools.builtin import BuiltinTools, Toolboxes

ECHO = TaskInfo(
    "echo_bot.echo",
    "echo_bot",
    "Says it again",
    {"type": "object", "properties": {"text": {"type": "string"}}},
    True, 3, 60.0, None, "", None,
)  # fmt: skip


async def _run_task(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
    if arguments["name"] == "echo_bot.fail":
        return ToolOutcome("The module broke.", failed=True)
    return ToolOutcome(f"{arguments['name']} got {dict(arguments['arguments'])}")  # type: ignore[call-overload]


async def _echo(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
    return ToolOutcome(f"```{arguments['text']}```")


RUN = Gadget("run_task", _run_task)
AS_TOOL = Gadget("echo_bot__echo", _echo)


def answer(text: str, *extra: Gadget) -> tuple[AnswerEnd, Heard]:
    async def work() -> tuple[AnswerEnd, Heard]:
        heard = Heard()
        others = Box(*extra)
        toolbox = Toolboxes(BuiltinTools([others], lambda: [ECHO]), others)
        agent = Agent(BuiltinProvider(), Parameters(MODEL), toolbox)
        question = Question(branch("Earlier", "Answer", text), system="S")
        return await agent.answer(question, heard, CONTEXT), heard

    return run(work())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("help", HELP),
        ("Hallo", HELLO),
        ("thanks", THANKS),
        ("Who wrote Faust?", NO_MODEL),
        ("What time is it?", "It is Saturday, 21 November 2026, 14:05 (Europe/Berlin, UTC+01:00)."),
        ("time in Tokyo", "It is Saturday, 21 November 2026, 22:05 (Asia/Tokyo, UTC+09:00)."),
        ("what is 6 * 7?", "`6 * 7 = 42`"),
        ("what is 1/0", "That did not work. It divides by zero."),
        ("time in Atlantis", "That did not work. There is no time zone “Atlantis”. Near: "),
    ],
)
def test_ask_what_it_knows_then_it_answers(text: str, said: str) -> None:
    end, _ = answer(text)
    assert end.state == "complete"
    assert end.text.startswith(said)
    assert end.model == MODEL


def test_ask_what_it_can_do_then_tools_and_tasks_are_listed() -> None:
    end, _ = answer("What can you do?", RUN)
    assert "- Calculator: " in end.text
    assert "- run_task: " in end.text
    assert "- echo_bot.echo text=…: Says it again" in end.text


def test_ask_for_anything_else_then_it_says_how_to_set_up_a_model() -> None:
    end, _ = answer("Write a poem")
    for part in ("No model is set up", "Settings › Models and keys", "OPENAI_API_KEY", "Ollama"):
        assert part in end.text


def test_run_a_task_then_its_result_is_presented() -> None:
    end, heard = answer("run echo_bot.echo text=hello", RUN)
    assert end.text == (
        "`echo_bot.echo` answered:\n\n```\necho_bot.echo got {'text': 'hello'}\n```"
    )
    assert [use.state for use in heard.tools] == ["running", "done"]


def test_run_a_task_that_fails_then_it_says_why() -> None:
    end, _ = answer("run echo_bot.fail", RUN)
    assert end.text == "That did not work. The module broke."


def test_run_a_task_that_is_a_tool_then_the_tool_is_called() -> None:
    end, _ = answer("/run echo_bot.echo text=hi", AS_TOOL)
    assert end.text == "`echo_bot.echo` answered:\n\n````\n```hi```\n````"


def test_run_a_task_where_none_can_be_run_then_it_says_so() -> None:
    end, _ = answer("run echo_bot.echo text=hi")
    assert "cannot be run from here" in end.text


def test_run_a_task_written_wrongly_then_it_says_how() -> None:
    end, _ = answer("/run echo_bot.echo hello", RUN)
    assert end.text.startswith("“hello” is no argument of the form name=value.")


def test_usage_of_the_built_in_assistant_then_it_is_an_estimate() -> None:
    end, _ = answer("help")
    assert end.usage is not None
    assert end.usage.estimated
