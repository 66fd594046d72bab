"""The listening side of the hand-over: the one program of a data folder hears of later starts.

Owns the local server and its socket, and the lock that keeps a second program from them: Qt's
server takes the place of one that listens there already. Knows the protocol of `handover` and
nothing of what the commands mean.
"""

import json
import logging
import os
import sys
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from nagatha_desktop.platform.handover import LONGEST, NoAnswer, hand_over

log = logging.getLogger(__name__)


class SingleInstance(QObject):
    """Listens at an address that belongs to this user only."""

    commanded = Signal(list)
    """Another start handed over its commands (list of str)."""

    def __init__(self, address: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._address = address
        self.taken = False
        """Whether another program listens there."""
        self._lock: int | None = None
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._connected)
        self._heard: dict[QLocalSocket, bytes] = {}

    def listen(self) -> bool:
        """Become the one. False when that cannot be, or when another one is (`taken`).

        A socket that a killed program left behind is replaced.
        """
        if not _is_ours(self._address):
            return False
        try:
            self._lock = _locked(f"{self._address}.lock")
            # Where there are no such locks, who listens is asked.
            self.taken = self._lock is None or hand_over(self._address, [])
        except NoAnswer:  # it may go on at any time, and works on the same data
            self.taken = True
        except OSError as error:
            log.warning("Nothing can listen at %s: %s", self._address, error)
            return False
        if not self.taken:
            QLocalServer.removeServer(self._address)
            if self._server.listen(self._address):
                return True
            log.warning("Nothing can listen at %s: %s", self._address, self._server.errorString())
        self._let_go()
        return False

    def close(self) -> None:
        """Stop listening and remove the socket."""
        self._server.close()
        self._let_go()

    def _let_go(self) -> None:
        """The file of the lock stays: who removed it could let two lock two files of one name."""
        lock, self._lock = self._lock, None
        if lock is not None and lock >= 0:
            os.close(lock)

    @Slot()
    def _connected(self) -> None:
        while (link := self._server.nextPendingConnection()) is not None:
            self._heard[link] = b""
            link.readyRead.connect(self._readable)
            link.disconnected.connect(self._gone)
            if link.bytesAvailable():
                self._read(link)

    @Slot()
    def _readable(self) -> None:
        link = self.sender()
        if isinstance(link, QLocalSocket):
            self._read(link)

    def _read(self, link: QLocalSocket) -> None:
        heard = self._heard.get(link, b"") + bytes(link.readAll().data())
        self._heard[link] = heard
        if len(heard) > LONGEST:
            link.abort()
            return
        line, newline, _ = heard.partition(b"\n")
        if not newline:
            return
        self._heard[link] = b""
        try:
            commands = json.loads(line)["commands"]
            known = isinstance(commands, list) and all(isinstance(item, str) for item in commands)
        except (ValueError, KeyError, TypeError):
            known = False
        # Answered first: who handed over is waiting, and a window may take a moment.
        link.write(QByteArray(b"ok\n" if known else b"what\n"))
        link.flush()
        link.disconnectFromServer()
        if known:
            self.commanded.emit(commands)

    @Slot()
    def _gone(self) -> None:
        link = self.sender()
        if isinstance(link, QLocalSocket):
            self._heard.pop(link, None)
            link.deleteLater()


def _locked(path: str) -> int | None:
    """An open file that is locked for as long as this process lives; None where another has it,
    -1 where the system has no such locks. Raises OSError."""
    if sys.platform == "win32":
        return -1
    import fcntl

    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except OSError:
        os.close(file)
        raise
    return file


def _is_ours(address: str) -> bool:
    """Whether the folder of a socket can be made, and nobody else can put one there."""
    if sys.platform == "win32":
        return True
    folder = Path(address).parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & 0o022
