"""That setting up installs what is missing, once, and says plainly what it can't do."""

import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

INSTALLER = Path(__file__).parents[3] / "installer"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="make is not used on Windows")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, working on an empty checkout in a folder with spaces."""
    spec = importlib.util.spec_from_file_location("checkout", INSTALLER / "checkout.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its own module up while it is being made.
    monkeypatch.setitem(sys.modules, "checkout", module)
    spec.loader.exec_module(module)
    place = tmp_path / "my check out"
    (place / "requirements").mkdir(parents=True)
    for name in ("run.txt", "dev.txt"):
        (place / "requirements" / name).write_text("thing==1.0\n")
    (place / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "CHECKOUT", place)
    monkeypatch.setattr(module, "VENV", place / ".venv")
    monkeypatch.setattr(module, "PYTHON", place / ".venv" / "bin" / "python")
    monkeypatch.setattr(module, "STAMP", place / ".venv" / "stamp.json")
    return module


@pytest.fixture
def asked_of_pip(checkout: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What pip was asked to install, without a package being fetched; system packages are there."""
    asked: list[str] = []

    def pip(*arguments: str) -> None:
        asked.append(arguments[-1])

    def make_venv() -> None:
        command = [sys.executable, "-m", "venv", "--without-pip", checkout.VENV]
        subprocess.run(command, check=True)
        asked.append("venv")
        library = next((checkout.VENV / "lib").iterdir()) / "site-packages"
        (library / "pip.py").touch()

    monkeypatch.setattr(checkout, "pip", pip)
    monkeypatch.setattr(checkout, "make_venv", make_venv)
    monkeypatch.setattr(checkout, "need_system_packages", lambda level, rebuilt: None)
    return asked


def test_setup_when_everything_is_there_then_nothing_is_installed(
    checkout: ModuleType, asked_of_pip: list[str]
) -> None:
    checkout.set_up("run")
    assert asked_of_pip == ["venv", "requirements/run.txt", "."]
    checkout.set_up("run")
    assert asked_of_pip == ["venv", "requirements/run.txt", "."]


def test_setup_when_a_lock_changes_then_it_alone_is_installed_again(
    checkout: ModuleType, asked_of_pip: list[str]
) -> None:
    checkout.set_up("dev")
    asked_of_pip.clear()
    (checkout.CHECKOUT / "requirements" / "dev.txt").write_text("thing==2.0\n")
    checkout.set_up("run")
    assert asked_of_pip == []
    checkout.set_up("dev")
    assert asked_of_pip == ["requirements/dev.txt", "."]


def test_setup_when_run_comes_before_dev_then_both_locks_are_installed_in_one_place(
    checkout: ModuleType, asked_of_pip: list[str]
) -> None:
    checkout.set_up("run")
    checkout.set_up("dev")
    checkout.set_up("run")
    assert asked_of_pip == ["venv", "requirements/run.txt", ".", "requirements/dev.txt", "."]


def test_setup_when_the_checkout_was_moved_then_the_environment_is_made_anew(
    checkout: ModuleType, asked_of_pip: list[str]
) -> None:
    checkout.set_up("run")
    stamp = json.loads(checkout.STAMP.read_text())
    checkout.STAMP.write_text(json.dumps(stamp | {"checkout": "/elsewhere"}))
    asked_of_pip.clear()
    checkout.set_up("run")
    assert asked_of_pip[0] == "venv"


