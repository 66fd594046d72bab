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
        self._of_worker: set[str] = set()

    @contextmanager
    def stoppable(
        self, run: str, stop: Callable[[], None], *, of_worker: bool = False
    ) -> Iterator[None]:
        """While the block runs, `stop` is what a request to stop `run` calls.

        `stop` must not block; it is called at most from one thread at a time. `of_worker` is
        true for what ends with the worker, whoever asked for it.
        """
        with self._lock:
            self._stops[run] = stop
            if of_worker:
                self._of_worker.add(run)
        try:
            yield
        finally:
            with self._lock:
                self._stops.pop(run, None)
                self._of_worker.discard(run)

    def request_stop(self, run: str) -> bool:
        """Ask `run` to stop; False when this process is not working at it."""
        with self._lock:
            stop = self._stops.get(run)
        if stop is None:
            return False
        stop()
        return True

    def request_stop_of_worker(self) -> int:
        """Ask what the worker runs to stop, and no answer; returns how much that is."""
        with self._lock:
            runs = tuple(self._of_worker)
        return sum(self.request_stop(run) for run in runs)

    @property
    def count(self) -> int:
        """How much is running."""
        with self._lock:
            return len(self._stops)
