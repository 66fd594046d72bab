"""Choosing when a routine runs: presets with a time, a cron line, or a rule.

Owns the fields and what they mean as `start`, `rrule` and `cron`. Whether that makes sense is
found out by the engine.
"""

from dataclasses import dataclass

from PySide6.QtCore import QDate, QDateTime, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from nagatha_desktop.activity import routine_words as words
from nagatha_desktop.activity.controls import Choice, DateField, TimeField, WholeNumber
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.tokens import MEASURES


@dataclass(frozen=True, slots=True)
class Chosen:
    """When it is to run, as a `RoutineDraft` has it."""

    start: str
    rrule: str = ""
    cron: str = ""


class When(QWidget):
    """See the module."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._start = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(MEASURES.grid)
        first = QHBoxLayout()
        first.setSpacing(MEASURES.grid)
        self.pattern = Choice()
        self.pattern.setAccessibleName(self.tr("When"))
        for text, pattern in (
            (self.tr("Every day"), "daily"),
            (self.tr("Every weekday"), "weekdays"),
            (self.tr("Weekly on …"), "weekly"),
            (self.tr("Monthly on day …"), "monthly"),
            (self.tr("Once"), "once"),
            (self.tr("By a cron line"), "cron"),
            (self.tr("By a rule (RRULE)"), "rule"),
        ):
            self.pattern.addItem(text, pattern)
        first.addWidget(self.pattern)
        self.day = WholeNumber()
        self.day.setRange(1, 31)
        self.day.setAccessibleName(self.tr("Day of the month"))
        self.day.setMinimumWidth(MEASURES.grid * 9)
        first.addWidget(self.day)
        self.date = DateField()
        self.date.setAccessibleName(self.tr("Day"))
        self.date.setMinimumWidth(MEASURES.grid * 20)
        first.addWidget(self.date)
        self.at = label(self.tr("at"), "muted")
        first.addWidget(self.at)
        self.time = TimeField()
        self.time.setAccessibleName(self.tr("Time"))
        self.time.setMinimumWidth(MEASURES.grid * 11)
        first.addWidget(self.time)
        first.addStretch(1)
        column.addLayout(first)
        self.week = QWidget()
        week = QHBoxLayout(self.week)
        week.setContentsMargins(0, 0, 0, 0)
        week.setSpacing(MEASURES.half)
        self.days = {day: button(words.day_word(day), "secondary") for day in words.DAYS}
        for made in self.days.values():
            made.setCheckable(True)
            made.toggled.connect(self._change)
            week.addWidget(made)
        week.addStretch(1)
        column.addWidget(self.week)
        self.cron = QLineEdit()
        self.cron.setPlaceholderText("30 8 * * 1-5")
        self.cron.setAccessibleName(self.tr("Cron line: minute, hour, day, month, day of the week"))
        self.rule = QLineEdit()
        self.rule.setPlaceholderText("FREQ=MONTHLY;BYDAY=-1FR")
        self.rule.setAccessibleName(self.tr("Rule (RRULE)"))
        for line in (self.cron, self.rule):
            column.addWidget(line)
            line.textChanged.connect(self._change)
        self.pattern.currentIndexChanged.connect(self._turn)
        self.day.valueChanged.connect(self._change)
        self.date.dateChanged.connect(self._change)
        self.time.timeChanged.connect(self._change)
        self.days[words.DAYS[QDate.currentDate().dayOfWeek() - 1]].setChecked(True)
        self.day.setValue(QDate.currentDate().day())
        self.pattern.choose("weekdays")
        self._turn()

    def show_rule(self, start: str, rrule: str, cron: str) -> None:
        """Begin with this."""
        found = words.simple(rrule, cron, start)
        moment = QDateTime.fromString(start[:16], "yyyy-MM-ddTHH:mm")
        if moment.isValid():
            self._start = start
            self.date.setDate(moment.date())
            self.time.setTime(moment.time())
        if found.pattern == "weekly":
            for day, made in self.days.items():
                made.setChecked(day in found.days)
        elif found.pattern == "monthly":
            self.day.setValue(found.month_day)
        self.cron.setText(cron)
        self.rule.setText(rrule if found.pattern == "rule" else "")
        self.pattern.choose(found.pattern)
        self._turn()

    @property
    def chosen(self) -> Chosen:
        """What stands there."""
        pattern = self.pattern.currentData()
        if pattern == "cron":
            # Where a cron line begins has no part in it.
            return Chosen(self._start, cron=self.cron.text().strip())
        dated = pattern in ("once", "rule")
        kept = QDateTime.fromString(self._start[:16], "yyyy-MM-ddTHH:mm")
        day = self.date.date() if dated or kept.isValid() else QDate.currentDate()
        start = words.wall_text(day, self.time.time())
        if pattern == "once":
            return Chosen(start)
        days = ",".join(day for day, made in self.days.items() if made.isChecked())
        rules = {
            "daily": "FREQ=DAILY",
            "weekdays": f"FREQ=WEEKLY;BYDAY={','.join(words.WEEKDAYS)}",
            "weekly": f"FREQ=WEEKLY;BYDAY={days}",
            "monthly": f"FREQ=MONTHLY;BYMONTHDAY={self.day.value()}",
            "rule": self.rule.text().strip().removeprefix("RRULE:"),
        }
        return Chosen(start, rules[pattern])

    def missing(self) -> str:
        """What still has to be chosen, in words; "" for nothing."""
        pattern = self.pattern.currentData()
        if pattern == "weekly" and not any(made.isChecked() for made in self.days.values()):
            return self.tr("Choose a day of the week.")
        if pattern == "cron" and not self.cron.text().strip():
            return self.tr("Write a cron line: minute, hour, day, month, day of the week.")
        if pattern == "rule" and not self.rule.text().strip():
            return self.tr("Write a rule as iCalendar has it.")
        return ""

    @Slot()
    def _turn(self) -> None:
        pattern = self.pattern.currentData()
        self.day.setVisible(pattern == "monthly")
        self.date.setVisible(pattern in ("once", "rule"))
        self.time.setVisible(pattern != "cron")
        self.at.setVisible(pattern != "cron")
        self.week.setVisible(pattern == "weekly")
        self.cron.setVisible(pattern == "cron")
        self.rule.setVisible(pattern == "rule")
        self.changed.emit()

    @Slot()
    def _change(self) -> None:
        self.changed.emit()
