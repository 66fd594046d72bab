"""Answers being written: started, streamed, kept, moved, put back, stopped.

Owns the life of an answer after its row is there. Every piece of text is stored before it is
told, so that nothing is shown that a killed process would lose. An answer of the lane "queued"
goes on in another process, or at the next start, where this one cannot end it; any other waits
for a person. How a model is asked is in `asking`; it must not know SQL or Celery.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime

from worker.config import Settings
from worker.contract.errors import NagathaError, NotFound
from worker.contract.events import MessageChanged, StopAsked
from worker.contract.jobs import PRIORITY_PERSON
from worker.contract.types import (
    FINAL_STATES,
    Chat,
    Lane,
    Message,
    MessageState,
    Problem,
    Run,
    RunState,
    UsageRecord,
)
from worker.service import run_words
from worker.service.approvals import tell_expired
from worker.service.asking import Asking
from worker.service.cancel import RunningWork
from worker.service.carrier import Carrier
from worker.service.course import Course
from worker.service.models import ModelDesk
from worker.service.parking import AnswerParked, asked, park
from worker.service.retries import tried_again
from worker.service.routing import TASKS
from worker.service.scope import Scope, Spawn
from worker.service.titles import Titles
from worker.service.wish import Wish
from worker.service.writing import Writing
from worker.storage.rules import released
from worker.tools.base import Toolbox

log = logging.getLogger(__name__)


OTHERS = 5
"""Seconds that another process gets to stop an answer that it writes; it is asked each second."""


MOVED = "It goes on in the background."


@dataclass(slots=True)
class _Running:
    """One answer at work."""

    scope: Scope
    run: Run
    """As it was stored last."""
    ended: asyncio.Event
    wish: Wish = field(default_factory=Wish)
    movable: bool = False
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
        carrier: Carrier,
        running: RunningWork,
        settings: Callable[[], Settings],
        spawn: Spawn,
        local_now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`monotonic` counts the seconds after which an answer is moved into the background."""
        self.carrier = carrier
        self._asking = Asking(desk=desk, toolbox=toolbox, settings=settings, local_now=local_now)
        self._titles = Titles(desk, settings, spawn)
        self._running = running
        self._spawn = spawn
        self._monotonic = monotonic
        self._at_work: dict[str, _Running] = {}
        self._unkept: dict[str, _Unkept] = {}
        self._held: dict[str, _Running] = {}
        """Claimed and never begun: nobody works at them, which could not be stored yet."""
        self._closing = False

    # beginning and ending ----------------------------------------------------------------

    def start(
        self, scope: Scope, message: Message, run: Run, wish: Wish, *, movable: bool = True
    ) -> None:
        """Write the answer `message`, whose row and run are stored and claimed, in the background.

        A `movable` one becomes background work when it takes long.
        """
        work = self._add(scope, run)
        work.wish, work.movable = wish, movable
        self._begin(work, message)

    async def take(self, scope: Scope, run: str, *, lane: Lane = "queued", words: str = "") -> bool:
        """Claim the queued answer of `run` and write it in the background.

        False when there is nothing to do here: it has ended, somebody writes it, or the program
        ends. It is of `lane` from now on, and `words` say why. Raises NotFound, StorageError.
        """
        storage, owner = scope.storage, scope.owner
        before = self._at_work.get(run)
        if before is not None and before.ending:  # it may just be put back
            await before.ended.wait()
        found = await storage.get_run(owner, run)
        if self._closing or run in self._at_work or found.kind != "answer":
            return False
        # Known before it is claimed, so that it can be stopped at any moment.
        work = self._add(scope, found)
        claimed: tuple[Run, Message] | None = None
        try:
            claimed = await storage.claim_answer(owner, run, scope.process, scope.now())
            if claimed is None:
                self._drop(work)
                return False
            work.run, message = claimed
            if lane != work.run.lane:
                work.run = replace(work.run, lane=lane, name="answer", progress_text=words)
                await storage.save_run(owner, work.run)
            work.wish = Wish.of(work.run.arguments)
            self._begin(work, message)
        except BaseException as error:
            # Who stops it waits for the last line here, and finds it in the queue then. What is
            # cancelled while it is stored goes through all the same.
            work.run = claimed[0] if claimed is not None else found
            if claimed is not None or isinstance(error, asyncio.CancelledError):
                await self._let_go(work)
            self._drop(work)
            raise
        begun = words or run_words.begun(scope.process, work.run.attempts)
        await scope.tell_run(work.run)
        await self.carrier.write_down(scope, run, begun)
        return True

    async def send_early(self, scope: Scope, run: str) -> None:
        """Its message came: where it is to be tried again later, queue it for that time.

        One message too many, or a clock that was set. Raises NotFound, StorageError.
        """
        found = await scope.storage.get_run(scope.owner, run)
        if found.state == "RETRY" and found.due is not None:
            delay = (found.due - scope.now()).total_seconds()
            await self.carrier.send(scope, found, delay=max(0.0, delay))

    def writes(self, run: str) -> bool:
        """Whether this process is writing the answer of `run`."""
        return run in self._at_work

    async def stop(self, scope: Scope, run: str) -> None:
        """Stop a run, and wait until what came is stored. Raises NotFound.

        It may wait in the queue. An answer that another process writes is asked to stop through
        the event stream.
        """
        events = None
        for _ in range(OTHERS):
            work = self._at_work.get(run)
            if work is not None:
                self._cancel(work, "stopped")
                await work.ended.wait()
                # It may have been put back at that very moment.
            if events is None:
                events = scope.bus.subscribe(scope.owner)
            found = await scope.storage.get_run(scope.owner, run)
            if found.state in FINAL_STATES or await self._stopped_waiting(scope, run):
                return
            # A process that is gone answers nothing. What it was writing by itself, recovery
            # ends; a queued answer would go on, which nobody wants any more.
            if await self.carrier.release_if_gone(scope, run):
                continue
            await scope.tell(StopAsked(run_id=run))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    async for event in events:
                        if not isinstance(event, MessageChanged) or event.message.run != run:
                            continue
                        if event.message.state != "streaming":
                            return
                        break

    async def _stopped_waiting(self, scope: Scope, run: str) -> bool:
        stopped = await scope.storage.revoke_answer(scope.owner, run, scope.now())
        if stopped is None:
            return False
        await self.carrier.revoke(run)
        final = await scope.storage.get_run(scope.owner, run)
        await self._told(scope, stopped, final)
        await tell_expired(scope, run)
        return True

    async def stop_chat(self, scope: Scope, chat: str) -> None:
        """Stop what is being written in a chat, in this process or another, or waits there."""
        head = (await scope.storage.get_chat(scope.owner, chat)).head
        for work in [w for w in self._at_work.values() if w.run.chat == chat]:
            await self.stop(scope, work.run.id)
        if head is not None:
            last = await scope.storage.get_message(scope.owner, head)
            if last.state == "streaming" and last.run is not None:
                await self.stop(scope, last.run)

    async def wait(self, run: str) -> None:
        """Wait until a run of this process has ended, or was put back."""
        work = self._at_work.get(run)
        if work is not None:
            await work.ended.wait()

    async def aclose(self) -> None:
        """The program ends: keep what came of each answer. A queued one goes on later, any other
        is marked interrupted."""
        self._closing = True
        working = list(self._at_work.values())
        for work in working:
            self._cancel(work, "interrupted")
        await self._titles.aclose()
        for work in working:
            await work.ended.wait()
        left = [work.future for work in working if work.future is not None]
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

    def find_title(self, scope: Scope, chat: Chat) -> None:
        """See `Titles.find`."""
        self._titles.find(scope, chat)

    def _add(self, scope: Scope, run: Run) -> _Running:
        work = _Running(scope, run, asyncio.Event())
        work.reason = "interrupted" if self._closing else ""
        self._at_work[run.id] = work
        return work

    def _drop(self, work: _Running) -> None:
        self._at_work.pop(work.run.id, None)
        work.ended.set()

    async def _let_go(self, work: _Running) -> None:
        """Let an answer wait again that was claimed and not begun; where that cannot be stored
        now, as soon as it can."""
        try:
            await self._release(work)
        except NagathaError as error:
            log.error("answer %s cannot be let go: %s", work.run.id, error)
            self._held[work.run.id] = work

    async def _release(self, work: _Running) -> None:
        scope, run = work.scope, work.run
        storage, owner = scope.storage, scope.owner
        stored = await storage.get_run(owner, run.id)
        if stored.lane != run.lane:  # nobody would go on with it
            await storage.save_run(owner, replace(stored, lane=run.lane, name=run.name))
        if await storage.release_run(owner, run.id, scope.process):
            await scope.tell_run(await storage.get_run(owner, run.id))

    def _begin(self, work: _Running, message: Message) -> None:
        work.future = self._spawn(self._work(work, message), f"answer {work.run.id}")

    def _cancel(self, work: _Running, reason: str) -> None:
        work.reason = work.reason or reason
        if work.task is not None and not work.ending:
            work.task.cancel()

    # one answer --------------------------------------------------------------------------

    async def _work(self, work: _Running, message: Message) -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.call_soon_threadsafe(self._cancel, work, "stopped")

        async def move(reason: str) -> bool:
            return await self._moved(work, reason)

        async def tell(words: str) -> None:
            await self._progress(work, words)

        work.task = asyncio.current_task()
        began = loop.time()
        writing = Writing(work.scope, message, work.run)
        queued = work.run.lane == "queued"
        course = Course(
            writing, monotonic=self._monotonic, move=None if queued else move, tell=tell
        )
        ended = replace(message, state="failed")
        title_wanted = False
        parked: AnswerParked | None = None
        try:
            if work.reason:  # stopped before the first step
                raise asyncio.CancelledError
            with self._running.stoppable(work.run.id, stop):
                ended = await self._asking.ask(work.scope, message, work.wish, writing, course)
                title_wanted = ended.state == "complete"
        except asyncio.CancelledError:
            state: MessageState = "stopped" if work.reason == "stopped" else "interrupted"
            ended = replace(message, state=state)
        except AnswerParked as waits:
            ended, parked = waits.message, waits
        except NagathaError as error:
            state = "interrupted" if writing.began else "failed"
            ended = replace(message, state=state, error=error.problem)
        except Exception:  # a defect of ours: the person sees that, and the log holds the rest
            log.exception("answer %s broke", work.run.id)
            ended = replace(message, state="failed", error=_broke())
        finally:
            # Whatever comes now, a cancellation too, the end is stored first.
            work.ending = True
            seconds = (message.seconds or 0.0) + loop.time() - began
            ended = replace(ended, seconds=seconds)
            await asyncio.shield(
                loop.create_task(self._finish(work, writing, course, ended, parked))
            )
        if title_wanted:
            with contextlib.suppress(NagathaError):  # the answer is there; a title can wait
                scope = work.scope
                self.find_title(scope, await scope.storage.get_chat(scope.owner, message.chat))

    async def _moved(self, work: _Running, reason: str) -> bool:
        """Make it background work while it is written: killed from now on, it goes on by itself."""
        if not work.movable or not self.carrier.is_served():
            return False
        scope = work.scope
        work.run = replace(
            work.run,
            lane="queued",
            name=TASKS[work.wish.query_type],
            priority=PRIORITY_PERSON,
            progress_text=reason,
        )
        try:
            await scope.storage.save_run(scope.owner, work.run)
        except NagathaError as error:
            log.warning("answer %s cannot be moved: %s", work.run.id, error)
            return False
        await scope.tell_run(work.run)
        await self.carrier.write_down(scope, work.run.id, f"{reason} {MOVED}")
        # Whoever gets the message finds it being written. Should this process be killed before
        # that, the message makes it go on, and recovery otherwise.
        await self.carrier.send(scope, work.run)
        return True

    async def _progress(self, work: _Running, words: str) -> None:
        work.run = replace(work.run, state="PROGRESS", progress_text=words)
        try:
            await work.scope.storage.save_run(work.scope.owner, work.run)
        except NagathaError as error:
            log.warning("the progress of answer %s cannot be told: %s", work.run.id, error)
            return
        await work.scope.tell_run(work.run)
        await self.carrier.report(work.run)

    async def _finish(
        self,
        work: _Running,
        writing: Writing,
        course: Course,
        ended: Message,
        parked: AnswerParked | None,
    ) -> None:
        """Store how it ended, or that it goes on later, then tell it. Never raises."""
        scope = work.scope
        try:
            await course.aclose()
            await writing.close()
            if parked is not None:
                ended = await self._park(work, writing, ended, parked)
                if ended.state == "streaming":
                    return
            message = writing.finished(ended)
            if await self._put_back(work, message, writing):
                return
            final = replace(
                work.run,
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
                unkept = _Unkept(scope, message, final, tuple(writing.records))
                self._unkept[final.id] = unkept
                kept = message.text[: writing.kept]
                lost = replace(message, state="interrupted", text=kept, error=error.problem)
                await scope.tell(MessageChanged(message=lost, run_id=final.id))
                return
            await self._told(scope, stored, final)
        except Exception:  # nobody is left who could be told
            log.exception("answer %s could not be ended", work.run.id)
        finally:
            self._drop(work)

    async def _park(
        self, work: _Running, writing: Writing, ended: Message, parked: AnswerParked
    ) -> Message:
        """Let an answer wait for a person's word; as it ended, where that cannot be stored, or it
        was stopped at that very moment."""
        wanted = parked.parked.wanted
        if work.reason == "stopped":
            return replace(ended, state="stopped")
        message = writing.finished(ended, [one.call for one in wanted])
        try:
            waiting, work.run = await park(
                work.scope, message, work.run, parked.parked, writing.records
            )
        except NagathaError as error:
            log.error("answer %s cannot be parked: %s", work.run.id, error)
            return replace(ended, state="interrupted", error=error.problem)
        await self.carrier.write_down(work.scope, work.run.id, asked(wanted))
        if work.run.lane == "queued":
            await self.carrier.report(work.run)
        return waiting

    async def _put_back(self, work: _Running, message: Message, writing: Writing) -> bool:
        """Let a queued answer go on later, where the program ends or a try failed that is worth
        another one; False where it has ended, or that cannot be stored."""
        scope = work.scope
        if work.run.lane != "queued" or message.state not in ("interrupted", "failed"):
            return False
        now = scope.now()
        again = tried_again(work.run, message.error, now)
        if again is not None:
            back = replace(
                work.run, state="RETRY", error=again, due=again.retry_at, progress_text=""
            )
        elif message.error is None and work.reason == "interrupted":
            back = released(work.run)
        else:
            return False
        waiting = replace(message, state="streaming", error=None)
        try:
            await scope.storage.put_back_answer(scope.owner, waiting, back, writing.records)
        except NagathaError as error:
            log.warning("answer %s cannot be put back: %s", work.run.id, error)
            return False
        await self._told(scope, waiting, back)
        if again is not None and again.retry_at is not None:
            delay = max(0.0, (again.retry_at - now).total_seconds())
            said = run_words.tried_again(work.run, str(again).rstrip("."), round(delay))
            await self.carrier.write_down(scope, back.id, said, "WARNING")
            await self.carrier.send(scope, back, delay=delay)
        else:
            await self.carrier.write_down(scope, back.id, run_words.STOPPED)
        # At the program's end its own worker would get it at once: the next start sends it.
        return True

    async def _told(self, scope: Scope, message: Message, run: Run) -> None:
        """Tell how an answer and its run stand, Celery clients too."""
        await scope.tell_message(message)
        await scope.tell_run(run)
        await scope.tell_chat(message.chat, run.id)
        if run.lane == "queued":
            await self.carrier.report(run, message)
            if run.ended is not None:
                end = run_words.ended(run)
                await self.carrier.write_down(scope, run.id, end.text, end.level)

    async def settle(self, chat: str = "") -> int:
        """Store the ends that could not be stored before (of one chat, or all), and tell them;
        and let go what was claimed and not begun.

        Returns how many there were. Raises StorageError with the rest left for later.
        """
        held = [work for work in self._held.values() if chat in ("", work.run.chat)]
        for work in held:
            if self._held.pop(work.run.id, None) is None:
                continue  # as below
            try:
                await self._release(work)
            except NotFound:
                log.warning("answer %s, which was not begun, is gone", work.run.id)
            except BaseException:
                self._held[work.run.id] = work
                raise
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
            await self._told(one.scope, stored, one.run)
        return len(held) + len(waiting)


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
