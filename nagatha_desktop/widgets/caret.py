"""Lets the caret stand still where nothing is typed for a while, as GTK does.

Owns the blinking, of every text field. Blinking repaints a field twice a second for as long as a
window is in front: half of what an idle program would cost.
"""

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

STILL_AFTER = 10_000
"""Milliseconds without a move of the caret after which it stops blinking."""


class CalmCaret(QObject):
    """Watches the field that has the focus. A system whose carets do not blink is left alone."""

    def __init__(self, app: QApplication, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hints = app.styleHints()
        self._usual = self._hints.cursorFlashTime()
        self._field: QLineEdit | QTextEdit | QPlainTextEdit | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(STILL_AFTER)
        self._timer.timeout.connect(self._stand_still)
        if self._usual > 0:
            app.focusChanged.connect(self._focused)

    @Slot("QWidget*", "QWidget*")
    def _focused(self, _old: QWidget | None, new: QWidget | None) -> None:
        if self._field is not None:
            self._field.cursorPositionChanged.disconnect(self._moved)
            self._field.destroyed.disconnect(self._gone)
            self._field = None
            self._timer.stop()
        if isinstance(new, QLineEdit | QTextEdit | QPlainTextEdit):
            self._field = new
            new.cursorPositionChanged.connect(self._moved)
            new.destroyed.connect(self._gone)
            self._moved()

    @Slot()
    def _gone(self) -> None:
        self._field = None
        self._timer.stop()

    @Slot()
    def _moved(self) -> None:
        if self._hints.cursorFlashTime() != self._usual:
            self._hints.setCursorFlashTime(self._usual)
        self._timer.start()

    @Slot()
    def _stand_still(self) -> None:
        self._hints.setCursorFlashTime(0)
