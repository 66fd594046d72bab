"""Starting, handing over, idling and ending: the program as a process on a virtual screen.

Owns the figures of the program's life. The start is measured against a bare window with one label
in the same run, from the making of the process to the end of the first painting.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.figure import Figure
from tests.support.desktop import screen, window_manager
from tests.support.processes import end, wait_until

NAME = "start"

PROGRAM = (sys.executable, "-m", "nagatha_desktop")
# Without PYTHONDONTWRITEBYTECODE: a warm start finds its bytecode, as an installed one does.
FOREIGN = ("PYTHON", "NAGATHA_", "OPENAI_", "GEMINI_", "CELERY_", "DBUS_", "QT_", "XDG_")

# Says when the first window was painted. The event loop's own start is the same for both.
WATCH = textwrap.dedent(
    """
    import sys, time
    from PySide6.QtCore import QEvent, QObject, QTimer
    from PySide6.QtWidgets import QApplication

    class Watch(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Paint and watched.isWidgetType() and watched.isWindow():
                QApplication.instance().removeEventFilter(self)
                QTimer.singleShot(0, self.painted)
            return False

        def painted(self):
            print(time.monotonic(), flush=True)

    run = QApplication.exec

    def watched(*_):
        watch = Watch()
        QApplication.instance().installEventFilter(watch)
        return run()

    QApplication.exec = watched
    """
)
BARE = WATCH + textwrap.dedent(
    """
    from PySide6.QtWidgets import QLabel
    app = QApplication(sys.argv)
    label = QLabel("One label")
    label.resize(900, 640)
    label.show()
    sys.exit(QApplication.exec())
    """
)
OURS = WATCH + "from nagatha_desktop.app import main\nsys.exit(main([]))\n"


@contextmanager
def _machine() -> Iterator[dict[str, str]]:
    """A screen, a window manager, and folders of their own; the environment for them."""
    with tempfile.TemporaryDirectory(prefix="ngb-") as name:
        folder = Path(name)
        env = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        env |= {
            "HOME": str(folder / "home"),
            "NAGATHA_HOME": str(folder / "home" / "nagatha"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "QT_QPA_PLATFORM": "xcb",
        }
        env.pop("WAYLAND_DISPLAY", None)
        (folder / "home").mkdir()
        (folder / "run").mkdir(mode=0o700)
        with screen(folder) as display:
            env["DISPLAY"] = display
            with window_manager(folder, env):
                yield env


def _until_painted(code: str, env: dict[str, str]) -> float:
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        return float(said) - begun
    finally:
        end(process)


def _starts(env: dict[str, str], times: int) -> list[Figure]:
    bare, ours = [], []
    for number in range(times + 1):
        one, other = _until_painted(BARE, env), _until_painted(OURS, env)
        if number:  # the first of each warms the disk's cache
            bare.append(one)
            ours.append(other)
    base, value = statistics.median(bare), statistics.median(ours)
    note = f"median of {times}: {value * 1000:.0f} ms, a bare window {base * 1000:.0f} ms"
    return [
        Figure(
            "start to a painted chat window, against a bare window", value / base, "x", 2, note=note
        )
    ]


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel tells no PSS")


def _settled(pid: int) -> bool:
    before = _processor_seconds(pid)
    time.sleep(2.0)
    return _processor_seconds(pid) - before < 0.02


def _running(env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """The program, with worker, Beat and the model client loaded, and nothing to do."""
    process = subprocess.Popen(
        PROGRAM, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = Path(env["NAGATHA_HOME"]) / "logs" / "nagatha.log"
    wait_until(
        lambda: log.exists() and "Connected to nagatha" in log.read_text(),
        "the worker is connected",
        60,
    )
    wait_until(lambda: _settled(process.pid), "the program has nothing to do", 60)
    return process


def measure(quick: bool) -> list[Figure]:
    """Start, hand-over, idle and quit."""
    with _machine() as env:
        figures = _starts(env, 3 if quick else 9)
        process = _running(env)
        try:
            figures += _idle(process.pid, 10 if quick else 60)
            figures += _hand_over(env, 5 if quick else 15)
            figures += _quit(process)
        finally:
            end(process)
    return figures


def _idle(pid: int, seconds: int) -> list[Figure]:
    before = _processor_seconds(pid)
    time.sleep(seconds)
    used = (_processor_seconds(pid) - before) / seconds * 100
    note = f"over {seconds} s, with worker, Beat and the model client"
    return [
        Figure("idle, processor", used, "%", 0.2, note=note),
        Figure("idle, memory (PSS)", _megabytes(pid), "MB", 160, note=note),
    ]


def _hand_over(env: dict[str, str], times: int) -> list[Figure]:
    took = []
    for _ in range(times):
        begun = time.monotonic()
        subprocess.run([*PROGRAM, "--toggle"], env=env, check=True)
        took.append(time.monotonic() - begun)
    note = f"the whole process; worst of {times}"
    return [Figure("--toggle reaches the running program", max(took), "s", 0.3, note=note)]


def _quit(process: "subprocess.Popen[bytes]") -> list[Figure]:
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    return [Figure("quit when idle", time.monotonic() - begun, "s", 1)]
