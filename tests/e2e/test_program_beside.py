"""The program and the command line beside it: what one does, the other shows."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_program import Screen, model, program
from tests.support.desktop import Desktop, desktop
from tests.support.model_server import ModelServer
from tests.support.processes import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs X11")]

COMMAND = (sys.executable, "-m", "worker.cli.main")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desktop]:
    with desktop(tmp_path / "desktop", tray=True) as made:
        yield made


def test_a_chat_from_the_terminal_stands_in_the_list_of_the_open_window(desk: Desktop) -> None:
    screen = Screen(desk)
    with ModelServer() as server:
        environ = {**model(server), "NAGATHA_CHAT_AUTOMATIC_TITLES": "false"}
        with program(desk, **environ):
            screen.focus(screen.wait_for("New chat – Nagatha$"))
            asked = subprocess.run(
                [*COMMAND, "ask", "Quokkas", "--json"],
                env={**desk.env, **environ},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert asked.returncode == 0, asked.stderr
            assert json.loads(asked.stdout)["state"] == "complete"

            def opened() -> bool:
                # The list of chats is three places before the box.
                screen.press("ctrl+l", "shift+Tab", "shift+Tab", "shift+Tab")
                screen.press("Down", "Home", "Return")
                return bool(screen.windows("Quokkas – Nagatha$"))

            wait_until(opened, "the chat stands in the list and opens")
