"""A small window that asks for a day and a time.

Owns the two fields and that only a moment to come can be chosen. What the moment is for comes from
who asks.
"""

from collections.abc import Callable
from datetime import date, datetime, time

from PySide6.QtCore import QDate, Qt, QTime, Slot
from PySide6.QtGui import QIcon, QTextCharFormat
from PySide6.QtWidgets import (
    QCalendarWidget,
    QDateEdit,
    QDialog,
    QHBoxLayout,
    QTimeEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.widgets.badges import label, wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.style import give_room, set_role
from nagatha_desktop.widgets.tokens import MEASURES


class DayField(QDateEdit):
    """A day, with a calendar to choose it from."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """`name` is read out."""
        super().__init__(parent)
        self.setCalendarPopup(True)
        self.setAccessibleName(name)
        self.setDisplayFormat(self.tr("ddd d MMM yyyy"))
        self.setMinimumWidth(MEASURES.grid * 20)
        self._calm(self.calendarWidget())

    def _calm(self, calendar: QCalendarWidget) -> None:
        """Qt's calendar has colours and arrows of its own that no style sheet reaches."""
        for weekend in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
            calendar.setWeekdayTextFormat(weekend, QTextCharFormat())
        arrows = (
            ("qt_calendar_prevmonth", "‹", self.tr("Month before")),
            ("qt_calendar_nextmonth", "›", self.tr("Month after")),
        )
        for name, sign, words in arrows:
            arrow = calendar.findChild(QToolButton, name)
            if arrow is not None:
                arrow.setIcon(QIcon())
                arrow.setText(sign)
                arrow.setAccessibleName(words)

    @property
    def day(self) -> date:
        """What is chosen."""
        chosen = self.date()
        return date(chosen.year(), chosen.month(), chosen.day())

    def show_day(self, day: date) -> None:
        """Choose `day`."""
        self.setDate(QDate(day.year, day.month, day.day))


class ClockField(QTimeEdit):
    """A time of day, to the minute."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """`name` is read out."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setDisplayFormat(self.tr("HH:mm"))
        self.setFixedWidth(MEASURES.grid * 11)
        give_room(self)

    @property
    def clock(self) -> time:
        """What is chosen."""
        chosen = self.time()
        return time(chosen.hour(), chosen.minute())

    def show_clock(self, clock: time) -> None:
        """Choose `clock`; seconds are left out."""
        self.setTime(QTime(clock.hour, clock.minute))


class WhenDialog(QDialog):
    """Asks for a moment to come; `open_at` begins, `chosen` is called with the answer."""

    def __init__(
        self,
        title: str,
        button_text: str,
        clock: Callable[[], datetime],
        wall: Wall,
        chosen: Callable[[datetime], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._clock = clock
        self._wall = wall
        self._chosen = chosen
        column = QVBoxLayout(self)
        side = MEASURES.grid * 2
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(MEASURES.grid * 3 // 2)
        column.addWidget(label(title, "strong"))
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.day = DayField(self.tr("Day"))
        self.clock_field = ClockField(self.tr("Time"))
        row.addWidget(self.day, 1)
        row.addWidget(self.clock_field)
        column.addLayout(row)
        self.hint = wrapped(self.tr("Choose a moment that is still to come."), "word")
        set_role(self.hint, "word", "warn")
        policy = self.hint.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.hint.setSizePolicy(policy)
        column.addWidget(self.hint)
        foot = QHBoxLayout()
        foot.setSpacing(MEASURES.grid)
        foot.addStretch(1)
        self.cancel_button = button(self.tr("Cancel"), "flat")
        self.cancel_button.clicked.connect(self.reject)
        self.choose_button = button(button_text, "primary")
        self.choose_button.clicked.connect(self.accept)
        foot.addWidget(self.cancel_button)
        foot.addWidget(self.choose_button)
        column.addLayout(foot)
        self.choose_button.setDefault(True)
        self.day.dateChanged.connect(self._look)
        self.clock_field.timeChanged.connect(self._look)
        self.finished.connect(self.deleteLater)

    @property
    def moment(self) -> datetime:
        """What is chosen, as an instant."""
        return self._wall.at(self.day.day, self.clock_field.clock)

    def open_at(self, moment: datetime) -> None:
        """Ask, beginning with this moment."""
        there = self._wall.of(moment)
        self.day.show_day(there.date())
        self.clock_field.show_clock(there.time())
        self._look()
        self.open()
        self.raise_()
        self.activateWindow()
        self.day.setFocus()

    @Slot()
    def _look(self) -> None:
        fine = self.moment > self._clock()
        self.choose_button.setEnabled(fine)
        self.hint.setVisible(not fine)

    def accept(self) -> None:
        if self.moment > self._clock():
            super().accept()
            self._chosen(self.moment)
        else:
            self._look()
