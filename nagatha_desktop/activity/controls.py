"""Fields that stand in a scrolled place: scrolling over them changes nothing.

Owns these few classes. Knows nothing of what they are for.
"""

from PySide6.QtCore import QDate, QTime
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDateEdit, QDoubleSpinBox, QSpinBox, QTimeEdit

from nagatha_desktop.widgets.style import give_room
from nagatha_desktop.widgets.tokens import MEASURES


class Choice(QComboBox):
    """A list to choose from."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def choose(self, value: object) -> None:
        """Show the entry with this value; the first where there is none."""
        self.setCurrentIndex(max(0, self.findData(value)))


class WholeNumber(QSpinBox):
    """A number without a fraction."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(MEASURES.button)
        give_room(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Number(QDoubleSpinBox):
    """A number."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(MEASURES.button)
        give_room(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class TimeField(QTimeEdit):
    """A time of the day, to the minute."""

    def __init__(self) -> None:
        super().__init__(QTime(8, 30))
        self.setDisplayFormat("HH:mm")
        self.setFixedHeight(MEASURES.button)
        give_room(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class DateField(QDateEdit):
    """A day."""

    def __init__(self) -> None:
        super().__init__(QDate.currentDate())
        self.setDisplayFormat(self.tr("ddd d MMM yyyy"))
        self.setCalendarPopup(True)
        self.setFixedHeight(MEASURES.button)
        give_room(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
