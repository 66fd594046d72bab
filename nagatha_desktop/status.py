"""How the engine is, for all that shows it: the tray, the badge in the chat window.

Owns the picture that windows have of the engine: is it there, is something running, does it need
the person. Knows the bridge and the contract; no widget.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.approvals import ApprovalWatch
from nagatha_desktop.bridge import Bridge
from worker.contract.events import DataReplaced, EngineChanged, Event, RunChanged
from worker.contract.services import Client
from worker.contract.system import EngineStatus
from worker.contract.types import Problem, Run, RunState

Mood: TypeAlias = Literal["starting", "idle", "busy", "needs_you", "error"]
_AT_WORK: tuple[RunState, ...] = ("STARTED", "PROGRESS")
_MANY = 1000


class EngineWatch(QObject):
    """The engine's state as it was told last."""

    changed = Signal()

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._runs: set[str] = set()
        self._failures: set[str] = set()
        self.approvals = ApprovalWatch(bridge, self)
        """What waits for the person's word."""
        self.approvals.changed.connect(self.changed)
        self.engine: EngineStatus | None = None
        """None until the engine told."""
        self.failure: Problem | None = None
        """Why there is no engine, if it could not be started."""
        bridge.ready.connect(self._ready)
        bridge.failed.connect(self._failed)
        bridge.listen(self, self._take)

    @property
    def running(self) -> int:
        """Runs that are at work."""
        return len(self._runs)

    @property
    def failures(self) -> int:
        """Runs that failed unseen since the person looked at failed ones last."""
        return len(self._failures)

    @property
    def paused(self) -> bool:
        """Whether a person has paused background work."""
        return self.engine is not None and self.engine.paused

    def failed_unseen(self, run: str) -> None:
        """A run (id) failed, and nobody saw it."""
        if run not in self._failures:
            self._failures.add(run)
            self.changed.emit()

    def failures_seen(self) -> None:
        """The person looks at what failed: it is no news any more."""
        if self._failures:
            self._failures.clear()
            self.changed.emit()

    def pause(self, paused: bool, failed: Callable[[Problem], None] | None = None) -> None:
        """Let background work wait, or go on; `failed` is told why it could not be done."""
        self._bridge.call(
            lambda client: client.system.pause(paused),
            owner=self,
            done=self._know_engine,
            failed=failed,
        )

    @property
    def mood(self) -> Mood:
        """What the tray icon says."""
        if self.failure is not None:
            return "error"
        if self.engine is None:
            return "starting"
        if "failed" in (self.engine.worker, self.engine.beat):
            return "error"
        if self.approvals.waiting:
            return "needs_you"
        return "busy" if self._runs else "idle"

    @Slot()
    def _ready(self) -> None:
        self.failure = None

        async def read(client: Client) -> tuple[EngineStatus, tuple[Run, ...]]:
            return await client.system.status(), await client.jobs.list_runs(_AT_WORK, _MANY)

        self._bridge.call(read, owner=self, done=self._know)

    def _know(self, found: tuple[EngineStatus, tuple[Run, ...]]) -> None:
        self.engine = found[0]
        self._runs = {run.id for run in found[1]}
        self.changed.emit()

    def _know_engine(self, status: EngineStatus) -> None:
        self.engine = status
        self.changed.emit()

    @Slot(object)
    def _failed(self, problem: Problem) -> None:
        self.failure = problem
        self.changed.emit()

    def _take(self, event: Event) -> None:
        if isinstance(event, RunChanged):
            self._take_run(event.run)
        elif isinstance(event, EngineChanged):
            self._know_engine(event.status)
        elif isinstance(event, DataReplaced):
            self._failures.clear()
            self._ready()

    def _take_run(self, run: Run) -> None:
        before = len(self._runs)
        if run.state in _AT_WORK:
            self._runs.add(run.id)
        else:
            self._runs.discard(run.id)
        if before != len(self._runs):
            self.changed.emit()
