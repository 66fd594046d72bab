"""What benches of windows share: a process of their own without a screen, and waiting in it.

Owns no figure and knows no window.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractScrollArea

LONGEST = 60.0
"""Seconds after which something is given up."""
STEP = 0.5
"""Of a windowful, at each step of the scrolling."""


def measured(module: str, *arguments: str) -> dict[str, float]:
    """What `module`, run by itself in a data folder of its own, prints as one line of JSON.

    Raises RuntimeError with what it complained of.
    """
    root = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as home:
        env = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(root),
            "NAGATHA_HOME": home,
        }
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr or f"ended with {done.returncode}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def middle(module: str, by: str, quick: bool, *arguments: str) -> dict[str, float]:
    """Of three runs as `measured` the middle one by a figure; the only one if `quick`."""
    runs = [measured(module, *arguments) for _ in range(1 if quick else 3)]
    return sorted(runs, key=lambda run: run[by])[len(runs) // 2]


def until(ready: Callable[[], object], limit: float = LONGEST) -> None:
    """Let Qt work until something is `ready`. Raises TimeoutError after `limit` seconds."""
    from PySide6.QtCore import QCoreApplication, QEventLoop

    stop_at = time.perf_counter() + limit
    while not ready():
        if time.perf_counter() > stop_at:
            raise TimeoutError("it was not ready in time")
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def scrolled_to_the_end(area: "QAbstractScrollArea", more: Callable[[], bool]) -> float:
    """Scroll down, step by step, until nothing is left and no `more` is to come; in seconds."""
    from PySide6.QtCore import Qt, QTimer

    bar = area.verticalScrollBar()
    scroll = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=8)
    scroll.timeout.connect(lambda: bar.setValue(bar.value() + max(1, int(bar.pageStep() * STEP))))
    start = time.perf_counter()
    scroll.start()
    until(lambda: not more() and bar.value() == bar.maximum())
    seconds = time.perf_counter() - start
    scroll.stop()
    return seconds
