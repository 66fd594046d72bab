"""Buttons in their few looks, each with a name that is read out.

Owns how a button of a role is made; what the role looks like is in `style`.
"""

from typing import Literal, TypeAlias

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from nagatha_desktop.widgets.icons import Colour, icon
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES

_A_MOMENT = 1_500

ButtonRole: TypeAlias = Literal["primary", "secondary", "flat", "quiet", "danger", "row"]


class _Button(QPushButton):
    """Enter presses it as Space does; Qt leaves that to dialogs and some desktops.

    Ctrl+Enter is the window's.
    """

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                event.ignore()
                return
            if not event.isAutoRepeat():
                self.click()
                return
        super().keyPressEvent(event)


def button(
    text: str, role: ButtonRole = "secondary", parent: QWidget | None = None, *, name: str = ""
) -> QPushButton:
    """A button with words on it; `name` is read out where the words alone say too little."""
    made = _Button(parent)
    made.setText(text.replace("&", "&&"))
    made.setAccessibleName(name or text)
    _finish(made, role)
    return made


def _finish(made: QPushButton, role: ButtonRole) -> None:
    set_role(made, role)
    made.setAutoDefault(False)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    # A ring around what was just clicked says nothing; Tab still gets everywhere.
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)


class CopyButton(_Button):
    """Says for a moment that it has copied; `copied_now` is called by whoever did it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """`name` is read out, e.g. "Copy code"."""
        super().__init__(parent)
        self._word = self.tr("Copy")
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.setInterval(_A_MOMENT)
        self._back.timeout.connect(self._say_copy)
        self.setText(self._word)
        self.setAccessibleName(name)
        _finish(self, "quiet")

    @Slot()
    def copied_now(self) -> None:
        """Say so; the width stays as it is."""
        self.setMinimumWidth(self.width())
        self.setText(self.tr("Copied"))
        self.setMinimumWidth(max(self.width(), self.sizeHint().width()))
        self._back.start()

    @Slot()
    def _say_copy(self) -> None:
        self.setText(self._word)


def icon_button(
    themes: ThemeController,
    symbol: str,
    name: str,
    parent: QWidget | None = None,
    *,
    colour: Colour = "ink",
) -> QToolButton:
    """A button with an icon only; `name` is its tool tip and is read out."""
    made = QToolButton(parent)
    made.setIcon(icon(themes, symbol, colour))
    made.setIconSize(QSize(MEASURES.icon, MEASURES.icon))
    made.setToolTip(name)
    made.setAccessibleName(name)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made
