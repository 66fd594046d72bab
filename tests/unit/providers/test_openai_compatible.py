"""The provider against a real HTTP server, good and bad."""

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.answers import CALCULATE, Said, ask, listen, request, run
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from worker.contract.types import Usage
from worker.providers import openai_compatible
from worker.providers.base import Image, PromptMessage, TextDelta, ToolCall
from worker.providers.openai_compatible import OpenAICompatible

KEY = "sk-secret-0123456789"


def provider(server: ModelServer, key: str | None = KEY) -> OpenAICompatible:
    return OpenAICompatible("test", "Test", server.url, key)


def asked(server: ModelServer, model: str, **changes: object) -> Said:
    return ask(lambda: provider(server), request(model, **changes))


def queued(server: ModelServer, *behaviours: Behaviour) -> Said:
    """The answer to a request that meets these behaviours one after the other."""
    server.queue(*behaviours)
    return asked(server, "fast")


# answers -------------------------------------------------------------------------------------


def test_stream_a_normal_answer_then_text_usage_and_model_come(server: ModelServer) -> None:
    said = asked(server, "fast")
    assert said.text == ANSWER
    assert said.finished.reason == "stop"
    assert said.finished.model == "fast"
    assert said.finished.usage is not None
    assert said.finished.usage.output == 17
    assert not said.finished.usage.estimated
    assert sum(isinstance(piece, TextDelta) for piece in said.pieces) == 17


@pytest.mark.parametrize("model", ["odd", "late", "no-stream-options", "gemini", "no-usage"])
def test_stream_from_servers_with_habits_of_their_own_then_the_text_is_whole(
    server: ModelServer, model: str
) -> None:
    said = asked(server, model)
    assert said.text == ANSWER + ("The end." if model == "odd" else "")
    assert said.finished.reason == "stop"


def test_stream_in_chunks_of_one_byte_then_no_character_is_lost(server: ModelServer) -> None:
    assert asked(server, "bytes").text == ANSWER + "Grüße, 你好, 🎉\n"


def test_stream_10_000_tokens_a_second_then_every_token_comes(server: ModelServer) -> None:
    said = asked(server, "flood")
    assert said.text == "word " * 10_000
    assert said.finished.usage is not None
    assert said.finished.usage.output == 10_000


def test_stream_with_cumulative_usage_then_the_last_count_is_taken(server: ModelServer) -> None:
    assert asked(server, "gemini").finished.usage == Usage(input=2, output=17, cached=2)


def test_stream_without_usage_then_it_is_none(server: ModelServer) -> None:
    assert asked(server, "no-usage").finished.usage is None


def test_stream_cut_off_at_the_limit_then_the_reason_is_length(server: ModelServer) -> None:
    said = asked(server, "length", max_tokens=17)
    assert said.finished.reason == "length"
    assert server.completions[-1].body["max_tokens"] == 17


def test_stream_stopped_by_a_filter_then_the_reason_says_so(server: ModelServer) -> None:
    assert asked(server, "filter").finished.reason == "content_filter"


def test_stream_with_several_calls_in_fragments_then_they_are_joined(server: ModelServer) -> None:
    said = asked(server, "tools", tools=(CALCULATE,))
    assert said.calls == (
        ToolCall("call_0", "date_time", '{"zone": "Asia/Tokyo"}'),
        ToolCall("call_1", "calculate", '{"expression": "6 * 7"}'),
    )
    assert said.finished.reason == "tool_calls"
    sent = server.completions[-1].body["tools"][0]["function"]
    assert sent["name"] == "calculate"
    assert sent["parameters"] == {"type": "object", "properties": {}}


# requests ------------------------------------------------------------------------------------


def test_stream_a_conversation_with_tools_and_pictures_then_the_server_sees_all_of_it(
    server: ModelServer,
) -> None:
    call = ToolCall("c1", "calculate", '{"expression": "1+1"}')
    messages = (
        PromptMessage("system", "Be brief."),
        PromptMessage("user", "Look", images=(Image("image/png", b"\x89PNG"),)),
        PromptMessage("user", "", images=(Image("image/png", b"\x89PNG"),)),
        PromptMessage("assistant", "", calls=(call,)),
        PromptMessage("tool", "2", call_id="c1"),
    )
    assert asked(server, "fast", messages=messages, temperature=0.5).error is None
    sent = server.completions[-1]
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    picture = {"type": "image_url", "image_url": {"url": url}}
    assert sent.messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, picture]},
        {"role": "user", "content": [picture]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "calculate", "arguments": '{"expression": "1+1"}'},
                }
            ],
        },
        {"role": "tool", "content": "2", "tool_call_id": "c1"},
    ]
    assert sent.body["temperature"] == 0.5
    assert "max_tokens" not in sent.body


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("half \ud83d only", "half \ufffd only"),
        ("both \ud83c\udf89 halves", "both 🎉 halves"),
        ("nul \x00 byte", "nul \ufffd byte"),
        ("\u202eright to left\u2069 אבג", "\u202eright to left\u2069 אבג"),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_stream_a_text_that_is_hard_to_send_then_the_request_is_sound(
    server: ModelServer, text: str, seen: str
) -> None:
    said = ask(lambda: provider(server), request("echo", text))
    assert said.text == seen
    assert server.completions[-1].messages == [{"role": "user", "content": seen}]


