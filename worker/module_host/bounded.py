"""Running foreign code on a daemon thread, with an end to the waiting.

Owns the threads. A thread that does not come back cannot be killed in Python; it is left
alone, keeps nobody from quitting, and what it returns later is dropped. It must not know what
it runs.
"""

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class TookTooLong(Exception):
    """The function had not returned within its time; `line` is where it was then, or 0."""

    def __init__(self, seconds: float, file: str = "", line: int = 0) -> None:
        super().__init__(f"nothing came back within {seconds:g} s")
        self.seconds = seconds
        self.file = file
        self.line = line


class WantedToEnd(Exception):
    """The function raised what ends a program: SystemExit, KeyboardInterrupt."""


def _start(function: Callable[[], T], name: str) -> tuple[Future[T], threading.Thread]:
    future: Future[T] = Future()
    # Who stops waiting cannot cancel it any more, so that setting the result always works.
    future.set_running_or_notify_cancel()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            result = context.run(function)
        except Exception as error:
            future.set_exception(error)
        # What would end the program belongs to whoever runs this, but as a mere failure.
        except BaseException as error:
            failure = WantedToEnd(f"{type(error).__name__}: {error}".removesuffix(": "))
            failure.__cause__ = error
            future.set_exception(failure)
        else:
            future.set_result(result)

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return future, thread


def run_bounded(
    function: Callable[[], T], seconds: float, *, name: str, folder: Path | None = None
) -> T:
    """What `function` returns, or what it raises, if that is within `seconds`.

    Blocks the calling thread. Raises TookTooLong otherwise, with the line of a file in `folder`
    at which it hangs. `name` is the thread's.
    """
    future, thread = _start(function, name)
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        if future.done():
            # The function itself raised it.
            raise
        file, line = _where(thread, folder)
        raise TookTooLong(seconds, file, line) from None


async def run_aside(function: Callable[[], T], *, name: str) -> T:
    """What `function` returns, without blocking the loop.

    Like `asyncio.to_thread`, but on a daemon thread of its own: a function that never returns
    neither uses up the shared pool nor keeps the program from quitting.
    """
    future, _ = _start(function, name)
    return await asyncio.wrap_future(future)


def _where(thread: threading.Thread, folder: Path | None) -> tuple[str, int]:
    frame = sys._current_frames().get(thread.ident or -1) if folder is not None else None
    return innermost(frame, folder) if folder is not None else ("", 0)


def innermost(frame: FrameType | None, folder: Path) -> tuple[str, int]:
    """The file (relative to `folder`) and line of the innermost frame that lies in it."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(folder):
            return str(path.relative_to(folder)), frame.f_lineno
        frame = frame.f_back
    return "", 0
