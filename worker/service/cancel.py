"""Who can be asked to stop: the answers and tasks that this process is working at.

Owns the register of running work. It must not know how the work stops.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


class RunningWork:
    """Running work by its run's id. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stops: dict[str, Callable[[], None]] = {}

    @contextmanager
    def stoppable(self, run: str, stop: Callable[[], None]) -> Iterator[None]:
        """While the block runs, `stop` is what a request to stop `run` calls.

        `stop` must not block; it is called at most from one thread at a time.
        """
        with self._lock:
            self._stops[run] = stop
        try:
            yield
        finally:
            with self._lock:
                self._stops.pop(run, None)

    def request_stop(self, run: str) -> bool:
        """Ask `run` to stop; False when this process is not working at it."""
        with self._lock:
            stop = self._stops.get(run)
        if stop is None:
            return False
        stop()
        return True

    def request_stop_all(self) -> int:
        """Ask everything to stop; returns how much that is."""
        with self._lock:
            runs = tuple(self._stops)
        return sum(self.request_stop(run) for run in runs)

    @property
    def count(self) -> int:
        """How much is running."""
        with self._lock:
            return len(self._stops)
