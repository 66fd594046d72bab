"""Titles of chats, found by a model in the background.

Owns when one is looked for, and the run that looks for it. How a model is asked for it is the
agent's room.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from decimal import Decimal

from worker.agent.title import find_title
from worker.config import Settings
from worker.contract.errors import ModelError, NagathaError
from worker.contract.types import Chat, Run, UsageRecord
from worker.service.models import BUILTIN, ModelDesk
from worker.service.plain import parameters_for
from worker.service.scope import Scope, Spawn, new_id
from worker.storage.base import ChatChanges

log = logging.getLogger(__name__)


class Titles:
    """Finds titles. One for each engine, on its loop."""

    def __init__(self, desk: ModelDesk, settings: Callable[[], Settings], spawn: Spawn) -> None:
        self._desk = desk
        self._settings = settings
        self._spawn = spawn
        self._at_work: set[Future[None]] = set()
        self._closed = False

    async def aclose(self) -> None:
        """Look for none any more; those that are looked for end as interrupted."""
        self._closed = True
        looking = tuple(self._at_work)
        for title in looking:
            title.cancel()
        await asyncio.gather(*map(asyncio.wrap_future, looking), return_exceptions=True)

    def find(self, scope: Scope, chat: Chat) -> None:
        """Let the model find a title for a chat that has none of its own, in the background."""
        wanted = chat.titled_by == "" and chat.head and self._settings().chat.automatic_titles
        if wanted and not self._closed:
            title = self._spawn(self._try_title(scope, chat), f"title of {chat.id}")
            self._at_work.add(title)
            title.add_done_callback(self._at_work.discard)

    async def _try_title(self, scope: Scope, chat: Chat) -> None:
        try:
            await self._find_title(scope, chat)
        except NagathaError as error:  # a provider that is gone, a full disk: nothing is lost
            log.warning("no title was found: %s", error)

    async def _find_title(self, scope: Scope, chat: Chat) -> None:
        assert chat.head is not None
        branch, _ = await scope.storage.branch(scope.owner, chat.head)
        question = next((m for m in branch if m.role == "user"), None)
        answer = next((m for m in branch if m.role == "assistant" and m.text), None)
        if question is None or answer is None:
            return
        chosen = await self._desk.choose(answer.provider, answer.model)
        if chosen.provider.id == BUILTIN:
            return
        now = scope.now()
        claimed = Run(
            id=new_id(),
            kind="title",
            name="title",
            state="STARTED",
            source="engine",
            queued=now,
            started=now,
            chat=chat.id,
            attempts=1,
            lane="now",
        )
        # As taken at once: nobody would come back to one that a killed process left waiting.
        await scope.storage.add_run(scope.owner, claimed, (), scope.process)
        try:
            title = await find_title(
                chosen.provider,
                parameters_for(chosen, self._settings()),
                question.text,
                answer.text,
            )
        except asyncio.CancelledError:
            await scope.storage.save_run(
                scope.owner, replace(claimed, state="INTERRUPTED", ended=scope.now())
            )
            raise
        except ModelError as error:
            # The first words stay as the title; the answer itself has come.
            failed = replace(claimed, state="FAILURE", ended=scope.now(), error=error.problem)
            await scope.tell_run(await scope.storage.save_run(scope.owner, failed))
            return
        if title.usage is not None:
            await scope.storage.add_usage(
                scope.owner,
                UsageRecord(
                    id=new_id(),
                    run=claimed.id,
                    at=scope.now(),
                    purpose="title",
                    provider=chosen.provider.id,
                    model=title.model,
                    usage=title.usage,
                    seconds=title.seconds,
                    cost=Decimal(0) if chosen.provider.local else None,
                ),
            )
        there = await scope.storage.get_chat(scope.owner, chat.id)
        if title.from_model and there.titled_by == "":
            changes: ChatChanges = {"title": title.text, "titled_by": "model"}
            await scope.storage.update_chat(scope.owner, chat.id, changes)
            await scope.tell_chat(chat.id, claimed.id)
        done = replace(claimed, state="SUCCESS", ended=scope.now(), result=title.text)
        await scope.tell_run(await scope.storage.save_run(scope.owner, done))
