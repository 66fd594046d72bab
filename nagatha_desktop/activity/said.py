"""What the activity window has to say above its lists: a problem, the pause, what was given up.

Owns these cards. What their buttons ask for is done by whoever listens.
"""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from nagatha_desktop.activity.dead_letters import DeadLetters
from nagatha_desktop.activity.due_bar import ApprovalBar, DueBar
from nagatha_desktop.widgets.badges import Elided, label
from nagatha_desktop.widgets.cards import ErrorCard
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Problem

_SIDE = MEASURES.grid * 2


class Said(QWidget):
    """See the module. It takes no room while there is nothing to say."""

    action_wanted = Signal(str)
    """The button of a problem's card was pressed."""

    def __init__(
        self,
        dead: DeadLetters,
        due: DueBar,
        asked: ApprovalBar,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.card: ErrorCard | None = None
        """The problem that is said now."""
        self.dead = dead
        self.due = due
        self.asked = asked
        self._paused = False
        self._dead_wanted = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(_SIDE, 0, _SIDE, MEASURES.grid * 3 // 2)
        self._column.setSpacing(MEASURES.grid)
        self.paused = self._note()
        self._column.addWidget(self.paused)
        self._column.addWidget(asked)
        self._column.addWidget(due)
        self._column.addWidget(dead)
        for part in (dead, due, asked):
            part.changed.connect(self._show)
        self._show()

    def _note(self) -> QFrame:
        note = QFrame()
        set_role(note, "error", "warn")
        row = QHBoxLayout(note)
        side = MEASURES.grid * 3 // 2
        row.setContentsMargins(side, MEASURES.grid, side, MEASURES.grid)
        row.setSpacing(MEASURES.grid)
        row.addWidget(label(self.tr("Background work is paused"), "strong"))
        row.addWidget(Elided(self.tr("What is queued waits. Answers come all the same.")), 1)
        return note

    def tell(self, problem: Problem) -> None:
        """Say a problem, in place of what was said before."""
        self.clear()
        self.card = ErrorCard(problem, self, dismissible=True)
        self.card.action_wanted.connect(self._act)
        self.card.dismissed.connect(self.clear)
        self._column.insertWidget(0, self.card)
        self._show()

    @Slot()
    def clear(self) -> None:
        """The problem is over, or was read."""
        card, self.card = self.card, None
        if card is not None:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._show()

    def show_paused(self, paused: bool) -> None:
        """Say that background work waits, or no more."""
        self._paused = paused
        self._show()

    def show_dead(self, wanted: bool) -> None:
        """Whether what was given up belongs to what is looked at."""
        self._dead_wanted = wanted
        self._show()

    @Slot()
    def _show(self) -> None:
        dead = self._dead_wanted and bool(self.dead.letters)
        self.dead.setVisible(dead)
        self.paused.setVisible(self._paused)
        self.due.setVisible(bool(self.due.asked))
        self.asked.setVisible(bool(self.asked.cards))
        questions = bool(self.due.asked or self.asked.cards)
        self.setVisible(dead or self._paused or questions or self.card is not None)

    @Slot(str)
    def _act(self, action: str) -> None:
        self.clear()
        self.action_wanted.emit(action)
