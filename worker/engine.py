"""The engine: makes, owns and ends everything that works behind a window or a command.

Owns the order of making and ending, and the parts that all owners share. Celery is plugged in
from above (`plug`), so an engine also lives without it. `async with` starts and ends it, on
the runtime's loop.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from worker.config import Settings
from worker.contract.errors import (
    NagathaError,
    Unavailable,
)
from worker.contract.events import (
    EngineChanged,
    Event,
    ModuleChanged,
    OccurrenceChanged,
    RoutineChanged,
    RunChanged,
    ScheduleChanged,
    SettingsChanged,
    StopAsked,
)
from worker.contract.types import Problem
from worker.events.bus import EventBus
from worker.events.doorbell import FolderDoorbell
from worker.events.shared import SharedBus
from worker.logging import LogSystem, Redactor
from worker.module_host.host import ModuleHost
from worker.moments.zone import machine_zone
from worker.paths import Paths, unusable
from worker.presence import Presence, ProcessRole
from worker.providers.builtin import BuiltinProvider
from worker.runtime import Runtime
from worker.secrets import Secrets
from worker.service.answers import Answers
from worker.service.cancel import RunningWork
from worker.service.carrier import Carrier
from worker.service.chores import Chores
from worker.service.configuration import Configuration
from worker.service.dispatch import Background, NoBackground
from worker.service.ends import UnkeptEnds
from worker.service.keeper import ModuleKeeper
from worker.service.maintenance import Keeping, Maintenance
from worker.service.models import ModelDesk, ProviderBook
from worker.service.owner import OwnerServices
from worker.service.owners import Owners
from worker.service.plain import PlainQuestions
from worker.service.published import Published
from worker.service.queries import Queries
from worker.service.reminding import Reminding
from worker.service.restoring import Restoring
from worker.service.routine_clock import RoutineClock
from worker.service.routine_start import Starts
from worker.service.schedules import Timetable
from worker.service.scope import Scope
from worker.service.task_result import run_and_wait
from worker.service.tending import Tending
from worker.service.toolbox import all_tools
from worker.storage.base import Storage
from worker.storage.sqlite.recovery import open_or_recover
from worker.tools.base import ToolContext

log = logging.getLogger(__name__)

LOCAL_OWNER = "local"
"""The person at this machine."""

WORKERS: tuple[ProcessRole, ...] = ("desktop", "worker")
"""What is expected to run tasks."""


class Engine:
    """Everything behind a window or a command, for as long as `async with` lasts.

    Made anywhere; started, used and ended on `runtime`'s loop, but for what says otherwise.
    `role` is what this process is among those on the same data folder.
    """

    def __init__(
        self,
        paths: Paths,
        runtime: Runtime,
        role: ProcessRole,
        *,
        redactor: Redactor | None = None,
        logs: LogSystem | None = None,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        storage: Storage | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        zone: Callable[[], str] = machine_zone,
    ) -> None:
        """`storage` None means the SQLite file of `paths`. `logs` takes its levels from the
        settings. `now` is aware and in UTC. `zone` names the machine's time zone, at each call
        as it is then."""
        self.paths = paths
        self.runtime = runtime
        self.now = now
        self.monotonic = monotonic
        self.zone = zone
        self.presence = Presence(paths.locks, role)
        self.running = RunningWork()
        self.ends = UnkeptEnds()
        self.doctor_message = ""
        self._redactor = redactor or Redactor()
        self._logs = logs
        self._environ = dict(os.environ if environ is None else environ)
        self.configuration = Configuration(paths, self._environ, cwd)
        self._given_storage = storage
        self._notices: list[Problem] = []
        self._closing = False
        self._chores: list[asyncio.Task[None]] = []
        self.storage: Storage
        self.bus: EventBus
        self.host: ModuleHost
        self.keeper: ModuleKeeper
        self.desk: ModelDesk
        self.answers: Answers
        self.maintenance: Maintenance
        self.timetable: Timetable
        self.tending: Tending
        self.routine_clock: RoutineClock
        self.owners: Owners
        self.queries: Queries
        self.reminding: Reminding
        self._published: Published

    # life --------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Read the settings, open the data, take care of what a killed process left behind.

        Raises StorageError (read-only, disk full, a newer version's data), InvalidInput for
        settings of the environment that are wrong; nothing stays open then.
        """
        async with AsyncExitStack() as undo:
            try:
                await asyncio.to_thread(self.paths.make)
                await self.configuration.open()
                self._set_log_levels()
                await asyncio.to_thread(self.presence.enter)
            except OSError as error:
                raise unusable(self.paths.home, error) from error
            undo.callback(self.presence.leave)
            await self._open_storage()
            undo.push_async_callback(self.storage.aclose)
            bus = SharedBus(self.storage, FolderDoorbell(self.paths.doorbells), self.presence.id)
            await bus.open()
            self.bus = bus
            self._make_parts()
            undo.push_async_callback(bus.aclose)
            await self.tending.open()
            undo.pop_all()
        try:
            await self.maintenance.interrupt_orphans()
        except NagathaError as error:
            # A full disk: what is there can be read all the same, and it is tried again.
            log.warning("what a gone process left behind has to wait: %s", error)
        self._chores = [
            asyncio.create_task(self.keeper.load(), name="modules"),
            asyncio.create_task(self._listen(), name="engine events"),
        ]
        if self.presence.role in WORKERS:
            self._chores.append(asyncio.create_task(self.reminding.run(), name="reminders"))

    async def aclose(self) -> None:
        """End everything; what is being written is kept as interrupted."""
        self._closing = True
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._chores = []
        await self.tending.aclose()
        # Before the worker, some of whose tasks wait for answers, and again for late ones.
        await self.answers.aclose()
        await self.unplug()
        await self.answers.aclose()
        try:
            await self.ends.settle()
        except NagathaError as error:
            log.warning("how a task ended is lost, and it is begun again: %s", error)
        await self.tending.told()
        await self.desk.aclose()
        await self.bus.aclose()
        await self.storage.aclose()
        await asyncio.to_thread(self.presence.leave)

    async def _open_storage(self) -> None:
        if self._given_storage is not None:
            self.storage = self._given_storage
            await self.storage.open()
            return
        self.storage, problem = await open_or_recover(
            self.paths.database, self.paths.backups, clock=self.now
        )
        if problem is not None:
            self._notices.append(problem)

    def _make_parts(self) -> None:
        self.host = ModuleHost(
            self.paths.modules,
            enabled=self.settings.modules.enabled,
            disabled=self.settings.modules.disabled,
        )
        self.keeper = ModuleKeeper(
            self.host, self.configuration, lambda: self.background, self.bus, LOCAL_OWNER
        )
        self.secrets = Secrets(self.paths, self._redactor, self._environ)
        self.toolbox = all_tools(
            self.host,
            ask=self._ask_for_tool,
            run=self._run_for_tool,
            routines=lambda owner: self.services(owner).routines,
            reminders=lambda owner: self.services(owner).reminders,
        )
        self.desk = ModelDesk(
            ProviderBook(
                settings=lambda: self.settings,
                providers=lambda: self.configuration.providers,
                save=self.configuration.save_provider,
                remove=self.configuration.remove_provider,
                set_default=self.configuration.set_default,
            ),
            self.secrets,
            BuiltinProvider(),
            self.monotonic,
        )
        self.answers = Answers(
            desk=self.desk,
            toolbox=self.toolbox,
            carrier=Carrier(lambda: self.background, self.worker_elsewhere, self.presence.living),
            running=self.running,
            settings=lambda: self.settings,
            spawn=self.runtime.spawn,
            local_now=lambda: self.now().astimezone(ZoneInfo(self.zone())),
            monotonic=self.monotonic,
        )
        self.maintenance = Maintenance(
            storage=self.storage,
            bus=self.bus,
            background=lambda: self.background,
            keeping=self._keeping,
            now=self.now,
            process=self.presence.id,
            living=self.presence.living,
            host=self.host,
            life=lambda owner: self.services(owner).jobs,
            copy=Chores(self._scope(LOCAL_OWNER), self.ends).daily_copy,
            write_here=self._write_here,
        )
        self.queries = Queries(
            lambda owner: self.services(owner).chats, self.maintenance.release_orphans
        )
        self._published = Published(
            lambda owner: self.services(owner).chats, self.maintenance.interrupt_orphans
        )
        self.timetable = Timetable(self.storage)
        self.reminding = Reminding(
            scope=lambda owner: self.services(owner).chats.scope,
            owner=LOCAL_OWNER,
            hours=lambda: (self.settings.reminders.quiet_from, self.settings.reminders.quiet_to),
            paused=lambda: self.tending.paused,
            zone=self.zone,
            monotonic=self.monotonic,
        )
        self.tending = Tending(
            spawn=self.runtime.spawn,
            alive=lambda: self.runtime.running and not self._closing,
            timetable=self.timetable,
            status=lambda: self.services(LOCAL_OWNER).system.status(),
            tell=lambda status: self.bus.publish(LOCAL_OWNER, EngineChanged(status=status)),
            before=(
                self.answers.settle,
                self.ends.settle,
                self.maintenance.interrupt_orphans,
            ),
            after=(self.maintenance.recover, self.keeper.ask_all),
            notices=self._notices,
            slept=self._slept,
        )
        self.routine_clock = RoutineClock(
            storage=lambda: self.storage,
            homes=self._starts,
            carrier=self.answers.carrier,
            paused=lambda: self.tending.paused,
            write_here=self._write_here,
            now=self.now,
            monotonic=self.monotonic,
        )
        self.owners = Owners(
            paths=self.paths,
            presence=self.presence,
            configuration=self.configuration,
            host=self.host,
            keeper=self.keeper,
            toolbox=self.toolbox,
            desk=self.desk,
            answers=self.answers,
            running=self.running,
            ends=self.ends,
            maintenance=self.maintenance,
            timetable=self.timetable,
            tending=self.tending,
            reminding=self.reminding,
            routine_clock=self.routine_clock,
            engines=LOCAL_OWNER,
            scope=self._scope,
            notices=lambda: self.notices,
            ask=self.ask_default,
            doctor_message=lambda: self.doctor_message,
            replace_database=self._replace_database,
            go_on_here=self._go_on_here,
            zone=self.zone,
            monotonic=self.monotonic,
        )

    async def modules_ready(self) -> None:
        """Wait until every module was loaded or found broken."""
        await self.keeper.ready()

    async def _listen(self) -> None:
        """What other processes on this data folder tell that concerns the engine itself."""
        async for event in self.bus.subscribe(LOCAL_OWNER):
            try:
                await self._heed(event)
            except (
                NagathaError
            ) as error:  # data that is being restored: it is looked at each minute
                log.warning("the event %s could not be followed now: %s", event.kind, error)
            except Exception:  # one event that cannot be followed must not end the listening
                log.exception("the event %s could not be followed", event.kind)

    async def _heed(self, event: Event) -> None:
        if isinstance(event, SettingsChanged):
            await self.configuration.reload()
            self._set_log_levels()
            self.desk.forget_lists()
            await self.keeper.follow()
            self.tending.settings_changed()
        elif isinstance(event, EngineChanged):
            await self.tending.follow_pause()
            self.routine_clock.changed()
        elif isinstance(event, RoutineChanged | OccurrenceChanged):
            self.routine_clock.changed()
        elif isinstance(event, ScheduleChanged):
            await self.background.reschedule()
        elif isinstance(event, ModuleChanged):
            await self.configuration.reload()
            await self.keeper.follow()
        elif isinstance(event, StopAsked) or (
            isinstance(event, RunChanged) and event.run.state == "REVOKED"
        ):
            self.running.request_stop(event.run_id)
        self.reminding.heed(event)
        if isinstance(event, RunChanged):
            await self.routine_clock.heed(LOCAL_OWNER, event.run)

    # background --------------------------------------------------------------------------

    async def plug(self, background: Background) -> None:
        """Connect the worker and the broker, and queue again what a killed process left.

        When the broker does not answer, the engine goes on without: a notice says so. May be
        cancelled; a worker that is just starting is waited for all the same.
        """
        # A message for a task that is not there yet would be thrown away.
        await self.modules_ready()
        await self.tending.plug(background)
        with contextlib.suppress(NagathaError):  # it is tried again each minute
            await self.maintenance.write_waiting()
        if self.presence.role in WORKERS and not self._closing:
            self._chores.append(asyncio.create_task(self.routine_clock.run(), name="schedules"))

    async def unplug(self) -> None:
        """Stop the worker; queued work waits for the next start."""
        await self.tending.unplug()

    async def _tend(self) -> None:
        await self.tending.tend()

    async def _write_here(self, owner: str, run: str) -> bool:
        """See `Maintenance.write_here`: here is where a worker should be and is not."""
        if isinstance(self.background, NoBackground) or self.presence.role not in WORKERS:
            return False
        if self.answers.carrier.is_served():
            return False
        return await self.answers.take(self.services(owner).chats.scope, run)

    async def _go_on_here(self, scope: Scope, run: str) -> bool:
        """Go on with an answer whose approval came, where this process stays for it."""
        return self.presence.role in WORKERS and await self.answers.take(scope, run)

    def _starts(self, owner: str) -> Starts:
        jobs = self.services(owner).jobs
        return Starts(jobs.scope, jobs)

    @property
    def background(self) -> Background:
        """The broker and the worker."""
        return self.tending.background

    def background_changed(self) -> None:
        """The worker or Beat changed its state; may be called from any thread."""
        self.tending.changed()

    def schedule_queued(self, name: str) -> None:
        """Beat queued a run of the entry `name`; may be called from any thread."""
        self.tending.soon(lambda: self._tell_schedule(name), f"schedule {name}")

    async def _tell_schedule(self, name: str) -> None:
        try:
            await self.services(LOCAL_OWNER).jobs.periodic.tell(name)
        except NagathaError as error:  # its module is off, or the data closed: nobody waits
            log.info("the schedule %s cannot be told: %s", name, error)

    def woke(self) -> None:
        """The machine slept, or its clock was set: look what is due. From any thread."""
        self.runtime.call_soon(self._slept)
        self.tending.soon(self.background.reschedule, "after a sleep")

    def _slept(self) -> None:
        self.reminding.wake()
        self.routine_clock.woke()

    def worker_elsewhere(self) -> bool:
        """Whether another process on this data folder runs tasks."""
        return any(p.startswith(WORKERS) for p in self.presence.others())

    # settings ----------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self.configuration.settings

    @property
    def notices(self) -> tuple[Problem, ...]:
        """What a person should know about the settings, the data, the worker."""
        return (*self.configuration.problems, *self._notices)

    def _set_log_levels(self) -> None:
        if self._logs is not None:
            chosen = self.settings.logging
            self._logs.set_levels(chosen.level, chosen.components)

    def _keeping(self) -> Keeping:
        data = self.settings.data
        return Keeping(
            runs=timedelta(days=data.keep_runs_days),
            deleted=timedelta(days=data.keep_deleted_days),
            daily_backup=data.backup_daily,
        )

    # modules -----------------------------------------------------------------------------

    async def _run_for_tool(
        self, name: str, arguments: Mapping[str, object], context: ToolContext
    ) -> str:
        """For the assistant: run a module's task as a run, and wait for its end."""
        if self.background.state.worker != "ok" and not self.worker_elsewhere():
            raise Unavailable(
                "No background worker runs the task",
                "It would wait in the queue for ever.",
                "Start Nagatha, or “nagatha worker”.",
            )
        return await run_and_wait(self.services(context.owner).jobs, name, arguments)

    def _ask_for_tool(self, context: ToolContext, prompt: str, system: str) -> str:
        """For a module's task that the assistant calls; on a thread of its own."""
        return self.runtime.run(self.ask_default(context.owner, context.run, prompt, system))

    # one owner ---------------------------------------------------------------------------

    def services(self, owner: str) -> OwnerServices:
        """All use cases of one owner."""
        return self.owners.of(owner)

    def _scope(self, owner: str) -> Scope:
        redact = self._redactor.redact
        return Scope(owner, self.storage, self.bus, self.now, self.presence.id, redact)

    async def _replace_database(self, backup: str) -> None:
        restoring = Restoring(
            database=self.paths.database,
            backups=self.paths.backups,
            storage=self.storage,
            presence=self.presence,
            maintenance=self.maintenance,
            timetable=self.timetable,
            tending=self.tending,
            go_on=self._tend,
            now=self.now,
        )
        await restoring.replace(backup)
        self._notices[:] = [notice for notice in self._notices if notice.kind != "damaged"]

    # for tasks ---------------------------------------------------------------------------

    async def ask_default(self, owner: str, run: str, prompt: str, system: str) -> str:
        """Ask the default model outside of a chat; what it used is recorded for `run`.

        Raises ModelError ("no_model" where none is set up).
        """
        scope = self.services(owner).chats.scope
        return await PlainQuestions(scope, self.desk, lambda: self.settings).ask(
            prompt, system, run
        )

    async def answer_message(
        self, session: str, text: str, user: str, task: str
    ) -> dict[str, object]:
        """Send `text` in a chat and wait for the answer: `process_message_with_nagatha`.

        `task` is the id of the Celery task: a message that is delivered twice is sent once.
        """
        return await self._published.reply(user or LOCAL_OWNER, session, text, task)
