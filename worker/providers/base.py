"""The seam to a model: a request, the pieces that come back, and who can answer.

Owns the value types between the agent and a provider. It must not know a vendor's SDK.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from worker.contract.system import ModelInfo
from worker.contract.types import Usage


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a prompt."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it; may be wrong."""


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    images: tuple[Image, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    """Tools that an assistant's message calls."""
    call_id: str = ""
    """Which call a tool's message answers."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is offered to a model."""

    name: str
    """Letters, digits, "_" and "-", at most 64."""
    description: str
    parameters: Mapping[str, object]
    """JSON schema."""


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """What is asked of a model."""

    model: str
    messages: tuple[PromptMessage, ...]
    tools: tuple[ToolSpec, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    connect_timeout: float = 10.0
    """Seconds until the connection stands."""
    chunk_timeout: float = 60.0
    """Seconds without a byte."""
    total_timeout: float = 600.0
    """Seconds for the whole answer."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text."""

    text: str


@dataclass(frozen=True, slots=True)
class CallsReady:
    """The model ended its turn with these tool calls, all complete."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a stream; always the last piece of one that did not fail."""

    reason: Literal["stop", "length", "tool_calls", "content_filter"]
    usage: Usage | None
    """None where the server sent none."""
    model: str
    """The model as the server named it."""


Piece: TypeAlias = TextDelta | CallsReady | Finished


class ModelProvider(Protocol):
    """A server (or the program itself) that answers prompts. Lives on the runtime loop."""

    id: str
    name: str
    local: bool
    """True for a loopback address: calls cost nothing."""

    def stream(self, request: CompletionRequest) -> AsyncGenerator[Piece, None]:
        """The answer piece by piece, a `Finished` last.

        Raises ModelError; pieces that came before it are valid. Closing the iterator
        (`aclose`) closes the connection at once.
        """
        ...

    async def models(self) -> tuple[ModelInfo, ...]:
        """What the server lists. Raises ModelError."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
