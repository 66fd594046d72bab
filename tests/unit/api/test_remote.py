"""`RemoteClient` against a real uvicorn, and against servers that are none of ours."""

import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from nagatha_desktop.client.remote import RemoteClient
from nagatha_desktop.client.stream import EventStream
from tests.support.recorder import Recorder
from tests.support.samples import arguments_of, samples
from tests.support.storages import NOW, a_run
from worker.api.app import create_api
from worker.api.server import serve
from worker.contract.errors import (
    AuthenticationError,
    InvalidInput,
    ModelError,
    NotFound,
    Unavailable,
)
from worker.contract.events import AnswerDelta, Event
from worker.contract.jobs import Batch, TaskCall
from worker.contract.services import FEATURES, Client
from worker.contract.wire import Method, methods

TOKEN = "token-of-ann"
Test = Callable[[RemoteClient, Recorder], Awaitable[None]]


def _run(test: Test) -> None:
    async def within() -> None:
        recorder = Recorder()
        app = create_api(lambda owner: recorder, {TOKEN: "ann"})
        async with asyncio.timeout(60), serve(app) as url:
            client = RemoteClient(url, TOKEN)
            try:
                await test(client, recorder)
            finally:
                await client.aclose()

    asyncio.run(within())


def test_remote_client_has_every_feature_and_method() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        seam: Client = client
        for feature, protocol in FEATURES.items():
            for name in vars(protocol):
                if not name.startswith("_"):
                    assert callable(getattr(getattr(seam, feature), name))
            with pytest.raises(AttributeError):
                getattr(getattr(seam, feature), "sing")  # noqa: B009
        assert TOKEN not in repr(client) and "127.0.0.1" in repr(client)

    _run(test)


def drawn() -> list[tuple[Method, dict[str, object], object]]:
    """Some arguments and results of every method.

    Drawn one method at a time: all at once are more than Hypothesis makes for one example, and
    it would try again and again.
    """
    return [call for method in methods() for call in _calls_of(method)]


