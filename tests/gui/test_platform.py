"""The operating system's corners: hand-over, autostart, displays, keys."""

import ctypes
import os
import plistlib
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nagatha_desktop.app import handed_over, listen
from nagatha_desktop.platform import displays, handover
from nagatha_desktop.platform.autostart import (
    LaunchAgent,
    RegistryRun,
    XdgAutostart,
    autostart_for,
    command_line,
    program_command,
)
from nagatha_desktop.platform.handover import NoAnswer, hand_over, spare_address
from nagatha_desktop.platform.hotkey import (
    GlobalKey,
    combination,
    keysym_of,
    unavailable_because,
    windows_key,
    x11_modifiers,
)
from nagatha_desktop.platform.single_instance import SingleInstance

linux = pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")


# -- hand-over -------------------------------------------------------------------------------


@pytest.fixture
def address(nagatha_home: Path) -> str:
    return spare_address(nagatha_home, os.environ)


@pytest.fixture
def give(address: str, qtbot: QtBot) -> Callable[[Sequence[str]], bool]:
    """Hands over as another process would: beside the event loop."""

    def run(commands: Sequence[str]) -> bool:
        results: list[bool] = []
        thread = threading.Thread(target=lambda: results.append(hand_over(address, commands)))
        thread.start()
        qtbot.waitUntil(lambda: bool(results))
        thread.join()
        return results[0]

    return run


@pytest.fixture
def instance(address: str, qapp: QApplication) -> Iterator[SingleInstance]:
    made = SingleInstance(address)
    assert made.listen()
    yield made
    made.close()
    made.deleteLater()


def test_a_later_start_hands_its_commands_over(
    instance: SingleInstance, give: Callable[[Sequence[str]], bool], qtbot: QtBot
) -> None:
    with qtbot.waitSignal(instance.commanded) as heard:
        assert give(["show chat", "toggle"])
    assert heard.args == [["show chat", "toggle"]]


def test_nobody_listening_is_no_hand_over(address: str) -> None:
    assert not hand_over(address, ["toggle"])


@linux
def test_only_this_user_may_reach_the_socket(instance: SingleInstance, address: str) -> None:
    assert stat.S_IMODE(os.stat(address).st_mode) & 0o077 == 0


@linux
def test_a_socket_that_was_left_behind_is_taken_over(address: str, qapp: QApplication) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(address)
    assert Path(address).exists() and not hand_over(address, [])
    instance = SingleInstance(address)
    assert instance.listen()
    instance.close()
    instance.deleteLater()


def test_a_second_program_sees_that_the_place_is_taken(
    instance: SingleInstance, address: str, qtbot: QtBot
) -> None:
    taken: list[tuple[bool, bool]] = []

    def try_it() -> None:
        taken.append((hand_over(address, []), True))

    thread = threading.Thread(target=try_it)
    thread.start()
    qtbot.waitUntil(lambda: bool(taken))
    thread.join()
    assert taken == [(True, True)]


@linux
def test_of_two_that_start_at_once_one_listens(
    instance: SingleInstance, address: str, give: Callable[[Sequence[str]], bool], qtbot: QtBot
) -> None:
    # It found nobody when it asked, and comes to listen when the other one does already.
    late = SingleInstance(address)
    assert not late.listen() and late.taken
    with qtbot.waitSignal(instance.commanded) as heard:
        assert give(["show chat"])
    assert heard.args == [["show chat"]]
    instance.close()
    assert late.listen()
    late.close()
    late.deleteLater()


