"""Asking for an answer: who is asked, with what, and whether a kept answer does.

Owns the way from a stored question to the agent and to what was kept before. It must not know
runs, queues, or how an answer's end is stored.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from worker.agent.calls import Limits
from worker.agent.context import Question
from worker.agent.loop import Agent, AnswerEnd, Sink
from worker.agent.prompts import system_prompt
from worker.agent.standstill import Standstill
from worker.config import Settings
from worker.contract.errors import NotFound
from worker.contract.types import Message
from worker.service import kept
from worker.service.approvals import ApprovalGate
from worker.service.models import BUILTIN, Chosen, ModelDesk
from worker.service.parking import AnswerParked
from worker.service.plain import parameters_for
from worker.service.scope import Scope
from worker.service.wish import Wish
from worker.service.writing import Writing
from worker.tools.approval import ChosenTools, Guarded
from worker.tools.base import Toolbox, ToolContext


class Asking:
    """Asks models. One for each engine, on its loop."""

    def __init__(
        self,
        *,
        desk: ModelDesk,
        toolbox: Toolbox,
        settings: Callable[[], Settings],
        local_now: Callable[[], datetime],
    ) -> None:
        """`local_now` is now in the zone of the machine, with its name; asked off the loop."""
        self._desk = desk
        self._toolbox = toolbox
        self._settings = settings
        self._local_now = local_now

    async def ask(
        self, scope: Scope, message: Message, wish: Wish, writing: Writing, sink: Sink
    ) -> Message:
        """Answer the question above `message`, and return it as it ended.

        `sink` hears what is written and hands it to `writing`, which is told who is asked. Raises
        NagathaError where nobody could be asked, or the text could not be kept, and AnswerParked
        where a person has to be asked first.
        """
        settings = self._settings()
        chosen = await self._desk.choose(wish.provider, wish.model)
        real = chosen.provider.id != BUILTIN
        writing.ask(
            chosen.provider.id, chosen.model, free=chosen.provider.local, counted=real
        )  # fmt: skip
        now = await asyncio.to_thread(self._local_now)
        branch: tuple[Message, ...] = ()
        if message.parent is not None:
            branch, _ = await scope.storage.branch(scope.owner, message.parent)
        question = Question(
            branch=branch,
            system=system_prompt(now, settings.models.system_prompt),
            files=await _files(scope, branch),
            resume=message.text,
            standstill=await _stands(scope, message),
        )
        toolbox: Toolbox = Guarded(self._toolbox, ApprovalGate(scope))
        if wish.tools is not None:
            toolbox = ChosenTools(toolbox, wish.tools)
        key = ""
        if real and settings.chat.reuse_answers and question.standstill is None:
            key = await self._key(chosen, question, wish, settings)
        known = None if wish.fresh else await kept.find(scope, key)
        if known is not None:
            await sink.text(known.text)
            return replace(
                message,
                state="complete",
                provider=known.provider,
                model=known.model,
                cached=known.at,
            )
        agent = Agent(
            chosen.provider,
            parameters_for(chosen, settings),
            toolbox,
            Limits(
                rounds=settings.agent.max_rounds,
                seconds=settings.agent.tool_timeout,
                characters=settings.agent.tool_result_limit,
            ),
        )
        context = ToolContext(scope.owner, message.chat, message.run or "", now)
        end = await _answered(agent, question, sink, context, writing)
        if end.parked is not None:
            by = replace(message, provider=chosen.provider.id, model=end.model or chosen.model)
            raise AnswerParked(by, end.parked)
        ended = replace(
            message,
            state=end.state,
            provider=chosen.provider.id,
            model=end.model or chosen.model,
            error=end.error,
        )
        if key and kept.may_keep(end, tools=writing.used_tools):
            await kept.keep(scope, key, wish.query_type, replace(ended, text=end.text))
        return ended

    async def _key(self, chosen: Chosen, question: Question, wish: Wish, settings: Settings) -> str:
        asked = kept.Asked(
            provider=chosen.provider.id,
            address=self._desk.provider(chosen.provider.id).base_url,
            parameters=parameters_for(chosen, settings),
            question=question,
            tools=self._toolbox.tools(),
            query_type=wish.query_type,
        )
        # A long chat with pictures is a lot to hash.
        return await asyncio.to_thread(asked.key)


async def _answered(
    agent: Agent, question: Question, sink: Sink, context: ToolContext, writing: Writing
) -> AnswerEnd:
    """The agent's answer; ends at once when what it says cannot be kept, and raises that."""
    answering = asyncio.ensure_future(agent.answer(question, sink, context))
    try:
        await asyncio.wait((answering, writing.on_failure), return_when=asyncio.FIRST_COMPLETED)
        if writing.failure is not None:
            raise writing.failure
        return await answering
    finally:
        if not answering.done():
            answering.cancel()
            await asyncio.wait((answering,))


async def _stands(scope: Scope, message: Message) -> Standstill | None:
    """Where the answer was parked by this very run."""
    if message.run is None:
        return None
    stored = await scope.storage.get_standstill(scope.owner, message.run)
    return None if stored is None else Standstill.of(stored)


async def _files(scope: Scope, branch: Sequence[Message]) -> Mapping[str, bytes]:
    files = {}
    for message in branch:
        for attachment in message.attachments:
            try:
                files[attachment.id] = (
                    await scope.storage.get_attachment(scope.owner, attachment.id)
                )[1]
            except NotFound:
                continue  # the agent names a missing file as missing
    return files
