"""That the desktop the end-to-end tests run on is a real one, piece by piece."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.desktop import Desktop, desktop, lock_keyring, name_has_owner
from tests.support.processes import started, wait_until
from tests.support.tray_host import tray_host

TRAY_APP = Path(__file__).with_name("tray_app.py")


class Output:
    """What a started program has printed so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log

    def wait_for(self, line: str, times: int = 1) -> None:
        wait_until(
            lambda: self._log.read_text().splitlines().count(line) >= times,
            f"the program prints {line!r} {times} times",
        )


@contextmanager
def tray_app(on: Desktop) -> Iterator[Output]:
    log = on.folder / "tray_app.log"
    with started([sys.executable, TRAY_APP], env=on.env, log=log) as process:
        yield Output(process, log)


def run_python(on: Desktop, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=on.env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_keyring_when_a_key_is_stored_then_another_process_reads_it(full_desktop: Desktop) -> None:
    name = run_python(full_desktop, "import keyring; print(keyring.get_keyring())")
    assert "SecretService" in name
    run_python(full_desktop, "import keyring; keyring.set_password('svc', 'me', 'käse')")
    read = "import keyring; print(ascii(keyring.get_password('svc', 'me')))"
    assert run_python(full_desktop, read) == ascii("käse")


def test_keyring_when_it_is_locked_then_nothing_is_read(full_desktop: Desktop) -> None:
    lock_keyring(full_desktop.bus_address)
    locked = "import secretstorage as s; print(s.get_default_collection(s.dbus_init()).is_locked())"
    assert run_python(full_desktop, locked) == "True"


def test_bare_desktop_when_asked_for_services_then_it_has_none(bare_desktop: Desktop) -> None:
    for name in (
        "org.freedesktop.secrets",
        "org.freedesktop.Notifications",
        "org.kde.StatusNotifierWatcher",
    ):
        assert not name_has_owner(bare_desktop.bus_address, name)


def test_full_desktop_when_started_then_notifications_are_served(full_desktop: Desktop) -> None:
    assert name_has_owner(full_desktop.bus_address, "org.freedesktop.Notifications")


def test_tray_when_an_icon_is_shown_then_it_can_be_read_and_clicked(full_desktop: Desktop) -> None:
    assert full_desktop.tray is not None
    with tray_app(full_desktop) as app:
        item = full_desktop.tray.wait_for_item()
        said = full_desktop.tray.properties(item)
        assert said["Status"] == "Active"
        assert said["IconPixmap"]

        menu = full_desktop.tray.menu(item)
        lines = {entry.label: entry for entry in menu.children if not entry.separator}
        assert list(lines) == ["Show chat", "Pause", "Later", "More", "Quit"]
        assert lines["Pause"].checked is False
        assert not lines["Later"].enabled

        full_desktop.tray.activate(item)
        app.wait_for("activated")
        full_desktop.tray.click(item, "Show chat")
        app.wait_for("chose chat")
        full_desktop.tray.click(item, "Deep")
        app.wait_for("chose deep")
        full_desktop.tray.click(item, "Pause")
        app.wait_for("chose pause True")
        assert [e.checked for e in full_desktop.tray.menu(item).all() if e.label == "Pause"] == [
            True
        ]
        with pytest.raises(LookupError, match="Later"):
            full_desktop.tray.click(item, "Later")

        full_desktop.tray.click(item, "Quit")
        assert app.process.wait(60) == 0
        full_desktop.tray.wait_for_no_item()


def test_tray_when_it_comes_after_the_program_then_a_new_icon_registers(
    bare_desktop: Desktop,
) -> None:
    with tray_app(bare_desktop) as app:
        app.wait_for("icon made")
        with tray_host(bare_desktop.bus_address) as tray:
            app.wait_for("icon made", times=2)
            tray.click(tray.wait_for_item(), "Show chat")
            app.wait_for("chose chat")


def test_desktop_when_the_block_ends_then_its_processes_are_gone(tmp_path: Path) -> None:
    import psutil

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with desktop(tmp_path / "d", tray=True, keyring=True, notifications=True):
        during = {child.pid for child in psutil.Process().children(recursive=True)} - before
        assert len(during) >= 5
    assert not [pid for pid in during if psutil.pid_exists(pid)]
