"""The box that a key is pasted into: it shows no kept key, and an empty one changes nothing.

Owns the dots, the button that uncovers what was just typed, and the trimming.
"""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QWidget

from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.theme import ThemeController


class KeyField(QLineEdit):
    """See the module."""

    def __init__(self, themes: ThemeController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setAccessibleName(self.tr("Key"))
        self.setPlaceholderText(self.tr("Paste a key"))
        # A key is nothing for an input method to learn.
        self.setInputMethodHints(
            Qt.InputMethodHint.ImhHiddenText
            | Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
        )
        self.eye = QAction(icon(themes, "eye", "muted"), self.tr("Show the key"), self)
        self.eye.setCheckable(True)
        self.eye.toggled.connect(self._uncover)
        self.addAction(self.eye, QLineEdit.ActionPosition.TrailingPosition)
        self.eye.setVisible(False)
        self.textChanged.connect(self._typed)

    @property
    def key(self) -> str:
        """What was pasted, without blanks around it; "" for nothing."""
        return self.text().strip()

    def forget(self) -> None:
        """Empty it: the key is where it belongs."""
        self.clear()
        self.eye.setChecked(False)

    @Slot(bool)
    def _uncover(self, shown: bool) -> None:
        mode = QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password
        self.setEchoMode(mode)

    @Slot(str)
    def _typed(self, text: str) -> None:
        self.eye.setVisible(bool(text))
