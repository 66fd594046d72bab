"""The bundled broker against Redis, and against the plug being pulled.

Both brokers are measured in the same run, in turns, each turn in a process of its own with the
worker inside it, as in the program: four threads, acks_late, the same broker for the results.
Redis runs with an append-only file synced every second.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from tests.bench.figure import Figure
from tests.contract.broker_worker import Place, close_app, make_app, running
from tests.support.processes import kill, started, wait_until
from tests.support.redis_server import available, redis_server
from worker.broker import broker_url

NAME = "Bundled broker"
ROOT = Path(__file__).parents[2]
DEADLINE = 120.0


def measure(quick: bool) -> list[Figure]:
    """Round trip, throughput and idle CPU of both, and 20 kills of a worker."""
    turns, trips, tasks, idle = (1, 100, 300, 5) if quick else (3, 300, 1000, 20)
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-broker-")))
        bundled: list[dict[str, float]] = []
        redis: list[dict[str, float]] = []
        server = (
            stack.enter_context(redis_server(folder / "redis", durable=True))
            if available()
            else None
        )
        for turn in range(turns):
            path = folder / f"queue{turn}.db"
            bundled.append(_in_a_process(broker_url(path), str(path), trips, tasks, idle))
            if server is not None:
                redis.append(_in_a_process(server.url(turn), "", trips, tasks, idle))
        figures += _compared(bundled, redis)
        figures += _killed(folder, runs=3 if quick else 20)
    return figures


def _compared(bundled: list[dict[str, float]], redis: list[dict[str, float]]) -> list[Figure]:
    ours = {name: statistics.median(turn[name] for turn in bundled) for name in bundled[0]}
    figures = [
        Figure("Idle CPU", ours["idle"], "%", 0.2, note="worker, bell and client in one process"),
        Figure("Round trip p50", ours["p50"], "ms"),
        Figure("Round trip p99", ours["p99"], "ms"),
        Figure("Throughput", ours["rate"], "tasks/s"),
        Figure("Publish p50, synced to disk", ours["publish"], "ms"),
    ]
    if not redis:
        return figures
    theirs = {name: statistics.median(turn[name] for turn in redis) for name in redis[0]}

    def ratio(name: str) -> float:
        return statistics.median(a[name] / b[name] for a, b in zip(bundled, redis, strict=True))

    against = "Redis {:.3g} {}, appendonly everysec".format
    return [
        Figure("Round trip p50 / Redis", ratio("p50"), "x", 0.7, note=against(theirs["p50"], "ms")),
        Figure(
            "Round trip p99 / Redis", ratio("p99"), "x", None, note=against(theirs["p99"], "ms")
        ),
        Figure(
            "Throughput / Redis",
            ratio("rate"),
            "x",
            1.5,
            at_most=False,
            note=against(theirs["rate"], "tasks/s"),
        ),
        *figures,
    ]


def _in_a_process(url: str, path: str, trips: int, tasks: int, idle: float) -> dict[str, float]:
    arguments = [url, path, str(trips), str(tasks), str(idle)]
    command = [sys.executable, "-m", "tests.bench.bench_broker", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"the measuring process failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _one_turn(place: Place, trips: int, tasks: int, idle: float) -> dict[str, float]:
    app = make_app(place)
    app.conf.worker_send_task_events = False
    finished = threading.Semaphore(0)

    @app.task(name="add", shared=False)
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="count", shared=False, ignore_result=False)
    def count(x: int) -> int:
        finished.release()
        return x

    def trip() -> None:
        if add.delay(1, 2).get(timeout=DEADLINE) != 3:
            raise AssertionError("a wrong result")

    with running(app, place):
        for _ in range(20):
            trip()
        times = _timed(trip, trips)
        publish, rate = _throughput(count, finished, tasks)
        busy = _idle_share(idle)
    close_app(app, place)
    return {
        "p50": statistics.median(times),
        "p99": times[int(len(times) * 0.99)],
        "publish": publish,
        "rate": rate,
        "idle": busy,
    }


def _timed(action: Callable[[], None], rounds: int) -> list[float]:
    """Milliseconds of each round, the shortest first."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        action()
        times.append((time.perf_counter() - begun) * 1000)
    return sorted(times)


def _throughput(count: Any, finished: threading.Semaphore, tasks: int) -> tuple[float, float]:
    """The median of publishing in ms, and tasks a second from the first sent to the last done."""
    begun = time.perf_counter()
    times = _timed(lambda: count.delay(1), tasks)
    for _ in range(tasks):
        if not finished.acquire(timeout=DEADLINE):
            raise TimeoutError("tasks were lost")
    return statistics.median(times), tasks / (time.perf_counter() - begun)


def _idle_share(seconds: float) -> float:
    """Per cent of one core that this process uses when nothing happens."""
    process = psutil.Process()
    time.sleep(1)
    before = process.cpu_times()
    begun = time.perf_counter()
    time.sleep(seconds)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return max(0.0, round(100 * used / (time.perf_counter() - begun), 3))  # the clocks are floats


def _killed(folder: Path, runs: int) -> list[Figure]:
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


def main(arguments: list[str]) -> None:
    """Measure one broker in this process and print the figures as JSON."""
    url, path, trips, tasks, idle = arguments
    place = Place(url, path or None)
    print(json.dumps(_one_turn(place, int(trips), int(tasks), float(idle))))


if __name__ == "__main__":
    main(sys.argv[1:])
