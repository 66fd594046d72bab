"""What the window knows: the reminders of each view and what was missed, in step with the engine.

Owns what is read and searched, and which views a reminder moves to when the engine tells of it; how
it is kept in step is `Feed`'s. Knows no widget.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.feed import Feed
from nagatha_desktop.reminders import words
from nagatha_desktop.reminders.rows import VIEWS, ReminderRows, views_of
from nagatha_desktop.widgets.moments import Wall
from worker.contract.errors import NotFound
from worker.contract.events import DataReplaced, Event, FiringChanged, ReminderChanged
from worker.contract.reminders import OPEN_STATES, Firing, Reminder, ReminderView
from worker.contract.services import Client
from worker.contract.types import Problem

PAGE = 200
"""Reminders that are read at once."""
GATHER = 60
"""Milliseconds that changes are gathered for."""
_LOOKED_UP = 50
"""Reminders that wait for an answer and stand on no page that are read one by one."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What one reading of everything found."""

    pages: dict[ReminderView, tuple[Reminder, ...]]
    firings: tuple[Firing, ...]
    others: tuple[Reminder, ...]
    """Those with a firing that waits which are on no page."""


class ReminderFeed(Feed[Reminder, ReminderView, ReminderRows]):
    """See the module. Nothing is read before `load`."""

    missed_changed = Signal()
    """`missed` is another."""

    def __init__(
        self,
        bridge: Bridge,
        clock: Callable[[], datetime],
        wall: Wall,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(
            bridge, GATHER, views_of, lambda reminder: words.holds(reminder, self.query), parent
        )
        self.query = ""
        for view in VIEWS:
            rows = ReminderRows(view, clock, wall, self)
            rows.more_wanted.connect(self._read_more)
            self.rows[view] = rows
        self._open: dict[str, Firing] = {}
        self._firings_since: dict[str, Firing] = {}
        bridge.listen(self, self._take)

    @property
    def missed(self) -> tuple[Firing, ...]:
        """What was found late and waits for an answer, the oldest first."""
        found = (firing for firing in self._open.values() if firing.state == "missed")
        return tuple(sorted(found, key=lambda firing: firing.due))

    def waiting(self, reminder: Reminder) -> tuple[str, ...]:
        """The firings (ids) of a reminder that wait for an answer."""
        found = dict.fromkeys(f.id for f in self._open.values() if f.reminder == reminder.id)
        if reminder.firing is not None and words.is_open(reminder):
            found[reminder.firing.id] = None
        return tuple(found)

    # -- reading ------------------------------------------------------------------------------

    @Slot()
    def load(self) -> None:
        """Read every view again, and keep it in step from now on."""
        query = self.query

        async def read(client: Client) -> _Read:
            service = client.reminders
            pages = {view: await service.list_reminders(view, query, PAGE, 0) for view in VIEWS}
            firings = await service.open_firings()
            known = {one.id for view in VIEWS for one in pages[view]}
            unknown = dict.fromkeys(f.reminder for f in firings if f.reminder not in known)
            others = []
            for name in list(unknown)[:_LOOKED_UP]:
                try:
                    one = await service.get(name)
                except NotFound:
                    continue  # deleted since its firings were read
                if words.holds(one, query):
                    others.append(one)
            return _Read(pages, firings, tuple(others))

        self._read_first(read, self._show)

    def search(self, query: str) -> None:
        """Show only what holds these words."""
        query = " ".join(query.split())
        if query != self.query:
            self.query = query
            self.load()

    def _stop_reading(self) -> None:
        super()._stop_reading()
        self._firings_since.clear()

    def _show(self, found: _Read) -> None:
        self._open = {firing.id: firing for firing in found.firings}
        waiting = [one for one in (*found.pages["missed"], *found.others) if words.is_open(one)]
        for view in VIEWS:
            page = found.pages[view]
            shown = {one.id: one for one in page}
            if view == "upcoming":
                # Whatever waits for an answer stands there, on whichever page the engine has it.
                shown = {**{one.id: one for one in waiting}, **shown}
            self.rows[view].show_first(tuple(shown.values()), len(page) >= PAGE)
        firings = dict(self._firings_since)
        self._tell_again()
        for firing in firings.values():
            self._take_firing(firing)
        self._firings_since.clear()
        self.missed_changed.emit()

    def _failed(self, problem: Problem) -> None:
        self._firings_since.clear()
        super()._failed(problem)

    @Slot()
    def _read_more(self) -> None:
        rows = self.sender()
        if not isinstance(rows, ReminderRows):
            return
        if self._reading is not None:
            rows.fetch_failed()
            return
        view, query = rows.view, self.query
        # Those that wait may not be counted where the engine lists them, and some may have gone:
        # what is read twice is left out.
        twice = rows.waiting
        offset, limit = max(0, len(rows) - twice), PAGE + twice

        self._read_further(
            view,
            lambda client: client.reminders.list_reminders(view, query, limit, offset),
            lambda page: rows.add_further(page, len(page) >= limit),
        )

    # -- keeping in step ----------------------------------------------------------------------

    def answered(self, firings: tuple[str, ...]) -> None:
        """A person answered these firings."""
        for name in firings:
            firing = self._open.get(name)
            if firing is not None:
                self._take_firing(replace(firing, state="done"))

    def _take(self, event: Event) -> None:
        if isinstance(event, ReminderChanged):
            self.take(event.reminder)
        elif isinstance(event, FiringChanged) and self._live:
            if self._reading is not None:
                self._firings_since[event.firing.id] = event.firing
            else:
                self._take_firing(event.firing)
        elif isinstance(event, DataReplaced) and self._live:
            self.load()

    def _take_firing(self, firing: Firing) -> None:
        if firing.state in OPEN_STATES:
            self._open[firing.id] = firing
        else:
            self._open.pop(firing.id, None)
        self.missed_changed.emit()
        known = self._told.get(firing.reminder) or self.find(firing.reminder)
        if known is not None:
            self.take(replace(known, firing=words.with_firing(known, firing)))
        elif firing.state in OPEN_STATES:
            self._bridge.call(
                lambda client: client.reminders.get(firing.reminder),
                owner=self,
                done=self.take,
                failed=self._not_found,
            )

    def _not_found(self, problem: Problem) -> None:
        if problem.kind != NotFound.default_kind:
            self.problem.emit(problem)

    def _move(self, reminder: Reminder) -> None:
        super()._move(reminder)
        if reminder.deleted is not None:
            gone = [f.id for f in self._open.values() if f.reminder == reminder.id]
            for name in gone:
                del self._open[name]
            if gone:
                self.missed_changed.emit()
