"""The use cases about the engine itself: how it is, its settings, its broker, the doctor.

Owns what they are made of; the parts are handed in.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from worker.config.layers import nearest_key
from worker.contract.errors import InvalidInput, NotFound
from worker.contract.events import EngineChanged, SettingsChanged
from worker.contract.system import Check, EngineStatus, Setting, SettingValue
from worker.contract.types import Problem, RunState
from worker.service.configuration import Configuration
from worker.service.dispatch import Background
from worker.service.doctor import Doctor
from worker.service.scope import Scope
from worker.service.tending import Tending
from worker.storage.base import RunCounts

FAILED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class System:
    """`SystemService` for one owner."""

    scope: Scope
    version: str
    home: str
    store: Configuration
    background: Callable[[], Background]
    notices: Callable[[], Sequence[Problem]]
    doctor_of: Doctor
    tending: Tending
    tell_schedules: Callable[[], Awaitable[None]]
    """Publishes how every schedule is: none is due while all is paused."""

    async def status(self) -> EngineStatus:
        """See `SystemService.status`."""
        storage, owner = self.scope.storage, self.scope.owner
        counts = await storage.count_runs(owner, self.scope.now() - FAILED_WITHIN)
        state = self.background().state
        return EngineStatus(
            version=self.version,
            data_folder=self.home,
            broker=state.broker,
            worker=state.worker,
            beat=state.beat,
            running=_sum(counts, "STARTED", "PROGRESS"),
            waiting=_sum(counts, "PENDING", "RETRY"),
            failed=counts.failed,
            notices=tuple(self.notices()),
            paused=self.tending.paused,
            dead=await self.background().dead_count(owner),
            process=self.scope.process,
        )

    async def doctor(self, checks: tuple[str, ...] = ()) -> tuple[Check, ...]:
        """See `SystemService.doctor`."""
        return await self.doctor_of.examine(checks)

    async def settings(self) -> tuple[Setting, ...]:
        """See `SystemService.settings`."""
        return self.store.describe()

    async def set_setting(self, key: str, value: SettingValue) -> Setting:
        """See `SystemService.set_setting`."""
        known = {setting.key: setting for setting in self.store.describe()}
        if key not in known:
            raise NotFound(f"There is no setting “{key}”", "", nearest_key(key))
        if known[key].source in ("environment", "project"):
            raise InvalidInput(
                f"“{known[key].title}” is set by the "
                + ("environment" if known[key].source == "environment" else "nagatha.yaml here"),
                "That comes before the settings of the program.",
                "Change it there.",
            )
        await self.store.save(key, value)
        await self.scope.tell(SettingsChanged(keys=(key,)))
        return next(setting for setting in self.store.describe() if setting.key == key)

    async def pause(self, paused: bool) -> EngineStatus:
        """See `SystemService.pause`."""
        await self.tending.pause(paused)  # which tells it
        await self.tell_schedules()
        return await self.status()

    async def woke(self) -> None:
        """See `SystemService.woke`."""
        await self.tending.woke()

    async def set_broker(self, url: str) -> EngineStatus:
        """See `SystemService.set_broker`."""
        await self.background().change_broker(url)
        await self.store.save("celery.broker_url", url or None)
        await self.scope.tell(SettingsChanged(keys=("celery.broker_url",)))
        status = await self.status()
        await self.scope.tell(EngineChanged(status=status))
        return status


def _sum(counts: RunCounts, *states: RunState) -> int:
    return sum(counts.states.get(state, 0) for state in states)
