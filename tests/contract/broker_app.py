"""An app for worker processes of the broker's tests, run as a script or by ``celery -A``.

Each run of a task is a line in a file: its number, "begin" or "end". The environment says where
things are.
"""

import os
import sys
import time
from pathlib import Path

from celery import Celery

from worker.broker import broker_url

FOLDER = Path(os.environ["BROKER_TEST_FOLDER"])
URL = os.environ.get("BROKER_TEST_URL") or broker_url(FOLDER / "queue.db")

app = Celery("killed", broker=URL, backend=URL)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={} if URL.startswith("nagatha") else {"visibility_timeout": 3600},
)


def note(number: int, what: str) -> None:
    """One write to a file opened for appending is one line, also when the process is killed."""
    line = f"{number} {what} {time.time()}\n".encode()
    descriptor = os.open(FOLDER / "runs.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line)
    os.close(descriptor)


@app.task(name="work")
def work(number: int, seconds: float) -> int:
    note(number, "begin")
    time.sleep(seconds)
    note(number, "end")
    return number


@app.task(name="hold")
def hold() -> None:
    """Keeps its process busy until there is a file `go`."""
    while not (FOLDER / "go").exists():
        time.sleep(0.01)


@app.task(name="wait")
def wait(number: int) -> int:
    """Notes that it began, and ends when there is a file `go`."""
    note(number, "begin")
    hold()
    return number


@app.task(name="pid")
def pid() -> int:
    return os.getpid()


def main() -> None:
    """Run a worker with the threads pool until the process is killed or told to stop."""
    from celery.worker import WorkController

    app.set_default()
    quiet = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
    WorkController(
        app=app, pool="threads", concurrency=4, hostname=f"w{os.getpid()}@h", **quiet
    ).start()


if __name__ == "__main__":
    sys.exit(main())
