"""What the activity window knows: the runs of each segment, kept in step with the engine.

Owns what is read and searched, and which segment a run moves to when the engine tells of it; how
it is kept in step is `Feed`'s. Knows no widget.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.activity.rows import RunRows
from nagatha_desktop.activity.segments import SEGMENTS, STATES, Filter, Segment, segment_of
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.feed import Feed
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


class RunFeed(Feed[Run, Segment, RunRows]):
    """See the module. Nothing is read before `load`."""

    run_changed = Signal(object)
    """The engine told of a run (Run), whether it is shown or not."""

    def __init__(
        self, bridge: Bridge, clock: Callable[[], datetime], parent: QObject | None = None
    ) -> None:
        super().__init__(
            bridge, GATHER, lambda run: (segment_of(run),), lambda run: self._is_wanted(run), parent
        )
        self._titles: dict[str, str] = {}
        self._titles_known = False
        self.filter = Filter()
        for segment in SEGMENTS:
            rows = RunRows(segment, self.title_of, clock, self)
            rows.more_wanted.connect(self._read_more)
            self.rows[segment] = rows
        bridge.listen(self, self._take)

    def title_of(self, chat: str) -> str:
        """The title of a chat; "" where it has none or is not known."""
        return self._titles.get(chat, "")

    # -- reading ------------------------------------------------------------------------------

    @Slot()
    def load(self) -> None:
        """Read the newest runs of every segment again, and keep them in step from now on."""
        wanted, titles_known = self.filter, self._titles_known

        async def read(client: Client) -> _Read:
            titles = None if titles_known else await _titles(client)
            pages = {}
            for segment in SEGMENTS:
                pages[segment] = await client.jobs.list_runs(
                    STATES[segment], PAGE, None, wanted.query.strip(), wanted.kinds
                )
            return _Read(pages, titles)

        self._read_first(read, self._show)

    def look_up(
        self, run: str, done: Callable[[Run], None], failed: Callable[[Problem], None]
    ) -> None:
        """Ask for one run, wherever it stands."""
        self._bridge.call(lambda client: client.jobs.get(run), owner=self, done=done, failed=failed)

    def set_filter(self, wanted: Filter) -> None:
        """Show only what fits."""
        if wanted != self.filter:
            self.filter = wanted
            self.load()

    def _show(self, found: _Read) -> None:
        if found.titles is not None:
            self._titles = {**found.titles, **self._titles}
            self._titles_known = True
        for segment, page in found.pages.items():
            self.rows[segment].show_first(page, len(page) >= PAGE)
        self._tell_again()

    @Slot()
    def _read_more(self) -> None:
        rows = self.sender()
        if not isinstance(rows, RunRows):
            return
        if rows.last is None or self._reading is not None:
            rows.fetch_failed()
            return
        wanted, last = self.filter, rows.last
        self._read_further(
            rows.segment,
            lambda client: client.jobs.list_runs(
                STATES[rows.segment], PAGE, last.queued, wanted.query.strip(), wanted.kinds, last.id
            ),
            lambda page: rows.add_older(page, len(page) >= PAGE),
        )

    # -- keeping in step ----------------------------------------------------------------------

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

    def _is_wanted(self, run: Run) -> bool:
        return self.filter.fits(run, self.title_of(run.chat) if run.chat else "")


async def _titles(client: Client) -> dict[str, str]:
    """The titles of the newest chats, archived ones too."""
    titles = {}
    for archived in (True, False):
        for chat in await client.chats.list_chats(archived, _CHATS):
            titles[chat.id] = chat.title
    return titles
