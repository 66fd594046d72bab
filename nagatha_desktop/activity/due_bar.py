"""What a person is asked about background work: missed routines, and tools without a chat.

Owns the two bars above the lists; each is there only while there is something to answer.
"""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from nagatha_desktop.activity.times import whole
from nagatha_desktop.approvals import ApprovalWatch, is_open
from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.widgets.approval_card import ApprovalCard
from nagatha_desktop.widgets.badges import Elided, label, section
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.markdown import looks
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.events import DataReplaced, Event, OccurrenceChanged
from worker.contract.routines import Approval, Occurrence, Verdict
from worker.contract.types import Problem

_VERDICTS: dict[str, Verdict] = {"once": "once", "always": "always", "deny": "deny"}


class DueBar(QFrame):
    """ "3 jobs were due": Run, Skip."""

    failed = Signal(object)
    changed = Signal()

    def __init__(
        self, bridge: Bridge, title_of: Callable[[str], str], parent: QWidget | None = None
    ) -> None:
        """`title_of` gives the title of a routine by its id; "" where it is not known."""
        super().__init__(parent)
        set_role(self, "error", "warn")
        self._bridge = bridge
        self._title_of = title_of
        self._call: Call | None = None
        self.asked: tuple[Occurrence, ...] = ()
        row = QHBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        row.setContentsMargins(side, MEASURES.grid, side, MEASURES.grid)
        row.setSpacing(MEASURES.grid)
        self.words = label("", "strong")
        self.which = Elided("", "")
        self.run_button = button(self.tr("Run"), "secondary")
        self.skip_button = button(self.tr("Skip"), "secondary")
        self.run_button.clicked.connect(self._run)
        self.skip_button.clicked.connect(self._skip)
        row.addWidget(self.words)
        row.addWidget(self.which, 1)
        row.addWidget(self.run_button)
        row.addWidget(self.skip_button)
        self.hide()
        bridge.listen(self, self._take)

    @Slot()
    def load(self) -> None:
        """Read again what was missed."""
        if self._call is not None:
            self._call.cancel()
        self._call = self._bridge.call(
            lambda client: client.routines.asking(),
            owner=self,
            done=self._show,
            failed=self.failed.emit,
        )

    def _take(self, event: Event) -> None:
        if isinstance(event, OccurrenceChanged):
            known = {occurrence.id for occurrence in self.asked}
            if (event.occurrence.state == "asking") != (event.occurrence.id in known):
                self.load()
        elif isinstance(event, DataReplaced):
            self.load()

    def _show(self, found: tuple[Occurrence, ...]) -> None:
        self._call = None
        self.asked = found
        self.say()
        self.changed.emit()

    @Slot()
    def say(self) -> None:
        """Say how many there are, and which."""
        number = len(self.asked)
        if number == 1:
            text = self.tr("1 job was due")
        else:
            text = self.tr("{number} jobs were due").format(number=number)
        self.words.setText(text)
        titles = dict.fromkeys(self._title_of(each.routine) for each in self.asked)
        self.which.set_text(", ".join(title for title in titles if title))
        tips = (
            f"{self._title_of(each.routine)} · {whole(each.due)}".strip(" ·") for each in self.asked
        )
        self.words.setToolTip("\n".join(tips))
        self.setAccessibleName(text)
        for made in (self.run_button, self.skip_button):
            made.setAccessibleName(f"{made.text()}: {text}")

    @Slot()
    def _run(self) -> None:
        self._decide(True)

    @Slot()
    def _skip(self) -> None:
        self._decide(False)

    def _decide(self, run: bool) -> None:
        names = tuple(occurrence.id for occurrence in self.asked)

        def refused(problem: Problem) -> None:
            self.failed.emit(problem)
            self.load()

        self._bridge.call(
            lambda client: client.routines.decide(names, run),
            owner=self,
            done=lambda _: self.load(),
            failed=refused,
        )


class ApprovalBar(QWidget):
    """Tools that wait for the person's word and stand in no chat: a card each."""

    changed = Signal()

    def __init__(
        self,
        watch: ApprovalWatch,
        themes: ThemeController,
        clock: Callable[[], datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._watch = watch
        self._themes = themes
        self._clock = clock
        self.cards: dict[str, ApprovalCard] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(MEASURES.grid)
        self._column.addWidget(section(self.tr("Approvals")))
        self.setAccessibleName(self.tr("Approvals"))
        self.hide()
        watch.changed.connect(self._look)
        watch.told.connect(self._told)
        themes.changed.connect(self._theme_changed)
        self._look()

    def tick(self) -> None:
        """Time has passed."""
        for card in self.cards.values():
            card.tick()

    def forget_answered(self) -> None:
        """What was answered has been seen: its cards go."""
        for name, card in list(self.cards.items()):
            if not card.open:
                self._drop(name)
        self.changed.emit()

    def focus_first(self) -> None:
        """Give the keyboard to the first that can be answered."""
        card = next((card for card in self.cards.values() if card.open), None)
        if card is not None:
            card.once.setFocus()

    def _drop(self, name: str) -> None:
        card = self.cards.pop(name)
        self._column.removeWidget(card)
        card.hide()
        card.deleteLater()

    @Slot()
    def _look(self) -> None:
        there = [approval for approval in self._watch.waiting if not approval.chat]
        for approval in there:
            if approval.id not in self.cards:
                self._add(approval)
        self.changed.emit()

    def _add(self, approval: Approval) -> None:
        look = looks(self._themes.current, self.font())
        card = ApprovalCard(approval, look, self._themes, self._clock)
        card.answered.connect(self._answer)
        card.height_changed.connect(self._fit)
        self._column.addWidget(card)
        self.cards[approval.id] = card

    @Slot()
    def _fit(self) -> None:
        self.updateGeometry()

    @Slot(object)
    def _told(self, approval: Approval) -> None:
        card = self.cards.get(approval.id)
        if card is not None:
            card.put(approval)
        elif not approval.chat and is_open(approval):
            self._look()

    @Slot(str, str, str)
    def _answer(self, approval: str, verdict: str, instead: str) -> None:
        def refused(problem: Problem) -> None:
            if approval in self.cards:
                self.cards[approval].tell(problem)

        self._watch.answer(approval, _VERDICTS[verdict], instead, refused)

    @Slot(object)
    def _theme_changed(self, _: object) -> None:
        for card in self.cards.values():
            card.set_looks(looks(self._themes.current, self.font()))
