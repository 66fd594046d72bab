"""The shared bus when storage misbehaves, forgets, or is replaced."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.event_store import FileEvents
from worker.contract.errors import StorageError
from worker.contract.events import DataReplaced, Event, RunChanged, SettingsChanged
from worker.contract.types import Run, RunState
from worker.events import shared
from worker.events.doorbell import FolderDoorbell
from worker.events.memory import MemoryBus
from worker.events.shared import SharedBus
from worker.storage.base import StoredEvent

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Bell:
    """A doorbell that the test rings."""

    def __init__(self) -> None:
        self.rung = 0
        self.on_ring: Callable[[], None] = lambda: None

    async def open(self, on_ring: Callable[[], None]) -> None:
        self.on_ring = on_ring

    def ring(self) -> None:
        self.rung += 1

    async def aclose(self) -> None:
        pass


class Failing(FileEvents):
    """Fails to read as often as it is told to."""

    failures = 0
    full = False

    async def add_events(
        self, owner: str, events: Sequence[tuple[str, str]], *, origin: str, at: datetime
    ) -> tuple[int, ...]:
        if self.full:
            raise StorageError("The disk is full")
        return await super().add_events(owner, events, origin=origin, at=at)

    async def events_after(self, seq: int, limit: int = 1000) -> tuple[StoredEvent, ...]:
        if self.failures:
            self.failures -= 1
            raise StorageError("The disk is gone")
        return await super().events_after(seq, limit)


def _with(
    tmp_path: Path, test: Callable[[SharedBus, Failing, Bell], Awaitable[None]], before: int = 0
) -> None:
    async def main() -> None:
        store, bell = Failing(tmp_path / "events.db"), Bell()
        for number in range(before):
            await _foreign(store, str(number))
        bus = SharedBus(store, bell, "this", lambda: NOW)
        await bus.open()
        try:
            await asyncio.wait_for(test(bus, store, bell), 60)
        finally:
            await bus.aclose()

    asyncio.run(main())


async def _foreign(store: FileEvents, key: str, data: str = "") -> int:
    text = data or f'{{"kind":"settings.changed","keys":["{key}"]}}'
    new = [("settings.changed", text)]
    return (await store.add_events("me", new, origin="other", at=NOW))[0]


def _keys(*events: Event) -> list[str]:
    return [event.keys[0] if isinstance(event, SettingsChanged) else event.kind for event in events]


def test_what_was_there_before_is_not_told_again(tmp_path: Path) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        await _foreign(store, "new")
        bell.on_ring()
        assert _keys(await anext(stream)) == ["new"]

    _with(tmp_path, test, before=3)


def test_opening_twice_is_refused(tmp_path: Path) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        with pytest.raises(RuntimeError, match="opened already"):
            await bus.open()

    _with(tmp_path, test)


def test_reading_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shared, "_RETRY", 0.01)

    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        store.failures = 3
        await _foreign(store, "new")
        bell.on_ring()
        assert _keys(await anext(stream)) == ["new"]

    _with(tmp_path, test)
    assert "cannot be read now: The disk is gone" in caplog.text


def test_a_defect_at_one_event_is_logged_and_the_next_ones_come(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect_log_errors: list[logging.LogRecord],
) -> None:
    monkeypatch.setattr(shared, "_RETRY", 0.01)
    real, broken = shared._decoded, [ZeroDivisionError("a defect")]

    def decoded(stored: StoredEvent) -> Event | None:
        if broken:
            raise broken.pop()
        return real(stored)

    monkeypatch.setattr(shared, "_decoded", decoded)

    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        await _foreign(store, "first")
        await _foreign(store, "second")
        bell.on_ring()
        assert _keys(await anext(stream)) == ["second"]

    _with(tmp_path, test)
    (record,) = expect_log_errors
    assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError


def test_an_event_that_is_stored_is_published_even_if_reading_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_RETRY", 0.01)

    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        await asyncio.sleep(0)  # the reading of the start
        await bus.publish("me", SettingsChanged(("first",)))
        await _foreign(store, "foreign")
        store.failures = 2
        sent = await bus.publish("me", SettingsChanged(("mine",)))
        assert sent.seq == 3
        assert bell.rung == 2
        got = [await anext(stream) for _ in range(3)]
        assert _keys(*got) == ["first", "foreign", "mine"]
        assert got[2] is sent

    _with(tmp_path, test)


def test_an_event_of_another_version_is_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        await _foreign(store, "", '{"kind": "from.the.future"}')
        await _foreign(store, "known")
        bell.on_ring()
        assert _keys(await anext(stream)) == ["known"]
        assert _keys(await anext(bus.subscribe("me", after=0))) == ["known"]

    _with(tmp_path, test)
    assert "left out" in caplog.text


def test_a_listener_that_comes_back_too_late_is_told_to_read_everything(tmp_path: Path) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        store.expire(5)
        late = bus.subscribe("me", after=2)
        first = await anext(late)
        assert isinstance(first, DataReplaced) and first.seq == 5
        assert _keys(await anext(late)) == ["5"]
        in_time = bus.subscribe("me", after=5)
        assert _keys(await anext(in_time)) == ["5"]

    _with(tmp_path, test, before=8)


def test_everything_expired_is_no_gap_for_who_was_up_to_date(tmp_path: Path) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        store.expire(8)
        stream = bus.subscribe("me", after=8)
        await bus.publish("me", SettingsChanged(("new",)))
        assert _keys(await anext(stream)) == ["new"]

    _with(tmp_path, test, before=8)


def test_a_storage_replaced_by_an_older_copy_is_told_and_the_stream_goes_on(
    tmp_path: Path,
) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        store.replace_by_older(3)
        bell.on_ring()
        told = await anext(stream)
        assert isinstance(told, DataReplaced) and told.seq == 3
        sent = await bus.publish("me", SettingsChanged(("after",)))
        assert sent.seq == 4
        assert await anext(stream) == sent

    _with(tmp_path, test, before=8)


def test_publishing_into_a_storage_that_was_replaced_here_goes_on(tmp_path: Path) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        store.replace_by_older(3)
        await bus.publish("me", DataReplaced())
        await bus.publish("me", SettingsChanged(("after",)))
        assert _keys(await anext(stream), await anext(stream)) == ["data.replaced", "after"]

    _with(tmp_path, test, before=8)


def test_a_listener_whose_reading_fails_is_told_and_can_go_on(tmp_path: Path) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me", after=0)
        store.failures = 1
        with pytest.raises(StorageError):
            await anext(stream)
        assert _keys(await anext(stream)) == ["0"]

    _with(tmp_path, test, before=2)


def test_an_event_that_cannot_be_stored_is_told_here_and_in_its_turn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        await _foreign(store, "before")
        store.full = True
        lost = await bus.publish("me", SettingsChanged(("on the full disk",)))
        assert lost.seq == 1 and lost.at == NOW
        store.full = False
        kept = await bus.publish("me", SettingsChanged(("after",)))
        assert kept.seq == 2
        got = [await anext(stream) for _ in range(3)]
        assert _keys(*got) == ["before", "on the full disk", "after"]
        assert bell.rung == 1

    _with(tmp_path, test)
    assert "told to this process only (settings.changed): The disk is full" in caplog.text


def test_an_event_that_cannot_be_stored_is_told_even_if_nothing_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_RETRY", 0.01)

    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me")
        await asyncio.sleep(0)  # the reading of the start
        store.full, store.failures = True, 1
        await bus.publish("me", SettingsChanged(("lost",)))
        assert _keys(await anext(stream)) == ["lost"]

    _with(tmp_path, test)


def test_a_listener_that_catches_up_gets_what_could_not_be_stored_after_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_PAGE", 2)

    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me", after=0)
        store.full = True
        await bus.publish("me", SettingsChanged(("lost",)))
        got = [await anext(stream) for _ in range(6)]
        assert _keys(*got) == ["0", "1", "2", "3", "4", "lost"]

    _with(tmp_path, test, before=5)


def test_what_could_not_be_stored_never_overtakes_a_newer_state_that_was(tmp_path: Path) -> None:
    def run(state: RunState) -> RunChanged:
        return RunChanged(run=Run("r", "task", "t", state, "chat", NOW), run_id="r")

    async def test(bus: SharedBus, store: Failing, bell: Bell) -> None:
        stream = bus.subscribe("me", after=0)  # has to read first
        store.full = True
        await bus.publish("me", run("STARTED"))
        store.full = False
        await bus.publish("me", run("SUCCESS"))
        await bus.publish("me", SettingsChanged(("end",)))
        got = [await anext(stream), await anext(stream)]
        assert [e.run.state if isinstance(e, RunChanged) else e.kind for e in got] == [
            "SUCCESS",
            "settings.changed",
        ]

    _with(tmp_path, test)


def test_a_listener_that_falls_behind_keeps_what_could_not_be_stored(tmp_path: Path) -> None:
    async def main() -> None:
        store = Failing(tmp_path / "events.db")
        bus = SharedBus(store, Bell(), "this", lambda: NOW, waiting_most=2)
        await bus.open()
        stream = bus.subscribe("me")
        store.full = True
        await bus.publish("me", SettingsChanged(("lost",)))
        store.full = False
        for number in range(4):
            await bus.publish("me", SettingsChanged((str(number),)))
        got = [await asyncio.wait_for(anext(stream), 60) for _ in range(5)]
        assert sorted(_keys(*got)) == ["0", "1", "2", "3", "lost"]
        await bus.aclose()

    asyncio.run(main())


def test_memory_keeps_only_the_newest_and_says_so() -> None:
    async def main() -> None:
        bus = MemoryBus(lambda: NOW, keep=5)
        for number in range(20):
            await bus.publish("me", SettingsChanged((str(number),)))
        stream = bus.subscribe("me", after=3)
        got = [await anext(stream) for _ in range(6)]
        assert _keys(*got) == ["data.replaced", "15", "16", "17", "18", "19"]
        await bus.aclose()

    asyncio.run(main())


def test_a_folder_that_cannot_be_used_costs_only_the_others_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")

    async def main() -> None:
        bell = FolderDoorbell(tmp_path / "file" / "bells")
        bell.ring()
        await bell.open(lambda: None)
        bell.ring()
        await bell.aclose()

    asyncio.run(main())
    assert "Changes by other programs will not be seen" in caplog.text


def test_files_that_are_no_bells_are_left_alone(tmp_path: Path) -> None:
    bells = tmp_path / "bells"
    bells.mkdir()
    for name in ("x-y.bell", "99999-a.bell", "notes.txt"):
        (bells / name).write_text("")

    async def main() -> None:
        rung = asyncio.Event()
        one, two = FolderDoorbell(bells), FolderDoorbell(bells)
        await one.open(rung.set)
        await two.open(lambda: None)
        two.ring()
        await asyncio.wait_for(rung.wait(), 60)
        await one.aclose()
        await two.aclose()

    asyncio.run(main())
    assert sorted(p.name for p in bells.iterdir()) == ["99999-a.bell", "notes.txt", "x-y.bell"]
