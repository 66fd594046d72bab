"""A process's share of a file: lifetime, waking, recovery, fork."""

import os
import sqlite3
import sys
import threading
from collections import deque
from pathlib import Path

import pytest

from tests.support.processes import kill, posix_only, started, wait_until
from worker.broker import schema
from worker.broker.errors import (
    BrokerError,
    BrokerGone,
    BrokerNetworkShare,
    BrokerNewerFile,
    BrokerTooLarge,
)
from worker.broker.node import DONE, WORK, Node, Register, used
from worker.broker.store import NewMessage

ROOT = Path(__file__).parents[3]
CLAIM = """
import sys, time
from pathlib import Path
from worker.broker.node import Node
node = Node(Path(sys.argv[1]))
assert node.messages.claim("q", 3, node.id, "channel")
Path(sys.argv[2]).touch()
time.sleep(60)
"""
PUBLISH = """
import sys
from pathlib import Path
from worker.broker.node import WORK, Node
from worker.broker.store import NewMessage
node = Node(Path(sys.argv[1]))
node.messages.publish([NewMessage("q", "from afar")])
node.ring(WORK)
node.close()
"""


def test_closed_node_leaves_no_lock_no_peer_and_no_thread(path: Path) -> None:
    threads = set(threading.enumerate())
    node = Node(path)
    node.topic(WORK)
    node.topic(DONE)
    assert node.usable
    node.close()
    node.close()
    assert not node.usable
    assert set(threading.enumerate()) <= threads
    assert [file.name for file in path.with_name("queue.db.peers").iterdir()] == ["open.lock"]
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM peer").fetchone() == (0,)
    db.close()


def test_closed_node_refuses_work(path: Path) -> None:
    node = Node(path)
    node.close()
    with pytest.raises(BrokerGone):
        node.messages.publish([NewMessage("q", "x")])
    with pytest.raises(BrokerGone):
        node.topic(WORK)


def test_closing_gives_back_what_was_claimed(path: Path) -> None:
    node = Node(path)
    node.messages.publish([NewMessage("q", "x")])
    node.messages.claim("q", 1, node.id, "one")
    node.close()
    after = Node(path)
    assert after.messages.count("q") == 1
    after.close()


def test_ring_of_another_process_wakes_who_waits(node: Node, path: Path) -> None:
    work = node.topic(WORK)
    seq = work.seq
    with started([sys.executable, "-c", PUBLISH, str(path)], cwd=ROOT) as process:
        assert work.wait(seq, 60)
        assert process.wait(60) == 0
    assert [claimed.payload for claimed in node.messages.claim("q", 5, node.id, "c")] == [
        "from afar"
    ]


def test_topics_are_woken_separately(node: Node) -> None:
    work, done = node.topic(WORK), node.topic(DONE)
    before = (work.seq, done.seq)
    node.ring(DONE)
    assert (work.seq, done.seq) == (before[0], before[1] + 1)


