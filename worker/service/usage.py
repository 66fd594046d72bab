"""The use cases about what calls to models used.

Owns sums over stored records; nothing is estimated here.
"""

from dataclasses import dataclass
from datetime import datetime

from worker.contract.errors import InvalidInput
from worker.contract.types import UsageSummary
from worker.service.scope import Scope


@dataclass(frozen=True, slots=True)
class UsageReports:
    """`UsageService` for one owner."""

    scope: Scope

    async def summary(self, since: datetime, until: datetime) -> UsageSummary:
        """See `UsageService.summary`."""
        if since.tzinfo is None or until.tzinfo is None:
            raise InvalidInput("A time without a zone cannot be compared")
        return await self.scope.storage.usage_summary(self.scope.owner, since, until)
