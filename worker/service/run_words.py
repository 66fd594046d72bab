"""What the engine itself writes into a run's log, and the problems that end a run from outside.

Owns the wording. It must not know when something is written.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

from worker.contract.jobs import LogLine
from worker.contract.types import Problem, Run, Source

_WHY: Mapping[Source, str] = {
    "chat": "asked for in a chat or a window",
    "quick": "asked for in quick ask",
    "cli": "asked for on the command line",
    "api": "asked for by another program",
    "schedule": "its time had come",
    "module": "asked for by a module",
    "engine": "asked for by the program itself",
}

Asked: TypeAlias = Literal["", "again", "now"]
"""What else a person asked for: that what was done before is done once more, or what would be done
later is done now."""


def line(
    at: datetime, text: str, level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
) -> LogLine:
    """One line of the engine's own."""
    return LogLine(at, level, text)


def queued(run: Run, asked: Asked = "") -> str:
    """Why a run is there."""
    why = f"a person asked for it {asked}" if asked else _WHY[run.source]
    if run.schedule:
        why = f"{why} (“{run.schedule}”)"
    if run.follows is not None:
        return f"Queued: {why}. It is begun once the run {run.follows} has succeeded."
    if run.batch is not None:
        return f"Queued: {why}, with others in the batch {run.batch}."
    return f"Queued: {why}."


def begun(process: str, attempt: int) -> str:
    """That somebody works at it."""
    return f"Begun by {process}." if attempt == 1 else f"Begun by {process}, attempt {attempt}."


def tried_again(run: Run, reason: str, seconds: float) -> str:
    """That it failed, and what comes."""
    return f"Attempt {run.attempts} failed: {reason}. It is tried again in {seconds:g} s."


def ended(run: Run) -> LogLine:
    """How it ended; `run` has its end."""
    assert run.ended is not None  # the caller has just set it
    took = ""
    if run.started is not None:
        took = f" after {max(0.0, (run.ended - run.started).total_seconds()):.1f} s"
    if run.state == "SUCCESS":
        return line(run.ended, f"Ended well{took}.")
    if run.state == "INTERRUPTED":
        return line(run.ended, f"Broken off{took}.", "WARNING")
    if run.state == "REVOKED":
        why = f": {run.error}" if run.error is not None else "."
        return line(run.ended, f"Cancelled{took}{why}", "WARNING")
    attempt = f" in attempt {run.attempts}" if run.attempts > 1 else ""
    return line(run.ended, f"Failed{took}{attempt}: {run.error or 'nobody knows why'}", "ERROR")


LEFT = "The process that worked at it is gone. It waits to be begun again."
BROKEN_OFF = "The process that worked at it is gone, and so it was broken off."
STOPPED = "Stopped because the worker ends. It waits to be begun again."
HASTENED = "A person wants it to be begun before all others."
UNSENT = "The broker does not answer. It is queued as soon as it does."
CARRIED_OVER = "It had ended before a copy was put back in which it had not."
DELETED = "Its message was deleted from the dead letters."
REVIVED = "Its message was taken out of the dead letters. It waits again."


def not_begun(before: Run | None) -> Problem:
    """Why a step of a chain is not begun; `before` is the step that should have succeeded."""
    if before is None:
        return Problem(
            "not_begun", "It was not begun", "The run that comes before it is no longer there."
        )
    what = {"REVOKED": "was cancelled", "INTERRUPTED": "was broken off"}.get(before.state, "failed")
    why = before.error.title if before.error is not None else ""
    return Problem(
        "not_begun",
        f"It was not begun: {before.name}, which comes before it, {what}",
        why,
        "Retry of that one has this one follow again; Retry of this one begins here.",
        "retry",
    )


def dead_letter() -> Problem:
    """Why a run ends whose message the broker gave up."""
    return Problem(
        "dead_letter",
        "It was given up",
        "The program ended several times while it worked at this.",
        "Its message is among the dead letters: Retry puts it back into the queue.",
        "retry",
    )


def deleted_letter() -> Problem:
    """Why a run ends whose dead letter a person deleted."""
    return Problem(
        "dead_letter",
        "It was given up",
        "Its message was among the dead letters, and was deleted.",
        "Retry queues it anew.",
        "retry",
    )
