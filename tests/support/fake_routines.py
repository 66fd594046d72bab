"""Routines and approvals for tests of windows, in memory.

Owns no clock and no queue: nothing becomes due, an occurrence changes when a test says so. Belongs
to the loop that its client is used on, but may be filled from the test's thread before that looks.
"""

import asyncio
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrulestr

from worker.contract.errors import Conflict, InvalidInput, NotFound
from worker.contract.events import ApprovalChanged, OccurrenceChanged, RoutineChanged
from worker.contract.routines import (
    Approval,
    Occurrence,
    OccurrenceState,
    Routine,
    RoutineDraft,
    Verdict,
)
from worker.contract.system import TaskInfo, ToolInfo
from worker.contract.types import Source

if TYPE_CHECKING:
    from tests.support.fake_client import FakeClient


class FakeRoutines:
    """`RoutineService` in dictionaries."""

    def __init__(self, client: "FakeClient") -> None:
        self._client = client
        self.all: dict[str, Routine] = {}
        self.occurrences: dict[str, Occurrence] = {}
        self.drafts: list[RoutineDraft] = []
        """What was added or changed, as it came."""
        self.now = datetime.now(UTC)
        """From when on times are found."""

    # -- for tests -----------------------------------------------------------------------------

    def put(self, title: str, **more: object) -> Routine:
        """A routine that is there: a prompt at 8:30 each day, unless said otherwise."""
        values: dict[str, object] = {
            "kind": "task" if "task" in more else "prompt",
            "start": "2026-11-02T08:30:00",
            "zone": "Europe/Lisbon",
            "created": self.now,
            "updated": self.now,
            "rrule": "FREQ=DAILY",
            "due": self.now + timedelta(hours=12),
            "id": "",
            **more,
        }
        if not more.get("task"):
            values.setdefault("prompt", f"Do this: {title}")
        name = str(values.pop("id")) or self._client.name("routine")
        made = Routine(id=name, title=title, **values)  # type: ignore[arg-type]
        self.all[made.id] = made
        return made

    def happened(self, routine: str, state: str = "done", **more: object) -> Occurrence:
        """A time of a routine that came; it is its last one unless it asks."""
        values: dict[str, object] = {"due": self.now - timedelta(hours=12), **more}
        name = str(values.pop("id", "")) or self._client.name("occurrence")
        made = Occurrence(id=name, routine=routine, state=state, **values)  # type: ignore[arg-type]
        self.occurrences[made.id] = made
        if state != "asking" and routine in self.all:
            self.all[routine] = replace(self.all[routine], last=made)
        return made

    async def change_one(self, routine: str, **changes: object) -> Routine:
        """A routine is like this now, and everybody hears of it."""
        return self._tell(replace(self.all[routine], **changes))  # type: ignore[arg-type]

    async def tell(self, occurrence: Occurrence) -> None:
        """An occurrence is like this now, and everybody hears of it."""
        self.occurrences[occurrence.id] = occurrence
        self._client.emit(OccurrenceChanged(occurrence))

    def _tell(self, routine: Routine) -> Routine:
        self.all[routine.id] = routine
        self._client.emit(RoutineChanged(routine))
        return routine

    def _get(self, routine: str) -> Routine:
        if routine not in self.all:
            raise NotFound("There is no such routine")
        return self.all[routine]

    def _times(self, draft: RoutineDraft, count: int) -> tuple[datetime, ...]:
        try:
            zone = ZoneInfo(draft.zone or "Europe/Lisbon")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InvalidInput("There is no such time zone", draft.zone, "Choose one.") from error
        now = self.now.astimezone(zone)
        if draft.cron:
            try:
                return tuple(islice(CronSim(draft.cron, now), count))
            except CronSimError as error:
                raise InvalidInput(
                    "That is no cron line", f"“{draft.cron}” has not five fields.", "Mend it."
                ) from error
        start = datetime.fromisoformat(draft.start) if draft.start else now.replace(tzinfo=None)
        if not draft.rrule:
            if start.replace(tzinfo=zone) < now:
                raise InvalidInput("That time has passed", "", "Choose one to come.")
            return (start.replace(tzinfo=zone),)
        try:
            rule = rrulestr(draft.rrule, dtstart=start)
        except (ValueError, KeyError) as error:
            raise InvalidInput("That is no rule", f"“{draft.rrule}”", "Mend it.") from error
        after = rule.xafter(now.replace(tzinfo=None), count=count)
        return tuple(time.replace(tzinfo=zone) for time in after)

    def _made(self, name: str, draft: RoutineDraft, created: datetime) -> Routine:
        if bool(draft.prompt) == bool(draft.task):
            raise InvalidInput("There is nothing to do", "No prompt was given.", "Write one.")
        times = self._times(draft, 1)
        shared = {field.name: getattr(draft, field.name) for field in fields(draft)}
        return Routine(
            id=name,
            kind="task" if draft.task else "prompt",
            created=created,
            updated=self.now,
            due=times[0] if times else None,
            **{
                **shared,
                "title": draft.title or draft.prompt or draft.task,
                "zone": draft.zone or "Europe/Lisbon",
                "start": draft.start or "2026-11-02T08:30:00",
            },
        )

    # -- the Protocol --------------------------------------------------------------------------

    async def add(self, draft: RoutineDraft, source: Source = "chat") -> Routine:
        self._client.called("routines.add")
        made = self._made(self._client.name("routine"), draft, self.now)
        self.drafts.append(draft)
        return self._tell(made)

    async def change(self, routine: str, draft: RoutineDraft) -> Routine:
        self._client.called("routines.change")
        old = self._get(routine)
        made = replace(self._made(routine, draft, old.created), last=old.last)
        self.drafts.append(draft)
        return self._tell(made)

    async def get(self, routine: str) -> Routine:
        return self._get(routine)

    async def list_routines(self) -> tuple[Routine, ...]:
        self._client.called("routines.list_routines")
        late = datetime.max.replace(tzinfo=UTC)
        there = [routine for routine in self.all.values() if routine.deleted is None]
        return tuple(sorted(there, key=lambda routine: routine.due or late))

    async def preview(self, draft: RoutineDraft, count: int = 3) -> tuple[datetime, ...]:
        self._client.called("routines.preview")
        if not draft.prompt and not draft.task:
            raise InvalidInput("There is nothing to do", "No prompt was given.", "Write one.")
        return self._times(draft, count)

    async def pause(self, routine: str, paused: bool) -> Routine:
        self._client.called("routines.pause")
        due = None if paused else self.now + timedelta(hours=12)
        old = self._get(routine)
        return self._tell(replace(old, paused=paused, paused_why="", failures=0, due=due))

    async def run_now(self, routine: str) -> Occurrence:
        self._client.called("routines.run_now")
        self._get(routine)
        made = self.happened(routine, "running", due=self.now, started=self.now, by_hand=True)
        self._client.emit(OccurrenceChanged(made))
        return made

    async def delete(self, routine: str) -> Routine:
        self._client.called("routines.delete")
        return self._tell(replace(self._get(routine), deleted=self.now))

    async def undelete(self, routine: str) -> Routine:
        self._client.called("routines.undelete")
        return self._tell(replace(self._get(routine), deleted=None))

    async def history(self, routine: str, limit: int = 50) -> tuple[Occurrence, ...]:
        self._client.called("routines.history")
        self._get(routine)
        found = [each for each in self.occurrences.values() if each.routine == routine]
        return tuple(sorted(found, key=lambda each: each.due, reverse=True)[:limit])

    async def occurrence(self, occurrence: str) -> Occurrence:
        self._client.called("routines.occurrence")
        if occurrence not in self.occurrences:
            raise NotFound("There is no such occurrence")
        return self.occurrences[occurrence]

    async def asking(self) -> tuple[Occurrence, ...]:
        self._client.called("routines.asking")
        found = [each for each in self.occurrences.values() if each.state == "asking"]
        return tuple(sorted(found, key=lambda each: each.due))

    async def decide(self, occurrences: tuple[str, ...], run: bool) -> int:
        self._client.called(f"routines.decide.{run}")
        number = 0
        for name in occurrences:
            if self.occurrences[name].state == "asking":
                state: OccurrenceState = "waiting" if run else "skipped"
                await self.tell(replace(self.occurrences[name], state=state))
                number += 1
        return number


