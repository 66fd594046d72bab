"""What the program has of reminders: the window when it is wanted, and "do not disturb".

Owns that the window is made once and late. What else there is on the desktop it is told by who
makes it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.absences import Times, Why
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.theme import ThemeController

if TYPE_CHECKING:
    from nagatha_desktop.reminders.window import RemindersWindow
    from nagatha_desktop.widgets.when import WhenDialog


def utc_now() -> datetime:
    """The clock that is used where no other is given."""
    return datetime.now(UTC)


class ReminderDesk(QObject):
    """See the module. Nothing of the window is imported before it is wanted."""

    chat_wanted = Signal(str)
    """Show this chat (id); "" for the chat window as it is."""
    activity_wanted = Signal()
    settings_wanted = Signal(str)
    quick_wanted = Signal()
    shortcuts_wanted = Signal(object)
    """List all keys beside this window."""
    quit_wanted = Signal()
    restart_wanted = Signal()

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        state: WindowState,
        keys: Keys,
        watch: EngineWatch,
        parent: QObject | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._themes = themes
        self._state = state
        self._keys = keys
        self._watch = watch
        self._clock = clock
        self.why: Callable[[Times], Why] = lambda _: ""
        """Why nobody was there when something was due; set by who knows (see `Absences`)."""
        self._window: RemindersWindow | None = None
        self.dialog: WhenDialog | None = None
        """The question how long nobody is to disturb, while it is open."""

    @property
    def window(self) -> "RemindersWindow":
        """The window of reminders, made when it is first wanted."""
        if self._window is None:
            from nagatha_desktop.reminders.window import RemindersWindow

            made = RemindersWindow(
                self._bridge,
                self._themes,
                self._state,
                self._keys,
                self._watch,
                self._clock,
                why=lambda times: self.why(times),
            )
            made.chat_wanted.connect(self.chat_wanted)
            made.activity_wanted.connect(self.activity_wanted)
            made.settings_wanted.connect(self.settings_wanted)
            made.quick_wanted.connect(self.quick_wanted)
            made.shortcuts_wanted.connect(self._shortcuts)
            made.quit_wanted.connect(self.quit_wanted)
            made.restart_wanted.connect(self.restart_wanted)
            self._window = made
        return self._window

    @property
    def made(self) -> "RemindersWindow | None":
        """The window, if it was wanted yet."""
        return self._window

    @Slot()
    def show(self) -> None:
        """Show the window."""
        self.window.bring_up()

    @Slot(str)
    def show_reminder(self, reminder: str) -> None:
        """Show the window with a reminder (id) in view, or what was missed for ""."""
        if reminder:
            self.window.show_reminder(reminder)
            return
        self.window.bring_up()
        self.window.show_missed()

    @Slot()
    def choose_quiet(self) -> None:
        """Ask until when nobody is to disturb."""
        from nagatha_desktop.widgets.when import WhenDialog

        if self.dialog is not None:
            self.dialog.raise_()
            return
        self.dialog = WhenDialog(
            self.tr("Do not disturb until"),
            self.tr("Do not disturb"),
            self._clock,
            Wall(),
            self._watch.reminders.do_not_disturb,
        )
        self.dialog.finished.connect(self._dialog_closed)
        self.dialog.open_at(self._clock() + timedelta(hours=2))

    @Slot()
    def _dialog_closed(self) -> None:
        self.dialog = None

    @Slot()
    def _shortcuts(self) -> None:
        self.shortcuts_wanted.emit(self._window)
