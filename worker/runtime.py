"""The one asyncio loop of the program, on a thread of its own, for as long as the program lives.

Owns the thread, the loop, and every task that was started on it. Database engines, HTTP clients
and sessions belong to this loop and to no other. It knows nothing of what runs on it, and nothing
of the rest of the project.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

log = logging.getLogger(__name__)

THREAD_NAME = "nagatha-runtime"
_IO_THREADS = 8  # for what asyncio.to_thread is given: files, DNS


class Runtime:
    """An asyncio loop on a named thread; any thread may hand it coroutines.

    Usable as a context manager, and again after `stop`. The thread is a daemon: a program that
    dies without `stop` is not held up by it.
    """

    def __init__(self, name: str = THREAD_NAME) -> None:
        self._name = name
        self._guard = threading.Lock()
        self._open: asyncio.AbstractEventLoop | None = None  # None: takes no more work
        self._thread: threading.Thread | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[object]] = set()  # asyncio itself keeps weak references

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether work is taken."""
        return self._open is not None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop. Raises RuntimeError when it does not run."""
        loop = self._open
        if loop is None:
            raise RuntimeError(f"The runtime {self._name!r} is not running")
        return loop

    @property
    def on_loop(self) -> bool:
        """Whether the caller stands on the loop's own thread, where waiting is not allowed."""
        return self._thread is threading.current_thread()

    def start(self) -> None:
        """Start the thread; returns once the loop runs. Raises RuntimeError if it runs already."""
        with self._guard:
            if self._thread is not None:
                raise RuntimeError(f"The runtime {self._name!r} was started already")
            ready = threading.Event()
            loop = asyncio.new_event_loop()
            loop.set_exception_handler(_report)
            self._executor = ThreadPoolExecutor(_IO_THREADS, f"{self._name}-io")
            loop.set_default_executor(self._executor)
            loop.call_soon(ready.set)
            self._thread = threading.Thread(
                target=self._live, args=(loop,), name=self._name, daemon=True
            )
            self._thread.start()
            ready.wait()
            self._open = loop

    def stop(self, timeout: float = 5.0) -> bool:
        """Cancel what runs, close async generators, end the thread.

        `timeout` is seconds for all of it; a task that ignores its cancellation longer is named
        in the log and left behind, and the answer is False. What comes while it stops is
        refused. Nothing happens when it does not run. Raises RuntimeError on the loop's thread.
        """
        if self.on_loop:
            raise RuntimeError("The runtime cannot be stopped from its own thread")
        deadline = time.monotonic() + timeout
        with self._guard:
            loop, thread, executor = self._open, self._thread, self._executor
            if loop is None or thread is None or executor is None:
                return True
            self._open = None
        ended: Future[bool] = Future()
        loop.call_soon_threadsafe(self._begin, self._close(deadline), "close", ended, False)
        # A loop that is held up by a call that blocks cannot be told anything.
        thread.join(timeout + 0.5)
        if thread.is_alive():
            log.error("The loop %r is held up by a blocking call and was left behind", self._name)
            clean = False
        else:
            clean = ended.result(0)
        helper = threading.Thread(target=executor.shutdown, daemon=True, name=f"{self._name}-end")
        helper.start()
        helper.join(max(0.1, deadline - time.monotonic()))
        if helper.is_alive():
            log.warning("A blocking call outlives the loop %r", self._name)
            clean = False
        with self._guard:
            self._thread = self._executor = None
        return clean

    def submit(self, coro: Coroutine[object, object, T], name: str | None = None) -> Future[T]:
        """Run a coroutine; its result or exception is the future's, which the caller reads.

        From any thread. Cancelling the future cancels the coroutine. Raises RuntimeError when
        the loop does not run.
        """
        return self._hand_over(coro, name, watched=False)

    def spawn(self, coro: Coroutine[object, object, T], name: str) -> Future[T]:
        """Run a coroutine in the background under a name: an exception of it is logged.

        From any thread, the loop's own included; otherwise as `submit`.
        """
        return self._hand_over(coro, name, watched=True)

    def run(self, coro: Coroutine[object, object, T], timeout: float | None = None) -> T:
        """Run a coroutine and wait for its result: for worker threads.

        After `timeout` seconds it is cancelled and TimeoutError raised. Raises RuntimeError on
        the loop's own thread, which would wait for itself, and when the loop does not run.
        """
        if self.on_loop:
            coro.close()
            raise RuntimeError("The loop's own thread cannot wait for the loop")
        future = self.submit(coro)
        try:
            return future.result(timeout)
        finally:
            # Whatever ended the waiting (KeyboardInterrupt too): nobody reads the result now.
            future.cancel()

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Call a function on the loop's thread, soon. Raises RuntimeError when it does not run."""
        with self._guard:
            self.loop.call_soon_threadsafe(callback, *args)

    def _hand_over(
        self, coro: Coroutine[object, object, T], name: str | None, *, watched: bool
    ) -> Future[T]:
        future: Future[T] = Future()
        # Under the guard, so that nothing is handed over behind the closing, to wait for ever.
        with self._guard:
            if self._open is None:
                coro.close()
                raise RuntimeError(f"The runtime {self._name!r} is not running")
            self._open.call_soon_threadsafe(self._begin, coro, name, future, watched)
        return future

    def _begin(
        self,
        coro: Coroutine[object, object, T],
        name: str | None,
        future: Future[T],
        watched: bool,
    ) -> None:
        if future.cancelled():
            coro.close()
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(partial(self._end, future, watched))
        future.add_done_callback(partial(_cancel_along, loop, task))

    def _end(self, future: Future[T], watched: bool, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            future.cancel()
        nobody_waits = not future.set_running_or_notify_cancel()
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            if not nobody_waits:
                future.set_result(task.result())
            return
        if watched or nobody_waits:
            log.error("The task %r failed", task.get_name(), exc_info=error)
        if not nobody_waits:
            future.set_exception(error)

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            while True:
                try:
                    loop.run_forever()
                    return
                except (SystemExit, KeyboardInterrupt) as error:
                    # asyncio lets these two out of the loop; one task must not end all others.
                    log.error("A task tried to end the program: %r", error)
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    async def _close(self, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()

        def left() -> float:
            return max(0.0, deadline - time.monotonic())

        try:
            # In rounds: what is cancelled may start something while it cleans up.
            while (others := asyncio.all_tasks() - {me}) and left() > 0:
                for task in others:
                    task.cancel()
                await asyncio.wait(others, timeout=left())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(loop.shutdown_asyncgens(), max(0.1, left()))
            for task in others:
                log.error("The task %r did not end and was left behind", task.get_name())
            if others:
                # They are named; asyncio would name them again whenever they are collected.
                loop.set_exception_handler(_say_nothing)
            return not others
        finally:
            # After this task's own end has been told.
            loop.call_soon(loop.call_soon, loop.stop)


def _cancel_along(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[T], future: Future[T]
) -> None:
    """Pass a future's cancellation on to its task."""
    if future.cancelled() and not task.done():
        with contextlib.suppress(RuntimeError):  # the loop is closed: the task is gone as well
            loop.call_soon_threadsafe(task.cancel)


def _say_nothing(loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    """For a loop whose remains were reported."""


def _report(loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    """What asyncio has nobody else to tell: into the log."""
    error = context.get("exception")
    subject = context.get("task") or context.get("future") or context.get("handle")
    name = subject.get_name() if isinstance(subject, asyncio.Task) else ""
    log.error(
        "On the loop: %s%s",
        context.get("message", "an error without a message"),
        f" ({name})" if name else "",
        exc_info=error if isinstance(error, BaseException) else None,
    )
