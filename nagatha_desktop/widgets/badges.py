"""Words with a colour, and the labels that windows are made of.

Owns `Badge`, `BadgeButton`, `Elided` and the small label makers. Knows no value of the engine's.
"""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import Tone


def label(text: str, role: str = "", parent: QWidget | None = None) -> QLabel:
    """A label that shows `text` as it is, in the look of `role`."""
    made = QLabel(parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    if role:
        set_role(made, role)
    return made


def wrapped(text: str, role: str = "", parent: QWidget | None = None) -> QLabel:
    """A label whose text takes as many lines as it needs and can be selected."""
    made = label(text, role, parent)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setMinimumWidth(1)
    return made


def section(text: str, parent: QWidget | None = None) -> QLabel:
    """The small heading above a group of rows."""
    return label(text.upper(), "section", parent)


class Badge(QLabel):
    """A state, as a word in its colour."""

    def __init__(self, text: str = "", tone: Tone = "muted", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.say(text, tone)

    def say(self, text: str, tone: Tone) -> None:
        """Show another state."""
        set_role(self, "badge", tone)
        if text != self.text():
            self.setText(text)


class BadgeButton(QPushButton):
    """A state that leads to where more is said of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAutoDefault(False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.say("", "muted")

    def say(self, text: str, tone: Tone) -> None:
        """Show another state."""
        set_role(self, "badge", tone)
        if text != self.text():
            self.setText(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
            return
        super().keyPressEvent(event)


class Elided(QLabel):
    """One line that ends in "…" where the room ends; the whole text is in its tool tip."""

    def __init__(self, text: str = "", role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if role:
            set_role(self, role)
        self._whole = text
        self._fit()

    def set_text(self, text: str) -> None:
        """Show `text`, as much of it as fits."""
        if text != self._whole:
            self._whole = text
            self._fit()

    def whole(self) -> str:
        """The text without the cut."""
        return self._whole

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        # The style sheet sets the font after the first resize; what fits is known only now.
        self._fit()
        super().paintEvent(event)

    def _fit(self) -> None:
        room = self.contentsRect().width()
        mode = Qt.TextElideMode.ElideRight
        cut = self.fontMetrics().elidedText(self._whole, mode, max(0, room))
        if cut != self.text():
            self.setText(cut)
        tip = self._whole if cut != self._whole else ""
        if tip != self.toolTip():
            self.setToolTip(tip)
        if self.accessibleName() != self._whole:
            self.setAccessibleName(self._whole)
