"""What every `ModelProvider` promises: the built-in one, and the openai one over real HTTP."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.support.answers import listen, request, run
from tests.support.model_server import Behaviour, ModelServer
from worker.contract.system import ModelInfo
from worker.providers.base import (
    CallsReady,
    Finished,
    ModelProvider,
    PromptMessage,
    TextDelta,
    ToolCall,
    ToolSpec,
)
from worker.providers.builtin import BuiltinProvider
from worker.providers.openai_compatible import OpenAICompatible

CALCULATE = ToolSpec("calculate", "Calculates.", {"type": "object"})


@dataclass(frozen=True)
class Backend:
    """A provider, a model that answers, and one that calls the tool `calculate` when offered."""

    make: Callable[[], ModelProvider]
    model: str
    calling: str


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    calling = Behaviour(calls=(("calculate", '{"expression": "6*7"}'),))
    with ModelServer(behaviours={"calling": calling}) as running:
        yield running


@pytest.fixture(params=["builtin", "openai"])
def backend(request: pytest.FixtureRequest, server: ModelServer) -> Backend:
    if request.param == "builtin":
        return Backend(BuiltinProvider, "built-in", "built-in")
    return Backend(lambda: OpenAICompatible("test", "Test", server.url), "fast", "calling")


def test_stream_then_text_comes_and_the_end_is_last(backend: Backend) -> None:
    async def work() -> None:
        provider = backend.make()
        said = await listen(provider, request(backend.model, "Hello"))
        assert said.text
        assert said.finished.reason == "stop"
        assert said.finished.model == backend.model
        assert all(isinstance(piece, TextDelta) for piece in said.pieces[:-1])
        await provider.aclose()

    run(work())


def test_stream_with_a_tool_then_the_call_is_complete_and_its_result_is_answered(
    backend: Backend,
) -> None:
    async def work() -> None:
        provider = backend.make()
        asked = request(backend.calling, "What is 6*7?", tools=(CALCULATE,))
        said = await listen(provider, asked)
        assert [type(p) for p in said.pieces if not isinstance(p, TextDelta)] == [
            CallsReady,
            Finished,
        ]
        assert said.finished.reason == "tool_calls"
        (call,) = said.calls
        assert (call.name, call.arguments) == ("calculate", '{"expression": "6*7"}')
        messages = (
            *asked.messages,
            PromptMessage("assistant", "", calls=(call,)),
            PromptMessage("tool", "6*7 = 42", call_id=call.id),
        )
        more = request(backend.calling, messages=messages, tools=(CALCULATE,))
        answer = await listen(provider, more)
        assert "42" in answer.text
        assert answer.finished.reason == "stop"
        await provider.aclose()

    run(work())


def test_stream_left_early_then_the_provider_goes_on_working(backend: Backend) -> None:
    async def work() -> None:
        provider = backend.make()
        stream = provider.stream(request(backend.model, "Hello"))
        async for _ in stream:
            break
        await stream.aclose()
        unused = provider.stream(request(backend.model, "Hello"))
        await unused.aclose()
        assert (await listen(provider, request(backend.model, "Hello"))).text
        await provider.aclose()

    run(work())


def test_several_streams_at_once_then_each_ends(backend: Backend) -> None:
    async def work() -> None:
        provider = backend.make()
        found = await asyncio.gather(
            *(listen(provider, request(backend.model, "Hello")) for _ in range(8))
        )
        assert len({said.text for said in found}) == 1
        assert all(said.finished for said in found)
        await provider.aclose()

    run(work())


def test_models_then_they_belong_to_the_provider(backend: Backend) -> None:
    async def work() -> tuple[str, tuple[ModelInfo, ...]]:
        provider = backend.make()
        found = await provider.models()
        await provider.aclose()
        return provider.id, found

    identifier, found = run(work())
    assert backend.model in [info.id for info in found]
    assert all(info.provider == identifier and info.name for info in found)


@pytest.mark.parametrize(
    "text",
    ["", "\x00", "half \ud83d", "\u202ert\u2069l אבג", "🎉" * 1000, "x" * 100_000, "run \ud800.x"],
)
def test_stream_a_text_of_any_kind_then_it_is_answered(backend: Backend, text: str) -> None:
    async def work() -> None:
        provider = backend.make()
        said = await listen(provider, request(backend.model, text))
        said.text.encode()  # what comes back can be stored
        assert said.finished
        await provider.aclose()

    run(work())


def test_a_conversation_without_a_question_then_nothing_breaks(backend: Backend) -> None:
    async def work() -> None:
        provider = backend.make()
        messages = (
            PromptMessage("system", "Be kind."),
            PromptMessage("tool", "5", call_id="lost"),
            PromptMessage("assistant", "Hm", calls=(ToolCall("x", "gone", "{"),)),
        )
        assert (await listen(provider, request(backend.model, messages=messages))).finished
        await provider.aclose()

    run(work())


def test_close_twice_then_nothing_happens(backend: Backend) -> None:
    async def work() -> None:
        provider = backend.make()
        await provider.aclose()
        await provider.aclose()

    run(work())
