"""How a question is to be answered, and its way through a run's row.

Owns `Wish`. It must not know who is asked in the end.
"""

from dataclasses import dataclass
from typing import Self, cast

from worker.contract.types import JsonObject, QueryType


@dataclass(frozen=True, slots=True)
class Wish:
    """How a question is to be answered, besides what it says."""

    provider: str = ""
    model: str = ""
    query_type: QueryType = "general"
    fresh: bool = False
    """True where a model is to be asked, whatever answers are kept."""
    tools: tuple[str, ...] | None = None
    """Names or titles of the tools that may be used; None for all."""

    def arguments(self) -> JsonObject | None:
        """For the run's row, from which another process can go on; None where all is usual."""
        usual = Wish()
        names = ("provider", "model", "query_type", "fresh", "tools")
        given = {name: getattr(self, name) for name in names}
        wished = {n: v for n, v in given.items() if v != getattr(usual, n)}
        if self.tools is not None:
            wished["tools"] = list(self.tools)
        return wished or None

    @classmethod
    def of(cls, arguments: JsonObject | None) -> Self:
        """From a run's row."""
        found = arguments or {}
        tools = found.get("tools")
        return cls(
            provider=str(found.get("provider", "")),
            model=str(found.get("model", "")),
            query_type=cast(QueryType, found.get("query_type", "general")),
            fresh=bool(found.get("fresh", False)),
            tools=tuple(map(str, tools)) if isinstance(tools, list | tuple) else None,
        )
