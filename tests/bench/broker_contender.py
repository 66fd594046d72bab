"""One contender of the broker's bench in a process of its own, which does a step when told to.

    python -m tests.bench.broker_contender BROKER RESULTS PATH worker|publisher POLL DELIVERY_MODE

Each line on stdin is a step and a number; the answer is a line of JSON. So the contenders stay as
they are, warm and connected, while they are measured in turns. Owns how a step is measured; knows
nothing of bounds. Times are milliseconds.
"""

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from celery import Celery

from tests.contract.broker_worker import Place, running

DEADLINE = 120.0
QUEUE = "bench"


def make_app(broker: str, results: str, poll: float = 0.01, delivery_mode: int = 2) -> Celery:
    """As in the program: acks_late, results kept, no events.

    `poll` is how often Celery's memory transport looks, in seconds.
    """
    app = Celery("bench", broker=broker, backend=results, set_as_current=False)
    options: dict[str, Any] = {}
    if broker.startswith("redis"):
        options = {"visibility_timeout": 3600}
    elif broker.startswith("memory"):
        options = {"polling_interval": poll}
    app.conf.update(
        task_acks_late=True,
        task_default_queue=QUEUE,
        task_default_delivery_mode=delivery_mode,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options=options,
    )
    return app


class Steps:
    """What a contender can be told to do. Each step takes a number and gives JSON."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._finished = finished = threading.Semaphore(0)
        self._still = threading.Event()
        self._flood: threading.Thread | None = None

        @app.task(name="add", shared=False)
        def add(x: int, y: int) -> int:
            return x + y

        @app.task(name="count", shared=False)
        def count(x: int) -> int:
            finished.release()
            return x

        self._add, self._count = add, count

    def trips(self, rounds: int) -> list[float]:
        """Send a task and wait for its result, one after another."""
        return _timed(self._trip, rounds)

    def _trip(self) -> None:
        if self._add.delay(1, 2).get(timeout=DEADLINE) != 3:
            raise AssertionError("a wrong result")

    def throughput(self, tasks: int) -> float:
        """Tasks a second from the first sent to the last done."""
        begun = time.perf_counter()
        for number in range(tasks):
            self._count.delay(number)
        for _ in range(tasks):
            if not self._finished.acquire(timeout=DEADLINE):
                raise TimeoutError("tasks were lost")
        return tasks / (time.perf_counter() - begun)

    def publish(self, rounds: int) -> list[float]:
        """Send tasks that nobody runs."""
        return _timed(lambda: self._count.delay(1), rounds)

    def flood(self, rate: int) -> bool:
        """Begin to send `rate` a second, 0 for as many as it can, until told to be still."""
        self._still.clear()
        begun = threading.Event()

        def send() -> None:
            due = time.perf_counter()
            while not self._still.is_set():
                self._count.delay(1)
                begun.set()
                if rate:
                    due += 1 / rate
                    time.sleep(max(0.0, due - time.perf_counter()))

        self._flood = threading.Thread(target=send)
        self._flood.start()
        return begun.wait(DEADLINE)

    def still(self, _: int) -> bool:
        """Stop the flood."""
        self._still.set()
        if self._flood is not None:
            self._flood.join(DEADLINE)
        return True

    def purge(self, _: int) -> int:
        """Throw away what was sent."""
        return int(self._app.control.purge() or 0)

    def idle(self, seconds: int) -> float:
        """Per cent of one core that this process uses when nothing happens."""
        time.sleep(1)
        before, begun = _cpu(), time.perf_counter()
        time.sleep(seconds)
        return 100 * (_cpu() - before) / (time.perf_counter() - begun)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _timed(action: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        action()
        times.append((time.perf_counter() - begun) * 1000)
    return times


@contextmanager
def _ready(app: Celery, place: Place, role: str) -> Iterator[None]:
    if role == "worker":
        with running(app, place, hostname=f"w{os.getpid()}@bench"):
            yield
    else:
        app.set_default()
        yield


def main(arguments: list[str], told: TextIO, answers: TextIO) -> None:
    """Do what stdin says until it ends."""
    broker, results, path, role, poll, mode = arguments
    app = make_app(broker, results, float(poll), int(mode))
    steps = Steps(app)
    with _ready(app, Place(broker, path or None), role):
        print(json.dumps("ready"), file=answers, flush=True)
        for line in told:
            step, number = line.split()
            print(json.dumps(getattr(steps, step)(int(number))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdin, sys.stdout)
