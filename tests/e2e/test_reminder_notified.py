"""A reminder that becomes due while the program runs is said on the desktop, and answered there."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.test_program import Screen, program
from tests.support.command import Nagatha
from tests.support.desktop import Desktop, desktop, notification_daemon
from tests.support.notification_daemon import Kept, NotificationDaemon, notification_service
from tests.support.processes import kill, wait_until
from worker.paths import Paths

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs X11")]


@pytest.fixture
def desk(nagatha_home: Path, tmp_path: Path) -> Iterator[Desktop]:
    with desktop(tmp_path / "desktop", tray=True) as made:
        yield made


@contextmanager
def running(desk: Desktop) -> Iterator[Nagatha]:
    """The program in the tray, without a window, and the command on its data folder."""
    with program(desk, "--hidden"):
        assert desk.tray is not None
        desk.tray.wait_for_item()
        yield Nagatha.on(Path(desk.env["NAGATHA_HOME"]))


def remind(nagatha: Nagatha) -> str:
    """Have a reminder that is due in a moment; its id."""
    # As if it had been said a minute ago, all but three seconds.
    said = datetime.now(UTC) - timedelta(seconds=57)
    made = nagatha.json("remind", "tea in 1 minute", "--now", said.isoformat(), "--zone", "UTC")
    assert isinstance(made, dict)
    return str(made["id"])


def done(nagatha: Nagatha) -> list[str]:
    """The ids of what is done."""
    listed = nagatha.json("reminders", "--done")
    assert isinstance(listed, list)
    return [str(one["id"]) for one in listed]


def next_of(daemon: NotificationDaemon) -> Kept:
    wait_until(lambda: daemon.shown, "a notification is shown")
    (shown,) = daemon.shown.values()
    return shown


def test_done_on_the_notification_is_done(desk: Desktop) -> None:
    with notification_service(desk.bus_address) as daemon, running(desk) as nagatha:
        made = remind(nagatha)
        shown = next_of(daemon)
        assert shown.title == "tea"
        assert shown.actions == {
            "default": "",
            "0": "Done",
            "1": "Snooze 10 min",
            "2": "Tomorrow",
        }
        assert done(nagatha) == []
        daemon.press(shown.id, "0")
        wait_until(lambda: done(nagatha) == [made], "it is done")
        assert Screen(desk).windows("Reminders") == []


def test_an_urgent_one_outlives_kill_9_between_its_notification_and_the_answer(
    desk: Desktop,
) -> None:
    database = Paths.under(Path(desk.env["NAGATHA_HOME"])).database
    made = remind(Nagatha.on(Path(desk.env["NAGATHA_HOME"])))
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE reminders SET urgent = 1")
    with notification_service(desk.bus_address) as daemon:
        with program(desk, "--hidden") as process:
            first = next_of(daemon)
            assert first.timeout == 0  # it stays until it is answered

            def kept() -> bool:
                with closing(sqlite3.connect(database, timeout=20)) as db:
                    return bool(db.execute("SELECT shown FROM firings").fetchone()[0])

            wait_until(kept, "it is kept that it was shown")
            kill(process)
        # What a desktop does with the notifications of a program that is gone differs.
        daemon.dismiss(first.id)
        wait_until(lambda: not daemon.shown, "nothing is shown any more")
        with running(desk) as nagatha:
            again = next_of(daemon)
            assert (again.title, again.timeout) == ("tea", 0)
            daemon.press(again.id, "0")
            wait_until(lambda: done(nagatha) == [made], "it is done")
            assert len(daemon.closed) == 2


def test_a_click_on_the_notification_shows_the_reminders(desk: Desktop) -> None:
    screen = Screen(desk)
    with notification_service(desk.bus_address) as daemon, running(desk) as nagatha:
        remind(nagatha)
        shown = next_of(daemon)
        assert screen.windows("Reminders") == []
        daemon.press(shown.id)
        screen.wait_for("Reminders")
        assert done(nagatha) == []


def test_dunst_shows_it_and_a_click_shows_the_reminders(full_desktop: Desktop) -> None:
    screen = Screen(full_desktop)
    ask = ("dunstctl", "count", "displayed")
    with running(full_desktop) as nagatha:
        remind(nagatha)

        def displayed() -> bool:
            told = subprocess.run(ask, env=full_desktop.env, capture_output=True, timeout=60)
            return told.stdout.strip() == b"1"

        wait_until(displayed, "dunst shows it")
        # Its first action is the click.
        subprocess.run(["dunstctl", "action", "0"], env=full_desktop.env, check=True, timeout=60)
        screen.wait_for("Reminders")


def test_done_in_the_menu_of_dunst_is_done(desk: Desktop) -> None:
    ask = ("dunstctl", "count", "displayed")
    with notification_daemon(desk.folder, desk.env, chosen="Done"), running(desk) as nagatha:
        made = remind(nagatha)

        def displayed() -> bool:
            told = subprocess.run(ask, env=desk.env, capture_output=True, timeout=20)
            return told.stdout.strip() == b"1"

        wait_until(displayed, "dunst shows it")
        subprocess.run(["dunstctl", "context"], env=desk.env, check=True, timeout=20)
        wait_until(lambda: done(nagatha) == [made], "it is done")


def test_where_nothing_shows_notifications_a_small_window_of_ours_does(desk: Desktop) -> None:
    screen = Screen(desk)
    with running(desk) as nagatha:
        assert screen.windows("Nagatha$") == []
        made = remind(nagatha)
        window = screen.wait_for("Nagatha$")
        size = screen._ask("getwindowgeometry", "--shell", window)
        height = int(dict(line.split("=") for line in size.splitlines())["HEIGHT"])
        # Done is the first button of the row at the bottom.
        screen._ask("mousemove", "--window", window, "30", str(height - 24), "click", "1")
        wait_until(lambda: done(nagatha) == [made], "it is done")
        screen.wait_for_none("Nagatha$")
        assert screen.windows("Reminders") == []
