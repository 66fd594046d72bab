"""Runs Celery's and kombu's own tests on Redis and on the bundled broker, and compares.

    python -m tests.peer.run [--only celery|kombu|canvas|tasks|...] [pytest's own arguments]

Prints one table and what differs. Exit code 1 when something that passes on Redis does not pass
here (see `exceptions.toml`), 2 when nothing could be compared. Owns the order, the processes and
the second tries; what is compared, and how, is `outcomes`. Everything is written to build/peer/.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import TimeoutExpired
from threading import Event

from rich.console import Console
from rich.table import Table

from tests.peer.outcomes import (
    COLUMNS,
    Difference,
    Outcome,
    Verdict,
    after_second_try,
    compare,
    counted,
    load_exceptions,
    read_log,
)
from tests.peer.parts import (
    HERE,
    MUST_PASS,
    ROOT,
    Part,
    Side,
    SideName,
    bundled_side,
    environment,
    parts,
    prepare,
    redis_side,
)
from tests.peer.sources import NoSource, fetch
from tests.support.processes import started
from tests.support.redis_server import RedisServer, available, redis_server

BUILD = ROOT / "build" / "peer"
ALONE_SECONDS = 150.0
MOST_SECOND_TRIES = 25
"""Where more tests than this fail on one side, something is wrong that no second try mends."""
SECOND_TRIES_SECONDS = 600.0
MOST_PROCESSES = 4
"""How often a part goes on in a new process after its process has died."""

AT_ONCE = 4
SIDES: tuple[SideName, ...] = ("redis", "bundled")

say = Console(soft_wrap=True, highlight=False, markup=False).print
Results = dict[SideName, dict[str, Outcome]]


@dataclass(slots=True)
class Runner:
    """Runs parts of the foreign tests, each in processes of its own."""

    server: RedisServer
    scratch: Path
    arguments: Sequence[str]
    stop: Event = field(default_factory=Event)
    count: int = 0

    def run(self, part: Part, name: SideName) -> dict[str, Outcome]:
        """What the tests of a part came to on one side, second tries included."""
        found = self._until_all_ran(part, name)
        failed = [test for test, outcome in found.items() if outcome.name == "failed"]
        if len(failed) > MOST_SECOND_TRIES:
            say(f"{part.title} on {name}: {len(failed)} failed, too many for a second try")
            return found
        end = time.monotonic() + SECOND_TRIES_SECONDS
        for test in failed:
            if time.monotonic() >= end or self.stop.is_set():
                say(f"{part.title} on {name}: no time for more second tries")
                break
            again = self._process(part, name, [test], ALONE_SECONDS).get(test)
            if again is not None:
                found[test] = after_second_try(found[test], again)
        return found

    def _until_all_ran(self, part: Part, name: SideName) -> dict[str, Outcome]:
        end = time.monotonic() + part.seconds
        found = self._process(part, name, None, part.seconds)
        for _ in range(MOST_PROCESSES - 1):
            left = [test for test, outcome in found.items() if outcome.name == "missing"]
            if not left or time.monotonic() >= end or self.stop.is_set():
                break
            say(f"{part.title} on {name}: its process ended; {len(left)} tests go on in a new one")
            found |= self._process(part, name, left, end - time.monotonic())
        return found

    def _process(
        self, part: Part, name: SideName, only: Sequence[str] | None, seconds: float
    ) -> dict[str, Outcome]:
        self.count += 1
        side = self._side(name)
        log = self.scratch / f"{self.count}.jsonl"
        log.touch()
        chosen = self.scratch / f"{self.count}.only.json"
        chosen.write_text(json.dumps(only), "utf-8")
        self._flush()
        command = [
            *(sys.executable, "-m", "pytest", part.target, "-q", "-c", "pytest.ini"),
            *("--rootdir", ".", "-W", "ignore", "-p", "celery.contrib.pytest"),
            *("-p", "tests.peer.plugin", "-p", "no:cacheprovider", "-p", "no:pytest-qt"),
            *self.arguments,
        ]
        output = BUILD / f"{part.title.replace(' ', '-')}-{name}.log"
        with started(
            command,
            env=environment(part, side, log, chosen if only is not None else None),
            cwd=part.folder,
            log=output,
        ) as process:
            end = time.monotonic() + seconds
            while process.poll() is None and not self.stop.is_set():
                if time.monotonic() >= end:
                    say(f"{part.title} on {name}: stopped after {seconds:.0f} s")
                    break
                with suppress(TimeoutExpired):
                    process.wait(0.5)
        return read_log(log.read_text("utf-8").splitlines())

    def _side(self, name: SideName) -> Side:
        if name == "redis":
            return redis_side(self.server)
        folder = self.scratch / f"broker-{self.count}"
        folder.mkdir()
        return bundled_side(self.server, folder / "queue.db")

    def _flush(self) -> None:
        import redis

        with redis.Redis(port=self.server.port) as connection:
            connection.flushall()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; gives the exit code."""
    parser = argparse.ArgumentParser(prog="make peer-suite", allow_abbrev=False)
    parser.add_argument("--only", action="append", default=[], help="celery, kombu, canvas, …")
    options, for_pytest = parser.parse_known_args(arguments)
    if not available():
        say("redis-server is not installed, so there is nothing to compare with.")
        return 2
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        folders = {name: fetch(name, BUILD) for name in ("celery", "kombu")}
    except NoSource as error:
        say(str(error))
        return 2
    prepare(folders)
    chosen = choose(parts(folders["celery"], folders["kombu"]), options.only)
    if not chosen:
        say(f"There is no part {', '.join(options.only)}.")
        return 2
    for old in BUILD.glob("*.log"):
        old.unlink()
    whole = not options.only and not for_pytest
    results = _run_all(chosen, for_pytest)
    verdict = compare(
        {test: o for found in results for test, o in found["redis"].items()},
        {test: o for found in results for test, o in found["bundled"].items()},
        load_exceptions(HERE / "exceptions.toml"),
        must_pass=lambda test: any(mark in test for mark in MUST_PASS),
        whole=whole,
    )
    _print_table(chosen, results)
    _print_verdict(verdict)
    return 0 if verdict.holds else 1


