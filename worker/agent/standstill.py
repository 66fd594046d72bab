"""Where an answer stands that waits for a person's word, so that another process can go on.

Owns its way to JSON and back. It must not know where it is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

from worker.agent.calls import Wanted
from worker.contract.types import JsonObject
from worker.providers.base import PromptMessage, ToolCall


@dataclass(frozen=True, slots=True)
class Standstill:
    """What was said and called before, and which calls are still to be made."""

    resume: str
    """See `Question.resume`: the part of the text from before these turns."""
    turns: tuple[PromptMessage, ...]
    """What came after the question; the last one is the model's, with the calls."""
    results: Mapping[str, str]
    """Of those calls that were made, by their ids: what the model is told."""
    length: int
    """Characters of the answer's text that stand before the calls."""

    @property
    def rounds(self) -> int:
        """How often the model called tools."""
        return sum(bool(turn.calls) for turn in self.turns)

    @property
    def ids(self) -> set[str]:
        """Of all calls so far."""
        return {call.id for turn in self.turns for call in turn.calls}

    def json(self) -> JsonObject:
        """For the storage."""
        return {
            "resume": self.resume,
            "length": self.length,
            "results": dict(self.results),
            "turns": [
                {
                    "role": turn.role,
                    "text": turn.text,
                    "call": turn.call_id,
                    "calls": [[call.id, call.name, call.arguments] for call in turn.calls],
                }
                for turn in self.turns
            ],
        }

    @classmethod
    def of(cls, stored: JsonObject) -> Self:
        """From the storage."""
        found = cast(Mapping[str, Any], stored)
        return cls(
            resume=found["resume"],
            length=found["length"],
            results=dict(found["results"]),
            turns=tuple(
                PromptMessage(
                    role=turn["role"],
                    text=turn["text"],
                    call_id=turn["call"],
                    calls=tuple(ToolCall(*call) for call in turn["calls"]),
                )
                for turn in found["turns"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Parked:
    """An answer that goes on when a person has said whether the calls may be made."""

    standstill: Standstill
    wanted: tuple[Wanted, ...]
