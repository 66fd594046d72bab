"""Which of the foreign tests are run, and on which two brokers.

Owns the list of parts and the environment that each of them needs. Starts nothing.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.peer import plugin
from tests.peer.sources import TESTS
from tests.support.redis_server import RedisServer
from worker.broker import broker_url

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

SideName = Literal["redis", "bundled"]

CELERY_FILES = ("tasks", "canvas", "group_chains", "inspect", "loader", "beat", "worker")
"""The files of Celery's `t/integration` that share one worker, by what follows `test_`.

Left out: those about one kind of backend or its client (azure, cache, database, redis_backend,
backend_leak), about TLS and signing (security), and those that use no broker at all.
"""
KOMBU_FILE = "test_generic.py"
MUST_PASS = ("::TestTimeToLive::", "::TestPriority::")
"""In the names of tests that have to pass here, whatever Redis does."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the foreign tests, which one process runs.

    Attributes:
        suite: celery or kombu.
        title: how the table calls it.
        target: the file, as pytest is given it in the folder.
        folder: what holds nothing but the distribution's `t/` and what is added here.
        seconds: what all of it may take.
    """

    suite: str
    title: str
    target: str
    folder: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two brokers, and what the environment says of it."""

    name: SideName
    environment: Mapping[str, str]


def parts(celery: Path, kombu: Path) -> list[Part]:
    """Every part, in the order in which they run."""
    found = [
        Part("celery", f"celery {name}", f"{TESTS}/integration/test_{name}.py", celery, 2700)
        for name in CELERY_FILES
    ]
    return [*found, Part("kombu", "kombu generic", KOMBU_FILE, kombu, 300)]


def prepare(folders: Mapping[str, Path]) -> None:
    """Put into the unpacked folders what makes them runnable: no settings of this project."""
    for folder in folders.values():
        (folder / "pytest.ini").write_text("[pytest]\npython_classes = test_* Test*\n", "utf-8")
    shutil.copyfile(HERE / "kombu_classes.py", folders["kombu"] / KOMBU_FILE)


def redis_side(server: RedisServer) -> Side:
    """Redis as broker and result backend, and in another of its databases as notebook."""
    address = server.url(1)
    return Side("redis", {"TEST_BROKER": address, "TEST_BACKEND": address, **_notebook(server)})


def bundled_side(server: RedisServer, file: Path) -> Side:
    """The bundled broker on a file; Redis is only what the test tasks write their notes to."""
    url = broker_url(file)
    backend = f"{plugin.REDIS_LIKE}+{url.partition('+')[2]}"
    return Side("bundled", {"TEST_BROKER": url, "TEST_BACKEND": backend, **_notebook(server)})


def _notebook(server: RedisServer) -> dict[str, str]:
    return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port)}


def environment(part: Part, side: Side, log: Path, only: Path | None) -> dict[str, str]:
    """The whole environment of the process that runs a part on a side."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
    paths = os.pathsep.join(map(str, (part.folder, ROOT, HERE / "site")))
    # Some of the tests start `celery` by its name.
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    own = {"PATH": programs, "PYTHONPATH": paths, "WORKER_LOGLEVEL": "INFO", plugin.LOG: str(log)}
    return {**kept, **side.environment, **own, **({plugin.ONLY: str(only)} if only else {})}
