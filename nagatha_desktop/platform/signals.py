"""SIGINT and SIGTERM as news of the event loop.

Owns what the two signals do while it lives. It must not know what the program does about them.
"""

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot


class Signals(QObject):
    """SIGINT and SIGTERM, told on the GUI thread by the event loop."""

    came = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._out, self._in = socket.socketpair()
        for end in (self._out, self._in):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._out.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)
        self._before = signal.set_wakeup_fd(self._in.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _noted)

    @Slot()
    def _read(self) -> None:
        try:
            self._out.recv(64)
        except BlockingIOError:
            return
        self.came.emit()

    def close(self) -> None:
        """Let signals do what they did before."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self._out.close()
        self._in.close()


def _noted(number: int, frame: object) -> None:
    """The wake-up of the event loop does the rest."""
