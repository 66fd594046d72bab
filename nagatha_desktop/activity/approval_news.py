"""Says on the desktop that a tool waits for a person's word.

Owns which approvals were said, one by one or together, and that what is said of them stays true:
those that are answered elsewhere are taken back, and one that was before a person's eyes is said
once they leave it without an answer. How it is said, and what is in front, is decided by whoever
hands that in.
"""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.announcer import Announcer, Choice
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
from nagatha_desktop.widgets.text import one_line
from worker.contract.routines import Approval, Verdict
from worker.contract.types import Problem

APART = 3
"""So many that are to be said at a time are said one by one; more are said together."""
RECOUNT = 300
"""Milliseconds within which answers to those that were said together are gathered."""
_LINE = 160
_TOGETHER = "approvals"
_KEPT = 500


def approval_name(approval: str) -> str:
    """The notification's id for an approval (id)."""
    return f"approval:{approval}"


class ApprovalNews(QObject):
    """See the module."""

    chat_wanted = Signal(str)
    """Show this chat (id)."""
    activity_wanted = Signal()

    def __init__(
        self,
        bridge: Bridge,
        announcer: Announcer,
        wanted: Callable[[str], bool],
        watched: Callable[[Approval], bool],
        calm: Calm,
        parent: QObject | None = None,
    ) -> None:
        """`wanted` tells whether "approvals" and the "sound" are switched on, `watched` whether a
        person looks at where an approval stands."""
        super().__init__(parent)
        self._bridge = bridge
        self._announcer = announcer
        self._wanted = wanted
        self._watched = watched
        self._calm = calm
        self._open: dict[str, Approval] = {}
        """Those that wait (by id)."""
        self._told: dict[str, None] = {}
        self._ended: dict[str, None] = {}
        """Those that got their answer: what was read before that is older."""
        self._together: set[str] = set()
        """Those (ids) in the notification of several that still wait."""
        self._recount = QTimer(self)
        self._recount.setSingleShot(True)
        self._recount.setInterval(RECOUNT)
        self._recount.timeout.connect(self._count_again)

    def stop(self) -> None:
        """Say nothing more."""
        self._recount.stop()

    def look(self) -> None:
        """Say what waits and was not said, and take back what waits no more."""
        # What is asked from now on may be missing in what is read.
        before = frozenset(self._open)
        self._bridge.call(
            lambda client: client.approvals.waiting(),
            owner=self,
            done=lambda waiting: self._know(waiting, before),
            failed=_nothing,
        )

    def replaced(self) -> None:
        """Everything may be different: look again."""
        self._ended.clear()
        self.look()

    def take(self, approval: Approval) -> None:
        """One waits, or got its answer."""
        if approval.verdict is not None or approval.expired:
            _put(self._ended, approval.id)
            self._settle(approval.id)
            return
        self._open[approval.id] = approval
        self._tell((approval,))

    @Slot()
    def look_around(self) -> None:
        """Something else is in front now: say what is before a person's eyes no longer."""
        self._tell(self._open.values())

    def _know(self, waiting: tuple[Approval, ...], before: frozenset[str]) -> None:
        there = {one.id: one for one in waiting if one.id not in self._ended}
        for gone in before.difference(there).intersection(self._open):
            self._settle(gone)
        self._open.update(there)
        self._tell(self._open.values())

    def _settle(self, approval: str) -> None:
        self._open.pop(approval, None)
        self._announcer.withdraw(approval_name(approval))
        if approval in self._together:
            self._together.discard(approval)
            self._recount.start()

    # -- saying it --------------------------------------------------------------------------------

    def _tell(self, approvals: Iterable[Approval]) -> None:
        new = [one for one in approvals if one.id not in self._told and not self._watched(one)]
        if not new or (self._wanted("approvals") and self._calm.keeps()):
            return
        for approval in new:
            _put(self._told, approval.id)
        if not self._wanted("approvals"):
            return
        if len(new) > APART:
            self._say_together(new)
        else:
            for approval in new:
                self._say(approval)

    def _say(self, approval: Approval) -> None:
        self._announcer.say(
            approval_name(approval.id),
            self.tr("Approval needed: {tool}").format(tool=one_line(approval.tool, _LINE)),
            one_line(approval.why, _LINE),
            choices=(
                Choice(self.tr("Allow once"), lambda: self._answer(approval, "once")),
                Choice(self.tr("Deny"), lambda: self._answer(approval, "deny")),
            ),
            opens=lambda: self._show(approval),
            sound=self._wanted("sound"),
        )

    def _say_together(self, new: Iterable[Approval]) -> None:
        if _TOGETHER not in self._announcer.said:  # a person closed it
            self._together.clear()
        self._together.update(approval.id for approval in new)
        self._say_number(sound=self._wanted("sound"))

    def _say_number(self, *, sound: bool) -> None:
        number = len(self._together)
        self._announcer.say(
            _TOGETHER,
            self.tr("A call of a tool waits for your approval")
            if number == 1
            else self.tr("{number} calls of tools wait for your approval").format(number=number),
            self.tr("Nothing is allowed by itself."),
            opens=self.activity_wanted.emit,
            sound=sound,
        )

    @Slot()
    def _count_again(self) -> None:
        if not self._together:
            self._announcer.withdraw(_TOGETHER)
        elif _TOGETHER in self._announcer.said:
            self._say_number(sound=False)

    # -- what is answered -------------------------------------------------------------------------

    def _answer(self, approval: Approval, verdict: Verdict) -> None:
        def failed(problem: Problem) -> None:
            self._announcer.say(
                approval_name(approval.id),
                one_line(problem.title, _LINE),
                one_line(approval.tool, _LINE),
                opens=lambda: self._show(approval),
            )

        self._bridge.call(
            lambda client: client.approvals.answer(approval.id, verdict), owner=self, failed=failed
        )

    def _show(self, approval: Approval) -> None:
        if approval.chat:
            self.chat_wanted.emit(approval.chat)
        else:
            self.activity_wanted.emit()


def _put(names: dict[str, None], name: str) -> None:
    """Remember `name`; the oldest are forgotten."""
    names[name] = None
    while len(names) > _KEPT:
        del names[next(iter(names))]


def _nothing(_: Problem) -> None:
    """Whoever asks for it is told elsewhere."""
