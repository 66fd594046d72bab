"""Every way in which a server can fail, through the real SDK over HTTP, as a person sees it."""

import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import openai
import pytest

from tests.support.answers import Said, ask, request
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from worker.contract.errors import ModelError
from worker.contract.types import Problem
from worker.providers.errors import Call, from_exception, quoted, redact, retry_at
from worker.providers.openai_compatible import OpenAICompatible

KEY = "sk-secret-0123456789"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def asked(
    address: ModelServer | str,
    model: str = "fast",
    *,
    key: str | None = KEY,
    proxy: str = "",
    **changes: object,
) -> Said:
    url = address if isinstance(address, str) else address.url
    return ask(
        lambda: OpenAICompatible("test", "Test", url, key, proxy, now=lambda: NOW),
        request(model, **changes),
    )


def failed(server: ModelServer, status: int, body: object, **headers: str) -> ModelError:
    """The error of an answer with this status and body."""
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/plain" if isinstance(body, str) else "application/json"
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    server.queue(Behaviour(status=status, body=text, content_type=kind, headers=given))
    return asked(server).problem


@pytest.fixture
def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def full_port() -> Iterator[int]:
    """Where connections are taken by nobody: the queue of those that wait is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        try:
            for _ in range(4):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(full.getsockname())
                waiting.append(one)
            yield full.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


@contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """Takes one connection, and gives these answers, each to what comes next; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)

        def answer() -> None:
            link, _ = server.accept()
            with link:
                for one in answers:
                    link.recv(65536)
                    link.sendall(one)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join()


# by behaviour --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "kind", "action"),
    [
        ("401", "wrong_key", "models"),
        ("403", "wrong_key", "models"),
        ("429", "rate_limited", "wait"),
        ("no-credit", "no_credit", "models"),
        ("402", "no_credit", "models"),
        ("404", "model_unknown", "choose_model"),
        ("nobody-knows-this", "model_unknown", "choose_model"),
        ("too-long", "too_long", "new_chat"),
        ("400", "refused", "choose_model"),
        ("500", "server_error", "retry"),
        ("503", "server_error", "retry"),
        ("html", "not_a_stream", "models"),
        ("empty", "not_a_stream", "models"),
        ("plain-json", "not_a_stream", "models"),
        ("garbage", "not_a_stream", "models"),
        ("garbage-stream", "not_a_stream", "models"),
        ("cut-early", "cut", "retry"),
    ],
)
def test_a_server_that_fails_at_once_then_the_card_says_what_and_what_to_do(
    server: ModelServer, model: str, kind: str, action: str
) -> None:
    said = asked(server, model)
    problem = said.problem.problem
    assert (problem.kind, problem.action) == (kind, action)
    assert said.pieces == []
    assert problem.title
    assert problem.message.endswith((".", "…"))
    assert problem.remedy.endswith(".")
    assert not problem.title.endswith(".")
    assert "secret" not in str(said.problem)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("cut", "cut"),
        ("no-finish", "cut"),
        ("garbage-mid", "cut"),
        ("mute-mid", "timeout"),
        ("stream-error", "server_error"),
    ],
)
def test_a_server_that_fails_in_mid_answer_then_the_part_stays_and_can_go_on(
    server: ModelServer, model: str, kind: str
) -> None:
    said = asked(server, model, chunk_timeout=1.0 if model == "mute-mid" else 30.0)
    assert said.text
    assert (ANSWER * 3).startswith(said.text)
    assert said.problem.kind == kind
    assert said.problem.problem.action == "continue"


def test_a_mute_server_then_it_times_out_and_names_the_limit(server: ModelServer) -> None:
    problem = asked(server, "mute", chunk_timeout=0.2).problem.problem
    assert problem.kind == "timeout"
    assert "0.2 s" in problem.message


def test_an_answer_that_takes_too_long_in_all_then_it_times_out(server: ModelServer) -> None:
    said = asked(server, "slow", total_timeout=2.0)
    assert said.text
    assert said.problem.kind == "timeout"
    assert "2 s" in said.problem.problem.message


@pytest.mark.parametrize("kind", ["text/event-stream", "application/octet-stream"])
def test_a_server_that_floods_then_it_is_not_listened_to_any_more(
    server: ModelServer, kind: str
) -> None:
    server.queue(Behaviour(flood=200_000_000, content_type=kind))
    problem = asked(server).problem.problem
    assert problem.kind == "not_a_stream"
    assert "bytes" in problem.message


