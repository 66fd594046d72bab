"""Buttons in their few looks, each with a name that is read out.

Owns how a button of a role is made; what the role looks like is in `style`.
"""

from typing import Literal, TypeAlias

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from nagatha_desktop.widgets.icons import Colour, icon
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES

ButtonRole: TypeAlias = Literal["primary", "secondary", "flat", "quiet", "danger", "row"]


def button(
    text: str, role: ButtonRole = "secondary", parent: QWidget | None = None, *, name: str = ""
) -> QPushButton:
    """A button with words on it; `name` is read out where the words alone say too little."""
    made = QPushButton(parent)
    made.setText(text.replace("&", "&&"))
    set_role(made, role)
    made.setAutoDefault(False)
    made.setAccessibleName(name or text)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    # A ring around what was just clicked says nothing; Tab still gets everywhere.
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made


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
