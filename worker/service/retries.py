"""Which failed answers of background work are tried again by themselves, and when.

Owns that rule, a pure function.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from worker.contract.types import Problem, Run

RETRIES: Final = 3
APART: Final = timedelta(seconds=60)
WORTH_IT: Final = frozenset({"server_error", "timeout", "rate_limited", "cut", "no_network"})
"""Kinds of problems that may be gone a minute later."""


def tried_again(run: Run, problem: Problem | None, now: datetime) -> Problem | None:
    """The problem with the time of the next try in `retry_at`; None when there is none.

    A rate limit says itself when it ends. What nobody but a person can mend, such as a wrong key,
    is not tried again.
    """
    if problem is None or problem.kind not in WORTH_IT or run.attempts > RETRIES:
        return None
    at = problem.retry_at
    return replace(problem, retry_at=max(at, now) if at is not None else now + APART, action="")
