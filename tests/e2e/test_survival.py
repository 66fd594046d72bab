"""kill -9 at the worst moment: nothing that was accepted or seen is lost, nothing happens twice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Nagatha
from tests.support.model_server import ModelServer
from tests.support.processes import kill, started, wait_until

COUNTING = '''"""Counts how often its task took effect."""

__version__ = "1"


def register_tasks(registry):
    registry.register_task("counting", "add", add)


def add(file: str, value: int) -> int:
    """Append a line to a file."""
    with open(file, "a") as lines:
        lines.write(f"{value}\\n")
    return value
'''
SEND = """
import sys
from pathlib import Path
from worker.engine import LOCAL_OWNER, Engine
from worker.background import CeleryBackground
from worker.paths import Paths
from worker.runtime import Runtime

async def send(runtime, file, count):
    async with Engine(Paths.find(), runtime, "cli") as engine:
        await engine.plug(CeleryBackground(engine, engine.paths.queue, work=False))
        jobs = engine.services(LOCAL_OWNER).jobs
        for value in range(count):
            await jobs.run_task("counting.add", {"file": file, "value": value})
        print("queued", flush=True)
        sys.stdin.read()

with Runtime() as runtime:
    runtime.run(send(runtime, sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def _messages(nagatha: Nagatha) -> list[dict[str, Any]]:
    chats = nagatha.json("chats")
    assert isinstance(chats, list)
    if not chats:
        return []
    messages = nagatha.json("chats", chats[0]["id"])
    assert isinstance(messages, list)
    return messages


def test_an_answer_that_was_killed_keeps_what_was_seen_and_can_go_on(
    nagatha_home: Path, models: ModelServer
) -> None:
    nagatha = Nagatha.on(nagatha_home, models, model="pause")
    process = subprocess.Popen(
        nagatha.command("ask", "Tell me everything"),
        env=nagatha.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    seen = process.stdout.read(20)
    kill(process)
    models.release()

    question, answer = _messages(nagatha)
    assert question["text"] == "Tell me everything"
    assert answer["state"] == "interrupted"
    assert answer["text"].startswith(seen.decode())
    assert answer["model"] == "pause"


def test_200_queued_tasks_survive_a_kill_and_each_takes_effect_once(
    nagatha_home: Path, tmp_path: Path
) -> None:
    nagatha = Nagatha.on(nagatha_home)
    module = nagatha_home / "modules" / "counting"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text(COUNTING)
    (module / "config.yaml").write_text("description: counts\n")
    assert nagatha.run("config", "modules.enabled", "counting").code == 0
    file = tmp_path / "lines"
    sender = subprocess.Popen(
        [sys.executable, "-c", SEND, str(file), "200"],
        env=nagatha.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert sender.stdout is not None
    assert sender.stdout.readline() == b"queued\n"
    kill(sender)

    # A worker is killed among them, too.
    with started(nagatha.command("worker"), env=nagatha.environ) as first:
        wait_until(lambda: file.exists() and len(file.read_text().split()) >= 20, "20 tasks")
        kill(first)
    with started(nagatha.command("worker"), env=nagatha.environ):
        wait_until(lambda: _states(nagatha) == {"SUCCESS": 200}, "200 runs", deadline=150)
    values = [int(line) for line in file.read_text().split()]
    assert set(values) == set(range(200))
    # Only what was running at the kill (four threads) may have been begun again.
    assert len(values) <= 204


def _states(nagatha: Nagatha) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", STATES], env=nagatha.environ, capture_output=True, check=True
    )
    states: dict[str, int] = json.loads(done.stdout)
    return states


STATES = """
import collections, json, os, sqlite3
from pathlib import Path
path = Path(os.environ["NAGATHA_HOME"]) / "nagatha.db"
with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
    states = [state for (state,) in db.execute("SELECT state FROM runs WHERE kind = 'task'")]
print(json.dumps(collections.Counter(states)))
"""
