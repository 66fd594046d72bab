"""What a running task sees of the engine, and how a task is called.

Owns `ModuleTaskContext`, `RetryLater` and the call itself. It must not know Celery: what the
context does is given to it as functions.
"""

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast

from worker.contract.errors import NagathaError
from worker.contract.module_api import TaskContext
from worker.module_host.bounded import WantedToEnd, run_aside
from worker.module_host.registry import TaskSpec
from worker.module_host.schema import checked

LARGEST_RESULT = 1_000_000
"""Bytes of a result as JSON. It is stored, sent to Celery clients and shown: no place for files."""


class RetryLater(Exception):
    """A task asked to be tried again; who runs it does that, or gives up after its retries."""

    def __init__(self, reason: str, delay: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay
        """Seconds; None for the task's own delay."""


@dataclass(slots=True)
class ModuleTaskContext:
    """The `TaskContext` of one call. What it does is done by the functions given."""

    run_id: str
    log: logging.Logger
    on_progress: Callable[[float | None, str], None]
    is_cancelled: Callable[[], bool]
    on_ask: Callable[[str, str], str]
    """The prompt and the system text; blocks, and raises ModelError."""
    attempt: int = 0

    @property
    def cancelled(self) -> bool:
        """True once someone asked the task to stop."""
        return self.is_cancelled()

    def progress(self, fraction: float | None, text: str = "") -> None:
        """Tell how far it is; what lies outside of 0 to 1 is brought there."""
        if fraction is not None:
            fraction = None if math.isnan(fraction) else min(1.0, max(0.0, float(fraction)))
        self.on_progress(fraction, str(text))

    def ask(self, prompt: str, system: str = "") -> str:
        """Ask the default model and wait. Raises ModelError, RuntimeError on a loop's thread."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self.on_ask(prompt, system)
        raise RuntimeError(
            "ask() waits, which a coroutine must not: await asyncio.to_thread(context.ask, ...)"
        )

    def retry(self, reason: str, delay: float | None = None) -> Exception:
        """An exception to raise: tries again later."""
        return RetryLater(reason, delay)


def module_logger(module: str) -> logging.Logger:
    """The logger that a module's tasks are given."""
    return logging.getLogger(f"modules.{module}")


def call(spec: TaskSpec, arguments: Mapping[str, object], context: TaskContext) -> object:
    """Run a task that is an ordinary function, on this thread; returns JSON.

    Raises InvalidInput that names the parameter for wrong arguments, RetryLater, NagathaError
    of kind "bad_result" for a result that is no JSON or too large, and whatever the task raises.
    """
    if spec.is_async:
        raise TypeError(f"{spec.name} is a coroutine function: use call_async on the runtime loop")
    fitting = checked(spec.info.parameters, arguments, spec.name)
    result = spec.func(context, **fitting) if spec.bind else spec.func(**fitting)
    return as_json(result, spec.name)


async def call_async(
    spec: TaskSpec,
    arguments: Mapping[str, object],
    context: TaskContext,
    *,
    when_ended: Callable[[], None] = lambda: None,
) -> object:
    """Run any task: a coroutine here, an ordinary function on a thread beside. Like `call`.

    `when_ended` is called once, when the task has really ended: a function on a thread goes on
    after whoever waited for it was cancelled. It may be called on any thread.
    """
    if not spec.is_async:

        def work() -> object:
            try:
                return call(spec, arguments, context)
            finally:
                when_ended()

        return await run_aside(work, name=f"task {spec.name}")
    try:
        fitting = checked(spec.info.parameters, arguments, spec.name)
        result = spec.func(context, **fitting) if spec.bind else spec.func(**fitting)
        return as_json(await _tamed(cast(Awaitable[object], result)), spec.name)
    finally:
        when_ended()


async def _tamed(result: Awaitable[object]) -> object:
    """What a coroutine returns; what would end the program is a mere failure of it.

    Within the coroutine's own task: asyncio ends the loop for a task that raises SystemExit, and
    whoever waits for it is not told.
    """
    try:
        return await result
    except (Exception, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise WantedToEnd(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


def as_json(value: object, what: str) -> object:
    """`value` as JSON has it (tuples become lists). Raises NagathaError ("bad_result")."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        size = len(text.encode("utf-8", "surrogatepass"))
        if size <= LARGEST_RESULT:
            return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise NagathaError(
            f"{what} returned something that is not JSON",
            str(error),
            "A task returns text, numbers, true, false, null, lists and objects of them.",
            kind="bad_result",
        ) from error
    raise NagathaError(
        f"{what} returned too much",
        f"Its result is {size / 1e6:.1f} MB large; {LARGEST_RESULT / 1e6:g} MB are kept at most.",
        "A task that makes more writes a file, and returns where it is.",
        kind="bad_result",
    )
