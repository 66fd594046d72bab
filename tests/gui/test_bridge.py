"""The way between the GUI thread and the loop: results, errors, events."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge, _Gathered
from tests.support.fake_client import FakeClient
from worker.contract.errors import NotFound, Unavailable
from worker.contract.events import AnswerDelta, Event, MessageChanged, Notice
from worker.contract.services import Client
from worker.contract.types import Chat, Problem
from worker.runtime import Runtime


class Taker(QObject):
    """Takes what the bridge delivers, and notes on which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[object] = []
        self.problems: list[Problem] = []
        self.events: list[Event] = []
        self.threads: set[str] = set()

    def done(self, result: object) -> None:
        self.results.append(result)
        self.threads.add(threading.current_thread().name)

    def failed(self, problem: Problem) -> None:
        self.problems.append(problem)

    def take(self, event: Event) -> None:
        self.events.append(event)
        self.threads.add(threading.current_thread().name)


def delta(message: str, text: str, offset: int) -> AnswerDelta:
    return AnswerDelta("chat", message, text, offset)


def test_a_result_comes_back_on_the_gui_thread(
    bridge: Bridge, fake: FakeClient, qtbot: QtBot
) -> None:
    taker = Taker()
    chat = fake.store.add("Lisbon")
    bridge.call(lambda client: client.chats.get(chat.id), owner=taker, done=taker.done)
    qtbot.waitUntil(lambda: taker.results == [chat])
    assert taker.threads == {threading.main_thread().name}


def test_an_error_of_the_engine_comes_back_as_its_problem(bridge: Bridge, qtbot: QtBot) -> None:
    taker = Taker()
    bridge.call(
        lambda client: client.chats.get("none"), owner=taker, done=taker.done, failed=taker.failed
    )
    qtbot.waitUntil(lambda: bool(taker.problems))
    assert taker.problems[0].kind == "not_found"
    assert taker.results == []


def test_an_error_that_nobody_takes_is_told_by_the_bridge(bridge: Bridge, qtbot: QtBot) -> None:
    taker = Taker()
    with qtbot.waitSignal(bridge.problem) as told:
        bridge.call(lambda client: client.chats.get("none"), owner=taker)
    assert told.args is not None
    assert told.args[0].title == "There is no such chat"


