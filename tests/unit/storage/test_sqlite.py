"""What the SQLite storage promises beyond the contract: several processes, power, wiping."""

import asyncio
import signal
import sqlite3
import stat
import subprocess
import sys
import traceback
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes import kill
from tests.support.storages import (
    NOW,
    a_chat,
    a_question,
    a_run,
    an_answer,
    chain,
    later,
    sqlite_in,
)
from worker.contract.errors import StorageError
from worker.contract.types import Attachment
from worker.storage.sqlite.store import SqliteStorage

ME = "me"


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with sqlite_in(folder) as storage:
        storage.set_value(ME, "key", "value")
        for file in folder.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    with sqlite_in(tmp_path):
        pass
    (tmp_path / "nagatha.db").chmod(0o644)
    with sqlite_in(tmp_path):
        assert stat.S_IMODE((tmp_path / "nagatha.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["with space", "per%cent", "ques?tion", "ha#sh", "ünïcode 東"])
def test_any_folder_name_works(tmp_path: Path, name: str) -> None:
    with sqlite_in(tmp_path / name) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 3), {})
        storage.back_up("daily", NOW)
        storage.optimise()
    with sqlite_in(tmp_path / name) as storage:
        assert storage.get_chat(ME, "chat").messages == 3


def test_a_closed_storage_says_so_and_can_be_opened_again(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "nagatha.db", tmp_path / "backups")

    async def work() -> None:
        with pytest.raises(StorageError, match="closed"):
            await storage.last_event()
        await storage.open()
        await storage.set_value(ME, "key", "value")
        await storage.aclose()
        await storage.aclose()
        await storage.open()
        assert await storage.get_value(ME, "key") == "value"
        await storage.aclose()

    asyncio.run(work())


def test_closing_leaves_one_file_with_everything_in_it(tmp_path: Path) -> None:
    with sqlite_in(tmp_path / "data") as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 3), {})
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["nagatha.db"]


