"""What runs inside the process of the foreign tests: a pytest plugin (`-p tests.peer.plugin`).

Writes down each test's outcome as it ends, keeps any test from running for ever, leaves out what
ran before, and makes the bundled broker known. The environment says where things are.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from celery.app.backends import BACKEND_ALIASES

import worker.broker

LOG = "PEER_LOG"
"""The environment's name for the file that outcomes are appended to."""
ONLY = "PEER_ONLY"
"""The environment's name for a JSON file with the tests to run; all when it is not set."""
SECONDS = 90
"""What one test may take. Celery's own give up waiting after 60 s and less."""
REDIS_LIKE = "redis-nagatha"
"""A scheme for the bundled result backend under which tests that look for "redis" run, too."""


def pytest_configure() -> None:
    """Make the bundled broker known under both of its schemes."""
    BACKEND_ALIASES[REDIS_LIKE] = BACKEND_ALIASES[worker.broker.places.SCHEME]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bound each test, and leave out what is not wanted."""
    only = os.environ.get(ONLY)
    if only:
        wanted = set(json.loads(Path(only).read_text("utf-8")))
        config.hook.pytest_deselected(items=[i for i in items if i.nodeid not in wanted])
        items[:] = [item for item in items if item.nodeid in wanted]
    for item in items:
        # Before the test's own mark, which would allow it five minutes.
        item.add_marker(pytest.mark.timeout(SECONDS, method="signal"), append=False)
    _write({"collected": [item.nodeid for item in items]})


def pytest_runtest_logstart(nodeid: str) -> None:
    _write({"begun": nodeid})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        outcome = report.outcome
        _write({"test": report.nodeid, "outcome": outcome, "message": _said(report)})


def pytest_runtest_logfinish(nodeid: str) -> None:
    _write({"ended": nodeid})


def _said(report: pytest.TestReport) -> str:
    told = report.longrepr
    if isinstance(told, Sequence) and not isinstance(told, str):
        return str(told[-1])  # why it was skipped
    crash = getattr(told, "reprcrash", None)
    text = str(getattr(crash, "message", "") or told or "")
    lines = text.strip().splitlines()
    return (lines[0] if crash else lines[-1])[:200] if lines else ""


def _write(entry: dict[str, object]) -> None:
    # Opened each time: the tests fork, and a child must not write what the parent has buffered.
    with open(os.environ[LOG], "a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")
