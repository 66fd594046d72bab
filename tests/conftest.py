"""What holds for every test: nothing of the person at the machine is touched, and nothing is
left behind or complained about without the test failing.

Owns the environment a test sees and the checks after it. Warnings and Qt's messages are made
failures in pyproject.toml; here the same is done for logged errors, threads, timers and windows.
"""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import strictness
from tests.support.keyrings import MemoryKeyring

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

# What would let a person's machine show through: keys and addresses, the desktop, the proxy.
FOREIGN = (
    "NAGATHA_", "CELERY_", "OPENAI_", "GEMINI_", "OPENROUTER_", "REDIS_", "MCP_SERVER_",
    "LOG_LEVEL", "LC_", "LANG",
    "DBUS_", "XDG_", "GNOME_", "KDE_", "DESKTOP_", "WAYLAND_", "QT_", "GTK_",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
)  # fmt: skip


def _hide_the_machine() -> None:
    """Before anything is imported that could look: the process sees a bare environment."""
    platform = os.environ.get("QT_QPA_PLATFORM", "offscreen")
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            del os.environ[name]
    if platform == "offscreen":
        os.environ.pop("DISPLAY", None)
    os.environ["QT_QPA_PLATFORM"] = platform
    os.environ["LC_ALL"] = "C.UTF-8"
    # Without an address the machine's own system bus would be found by its usual place.
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nonexistent/system-bus"
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


_hide_the_machine()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "expect_log_errors: the test makes something log an error, and means to"
    )


def _live_in(patch: pytest.MonkeyPatch, home: Path, runtime: Path) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    patch.setenv("HOME", str(home))
    patch.setenv("USERPROFILE", str(home))
    patch.setenv("NAGATHA_HOME", str(home / "nagatha"))
    patch.setenv("XDG_RUNTIME_DIR", str(runtime))


@pytest.fixture(scope="session", autouse=True)
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fixtures of a wider scope than one test live in a home of their own, too."""
    runtime = Path(tempfile.mkdtemp(prefix="ngt-"))
    with pytest.MonkeyPatch.context() as patch:
        _live_in(patch, tmp_path_factory.mktemp("home"), runtime)
        yield
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(autouse=True)
def nagatha_home(
    _session_home: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The data folder of this test, which NAGATHA_HOME names. Not made yet: the program does that.

    HOME and XDG_RUNTIME_DIR are the test's own as well. The latter is short, because a socket's
    path may have some 100 characters only.
    """
    runtime = Path(tempfile.mkdtemp(prefix="ngt-"))
    _live_in(monkeypatch, tmp_path / "home", runtime)
    yield tmp_path / "home" / "nagatha"
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(autouse=True)
def _keyring_of_nobody() -> Iterator[None]:
    """A keyring that a test has set is not the next one's."""
    yield
    core = sys.modules.get("keyring.core")
    if core is not None:
        core.init_backend()


@pytest.fixture
def memory_keyring(_keyring_of_nobody: None) -> MemoryKeyring:
    """A keyring that works and lasts as long as the test."""
    import keyring

    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    return backend


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> "QtBot":
    """pytest-qt's, which waits longer."""
    from tests.support.patience import PatientBot

    return PatientBot(request)


@pytest.fixture
def expect_log_errors(_no_logged_errors: list[logging.LogRecord]) -> list[logging.LogRecord]:
    """Lets the test log errors; what was logged so far, to look at."""
    return _no_logged_errors


@pytest.fixture(autouse=True)
def _no_logged_errors(request: pytest.FixtureRequest) -> Iterator[list[logging.LogRecord]]:
    with strictness.errors_logged() as records:
        yield records
    expected = request.node.get_closest_marker("expect_log_errors")
    if records and expected is None and "expect_log_errors" not in request.fixturenames:
        pytest.fail(strictness.describe_records(records), pytrace=False)


@pytest.fixture(autouse=True)
def _no_leaked_threads() -> Iterator[None]:
    before = strictness.threads()
    yield
    if leaked := strictness.threads_left(before):
        pytest.fail(strictness.describe_threads(leaked), pytrace=False)


@pytest.fixture(autouse=True)
def _no_leaked_qt_objects(request: pytest.FixtureRequest) -> Iterator[None]:
    if not {"qapp", "qtbot"} & set(request.fixturenames):
        yield
        return
    request.getfixturevalue("qapp")
    before = strictness.qt_objects()
    yield
    if left := strictness.qt_objects_left(before):
        pytest.fail(strictness.describe_qt_objects(left), pytrace=False)
