"""What every page of the settings is made of: a scrolled column of sections, rows and cards.

Owns their layout and where a page tells what went wrong. Knows no setting.
"""

from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import Shiboken

from nagatha_desktop.widgets.badges import label, section, wrapped
from nagatha_desktop.widgets.cards import Card, ErrorCard, rule
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import count
from nagatha_desktop.widgets.tokens import MEASURES, Tone
from worker.contract.types import Problem

WIDEST = 640
"""Pixels that a page's column may take; longer lines are hard to read."""
_A_MOMENT = 250
"""Milliseconds that may pass before waiting is said."""

_THERE = " in Settings › Models and keys"
"""How the engine names the place that this is."""


class Page(QScrollArea):
    """A page. `load` is called whenever it is shown, so that it is never out of date."""

    action_wanted = Signal(str)
    """A card's button was pressed that the page itself has no answer to."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._revealed: QWidget | None = None
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(title)
        canvas = QWidget()
        set_role(canvas, "canvas")
        sides = QHBoxLayout(canvas)
        side = MEASURES.grid * 3
        sides.setContentsMargins(side, side, side, side)
        inner = QWidget()
        inner.setMaximumWidth(WIDEST)
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(MEASURES.grid)
        sides.addWidget(inner, 1)
        sides.addStretch(0)
        self.problems = Problems(inner)
        self.problems.action_wanted.connect(self.act)
        self.column.addWidget(self.problems)
        self.setWidget(canvas)

    def load(self) -> None:
        """Read again what the page shows. Called when it is shown."""

    def act(self, action: str) -> None:
        """A card's button was pressed: "retry" reads again."""
        if action in ("retry", "wait"):
            self.problems.clear()
            self.load()
        else:
            self.action_wanted.emit(action)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.load()

    def add(self, widget: QWidget) -> None:
        """Put `widget` below what is there."""
        self.column.addWidget(widget)

    def add_section(self, title: str) -> QLabel:
        """Begin a part with a heading of its own."""
        if self.column.count() > 1:
            self.column.addSpacing(MEASURES.grid)
        heading = section(title)
        self.column.addWidget(heading)
        return heading

    def reveal(self, widget: QWidget) -> None:
        """Scroll to `widget`, once what was just added has its place."""
        self._revealed = widget
        QTimer.singleShot(0, self, self._reveal)

    @Slot()
    def _reveal(self) -> None:
        widget, self._revealed = self._revealed, None
        if widget is not None and Shiboken.isValid(widget):
            self.ensureWidgetVisible(widget)

    def end(self) -> None:
        """Nothing more is added: push all of it to the top."""
        self.column.addStretch(1)


class Problems(QWidget):
    """Where a part of a page tells what went wrong. Empty, it takes no room."""

    action_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(MEASURES.grid)
        self._cards: list[ErrorCard] = []
        self.hide()

    @property
    def told(self) -> tuple[Problem, ...]:
        """What is said now."""
        return tuple(card.problem for card in self._cards)

    @Slot(object)
    def tell(self, problem: Problem, tone: Tone = "bad", *, dismissible: bool = True) -> None:
        """Say `problem` in place of what was said before; what lasts is not dismissible."""
        self.clear()
        self.add(problem, tone, dismissible=dismissible)

    def add(self, problem: Problem, tone: Tone = "bad", *, dismissible: bool = True) -> None:
        """Say `problem` as well."""
        card = ErrorCard(problem, self, tone=tone, dismissible=dismissible)
        card.action_wanted.connect(self.action_wanted)
        card.dismissed.connect(self._dismissed)
        self._cards.append(card)
        self._column.addWidget(card)
        card.show()
        self.show()

    @Slot()
    def clear(self) -> None:
        """Say nothing."""
        for card in self._cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards.clear()
        self.hide()

    @Slot()
    def _dismissed(self) -> None:
        card = self.sender()
        if isinstance(card, ErrorCard) and card in self._cards:
            self._cards.remove(card)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
            self.setVisible(bool(self._cards))


