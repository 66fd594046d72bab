"""Cards above the conversation for what belongs to no chat: the engine's troubles and news.

Owns which cards are there. What their buttons do is the window's business.
"""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nagatha_desktop.widgets.cards import ErrorCard
from nagatha_desktop.widgets.tokens import MEASURES, Tone
from worker.contract.types import Problem

MOST = 3
"""Cards that are shown at once; the oldest gives way."""
_MILD = frozenset({"no_tray", "restored", "worker_restarted", "note"})


class Notices(QWidget):
    """A column of cards that a person can send away."""

    action_wanted = Signal(str, object)
    """The `Action` of a card's button, and its Problem."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: list[ErrorCard] = []
        self._column = QVBoxLayout(self)
        side = MEASURES.grid * 2
        self._column.setContentsMargins(side, side, side, MEASURES.grid)
        self._column.setSpacing(MEASURES.grid)
        self.hide()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is said now, oldest first."""
        return tuple(card.problem for card in self._cards)

    @Slot(object)
    def add(self, problem: Problem, tone: Tone | None = None) -> None:
        """Show a card; one of the same kind and title is replaced."""
        for card in [c for c in self._cards if _same(c.problem, problem)]:
            self._drop(card)
        while len(self._cards) >= MOST:
            self._drop(self._cards[0])
        mild: Tone = "accent" if problem.kind in _MILD else "bad"
        card = ErrorCard(problem, self, tone=tone or mild, dismissible=True)
        card.action_wanted.connect(self._act)
        card.dismissed.connect(self._dismissed)
        self._cards.append(card)
        self._column.addWidget(card)
        card.show()
        self.show()

    def remove(self, kind: str) -> None:
        """Take the cards of a kind away: what they said is over."""
        for card in [c for c in self._cards if c.problem.kind == kind]:
            self._drop(card)

    def _drop(self, card: ErrorCard) -> None:
        self._cards.remove(card)
        self._column.removeWidget(card)
        card.hide()
        card.deleteLater()
        self.setVisible(bool(self._cards))

    @Slot(str)
    def _act(self, action: str) -> None:
        card = self.sender()
        if isinstance(card, ErrorCard) and card in self._cards:
            problem = card.problem
            self._drop(card)
            self.action_wanted.emit(action, problem)

    @Slot()
    def _dismissed(self) -> None:
        card = self.sender()
        if isinstance(card, ErrorCard) and card in self._cards:
            self._drop(card)


def _same(one: Problem, other: Problem) -> bool:
    return (one.kind, one.title) == (other.kind, other.title)
