"""The use cases of routines: make, change, look, pause, run now, decide about missed times.

Owns `RoutineService`. When they are due is looked at by `routine_clock`; how one begins is in
`routine_start`. It must not know SQL or Celery.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from worker.contract.errors import Conflict, InvalidInput, TooLarge
from worker.contract.events import OccurrenceChanged, RoutineChanged
from worker.contract.routines import CatchUp, Occurrence, Overlap, Routine, RoutineDraft
from worker.contract.types import Source
from worker.module_host.host import ModuleHost
from worker.module_host.schema import checked
from worker.service.routine_times import Rule, checked_rule, next_time, rule_of
from worker.service.scope import Scope, new_id
from worker.storage.routines import RoutineChanges

LONGEST_PROMPT = 100_000
"""Characters of a prompt."""
LONGEST_TITLE = 200
MOST_PREVIEWED = 100
HIGHEST_LIMIT = 1000
MISSED: tuple[CatchUp, ...] = ("skip", "once", "ask")
OVERLAPS: tuple[Overlap, ...] = ("skip", "queue")


@dataclass(frozen=True, slots=True)
class Routines:
    """`RoutineService` for one owner."""

    scope: Scope
    host: ModuleHost
    zone: Callable[[], str]
    """The machine's; read off the loop."""
    begin: Callable[[Routine, Occurrence], Awaitable[Occurrence]]
    """Begins an occurrence that a person asks for; see `RoutineClock.begin_by_hand`."""
    changed: Callable[[], None]
    """When something is due next may be another time now."""

    # looking -----------------------------------------------------------------------------

    async def get(self, routine: str) -> Routine:
        """See `RoutineService.get`."""
        return await self.scope.storage.get_routine(self.scope.owner, routine)

    async def list_routines(self) -> tuple[Routine, ...]:
        """See `RoutineService.list_routines`."""
        return await self.scope.storage.list_routines(self.scope.owner)

    async def preview(self, draft: RoutineDraft, count: int = 3) -> tuple[datetime, ...]:
        """See `RoutineService.preview`."""
        _, coming = await self._checked(draft, max(1, min(count, MOST_PREVIEWED)))
        return coming

    async def history(self, routine: str, limit: int = 50) -> tuple[Occurrence, ...]:
        """See `RoutineService.history`."""
        limit = max(1, min(limit, HIGHEST_LIMIT))
        return await self.scope.storage.occurrences(self.scope.owner, routine, limit)

    async def occurrence(self, occurrence: str) -> Occurrence:
        """See `RoutineService.occurrence`."""
        return await self.scope.storage.get_occurrence(self.scope.owner, occurrence)

    async def asking(self) -> tuple[Occurrence, ...]:
        """See `RoutineService.asking`."""
        return await self.scope.storage.asking_occurrences(self.scope.owner)

    # making and changing -----------------------------------------------------------------

    async def add(self, draft: RoutineDraft, source: Source = "chat") -> Routine:
        """See `RoutineService.add`."""
        rule, (due,) = await self._checked(draft)
        now = self.scope.now()
        made = Routine(
            id=new_id(),
            title=_title(draft),
            kind="task" if draft.task else "prompt",
            start=rule.start,
            zone=rule.zone,
            created=now,
            updated=now,
            rrule=rule.rrule,
            cron=rule.cron,
            prompt=draft.prompt.strip(),
            task=draft.task,
            arguments=self._arguments(draft),
            provider=draft.provider,
            model=draft.model,
            tools=draft.tools,
            chat=draft.chat,
            notify=draft.notify,
            missed=draft.missed,
            overlap=draft.overlap,
            source=source,
            due=due,
        )
        return await self._told(await self.scope.storage.add_routine(self.scope.owner, made))

    async def change(self, routine: str, draft: RoutineDraft) -> Routine:
        """See `RoutineService.change`."""
        old = await self._there(routine)
        if not draft.start:
            draft = replace(draft, start=old.start)
        if not draft.zone:
            draft = replace(draft, zone=old.zone)
        rule, (due,) = await self._checked(draft)
        changes: RoutineChanges = {
            "title": _title(draft),
            "kind": "task" if draft.task else "prompt",
            "prompt": draft.prompt.strip(),
            "task": draft.task,
            "arguments": self._arguments(draft),
            "start": rule.start,
            "zone": rule.zone,
            "rrule": rule.rrule,
            "cron": rule.cron,
            "provider": draft.provider,
            "model": draft.model,
            "tools": draft.tools,
            "chat": draft.chat,
            "notify": draft.notify,
            "missed": draft.missed,
            "overlap": draft.overlap,
            "failures": 0,
            "due": None if old.paused else due,
        }
        return await self._set(routine, changes)

    async def pause(self, routine: str, paused: bool) -> Routine:
        """See `RoutineService.pause`."""
        found = await self._there(routine)
        if paused:
            return await self._set(routine, {"paused": True, "paused_why": "", "due": None})
        if not found.paused:
            return found
        due = await self._next(found)
        return await self._set(
            routine, {"paused": False, "paused_why": "", "failures": 0, "due": due}
        )

    async def delete(self, routine: str) -> Routine:
        """See `RoutineService.delete`."""
        if (found := await self.get(routine)).deleted is not None:
            return found
        return await self._set(routine, {"deleted": self.scope.now(), "due": None})

    async def undelete(self, routine: str) -> Routine:
        """See `RoutineService.undelete`."""
        found = await self.get(routine)
        if found.deleted is None:
            return found
        due = None if found.paused else await self._next(found)
        return await self._set(routine, {"deleted": None, "due": due})

    # running -----------------------------------------------------------------------------

    async def run_now(self, routine: str) -> Occurrence:
        """See `RoutineService.run_now`."""
        found = await self._there(routine)
        time = Occurrence(
            id=new_id(),
            routine=routine,
            due=self.scope.now(),
            state="waiting",
            by_hand=True,
        )
        return await self.begin(found, time)

    async def decide(self, occurrences: tuple[str, ...], run: bool) -> int:
        """See `RoutineService.decide`."""
        decided = 0
        for name in dict.fromkeys(occurrences):
            found = await self.scope.storage.decide_occurrence(
                self.scope.owner, name, run, self.scope.now()
            )
            if found is not None:
                decided += 1
                await self.scope.tell(OccurrenceChanged(occurrence=found))
        self.changed()
        return decided

    # within ------------------------------------------------------------------------------

    async def _checked(
        self, draft: RoutineDraft, count: int = 1
    ) -> tuple[Rule, tuple[datetime, ...]]:
        """When it runs, and its next times."""
        await self._check(draft)
        zone = draft.zone or await asyncio.to_thread(self.zone)
        rule = self._rule(draft, zone)
        return rule, await asyncio.to_thread(checked_rule, rule, self.scope.now(), count)

    async def _check(self, draft: RoutineDraft) -> None:
        if bool(draft.prompt.strip()) == bool(draft.task):
            raise InvalidInput(
                "A schedule has either a prompt or a task", remedy="Give one of the two."
            )
        if len(draft.prompt) > LONGEST_PROMPT:
            raise TooLarge("The prompt is too long", f"{LONGEST_PROMPT} characters are the most.")
        if draft.missed not in MISSED or draft.overlap not in OVERLAPS:
            raise InvalidInput(
                "That is no way to deal with it",
                f"“{draft.missed}”, “{draft.overlap}”.",
                "Missed times: skip, once, ask. Overlap: skip, queue.",
            )
        self._arguments(draft)
        if draft.chat is not None and not draft.task:
            chat = await self.scope.storage.get_chat(self.scope.owner, draft.chat)
            if chat.deleted is not None:
                raise Conflict("This chat was deleted", remedy="Undo the deletion first.")

    def _arguments(self, draft: RoutineDraft) -> dict[str, object]:
        if not draft.task:
            return {}
        parameters = self.host.spec(draft.task).info.parameters
        return dict(checked(parameters, draft.arguments, draft.task))

    def _rule(self, draft: RoutineDraft, zone: str) -> Rule:
        start = draft.start
        if not start:
            try:
                here = self.scope.now().astimezone(ZoneInfo(zone))
            except (ValueError, OSError, KeyError):  # the rule's own check says what is wrong
                here = self.scope.now()
            start = here.replace(tzinfo=None).isoformat(timespec="seconds")
        return Rule(start, zone, draft.rrule.strip(), draft.cron.strip())

    async def _next(self, routine: Routine) -> datetime | None:
        try:
            return await asyncio.to_thread(next_time, rule_of(routine), self.scope.now())
        except ValueError as error:  # stored by another version, or a zone that is gone
            raise InvalidInput(
                "When it runs makes no sense here", str(error), "Change when it runs."
            ) from None

    async def _there(self, routine: str) -> Routine:
        found = await self.get(routine)
        if found.deleted is not None:
            raise Conflict("This schedule was deleted", remedy="Undo the deletion first.")
        return found

    async def _set(self, routine: str, changes: RoutineChanges) -> Routine:
        changes["updated"] = self.scope.now()
        return await self._told(
            await self.scope.storage.update_routine(self.scope.owner, routine, changes)
        )

    async def _told(self, routine: Routine) -> Routine:
        await self.scope.tell(RoutineChanged(routine=routine))
        self.changed()
        return routine


def _title(draft: RoutineDraft) -> str:
    title = " ".join((draft.title or draft.prompt or draft.task).split())
    if len(title) <= LONGEST_TITLE and draft.title:
        return title
    longest = LONGEST_TITLE if draft.title else 60
    return title if len(title) <= longest else f"{title[: longest - 1].rstrip()}…"
