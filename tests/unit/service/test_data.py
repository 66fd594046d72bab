"""Export, import, restore and delete all: nothing is lost silently, and nothing raw comes out."""

import asyncio
import errno
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import pytest

from tests.support.storages import ME, NOW, a_chat, a_run, chain
from worker.contract.errors import Conflict, InvalidInput, NotFound, StorageError
from worker.contract.events import DataReplaced, Event, RunChanged
from worker.contract.system import Backup
from worker.contract.types import Attachment, Message
from worker.events.memory import MemoryBus
from worker.service import archive
from worker.service.archive import JSON_NAME, read_archive
from worker.service.chores import Chores
from worker.service.data import Data, Folders
from worker.service.ends import UnkeptEnds
from worker.service.scope import Scope
from worker.storage.memory import MemoryStorage


class Odd(MemoryStorage):
    """A storage in which the trees of some chats cannot be read."""

    broken: Sequence[str] = ()
    gone: Sequence[str] = ()

    async def tree(self, owner: str, chat: str) -> tuple[Message, ...]:
        if chat in self.broken:
            raise OverflowError("date value out of range")
        if chat in self.gone:
            self._of(owner).chats.pop(chat)
        return await super().tree(owner, chat)

    async def backups(self) -> tuple[Backup, ...]:
        return (Backup("good.db", NOW, 1, "daily"),)


@dataclass
class Bench:
    """The use cases with what is behind them."""

    storage: Odd = field(default_factory=Odd)
    restored: list[str] = field(default_factory=list)
    forgotten: int = 0
    told: list[Event] = field(default_factory=list)

    def data(self, home: Path) -> Data:
        async def forget() -> None:
            self.forgotten += 1

        async def replace_database(name: str) -> None:
            await asyncio.sleep(0)
            self.restored.append(name)

        scope = Scope(ME, self.storage, Bus(self.told), lambda: datetime.now(UTC), "p1")
        chores = Chores(scope, UnkeptEnds())
        return Data(scope, Folders(home, home, home, home, home), replace_database, forget, chores)


class Bus(MemoryBus):
    """Remembers what was told."""

    def __init__(self, told: list[Event]) -> None:
        super().__init__()
        self._told = told

    async def publish(self, owner: str, event: Event) -> Event:
        self._told.append(event)
        return await super().publish(owner, event)


Test = Callable[[Data, Bench], Awaitable[None]]


def _run(tmp_path: Path, test: Test) -> None:
    async def main() -> None:
        bench = Bench()
        for name in ("one", "two", "three"):
            await bench.storage.import_chat(
                ME, a_chat(name, title=f"Chat {name}"), chain(name, 2), {}
            )
        await test(bench.data(tmp_path), bench)

    asyncio.run(main())


def test_two_exports_at_once_go_to_two_folders(tmp_path: Path) -> None:
    async def test(data: Data, bench: Bench) -> None:
        still = replace(data, scope=replace(data.scope, now=lambda: NOW))
        done = await asyncio.gather(*(still.export(str(tmp_path)) for _ in range(3)))
        assert len({transfer.path for transfer in done}) == 3
        for transfer in done:
            assert len(read_archive(Path(transfer.path))) == transfer.chats == 3

    _run(tmp_path, test)


def test_a_chat_that_cannot_be_read_is_named_and_the_others_are_exported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(data: Data, bench: Bench) -> None:
        bench.storage.broken, bench.storage.gone = ("two",), ("three",)
        with pytest.raises(StorageError) as caught:
            await data.export(str(tmp_path))
        assert caught.value.kind == "incomplete"
        assert "“Chat two”" in caught.value.problem.message
        assert "three" not in caught.value.problem.message  # it was deleted meanwhile
        (folder,) = tmp_path.glob("nagatha-export-*")
        assert str(folder) in caught.value.problem.message
        assert [archived.chat.id for archived in read_archive(folder)] == ["one"]

    _run(tmp_path, test)
    assert "chat two cannot be read: OverflowError" in caplog.text


def test_an_export_on_a_full_disk_says_so_and_leaves_nothing_to_be_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = archive._private

    def full(path: Path) -> TextIO:
        if path.suffix == ".md" and "two" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(path)

    monkeypatch.setattr(archive, "_private", full)

    async def test(data: Data, bench: Bench) -> None:
        with pytest.raises(StorageError, match="No space left"):
            await data.export(str(tmp_path))
        (folder,) = tmp_path.glob("nagatha-export-*")
        with pytest.raises(InvalidInput):
            read_archive(folder)

    _run(tmp_path, test)


