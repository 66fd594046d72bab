"""That a test which leaves something behind fails, and one that does not passes."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]


def run_pytest(folder: Path, test: str) -> tuple[int, str]:
    """Runs one test file under this project's settings and conftest; exit code and output."""
    (folder / "test_it.py").write_text(textwrap.dedent(test))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    done = subprocess.run(
        [*command, "--rootdir", folder, "-c", CHECKOUT / "pyproject.toml", folder / "test_it.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


LEFT_BEHIND = {
    "logged error": (
        """
        import logging
        def test_it():
            logger = logging.getLogger("quiet")
            logger.propagate = False
            logger.addHandler(logging.NullHandler())
            logger.error("the cellar is flooded")
        """,
        "the cellar is flooded",
    ),
    "warning": (
        """
        import warnings
        def test_it():
            warnings.warn("thin ice")
        """,
        "thin ice",
    ),
    "unclosed file": (
        """
        def test_it(tmp_path):
            (tmp_path / "f").open("w")
        """,
        "ResourceWarning",
    ),
    "thread of ours": (
        """
        import threading
        def test_it(monkeypatch):
            monkeypatch.setattr("tests.support.strictness.GRACE", 0.1)
            wait = threading.Event().wait
            threading.Thread(target=wait, name="nagatha-runtime", daemon=True).start()
        """,
        "nagatha-runtime",
    ),
    "exception in a thread": (
        """
        import threading
        def test_it():
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
        """,
        "ZeroDivisionError",
    ),
    "Qt warning": (
        """
        from PySide6.QtCore import qWarning
        def test_it(qapp):
            qWarning("bad paint")
        """,
        "bad paint",
    ),
    "timer": (
        """
        from PySide6.QtCore import QTimer
        kept = []
        def test_it(qapp):
            timer = QTimer(objectName="clock")
            timer.start(10_000)
            kept.append(timer)
        """,
        "QTimer clock",
    ),
    "window": (
        """
        from PySide6.QtWidgets import QWidget
        kept = []
        def test_it(qapp):
            kept.append(QWidget(windowTitle="Attic"))
        """,
        "QWidget Attic",
    ),
}


@pytest.mark.parametrize("case", LEFT_BEHIND)
def test_strictness_when_something_is_left_behind_then_the_test_fails(
    case: str, tmp_path: Path
) -> None:
    test, said = LEFT_BEHIND[case]
    status, output = run_pytest(tmp_path, test)
    assert status == 1, output
    assert said in output


def test_strictness_when_a_test_cleans_up_then_it_passes(tmp_path: Path) -> None:
    status, output = run_pytest(
        tmp_path,
        """
        import logging, threading
        import keyring, pytest
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QWidget

        def test_widget_and_timer(qtbot):
            window = QWidget()
            qtbot.addWidget(window)
            timer = QTimer(window)
            timer.start(10_000)

        def test_cycle(qtbot):
            window = QWidget()
            window.me = window
            window.timer = QTimer()
            window.timer.start(10_000)

        def test_thread():
            thread = threading.Thread(target=lambda: None, name="nagatha-x")
            thread.start()

        @pytest.mark.expect_log_errors
        def test_marked():
            logging.error("meant")

        def test_fixture(expect_log_errors):
            logging.error("meant")
            assert expect_log_errors[0].getMessage() == "meant"

        def test_memory_keyring(memory_keyring):
            keyring.set_password("s", "u", "p")
            assert keyring.get_password("s", "u") == "p"

        def test_no_keyring_is_left():
            assert keyring.get_password("s", "u") is None
        """,
    )
    assert status == 0, output


def test_isolation_when_the_machine_has_keys_then_a_test_sees_none(tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "NAGATHA_API_PORT", "CELERY_BROKER_URL"):
        assert name not in os.environ
    assert Path(os.environ["NAGATHA_HOME"]).is_relative_to(tmp_path)
    assert Path.home().is_relative_to(tmp_path)
