"""The system's notifications on a bus: against a service of the tests, dunst and xfce4-notifyd."""

import os
import queue
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nagatha_desktop.platform.system_notifications import (
    Action,
    Answer,
    Notification,
    SystemNotifications,
    Told,
)
from tests.e2e.test_program import Screen
from tests.support.desktop import Desktop, name_has_owner, notification_daemon, session_bus
from tests.support.notification_daemon import NAME, notification_service
from tests.support.processes import DEADLINE, started, wait_until

RENT = Notification("one", "Pay <rent>", "Due now & here", (Action("0", "Done"),), stays=True)

# Debian keeps it where its architecture's libraries are, others do not; it is on no PATH.
XFCE = [
    path
    for folder in ("lib", "lib/*", "lib64", "libexec")
    for path in Path("/usr").glob(f"{folder}/xfce4/notifyd/xfce4-notifyd")
]


class Speaker:
    """The notifications of a program on a bus, and what they told."""

    def __init__(self) -> None:
        self._told: queue.Queue[Told] = queue.Queue()
        self.system = SystemNotifications(self._told.put)

    def next(self) -> Told:
        return self._told.get(timeout=DEADLINE)

    def say(self, notification: Notification) -> str:
        """Why the system does not show it; "" where it does."""
        self.system.say(notification)
        return self.next().why


@pytest.fixture
def bus(tmp_path: Path, nagatha_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with session_bus(tmp_path, Path(os.environ["XDG_RUNTIME_DIR"])) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    made = Speaker()
    yield made
    made.system.stop()


def test_buttons_clicks_and_closing_come_back(bus: str, speaker: Speaker) -> None:
    with notification_service(bus) as daemon:
        assert speaker.say(RENT) == ""
        (shown,) = daemon.shown.values()
        assert (shown.title, shown.body) == ("Pay <rent>", "Due now &amp; here")
        assert shown.actions == {"default": "", "0": "Done"}
        assert shown.hints["urgency"] == 2 and shown.timeout == 0
        daemon.press(shown.id, "0")
        assert speaker.next().what == Answer("one", "pressed", "0")
        assert speaker.say(RENT) == ""
        daemon.press(max(daemon.shown))
        assert speaker.next().what == Answer("one", "clicked")
        assert speaker.say(RENT) == ""
        daemon.dismiss(max(daemon.shown))
        assert speaker.next().what == Answer("one", "dismissed")


def test_what_is_answered_elsewhere_is_withdrawn(bus: str, speaker: Speaker) -> None:
    with notification_service(bus) as daemon:
        assert speaker.say(RENT) == ""
        speaker.system.withdraw("one")
        wait_until(lambda: not daemon.shown, "it is withdrawn")


def test_a_service_that_is_missing_comes_and_goes(bus: str, speaker: Speaker) -> None:
    assert speaker.say(RENT) == "no_service"
    for _ in range(2):
        with notification_service(bus) as daemon:
            assert speaker.say(RENT) == ""
            daemon.press(max(daemon.shown), "0")
            assert speaker.next().what == Answer("one", "pressed", "0")
        assert speaker.say(RENT) == "no_service"


def test_a_service_without_buttons_is_not_asked_to_show_any(bus: str, speaker: Speaker) -> None:
    with notification_service(bus, ("body",)) as daemon:
        assert speaker.say(RENT) == "no_buttons"
        assert not daemon.shown
        assert speaker.say(Notification("two", "Plain", "")) == ""


def test_dunst_shows_it_and_its_button_comes_back(
    full_desktop: Desktop, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", full_desktop.bus_address)
    assert speaker.say(RENT) == ""
    # Its first action is the click; `dunstctl action 0` does what a click on it does.
    subprocess.run(["dunstctl", "action", "0"], env=full_desktop.env, check=True, timeout=60)
    assert speaker.next().what == Answer("one", "clicked")


@pytest.mark.parametrize(("word", "action"), [("Done", "0"), ("Snooze 10 min", "1")])
def test_dunst_has_its_buttons_in_a_menu_and_the_chosen_one_comes_back(
    word: str,
    action: str,
    bare_desktop: Desktop,
    speaker: Speaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bare_desktop.bus_address)
    choices = (Action("0", "Done"), Action("1", "Snooze 10 min"))
    with notification_daemon(bare_desktop.folder, bare_desktop.env, chosen=word):
        assert speaker.say(Notification("one", "Pay", "Due now", choices, stays=True)) == ""
        subprocess.run(["dunstctl", "context"], env=bare_desktop.env, check=True, timeout=20)
        assert speaker.next().what == Answer("one", "pressed", action)


def test_where_a_click_does_nothing_a_button_opens_unless_one_does_so_already(
    bus: str, speaker: Speaker
) -> None:
    # As xfce4-notifyd calls itself.
    with notification_service(bus, called="Xfce Notify Daemon") as daemon:
        assert speaker.say(RENT) == ""
        assert daemon.shown[max(daemon.shown)].actions == {"default": "Open", "0": "Done"}
        assert speaker.say(replace(RENT, clickable=False)) == ""
        assert daemon.shown[max(daemon.shown)].actions == {"0": "Done"}


@pytest.mark.skipif(not XFCE, reason="not installed: xfce4-notifyd (make setup installs it)")
def test_xfce_shows_it_and_its_clicked_button_comes_back(
    bare_desktop: Desktop, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bare_desktop.bus_address)
    screen = Screen(bare_desktop)
    log = bare_desktop.folder / "xfce4-notifyd.log"
    with started([str(XFCE[0])], env=bare_desktop.env, log=log):
        wait_until(lambda: name_has_owner(bare_desktop.bus_address, NAME), "xfce4-notifyd is there")
        choices = (Action("0", "Done"), Action("1", "Snooze"))
        assert speaker.say(Notification("one", "Pay <rent>", "Due now", choices, stays=True)) == ""
        window = screen.wait_for("xfce4-notifyd")
        told = screen._ask("getwindowgeometry", "--shell", window).splitlines()
        size = {name: int(value) for name, value in (line.split("=") for line in told)}
        # The click is a button there too, the first of three of one width, at the bottom.
        place = (str(size["WIDTH"] // 2), str(size["HEIGHT"] - 30))
        screen._ask("mousemove", "--window", window, *place, "click", "1")
        assert speaker.next().what == Answer("one", "pressed", "0")
