"""Cards: an error in three parts with the button that mends it, an empty place, a row, no engine.

Owns their layout and the countdown of "Try again in 12 s". What a button does is decided by
whoever listens.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from nagatha_desktop.widgets.badges import label, wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import shown, whole_seconds
from nagatha_desktop.widgets.tokens import MEASURES, Tone
from worker.contract.types import Action, Problem

_TICK = 250
_LONGEST = 1_500
"""Characters of a message from a server that a card shows."""


def utc_now() -> datetime:
    """The clock that is used where no other is given."""
    return datetime.now(UTC)


class ErrorCard(QFrame):
    """What happened, why, what to do about it, and the one button that does it."""

    action_wanted = Signal(str)
    """The `Action` of the button that was pressed."""
    dismissed = Signal()

    def __init__(
        self,
        problem: Problem,
        parent: QWidget | None = None,
        *,
        tone: Tone = "bad",
        dismissible: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`dismissible` adds a button that only makes it go; `clock` must be aware."""
        super().__init__(parent)
        set_role(self, "error", tone)
        self.problem = problem
        self._clock = clock
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self._tick)
        column = QVBoxLayout(self)
        column.setContentsMargins(*_inside(MEASURES.grid * 3 // 2))
        column.setSpacing(MEASURES.half)
        self._title = wrapped(shown(problem.title), "error-title")
        column.addWidget(self._title)
        for text in (problem.message, problem.remedy):
            if text.strip():
                column.addWidget(wrapped(_cut(text)))
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.button = button("", "secondary", self)
        self.button.clicked.connect(self._pressed)
        self.button.setVisible(bool(problem.action))
        row.addWidget(self.button)
        # By itself it has to look like a button, and to stand where the text begins.
        self.dismiss = button(self.tr("Dismiss"), "flat" if problem.action else "secondary", self)
        self.dismiss.clicked.connect(self.dismissed)
        self.dismiss.setVisible(dismissible)
        row.addWidget(self.dismiss)
        row.addStretch(1)
        if problem.action or dismissible:
            column.addSpacing(MEASURES.half)
            column.addLayout(row)
        self.setAccessibleName(f"{problem.title} {problem.message}".strip())
        self._tick()

    def seconds_left(self) -> int:
        """How long the button waits before it may be pressed."""
        if self.problem.retry_at is None:
            return 0
        return max(0, ceil((self.problem.retry_at - self._clock()).total_seconds()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.seconds_left():
            self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    @Slot()
    def _tick(self) -> None:
        text = self._word(self.problem.action)
        left = self.seconds_left()
        waits = left > 0 and self.problem.action in ("retry", "wait")
        if waits:
            text = self.tr("Try again in {time}").format(time=whole_seconds(left))
        else:
            self._timer.stop()
        if text != self.button.text():
            self.button.setText(text)
            self.button.setAccessibleName(text)
        self.button.setEnabled(not waits)

    def _word(self, action: Action) -> str:
        words: dict[Action, str] = {
            "models": self.tr("Models and keys"),
            "retry": self.tr("Try again"),
            "continue": self.tr("Continue"),
            "wait": self.tr("Try again"),
            "choose_model": self.tr("Choose a model"),
            "new_chat": self.tr("New chat"),
            "settings": self.tr("Open settings"),
            "restore": self.tr("Restore a backup"),
        }
        return words.get(action, "")

    @Slot()
    def _pressed(self) -> None:
        self.action_wanted.emit(self.problem.action)


class EmptyState(QWidget):
    """Says in an empty place what to do first, with a button for it if there is one."""

    pressed = Signal()

    def __init__(
        self,
        title: str,
        text: str = "",
        button_text: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(*_inside(MEASURES.grid * 3))
        column.setSpacing(MEASURES.grid)
        column.addStretch(2)
        for words, role in ((title, "heading"), (text, "muted")):
            if words:
                line = wrapped(words, role)
                line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
                column.addWidget(line)
        if button_text:
            self.button = button(button_text, "primary")
            self.button.clicked.connect(self.pressed)
            column.addSpacing(MEASURES.half)
            column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.setAccessibleName(f"{title} {text}".strip())


class NoEngine(QWidget):
    """Stands in the place of a window's content while the engine could not be started."""

    action_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.card: ErrorCard | None = None
        self._column = QVBoxLayout(self)
        side = MEASURES.grid * 2
        self._column.setContentsMargins(side, 0, side, side)
        self._column.addStretch(1)

    def show_failure(self, failure: Problem | None) -> None:
        """Say why there is none; None once there is one."""
        if self.card is not None:
            self._column.removeWidget(self.card)
            self.card.hide()
            self.card.deleteLater()
            self.card = None
        if failure is not None:
            # Whatever it was, it may be over when it is tried again.
            told = replace(failure, action=failure.action or "retry")
            self.card = ErrorCard(told, self)
            self.card.action_wanted.connect(self.action_wanted)
            self._column.insertWidget(0, self.card)


class Card(QFrame):
    """A framed box; put things into `column`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(*_inside(MEASURES.grid * 3 // 2))
        self.column.setSpacing(MEASURES.grid)


class ListRow(QFrame):
    """A row of a list: a name, a muted line below it, and what is put at its right end."""

    def __init__(self, title: str, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = QHBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        self._row.setContentsMargins(side, MEASURES.grid, side, MEASURES.grid)
        self._row.setSpacing(MEASURES.grid)
        words = QVBoxLayout()
        words.setSpacing(MEASURES.half // 2)
        self.title: QLabel = label(title, "strong")
        self.text: QLabel = wrapped(text, "small")
        self.text.setVisible(bool(text))
        words.addWidget(self.title)
        words.addWidget(self.text)
        self._row.addLayout(words, 1)

    def add(self, widget: QWidget) -> None:
        """Put `widget` at the right end."""
        self._row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)


def rule(parent: QWidget | None = None) -> QFrame:
    """A thin line between two parts."""
    made = QFrame(parent)
    set_role(made, "rule")
    made.setFixedHeight(MEASURES.border)
    return made


def _inside(margin: int) -> tuple[int, int, int, int]:
    return margin, margin, margin, margin


def _cut(text: str) -> str:
    text = shown(text).strip()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()} …"
