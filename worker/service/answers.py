"""Answers being written: started, streamed, kept, stopped, titled.

Owns the life of an answer after its row is there. Every piece of text is stored before it is
told, so that nothing is shown that a killed process would lose. How a model is asked is the
agent's room; it must not know SQL or Celery.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from worker.agent.calls import Limits
from worker.agent.context import Question
from worker.agent.loop import Agent
from worker.agent.prompts import system_prompt
from worker.agent.title import find_title
from worker.config import Settings
from worker.contract.errors import ModelError, NagathaError, NotFound
from worker.contract.events import MessageChanged, StopAsked
from worker.contract.types import (
    FINAL_STATES,
    Chat,
    Message,
    MessageState,
    Problem,
    Run,
    RunState,
    UsageRecord,
)
from worker.service.cancel import RunningWork
from worker.service.models import BUILTIN, ModelDesk
from worker.service.plain import parameters_for
from worker.service.scope import Scope, new_id
from worker.service.writing import Writing
from worker.storage.base import ChatChanges
from worker.tools.base import Toolbox, ToolContext

log = logging.getLogger(__name__)


OTHERS = 5.0
"""Seconds that another process gets to stop an answer that it writes."""
Spawn: TypeAlias = Callable[[Coroutine[object, object, None], str], Future[None]]
"""Runs a coroutine in the background under a name; see `worker.runtime.Runtime.spawn`."""


@dataclass(slots=True)
class _Running:
    """One answer at work."""

    scope: Scope
    chat: str
    run: str
    ended: asyncio.Event
    future: Future[None] | None = None
    task: asyncio.Task[None] | None = None
    """Set with its first step; a task cancelled before that would never store an end."""
    ending: bool = False
    reason: str = ""
    """Why it was cancelled: "stopped" by a person, "interrupted" by the end of the program."""


@dataclass(frozen=True, slots=True)
class _Unkept:
    """The end of an answer that could not be stored yet."""

    scope: Scope
    message: Message
    run: Run
    usage: Sequence[UsageRecord]


class Answers:
    """Writes answers. One for each engine, on its loop."""

    def __init__(
        self,
        *,
        desk: ModelDesk,
        toolbox: Toolbox,
        running: RunningWork,
        settings: Callable[[], Settings],
        spawn: Spawn,
        local_now: Callable[[], datetime],
    ) -> None:
        self._desk = desk
        self._toolbox = toolbox
        self._running = running
        self._settings = settings
        self._spawn = spawn
        self._local_now = local_now
        self._at_work: dict[str, _Running] = {}
        self._titles: set[Future[None]] = set()
        self._unkept: dict[str, _Unkept] = {}
        self._closing = False

    # beginning and ending ----------------------------------------------------------------

    def start(
        self, scope: Scope, chat: Chat, message: Message, run: Run, *, provider: str, model: str
    ) -> None:
        """Write the answer `message`, whose row and run are stored, in the background."""
        work = _Running(scope, chat.id, run.id, asyncio.Event())
        work.reason = "interrupted" if self._closing else ""
        self._at_work[run.id] = work
        asked = (provider, model) if provider or model else (chat.provider, chat.model)
        work.future = self._spawn(self._work(work, message, run, *asked), f"answer {run.id}")

    async def stop(self, scope: Scope, run: str) -> None:
        """Stop a run, and wait until what came is stored. Raises NotFound.

        An answer that another process writes is asked to stop through the event stream.
        """
        work = self._at_work.get(run)
        if work is not None:
            self._cancel(work, "stopped")
            await work.ended.wait()
            return
        events = scope.bus.subscribe(scope.owner)
        if (await scope.storage.get_run(scope.owner, run)).state in FINAL_STATES:
            return
        await scope.tell(StopAsked(run_id=run))
        # A process that is gone answers nothing; recovery ends what it was writing.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OTHERS):
                async for event in events:
                    if isinstance(event, MessageChanged) and event.message.run == run:
                        return

    async def stop_chat(self, scope: Scope, chat: str) -> None:
        """Stop what is being written in a chat, in this process or another."""
        head = (await scope.storage.get_chat(scope.owner, chat)).head
        for work in [w for w in self._at_work.values() if w.chat == chat]:
            await self.stop(scope, work.run)
        if head is not None:
            last = await scope.storage.get_message(scope.owner, head)
            if last.state == "streaming" and last.run is not None:
                await self.stop(scope, last.run)

    async def wait(self, run: str) -> None:
        """Wait until a run of this process has ended."""
        work = self._at_work.get(run)
        if work is not None:
            await work.ended.wait()

    async def aclose(self) -> None:
        """The program ends: keep what came of each answer, marked interrupted."""
        self._closing = True
        working = list(self._at_work.values())
        for work in working:
            self._cancel(work, "interrupted")
        titles = tuple(self._titles)
        for title in titles:
            title.cancel()
        for work in working:
            await work.ended.wait()
        left = [*titles, *(work.future for work in working if work.future is not None)]
        # `ended` is set by a task that still has its last steps to do; nothing may outlive us.
        await asyncio.gather(*map(asyncio.wrap_future, left), return_exceptions=True)
        try:
            await self.settle()
        except NagathaError as error:
            log.warning("the end of an answer is lost: %s", error)

    @property
    def closing(self) -> bool:
        """Whether the program ends, and no answer may begin any more."""
        return self._closing

    @property
    def count(self) -> int:
        """How many are being written here."""
        return len(self._at_work)

    def _cancel(self, work: _Running, reason: str) -> None:
        work.reason = work.reason or reason
        if work.task is not None and not work.ending:
            work.task.cancel()

    # one answer --------------------------------------------------------------------------

    async def _work(
        self, work: _Running, message: Message, run: Run, provider: str, model: str
    ) -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.call_soon_threadsafe(self._cancel, work, "stopped")

        work.task = asyncio.current_task()
        began = loop.time()
        writing = Writing(work.scope, message, run)
        ended = replace(message, state="failed")
        title_wanted = False
        try:
            if work.reason:  # stopped before the first step
                raise asyncio.CancelledError
            with self._running.stoppable(run.id, stop):
                ended = await self._ask(work, writing, message, provider, model)
                title_wanted = ended.state == "complete"
        except asyncio.CancelledError:
            state: MessageState = "stopped" if work.reason == "stopped" else "interrupted"
            ended = replace(message, state=state)
        except NagathaError as error:
            state = "interrupted" if writing.began else "failed"
            ended = replace(message, state=state, error=error.problem)
        except Exception:  # a defect of ours: the person sees that, and the log holds the rest
            log.exception("answer %s broke", run.id)
            ended = replace(message, state="failed", error=_broke())
        finally:
            # Whatever comes now, a cancellation too, the end is stored first.
            work.ending = True
            seconds = (message.seconds or 0.0) + loop.time() - began
            await asyncio.shield(
                loop.create_task(self._finish(work, writing, replace(ended, seconds=seconds), run))
            )
        if title_wanted:
            with contextlib.suppress(NagathaError):  # the answer is there; a title can wait
                scope = work.scope
                self.find_title(scope, await scope.storage.get_chat(scope.owner, work.chat))

    async def _ask(
        self, work: _Running, writing: Writing, message: Message, provider: str, model: str
    ) -> Message:
        scope = work.scope
        settings = self._settings()
        chosen = await self._desk.choose(provider, model)
        writing.ask(
            chosen.provider.id,
            chosen.model,
            free=chosen.provider.local,
            counted=chosen.provider.id != BUILTIN,
        )
        agent = Agent(
            chosen.provider,
            parameters_for(chosen, self._settings()),
            self._toolbox,
            Limits(
                rounds=settings.agent.max_rounds,
                seconds=settings.agent.tool_timeout,
                characters=settings.agent.tool_result_limit,
            ),
        )
        now = self._local_now()
        branch: tuple[Message, ...] = ()
        if message.parent is not None:
            branch, _ = await scope.storage.branch(scope.owner, message.parent)
        question = Question(
            branch=branch,
            system=system_prompt(now, settings.models.system_prompt),
            files=await self._files(scope, branch),
            resume=message.text,
        )
        answering = asyncio.ensure_future(
            agent.answer(question, writing, ToolContext(scope.owner, work.chat, work.run, now))
        )
        try:
            await asyncio.wait((answering, writing.on_failure), return_when=asyncio.FIRST_COMPLETED)
            if writing.failure is not None:
                raise writing.failure
            end = await answering
        finally:
            if not answering.done():
                answering.cancel()
                await asyncio.wait((answering,))
        return replace(
            message,
            state=end.state,
            provider=chosen.provider.id,
            model=end.model or chosen.model,
            error=end.error,
        )

    async def _files(self, scope: Scope, branch: Sequence[Message]) -> dict[str, bytes]:
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

    async def _finish(self, work: _Running, writing: Writing, ended: Message, run: Run) -> None:
        """Store how it ended, then tell it. Never raises."""
        scope = work.scope
        try:
            await writing.close()
            message = writing.finished(ended)
            final = replace(
                run,
                state=_RUN_STATES[message.state],
                ended=scope.now(),
                error=message.error,
            )
            try:
                stored = await scope.storage.finish_answer(
                    scope.owner, message, final, writing.records
                )
            except NagathaError as error:
                # Nothing that is not stored is told as stored: the card says so. The end is
                # stored as soon as that works; after a kill, what was kept is there, interrupted.
                log.error("the end of an answer cannot be stored: %s", error)
                self._unkept[run.id] = _Unkept(scope, message, final, tuple(writing.records))
                kept = message.text[: writing.kept]
                lost = replace(message, state="interrupted", text=kept, error=error.problem)
                await scope.tell(MessageChanged(message=lost, run_id=run.id))
                return
            await scope.tell_message(stored)
            await scope.tell_run(final)
            await scope.tell_chat(work.chat, run.id)
        except Exception:  # nobody is left who could be told
            log.exception("answer %s could not be ended", run.id)
        finally:
            self._at_work.pop(run.id, None)
            work.ended.set()

    async def settle(self, chat: str = "") -> int:
        """Store the ends that could not be stored before (of one chat, or all), and tell them.

        Returns how many there were. Raises StorageError with the rest left for later.
        """
        waiting = [one for one in self._unkept.values() if chat in ("", one.message.chat)]
        for one in waiting:
            if self._unkept.pop(one.run.id, None) is None:
                continue  # another call is at it
            try:
                stored = await one.scope.storage.finish_answer(
                    one.scope.owner, one.message, one.run, one.usage
                )
            except NotFound:
                log.warning("the end of answer %s has no place any more", one.message.id)
                continue
            except BaseException:
                self._unkept[one.run.id] = one
                raise
            await one.scope.tell_message(stored)
            await one.scope.tell_run(one.run)
            await one.scope.tell_chat(one.message.chat, one.run.id)
        return len(waiting)

    # titles ------------------------------------------------------------------------------

    def find_title(self, scope: Scope, chat: Chat) -> None:
        """Let the model find a title for a chat that has none of its own, in the background."""
        wanted = chat.titled_by == "" and chat.head and self._settings().chat.automatic_titles
        if wanted and not self._closing:
            title = self._spawn(self._try_title(scope, chat), f"title of {chat.id}")
            self._titles.add(title)
            title.add_done_callback(self._titles.discard)

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


_RUN_STATES: Mapping[MessageState, RunState] = {
    "complete": "SUCCESS",
    "stopped": "REVOKED",
    "interrupted": "INTERRUPTED",
    "failed": "FAILURE",
}


def _broke() -> Problem:
    return Problem(
        "defect",
        "The answer could not be written",
        "Something in the program broke; the log says what.",
        "Try again.",
        "retry",
    )
