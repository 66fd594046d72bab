"""Tasks of the engine itself as runs: claimed, carried out, ended, as those of modules are.

Owns the way from a message to a use case that nobody asked for in person. A message that comes
twice finds its run claimed or ended, and does nothing.
"""

import logging
import threading
from collections.abc import Callable, Coroutine
from typing import NoReturn, cast

from celery import Task
from celery.exceptions import Ignore

from worker.contract.errors import NagathaError, NotFound, StorageError
from worker.contract.types import FINAL_STATES, JsonObject, Problem, Run, Source
from worker.engine import LOCAL_OWNER, Engine
from worker.service.dispatch import TASK_HEADERS
from worker.service.jobs import Jobs
from worker.service.maintenance import Report
from worker.tasks.base import TaskFailed

log = logging.getLogger(__name__)

Work = Callable[[Report], Coroutine[object, object, JsonObject]]
"""What a task does; it is handed whom to tell how far it is."""


def carry_out(engine: Engine, task: Task, work: Work) -> dict[str, object]:
    """Do `work` as the run that the message of `task` belongs to; returns its result.

    Raises TaskFailed, or what tells Celery that there is nothing to do.
    """
    # Read on this thread: on another one the task has no request.
    request, headers = task.request, task.request.headers or {}
    source = cast(Source, headers.get(TASK_HEADERS["source"]) or "api")
    schedule = str(headers.get(TASK_HEADERS["schedule"]) or "")
    named_owner = headers.get(TASK_HEADERS["owner"])  # only messages of ours have one
    jobs = engine.services(str(named_owner or LOCAL_OWNER)).jobs
    wait = engine.runtime.run
    try:
        ours = bool(named_owner)
        run = wait(_begin(engine, jobs, request.id, task.name, source, schedule, ours))
    except StorageError as error:
        # Cleaning up may be just what a full disk needs.
        log.warning("%s is done without a row: %s", task.name, error)
        return dict(wait(work(_unheard)))
    if run is None:
        return _ended_before(task, wait(_left_of(jobs, request.id)))
    try:
        result = wait(_stoppable(engine, jobs, run, work))
    except NagathaError as error:
        _fail(engine, jobs, run, error.problem)
    except Exception:  # a defect of ours: the run says so, and the log holds the rest
        log.exception("%s broke", task.name)
        broke = Problem(
            "defect", f"{task.name} broke", "The log of the program says what happened."
        )
        _fail(engine, jobs, run, broke)
    if result is None:
        if wait(jobs.get(run.id)).state in FINAL_STATES:
            _revoked(task)
        # The worker ends, or changes its broker: it is begun again afterwards.
        wait(jobs.release(run.id))
        raise Ignore
    if wait(jobs.succeed(run.id, result)).state == "REVOKED":
        _revoked(task)
    return dict(result)


async def _begin(
    engine: Engine,
    jobs: Jobs,
    run_id: str,
    name: str,
    source: Source,
    schedule: str,
    ours: bool,
) -> Run | None:
    async def begin() -> Run | None:
        return await jobs.begin(
            run_id, name, {}, source, kind="maintenance", schedule=schedule, ours=ours
        )

    run = await begin()
    if run is None:
        # See `worker.tasks.modules`: a killed process may have it.
        await engine.maintenance.release_orphans()
        run = await begin()
    return run


async def _left_of(jobs: Jobs, run_id: str) -> Run:
    """The row of a run that cannot be begun. Raises Ignore where it is gone."""
    try:
        return await jobs.get(run_id)
    except NotFound:
        raise Ignore from None


class _Stopped(Exception):
    """It was asked to stop, and did so between two steps."""


async def _stoppable(engine: Engine, jobs: Jobs, run: Run, work: Work) -> JsonObject | None:
    """The result of the work; None where it was asked to stop before it had one."""
    asked = threading.Event()

    async def report(fraction: float, text: str) -> None:
        # Only between two steps: one that is left in the middle goes on in its thread.
        if asked.is_set():
            raise _Stopped
        try:
            await jobs.progress(run.id, fraction, text)
        except NagathaError as error:  # the work itself may go well
            log.warning("the progress of run %s cannot be told: %s", run.id, error)

    with engine.running.stoppable(run.id, asked.set, of_worker=True):
        try:
            return await work(report)
        except _Stopped:
            return None


async def _unheard(fraction: float, text: str) -> None:
    """There is no run that could tell it."""


def _fail(engine: Engine, jobs: Jobs, run: Run, problem: Problem) -> NoReturn:
    log.warning("run %s failed: %s (%s)", run.id, problem.title, problem.kind)
    engine.runtime.run(jobs.fail(run.id, problem))
    raise TaskFailed(f"{problem.title}: {problem.message}") from None


def _ended_before(task: Task, run: Run) -> dict[str, object]:
    """The message came twice, or the run was cancelled."""
    if run.state == "SUCCESS" and isinstance(run.result, dict):
        return dict(run.result)
    if run.state == "REVOKED":
        _revoked(task)
    if run.state == "FAILURE" and run.error is not None:
        raise TaskFailed(run.error.title)
    raise Ignore


def _revoked(task: Task) -> NoReturn:
    """Tell Celery clients, too, that it was cancelled."""
    task.backend.mark_as_revoked(
        task.request.id, "cancelled", request=task.request, store_result=True
    )
    raise Ignore
