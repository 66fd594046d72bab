"""A real RabbitMQ of the test's own: node name, cookie, data and ports of its own, gone afterwards.

The system's service, if there is one, is another node, and is left alone.
"""

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from tests.support.processes import free_port, started, wait_until

# Debian's /usr/sbin/rabbitmq-server changes the user and the folder; this is what it calls.
_PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_PATIENCE = 60.0
"""Seconds: Erlang needs several on a loaded machine."""


@dataclass(frozen=True, slots=True)
class RabbitServer:
    """Where a running server is: its port on 127.0.0.1 and its process."""

    port: int
    pid: int

    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"


def available() -> bool:
    return _PROGRAM.exists() and shutil.which("epmd") is not None


@contextmanager
def rabbitmq_server(folder: Path) -> Iterator[RabbitServer]:
    """Starts a server that keeps everything in `folder` and answers when the block begins.

    Raises TimeoutError, with the log's end, if it does not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "rabbitmq.log"
    # Between finding free ports and taking them, somebody else may: then the server ends at once.
    for _ in range(3):
        port, names = free_port(), free_port()
        environ = _environment(folder, port, names)
        # Erlang would start this by itself, and leave it running.
        register = ["epmd", "-port", str(names), "-address", "127.0.0.1"]
        with (
            started(register, env=environ, log=log, cwd=folder),
            started([_PROGRAM], env=environ, log=log, cwd=folder) as process,
        ):
            settled = wait_until(
                lambda p=process, n=port: _settled(p, n),  # type: ignore[misc]
                "rabbitmq-server answers",
                _PATIENCE,
            )
            if settled == "ready":
                yield RabbitServer(port, process.pid)
                return
    raise TimeoutError(f"rabbitmq-server did not start:\n{log.read_text()[-2000:]}")


def _environment(folder: Path, port: int, names: int) -> Mapping[str, str]:
    plugins = folder / "plugins"
    plugins.write_text("[].\n")
    empty = folder / "rabbitmq-env.conf"
    empty.touch()
    settings = folder / "rabbitmq.conf"
    # With the default a disk with less than 50 MB free would block every publisher.
    settings.write_text("disk_free_limit.absolute = 1MB\nvm_memory_high_watermark.relative = 0.8\n")
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"nagatha-test-{os.getpid()}-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_CONF_ENV_FILE": str(empty),
        "RABBITMQ_CONFIG_FILE": str(settings),
        "RABBITMQ_PID_FILE": str(folder / "rabbitmq.pid"),
        # No threads that wait busily for work: the tests need the processor, too.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false +S 2:2 +sbwt none",
    }


def _settled(process: Popen[bytes], port: int) -> str | None:
    if process.poll() is not None:
        return "ended"
    return "ready" if _speaks(port) else None


def _speaks(port: int) -> bool:
    """Whether the server offers to talk AMQP (its first frame is on channel 0)."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(8).startswith(b"\x01\x00\x00")
    except OSError:
        return False
