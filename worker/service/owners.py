"""The use cases of each owner, made from the parts that all owners share.

Owns which service gets which part, and keeps one set of services an owner. It must not know who
starts and ends the parts.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial

from worker import __version__
from worker.contract.system import ModuleInfo
from worker.contract.types import Problem
from worker.module_host.host import ModuleHost
from worker.paths import Paths
from worker.presence import Presence
from worker.service.answers import Answers
from worker.service.approvals import Approvals
from worker.service.attachments import Attachments
from worker.service.cancel import RunningWork
from worker.service.chats import Chats
from worker.service.chores import Chores
from worker.service.configuration import Configuration
from worker.service.data import Data, Folders
from worker.service.dispatch import Background
from worker.service.doctor import Doctor
from worker.service.ends import UnkeptEnds
from worker.service.jobs import Jobs
from worker.service.keeper import ModuleKeeper
from worker.service.maintenance import Maintenance
from worker.service.models import ModelDesk, Models
from worker.service.modules import Modules, Tools
from worker.service.owner import OwnerServices
from worker.service.reminders import Reminders
from worker.service.reminding import Reminding
from worker.service.routine_clock import RoutineClock
from worker.service.routines import Routines
from worker.service.schedules import Schedules, Timetable
from worker.service.scope import Scope
from worker.service.system import System
from worker.service.tending import Tending
from worker.service.usage import UsageReports
from worker.tools.base import Toolbox


@dataclass(frozen=True, slots=True)
class Owners:
    """Gives everybody the same parts, and each their own view of them."""

    paths: Paths
    presence: Presence
    configuration: Configuration
    host: ModuleHost
    keeper: ModuleKeeper
    toolbox: Toolbox
    desk: ModelDesk
    answers: Answers
    running: RunningWork
    ends: UnkeptEnds
    maintenance: Maintenance
    timetable: Timetable
    tending: Tending
    reminding: Reminding
    routine_clock: RoutineClock
    engines: str
    """The owner whose events the engines of all processes listen to."""
    scope: Callable[[str], Scope]
    notices: Callable[[], tuple[Problem, ...]]
    ask: Callable[[str, str, str, str], Awaitable[str]]
    """Owner, run, prompt, system: asks the default model outside of a chat."""
    doctor_message: Callable[[], str]
    replace_database: Callable[[str], Coroutine[object, object, None]]
    go_on_here: Callable[[Scope, str], Awaitable[bool]]
    zone: Callable[[], str]
    monotonic: Callable[[], float]
    _known: dict[str, OwnerServices] = field(default_factory=dict)

    def of(self, owner: str) -> OwnerServices:
        """All use cases of one owner."""
        known = self._known.get(owner)
        if known is None:
            known = self._known[owner] = self._make(owner)
        return known

    def _background(self) -> Background:
        return self.tending.background

    def _make(self, owner: str) -> OwnerServices:
        scope = self.scope(owner)
        modules = Modules(scope, self.host, self._switch_module)
        models = Models(scope, self.desk)
        jobs = Jobs(
            scope,
            self._background,
            self.host,
            self.ends,
            self.answers,
            self.running,
            self._schedules(scope),
        )
        chats = Chats(scope, self.answers, self._attachments, jobs.estimate)
        doctor = Doctor(
            scope=scope,
            home=str(self.paths.home),
            background=self._background,
            beat_is_taken=lambda: self.presence.is_taken("beat"),
            modules=modules,
            keyring=models.keyring,
            test_default=models.test_default,
            ask=lambda text: self.ask(owner, "doctor", text, ""),
            maintain=self.maintenance.run,
            monotonic=self.monotonic,
            message=self.doctor_message,
        )
        return OwnerServices(
            chats=chats,
            jobs=jobs,
            models=models,
            modules=modules,
            tools=Tools(self.toolbox),
            usage=UsageReports(scope),
            data=Data(
                scope,
                Folders(
                    home=self.paths.home,
                    database=self.paths.database,
                    backups=self.paths.backups,
                    logs=self.paths.logs,
                    configuration=self.paths.config,
                ),
                self.replace_database,
                lambda: self._background().forget_all(),
                Chores(scope, self.ends),
            ),
            reminders=Reminders(
                scope=scope,
                reminding=self.reminding,
                zone=self.zone,
                policy=lambda: self.configuration.settings.reminders.missed,
                living=self.presence.living,
            ),
            system=System(
                scope=scope,
                version=__version__,
                home=str(self.paths.home),
                store=self.configuration,
                background=self._background,
                notices=self.notices,
                doctor_of=doctor,
                tending=self.tending,
                tell_schedules=jobs.periodic.tell_all,
            ),
            routines=Routines(
                scope,
                self.host,
                self.zone,
                partial(self.routine_clock.begin_by_hand, owner),
                self.routine_clock.changed,
            ),
            approvals=Approvals(scope, self.answers.carrier, self.go_on_here),
        )

    def _schedules(self, scope: Scope) -> Schedules:
        return Schedules(
            scope=scope,
            host=self.host,
            timetable=self.timetable,
            background=self._background,
            running=lambda: not self.tending.paused and self.presence.is_taken("beat"),
            engines=self.engines,
        )

    def _attachments(self) -> Attachments:
        chat = self.configuration.settings.chat
        return Attachments(int(chat.text_limit * 1_000_000), int(chat.image_limit * 1_000_000))

    async def _switch_module(self, name: str, on: bool) -> ModuleInfo:
        info = await self.keeper.switch(name, on)
        if not on:
            await self.maintenance.end_tasks_of(name)
        return info