class Status(QLabel):
    """One line that says how something went; that it is under way is said after a moment."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self._waiting = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_A_MOMENT)
        self._timer.timeout.connect(self._say_waiting)
        set_role(self, "small")
        self.hide()

    def say(self, text: str, tone: Tone = "ok") -> None:
        """Say that it is done, or what became of it."""
        self._timer.stop()
        set_role(self, "word", tone)
        self.setText(text)
        self.setVisible(bool(text))

    def wait(self, text: str) -> None:
        """Say what is under way, unless it ends at once."""
        self.say("")
        self._waiting = text
        self._timer.start()

    @Slot()
    def _say_waiting(self) -> None:
        set_role(self, "small")
        self.setText(self._waiting)
        self.show()


class Rows(Card):
    """A card of rows with thin lines between them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.column.setContentsMargins(0, MEASURES.half, 0, MEASURES.half)
        self.column.setSpacing(0)
        self._count = 0

    def add(self, row: QWidget) -> None:
        """Put a row at the end."""
        if self._count:
            self.column.addWidget(rule())
        self.column.addWidget(row)
        self._count += 1

    def clear(self) -> None:
        """Take all rows away."""
        while (item := self.column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._count = 0


class Row(QWidget):
    """What it is, a muted line about it, and what is set at its right; cards appear below."""

    def __init__(self, title: str, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        whole = QVBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        whole.setContentsMargins(side, MEASURES.grid, side, MEASURES.grid)
        whole.setSpacing(MEASURES.half)
        self.line = QHBoxLayout()
        self.line.setSpacing(MEASURES.grid)
        words = QVBoxLayout()
        words.setSpacing(MEASURES.half // 2)
        self.title = label(title)
        self._head = QHBoxLayout()
        self._head.setSpacing(MEASURES.grid)
        self._head.addWidget(self.title)
        self._head.addStretch(1)
        self.text = wrapped(text, "small")
        self.text.setVisible(bool(text))
        words.addLayout(self._head)
        words.addWidget(self.text)
        self.line.addLayout(words, 1)
        whole.addLayout(self.line)
        self.below = QVBoxLayout()
        self.below.setSpacing(MEASURES.half)
        whole.addLayout(self.below)
        self.status = Status(self)
        self.below.addWidget(self.status)
        self.problems = Problems(self)
        self.below.addWidget(self.problems)

    def say(self, text: str) -> None:
        """Replace the muted line."""
        self.text.setText(text)
        self.text.setVisible(bool(text))

    def mark(self, widget: QWidget) -> None:
        """Put `widget` beside the title."""
        self._head.insertWidget(self._head.count() - 1, widget)

    def put(self, widget: QWidget) -> None:
        """Put `widget` at the right end; the title is its name unless it has one."""
        if not widget.accessibleName():
            widget.setAccessibleName(self.title.text())
        self.line.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)


def form_label(text: str) -> QLabel:
    """The muted word before a field of a form, on the field's middle line."""
    made = label(text, "muted")
    made.setMinimumHeight(MEASURES.button)
    made.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return made


def counted(number: int, one: str, many: str) -> str:
    """`one` for a single thing, else `many` with {number} filled in."""
    return one if number == 1 else many.format(number=count(number))


def here(problem: Problem) -> Problem:
    """`problem` without the button, and the words, that lead to where the person is already."""
    if problem.action not in ("models", "choose_model", "settings"):
        return problem
    return replace(problem, action="", remedy=problem.remedy.replace(_THERE, ""))


def make_switch() -> QCheckBox:
    """A box for something that is on or off, flush with the right edge of its row."""
    made = QCheckBox()
    made.setMinimumSize(MEASURES.target, MEASURES.target)
    made.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    return made


class Option(QWidget):
    """One of several ways, with a muted word about it, as the drawing of the connection has it."""

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.radio = QRadioButton(title.replace("&", "&&"))
        self.radio.setAccessibleName(title)
        self.radio.setAccessibleDescription(text)
        set_role(self.radio, "strong")
        self.radio.setMinimumHeight(MEASURES.target)
        column.addWidget(self.radio)
        self.text = wrapped(text, "small")
        self.text.setContentsMargins(MEASURES.grid * 3, 0, 0, 0)
        self.text.setVisible(bool(text))
        column.addWidget(self.text)