@pytest.mark.expect_log_errors
def test_an_unexpected_exception_is_logged_and_told_without_its_text(
    bridge: Bridge, fake: FakeClient, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    taker = Taker()
    fake.fail["chats.page"] = ZeroDivisionError("sk-secret")
    bridge.call(lambda client: client.chats.page("x"), owner=taker, failed=taker.failed)
    qtbot.waitUntil(lambda: bool(taker.problems))
    assert taker.problems[0].kind == "unexpected"
    assert "sk-secret" not in str(taker.problems[0])
    assert "A call of the engine failed" in caplog.text


def test_a_result_for_an_owner_that_is_gone_is_dropped(
    bridge: Bridge, fake: FakeClient, qtbot: QtBot, runtime: Runtime
) -> None:
    taker, other = Taker(), Taker()
    results = taker.results
    started, go = threading.Event(), asyncio.Event()

    async def slow(client: Client) -> int:
        started.set()
        await go.wait()
        return 1

    bridge.call(slow, owner=taker, done=taker.done)
    assert started.wait(60)
    taker.deleteLater()
    qtbot.waitSignal(taker.destroyed).wait()
    runtime.call_soon(go.set)
    bridge.call(lambda client: client.system.status(), owner=other, done=other.done)
    qtbot.waitUntil(lambda: bool(other.results))
    assert results == []


def test_a_cancelled_call_delivers_nothing_and_stops_on_the_loop(
    bridge: Bridge, qtbot: QtBot
) -> None:
    taker, other = Taker(), Taker()
    cancelled = threading.Event()
    started = threading.Event()

    async def slow(client: Client) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    call = bridge.call(slow, owner=taker, done=taker.done, failed=taker.failed)
    assert started.wait(60)
    call.cancel()
    assert cancelled.wait(60)
    bridge.call(lambda client: client.system.status(), owner=other, done=other.done)
    qtbot.waitUntil(lambda: bool(other.results))  # it came after, so the first would be there
    assert taker.results == [] and taker.problems == []


def test_a_call_before_the_client_is_there_is_made_when_it_is(
    unconnected: Bridge, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    taker = Taker()
    chat = fake.store.add("Lisbon")
    unconnected.call(lambda client: client.chats.get(chat.id), owner=taker, done=taker.done)

    async def make() -> Client:
        return fake.as_client()

    unconnected.connect_client(runtime, make)
    qtbot.waitUntil(lambda: taker.results == [chat])


def test_a_client_that_cannot_be_made_fails_the_waiting_calls_and_says_so(
    unconnected: Bridge, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    taker = Taker()
    unconnected.call(lambda client: client.chats.get("x"), owner=taker, failed=taker.failed)

    async def broken() -> Client:
        raise Unavailable("The data folder is read-only", "", "Make it writable.")

    with qtbot.waitSignal(unconnected.failed) as told:
        unconnected.connect_client(runtime, broken)
    assert told.args is not None and told.args[0].title == "The data folder is read-only"
    assert [problem.kind for problem in taker.problems] == ["unavailable"]
    unconnected.call(lambda client: client.chats.get("x"), owner=taker, failed=taker.failed)
    qtbot.waitUntil(lambda: [p.kind for p in taker.problems] == ["unavailable"] * 2)

    async def make() -> Client:
        return fake.as_client()

    with qtbot.waitSignal(unconnected.ready):
        unconnected.connect_client(runtime, make)


def test_events_before_the_first_listener_are_kept_for_it(
    bridge: Bridge, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    problem = Problem("worker", "The worker was started again")
    runtime.run(fake.say(problem), 30)
    qtbot.waitUntil(lambda: len(bridge._kept) == 1)
    taker = Taker()
    bridge.listen(taker, taker.take)
    qtbot.waitUntil(lambda: bool(taker.events))
    assert isinstance(taker.events[0], Notice) and taker.events[0].problem == problem


def test_deltas_are_joined_and_arrive_in_few_deliveries(
    bridge: Bridge, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    taker = Taker()
    bridge.listen(taker, taker.take)

    async def pour() -> None:
        for number in range(2000):
            fake.emit(delta("m", "x", number))

    runtime.run(pour(), 30)
    qtbot.waitUntil(
        lambda: sum(len(e.text) for e in taker.events if isinstance(e, AnswerDelta)) == 2000
    )
    assert len(taker.events) < 500  # one each 30 ms, however long it takes to pour
    assert taker.threads == {threading.main_thread().name}


@pytest.mark.expect_log_errors
def test_a_listener_that_raises_keeps_events_from_nobody_else(
    bridge: Bridge, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    taker, broken = Taker(), Taker()

    def explode(event: Event) -> None:
        raise ValueError("broken window")

    bridge.listen(broken, explode)
    bridge.listen(taker, taker.take)
    runtime.run(fake.replace_all(), 30)
    qtbot.waitUntil(lambda: bool(taker.events))


def test_a_stream_that_breaks_is_taken_up_again_after_its_last_event(
    unconnected: Bridge, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    asked: list[int | None] = []
    plain = fake.events

    async def breaking(after: int | None = None) -> AsyncIterator[Event]:
        asked.append(after)
        if len(asked) == 1:
            yield Notice(Problem("a", "first"), seq=7)
            raise NotFound("The server went away")
        async for event in plain(after):
            yield event

    fake.events = breaking  # type: ignore[method-assign]

    async def make() -> Client:
        return fake.as_client()

    taker = Taker()
    unconnected.listen(taker, taker.take)
    unconnected.connect_client(runtime, make)
    qtbot.waitUntil(lambda: len(asked) == 2)
    assert asked == [None, 7]


def test_a_change_of_a_message_stands_between_its_deltas() -> None:
    gathered = _Gathered()
    chats = FakeClient().store
    chat: Chat = chats.add("t", "question", "answer")
    message = chats.branch(chat.id)[1]
    for event in (
        delta(message.id, "ab", 0),
        delta("other", "x", 0),
        delta(message.id, "c", 2),
        MessageChanged(message),
        delta(message.id, "d", 3),
        delta(message.id, "f", 5),
    ):
        gathered.add(event)
    gathered.add_result(print)
    gathered.add(delta(message.id, "g", 6))
    taken = gathered.take()
    assert [e.text if isinstance(e, AnswerDelta) else "-" for e in taken] == [
        "abc", "x", "-", "d", "f", "-", "g",
    ]  # fmt: skip
    assert gathered.take() == []