def test_many_writers_and_readers_of_one_process_wait_for_each_other(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as blocking:
        storage = blocking.storage

        async def work(number: int) -> None:
            name = f"c{number}"
            await storage.create_chat(ME, a_chat(name))
            await storage.begin_answer(
                ME,
                question=a_question(f"{name}-q", name),
                answer=an_answer(f"{name}-a", f"{name}-q", chat=name),
                run=a_run(f"{name}-r"),
                process="p1",
            )
            for piece in range(10):
                await storage.append_text(ME, f"{name}-a", piece * 5, "word ")
                await storage.get_message(ME, f"{name}-a")

        async def everything() -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(30):
                    group.create_task(work(number))

        blocking.runner.run(everything())
        for number in range(30):
            assert blocking.get_message(ME, f"c{number}-a").text == "word " * 10


def test_a_write_whose_caller_was_cancelled_is_whole_and_holds_up_nobody(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as blocking:
        storage = blocking.storage

        cancelled = 0

        async def work() -> None:
            nonlocal cancelled
            for number in range(40):
                task = asyncio.create_task(
                    storage.import_chat(ME, a_chat(f"c{number}"), chain(f"c{number}", 20), {})
                )
                for _ in range(number % 8):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait((task,))
                # While this thread had no turn, the other one may have come to the end.
                cancelled += task.cancelled()
            await storage.set_value(ME, "key", "value")

        blocking.runner.run(work())
        assert cancelled >= 10  # those that were stopped before their first or second step
        assert blocking.get_value(ME, "key") == "value"
        for chat in blocking.list_chats(ME, archived=False, limit=99):
            assert len(blocking.tree(ME, chat.id)) == 20


WRITER = """
import sys
from pathlib import Path
from tests.support.storages import *

name = sys.argv[2]
with sqlite_in(Path(sys.argv[1])) as storage:
    print("open", flush=True)
    sys.stdin.readline()
    for number in range(40):
        chat = f"{name}-{number}"
        storage.import_chat("me", a_chat(chat), chain(chat, 3), {})
        storage.add_events("me", [("a", chat)], origin=name, at=NOW)
"""


def test_several_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    names = ("one", "two", "three")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in names
    ]
    with sqlite_in(tmp_path) as storage:
        for process in processes:
            assert process.stdout is not None and process.stdin is not None
            assert process.stdout.readline() == b"open\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        for number in range(40):
            storage.import_chat(ME, a_chat(f"own-{number}"), chain(f"own-{number}", 3), {})
        for process in processes:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            assert process.wait(60) == 0
        statistics = storage.statistics()
        assert (statistics.chats, statistics.messages) == (160, 480)
        events = storage.events_after(0)
        assert len(events) == 120
        assert [event.seq for event in events] == sorted(event.seq for event in events)
        assert len(storage.search(ME, "message 2", chat=None, limit=500)) == 160


ANSWERING = """
import sys
from pathlib import Path
from tests.support.storages import *

with sqlite_in(Path(sys.argv[1])) as storage:
    storage.begin_answer("me", question=a_question(), answer=an_answer(),
        run=a_run(chat="chat", message="a1"), process="dead", chat=a_chat())
    text = ""
    while True:
        storage.append_text("me", "a1", len(text), "word ")
        text += "word "
        print(len(text), flush=True)
"""


def test_kill_9_in_mid_answer_loses_no_word_that_was_kept(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ANSWERING, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        kept = 0
        while kept < 500:
            kept = int(process.stdout.readline())
    finally:
        kill(process)
    assert process.returncode == -signal.SIGKILL
    with sqlite_in(tmp_path) as storage:
        [owned] = storage.runs_of_others("alive")
        assert (owned.process, owned.run.id) == ("dead", "r1")
        answer = storage.interrupt_run(ME, "r1", "dead", later(9))
        assert answer.state == "interrupted"
        assert len(answer.text) >= kept
        assert answer.text == "word " * (len(answer.text) // 5)
        assert storage.get_message(ME, "q1").text == "Question q1"


def test_after_deleting_all_nothing_can_be_read_from_the_files(tmp_path: Path) -> None:
    secret = "Zanzibarblau"
    file = Attachment("f1", f"{secret}.txt", "text/plain", 5, 1)
    with sqlite_in(tmp_path) as storage:
        storage.import_chat("you", a_chat(), chain("chat", 50), {})
        storage.put_attachment(ME, file, secret.encode() * 3000, NOW)
        storage.import_chat(
            ME,
            a_chat("mine", title=secret, draft=secret),
            chain("mine", 200, lambda number: f"{secret} {number} " * 20),
            {},
        )
        storage.add_run(ME, a_run(state="SUCCESS", arguments={"text": secret}))
        storage.set_value(ME, secret, secret)
        storage.add_events(ME, [("a", secret)], origin="p", at=NOW)

        def read() -> bytes:
            return b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())

        # Its four-character stretches stand in the search index, parts of them left out.
        grams = [secret.lower()[at : at + 4] for at in range(len(secret) - 3)]
        assert secret.encode() in read()
        assert any(gram.encode() in read() for gram in grams)
        storage.delete_all(ME)
        for needle in (secret, *grams):
            assert needle.encode() not in read(), needle
        assert len(storage.search("you", "message", chat=None, limit=99)) == 50
    for needle in (secret, *grams):
        assert needle.encode() not in (tmp_path / "nagatha.db").read_bytes()


def test_closing_at_rest_lets_nothing_begin_after_the_look(tmp_path: Path) -> None:
    async def main() -> None:
        storage = SqliteStorage(tmp_path / "nagatha.db", tmp_path / "backups")
        await storage.open()
        await storage.create_chat(ME, a_chat())
        # All three wait for their turn before the first has had it.
        before = asyncio.create_task(storage.set_value(ME, "before", "x"))
        closing_ = asyncio.create_task(storage.close_at_rest())
        after = asyncio.create_task(storage.add_run(ME, a_run()))
        alone = asyncio.create_task(storage.optimise())
        await asyncio.gather(before, closing_)
        for late in (after, alone):
            with pytest.raises(StorageError, match="is not open"):
                await late
        await storage.open()
        assert await storage.list_runs(ME, limit=9) == ()
        assert await storage.get_value(ME, "before") == "x"
        await storage.aclose()

    asyncio.run(main())


def test_a_time_out_of_range_in_the_file_breaks_no_list(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.create_chat(ME, a_chat("first"))
        storage.create_chat(ME, a_chat("last"))
    with closing(sqlite3.connect(tmp_path / "nagatha.db")) as connection, connection:
        connection.execute("UPDATE chats SET updated = ? WHERE id = 'first'", (-(1 << 62),))
        connection.execute("UPDATE chats SET updated = ? WHERE id = 'last'", (1 << 62,))
    with sqlite_in(tmp_path) as storage:
        chats = storage.list_chats(ME, archived=False, limit=9)
        assert [(chat.id, chat.updated.year) for chat in chats] == [("last", 9999), ("first", 1)]


def test_an_error_never_quotes_what_people_wrote(tmp_path: Path) -> None:
    written = "SEC" + "RET"  # a traceback quotes this file, too
    with sqlite_in(tmp_path) as storage:
        storage.create_chat(ME, a_chat())
        with closing(sqlite3.connect(tmp_path / "nagatha.db")) as connection, connection:
            connection.execute("ALTER TABLE chats RENAME COLUMN draft TO other")
        with pytest.raises(StorageError) as broken:
            storage.update_chat(ME, "chat", {"draft": written})
        with pytest.raises(StorageError) as wrong:
            storage.update_chat(ME, "chat", {"title": written, "deleted": NOW.replace(tzinfo=None)})
    for caught in (broken, wrong):
        assert written not in "".join(traceback.format_exception(caught.value))
        assert "SELECT" not in str(caught.value) and "UPDATE" not in str(caught.value)


def test_optimising_empties_the_log(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.import_chat(ME, a_chat(), chain("chat", 300), {})
        assert (tmp_path / "nagatha.db-wal").stat().st_size > 0
        size = storage.statistics().size
        assert size > (tmp_path / "nagatha.db-wal").stat().st_size
        storage.optimise()
        assert (tmp_path / "nagatha.db-wal").stat().st_size == 0


def test_questions_and_answers_are_made_safe_at_once_and_pieces_later(tmp_path: Path) -> None:
    statements: list[str] = []
    with sqlite_in(tmp_path) as storage:
        from sqlalchemy import event

        engine = storage.storage._db._writer.engine  # what is looked at is how it is done

        @event.listens_for(engine, "before_cursor_execute")
        def note(*details: object) -> None:
            if "synchronous" in str(details[2]):
                statements.append(str(details[2]).split()[-1])

        storage.begin_answer(
            ME,
            question=a_question(),
            answer=an_answer(),
            run=a_run(),
            process="p1",
            chat=a_chat(),
        )
        storage.append_text(ME, "a1", 0, "one")
        storage.append_text(ME, "a1", 3, "two")
        storage.finish_answer(ME, an_answer(state="complete"), a_run(state="SUCCESS"))
    assert statements == ["FULL", "NORMAL", "FULL"]


def test_a_file_held_by_another_for_too_long_is_told_as_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.storage.sqlite.connections.BUSY_SECONDS", 0.1)
    with sqlite_in(tmp_path) as storage:
        with closing(sqlite3.connect(tmp_path / "nagatha.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert storage.get_value(ME, "key") is None
            with pytest.raises(StorageError) as caught:
                storage.set_value(ME, "key", "value")
            assert caught.value.problem.title == "The data is in use"
            other.execute("ROLLBACK")
        storage.set_value(ME, "key", "value")


def test_a_message_of_an_older_time_takes_its_place_in_the_search(tmp_path: Path) -> None:
    with sqlite_in(tmp_path) as storage:
        storage.import_chat(ME, a_chat("new"), chain("new", 100, lambda n: "word"), {})
        for name, created in (("x", later(-50)), ("y", later(-50)), ("z", later(50))):
            storage.begin_answer(
                ME,
                question=a_question(f"{name}-q", name, text="word", created=created),
                answer=an_answer(f"{name}-a", f"{name}-q", chat=name, created=created),
                run=a_run(f"{name}-r"),
                process="p",
                chat=a_chat(name),
            )
        found = [hit.message for hit in storage.search(ME, "word", chat=None, limit=500)]
        assert found[-2:] == ["y-q", "x-q"]
        assert len(found) == 103
