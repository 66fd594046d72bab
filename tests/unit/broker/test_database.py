"""Transactions, waiting for another process's, and what is safe from a power cut when."""

import errno
import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import kill, started, wait_until
from worker.broker import database as module
from worker.broker import schema
from worker.broker.database import Database
from worker.broker.errors import BrokerBusy, BrokerError, BrokerUnavailable
from worker.broker.store import MessageStore, NewMessage

ROOT = Path(__file__).parents[3]
# Half of a transaction, which its process never ends.
HOLD = """
import sys, time
from pathlib import Path
from worker.broker.database import Database
database = Database(Path(sys.argv[1]))
with database.transaction() as db:
    db.execute("INSERT INTO message(queue, priority, payload) VALUES ('q', 0, 'half')")
    db.execute("DELETE FROM message WHERE payload = 'kept'")
    Path(sys.argv[2]).touch()
    time.sleep(60)
"""


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were synced, in order."""
    files: list[str] = []
    real = module._sync_file

    def sync(descriptor: int) -> None:
        files.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        real(descriptor)

    monkeypatch.setattr(module, "_sync_file", sync)
    monkeypatch.setattr(module, "SYNC_WITHIN", 3600.0)
    return files


@pytest.mark.skipif(sys.platform != "linux", reason="names an open file through /proc")
def test_publishing_syncs_the_log_once_and_other_writes_do_not(
    messages: MessageStore, synced: list[str]
) -> None:
    messages.publish([NewMessage("q", "a"), NewMessage("q", "b")])
    assert synced == ["queue.db-wal"]
    messages.publish([NewMessage("q", "c")], durable=False)
    (claimed,) = messages.claim("q", 1, "me", "one")
    messages.ack(claimed.id)
    assert synced == ["queue.db-wal"]
    messages.publish([NewMessage("q", "d")])
    assert synced == ["queue.db-wal"] * 2


def test_threads_that_publish_at_the_same_time_share_a_sync(
    messages: MessageStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go, syncs = threading.Event(), threading.Event(), []

    def sync(descriptor: int) -> None:
        syncs.append(descriptor)
        begun.set()
        go.wait(60)

    monkeypatch.setattr(module, "_sync_file", sync)
    threads = [
        threading.Thread(target=messages.publish, args=([NewMessage("q", str(number))],))
        for number in range(5)
    ]
    threads[0].start()
    assert begun.wait(60)
    for thread in threads[1:]:
        thread.start()
    # Not only stored: a thread counts its commit a moment later, and a sync covers what counts.
    wait_until(lambda: database._commits == 5, "all are committed")
    go.set()
    for thread in threads:
        thread.join(60)
    # The first one's began too early for the others; one more covers them all.
    assert len(syncs) == 2


def test_message_that_could_not_be_synced_is_refused_and_taken_back(
    messages: MessageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module, "_sync_file", fail)
    with pytest.raises(BrokerUnavailable):
        messages.publish([NewMessage("q", "a"), NewMessage("r", "a")])
    assert (messages.count("q"), messages.count("r")) == (0, 0)


def test_log_grows_no_further_than_its_bound(messages: MessageStore, path: Path) -> None:
    for _ in range(60):
        messages.publish([NewMessage("q", "x" * 3000) for _ in range(200)], durable=False)
        messages.take("q", 200)
    assert path.with_name("queue.db-wal").stat().st_size < 70_000_000


def test_log_begins_anew_while_others_write_without_a_rest(path: Path) -> None:
    schema.prepare(path, alone=True)
    mine, other, enough = Database(path), Database(path), threading.Event()

    def write() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            other.write("INSERT OR REPLACE INTO peer(id) VALUES (?)", (f"other {number % 50}",))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(150):
            with mine.transaction() as db:
                db.executemany(
                    "INSERT INTO message(queue, priority, payload) VALUES ('q', 0, ?)",
                    [("x" * 3000,)] * 200,
                )
            assert path.with_name("queue.db-wal").stat().st_size < 130_000_000
    finally:
        enough.set()
        thread.join(60)
        mine.close()
        other.close()


def test_log_that_cannot_be_written_back_is_told_and_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    schema.prepare(path, alone=True)
    database = Database(path)
    database.write("INSERT INTO peer(id) VALUES ('x')")

    def fail() -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(database, "_open", fail)
        for number in range(module._WRITE_BACK_EVERY):
            database.write("INSERT INTO peer(id) VALUES (?)", (str(number),))
        wait_until(lambda: "was not written back" in caplog.text, "it is told")
    (rows,) = database.read("SELECT count(*) FROM peer")
    assert rows == (module._WRITE_BACK_EVERY + 1,)
    database.close()
    assert "nagatha-broker-write-back" not in [thread.name for thread in threading.enumerate()]


def test_sync_after_another_closed_the_file_is_no_error(path: Path) -> None:
    schema.prepare(path, alone=True)
    database = Database(path)
    database.write("INSERT INTO peer(id) VALUES ('x')")
    database.close()
    database.sync()
    other = Database(path)
    assert other.read("SELECT id FROM peer") == [("x",)]
    other.close()


def test_what_nobody_waits_for_is_synced_soon_and_once(
    messages: MessageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HandTimer:
        """Its time is over when the test says so."""

        def __init__(self, seconds: float, over: Callable[[], None]) -> None:
            self.seconds, self.over = seconds, over
            timers.append(self)

        def start(self) -> None: ...
        def cancel(self) -> None: ...
        def join(self, timeout: float) -> None: ...

    timers: list[HandTimer] = []
    syncs: list[int] = []
    real = module._sync_file

    def sync(descriptor: int) -> None:
        real(descriptor)
        syncs.append(descriptor)

    monkeypatch.setattr(module, "_sync_file", sync)
    monkeypatch.setattr(module.threading, "Timer", HandTimer)
    messages.publish([NewMessage("q", "a"), NewMessage("q", "b")], durable=False)
    (claimed,) = messages.claim("q", 1, "me", "one")
    assert ([timer.seconds for timer in timers], len(syncs)) == ([module.SYNC_WITHIN], 0)
    timers[0].over()
    assert len(syncs) == 1
    messages.ack(claimed.id)
    assert (len(timers), len(syncs)) == (2, 1)
    timers[1].over()
    assert len(syncs) == 2
    timers[1].over()  # nothing was written since
    assert (len(timers), len(syncs)) == (2, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="names an open file through /proc")
def test_closing_syncs_what_nobody_has_waited_for(
    path: Path, messages: MessageStore, database: Database, synced: list[str]
) -> None:
    other = Database(path)  # so that closing is not the last one's, which writes all back
    other.read("SELECT 1")
    messages.publish([NewMessage("q", "a")], durable=False)
    assert synced == []
    database.close()
    assert synced == ["queue.db-wal"]
    other.close()


def test_disk_that_fails_while_nobody_waits_is_told_in_the_log(
    messages: MessageStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module, "_sync_file", fail)
    monkeypatch.setattr(module, "SYNC_WITHIN", 0.01)
    messages.publish([NewMessage("q", "a")], durable=False)
    wait_until(lambda: "not safe from a power cut" in caplog.text, "the log says it")


def test_process_that_is_killed_in_a_transaction_leaves_nothing_of_it_and_holds_nobody_up(
    messages: MessageStore, path: Path, tmp_path: Path
) -> None:
    messages.publish([NewMessage("q", "kept")])
    sign = tmp_path / "sign"
    told: list[str] = []
    with started([sys.executable, "-c", HOLD, str(path), str(sign)], cwd=ROOT) as process:
        wait_until(sign.exists, "the other process is in its transaction")

        def publish() -> None:
            messages.publish([NewMessage("q", "waited")])
            told.append("accepted")

        thread = threading.Thread(target=publish)
        thread.start()
        assert messages.count("q") == 1  # readers see what was, and do not wait
        assert told == []
        kill(process)
    thread.join(60)
    assert told == ["accepted"]
    claimed = messages.claim("q", 5, "me", "one")
    assert [one.payload for one in claimed] == ["kept", "waited"]


def test_file_that_another_holds_for_too_long_is_busy_and_nothing_is_stored(
    messages: MessageStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for publish in ([NewMessage("q", "a")], [NewMessage("q", "a"), NewMessage("r", "a")]):
        with pytest.raises(BrokerBusy):
            messages.publish(publish)
    other.execute("ROLLBACK")
    other.close()
    assert messages.count("q") == 0
    messages.publish([NewMessage("q", "a")])
    assert messages.count("q") == 1


def test_connection_that_cannot_be_set_up_is_closed_and_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.prepare(path, alone=True)
    monkeypatch.setattr(schema, "WRITER", ("NONSENSE",))
    database = Database(path)
    with pytest.raises(BrokerError):
        database.write("DELETE FROM peer")
    database.close()


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system lets this process have no thread more."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)


@pytest.mark.usefixtures("no_threads")
@pytest.mark.skipif(sys.platform != "linux", reason="names an open file through /proc")
def test_what_was_stored_is_told_as_stored_and_synced_where_no_thread_can_be_started(
    messages: MessageStore, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WRITE_BACK_EVERY", 2)
    for number in range(3):
        messages.publish([NewMessage("q", str(number))], durable=False)
        messages.publish([NewMessage("q", "x"), NewMessage("r", "x")], durable=False)
    assert (messages.count("q"), messages.count("r")) == (6, 3)
    assert len(synced) == 6  # there is nobody who would do it within a second


@pytest.mark.skipif(os.name == "nt", reason="forks and inodes are POSIX's")
def test_log_that_is_synced_is_the_one_that_is_written_to(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread waits for its sync while another forks, and the other process closes after."""
    schema.prepare(path, alone=True)
    mine, other = Database(path), Database(path)
    other.read("SELECT 1")
    with monkeypatch.context() as patch:
        patch.setattr(mine, "sync", lambda: None)  # its turn comes after the fork
        mine.write("INSERT INTO peer(id) VALUES ('a')", durable=True)
    mine.hold()
    mine.let_go()
    mine.sync()
    other.close()
    inodes: list[int] = []
    real = module._sync_file

    def sync(descriptor: int) -> None:
        inodes.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(module, "_sync_file", sync)
    mine.write("INSERT INTO peer(id) VALUES ('b')", durable=True)
    assert inodes == [path.with_name("queue.db-wal").stat().st_ino]
    mine.close()