def test_an_answer_that_is_complete_and_never_ends_then_it_is_complete() -> None:
    ends = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
    how = Behaviour(finish=None, events=(ends, "{broken"))
    with ModelServer(behaviours={"broken-end": how}) as server:
        said = asked(server, "broken-end")
    assert said.text == ANSWER
    assert said.finished.reason == "stop"


def test_a_key_that_the_server_repeats_then_it_is_shown_nowhere(server: ModelServer) -> None:
    for key in (KEY, "own-format-key-of-a-server"):
        error = asked(server, "401", key=key).problem
        assert key not in str(error)
        assert key not in repr(error.__dict__)
        assert error.__cause__ is None
        assert error.__suppress_context__


def test_no_key_where_one_is_needed_then_it_asks_for_one(server: ModelServer) -> None:
    problem = asked(server, "401", key=None).problem.problem
    assert problem.kind == "no_key"
    assert problem.action == "models"


# by the words of servers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            [{"error": {"code": 400, "message": "API key not valid. Please pass a valid one."}}],
            "wrong_key",
        ),
        (
            429,
            [{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}],
            "rate_limited",
        ),
        (400, {"error": {"message": "The input token count (9) exceeds the maximum"}}, "too_long"),
        (400, {"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}}, "too_long"),
        (
            400,
            {"error": {"type": "exceed_context_size_error", "message": "the request exceeds it"}},
            "too_long",
        ),
        (413, "Payload too large", "too_long"),
        (404, {"error": 'model "x" not found, try pulling it first'}, "model_unknown"),
        (400, {"error": {"message": "x is not a valid model ID", "code": 400}}, "model_unknown"),
        (404, "404 page not found", "model_unknown"),
        (402, {"error": {"message": "Insufficient credits", "code": 402}}, "no_credit"),
        (
            400,
            {"error": {"message": "Your credit balance is too low to access the API."}},
            "no_credit",
        ),
        (400, {"error": {"message": "this model does not support image input"}}, "no_images"),
        (404, {"error": {"message": "No endpoints found that support image input"}}, "no_images"),
        (422, {"detail": "odd"}, "refused"),
        (418, "", "refused"),
        (408, "", "timeout"),
        (502, "<html>Bad gateway</html>", "server_error"),
        (500, {"weird": [1, 2]}, "server_error"),
        (500, [], "server_error"),
        (500, {"error": ["x"]}, "server_error"),
    ],
)
def test_what_servers_say_then_its_kind_is_found(
    server: ModelServer, status: int, body: object, kind: str
) -> None:
    assert failed(server, status, body).kind == kind


def test_an_address_that_answers_nothing_then_the_address_is_to_blame(server: ModelServer) -> None:
    problem = asked(server.origin + "/wrong/path").problem.problem
    assert problem.action == "models"
    assert "address" in problem.message
    assert failed(server, 404, "<html>nothing</html>").problem == problem


def test_an_error_inside_a_stream_that_is_a_rate_limit_then_it_is_one(server: ModelServer) -> None:
    data = '{"error": {"message": "slow down", "code": 429}}'
    server.queue(Behaviour(text="", finish=None, events=(data,)))
    problem = asked(server).problem.problem
    assert (problem.kind, problem.action) == ("rate_limited", "wait")


# rate limits ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "20"}, 20),
        ({"Retry_After": "1.5"}, 1.5),
        ({"Retry_After": "Sat, 21 Nov 2026 12:01:00 GMT"}, 60),
        ({"retry_after_ms": "250"}, 0.25),
        ({"x_ratelimit_reset": str(int((NOW.timestamp() + 30) * 1000))}, 30),
        ({"x_ratelimit_reset": str(int(NOW.timestamp()) + 30)}, 30),
        ({"x_ratelimit_reset": "45"}, 45),
        ({"x_ratelimit_reset": "1m"}, 60),
        (
            {
                "x_ratelimit_reset_requests": "1s",
                "x_ratelimit_reset_tokens": "6m0.5s",
                "x_ratelimit_remaining_requests": "0",
                "x_ratelimit_remaining_tokens": "100",
            },
            1,
        ),
        ({"x_ratelimit_reset_tokens": "120ms"}, 0.12),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "9" * 400}, None),
        ({"x_ratelimit_reset": "soon"}, None),
        ({}, None),
    ],
)
def test_a_rate_limit_then_its_end_is_known_where_the_server_says_it(
    server: ModelServer, headers: dict[str, str], seconds: float | None
) -> None:
    problem = failed(server, 429, {"error": {"message": "slow down"}}, **headers).problem
    assert problem.kind == "rate_limited"
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert problem.retry_at == expected


