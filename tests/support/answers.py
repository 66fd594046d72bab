"""What a provider said, collected for a test.

Owns `Said` and the asking. It must not know which provider it is.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from worker.contract.errors import ModelError
from worker.providers.base import (
    CallsReady,
    CompletionRequest,
    Finished,
    ModelProvider,
    Piece,
    PromptMessage,
    TextDelta,
    ToolCall,
    ToolSpec,
)

T = TypeVar("T")

CALCULATE = ToolSpec("calculate", "Calculates.", {"type": "object", "properties": {}})


def run(work: Coroutine[Any, Any, T], seconds: float = 60.0) -> T:
    """Run a coroutine to its end, or fail after `seconds`."""

    async def limited() -> T:
        async with asyncio.timeout(seconds):
            return await work

    return asyncio.run(limited())


def request(model: str, text: str = "Say hello.", **changes: Any) -> CompletionRequest:
    """A request whose time limits are no matter, unless they are given."""
    given: dict[str, Any] = {"connect_timeout": 30.0, "chunk_timeout": 30.0, **changes}
    messages = given.pop("messages", (PromptMessage("user", text),))
    return CompletionRequest(model=model, messages=messages, **given)


@dataclass
class Said:
    """All pieces of an answer, and how it ended."""

    pieces: list[Piece] = field(default_factory=list)
    error: ModelError | None = None

    @property
    def text(self) -> str:
        return "".join(p.text for p in self.pieces if isinstance(p, TextDelta))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(c for p in self.pieces if isinstance(p, CallsReady) for c in p.calls)

    @property
    def finished(self) -> Finished:
        """The last piece, which has to be the end."""
        assert self.error is None, self.error
        assert isinstance(self.pieces[-1], Finished)
        assert sum(isinstance(p, Finished) for p in self.pieces) == 1
        return self.pieces[-1]

    @property
    def problem(self) -> ModelError:
        assert self.error is not None, self.pieces[-3:]
        return self.error


async def listen(provider: ModelProvider, asked: CompletionRequest) -> Said:
    """Ask, and collect all that comes."""
    said = Said()
    try:
        async for piece in provider.stream(asked):
            said.pieces.append(piece)
    except ModelError as error:
        said.error = error
    return said


def ask(make: Callable[[], ModelProvider], asked: CompletionRequest) -> Said:
    """Ask a new provider on a loop of its own, and close it."""

    async def work() -> Said:
        provider = make()
        try:
            return await listen(provider, asked)
        finally:
            await provider.aclose()

    return run(work())