@linux
def test_a_program_that_does_not_answer_is_said_and_not_replaced(
    address: str,
    qapp: QApplication,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(handover, "ANSWER_WITHIN", 0.05)
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(address)
        hung.listen()
        inode = os.stat(address).st_ino
        with pytest.raises(NoAnswer):
            hand_over(address, ["toggle"])
        instance = SingleInstance(address)
        assert not instance.listen() and instance.taken
        assert listen([address]) is None  # one of an older version, which locks nothing
        assert handed_over([address], ["toggle"]) == 1
        assert "does not answer" in capsys.readouterr().err
        assert os.stat(address).st_ino == inode
        instance.deleteLater()


@linux
def test_nonsense_on_the_socket_is_answered_and_does_nothing(
    instance: SingleInstance, address: str, qtbot: QtBot
) -> None:
    heard: list[object] = []
    replies: list[bytes] = []
    instance.commanded.connect(heard.append)

    def talk(line: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(60)
            link.connect(address)
            link.sendall(line)
            try:
                replies.append(link.recv(100))
            except ConnectionResetError:
                replies.append(b"")

    for line in (b"nonsense\n", b'{"commands": [1]}\n', b'{"commands": "x"}\n', b"x" * 200_000):
        thread = threading.Thread(target=talk, args=(line,))
        thread.start()
        count = len(replies)
        qtbot.waitUntil(lambda count=count: len(replies) > count)  # type: ignore[misc]
        thread.join()
    assert heard == []
    assert replies[:3] == [b"what\n"] * 3


@linux
def test_a_folder_that_others_may_write_to_is_not_trusted(
    tmp_path: Path, qapp: QApplication
) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    instance = SingleInstance(str(open_folder / "socket"))
    assert not instance.listen()
    instance.deleteLater()


def test_another_data_folder_has_another_address(tmp_path: Path) -> None:
    one, two = (spare_address(tmp_path / name, os.environ) for name in ("one", "two"))
    assert one != two
    assert one == spare_address(tmp_path / "x" / ".." / "one", os.environ)
    bare = spare_address(tmp_path / ("long" * 60), {})
    assert len(bare) < 100


# -- autostart --------------------------------------------------------------------------------


def test_an_autostart_entry_is_written_and_taken_back(tmp_path: Path) -> None:
    entry = XdgAutostart({"XDG_CONFIG_HOME": str(tmp_path / "config")})
    assert not entry.enabled
    entry.enable(["/opt/my programs/nagatha", "--hidden", 'odd"$`\\%'])
    assert entry.enabled
    text = entry.path.read_text()
    assert 'Exec="/opt/my programs/nagatha" --hidden "odd\\\\"\\\\$\\\\`\\\\\\\\%%"' in text
    entry.path.write_text(text + "Hidden=true\n")
    assert not entry.enabled
    entry.path.write_bytes(b"Name=Assistant\xe9\n")
    assert entry.enabled
    entry.disable()
    entry.disable()
    assert not entry.path.exists()


def test_the_launch_agent_names_the_command(tmp_path: Path) -> None:
    agent = LaunchAgent(tmp_path)
    assert not agent.enabled
    agent.enable(["/Applications/Nagatha", "--hidden"])
    assert agent.enabled
    written = plistlib.loads(agent.path.read_bytes())
    assert written["ProgramArguments"] == ["/Applications/Nagatha", "--hidden"]
    assert written["RunAtLoad"] is True
    agent.disable()
    assert not agent.enabled


class Keys:
    """The registry, in a dictionary."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def read(self, name: str) -> str | None:
        return self.values.get(name)

    def write(self, name: str, value: str) -> None:
        self.values[name] = value

    def remove(self, name: str) -> None:
        self.values.pop(name, None)


def test_the_registry_holds_the_quoted_command() -> None:
    keys = Keys()
    entry = RegistryRun(keys)
    entry.enable([r"C:\Program Files\Nagatha\nagatha.exe", "--hidden"])
    assert entry.enabled
    assert list(keys.values.values()) == [r'"C:\Program Files\Nagatha\nagatha.exe" "--hidden"']
    entry.disable()
    assert not entry.enabled


def test_each_system_has_its_own_way(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    assert isinstance(autostart_for(environ, "linux"), XdgAutostart)
    assert isinstance(autostart_for(environ, "darwin"), LaunchAgent)


def test_the_command_starts_this_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert program_command({}) == (sys.executable, "-m", "nagatha_desktop", "--hidden")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert program_command({}, hidden=False) == (sys.executable,)
    assert command_line(["/a b/c", "--quick"]) == "'/a b/c' --quick"


@linux
def test_the_command_names_the_data_folder_that_was_moved(tmp_path: Path) -> None:
    home = tmp_path / "my data"
    command = program_command({"NAGATHA_HOME": f" {home} "}, hidden=False)
    asks = "import os; print(os.environ['NAGATHA_HOME'])"
    told = subprocess.run(
        [*command[: -len(("-m", "nagatha_desktop"))], "-c", asks],
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.strip() == str(home)
    assert command[-2:] == ("-m", "nagatha_desktop")


# -- displays ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ",
    [{"QT_QPA_PLATFORM": "offscreen"}, {"WAYLAND_DISPLAY": "wayland-0"}],
)
def test_a_display_of_another_kind_is_enough(environ: dict[str, str]) -> None:
    assert displays.missing_display(environ, "linux") is None


def test_no_display_is_said_with_what_to_do() -> None:
    said = displays.missing_display({}, "linux")
    assert said is not None and "DISPLAY" in said and "xvfb-run" in said
    assert displays.missing_display({}, "darwin") is None


@linux
def test_a_display_that_does_not_answer_is_said() -> None:
    said = displays.missing_display({"DISPLAY": ":63999"}, "linux")
    assert said is not None and "nothing answers at DISPLAY=:63999" in said
    assert not displays.reachable("127.0.0.1:59999")
    assert not displays.reachable("nonsense")


@linux
def test_a_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    load = ctypes.CDLL

    def without_cursor(name: str, mode: int = 0) -> object:
        if "cursor" in name:
            raise OSError("no such file")
        return load(name, mode)

    monkeypatch.setattr(ctypes, "CDLL", without_cursor)
    monkeypatch.setattr(displays, "reachable", lambda display: True)
    said = displays.missing_display({"DISPLAY": ":0"}, "linux")
    assert said is not None and "apt-get install libxcb-cursor0" in said


# -- the key that works everywhere -------------------------------------------------------------


def test_where_no_key_can_be_had_it_says_why() -> None:
    assert unavailable_because({"DISPLAY": ":0"}, "linux") is None
    assert unavailable_because({}, "win32") is None
    assert "Wayland" in (unavailable_because({"WAYLAND_DISPLAY": "w"}, "linux") or "")
    assert "macOS" in (unavailable_because({}, "darwin") or "")
    assert "display" in (unavailable_because({}, "linux") or "")


def test_a_key_is_translated_for_each_system() -> None:
    key = combination("Ctrl+Alt+Space")
    assert key is not None
    assert x11_modifiers(key.keyboardModifiers()) == 0b1100
    assert keysym_of(key.key()) == 0x20
    assert windows_key(key) == (0x4003, 0x20)
    assert combination("Ctrl+K, Ctrl+C") is None
    assert combination("") is None
    assert keysym_of(Qt.Key.Key_N) == ord("n")
    assert keysym_of(Qt.Key.Key_F5) == 0xFFC2
    assert keysym_of(Qt.Key.Key_Home) == 0xFF50
    f12 = combination("Meta+Shift+F12")
    assert f12 is not None and windows_key(f12) == (0x400C, 0x7B)
    assert x11_modifiers(f12.keyboardModifiers()) == 0b1000001


def test_a_key_that_cannot_be_had_is_refused_with_the_reason(qtbot: QtBot) -> None:
    key = GlobalKey({"WAYLAND_DISPLAY": "wayland-0"})
    with qtbot.waitSignal(key.refused) as told:
        key.set_key("Ctrl+Alt+Space")
    assert told.args is not None and "Wayland" in told.args[0]
    key.set_key("")
    key = GlobalKey({"DISPLAY": ":63999"})
    with qtbot.waitSignal(key.refused) as told:
        key.set_key("Ctrl+Alt+Space")
    assert told.args is not None and "does not answer" in told.args[0]
    key.release()
