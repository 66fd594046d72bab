"""The settings of the windows on disk: whatever is wrong there is told and kept, never lost."""

import json
from concurrent.futures import Future
from pathlib import Path

import pytest

from nagatha_desktop.state import NAME, WindowState, read, write


def test_a_folder_without_settings_gives_the_defaults_and_no_complaint(tmp_path: Path) -> None:
    assert read(tmp_path / "nothing") == ({}, None)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, {"theme": "dark", "told": ["tray"]})
    assert read(tmp_path) == ({"theme": "dark", "told": ["tray"]}, None)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b"\xff\xfe\x00", b"", b"[" * 100_000], ids=lambda c: repr(c[:4])
)
def test_a_file_that_cannot_be_understood_is_kept_aside_and_told(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / NAME).write_bytes(content)
    values, problem = read(tmp_path)
    assert values == {}
    assert problem is not None and "damaged" in problem.title
    (aside,) = tmp_path.iterdir()
    assert aside.name.startswith(f"{NAME}.wrong-") and aside.name in problem.remedy
    assert aside.read_bytes() == content


def test_a_wrong_value_is_named_left_out_and_the_file_is_kept(tmp_path: Path) -> None:
    content = {"theme": "purple", "close_to_tray": 1, "language": "en", "of_a_later_version": [1]}
    (tmp_path / NAME).write_text(json.dumps(content))
    values, problem = read(tmp_path)
    assert values == {"language": "en", "of_a_later_version": [1]}
    assert problem is not None
    assert "“close_to_tray”, “theme”" in problem.message and "language" not in problem.message
    (aside,) = (path for path in tmp_path.iterdir() if path.name != NAME)
    assert json.loads(aside.read_text()) == content


def test_files_kept_aside_in_the_same_second_do_not_replace_each_other(tmp_path: Path) -> None:
    for content in ("{1", "{2", "{3"):
        (tmp_path / NAME).write_text(content)
        read(tmp_path)
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["{1", "{2", "{3"]


def test_a_file_that_may_not_be_read_is_told_and_left(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    values, problem = read(tmp_path)
    assert values == {} and problem is not None and "could not be read" in problem.title
    assert (tmp_path / NAME).is_dir()


def test_keys_of_a_later_version_are_written_back(tmp_path: Path, qapp: object) -> None:
    (tmp_path / NAME).write_text('{"of_a_later_version": {"a": 1}}')
    values, _ = read(tmp_path)
    state = WindowState(tmp_path, values)

    def now(work: object) -> "Future[None]":
        assert callable(work)
        work()
        done: Future[None] = Future()
        done.set_result(None)
        return done

    state.write_with(now)
    state.set("theme", "dark")
    state.flush()
    assert json.loads((tmp_path / NAME).read_text()) == {
        "of_a_later_version": {"a": 1},
        "theme": "dark",
    }
    state.deleteLater()
