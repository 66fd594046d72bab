"""The assistant's tools for reminders: making one, listing them, answering one.

Owns their names, arguments and words. What they do is handed in; it must not know how reminders
are kept. A reminder only tells, so nobody has to agree to one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from worker.contract.errors import NagathaError
from worker.contract.reminders import Reminder
from worker.moments.words import moment_words, rule_words
from worker.moments.zone import in_zone
from worker.tools.base import ToolContext, ToolOutcome

CREATE = "create_reminder"
LIST = "list_reminders"
COMPLETE = "complete_reminder"
SHOWN = 50
"""Reminders that one list tells of."""
ID = 8
"""Characters of an id that are told."""
_SHORTEST = 6
_DATE = len("2026-12-01")


class Add(Protocol):
    """Keeps an owner's reminder. Raises NagathaError for one that makes no sense."""

    def __call__(
        self, owner: str, text: str, at: str, zone: str, rrule: str, chat: str
    ) -> Awaitable[Reminder]:
        """`at` is a wall time in `zone`, "" for the person's own."""
        ...


Remind = Callable[[str, str, str, datetime], Awaitable[Reminder]]
"""Owner, line, chat, now: keeps what a line means. Raises NagathaError where it is unclear."""
List = Callable[[str, str], Awaitable[Sequence[Reminder]]]
"""Owner and words to search for: what is to come, and what waits for an answer."""
Complete = Callable[[str, str], Awaitable[Reminder]]
"""Owner and id."""


class CreateReminderTool:
    """Makes a reminder."""

    name = CREATE
    title = "Create a reminder"
    source = "builtin"
    description = (
        "Remind the person of something at a time, once or again and again. Nothing else is done "
        "then. It answers with the time as it was understood: tell the person that."
    )
    parameters: Mapping[str, object] = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "What to be reminded of, without the time"},
            "at": {
                "type": "string",
                "description": "Local time in ISO 8601 without an offset, e.g. 2026-12-01T09:00",
            },
            "zone": {
                "type": "string",
                "description": "IANA time zone of `at`; the person's own when left out",
            },
            "rrule": {
                "type": "string",
                "description": "To recur from `at` on: an RRULE of RFC 5545, e.g. "
                "FREQ=MONTHLY;BYMONTHDAY=1",
            },
            "said": {
                "type": "string",
                "description": "Only where text and at are left out: the person's own line, e.g. "
                "call Anna tomorrow at 9",
            },
        },
        "additionalProperties": False,
    }

    def __init__(self, add: Add, remind: Remind) -> None:
        self._add = add
        self._remind = remind

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`."""
        text, at, zone, rrule, said = (
            str(arguments.get(name) or "").strip()
            for name in ("text", "at", "zone", "rrule", "said")
        )
        if said and not (text or at):
            made = self._remind(context.owner, said, context.chat, context.now)
        elif not text or not at:
            return _failed("Give both text and at.")
        elif len(at) <= _DATE:
            return _failed(f"Give at with its hour, e.g. {at}T09:00.")
        else:
            made = self._add(
                context.owner, text, at, zone, rrule.removeprefix("RRULE:"), context.chat
            )
        try:
            reminder = await made
        except NagathaError as error:
            now = context.now.replace(tzinfo=None).isoformat(timespec="minutes")
            return _failed(f"{_said(error)} It is {now} now ({_zone_of(context)}).")
        return ToolOutcome(f"Reminder {reminder.id[:ID]}: “{reminder.text}”, {_when(reminder)}.")


class ListRemindersTool:
    """What reminders there are."""

    name = LIST
    title = "List reminders"
    source = "builtin"
    description = "Lists what the person will be reminded of, the next first, with ids."
    parameters: Mapping[str, object] = {
        "type": "object",
        "properties": {
            "search": {"type": "string", "description": "Only those with all these words"},
        },
        "additionalProperties": False,
    }

    def __init__(self, list_all: List) -> None:
        self._list = list_all

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`."""
        try:
            found = await self._list(context.owner, str(arguments.get("search") or ""))
        except NagathaError as error:
            return _failed(_said(error))
        lines = [f"- {one.id[:ID]}: {one.text} ({_when(one)})" for one in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append("There are more; search for words.")
        return ToolOutcome("\n".join(lines) or "There are no reminders.")


class CompleteReminderTool:
    """Answers a reminder with done."""

    name = COMPLETE
    title = "Complete a reminder"
    source = "builtin"
    description = "Marks a reminder as done. One that recurs comes again at its next time."
    parameters: Mapping[str, object] = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": f"As {LIST} or {CREATE} tells it"},
        },
        "required": ["id"],
        "additionalProperties": False,
    }

    def __init__(self, list_all: List, complete: Complete) -> None:
        self._list = list_all
        self._complete = complete

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`."""
        wanted = str(arguments.get("id") or "")
        try:
            found = {one.id for one in await self._list(context.owner, "")}
            chosen = [one for one in found if one == wanted] or [
                one for one in found if one.startswith(wanted)
            ]
            if len(chosen) != 1 or len(wanted) < _SHORTEST:
                return _failed(f"There is no one reminder {wanted!r}; {LIST} tells the ids.")
            done = await self._complete(context.owner, chosen[0])
        except NagathaError as error:
            return _failed(_said(error))
        again = "" if done.due is None else f" It comes again: {_when(done)}."
        return ToolOutcome(f"“{done.text}” is done.{again}")


def _failed(text: str) -> ToolOutcome:
    return ToolOutcome(text, failed=True)


def _said(error: NagathaError) -> str:
    """All three parts of an error, as sentences."""
    problem = error.problem
    parts = (problem.title, problem.message, problem.remedy)
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts if part)


def _zone_of(context: ToolContext) -> str:
    return str(context.now.tzinfo)


def _when(one: Reminder) -> str:
    if one.due is None:
        return "over" if one.firing is None else f"was due {_at(one.firing.due, one.zone)}"
    at = f"{_at(one.due, one.zone)} ({one.zone})"
    rule = rule_words(one.rrule, one.start)
    return f"{rule}, next {at}" if rule else at


def _at(moment: datetime, zone: str) -> str:
    return moment_words(in_zone(moment, zone))
