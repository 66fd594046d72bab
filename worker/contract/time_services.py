"""The Protocols of what happens at a time: reminders, routines, and approvals they wait for.

Owns the signatures; see `services`, which hands them on.
"""

from datetime import datetime
from typing import Protocol

from worker.contract.reminders import (
    Firing,
    MissedPolicy,
    Quiet,
    Reminder,
    ReminderCounts,
    ReminderView,
    Understood,
)
from worker.contract.routines import Approval, Occurrence, Routine, RoutineDraft, Verdict
from worker.contract.types import Source


class ReminderService(Protocol):
    """Reminders, and each time that one is due."""

    async def understand(
        self, text: str, zone: str = "", now: datetime | None = None
    ) -> Understood:
        """What a line means, without keeping anything.

        English, German, French and Spanish. `zone` "" is the machine's; `now` None is now.
        Raises InvalidInput for a zone that does not exist, TooLarge for a text too long.
        """
        ...

    async def remind(
        self,
        text: str,
        zone: str = "",
        now: datetime | None = None,
        source: Source = "chat",
        chat: str | None = None,
    ) -> Reminder:
        """Keep what a line means. Raises InvalidInput where `understand` gives no time."""
        ...

    async def add(
        self,
        text: str,
        start: str,
        zone: str = "",
        rrule: str = "",
        notes: str = "",
        urgent: bool = False,
        missed: MissedPolicy = "notify",
        source: Source = "chat",
        chat: str | None = None,
    ) -> Reminder:
        """Keep a reminder whose time is known.

        Raises InvalidInput for an empty text, a time, zone or rule that makes no sense, and one
        that lies wholly in the past.
        """
        ...

    async def change(
        self,
        reminder: str,
        text: str | None = None,
        start: str | None = None,
        zone: str | None = None,
        rrule: str | None = None,
        notes: str | None = None,
        urgent: bool | None = None,
        missed: MissedPolicy | None = None,
    ) -> Reminder:
        """Change what is given, leave what is None. A new time ends a snooze. What waits for an
        answer is urgent, or not any more, with its reminder. Raises as `add`."""
        ...

    async def get(self, reminder: str) -> Reminder:
        """One reminder; raises NotFound."""
        ...

    async def list_reminders(
        self,
        view: ReminderView = "upcoming",
        query: str = "",
        limit: int = 200,
        offset: int = 0,
    ) -> tuple[Reminder, ...]:
        """Upcoming: the next due first. Done: the last ended first. Missed: those with a firing
        that was found late and has no answer yet, the latest due first.

        `query`: only those that hold every word of it in their text or notes.
        """
        ...

    async def open_firings(self) -> tuple[Firing, ...]:
        """Everything that was due and waits for an answer, the oldest first."""
        ...

    async def history(self, reminder: str, limit: int = 50) -> tuple[Firing, ...]:
        """The firings of one reminder, newest first."""
        ...

    async def counts(self) -> ReminderCounts:
        """What the tray tells."""
        ...

    async def done(self, reminder: str, firing: str = "") -> Reminder:
        """Answer its open firings (or just the one named) with done. One that recurs goes on;
        one that does not is ended, also before its time. Answering twice changes nothing."""
        ...

    async def snooze(self, reminder: str, until: datetime, firing: str = "") -> Reminder:
        """Answer its open firings, and be reminded again at `until`, which is to come."""
        ...

    async def skip(self, reminder: str) -> Reminder:
        """Leave out the next time. One that does not recur is ended."""
        ...

    async def undo_skip(self, reminder: str, due: datetime, snoozed: bool = False) -> Reminder:
        """Undo `skip` of the time `due`, `snoozed` where a snooze had put it there: it comes
        again. Where something else became of the reminder since, nothing changes."""
        ...

    async def reopen(self, reminder: str) -> Reminder:
        """Undo `done` of one that was ended: it is due at its time if that is to come, or else
        open again as missed."""
        ...

    async def done_all(self, firings: tuple[str, ...]) -> int:
        """Answer these firings with done; returns how many were open."""
        ...

    async def undo_done(self, firings: tuple[str, ...]) -> tuple[Reminder, ...]:
        """Undo `done` and `done_all`: these firings wait for their answer as before, and are not
        notified again; a reminder that ended with them is open.

        When a reminder is due next stays, and a snooze that `done` ended of one that recurs does
        not come back. Left alone is what is open, was snoozed or skipped, is not there any more,
        or is of a deleted reminder. Returns the reminders of those that are open now.
        """
        ...

    async def delete(self, reminder: str) -> Reminder:
        """Delete; `undelete` brings it back until maintenance removes it after 30 days."""
        ...

    async def undelete(self, reminder: str) -> Reminder:
        """Undo `delete`."""
        ...

    async def take(self, firing: str, process: str) -> bool:
        """Whether the caller is the one to notify: True for one process, once.

        A process that died after taking and before `shown` does not count. False as well where
        the firing is answered, silent, or kept back.
        """
        ...

    async def shown(self, firing: str) -> None:
        """The desktop accepted the notification of a firing that was taken."""
        ...

    async def quiet(self) -> Quiet:
        """Whether notifications are kept back now."""
        ...

    async def do_not_disturb(self, until: datetime | None) -> Quiet:
        """Keep notifications back until then; None ends it, quiet hours of now included."""
        ...

    async def import_calendar(self, data: bytes) -> tuple[Reminder, ...]:
        """Add the VTODOs and VEVENTs of an iCalendar file; those known by their UID are left
        out. Raises InvalidInput for what is no such file."""
        ...

    async def export_calendar(self) -> bytes:
        """Every reminder that is not deleted, as an iCalendar file of VTODOs with VALARMs."""
        ...


