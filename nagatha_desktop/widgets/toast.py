"""A small message inside a window that goes by itself, with the one thing to do about it.

Owns its place and its time on screen. Knows not what it speaks of.
"""

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QEnterEvent, QFocusEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES

STAYS = 8_000
"""Milliseconds that a toast with a button stays."""
PASSES = 3_500
"""Milliseconds that a toast that only says something stays."""


class Toast(QFrame):
    """Lies over the lower edge of `parent`. One a window; `say` replaces what it said."""

    pressed = Signal(str)
    """Its button was pressed; the token that came with the message."""
    passed = Signal(str)
    """It went without its button having been pressed; the token."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        set_role(self, "toast")
        self._around = parent
        self._token = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._pass)
        row = QHBoxLayout(self)
        self._row = row
        row.setContentsMargins(MEASURES.grid * 2, MEASURES.half, MEASURES.half, MEASURES.half)
        row.setSpacing(MEASURES.grid)
        self.words = label("")
        self.words.setMinimumHeight(MEASURES.button)
        self.button = button("", "flat")
        self.button.clicked.connect(self._press)
        row.addWidget(self.words)
        row.addWidget(self.button)
        parent.installEventFilter(self)
        self.hide()

    def say(self, text: str, button_text: str = "", token: str = "") -> None:
        """Show `text`; with `button_text`, a button as well that gives `token` back."""
        if self.isVisible():
            self._pass()
        self._token = token
        self.words.setText(text)
        self.setAccessibleName(text)
        self.button.setText(button_text)
        self.button.setAccessibleName(button_text)
        self.button.setVisible(bool(button_text))
        side = MEASURES.half if button_text else MEASURES.grid * 2
        self._row.setContentsMargins(MEASURES.grid * 2, MEASURES.half, side, MEASURES.half)
        set_role(self.button, "flat")
        self.adjustSize()
        self._place()
        self.show()
        self.raise_()
        self._timer.start(STAYS if button_text else PASSES)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._around:
            self._place()
        return False

    def enterEvent(self, event: QEnterEvent) -> None:
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        if self.isVisible():
            self._timer.start(PASSES)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._timer.stop()

    def _place(self) -> None:
        around = self._around
        width = min(self.sizeHint().width(), around.width() - 2 * MEASURES.grid)
        self.resize(width, self.sizeHint().height())
        left = (around.width() - width) // 2
        self.move(left, around.height() - self.height() - 3 * MEASURES.grid)

    @Slot()
    def _press(self) -> None:
        self._timer.stop()
        self.hide()
        self.pressed.emit(self._token)

    @Slot()
    def _pass(self) -> None:
        self._timer.stop()
        self.hide()
        self.passed.emit(self._token)
