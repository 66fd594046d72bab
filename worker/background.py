"""The background of one engine: its Celery app, the embedded worker, the way to the queue.

Owns which broker is used and the change of it while the program runs. It must not know what
the tasks do, nor whose program this is.
"""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import contextlib
import dataclasses
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import worker.broker
from worker import servers
from worker.celery_app import addresses, make_app
from worker.consumer import seconds_since
from worker.contract.errors import NagathaError, NotFound, Unavailable, error_from
from worker.contract.jobs import PRIORITY_DEFAULT, PRIORITY_PERSON, DeadLetter
from worker.contract.types import JsonObject, Problem, RunState
from worker.embedded import EmbeddedWorker, WorkerState, broker_errors, close_app
from worker.engine import LOCAL_OWNER, Engine
from worker.queue_file import QueueFile
from worker.servers import check_address, short, without_password
from worker.service.dispatch import HIGHEST_PRIORITY, TASK_HEADERS, BackgroundState
from worker.service.schedules import Plan, Times
from worker.tasks.base import NagathaCelery
from worker.tasks.beat import Clocks
from worker.tasks.queries import store_state
from worker.tasks.register import refresh_tasks

log = logging.getLogger(__name__)

BELIEVED = 900.0
"""Seconds after which a run that nobody has begun is given to Redis or RabbitMQ again."""
MOST_DEAD = 10_000
"""Dead letters that are looked at."""
STOP_TIMEOUT = 10.0
"""Seconds that running tasks get when the worker stops."""


@dataclasses.dataclass(frozen=True, slots=True)
class OwnedLetter:
    """A dead letter, and whose it is."""

    owner: str
    letter: DeadLetter


