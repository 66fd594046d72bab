"""Kills workers and producers of one broker file at random, and counts what came of their tasks.

Owns the dice, the processes and the accounting. What the processes do is `nursery`'s. One seed
gives the same tasks and the same kind of blows; when exactly they fall is up to the machine.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.nursery import THREADS, MovedClock
from tests.support.processes import end_group, wait_until
from worker.broker.node import Node

ROOT = Path(__file__).parents[2]
QUEUE = "celery"
PATIENCE = 120.0  # s for what is left when nobody is killed any more


@dataclass(slots=True)
class Report:
    """What a run came to.

    Attributes:
        seed: what the dice began with.
        tasks: how many were to be sent.
        accepted: how many producers were told to be accepted.
        refused: how many raised, and so must not have run.
        blows: what was done to the processes, by kind.
        runs: how many attempts began.
        repeated: of them, how often again because the process was killed while it had the task.
        most_in_a_kill: how many tasks the kill with the most of them made run again.
        dead: messages that became dead letters, and were retried.
        wrong: everything that must not be, in words.
        seconds: how long it took.
    """

    seed: int
    tasks: int
    accepted: int = 0
    refused: int = 0
    blows: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    repeated: int = 0
    most_in_a_kill: int = 0
    dead: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        blows = ", ".join(f"{count} {kind}" for kind, count in sorted(self.blows.items()))
        return (
            f"seed {self.seed}: {self.tasks} tasks, {self.accepted} accepted, {self.refused} "
            f"refused; {blows}; {self.runs} attempts, {self.repeated} repeated (at most "
            f"{self.most_in_a_kill} by one kill), {self.lost} lost, {self.dead} dead letters "
            f"retried, {len(self.wrong)} wrong; {self.seconds:.0f} s"
        )


class Nursery:
    """The process that forks the others."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.nursery", str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def make(self, *words: object) -> int:
        """Have a process made and give its id."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write((" ".join(str(word) for word in words) + "\n").encode())
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """A nursery that is ended, with all it made, at the end of the block."""
    made = Nursery(folder)
    try:
        yield made
    finally:
        end_group(made.process)


def lives(pid: int) -> bool:
    """Tell whether a process of the nursery's is there; it buries the dead at once."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Run:
    """One run: the processes that live, and what was done to them."""

    def __init__(self, folder: Path, seed: int, tasks: int, workers: int, producers: int) -> None:
        self.report = Report(seed, tasks)
        self._folder = folder
        self._dice = random.Random(seed)
        self._clock = MovedClock(folder / "clock")
        self._workers: list[int] = []
        self._producers: dict[int, tuple[int, int]] = {}
        self._killed: set[int] = set()
        self._count = workers
        share = -(-tasks // producers)
        self._ranges = [
            (first, min(tasks, first + share)) for first in range(0, tasks, share) if first < tasks
        ]

    def go(self, pause: float) -> Report:
        """Send, kill and wait until nothing is left to do.

        Args:
            pause: seconds between two blows, about.
        """
        begun = time.monotonic()
        with nursery(self._folder) as self._nursery:
            self._fill_up()
            for first, last in self._ranges:
                self._start_producer(first, last)
            while self._producers:
                self._wait(pause)
                self._blow()
                self._bury_producers()
            for _ in range(10):  # the queue is long now: a few more while only workers are there
                self._wait(pause)
                self._blow()
            self._clock.move(3600.0)  # whatever the dice did to the clock, everything is due
            self._finish()
            for worker in self._workers:
                os.kill(worker, signal.SIGTERM)
            wait_until(lambda: not any(map(lives, self._workers)), "workers stop", PATIENCE)
        self._account()
        self.report.seconds = time.monotonic() - begun
        return self.report

    # -- blows

    def _wait(self, pause: float) -> None:
        # Not for luck: the moment of the blow is what the dice are thrown for.
        time.sleep(self._dice.uniform(0.2, 1.8) * pause)

    def _blow(self) -> None:
        kinds = ["worker"] * 5 + ["recovery"] * 3 + ["producer"] * 2 + ["stop"] + ["clock"] * 2
        kind = self._dice.choice(kinds)
        if kind == "clock":
            self._clock.move(self._dice.uniform(-60.0, 60.0))
            self.report.blows["clock moves"] += 1
        elif kind == "producer" and self._producers:
            pid = self._dice.choice(list(self._producers))
            first, last = self._producers.pop(pid)
            self._kill(pid, "producers killed")
            self._start_producer(max(first, self._next_of(first, last)), last)
        elif kind == "stop":
            pid = self._workers.pop(self._dice.randrange(len(self._workers)))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            self.report.blows["workers stopped"] += 1
        else:
            pid = self._workers.pop(self._dice.randrange(len(self._workers)))
            self._kill(pid, "workers killed")
            if kind == "recovery":
                # The next one takes back what this one had, and is killed meanwhile.
                heir = self._nursery.make("worker")
                time.sleep(self._dice.uniform(0.0, 0.25))
                self._kill(heir, "workers killed while they started")
        self._fill_up()

    def _fill_up(self) -> None:
        while len(self._workers) < self._count:
            self._workers.append(self._nursery.make("worker"))

    def _kill(self, pid: int, kind: str) -> None:
        if not lives(pid):
            if kind != "producers killed":  # which may have been done
                self.report.wrong.append(f"process {pid} ended by itself")
            return
        self._killed.add(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not lives(pid), "the killed process is gone")
        self.report.blows[kind] += 1

    # -- producers

    def _start_producer(self, first: int, last: int) -> None:
        if first < last:
            pid = self._nursery.make("producer", self.report.seed, first, last)
            self._producers[pid] = (first, last)

    def _next_of(self, first: int, last: int) -> int:
        """The number after the last that was tried: whether that was stored, nobody was told."""
        tried = [n for n, what in self._sent() if what == "try" and first <= n < last]
        return max(tried, default=first - 1) + 1

    def _bury_producers(self) -> None:
        for pid, (first, last) in list(self._producers.items()):
            if not lives(pid):
                del self._producers[pid]
                if self._next_of(first, last) < last:
                    self.report.wrong.append(f"producer {pid} ended by itself")

    def _sent(self) -> list[tuple[int, str]]:
        file = self._folder / "sent.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(int(words[0]), words[1]) for words in map(str.split, lines)]

    # -- the end

    def _finish(self) -> None:
        """Let the workers do what is left, dead letters among it."""
        node = Node(self._folder / "queue.db", self._clock)
        try:

            def done() -> bool:
                for letter in node.upkeep.dead_letters():
                    self.report.dead += node.upkeep.retry(letter.id)
                queues = {queue.queue for queue in node.upkeep.status().queues}
                return QUEUE not in queues

            with suppress(TimeoutError):  # what is left is counted
                wait_until(done, "the queue is empty", PATIENCE)
        finally:
            node.close()

    def _account(self) -> None:
        report = self.report
        begun: dict[tuple[int, int], list[int]] = defaultdict(list)
        again: Counter[tuple[int, int]] = Counter()
        ended: set[int] = set()
        said: set[tuple[int, int, int]] = set()
        for line in (self._folder / "runs.txt").read_text().splitlines():
            number, attempt, pid, what = line.split()
            key = (int(number), int(attempt))
            if what in ("begin", "early"):
                begun[key].append(int(pid))
            if what == "early":
                report.wrong.append(f"task {number} ran before it was due")
            again[key] += what == "again"
            if what in ("again", "end"):
                said.add((*key, int(pid)))
            if what == "end":
                ended.add(int(number))
        sent = self._sent()
        accepted = {number for number, what in sent if what == "ok"}
        refused = {number for number, what in sent if what == "refused"}
        report.accepted, report.refused = len(accepted), len(refused)
        lost = sorted((accepted | {number for number, _ in begun}) - ended)
        report.lost = len(lost)
        report.wrong += [f"task {number} was lost" for number in lost]
        report.wrong += [
            f"task {number} ran though it was refused" for number in sorted(refused & ended)
        ]
        self._account_repeats(begun, again, said)
        self._look_at_the_file(ended)

    def _account_repeats(
        self,
        begun: dict[tuple[int, int], list[int]],
        again: Counter[tuple[int, int]],
        said: set[tuple[int, int, int]],
    ) -> None:
        report = self.report
        by_kill: Counter[int] = Counter()
        unfinished: Counter[int] = Counter()
        for (number, attempt), pids in begun.items():
            # Each run of the attempt before that asked for another sent one message.
            messages = again[number, attempt - 1] if attempt else 1
            report.runs += len(pids)
            repeats = max(0, len(pids) - messages)
            report.repeated += repeats
            excused = sum(pid in self._killed for pid in pids)
            if repeats > excused:
                report.wrong.append(f"task {number}, attempt {attempt} ran {len(pids)} times")
            if not attempt:
                repeated = [pid for pid in pids[:-1] if pid in self._killed]
                by_kill.update(repeated)
                unfinished.update(pid for pid in repeated if (number, attempt, pid) not in said)
        report.most_in_a_kill = max(by_kill.values(), default=0)
        # A thread can have begun with its next task while what came of the last is being stored:
        # that a task is to be tried again is acknowledged by Celery's event loop.
        report.wrong += [
            f"{count} {what} of process {pid} ran again, but it had {most} at most"
            for counts, what, most in (
                (unfinished, "unfinished tasks", THREADS),
                (by_kill, "tasks", 2 * THREADS),
            )
            for pid, count in counts.items()
            if count > most
        ]

    def _look_at_the_file(self, ended: set[int]) -> None:
        """Every task's success is stored, and nothing of the dead is left."""
        node = Node(self._folder / "queue.db", self._clock)
        try:
            keys = [f"celery-task-meta-t{number}" for number in ended]
            found = node.results.get_many(keys)
            missing = [key for key in keys if '"SUCCESS"' not in str(found.get(key))]
            self.report.wrong += [f"{key} is not stored as a success" for key in missing]
            read = node._database.read
            verdict = read("PRAGMA integrity_check")
            if verdict != [("ok",)]:
                self.report.wrong.append(f"the file is damaged: {verdict}")
            for what, query in {
                "messages": "SELECT count(*) FROM message",
                "temporary queues": "SELECT count(*) FROM queue WHERE owner IS NOT NULL",
                "other processes": f"SELECT count(*) FROM peer WHERE id <> '{node.id}'",
            }.items():
                if (rows := read(query)) != [(0,)]:
                    self.report.wrong.append(f"{rows[0][0]} {what} were left")
            locks = sorted(file.name for file in self._folder.glob("queue.db.peers/*"))
            if locks != sorted(["open.lock", f"{node.id}.lock"]):
                self.report.wrong.append(f"lock files of the dead were left: {len(locks) - 2}")
        finally:
            node.close()


def run(
    folder: Path, seed: int, tasks: int, *, workers: int = 3, producers: int = 2, pause: float
) -> Report:
    """Run once in an empty folder.

    Args:
        folder: where the broker's file and the notes go.
        seed: what the dice begin with.
        tasks: how many are sent.
        workers: how many processes with four threads each.
        producers: how many processes send.
        pause: seconds between two blows, about.
    """
    return Run(folder, seed, tasks, workers, producers).go(pause)
