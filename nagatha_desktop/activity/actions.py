"""What can be done to a run, and doing it.

Owns which actions a run allows, asking the engine for them, and which runs a person has just
ended. Asks through the bridge only; knows no widget.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Signal

from nagatha_desktop.bridge import Bridge
from worker.contract.services import Client
from worker.contract.types import FINAL_STATES, Problem, Run

Deed: TypeAlias = Literal["cancel", "retry", "run_now"]

_QUEUED = ("task", "maintenance")
"""Kinds that are begun from the queue; an answer is asked for again in its chat."""


def allowed(run: Run) -> tuple[Deed, ...]:
    """What can be done to a run as it is."""
    deeds: list[Deed] = []
    # A step of a chain is begun by the one before it, and by nobody else.
    if run.state in ("PENDING", "RETRY") and run.lane == "queued" and run.follows is None:
        deeds.append("run_now")
    if run.state in FINAL_STATES and run.kind in _QUEUED:
        deeds.append("retry")
    if run.state not in FINAL_STATES and run.kind in ("answer", *_QUEUED):
        deeds.append("cancel")
    return tuple(deeds)


class RunActions(QObject):
    """See the module."""

    done = Signal(str, object)
    """A deed was done; the run (Run) as it is now, which for "retry" is a new one."""
    failed = Signal(object)
    """It could not be done (Problem)."""
    cancelled = Signal(str)
    """A person asked this run (its id) to end; that it fails now is no news."""

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._under_way: set[tuple[Deed, str]] = set()

    def do(self, deed: Deed, run: Run) -> None:
        """Do it once, however often it is asked for until it is done."""
        if (deed, run.id) in self._under_way:
            return
        uses: dict[Deed, Callable[[Client], Awaitable[Run]]] = {
            "cancel": lambda client: client.jobs.cancel(run.id),
            "retry": lambda client: client.jobs.retry(run.id),
            "run_now": lambda client: client.jobs.run_now(run.id),
        }
        self._under_way.add((deed, run.id))
        if deed == "cancel":
            self.cancelled.emit(run.id)

        def done(now: Run) -> None:
            self._under_way.discard((deed, run.id))
            self.done.emit(deed, now)

        def failed(problem: Problem) -> None:
            self._under_way.discard((deed, run.id))
            self.failed.emit(problem)

        self._bridge.call(uses[deed], owner=self, done=done, failed=failed)
