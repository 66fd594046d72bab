"""That the PySide6 in use does not lose references.

6.12.0 on Python 3.11 drops one to `True` at every emit and one to `None` at every void call, and
the process aborts after some hundred of them: short tests pass and the program dies later. So the
calls are made in a process of their own, many times over.
"""

import subprocess
import sys

MANY_CALLS = """
import sys
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QLabel

class Bell(QObject):
    rang = Signal(int)

application = QApplication(sys.argv)
heard = []
bell = Bell()
bell.rang.connect(heard.append)
for number in range(5_000):
    bell.rang.emit(number)
label = QLabel()
for number in range(200_000):
    label.setNum(number)
assert len(heard) == 5_000
assert label.text() == "199999"
print("alive")
"""


def test_pyside_when_signals_and_void_calls_are_many_then_the_process_lives() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MANY_CALLS], capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr
