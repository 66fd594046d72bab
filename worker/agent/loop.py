"""One answer, from the question to the last token: the only agent loop there is.

Owns the rounds between model and tools, what is kept when something breaks, and what it used.
Everything it works with is handed to it. It must not know storage, events or Celery: who calls
it listens through a `Sink`.
"""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from worker.agent.calls import CallsWait, Limits, run_calls
from worker.agent.context import (
    Prompt,
    Question,
    build_prompt,
    context_in,
    left_out_note,
    prompt_budget,
    smaller_budget,
)
from worker.agent.prompts import ENOUGH_TOOLS, GO_ON
from worker.agent.standstill import Parked, Standstill
from worker.contract.errors import ModelError
from worker.contract.types import Problem, ToolUse, Usage
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
from worker.providers.tokens import estimate_usage
from worker.tools.base import Tool, Toolbox, ToolContext

_SHORTENED = 2
"""How often a prompt that is too long is shortened and sent again."""

LENGTH_NOTE = "The answer was cut off at the longest length allowed."
FILTER_NOTE = "The answer was ended by the provider's content filter."


@dataclass(frozen=True, slots=True)
class Parameters:
    """How a model is asked."""

    model: str
    context: int | None = None
    """Tokens that fit; None where unknown."""
    images: bool | None = None
    """Whether it sees images; None where unknown."""
    temperature: float | None = None
    max_tokens: int | None = None
    connect_timeout: float = 10.0
    chunk_timeout: float = 60.0
    total_timeout: float = 600.0
    """Seconds, of one call to the model."""

    def request(
        self, messages: Sequence[PromptMessage], tools: Sequence[ToolSpec] = ()
    ) -> CompletionRequest:
        """What is asked of the provider."""
        return CompletionRequest(
            model=self.model,
            messages=tuple(messages),
            tools=tuple(tools),
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            connect_timeout=self.connect_timeout,
            chunk_timeout=self.chunk_timeout,
            total_timeout=self.total_timeout,
        )


class Sink(Protocol):
    """Who listens while an answer is written. None of it may take long."""

    async def text(self, delta: str) -> None:
        """More text, never empty; what `Question.resume` holds is not repeated."""
        ...

    async def tool(self, use: ToolUse) -> None:
        """A call began or ended; the same `id` comes twice."""
        ...

    async def note(self, text: str) -> None:
        """Something to say about the answer."""
        ...

    async def used(self, usage: Usage, model: str, seconds: float) -> None:
        """What one call to the model used; once for each, also when it broke off."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """How an answer ended."""

    text: str
    """The whole answer, the part that was resumed included."""
    state: Literal["complete", "interrupted", "failed"]
    """"interrupted": something of it is there (text, or tools ran); "failed": nothing is."""
    reason: Literal["stop", "length", "content_filter", "error"]
    model: str
    """As the server named it."""
    usage: Usage | None
    """All calls added up; None where none was made."""
    seconds: float
    notes: tuple[str, ...] = ()
    error: Problem | None = None
    parked: Parked | None = None
    """Where it stands, if it waits for a person's word; what else is said of its end is not of
    one then."""


class _Parks(Exception):
    """The answer cannot go on without a person's word."""

    def __init__(self, parked: Parked) -> None:
        super().__init__()
        self.parked = parked


