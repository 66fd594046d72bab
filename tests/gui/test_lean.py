"""What the program spares itself."""

import subprocess
import sys

SCRIPT = """
import linecache
from nagatha_desktop.platform.lean import spare_sources
spare_sources()
import json, email.message, xml.dom.minidom, PySide6.QtWidgets
import nagatha_desktop.widgets.theme
print(len(linecache.cache))
"""


def test_modules_that_are_imported_are_not_read_as_source_and_kept() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ran.stdout) < 5


def test_without_that_pyside_reads_them_all() -> None:
    # If this fails, PySide has stopped doing it, and `spare_sources` can go.
    script = SCRIPT.replace("spare_sources()\n", "import PySide6.QtCore\n", 1).replace(
        "import spare_sources", "import spare_sources  #"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script.replace("\nspare_sources()", "")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(ran.stdout) > 10


def test_an_icon_of_the_font_is_painted_without_the_library_that_brings_it() -> None:
    script = """
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication
from nagatha_desktop.widgets import icons
from nagatha_desktop.widgets.theme import ThemeController
app = QApplication([])
icons.icon(ThemeController(app, "light"), "copy").pixmap(QSize(16, 16))
print(sorted({"qtpy", "qtawesome", "PySide6.QtOpenGL"} & set(sys.modules)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"
