"""An engine for the length of one command.

Owns its start and end, and how errors become exit codes. It must not know single commands.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future, wait
from contextlib import AsyncExitStack, contextmanager

from worker.cli.output import NotWritten, Output, ReaderGone
from worker.cli.spare import beside
from worker.contract.errors import NagathaError, StorageError
from worker.contract.types import Problem
from worker.engine import LOCAL_OWNER, Engine
from worker.logging import LogSystem, Redactor
from worker.paths import Paths, unusable
from worker.presence import ProcessRole
from worker.runtime import THREAD_NAME, Runtime
from worker.service.owner import OwnerServices

log = logging.getLogger(__name__)

FAILED = 1
READER_GONE = 141
"""As for what a pipe without a reader ends: 128 and the number of SIGPIPE."""
PATIENCE = 10.0
"""Seconds that a command and its engine get to end once they were interrupted."""
GLANCE = 1.0
"""Seconds between two looks of the main thread for a signal that did not wake it."""


def run(
    output: Output,
    action: Callable[[Engine, OwnerServices], Awaitable[int]],
    *,
    role: ProcessRole = "cli",
    queue: bool = False,
    work: bool = False,
    work_if_alone: bool = False,
    without_data: Callable[[Problem], None] | None = None,
) -> int:
    """Do `action` on the loop with an engine of its own; returns the exit code.

    With `work_if_alone` tasks are run here when no other process on the data folder does. Where
    the data cannot be used, `without_data` is told why and the engine starts beside it, with none
    of it and without working; when None, that is an error.

    What a person should know of the settings and the data is said first, on standard error.
    A NagathaError is printed and is exit code 1. Ctrl+C, SIGTERM and SIGHUP cancel the action,
    and the engine ends as always, so that nothing of it is lost; a second one is not waited for.
    """
    redactor = Redactor()
    doing = _Doing()

    async def inside(runtime: Runtime, logs: LogSystem) -> int:
        async with AsyncExitStack() as stack:

            async def started(places: Paths) -> Engine:
                made = Engine(places, runtime, role, redactor=redactor, logs=logs)
                return await stack.enter_async_context(made)

            try:
                engine = await started(paths)
                works = work or (work_if_alone and not engine.worker_elsewhere())
            except StorageError as error:
                if without_data is None:
                    raise
                without_data(error.problem)
                engine = await started(stack.enter_context(beside(paths)))
                works = False
            return await doing.do(plugged(engine, works))

    async def plugged(engine: Engine, works: bool) -> int:
        if queue or works:
            # Celery takes a while to import, and most commands do without.
            from worker.background import CeleryBackground

            await engine.plug(CeleryBackground(engine, paths.queue, work=works))
        for notice in engine.notices:
            output.notice(str(notice))
        return await action(engine, engine.services(LOCAL_OWNER))

    paths = Paths.find()
    try:
        with contextlib.suppress(*(() if without_data is None else (OSError,))):
            paths.make()
        with LogSystem(paths.logs, redactor) as logs, Runtime() as runtime, _signals_interrupt():
            code = _wait(runtime, runtime.submit(inside(runtime, logs)), doing)
        output.flush()
        return code
    except NagathaError as error:
        return _failed(output, error.problem)
    except NotWritten as error:
        output.let_go()
        output.failure("The result could not be written", f"{error}.")
        return FAILED
    except ReaderGone:
        output.let_go()
        return READER_GONE
    except OSError as error:
        return _failed(output, unusable(paths.home, error).problem)
    except KeyboardInterrupt:
        doing.interrupted = True
        return FAILED
    finally:
        if doing.interrupted and _held_up():
            _leave()


def _failed(output: Output, problem: Problem) -> int:
    """Say what went wrong, as far as somebody reads it."""
    try:
        output.problem(problem)
        output.flush()
    except ReaderGone:
        output.let_go()
    return FAILED


def _held_up() -> bool:
    """Whether a thread of the loop's still waits for something."""
    return any(one.name.startswith(f"{THREAD_NAME}-io") for one in threading.enumerate())


def _leave() -> None:
    """End the process now: Python would wait at its end for the threads that are held up."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(FAILED)


def _wait(runtime: Runtime, future: Future[int], doing: "_Doing") -> int:
    try:
        # Not one wait without an end: a signal that comes between Python's last look and the
        # blocking call wakes nobody, and would be heeded only once the work is done.
        while not wait((future,), GLANCE).done:
            pass
        return future.result()
    except KeyboardInterrupt:
        doing.interrupted = True  # told here too: the loop may be held up
        runtime.call_soon(doing.interrupt)
    try:
        return future.result(PATIENCE)
    except TimeoutError:
        log.warning("the engine had not ended %g s after it was interrupted", PATIENCE)
        return FAILED


class _Doing:
    """What a command does, as something that can be interrupted while the engine cannot: one
    that was opened half way could not be closed. Belongs to the loop."""

    def __init__(self) -> None:
        self._task: asyncio.Task[int] | None = None
        self.interrupted = False

    async def do(self, work: Coroutine[object, object, int]) -> int:
        """The exit code of `work`; 1 when it was interrupted and had none."""
        self._task = asyncio.ensure_future(work)
        if self.interrupted:
            self._task.cancel()
        try:
            return await self._task
        except asyncio.CancelledError:
            if not self.interrupted:
                # The loop ends.
                self._task.cancel()
                raise
            return FAILED

    def interrupt(self) -> None:
        """Cancel it, or let it not begin."""
        self.interrupted = True
        if self._task is not None:
            self._task.cancel()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl+C does, where nothing else was made of them."""
    numbers = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    # What was told to be ignored (nohup) stays so; any other handler comes back afterwards.
    before = {number: signal.getsignal(number) for number in numbers}
    ours = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in ours:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number] or signal.SIG_DFL)


class StopSignal:
    """SIGINT and SIGTERM as something that a coroutine can wait for.

    Made on the main thread, before the loop runs.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: object) -> None:
        self._event.set()

    async def wait(self) -> None:
        """Return when the first of them came."""
        # On a thread of its own, and not of the pool: it would keep one busy for ever.
        loop = asyncio.get_running_loop()
        came = asyncio.Event()

        def listen() -> None:
            self._event.wait()
            loop.call_soon_threadsafe(came.set)

        threading.Thread(target=listen, name="nagatha-signals", daemon=True).start()
        await came.wait()
