"""A disk that is full, a folder that cannot be written: told as such, nothing half-written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.storages import (
    NOW,
    Blocking,
    a_chat,
    a_question,
    a_run,
    an_answer,
    chain,
    sqlite_in,
)
from worker.contract.errors import NotFound, StorageError

ME = "me"


def _mount(*words: str) -> bool:
    """Whether mounting worked: it needs root, and a kernel that lets root do it."""
    try:
        done = subprocess.run(["mount", *words], capture_output=True, timeout=60)
    except FileNotFoundError:
        return False
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not _mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)):
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=60)


def fill(folder: Path) -> Path:
    """Leave no room on the disk of `folder`."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return ballast


def begin(storage: Blocking, number: int, text: str) -> None:
    storage.begin_answer(
        ME,
        question=a_question(f"q{number}", f"c{number}", text=text),
        answer=an_answer(f"a{number}", f"q{number}", chat=f"c{number}"),
        run=a_run(f"r{number}"),
        process="p1",
        chat=a_chat(f"c{number}"),
    )


def begin_until_full(storage: Blocking) -> int:
    """How many answers were begun before the disk was full."""
    for number in range(1000):
        try:
            begin(storage, number, "x y z " * 5000)
        except StorageError as error:
            assert error.kind == "disk_full", error
            return number
    raise AssertionError("the disk never was full")


def test_a_full_disk_is_told_and_nothing_is_half_written(small_disk: Path) -> None:
    with sqlite_in(small_disk) as storage:
        begun = begin_until_full(storage)
        assert begun > 0
        assert storage.statistics().chats == begun
        for call in (
            lambda: storage.get_chat(ME, f"c{begun}"),
            lambda: storage.get_message(ME, f"q{begun}"),
            lambda: storage.get_run(ME, f"r{begun}"),
        ):
            with pytest.raises(NotFound):
                call()
        assert storage.get_message(ME, f"q{begun - 1}").text == "x y z " * 5000


def test_once_there_is_room_again_everything_works_again(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(600_000))
    with sqlite_in(small_disk) as storage:
        begun = begin_until_full(storage)
        ballast.unlink()
        begin(storage, begun, "there is room again")
        storage.append_text(ME, f"a{begun}", 0, "yes")
        assert storage.get_message(ME, f"a{begun}").text == "yes"
    with sqlite_in(small_disk) as storage:
        assert storage.statistics().chats == begun + 1


def test_a_piece_of_an_answer_that_found_no_room_can_be_sent_again(small_disk: Path) -> None:
    with sqlite_in(small_disk) as storage:
        begin(storage, 0, "short")
        text = ""
        ballast = fill(small_disk)
        with pytest.raises(StorageError) as caught:
            while True:
                storage.append_text(ME, "a0", len(text), "word " * 400)
                text += "word " * 400
        assert caught.value.kind == "disk_full"
        assert storage.get_message(ME, "a0").text == text
        ballast.unlink()
        storage.append_text(ME, "a0", len(text), "word " * 400)
        assert storage.get_message(ME, "a0").text == text + "word " * 400


def test_a_copy_that_finds_no_room_leaves_nothing_behind(small_disk: Path) -> None:
    with sqlite_in(small_disk) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 500), {})
        fill(small_disk)
        with pytest.raises(StorageError) as caught:
            storage.back_up("daily", NOW)
        assert caught.value.kind == "disk_full"
        assert storage.backups() == ()
        assert os.listdir(small_disk / "backups") == []
        assert storage.get_chat(ME, "chat").messages == 500


def test_a_new_database_that_finds_no_room_is_told_as_a_full_disk(small_disk: Path) -> None:
    ballast = fill(small_disk)
    with pytest.raises(StorageError) as caught, sqlite_in(small_disk):
        pass
    assert caught.value.kind == "disk_full"
    ballast.unlink()
    with sqlite_in(small_disk) as storage:
        assert storage.statistics().chats == 0


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder with a database on a disk that is read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with sqlite_in(folder) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 3), {})
    if not _mount("--bind", str(folder), str(folder)):
        pytest.skip("mounting is not permitted here")
    try:
        if not _mount("-o", "remount,bind,ro", str(folder)):
            pytest.skip("mounting read-only is not permitted here")
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=60)


def test_a_read_only_disk_is_told_when_opening(unwritable: Path) -> None:
    with pytest.raises(StorageError) as caught, sqlite_in(unwritable):
        pass
    assert caught.value.kind == "read_only"
    assert "NAGATHA_HOME" in caught.value.problem.remedy


def test_a_missing_database_on_a_read_only_disk_is_told_the_same(unwritable: Path) -> None:
    for folder in (unwritable / "backups", unwritable / "new"):
        with pytest.raises(StorageError) as caught, sqlite_in(folder):
            pass
        assert caught.value.kind == "read_only"


def _python_is_for_everybody() -> bool:
    """Whether a person without rights may read the interpreter that runs the tests."""
    places = (Path(sys.executable).resolve(), Path(sys.base_prefix), Path(__file__))
    return all(folder.stat().st_mode & 0o001 for place in places for folder in place.parents)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are different on Windows")
@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0 and not _python_is_for_everybody(),
    reason="rights do not bind root, and this Python cannot be run as anybody else",
)
def test_a_folder_without_the_right_to_write_is_told_as_read_only(tmp_path: Path) -> None:
    with sqlite_in(tmp_path / "data") as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 3), {})
    for found in (tmp_path, *tmp_path.parents[:-1]):
        if found.stat().st_uid == os.geteuid() and not found.stat().st_mode & 0o001:
            found.chmod(found.stat().st_mode | 0o055)
    (tmp_path / "data").chmod(0o555)
    (tmp_path / "data" / "nagatha.db").chmod(0o444)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.support.storages import sqlite_in\n"
        "from worker.contract.errors import StorageError\n"
        "if os.geteuid() == 0:\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"  # rights do not bind root
        "try:\n"
        "    with sqlite_in(Path(sys.argv[1])):\n"
        "        print('opened')\n"
        "except StorageError as error:\n"
        "    print(error.kind)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "read_only\n", done.stderr
