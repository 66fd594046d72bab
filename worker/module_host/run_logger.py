"""The logger that a task gets: it writes into the module's log, and into that of the run.

Owns what of a record becomes a line of a run. It must not know where such lines are kept.
"""

import logging
import traceback
from collections.abc import Callable
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
WriteDown: TypeAlias = Callable[[Level, str], None]


class RunLogger(logging.Logger):
    """A logger for one call of a task.

    Whatever level the module's own logger has, the run gets every line; `write` is called on
    the thread that logs, and must not wait.
    """

    def __init__(self, behind: logging.Logger, write: WriteDown) -> None:
        super().__init__(behind.name, logging.DEBUG)
        self._behind = behind
        self._write = write

    def callHandlers(self, record: logging.LogRecord) -> None:
        """Write it into the run, then as the module's logger would have."""
        self._write(_level(record.levelno), _text(record))
        if self._behind.isEnabledFor(record.levelno):
            self._behind.handle(record)


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "ERROR"
    if number >= logging.WARNING:
        return "WARNING"
    return "INFO" if number >= logging.INFO else "DEBUG"


def _text(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
    except Exception as error:  # wrong arguments, a broken __str__: the line is not lost for it
        return f"{record.msg!r} (cannot be filled in: {type(error).__name__})"[:500]
    return text
