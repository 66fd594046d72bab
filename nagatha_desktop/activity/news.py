"""Says on the desktop what ended or waits while nobody looked: answers, approvals, routines.

Owns which of it is news. That a job failed is said by `alerts`; how it is said, and what is in
front, is decided by whoever hands that in.
"""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.announcer import Announcer, Choice
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.widgets.text import one_line
from worker.contract.events import (
    ApprovalChanged,
    ChatChanged,
    DataReplaced,
    Event,
    MessageChanged,
    OccurrenceChanged,
    RoutineChanged,
    RunChanged,
)
from worker.contract.routines import Approval, Occurrence, Routine, Verdict
from worker.contract.types import Problem, Run

GATHER = 300
"""Milliseconds within which questions about missed times are said together."""
APART = 3
"""So many approvals that wait at the start are said one by one; more are said together."""
_LINE = 160
_ASKING = "routines:asking"
_WAITING = "approvals"
_KEPT = 500


def approval_name(approval: str) -> str:
    """The notification's id for an approval (id)."""
    return f"approval:{approval}"


class WorkNews(QObject):
    """See the module."""

    chat_wanted = Signal(str)
    """Show this chat (id)."""
    activity_wanted = Signal()
    failure_said = Signal(str)
    """That this run (id) failed is said here, as the end of its routine."""

    def __init__(
        self,
        bridge: Bridge,
        announcer: Announcer,
        wanted: Callable[[str], bool],
        watched: Callable[[str], bool],
        run_watched: Callable[[Run], bool],
        clock: Callable[[], datetime],
        parent: QObject | None = None,
    ) -> None:
        """`wanted` tells whether a kind of news is switched on ("answers", "approvals",
        "routines", "sound"), `watched` whether a person looks at a chat, `run_watched` whether
        they see what becomes of a run."""
        super().__init__(parent)
        self._bridge = bridge
        self._announcer = announcer
        self._wanted = wanted
        self._watched = watched
        self._run_watched = run_watched
        self._begun = clock()
        self._titles: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        """The answers (by run) that ended last."""
        self._told: dict[str, None] = {}
        self._pauses: set[str] = set()
        self._asked: tuple[str, ...] = ()
        """Occurrences (ids) that a notification asks about."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(GATHER)
        self._soon.timeout.connect(self._look_at_asking)
        bridge.ready.connect(self.look)
        bridge.listen(self, self._hear)

    def stop(self) -> None:
        """Say nothing more."""
        self._soon.stop()

    @Slot()
    def look(self) -> None:
        """Say what waits for the person: at the start, and when data was replaced."""
        self._bridge.call(
            lambda client: client.approvals.waiting(),
            owner=self,
            done=self._know_waiting,
            failed=_nothing,
        )
        self._look_at_asking()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ChatChanged):
            self._titles[event.chat.id] = event.chat.title
        elif isinstance(event, MessageChanged):
            message = event.message
            if message.role == "assistant" and message.run and message.state == "complete":
                self._texts[message.run] = message.text[: _LINE * 4]
                while len(self._texts) > _KEPT:
                    del self._texts[next(iter(self._texts))]
        elif isinstance(event, RunChanged):
            self._answer_ended(event.run)
        elif isinstance(event, ApprovalChanged):
            self._approval(event.approval)
        elif isinstance(event, OccurrenceChanged):
            self._occurrence(event.occurrence)
        elif isinstance(event, RoutineChanged):
            self._routine(event.routine)
        elif isinstance(event, DataReplaced):
            self.look()

    def _is_new(self, name: str) -> bool:
        """True once for each name."""
        if name in self._told:
            return False
        self._told[name] = None
        while len(self._told) > _KEPT:
            del self._told[next(iter(self._told))]
        return True

    # -- answers ----------------------------------------------------------------------------------

    def _answer_ended(self, run: Run) -> None:
        if run.kind != "answer" or run.state != "SUCCESS" or not run.chat:
            return
        if run.source not in ("chat", "quick") or run.ended is None or run.ended < self._begun:
            return
        text = self._texts.pop(run.id, "")
        if not self._wanted("answers") or self._run_watched(run) or not self._is_new(run.id):
            return
        chat = run.chat
        title = one_line(self._titles.get(chat, ""), _LINE)
        self._announcer.say(
            f"answer:{chat}",
            self.tr("Answered: {title}").format(title=title) if title else self.tr("Answered"),
            one_line(text, _LINE),
            opens=lambda: self.chat_wanted.emit(chat),
        )

    # -- approvals --------------------------------------------------------------------------------

    def _know_waiting(self, waiting: tuple[Approval, ...]) -> None:
        new = [approval for approval in waiting if approval_name(approval.id) not in self._told]
        if len(new) <= APART:
            for approval in new:
                self._approval(approval)
            return
        for approval in new:
            self._is_new(approval_name(approval.id))
        if self._wanted("approvals"):
            self._announcer.say(
                _WAITING,
                self.tr("{number} calls of tools wait for your approval").format(number=len(new)),
                self.tr("Nothing is allowed by itself."),
                opens=self.activity_wanted.emit,
                sound=self._wanted("sound"),
            )

    def _approval(self, approval: Approval) -> None:
        name = approval_name(approval.id)
        if approval.verdict is not None or approval.expired:
            self._announcer.withdraw(name)
            return
        if not self._wanted("approvals") or (approval.chat and self._watched(approval.chat)):
            return
        if not self._is_new(name):
            return
        self._announcer.say(
            name,
            self.tr("Approval needed: {tool}").format(tool=one_line(approval.tool, _LINE)),
            one_line(approval.why, _LINE),
            choices=(
                Choice(self.tr("Allow once"), lambda: self._answer(approval, "once")),
                Choice(self.tr("Deny"), lambda: self._answer(approval, "deny")),
            ),
            opens=lambda: self._open(approval.chat),
            sound=self._wanted("sound"),
        )

    def _answer(self, approval: Approval, verdict: Verdict) -> None:
        def failed(problem: Problem) -> None:
            self._announcer.say(
                approval_name(approval.id),
                one_line(problem.title, _LINE),
                one_line(approval.tool, _LINE),
                opens=lambda: self._open(approval.chat),
            )

        self._bridge.call(
            lambda client: client.approvals.answer(approval.id, verdict), owner=self, failed=failed
        )

    def _open(self, chat: str | None) -> None:
        if chat:
            self.chat_wanted.emit(chat)
        else:
            self.activity_wanted.emit()

    # -- routines ---------------------------------------------------------------------------------

    def _occurrence(self, occurrence: Occurrence) -> None:
        if occurrence.state == "asking" or occurrence.id in self._asked:
            self._soon.start()
        if occurrence.state == "asking":
            return
        ended = occurrence.state in ("done", "failed")
        if not ended or occurrence.ended is None or occurrence.ended < self._begun:
            return
        if not self._is_new(f"occurrence:{occurrence.id}:{occurrence.state}"):
            return
        if occurrence.state == "failed" and occurrence.run:
            self.failure_said.emit(occurrence.run)
        if not self._wanted("routines") or (occurrence.chat and self._watched(occurrence.chat)):
            return
        self._bridge.call(
            lambda client: client.routines.get(occurrence.routine),
            owner=self,
            done=lambda routine: self._say_end(routine, occurrence),
            failed=_nothing,
        )

    def _say_end(self, routine: Routine, occurrence: Occurrence) -> None:
        if not routine.notify:
            return
        title = one_line(routine.title, _LINE)
        if occurrence.state == "failed":
            words = self.tr("Failed: {what}").format(what=title)
            text = occurrence.error.title if occurrence.error is not None else ""
        else:
            words = self.tr("Done: {what}").format(what=title)
            text = occurrence.result
        self._announcer.say(
            f"routine:{routine.id}",
            words,
            one_line(text, _LINE),
            opens=lambda: self._open(occurrence.chat),
        )

    def _routine(self, routine: Routine) -> None:
        paused = routine.paused and bool(routine.paused_why)
        if not paused or routine.deleted is not None:
            self._pauses.discard(routine.id)
            return
        if routine.id in self._pauses or routine.updated < self._begun:
            return
        self._pauses.add(routine.id)
        if self._wanted("routines"):
            self._announcer.say(
                f"paused:{routine.id}",
                self.tr("Paused: {what}").format(what=one_line(routine.title, _LINE)),
                one_line(routine.paused_why, _LINE),
                opens=self.activity_wanted.emit,
            )

    @Slot()
    def _look_at_asking(self) -> None:
        self._bridge.call(
            lambda client: client.routines.asking(),
            owner=self,
            done=self._ask,
            failed=_nothing,
        )

    def _ask(self, asking: tuple[Occurrence, ...]) -> None:
        if not asking:
            self._asked = ()
            self._announcer.withdraw(_ASKING)
            return
        new = [one.id for one in asking if self._is_new(f"asking:{one.id}")]
        if not new or not self._wanted("routines"):
            return
        ids = self._asked = tuple(one.id for one in asking)
        self._announcer.say(
            _ASKING,
            self.tr("A job was due while Nagatha was off")
            if len(ids) == 1
            else self.tr("{number} jobs were due while Nagatha was off").format(number=len(ids)),
            self.tr("Run what was missed now, or skip it?"),
            choices=(
                Choice(self.tr("Run"), lambda: self._decide(ids, True)),
                Choice(self.tr("Skip"), lambda: self._decide(ids, False)),
            ),
            opens=self.activity_wanted.emit,
        )

    def _decide(self, occurrences: tuple[str, ...], run: bool) -> None:
        def failed(problem: Problem) -> None:
            self._announcer.say(
                _ASKING,
                one_line(problem.title, _LINE),
                self.tr("Nothing was run or skipped."),
                opens=self.activity_wanted.emit,
            )

        self._bridge.call(
            lambda client: client.routines.decide(occurrences, run), owner=self, failed=failed
        )


def _nothing(_: Problem) -> None:
    """Whoever asks for it is told elsewhere."""
