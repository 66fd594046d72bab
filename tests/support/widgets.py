"""What tests ask of any window: that each of its controls can be found by those who do not see.

Owns the walk through widgets. Knows no window.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
)
INSIDE = (QComboBox, QAbstractSpinBox, QLineEdit)
"""Controls whose inner parts are theirs to name."""


def nameless(window: QWidget) -> list[str]:
    """Shown controls of `window` that take the keyboard and have no name."""
    return [
        f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}"
        for widget in window.findChildren(QWidget)
        if isinstance(widget, CONTROLS)
        and not isinstance(widget.parentWidget(), INSIDE)
        and widget.isVisibleTo(window)
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not widget.accessibleName()
    ]
