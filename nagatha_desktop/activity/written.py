"""Values and whole runs as text that can be read, and that has an end.

Owns how JSON is written out and how long it may become. Knows the contract and Qt's translations.
"""

import json
from collections.abc import Iterable
from datetime import datetime

from PySide6.QtCore import QCoreApplication

from nagatha_desktop.activity import words
from nagatha_desktop.activity.times import took, whole
from nagatha_desktop.widgets.text import shown
from worker.contract.jobs import LogLine
from worker.contract.types import Run

LONGEST = 60_000
"""Characters of a value that are shown."""

translate = QCoreApplication.translate


def written(value: object) -> str:
    """A value as indented JSON, cut where it becomes too long to be shown at once."""
    pieces: list[str] = []
    length = 0
    encoder = json.JSONEncoder(indent=2, ensure_ascii=False, default=str)
    for piece in encoder.iterencode(value):
        pieces.append(piece[: LONGEST - length])
        length += len(piece)
        if length > LONGEST:
            cut = translate("Activity", "… (cut after {number} characters)").format(number=LONGEST)
            return f"{shown(''.join(pieces))}\n{cut}"
    return shown("".join(pieces))


def log_text(lines: Iterable[LogLine]) -> str:
    """Log lines as they are read, one each, in the time of this machine."""
    return "\n".join(
        f"{line.at.astimezone():%H:%M:%S}  {line.level.lower():<7}  "
        + shown(line.text).replace("\n", "\n                   ")
        for line in lines
    )


def facts(run: Run, title: str, now: datetime) -> list[tuple[str, str]]:
    """Everything that is known of a run, as a name and a value each."""
    word, _ = words.state(run, now)
    begun = run.started or run.queued
    listed: list[tuple[str, str]] = [
        (translate("Activity", "What"), words.what(run, title)),
        (translate("Activity", "Kind"), words.kind_word(run.kind)),
        (translate("Activity", "Task"), run.name),
        (translate("Activity", "Why"), words.why(run, title)),
        (translate("Activity", "State"), word),
        (translate("Activity", "Progress"), _progress(run)),
        (translate("Activity", "Attempts"), str(run.attempts) if run.attempts else ""),
        (translate("Activity", "Queued"), whole(run.queued)),
        (translate("Activity", "Begun"), _moment(run.started)),
        (translate("Activity", "Ended"), _moment(run.ended)),
        (translate("Activity", "Took"), took(begun, run.ended) if run.ended else ""),
        (translate("Activity", "Not before"), _moment(run.due)),
        (translate("Activity", "Runs"), _lane(run)),
        (translate("Activity", "Priority"), str(run.priority)),
        (translate("Activity", "Schedule"), run.schedule),
        (translate("Activity", "Batch"), run.batch or ""),
        (translate("Activity", "After"), run.follows or ""),
        (translate("Activity", "Number"), run.id),
    ]
    return [(name, shown(value)) for name, value in listed if value]


def whole_text(run: Run, title: str, log: Iterable[LogLine], now: datetime) -> str:
    """A run as text for the clipboard."""
    parts = ["\n".join(f"{name}: {value}" for name, value in facts(run, title, now))]
    if run.error is not None:
        parts.append(f"{translate('Activity', 'Error')}: {run.error}")
    if run.arguments is not None:
        parts.append(f"{translate('Activity', 'Arguments')}:\n{written(dict(run.arguments))}")
    if run.result is not None:
        parts.append(f"{translate('Activity', 'Result')}:\n{written(run.result)}")
    lines = log_text(log)
    if lines:
        parts.append(f"{translate('Activity', 'Log')}:\n{lines}")
    return "\n\n".join(parts)


def _progress(run: Run) -> str:
    return " · ".join(part for part in (words.percent(run), run.progress_text) if part)


def _moment(moment: datetime | None) -> str:
    return whole(moment) if moment is not None else ""


def _lane(run: Run) -> str:
    return (
        translate("Activity", "at once")
        if run.lane == "now"
        else translate("Activity", "from the queue")
    )
