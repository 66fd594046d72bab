"""Says on the desktop what ended or waits while nobody looked: answers, approvals, routines.

Owns which of it is news, and what becomes of news that had to wait (see `calm`): what is still true
is read again, and several of a kind are said together. That a job failed is said by `alerts`; how
it is said, and what is in front, is decided by whoever hands that in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.absences import Absences, Why
from nagatha_desktop.activity.approval_news import ApprovalNews
from nagatha_desktop.activity.waited import Answered, Waited, answers_of, ends_of, pauses_of
from nagatha_desktop.announcer import Announcer, Choice, Deed
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
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
from worker.contract.routines import Approval, Occurrence, Routine
from worker.contract.types import Problem, Run

GATHER = 300
"""Milliseconds within which questions about missed times are said together."""
LINES = 6
"""So many of those that are said together are named."""
_LINE = 160
_ASKING = "routines:asking"
_KEPT = 500


@dataclass(frozen=True, slots=True)
class _Words:
    """What a notification says, and where a click on it leads."""

    id: str
    title: str
    text: str
    opens: Deed


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
        calm: Calm,
        absences: Absences,
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
        self._calm = calm
        self._absences = absences
        self._waited = Waited(bridge, calm, self)
        self._clock = clock
        self._begun = clock()
        self.approvals = ApprovalNews(bridge, announcer, wanted, self._asks_there, calm, self)
        self.approvals.chat_wanted.connect(self.chat_wanted)
        self.approvals.activity_wanted.connect(self.activity_wanted)
        self._titles: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        """The answers (by run) that ended last."""
        self._told: dict[str, None] = {}
        self._pauses: set[str] = set()
        self.activity_seen: Callable[[], bool] = lambda: False
        """Whether a person looks at background work, where all that routines do stands; set by
        who has its window."""
        self._asked: tuple[str, ...] = ()
        """Occurrences (ids) that a notification asks about."""
        self._asked_there = False
        """Whether the window of background work asked about some instead."""
        self._found: dict[str, datetime] = {}
        """When occurrences that ask were found to be missed, where that was seen."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(GATHER)
        self._soon.timeout.connect(self._look_at_asking)
        bridge.ready.connect(self.look)
        calm.over.connect(self._say_waited)
        bridge.listen(self, self._hear)

    def stop(self) -> None:
        """Say nothing more."""
        self._soon.stop()
        self.approvals.stop()

    @Slot()
    def look(self) -> None:
        """Say what waits for the person: at the start, and when that could not be said before."""
        self.approvals.look()
        self._look_at_asking()

    @Slot()
    def look_around(self) -> None:
        """Something else is in front now."""
        if self._asked_there and not self.activity_seen():
            self._look_at_asking()
        for chat in self._calm.waiting("answer"):
            if self._watched(chat):
                self._calm.drop("answer", chat)
        for routine, value in self._calm.waiting("end").items():
            chat = value.partition(" ")[2]
            if (chat and self._watched(chat)) or self.activity_seen():
                self._calm.drop("end", routine)
        self.approvals.look_around()

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
            self.approvals.take(event.approval)
        elif isinstance(event, OccurrenceChanged):
            self._occurrence(event.occurrence)
        elif isinstance(event, RoutineChanged):
            self._routine(event.routine)
        elif isinstance(event, DataReplaced):
            self.approvals.replaced()
            self._look_at_asking()

    def _is_new(self, name: str) -> bool:
        """True once for each name."""
        if name in self._told:
            return False
        self._told[name] = None
        while len(self._told) > _KEPT:
            del self._told[next(iter(self._told))]
        return True

    def _asks_there(self, approval: Approval) -> bool:
        """Whether a person looks at where an approval stands: in its chat, else above all work."""
        return self._watched(approval.chat) if approval.chat else self.activity_seen()

    # -- answers ----------------------------------------------------------------------------------

    def _answer_ended(self, run: Run) -> None:
        if run.kind != "answer" or run.state != "SUCCESS" or not run.chat:
            return
        if run.source not in ("chat", "quick") or run.ended is None or run.ended < self._begun:
            return
        text = self._texts.pop(run.id, "")
        if not self._wanted("answers") or self._run_watched(run) or not self._is_new(run.id):
            return
        if self._calm.keeps():
            self._calm.put("answer", run.chat, run.message or "")
            return
        self._say(self._answer_words(Answered(run.chat, self._titles.get(run.chat, ""), text)))

    def _answer_words(self, answer: Answered) -> _Words:
        title = one_line(answer.title, _LINE)
        return _Words(
            f"answer:{answer.chat}",
            self.tr("Answered: {title}").format(title=title) if title else self.tr("Answered"),
            one_line(answer.text, _LINE),
            lambda: self.chat_wanted.emit(answer.chat),
        )

    def _say(self, words: _Words) -> None:
        self._announcer.say(words.id, words.title, words.text, opens=words.opens)

    # -- routines ---------------------------------------------------------------------------------

    def _occurrence(self, occurrence: Occurrence) -> None:
        if occurrence.state == "asking" or occurrence.id in self._asked:
            self._soon.start()
        if occurrence.state == "asking":
            self._found.setdefault(occurrence.id, self._clock())
            return
        self._found.pop(occurrence.id, None)
        ended = occurrence.state in ("done", "failed")
        if not ended or occurrence.ended is None or occurrence.ended < self._begun:
            return
        if not self._is_new(f"occurrence:{occurrence.id}:{occurrence.state}"):
            return
        if occurrence.state == "failed" and occurrence.run:
            self.failure_said.emit(occurrence.run)
        if not self._wanted("routines") or self._sees(occurrence):
            return
        if self._calm.keeps():
            self._calm.put("end", occurrence.routine, f"{occurrence.id} {occurrence.chat or ''}")
            return
        self._bridge.call(
            lambda client: client.routines.get(occurrence.routine),
            owner=self,
            done=lambda routine: self._say_end(routine, occurrence),
            failed=_nothing,
        )

    def _sees(self, occurrence: Occurrence) -> bool:
        """Whether a person looks at how it ended."""
        in_chat = bool(occurrence.chat) and self._watched(occurrence.chat or "")
        return in_chat or self.activity_seen()

    def _say_end(self, routine: Routine, occurrence: Occurrence) -> None:
        if routine.notify:
            self._say(self._end_words(routine, occurrence))

    def _end_words(self, routine: Routine, occurrence: Occurrence) -> _Words:
        title = one_line(routine.title, _LINE)
        if occurrence.state == "failed":
            words = self.tr("Failed: {what}").format(what=title)
            text = occurrence.error.title if occurrence.error is not None else ""
        else:
            words = self.tr("Done: {what}").format(what=title)
            text = occurrence.result
        return _Words(
            f"routine:{routine.id}",
            words,
            one_line(text, _LINE),
            lambda: self._open(occurrence.chat),
        )

    def _routine(self, routine: Routine) -> None:
        paused = routine.paused and bool(routine.paused_why)
        if not paused or routine.deleted is not None:
            self._pauses.discard(routine.id)
            self._calm.drop("paused", routine.id)
            return
        if routine.id in self._pauses or routine.updated < self._begun:
            return
        self._pauses.add(routine.id)
        if not self._wanted("routines") or self.activity_seen():
            return
        if self._calm.keeps():
            self._calm.put("paused", routine.id, "")
        else:
            self._say(self._pause_words(routine))

    def _pause_words(self, routine: Routine) -> _Words:
        return _Words(
            f"paused:{routine.id}",
            self.tr("Paused: {what}").format(what=one_line(routine.title, _LINE)),
            one_line(routine.paused_why, _LINE),
            self.activity_wanted.emit,
        )

    def _open(self, chat: str | None) -> None:
        if chat:
            self.chat_wanted.emit(chat)
        else:
            self.activity_wanted.emit()

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
            self._asked, self._asked_there = (), False
            self._announcer.withdraw(_ASKING)
            return
        wanted = self._wanted("routines")
        if wanted and self._calm.keeps():
            return
        self._asked_there = self.activity_seen()
        if self._asked_there:
            return
        new = [one.id for one in asking if self._is_new(f"asking:{one.id}")]
        if not new or not wanted:
            return
        why = self._absences.why((one.due, self._found.get(one.id)) for one in asking)
        ids = self._asked = tuple(one.id for one in asking)
        self._announcer.say(
            _ASKING,
            self._missed_words(why, len(ids)),
            self.tr("Run what was missed now, or skip it?"),
            choices=(
                Choice(self.tr("Run"), lambda: self._decide(ids, True)),
                Choice(self.tr("Skip"), lambda: self._decide(ids, False)),
            ),
            opens=self.activity_wanted.emit,
        )

    def _missed_words(self, why: Why, number: int) -> str:
        words = {
            "off": (
                self.tr("A job was due while Nagatha was off"),
                self.tr("{number} jobs were due while Nagatha was off"),
            ),
            "asleep": (
                self.tr("A job was due while the computer was asleep"),
                self.tr("{number} jobs were due while the computer was asleep"),
            ),
            "paused": (
                self.tr("A job was due while Nagatha was paused"),
                self.tr("{number} jobs were due while Nagatha was paused"),
            ),
            "": (self.tr("A job was missed"), self.tr("{number} jobs were missed")),
        }
        one, many = words[why]
        return one if number == 1 else many.format(number=number)

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

    # -- what had to wait -------------------------------------------------------------------------

    @Slot()
    def _say_waited(self) -> None:
        """Nobody minds being disturbed any more: say what is still true of what waited."""
        self.look()
        self._waited.read("answer", answers_of, self._say_answers)
        self._waited.read("end", ends_of, self._say_ends)
        self._waited.read("paused", pauses_of, self._say_pauses)

    def _say_answers(self, answers: tuple[Answered, ...]) -> None:
        if not self._wanted("answers"):
            return
        unseen = [answer for answer in answers if not self._watched(answer.chat)]
        last = unseen[-1].chat if unseen else ""
        self._say_all(
            [self._answer_words(answer) for answer in unseen],
            "answers",
            self.tr("{number} answers are there"),
            [one_line(answer.title, _LINE) or self.tr("A chat") for answer in unseen],
            lambda: self.chat_wanted.emit(last),
        )

    def _say_ends(self, ends: tuple[tuple[Routine, Occurrence], ...]) -> None:
        if not self._wanted("routines"):
            return
        said = [
            self._end_words(routine, occurrence)
            for routine, occurrence in ends
            if not self._sees(occurrence)
        ]
        self._say_all(
            said,
            "routines:ends",
            self.tr("{number} routines ended"),
            [words.title for words in said],
            self.activity_wanted.emit,
        )

    def _say_pauses(self, routines: tuple[Routine, ...]) -> None:
        if not self._wanted("routines") or self.activity_seen():
            return
        self._say_all(
            [self._pause_words(routine) for routine in routines],
            "routines:pauses",
            self.tr("{number} routines paused themselves"),
            [one_line(routine.title, _LINE) for routine in routines],
            self.activity_wanted.emit,
        )

    def _say_all(
        self, all_words: Sequence[_Words], id: str, title: str, names: Sequence[str], opens: Deed
    ) -> None:
        """One by itself, several as one with their names."""
        if len(all_words) == 1:
            self._say(all_words[0])
        elif all_words:
            lines = list(names[:LINES])
            if len(names) > LINES:
                lines.append(self.tr("and {number} more").format(number=len(names) - LINES))
            self._say(_Words(id, title.format(number=len(names)), "\n".join(lines), opens))


def _nothing(_: Problem) -> None:
    """Whoever asks for it is told elsewhere."""
