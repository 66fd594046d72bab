"""A real Redis of the test's own: on a free port, in its own folder, gone afterwards."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.processes import free_port, started, wait_until


@dataclass(frozen=True, slots=True)
class RedisServer:
    """Where a running server is: its port on 127.0.0.1 and its process."""

    port: int
    pid: int

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"


def available() -> bool:
    return shutil.which("redis-server") is not None


def _settled(process: subprocess.Popen[bytes], port: int) -> str | None:
    if process.poll() is not None:
        return "ended"
    return "ready" if _pong(port) else None


def _pong(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


@contextmanager
def redis_server(folder: Path, *, durable: bool = False) -> Iterator[RedisServer]:
    """Starts a server that keeps its files in `folder` and answers when the block begins.

    With `durable` it writes an append-only file, synced every second, as on a real installation;
    without, it stores nothing. Raises TimeoutError, with the log's end, if it does not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "redis.log"
    # Between finding a free port and taking it, somebody else may: then the server ends at once.
    for _ in range(5):
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "yes" if durable else "no", "--appendfsync", "everysec"]
        command += ["--dir", str(folder), "--daemonize", "no"]
        with started(command, log=log, cwd=folder) as process:
            if wait_until(partial(_settled, process, port), "redis-server answers") == "ready":
                yield RedisServer(port, process.pid)
                return
    raise TimeoutError(f"redis-server did not start:\n{log.read_text()[-2000:]}")
