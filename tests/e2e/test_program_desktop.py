"""The program and the desktop around it: a tray that comes late, a key that works everywhere."""

import base64
import json
import struct
from pathlib import Path

from tests.e2e.test_program import Screen, hand_over, program
from tests.support.desktop import Desktop
from tests.support.processes import wait_until
from tests.support.tray_host import tray_host


def remember(desk: Desktop, **values: object) -> None:
    """Choices that a person made before."""
    home = Path(desk.env["NAGATHA_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "windows.json").write_text(json.dumps(values))


def kept_place(desk: Desktop) -> tuple[int, ...]:
    """Where the program remembers its chat window to be: left, top, width, height."""
    try:
        stored = json.loads((Path(desk.env["NAGATHA_HOME"]) / "windows.json").read_text())
        data = base64.b64decode(stored["geometry"]["chat"])
    except (OSError, KeyError):
        return ()
    # QWidget::saveGeometry: a magic number, its version, the frame, the inside.
    left, top, right, bottom = struct.unpack_from(">IHH8i", data)[7:]
    return left, top, right - left + 1, bottom - top + 1


def test_a_tray_that_comes_later_gets_the_icon(bare_desktop: Desktop) -> None:
    screen = Screen(bare_desktop)
    with program(bare_desktop) as process:
        screen.wait_for("Nagatha$")
        with tray_host(bare_desktop.bus_address) as host:
            item = host.wait_for_item()
            assert "Quit Nagatha" in [entry.label for entry in host.menu(item).all()]
            host.click(item, "Quit Nagatha")
            assert process.wait(60) == 0


def test_a_start_at_login_waits_for_the_tray_without_a_window(bare_desktop: Desktop) -> None:
    screen = Screen(bare_desktop)
    with program(bare_desktop, "--hidden") as process:
        with tray_host(bare_desktop.bus_address) as host:
            item = host.wait_for_item()
            assert screen.windows("Nagatha$") == []
            host.activate(item)
            screen.wait_for("Nagatha$")
        assert process.poll() is None


def test_without_a_tray_closing_the_window_ends_the_program(bare_desktop: Desktop) -> None:
    screen = Screen(bare_desktop)
    with program(bare_desktop) as process:
        window = screen.wait_for("Nagatha$")
        wait_until(lambda: hand_over(bare_desktop, "--show", "chat") == 0, "it listens")
        screen.focus(window)
        screen.press("alt+F4")
        assert process.wait(60) == 0


def test_the_key_for_the_whole_desktop_opens_the_quick_window(full_desktop: Desktop) -> None:
    remember(full_desktop, hotkey="Ctrl+Alt+Space", first_start_done=True)
    screen = Screen(full_desktop)
    with program(full_desktop, "--hidden"):
        assert full_desktop.tray is not None
        full_desktop.tray.wait_for_item()

        def shown() -> bool:
            screen.press("ctrl+alt+space")
            return bool(screen.windows("Quick ask"))

        wait_until(shown, "the quick window is shown")


def test_the_window_comes_back_where_it_was(full_desktop: Desktop) -> None:
    screen = Screen(full_desktop)

    def place(window: str) -> dict[str, str]:
        lines = screen._ask("getwindowgeometry", "--shell", window).splitlines()
        found = dict(line.split("=") for line in lines if "=" in line)
        # Which number the window has is no part of where it is.
        return {name: found[name] for name in ("X", "Y", "WIDTH", "HEIGHT")}

    with program(full_desktop) as process:
        window = screen.wait_for("Nagatha$")
        screen._ask("windowsize", "--sync", window, "1000", "700")
        screen._ask("windowmove", "--sync", window, "40", "60")
        wait_until(lambda: place(window)["WIDTH"] == "1000", "it has its size")
        wait_until(lambda: kept_place(full_desktop) == (40, 60, 1000, 700), "its place is kept")
        before = place(window)
        process.terminate()
        assert process.wait(60) == 0
    with program(full_desktop):
        window = screen.wait_for("Nagatha$")
        wait_until(lambda: place(window) == before, f"it is back at {before}")
