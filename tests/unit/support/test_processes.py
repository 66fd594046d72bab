"""That the tests' processes are waited for properly and leave nothing behind."""

import sys
from pathlib import Path

import psutil
import pytest

from tests.support.processes import end, free_port, kill, started, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")

STUBBORN = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('up', flush=True)\n"
    "time.sleep(600)\n"
)
PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(600)\n"
)


def first_line(log: Path) -> str:
    return wait_until(lambda: log.read_text().partition("\n")[0], "the process prints a line")


def test_started_when_the_block_ends_then_what_it_started_is_gone_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started([sys.executable, "-c", PARENT], log=log) as process:
        child = int(first_line(log))
        assert psutil.pid_exists(child)
    assert process.returncode is not None
    # Whoever adopts it reaps it when it pleases; dead it is at once.
    wait_until(
        lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie",
        "the grandchild is gone",
    )


def test_end_when_a_process_ignores_the_request_then_it_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started([sys.executable, "-c", STUBBORN], log=log) as process:
        first_line(log)
        assert end(process, patience=0.1) == -9


def test_kill_when_it_returns_then_the_process_is_gone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started([sys.executable, "-c", STUBBORN], log=log) as process:
        first_line(log)
        kill(process)
        assert not psutil.pid_exists(process.pid)


def test_started_when_given_input_then_the_process_reads_it_all(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(["cat"], log=log, stdin=b"secret\n") as process:
        assert process.wait(10) == 0
    assert log.read_bytes() == b"secret\n"


def test_wait_until_when_it_never_comes_then_it_says_what_was_awaited() -> None:
    with pytest.raises(TimeoutError, match=r"Not within 0\.01 s: the moon"):
        wait_until(lambda: None, "the moon", deadline=0.01)


def test_free_port_when_asked_then_it_can_be_taken() -> None:
    assert 1024 <= free_port() <= 65535