class RoutineService(Protocol):
    """Prompts and tasks that run by themselves."""

    async def add(self, draft: RoutineDraft, source: Source = "chat") -> Routine:
        """Raises InvalidInput for neither or both of prompt and task, a rule that makes no sense
        or comes more often than once a minute; NotFound for a task or chat that is not there."""
        ...

    async def change(self, routine: str, draft: RoutineDraft) -> Routine:
        """Put the draft in the place of what it was; its history stays. Raises as `add`."""
        ...

    async def get(self, routine: str) -> Routine:
        """One routine; raises NotFound."""
        ...

    async def list_routines(self) -> tuple[Routine, ...]:
        """All that are not deleted, the next due first."""
        ...

    async def preview(self, draft: RoutineDraft, count: int = 3) -> tuple[datetime, ...]:
        """When it would run next. Raises as `add`."""
        ...

    async def pause(self, routine: str, paused: bool) -> Routine:
        """Run it no more, or again; times that passed meanwhile are not missed ones."""
        ...

    async def run_now(self, routine: str) -> Occurrence:
        """Begin it now; when it is due next does not change."""
        ...

    async def delete(self, routine: str) -> Routine:
        """Delete; `undelete` brings it back until maintenance removes it after 30 days."""
        ...

    async def undelete(self, routine: str) -> Routine:
        """Undo `delete`."""
        ...

    async def history(self, routine: str, limit: int = 50) -> tuple[Occurrence, ...]:
        """Its occurrences, newest first."""
        ...

    async def occurrence(self, occurrence: str) -> Occurrence:
        """One occurrence; raises NotFound."""
        ...

    async def asking(self) -> tuple[Occurrence, ...]:
        """Missed occurrences that a person decides about, oldest first."""
        ...

    async def decide(self, occurrences: tuple[str, ...], run: bool) -> int:
        """Run them (spread out) or skip them; returns how many were still undecided."""
        ...


class ApprovalService(Protocol):
    """What a tool may only do when a person agreed."""

    async def waiting(self) -> tuple[Approval, ...]:
        """Those that wait, oldest first."""
        ...

    async def get(self, approval: str) -> Approval:
        """One; raises NotFound."""
        ...

    async def answer(self, approval: str, verdict: Verdict, instead: str = "") -> Approval:
        """Say yes ("always": for this tool from now on) or no; the parked run goes on.

        Raises Conflict when it was answered before or its run has ended.
        """
        ...

    async def always(self) -> tuple[str, ...]:
        """The tools that need not be asked about any more."""
        ...

    async def revoke(self, tool: str) -> None:
        """Ask about this tool again."""
        ...
