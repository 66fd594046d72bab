"""Tasks as tools of the assistant."""

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from worker.contract.errors import ModelError, NotFound
from worker.module_host.host import ModuleHost
from worker.module_host.registry import TaskSpec
from worker.tools.base import Tool, Toolbox, ToolContext, ToolOutcome
from worker.tools.modules import AT_ONCE, ModuleTools, RunTaskTool, task_name, tool_name

CONTEXT = ToolContext("me", "c1", "r1", datetime(2026, 11, 21, tzinfo=UTC))
CODE = '''
import asyncio, threading

gate = threading.Event()
seen = []

def register_tasks(registry):
    for function, bind in ((ask, True), (later, True), (fail, False), (wait, True),
                           (table, False), (secret, False), (slow, False)):
        registry.register_task("mine", function.__name__, function, bind=bind,
                               tool=function is not secret)

def ask(context, question: str) -> str:
    """Asks on."""
    context.progress(0.5, "asking")
    return context.ask(question, "system") + context.run_id

def later(context):
    raise context.retry("the server is busy")

def fail():
    raise KeyError("gone")

def wait(context):
    gate.wait(60)
    seen.append(context.cancelled)

def table(rows: int = 1):
    return [{"row": number} for number in range(rows)]

async def slow(text: str):
    await asyncio.sleep(0)
    return text

def secret():
    return "hidden"
'''


@pytest.fixture
def host(tmp_path: Path) -> ModuleHost:
    place = tmp_path / "own" / "mine"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(CODE)
    host = ModuleHost(tmp_path / "own", shipped=tmp_path, enabled=["mine"])
    host.start()
    return host


def _ask(context: ToolContext, prompt: str, system: str) -> str:
    if prompt == "no model":
        raise ModelError("No model is set up", "Why", "Choose one", kind="no_model")
    return f"{context.owner}:{system}:{prompt}:"


def _tool(host: ModuleHost, task: str) -> Tool:
    box: Toolbox = ModuleTools(host, _ask)
    return next(tool for tool in box.tools() if tool.title == task)


def _call(host: ModuleHost, task: str, **arguments: object) -> ToolOutcome:
    return asyncio.run(_tool(host, task).call(arguments, CONTEXT))


def test_only_tasks_that_are_tools_of_modules_that_are_on_are_offered(host: ModuleHost) -> None:
    box = ModuleTools(host, _ask)
    names = [tool.name for tool in box.tools()]
    assert names == [
        "mine__ask", "mine__fail", "mine__later", "mine__slow", "mine__table", "mine__wait",
    ]  # fmt: skip
    tool = box.tools()[0]
    assert (tool.title, tool.source, tool.description) == ("mine.ask", "mine", "Asks on.")
    assert tool.parameters["required"] == ["question"]
    host.disable("mine")
    assert box.tools() == ()
    outcome = asyncio.run(tool.call({"question": "q"}, CONTEXT))
    assert outcome.failed and "switched off" in outcome.text


@pytest.mark.parametrize("task", ["echo_bot.echo", "a.b", "a_b.c_d", "A1.b_2"])
def test_names_go_there_and_back(task: str) -> None:
    assert "." not in tool_name(task)
    assert task_name(tool_name(task)) == task


def test_tool_gives_the_task_s_result(host: ModuleHost) -> None:
    assert _call(host, "mine.ask", question="q") == ToolOutcome("me:system:q:r1")
    assert _call(host, "mine.table", rows=2) == ToolOutcome('[{"row": 0}, {"row": 1}]')
    assert _call(host, "mine.slow", text="x") == ToolOutcome("x")


def test_what_goes_wrong_is_told_as_a_failure(host: ModuleHost) -> None:
    for outcome, told in (
        (_call(host, "mine.ask"), "“question” is missing"),
        (_call(host, "mine.ask", question="no model"), "Choose one"),
        (_call(host, "mine.later"), "could not be done now: the server is busy"),
        (_call(host, "mine.fail"), "KeyError: 'gone' (mine/__init__.py, line"),
    ):
        assert outcome.failed and told in outcome.text


def test_task_sees_itself_cancelled_and_keeps_its_place_until_it_has_ended(
    host: ModuleHost,
) -> None:
    tool = _tool(host, "mine.wait")
    code = host.spec("mine.wait").func.__globals__

    async def give_up() -> ToolOutcome:
        waiting = [asyncio.create_task(tool.call({}, CONTEXT)) for _ in range(AT_ONCE)]
        await asyncio.sleep(0)
        refused = await tool.call({}, CONTEXT)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (await tool.call({}, CONTEXT)).failed
        return refused

    refused = asyncio.run(give_up())
    assert refused.failed and "still at work" in refused.text
    code["gate"].set()
    for thread in threading.enumerate():
        if thread.name == "task mine.wait":
            thread.join(60)
    assert code["seen"] == [True] * AT_ONCE
    assert not asyncio.run(tool.call({}, CONTEXT)).failed


def test_run_task_tool_runs_by_name_and_tells_failures() -> None:
    async def run(name: str, arguments: Mapping[str, object], context: ToolContext) -> str:
        if name == "x.y":
            raise NotFound("There is no task “x.y”")
        return f"{name} {dict(arguments)} {context.owner}"

    def spec(name: str) -> TaskSpec:
        raise NotFound(f"There is no task “{name}”")

    tool: Tool = RunTaskTool(run, spec)
    given = {"name": "echo_bot.echo", "arguments": {"text": "a"}}
    assert asyncio.run(tool.call(given, CONTEXT)).text == "echo_bot.echo {'text': 'a'} me"
    assert asyncio.run(tool.call({"name": "a.b"}, CONTEXT)).text == "a.b {} me"
    for wrong in ({}, {"name": 3}, {"name": "a.b", "arguments": "x"}, {"name": "x.y"}):
        assert asyncio.run(tool.call(wrong, CONTEXT)).failed
