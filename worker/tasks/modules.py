"""Tasks of modules as Celery tasks: claim the run, call the function, store how it ended.

Owns the way from a message to a module's function and back. A message that comes twice finds
its run claimed or ended, and does nothing.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, TypeVar, cast

from celery import Task
from celery.exceptions import Ignore

from worker.contract.errors import InvalidInput, NagathaError, NotFound
from worker.contract.types import FINAL_STATES, Problem, Run, Source
from worker.engine import LOCAL_OWNER, Engine
from worker.module_host.bounded import TookTooLong
from worker.module_host.context import (
    ModuleTaskContext,
    RetryLater,
    call_async,
    module_logger,
)
from worker.module_host.registry import TaskSpec
from worker.module_host.run_logger import RunLogger
from worker.service.dispatch import TASK_HEADERS
from worker.service.jobs import Jobs
from worker.tasks.base import NagathaCelery, TaskFailed
from worker.tasks.telling import Lines, Progress

log = logging.getLogger(__name__)

T = TypeVar("T")
LAST_WORDS = 1.0
"""Seconds that a coroutine whose time is up gets to clean up."""


def register(app: NagathaCelery) -> None:
    """Make the app's module tasks those of the modules that are on now.

    Tasks of a module that was switched off stay registered: what is queued for them ends with
    a reason, where Celery would throw a message away that it does not know.
    """
    for spec in app.engine.host.tasks():
        _register_one(app, spec)


def _register_one(app: NagathaCelery, spec: TaskSpec) -> None:
    known = app.tasks.get(spec.name)
    if known is None:
        name = spec.name

        def run_module_task(self: Task, *places: object, **arguments: object) -> object:
            return _Execution(app.engine, name, self).run(places, arguments)

        app.task(
            run_module_task,
            name=name,
            bind=True,
            acks_late=True,
            # Who counts the tries is the run's row; see `_again`.
            max_retries=None,
            rate_limit=spec.info.rate_limit or None,
            # A module's failure is the run's, and no error of the program.
            throws=(TaskFailed,),
            # Celery would otherwise register it with every later app, of another broker, too.
            shared=False,
            typing=False,
        )
        # The decorator is lazy; a worker that is running looks the task up by name.
        app.finalize()
    else:
        known.rate_limit = spec.info.rate_limit or None


class _Stop:
    """Whether a task was asked to stop, and whether it knows."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.seen = False

    def ask(self) -> None:
        """Ask it to stop."""
        self._asked.set()

    def look(self) -> bool:
        """What the task looks at."""
        asked = self._asked.is_set()
        self.seen = self.seen or asked
        return asked


