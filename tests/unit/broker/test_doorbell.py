"""Waking threads of this process and of others."""

import errno
import socket
import threading
from typing import cast

import psutil
import pytest

from tests.support.processes import posix_only
from worker.broker.doorbell import LOOPBACK, Doorbell, Topic


def test_waiting_ends_at_once_when_it_was_notified_since() -> None:
    topic = Topic()
    seq = topic.seq
    topic.notify()
    assert topic.wait(seq, 5)


def test_waiting_ends_when_another_thread_notifies() -> None:
    topic = Topic()
    seq = topic.seq
    thread = threading.Thread(target=topic.notify)
    thread.start()
    assert topic.wait(seq, 60)
    thread.join()


def test_waiting_ends_without_success_when_the_time_is_over() -> None:
    topic = Topic()
    assert not topic.wait(topic.seq, 0.01)


def test_ring_reaches_the_other_bell_with_its_topic() -> None:
    heard: list[int] = []
    topic = Topic()

    def hear(number: int) -> None:
        heard.append(number)
        topic.notify()

    bell, caller = Doorbell("nagatha-bell-test", hear), Doorbell("unused", lambda _: None)
    port = bell.listen()
    seq = topic.seq
    caller.ring([port], 2)
    assert topic.wait(seq, 60)
    assert heard == [2]
    caller.close()
    bell.close()


def test_closed_bell_leaves_no_thread_and_may_be_closed_again() -> None:
    name = "nagatha-bell-closed"
    bell = Doorbell(name, lambda _: None)
    port = bell.listen()
    assert (threads(name), port in ports()) == (1, True)
    bell.close()
    bell.close()
    assert (threads(name), port in ports()) == (0, False)


def threads(name: str) -> int:
    return [thread.name for thread in threading.enumerate()].count(name)


def ports() -> list[int]:
    """Those that this process listens on for a byte."""
    return [there.laddr.port for there in psutil.Process().net_connections("udp4") if there.laddr]


def test_strangers_cannot_stop_the_bell() -> None:
    heard = threading.Event()
    bell = Doorbell("nagatha-bell-test", lambda _: heard.set())
    port = bell.listen()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for data in (b"\0", b"", b"\x01"):
            stranger.sendto(data, (LOOPBACK, port))
    assert heard.wait(60)
    bell.close()


def test_ringing_at_a_port_where_nobody_is_does_no_harm() -> None:
    bell = Doorbell("nagatha-bell-test", lambda _: None)
    for _ in range(3):
        bell.ring([9], 1)
    bell.close()


def test_bell_listens_on_when_the_system_tells_that_a_peers_port_was_closed() -> None:
    """Windows answers a send to such a port with an error of the next receive."""
    heard: list[int] = []

    class Windows:
        came = [ConnectionResetError(10054, "reset"), b"\x02", OSError("closed")]
        closed = False

        def getsockname(self) -> tuple[str, int]:
            return (LOOPBACK, 5)

        def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
            what = self.came.pop(0)
            if isinstance(what, bytes):
                return what, (LOOPBACK, 6)
            self.closed = not self.came
            raise what

        def fileno(self) -> int:
            return -1 if self.closed else 3

    Doorbell("unused", heard.append)._run(cast(socket.socket, Windows()))
    assert heard == [2]


def test_system_without_loopback_gives_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.broker.doorbell.LOOPBACK", "192.0.2.1")  # no address of ours
    bell = Doorbell("nagatha-bell-test", lambda _: None)
    assert bell.listen() == 0
    bell.close()


@posix_only
def test_bell_that_is_rung_after_its_end_opens_nothing() -> None:
    def files() -> int:
        return psutil.Process().num_fds()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        bell = Doorbell("bell", lambda topic: None)
        bell.close()
        before = files()
        bell.ring([other.getsockname()[1]], 1)
        assert files() == before


def test_bell_for_which_there_is_no_thread_leaves_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    bell = Doorbell("nagatha-bell-test", lambda _: None)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert bell.listen() == 0
    assert bell.listen() > 0
    bell.close()


@posix_only
def test_bell_with_as_many_files_open_as_may_be_is_silent_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    bell = Doorbell("nagatha-bell-test", lambda _: None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        other.settimeout(60)
        port = other.getsockname()[1]
        with monkeypatch.context() as patch:
            patch.setattr("worker.broker.doorbell.socket.socket", refuse)
            assert bell.listen() == 0
            bell.ring([port], 1)
        bell.ring([port], 2)
        assert other.recv(8) == b"\x02"
    bell.close()
