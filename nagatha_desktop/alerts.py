"""Everything that the program says on the desktop while nobody looks, put together.

Owns who says what, which kinds are switched on, and where a click leads. What is in front is told
by who has the windows.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from nagatha_desktop.activity.news import WorkNews
from nagatha_desktop.announcer import Announcer
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.notifications import Notifier
from nagatha_desktop.reminders.alerts import ReminderAlerts
from nagatha_desktop.state import WindowState
from nagatha_desktop.widgets.notes import Notes
from nagatha_desktop.widgets.theme import ThemeController
from worker.contract.types import Run

ICON = Path(__file__).resolve().parents[1] / "resources" / "icons" / "nagatha.svg"


def _now() -> datetime:
    return datetime.now(UTC)


class Alerts(QObject):
    """See the module."""

    chat_wanted = Signal(str)
    activity_wanted = Signal()
    reminders_wanted = Signal(str)
    """Show the reminders, at this one (id); "" for those that were missed."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        state: WindowState,
        watched: Callable[[str], bool],
        run_watched: Callable[[Run], bool],
        parent: QObject | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """`watched` tells whether a person looks at a chat, `run_watched` whether they see what
        becomes of a run."""
        super().__init__(parent)
        self._state = state
        self.reminders_seen: Callable[[], bool] = lambda: False
        """Whether a person looks at the reminders; set by who has their window."""
        self.notifier = Notifier(lambda answered: Notes(themes, answered), ICON, self)
        self.announcer = Announcer(self.notifier, self)
        self.reminders = ReminderAlerts(
            bridge,
            self.announcer,
            lambda: self.reminders_seen(),
            lambda: self.wanted("sound"),
            clock,
            self,
        )
        self.reminders.reminders_wanted.connect(self.reminders_wanted)
        self.work = WorkNews(bridge, self.announcer, self.wanted, watched, run_watched, clock, self)
        self.work.chat_wanted.connect(self.chat_wanted)
        self.work.activity_wanted.connect(self.activity_wanted)

    def wanted(self, kind: str) -> bool:
        """Whether a kind of news is switched on: "answers", "failures", "approvals",
        "routines", or "sound"."""
        return self._state.flag(f"notify_{kind}")

    def failure(self, title: str, text: str, opens: Callable[[], object]) -> None:
        """Say that a job failed."""
        if self.wanted("failures"):
            self.announcer.say("failure", title, text, opens=opens)

    def stop(self) -> None:
        """Say nothing more, and take away what is shown."""
        self.reminders.stop()
        self.work.stop()
        self.notifier.stop()
