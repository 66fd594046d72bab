"""Tools that a person has to agree to, and toolboxes that see to it.

Owns the seam between such a tool and whoever asks the person. Asking is a wrapper around the tool,
so that the agent only learns that a call waits. It must not know where an agreement is kept.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from worker.contract.errors import NagathaError
from worker.tools.base import Tool, Toolbox, ToolContext, ToolOutcome


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a person is asked to agree to."""

    tool: str
    """The tool's title; what "always" is meant for."""
    why: str
    """What the call would do, for people."""
    may_always: bool = True
    """Whether a person may agree once and for all."""


@runtime_checkable
class AskingTool(Protocol):
    """A `Tool` some of whose calls need a person's word."""

    async def agreement(
        self, arguments: Mapping[str, object], context: ToolContext
    ) -> Agreement | None:
        """What a person has to agree to before this call; None where nobody has to be asked.

        Raises NagathaError where the call cannot be made at all, which nobody is asked about.
        """
        ...


class ApprovalWanted(Exception):
    """A call waits for a person's word."""

    def __init__(self, agreement: Agreement, arguments: Mapping[str, object]) -> None:
        super().__init__(agreement.why)
        self.agreement = agreement
        self.arguments = arguments


class Gate(Protocol):
    """Who knows what a person said."""

    async def call(
        self,
        tool: Tool,
        arguments: Mapping[str, object],
        context: ToolContext,
        agreement: Agreement,
    ) -> ToolOutcome:
        """Make the call where the person agreed, once; say no where they did not.

        Raises ApprovalWanted where they were not asked yet.
        """
        ...


class Guarded:
    """A `Toolbox` whose asking tools go through a gate."""

    def __init__(self, box: Toolbox, gate: Gate) -> None:
        self._box = box
        self._gate = gate

    def tools(self) -> Sequence[Tool]:
        """See `Toolbox.tools`."""
        return tuple(
            GuardedTool(tool, tool, self._gate) if isinstance(tool, AskingTool) else tool
            for tool in self._box.tools()
        )


class GuardedTool:
    """A tool that is called when a person agreed, and not before."""

    def __init__(self, tool: Tool, asking: AskingTool, gate: Gate) -> None:
        """`tool` and `asking` are the same object, as what it is and as what it asks."""
        self.name = tool.name
        self.description = tool.description
        self.parameters = tool.parameters
        self.source = tool.source
        self.title = tool.title
        self._tool = tool
        self._asking = asking
        self._gate = gate

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """See `Tool.call`. Raises ApprovalWanted."""
        try:
            agreement = await self._asking.agreement(arguments, context)
        except NagathaError as error:
            return ToolOutcome(str(error), failed=True)
        if agreement is None:
            return await self._tool.call(arguments, context)
        return await self._gate.call(self._tool, arguments, context, agreement)


class ChosenTools:
    """A `Toolbox` of those of another one that may be used, by their name or title."""

    def __init__(self, box: Toolbox, names: Collection[str]) -> None:
        self._box = box
        self._names = frozenset(names)

    def tools(self) -> Sequence[Tool]:
        """See `Toolbox.tools`."""
        return tuple(t for t in self._box.tools() if not self._names.isdisjoint((t.name, t.title)))