def _calls_of(method: Method) -> list[tuple[Method, dict[str, object], object]]:
    found: list[tuple[Method, dict[str, object], object]] = []
    function = vars(FEATURES[method.feature])[method.name]

    @settings(
        max_examples=3,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(arguments=arguments_of(function), result=samples(get_type_hints(function)["return"]))
    def draw(arguments: dict[str, object], result: object) -> None:
        found.append((method, arguments, result))

    draw()
    return found


def test_every_method_reaches_the_engine_with_its_arguments_and_brings_its_result_back() -> None:
    calls = drawn()
    assert {method.path for method, _, _ in calls} == {method.path for method in methods()}

    async def test(client: RemoteClient, recorder: Recorder) -> None:
        for method, arguments, result in calls:
            recorder.results[f"{method.feature}.{method.name}"] = result
            call = getattr(getattr(client, method.feature), method.name)
            assert await call(**arguments) == result
            assert recorder.calls[-1] == (f"{method.feature}.{method.name}", arguments)

    _run(test)


def test_how_far_a_batch_is_is_the_same_on_both_sides() -> None:
    runs = (
        a_run("r1", state="SUCCESS", ended=NOW),
        a_run("r2", state="PROGRESS", progress=0.5),
        a_run("r3", state="PENDING"),
        a_run("r4", state="REVOKED", ended=NOW),
    )
    batch = Batch("b", "chain", runs)
    assert batch.progress == 2.5 / 4

    async def test(client: RemoteClient, recorder: Recorder) -> None:
        recorder.results["jobs.batch"] = batch
        found = await client.jobs.batch("b")
        assert (found, found.progress) == (batch, batch.progress)
        recorder.results["jobs.run_group"] = batch
        calls = (TaskCall("lab.count", {"n": 1}), TaskCall("lab.note", {}))
        assert await client.jobs.run_group(calls) == batch
        assert recorder.calls[-1] == ("jobs.run_group", {"calls": calls})

    _run(test)


def test_errors_of_the_engine_come_out_as_they_were() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        for error in (
            NotFound("No such chat", "Why \ud800", "What"),
            ModelError("Too fast", kind="rate_limited", action="wait"),
            InvalidInput("Odd", kind="odd"),
        ):
            recorder.results["chats.get"] = error
            with pytest.raises(type(error)) as caught:
                await client.chats.get("c")
            assert caught.value.problem == error.problem

    _run(test)


def test_wrong_python_arguments_are_a_type_error_as_with_the_engine_itself() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        with pytest.raises(TypeError):
            await client.chats.get()  # type: ignore[call-arg]
        assert recorder.calls == []

    _run(test)


def test_wrong_token_is_told_for_calls_and_events() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        other = RemoteClient(str(client._http.base_url), "wrong")
        stream = other.events()
        with pytest.raises(AuthenticationError):
            await other.chats.get("c")
        with pytest.raises(AuthenticationError) as caught:
            await anext(stream)
        assert "wrong" not in caught.value.problem.remedy
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        assert stream.closed
        await other.aclose()

    _run(test)


@pytest.mark.parametrize(
    "address", ["", "ftp://x", "127.0.0.1:80", "http://", "http://:80", "http://a:b", "x y"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match=r"http://127\.0\.0\.1"):
        RemoteClient(address, TOKEN)


def test_token_that_cannot_be_one_is_refused_without_repeating_it() -> None:
    with pytest.raises(InvalidInput) as caught:
        RemoteClient("http://127.0.0.1:1", "se\ncret")
    assert "cret" not in str(caught.value)


@asynccontextmanager
async def _raw(answer: bytes, *, hold: bool = False) -> AsyncIterator[str]:
    """A server that answers everything with these bytes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if hold:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _http(body: str, status: int = 200, kind: str = "text/html") -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + data


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (_http("<h1>Welcome to the hotel</h1>"), "not Nagatha"),
        (_http('{"id": 3}', kind="application/json"), "not Nagatha"),
        (_http("Bad gateway", 502), "not Nagatha"),
        (_http("[]", 404, "application/problem+json"), "not Nagatha"),
        (b"\x00\xffgarbage\r\n\r\n", "cannot be reached"),
        (b"", "cannot be reached"),
    ],
)
def test_what_is_not_nagatha_is_told_as_such(answer: bytes, told: str) -> None:
    async def test() -> None:
        async with _raw(answer) as url:
            client = RemoteClient(url, TOKEN)
            with pytest.raises(Unavailable, match=told) as caught:
                await client.chats.get("c")
            assert url in caught.value.problem.message and caught.value.problem.remedy
            with pytest.raises(Unavailable):
                await anext(client.events())
            await client.aclose()

    asyncio.run(asyncio.wait_for(test(), 60))


def test_engine_that_is_not_there_or_mute_is_told_with_what_to_do() -> None:
    async def test() -> None:
        async with _raw(b"") as url:
            pass
        client = RemoteClient(url, TOKEN)
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.chats.get("c")
        with pytest.raises(Unavailable, match="cannot be reached"):
            await anext(client.events())
        await client.aclose()
        with pytest.raises(Unavailable):
            await client.chats.get("c")
        async with _raw(b"", hold=True) as url:
            client = RemoteClient(url, TOKEN, timeout=0.1)
            with pytest.raises(Unavailable, match="did not answer in time"):
                await client.chats.get("c")
            await client.aclose()

    asyncio.run(asyncio.wait_for(test(), 60))


def _text(event: Event) -> str:
    assert isinstance(event, AnswerDelta)
    return event.text


def test_what_a_call_brings_about_is_in_the_stream_that_was_asked_for_before() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        async def create() -> None:
            recorder.publish("made")

        recorder.results["chats.create"] = create
        for _ in range(5):
            stream = client.events()
            with pytest.raises(Unavailable):
                await client.chats.create()
            assert _text(await anext(stream)) == "made"
            await stream.aclose()
            with pytest.raises(StopAsyncIteration):
                await anext(stream)

    _run(test)


def test_stream_goes_on_after_the_connection_broke() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        recorder.publish("before")
        stream = client.events()
        await stream.begun()
        recorder.publish("one")
        assert _text(await anext(stream)) == "one"
        recorder.end_streams()
        recorder.publish("two")
        recorder.publish("three")
        assert [_text(await anext(stream)) for _ in range(2)] == ["two", "three"]
        recorder.publish("unstored", stored=False)
        assert _text(await anext(stream)) == "unstored"
        recorder.end_streams()
        recorder.publish("four")
        assert _text(await anext(stream)) == "four"
        assert recorder.subscriptions == [None, 2, 4]

    _run(test)


def test_stream_that_broke_before_its_first_event_brings_what_came_since_and_no_more() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        recorder.publish("before")
        stream = client.events()
        await stream.begun()
        recorder.end_streams()
        recorder.publish("since")
        assert _text(await anext(stream)) == "since"
        assert recorder.subscriptions == [None, 0]

    _run(test)


def test_stream_may_begin_in_the_past() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        for text in "abc":
            recorder.publish(text)
        stream = client.events(1)
        assert [_text(await anext(stream)) for _ in range(2)] == ["b", "c"]

    _run(test)


def test_stream_outlives_a_restart_of_the_engine() -> None:
    async def test() -> None:
        recorder = Recorder()
        app = create_api(lambda owner: recorder, {TOKEN: "ann"})
        async with serve(app) as url:
            client = RemoteClient(url, TOKEN)
            stream = client.events()
            await stream.begun()
            recorder.publish("one")
            assert _text(await anext(stream)) == "one"
        waiting = asyncio.ensure_future(anext(stream))
        recorder.publish("two")
        port = int(url.rpartition(":")[2])
        async with serve(create_api(lambda owner: recorder, {TOKEN: "ann"}), port=port):
            assert _text(await waiting) == "two"
            await client.aclose()

    asyncio.run(asyncio.wait_for(test(), 60))


def test_token_that_is_withdrawn_ends_the_stream_with_an_error() -> None:
    async def test() -> None:
        recorder = Recorder()
        tokens = {TOKEN: "ann"}
        async with serve(create_api(lambda owner: recorder, tokens)) as url:
            client = RemoteClient(url, TOKEN)
            stream = client.events()
            await stream.begun()
            tokens.clear()
            recorder.end_streams()
            with pytest.raises(AuthenticationError):
                await anext(stream)
            await client.aclose()

    asyncio.run(asyncio.wait_for(test(), 60))


def test_events_of_a_newer_version_are_passed_over() -> None:
    sent = 'data: {"kind": "chat.sung", "seq": 1}\n\n: x\n\nid: 2\n\n'
    sent += 'data: {"kind": "answer.delta", "seq": 2}\n\ndata: no JSON\n\n'
    sent += 'data: {"kind":"data.replaced","seq":3}\n\n'

    async def test() -> None:
        async with _raw(_http(sent, kind="text/event-stream")) as url:
            client = RemoteClient(url, TOKEN)
            assert (await anext(client.events())).seq == 3
            await client.aclose()

    asyncio.run(asyncio.wait_for(test(), 60))


def test_closing_the_client_ends_who_waits_for_an_event() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        stream = client.events()
        await stream.begun()
        waiting = asyncio.create_task(_all(stream))
        await asyncio.sleep(0)
        await client.aclose()
        assert await waiting == []

    _run(test)


async def _all(stream: EventStream) -> list[Event]:
    return [event async for event in stream]


def test_stream_that_nobody_holds_any_more_goes_away() -> None:
    async def test(client: RemoteClient, recorder: Recorder) -> None:
        async for _ in _with_one(client, recorder):
            break
        client._streams.clear()
        gc.collect()
        await recorder.ended.wait()

    _run(test)


def _with_one(client: RemoteClient, recorder: Recorder) -> EventStream:
    stream = client.events(0)
    recorder.publish("one")
    return stream


def test_importing_the_client_s_base_loads_neither_http_nor_pydantic() -> None:
    code = (
        "import sys, json; import nagatha_desktop.client.base; "
        "print(json.dumps([m for m in sys.modules if m.split('.')[0] in "
        "('httpx2', 'fastapi', 'pydantic', 'starlette', 'uvicorn', 'openai', 'PySide6')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: Any = json.loads(done.stdout)
    assert found == []
