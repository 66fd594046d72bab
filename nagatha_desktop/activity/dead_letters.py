"""What the broker gave up: a card above the failed runs, there only while there is something.

Owns the card, reading the dead letters, and doing what its buttons say.
"""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from nagatha_desktop.activity import words
from nagatha_desktop.activity.asking import Question
from nagatha_desktop.activity.times import ago, whole
from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.widgets.badges import Elided, label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import rule
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.jobs import DeadLetter
from worker.contract.types import Problem

MOST = 50
"""Dead letters that are listed at once; the newest."""
_HEIGHT = MEASURES.grid * 18


class DeadRow(QWidget):
    """One dead letter: what it was, and what can be done about it."""

    retry_wanted = Signal(int)
    delete_wanted = Signal(object)

    def __init__(self, letter: DeadLetter, now: datetime, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.letter = letter
        row = QHBoxLayout(self)
        row.setContentsMargins(0, MEASURES.half, 0, MEASURES.half)
        row.setSpacing(MEASURES.grid)
        what = words.task_words(letter.task) if letter.task else self.tr("A message without a task")
        text = self.tr("given up {time} after {number} deliveries · queue {queue}").format(
            time=ago(letter.died, now), number=letter.deliveries, queue=letter.queue
        )
        lines = QVBoxLayout()
        lines.setSpacing(0)
        self.title = Elided(what, "strong")
        self.text = Elided(text, "small")
        lines.addWidget(self.title)
        lines.addWidget(self.text)
        row.addLayout(lines, 1)
        tip = "\n".join(part for part in (letter.task, letter.run, whole(letter.died)) if part)
        self.setToolTip(tip)
        self.retry_button = button(
            self.tr("Retry"), "secondary", name=self.tr("Retry {name}").format(name=what)
        )
        self.delete_button = button(
            self.tr("Delete …"), "danger", name=self.tr("Delete {name}").format(name=what)
        )
        self.retry_button.clicked.connect(self._retry)
        self.delete_button.clicked.connect(self._delete)
        row.addWidget(self.retry_button)
        row.addWidget(self.delete_button)

    @Slot()
    def _retry(self) -> None:
        self.retry_wanted.emit(self.letter.id)

    @Slot()
    def _delete(self) -> None:
        self.delete_wanted.emit(self.letter)


class DeadLetters(QFrame):
    """See the module. `load` reads them again."""

    failed = Signal(object)
    """Something could not be done (Problem)."""
    changed = Signal()
    """There are more or fewer of them."""

    def __init__(
        self, bridge: Bridge, clock: Callable[[], datetime], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_role(self, "error", "warn")
        self._bridge = bridge
        self._clock = clock
        self._call: Call | None = None
        self.question = Question(self)
        self.letters: tuple[DeadLetter, ...] = ()
        column = QVBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(MEASURES.half)
        self.heading = label("", "strong", self)
        column.addWidget(self.heading)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column.addWidget(self._area)
        self.hide()

    @property
    def rows(self) -> list[DeadRow]:
        """The rows, newest first."""
        inner = self._area.widget()
        return inner.findChildren(DeadRow) if inner is not None and self.letters else []

    @Slot()
    def load(self) -> None:
        """Read them again; where the broker cannot be asked there are none to show."""
        if self._call is not None:
            self._call.cancel()
        self._call = self._bridge.call(
            lambda client: client.jobs.dead_letters(),
            owner=self,
            done=self._show,
            failed=self._unknown,
        )

    def _unknown(self, problem: Problem) -> None:
        self._show(())

    def _show(self, letters: tuple[DeadLetter, ...]) -> None:
        self._call = None
        if letters == self.letters:
            return
        self.letters = letters
        inner = QWidget()
        set_role(inner, "canvas")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, MEASURES.grid, 0)
        column.setSpacing(0)
        now = self._clock()
        for place, letter in enumerate(letters[:MOST]):
            if place:
                column.addWidget(rule())
            row = DeadRow(letter, now)
            row.retry_wanted.connect(self._retry)
            row.delete_wanted.connect(self._ask)
            column.addWidget(row)
        column.addStretch(1)
        self._area.setWidget(inner)
        inner.ensurePolished()
        self._area.setFixedHeight(min(_HEIGHT, inner.sizeHint().height()))
        if len(letters) == 1:
            said = self.tr("1 message was given up after too many failed deliveries")
        else:
            said = self.tr("{number} messages were given up after too many failed deliveries")
        self.heading.setText(said.format(number=len(letters)))
        self.setAccessibleName(self.heading.text())
        self.changed.emit()

    @Slot(int)
    def _retry(self, letter: int) -> None:
        self._bridge.call(
            lambda client: client.jobs.retry_dead(letter),
            owner=self,
            done=lambda _: self.load(),
            failed=self._not_done,
        )

    @Slot(object)
    def _ask(self, letter: DeadLetter) -> None:
        """Deleting cannot be taken back, so it is asked for once more."""
        name = words.task_words(letter.task) or letter.queue
        self.question.ask(
            self.window(),
            self.tr("Delete “{name}” for good?").format(name=name),
            self.tr("It is not tried again; its run ends as failed."),
            (self.tr("Keep"), self.tr("Delete")),
            lambda: self._delete(letter.id),
        )

    def _delete(self, letter: int) -> None:
        self._bridge.call(
            lambda client: client.jobs.delete_dead(letter),
            owner=self,
            done=lambda _: self.load(),
            failed=self._not_done,
        )

    def _not_done(self, problem: Problem) -> None:
        self.failed.emit(problem)
        self.load()
