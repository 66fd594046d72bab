"""One answer while it is written: text stored first, then told; tools, notes, usage gathered.

Owns the order "kept, then shown" and the joining of small pieces: while one write is under
way, what comes meanwhile waits and goes with the next. It must not know where text comes from.
"""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

from worker.contract.errors import NagathaError
from worker.contract.events import AnswerDelta, ToolChanged
from worker.contract.types import Message, Run, ToolUse, Usage, UsageRecord
from worker.service.scope import Scope, new_id

log = logging.getLogger(__name__)


class Writing:
    """The sink of one answer. Lives on the runtime loop; `failed` is called when text cannot be
    kept any more, and whoever writes should stop then."""

    def __init__(self, scope: Scope, message: Message, run: Run) -> None:
        self._scope = scope
        self._run = run
        self.message = message
        self._parts: list[str] = [message.text] if message.text else []
        self._length = len(message.text)
        self._kept = self._length
        self._pending: list[str] = []
        self._more = asyncio.Event()
        self._closed = False
        self._tools = {(tool.offset, tool.id): tool for tool in message.tools}
        self._notes: list[str] = list(message.notes)
        self.records: list[UsageRecord] = []
        self._provider = ""
        self._model = ""
        self._free = False
        self._counted = True
        self._named = False
        self.failure: NagathaError | None = None
        self._task = asyncio.create_task(self._write(), name=f"writing {run.id}")
        self.on_failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def whole(self) -> str:
        """Everything that came so far, kept or not."""
        return "".join(self._parts)

    @property
    def kept(self) -> int:
        """Characters that are stored."""
        return self._kept

    def ask(self, provider: str, model: str, *, free: bool, counted: bool) -> None:
        """Calls told from now on were made at `provider`; `free` where they cost nothing, and
        not `counted` where no model is behind it."""
        self._provider = provider
        self._model = model
        self._named = False
        self._free = free
        self._counted = counted

    @property
    def began(self) -> bool:
        """Whether text came or a tool was called since this writing began."""
        return self._length > len(self.message.text) or len(self._tools) > len(self.message.tools)

    @property
    def used_tools(self) -> bool:
        """Whether a tool was called for this answer, before or now."""
        return bool(self._tools)

    # what the agent calls ----------------------------------------------------------------

    async def text(self, delta: str) -> None:
        """More text; returns at once, it is kept and told a moment later."""
        if delta:
            self._parts.append(delta)
            self._pending.append(delta)
            self._length += len(delta)
            self._more.set()

    async def tool(self, use: ToolUse) -> None:
        """A tool began or ended; everything said before it is kept first."""
        # A server may number the calls of each round anew: the position keeps them apart.
        self._tools[use.offset, use.id] = use
        await self._scope.tell(
            ToolChanged(
                chat=self.message.chat,
                message=self.message.id,
                tool=use,
                run_id=self._run.id,
            )
        )

    async def note(self, text: str) -> None:
        """Something to say about the answer; the same thing is said once."""
        if text not in self._notes:
            self._notes.append(text)

    async def used(self, usage: Usage, model: str, seconds: float) -> None:
        """What one call used."""
        if not self._counted:
            return
        self.records.append(
            UsageRecord(
                id=new_id(),
                run=self._run.id,
                at=self._scope.now(),
                purpose=self._run.kind,
                provider=self._provider,
                model=model,
                usage=usage,
                seconds=seconds,
                cost=Decimal(0) if self._free else None,
            )
        )

    # the end -----------------------------------------------------------------------------

    async def close(self) -> None:
        """Keep what is still pending. Never raises; see `failure`."""
        self._closed = True
        self._more.set()
        await self._task

    def usage(self) -> Usage | None:
        """All calls added up, with those of an answer that went on; None without any."""
        before = self.message.usage
        parts = ([before] if before is not None else []) + [r.usage for r in self.records]
        if not parts:
            return None
        return Usage(
            input=sum(part.input for part in parts),
            output=sum(part.output for part in parts),
            cached=sum(part.cached for part in parts),
            estimated=any(part.estimated for part in parts),
        )

    def finished(self, message: Message, waiting: Collection[str] = ()) -> Message:
        """`message` with everything that was gathered; the calls `waiting` can still end."""
        return replace(
            message,
            # One that was stopped had no end that named them.
            provider=message.provider or self._provider,
            model=message.model or self._model,
            text=self.whole,
            tools=tuple(
                tool
                if tool.state != "running" or tool.id in waiting
                else replace(tool, state="failed", result=tool.result or "It did not end.")
                for tool in self._tools.values()
            ),
            notes=tuple(self._notes),
            usage=self.usage(),
        )

    # within ------------------------------------------------------------------------------

    async def _write(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            if self._pending:
                text = "".join(self._pending)
                self._pending.clear()
                await self._keep(text)
            if self._closed and not self._pending:
                return

    async def _keep(self, text: str) -> None:
        offset = self._kept
        if self.failure is None:
            # Who answers goes with the first piece: after a kill nobody else could tell.
            by = None if self._named else (self._provider, self._model)
            try:
                await self._scope.storage.append_text(
                    self._scope.owner, self.message.id, offset, text, by
                )
                self._named = True
            except NagathaError as error:
                log.error("an answer cannot be kept: %s", error)
                self.failure = error
                if not self.on_failure.done():
                    self.on_failure.set_result(None)
        if self.failure is None:
            self._kept = offset + len(text)
            await self._scope.tell(
                AnswerDelta(
                    chat=self.message.chat,
                    message=self.message.id,
                    text=text,
                    offset=offset,
                    run_id=self._run.id,
                )
            )
