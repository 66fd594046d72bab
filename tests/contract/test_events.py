"""What every event bus promises, tried on each."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from worker.contract.events import (
    AnswerDelta,
    ChatChanged,
    DataReplaced,
    Event,
    MessageChanged,
    Notice,
    SettingsChanged,
)
from worker.contract.types import Chat, Message, Problem
from worker.events.bus import EventBus
from worker.events.doorbell import FolderDoorbell
from worker.events.memory import MemoryBus
from worker.events.shared import SharedBus
from worker.storage.base import Storage
from worker.storage.memory import MemoryStorage
from worker.storage.sqlite.store import SqliteStorage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@asynccontextmanager
async def _memory(folder: Path, waiting_most: int = 2000) -> AsyncIterator[EventBus]:
    bus = MemoryBus(lambda: NOW, keep=10_000, waiting_most=waiting_most)
    try:
        yield bus
    finally:
        await bus.aclose()


@asynccontextmanager
async def _shared(
    folder: Path, waiting_most: int = 2000, storage: Storage | None = None
) -> AsyncIterator[SharedBus]:
    store = storage or SqliteStorage(folder / "nagatha.db", folder / "backups")
    bell = FolderDoorbell(folder / "bells")
    await store.open()
    bus = SharedBus(store, bell, "this", lambda: NOW, waiting_most=waiting_most)
    await bus.open()
    try:
        yield bus
    finally:
        await bus.aclose()
        await store.aclose()


@asynccontextmanager
async def _shared_memory(folder: Path, waiting_most: int = 2000) -> AsyncIterator[EventBus]:
    async with _shared(folder, waiting_most, MemoryStorage()) as bus:
        yield bus


BUSES: dict[str, Callable[[Path, int], AbstractAsyncContextManager[EventBus]]] = {
    "memory": _memory,
    "shared over memory": _shared_memory,
    "shared over sqlite": _shared,
}


@pytest.fixture(params=sorted(BUSES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _run(kind: str, folder: Path, test: Callable[[EventBus], object], most: int = 2000) -> None:
    async def main() -> None:
        async with BUSES[kind](folder, most) as bus:
            await asyncio.wait_for(test(bus), 60)  # type: ignore[arg-type]

    asyncio.run(main())


def _settings(*keys: str) -> SettingsChanged:
    return SettingsChanged(keys)


def _delta(text: str, offset: int, message: str = "m") -> AnswerDelta:
    return AnswerDelta("c", message, text, offset)


def _message(text: str, identifier: str = "m") -> MessageChanged:
    return MessageChanged(Message(identifier, "c", None, "assistant", "streaming", text, NOW))


async def _take(stream: AsyncIterator[Event], count: int) -> list[Event]:
    return [await anext(stream) for _ in range(count)]


def _keys(events: list[Event]) -> list[str]:
    return [event.keys[0] for event in events if isinstance(event, SettingsChanged)]


def test_published_events_get_a_growing_seq_and_a_time(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        first = await bus.publish("me", _settings("a"))
        second = await bus.publish("you", _settings("b"))
        assert 0 < first.seq < second.seq
        assert first.at == second.at == NOW

    _run(kind, tmp_path, test)


def test_events_published_together_come_in_their_order_with_a_seq_each(
    kind: str, tmp_path: Path
) -> None:
    async def test(bus: EventBus) -> None:
        stream = bus.subscribe("me")
        sent = await bus.publish_all("me", [_settings("one"), _message("x"), _settings("two")])
        assert [event.seq for event in sent] == sorted({event.seq for event in sent})
        assert await _take(stream, 3) == list(sent)

    _run(kind, tmp_path, test)


def test_a_subscription_begins_when_it_is_called_not_when_it_is_read(
    kind: str, tmp_path: Path
) -> None:
    async def test(bus: EventBus) -> None:
        await bus.publish("me", _settings("before"))
        stream = bus.subscribe("me")
        sent = [
            await bus.publish("me", _settings("one")),
            await bus.publish("me", _settings("two")),
        ]
        assert await _take(stream, 2) == sent

    _run(kind, tmp_path, test)


def test_an_owner_sees_nothing_of_another(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        mine, also_mine, yours = (bus.subscribe(owner) for owner in ("me", "me", "you"))
        await bus.publish("you", _settings("yours"))
        await bus.publish("you", _delta("yours", 0))
        await bus.publish("me", _settings("mine"))
        assert _keys(await _take(mine, 1)) == ["mine"]
        assert _keys(await _take(also_mine, 1)) == ["mine"]
        assert _keys(await _take(yours, 1)) == ["yours"]
        again = bus.subscribe("you", after=0)
        assert _keys(await _take(again, 1)) == ["yours"]

    _run(kind, tmp_path, test)


def test_a_waiting_listener_is_woken(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        stream = bus.subscribe("me")
        waiting = asyncio.ensure_future(_take(stream, 1))
        await asyncio.sleep(0)
        await bus.publish("me", _settings("x"))
        assert _keys(await waiting) == ["x"]

    _run(kind, tmp_path, test)


def test_a_stream_is_resumed_after_a_seq(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        sent = [await bus.publish("me", _settings(str(number))) for number in range(1300)]
        stream = bus.subscribe("me", after=sent[9].seq)
        last = await bus.publish("me", _settings("last"))
        assert await _take(stream, 1291) == [*sent[10:], last]
        assert await _take(bus.subscribe("me", after=0), 1301) == [*sent, last]
        end = bus.subscribe("me", after=last.seq)
        await bus.publish("me", _settings("later"))
        assert _keys(await _take(end, 1)) == ["later"]

    _run(kind, tmp_path, test)


def test_a_stream_resumed_after_a_seq_that_never_was_begins_with_data_replaced(
    kind: str, tmp_path: Path
) -> None:
    async def test(bus: EventBus) -> None:
        await bus.publish("me", _settings("a"))
        stream = bus.subscribe("me", after=1000)
        assert isinstance(await anext(stream), DataReplaced)
        await bus.publish("me", _settings("b"))
        assert _keys(await _take(stream, 1)) == ["b"]

    _run(kind, tmp_path, test)


def test_deltas_are_told_but_not_kept(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        first = await bus.publish("me", _settings("a"))
        live = bus.subscribe("me")
        delta = await bus.publish("me", _delta("text", 0))
        last = await bus.publish("me", _settings("b"))
        assert delta.seq == first.seq
        assert await _take(live, 2) == [delta, last]
        assert await _take(bus.subscribe("me", after=0), 2) == [first, last]

    _run(kind, tmp_path, test)


def test_deltas_that_wait_are_joined_and_keep_their_place(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        stream = bus.subscribe("me")
        for number in range(1000):
            await bus.publish("me", _delta("ab", number * 2))
            await bus.publish("me", _delta("x", number, "other"))
        await bus.publish("me", _message("ab" * 1000))
        await bus.publish("me", _delta("cd", 2000))
        first, other, message, after = await _take(stream, 4)
        assert isinstance(first, AnswerDelta) and isinstance(other, AnswerDelta)
        assert (first.text, first.offset) == ("ab" * 1000, 0)
        assert (other.text, other.message) == ("x" * 1000, "other")
        assert isinstance(message, MessageChanged)
        assert isinstance(after, AnswerDelta) and after.offset == 2000

    _run(kind, tmp_path, test)


def test_deltas_with_a_gap_between_them_are_not_joined(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        stream = bus.subscribe("me")
        await bus.publish("me", _delta("ab", 0))
        await bus.publish("me", _delta("yz", 7))
        await bus.publish("me", _delta("!", 9))
        got = [(e.text, e.offset) for e in await _take(stream, 2) if isinstance(e, AnswerDelta)]
        assert got == [("ab", 0), ("yz!", 7)]

    _run(kind, tmp_path, test)


def test_a_slow_listener_loses_no_event_that_is_kept(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        await bus.publish("me", _settings("before"))
        stream = bus.subscribe("me")
        sent = [await bus.publish("me", _settings(str(number))) for number in range(100)]
        got = await _take(stream, 30)
        sent += [await bus.publish("me", _settings(str(number))) for number in range(100, 300)]
        got += await _take(stream, 270)
        assert got == sent
        late = await bus.publish("me", _settings("late"))
        assert await anext(stream) == late

    _run(kind, tmp_path, test, most=20)


def test_a_listener_that_catches_up_gets_events_in_order_before_newer_deltas(
    kind: str, tmp_path: Path
) -> None:
    async def test(bus: EventBus) -> None:
        stream = bus.subscribe("me")
        for number in range(30):
            await bus.publish("me", _settings(str(number)))
        await bus.publish("me", _delta("old", 0))
        final = await bus.publish("me", _message("old"))
        await bus.publish("me", _delta("new", 3))
        got = await _take(stream, 32)
        assert _keys(got) == [str(number) for number in range(30)]
        assert got[30] == final
        assert isinstance(got[31], AnswerDelta) and got[31].text == "new"

    _run(kind, tmp_path, test, most=5)


def test_closing_the_bus_ends_streams_after_what_waits(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        stream, waiting = bus.subscribe("me"), bus.subscribe("you")
        ending = asyncio.ensure_future(anext(waiting, None))
        await bus.publish("me", _settings("last"))
        await bus.aclose()
        assert [event async for event in stream] == [
            SettingsChanged(("last",), seq=1, at=NOW)
        ]  # fmt: skip
        assert await ending is None
        assert [event async for event in bus.subscribe("me")] == []

    _run(kind, tmp_path, test)


def test_closing_a_stream_ends_it_and_the_bus_goes_on(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        gone, stays = bus.subscribe("me"), bus.subscribe("me")
        await bus.publish("me", _settings("a"))
        await gone.aclose()  # type: ignore[attr-defined]
        await gone.aclose()  # type: ignore[attr-defined]
        assert await anext(gone, None) is None
        await bus.publish("me", _settings("b"))
        assert _keys(await _take(stays, 2)) == ["a", "b"]

    _run(kind, tmp_path, test)


def test_a_stream_that_its_listener_dropped_is_forgotten(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        async def look_once() -> "weakref.ref[AsyncIterator[Event]]":
            stream = bus.subscribe("me")
            await bus.publish("me", _settings("x"))
            async for _ in stream:
                break
            return weakref.ref(stream)

        dropped = await look_once()
        gc.collect()
        assert dropped() is None
        await bus.publish("me", _settings("y"))

    _run(kind, tmp_path, test)


def test_a_task_that_waits_for_an_event_is_held_even_if_nobody_else_does(
    kind: str, tmp_path: Path
) -> None:
    async def test(bus: EventBus) -> None:
        got: list[Event] = []

        async def listen() -> None:
            got.append(await anext(bus.subscribe("me")))

        asyncio.create_task(listen())  # noqa: RUF006
        await asyncio.sleep(0)
        gc.collect()
        await bus.publish("me", _settings("x"))
        await asyncio.sleep(0)
        assert _keys(got) == ["x"]

    _run(kind, tmp_path, test)


def test_events_published_at_once_come_in_the_order_of_their_seq(kind: str, tmp_path: Path) -> None:
    async def test(bus: EventBus) -> None:
        stream = bus.subscribe("me")
        sent = await asyncio.gather(
            *(bus.publish("me", _settings(str(number))) for number in range(200))
        )
        got = await _take(stream, 200)
        assert [e.seq for e in got] == sorted(e.seq for e in sent)

    _run(kind, tmp_path, test)


# several processes ---------------------------------------------------------------------------


def _two(folder: Path, test: Callable[[SharedBus, SharedBus], object]) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(_shared(folder))
            two = await stack.enter_async_context(_shared(folder))
            await asyncio.wait_for(test(one, two), 60)  # type: ignore[arg-type]

    asyncio.run(main())


def test_two_buses_on_one_folder_see_the_same_events_in_the_same_order(tmp_path: Path) -> None:
    async def test(one: SharedBus, two: SharedBus) -> None:
        here, there = one.subscribe("me"), two.subscribe("me")

        async def talk(bus: SharedBus, name: str) -> None:
            for number in range(50):
                await bus.publish("me", _settings(f"{name}{number}"))

        await asyncio.gather(talk(one, "one"), talk(two, "two"))
        seen, also = await _take(here, 100), await _take(there, 100)
        assert [e.seq for e in seen] == [e.seq for e in also] == sorted(e.seq for e in seen)
        assert _keys(seen) == _keys(also)
        assert sorted(_keys(seen)) == sorted(f"{n}{i}" for n in ("one", "two") for i in range(50))

    _two(tmp_path, test)


def test_deltas_do_not_leave_their_process(tmp_path: Path) -> None:
    async def test(one: SharedBus, two: SharedBus) -> None:
        there = two.subscribe("me")
        await one.publish("me", _delta("secret", 0))
        await one.publish("me", _settings("after"))
        assert _keys(await _take(there, 1)) == ["after"]

    _two(tmp_path, test)


def test_events_of_another_process_arrive_whole(tmp_path: Path) -> None:
    chat = Chat("c", "Title \ud800 \0 \u202e", NOW, NOW)
    problem = Problem("x", "Title", retry_at=NOW)

    async def test(one: SharedBus, two: SharedBus) -> None:
        there = two.subscribe("me")
        sent = [
            await one.publish("me", ChatChanged(chat)),
            await one.publish("me", Notice(problem)),
        ]
        assert await _take(there, 2) == sent

    _two(tmp_path, test)


def test_another_process_rings_and_is_heard(tmp_path: Path) -> None:
    code = f"""
