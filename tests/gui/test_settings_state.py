"""The settings of the windows on disk: whatever is wrong there is told and kept, never lost."""

import errno
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop import state as module
from nagatha_desktop.app import LocalBackend
from nagatha_desktop.state import NAME, WindowState, read, write
from worker.paths import Paths


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder."""
    made = tmp_path / "data"
    made.mkdir()
    return made


def test_a_folder_without_settings_gives_the_defaults_and_no_complaint(folder: Path) -> None:
    assert read(folder / "nothing") == ({}, None)


def test_what_was_written_is_read_again(folder: Path) -> None:
    write(folder, {"theme": "dark", "told": ["tray"]})
    assert read(folder) == ({"theme": "dark", "told": ["tray"]}, None)
    assert [path.name for path in folder.iterdir()] == [NAME]


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b"\xff\xfe\x00", b"", b"[" * 100_000], ids=lambda c: repr(c[:4])
)
def test_a_file_that_cannot_be_understood_is_kept_aside_and_told(
    folder: Path, content: bytes
) -> None:
    (folder / NAME).write_bytes(content)
    values, problem = read(folder)
    assert values == {}
    assert problem is not None and "damaged" in problem.title
    (aside,) = folder.iterdir()
    assert aside.name.startswith(f"{NAME}.wrong-") and aside.name in problem.remedy
    assert aside.read_bytes() == content


def test_a_wrong_value_is_named_left_out_and_the_file_is_kept(folder: Path) -> None:
    content = {"theme": "purple", "close_to_tray": 1, "language": "en", "of_a_later_version": [1]}
    (folder / NAME).write_text(json.dumps(content))
    values, problem = read(folder)
    assert values == {"language": "en", "of_a_later_version": [1]}
    assert problem is not None
    assert "“close_to_tray”, “theme”" in problem.message and "language" not in problem.message
    (aside,) = (path for path in folder.iterdir() if path.name != NAME)
    assert json.loads(aside.read_text()) == content


def test_files_kept_aside_in_the_same_second_do_not_replace_each_other(folder: Path) -> None:
    for content in ("{1", "{2", "{3"):
        (folder / NAME).write_text(content)
        read(folder)
    assert sorted(path.read_text() for path in folder.iterdir()) == ["{1", "{2", "{3"]


def test_a_file_that_may_not_be_read_is_told_and_left(folder: Path) -> None:
    (folder / NAME).mkdir()
    values, problem = read(folder)
    assert values == {} and problem is not None and "could not be read" in problem.title
    assert (folder / NAME).is_dir()


@pytest.mark.parametrize("what", ["folder", "forbidden"])
def test_what_could_not_be_read_is_kept_aside_before_the_settings_are_written(
    folder: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = folder / NAME, folder / NAME
    if what == "folder":
        path.mkdir()
        kept = path / "inside"
    kept.write_text("something")
    with monkeypatch.context() as patch:
        if what == "forbidden":  # root may read whatever it is

            def refuse(*_: object, **__: object) -> None:
                raise PermissionError(errno.EACCES, "Permission denied")

            patch.setattr(Path, "open", refuse)
        values, problem = read(folder)
        assert values == {} and problem is not None and "another name" in problem.remedy
        write(folder, {"theme": "dark"})
    assert json.loads(path.read_text()) == {"theme": "dark"}
    (aside,) = (one for one in folder.iterdir() if one.name != NAME)
    assert aside.name.startswith(f"{NAME}.wrong-")
    assert (aside / "inside" if what == "folder" else aside).read_text() == "something"


@pytest.fixture
def make(folder: Path, qapp: object) -> Iterator[Callable[..., WindowState]]:
    """Makes the values in memory, for the test's folder."""
    made: list[WindowState] = []

    def state(values: dict[str, module.Json] | None = None) -> WindowState:
        made.append(WindowState(folder, values))
        return made[-1]

    yield state
    for one in made:
        one.deleteLater()


def at_once(work: Callable[[], None]) -> "Future[None]":
    work()
    done: Future[None] = Future()
    done.set_result(None)
    return done


def test_keys_of_a_later_version_are_written_back(
    folder: Path, make: Callable[..., WindowState]
) -> None:
    (folder / NAME).write_text('{"of_a_later_version": {"a": 1}}')
    state = make(read(folder)[0])
    state.write_with(at_once)
    state.set("theme", "dark")
    state.flush()
    assert json.loads((folder / NAME).read_text()) == {
        "of_a_later_version": {"a": 1},
        "theme": "dark",
    }


def test_an_older_state_that_is_written_late_does_not_replace_a_newer_one(
    folder: Path, make: Callable[..., WindowState], qtbot: QtBot
) -> None:
    work: list[Callable[[], None]] = []
    state = make()
    state.write_with(lambda job: work.append(job) or Future())  # type: ignore[func-returns-value]
    state.set("new_chat_draft", "half")
    qtbot.waitUntil(lambda: len(work) == 1)
    state.set("new_chat_draft", "half a thought")
    state.flush()
    older, newer = work
    newer()
    older()
    assert read(folder)[0] == {"new_chat_draft": "half a thought"}


def test_what_cannot_be_written_is_written_once_that_works_again(
    folder: Path,
    make: Callable[..., WindowState],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    qtbot: QtBot,
) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER", 10)
    folder.rmdir()
    folder.write_text("no folder")
    state = make({"told": ["tray"]})
    tries: list[object] = []
    state.write_with(lambda job: tries.append(job) or at_once(job))  # type: ignore[func-returns-value]
    qtbot.waitUntil(lambda: len(tries) > 2)
    folder.unlink()
    qtbot.waitUntil(lambda: read(folder)[0] == {"told": ["tray"]})
    said = [one.getMessage() for one in caplog.records if one.name == module.log.name]
    assert len(said) == 1 and "cannot be written" in said[0]


def test_the_program_writes_before_its_engine_is_there_and_until_its_end(tmp_path: Path) -> None:
    backend = LocalBackend(Paths.find({"NAGATHA_HOME": str(tmp_path)}))
    written = backend.aside(lambda: (tmp_path / "early").touch())
    assert written is not None
    written.result(30)
    assert (tmp_path / "early").exists()
    go_on, ended = threading.Event(), threading.Event()

    def slowly() -> None:
        assert go_on.wait(60)
        (tmp_path / "last").touch()

    assert backend.aside(slowly) is not None
    backend.end(ended.set)
    go_on.set()
    assert ended.wait(60)
    assert (tmp_path / "last").exists()
    assert backend.aside(lambda: None) is None
