"""Tasks of modules as Celery tasks: claim the run, call the function, store how it ended.

Owns the way from a message to a module's function and back. A message that comes twice finds
its run claimed or ended, and does nothing.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

from celery import Task
from celery.exceptions import Ignore

from worker.contract.errors import NagathaError
from worker.contract.types import Problem, Run, Source
from worker.engine import LOCAL_OWNER, Engine
from worker.module_host.bounded import TookTooLong, run_bounded
from worker.module_host.context import (
    ModuleTaskContext,
    RetryLater,
    call,
    call_async,
    module_logger,
)
from worker.module_host.registry import TaskSpec
from worker.service.dispatch import TASK_HEADERS
from worker.service.jobs import Jobs
from worker.tasks.base import NagathaCelery

log = logging.getLogger(__name__)

T = TypeVar("T")
SCHEDULE_PREFIX = "module:"
"""Begins the names of Beat's entries for modules."""


class TaskFailed(Exception):
    """A module's task failed; the text says how, for Celery clients elsewhere."""


def register(app: NagathaCelery) -> None:
    """Make the app's module tasks and their schedule those of the modules that are on now."""
    specs = {spec.name: spec for spec in app.engine.host.tasks()}
    for name, task in list(app.tasks.items()):
        if getattr(task, "nagatha_module", False) and name not in specs:
            app.tasks.pop(name)
    for name in [n for n in app.conf.beat_schedule if n.startswith(SCHEDULE_PREFIX)]:
        app.conf.beat_schedule.pop(name)
    for spec in specs.values():
        _register_one(app, spec)


def _register_one(app: NagathaCelery, spec: TaskSpec) -> None:
    app.tasks.pop(spec.name, None)

    def run_module_task(self: Task, **arguments: object) -> object:
        return _Execution(app.engine, spec, self).run(arguments)

    app.task(
        run_module_task,
        name=spec.name,
        bind=True,
        acks_late=True,
        max_retries=spec.info.max_retries,
        rate_limit=spec.info.rate_limit or None,
        nagatha_module=True,
        # Celery would otherwise register it with every later app, of another broker, too.
        shared=False,
        typing=False,
    )
    # The decorator is lazy; a worker that is running looks the task up by name.
    app.finalize()
    if spec.info.schedule is not None:
        app.conf.beat_schedule[SCHEDULE_PREFIX + spec.name] = {
            "task": spec.name,
            "schedule": spec.info.schedule,
            "options": {"headers": {TASK_HEADERS["source"]: "schedule"}},
        }


@dataclass(slots=True)
class _Execution:
    """One delivery of one message, on a thread of the worker's pool."""

    engine: Engine
    spec: TaskSpec
    task: Task

    def run(self, arguments: Mapping[str, object]) -> object:
        """Do the run's work and return its result; raises what Celery should store."""
        request = self.task.request
        headers = request.headers or {}
        owner = str(headers.get(TASK_HEADERS["owner"]) or LOCAL_OWNER)
        source = cast(Source, headers.get(TASK_HEADERS["source"]) or "api")
        jobs = self.engine.services(owner).jobs
        try:
            run = self._wait(jobs.begin(request.id, self.spec.name, arguments, source))
        except NagathaError as error:
            raise TaskFailed(str(error)) from None
        if run is None:
            return self._ended_before(jobs, request.id)
        stop = threading.Event()
        with self.engine.running.stoppable(run.id, stop.set):
            try:
                result = self._call(jobs, run, stop)
            except RetryLater as later:
                return self._again(jobs, run, later)
            except TookTooLong as error:
                problem = Problem(
                    "time_limit",
                    f"{self.spec.name} took too long",
                    f"It had not ended after {error.seconds:g} s.",
                    "Try again, or raise its time_limit.",
                    "retry",
                )
                self._wait(jobs.fail(run.id, problem))
                raise TaskFailed(problem.title) from None
            except Exception as error:  # whatever a module raises fails its own run only
                if stop.is_set():
                    self._wait(jobs.revoked(run.id))
                    raise Ignore from None
                problem = self.engine.host.problem_of(error, self.spec.name)
                self._wait(jobs.fail(run.id, problem))
                raise TaskFailed(f"{problem.title}: {problem.message}") from None
        if stop.is_set():
            self._wait(jobs.revoked(run.id))
            raise Ignore
        return self._wait(jobs.succeed(run.id, result)).result

    def _call(self, jobs: Jobs, run: Run, stop: threading.Event) -> object:
        context = ModuleTaskContext(
            run_id=run.id,
            log=module_logger(self.spec.info.module),
            on_progress=partial(self._progress, jobs, run.id),
            is_cancelled=stop.is_set,
            on_ask=lambda prompt, system: self._wait(
                self.engine.ask_default(jobs.scope.owner, run.id, prompt, system)
            ),
            attempt=self.task.request.retries,
        )
        arguments = run.arguments or {}
        limit = self.spec.info.time_limit
        if self.spec.is_async:
            return self._wait(self._bounded(call_async(self.spec, arguments, context), limit))
        if limit is None:
            return call(self.spec, arguments, context)
        return run_bounded(
            lambda: call(self.spec, arguments, context), limit, name=f"task {self.spec.name}"
        )

    async def _bounded(self, work: Coroutine[object, object, T], limit: float | None) -> T:
        if limit is None:
            return await work
        try:
            async with asyncio.timeout(limit) as scope:
                return await work
        except TimeoutError:
            if scope.expired():
                raise TookTooLong(limit) from None
            raise

    def _progress(self, jobs: Jobs, run: str, fraction: float | None, text: str) -> None:
        meta = {"status": text, "progress": fraction}
        self.task.update_state(state="PROGRESS", meta=meta)
        # From the runtime's own thread (a coroutine task) nobody may wait for it.
        self.engine.runtime.spawn(jobs.progress(run, fraction, text), f"progress of {run}")

    def _again(self, jobs: Jobs, run: Run, later: RetryLater) -> object:
        problem = Problem("retry", f"{self.spec.name} will be tried again", later.reason)
        if self.task.request.retries >= self.spec.info.max_retries:
            problem = Problem(
                "retries_used_up", f"{self.spec.name} failed", later.reason, "", "retry"
            )
            self._wait(jobs.fail(run.id, problem))
            raise TaskFailed(f"{problem.title}: {later.reason}")
        delay = self.spec.info.retry_delay if later.delay is None else later.delay
        # The row first: when the message is lost with the process, recovery queues the row.
        self._wait(jobs.again(run.id, problem))
        raise self.task.retry(countdown=delay, exc=TaskFailed(later.reason))

    def _ended_before(self, jobs: Jobs, run_id: str) -> object:
        """The message came twice, or the run was cancelled."""
        run = self._wait(jobs.get(run_id))
        if run.state == "SUCCESS":
            return run.result
        log.info("run %s is %s already", run_id, run.state)
        if run.state == "FAILURE" and run.error is not None:
            raise TaskFailed(run.error.title)
        raise Ignore

    def _wait(self, work: Coroutine[object, object, T]) -> T:
        return self.engine.runtime.run(work)
