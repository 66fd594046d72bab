"""Paints every window in both themes into ./screenshots, on a screen of its own.

    python -m tests.screenshots [--only chat,search] [--into FOLDER] [--language de]

Owns the painting; what is painted stands in tests/support/scenes.py.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SIZE = "1600x1200x24"
DEADLINE = 15.0
SETTLE = 0.35


def paint(into: Path, only: list[str], language: str = "en") -> list[Path]:
    """Paint the scenes, all or those named; returns the files. Needs a display."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QFont
    from PySide6.QtWidgets import QApplication

    from nagatha_desktop.settings.languages import install
    from nagatha_desktop.widgets.theme import ThemeController
    from tests.support.scenes import SCENES, staged
    from tests.support.scenes_activity import ACTIVITY_SCENES
    from tests.support.scenes_reminders import REMINDER_SCENES
    from tests.support.scenes_routines import ROUTINE_SCENES
    from tests.support.scenes_settings import SETTINGS_SCENES

    app = QApplication.instance() or QApplication(["nagatha-desktop"])
    assert isinstance(app, QApplication)
    app.setQuitOnLastWindowClosed(False)
    app.setApplicationName("nagatha-desktop")
    app.setFont(QFont("Inter", 10))
    install(app, language)
    themes = ThemeController(app, "light")

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("a scene was not ready in time")
            app.processEvents()
            time.sleep(0.005)

    def settle() -> None:
        end = time.monotonic() + SETTLE
        wait(lambda: time.monotonic() > end)

    into.mkdir(parents=True, exist_ok=True)
    painted = []
    scenes = {
        **SCENES,
        **REMINDER_SCENES,
        **ACTIVITY_SCENES,
        **ROUTINE_SCENES,
        **SETTINGS_SCENES,
    }
    for name, scene in scenes.items():
        if only and name not in only:
            continue
        for mode in ("light", "dark"):
            themes.set_mode("light" if mode == "light" else "dark")
            with (
                tempfile.TemporaryDirectory() as folder,
                staged(app, themes, Path(folder), wait) as stage,
            ):
                window = scene(stage)
                settle()
                path = into / f"{name}-{mode}.png"
                window.grab().save(str(path))
                painted.append(path)
                for end in stage.ends:
                    end()
                for shown in app.topLevelWidgets():
                    shown.hide()
                    shown.deleteLater()
                app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    return painted


def main(arguments: list[str] | None = None) -> int:
    """Paint on the screen that there is, or start one and paint there."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("screenshots"))
    parser.add_argument("--only", default="", help="names of scenes, with commas")
    parser.add_argument("--language", default="en", help="of the windows: en or de")
    parser.add_argument("--here", action="store_true", help="on the screen that DISPLAY names")
    chosen = parser.parse_args(arguments)
    if chosen.here:
        only = [name for name in chosen.only.split(",") if name]
        for path in paint(chosen.into, only, chosen.language):
            print(path)
        return 0
    from tests.support.desktop import screen

    command = [sys.executable, "-m", "tests.screenshots", "--here", "--into", str(chosen.into)]
    with tempfile.TemporaryDirectory() as folder, screen(Path(folder), SIZE) as display:
        environ = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        environ.pop("WAYLAND_DISPLAY", None)
        command += ["--only", chosen.only, "--language", chosen.language]
        return subprocess.run(command, env=environ).returncode


if __name__ == "__main__":
    sys.exit(main())
