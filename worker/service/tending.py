"""The background of an engine, tended: plugged in, looked after each minute, paused, told about.

Owns what is done about the broker and the worker while an engine lives, and what people are
told of them. It must not know Celery.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta

from worker.contract.errors import NagathaError
from worker.contract.system import EngineStatus
from worker.contract.types import Problem
from worker.service.dispatch import Background, NoBackground
from worker.service.schedules import Timetable

log = logging.getLogger(__name__)

KEPT_PROMISES = timedelta(minutes=1)
"""How often runs without a living owner, and runs in no queue, are looked for."""

Step = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Tending:
    """What happens to the background of one engine. Lives on the runtime loop, but for what
    says otherwise."""

    spawn: Callable[[Coroutine[object, object, None], str], Future[None]]
    """Starts a coroutine on the runtime loop from any thread."""
    alive: Callable[[], bool]
    """Whether the engine is open, and the loop runs."""
    timetable: Timetable
    status: Callable[[], Awaitable[EngineStatus]]
    tell: Callable[[EngineStatus], Awaitable[object]]
    before: Sequence[Step]
    """What is looked after first, whatever becomes of the background."""
    after: Sequence[Step]
    """What is looked after once the background runs."""
    notices: list[Problem]
    """What people should know, kept by the engine."""
    slept: Callable[[], None]
    """Lets whoever aims at a time look at the clock again. Called on the loop."""
    background: Background = field(default_factory=NoBackground)
    paused: bool = False
    """Whether a person has paused background work."""
    _without: Problem | None = None
    """Why there is no background, where one was plugged in."""
    _unfollowed: Problem | None = None
    """Why the broker of the settings is not the one that is used."""
    _restarts: int = 0
    _chores: set[asyncio.Task[None]] = field(default_factory=set)
    _telling: set[Future[None]] = field(default_factory=set)
    _following: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self) -> None:
        """Read what was kept. Raises StorageError."""
        self.paused = await self.timetable.paused()

    async def aclose(self) -> None:
        """Leave the background alone; what it tells is waited for by `told`."""
        for chore in tuple(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    async def told(self) -> None:
        """Wait for what is being told."""
        telling = map(asyncio.wrap_future, tuple(self._telling))
        await asyncio.gather(*telling, return_exceptions=True)

    async def plug(self, background: Background) -> None:
        """Use `background` from now on; without it, where it does not start, and say so."""
        self.background = background
        await background.pause(self.paused)
        try:
            await background.start()
        except NagathaError as error:
            log.error("the background did not start: %s", error)
            self._without = error.problem
            self.notices.append(error.problem)
        else:
            await self.tend()
        self._do(self._keep_promises(), "recovery")

    async def unplug(self) -> None:
        """Stop the worker; queued work waits for the next start."""
        background, self.background = self.background, NoBackground()
        await background.aclose()

    def _do(self, chore: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(chore, name=name)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    # now and then ------------------------------------------------------------------------

    async def _keep_promises(self) -> None:
        while True:
            await asyncio.sleep(KEPT_PROMISES.total_seconds())
            await self.tend()

    async def woke(self) -> None:
        """The machine slept: do now what is done now and then, and let Beat look at its clocks."""
        self.slept()
        self._do(self._after_sleep(), "after sleep")

    async def _after_sleep(self) -> None:
        try:
            await self.background.reschedule()
        except NagathaError as error:
            log.warning("Beat does not look at what is due: %s", error)
        await self.tend()

    async def tend(self) -> None:
        """What is done now and then; no step is left undone because another one failed."""
        for step in (
            *self.before,
            self._start,
            self.follow_pause,
            self._follow_settings,
            *self.after,
        ):
            try:
                await step()
            except NagathaError as error:
                log.warning("recovery has to wait: %s", error)
            except Exception:  # it is tried again, whatever it was
                log.exception("recovery failed")

    async def _start(self) -> None:
        try:
            await self.background.start()
        except NagathaError as error:
            await self._go_without(error.problem)
            raise
        await self._go_without(None)
        self.background.watch()

    async def _go_without(self, problem: Problem | None) -> None:
        """There is no background for this reason, or there is one; said where that is news."""
        before, self._without = self._without, problem
        if before == problem:
            return
        if before is not None:
            self.notices.remove(before)
        if problem is not None:
            self.notices.append(problem)
        await self._tell()

    # following others --------------------------------------------------------------------

    def settings_changed(self) -> None:
        """Use the broker of the settings, soon: a change may take seconds."""
        self._do(self._follow_settings(), "broker of the settings")

    async def _follow_settings(self) -> None:
        async with self._following:
            problem = None
            try:
                await self.background.follow()
            except NagathaError as error:
                problem = error.problem
            before, self._unfollowed = self._unfollowed, problem
            if before is not None:
                self.notices.remove(before)
            if problem is not None:
                self.notices.append(problem)
            if before == problem:
                return  # it is tried each minute, and said once
            if problem is not None:
                log.warning("the broker of the settings is not used: %s", problem)
            await self._tell()

    async def pause(self, paused: bool) -> None:
        """Let background work wait, or go on, and keep that. Raises StorageError."""
        await self.timetable.set_paused(paused)
        self.paused = paused
        await self.background.pause(paused)
        await self._tell()

    async def follow_pause(self) -> None:
        """Another process may have paused work, or gone on with it."""
        paused = await self.timetable.paused()
        if paused != self.paused:
            self.paused = paused
            await self.background.pause(paused)

    # telling -----------------------------------------------------------------------------

    def changed(self) -> None:
        """The worker or Beat changed its state; may be called from any thread."""
        self.soon(self._tell_change, "engine state")

    def soon(self, tell: Callable[[], Coroutine[object, object, None]], name: str) -> None:
        """Tell something on the loop while the engine lives; from any thread."""
        if self.alive():
            telling = self.spawn(tell(), name)
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    async def _tell_change(self) -> None:
        state = self.background.state
        if state.restarts > self._restarts:
            self.notices.append(
                Problem(
                    "worker_restarted",
                    "The background worker had stopped and was started again",
                    state.reason,
                    "Tasks that were running are run again.",
                )
            )
        self._restarts = state.restarts
        await self._tell()

    async def _tell(self) -> None:
        if not self.alive():
            return
        try:
            await self.tell(await self.status())
        except NagathaError as error:  # the data is closed, or its disk full: nobody waits for it
            log.info("the state of the engine cannot be told: %s", error)
