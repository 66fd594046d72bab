"""What waits for a person's word, for all that shows it: the chat, the tray, the activity window.

Owns the picture that windows have of approvals: those that wait, and those that were answered
since the program began. Knows the bridge and the contract; no widget.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.bridge import Bridge
from worker.contract.events import ApprovalChanged, DataReplaced, Event
from worker.contract.routines import Approval, Verdict
from worker.contract.types import Problem

KEPT = 200
"""Answered approvals that are remembered, so that their cards can say what was decided."""
_FIRST = datetime.min.replace(tzinfo=UTC)


def is_open(approval: Approval) -> bool:
    """Whether it can still be answered."""
    return approval.verdict is None and approval.answered is None and not approval.expired


class ApprovalWatch(QObject):
    """Approvals as they were told last."""

    changed = Signal()
    """Others wait than before."""
    told = Signal(object)
    """One is there, was answered, or expired (Approval)."""

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._known: dict[str, Approval] = {}
        bridge.ready.connect(self.load)
        bridge.listen(self, self._take)

    @property
    def waiting(self) -> tuple[Approval, ...]:
        """Those that wait, oldest first."""
        found = [approval for approval in self._known.values() if is_open(approval)]
        return tuple(sorted(found, key=lambda approval: approval.asked))

    def of_message(self, message: str) -> tuple[Approval, ...]:
        """All that is known for an answer (its id), in the order in which it was asked."""
        found = [approval for approval in self._known.values() if approval.message == message]
        return tuple(sorted(found, key=lambda approval: approval.asked))

    @Slot()
    def load(self) -> None:
        """Read again what waits."""
        self._bridge.call(lambda client: client.approvals.waiting(), owner=self, done=self._know)

    def answer(
        self,
        approval: str,
        verdict: Verdict,
        instead: str = "",
        failed: Callable[[Problem], None] | None = None,
    ) -> None:
        """Say yes or no to an approval (its id).

        `failed` is told why that could not be done. Whether it was answered elsewhere or is gone
        is looked up then, and told as any change is.
        """

        def refused(problem: Problem) -> None:
            if problem.kind in ("conflict", "not_found"):
                self._look_up(approval)
            if failed is not None:
                failed(problem)

        self._bridge.call(
            lambda client: client.approvals.answer(approval, verdict, instead),
            owner=self,
            done=self._put,
            failed=refused,
        )

    def _know(self, found: tuple[Approval, ...]) -> None:
        names = {approval.id for approval in found}
        gone = [approval.id for approval in self.waiting if approval.id not in names]
        for approval in found:
            known = self._known.get(approval.id)
            # What was told of it meanwhile is newer.
            if known is None or is_open(known):
                self._put(approval)
        for name in gone:
            self._look_up(name)

    def _look_up(self, approval: str) -> None:
        def failed(problem: Problem) -> None:
            known = self._known.get(approval)
            if problem.kind == "not_found" and known is not None:
                self._put(replace(known, expired=True))

        self._bridge.call(
            lambda client: client.approvals.get(approval),
            owner=self,
            done=self._put,
            failed=failed,
        )

    def _put(self, approval: Approval) -> None:
        known = self._known.get(approval.id)
        if known == approval:
            return
        self._known[approval.id] = approval
        self._forget()
        self.told.emit(approval)
        if is_open(approval) or (known is not None and is_open(known)):
            self.changed.emit()

    def _forget(self) -> None:
        answered = [approval for approval in self._known.values() if not is_open(approval)]
        answered.sort(key=lambda approval: approval.answered or _FIRST)
        for approval in answered[: max(0, len(answered) - KEPT)]:
            del self._known[approval.id]

    def _take(self, event: Event) -> None:
        if isinstance(event, ApprovalChanged):
            self._put(event.approval)
        elif isinstance(event, DataReplaced):
            self._known.clear()
            self.changed.emit()
            self.load()