def test_messages_of_a_killed_process_come_back(
    node: Node, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.broker.node._LOOK_FOR_DEAD", 3600.0)
    node.messages.publish([NewMessage("q", str(number)) for number in range(3)])
    sign = tmp_path / "claimed"
    with started([sys.executable, "-c", CLAIM, str(path), str(sign)], cwd=ROOT) as process:
        wait_until(sign.exists, "the other process has the messages")
        assert node.recover(force=True) == 0
        assert node.messages.count("q") == 0
        kill(process)
    assert node.recover() == 0  # it has just looked
    assert node.recover(force=True) == 1
    back = node.messages.claim("q", 5, node.id, "c")
    assert [claimed.payload for claimed in back] == ["0", "1", "2"]
    assert all(claimed.redelivered for claimed in back)
    assert node.recover(force=True) == 0


def test_next_start_recovers_what_a_killed_process_had(path: Path, tmp_path: Path) -> None:
    first = Node(path)
    first.messages.publish([NewMessage("q", "x")])
    first.close()
    sign = tmp_path / "claimed"
    with started([sys.executable, "-c", CLAIM, str(path), str(sign)], cwd=ROOT) as process:
        wait_until(sign.exists, "the other process has the message")
        kill(process)
    second = Node(path)
    assert second.messages.count("q") == 1
    assert second.messages.peers() == [second.id]
    second.close()


def test_process_whose_lock_file_was_deleted_enters_again(node: Node, path: Path) -> None:
    (lock,) = (file for file in path.with_name("queue.db.peers").iterdir() if "-" in file.name)
    lock.unlink()
    other = Node(path)  # takes the first for dead
    assert node.id not in other.messages.peers()
    node.recover(force=True)
    assert set(other.messages.peers()) == {node.id, other.id}
    assert other.recover(force=True) == 0
    other.close()


def test_expired_results_are_deleted_without_any_maintenance(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.broker.node._TIDY", -1.0)
    node.results.put("k", "v", "SUCCESS", 0.000001)
    wait_until(lambda: node.results.get("k") is None, "the result expires")
    node.recover(force=True)
    assert node.upkeep.status().results == 0


def test_newer_file_is_refused_without_leaving_anything(path: Path) -> None:
    schema.prepare(path, alone=True)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    db.close()
    threads = set(threading.enumerate())
    with pytest.raises(BrokerNewerFile):
        Node(path)
    assert set(threading.enumerate()) <= threads


def test_network_share_is_refused_before_anything_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.broker.places.filesystem_kind", lambda *a, **k: "nfs4")
    with pytest.raises(BrokerNetworkShare):
        Node(path)
    assert not path.exists()


def test_damaged_file_is_told_and_replaced(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    node = Node(path)
    assert node.moved_aside is not None
    assert node.moved_aside.read_bytes().startswith(b"no database")
    node.messages.publish([NewMessage("q", "x")])
    assert node.messages.count("q") == 1
    node.close()


def test_damaged_file_is_left_while_another_process_lives(node: Node, path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(BrokerError):
        Node(path)
    assert path.read_bytes().startswith(b"no database")


def test_closing_when_the_file_cannot_be_used_still_frees_everything(path: Path) -> None:
    threads = set(threading.enumerate())
    node = Node(path)
    node.topic(WORK)
    node._database.close()
    node.close()
    assert set(threading.enumerate()) <= threads
    assert [file.name for file in path.with_name("queue.db.peers").iterdir()] == ["open.lock"]


class TestSettling:
    """What a task came to, also when the file cannot be written just then."""

    def test_success_and_acknowledgement_are_one_write(self, node: Node) -> None:
        node.messages.publish([NewMessage("q", "x")])
        (mine,) = node.messages.claim("q", 1, node.id, "c")
        node.in_hand[mine.id] = "task"
        node.put_result("k", "v", "SUCCESS", None, message=mine.id, settles=True)
        assert node.results.get("k") == "v"
        assert node.messages.release(node.id) == 0
        assert node.in_hand == {}

    def test_result_of_a_message_that_another_has_by_now_leaves_that_alone(
        self, node: Node
    ) -> None:
        node.messages.publish([NewMessage("q", "x")])
        (theirs,) = node.messages.claim("q", 1, "somebody else", "c")
        node.put_result("k", "v", "SUCCESS", None, message=theirs.id, settles=True)
        assert node.messages.release("somebody else") == 1

    def test_what_cannot_be_written_is_written_later_in_its_order(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node.messages.publish([NewMessage("q", name) for name in "abde"])
        first, second, third, fourth = node.messages.claim("q", 4, node.id, "c")
        node.in_hand.update({first.id: "a", second.id: "b", third.id: "d", fourth.id: "e"})
        node._database.write("PRAGMA query_only=ON")
        node.put_result("a", "v", "FAILURE", None, message=first.id)
        node.ack(first.id)
        node.fail(third.id)
        node.give_back_one(fourth.id)
        node.give_back("c", [second.id])
        assert node.in_hand == {}
        with pytest.raises(BrokerError):  # nobody waits for this one's acknowledgement
            node.put_result("other", "v", "SUCCESS", None)
        node.recover(force=True)
        assert node.results.get("a") is None
        node._database.write("PRAGMA query_only=OFF")
        node.recover(force=True)
        assert node.results.get("a") == "v"
        back = node.messages.claim("q", 5, node.id, "d")
        assert [(one.payload, one.redelivered) for one in back] == [
            ("b", True), ("d", True), ("e", True)
        ]  # fmt: skip
        failures = node._database.read("SELECT payload FROM message WHERE failures = 1")
        assert failures == [("d",)]

    def test_what_can_never_be_written_is_said_at_once_and_holds_up_nothing(
        self, node: Node, caplog: pytest.LogCaptureFixture, expect_log_errors: object
    ) -> None:
        node.messages.publish([NewMessage("q", name) for name in "ab"])
        first, second = node.messages.claim("q", 2, node.id, "c")
        node.in_hand.update({first.id: "a", second.id: "b"})
        limit = sqlite3.SQLITE_LIMIT_LENGTH
        node._database._open_writer().setlimit(limit, 10_000)
        with pytest.raises(BrokerTooLarge, match="not stored") as caught:
            node.publish([NewMessage("q", "x" * 20_000)])
        assert "file" in caught.value.remedy
        with pytest.raises(BrokerTooLarge):
            node.put_result("a", "x" * 20_000, "SUCCESS", None, message=first.id)
        node.ack(first.id)
        node._database.write("PRAGMA query_only=ON")
        node.put_result("b", "v", "FAILURE", None, message=second.id)
        node.put_result("c", "x" * 20_000, "FAILURE", None, message=second.id)
        node.ack(second.id)
        node.now_or_later(lambda: 1 // 0)
        node._database.write("PRAGMA query_only=OFF")
        node.recover(force=True)
        assert node.results.get("b") == "v"
        assert node.upkeep.status().queues == ()
        assert caplog.text.count("is lost") == 2

    def test_what_is_owed_is_written_at_the_end_at_the_latest(self, path: Path) -> None:
        node = Node(path)
        node.messages.publish([NewMessage("q", "a")])
        (mine,) = node.messages.claim("q", 1, node.id, "c")
        node.in_hand[mine.id] = "a"
        node._database.write("PRAGMA query_only=ON")
        node.ack(mine.id)
        node._database.write("PRAGMA query_only=OFF")
        node.close()
        after = Node(path)
        assert after.upkeep.status().queues == ()
        after.close()


def test_lock_files_of_processes_that_died_while_opening_are_deleted(
    node: Node, path: Path
) -> None:
    peers = path.with_name("queue.db.peers")
    (peers / "4711-dead.lock").touch()
    other = Node(path)
    assert sorted(file.stem for file in peers.iterdir()) == sorted([node.id, other.id, "open"])
    other.close()


class TestWaiting:
    def test_result_is_handed_to_all_who_wait_for_it_and_to_nobody_else(self, node: Node) -> None:
        boxes: list[deque[str | bytes]] = [deque(), deque(), deque()]
        for key, box in zip(["a", "a", "b"], boxes, strict=True):
            node.waiting.add(key, box)
        node.put_result("a", "1", "SUCCESS", None)
        assert [list(box) for box in boxes] == [["1"], ["1"], []]
        node.waiting.remove("a", boxes[0])
        node.put_result("a", "2", "SUCCESS", None)  # a success is there already
        node.put_result("b", "3", "STARTED", None)
        assert [list(box) for box in boxes] == [["1"], ["1"], ["3"]]
        node.waiting.remove("unknown", boxes[0])


class TestRegister:
    @posix_only
    def test_file_has_one_node_by_whatever_name(self, tmp_path: Path) -> None:
        register = Register()
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        first = register.acquire(tmp_path / "real" / "q.db")
        assert register.acquire(tmp_path / "link" / "q.db") is first
        register.close(tmp_path / "real" / "q.db")

    def test_last_user_closes_the_node(self, path: Path) -> None:
        register = Register()
        node = register.acquire(path)
        register.acquire(path)
        register.release(node)
        assert node.usable
        assert register.open(path) is node
        register.release(node)
        assert not node.usable
        assert register.open(path) is None
        register.release(node)

    def test_closed_file_is_opened_again_at_the_next_use(self, path: Path) -> None:
        register = Register()
        first = register.borrow(path)
        assert register.borrow(path) is first
        register.close(path)
        register.close(path)
        second = register.borrow(path)
        assert second.usable
        assert second is not first
        register.close_all()
        assert not second.usable

    def test_use_in_a_block_ends_with_it(self, path: Path) -> None:
        register = Register()
        with used(register, path) as node:
            assert node.usable
        assert not node.usable

    def test_system_without_fork_needs_no_hooks_for_it(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(os, "register_at_fork", raising=False)
        register = Register()
        with used(register, path) as node:
            node.messages.publish([NewMessage("q", "kept")])
            assert node.messages.count("q") == 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
    def test_forked_child_gets_a_node_of_its_own_and_leaves_the_parents_alone(
        self, path: Path
    ) -> None:
        register = Register()
        parent = register.acquire(path)
        parent.topic(WORK)
        parent.messages.publish([NewMessage("q", "parent's")])
        (mine,) = parent.messages.claim("q", 1, parent.id, "c")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                own = register.acquire(path)
                own.messages.publish([NewMessage("q", "child's")])
                right = (
                    own is not parent
                    and not parent.usable
                    and own.recover(force=True) == 0
                    and own.messages.count("q") == 1
                )
                own.close()
                code = 0 if right else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert parent.usable
        assert parent.recover(force=True) == 0
        (theirs,) = parent.messages.claim("q", 5, parent.id, "c")
        assert theirs.payload == "child's"
        parent.messages.ack(mine.id)
        register.close_all()

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
    def test_child_that_outlives_its_killed_parent_does_not_keep_it_alive(
        self, path: Path, tmp_path: Path
    ) -> None:
        script = """
import os, sys, time
from pathlib import Path
from worker.broker.node import REGISTER
node = REGISTER.acquire(Path(sys.argv[1]))
node.messages.claim("q", 1, node.id, "c")
if os.fork() == 0:
    time.sleep(60)
Path(sys.argv[2]).touch()
time.sleep(60)
"""
        node = Node(path)
        node.messages.publish([NewMessage("q", "x")])
        sign = tmp_path / "forked"
        with started([sys.executable, "-c", script, str(path), str(sign)], cwd=ROOT) as process:
            wait_until(sign.exists, "it has forked")
            kill(process)  # the child lives on until the block ends
            assert node.recover(force=True) == 1
        assert node.messages.count("q") == 1
        node.close()
