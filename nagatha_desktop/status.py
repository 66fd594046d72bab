"""How the engine is, for all that shows it: the tray, the badge in the chat window.

Owns the picture that windows have of the engine: is it there, is something running, does it need
the person. Knows the bridge and the contract; no widget.
"""

from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.bridge import Bridge
from worker.contract.events import DataReplaced, EngineChanged, Event, RunChanged
from worker.contract.services import Client
from worker.contract.system import EngineStatus
from worker.contract.types import FINAL_STATES, Problem, Run, RunState

Mood: TypeAlias = Literal["starting", "idle", "busy", "needs_you", "error"]
_ACTIVE: tuple[RunState, ...] = ("PENDING", "STARTED", "PROGRESS", "RETRY")
_MANY = 1000


class EngineWatch(QObject):
    """The engine's state as it was told last."""

    changed = Signal()

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._runs: set[str] = set()
        self.engine: EngineStatus | None = None
        """None until the engine told."""
        self.failure: Problem | None = None
        """Why there is no engine, if it could not be started."""
        bridge.ready.connect(self._ready)
        bridge.failed.connect(self._failed)
        bridge.listen(self, self._take)

    @property
    def running(self) -> int:
        """Runs that are queued or at work."""
        return len(self._runs)

    @property
    def mood(self) -> Mood:
        """What the tray icon says."""
        if self.failure is not None:
            return "error"
        if self.engine is None:
            return "starting"
        if "failed" in (self.engine.worker, self.engine.beat):
            return "error"
        return "busy" if self._runs else "idle"

    @Slot()
    def _ready(self) -> None:
        self.failure = None

        async def read(client: Client) -> tuple[EngineStatus, tuple[Run, ...]]:
            return await client.system.status(), await client.jobs.list_runs(_ACTIVE, _MANY)

        self._bridge.call(read, owner=self, done=self._know)

    def _know(self, found: tuple[EngineStatus, tuple[Run, ...]]) -> None:
        self.engine = found[0]
        self._runs = {run.id for run in found[1]}
        self.changed.emit()

    @Slot(object)
    def _failed(self, problem: Problem) -> None:
        self.failure = problem
        self.changed.emit()

    def _take(self, event: Event) -> None:
        if isinstance(event, RunChanged):
            before = len(self._runs)
            if event.run.state in FINAL_STATES:
                self._runs.discard(event.run.id)
            else:
                self._runs.add(event.run.id)
            if before != len(self._runs):
                self.changed.emit()
        elif isinstance(event, EngineChanged):
            self.engine = event.status
            self.changed.emit()
        elif isinstance(event, DataReplaced):
            self._ready()
