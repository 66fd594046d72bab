"""An answer that waits, and the words for it.

Owns the value. Knows no widget and no engine.
"""

from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QCoreApplication

from nagatha_desktop.widgets.text import seconds, shown, whole_seconds
from worker.contract.types import Run


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why an answer is not being written just now."""

    run: Run
    """In PENDING or RETRY."""
    estimate: float | None = None
    """Seconds that it will probably take, once it is its turn; None where unknown."""


def wait_words(waiting: Waiting, now: datetime) -> str:
    """Why an answer is not being written just now, and how long that will probably be."""
    run = waiting.run
    if run.state == "RETRY" and run.error is not None:
        title = shown(run.error.title)
        left = (run.error.retry_at - now).total_seconds() if run.error.retry_at else 0.0
        if left < 1:
            return QCoreApplication.translate("Waiting", "{problem}. Tried again now").format(
                problem=title
            )
        words = QCoreApplication.translate("Waiting", "{problem}. Tried again in {time}")
        return words.format(problem=title, time=whole_seconds(left))
    if waiting.estimate is not None:
        words = QCoreApplication.translate("Waiting", "Waits in the queue, about {time}")
        return words.format(time=seconds(max(1.0, round(waiting.estimate))))
    time = whole_seconds((now - run.queued).total_seconds())
    return QCoreApplication.translate("Waiting", "Waits in the queue … {time}").format(time=time)
