"""What the activity window knows: the runs of each segment, kept in step with the engine.

Owns reading, paging and searching, and which segment a run moves to when the engine tells of it.
Asks through the bridge only; knows no widget.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.activity.rows import RunRows
from nagatha_desktop.activity.segments import SEGMENTS, STATES, Filter, Segment, segment_of
from nagatha_desktop.bridge import Bridge, Call
from worker.contract.events import ChatChanged, DataReplaced, Event, RunChanged
from worker.contract.services import Client
from worker.contract.types import Chat, Problem, Run

PAGE = 200
"""Runs that are read at once."""
GATHER = 100
"""Milliseconds that changes are gathered for: more often than that nobody reads them."""
_CHATS = 1000


@dataclass(frozen=True, slots=True)
class _Read:
    """What one reading of everything found."""

    pages: dict[Segment, tuple[Run, ...]]
    titles: dict[str, str] | None
    """None where they are known from before."""


class RunFeed(QObject):
    """See the module. Nothing is read before `load`."""

    changed = Signal()
    """The number of runs in some segment, or whether all is read, is another."""
    run_changed = Signal(object)
    """The engine told of a run (Run), whether it is shown or not."""
    problem = Signal(object)
    """Reading failed (Problem)."""

    def __init__(
        self, bridge: Bridge, clock: Callable[[], datetime], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._titles: dict[str, str] = {}
        self._titles_known = False
        self.filter = Filter()
        self.rows: dict[Segment, RunRows] = {}
        for segment in SEGMENTS:
            rows = RunRows(segment, self.title_of, clock, self)
            rows.more_wanted.connect(self._read_more)
            self.rows[segment] = rows
        self._reading: Call | None = None
        self._paging: dict[Segment, Call] = {}
        self._told: dict[str, Run] = {}
        self._since: dict[str, Run] = {}
        self._live = False
        self._flush = QTimer(self)
        self._flush.setSingleShot(True)
        self._flush.setInterval(GATHER)
        self._flush.timeout.connect(self._apply)
        bridge.listen(self, self._take)

    def title_of(self, chat: str) -> str:
        """The title of a chat; "" where it has none or is not known."""
        return self._titles.get(chat, "")

    @property
    def loaded(self) -> bool:
        """Whether what is shown was read for the present filter."""
        return self._live and self._reading is None

    def find(self, run: str) -> Run | None:
        """A run that is shown in some segment."""
        for rows in self.rows.values():
            found = rows.get(run)
            if found is not None:
                return found
        return None

    # -- reading ------------------------------------------------------------------------------

    @Slot()
    def load(self) -> None:
        """Read the newest runs of every segment again, and keep them in step from now on."""
        self._live = True
        self._stop_reading()
        wanted, titles_known = self.filter, self._titles_known

        async def read(client: Client) -> _Read:
            titles = None if titles_known else await _titles(client)
            pages = {}
            for segment in SEGMENTS:
                pages[segment] = await client.jobs.list_runs(
                    STATES[segment], PAGE, None, wanted.query.strip(), wanted.kinds
                )
            return _Read(pages, titles)

        self._reading = self._bridge.call(read, owner=self, done=self._show, failed=self._failed)

    def look_up(
        self, run: str, done: Callable[[Run], None], failed: Callable[[Problem], None]
    ) -> None:
        """Ask for one run, wherever it stands."""
        self._bridge.call(lambda client: client.jobs.get(run), owner=self, done=done, failed=failed)

    @Slot()
    def pause(self) -> None:
        """Nobody looks: forget to keep in step until `load` is called again."""
        self._live = False
        self._stop_reading()
        self._flush.stop()
        self._told.clear()

    def set_filter(self, wanted: Filter) -> None:
        """Show only what fits."""
        if wanted != self.filter:
            self.filter = wanted
            self.load()

    def _stop_reading(self) -> None:
        for call in (*self._paging.values(), *([self._reading] if self._reading else [])):
            call.cancel()
        for segment in self._paging:
            self.rows[segment].fetch_failed()
        self._paging.clear()
        self._reading = None
        self._since.clear()

    def _show(self, found: _Read) -> None:
        self._reading = None
        if found.titles is not None:
            self._titles = {**found.titles, **self._titles}
            self._titles_known = True
        for segment, page in found.pages.items():
            self.rows[segment].show_first(page, len(page) >= PAGE)
        self._tell_again()

    def _tell_again(self) -> None:
        """What was told while something was read may be newer than what was read."""
        self._told = {**self._since, **self._told}
        if self._reading is None and not self._paging:
            self._since.clear()
        self._apply()

    def _failed(self, problem: Problem) -> None:
        self._reading = None
        self._since.clear()
        self.problem.emit(problem)

    @Slot()
    def _read_more(self) -> None:
        rows = self.sender()
        if not isinstance(rows, RunRows) or rows.last is None or self._reading is not None:
            if isinstance(rows, RunRows):
                rows.fetch_failed()
            return
        segment, wanted, last = rows.segment, self.filter, rows.last

        def add(page: tuple[Run, ...]) -> None:
            self._paging.pop(segment, None)
            rows.add_older(page, len(page) >= PAGE)
            self._tell_again()

        def failed(problem: Problem) -> None:
            self._paging.pop(segment, None)
            rows.fetch_failed()
            self.problem.emit(problem)

        self._paging[segment] = self._bridge.call(
            lambda client: client.jobs.list_runs(
                STATES[segment], PAGE, last.queued, wanted.query.strip(), wanted.kinds, last.id
            ),
            owner=self,
            done=add,
            failed=failed,
        )

    # -- keeping in step ----------------------------------------------------------------------

    def take(self, run: Run) -> None:
        """A run is like this now: an event's, or the answer to what a person did."""
        if self._live:
            self._told[run.id] = run
            if self._reading is not None or self._paging:
                self._since[run.id] = run
            if not self._flush.isActive():
                self._flush.start()

    def _take(self, event: Event) -> None:
        if isinstance(event, RunChanged):
            self.take(event.run)
            self.run_changed.emit(event.run)
        elif isinstance(event, ChatChanged):
            self._title(event.chat)
        elif isinstance(event, DataReplaced):
            self._titles_known = False
            self._titles.clear()
            if self._live:
                self.load()

    def _title(self, chat: Chat) -> None:
        if self._titles.get(chat.id) == chat.title:
            return
        self._titles[chat.id] = chat.title
        if self._live:
            for rows in self.rows.values():
                rows.titles_changed(chat.id)

    @Slot()
    def _apply(self) -> None:
        self._flush.stop()
        told, self._told = self._told, {}
        for run in told.values():
            self._move(run)
        self.changed.emit()

    def _move(self, run: Run) -> None:
        there = segment_of(run)
        known = any(rows.has(run.id) for rows in self.rows.values())
        for segment, rows in self.rows.items():
            if segment != there:
                rows.drop(run.id)
        # What was found once stays found while it changes its state.
        if known or self.filter.fits(run, self.title_of(run.chat) if run.chat else ""):
            self.rows[there].put(run)


async def _titles(client: Client) -> dict[str, str]:
    """The titles of the newest chats, archived ones too."""
    titles = {}
    for archived in (True, False):
        for chat in await client.chats.list_chats(archived, _CHATS):
            titles[chat.id] = chat.title
    return titles
