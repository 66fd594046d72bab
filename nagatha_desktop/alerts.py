"""Everything that the program says on the desktop while nobody looks, put together.

Owns who says what, which kinds are switched on, and where a click leads. What is in front is told
by who has the windows.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.absences import Absences
from nagatha_desktop.activity.news import WorkNews
from nagatha_desktop.announcer import Announcer
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
from nagatha_desktop.platform.notifications import Notifier
from nagatha_desktop.reminders.alerts import ReminderAlerts
from nagatha_desktop.state import WindowState
from nagatha_desktop.widgets.notes import Notes
from nagatha_desktop.widgets.theme import ThemeController
from worker.contract.types import Run

ICON = Path(__file__).resolve().parents[1] / "resources" / "icons" / "nagatha.svg"
LEFT = 500
"""Milliseconds after which a window that is not in front any more was left: menus, and the way from
one window to another, take the keyboard for less."""


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
        calm: Calm,
        parent: QObject | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """`watched` tells whether a person looks at a chat, `run_watched` whether they see what
        becomes of a run."""
        super().__init__(parent)
        self._state = state
        self._calm = calm
        self._stopped = False
        self.absences = Absences(bridge, clock, parent=self)
        """Why nobody was there when something was due."""
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
            self.absences,
            self,
        )
        self.reminders.reminders_wanted.connect(self.reminders_wanted)
        self.work = WorkNews(
            bridge,
            self.announcer,
            self.wanted,
            watched,
            run_watched,
            clock,
            calm,
            self.absences,
            self,
        )
        self.work.chat_wanted.connect(self.chat_wanted)
        self.work.activity_wanted.connect(self.activity_wanted)
        self._left = QTimer(self)
        self._left.setSingleShot(True)
        self._left.setInterval(LEFT)
        self._left.timeout.connect(self.work.look_around)

    def wanted(self, kind: str) -> bool:
        """Whether a kind of news is switched on: "answers", "failures", "approvals",
        "routines", or "sound"."""
        return self._state.flag(f"notify_{kind}")

    def failure(self, title: str, text: str, opens: Callable[[], object]) -> None:
        """Say that a job failed."""
        if self.wanted("failures"):
            self.announcer.say("failure", title, text, opens=opens)

    def still_running(self, opens: Callable[[], object]) -> None:
        """Say that closing the window was not the end; that answers what a person just did."""
        self.announcer.say(
            "running",
            self.tr("Nagatha is still running"),
            self.tr("It waits in the tray. Quit it from the menu there."),
            opens=opens,
        )

    @Slot()
    def front_changed(self) -> None:
        """Another window, or another chat, is in front, or none."""
        if not self._stopped:
            self._left.start()

    def stop(self) -> None:
        """Say nothing more, and take away what is shown."""
        self._stopped = True
        self._left.stop()
        self._calm.stop()
        self.reminders.stop()
        self.work.stop()
        self.notifier.stop()
