"""Lists that are read page by page and kept in step with what the engine tells of their items.

Owns the calls that read, and that nothing is missed which is told meanwhile. What is read, and
where an item belongs, say those who derive from it. Asks through the bridge only; knows no widget.
"""

from collections.abc import Callable, Collection, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.bridge import Bridge, Call
from worker.contract.services import Client
from worker.contract.types import Problem


class Item(Protocol):
    """What stands in the lists."""

    @property
    def id(self) -> str: ...


ItemT = TypeVar("ItemT", bound=Item)


class Rows(Protocol[ItemT]):
    """One list."""

    def get(self, item: str, /) -> ItemT | None: ...
    def has(self, item: str, /) -> bool: ...
    def put(self, item: ItemT, /) -> None: ...
    def drop(self, item: str, /) -> None: ...
    def fetch_failed(self) -> None: ...


RowsT = TypeVar("RowsT", bound="Rows[Any]")
ListT = TypeVar("ListT", bound=str)


class Feed(QObject, Generic[ItemT, ListT, RowsT]):
    """See the module. Nothing is read before `load`, which derived classes have."""

    changed = Signal()
    """The number of items in some list, or whether all is read, is another."""
    problem = Signal(object)
    """Reading failed (Problem)."""

    def __init__(
        self,
        bridge: Bridge,
        gather: int,
        places: Callable[[ItemT], Collection[ListT]],
        fits: Callable[[ItemT], bool],
        parent: QObject | None,
    ) -> None:
        """Nothing is there yet: derived classes make the lists (`rows`), then listen to the engine.

        Args:
            bridge: to the engine.
            gather: milliseconds that changes are gathered for.
            places: the lists that an item belongs to.
            fits: whether an item is one of those that are looked for.
            parent: who owns it.
        """
        super().__init__(parent)
        self.rows: dict[ListT, RowsT] = {}
        self._bridge = bridge
        self._places = places
        self._fits = fits
        self._reading: Call | None = None
        self._paging: dict[ListT, Call] = {}
        self._told: dict[str, ItemT] = {}
        self._since: dict[str, ItemT] = {}
        self._live = False
        self._flush = QTimer(self)
        self._flush.setSingleShot(True)
        self._flush.setInterval(gather)
        self._flush.timeout.connect(self._apply)

    @property
    def loaded(self) -> bool:
        """Whether what is shown was read for the present filter or search."""
        return self._live and self._reading is None

    def find(self, item: str) -> ItemT | None:
        """An item that is shown in some list."""
        for rows in self.rows.values():
            found: ItemT | None = rows.get(item)
            if found is not None:
                return found
        return None

    # -- reading ------------------------------------------------------------------------------

    @Slot()
    def pause(self) -> None:
        """Nobody looks: forget to keep in step until `load` is called again."""
        self._live = False
        self._stop_reading()
        self._flush.stop()
        self._told.clear()

    def _read_first(
        self, read: Callable[[Client], Coroutine[Any, Any, Any]], done: Callable[[Any], None]
    ) -> None:
        """Read everything anew and keep it in step from now on.

        Args:
            read: what is to be read.
            done: shows it, then calls `_tell_again`.
        """
        self._live = True
        self._stop_reading()

        def show(found: Any) -> None:
            self._reading = None
            done(found)

        self._reading = self._bridge.call(read, owner=self, done=show, failed=self._failed)

    def _read_further(
        self,
        place: ListT,
        read: Callable[[Client], Coroutine[Any, Any, tuple[ItemT, ...]]],
        done: Callable[[tuple[ItemT, ...]], None],
    ) -> None:
        """Read one list's next page; `done` adds it."""

        def add(page: tuple[ItemT, ...]) -> None:
            self._paging.pop(place, None)
            done(page)
            self._tell_again()

        def failed(problem: Problem) -> None:
            self._paging.pop(place, None)
            self.rows[place].fetch_failed()
            self.problem.emit(problem)

        self._paging[place] = self._bridge.call(read, owner=self, done=add, failed=failed)

    def _stop_reading(self) -> None:
        for call in (*self._paging.values(), *([self._reading] if self._reading else [])):
            call.cancel()
        for place in self._paging:
            self.rows[place].fetch_failed()
        self._paging.clear()
        self._reading = None
        self._since.clear()

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

    # -- keeping in step ----------------------------------------------------------------------

    def take(self, item: ItemT, *, at_once: bool = False) -> None:
        """An item is like this now: an event's, or the answer to what a person did.

        Args:
            item: as it is.
            at_once: show it now, and not with the next changes that are gathered.
        """
        if not self._live:
            return
        self._told[item.id] = item
        if self._reading is not None or self._paging:
            self._since[item.id] = item
        if at_once:
            self._apply()
        elif not self._flush.isActive():
            self._flush.start()

    @Slot()
    def _apply(self) -> None:
        self._flush.stop()
        told, self._told = self._told, {}
        for item in told.values():
            self._move(item)
        self.changed.emit()

    def _move(self, item: ItemT) -> None:
        """Put an item where it belongs now, and take it away from where it does not."""
        there = self._places(item)
        # What was found once stays found while it changes.
        wanted = any(rows.has(item.id) for rows in self.rows.values()) or self._fits(item)
        for place, rows in self.rows.items():
            if place not in there:
                rows.drop(item.id)
            elif wanted:
                rows.put(item)
