"""What the same tests came to on two brokers, compared test by test.

Owns the reading of the log that a run writes, the rule of what counts as worse, and the
exceptions from it. Knows nothing of how tests are run.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

OutcomeName = Literal["passed", "failed", "skipped", "missing"]
COLUMNS: tuple[OutcomeName, ...] = ("passed", "failed", "skipped", "missing")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test ended on one broker.

    Attributes:
        name: passed, failed, skipped, or missing: it was never begun.
        message: the last line of what was said about it.
        second_try: it is what the test came to when it was run once more, alone.
    """

    name: OutcomeName
    message: str = ""
    second_try: bool = False


MISSING = Outcome("missing", "it did not run")
Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A test that may fail here although it passes on Redis, and why.

    `races` says that it may as well pass: what it comes to depends on who is quicker in it.
    """

    test: str
    reason: str
    races: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A test that came to something else on the two brokers."""

    test: str
    redis: Outcome
    bundled: Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found.

    Attributes:
        worse: tests that must pass here and do not, and are no exceptions.
        excused: the same, but listed with a reason.
        better: tests that pass here only.
        other: tests that differ without passing on either.
        second_tries: tests that passed on one of the brokers only when run once more, alone.
        complaints: what is wrong with the list of exceptions, or with the run as a whole.
    """

    worse: tuple[Difference, ...]
    excused: tuple[Difference, ...]
    better: tuple[Difference, ...]
    other: tuple[Difference, ...]
    second_tries: tuple[Difference, ...]
    complaints: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is worse here and nothing is to complain of."""
        return not self.worse and not self.complaints


def read_log(lines: Iterable[str]) -> dict[str, Outcome]:
    """The outcomes that a run wrote down, one JSON object a line, whenever it ended.

    A test that was begun and not ended took its process with it, or was ended with it: it failed.
    Every test that was collected is in the result. A line that is cut off is the last one.
    """
    collected: list[str] = []
    begun: set[str] = set()
    found: dict[str, Outcome] = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            break
        match entry:
            case {"collected": list(names)}:
                collected = names
            case {"begun": str(test)}:
                begun.add(test)
            case {"test": str(test), "outcome": str(outcome), "message": str(message)}:
                found[test] = _worst(found.get(test), Outcome(cast(OutcomeName, outcome), message))
            case {"ended": str(test)}:
                begun.discard(test)
    for test in begun:
        found[test] = Outcome("failed", "its process ended, or was ended, in the middle of it")
    return {test: found.get(test, MISSING) for test in [*collected, *(begun - {*collected})]}


def _worst(first: Outcome | None, second: Outcome) -> Outcome:
    """A test that passed may fail afterwards, while it is torn down."""
    if first is None or second.name == "failed":
        return second
    return first


def after_second_try(first: Outcome, again: Outcome) -> Outcome:
    """What a test that failed counts as once it was run again, alone."""
    return replace(again, second_try=True) if again.name == "passed" else first


def read_exceptions(text: str) -> tuple[Exceptional, ...]:
    """The exceptions of a TOML text. Raises ValueError for one without a test or a reason."""
    try:
        entries = tomllib.loads(text).get("exception", [])
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"the list of exceptions cannot be read: {error}") from error
    found = []
    for entry in entries:
        test, reason = str(entry.get("test", "")).strip(), str(entry.get("reason", "")).strip()
        if not test or not reason:
            raise ValueError(f"an exception needs a test and a reason: {entry}")
        found.append(Exceptional(test, reason, entry.get("races") is True))
    return tuple(found)


def compare(
    redis: Outcomes,
    bundled: Outcomes,
    exceptions: Iterable[Exceptional] = (),
    *,
    must_pass: Callable[[str], bool] = lambda test: False,
    whole: bool = True,
) -> Verdict:
    """Hold the outcomes on the bundled broker against those on Redis.

    Args:
        redis: the outcomes there.
        bundled: the outcomes here.
        exceptions: tests that are excused when they fail here.
        must_pass: tests that have to pass here whatever Redis does.
        whole: everything was run, so that an exception for a test that is not there is wrong.
    """
    excuses = {exception.test: exception for exception in exceptions}
    worse, excused, better, other, second_tries = [], [], [], [], []
    for test in sorted({*redis, *bundled}):
        pair = Difference(test, redis.get(test, MISSING), bundled.get(test, MISSING))
        here, there = pair.bundled.name, pair.redis.name
        if pair.redis.second_try or pair.bundled.second_try:
            second_tries.append(pair)
        if here != "passed" and (there == "passed" or must_pass(test)):
            (excused if test in excuses else worse).append(pair)
        elif here == "passed" and there != "passed":
            better.append(pair)
        elif here != there:
            other.append(pair)
    return Verdict(
        tuple(worse),
        tuple(excused),
        tuple(better),
        tuple(other),
        tuple(second_tries),
        tuple(_complaints(redis, bundled, excuses, whole)),
    )


def _complaints(
    redis: Outcomes, bundled: Outcomes, excuses: Mapping[str, Exceptional], whole: bool
) -> Iterable[str]:
    for test, excuse in excuses.items():
        if bundled.get(test, MISSING).name == "passed" and not excuse.races:
            yield f"{test} is listed as an exception and passes: take it off the list"
        elif whole and test not in {*redis, *bundled}:
            yield f"{test} is listed as an exception, and there is no such test"
    if not any(outcome.name == "passed" for outcome in redis.values()):
        yield "nothing passed on Redis, so there is nothing to compare with"


def counted(outcomes: Outcomes) -> dict[OutcomeName, int]:
    """How many tests came to what."""
    counts = Counter(outcome.name for outcome in outcomes.values())
    return {name: counts[name] for name in COLUMNS}


def load_exceptions(file: Path) -> tuple[Exceptional, ...]:
    """The exceptions of a file. Raises ValueError."""
    return read_exceptions(file.read_text("utf-8"))
