"""Power cords are pulled: SIGKILL at any moment loses no task and repeats only what ran."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

import worker.broker
from tests.contract.broker_worker import Place, close_app, make_app
from tests.support.processes import kill, started, wait_until
from worker.broker import broker_url

ROOT = Path(__file__).parents[2]
TASKS = 200
THREADS = 4
Worker = Callable[[], AbstractContextManager[Popen[bytes]]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    path = tmp_path / "queue.db"
    return Place(broker_url(path), str(path))


@pytest.fixture
def run_worker(tmp_path: Path) -> Worker:
    env = {**os.environ, "BROKER_TEST_FOLDER": str(tmp_path), "PYTHONPATH": str(ROOT)}

    @contextmanager
    def run() -> Iterator[Popen[bytes]]:
        command = [sys.executable, "-m", "tests.contract.broker_app"]
        with started(command, env=env, cwd=ROOT, log=tmp_path / "worker.log") as process:
            yield process

    return run


def runs(folder: Path, what: str) -> Counter[int]:
    file = folder / "runs.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    return Counter(int(line.split()[0]) for line in lines if line.split()[1] == what)


def send(app: Any, numbers: range, **options: Any) -> list[Any]:
    return [app.send_task("work", (number, 0.005), **options) for number in numbers]


def test_killed_worker_with_200_tasks_queued_loses_none_and_repeats_only_what_ran(
    place: Place, tmp_path: Path, run_worker: Worker
) -> None:
    app = make_app(place, task_routes={"work": "celery"})
    send(app, range(TASKS))
    killed = [TASKS // 5, TASKS // 2]
    for count in killed:
        with run_worker() as process:
            wait_until(lambda c=count: runs(tmp_path, "end").total() >= c, f"{count} tasks ran")  # type: ignore[misc]
            kill(process)
    with run_worker():
        wait_until(lambda: len(runs(tmp_path, "end")) == TASKS, "every task ran")
        wait_until(lambda: not _waiting(place), "the queue is empty")
    begun, ended = runs(tmp_path, "begin"), runs(tmp_path, "end")
    assert set(begun) == set(ended) == set(range(TASKS))
    # What began twice was running, or done and not yet acknowledged, when its worker was killed.
    assert begun.total() - TASKS <= THREADS * len(killed)
    with worker.broker.upkeep(str(place.path)) as upkeep:
        assert upkeep.dead_letters() == []
    close_app(app, place)


def test_tasks_that_are_not_due_yet_survive_a_kill(
    place: Place, tmp_path: Path, run_worker: Worker
) -> None:
    app = make_app(place, task_routes={"work": "celery"})
    due = datetime.now(UTC) + timedelta(seconds=2)
    send(app, range(20), eta=due)
    send(app, range(20, 40))
    with run_worker() as process:
        wait_until(lambda: runs(tmp_path, "end").total() >= 10, "some tasks ran")
        kill(process)
    with run_worker():
        wait_until(lambda: len(runs(tmp_path, "end")) == 40, "every task ran")
    early = [at for number, at in begun(tmp_path) if number < 20 and at < due.timestamp()]
    assert early == []
    # A worker that was slow to start may have been killed when some of them were due already.
    assert runs(tmp_path, "begin").total() - 40 <= THREADS
    close_app(app, place)


def begun(folder: Path) -> list[tuple[int, float]]:
    """The number of each task that was begun, and when."""
    lines = [line.split() for line in (folder / "runs.txt").read_text().splitlines()]
    return [(int(number), float(at)) for number, what, at in lines if what == "begin"]


def test_other_workers_take_over_from_a_killed_one_without_a_restart(
    place: Place, tmp_path: Path, run_worker: Worker
) -> None:
    app = make_app(place, task_routes={"work": "celery"})
    with run_worker() as first, run_worker():
        send(app, range(100))
        wait_until(lambda: runs(tmp_path, "end").total() >= 20, "some tasks ran")
        kill(first)
        wait_until(lambda: len(runs(tmp_path, "end")) == 100, "every task ran")
    assert runs(tmp_path, "begin").total() - 100 <= THREADS
    close_app(app, place)


def test_killed_publisher_has_stored_whatever_it_was_told_was_accepted(
    place: Place, tmp_path: Path
) -> None:
    script = """
import sys
from pathlib import Path
from worker.broker.node import Node
from worker.broker.store import NewMessage
node, accepted = Node(Path(sys.argv[1])), open(sys.argv[2], "w", buffering=1)
for number in range(10**9):
    node.messages.publish([NewMessage("q", str(number))])
    accepted.write(f"{number}\\n")
"""
    told = tmp_path / "accepted.txt"
    command = [sys.executable, "-c", script, str(place.path), str(told)]
    with started(command, cwd=ROOT) as process:
        wait_until(lambda: told.exists() and told.read_text().count("\n") > 300, "some accepted")
        kill(process)
    accepted = told.read_text().count("\n")
    from worker.broker.node import Node

    node = Node(Path(str(place.path)))
    stored = [int(c.payload) for c in node.messages.claim("q", 10**6, node.id, "c")]
    node.close()
    assert stored == list(range(len(stored)))
    assert accepted <= len(stored) <= accepted + 1


def _waiting(place: Place) -> bool:
    with worker.broker.upkeep(str(place.path)) as upkeep:
        return any(queue.queue == "celery" for queue in upkeep.status().queues)
