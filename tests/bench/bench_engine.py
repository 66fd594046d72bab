"""The engine's start and end, in this process with the worker and Beat."""

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.bench.figure import Figure
from worker.background import CeleryBackground
from worker.engine import Engine
from worker.paths import Paths
from worker.runtime import Runtime

NAME = "Engine"


def measure(quick: bool) -> list[Figure]:
    """Start until the chat can be used, until the worker takes tasks; end."""
    rounds = 3 if quick else 10
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-engine-")))
        runtime = stack.enter_context(Runtime())
        times = [runtime.run(_life(folder / "home", runtime), 120) for _ in range(rounds + 1)][
            1:
        ]  # the first makes the database
        opened, plugged, ended = (sorted(column) for column in zip(*times, strict=True))
        figures.append(_figure("Start until the chat can be used", opened))
        figures.append(_figure("Start until tasks run", plugged))
        figures.append(_figure("End when idle", ended, 1.0))
    return figures


def _figure(name: str, seconds: list[float], bound: float | None = None) -> Figure:
    """The worst of all rounds, which the bound is about."""
    note = f"the worst of {len(seconds)}, p50 {statistics.median(seconds):.2f} s"
    return Figure(name, max(seconds), "s", bound, note=note)


def _engine(home: Path, runtime: Runtime) -> tuple[Engine, CeleryBackground]:
    engine = Engine(Paths.under(home), runtime, "desktop", environ={}, cwd=home.parent)
    return engine, CeleryBackground(engine, engine.paths.queue, work=True)


async def _life(home: Path, runtime: Runtime) -> tuple[float, float, float]:
    began = time.perf_counter()
    engine, background = _engine(home, runtime)
    await engine.start()
    opened = time.perf_counter() - began
    await engine.plug(background)
    plugged = time.perf_counter() - began
    began = time.perf_counter()
    await engine.aclose()
    return opened, plugged, time.perf_counter() - began
