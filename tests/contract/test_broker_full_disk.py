"""What comes of work that goes on to other work when the disk is full: nothing is lost unseen."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, chord

import worker.broker
from tests.contract.broker_worker import Place, close_app, make_app, running
from tests.support.disks import fill_up, small_disk_in
from tests.support.processes import posix_only, started, wait_until
from worker.broker import broker_url

ROOT = Path(__file__).parents[2]
SECONDS = 60


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk_in(tmp_path) as disk:
        yield disk


class Work:
    """Tasks that wait until the disk is full, and a disk that can be filled and emptied."""

    def __init__(self, disk: Path) -> None:
        self.filler = disk / "filler"
        self.place = Place(broker_url(disk / "queue.db"), str(disk / "queue.db"))
        self.app = make_app(self.place)
        self.begun: list[int] = []
        self.gate = threading.Event()

        @self.app.task(name="hold", shared=False)
        def hold(number: int) -> int:
            self.begun.append(number)
            self.gate.wait(SECONDS)
            return number

        @self.app.task(name="total", shared=False)
        def total(values: list[int]) -> int:
            return sum(values)

    def fill_up(self) -> None:
        """Also the room that is left in the log."""
        fill_up(self.filler)
        with suppress(worker.broker.BrokerDiskFull):
            while True:
                self.app.send_task("nobody", queue="elsewhere")


@pytest.fixture
def work(disk: Path) -> Iterator[Work]:
    work = Work(disk)
    yield work
    work.gate.set()
    close_app(work.app, work.place)


def full_while_they_run(work: Work, send: Callable[[Celery], Any], count: int, told: Any) -> Any:
    """What `send` gives, whose `count` tasks end while the disk is full. There is room again once
    `told` is true."""
    sent = send(work.app)
    wait_until(lambda: len(work.begun) == count, "its tasks run")
    work.fill_up()
    work.gate.set()
    wait_until(told, "it cannot be written")
    work.filler.unlink()
    return sent


@pytest.mark.parametrize("late", [True, False])
def test_chord_whose_parts_end_on_a_full_disk_goes_on_when_there_is_room(
    work: Work, caplog: pytest.LogCaptureFixture, late: bool
) -> None:
    for name in ("hold", "total"):
        work.app.tasks[name].acks_late = late

    def send(app: Celery) -> Any:
        return chord([app.tasks["hold"].s(number) for number in (1, 2)])(app.tasks["total"].s())

    with running(work.app, work.place, concurrency=2):
        result = full_while_they_run(work, send, 2, lambda: "written later" in caplog.text)
        assert result.get(timeout=SECONDS) == 3
    assert sorted(work.begun) == [1, 2]


def test_result_of_a_task_that_was_acknowledged_before_is_written_when_there_is_room(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    work.app.tasks["hold"].acks_late = False

    def send(app: Celery) -> Any:
        return app.tasks["hold"].delay(7)

    with running(work.app, work.place, concurrency=2):
        result = full_while_they_run(work, send, 1, lambda: "written later" in caplog.text)
        assert result.get(timeout=SECONDS) == 7


@pytest.mark.expect_log_errors
def test_chain_whose_next_step_finds_no_room_has_failed_and_says_why(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    def send(app: Celery) -> Any:
        return chain(app.tasks["hold"].s(1), app.tasks["total"].s(), app.tasks["total"].s())()

    with running(work.app, work.place, concurrency=2):
        result = full_while_they_run(work, send, 1, lambda: "written later" in caplog.text)
        for step in (result, result.parent, result.parent.parent):
            with pytest.raises(worker.broker.BrokerDiskFull, match="no room"):
                step.get(timeout=SECONDS)


@posix_only
def test_process_of_a_pool_waits_with_its_result_until_there_is_room(
    work: Work, disk: Path, tmp_path: Path
) -> None:
    env = {
        **os.environ,
        "BROKER_TEST_FOLDER": str(tmp_path),
        "BROKER_TEST_URL": work.place.url,
        "PYTHONPATH": str(ROOT),
    }
    log, notes = tmp_path / "worker.log", tmp_path / "runs.txt"
    command = [sys.executable, "-m", "celery", "-A", "tests.contract.broker_app", "worker"]
    with started([*command, "--pool=prefork", "--concurrency=2"], env=env, cwd=ROOT, log=log):
        results = [work.app.send_task("wait", (number,), queue="celery") for number in range(3)]
        wait_until(lambda: notes.exists() and notes.read_text().count("begin") == 2, "two run")
        work.fill_up()
        (tmp_path / "go").touch()
        wait_until(lambda: b"waiting to write" in log.read_bytes(), "it says that it waits")
        work.filler.unlink()
        assert [result.get(timeout=SECONDS) for result in results] == [0, 1, 2]
    assert sorted(line.split()[0] for line in notes.read_text().splitlines()) == ["0", "1", "2"]
