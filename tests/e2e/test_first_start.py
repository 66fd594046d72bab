"""The first start and the settings as a person has them: a process on a screen, by keyboard."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_program import Screen, answers, hand_over, program
from tests.support.desktop import Desktop, desktop
from tests.support.model_server import ModelServer
from tests.support.processes import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs X11")]

GOOD = "sk-good-0123456789abcdef"
PAGE = "First start – Nagatha$"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desktop]:
    with desktop(tmp_path / "desktop", tray=True, keyring=True) as made:
        yield made


@pytest.fixture
def screen(desk: Desktop) -> Screen:
    return Screen(desk)


def files_with(folder: Path, text: str) -> list[str]:
    """Files that hold `text`."""
    found = subprocess.run(["grep", "-rlaF", text, str(folder)], capture_output=True, text=True)
    return found.stdout.split()


def test_a_key_is_pasted_tested_kept_in_the_keyring_and_answers(
    desk: Desktop, screen: Screen
) -> None:
    home = Path(desk.env["NAGATHA_HOME"])
    # The chat is looked for by its title, which the model may change before the program ends.
    desk.env["NAGATHA_CHAT_AUTOMATIC_TITLES"] = "false"
    with ModelServer(keys=[GOOD]) as server:
        with program(desk) as process:
            screen.focus(screen.wait_for(PAGE))
            screen.type(GOOD)
            screen.press("Tab", "End", "Tab")  # the provider: another address
            screen.type(server.url)
            screen.press("Return")
            screen.focus(screen.wait_for("New chat – Nagatha$"))
            screen.type("What is a tray")
            screen.press("Return")
            wait_until(lambda: len(answers(desk)) == 1, "the question is kept")
            wait_until(lambda: server.completions, "the server is asked with the key")
            screen.wait_for("What is a tray – Nagatha$")
            process.terminate()
            assert process.wait(60) == 0
        # It is set up for good, and the key is in the keyring only.
        with program(desk) as process:
            screen.wait_for("What is a tray – Nagatha$")  # the last chat is open again
            assert not screen.windows(PAGE)
            process.terminate()
            assert process.wait(60) == 0
    assert files_with(home, GOOD) == []
    assert server.url in (home / "config.yaml").read_text()


def test_going_on_without_a_model_is_remembered(desk: Desktop, screen: Screen) -> None:
    with program(desk) as process:
        screen.focus(screen.wait_for(PAGE))
        screen.press("ctrl+n")
        screen.wait_for("New chat – Nagatha$")
        process.terminate()
        assert process.wait(60) == 0
    with program(desk) as process:
        # Leaving it for a chat is not yet a decision.
        screen.focus(screen.wait_for(PAGE))
        screen.press("Tab", "Tab", "Tab", "Tab", "space")  # past provider, page and look
        screen.wait_for("New chat – Nagatha$")
        process.terminate()
        assert process.wait(60) == 0
    with program(desk):
        screen.wait_for("New chat – Nagatha$")
        assert not screen.windows(PAGE)


def test_settings_open_by_command_and_key_and_change_the_file(
    desk: Desktop, screen: Screen
) -> None:
    home = Path(desk.env["NAGATHA_HOME"])
    with program(desk):
        screen.focus(screen.wait_for(PAGE))
        assert hand_over(desk, "--show", "settings") == 0
        settings = screen.wait_for("^Settings")
        screen.focus(settings)
        screen.press("Escape")
        screen.wait_for_none("^Settings")
        screen.focus(screen.wait_for(PAGE))
        screen.press("ctrl+6")
        screen.focus(screen.wait_for("^Settings"))
        # The theme is the first control after the list of pages.
        screen.press("Tab", "End")
        state = home / "windows.json"
        wait_until(
            lambda: state.exists() and '"theme": "dark"' in state.read_text(), "the theme is kept"
        )
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