class FakeOffers:
    """What the editor offers: modules' tasks, and tools."""

    def __init__(self) -> None:
        text = {"type": "string", "description": "What to say back."}
        number = {"type": "integer", "default": 20, "minimum": 1, "maximum": 100}
        kind = {"enum": ["short", "long"], "default": "short"}
        self.tasks = (
            self._task("echo_bot.echo", "Says the text back as it is.", {"text": text}, ["text"]),
            self._task(
                "feeds.fetch_all",
                "Reads all feeds.",
                {
                    "limit": number,
                    "kind": kind,
                    "again": {"type": "boolean"},
                    "languages": {"type": "array"},
                },
                [],
            ),
        )
        names = ("calculate", "current_time", "echo_bot__echo")
        self.tools = tuple(ToolInfo(name, "", {}, "builtin") for name in names)

    def _task(
        self, name: str, about: str, arguments: dict[str, object], required: list[str]
    ) -> TaskInfo:
        schema = {"type": "object", "properties": arguments, "required": required}
        return TaskInfo(name, name.partition(".")[0], about, schema, True, 3, 5.0, None, "", None)

    async def list_tasks(self) -> tuple[TaskInfo, ...]:
        return self.tasks

    async def list_tools(self) -> tuple[ToolInfo, ...]:
        return self.tools


