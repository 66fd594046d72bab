"""The bundled broker from outside: Celery's own commands, full disks, many openings, idleness."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kombu
import psutil
import pytest
from celery.exceptions import TaskRevokedError
from kombu.asynchronous.hub import Hub
from kombu.exceptions import OperationalError

import worker.broker
from tests.contract.broker_worker import Place, close_app, make_app, running
from tests.support.processes import posix_only, started, wait_until
from worker.broker import broker_url
from worker.broker.errors import (
    BrokerDiskFull,
    BrokerError,
    BrokerGone,
    BrokerReadOnly,
    translated,
)
from worker.broker.node import REGISTER
from worker.broker.store import NewMessage

ROOT = Path(__file__).parents[2]
CELERY = [sys.executable, "-m", "celery", "-A", "tests.contract.broker_app"]
on_linux_as_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs root"
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    path = tmp_path / "queue.db"
    return Place(broker_url(path), str(path))


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "BROKER_TEST_FOLDER": str(tmp_path), "PYTHONPATH": str(ROOT)}


def celery(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CELERY, *arguments], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60
    )


@posix_only
def test_celerys_own_worker_with_processes_and_its_commands_work_on_the_file(
    place: Place, env: dict[str, str], tmp_path: Path
) -> None:
    app = make_app(place, task_routes={"*": "celery"})
    log = tmp_path / "worker.log"
    command = [*CELERY, "worker", "--hostname=prefork@here", "--loglevel=INFO"]
    command += ["--concurrency=2", "--max-tasks-per-child=5"]
    with started(command, env=env, cwd=ROOT, log=log) as process:
        assert app.send_task("work", (1, 0)).get(timeout=60) == 1
        pids = {app.send_task("pid").get(timeout=60) for _ in range(10)}
        assert process.pid not in pids
        assert "prefork@here: OK" in celery(env, "inspect", "ping").stdout
        assert "1 node online" in celery(env, "status").stdout
        # Children end after five tasks: new ones are forked while the parent uses the file.
        results = [app.send_task("pid") for _ in range(60)]
        assert len({result.get(timeout=60) for result in results}) >= 10
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
    app.send_task("work", (1, 0))
    assert "Purged 1 message" in celery(env, "purge", "-f").stdout
    close_app(app, place)


@posix_only
def test_worker_whose_processes_are_busy_answers_and_refuses_what_expires_meanwhile(
    place: Place, env: dict[str, str], tmp_path: Path
) -> None:
    app = make_app(place, task_routes={"*": "celery"})
    log = tmp_path / "worker.log"
    command = [*CELERY, "worker", "--pool=prefork", "--concurrency=1", "--hostname=busy@here"]
    with started([*command, "--prefetch-multiplier=8"], env=env, cwd=ROOT, log=log):
        for _ in range(3):
            app.send_task("hold")
        inspect = app.control.inspect(destination=["busy@here"], timeout=2)

        def waiting() -> list[str]:
            return [task["id"] for task in (inspect.reserved() or {}).get("busy@here", [])]

        # The time below begins when the worker is at work, which takes however long it takes.
        wait_until(lambda: len(waiting()) == 2, "the worker is busy, and tells what waits in it")
        over = datetime.now(UTC) + timedelta(seconds=4)
        late = app.send_task("pid", expires=over)
        wait_until(lambda: late.id in waiting(), "the worker tells that it waits, too")
        wait_until(lambda: datetime.now(UTC) > over, "its time is over")
        (tmp_path / "go").touch()
        with pytest.raises(TaskRevokedError):
            late.get(timeout=60)
    close_app(app, place)


@posix_only
def test_fifty_openings_leave_no_thread_file_or_port(place: Place) -> None:
    process = psutil.Process()

    def add(x: int, y: int) -> int:
        return x + y

    def cycle() -> None:
        app = make_app(place)
        app.task(name="add", shared=False)(add)
        with running(app, place):
            assert app.tasks["add"].delay(1, 2).get(timeout=60) == 3
        close_app(app, place)

    cycle()
    gc.collect()
    files, threads = process.num_fds(), threading.active_count()
    for _ in range(50):
        cycle()
    gc.collect()
    # There may be fewer: what an earlier test had left may go meanwhile.
    assert process.num_fds() <= files and threading.active_count() <= threads
    assert os.listdir(f"{place.path}.peers") == ["open.lock"]


def test_stop_of_an_idle_worker_needs_only_a_wake(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An idle worker's loop would look by itself after some seconds; this one sleeps on.
    monkeypatch.setattr(Hub, "fire_timers", lambda hub, **_: 1000.0)
    app = make_app(place)
    with running(app, place):
        pass
    close_app(app, place)


def test_connection_outlives_a_closing_of_the_file(place: Place) -> None:
    with kombu.Connection(place.url) as connection:
        producer = connection.Producer()
        producer.publish({"n": 1}, routing_key="q", retry=True)
        worker.broker.close(str(place.path))
        with pytest.raises(BrokerGone):
            producer.publish({"n": 2}, routing_key="q")
        producer.publish({"n": 3}, routing_key="q", retry=True)
        queue = kombu.Queue("q", channel=connection.default_channel)
        assert [queue.get(no_ack=True).payload for _ in range(2)] == [{"n": 1}, {"n": 3}]
        assert queue.get() is None


def test_drain_that_waits_ends_when_the_file_is_closed(place: Place) -> None:
    with kombu.Connection(place.url) as connection:
        connection.connect()
        timer = threading.Timer(0.1, worker.broker.close, (str(place.path),))
        timer.start()
        with pytest.raises(BrokerGone):
            connection.drain_events(timeout=60)
        timer.join()


def test_address_is_shown_as_it_was_given(place: Place) -> None:
    with kombu.Connection(place.url) as connection:
        assert connection.as_uri() == place.url
        assert connection.clone().as_uri() == place.url
    app = make_app(place)
    assert app.backend.as_uri() == place.url
    close_app(app, place)


@pytest.mark.parametrize("url", ["nagatha+file://no/host.db", "nagatha+file:///ends/in/"])
def test_unusable_address_is_an_error_at_once_and_not_tried_again(url: str) -> None:
    with kombu.Connection(url) as connection, pytest.raises(BrokerError):
        connection.ensure_connection(max_retries=100)


class TestHousekeeping:
    def test_dead_letters_figures_and_discarding_are_at_hand_by_path(self, place: Place) -> None:
        path = str(place.path)
        app = make_app(place)
        result = app.send_task("later", countdown=60)
        with worker.broker.upkeep(path) as upkeep:
            (queue,) = upkeep.status().queues
            assert (queue.queue, queue.scheduled) == ("contract", 1)
            assert upkeep.dead_letters() == []
            assert upkeep.clean().messages == 0
        assert worker.broker.discard(path, result.id) == 1
        assert worker.broker.discard(path, result.id) == 0
        close_app(app, place)

    def test_poison_ends_in_the_dead_letters_and_can_be_retried(self, place: Place) -> None:
        with kombu.Connection(place.url) as connection:
            connection.Producer().publish({"n": 1}, routing_key="q", headers={"id": "task"})
            queue = kombu.Queue("q", channel=connection.default_channel)
            for _ in range(5):
                queue.get().reject(requeue=True)
            assert queue.get() is None
            with worker.broker.upkeep(str(place.path)) as upkeep:
                (letter,) = upkeep.dead_letters()
                assert letter.task == "task"
                assert upkeep.retry(letter.id)
            message = queue.get()
            assert message.payload == {"n": 1}
            message.ack()

    def test_waking_or_asking_about_a_file_that_is_not_open_does_nothing(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "none.db"
        worker.broker.wake(path)
        worker.broker.close(path)
        assert worker.broker.moved_aside(path) is None
        assert not path.exists()

    def test_who_opens_a_damaged_file_is_told_where_it_went(self, tmp_path: Path) -> None:
        path = tmp_path / "queue.db"
        path.write_bytes(b"no database" * 100)
        with worker.broker.upkeep(path) as upkeep:
            assert upkeep.status().queues == ()
            aside = worker.broker.moved_aside(path)
        assert aside is not None
        assert aside.exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@on_linux_as_root
class TestDisks:
    def test_full_disk_is_reported_and_exactly_what_was_accepted_is_there(
        self, small_disk: Path
    ) -> None:
        path = small_disk / "queue.db"
        accepted = 0
        with kombu.Connection(broker_url(path)) as connection:
            producer = connection.Producer()
            with pytest.raises(BrokerDiskFull) as caught:
                while True:
                    producer.publish("x" * 2000, routing_key="q", retry=True)
                    accepted += 1
            assert "nothing was stored" in str(caught.value)
            assert caught.value.remedy
            assert accepted > 10
            queue = kombu.Queue("q", channel=connection.default_channel)
            assert queue.queue_declare(passive=True).message_count == accepted
            # With room again it goes on by itself.
            mount = ["mount", "-o", "remount,size=4m", str(small_disk)]
            subprocess.run(mount, check=True)
            producer.publish("x", routing_key="q", retry=True)
            assert queue.queue_declare(passive=True).message_count == accepted + 1

    def test_disk_that_is_full_from_the_start_is_reported(self, small_disk: Path) -> None:
        (small_disk / "fill").write_bytes(b"x" * 380_000)
        with pytest.raises(BrokerDiskFull):
            REGISTER.acquire(small_disk / "queue.db")
        assert REGISTER.open(small_disk / "queue.db") is None

    def test_read_only_disk_is_reported_and_nothing_is_accepted(self, small_disk: Path) -> None:
        path = small_disk / "queue.db"
        REGISTER.release(REGISTER.acquire(path))
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with (
            kombu.Connection(broker_url(path)) as connection,
            pytest.raises((BrokerReadOnly, OperationalError)) as caught,
        ):
            connection.Producer().publish("x", routing_key="q", retry=True)
        assert "cannot be written" in str(caught.value)


class TestFullAndReadOnlyWithoutADisk:
    """The same through SQLite's own limits, where nobody may mount."""

    def test_full_file_refuses_and_keeps_what_it_has(self, place: Place) -> None:
        node = REGISTER.acquire(Path(str(place.path)))
        node.messages.publish([NewMessage("q", "kept")])
        with node._database.transaction() as db:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
        node._database.write(f"PRAGMA max_page_count={pages + 2}")
        stored = 1
        with pytest.raises(BrokerDiskFull):
            while True:
                node.messages.publish([NewMessage("q", "x" * 3000), NewMessage("r", "x" * 3000)])
                stored += 1
        assert (node.messages.count("q"), node.messages.count("r")) == (stored, stored - 1)
        REGISTER.release(node)

    def test_read_only_connection_refuses(self, place: Place) -> None:
        node = REGISTER.acquire(Path(str(place.path)))
        node._database.write("PRAGMA query_only=ON")
        with pytest.raises(BrokerReadOnly, match="cannot be written"):
            node.messages.publish([NewMessage("q", "x")])
        node._database.write("PRAGMA query_only=OFF")
        assert node.messages.count("q") == 0
        REGISTER.release(node)

    @pytest.mark.parametrize(
        ("error", "kind"),
        [(PermissionError(13, "no"), BrokerReadOnly), (OSError(28, "full"), BrokerDiskFull)],
    )
    def test_system_errors_have_a_title_and_a_remedy(
        self, tmp_path: Path, error: Any, kind: type[BrokerError]
    ) -> None:
        told = translated(error, tmp_path / "queue.db")
        assert isinstance(told, kind)
        assert told.title
        assert told.remedy
        assert str(told) == told.message
