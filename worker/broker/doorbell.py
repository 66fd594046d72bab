"""How a waiting thread is woken, in this process and from others.

In a process it is a condition; between processes one UDP byte to a port of 127.0.0.1. A byte
says only "look again": a forged or a lost one costs a look or a short delay, never a message.
Knows nothing of what is waited for.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable

from worker.broker.threads import begun

LOOPBACK = "127.0.0.1"
_STOP = b"\0"


class Topic:
    """Something that threads wait for.

    To miss nothing: read `seq`, look whether there is work, and only then `wait` for that seq.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._seq = 0
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._news = 0

    @property
    def seq(self) -> int:
        """The number of times that it was notified."""
        return self._seq

    @property
    def news(self) -> int:
        """The number of times that this was because there may be something new in the file."""
        return self._news

    def notify(self, *, news: bool = True) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self._seq += 1
            self._news += news
            self._condition.notify_all()
            listeners = self._listeners
        for listener in listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have something called at each notification, in the notifier's thread."""
        with self._condition:
            self._listeners = (*self._listeners, listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Undo `listen`. Twice is harmless."""
        with self._condition:
            self._listeners = tuple(known for known in self._listeners if known != listener)

    def wait(self, seq: int, timeout: float) -> bool:
        """Wait until it is notified after ``seq``.

        Args:
            seq: what `seq` was before looking for work.
            timeout: seconds to wait at most.

        Returns:
            False when the time is over.
        """
        deadline = time.monotonic() + timeout
        with self._condition:
            while self._seq == seq:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._condition.wait(left)
            return True


class Doorbell:
    """One UDP port of this process and the thread that listens on it."""

    def __init__(self, name: str, on_ring: Callable[[int], None]) -> None:
        """Make a doorbell that is not listening yet.

        Args:
            name: of the thread.
            on_ring: called in that thread with the topic that was rung.
        """
        self._name = name
        self._on_ring = on_ring
        self._listening: socket.socket | None = None
        self._calling: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._ending = threading.Lock()
        self._ended = False

    def listen(self) -> int:
        """Start listening.

        Returns:
            The port; 0 when the system allows none, or no thread for it, in which case waiters
            look now and then.
        """
        try:
            bell = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        except OSError:  # as many files are open as may be
            return 0
        thread = threading.Thread(target=self._run, args=(bell,), name=self._name, daemon=True)
        try:
            bell.bind((LOOPBACK, 0))
        except OSError:
            bell.close()
            return 0
        if not begun(thread):
            bell.close()
            return 0
        self._listening, self._thread = bell, thread
        return int(bell.getsockname()[1])

    def ring(self, ports: Iterable[int], topic: int) -> None:
        """Ring at other processes' ports."""
        for port in ports:
            calling = self._calling or self._begin_calling()
            if calling is None:
                return
            with contextlib.suppress(OSError):  # it is gone, or so full that it is awake
                calling.sendto(bytes([topic]), (LOOPBACK, port))

    def _begin_calling(self) -> socket.socket | None:
        """None once it was closed: another thread may be about to ring even then. None too while
        as many files are open as may be: what there is to be told is stored already."""
        with self._ending:
            if self._calling is None and not self._ended:
                with contextlib.suppress(OSError):
                    self._calling = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    self._calling.setblocking(False)
            return self._calling

    def close(self) -> None:
        """Stop listening and wait for the thread to end."""
        bell, self._listening = self._listening, None
        thread, self._thread = self._thread, None
        if bell is not None and thread is not None:
            with contextlib.suppress(OSError):
                while thread.is_alive():  # a byte may be dropped when the buffer is full
                    bell.sendto(_STOP, bell.getsockname())
                    thread.join(0.2)
            bell.close()
        with self._ending:
            self._ended = True
            self.abandon()

    def abandon(self) -> None:
        """In a forked child: close what came along; the thread did not."""
        for end in (self._listening, self._calling):
            if end is not None:
                end.close()
        self._listening = self._calling = self._thread = None

    def _run(self, bell: socket.socket) -> None:
        port = bell.getsockname()[1]
        while True:
            try:
                data, sender = bell.recvfrom(8)
            except OSError:
                if bell.fileno() < 0:
                    return
                continue  # Windows reports that a peer's port was closed
            if data == _STOP and sender[1] == port:
                return
            if data and data != _STOP:
                self._on_ring(data[0])
