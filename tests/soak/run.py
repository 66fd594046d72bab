"""Kills the bundled broker's processes for as long as one says: what `make soak` starts.

    python -m tests.soak.run [--tasks N] [--minutes M] [--seed S]

Rounds of N tasks, each with a seed of its own that follows from S; at least one, and new ones
until M minutes are over. Then a file is grown to 1 GB and has to shrink again. Prints what each
round came to. Exit code 1 when a task was lost, or repeated though it was not running, or anything
else was found that must not be; the folder of that round is kept and named.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.soak import faults
from worker.broker.node import Node
from worker.broker.store import NewMessage

GIGABYTE = 1 << 30


def shrinks(folder: Path, size: int = GIGABYTE) -> str | None:
    """Grow a file to a size and clean it; what is wrong with what is left, None when nothing is."""
    path = folder / "grown.db"
    node = Node(path)
    try:
        while node.upkeep.status().size < size:
            node.messages.publish([NewMessage("q", "x" * 50_000) for _ in range(500)])
        grown = node.upkeep.status().size
        begun = time.monotonic()
        node.messages.purge("q")
        node.upkeep.clean()
        left = node.upkeep.status().size
        took = time.monotonic() - begun
    finally:
        node.close()
    print(f"a file of {grown / 1e6:,.0f} MB shrank to {left / 1e6:,.1f} MB in {took:.1f} s")
    return None if left < 1_000_000 else f"{left} bytes of {grown} were left"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=10_000, help="in a round")
    parser.add_argument("--minutes", type=float, default=0.0, help="new rounds until then")
    parser.add_argument("--seed", type=int, default=None, help="the same dice again")
    parser.add_argument("--pause", type=float, default=0.4, help="seconds between blows, about")
    options = parser.parse_args(arguments)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    end = time.monotonic() + 60 * options.minutes
    print(f"seed {seed}", flush=True)
    totals: Counter[str] = Counter()
    wrong = False
    while not totals["rounds"] or time.monotonic() < end:
        folder = Path(tempfile.mkdtemp(prefix="soak-broker-"))
        report = faults.run(folder, seed + totals["rounds"], options.tasks, pause=options.pause)
        print(report, flush=True)
        for what in report.wrong:
            print(f"  WRONG: {what}", flush=True)
        wrong = wrong or bool(report.wrong)
        totals.update(
            rounds=1,
            tasks=report.accepted,
            kills=sum(count for kind, count in report.blows.items() if "killed" in kind),
            repeated=report.repeated,
            lost=report.lost,
            dead_letters=report.dead,
        )
        if report.wrong:
            print(f"  Everything about it is in {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    with tempfile.TemporaryDirectory(prefix="soak-broker-") as folder_name:
        if problem := shrinks(Path(folder_name)):
            print(f"  WRONG: {problem}")
            wrong = True
    print(", ".join(f"{count} {what.replace('_', ' ')}" for what, count in totals.items()))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
