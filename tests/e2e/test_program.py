"""The program as a person has it: a process on a screen, with a window manager and a tray."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.desktop import Desktop, desktop
from tests.support.model_server import ModelServer
from tests.support.processes import kill, started, wait_until
from worker.paths import Paths

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs X11")]

# What is being written lies in pieces until it is whole.
_MESSAGES = """select role, state, text || coalesce(
    (select group_concat(pieces.text, '') from pieces where pieces.message = messages.seq), '')
    from messages order by seq"""
PROGRAM = (sys.executable, "-m", "nagatha_desktop")


class Screen:
    """What a person sees and presses, through xdotool."""

    def __init__(self, desk: Desktop) -> None:
        self._env = desk.env

    def _ask(self, *command: str) -> str:
        done = subprocess.run(
            ["xdotool", *command], env=self._env, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def windows(self, title: str) -> list[str]:
        """Windows that are shown and whose title fits."""
        return self._ask("search", "--onlyvisible", "--name", title).split()

    def wait_for(self, title: str) -> str:
        return wait_until(lambda: self.windows(title), f"a window “{title}” is shown")[0]

    def wait_for_none(self, title: str) -> None:
        wait_until(lambda: not self.windows(title), f"no window “{title}” is shown")

    def focus(self, window: str) -> None:
        self._ask("windowactivate", "--sync", window)
        wait_until(lambda: self._ask("getactivewindow") == window, "the window is active")

    def type(self, text: str) -> None:
        self._ask("type", "--delay", "5", text)

    def press(self, *keys: str) -> None:
        self._ask("key", *keys)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desktop]:
    with desktop(tmp_path / "desktop", tray=True) as made:
        yield made


@pytest.fixture
def screen(desk: Desktop) -> Screen:
    return Screen(desk)


@contextmanager
def program(desk: Desktop, *arguments: str, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    log = desk.folder / "program.log"
    with started([*PROGRAM, *arguments], env={**desk.env, **environ}, log=log) as process:
        yield process
    said = log.read_text(errors="replace")
    assert "Traceback" not in said, said


def hand_over(desk: Desktop, *arguments: str) -> int:
    return subprocess.run([*PROGRAM, *arguments], env=desk.env, timeout=60).returncode


def model(server: ModelServer, name: str = "fast") -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url, "OPENAI_MODEL": name}


def stored(desk: Desktop) -> list[tuple[str, str, str]]:
    """Role, state and text of every message, as the data folder has it."""
    path = Paths.under(Path(desk.env["NAGATHA_HOME"])).database
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            return database.execute(_MESSAGES).fetchall()
        except sqlite3.OperationalError:  # it is being made
            return []


def answers(desk: Desktop) -> list[tuple[str, str]]:
    return [(state, text) for role, state, text in stored(desk) if role == "assistant"]


def test_the_first_start_shows_the_window_and_the_tray(desk: Desktop, screen: Screen) -> None:
    assert desk.tray is not None
    with program(desk) as process:
        screen.wait_for("Nagatha$")
        item = desk.tray.wait_for_item()
        labels = [entry.label for entry in desk.tray.menu(item).all()]
        assert "New chat" in labels and "Quit Nagatha" in labels
        desk.tray.click(item, "Quit Nagatha")
        assert process.wait(60) == 0
    desk.tray.wait_for_no_item()


def test_a_question_is_answered_and_kept(desk: Desktop, screen: Screen) -> None:
    with ModelServer() as server, program(desk, **model(server)) as process:
        window = screen.wait_for("Nagatha$")
        screen.focus(window)
        screen.type("What is a tray")
        screen.press("Return")
        wait_until(
            lambda: [state for state, text in answers(desk) if text] == ["complete"],
            "the answer is kept",
        )
        assert [role for role, _, _ in stored(desk)] == ["user", "assistant"]
        assert stored(desk)[0][2] == "What is a tray"
        process.terminate()
        assert process.wait(60) == 0


def test_kill_in_mid_answer_keeps_what_came_and_says_so_at_the_next_start(
    desk: Desktop, screen: Screen
) -> None:
    with ModelServer() as server:
        with program(desk, **model(server, "slow")) as process:
            screen.focus(screen.wait_for("Nagatha$"))
            screen.type("Tell me a long story")
            screen.press("Return")
            wait_until(lambda: [1 for state, text in answers(desk) if text], "some of it is kept")
            kill(process)
        with program(desk, **model(server)) as process:
            screen.wait_for("Nagatha$")
            wait_until(
                lambda: [state for state, _ in answers(desk)] == ["interrupted"],
                "the answer is marked interrupted",
            )
            process.terminate()
            assert process.wait(60) == 0


def test_a_second_start_brings_up_the_first_and_ends(desk: Desktop, screen: Screen) -> None:
    with program(desk) as process:
        window = screen.wait_for("Nagatha$")
        assert desk.tray is not None
        desk.tray.wait_for_item()
        screen.focus(window)
        assert hand_over(desk, "--toggle") == 0
        screen.wait_for_none("Nagatha$")
        assert hand_over(desk) == 0
        screen.wait_for("Nagatha$")
        assert hand_over(desk, "--quick") == 0
        screen.wait_for("Quick ask")
        assert hand_over(desk, "--show", "chat") == 0
        assert process.poll() is None


def test_a_program_that_was_killed_leaves_the_way_free(desk: Desktop, screen: Screen) -> None:
    with program(desk) as process:
        screen.wait_for("Nagatha$")
        kill(process)
    with program(desk) as process:
        screen.wait_for("Nagatha$")
        assert hand_over(desk, "--show", "chat") == 0
        assert process.poll() is None


def test_another_data_folder_is_another_program(
    desk: Desktop, screen: Screen, tmp_path: Path
) -> None:
    with program(desk) as first:
        screen.wait_for("Nagatha$")
        with program(desk, NAGATHA_HOME=str(tmp_path / "other")) as second:
            wait_until(lambda: len(screen.windows("Nagatha$")) == 2, "two windows are shown")
            assert first.poll() is None and second.poll() is None


def test_closing_the_window_keeps_the_program_in_the_tray(desk: Desktop, screen: Screen) -> None:
    assert desk.tray is not None
    with program(desk) as process:
        window = screen.wait_for("Nagatha$")
        item = desk.tray.wait_for_item()
        screen.focus(window)
        screen.press("alt+F4")
        screen.wait_for_none("Nagatha$")
        assert process.poll() is None
        desk.tray.activate(item)
        screen.wait_for("Nagatha$")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_cleanly(
    desk: Desktop, screen: Screen, number: signal.Signals
) -> None:
    with program(desk) as process:
        screen.wait_for("Nagatha$")
        process.send_signal(number)
        assert process.wait(60) == 0


def test_without_a_display_it_says_what_is_missing(nagatha_home: Path) -> None:
    env = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    env.pop("DISPLAY", None)
    done = subprocess.run(PROGRAM, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "needs a display" in done.stderr and "xvfb-run" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_read_only_data_folder_is_said_in_the_window(
    desk: Desktop, screen: Screen, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    with program(desk, NAGATHA_HOME=str(blocked / "home")) as process:
        screen.wait_for("Nagatha$")
        assert process.poll() is None
        process.terminate()
        assert process.wait(60) == 0


def test_the_quick_window_answers_and_opens_in_chat(desk: Desktop, screen: Screen) -> None:
    with ModelServer() as server, program(desk, "--quick", **model(server)) as process:
        quick = screen.wait_for("Quick ask")
        screen.focus(quick)
        screen.type("Anything")
        screen.press("Return")
        wait_until(
            lambda: [state for state, text in answers(desk) if text] == ["complete"],
            "the answer is kept",
        )
        screen.press("ctrl+Return")
        screen.wait_for("– Nagatha$")
        screen.wait_for_none("Quick ask")
        process.terminate()
        assert process.wait(60) == 0
