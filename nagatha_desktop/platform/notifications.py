"""Says something on the desktop while no window of the program is in front.

Owns the choice between the system's notifications and a small window of our own, which is what is
left where there is no daemon for them. Knows nothing of what is said.
"""

from collections.abc import Callable
from html import escape

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QLabel, QSystemTrayIcon, QVBoxLayout, QWidget

STAYS = 8_000
"""Milliseconds."""
_WIDTH = 340
_EDGE = 16


class ToastWindow(QWidget):
    """A small window in the corner of the screen. A click opens what it speaks of."""

    clicked = Signal()

    def __init__(self) -> None:
        super().__init__(
            None,
            Qt.WindowType.ToolTip
            | Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.WindowStaysOnTopHint,
        )
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self)
        self._title = QLabel(self)
        self._title.setProperty("role", "strong")
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        for words in (self._title, self._text):
            words.setTextFormat(Qt.TextFormat.PlainText)
            column.addWidget(words)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(STAYS)
        self._timer.timeout.connect(self.hide)

    def say(self, title: str, text: str) -> None:
        """Show this for a while."""
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(f"{title}. {text}")
        self.setFixedWidth(_WIDTH)
        self.adjustSize()
        screen = QGuiApplication.primaryScreen()
        if screen is not None:
            room = screen.availableGeometry()
            self.move(room.right() - self.width() - _EDGE, room.bottom() - self.height() - _EDGE)
        self.show()
        self._timer.start()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.hide()
        self.clicked.emit()


class Notifier(QObject):
    """Says things on the desktop."""

    clicked = Signal()
    """The person pressed what was said last."""

    def __init__(
        self, icon: Callable[[], QSystemTrayIcon | None], parent: QObject | None = None
    ) -> None:
        """`icon` gives the tray's icon, or None while there is none."""
        super().__init__(parent)
        self._icon = icon
        self._window: ToastWindow | None = None
        self._connected: QSystemTrayIcon | None = None

    def say(self, title: str, text: str) -> None:
        """Say it once, in the system's way where it has one."""
        icon = self._icon()
        if icon is not None and QSystemTrayIcon.supportsMessages() and has_daemon():
            if self._connected is not icon:
                icon.messageClicked.connect(self.clicked)
                self._connected = icon
            # Daemons render markup in the body.
            icon.showMessage(title, escape(text, quote=False), icon.icon(), STAYS)
            return
        if self._window is None:
            self._window = ToastWindow()
            self._window.clicked.connect(self.clicked)
        self._window.say(title, text)

    @Slot()
    def stop(self) -> None:
        """Take away what is shown."""
        if self._window is not None:
            self._window.hide()
            self._window.deleteLater()
            self._window = None


def has_daemon() -> bool:
    """Whether something on the bus shows notifications; True on systems that always do."""
    try:
        from PySide6.QtDBus import QDBusConnection
    except ImportError:
        return True
    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return QGuiApplication.platformName() in ("windows", "cocoa")
    names = bus.interface()
    service = "org.freedesktop.Notifications"
    if bool(names.isServiceRegistered(service).value()):
        return True
    started = names.call("ListActivatableNames").arguments()
    return bool(started) and service in started[0]
