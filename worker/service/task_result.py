"""A module's task as a run that somebody waits for: the assistant, which needs what it returns.

Owns the waiting, and that a run nobody waits for any more is cancelled.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

from worker.contract.errors import error_from
from worker.contract.events import RunChanged
from worker.contract.jobs import PRIORITY_PERSON
from worker.contract.types import FINAL_STATES
from worker.service.jobs import Jobs


async def run_and_wait(jobs: Jobs, name: str, arguments: Mapping[str, object]) -> str:
    """Run the task `name` and return its result as text.

    Raises NotFound, InvalidInput, and what the task failed with.
    """
    scope = jobs.scope
    events = scope.bus.subscribe(scope.owner)
    new = jobs.new_run(name, jobs.fitting(name, arguments), source="chat")
    # The answer waits for it, also while background work is paused.
    run = await jobs.queue(replace(new, priority=PRIORITY_PERSON))
    try:
        async for event in events:
            if isinstance(event, RunChanged) and event.run.id == run.id:
                run = event.run
                if run.state in FINAL_STATES:
                    break
    except asyncio.CancelledError:
        await asyncio.shield(jobs.cancel(run.id))
        raise
    if run.error is not None:
        raise error_from(run.error)
    return run.result if isinstance(run.result, str) else json.dumps(run.result)