def test_a_rate_limit_of_gemini_then_its_retry_info_is_read(server: ModelServer) -> None:
    details = [{"@type": "x"}, {"@type": "RetryInfo", "retryDelay": "27s"}]
    body = [{"error": {"code": 429, "message": "slow", "details": details}}]
    assert failed(server, 429, body).problem.retry_at == NOW + timedelta(seconds=27)


def test_a_reset_out_of_range_then_there_is_no_end() -> None:
    assert retry_at({"x-ratelimit-reset": "1e300"}, NOW) is None
    assert retry_at({"retry-after": "Sat, 21 Nov 2026 12:01:00"}, NOW) == NOW + timedelta(minutes=1)


# the way there -------------------------------------------------------------------------------


def test_nobody_listens_then_the_network_is_named_and_starting_it_is_proposed(
    free_port: int,
) -> None:
    problem = asked(f"http://127.0.0.1:{free_port}/v1").problem.problem
    assert problem.kind == "no_network"
    assert f"127.0.0.1:{free_port}" in problem.message
    assert problem.remedy.startswith("Start it on this machine")


def test_a_name_that_does_not_exist_then_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = asked("http://nobody.invalid/v1").problem.problem
    assert problem.kind == "no_network"
    assert problem.message == "The name nobody.invalid could not be found."


def test_a_server_without_tls_under_https_then_the_secure_connection_is_named(
    server: ModelServer,
) -> None:
    problem = asked(server.url.replace("http:", "https:")).problem.problem
    assert problem.kind == "no_network"
    assert "secure connection" in problem.message


def test_a_server_that_takes_no_connection_then_the_time_to_connect_is_named(
    full_port: int,
) -> None:
    said = asked(f"http://127.0.0.1:{full_port}/v1", connect_timeout=0.3)
    problem = said.problem.problem
    assert problem.kind == "timeout"
    assert "No connection" in problem.message
    assert "0.3 s" in problem.message


@pytest.mark.parametrize(
    "address",
    ["", "localhost:11434", "ftp://x/v1", "http://", "http://[::1", "http://127.0.0.1:99999/v1"],
)
def test_an_address_that_is_none_then_it_says_so(address: str) -> None:
    problem = asked(address).problem.problem
    assert problem.kind == "no_network"
    assert problem.action in ("models", "retry")
    assert "not valid" in problem.title


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system is asked")
def test_certificates_that_cannot_be_read_then_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    problem = asked("https://models.invalid/v1").problem.problem
    assert problem.kind == "no_network"
    assert "certificates" in problem.message and "SSL_CERT_FILE" in problem.remedy


@pytest.mark.parametrize("key", ["sk-with-ümlaut", "sk-with\nnewline"])
def test_a_key_that_cannot_be_sent_then_it_is_wrong(server: ModelServer, key: str) -> None:
    problem = asked(server, key=key).problem.problem
    assert (problem.kind, problem.action) == ("wrong_key", "models")


def test_a_key_with_blanks_around_it_then_they_are_left_out(server: ModelServer) -> None:
    assert asked(server, key=f" {KEY}\n").text == ANSWER
    assert server.completions[-1].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "proxy",
    ["nonsense", "ftp://127.0.0.1:1", "http://127.0.0.1:{port}", "socks5://127.0.0.1:{port}"],
)
def test_a_proxy_that_cannot_be_used_then_there_is_no_network(
    server: ModelServer, proxy: str, free_port: int
) -> None:
    said = asked(server, proxy=proxy.format(port=free_port))
    assert said.problem.kind == "no_network"


def wants_login(problem: Problem) -> None:
    assert (problem.kind, problem.action) == ("no_network", "models")
    assert problem.title == "The proxy asks who you are"
    assert "HTTPS_PROXY" in problem.remedy


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("server", ["http://models.invalid/v1", "https://models.invalid/v1"])
def test_a_proxy_that_is_not_there_then_it_is_named_and_not_the_server(
    server: str, scheme: str, free_port: int
) -> None:
    problem = asked(server, proxy=f"{scheme}://127.0.0.1:{free_port}").problem.problem
    assert (problem.kind, problem.action) == ("no_network", "models")
    assert problem.title == "The proxy cannot be reached"
    where = f"127.0.0.1:{free_port}"
    assert problem.message == f"Nothing answers at {where}, through which Test is asked."
    assert problem.remedy == "Check the proxy in Settings › Models and keys, or leave it empty."


