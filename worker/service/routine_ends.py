"""How an occurrence ended, from the end of its run.

Owns that rule. It must not know when it is looked at, nor what follows.
"""

import json
from dataclasses import replace

from worker.contract.errors import NotFound
from worker.contract.routines import Occurrence
from worker.contract.types import Problem, Run
from worker.service.scope import Scope

SHOWN = 300
"""Characters of a result that are kept with an occurrence."""


async def ended_as(
    scope: Scope, time: Occurrence, run: Run | None
) -> tuple[Occurrence, bool | None]:
    """The occurrence as it ended with `run` (None for one that is gone), and whether it failed;
    None where that says nothing about the routine."""
    ended = scope.now() if run is None or run.ended is None else run.ended
    if run is None:
        gone = Problem("interrupted", "Its run is gone", "It was removed, or a copy was restored.")
        return replace(time, state="interrupted", ended=ended, error=gone), None
    cost = await scope.storage.run_cost(scope.owner, run.id)
    known = replace(time, ended=ended, cost=cost, result=await _result(scope, run))
    if run.state == "SUCCESS":
        return replace(known, state="done"), False
    if run.state == "FAILURE":
        return replace(known, state="failed", error=run.error), True
    if run.state == "REVOKED":
        stopped = Problem("stopped", "It was stopped", "Somebody cancelled its run.")
        return replace(known, state="skipped", error=stopped), None
    broken = run.error or Problem(
        "interrupted", "It was broken off", "The program ended while it ran."
    )
    return replace(known, state="interrupted", error=broken), None


async def _result(scope: Scope, run: Run) -> str:
    """The beginning of what came of it."""
    if run.kind != "answer":
        result = run.result
        text = "" if result is None else result if isinstance(result, str) else json.dumps(result)
    else:
        try:
            text = (await scope.storage.get_message(scope.owner, run.message or "")).text
        except NotFound:
            text = ""
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
