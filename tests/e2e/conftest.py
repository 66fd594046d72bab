"""What the end-to-end tests share: desktops to run the program on.

Every test in this folder is marked `e2e`. Off Linux, and where the desktop's programs are not
installed, they are skipped; `make setup` installs them.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def _why_not() -> str | None:
    if not sys.platform.startswith("linux"):
        return "a desktop of the test's own is made on Linux only"
    from tests.support.desktop import NEEDED

    missing = [name for name in NEEDED if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)} (make setup installs them)" if missing else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    reason = _why_not() if ours else None
    for item in ours:
        item.add_marker(pytest.mark.e2e)
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))


if sys.platform.startswith("linux"):
    from tests.support.desktop import Desktop, desktop

    @pytest.fixture
    def bare_desktop(nagatha_home: Path, tmp_path: Path) -> Iterator[Desktop]:
        """A screen, a window manager and a session bus; no tray, keyring or notifications."""
        with desktop(tmp_path / "desktop") as running:
            yield running

    @pytest.fixture
    def full_desktop(nagatha_home: Path, tmp_path: Path) -> Iterator[Desktop]:
        """A desktop with a tray, an unlocked keyring and a notification daemon."""
        with desktop(tmp_path / "desktop", tray=True, keyring=True, notifications=True) as running:
            yield running