import asyncio
from pathlib import Path
from tests.contract.test_events import _shared, _settings

async def main():
    async with _shared(Path({str(tmp_path)!r})) as bus:
        for number in range(20):
            await bus.publish("me", _settings(str(number)))

asyncio.run(main())
"""

    async def test(bus: EventBus) -> None:
        stream = bus.subscribe("me")
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        got = await _take(stream, 20)
        assert await other.wait() == 0
        assert _keys(got) == [str(number) for number in range(20)]

    _run("shared over sqlite", tmp_path, test)
    assert list((tmp_path / "bells").iterdir()) == []


def test_a_killed_process_leaves_a_bell_that_the_next_one_removes(tmp_path: Path) -> None:
    code = f"""
import asyncio
from pathlib import Path
from tests.contract.test_events import _shared

async def main():
    async with _shared(Path({str(tmp_path)!r})):
        print("open", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None and killed.stdout.readline() == b"open\n"
        (living,) = (tmp_path / "bells").iterdir()

        async def beside(bus: EventBus) -> None:
            assert living.exists()
            await bus.publish("me", _settings("rings at both"))

        _run("shared over sqlite", tmp_path, beside)
        assert living.exists()
        killed.kill()

    async def after(bus: EventBus) -> None:
        assert not living.exists()
        await bus.publish("me", _settings("x"))

    _run("shared over sqlite", tmp_path, after)
