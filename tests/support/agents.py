"""An agent's answer for a test: what its sink heard, a provider by script, tools that misbehave.

Owns `Heard`, `Scripted`, `Gadget` and the making of messages. It must not know a server.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from worker.contract.errors import ModelError
from worker.contract.system import ModelInfo
from worker.contract.types import Attachment, Message, Role, ToolUse, Usage
from worker.providers.base import CompletionRequest, Finished, Piece
from worker.tools.base import Tool, ToolContext, ToolOutcome

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=ZoneInfo("Europe/Berlin"))
CONTEXT = ToolContext(owner="me", chat="c1", run="r1", now=NOW)


def message(text: str, role: Role = "user", number: int = 0, **changes: Any) -> Message:
    """A message of a branch."""
    given: dict[str, Any] = {
        "id": f"m{number}",
        "chat": "c1",
        "parent": None,
        "role": role,
        "state": "complete",
        "text": text,
        "created": NOW.astimezone(UTC),
        **changes,
    }
    return Message(**given)


def branch(*texts: str) -> tuple[Message, ...]:
    """Messages by turns, the person's first."""
    return tuple(
        message(text, "assistant" if number % 2 else "user", number)
        for number, text in enumerate(texts)
    )


def attachment(name: str, media_type: str = "text/plain", size: int = 1) -> Attachment:
    return Attachment(id=f"file-{name}", name=name, media_type=media_type, size=size, tokens=1)


@dataclass
class Heard:
    """A sink that remembers."""

    deltas: list[str] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    usage: list[tuple[Usage, str, float]] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def text(self, delta: str) -> None:
        assert delta
        self.deltas.append(delta)
        self.began.set()

    async def tool(self, use: ToolUse) -> None:
        self.tools.append(use)

    async def note(self, text: str) -> None:
        self.notes.append(text)

    async def used(self, usage: Usage, model: str, seconds: float) -> None:
        self.usage.append((usage, model, seconds))

    @property
    def whole(self) -> str:
        return "".join(self.deltas)


Step = Sequence[Piece] | ModelError


class Scripted:
    """A provider that says what it is told to; the last step is said again and again."""

    id = "scripted"
    name = "Scripted"
    local = True

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.requests: list[CompletionRequest] = []

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[Piece, None]:
        self.requests.append(request)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, ModelError):
            raise step
        for piece in step:
            yield piece
        if not any(isinstance(piece, Finished) for piece in step):
            raise ModelError("The answer broke off", kind="cut")

    async def models(self) -> tuple[ModelInfo, ...]:
        return ()

    async def aclose(self) -> None:
        pass


Act = Callable[[Mapping[str, object], ToolContext], Awaitable[ToolOutcome]]


class Gadget:
    """A tool that does what the test says."""

    source = "builtin"
    description = "Does something."

    def __init__(self, name: str, act: Act, parameters: Mapping[str, object] | None = None) -> None:
        self.name = name
        self.title = name
        self.parameters: Mapping[str, object] = parameters or {"type": "object"}
        self._act = act

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        return await self._act(arguments, context)


class Box:
    """A toolbox of given tools."""

    def __init__(self, *tools: Tool) -> None:
        self._tools = tools

    def tools(self) -> Sequence[Tool]:
        return self._tools
