"""The engine's start, end and change of broker, in this process with the worker and Beat."""

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from tests.bench.figure import Figure
from tests.support.redis_server import available, redis_server
from worker.background import CeleryBackground
from worker.contract.events import RunChanged
from worker.engine import LOCAL_OWNER, Engine
from worker.paths import Paths
from worker.runtime import Runtime

NAME = "Engine"


def measure(quick: bool) -> list[Figure]:
    """Start until the chat can be used, until the worker takes tasks; end; change of broker."""
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
        if available():
            server = stack.enter_context(redis_server(folder / "redis"))
            to, back = runtime.run(_changes(folder / "home", runtime, server.url(), rounds), 300)
            figures.append(_figure("Bundled broker to Redis", to, 2.0))
            figures.append(_figure("Redis to bundled broker", back, 2.0))
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


async def _changes(
    home: Path, runtime: Runtime, redis: str, rounds: int
) -> tuple[list[float], list[float]]:
    engine, background = _engine(home, runtime)
    to, back = [], []
    async with engine:
        await engine.plug(background)
        system = engine.services(LOCAL_OWNER).system
        for _ in range(rounds):
            to.append(await _timed(lambda: system.set_broker(redis)))
            await _echo(engine)
            back.append(await _timed(lambda: system.set_broker("")))
            await _echo(engine)
    return to, back


async def _timed(change: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await change()
    return time.perf_counter() - began


async def _echo(engine: Engine) -> None:
    """A task through the broker: it is really used, and not just connected to."""
    events = engine.bus.subscribe(LOCAL_OWNER)
    run = await engine.services(LOCAL_OWNER).jobs.run_task("echo_bot.echo", {"text": "x"})
    async for event in events:
        if isinstance(event, RunChanged) and event.run.id == run.id:
            if event.run.state == "SUCCESS":
                return
            assert event.run.state in ("PENDING", "STARTED"), event.run
