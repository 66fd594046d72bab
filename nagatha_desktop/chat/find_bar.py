"""The bar to find something in the chat that is open.

Owns the field and its buttons. Finding is done by the conversation.
"""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QWidget

from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import icon_button
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES


class FindBar(QFrame):
    """Enter goes on, Shift+Enter back, Esc closes."""

    text_changed = Signal(str)
    next_wanted = Signal()
    previous_wanted = Signal()
    closed = Signal()

    def __init__(self, themes: ThemeController, parent: QWidget) -> None:
        super().__init__(parent)
        set_role(self, "bar")
        row = QHBoxLayout(self)
        row.setContentsMargins(MEASURES.grid * 3, MEASURES.half, MEASURES.grid, MEASURES.half)
        row.setSpacing(MEASURES.half)
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("Find in this chat"))
        self.field.setAccessibleName(self.tr("Find in this chat"))
        self.field.setMaximumWidth(MEASURES.line_length // 2)
        self.field.textChanged.connect(self.text_changed)
        row.addWidget(self.field, 100)  # before the empty room at the right, which has one
        self.count = label("", "small")
        row.addSpacing(MEASURES.half)
        row.addWidget(self.count)
        row.addStretch(1)
        self.previous = icon_button(themes, "up", self.tr("Previous match"))
        self.previous.clicked.connect(self.previous_wanted)
        self.next = icon_button(themes, "down", self.tr("Next match"))
        self.next.clicked.connect(self.next_wanted)
        self.close_button = icon_button(themes, "close", self.tr("Close"))
        self.close_button.clicked.connect(self.shut)
        for widget in (self.previous, self.next, self.close_button):
            row.addWidget(widget)
        self.show_count(0, 0)

    def open(self, text: str = "") -> None:
        """Show it, ready to type; `text` is looked for at once."""
        self.show()
        if text:
            self.field.setText(text)
        self.field.selectAll()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def shut(self) -> None:
        """Hide it."""
        self.hide()
        self.closed.emit()

    def show_count(self, current: int, total: int) -> None:
        """Say which match is looked at, from 1, and how many there are."""
        if not self.field.text():
            self.count.setText("")
        elif total:
            self.count.setText(self.tr("{one} of {all}").format(one=current, all=total))
        else:
            self.count.setText(self.tr("not found"))
        for widget in (self.previous, self.next):
            widget.setEnabled(total > 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.shut()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            (self.previous_wanted if back else self.next_wanted).emit()
        else:
            super().keyPressEvent(event)
