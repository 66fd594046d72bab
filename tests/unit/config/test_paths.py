"""Where the program's folders are."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from worker.paths import SOCKET_LENGTH, Paths


def test_nagatha_home_moves_everything_under_one_folder(tmp_path: Path) -> None:
    paths = Paths.find({"NAGATHA_HOME": str(tmp_path / "all of it")})
    paths.make()
    places = (
        paths.home, paths.config, paths.logs, paths.runtime, paths.database, paths.queue,
        paths.backups, paths.modules, paths.locks, paths.doorbells, paths.key_index,
        paths.key_file, paths.socket("s"),
    )  # fmt: skip
    assert paths.home == tmp_path / "all of it"
    assert all(place.is_relative_to(paths.home) for place in places)
    assert len(set(places)) == len(places)


def test_a_relative_home_does_not_move_with_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = Paths.find({"NAGATHA_HOME": "here"})
    monkeypatch.chdir("/")
    assert paths.home == tmp_path / "here"


def test_new_folders_are_private_and_old_ones_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home2"
    home.mkdir()
    home.chmod(0o755)
    paths = Paths.under(home)
    paths.make()
    paths.make()
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    for folder in (paths.backups, paths.logs, paths.locks, paths.runtime, paths.modules):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_without_nagatha_home_the_platforms_folders_are_used() -> None:
    paths = Paths.find({"XDG_RUNTIME_DIR": "/run/user/9"})
    assert paths.home.is_relative_to(Path.home())
    assert paths.config.is_relative_to(Path.home())
    assert paths.config.name == "config.yaml"
    assert paths.runtime == Path("/run/user/9/nagatha-desktop")
    assert Paths.find({}).runtime == paths.home / "run"


def test_the_published_folder_holds_the_configuration_where_it_exists() -> None:
    usual = Paths.find({}).config
    published = Path.home() / ".nagatha"
    published.mkdir()
    assert Paths.find({}).config == published / "config.yaml"
    assert Paths.find({}).home == Paths.find({}).home
    usual.parent.mkdir(parents=True)
    usual.write_text("")
    assert Paths.find({}).config == usual
    (published / "config.yaml").write_text("")
    assert Paths.find({}).config == published / "config.yaml"


def test_a_socket_of_a_deep_folder_gets_a_short_address(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    runtime = os.environ["XDG_RUNTIME_DIR"]
    first = Paths.under(deep).socket("nagatha.sock")
    assert len(os.fsencode(first)) <= SOCKET_LENGTH
    assert first.is_relative_to(runtime)
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    assert first == Paths.under(deep).socket("nagatha.sock")
    assert first != Paths.under(tmp_path / ("e" * 120)).socket("nagatha.sock")


def test_a_short_socket_folder_of_someone_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = Paths.under(tmp_path / ("d" * 120))
    short = deep.socket("s").parent
    short.rmdir()
    short.symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="someone else"):
        deep.socket("s")
    short.unlink()
    short.mkdir(mode=0o755)
    short.chmod(0o777)
    deep.socket("s")
    assert stat.S_IMODE(short.stat().st_mode) == 0o700


def test_without_a_short_folder_the_socket_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / ("t" * 120)))
    with pytest.raises(OSError, match="short enough"):
        Paths.under(tmp_path / ("d" * 120)).socket("s", {})
