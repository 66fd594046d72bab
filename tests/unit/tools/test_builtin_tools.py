from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest

from tests.support.agents import CONTEXT, Box, Gadget
from tests.support.answers import run
from worker.contract.system import TaskInfo
from worker.tools.base import Tool, ToolContext, ToolOutcome
from worker.tools.builtin import (
    AbilitiesTool,
    BuiltinTools,
    CalculateTool,
    DateTimeTool,
    Toolboxes,
    find_zone,
)
from worker.tools.schema import read_arguments


def call(tool: Tool, **arguments: object) -> ToolOutcome:
    return run(tool.call(arguments, CONTEXT))


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        ({}, "Saturday, 21 November 2026, 14:05 (Europe/Berlin, UTC+01:00; 2026-11-21T14:05:00"),
        ({"zone": "Asia/Tokyo"}, "Saturday, 21 November 2026, 22:05 (Asia/Tokyo, UTC+09:00; "),
        ({"zone": "new york"}, "Saturday, 21 November 2026, 08:05 (America/New_York, UTC-05:00; "),
        ({"zone": "utc"}, "Saturday, 21 November 2026, 13:05 ("),
        ({"zone": "asia/kolkata"}, "Saturday, 21 November 2026, 18:35 (Asia/Kolkata, UTC+05:30; "),
        (
            {"at": "2026-07-01T15:00", "zone": "America/New_York"},
            "Wednesday, 1 July 2026, 09:00 (America/New_York, UTC-04:00; ",
        ),
        (
            {"at": "2026-07-01T15:00", "from_zone": "Asia/Tokyo"},
            "Wednesday, 1 July 2026, 08:00 (Europe/Berlin, UTC+02:00; ",
        ),
        ({"at": "2026-07-01T15:00:00+00:00"}, "Wednesday, 1 July 2026, 17:00 (Europe/Berlin"),
    ],
)
def test_tell_the_time_then_zone_and_offset_are_named(
    arguments: Mapping[str, object], begins: str
) -> None:
    outcome = call(DateTimeTool(), **arguments)
    assert not outcome.failed
    assert outcome.text.startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"zone": "Asia/Tokio"}, "Near: Asia/Tokyo"),
        ({"zone": "../../etc/passwd"}, "There is no time zone"),
        ({"zone": "Europe"}, "There is no time zone"),
        ({"zone": "\x00"}, "There is no time zone"),
        ({"zone": "x" * 5000}, "There is no time zone"),
        ({"at": "tomorrow"}, "no ISO 8601 time"),
        ({"at": "0001-01-01T00:00", "zone": "Asia/Tokyo"}, "out of range"),
    ],
)
def test_tell_a_time_that_cannot_be_told_then_it_says_why(
    arguments: Mapping[str, object], why: str
) -> None:
    outcome = call(DateTimeTool(), **arguments)
    assert outcome.failed
    assert why in outcome.text


def test_find_a_zone_then_cities_work_too() -> None:
    assert find_zone("Tokyo") == ZoneInfo("Asia/Tokyo")
    assert find_zone("Europe/Berlin").key == "Europe/Berlin"


def test_calculate_then_expression_and_result_are_told() -> None:
    assert call(CalculateTool(), expression=" 6*7 = ") == ToolOutcome("6*7 = 42")
    assert call(CalculateTool(), expression="1/0") == ToolOutcome(
        "It divides by zero.", failed=True
    )


def test_list_abilities_without_modules_then_it_says_so() -> None:
    outcome = call(AbilitiesTool(lambda: (), lambda: ()))
    assert outcome.text == "Tools:\n\nNo module offers a task."


def test_list_abilities_then_a_task_that_is_a_tool_is_listed_once() -> None:
    async def act(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        return ToolOutcome("")

    tool = Gadget("echo_bot__echo", act)
    tool.title = "echo_bot.echo"
    task = TaskInfo("echo_bot.echo", "echo_bot", "", {}, True, 3, 60.0, None, "", None)
    box = BuiltinTools([Box(tool)], lambda: [task])
    listing = next(t for t in box.tools() if t.name == "list_abilities")
    text = call(listing).text
    assert text.count("echo_bot.echo") == 1
    assert "- Date and time: " in text
    assert "What Nagatha can do" not in text


def test_toolboxes_with_one_name_twice_then_the_first_counts() -> None:
    async def act(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        return ToolOutcome("")

    first, second, other = Gadget("a", act), Gadget("a", act), Gadget("b", act)
    assert Toolboxes(Box(first), Box(second, other)).tools() == (first, other)


def test_own_tools_then_their_names_suit_every_server() -> None:
    for tool in BuiltinTools().tools():
        assert tool.name.replace("_", "").isalnum()
        assert len(tool.name) <= 64
        assert tool.parameters["type"] == "object"
        assert tool.description


@pytest.mark.parametrize(
    ("text", "arguments", "why"),
    [
        ("", {}, ""),
        ('{"n": 1}', {"n": 1}, ""),
        ('{"n": "1"}', {"n": 1}, ""),
        ('{"n": ', {}, "not valid JSON"),
        ("[1]", {}, "JSON object"),
        ('{"n": "one"}', {}, "whole number"),
        ('{"m": 1}', {}, "takes no “m”"),
        ("[" * 100_000, {}, "not valid JSON"),
    ],
)
def test_read_arguments_then_what_is_wrong_is_said(
    text: str, arguments: dict[str, object], why: str
) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "additionalProperties": False,
    }
    read, problem = read_arguments("tool", text, schema)
    assert read == arguments
    assert why in problem
    assert bool(why) == bool(problem)
