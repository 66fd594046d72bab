"""The assistant's tools for schedules: making one, once the person agreed, and listing them.

Owns their names, arguments and words. What they do is handed in; it must not know how schedules
are kept.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from worker.contract.errors import NagathaError
from worker.contract.routines import CatchUp, Routine, RoutineDraft
from worker.tools.approval import Agreement
from worker.tools.base import ToolContext, ToolOutcome

CREATE = "create_routine"
LIST = "list_routines"
SHOWN = 3
"""Times that a person is shown before agreeing."""
_LONGEST = 300

Preview = Callable[[str, RoutineDraft], Awaitable[tuple[datetime, ...]]]
"""When an owner's draft would run next. Raises NagathaError for one that makes no sense."""
Add = Callable[[str, RoutineDraft], Awaitable[Routine]]
List = Callable[[str], Awaitable[Sequence[Routine]]]


class CreateRoutineTool:
    """Makes a schedule. The person is asked each time."""

    name = CREATE
    title = "Create a schedule"
    source = "builtin"
    description = (
        "Let a prompt, or a module's task, run by itself at set times, e.g. each weekday at 8:30. "
        "The person is shown what it does and when, and has to agree."
    )
    parameters: Mapping[str, object] = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "A few words"},
            "prompt": {
                "type": "string",
                "description": "What is asked each time; it must make sense by itself, without "
                "this chat",
            },
            "task": {"type": "string", "description": "Instead of a prompt: module.task"},
            "arguments": {
                "type": "object",
                "description": "The task's arguments by name",
                "additionalProperties": True,
            },
            "cron": {
                "type": "string",
                "description": "Five fields: minute, hour, day, month, weekday; e.g. 30 8 * * 1-5",
            },
            "rrule": {"type": "string", "description": "Instead of cron: an RRULE of RFC 5545"},
            "start": {
                "type": "string",
                "description": "Local time from when on, e.g. 2026-12-01T08:30; with neither cron "
                "nor rrule the one time that it runs",
            },
            "zone": {
                "type": "string",
                "description": "IANA time zone; the person's own when left out",
            },
            "missed": {
                "type": "string",
                "enum": ["once", "skip", "ask"],
                "description": "What becomes of times at which the computer was off",
            },
            "here": {
                "type": "boolean",
                "description": "Whether it answers in this chat, and not in a new one each time",
            },
        },
        "additionalProperties": False,
    }

    def __init__(self, preview: Preview, add: Add) -> None:
        self._preview = preview
        self._add = add

    async def agreement(
        self, arguments: Mapping[str, object], context: ToolContext
    ) -> Agreement | None:
        """See `AskingTool.agreement`: always, and never for good."""
        draft = _draft(arguments, context)
        times = await self._preview(context.owner, draft)
        return Agreement(self.title, _why(draft, times, context), may_always=False)

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`."""
        try:
            made = await self._add(context.owner, _draft(arguments, context))
        except NagathaError as error:
            return ToolOutcome(str(error), failed=True)
        due = "" if made.due is None else f" It runs next {_at(made.due, made.zone)}."
        return ToolOutcome(f"The schedule “{made.title}” was made.{due}")


class ListRoutinesTool:
    """What schedules there are."""

    name = LIST
    title = "List schedules"
    source = "builtin"
    description = "Lists the prompts and tasks that run by themselves, and when they run next."
    parameters: Mapping[str, object] = {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }

    def __init__(self, list_all: List) -> None:
        self._list = list_all

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`."""
        try:
            found = await self._list(context.owner)
        except NagathaError as error:
            return ToolOutcome(str(error), failed=True)
        return ToolOutcome("\n".join(map(_line, found)) or "There are no schedules.")


def _draft(arguments: Mapping[str, object], context: ToolContext) -> RoutineDraft:
    def text(name: str) -> str:
        return str(arguments.get(name) or "")

    given = arguments.get("arguments")
    return RoutineDraft(
        title=text("title"),
        prompt=text("prompt"),
        task=text("task"),
        arguments=given if isinstance(given, Mapping) else {},
        start=text("start"),
        zone=text("zone"),
        rrule=text("rrule"),
        cron=text("cron"),
        missed=cast(CatchUp, text("missed") or "once"),
        chat=context.chat if arguments.get("here") is True else None,
    )


def _why(draft: RoutineDraft, times: Sequence[datetime], context: ToolContext) -> str:
    if draft.task:
        does = f"Run the task {draft.task}"
    else:
        prompt = " ".join(draft.prompt.split())
        shown = prompt if len(prompt) <= _LONGEST else f"{prompt[:_LONGEST]}…"
        where = "in this chat" if draft.chat else "in a new chat each time"
        does = f"Ask “{shown}” {where}"
    zone = draft.zone or str(context.now.tzinfo)
    coming = ", ".join(_at(at, zone, context) for at in times)
    again = "by itself" if draft.cron or draft.rrule else "once"
    rule = draft.cron or draft.rrule
    return f"{does}, {again}{f' ({rule})' if rule else ''}. Next: {coming}"


def _at(at: datetime, zone: str, context: ToolContext | None = None) -> str:
    try:
        here = at.astimezone(ZoneInfo(zone))
    except (ValueError, OSError, KeyError):  # a zone without a name of its own
        here = at.astimezone(None if context is None else context.now.tzinfo)
    return f"{here:%a %Y-%m-%d %H:%M}"


def _line(routine: Routine) -> str:
    what = routine.task or " ".join(routine.prompt.split())[:_LONGEST]
    when = routine.cron or routine.rrule or routine.start
    if routine.paused:
        state = "paused"
    elif routine.due is None:
        state = "will not run any more"
    else:
        state = f"next {_at(routine.due, routine.zone)}"
    return f"- {routine.title} ({when}, {routine.zone}; {state}): {what}"