@dataclass(slots=True)
class _Execution:
    """One delivery of one message, on a thread of the worker's pool."""

    engine: Engine
    name: str
    task: Task

    def run(self, places: Sequence[object], arguments: Mapping[str, object]) -> object:
        """Do the run's work and return its result; raises what Celery should store.

        Our own messages hold neither arguments by place nor by name: the run's row does.
        """
        request = self.task.request
        headers = request.headers or {}
        named_owner = headers.get(TASK_HEADERS["owner"])  # only messages of ours have one
        owner = str(named_owner or LOCAL_OWNER)
        source = cast(Source, headers.get(TASK_HEADERS["source"]) or "api")
        schedule = str(headers.get(TASK_HEADERS["schedule"]) or "")
        jobs = self.engine.services(owner).jobs
        try:
            named = self._named(places, arguments) if places else arguments
            ours = bool(named_owner)
            run = self._begin(jobs, named, source, schedule, ours)
            if run is None:
                # A killed process may have it, whose message came back before its row was
                # released; recovery, which may do that now, relies on the message being here.
                self._wait(self.engine.maintenance.release_orphans())
                run = self._begin(jobs, named, source, schedule, ours)
        except NagathaError as error:
            raise TaskFailed(str(error)) from None
        if run is None:
            return self._ended_before(jobs, request.id)
        stop = _Stop()
        progress = Progress(self.engine, jobs, self.task, run.id)
        lines = Lines(self.engine, jobs, run.id)
        try:
            with self.engine.running.stoppable(run.id, stop.ask, of_worker=True):
                result = self._call(jobs, run, stop, progress, lines)
        except Exception as error:  # whatever a module raises fails its own run only
            if not self.engine.runtime.running:
                # The program ends without it; its row says that it has to be run again.
                raise Ignore from None
            progress.close()
            lines.close()
            # One whose time is up was asked to stop for that, and has failed whatever it saw.
            if stop.seen and not isinstance(error, TookTooLong):
                self._stopped(jobs, run)
            if isinstance(error, RetryLater):
                return self._again(jobs, run, error)
            self._fail(jobs, run, self._problem(error))
        progress.close()
        lines.close()
        if stop.seen:
            self._stopped(jobs, run)
        ended = self._wait(jobs.succeed(run.id, result))
        if ended.state == "REVOKED":
            self._revoked(run)
        return ended.result

    def _begin(
        self, jobs: Jobs, named: Mapping[str, object], source: Source, schedule: str, ours: bool
    ) -> Run | None:
        begun = jobs.begin(
            self.task.request.id, self.name, named, source, schedule=schedule, ours=ours
        )
        return self._wait(begun)

    def _named(
        self, places: Sequence[object], arguments: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Arguments by place under the names that the task has for them, and those by name.

        Raises InvalidInput, NotFound.
        """
        properties = self.engine.host.spec(self.name).info.parameters.get("properties")
        names = list(properties) if isinstance(properties, Mapping) else []
        why = ""
        if len(places) > len(names):
            most = f"{len(names)} argument{'' if len(names) == 1 else 's'}"
            why = f"It takes at most {most}, and was given {len(places)}."
        elif twice := [name for name in names[: len(places)] if name in arguments]:
            why = f"“{twice[0]}” is given twice."
        if why:
            raise InvalidInput(
                f"{self.name} was not called rightly", why, f"It takes: {', '.join(names)}."
            )
        return {**dict(zip(names, places, strict=False)), **arguments}

    def _call(self, jobs: Jobs, run: Run, stop: _Stop, progress: Progress, lines: Lines) -> object:
        # Looked up now: the module may have been switched off, or mended, since it was queued.
        spec = self.engine.host.spec(self.name)
        context = ModuleTaskContext(
            run_id=run.id,
            log=RunLogger(module_logger(spec.info.module), lines.add),
            on_progress=progress.tell,
            is_cancelled=stop.look,
            on_ask=lambda prompt, system: self._wait(
                self.engine.ask_default(jobs.scope.owner, run.id, prompt, system)
            ),
            attempt=self._tries(run),
        )
        # By way of the loop also for an ordinary function, which gets a thread of its own there:
        # one that never returns would keep a thread of the pool, and the program from ending.
        return self._wait(_bounded(spec, run.arguments or {}, context, stop))

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, TookTooLong):
            return Problem(
                "time_limit",
                f"{self.name} took too long",
                f"It had not ended after {error.seconds:g} s.",
                "Try again, or raise its time_limit.",
                "retry",
            )
        return self.engine.host.problem_of(error, self.name)

    def _fail(self, jobs: Jobs, run: Run, problem: Problem) -> NoReturn:
        ended = self._wait(jobs.fail(run.id, problem))
        if ended.state == "REVOKED":
            self._revoked(run)
        log.warning("run %s failed: %s (%s)", run.id, problem.title, problem.kind)
        raise TaskFailed(f"{problem.title}: {problem.message}") from None

    def _stopped(self, jobs: Jobs, run: Run) -> NoReturn:
        """The task saw that it should stop, and did: for good where a person wanted that."""
        if self._wait(jobs.get(run.id)).state in FINAL_STATES:
            self._revoked(run)
        # The worker ends, or changes its broker: what was begun is begun again afterwards.
        self._wait(jobs.release(run.id))
        raise Ignore

    def _revoked(self, run: Run) -> NoReturn:
        """Tell Celery clients, too, that it was cancelled."""
        self.task.backend.mark_as_revoked(
            run.id, "cancelled", request=self.task.request, store_result=True
        )
        raise Ignore

    def _tries(self, run: Run) -> int:
        """How often it was tried before. By the row: a message may have been written anew."""
        return max(int(self.task.request.retries), run.attempts - 1)

    def _again(self, jobs: Jobs, run: Run, later: RetryLater) -> NoReturn:
        info = self.engine.host.spec(self.name).info
        if self._tries(run) >= info.max_retries:
            used_up = Problem("retries_used_up", f"{self.name} failed", later.reason, "", "retry")
            self._fail(jobs, run, used_up)
        delay = info.retry_delay if later.delay is None else max(0.0, later.delay)
        due = self.engine.now() + timedelta(seconds=delay)
        problem = Problem("retry", f"{self.name} will be tried again", later.reason, retry_at=due)
        # The row first: when the message is lost with the process, recovery queues the row.
        if self._wait(jobs.again(run.id, problem, delay)).state == "REVOKED":
            self._revoked(run)
        raise self.task.retry(countdown=delay, exc=TaskFailed(later.reason))

    def _ended_before(self, jobs: Jobs, run_id: str) -> object:
        """The message came twice or too early, the run was cancelled, or its row is gone."""
        try:
            run = self._wait(jobs.get(run_id))
        except NotFound:
            raise Ignore from None
        if run.state == "SUCCESS":
            return run.result
        log.info("run %s is %s already", run_id, run.state)
        if run.state == "FAILURE" and run.error is not None:
            raise TaskFailed(run.error.title)
        if run.state == "REVOKED":
            self._revoked(run)
        if run.state == "RETRY":
            # One message too many, or a clock that was set: it is begun when it is due.
            self._wait(jobs.enqueue(run, delay=jobs.seconds_until(run.due)))
        raise Ignore

    def _wait(self, work: Coroutine[object, object, T]) -> T:
        return self.engine.runtime.run(work)


async def _bounded(
    spec: TaskSpec, arguments: Mapping[str, object], context: ModuleTaskContext, stop: _Stop
) -> object:
    """What the task returns, if that is within its time limit; raises TookTooLong otherwise.

    A task that does not listen to its cancellation is left alone.
    """
    limit = spec.info.time_limit
    task = asyncio.ensure_future(call_async(spec, arguments, context))
    try:
        await asyncio.wait((task,), timeout=limit)
        if not task.done():
            stop.ask()
            task.cancel()
            await asyncio.wait((task,), timeout=LAST_WORDS)
            assert limit is not None  # without one there is no end to the waiting
            raise TookTooLong(limit)
        return task.result()
    finally:
        task.cancel()
        task.add_done_callback(_heard)


def _heard(task: asyncio.Task[object]) -> None:
    """Whatever a task that was left alone raises in the end is nobody's."""
    if not task.cancelled():
        task.exception()
