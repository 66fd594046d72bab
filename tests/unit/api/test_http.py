"""The API over a real uvicorn, plain HTTP on one side and a recorder behind it."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

import httpx2
import pytest

from tests.support.recorder import Recorder
from worker.api.app import create_api
from worker.api.auth import owner_of
from worker.api.problems import status_of
from worker.api.server import LOCAL, _bind, serve
from worker.contract.errors import (
    AuthenticationError,
    Conflict,
    InvalidInput,
    ModelError,
    NagathaError,
    NotFound,
    StorageError,
    TooLarge,
    Unavailable,
)

TOKENS = {"token-of-ann": "ann", "token-of-ben": "ben"}
ANN = {"Authorization": "Bearer token-of-ann"}


@asynccontextmanager
async def _serving(
    *, heartbeat: float = 15.0
) -> AsyncIterator[tuple[httpx2.AsyncClient, dict[str, Recorder], str]]:
    owners = {"ann": Recorder("ann"), "ben": Recorder("ben")}
    app = create_api(lambda owner: owners[owner], TOKENS, version="1.2", heartbeat=heartbeat)
    async with (
        serve(app) as url,
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as http,
    ):
        yield http, owners, url


def _run(test: Callable[..., Awaitable[None]], **given: Any) -> None:
    async def within() -> None:
        async with asyncio.timeout(60), _serving(**given) as (http, owners, _):
            await test(http, owners)

    asyncio.run(within())


def test_ping_answers_without_a_token() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        answer = await http.get("/ping")
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok", "name": "nagatha", "version": "1.2"}

    _run(test)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Basic token-of-ann", "token-of-ann", "Bearer token-of-an",
        "Bearer token-of-ann2", "Bearer wrong",
    ],
)  # fmt: skip
def test_nothing_but_ping_answers_without_a_known_token(header: str | None) -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        headers = {} if header is None else {"Authorization": header}
        for method, path in (
            ("POST", "/v1/chats/create"),
            ("GET", "/v1/events"),
            ("GET", "/docs"),
            ("GET", "/openapi.json"),
            ("GET", "/nowhere"),
            ("POST", "/ping/"),
        ):
            answer = await http.request(method, path, headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["kind"] == "unauthenticated"
            assert "token-of" not in answer.text
        assert owners["ann"].calls == [] and owners["ann"].subscriptions == []

    _run(test)


def test_token_decides_whose_services_answer() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        for token, owner in TOKENS.items():
            headers = {"Authorization": f"bearer  {token}"}
            answer = await http.post("/v1/chats/stop", json={"run": owner}, headers=headers)
            assert (answer.status_code, answer.json()) == (200, None)
            assert owners[owner].calls == [("chats.stop", {"run": owner})]

    _run(test)


def test_owner_comes_from_a_mapping_or_a_function_and_never_from_an_empty_token() -> None:
    assert owner_of({"": "nobody", "a": "ann"}, "") is None
    assert owner_of({"a": "ann"}, "a") == "ann"
    assert owner_of({"ä": "ann"}, "ä") == "ann"
    assert owner_of({"a": "ann"}, "\ud800") is None
    assert owner_of(lambda token: {"b": "ben"}.get(token), "b") == "ben"
    assert owner_of(lambda token: None, "b") is None


def test_wrong_calls_are_told_as_problems() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        answer = await http.post("/v1/chats/get", content="{", headers=ANN)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert "no JSON" in answer.json()["message"]
        for method, path, status, kind in (
            ("GET", "/v1/chats/get", 405, "invalid"),
            ("POST", "/v1/chats/sing", 404, "not_found"),
            ("POST", "/v1/nothing/get", 404, "not_found"),
            ("GET", "/docs", 404, "not_found"),
            ("GET", "/openapi.json", 404, "not_found"),
            ("GET", "/v1/events?after=x", 400, "invalid"),
            ("GET", "/v1/events?after=-1", 400, "invalid"),
            ("GET", "/v1/events?after=99999999999999999999", 400, "invalid"),
        ):
            answer = await http.request(method, path, headers=ANN)
            assert (answer.status_code, answer.json()["kind"]) == (status, kind), path
        assert owners["ann"].calls == []

    _run(test)


ERRORS: list[tuple[NagathaError, int]] = [
    (NagathaError("x"), 500),
    (InvalidInput("x"), 400),
    (AuthenticationError("x"), 401),
    (NotFound("x"), 404),
    (Conflict("x"), 409),
    (TooLarge("x"), 413),
    (Unavailable("x"), 503),
    (StorageError("x"), 500),
    (StorageError("x", kind="disk_full"), 507),
    (ModelError("x"), 502),
    (ModelError("x", kind="rate_limited"), 429),
    (ModelError("x", kind="no_credit"), 402),
    (ModelError("x", kind="timeout"), 504),
    (ModelError("x", kind="no_model"), 409),
    (ModelError("x", kind="wrong_key"), 502),
    (InvalidInput("x", kind="timeout"), 400),
]


def test_errors_of_the_engine_have_a_status_by_their_kind() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        for error, status in ERRORS:
            assert status_of(error) == status
            owners["ann"].results["chats.create"] = error
            answer = await http.post("/v1/chats/create", headers=ANN)
            body = answer.json()
            assert (answer.status_code, body["status"]) == (status, status)
            assert (body["kind"], body["error"]) == (error.kind, type(error).__name__)

    _run(test)


@pytest.mark.expect_log_errors
def test_mistake_of_ours_is_logged_and_told_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        for result in (RuntimeError("secret"), object()):
            owners["ann"].results["chats.create"] = result
            answer = await http.post("/v1/chats/create", headers=ANN)
            assert (answer.status_code, answer.json()["kind"]) == (500, "internal")
            assert "secret" not in answer.text

    with caplog.at_level(logging.ERROR):
        _run(test)
    assert "/v1/chats/create failed" in caplog.text and "secret" in caplog.text


def test_too_large_a_body_is_refused_and_the_limit_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.api.routes.MOST_BYTES", 2**20)

    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        given = {"name": "a", "data": "A" * 2**20}
        answer = await http.post("/v1/chats/attach", json=given, headers=ANN)
        assert (answer.status_code, answer.json()["kind"]) == (413, "too_large")
        assert "1 MB" in answer.json()["message"]
        assert owners["ann"].calls == []

    _run(test)


async def _lines(response: httpx2.Response, until: str) -> list[str]:
    """The lines of a stream up to the first that begins with `until`."""
    found: list[str] = []
    async for line in response.aiter_lines():
        found.append(line)
        if line.startswith(until):
            return found
    raise AssertionError(f"the stream ended: {found}")


def test_events_come_as_server_sent_events_of_the_token_s_owner() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        async with http.stream("GET", "/v1/events", headers=ANN) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            owners["ben"].publish("not for ann")
            event = owners["ann"].publish("two\nlines \ud800")
            lines = await _lines(response, "data:")
        assert lines[:2] == [": connected", ""]
        assert lines[2:4] == [f"id: {event.seq}", "event: answer.delta"]
        assert json.loads(lines[4].removeprefix("data: "))["text"] == "two\nlines \ud800"
        assert owners["ann"].subscriptions == [None]

    _run(test)


def test_events_are_resumed_after_the_last_one_seen() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        for number in range(5):
            owners["ann"].publish(str(number))
        for query, header, expected in (("?after=3", "", "4"), ("?after=1", "4", "5")):
            headers = ANN | ({"Last-Event-ID": header} if header else {})
            async with http.stream("GET", f"/v1/events{query}", headers=headers) as response:
                lines = await _lines(response, "id:")
            assert lines[-1] == f"id: {expected}"

    _run(test)


def test_silent_stream_gives_a_sign_of_life_and_loses_no_event_by_it() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        async with http.stream("GET", "/v1/events", headers=ANN) as response:
            lines = response.aiter_lines()
            seen = 0
            async for line in lines:
                seen += line == ": still here"
                if seen == 3:
                    owners["ann"].publish("after silence")
                if line.startswith("data:"):
                    break
        assert seen >= 3

    _run(test, heartbeat=0.02)


def test_subscription_ends_with_its_connection() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        async with http.stream("GET", "/v1/events", headers=ANN) as response:
            await _lines(response, ": connected")
        await asyncio.wait_for(owners["ann"].ended.wait(), 60)

    _run(test, heartbeat=0.02)


def test_server_that_stops_ends_its_streams_and_lets_go_of_its_port() -> None:
    async def test() -> None:
        async with _serving() as (http, owners, url):
            response = await http.send(
                http.build_request("GET", "/v1/events", headers=ANN), stream=True
            )
            await anext(response.aiter_lines())
        assert owners["ann"].closed == 1
        async with httpx2.AsyncClient(trust_env=False) as other:
            with pytest.raises(httpx2.ConnectError):
                await other.get(url + "/ping")

    asyncio.run(asyncio.wait_for(test(), 60))


def test_source_that_ends_ends_the_stream() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        async with http.stream("GET", "/v1/events", headers=ANN) as response:
            owners["ann"].end_streams()
            assert [line async for line in response.aiter_lines()] == [": connected", ""]

    _run(test)


@pytest.mark.parametrize("host", ["0.0.0.0", "::1", "localhost", "", "192.168.0.1"])
def test_server_refuses_to_be_seen_from_elsewhere(host: str) -> None:
    async def test() -> None:
        with pytest.raises(InvalidInput, match=r"127\.0\.0\.1"):
            async with serve(create_api(lambda owner: Recorder(), {}), host):
                raise AssertionError("it served")

    asyncio.run(test())


def test_port_that_is_taken_is_told() -> None:
    async def test(http: httpx2.AsyncClient, owners: dict[str, Recorder]) -> None:
        for port in (http.base_url.port or 0, 99_999):
            with pytest.raises(Unavailable, match=str(port)):
                async with serve(create_api(lambda owner: Recorder(), {}), port=port):
                    raise AssertionError("it served")

    _run(test)


def test_socket_names_its_protocol_so_that_answers_are_not_held_back() -> None:
    # asyncio switches Nagle's algorithm off only where the protocol is named: without it, each
    # call took 44 ms instead of 0.6.
    with closing(_bind(LOCAL, 0)) as bound:
        assert bound.proto == socket.IPPROTO_TCP
