"""Why nobody was there when something was due: the program was off, the machine slept, or paused.

Owns what is known of it since the program began: when that was, how long the machine slept, and
when background work was paused. What is not known is "": it is told without a reason.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Slot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.power import suspended
from worker.contract.events import EngineChanged, Event
from worker.contract.system import EngineStatus
from worker.contract.types import Problem

Why: TypeAlias = Literal["off", "asleep", "paused", ""]
Times: TypeAlias = Iterable[tuple[datetime, datetime | None]]
"""When something was due, and when that was found out; None where that is not known."""

_ROUNDED = timedelta(seconds=10)
"""Waking takes a while, and what was due is found a few seconds after it."""
_SLEPT = 1.0
"""Seconds of sleep that count as some."""
_KEPT = 100


class Absences(QObject):
    """See the module. Made when the program begins."""

    def __init__(
        self,
        bridge: Bridge,
        clock: Callable[[], datetime],
        slept: Callable[[], float | None] = suspended,
        parent: QObject | None = None,
    ) -> None:
        """`slept` is how many seconds the machine slept since it was switched on."""
        super().__init__(parent)
        self._bridge = bridge
        self._clock = clock
        self._slept = slept
        self._begun = clock()
        self._before = slept()
        self._sleeps: list[tuple[datetime, datetime]] = []
        self._pauses: list[tuple[datetime, datetime]] = []
        self._paused: datetime | None = None
        self._was_paused: bool | None = None
        """Whether background work was paused when the program began; None until it is known."""
        bridge.ready.connect(self._ask)
        bridge.listen(self, self._hear)

    def why(self, times: Times) -> Why:
        """Why nobody was there at any of these times, where that is one reason for all."""
        self.look()
        found = {self._why(due, at) for due, at in times}
        return found.pop() if len(found) == 1 else ""

    @Slot()
    def look(self) -> None:
        """Find out whether the machine slept; best at once when it wakes."""
        now, slept = self._clock(), self._slept()
        if slept is not None and self._before is not None and slept - self._before > _SLEPT:
            since = now - timedelta(seconds=slept - self._before) - _ROUNDED
            self._sleeps.append((since, now))
            del self._sleeps[:-_KEPT]
        self._before = slept

    def _why(self, due: datetime, found: datetime | None) -> Why:
        if due < self._begun:
            # Paused before the program began, or never found before: nobody knows which.
            known = found is not None and found >= self._begun and self._was_paused is False
            return "off" if known else ""
        if self._paused is not None and due >= self._paused:
            return "paused"
        if any(begin <= due <= end for begin, end in self._pauses):
            return "paused"
        return "asleep" if any(begin <= due <= end for begin, end in self._sleeps) else ""

    def _ask(self) -> None:
        self._bridge.call(
            lambda client: client.system.status(),
            owner=self,
            done=self._know_first,
            failed=_nothing,
        )

    def _know_first(self, status: EngineStatus) -> None:
        if self._was_paused is None:
            self._was_paused = status.paused
        self._know(status.paused, self._begun if status.paused else self._clock())

    def _hear(self, event: Event) -> None:
        if isinstance(event, EngineChanged):
            self._know(event.status.paused, self._clock())

    def _know(self, paused: bool, at: datetime) -> None:
        if paused and self._paused is None:
            self._paused = at
        elif not paused and self._paused is not None:
            self._pauses.append((self._paused, at))
            del self._pauses[:-_KEPT]
            self._paused = None


def _nothing(_: Problem) -> None:
    """Then it stays unknown, and no reason is given."""