@dataclass(slots=True)
class _Answer:
    """What is there of an answer so far."""

    sink: Sink
    parts: list[str]
    length: int
    model: str
    budget: int | None
    context: int | None
    usage: Usage | None = None
    notes: list[str] = field(default_factory=list)
    tools_ran: bool = False
    shortened: int = 0
    left_out: int = 0
    ids: set[str] = field(default_factory=set)
    """Of the calls so far."""
    gap: bool = False
    """True when text of a later round has to be set apart from what stands there."""

    @property
    def text(self) -> str:
        return "".join(self.parts)

    async def say(self, delta: str) -> None:
        if self.gap and self.length:
            delta = delta.lstrip("\n")
            if not delta.strip():
                return
            delta = delta if self.parts[-1].endswith("\n") else "\n\n" + delta
        self.gap = False
        self.parts.append(delta)
        self.length += len(delta)
        await self.sink.text(delta)

    def numbered(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        """`calls` under ids that are theirs alone: some servers begin anew in each round."""
        made = []
        for call in calls:
            identifier, number = call.id, 2
            while identifier in self.ids:
                identifier, number = f"{call.id}-{number}", number + 1
            self.ids.add(identifier)
            made.append(replace(call, id=identifier))
        return tuple(made)

    async def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            await self.sink.note(text)

    async def used(self, usage: Usage, model: str, seconds: float) -> None:
        self.usage = usage if self.usage is None else _sum(self.usage, usage)
        await self.sink.used(usage, model, seconds)


@dataclass(slots=True)
class _Turn:
    """What came of one call to the model."""

    text: list[str] = field(default_factory=list)
    calls: tuple[ToolCall, ...] = ()
    finished: Finished | None = None


class Agent:
    """Answers questions with one model and one set of tools."""

    def __init__(
        self,
        provider: ModelProvider,
        parameters: Parameters,
        toolbox: Toolbox | None = None,
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`toolbox` None offers no tools. `clock` counts seconds."""
        self._provider = provider
        self._parameters = parameters
        self._toolbox = toolbox
        self._limits = limits or Limits()
        self._clock = clock

    async def answer(self, question: Question, sink: Sink, context: ToolContext) -> AnswerEnd:
        """Answer `question`, telling `sink` meanwhile.

        What goes wrong at the model is in the result's `error`, with all that came before.
        Raises only what the sink raises, and CancelledError at once when it is cancelled.
        """
        began = self._clock()
        parameters = self._parameters
        answer = _Answer(
            sink=sink,
            parts=[question.resume],
            length=len(question.resume),
            model=parameters.model,
            budget=prompt_budget(parameters.context, parameters.max_tokens),
            context=parameters.context,
        )
        problem: Problem | None = None
        parked: Parked | None = None
        reason: Literal["stop", "length", "content_filter", "error"] = "error"
        try:
            reason = await self._rounds(question, answer, context)
        except ModelError as error:
            problem = error.problem
        except _Parks as parks:
            parked = parks.parked
        state: Literal["complete", "interrupted", "failed"] = "complete"
        if problem is not None:
            came = answer.text.strip() or answer.tools_ran
            state = "interrupted" if came else "failed"
        return AnswerEnd(
            text=answer.text,
            state=state,
            reason=reason,
            model=answer.model,
            usage=answer.usage,
            seconds=self._clock() - began,
            notes=tuple(answer.notes),
            error=problem,
            parked=parked,
        )

    async def _rounds(
        self, question: Question, answer: _Answer, context: ToolContext
    ) -> Literal["stop", "length", "content_filter"]:
        tools = self._tools()
        extra: list[PromptMessage] = []
        rounds = 0
        if (stands := question.standstill) is not None:
            extra, rounds, answer.ids = list(stands.turns), stands.rounds, stands.ids
            await self._call(question, answer, tools, extra, context, stands)
            if (after := answer.text[stands.length :]).strip():
                # It had gone on before, and broke off.
                extra += [PromptMessage("assistant", after), PromptMessage("user", GO_ON)]
                answer.gap = False
        while True:
            last = rounds >= self._limits.rounds
            if last and tools:
                tools = {}
                extra.append(PromptMessage("user", ENOUGH_TOOLS))
                how_often = "once" if rounds == 1 else f"{rounds} times"
                await answer.note(f"The model called tools {how_often}, which is the limit.")
            turn = await self._ask(question, answer, tools, extra)
            assert turn.finished is not None  # a stream without one raises
            if not turn.calls or not tools:
                return await self._end(turn.finished, answer)
            rounds += 1
            calls = answer.numbered(turn.calls)
            extra.append(PromptMessage("assistant", "".join(turn.text), calls=calls))
            await self._call(question, answer, tools, extra, context)

    async def _call(
        self,
        question: Question,
        answer: _Answer,
        tools: dict[str, Tool],
        extra: list[PromptMessage],
        context: ToolContext,
        stands: Standstill | None = None,
    ) -> None:
        """Make the calls of the last turn of `extra`, and add their results to it.

        `stands` is where the answer was parked by them. Raises _Parks where some wait.
        """
        answer.tools_ran = True
        answer.gap = True
        before = question.standstill
        length = answer.length if stands is None else stands.length
        try:
            extra += await run_calls(
                extra[-1].calls,
                tools,
                context=context,
                limits=self._limits,
                offset=length,
                watcher=answer.sink,
                clock=self._clock,
                known=None if stands is None else stands.results,
            )
        except CallsWait as waits:
            resume = question.resume if before is None else before.resume
            raise _Parks(
                Parked(Standstill(resume, tuple(extra), waits.results, length), waits.wanted)
            ) from None

    async def _end(
        self, finished: Finished, answer: _Answer
    ) -> Literal["stop", "length", "content_filter"]:
        if not answer.text.strip():
            raise _nothing_said(finished.reason, answer.model)
        if finished.reason == "length":
            await answer.note(LENGTH_NOTE)
            return "length"
        if finished.reason == "content_filter":
            await answer.note(FILTER_NOTE)
            return "content_filter"
        return "stop"

    def _tools(self) -> dict[str, Tool]:
        found: dict[str, Tool] = {}
        for tool in self._toolbox.tools() if self._toolbox is not None else ():
            found.setdefault(tool.name, tool)
        return found

    async def _ask(
        self,
        question: Question,
        answer: _Answer,
        tools: dict[str, Tool],
        extra: Sequence[PromptMessage],
    ) -> _Turn:
        """One turn of the model; a prompt that turns out too long is shortened and sent again."""
        specs = [ToolSpec(tool.name, tool.description, tool.parameters) for tool in tools.values()]
        while True:
            prompt = build_prompt(
                question,
                tools=specs,
                budget=answer.budget,
                images=self._parameters.images,
                extra=extra,
            )
            try:
                return await self._turn(prompt, specs, answer)
            except ModelError as error:
                if error.kind != "too_long" or not self._shorten(prompt, error, question, answer):
                    raise

    def _shorten(
        self, prompt: Prompt, error: ModelError, question: Question, answer: _Answer
    ) -> bool:
        """Set a smaller budget; False where nothing more can be left out."""
        if answer.shortened >= _SHORTENED:
            return False
        answer.shortened += 1
        answer.context = context_in(error.problem.message) or answer.context
        answer.budget = smaller_budget(prompt, error, self._parameters.max_tokens)
        least = build_prompt(question, budget=0, images=self._parameters.images)
        return prompt.left_out < least.left_out

    async def _turn(self, prompt: Prompt, specs: Sequence[ToolSpec], answer: _Answer) -> _Turn:
        request = self._parameters.request(prompt.messages, specs)
        turn = _Turn()
        began = self._clock()
        try:
            async with aclosing(self._provider.stream(request)) as pieces:
                await self._listen(pieces, turn, answer, prompt.left_out)
        finally:
            # Also what broke off or was stopped has been paid for, once something had come.
            if turn.finished is not None or turn.text:
                await self._record(request, turn, answer, self._clock() - began)
        return turn

    async def _listen(
        self,
        pieces: AsyncGenerator[Piece, None],
        turn: _Turn,
        answer: _Answer,
        left_out: int,
    ) -> None:
        async for piece in pieces:
            # Said with the first piece, when the prompt has been accepted, and once.
            if left_out and not answer.left_out:
                answer.left_out = left_out
                await answer.note(left_out_note(left_out, answer.context))
            if isinstance(piece, TextDelta):
                turn.text.append(piece.text)
                await answer.say(piece.text)
            elif isinstance(piece, CallsReady):
                turn.calls = piece.calls
            else:
                turn.finished = piece
                answer.model = piece.model or answer.model

    async def _record(
        self, request: CompletionRequest, turn: _Turn, answer: _Answer, seconds: float
    ) -> None:
        usage = turn.finished.usage if turn.finished is not None else None
        if usage is None:
            said = PromptMessage("assistant", "".join(turn.text), calls=turn.calls)
            usage = estimate_usage(request.messages, request.tools, said)
        await answer.used(usage, answer.model, seconds)


def _nothing_said(reason: str, model: str) -> ModelError:
    """Why an answer that ended in good order is no answer."""
    if reason == "content_filter":
        return ModelError(
            "The content filter stopped the answer",
            "The provider's filter let nothing through.",
            "Ask differently, or choose another model.",
            kind="refused",
            action="choose_model",
        )
    if reason == "length":
        return ModelError(
            "The answer was cut off before its first word",
            f"{model} used up the longest length allowed, probably by thinking.",
            "Allow longer answers in Settings.",
            kind="refused",
            action="settings",
        )
    return ModelError(
        "The model said nothing", f"{model} ended its answer without a word.", "Try again."
    )


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        input=one.input + other.input,
        output=one.output + other.output,
        cached=one.cached + other.cached,
        estimated=one.estimated or other.estimated,
    )
