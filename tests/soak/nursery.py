"""Makes worker and producer processes quickly: it imports everything once, and they are its forks.

    python -m tests.soak.nursery FOLDER

A line on stdin asks for one, its answer on stdout is the process id:

    worker                       four threads on the folder's broker, until it is killed or TERM
    producer SEED FIRST LAST     sends the tasks of these numbers, LAST not among them

Whatever happens is a line of one write in `runs.txt` or `sent.txt`, so that it is there however
the process ends. The broker's clock is moved from outside through the file `clock`.
"""

import mmap
import os
import random
import signal
import struct
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import celery.worker.state
from celery import Celery
from celery.worker import WorkController

from worker.broker import BrokerError, broker_url
from worker.broker.node import REGISTER

THREADS = 4
_CLOCK = struct.Struct("dd")


class MovedClock:
    """Seconds since 1970, moved by what a file says; the same in all processes that open it.

    Attributes:
        peak: the latest time that it ever showed before it was moved back.
    """

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(_CLOCK.pack(0.0, 0.0))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), _CLOCK.size)

    def __call__(self) -> float:
        return time.time() + float(_CLOCK.unpack_from(self._memory)[0])

    @property
    def peak(self) -> float:
        return float(_CLOCK.unpack_from(self._memory)[1])

    def move(self, seconds: float) -> None:
        """Show another time from now on."""
        offset, peak = _CLOCK.unpack_from(self._memory)
        _CLOCK.pack_into(self._memory, 0, offset + seconds, max(peak, time.time() + offset))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a task of a number is like; the same whoever asks, so that a new producer goes on."""

    priority: int
    delay: float
    retries: int
    seconds: float


def wish(seed: int, number: int) -> Wish:
    """Every fifth is due later, some are tried again once or twice, most are quick."""
    dice = random.Random(f"{seed}-{number}")
    return Wish(
        priority=dice.randrange(10),
        delay=dice.uniform(0.1, 2.0) if dice.random() < 0.2 else 0.0,
        retries=dice.choice([0, 0, 0, 0, 0, 0, 0, 1, 1, 2]),
        seconds=dice.choice([0.0, 0.002, 0.01, 0.03]),
    )


def note(file: Path, *words: object) -> None:
    """One write to a file opened for appending is one line, also when the process is killed."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, (" ".join(str(word) for word in words) + "\n").encode())
    os.close(descriptor)


def make_app(folder: Path, clock: MovedClock) -> Celery:
    """The app of workers and producers."""
    url = broker_url(folder / "queue.db")
    app = Celery("soak", broker=url, backend=url)
    app.conf.update(
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )

    @app.task(name="work", bind=True, max_retries=None)
    def work(self: Any, number: int, seconds: float, retries: int, due: float) -> int:
        attempt = self.request.retries
        early = due > max(clock(), clock.peak)
        note(folder / "runs.txt", number, attempt, os.getpid(), "early" if early else "begin")
        time.sleep(seconds)
        if attempt < retries:
            note(folder / "runs.txt", number, attempt, os.getpid(), "again")
            later = clock() + 0.1
            raise self.retry(
                args=(number, seconds, retries, later), eta=datetime.fromtimestamp(later, UTC)
            )
        note(folder / "runs.txt", number, attempt, os.getpid(), "end")
        return number

    return app


def work(folder: Path, clock: MovedClock) -> None:
    """Run a worker until the process is killed, or ends in good order after a TERM."""

    def stop(*_: object) -> None:
        celery.worker.state.should_stop = 0

    signal.signal(signal.SIGTERM, stop)
    app = make_app(folder, clock)
    app.set_default()
    quiet = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
    WorkController(
        app=app, pool="threads", concurrency=THREADS, hostname=f"w{os.getpid()}@soak", **quiet
    ).start()


def produce(folder: Path, clock: MovedClock, seed: int, first: int, last: int) -> None:
    """Send tasks, and note before and after each what came of it."""
    app = make_app(folder, clock)
    for number in range(first, last):
        task = wish(seed, number)
        due = clock() + task.delay if task.delay else 0.0
        note(folder / "sent.txt", number, "try")
        try:
            app.send_task(
                "work",
                (number, task.seconds, task.retries, due),
                task_id=f"t{number}",
                priority=task.priority,
                eta=datetime.fromtimestamp(due, UTC) if due else None,
            )
        except BrokerError as error:
            note(folder / "sent.txt", number, "refused", type(error).__name__)
        else:
            note(folder / "sent.txt", number, "ok")


def _child(folder: Path, words: list[str]) -> NoReturn:
    """What a fork does instead of returning."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(folder / "log.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        clock = MovedClock(folder / "clock")
        REGISTER.clock = clock
        if words[0] == "worker":
            work(folder, clock)
        else:
            produce(folder, clock, *(int(word) for word in words[1:]))
        REGISTER.close_all()
        code = 0
    except SystemExit:  # a worker that stops in good order
        REGISTER.close_all()
        code = 0
    finally:
        if code:
            sys.excepthook(*sys.exc_info())
        os._exit(code)


def main() -> None:
    """Make what stdin asks for until it ends."""
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them: no pid stays a zombie
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _child(folder, line.split())
        print(pid, flush=True)


if __name__ == "__main__":
    main()
