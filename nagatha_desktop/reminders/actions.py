"""What can be done to reminders, and doing it.

Owns asking the engine for it, once at a time, and the words that say what was done and how it is
undone. Asks through the bridge only; knows no widget.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Signal

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.reminders import words
from nagatha_desktop.reminders.feed import ReminderFeed
from nagatha_desktop.widgets import moments
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.text import one_line
from worker.contract.reminders import Firing, Reminder
from worker.contract.services import Client
from worker.contract.types import Problem

Undo: TypeAlias = Literal["", "reopen", "undo_done", "undo_skip", "undelete", "delete"]
_LINE = 60


class ReminderActions(QObject):
    """See the module."""

    said = Signal(str, str)
    """It was done: the words for it, and what undoes it ("reopen:<id>", "undo_done:<firing>,…",
    "undo_skip:<id>,<due>,<snoozed or nothing>"), "" for nothing."""
    failed = Signal(object)
    """It could not be done (Problem)."""

    def __init__(
        self,
        bridge: Bridge,
        feed: ReminderFeed,
        clock: Callable[[], datetime],
        wall: Wall,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._feed = feed
        self._clock = clock
        self._wall = wall
        self._under_way: set[str] = set()

    def toggle_done(self, reminder: Reminder) -> None:
        """The circle: done, or open again where it was done.

        One that recurs and is not due yet is done for its next time, which is left out.
        """
        if words.ended(reminder) is not None:
            self.reopen(reminder.id)
        elif reminder.rrule and not words.is_open(reminder):
            self._do(
                reminder.id,
                lambda client: client.reminders.skip(reminder.id),
                lambda now: self._say_skipped(
                    self.tr("“{text}” is done for this time."), now, reminder
                ),
            )
        else:
            waiting = self._feed.waiting(reminder)

            def say(now: Reminder) -> None:
                text = self.tr("“{text}” is done.")
                if waiting:
                    self._say_with_next(text, now, "undo_done", waiting)
                else:
                    self._say_with_next(text, now, "reopen" if now.done is not None else "")

            self._do(reminder.id, lambda client: client.reminders.done(reminder.id), say)

    def reopen(self, reminder: str) -> None:
        """Undo that one was ended."""
        self._do(
            reminder,
            lambda client: client.reminders.reopen(reminder),
            lambda now: self._say(self.tr("“{text}” is open again."), now, ""),
        )

    def snooze(self, reminder: Reminder, until: datetime) -> None:
        """Put it off."""
        point = moments.point(until, self._clock(), self._wall)
        text = self.tr("“{text}” comes again: {time}")
        self._do(
            reminder.id,
            lambda client: client.reminders.snooze(reminder.id, until),
            lambda now: self._say(text.replace("{time}", point), now, ""),
        )

    def skip(self, reminder: Reminder) -> None:
        """Leave out the next time of one that recurs."""
        if reminder.rrule and words.ended(reminder) is None:
            self._do(
                reminder.id,
                lambda client: client.reminders.skip(reminder.id),
                lambda now: self._say_skipped(self.tr("“{text}” is skipped once."), now, reminder),
            )

    def delete(self, reminder: str) -> None:
        """Delete it; it can be undone."""
        self._do(
            reminder,
            lambda client: client.reminders.delete(reminder),
            lambda now: self._say(self.tr("“{text}” is deleted."), now, "undelete"),
        )

    def undo(self, token: str) -> None:
        """Undo what was said with this token."""
        what, _, reminder = token.partition(":")
        if what == "reopen":
            self.reopen(reminder)
        elif what == "undo_done":
            self._undo_done(tuple(reminder.split(",")))
        elif what == "undo_skip":
            self._undo_skip(*reminder.split(","))
        elif what == "delete":
            self.delete(reminder)
        elif what == "undelete":
            self._do(
                reminder,
                lambda client: client.reminders.undelete(reminder),
                lambda now: self._say(self.tr("“{text}” is back."), now, ""),
            )

    def done_all(self, firings: tuple[Firing, ...]) -> None:
        """Answer all these with done."""
        names = tuple(firing.id for firing in firings)
        if not names or "all" in self._under_way:
            return
        self._under_way.add("all")

        def done(number: int) -> None:
            self._under_way.discard("all")
            self._feed.answered(names)
            one, many = self.tr("1 reminder is done."), self.tr("{number} reminders are done.")
            undo = _token("undo_done", names) if number else ""
            self.said.emit(one if number == 1 else many.format(number=number), undo)

        def failed(problem: Problem) -> None:
            self._under_way.discard("all")
            self.failed.emit(problem)

        self._bridge.call(
            lambda client: client.reminders.done_all(names), owner=self, done=done, failed=failed
        )

    def _undo_done(self, firings: tuple[str, ...]) -> None:
        """These firings (ids) wait for their answer again."""
        if "undo_done" in self._under_way:
            return
        self._under_way.add("undo_done")

        def done(opened: tuple[Reminder, ...]) -> None:
            self._under_way.discard("undo_done")
            for number, reminder in enumerate(opened, start=1):
                self._feed.take(reminder, at_once=number == len(opened))
            if len(opened) == 1:
                self._say(self.tr("“{text}” is open again."), opened[0], "")
            elif opened:
                many = self.tr("{number} reminders are open again.")
                self.said.emit(many.format(number=len(opened)), "")
            else:
                self.said.emit(self.tr("There was nothing left to open again."), "")

        def failed(problem: Problem) -> None:
            self._under_way.discard("undo_done")
            self.failed.emit(problem)

        self._bridge.call(
            lambda client: client.reminders.undo_done(firings),
            owner=self,
            done=done,
            failed=failed,
        )

    def _undo_skip(self, reminder: str, due: str, snoozed: str) -> None:
        """The time that was left out comes again."""
        at = datetime.fromisoformat(due)

        def say(now: Reminder) -> None:
            if now.due == at:
                self._say_with_next(self.tr("“{text}” is back."), now, "")
            else:
                self.said.emit(self.tr("There was nothing left to open again."), "")

        self._do(
            reminder,
            lambda client: client.reminders.undo_skip(reminder, at, bool(snoozed)),
            say,
        )

    def kept(self, reminder: Reminder) -> None:
        """A new one was kept: show it, and say so."""
        self._feed.take(reminder, at_once=True)
        self._say_with_next(self.tr("“{text}” is kept."), reminder, "delete")

    def _do(
        self,
        reminder: str,
        use: Callable[[Client], Awaitable[Reminder]],
        say: Callable[[Reminder], None],
    ) -> None:
        """Do it once, however often it is asked for until it is done."""
        if reminder in self._under_way:
            return
        self._under_way.add(reminder)

        def done(now: Reminder) -> None:
            self._under_way.discard(reminder)
            self._feed.take(now, at_once=True)
            say(now)

        def failed(problem: Problem) -> None:
            self._under_way.discard(reminder)
            self.failed.emit(problem)

        self._bridge.call(use, owner=self, done=done, failed=failed)

    def _say(self, text: str, reminder: Reminder, undo: Undo, ids: tuple[str, ...] = ()) -> None:
        token = _token(undo, ids or (reminder.id,)) if undo else ""
        self.said.emit(text.replace("{text}", one_line(reminder.text, _LINE)), token)

    def _say_skipped(self, text: str, now: Reminder, before: Reminder) -> None:
        """It is said of `now`; undone is what `before` was due next."""
        if before.due is None:
            self._say_with_next(text, now, "")
            return
        undo = (now.id, before.due.isoformat(), "snoozed" if before.snoozed else "")
        self._say_with_next(text, now, "undo_skip", undo)

    def _say_with_next(
        self, text: str, reminder: Reminder, undo: Undo, ids: tuple[str, ...] = ()
    ) -> None:
        coming = words.next_time(reminder, self._clock(), self._wall)
        if coming:
            text = " ".join((text, self.tr("Next: {time}").replace("{time}", coming)))
        self._say(text, reminder, undo, ids)


def _token(undo: Undo, ids: tuple[str, ...]) -> str:
    return f"{undo}:{','.join(ids)}"
