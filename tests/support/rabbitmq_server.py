"""A real RabbitMQ of the test's own: own node, cookie, ports and folder, gone afterwards.

The system's own RabbitMQ, if there is one, is not touched: not its node, not its epmd.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.processes import end, free_port, started, wait_until

# The commands on the path are wrappers that want to be root or the user rabbitmq.
_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_START = 60.0  # s; Erlang loads some hundred modules


@dataclass(frozen=True, slots=True)
class RabbitServer:
    """Where a running server is: its port on 127.0.0.1 and its process."""

    port: int
    pid: int

    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"


def available() -> bool:
    return _SERVER.exists() and shutil.which("epmd") is not None


def _answers(port: int, hello: bytes, expected: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(hello)
            return connection.recv(64).startswith(expected)
    except OSError:
        return False


def _settled(process: subprocess.Popen[bytes], port: int) -> str | None:
    if process.poll() is not None:
        return "ended"
    # Any greeting but its own is answered with the one that it wants.
    return "ready" if _answers(port, b"AMQP\x00\x00\x09\x01", b"\x01") else None


@contextmanager
def rabbitmq_server(folder: Path) -> Iterator[RabbitServer]:
    """Starts a server that keeps its files in `folder` and answers when the block begins.

    Raises TimeoutError, with the log's end, if it does not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "rabbitmq.log"
    (folder / "enabled_plugins").write_text("[].\n")
    # Between finding a free port and taking it, somebody else may: then the server ends at once.
    for attempt in range(3):
        names, dist, port = free_port(), free_port(), free_port()
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),  # the cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_NODENAME": f"nagatha{os.getpid()}x{attempt}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_PID_FILE": str(folder / "rabbitmq.pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        with ExitStack() as stack:
            begun = partial(started, env=environment, log=log, cwd=folder)
            # Its own, or Erlang starts one that stays.
            stack.enter_context(begun(["epmd", "-address", "127.0.0.1", "-port", str(names)]))
            process = stack.enter_context(begun([_SERVER]))
            settled = partial(_settled, process, port)
            if wait_until(settled, "rabbitmq-server answers", _START) == "ready":
                try:
                    yield RabbitServer(port, process.pid)
                finally:
                    end(process, patience=20.0)
                return
    raise TimeoutError(f"rabbitmq-server did not start:\n{log.read_text()[-2000:]}")
