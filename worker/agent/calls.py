"""The calls of tools within one answer: all of a turn at once, each within its limits.

Owns looking tools up, checking arguments, the time limit and the cut of results. Whatever a tool
does wrong becomes text for the model; a call that waits for a person's word is handed up. It must
not know models.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from worker.contract.types import ToolUse
from worker.providers.base import PromptMessage, ToolCall
from worker.tools.approval import ApprovalWanted
from worker.tools.base import Tool, ToolContext, ToolOutcome
from worker.tools.schema import read_arguments

log = logging.getLogger(__name__)

MOST_AT_ONCE = 16
"""Calls of one turn that are made; the rest is refused."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much tools may do within one answer."""

    rounds: int = 8
    """How often the model may call tools before it has to answer."""
    seconds: float = 60.0
    """For each call."""
    characters: int = 20_000
    """Of each result; the rest is cut, and that is said."""


WAITS = "It waits for your approval."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that a person has to agree to."""

    call: str
    """Its id."""
    tool: str
    """The title of the tool."""
    arguments: Mapping[str, object]
    why: str
    may_always: bool


class CallsWait(Exception):
    """Some calls of a turn wait for a person's word; the others were made."""

    def __init__(self, wanted: Sequence[Wanted], results: Mapping[str, str]) -> None:
        super().__init__(WAITS)
        self.wanted = tuple(wanted)
        self.results = results
        """What the model is told of those that were made, by their ids."""


class Watcher(Protocol):
    """Who is told about each call."""

    async def tool(self, use: ToolUse) -> None:
        """A call began or ended; the same `id` comes twice."""
        ...


async def run_calls(
    calls: Sequence[ToolCall],
    tools: Mapping[str, Tool],
    *,
    context: ToolContext,
    limits: Limits,
    offset: int,
    watcher: Watcher,
    clock: Callable[[], float],
    known: Mapping[str, str] | None = None,
) -> tuple[PromptMessage, ...]:
    """Make all calls at the same time; the results in the calls' order.

    `offset` is how many characters of the answer stand before them. Those whose result is `known`
    are not made again. When this is cancelled, so are the calls. Raises CallsWait.
    """
    before = known or {}
    wanted: dict[int, Wanted] = {}

    async def one(number: int, call: ToolCall) -> PromptMessage | None:
        if call.id in before:
            return PromptMessage("tool", before[call.id], call_id=call.id)
        tool = tools.get(call.name)
        shown = call.name if tool is None else tool.title
        use = ToolUse(call.id, shown, call.arguments, "running", offset=offset)
        await watcher.tool(use)
        began = clock()
        if number >= MOST_AT_ONCE:
            outcome = ToolOutcome("Too many calls at once. Call it again later.", failed=True)
        else:
            mine = replace(context, call=call.id)
            try:
                outcome = await _outcome(tool, call, tools, mine, limits.seconds)
            except ApprovalWanted as waits:
                asked = waits.agreement
                wanted[number] = Wanted(
                    call.id, asked.tool, waits.arguments, asked.why, asked.may_always
                )
                await watcher.tool(replace(use, result=WAITS))
                return None
        text = cut(outcome.text, limits.characters)
        ended = replace(
            use,
            state="failed" if outcome.failed else "done",
            result=text,
            seconds=clock() - began,
        )
        await watcher.tool(ended)
        told = f"Error: {text}" if outcome.failed else text
        return PromptMessage("tool", told, call_id=call.id)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(n, call)) for n, call in enumerate(calls)]
    except ExceptionGroup as failures:
        # Tools cannot fail here; only who is told can. It gets its own exception back.
        raise failures.exceptions[0] from None
    told = [message for task in tasks if (message := task.result()) is not None]
    if wanted:
        results = {message.call_id: message.text for message in told}
        raise CallsWait([wanted[number] for number in sorted(wanted)], results)
    return tuple(told)


async def _outcome(
    tool: Tool | None,
    call: ToolCall,
    tools: Mapping[str, Tool],
    context: ToolContext,
    seconds: float,
) -> ToolOutcome:
    if tool is None:
        names = ", ".join(sorted(tools)) or "none"
        return ToolOutcome(f"There is no tool {call.name}. There are: {names}.", failed=True)
    arguments, wrong = read_arguments(call.name, call.arguments, tool.parameters)
    if wrong:
        return ToolOutcome(wrong, failed=True)
    try:
        async with asyncio.timeout(seconds) as limit:
            return await tool.call(arguments, context)
    except TimeoutError:
        if limit.expired():
            return ToolOutcome(f"It took longer than {seconds:g} s and was stopped.", failed=True)
        return ToolOutcome("It failed: something took too long within it.", failed=True)
    except ApprovalWanted:
        raise
    except Exception as error:  # a tool may raise anything; the model can often do without it
        log.warning("the tool %s failed: %s", tool.name, type(error).__name__)
        said = str(error)
        why = f"{type(error).__name__}: {said}" if said else type(error).__name__
        return ToolOutcome(f"It failed: {why}", failed=True)


def cut(text: str, most: int) -> str:
    """`text`, or its first `most` characters and how many are missing."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n… (cut: the first {most} of {len(text)} characters)"
