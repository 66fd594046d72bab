"""The one tool interface: what the assistant can call, whoever offers it.

Owns `Tool`, its context and outcome, and the `Toolbox` seam. It must not know the agent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ToolContext:
    """On whose behalf, and when, a tool is called."""

    owner: str
    chat: str
    run: str
    now: datetime
    """Aware, in the person's zone."""
    call: str = ""
    """The call's id, its own within the run."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool answered."""

    text: str
    failed: bool = False
    """True when the text says what went wrong."""


class Tool(Protocol):
    """Something that the assistant may do."""

    name: str
    """As the model sees it: letters, digits, "_" and "-", at most 64."""
    description: str
    parameters: Mapping[str, object]
    """JSON schema of the arguments."""
    source: str
    """"builtin" or the module's name."""
    title: str
    """As people see it, e.g. "echo_bot.echo"."""

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Do it. Runs on the runtime loop and must not block it; any exception it raises is
        caught by the agent and told to the model as a failure."""
        ...


class Toolbox(Protocol):
    """Where the agent finds tools."""

    def tools(self) -> Sequence[Tool]:
        """Those that may be called now."""
        ...
