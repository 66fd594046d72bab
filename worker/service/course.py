"""How far an answer is, while it is written: when it becomes background work, and its progress.

Owns the watching; what moving and telling mean is handed in. It stands between the agent and the
answer that is written, and passes on all that it hears.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from worker.contract.types import ToolUse, Usage
from worker.service.routing import PATIENCE, route
from worker.service.writing import Writing

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two words about the progress of a long answer."""
_LEAST = 0.01


class Course:
    """The sink of one answer, from its beginning to `aclose`. Lives on the runtime loop."""

    def __init__(
        self,
        writing: Writing,
        *,
        monotonic: Callable[[], float],
        move: Callable[[str], Awaitable[bool]] | None,
        tell: Callable[[str], Awaitable[None]],
    ) -> None:
        """`move` makes the answer background work, with the reason, and says whether it is now;
        None where it is already. `tell` takes words about its progress. Both raise nothing."""
        self._writing = writing
        self._monotonic = monotonic
        self._began = monotonic()
        self._move = move
        self._tell = tell
        self._tells = move is None
        self._characters = 0
        self._calls = 0
        self._reason = ""
        self._words = ""
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self._task = asyncio.create_task(self._watch(), name="the course of an answer")

    async def aclose(self) -> None:
        """Watch no more; nothing is moved or told after this.

        What is just being told is waited for: cancelled, it might still be stored later, over the
        answer's end.
        """
        self._closed.set()
        self._changed.set()
        try:
            await self._task
        except Exception:  # a defect of ours; the answer itself ends all the same
            log.exception("the course of an answer was lost")

    # what the agent calls ----------------------------------------------------------------

    async def text(self, delta: str) -> None:
        """See `Sink.text`."""
        await self._writing.text(delta)
        self._characters += len(delta)
        self._say(f"Writing, {self._characters} characters")

    async def tool(self, use: ToolUse) -> None:
        """See `Sink.tool`."""
        await self._writing.tool(use)
        # One that waits for a person is told twice, and is no second call.
        if use.state == "running" and not use.result:
            self._calls += 1
            self._say(f"Using {use.name}")

    async def note(self, text: str) -> None:
        """See `Sink.note`."""
        await self._writing.note(text)

    async def used(self, usage: Usage, model: str, seconds: float) -> None:
        """See `Sink.used`."""
        await self._writing.used(usage, model, seconds)

    # within ------------------------------------------------------------------------------

    def _say(self, words: str) -> None:
        self._words = words
        if self._tells:
            self._changed.set()
        elif self._move is not None:
            self._look()

    def _look(self) -> None:
        """Whether it is time to move it."""
        seconds = self._monotonic() - self._began
        found = route("", seconds=seconds, tool_calls=self._calls)
        if found.lane == "queued" and not self._reason:
            self._reason = found.reason
            self._changed.set()

    async def _watch(self) -> None:
        while self._move is not None and not self._closed.is_set():
            left = PATIENCE - (self._monotonic() - self._began)
            try:
                async with asyncio.timeout(max(_LEAST, left)):
                    await self._changed.wait()
            except TimeoutError:
                self._look()
            if self._reason and not self._closed.is_set():
                move, self._move = self._move, None
                self._tells = await move(self._reason)
        while not self._closed.is_set():
            await self._changed.wait()
            self._changed.clear()
            if self._tells and not self._closed.is_set():
                await self._tell(self._words)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await self._closed.wait()