def test_the_systems_proxy_that_is_not_there_then_its_variable_is_named_and_no_password(
    monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{free_port}")
    problem = asked("https://models.invalid/v1").problem.problem
    assert problem.title == "The proxy cannot be reached"
    assert f"at 127.0.0.1:{free_port}," in problem.message and "HTTPS_PROXY" in problem.remedy
    assert "secret" not in str(problem) and "me:" not in str(problem)


def test_a_proxy_whose_name_does_not_exist_then_it_is_named() -> None:
    said = asked("https://models.example/v1", proxy="http://nobody.invalid:3128")
    problem = said.problem.problem
    assert problem.title == "The proxy cannot be reached"
    name = "nobody.invalid"
    assert problem.message == f"The name {name}, through which Test is asked, could not be found."


def test_a_proxy_that_takes_no_connection_then_it_is_named(full_port: int) -> None:
    said = asked(
        "https://models.invalid/v1", proxy=f"http://127.0.0.1:{full_port}", connect_timeout=0.3
    )
    problem = said.problem.problem
    assert (problem.kind, problem.title) == ("no_network", "The proxy did not answer")
    assert problem.message == f"No connection to 127.0.0.1:{full_port} within 0.3 s."


def test_a_proxy_that_refuses_then_what_it_said_is_told() -> None:
    with answering(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as port:
        said = asked("https://models.invalid/v1", proxy=f"http://127.0.0.1:{port}")
    problem = said.problem.problem
    assert problem.title == "The proxy cannot be used"
    assert problem.message == f"127.0.0.1:{port} answered: 502 Bad Gateway."


def test_a_proxy_that_wants_to_know_who_asks_then_it_says_where_to_put_that() -> None:
    with answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as port:
        proxy = f"http://127.0.0.1:{port}"
        wants_login(asked("https://models.invalid/v1", proxy=proxy).problem.problem)
    with ModelServer(prefix="http://nobody.invalid") as server:
        server.queue(Behaviour(status=407, body="Who are you?", content_type="text/plain"))
        proxy = f"http://127.0.0.1:{server.port}"
        wants_login(asked("http://nobody.invalid/v1", proxy=proxy).problem.problem)


def test_a_server_that_is_not_safe_behind_a_proxy_then_the_server_is_named() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n", b"this is no TLS") as port:
        said = asked("https://models.invalid/v1", proxy=f"http://127.0.0.1:{port}")
    problem = said.problem.problem
    assert problem.title == "Test cannot be reached"
    assert "models.invalid" in problem.message


def test_a_proxy_that_works_then_the_request_goes_through_it() -> None:
    with ModelServer(prefix="http://nobody.invalid") as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        assert asked("http://nobody.invalid/v1", proxy=address).text == ANSWER
        assert proxy.completions[0].path == "http://nobody.invalid/v1/chat/completions"


def test_the_systems_proxy_then_it_is_used_for_servers_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ModelServer(prefix="http://nobody.invalid") as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert asked("http://nobody.invalid/v1").text == ANSWER


# the edge itself -----------------------------------------------------------------------------


@pytest.fixture
def call() -> Iterator[Call]:
    yield Call("Test", "https://user:password@api.example.com:8443/v1", KEY, model="m")


def test_words_of_a_server_then_keys_are_taken_out() -> None:
    text = (
        f"key {KEY} and sk-proj-ab**cd, Bearer abc.def, AIzaSyA1234567890, "
        "http://x/?key=hidden&a=1, myke****7890"
    )
    shown = redact(text, KEY)
    for part in ("secret", "proj", "abc.def", "AIza", "hidden", "myke"):
        assert part not in shown
    assert redact("own-key here", "own-key") == "… here"
    assert len(quoted("a \x00\u202e" * 1000)) <= 300
    assert "\u202e" not in quoted("a\u202eb")


def test_exceptions_of_the_http_client_itself_then_they_have_their_kinds(call: Call) -> None:
    web = httpx2.Request("POST", "https://api.example.com")
    table: list[tuple[Exception, str]] = [
        (httpx2.ReadTimeout("x"), "timeout"),
        (httpx2.ProxyError("407"), "no_network"),
        (httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), "no_network"),
        (httpx2.LocalProtocolError("Illegal header value"), "no_network"),
        (httpx2.ReadError(""), "cut"),
        (httpx2.InvalidURL("x"), "no_network"),
        (openai.APIConnectionError(request=web), "cut"),
        (openai.APIError("odd", web, body=None), "server_error"),
        (ssl.SSLError("odd"), "not_a_stream"),
        (ModelError("as it is", kind="no_images"), "no_images"),
    ]
    for error, kind in table:
        found = from_exception(error, call, NOW)
        assert found.kind == kind, error
        assert "password" not in str(found)
    assert call.host == "api.example.com:8443"
    assert Call("Test", "http://[bad", None).host == "the address"
