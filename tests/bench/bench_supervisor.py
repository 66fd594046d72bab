"""The supervisor: how quickly the worker starts, stops and changes its broker, and what stays."""

import asyncio
import gc
import re
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.figure import Figure
from tests.support import rabbitmq_server, redis_server
from worker.background import CeleryBackground
from worker.contract.events import RunChanged
from worker.engine import LOCAL_OWNER, Engine
from worker.paths import Paths
from worker.runtime import Runtime

NAME = "Supervisor"
IDLE = 1.5
"""Seconds without work before a worker counts as idle: longer than any transport looks back."""
_SYNC = "nagatha-broker-sync"


def measure(quick: bool) -> list[Figure]:
    """Start, stop and restart on each broker; 50 changes between them, and what they leave."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-supervisor-")))
        runtime = stack.enter_context(Runtime())
        brokers = {"bundled": ""}
        if redis_server.available():
            redis = stack.enter_context(redis_server.redis_server(folder / "redis"))
            brokers["Redis"] = redis.url()
        if rabbitmq_server.available():
            rabbit = stack.enter_context(rabbitmq_server.rabbitmq_server(folder / "rabbitmq"))
            brokers["RabbitMQ"] = rabbit.url()
        return runtime.run(_measured(folder / "home", runtime, brokers, quick), 900)


async def _measured(
    home: Path, runtime: Runtime, brokers: dict[str, str], quick: bool
) -> list[Figure]:
    engine = Engine(Paths.under(home), runtime, "desktop", environ={}, cwd=home.parent)
    background = CeleryBackground(engine, engine.paths.queue, work=True)
    figures: list[Figure] = []
    async with engine:
        await engine.plug(background)
        gc.freeze()  # as the program does when everything is loaded
        for name, url in brokers.items():
            await engine.services(LOCAL_OWNER).system.set_broker(url)
            figures += await _one_broker(engine, name, 3 if quick else 10)
        figures += await _changes(engine, brokers, 12 if quick else 50)
    return figures


async def _one_broker(engine: Engine, name: str, rounds: int) -> list[Figure]:
    background = engine.background
    stops, starts, restarts = [], [], []
    for _ in range(rounds):
        await _echo(engine)
        await asyncio.sleep(IDLE)
        stops.append(await _timed(background.aclose))
        starts.append(await _timed(background.start))
        await _echo(engine)

        async def restart() -> None:
            await background.aclose()
            await background.start()

        restarts.append(await _timed(restart))
    # A server's answers are its own; the bounds are about the worker on the bundled broker.
    own = name == "bundled"
    return [
        _figure(f"Worker start, {name}", starts, 0.1 if own else None),
        _figure(f"Worker restart, {name}", restarts, 0.05 if own else None),
        _figure(f"Worker stop when idle, {name}", stops, 0.1),
    ]


async def _changes(engine: Engine, brokers: dict[str, str], changes: int) -> list[Figure]:
    names = list(brokers)
    process, before = psutil.Process(), Counts(frozenset(), 0)
    times: dict[str, list[float]] = {}
    # One round first: it loads and pools what is there for good then.
    for number in range(-len(names), changes):
        now, then = names[number % len(names)], names[(number + 1) % len(names)]
        if number == 0:
            before = await _counts(process)

        async def change(url: str = brokers[then]) -> None:
            await engine.services(LOCAL_OWNER).system.set_broker(url)

        seconds = await _timed(change)
        await _echo(engine)
        if number >= 0:
            times.setdefault(f"Change of broker, {now} to {then}", []).append(seconds)
    # Back to where the first count was made.
    await engine.services(LOCAL_OWNER).system.set_broker(brokers[names[0]])
    await _echo(engine)
    after = await _counts(process)
    return [
        *(_figure(name, seconds, 2.0) for name, seconds in times.items()),
        Figure(
            f"Threads after {changes} changes", len(after.threads), "", len(before.threads),
            note=_more(before.threads, after.threads),
        ),
        Figure(
            f"Open files after {changes} changes", after.files, "", before.files, note="as before"
        ),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counts:
    """What a process holds."""

    threads: frozenset[tuple[int, str]]
    files: int


async def _counts(process: psutil.Process) -> Counts:
    # The loop's pool fills up as it is used; full, it can only stay as it is.
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.1) for _ in range(64)))
    await asyncio.sleep(IDLE)  # threads that only wait to end have done so
    # One that syncs what was written a moment ago comes and goes; one that stayed would be seen.
    deadline = time.monotonic() + 10 * IDLE
    while _SYNC in {thread.name for thread in threading.enumerate()}:
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.05)
    gc.collect()
    threads = frozenset((thread.ident or 0, thread.name) for thread in threading.enumerate())
    return Counts(threads, process.num_fds())


def _more(before: frozenset[tuple[int, str]], after: frozenset[tuple[int, str]]) -> str:
    """The names that there are more of than before."""
    names = Counter(re.sub(r"\d+", "", name) for _, name in after)
    names.subtract(re.sub(r"\d+", "", name) for _, name in before)
    return ", ".join(f"{name} +{n}" for name, n in names.items() if n > 0) or "as before"


def _figure(name: str, seconds: list[float], bound: float | None) -> Figure:
    """The worst of all rounds, which the bound is about."""
    note = f"the worst of {len(seconds)}, p50 {statistics.median(seconds):.3f} s"
    return Figure(name, max(seconds), "s", bound, note=note)


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
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
