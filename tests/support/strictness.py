"""Finds what a test left behind: logged errors, threads, Qt timers and windows.

Owns the finding and the wording; tests/conftest.py decides when to look. Imports Qt only if a
test already did.
"""

import gc
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

# A thread that was told to stop may need a moment to do so, on a busy machine a longer one; a
# leaked one never ends.
GRACE = 20.0
OURS = "nagatha"


@contextmanager
def errors_logged() -> Iterator[list[logging.LogRecord]]:
    """Every record of level ERROR or above that any logger lets through while this is open.

    Seen at the loggers and not by a handler: code under test may set handlers, clear them, or
    keep records from travelling upwards.
    """
    records: list[logging.LogRecord] = []
    call_handlers = logging.Logger.callHandlers

    def watch(logger: logging.Logger, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            records.append(record)
        call_handlers(logger, record)

    with patch.object(logging.Logger, "callHandlers", watch):
        yield records


def describe_records(records: list[logging.LogRecord]) -> str:
    formatter = logging.Formatter("  %(levelname)s %(name)s: %(message)s")
    lines = "\n".join(formatter.format(record) for record in records)
    return f"Errors were logged. If the test means to, let it ask for expect_log_errors.\n{lines}"


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def threads_left(before: set[threading.Thread]) -> list[threading.Thread]:
    """New threads that keep a process from ending, or are ours, and don't end by themselves."""
    deadline = time.monotonic() + GRACE
    leaked = []
    for thread in threading.enumerate():
        if thread in before or thread is threading.current_thread():
            continue
        if thread.daemon and not thread.name.lower().startswith(OURS):
            continue
        if not isinstance(thread, threading._DummyThread):  # made by Qt or C, not to be joined
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                leaked.append(thread)
    return leaked


def describe_threads(leaked: list[threading.Thread]) -> str:
    return "Threads were left running: " + ", ".join(sorted(thread.name for thread in leaked))


def qt_objects() -> dict[int, Any]:
    """Top-level widgets, and running timers that belong to Python code, by their address."""
    from PySide6.QtCore import QCoreApplication, QEvent, QTimer
    from PySide6.QtWidgets import QApplication
    from shiboken6 import Shiboken

    # What was told to be deleted later is gone, not left.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QCoreApplication.processEvents()
    found: dict[int, Any] = {}
    for widget in QApplication.topLevelWidgets():
        found[Shiboken.getCppPointer(widget)[0]] = widget
    for candidate in gc.get_objects():
        # Not isinstance: it asks an object for its __class__, and a lazy proxy would load itself.
        if issubclass(type(candidate), QTimer):
            timer = cast(QTimer, candidate)
            if Shiboken.isValid(timer) and timer.isActive():
                found[Shiboken.getCppPointer(timer)[0]] = timer
    return found


def qt_objects_left(before: dict[int, Any]) -> list[Any]:
    known = set(before)
    before.clear()  # or this very dict would keep them alive
    left = {address for address in qt_objects() if address not in known}
    if left:
        # Windows and timers in a cycle of references are only waiting to be collected.
        gc.collect()
        return [thing for address, thing in qt_objects().items() if address not in known]
    return []


def describe_qt_objects(left: list[Any]) -> str:
    names = []
    for thing in left:
        title = thing.objectName() or thing.property("windowTitle") or ""
        names.append(f"{type(thing).__name__} {title}".strip())
    return f"Windows were left open or timers running: {', '.join(names)}"
