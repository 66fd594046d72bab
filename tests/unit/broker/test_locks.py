"""Locks that show whether a process lives."""

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from tests.support.processes import kill, posix_only, started, wait_until
from worker.broker.locks import HeldLock, PeerLocks, PosixLocker, WindowsLocker

HOLD = """
import sys, time
from pathlib import Path
from worker.broker.locks import PeerLocks
held = PeerLocks(Path(sys.argv[1])).hold("other")
Path(sys.argv[2]).touch()
time.sleep(60)
"""


class FakeMsvcrt:
    """Locks like Windows: a region of a file once, whoever asks."""

    LK_NBLCK = 2

    def __init__(self, busy: int = 0) -> None:
        self.busy = busy
        self.calls: list[tuple[int, int]] = []

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        self.calls.append((mode, count))
        if self.busy:
            self.busy -= 1
            raise OSError(errno.EACCES, "locked")


@pytest.fixture
def locks(tmp_path: Path) -> PeerLocks:
    return PeerLocks(tmp_path / "peers")


def test_peer_lives_while_its_lock_is_held_and_is_gone_afterwards(locks: PeerLocks) -> None:
    held = locks.hold("me")
    assert not locks.is_gone("me")
    assert locks.living() == locks.known() == ["me"]
    held.release()
    assert locks.is_gone("me")
    assert locks.living() == []
    locks.forget("me")
    assert locks.known() == []


def test_releasing_with_remove_leaves_no_file_and_may_be_repeated(locks: PeerLocks) -> None:
    held = locks.hold("me")
    held.release(remove=True)
    held.release(remove=True)
    assert locks.known() == []
    assert locks.is_gone("me")


def test_process_that_is_killed_is_gone_at_once(locks: PeerLocks, tmp_path: Path) -> None:
    sign = tmp_path / "ready"
    command = [sys.executable, "-c", HOLD, str(locks.folder), str(sign)]
    with started(command, cwd=Path(__file__).parents[3]) as process:
        wait_until(sign.exists, "the other process holds its lock")
        assert not locks.is_gone("other")
        kill(process)
        assert locks.is_gone("other")


def test_lock_of_another_cannot_be_held_twice(locks: PeerLocks) -> None:
    held = locks.hold("me")
    with pytest.raises(FileExistsError):
        locks.hold("me")
    held.release()


@posix_only
def test_folder_and_files_are_private(locks: PeerLocks) -> None:
    held = locks.hold("me")
    assert locks.folder.stat().st_mode & 0o777 == 0o700
    assert (locks.folder / "me.lock").stat().st_mode & 0o777 == 0o600
    held.release()


def test_file_that_may_not_be_looked_at_counts_as_living(
    locks: PeerLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*args: object) -> int:
        raise PermissionError

    locks.folder.mkdir()
    monkeypatch.setattr(os, "open", forbidden)
    assert not locks.is_gone("other")


def test_only_one_thread_opens_at_a_time(locks: PeerLocks) -> None:
    inside: list[str] = []
    begun = threading.Event()

    def second() -> None:
        begun.set()
        with locks.opening():
            inside.append("second")

    with locks.opening():
        thread = threading.Thread(target=second)
        thread.start()
        begun.wait(60)
        inside.append("first")
    thread.join(60)
    assert inside == ["first", "second"]


def test_posix_locker_passes_on_errors_that_are_no_conflict() -> None:
    class Broken:
        LOCK_EX, LOCK_NB = 2, 4

        def flock(self, descriptor: int, operation: int) -> None:
            raise OSError(errno.ENOLCK, "no locks")

    with pytest.raises(OSError, match="no locks"):
        PosixLocker(Broken()).lock(0, wait=False)


def test_windows_locker_locks_the_first_byte(tmp_path: Path) -> None:
    fake = FakeMsvcrt()
    held = PeerLocks(tmp_path / "peers", WindowsLocker(fake)).hold("me")
    assert fake.calls == [(2, 1)]
    held.release()


def test_windows_locker_reports_a_conflict_or_waits_for_its_end(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        assert not WindowsLocker(FakeMsvcrt(busy=1)).lock(file.fileno(), wait=False)
        assert WindowsLocker(FakeMsvcrt(busy=2)).lock(file.fileno(), wait=True)
        with pytest.raises(OSError, match="locked"):
            WindowsLocker(FakeMsvcrt(busy=99), patience=0.03).lock(file.fileno(), wait=True)


def test_windows_deletes_a_lock_file_only_after_closing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.lock"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    order: list[str] = []
    close, unlink = os.close, Path.unlink

    def closing(number: int) -> None:
        order.append("close")
        close(number)

    def unlinking(self: Path, missing_ok: bool = False) -> None:
        order.append("unlink")
        unlink(self, missing_ok)

    held = HeldLock(descriptor, path)
    with monkeypatch.context() as patch:
        patch.setattr("worker.broker.locks.os.close", closing)
        patch.setattr(Path, "unlink", unlinking)
        patch.setattr("worker.broker.locks.os.name", "nt")
        held.release(remove=True)
    assert order == ["close", "unlink"]
