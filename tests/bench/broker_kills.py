"""The plug is pulled: SIGKILL at a random moment of 100 tasks, and what came of them."""

import os
import random
import sys
from collections import Counter
from pathlib import Path

from tests.bench.figure import Figure
from tests.contract.broker_worker import Place, close_app, make_app
from tests.support.processes import kill, started, wait_until
from worker.broker import broker_url

ROOT = Path(__file__).parents[2]


def killed(folder: Path, runs: int) -> list[Figure]:
    """SIGKILL at a random moment of 100 tasks, every fifth on a countdown, then a new start."""
    seed = random.randrange(10**6)
    dice = random.Random(seed)
    lost = needless = repeated = 0
    for run in range(runs):
        place = folder / f"kill{run}"
        place.mkdir()
        ended, begun = _one_kill(place, after=dice.randint(1, 80))
        lost += 100 - len(ended)
        twice = sum(begun.values()) - 100
        repeated += max(0, twice)
        needless += max(0, twice - 4)  # four threads: four tasks may have been running
    note = f"{runs} runs of 100 tasks, seed {seed}"
    return [
        Figure("Lost after kill -9", lost, "tasks", 0, note=note),
        Figure("Repeated though they were not running", needless, "tasks", 0, note=note),
        Figure("Repeated because they were running", repeated, "tasks", note=note),
    ]


def _one_kill(folder: Path, after: int) -> tuple[Counter[str], Counter[str]]:
    path = folder / "queue.db"
    place = Place(broker_url(path), str(path))
    app = make_app(place, task_routes={"work": "celery"})
    for number in range(100):
        countdown = 1 if number % 5 == 0 else None
        app.send_task("work", (number, 0.005), countdown=countdown)
    env = {**os.environ, "BROKER_TEST_FOLDER": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.contract.broker_app"]
    with started(command, env=env, cwd=ROOT) as process:
        wait_until(lambda: sum(_lines(folder, "end").values()) >= after, "tasks ran")
        kill(process)
    with started(command, env=env, cwd=ROOT):
        try:
            wait_until(lambda: len(_lines(folder, "end")) == 100, "every task ran", 30)
        except TimeoutError:
            pass  # what did not run is the figure
    close_app(app, place)
    return _lines(folder, "end"), _lines(folder, "begin")


def _lines(folder: Path, what: str) -> Counter[str]:
    file = folder / "runs.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    return Counter(line.split()[0] for line in lines if line.split()[1] == what)
