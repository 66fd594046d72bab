"""What the program has of background work: the window when it is wanted, and the news of failures.

Owns that the window is made once and late, and where a click on the news leads. What else there is
on the desktop it is told by who makes it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.activity.alerts import FailureAlerts
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from worker.contract.types import Run

if TYPE_CHECKING:
    from nagatha_desktop.activity.window import ActivityWindow


def utc_now() -> datetime:
    """The clock that is used where no other is given."""
    return datetime.now(UTC)


class ActivityDesk(QObject):
    """See the module. Nothing of the window is imported before it is wanted."""

    chat_wanted = Signal(str)
    """Show this chat (id); "" for the chat window as it is."""
    settings_wanted = Signal(str)
    reminders_wanted = Signal()
    quick_wanted = Signal()
    shortcuts_wanted = Signal(object)
    """List all keys beside this window."""
    quit_wanted = Signal()
    restart_wanted = Signal()
    news = Signal(str, str)
    """Say this (title, text) on the desktop; a click on it leads to `show_news`."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        state: WindowState,
        keys: Keys,
        watch: EngineWatch,
        watched: Callable[[Run], bool],
        calm: Calm,
        parent: QObject | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`watched` tells whether another window that is in front shows what became of a run."""
        super().__init__(parent)
        self._bridge = bridge
        self._themes = themes
        self._state = state
        self._keys = keys
        self._watch = watch
        self._watched = watched
        self._clock = clock
        self._window: ActivityWindow | None = None
        self._run = ""
        self.alerts = FailureAlerts(bridge, self._is_watched, clock, calm, self)
        watch.looked_at_failures.connect(self.alerts.seen)
        self.alerts.unseen.connect(watch.failed_unseen)
        self.alerts.failed.connect(self._failed)

    @property
    def window(self) -> "ActivityWindow":
        """The activity window, made when it is first wanted."""
        if self._window is None:
            from nagatha_desktop.activity.window import ActivityWindow

            made = ActivityWindow(
                self._bridge, self._themes, self._state, self._keys, self._watch, self._clock
            )
            made.chat_wanted.connect(self.chat_wanted)
            made.settings_wanted.connect(self.settings_wanted)
            made.reminders_wanted.connect(self.reminders_wanted)
            made.quick_wanted.connect(self.quick_wanted)
            made.shortcuts_wanted.connect(self._shortcuts)
            made.quit_wanted.connect(self.quit_wanted)
            made.restart_wanted.connect(self.restart_wanted)
            made.cancelled.connect(self.alerts.cancelled)
            self._window = made
        return self._window

    @property
    def made(self) -> "ActivityWindow | None":
        """The window, if it was wanted yet."""
        return self._window

    @Slot()
    def show(self) -> None:
        """Show the window: what runs, or what failed where that is the only news."""
        if self._watch.failures and not self._watch.running:
            self.window.show_segment("failed")
        self.window.bring_up()

    @Slot()
    def show_news(self) -> None:
        """Show what was said last."""
        self.window.show_segment("failed")
        self.window.show_run(self._run)

    def stop(self) -> None:
        """Say nothing more."""
        self.alerts.stop()

    def _is_watched(self, run: Run) -> bool:
        window = self._window
        in_front = window is not None and window.isVisible() and window.isActiveWindow()
        return in_front or self._watched(run)

    @Slot(str, str, str)
    def _failed(self, title: str, text: str, run: str) -> None:
        self._run = run
        self.news.emit(title, text)

    @Slot()
    def _shortcuts(self) -> None:
        self.shortcuts_wanted.emit(self._window)
