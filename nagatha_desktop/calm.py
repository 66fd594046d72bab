"""News that waits while nobody wants to be disturbed, until it can be said.

Owns whether news has to wait now, and which pieces of it wait: each by a name and an id, never by
its words, so that what is said in the end is what is true by then. They outlive the program. What
they mean, and how they are said, it must not know.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.state import WindowState
from nagatha_desktop.status import ReminderWatch

KEY = "unsaid"
"""Where they are kept."""
MOST = 300
"""So many wait; the oldest are dropped then, and stand in their lists all the same."""


def utc_now() -> datetime:
    """The clock that is used where no other is given."""
    return datetime.now(UTC)


class Calm(QObject):
    """See the module. Made before the engine is there, so that what it tells first waits, too."""

    over = Signal()
    """What had to wait can be said now."""

    def __init__(
        self,
        watch: ReminderWatch,
        state: WindowState,
        clock: Callable[[], datetime] = utc_now,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._watch = watch
        self._state = state
        self._clock = clock
        self._waiting = state.mapping(KEY)
        self._owing = bool(self._waiting)
        """Whether somebody was told to wait."""
        self._stopped = False
        watch.changed.connect(self._look)

    def keeps(self) -> bool:
        """Whether news has to wait now. Whoever asks hears of the end of it (`over`)."""
        kept = self._watch.keeps_back(self._clock())
        self._owing = self._owing or kept
        return kept

    def put(self, kind: str, about: str, value: str) -> None:
        """A piece of news waits: what it is about (an id), and what tells more of it.

        One of the same kind about the same takes the place of that before.
        """
        self._waiting.pop(f"{kind}:{about}", None)
        self._waiting[f"{kind}:{about}"] = value
        for name in list(self._waiting)[: max(0, len(self._waiting) - MOST)]:
            del self._waiting[name]
        self._owing = True
        self._keep()

    def drop(self, kind: str, about: str) -> None:
        """It is no news any more; nothing where it does not wait."""
        if self._waiting.pop(f"{kind}:{about}", None) is not None:
            self._keep()

    def waiting(self, kind: str) -> dict[str, str]:
        """What waits of one kind, the oldest first: what it is about, and what tells more."""
        start = f"{kind}:"
        return {
            name.removeprefix(start): value
            for name, value in self._waiting.items()
            if name.startswith(start)
        }

    def settle(self, kind: str, taken: Mapping[str, str]) -> None:
        """What `waiting` gave is said, or is no news any more. What came since waits on."""
        for about, value in taken.items():
            if self._waiting.get(f"{kind}:{about}") == value:
                del self._waiting[f"{kind}:{about}"]
        self._keep()

    def try_again(self) -> None:
        """It could not be found out what is true: `over` comes again, some time later."""
        self._owing = True

    def stop(self) -> None:
        """Let nobody say anything more; what waits is kept for the next start."""
        self._stopped = True

    def _keep(self) -> None:
        self._state.set(KEY, dict(self._waiting))

    @Slot()
    def _look(self) -> None:
        if self._owing and not self._stopped and not self._watch.keeps_back(self._clock()):
            self._owing = False
            self.over.emit()