def test_setup_when_it_was_cut_off_then_it_goes_on_the_next_time(
    checkout: ModuleType, asked_of_pip: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    works = checkout.pip

    def fails(*arguments: str) -> None:
        raise checkout.SetupError("no network")

    monkeypatch.setattr(checkout, "pip", fails)
    with pytest.raises(checkout.SetupError):
        checkout.set_up("run")
    monkeypatch.setattr(checkout, "pip", works)
    checkout.set_up("run")
    assert asked_of_pip == ["venv", "requirements/run.txt", "."]


@pytest.fixture
def fake_system(checkout: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A Debian on which xvfb is missing. Gives the apt-get calls; the machine is not touched."""
    calls: list[list[str]] = []
    everything = {package.name for package in checkout.listed_packages(("run", "look", "test"))}
    monkeypatch.setattr(checkout.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(checkout, "installed_names", lambda: everything - {"xvfb"})
    monkeypatch.setattr(checkout, "python_can_make_venvs", lambda: True)
    monkeypatch.setattr(checkout, "known_to_apt", lambda names: set(names))
    monkeypatch.setattr(checkout, "root_prefix", list)

    def apt(prefix: list[str], *arguments: str) -> int:
        calls.append([*prefix, *arguments])
        return 0

    monkeypatch.setattr(checkout, "apt", apt)
    monkeypatch.setattr(checkout.sys, "platform", "linux")
    return calls


def test_system_packages_when_one_is_missing_then_it_is_named_and_installed(
    checkout: ModuleType, fake_system: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.need_system_packages("dev", rebuilt=False)
    assert fake_system == [["update"], ["install", "-y", "--no-install-recommends", "xvfb"]]
    assert "a virtual screen" in capsys.readouterr().out


def test_system_packages_when_only_tests_need_them_then_running_does_not_ask(
    checkout: ModuleType, fake_system: list[list[str]]
) -> None:
    checkout.need_system_packages("run", rebuilt=False)
    assert fake_system == []


def test_system_packages_when_only_the_bench_needs_one_then_tests_do_not_ask(
    checkout: ModuleType, fake_system: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = {package.name for package in checkout.listed_packages(("run", "look", "test"))}
    monkeypatch.setattr(checkout, "installed_names", lambda: everything)
    checkout.need_system_packages("dev", rebuilt=False)
    assert fake_system == []
    checkout.need_system_packages("bench", rebuilt=False)
    assert [call[-1] for call in fake_system] == ["update", "rabbitmq-server"]


def test_system_packages_when_one_of_the_bench_cannot_be_had_then_it_goes_on_without(
    checkout: ModuleType,
    fake_system: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def apt(prefix: list[str], *arguments: str) -> int:
        fake_system.append(list(arguments))
        return 100 if "rabbitmq-server" in arguments else 0

    monkeypatch.setattr(checkout, "apt", apt)
    checkout.need_system_packages("bench", rebuilt=False)
    assert fake_system[-1][-1] == "xvfb"
    assert "no comparison of the bundled broker with RabbitMQ" in capsys.readouterr().out


def test_setup_when_the_bench_asks_then_the_lock_is_that_of_the_tests(
    checkout: ModuleType, asked_of_pip: list[str]
) -> None:
    checkout.set_up("bench")
    assert asked_of_pip == ["venv", "requirements/dev.txt", "."]
    checkout.set_up("dev")
    assert asked_of_pip == ["venv", "requirements/dev.txt", "."]


def test_system_packages_when_nobody_is_root_then_the_command_is_printed(
    checkout: ModuleType,
    fake_system: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(checkout, "root_prefix", lambda: None)
    checkout.need_system_packages("dev", rebuilt=False)
    assert fake_system == []
    assert "apt-get install -y xvfb" in capsys.readouterr().out


def test_system_packages_when_there_is_no_apt_then_they_are_listed_once(
    checkout: ModuleType,
    fake_system: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(checkout.shutil, "which", lambda name: None)
    checkout.need_system_packages("run", rebuilt=True)
    assert "libegl1" in capsys.readouterr().out
    checkout.need_system_packages("run", rebuilt=False)
    assert capsys.readouterr().out == ""


def test_system_packages_when_apt_fails_then_setting_up_stops_and_says_why(
    checkout: ModuleType, fake_system: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "apt", lambda prefix, *arguments: 100)
    with pytest.raises(checkout.SetupError, match="apt-get install -y xvfb"):
        checkout.need_system_packages("dev", rebuilt=False)


def test_installed_names_when_a_package_provides_another_then_both_count(
    checkout: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (
        "installed|libglib2.0-0t64|libglib2.0-0 (= 2.80.0), libglib2.0-udeb\n"
        "config-files|xvfb|\n"
    )  # fmt: skip
    done = subprocess.CompletedProcess([], 0, stdout=said)
    monkeypatch.setattr(checkout.subprocess, "run", lambda *a, **k: done)
    assert checkout.installed_names() == {"libglib2.0-0t64", "libglib2.0-0", "libglib2.0-udeb"}


def test_display_when_none_is_set_then_it_says_so(checkout: ModuleType) -> None:
    assert "DISPLAY" in checkout.display_problem({})


def test_display_when_nothing_answers_there_then_it_says_so(checkout: ModuleType) -> None:
    assert ":64321" in checkout.display_problem({"DISPLAY": ":64321"})
    assert "nonsense" in checkout.display_problem({"DISPLAY": "nonsense"})
    problem = checkout.display_problem({"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": "/none"})
    assert "compositor" in problem


def test_display_when_windows_are_painted_nowhere_then_none_is_needed(
    checkout: ModuleType,
) -> None:
    assert checkout.display_problem({"QT_QPA_PLATFORM": "offscreen"}) is None
    assert checkout.display_problem({"QT_QPA_PLATFORM": "xcb"}) is not None


def test_display_when_a_compositor_answers_then_there_is_no_problem(
    checkout: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Path(checkout.os.environ["XDG_RUNTIME_DIR"])
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(runtime / "wayland-0"))
        compositor.listen()
        environment = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(runtime)}
        assert checkout.display_problem(environment) is None


def test_run_when_there_is_no_screen_then_it_explains_and_returns_1(
    checkout: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.os.environ.pop("QT_QPA_PLATFORM")
    try:
        assert checkout.main(["run"]) == 1
    finally:
        checkout.os.environ["QT_QPA_PLATFORM"] = "offscreen"
    assert "xvfb-run -a make run" in capsys.readouterr().out


def test_find_python_when_the_first_one_does_not_run_then_the_next_is_taken(
    tmp_path: Path,
) -> None:
    names = {
        "python3": "exit 1",
        "python3.13": "exit 127",
        "python3.12": f'"{sys.executable}" "$@"',
    }
    for name, body in names.items():
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", INSTALLER / "find-python.sh"],
        env={"PATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "python3.12")


def test_find_python_when_there_is_none_then_it_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", INSTALLER / "find-python.sh"],
        env={"PATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "3.11, 3.12 or 3.13" in done.stderr


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_lock_when_read_then_everything_has_hashes_and_no_address(name: str) -> None:
    lock = (INSTALLER.parent / "requirements" / name).read_text()
    assert "://" not in lock
    pins = [block for block in lock.replace("\\\n", "").splitlines() if "==" in block]
    pins = [pin for pin in pins if not pin.lstrip().startswith("#")]
    assert pins and all("--hash=sha256:" in pin for pin in pins)


def test_locks_when_compared_then_the_tests_run_on_the_versions_people_run() -> None:
    def pins(name: str) -> set[str]:
        lock = (INSTALLER.parent / "requirements" / name).read_text()
        lines = lock.splitlines()
        return {line.split("\\")[0].split(";")[0].strip() for line in lines if line[:1].isalpha()}

    assert pins("run.txt") <= pins("dev.txt")