def test_attachments_travel_with_their_chat_and_a_lost_one_is_told(tmp_path: Path) -> None:
    picture = Attachment("f1", "cat.png", "image/png", 3, 85)

    async def test(data: Data, bench: Bench) -> None:
        (message,) = chain("four", 1)
        await bench.storage.import_chat(
            ME,
            a_chat("four", title="Cat"),
            [replace(message, attachments=(picture,))],
            {"f1": b"abc"},
        )
        written = read_archive(Path((await data.export(str(tmp_path))).path))
        assert [one.files for one in written if one.files] == [{"f1": b"abc"}]
        bench.storage._of(ME).files.clear()
        with pytest.raises(StorageError, match="“Cat”"):
            await data.export(str(tmp_path))

    _run(tmp_path, test)


@pytest.mark.parametrize("place", ["relative", "/proc/nope", "/tmp/\0", "~nobody-here/x", ""])
def test_a_place_that_cannot_be_exported_to_is_refused_in_words(tmp_path: Path, place: str) -> None:
    async def test(data: Data, bench: Bench) -> None:
        with pytest.raises((InvalidInput, StorageError)):
            await data.export(place)

    _run(tmp_path, test)


@pytest.mark.parametrize(
    "place", ["/proc/self/mem", "\0", "~nobody-here/x", "x" * 5000, "/dev/zero"]
)
def test_a_place_that_cannot_be_imported_from_is_refused_in_words(
    tmp_path: Path, place: str
) -> None:
    async def test(data: Data, bench: Bench) -> None:
        with pytest.raises((InvalidInput, StorageError)):
            await data.import_all(place)

    _run(tmp_path, test)


def test_what_was_imported_before_a_refused_chat_is_told(tmp_path: Path) -> None:
    async def test(data: Data, bench: Bench) -> None:
        path = Path((await data.export(str(tmp_path))).path) / JSON_NAME
        document = json.loads(path.read_text())
        first, second = document["chats"][:2]
        for entry in document["chats"]:
            entry["chat"]["id"] = name = f"new-{entry['chat']['id']}"
            for message in entry["messages"]:
                message["chat"] = name
        for number, message in enumerate(first["messages"]):
            message["id"], message["parent"] = f"m{number}", f"m{number - 1}" if number else None
        first["chat"]["head"] = "m1"
        assert second["messages"]  # whose ids are taken
        path.write_text(json.dumps(document))
        bench.told.clear()
        with pytest.raises(Conflict):
            await data.import_all(str(path))
        told = [type(event) for event in bench.told if not isinstance(event, RunChanged)]
        assert told == [DataReplaced]
        assert (await bench.storage.get_chat(ME, first["chat"]["id"])).messages == 2

    _run(tmp_path, test)


@pytest.mark.parametrize("name", ["x" * 5000, "", "../good.db", "other.db", "a\0b"])
def test_only_a_backup_that_is_listed_can_be_restored(tmp_path: Path, name: str) -> None:
    async def test(data: Data, bench: Bench) -> None:
        with pytest.raises(NotFound):
            await data.restore(name)
        assert bench.restored == []
        await data.restore("good.db")
        assert bench.restored == ["good.db"]

    _run(tmp_path, test)


def test_nothing_is_restored_or_deleted_while_something_is_at_work(tmp_path: Path) -> None:
    async def test(data: Data, bench: Bench) -> None:
        await bench.storage.add_run(ME, a_run(state="PROGRESS"))
        with pytest.raises(Conflict):
            await data.restore("good.db")
        with pytest.raises(Conflict):
            await data.delete_all()
        assert (bench.restored, bench.forgotten, bench.told) == ([], 0, [])
        assert (await bench.storage.statistics(ME)).chats == 3
        await bench.storage.save_run(ME, a_run(state="SUCCESS", ended=NOW))
        await data.delete_all()
        assert (await bench.storage.statistics(ME)).chats == 0
        assert bench.forgotten == 1

    _run(tmp_path, test)


def test_a_restore_goes_on_when_who_asked_for_it_has_gone(tmp_path: Path) -> None:
    async def test(data: Data, bench: Bench) -> None:
        begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def replace_database(name: str) -> None:
            begun.set()
            await go_on.wait()
            done.set()

        asked = asyncio.create_task(
            replace(data, replace_database=replace_database).restore("good.db")
        )
        await begun.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        go_on.set()
        await asyncio.wait_for(done.wait(), 60)

    _run(tmp_path, test)