class FakeApprovals:
    """`ApprovalService` in dictionaries."""

    def __init__(self, client: "FakeClient") -> None:
        self._client = client
        self.all: dict[str, Approval] = {}
        self.allowed: list[str] = []
        self._moved = asyncio.Event()

    # -- for tests -----------------------------------------------------------------------------

    def put(self, tool: str = "Write a file", **more: object) -> Approval:
        """One that waits."""
        values: dict[str, object] = {
            "run": "run-1",
            "arguments": {"path": "notes/2.4.md"},
            "why": "wants to write notes/2.4.md (31 lines)",
            "asked": datetime.now(UTC),
            **more,
        }
        name = str(values.pop("id", "")) or self._client.name("approval")
        made = Approval(id=name, tool=tool, **values)  # type: ignore[arg-type]
        self.all[made.id] = made
        return made

    async def ask(self, tool: str = "Write a file", **more: object) -> Approval:
        """One that waits from now on, and everybody hears of it."""
        made = self.put(tool, **more)
        self._client.emit(ApprovalChanged(made))
        return made

    async def change(self, approval: str, **changes: object) -> Approval:
        """One is like this now, and everybody hears of it."""
        made = replace(self.all[approval], **changes)  # type: ignore[arg-type]
        self.all[approval] = made
        self._client.emit(ApprovalChanged(made))
        self._moved.set()
        return made

    async def settled(self, message: str) -> None:
        """Wait until nothing waits any more for this answer (its id)."""
        while any(one.message == message and _waits(one) for one in self.all.values()):
            self._moved.clear()
            await self._moved.wait()

    # -- the Protocol --------------------------------------------------------------------------

    async def waiting(self) -> tuple[Approval, ...]:
        self._client.called("approvals.waiting")
        there = [each for each in self.all.values() if _waits(each)]
        return tuple(sorted(there, key=lambda each: each.asked))

    async def get(self, approval: str) -> Approval:
        self._client.called("approvals.get")
        if approval not in self.all:
            raise NotFound("There is no such approval")
        return self.all[approval]

    async def answer(self, approval: str, verdict: Verdict, instead: str = "") -> Approval:
        self._client.called(f"approvals.answer.{verdict}")
        self._client.called("approvals.answer")
        old = await self.get(approval)
        if old.verdict is not None or old.expired:
            raise Conflict("This was answered before", "", "")
        if verdict == "always":
            self.allowed.append(old.tool)
        return await self.change(
            approval, verdict=verdict, instead=instead, answered=datetime.now(UTC)
        )

    async def always(self) -> tuple[str, ...]:
        self._client.called("approvals.always")
        return tuple(self.allowed)

    async def revoke(self, tool: str) -> None:
        self._client.called("approvals.revoke")
        if tool in self.allowed:
            self.allowed.remove(tool)


def _waits(approval: Approval) -> bool:
    return approval.verdict is None and not approval.expired
