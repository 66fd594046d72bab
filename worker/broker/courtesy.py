"""Giving up the core between messages while several publish and cores are short.

A client of a server waits for its answer after each message, and others use that moment. Whoever
writes to a file waits for nobody: it keeps its core until the kernel takes it away, which may be
in the middle of a transaction, and others then wait for a whole time slice. Knows nothing of what
is written.
"""

import threading
import time
from collections.abc import Callable

try:
    import resource
except ImportError:  # Windows has no such count; nothing is given up there
    resource = None  # type: ignore[assignment]

_REST = 1e-6  # s; any sleep gives the core up, and Linux makes it about 50 µs
_REMEMBERED = 100  # messages of a thread for which what it saw is taken to hold

Rest = Callable[[float], object]


def cores_taken() -> int:
    """Count how often the kernel took this thread's core away: getrusage(2), ru_nivcsw."""
    which = getattr(resource, "RUSAGE_THREAD", None)  # Linux only
    return 0 if which is None else resource.getrusage(which).ru_nivcsw


class Courtesy(threading.local):
    """Lets others have the core for a moment after a message, where they need it.

    That is where somebody else publishes as well, in this process or another, and the kernel took
    this thread's core away, both a short while ago. Alone, or with a core for everyone, nothing is
    given up. Each thread has its own.

    `taken` counts how often this thread's core was taken away, `rest` sleeps for so many seconds.
    """

    def __init__(self, taken: Callable[[], int] = cores_taken, rest: Rest = time.sleep) -> None:
        self._count = taken
        self._rest = rest
        self._newest: int | None = None
        self._others = 0  # messages for which others are taken to publish
        self._taken = taken()
        self._short = 0  # messages for which cores are taken to be short

    def give_way(self, oldest: int, newest: int) -> None:
        """Sleep for a moment if that helps others.

        Args:
            oldest: the number of the first message that was just published; numbers are given
                in turn, so that a gap before it is another's.
            newest: that of the last.
        """
        if self._newest is not None and oldest > self._newest + 1:
            self._others = _REMEMBERED
        self._newest = newest
        if not self._others:
            return
        self._others -= 1
        taken = self._count()
        if taken != self._taken:
            self._taken, self._short = taken, _REMEMBERED
        if self._short:
            self._short -= 1
            self._rest(_REST)
