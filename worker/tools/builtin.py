"""The program's own tools: date and time, arithmetic, and what Nagatha can do.

Owns these tools and `Toolboxes`, which joins several toolboxes. It must not know the agent, nor
how modules run their tasks.
"""

import asyncio
import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from worker.contract.system import TaskInfo
from worker.tools.base import Tool, Toolbox, ToolContext, ToolOutcome
from worker.tools.calculator import FUNCTIONS, CannotCalculate, calculate

DATE_TIME = "date_time"
CALCULATE = "calculate"
ABILITIES = "list_abilities"


class DateTimeTool:
    """What time it is, here or elsewhere, or what a given time is elsewhere."""

    name = DATE_TIME
    source = "builtin"
    title = "Date and time"
    description = (
        "The date and time now, or a given time, in the person's time zone or another one."
    )
    parameters: Mapping[str, object] = {
        "type": "object",
        "properties": {
            "zone": {
                "type": "string",
                "description": "IANA time zone or city to answer for, e.g. Asia/Tokyo; "
                "the person's own when left out",
            },
            "at": {
                "type": "string",
                "description": "An ISO 8601 time to convert instead of now, e.g. 2026-11-21T15:00",
            },
            "from_zone": {
                "type": "string",
                "description": "The time zone of `at`; the person's own when left out",
            },
        },
        "additionalProperties": False,
    }

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`."""
        try:
            # Zones are files: reading them is not for the loop.
            return await asyncio.to_thread(_tell_time, arguments, context.now)
        except ValueError as error:
            return ToolOutcome(str(error), failed=True)


class CalculateTool:
    """Arithmetic."""

    name = CALCULATE
    source = "builtin"
    title = "Calculator"
    description = (
        "Calculates an arithmetic expression exactly: + - * / // % ^, brackets, pi, e, and "
        + ", ".join(FUNCTIONS)
    )
    parameters: Mapping[str, object] = {
        "type": "object",
        "properties": {
            "expression": {"type": "string", "description": "E.g. (3 + 4)^2 / 7 or 15% of 80"}
        },
        "required": ["expression"],
        "additionalProperties": False,
    }

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`."""
        expression = str(arguments["expression"])
        try:
            result = calculate(expression)
        except CannotCalculate as error:
            return ToolOutcome(str(error), failed=True)
        return ToolOutcome(f"{expression.strip().rstrip('=? ')} = {result}")


class AbilitiesTool:
    """What Nagatha can do."""

    name = ABILITIES
    source = "builtin"
    title = "What Nagatha can do"
    description = "Lists the tools and the modules' tasks that this program has."
    parameters: Mapping[str, object] = {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }

    def __init__(
        self, tools: Callable[[], Sequence[Tool]], tasks: Callable[[], Sequence[TaskInfo]]
    ) -> None:
        self._tools = tools
        self._tasks = tasks

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`."""
        tasks = sorted(self._tasks(), key=lambda task: task.name)
        known = {task.name for task in tasks}
        lines = ["Tools:"]
        for tool in self._tools():
            # A task that is a tool as well is listed once, among the tasks.
            if tool.name != self.name and tool.title not in known:
                lines.append(f"- {tool.title}: {tool.description}")
        lines.append("")
        lines.append("Tasks of modules:" if tasks else "No module offers a task.")
        lines += [f"- {_usage(task)}" for task in tasks]
        return ToolOutcome("\n".join(lines))


class BuiltinTools:
    """The `Toolbox` of the program's own tools."""

    def __init__(
        self,
        others: Sequence[Toolbox] = (),
        tasks: Callable[[], Sequence[TaskInfo]] = lambda: (),
    ) -> None:
        """`others` and `tasks` are what the list of abilities names besides these tools."""
        self._others = tuple(others)
        own: tuple[Tool, ...] = (DateTimeTool(), CalculateTool())
        self._own = (*own, AbilitiesTool(self._all, tasks))

    def tools(self) -> Sequence[Tool]:
        """See `Toolbox.tools`."""
        return self._own

    def _all(self) -> Sequence[Tool]:
        return Toolboxes(self, *self._others).tools()


class FixedTools:
    """A `Toolbox` of the tools given."""

    def __init__(self, *tools: Tool) -> None:
        self._tools = tools

    def tools(self) -> Sequence[Tool]:
        """See `Toolbox.tools`."""
        return self._tools


class Toolboxes:
    """Several toolboxes as one; of two tools with one name the first counts."""

    def __init__(self, *boxes: Toolbox) -> None:
        self._boxes = boxes

    def tools(self) -> Sequence[Tool]:
        """See `Toolbox.tools`."""
        found: dict[str, Tool] = {}
        for box in self._boxes:
            for tool in box.tools():
                found.setdefault(tool.name, tool)
        return tuple(found.values())


def _usage(task: TaskInfo) -> str:
    properties = task.parameters.get("properties")
    names = list(properties) if isinstance(properties, Mapping) else []
    arguments = "".join(f" {name}=…" for name in names)
    told = f": {task.description}" if task.description else ""
    return f"{task.name}{arguments}{told}"


def _tell_time(arguments: Mapping[str, object], now: datetime) -> ToolOutcome:
    moment = now
    if at := str(arguments.get("at") or "").strip():
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            raise ValueError(f"“{at}” is no ISO 8601 time such as 2026-11-21T15:00.") from None
        if moment.tzinfo is None:
            start = str(arguments.get("from_zone") or "").strip()
            moment = moment.replace(tzinfo=find_zone(start) if start else now.tzinfo)
    name = str(arguments.get("zone") or "").strip()
    zone = find_zone(name) if name else now.tzinfo
    try:
        there = moment.astimezone(zone)
    except OverflowError:
        raise ValueError("That time is out of range.") from None
    offset = f"{there:%z}"
    offset = f"UTC{offset[:3]}:{offset[3:5]}"
    told = f"{there:%A}, {there.day} {there:%B %Y}, {there:%H:%M}"
    return ToolOutcome(f"{told} ({zone}, {offset}; {there.isoformat(timespec='seconds')})")


def find_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name or a city. Raises ValueError that names near ones."""
    wanted = "_".join(name.split())
    try:
        return ZoneInfo(wanted)
    # A folder, a path and a name with odd characters each end in another error.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    zones = available_timezones()
    low = {zone.lower(): zone for zone in sorted(zones)}
    if wanted.lower() in low:
        return ZoneInfo(low[wanted.lower()])
    cities = {zone.rpartition("/")[2].lower(): zone for zone in sorted(zones) if "/" in zone}
    if wanted.lower() in cities:
        return ZoneInfo(cities[wanted.lower()])
    near = difflib.get_close_matches(wanted.lower(), [*low, *cities], 3)
    hint = ", ".join(dict.fromkeys(low.get(one) or cities[one] for one in near))
    raise ValueError(f"There is no time zone “{name}”." + (f" Near: {hint}." if hint else ""))
