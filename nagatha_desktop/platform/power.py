"""Tells that the machine woke from sleep, where the system says so.

Owns the connection to logind on Linux, on a thread of its own that costs nothing while nothing is
told. Elsewhere, and where there is no system bus, it tells nothing: the engine's own clocks find
the gap then. What follows from waking it must not know.
"""

import logging
import select
import socket
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from shiboken6 import Shiboken

if TYPE_CHECKING:
    from jeepney import Message
    from jeepney.io.blocking import DBusConnection

log = logging.getLogger(__name__)

_SERVICE = "org.freedesktop.login1"
_PATH = "/org/freedesktop/login1"
_INTERFACE = "org.freedesktop.login1.Manager"
_ANSWERS_WITHIN = 5.0
"""Seconds that the bus has to answer when the connection is made."""
_JOINED_WITHIN = 2.0


class SleepWatch(QObject):
    """See the module. Made and used on the GUI thread."""

    woke = Signal()
    """The machine slept, and is awake again."""
    listening = Signal()
    """The system tells of sleep from now on."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._out: socket.socket | None = None
        self._in: socket.socket | None = None

    def start(self) -> None:
        """Listen from now on, where there is something to listen to. Returns at once."""
        if self._thread is not None or not sys.platform.startswith("linux"):
            return
        self._out, self._in = socket.socketpair()
        self._thread = threading.Thread(
            target=self._run, args=(self._out,), name="nagatha-power", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._thread is None or self._in is None or self._out is None:
            return
        self._in.send(b"x")
        self._thread.join(_JOINED_WITHIN)
        if not self._thread.is_alive():
            self._in.close()
            self._out.close()
        self._thread = self._in = self._out = None

    # -- on the thread ----------------------------------------------------------------------------

    def _run(self, end: socket.socket) -> None:
        from jeepney.io.blocking import open_dbus_connection

        try:
            connection = open_dbus_connection(bus="SYSTEM")
        except Exception as error:  # no bus, an address that makes no sense, or one that refuses
            log.info("The system tells nothing of sleep: %s: %s", type(error).__name__, error)
            return
        try:
            with connection:
                self._listen(connection, end)
        except Exception as error:  # the bus went away; the engine's clocks find gaps without it
            log.info("The system tells of sleep no more: %s: %s", type(error).__name__, error)

    def _listen(self, connection: "DBusConnection", end: socket.socket) -> None:
        from jeepney import MatchRule, message_bus
        from jeepney.wrappers import unwrap_msg

        rule = MatchRule(
            type="signal",
            sender=_SERVICE,
            interface=_INTERFACE,
            member="PrepareForSleep",
            path=_PATH,
        )
        # The bus sees to it that it is logind who speaks; a signal carries its unique name only.
        mine = MatchRule(type="signal", interface=_INTERFACE, member="PrepareForSleep", path=_PATH)
        told: deque[Message] = deque()
        with connection.filter(mine, queue=told):
            unwrap_msg(
                connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=_ANSWERS_WITHIN)
            )
            if Shiboken.isValid(self):
                self.listening.emit()
            while True:
                while told:
                    (going,) = told.popleft().body
                    if not going and Shiboken.isValid(self):
                        self.woke.emit()
                try:
                    # What came in one piece with something else waits in the connection.
                    connection.recv_messages(timeout=0)
                except TimeoutError:
                    ready, _, _ = select.select([connection.sock, end], [], [])
                    if end in ready:
                        return
