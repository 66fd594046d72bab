"""Queued questions through the broker.

Owns the published query tasks, and what Celery clients are told of a run whose message was
acknowledged before its end. An answer is written on the runtime loop and may take minutes: no
thread of the pool waits for it. The run's row says that it is not done; whoever finds its process
gone queues it again.
"""

from collections.abc import Mapping

from celery import Task
from celery.exceptions import Ignore, Reject, Retry, TaskRevokedError

from worker.contract.errors import NagathaError
from worker.contract.types import FINAL_STATES, JsonObject, Message, QueryType, Run, RunState
from worker.engine import LOCAL_OWNER, Engine
from worker.service.carrier import result_of
from worker.service.dispatch import TASK_HEADERS
from worker.service.queries import query_of
from worker.service.routing import TASKS
from worker.tasks.base import NagathaCelery

_PLACES: Mapping[str, tuple[str, ...]] = {
    "process_ai_query_task": ("query", "query_type", "context", "user_id"),
    "process_medical_analysis_task": ("medical_data", "analysis_type", "patient_id", "user_id"),
    "process_database_query_task": ("query", "database", "context", "user_id"),
    "process_code_analysis_task": ("code", "language", "context", "user_id"),
}
"""The arguments of each task by place; all may be left out, and given by name."""


class QueryFailed(Exception):
    """A queued question was not answered; the text says why, for Celery clients elsewhere."""


def register(app: NagathaCelery) -> None:
    """Register the tasks with `app`."""
    kinds: dict[str, QueryType] = {}
    for kind, name in TASKS.items():
        kinds.setdefault(name, kind)
    for name, kind in kinds.items():
        _register_one(app, name, kind)


def _register_one(app: NagathaCelery, name: str, kind: QueryType) -> None:
    def process_query(self: Task, *places: object, **arguments: object) -> object:
        return _process(
            app.engine, self, kind, dict(zip(_PLACES[name], places, strict=False)) | arguments
        )

    app.task(
        process_query,
        name=name,
        bind=True,
        acks_late=True,
        # Retries are the run's, with the text that is there already; see `worker.service.retries`.
        max_retries=None,
        throws=(QueryFailed,),
        shared=False,
        typing=False,
    )


def _process(engine: Engine, task: Task, kind: QueryType, arguments: dict[str, object]) -> object:
    """Begin the answer, or find it begun or ended; raises what Celery should do with the message.

    Our own messages have no arguments: the run's row does.
    """
    request = task.request
    user = str(arguments.pop("user_id", "") or "")
    owner = str((request.headers or {}).get(TASK_HEADERS["owner"]) or user or LOCAL_OWNER)
    wait = engine.runtime.run
    try:
        run, answer = wait(engine.queries.take(owner, request.id, query_of(kind, arguments)))
        if run.state not in FINAL_STATES and _followed(request):
            # Celery goes on from here with what the task returns, and only then.
            ended = wait(engine.queries.ended(owner, request.id))
            if ended is None:
                raise Reject("the program ends", requeue=True)
            run, answer = ended
    except NagathaError as error:
        raise QueryFailed(str(error)) from None
    return _returned(task, run, answer)


def _followed(request: object) -> bool:
    """Whether other tasks wait for this one's return."""
    names = ("callbacks", "errbacks", "chain", "chord")
    return any(getattr(request, name, None) for name in names)


def _returned(task: Task, run: Run, answer: Message) -> JsonObject:
    if run.state == "SUCCESS":
        return result_of(run, answer)
    if run.state == "REVOKED":
        task.backend.mark_as_revoked(run.id, "cancelled", request=task.request, store_result=True)
        raise Ignore
    if run.state in FINAL_STATES:
        raise QueryFailed(str(run.error) if run.error is not None else "It broke off.")
    # It is being written: its end is reported by whoever stores it.
    raise Ignore


def store_state(app: NagathaCelery, run: str, state: RunState, meta: JsonObject) -> None:
    """Put into the result backend how a run stands; see `Dispatcher.report`. Blocks.

    Raises what the backend raises.
    """
    backend = app.backend
    if state == "REVOKED":
        backend.store_result(run, TaskRevokedError("cancelled"), "REVOKED")
    elif state in ("FAILURE", "INTERRUPTED"):
        backend.store_result(run, QueryFailed(str(meta.get("error", ""))), "FAILURE")
    elif state == "RETRY":
        why = str(meta.get("error", ""))
        backend.store_result(run, Retry(why, QueryFailed(why)), "RETRY")
    else:
        backend.store_result(run, dict(meta), state)
