"""The settings of the windows on disk: whatever is wrong there is told and kept, never lost."""

import json
from concurrent.futures import Future
from pathlib import Path

import pytest

from nagatha_desktop.state import NAME, WindowState, read, write


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


def test_keys_of_a_later_version_are_written_back(folder: Path, qapp: object) -> None:
    (folder / NAME).write_text('{"of_a_later_version": {"a": 1}}')
    values, _ = read(folder)
    state = WindowState(folder, values)

    def now(work: object) -> "Future[None]":
        assert callable(work)
        work()
        done: Future[None] = Future()
        done.set_result(None)
        return done

    state.write_with(now)
    state.set("theme", "dark")
    state.flush()
    assert json.loads((folder / NAME).read_text()) == {
        "of_a_later_version": {"a": 1},
        "theme": "dark",
    }
    state.deleteLater()
