"""The way of queued answers: to the broker, back to Celery clients, and whether anybody works.

Owns what is sent and reported for an answer's run. It must not know Celery, nor how an answer
is written.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from worker.contract.errors import NagathaError
from worker.contract.types import JsonObject, Message, Run
from worker.service import run_words
from worker.service.dispatch import Background
from worker.service.scope import Scope

log = logging.getLogger(__name__)

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
NOBODY = "It is answered at once: no background worker runs."
REFUSED = "It is answered at once: the broker did not take it."


@dataclass(frozen=True, slots=True)
class Carrier:
    """One for each engine, on its loop. None of its methods raises NagathaError."""

    background: Callable[[], Background]
    worker_elsewhere: Callable[[], bool]
    """Whether another process on the data folder runs tasks."""
    living: Callable[[], frozenset[str]]
    """Ids of the processes that are alive."""

    def is_served(self) -> bool:
        """Whether somebody would work at what is queued now."""
        return self.background().state.worker == "ok" or self.worker_elsewhere()

    async def send(self, scope: Scope, run: Run, *, delay: float = 0.0) -> bool:
        """Hand a stored run to the broker, to be begun in `delay` seconds. False when it is not
        taken: the row stays, and recovery sends it."""
        try:
            await self.background().send(
                scope.owner, run.name, run.id, delay=delay, priority=run.priority
            )
        except NagathaError as error:
            log.warning("run %s waits for the broker: %s", run.id, error)
            return False
        return True

    async def revoke(self, run: str) -> None:
        """Take its message out of the queue."""
        try:
            await self.background().revoke(run)
        except NagathaError as error:
            # Its row has ended: a worker that gets the message finds nothing to do.
            log.info("the message of run %s stays in the queue: %s", run, error)

    async def report(self, run: Run, answer: Message | None = None) -> None:
        """Tell Celery clients how a queued run stands; with its end, the `answer`."""
        meta: JsonObject = {"status": run.progress_text, "progress": run.progress}
        if run.state == "SUCCESS" and answer is not None:
            meta = result_of(run, answer)
        elif run.state in ("FAILURE", "INTERRUPTED", "RETRY"):
            meta = {"error": str(run.error) if run.error is not None else "It broke off."}
        try:
            await self.background().report(run.id, run.state, meta)
        except NagathaError as error:
            log.warning("Celery clients do not hear of run %s: %s", run.id, error)

    async def write_down(self, scope: Scope, run: str, text: str, level: Level = "INFO") -> None:
        """Write a line into a run's log; one that cannot be written costs nothing but the line."""
        line = run_words.line(scope.now(), scope.redact(text), level)
        try:
            await scope.storage.add_log(scope.owner, run, (line,))
        except NagathaError as error:
            log.warning("the log of run %s cannot be written: %s", run, error)

    async def release_if_gone(self, scope: Scope, run: str) -> bool:
        """Let go of a run whose process is gone; whether there was such a one."""
        for owned in await scope.storage.runs_of_others(scope.process):
            if (owned.owner, owned.run.id) == (scope.owner, run):
                if owned.run.lane != "queued" or owned.process in self.living():
                    return False
                return await scope.storage.release_run(scope.owner, run, owned.process)
        return False


def result_of(run: Run, answer: Message) -> JsonObject:
    """What a published query task returns."""
    arguments = run.arguments or {}
    return {
        "success": answer.state == "complete",
        "response": answer.text,
        "query_type": str(arguments.get("query_type", "general")),
        "tools_used": list(dict.fromkeys(tool.name for tool in answer.tools)),
        "processing_time": answer.seconds,
        "session_id": answer.chat,
        "message_id": answer.id,
        "error": None if answer.error is None else str(answer.error),
    }
