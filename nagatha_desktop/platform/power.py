"""Sleep of the machine: tells that it woke, where the system says so, and can keep it awake.

Owns the connections to logind on Linux and what does the same elsewhere, each on a thread of its
own that costs nothing while nothing happens. Only logind tells of waking: the engine's own clocks
find the gap where nothing is told. What follows from waking, and what the machine is kept awake
for, it must not know.
"""

import ctypes
import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, Signal, Slot
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


def suspended() -> float | None:
    """Seconds that the machine slept since it was switched on; None where the system's clocks do
    not tell. Setting the clock on the wall makes no difference."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.clock_gettime(time.CLOCK_UPTIME_RAW)
    return None


class SleepWatch(QObject):
    """See the module. Made and used on the GUI thread."""

    woke = Signal()
    """The machine slept, and is awake again."""
    listening = Signal()
    """The system tells of sleep from now on."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._end: socket.socket | None = None

    def start(self) -> None:
        """Listen from now on, where there is something to listen to. Returns at once."""
        if self._thread is not None or not sys.platform.startswith("linux"):
            return
        theirs, self._end = socket.socketpair()
        self._thread = threading.Thread(
            target=self._run, args=(theirs,), name="nagatha-power", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._thread is None or self._end is None:
            return
        self._end.close()
        self._thread.join(_JOINED_WITHIN)
        self._thread = self._end = None

    # -- on the thread ----------------------------------------------------------------------------

    def _run(self, end: socket.socket) -> None:
        """Until the other side of `end` is closed, or there is nothing to listen to."""
        from jeepney.io.blocking import open_dbus_connection

        with end:
            try:
                connection = open_dbus_connection(bus="SYSTEM")
            except Exception as error:  # no bus, an address that makes no sense, or it refuses
                log.info("The system tells nothing of sleep: %s: %s", type(error).__name__, error)
                return
            try:
                with connection:
                    self._listen(connection, end)
            except Exception as error:  # it went away; the engine's clocks find gaps without it
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


class Means(Protocol):
    """How a system is kept awake. Both are called on one thread, which may wait in them."""

    def there(self) -> bool:
        """Whether the system can be asked. May raise whatever says that it cannot."""
        ...

    def take(self, why: str) -> Callable[[], None]:
        """Keep the system awake, for a reason that it may show; what is returned ends that.

        Raises an error when the system refuses.
        """
        ...


class LogindMeans:
    """Linux: an inhibitor of logind, which lasts as long as the file that logind hands out."""

    def there(self) -> bool:
        from jeepney import message_bus
        from jeepney.io.blocking import open_dbus_connection
        from jeepney.wrappers import unwrap_msg

        with open_dbus_connection(bus="SYSTEM", enable_fds=True) as connection:
            asked = message_bus.NameHasOwner(_SERVICE)
            (owned,) = unwrap_msg(connection.send_and_get_reply(asked, timeout=_ANSWERS_WITHIN))
        return bool(owned)

    def take(self, why: str) -> Callable[[], None]:
        from jeepney import DBusAddress, new_method_call
        from jeepney.io.blocking import open_dbus_connection
        from jeepney.wrappers import unwrap_msg

        manager = DBusAddress(_PATH, bus_name=_SERVICE, interface=_INTERFACE)
        asked = new_method_call(manager, "Inhibit", "ssss", ("sleep", "Nagatha", why, "block"))
        with open_dbus_connection(bus="SYSTEM", enable_fds=True) as connection:
            (file,) = unwrap_msg(connection.send_and_get_reply(asked, timeout=_ANSWERS_WITHIN))
        close: Callable[[], None] = file.close
        return close


class ThreadStateMeans:
    """Windows: the state of the thread that calls, until it says otherwise or ends."""

    CONTINUOUS = 0x80000000
    SYSTEM_REQUIRED = 0x00000001

    def __init__(self, set_state: Callable[[int], int]) -> None:
        self._set_state = set_state
        """Takes flags; answers the flags before, or 0 where it failed."""

    def there(self) -> bool:
        return True

    def take(self, why: str) -> Callable[[], None]:
        if not self._set_state(self.CONTINUOUS | self.SYSTEM_REQUIRED):
            raise OSError("SetThreadExecutionState failed")

        def end() -> None:
            self._set_state(self.CONTINUOUS)

        return end


class CaffeinateMeans:
    """macOS: its program caffeinate, which ends by itself when this process does."""

    PROGRAM = "/usr/bin/caffeinate"

    def __init__(
        self,
        start: Callable[[Sequence[str]], "subprocess.Popen[bytes]"],
        program: str = PROGRAM,
    ) -> None:
        self._start = start
        self._program = program

    def there(self) -> bool:
        return os.access(self._program, os.X_OK)

    def take(self, why: str) -> Callable[[], None]:
        process = self._start((self._program, "-i", "-w", str(os.getpid())))

        def end() -> None:
            process.terminate()
            process.wait(_JOINED_WITHIN)

        return end


def means_of(platform: str) -> Means | None:
    """How `platform` (as in `sys.platform`) is kept awake; None where it cannot be."""
    if platform.startswith("linux"):
        return LogindMeans()
    if platform == "darwin":
        return CaffeinateMeans(_start_quietly)
    if sys.platform == "win32" and platform == "win32":
        set_state: Any = ctypes.windll.kernel32.SetThreadExecutionState
        set_state.argtypes, set_state.restype = (ctypes.c_uint,), ctypes.c_uint
        return ThreadStateMeans(set_state)
    return None


def _start_quietly(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing)


class WakeLock(QObject):
    """Keeps the machine from sleeping. Made and used on the GUI thread; nothing of it waits there.

    Whatever ends the process ends this too.
    """

    changed = Signal()
    """`possible`, `held` or `refusal` changed."""
    _told = Signal(bool, bool, str)

    def __init__(self, means: Means | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._means = means if means is not None else means_of(sys.platform)
        self._thread: threading.Thread | None = None
        self._news = threading.Condition()
        self._why = ""
        self._ending = False
        self.known = False
        """Whether it has been found out what is possible."""
        self.possible = False
        """Whether the system can be asked to stay awake."""
        self.held = False
        """Whether it stays awake for this."""
        self.refusal = ""
        """Why the system refused when it was asked last, in its words."""
        self._told.connect(self._know)

    def start(self) -> None:
        """Find out whether it is possible. Returns at once; `changed` follows."""
        if self._thread is not None or self._ending:
            return
        if self._means is None:
            self._know(False, False, "")
            return
        self._thread = threading.Thread(
            target=self._run, args=(self._means,), name="nagatha-wake-lock", daemon=True
        )
        self._thread.start()

    def hold(self, why: str) -> None:
        """Keep the machine awake from now on; the system may show `why`, which is not empty.

        Holding what is held changes nothing. After a refusal it is asked again.
        """
        self._want(why)

    def release(self) -> None:
        """Let the machine sleep again."""
        self._want("")

    def stop(self) -> None:
        """Let it sleep, and end the thread."""
        with self._news:
            self._ending = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(_JOINED_WITHIN)

    def _want(self, why: str) -> None:
        with self._news:
            self._why = why
            self._news.notify()

    @Slot(bool, bool, str)
    def _know(self, possible: bool, held: bool, refusal: str) -> None:
        self.known = True
        self.possible, self.held, self.refusal = possible, held, refusal
        self.changed.emit()

    # -- on the thread ----------------------------------------------------------------------------

    def _run(self, means: Means) -> None:
        try:
            possible = means.there()
        except Exception as error:  # no bus, or one that refuses
            log.info("The system cannot be kept awake: %s: %s", type(error).__name__, error)
            possible = False
        self._tell(possible, False, "")
        end: Callable[[], None] | None = None
        asked = False
        while possible:
            with self._news:
                while not self._ending and bool(self._why) == asked:
                    self._news.wait()
                why, ending = ("" if self._ending else self._why), self._ending
            # A refusal counts as asked: it is not asked again before it was let go.
            asked, refusal = bool(why), ""
            if why:
                try:
                    end = means.take(why)
                except Exception as error:  # forbidden, no answer, or it went away
                    refusal = f"{type(error).__name__}: {error}"
                    log.warning("The system does not stay awake: %s", refusal)
            elif end is not None:
                try:
                    end()
                except Exception as error:
                    log.warning(
                        "The system may stay awake longer: %s: %s", type(error).__name__, error
                    )
                end = None
            if ending:
                return
            self._tell(True, end is not None, refusal)

    def _tell(self, possible: bool, held: bool, refusal: str) -> None:
        if Shiboken.isValid(self):
            self._told.emit(possible, held, refusal)
