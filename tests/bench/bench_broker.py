"""The bundled broker against Redis, RabbitMQ and memory, and against the plug being pulled.

Every contender is a process of its own with the worker inside it, as in the program: four threads,
acks_late, results kept. They stay up and are measured in turns, a few dozen tasks each, so that
whatever else the machine does meets all alike; a figure is a ratio of what was measured side by
side. Redis runs with an append-only file synced every second and keeps its own results, RabbitMQ
sends them back (rpc). Without RabbitMQ on this machine its lines are left out, and said to be.

The bundled broker comes twice, since it has two sync levels: by default a task is on the disk
before its sender goes on; one with `delivery_mode` 1 within a second, which is the promise of
Redis here. Both are held against Redis, the like against the like with the bounds; publishing
beside others is bound at both levels. The others send as fast as they can, so that a quicker
broker meets more of them, and once more at a rate that is the same for all.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.broker_kills import killed
from tests.bench.figure import Figure
from tests.support import rabbitmq_server, redis_server
from tests.support.processes import end
from worker.broker import broker_url
from worker.broker.node import Node
from worker.broker.store import NewMessage

NAME = "Bundled broker"
ROOT = Path(__file__).parents[2]
OURS, REDIS, RABBIT, MEMORY = "bundled", "Redis", "RabbitMQ", "memory"
SOON = "bundled, on disk within a second"  # the promise of Redis here
BUSY_MEMORY = "memory that polls each ms"  # for information: it never rests


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender's messages and results go.

    `path` is the bundled broker's file, `poll` how often memory is looked at, in seconds.
    `delivery_mode` is AMQP's: 1 transient, 2 persistent.
    """

    broker: str
    results: str
    path: str = ""
    poll: float = 0.01
    delivery_mode: int = 2


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is measured: rounds, and in each of them how many of what."""

    rounds: int
    trips: int
    tasks: int
    sent: int
    idle: int
    long_queue: int
    kills: int


RATE = 500
"""Messages a second that each of the others sends where all meet the same load."""

FULL = Amounts(20, 100, 300, 200, 20, 1_000_000, 20)
QUICK = Amounts(4, 50, 150, 100, 5, 100_000, 3)


class Contender:
    """A running process that does a step when asked (`broker_contender`)."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ask(self, step: str, number: int = 0) -> Any:
        """Have a step done and give what it measured. Raises RuntimeError when it failed."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{step} {number}\n".encode())
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """Wait for one answer."""
        assert self._process.stdout is not None and self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.kill()
            raise RuntimeError(f"a contender failed:\n{self._process.stderr.read().decode()}")
        return json.loads(line)


@contextmanager
def contender(place: Place, role: str = "worker") -> Iterator[Contender]:
    """A contender that is ready, and ended with the block."""
    arguments = [
        place.broker,
        place.results,
        place.path,
        role,
        str(place.poll),
        str(place.delivery_mode),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.broker_contender", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        running = Contender(process)
        running.answer()
        yield running
    finally:
        end(process)


def measure(quick: bool) -> list[Figure]:
    """The bounds of the bundled broker, and 20 kills of a worker."""
    amounts = QUICK if quick else FULL
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-broker-")))
        places = dict(_places(stack, folder))
        figures = _compared(places, amounts)
        figures += _published(places, amounts)
        figures += _claimed(folder, amounts)
        figures += killed(folder, amounts.kills)
        return figures


def _places(stack: ExitStack, folder: Path) -> Iterator[tuple[str, Place]]:
    path = folder / "queue.db"
    yield OURS, Place(broker_url(path), broker_url(path), str(path))
    path = folder / "soon.db"
    yield SOON, Place(broker_url(path), broker_url(path), str(path), delivery_mode=1)
    yield MEMORY, Place("memory://", "cache+memory://")
    yield BUSY_MEMORY, Place("memory://", "cache+memory://", poll=0.001)
    if redis_server.available():
        redis = stack.enter_context(redis_server.redis_server(folder / "redis", durable=True))
        yield REDIS, Place(redis.url(0), redis.url(1))
    if rabbitmq_server.available():
        rabbit = stack.enter_context(rabbitmq_server.rabbitmq_server(folder / "rabbitmq"))
        yield RABBIT, Place(rabbit.url(), "rpc://")


# -- round trip, throughput, idleness


def _compared(places: dict[str, Place], amounts: Amounts) -> list[Figure]:
    trips: dict[str, list[list[float]]] = {
        name: [] for name in places if name not in (MEMORY, BUSY_MEMORY)
    }
    rates: dict[str, list[float]] = {name: [] for name in places}
    with ExitStack() as stack:
        running = {name: stack.enter_context(contender(place)) for name, place in places.items()}
        for name in trips:
            running[name].ask("trips", 50)
        for turn in range(amounts.rounds):
            for name in _in_turn(trips, turn):
                trips[name].append(running[name].ask("trips", amounts.trips))
            for again in range(2):  # one alone is a few per cent off
                for name in _in_turn(rates, turn + again):
                    rates[name].append(running[name].ask("throughput", amounts.tasks))
        idle = running[OURS].ask("idle", amounts.idle)
    figures = []
    for level, name in ((SOON, REDIS), (OURS, REDIS), (OURS, RABBIT)):
        if name in trips:
            figures += _trips_compared(level, name, trips)
    least = {(SOON, REDIS): 2.0, (SOON, MEMORY): 0.8}
    for level in (SOON, OURS):
        for name, theirs in rates.items():
            if name not in (OURS, SOON):
                ratio = statistics.median(a / b for a, b in zip(rates[level], theirs, strict=True))
                note = f"{name}: {statistics.median(theirs):.3g} tasks/s; {_level(level)}"
                bound = least.get((level, name))
                figures.append(
                    Figure(
                        f"Throughput{_mark(level)} / {name}",
                        ratio, "x", bound, at_most=False, note=note,
                    )
                )  # fmt: skip
    if RABBIT not in places:
        figures.append(Figure("RabbitMQ", 0, "measured", note="rabbitmq-server is not installed"))
    ours = _all(trips[OURS])
    return [
        *figures,
        Figure("Round trip p50", _quantile(ours, 0.5), "ms"),
        Figure("Round trip p99", _quantile(ours, 0.99), "ms"),
        Figure("Throughput", statistics.median(rates[OURS]), "tasks/s"),
        Figure("Idle CPU", round(idle, 1), "%", 0.0, note="worker, bell and client in one process"),
    ]


def _trips_compared(ours: str, name: str, trips: dict[str, list[list[float]]]) -> list[Figure]:
    times = trips[name]
    bounds = {(SOON, REDIS): (0.5, 1.0), (OURS, RABBIT): (1.0, None)}.get(
        (ours, name), (None, None)
    )
    notes = (
        f"{name}: {_quantile(_all(times), 0.5):.3g} ms, {len(_all(times))} trips in turns; "
        + _level(ours),
        f"{name}: {_quantile(_all(times), 0.99):.3g} ms; {_level(ours)}",
    )
    return [
        Figure(
            f"Round trip p{share * 100:.0f}{_mark(ours)} / {name}",
            _ratio(trips[ours], times, share), "x", bound, note=note,
        )
        for share, bound, note in zip((0.5, 0.99), bounds, notes, strict=True)
    ]  # fmt: skip


def _mark(ours: str) -> str:
    return " (synced each second)" if ours == SOON else ""


def _level(ours: str) -> str:
    return "both sync each second" if ours == SOON else "ours waits for the disk"


# -- publishing while others do


def _published(places: dict[str, Place], amounts: Amounts) -> list[Figure]:
    names = [name for name in (OURS, SOON, REDIS) if name in places]
    flooded: dict[str, list[list[float]]] = {name: [] for name in names}
    paced: dict[str, list[list[float]]] = {name: [] for name in names}
    with ExitStack() as stack:
        teams = {
            name: [stack.enter_context(contender(places[name], "publisher")) for _ in range(3)]
            for name in names
        }
        for name in names:
            teams[name][0].ask("publish", 50)
        for turn in range(amounts.rounds):
            for times, rate in ((flooded, 0), (paced, RATE)):
                for name in _in_turn(times, turn):
                    first, *others = teams[name]
                    for other in others:
                        other.ask("flood", rate)
                    times[name].append(first.ask("publish", amounts.sent))
                    for other in others:
                        other.ask("still")
                    first.ask("purge")
    ours = _all(flooded[OURS])
    figures = [
        Figure("Publish p50, two others publishing", _quantile(ours, 0.5), "ms"),
        Figure("Publish p99, two others publishing", _quantile(ours, 0.99), "ms"),
    ]
    if REDIS not in names:
        return figures
    loads = (
        (paced, f"two others at {RATE}/s", (SOON,)),  # the like against the like
        (flooded, "two others publishing", (OURS, SOON)),
    )
    for measured, load, bound in loads:
        p99 = _quantile(_all(measured[REDIS]), 0.99)
        for name in (OURS, SOON):
            ratio = _quantile(_all(measured[name]), 0.99) / p99
            note = f"Redis: {p99:.3g} ms, {len(ours)} each in turns; {_level(name)}"
            title = f"Publish p99{_mark(name)}, {load} / Redis"
            most = 1.0 if name in bound else None
            figures.insert(0, Figure(title, ratio, "x", most, note=note))
    return figures


# -- long queues


def _claimed(folder: Path, amounts: Amounts) -> list[Figure]:
    """Claim and acknowledge one after another, from a long and a short queue in turns."""
    lengths = (1_000, amounts.long_queue)
    nodes = [Node(folder / f"claims{length}.db") for length in lengths]
    try:
        for node, length in zip(nodes, lengths, strict=True):
            _fill(node, length)
            _timed_claims(node, 200)
        ratios, long = [], []
        for _ in range(amounts.rounds * 2):
            short_time, long_time = (_timed_claims(node, 50) for node in nodes)
            ratios.append(long_time / short_time)
            long.append(long_time)
            for node in nodes:
                _fill(node, 50)  # as long as before
    finally:
        for node in nodes:
            node.close()
    note = f"{statistics.median(long):.3g} ms for claim and acknowledgement, in turns"
    name = f"Claim from {lengths[1]:,} messages / from {lengths[0]:,}"
    return [Figure(name, statistics.median(ratios), "x", 1.3, note=note)]


def _fill(node: Node, count: int, part: int = 20_000) -> None:
    payload = "x" * 700  # about what a task's message has
    start = time.monotonic_ns()
    for first in range(0, count, part):
        numbers = range(first, min(count, first + part))
        node.messages.publish(
            (
                NewMessage("q", payload, n % 10, task=f"{hash((start, n)) % 2**64:016x}-{n:016x}")
                for n in numbers
            ),
            durable=False,
        )


def _timed_claims(node: Node, count: int) -> float:
    """Milliseconds for one claim and its acknowledgement, the median."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        (claimed,) = node.messages.claim("q", 1, node.id, "c")
        node.messages.ack(claimed.id)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


# -- figures


def _in_turn(names: Sequence[str] | dict[str, Any], turn: int) -> list[str]:
    """The names in another order each time, so that nobody always follows the same."""
    order = list(names)
    start = turn % len(order)
    return order[start:] + order[:start]


def _all(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [value for values in rounds for value in values]


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _ratio(
    ours: Sequence[Sequence[float]],
    theirs: Sequence[Sequence[float]],
    share: float,
    middle: Callable[[Sequence[float]], float] = statistics.median,
) -> float:
    """A quantile of ours by theirs: the middle one is that of the rounds, others of all trips."""
    if share == 0.5:
        pairs = zip(ours, theirs, strict=True)
        return middle([_quantile(a, share) / _quantile(b, share) for a, b in pairs])
    return _quantile(_all(ours), share) / _quantile(_all(theirs), share)
