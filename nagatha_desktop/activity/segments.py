"""The parts that background work is shown in, by its state.

Owns which states belong to which part, and whether a run fits what a person filters by. Knows no
widget and asks nobody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from worker.contract.types import Run, RunKind, RunState

Segment: TypeAlias = Literal["now", "waiting", "failed", "done"]

SEGMENTS: tuple[Segment, ...] = ("now", "waiting", "failed", "done")
STATES: Mapping[Segment, tuple[RunState, ...]] = {
    "now": ("STARTED", "PROGRESS"),
    "waiting": ("PENDING", "RETRY"),
    "failed": ("FAILURE", "INTERRUPTED"),
    "done": ("SUCCESS", "REVOKED"),
}
_SEGMENT_OF: Mapping[RunState, Segment] = {
    state: segment for segment, states in STATES.items() for state in states
}


def segment_of(run: Run) -> Segment:
    """The part that a run is shown in."""
    return _SEGMENT_OF[run.state]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person wants to see."""

    query: str = ""
    """Words that a run must hold, each of them; "" for any."""
    kinds: tuple[RunKind, ...] = ()
    """Kinds of runs; none for all."""

    @property
    def on(self) -> bool:
        """Whether anything is left out."""
        return bool(self.query.strip() or self.kinds)

    def fits(self, run: Run, chat_title: str) -> bool:
        """Whether a run that was just told of belongs to what is shown.

        Says the same as the engine's own search: each word in the name, the arguments, the error
        or the title of the chat.
        """
        if self.kinds and run.kind not in self.kinds:
            return False
        words = self.query.casefold().split()
        if not words:
            return True
        parts = [run.name, chat_title, str(run.error) if run.error is not None else ""]
        if run.arguments:
            parts.append(json.dumps(dict(run.arguments), ensure_ascii=False, default=str))
        held = "\n".join(parts).casefold()
        return all(word in held for word in words)
