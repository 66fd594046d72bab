"""How the engine is, for all that shows it: the tray, the badge in the chat window.

Owns the picture that windows have of the engine: is it there, is something running, what is due,
does it need the person. Knows the bridge and the contract; no widget.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.approvals import ApprovalWatch
from nagatha_desktop.bridge import Bridge, Call
from worker.contract.events import (
    DataReplaced,
    EngineChanged,
    Event,
    FiringChanged,
    QuietChanged,
    ReminderChanged,
    RunChanged,
)
from worker.contract.reminders import Quiet, ReminderCounts
from worker.contract.services import Client
from worker.contract.system import EngineStatus
from worker.contract.types import Problem, Run, RunState

Mood: TypeAlias = Literal["starting", "idle", "busy", "needs_you", "error"]
_AT_WORK: tuple[RunState, ...] = ("STARTED", "PROGRESS")
_MANY = 1000
COUNT_AFTER = 200
"""Milliseconds that changes of reminders are gathered for before they are counted again."""
_LOOK = 60_000
"""Milliseconds between two looks at whether it is another day: the machine may have been carried
elsewhere, or its clock set."""


class ReminderWatch(QObject):
    """How many reminders are due, and whether nobody is to disturb, as it was told last."""

    changed = Signal()
    problem = Signal(object)
    """"Do not disturb" could not be changed (Problem)."""

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._reading: Call | None = None
        self.counts: ReminderCounts | None = None
        """None until the engine told."""
        self.quiet: Quiet | None = None
        """None until the engine told."""
        self._kept: Quiet | None = None
        """As `quiet`, but what was known last is not forgotten where it cannot be read again."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(COUNT_AFTER)
        self._soon.timeout.connect(self.read)
        # What is "today" changes at midnight, and a machine that slept has missed its midnight.
        self._day = QTimer(self)
        self._day.setSingleShot(True)
        self._day.timeout.connect(self.read)
        bridge.ready.connect(self.read)
        bridge.listen(self, self._take)

    @Slot()
    def read(self) -> None:
        """Ask the engine again."""
        self._soon.stop()
        if self._reading is not None:
            self._reading.cancel()

        async def ask(client: Client) -> tuple[ReminderCounts, Quiet]:
            return await client.reminders.counts(), await client.reminders.quiet()

        self._reading = self._bridge.call(ask, owner=self, done=self._know, failed=self._not_known)

    def _know(self, found: tuple[ReminderCounts, Quiet]) -> None:
        self._reading = None
        self.counts, self.quiet = found
        self._kept = self.quiet
        self._look_again()
        self.changed.emit()

    def _not_known(self, problem: Problem) -> None:
        self._reading = None
        self.counts = self.quiet = None
        self._look_again()
        self.changed.emit()

    def _look_again(self) -> None:
        now = datetime.now().astimezone()
        day = (now + timedelta(days=1)).replace(hour=0, minute=0, second=1, microsecond=0)
        left = round((day - now).total_seconds() * 1000)
        ends = self.quiet.until if self.quiet is not None else None
        if ends is not None:
            left = min(left, round((ends - now).total_seconds() * 1000) + 1_000)
        self._day.start(max(1_000, min(_LOOK, left)))

    def keeps_back(self, now: datetime) -> bool:
        """Whether notifications are kept back at `now`, an aware time. While that is asked for the
        first time they are, too; where nobody could tell, they are not."""
        if self._kept is None:
            return self._reading is not None
        return self._kept.until is not None and now < self._kept.until

    def do_not_disturb(
        self, until: datetime | None, failed: Callable[[Problem], None] | None = None
    ) -> None:
        """Keep notifications back until then; None ends it. `failed` is told why not."""
        self._bridge.call(
            lambda client: client.reminders.do_not_disturb(until),
            owner=self,
            done=self._know_quiet,
            failed=failed or self.problem.emit,
        )

    def _know_quiet(self, quiet: Quiet) -> None:
        self.quiet = self._kept = quiet
        self._look_again()
        self.changed.emit()

    def _take(self, event: Event) -> None:
        if isinstance(event, QuietChanged):
            self._know_quiet(event.quiet)
        elif isinstance(event, ReminderChanged | FiringChanged | DataReplaced):
            self._soon.start()


class EngineWatch(QObject):
    """The engine's state as it was told last."""

    changed = Signal()
    looked_at_failures = Signal()
    """The person looks at what failed."""

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
        self.reminders = ReminderWatch(bridge, self)
        self.reminders.changed.connect(self.changed)
        bridge.ready.connect(self._ready)
        bridge.failed.connect(self._failed)
        bridge.listen(self, self._take)

    @property
    def running(self) -> int:
        """Runs that are at work. The engine's own upkeep is none: the tray would look busy each
        minute, and who quits would be asked about it."""
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
        self.looked_at_failures.emit()
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
        counts = self.reminders.counts
        if self.approvals.waiting or (counts is not None and counts.missed):
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
        self._runs = {run.id for run in found[1] if run.kind != "maintenance"}
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
        if run.kind == "maintenance":
            return
        before = len(self._runs)
        if run.state in _AT_WORK:
            self._runs.add(run.id)
        else:
            self._runs.discard(run.id)
        if before != len(self._runs):
            self.changed.emit()
