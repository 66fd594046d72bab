"""Asks once more before something is done that cannot be taken back.

Owns the box and that there is only one at a time. What is asked, and what follows, comes from who
asks.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from nagatha_desktop.widgets.question_box import question_box


class Question(QObject):
    """A question that a person may be asked; one at a time."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.box: QMessageBox | None = None
        """What is asked now."""

    def ask(
        self,
        over: QWidget,
        text: str,
        more: str,
        words: tuple[str, str],
        do: Callable[[], None],
    ) -> None:
        """Ask over a window; `words` are those of leaving it and of doing it, which calls `do`."""
        if self.box is not None:
            return
        box = question_box(over, over.windowTitle(), text, more)
        leave = box.addButton(words[0], QMessageBox.ButtonRole.RejectRole)
        doing = box.addButton(words[1], QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(leave)
        box.setEscapeButton(leave)
        doing.clicked.connect(do)
        box.finished.connect(self._answered)
        self.box = box
        box.open()

    @Slot()
    def _answered(self) -> None:
        box, self.box = self.box, None
        if box is not None:
            box.deleteLater()