def test_stream_halves_of_characters_in_two_chunks_then_they_are_joined(
    server: ModelServer,
) -> None:
    half = '{"choices": [{"index": 0, "delta": {"content": "%s"}, "finish_reason": null}]}'
    ends = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
    events = (half % "a \\ud83c", half % "\\udf89 b", half % "c \\ud83c", ends)
    said = queued(server, Behaviour(text="", finish=None, events=events))
    assert said.text == "a 🎉 bc \ufffd"


def test_stream_then_only_our_headers_and_the_key_are_sent(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Private: private\nAuthorization: Bearer other")
    asked(server, "fast")
    headers = server.completions[-1].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["user-agent"] == "Nagatha"
    assert not [name for name in headers if name.startswith(("x-", "openai-"))]


def test_stream_without_a_key_then_none_is_sent_whatever_the_environment_holds(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-server")
    said = ask(lambda: provider(server, key=None), request("fast"))
    assert said.text == ANSWER
    assert "authorization" not in server.completions[-1].headers


def test_stream_to_this_machine_then_the_systems_proxy_is_not_used(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert asked(server, "fast").text == ANSWER


def test_stream_to_a_redirect_then_the_key_does_not_follow_it(server: ModelServer) -> None:
    with ModelServer() as other:
        away = Behaviour(status=307, body="", headers={"Location": f"{other.url}/chat/completions"})
        said = queued(server, away)
        assert said.problem.kind == "refused"
        assert other.requests == []


# learning what a server refuses --------------------------------------------------------------


def _refusing(field: str, message: str) -> Behaviour:
    return Behaviour(status=400, body='{"error": {"message": "' + message + '"}}')


def test_stream_options_refused_then_it_is_asked_without_and_remembered(
    server: ModelServer,
) -> None:
    async def work() -> list[dict[str, object]]:
        one = provider(server)
        before = len(server.completions)
        for _ in range(2):
            assert (await listen(one, request("no-stream-options"))).text == ANSWER
        await one.aclose()
        return [r.body for r in server.completions[before:]]

    bodies = run(work())
    assert ["stream_options" in body for body in bodies] == [True, False, False]


@pytest.mark.parametrize(
    ("message", "before", "after"),
    [
        (
            "registry.ollama.ai/library/tiny does not support tools",
            "tools",
            None,
        ),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "max_completion_tokens",
        ),
        (
            "Unsupported value: 'temperature' does not support 0.5 with this model.",
            "temperature",
            None,
        ),
    ],
)
def test_a_parameter_refused_then_it_is_asked_in_the_way_that_works(
    server: ModelServer, message: str, before: str, after: str | None
) -> None:
    server.queue(_refusing(before, message))
    said = asked(server, "fast", tools=(CALCULATE,), temperature=0.5, max_tokens=9)
    assert said.text == ANSWER
    first, second = (r.body for r in server.completions[-2:])
    assert before in first
    assert before not in second
    assert after is None or second[after] == 9


def test_a_parameter_refused_again_and_again_then_it_ends(server: ModelServer) -> None:
    refusal = _refusing("", "max_tokens and max_completion_tokens: unsupported, temperature too")
    server.queue(*[refusal] * 10)
    before = len(server.completions)
    said = asked(server, "fast", max_tokens=9)
    assert said.problem.kind == "refused"
    assert len(server.completions) - before == 3
    server.clear()


# ends and stops ------------------------------------------------------------------------------


def _wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


@pytest.mark.parametrize("model", ["slow", "steady", "pause"])
def test_closing_the_iterator_in_mid_answer_then_the_connection_ends(
    server: ModelServer, model: str
) -> None:
    async def work() -> None:
        one = provider(server)
        stream = one.stream(request(model))
        async for _ in stream:
            break
        await stream.aclose()
        # The provider itself stays open: it is the connection that has to go.
        gone = server.completions[-1].gone
        assert await asyncio.to_thread(gone.wait, 60)
        await one.aclose()

    run(work())


@pytest.mark.parametrize("model", ["mute", "mute-mid", "slow"])
def test_cancelling_whoever_listens_then_the_connection_ends(
    server: ModelServer, model: str
) -> None:
    async def work() -> None:
        one = provider(server)
        before = len(server.completions)
        task = asyncio.create_task(listen(one, request(model)))
        await asyncio.to_thread(server.wait_for, before + 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.completions[-1].gone.wait, 60)
        await one.aclose()

    run(work())


def test_asking_again_then_the_connection_is_used_again(server: ModelServer) -> None:
    async def work() -> None:
        one = provider(server)
        for _ in range(3):
            assert (await listen(one, request("fast"))).text == ANSWER
        assert (await listen(one, request("cut"))).problem.kind == "cut"
        assert (await listen(one, request("fast"))).text == ANSWER
        await one.aclose()
        await one.aclose()

    run(work())


def test_closing_that_is_cancelled_then_every_connection_is_closed_all_the_same(
    server: ModelServer,
) -> None:
    async def work() -> None:
        one = provider(server)
        await asyncio.gather(*(listen(one, request("fast")) for _ in range(4)))
        web: Any = one._web
        connections = web._transport._pool.connections
        assert len(connections) > 1
        closing = asyncio.ensure_future(one.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait((closing,))
        assert one._closing is not None
        await one._closing
        assert all(connection.is_closed() for connection in connections)

    run(work())


def test_many_at_once_then_each_gets_its_own_answer(server: ModelServer) -> None:
    async def work() -> list[Said]:
        one = provider(server)
        asking = (listen(one, request("echo", f"number {n}")) for n in range(40))
        found = await asyncio.gather(*asking)
        await one.aclose()
        return list(found)

    assert [said.text for said in run(work())] == [f"number {n}" for n in range(40)]


# lists of models -----------------------------------------------------------------------------


def test_models_of_a_server_then_those_that_chat_are_listed_with_what_it_says() -> None:
    listed = [
        {"id": "models/gemini-2.5-pro"},
        {
            "id": "a/seeing",
            "name": "A: Seeing",
            "context_length": 128_000,
            "architecture": {"input_modalities": ["text", "image"]},
        },
        {"id": "text-embedding-3-small"},
        {"id": "gpt-3.5-turbo"},
        {"id": "mystery"},
        {"no": "id"},
    ]
    with ModelServer(models=listed, ollama=False) as server:

        async def work() -> object:
            one = provider(server)
            found = await one.models()
            await one.aclose()
            return [(m.id, m.name, m.context, m.images, m.provider) for m in found]

        assert run(work()) == [
            ("a/seeing", "A: Seeing", 128_000, True, "test"),
            ("models/gemini-2.5-pro", "gemini-2.5-pro", None, True, "test"),
            ("gpt-3.5-turbo", "gpt-3.5-turbo", None, False, "test"),
            ("mystery", "mystery", None, None, "test"),
        ]


def test_try_a_provider_that_works_then_its_models_are_counted(server: ModelServer) -> None:
    async def work() -> None:
        one = provider(server)
        found = await openai_compatible.test_provider(one)
        await one.aclose()
        assert found.ok
        assert found.models == len(server.models or ())
        assert found.problem is None
        assert found.seconds > 0

    run(work())


def test_try_a_provider_with_a_wrong_key_then_it_says_so() -> None:
    with ModelServer(keys=("sk-right-0123456789",)) as server:

        async def work(key: str | None) -> str:
            one = provider(server, key)
            found = await openai_compatible.test_provider(one, "fast")
            await one.aclose()
            return "" if found.problem is None else found.problem.kind

        assert run(work("sk-wrong-0123456789")) == "wrong_key"
        assert run(work(None)) == "no_key"
        assert run(work("sk-right-0123456789")) == ""
        assert server.completions == []


def test_try_a_provider_without_a_list_then_one_token_is_asked_for() -> None:
    with ModelServer(models=None) as server:

        async def work(model: str) -> tuple[bool, int | None, str]:
            one = provider(server)
            found = await openai_compatible.test_provider(one, model)
            await one.aclose()
            return found.ok, found.models, found.problem.kind if found.problem else ""

        assert run(work("fast")) == (True, None, "")
        assert server.completions[-1].body["max_tokens"] == 1
        assert run(work("401")) == (False, None, "wrong_key")
        assert run(work("")) == (False, None, "model_unknown")
