"""Celery's own command on the data folder: what `celery -A worker` sees, asks and runs."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in
from tests.support.lab import client_of, done
from tests.support.processes import posix_only, started, wait_until
from tests.support.worlds import World
from worker.contract.types import Run, Source

ROOT = Path(__file__).parents[2]
PATIENCE = 60
Celery = Callable[..., str]


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    return {**os.environ, "NAGATHA_HOME": str(home), "PYTHONPATH": str(ROOT)}


@pytest.fixture
def celery(env: dict[str, str], tmp_path: Path) -> Celery:
    """Runs `celery -A worker …` and gives what it printed."""

    def run(*arguments: str, patiently: bool = False) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "celery", "-A", "worker", *arguments],
            env=env, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert ran.returncode == 0 or patiently, ran.stdout + ran.stderr
        return ran.stdout

    return run


def test_looking_for_the_app_reads_and_makes_nothing_before_it_is_asked_for(
    env: dict[str, str], home: Path, tmp_path: Path
) -> None:
    script = """
import sys, pathlib, celery.signals, worker.celery
home = pathlib.Path(sys.argv[1])
assert not celery.signals.celeryd_init.receivers
from celery.app.utils import find_app
app = find_app("worker")
assert app is worker.celery.app is find_app("worker.celery:app")
assert app.conf.broker_url.endswith("/queue.db"), app.conf.broker_url
assert "process_message_with_nagatha" in app.tasks
print(sorted(path.name for path in home.iterdir()))
"""
    before = sorted(path.name for path in home.iterdir())
    command = [sys.executable, "-W", "error", "-c", script, str(home)]
    ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == str(before), ran.stderr


def test_celerys_command_reaches_the_worker_of_the_running_program(
    home: Path, celery: Celery
) -> None:
    with engine_in(home, background=True), client_of(home) as app:
        # It waits a second for an answer, which a busy machine may need more for.
        wait_until(
            lambda: (
                "1 node online" in (told := celery("inspect", "registered", patiently=True))
                and "lab.count" in told
            ),
            "the worker tells what it knows",
        )
        task = celery("call", "track_usage_metrics").strip()
        assert app.AsyncResult(task).get(timeout=PATIENCE)["success"] is True


@posix_only
@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_worker_started_with_celerys_command_runs_the_programs_tasks(
    home: Path, env: dict[str, str], celery: Celery, tmp_path: Path, pool: str
) -> None:
    log = tmp_path / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "worker", "worker", f"--pool={pool}"]
    command += ["--concurrency=1", "--hostname=celery@here"]

    async def test(there: World) -> None:
        async def is_there() -> bool:
            return there.engine.worker_elsewhere()

        # It says that it is ready while its process still starts its engine.
        await becomes(is_there, "the worker is seen from here")
        for _ in range(2):
            ended = await done(there, "lab.flaky", fails=1)
            assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", 1, 2)
        failed = await done(there, "lab.breaks", text="on purpose")
        assert failed.state == "FAILURE"

    with started(command, env=env, cwd=tmp_path, log=log) as process:
        wait_until(lambda: b"celery@here ready" in log.read_bytes(), "the worker is ready", 60)
        with engine_in(home, background=True, work=False) as there:
            there.run(test)
        process.terminate()
        assert process.wait(PATIENCE) == 0, log.read_text()
    assert not list((home / "locks" / "processes").iterdir())
    assert os.listdir(home / "queue.db.peers") == ["open.lock"]
    assert "Traceback" not in log.read_text()


@posix_only
@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_worker_of_celerys_command_heeds_a_pause_that_was_there_before_it_or_comes_later(
    home: Path, env: dict[str, str], tmp_path: Path, pool: str
) -> None:
    log, file = tmp_path / "worker.log", tmp_path / "count"
    command = [sys.executable, "-m", "celery", "-A", "worker", "worker", f"--pool={pool}"]
    command += ["--concurrency=1", "--hostname=celery@here"]

    with engine_in(home, background=True, work=False) as there, client_of(home) as app:

        def ask() -> set[str]:
            found = app.control.inspect(timeout=2.0).active_queues() or {}
            return {queue["name"] for queue in found.get("celery@here", ())}

        async def takes(*names: str) -> None:
            async def look() -> bool:
                return await asyncio.to_thread(ask) == set(names)

            await becomes(look, f"the worker takes from {names}", 60.0)

        async def count(source: Source) -> Run:
            return await there.client.jobs.run_task("lab.count", {"file": str(file)}, source)

        async def pause(there: World) -> None:
            await there.client.system.pause(True)

        async def test(there: World) -> None:
            jobs = there.client.jobs
            await takes("nagatha.urgent")
            waits = await count("cli")
            urgent = await jobs.run_now((await count("cli")).id)
            assert (await there.ended(urgent.id)).state == "SUCCESS"
            assert (await jobs.get(waits.id)).state == "PENDING"
            await there.client.system.pause(False)
            assert (await there.ended(waits.id)).state == "SUCCESS"
            await pause(there)
            await takes("nagatha.urgent")
            waits = await count("cli")
            urgent = await jobs.run_now((await count("cli")).id)
            assert (await there.ended(urgent.id)).state == "SUCCESS"
            assert (await jobs.get(waits.id)).state == "PENDING"
            assert await jobs.dead_letters() == ()

        there.run(pause)
        with started(command, env=env, cwd=tmp_path, log=log) as process:
            wait_until(lambda: b"celery@here ready" in log.read_bytes(), "the worker is ready", 60)
            there.run(test)
            process.terminate()
            assert process.wait(PATIENCE) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def test_worker_that_cannot_use_the_data_says_why_and_ends(
    home: Path, env: dict[str, str], tmp_path: Path
) -> None:
    (home / "nagatha.db").mkdir(parents=True)
    command = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--pool=threads"]
    ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "nagatha.db" in ran.stderr
    assert "Traceback" not in ran.stderr
