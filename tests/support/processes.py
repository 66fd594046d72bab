"""Starts processes for tests, waits for what they do, and ends them by their own pid.

Owns no knowledge of any particular program. All times are seconds.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

DEADLINE = 60.0
posix_only = pytest.mark.skipif(
    os.name == "nt", reason="modes, links, descriptors, graceful signals and forks are POSIX's"
)

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], what: str, deadline: float = DEADLINE) -> T:
    """Calls `condition` until it gives something true, and returns that.

    For what can only be asked about and never announces itself: another process's state. Raises
    TimeoutError naming `what` when the deadline has passed.
    """
    end = time.monotonic() + deadline
    pause = 0.002
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"Not within {deadline:g} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return value


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: subprocess.Popen[bytes], patience: float = 15.0) -> int:
    """Asks a process to end, kills it if it does not, and returns its exit code."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    if process.poll() is None:
        process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    return process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL, and waits until it is gone: nothing of the process runs after this."""
    process.kill()
    end(process)


def end_group(process: subprocess.Popen[bytes], patience: float = 15.0) -> int:
    """Ends a process that leads a group of its own (`started`), and whatever it started."""
    code = end(process, patience)
    if hasattr(os, "killpg"):  # Windows has no such groups
        # Its children stay in the group when it is gone.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    return code


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A running process that is ended, with all it started, at the end of the block.

    `log` takes what it prints, appended (default: nothing is kept). `stdin` is written to it and
    closed. `env` is the whole environment (default: this process's).
    """
    output = log.open("ab") if log is not None else None
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=output or subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    finally:
        if output is not None:
            output.close()
    try:
        if stdin is not None and process.stdin is not None:
            process.stdin.write(stdin)
            process.stdin.close()
        yield process
    finally:
        end_group(process)