class StoredLastRuns:
    """Beat's times in the engine's storage. Called on Beat's thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, name: str) -> Times | None:
        """See `LastRuns.load`."""
        return self._engine.runtime.run(self._engine.timetable.times(name))

    def store(self, name: str, times: Times) -> None:
        """See `LastRuns.store`."""
        self._engine.runtime.run(self._engine.timetable.set_times(name, times))

    def plan(self, name: str) -> Plan:
        """See `LastRuns.plan`."""
        return self._engine.runtime.run(self._engine.timetable.plan(name))

    def queued(self, name: str) -> None:
        """See `LastRuns.queued`."""
        self._engine.schedule_queued(name)


class CeleryBackground:
    """`Background` with Celery; its async methods belong to the runtime loop.

    With `work` a worker and Beat run in this process; without, tasks are only queued (the
    command line). `queue_file` is the bundled broker's.
    """

    def __init__(self, engine: Engine, queue_file: Path, *, work: bool) -> None:
        self._engine = engine
        self._queue_file = queue_file
        self._queue = QueueFile(worker.broker.broker_url(queue_file), self._queue_is_damaged)
        self._work = work
        self._app: NagathaCelery | None = None
        self._worker: EmbeddedWorker | None = None
        self._without: Problem | None = None
        """Why it did not start, when that was tried last."""
        self._changing = asyncio.Lock()
        self._seen: tuple[str, str] | None = None
        """What the settings said about the broker when that was looked at last."""
        self._paused = False
        self._published: dict[str, float] = {}
        """Runs that were given to a broker which cannot be asked for them, and when."""
        self._dead_before = 0
        self._reopening = False
        """Whether the damaged file of the bundled broker is just being made anew."""

    # life --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Make the app, and start the worker where one is wanted. Nothing when that was done.

        When the broker of the settings does not answer the error is raised, and the engine
        goes on without a worker.
        """
        async with self._changing:
            if self._app is None:
                await self._begin_or_say()

    async def _begin_or_say(self) -> None:
        try:
            await self._begin()
        except NagathaError as error:
            self._without = error.problem
            raise

    async def _begin(self) -> None:
        addresses = self._addresses(None)
        self._seen = self._settings()
        await asyncio.to_thread(check_address, addresses[0])
        starting = asyncio.ensure_future(asyncio.to_thread(self._start, *addresses))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A worker that is just starting can be stopped only once it has started.
            await asyncio.gather(starting, return_exceptions=True)
            raise

    async def aclose(self, seconds: float = STOP_TIMEOUT) -> None:
        """Stop the worker and let go of every connection and file."""
        async with self._changing:
            await asyncio.to_thread(self._stop, seconds)

    @property
    def state(self) -> BackgroundState:
        """See `Background.state`."""
        worker_state = self._worker.state if self._worker is not None else WorkerState()
        app = self._app
        return BackgroundState(
            broker=without_password(str(app.conf.broker_url)) if app is not None else "",
            worker=worker_state.worker,
            beat=worker_state.beat,
            restarts=worker_state.restarts,
            reason=worker_state.reason,
        )

    async def change_broker(self, url: str) -> None:
        """See `Background.change_broker`."""
        async with self._changing:
            await self._change(self._addresses(url))
        # What waited in the old broker is in the run table, and is queued in the new one.
        try:
            await self._engine.maintenance.recover()
        except NagathaError as error:  # the change itself went well; this is tried each minute
            log.warning("what waits is not queued on the new broker yet: %s", error)

    async def follow(self) -> None:
        """See `Background.follow`."""
        async with self._changing:
            wanted = self._settings()
            # A change that `change_broker` makes comes before that of the settings: what they
            # say counts only once it is something new.
            if wanted == self._seen or self._app is None:
                return
            addresses = self._addresses(None)
            if addresses != self._current():
                await self._change(addresses)
            self._seen = wanted
        await self._engine.maintenance.recover()

    async def _change(self, new: tuple[str, str]) -> None:
        old = self._current()
        await asyncio.to_thread(check_address, new[0])
        await asyncio.to_thread(self._stop, STOP_TIMEOUT)
        try:
            await asyncio.to_thread(self._start, *new)
        except NagathaError:
            if old is not None:
                await asyncio.to_thread(self._start, *old)
            raise
        self._published.clear()

    # a damaged file ----------------------------------------------------------------------

    def _lost(self, error: Exception) -> None:
        """The consumer lost its broker. On the worker's thread."""
        # It may have forgotten what it was given; recovery asks the run table then.
        self._published.clear()
        self._queue.look_at(error)

    def _queue_is_damaged(self) -> None:
        """Have the bundled broker's file opened anew, which makes it anew. On any thread."""
        if not self._reopening:
            self._reopening = True
            self._engine.tending.soon(self._reopen, "damaged queue")

    async def _reopen(self) -> None:
        try:
            async with self._changing:
                if not self._is_bundled():  # it was closed meanwhile
                    return
                log.warning("the queue's file is damaged; it is opened anew")
                await asyncio.to_thread(self._stop, STOP_TIMEOUT)
                await self._begin_or_say()
            await self._engine.maintenance.recover()
        except NagathaError as error:  # it is tried again each minute
            log.warning("the queue's file is damaged, and cannot be made anew yet: %s", error)
        finally:
            self._reopening = False

    # addresses ---------------------------------------------------------------------------

    def _settings(self) -> tuple[str, str]:
        settings = self._engine.settings.celery
        return settings.broker_url, settings.result_backend

    def _current(self) -> tuple[str, str] | None:
        if self._app is None:
            return None
        return str(self._app.conf.broker_url), str(self._app.conf.result_backend)

    def _addresses(self, url: str | None) -> tuple[str, str]:
        """Broker and result backend for `url`, or for the settings' when None."""
        return addresses(self._engine.settings, self._queue_file, url)

    def _start(self, broker: str, backend: str) -> None:
        self._open_bundled(broker, backend)
        app = make_app(self._engine, broker, backend)
        if self._work:
            embedded = EmbeddedWorker(
                last_runs=StoredLastRuns(self._engine),
                changed=self._worker_changed,
                may_beat=lambda: self._engine.presence.take("beat"),
                concurrency=self._engine.settings.celery.concurrency,
                clocks=Clocks(self._engine.now, self._engine.monotonic),
                started=self._begun_ago,
                held_back=frozenset({servers.QUEUE}),
                paused=self._paused,
                ask_to_stop=self._engine.running.request_stop_of_worker,
                lost=self._lost,
            )
            try:
                embedded.start(app)
            except NagathaError:
                close_app(app)
                self._close_bundled(broker, backend)
                raise
            self._worker = embedded
        self._app = app
        self._engine.background_changed()

    def _stop(self, timeout: float) -> None:
        embedded, self._worker = self._worker, None
        app, self._app = self._app, None
        ended = True
        if embedded is not None:
            ended = embedded.stop(timeout)
            self._engine.presence.give_back("beat")
        if app is None:
            return
        if embedded is None:
            close_app(app)
        if ended:
            self._close_bundled(str(app.conf.broker_url), str(app.conf.result_backend))

    def _open_bundled(self, *addresses: str) -> None:
        """Open the bundled broker's file where it is used: what is wrong with it would end the
        worker without a word. Raises Unavailable.

        It stays open for the worker, which would open it again a moment later.
        """
        # The queue's file comes last, to be kept; results may stand in another.
        for address in reversed(dict.fromkeys(filter(servers.is_bundled, addresses))):
            self._queue = QueueFile(address, self._queue_is_damaged)
            aside = self._queue.open()
            if aside is None:
                continue
            self._engine.tending.notices.append(
                Problem(
                    "queue_damaged",
                    "The file of the queue was damaged and made anew",
                    f"The damaged one is kept as {aside.name}. What waited is queued again.",
                    "Check the disk if this comes again.",
                )
            )

    def _close_bundled(self, *addresses: str) -> None:
        for address in dict.fromkeys(filter(servers.is_bundled, addresses)):
            QueueFile(address, self._queue_is_damaged).close()

    def _worker_changed(self, _state: WorkerState) -> None:
        self._engine.background_changed()

    def _begun_ago(self, task: str) -> float | None:
        """Seconds since a task was begun last, by the run table; on the worker's threads."""
        engine = self._engine
        return seconds_since(engine.runtime.run(engine.storage.last_begun(task)), engine.now())

    async def pause(self, paused: bool) -> None:
        """See `Background.pause`."""
        async with self._changing:  # a worker that is just starting is told, too
            self._paused = paused
            # What waited because it had to was not lost for that.
            self._published.update(dict.fromkeys(self._published, self._engine.monotonic()))
            if self._worker is not None:
                await asyncio.to_thread(self._worker.pause, paused)

    def holds_back(self, priority: int) -> bool:
        """See `Background.holds_back`."""
        # The bundled broker gives a worker no more than it begins at once.
        return self._paused and priority < PRIORITY_PERSON and not self._is_bundled()

    async def reschedule(self) -> None:
        """See `Background.reschedule`."""
        if self._worker is not None:
            self._worker.reschedule()

    async def refresh(self) -> None:
        """See `Background.refresh`."""
        app, embedded = self._app, self._worker
        if app is None:
            return
        refresh_tasks(app)
        if embedded is not None:
            await asyncio.to_thread(embedded.refresh_tasks)

    # the queue ---------------------------------------------------------------------------

    async def send(
        self,
        owner: str,
        task: str,
        run: str,
        *,
        delay: float = 0.0,
        priority: int = PRIORITY_DEFAULT,
    ) -> None:
        """See `Dispatcher.send`."""
        await asyncio.to_thread(self._publish, owner, task, run, delay, priority)
        if not self._is_bundled():
            for old in [r for r, at in self._published.items() if not self._believed(at)]:
                self._published.pop(old, None)
            self._published[run] = self._engine.monotonic()

    async def hasten(self, owner: str, task: str, run: str) -> None:
        """See `Dispatcher.hasten`. Other brokers keep the old message too, which finds the run
        ended when its time comes."""
        self._started()
        if self._is_bundled():
            await self._queue.discard(run)
        await self.send(owner, task, run, priority=HIGHEST_PRIORITY)

    def _believed(self, given: float) -> bool:
        """Whether a run that was given to a server then is still thought to be there."""
        return self._paused or self._engine.monotonic() - given < BELIEVED

    def _publish(self, owner: str, task: str, run: str, delay: float, priority: int) -> None:
        app = self._started()
        try:
            app.send_task(
                task,
                task_id=run,
                countdown=delay or None,
                queue=servers.queue_for(priority),
                priority=servers.told_priority(str(app.conf.broker_url), priority),
                headers={TASK_HEADERS["owner"]: owner},
                retry=False,
                confirm_timeout=servers.ANSWER_TIMEOUT,
            )
        except Exception as error:  # each transport has exceptions of its own; one edge for all
            self._queue.look_at(error)
            raise Unavailable(
                "The broker did not take the task",
                short(error),
                "It is kept, and queued again once the broker answers.",
            ) from error

    async def revoke(self, run: str) -> None:
        """See `Dispatcher.revoke`."""
        app = self._started()
        if self._is_bundled():
            await self._queue.discard(run)
        else:
            with contextlib.suppress(*broker_errors(app)):
                await asyncio.to_thread(app.control.revoke, run)

    async def holds(self, run: str) -> bool:
        """See `Dispatcher.holds`. Other brokers cannot be asked: there it is what this process
        gave to them a while ago, which they may have lost meanwhile."""
        if self._app is None:
            return False
        if not self._is_bundled():
            given = self._published.get(run)
            return given is not None and self._believed(given)
        return await self._queue.holds(run)

    async def missing(self, runs: Sequence[str]) -> frozenset[str]:
        """See `Dispatcher.missing`."""
        if self._app is not None and self._is_bundled():
            return await self._queue.missing(runs)
        return frozenset([run for run in runs if not await self.holds(run)])

    async def report(self, run: str, state: RunState, meta: JsonObject) -> None:
        """See `Dispatcher.report`."""
        app = self._app
        if app is None:
            return
        try:
            await asyncio.to_thread(store_state, app, run, state, meta)
        except Exception as error:  # each backend has exceptions of its own; one edge for all
            raise Unavailable("The result backend does not answer", short(error)) from error

    async def reach(self) -> None:
        """See `Background.reach`."""
        await asyncio.to_thread(check_address, str(self._started().conf.broker_url))

    def watch(self) -> None:
        """See `Background.watch`."""
        if self._worker is not None:
            self._worker.watch_beat()

    async def tidy(self) -> JsonObject:
        """See `Background.tidy`."""
        if self._app is None or not self._is_bundled():
            return {}
        return dataclasses.asdict(await self._queue.look_after(lambda upkeep: upkeep.clean()))

    async def forget_all(self) -> None:
        """See `Background.forget_all`."""
        app = self._started()
        try:
            await asyncio.to_thread(_purge, app)
        except broker_errors(app) as error:
            raise Unavailable("The broker does not answer", short(error)) from error
        if self._is_bundled():
            await self._queue.look_after(lambda upkeep: upkeep.forget_all())

    # dead letters ------------------------------------------------------------------------

    async def dead_letters(self, owner: str) -> tuple[DeadLetter, ...]:
        """See `Background.dead_letters`."""
        self._check_dead()
        return tuple(one.letter for one in await self._dead() if one.owner == owner)

    async def dead_count(self, owner: str) -> int | None:
        """See `Background.dead_count`."""
        if not self._is_bundled():
            return None
        try:
            return sum(one.owner == owner for one in await self._dead())
        except Unavailable:
            return None

    async def dead_runs(self) -> frozenset[str]:
        """See `Background.dead_runs`."""
        if not self._is_bundled():
            return frozenset()
        found = await self._queue.look_after(lambda upkeep: upkeep.dead_tasks())
        if len(found) != self._dead_before:
            self._dead_before = len(found)
            self._engine.background_changed()
        return frozenset(found)

    async def retry_dead(self, owner: str, letter: int) -> None:
        """See `Background.retry_dead`."""
        await self._settle_dead(owner, letter, lambda upkeep: upkeep.retry(letter))

    async def delete_dead(self, owner: str, letter: int) -> None:
        """See `Background.delete_dead`."""
        await self._settle_dead(owner, letter, lambda upkeep: upkeep.delete(letter))

    async def _settle_dead(
        self, owner: str, letter: int, settle: Callable[[worker.broker.Upkeep], bool]
    ) -> None:
        self._check_dead()
        mine = any(one.owner == owner and one.letter.id == letter for one in await self._dead())
        if not mine or not await self._queue.look_after(settle):
            raise NotFound(
                "Dead letter not found",
                f"There is no dead letter {letter}.",
                "It may be gone already.",
            )
        self._engine.background_changed()

    def _check_dead(self) -> None:
        self._started()
        if not self._is_bundled():
            raise Unavailable(
                "This broker keeps no dead letters",
                "Only the bundled broker can be asked for what it gave up.",
                "Look at the broker itself.",
            )

    async def _dead(self) -> tuple[OwnedLetter, ...]:
        def read(upkeep: worker.broker.Upkeep) -> tuple[OwnedLetter, ...]:
            return tuple(map(_owned_letter, upkeep.dead_letters(limit=MOST_DEAD)))

        return await self._queue.look_after(read)

    async def round_trip(self, seconds: float) -> float:
        """See `Background.round_trip`."""
        return await asyncio.to_thread(self._round_trip, seconds)

    def _round_trip(self, timeout: float) -> float:
        app = self._started()
        started = self._engine.monotonic()
        try:
            answers = app.control.ping(timeout=timeout, limit=1)
        except broker_errors(app) as error:
            raise Unavailable("The broker does not answer", short(error)) from error
        if not answers:
            raise Unavailable(
                "No worker answers",
                f"Nothing came back within {timeout:g} s.",
                "Start Nagatha, or “nagatha worker”.",
            )
        return self._engine.monotonic() - started

    def _started(self) -> NagathaCelery:
        app = self._app
        if app is not None:
            return app
        if self._without is not None:
            raise error_from(self._without)
        raise Unavailable(
            "Background work is not available",
            "The broker could not be reached when the program started.",
            "Check the broker's address in Settings.",
        )

    def _is_bundled(self) -> bool:
        return self._app is not None and servers.is_bundled(str(self._app.conf.broker_url))


def _owned_letter(dead: worker.broker.DeadLetter) -> OwnedLetter:
    """From the broker's own; what it carries is read for its task's name and its owner."""
    try:
        message = json.loads(dead.payload)
        headers = message.get("headers") or {}
        name, owner = str(headers.get("task") or ""), headers.get(TASK_HEADERS["owner"])
    except (ValueError, AttributeError):  # no message of Celery's
        name, owner = "", None
    letter = DeadLetter(dead.id, name, dead.task or "", dead.queue, dead.deliveries, dead.died)
    return OwnedLetter(str(owner or LOCAL_OWNER), letter)


def _purge(app: NagathaCelery) -> None:
    """Empty the queues, those that nobody takes from now, too."""
    with app.connection_for_write() as connection:
        for queue in servers.queues(str(app.conf.broker_url)):
            here = queue(connection.default_channel)
            here.declare()
            here.purge()
