"""All use cases of one owner, together, and as the `Client` that windows and HTTP talk to.

Owns the bundle.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from worker.contract.events import Event
from worker.contract.services import Client
from worker.events.bus import EventBus
from worker.service.approvals import Approvals
from worker.service.chats import Chats
from worker.service.data import Data
from worker.service.jobs import Jobs
from worker.service.models import Models
from worker.service.modules import Modules, Tools
from worker.service.reminders import Reminders
from worker.service.routines import Routines
from worker.service.system import System
from worker.service.usage import UsageReports


@dataclass(frozen=True, slots=True)
class OwnerServices:
    """One object for each feature of `worker.contract.services.FEATURES`."""

    chats: Chats
    jobs: Jobs
    models: Models
    modules: Modules
    tools: Tools
    usage: UsageReports
    data: Data
    system: System
    reminders: Reminders
    routines: Routines
    approvals: Approvals


class OwnerClient(Client):
    """Hands out the services of one owner, in the process where they are."""

    def __init__(self, services: OwnerServices, bus: EventBus, owner: str) -> None:
        self._bus = bus
        self._owner = owner
        self.chats = services.chats
        self.jobs = services.jobs
        self.models = services.models
        self.modules = services.modules
        self.tools = services.tools
        self.usage = services.usage
        self.data = services.data
        self.system = services.system
        self.reminders = services.reminders
        self.routines = services.routines
        self.approvals = services.approvals

    def events(self, after: int | None = None) -> AsyncIterator[Event]:
        """See `Client.events`."""
        return self._bus.subscribe(self._owner, after)

    async def aclose(self) -> None:
        """See `Client.aclose`: there is no connection to let go of."""
