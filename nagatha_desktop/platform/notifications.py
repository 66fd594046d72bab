"""Says something on the desktop, with buttons, while no window of the program is in front.

Owns the choice between the system's notifications and small windows of our own, which are what is
left where nothing on the desktop shows them, or shows no buttons. Answers come back as signals on
the GUI thread. How the system is asked is in `system_notifications`; what is said, and how our
own windows look, it must not know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from PySide6.QtCore import QObject, Signal, Slot
from shiboken6 import Shiboken

from nagatha_desktop.platform.system_notifications import (
    Answer,
    Notification,
    SystemNotifications,
    Told,
    WhyNot,
)

Place: TypeAlias = Literal["system", "window"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A notification can be seen."""

    id: str
    place: Place
    why: WhyNot = ""
    """Why it is a window of our own; "" where the system shows it."""


class OwnWindows(Protocol):
    """Windows of our own that say what the system does not. On the GUI thread."""

    def show(self, notification: Notification) -> None:
        """Show it, in the place of one with the same id."""
        ...

    def take_away(self, id: str) -> None:
        """Show it no more; nothing where it is not shown."""
        ...

    def stop(self) -> None:
        """Take all away for good."""
        ...


MakeWindows: TypeAlias = Callable[[Callable[[Answer], None]], OwnWindows]
"""Makes them when they are first needed. What a person answers there is told to the function."""


class Notifier(QObject):
    """See the module. Nothing is imported, connected to or started before something is said."""

    shown = Signal(object)
    """The desktop accepted it, or a window of our own shows it (Shown)."""
    pressed = Signal(str, str)
    """A button was pressed: the notification's id and the button's."""
    clicked = Signal(str)
    """The notification itself was clicked (id)."""
    dismissed = Signal(str)
    """A person closed it without an answer (id)."""
    _told = Signal(object)

    def __init__(
        self, windows: MakeWindows, icon: Path | None = None, parent: QObject | None = None
    ) -> None:
        """`icon` is the picture beside each notification."""
        super().__init__(parent)
        self._make_windows = windows
        self._windows: OwnWindows | None = None
        self._icon = icon
        self._system: SystemNotifications | None = None
        self._said: dict[str, Notification] = {}
        """What was handed to the system and is not known to be shown there yet, or stays."""
        self._accepted: set[str] = set()
        self._watcher: QObject | None = None
        self._stopped = False
        self._told.connect(self._take)

    @property
    def windows(self) -> OwnWindows | None:
        """The windows of our own, if any were needed yet."""
        return self._windows

    def say(self, notification: Notification) -> None:
        """Say it, in the place of one with the same id. `shown` tells how."""
        if self._stopped:
            return
        if self._system is None:
            self._system = SystemNotifications(self._post, self._icon)
            self._watch_service()
        if self._windows is not None:
            self._windows.take_away(notification.id)
        self._accepted.discard(notification.id)
        self._said[notification.id] = notification
        self._system.say(notification)

    def withdraw(self, id: str) -> None:
        """Take a notification away, wherever it is shown: it was answered elsewhere."""
        self._forget(id)
        if self._windows is not None:
            self._windows.take_away(id)
        if self._system is not None:
            self._system.withdraw(id)

    @Slot()
    def stop(self) -> None:
        """Take away all that is shown: its buttons do nothing once the program is gone."""
        self._stopped = True
        self._said.clear()
        if self._windows is not None:
            self._windows.stop()
            self._windows = None
        if self._system is not None:
            self._system.stop()
            self._system = None

    # -- answers ----------------------------------------------------------------------------------

    def _post(self, told: Told) -> None:
        """On the thread of the system's notifications."""
        if Shiboken.isValid(self):
            self._told.emit(told)

    @Slot(object)
    def _take(self, told: Told) -> None:
        if self._stopped:
            return
        if isinstance(told.what, Answer):
            self._answered(told.what)
            return
        notification = self._said.get(told.what)
        if notification is None or notification is not told.notification:
            return  # withdrawn or replaced meanwhile
        if told.why:
            del self._said[told.what]
            self._show_window(notification, told.why)
            return
        self._accepted.add(told.what)
        if not notification.stays:
            del self._said[told.what]
        self.shown.emit(Shown(told.what, "system"))

    def _show_window(self, notification: Notification, why: WhyNot) -> None:
        if self._windows is None:
            self._windows = self._make_windows(self._answered)
        self._windows.show(notification)
        self.shown.emit(Shown(notification.id, "window", why))

    def _answered(self, answer: Answer) -> None:
        self._forget(answer.id)
        if answer.kind == "pressed":
            self.pressed.emit(answer.id, answer.action)
        elif answer.kind == "clicked":
            self.clicked.emit(answer.id)
        else:
            self.dismissed.emit(answer.id)

    def _forget(self, id: str) -> None:
        self._said.pop(id, None)
        self._accepted.discard(id)

    # -- a service that comes and goes ------------------------------------------------------------

    def _watch_service(self) -> None:
        """What stays until it is answered must outlive the service that shows it."""
        # QtDBus is missing where Qt was built without it, and systems without a bus have no need.
        try:
            from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher
        except ImportError:
            return
        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        mode = QDBusServiceWatcher.WatchModeFlag.WatchForOwnerChange
        watcher = QDBusServiceWatcher("org.freedesktop.Notifications", bus, mode, self)
        watcher.serviceOwnerChanged.connect(self._service_changed)
        self._watcher = watcher

    @Slot(str, str, str)
    def _service_changed(self, _: str, before: str, __: str) -> None:
        if self._system is None or self._stopped:
            return
        if not before:
            self._system.service_came()
            return
        self._system.service_went()
        # What it showed went with it. What does not stay would have gone anyway.
        for id in sorted(self._accepted & self._said.keys()):
            self.say(self._said[id])