def choose(all_parts: Sequence[Part], only: Sequence[str]) -> list[Part]:
    """The parts that are asked for by suite or by name; all when nothing is."""
    return [p for p in all_parts if not only or p.suite in only or p.title.split()[-1] in only]


def _run_all(chosen: Sequence[Part], arguments: Sequence[str]) -> list[Results]:
    """Each part on each side with a server of its own: the tests wait more than they work."""
    results: list[Results] = [{} for _ in chosen]
    stop = Event()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # Redis first in every part: there the tests take longer.
        running = {
            (number, side): pool.submit(_run_one, part, side, arguments, stop)
            for number, part in enumerate(chosen)
            for side in SIDES
        }
        try:
            for (number, side), future in running.items():
                results[number][side] = future.result()
        finally:  # Ctrl+C reaches this process only
            stop.set()
            pool.shutdown(cancel_futures=True)
    return results


def _run_one(
    part: Part, side: SideName, arguments: Sequence[str], stop: Event
) -> dict[str, Outcome]:
    begun = time.monotonic()
    with (
        # The broker refuses a network share, and where the build folder is nobody knows.
        tempfile.TemporaryDirectory(prefix="peer-") as scratch,
        redis_server(Path(scratch) / "redis") as server,
    ):
        found = Runner(server, Path(scratch), arguments, stop).run(part, side)
    counts = counted(found)
    told = ", ".join(f"{counts[name]} {name}" for name in COLUMNS if counts[name]) or "nothing"
    say(f"{part.title} on {side}: {told} ({time.monotonic() - begun:.0f} s)")
    return found


def _print_table(chosen: Sequence[Part], results: Sequence[Results]) -> None:
    table = Table()
    table.add_column("")
    for side in ("Redis", "bundled"):
        for name in COLUMNS:
            table.add_column(f"{side}\n{name}", justify="right")
    for part, found in zip(chosen, results, strict=True):
        counts = [*counted(found["redis"]).values(), *counted(found["bundled"]).values()]
        table.add_row(part.title, *map(str, counts))
    Console(width=110).print(table)


def _print_verdict(verdict: Verdict) -> None:
    _print_pairs("Must pass here, and does not:", verdict.worse)
    _print_pairs("Does not pass here, for the reason in exceptions.toml:", verdict.excused)
    _print_pairs("Passes here only:", verdict.better)
    _print_pairs("Differs, and passes on neither:", verdict.other)
    _print_pairs("Failed at first and passed when run once more, alone:", verdict.second_tries)
    for complaint in verdict.complaints:
        say(f"Wrong: {complaint}")
    say("Nothing is worse here than on Redis." if verdict.holds else "FAILED")


def _print_pairs(title: str, pairs: Sequence[Difference]) -> None:
    if not pairs:
        return
    say(f"\n{title}")
    for pair in pairs:
        say(f"  {pair.test}\n    Redis: {_told(pair.redis)}\n    here:  {_told(pair.bundled)}")


def _told(outcome: Outcome) -> str:
    tried = " (second try)" if outcome.second_try else ""
    return f"{outcome.name}{tried}{f': {outcome.message}' if outcome.message else ''}"


if __name__ == "__main__":
    sys.exit(main())
