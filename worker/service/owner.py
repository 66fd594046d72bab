"""All use cases of one owner, together.

Owns the bundle that a client hands out.
"""

from dataclasses import dataclass

from worker.service.chats import Chats
from worker.service.data import Data
from worker.service.jobs import Jobs
from worker.service.models import Models
from worker.service.modules import Modules, Tools
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
