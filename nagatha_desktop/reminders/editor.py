"""Changing a reminder: a form that stands in the list's place until it is saved or left.

Owns the fields, what of them has changed, and sending it. Whether it makes sense is said by the
engine.
"""

import asyncio
from datetime import datetime
from typing import TypedDict
from zoneinfo import available_timezones

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.reminders import words
from nagatha_desktop.reminders.repeats import REPEATS, Repeat, repeat_of, rule, word
from nagatha_desktop.widgets import moments
from nagatha_desktop.widgets.badges import Elided, label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import ErrorCard
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES
from nagatha_desktop.widgets.when import ClockField, DayField
from worker.contract.reminders import MissedPolicy, Reminder
from worker.contract.services import Client
from worker.contract.types import Problem

_SIDE = MEASURES.grid * 2
_POLICIES: tuple[MissedPolicy, ...] = ("notify", "list", "skip")


class Changes(TypedDict, total=False):
    """What `ReminderService.change` is given; what is left out stays."""

    text: str
    start: str
    zone: str
    rrule: str
    notes: str
    urgent: bool
    missed: MissedPolicy


class _Choice(QComboBox):
    """Scrolling the form over it does not change it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ReminderEditor(QWidget):
    """See the module."""

    saved = Signal(object)
    """It is like this now (Reminder)."""
    closed = Signal()
    """Nothing is edited any more, saved or not."""

    def __init__(self, bridge: Bridge, wall: Wall, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._wall = wall
        self._saving: Call | None = None
        self._rule = ""
        self._zones_known = False
        self.reminder: Reminder | None = None
        """What is edited now, as it was when that began."""
        self.card: ErrorCard | None = None
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        canvas = QWidget()
        set_role(canvas, "canvas")
        self._column = QVBoxLayout(canvas)
        self._column.setContentsMargins(_SIDE, MEASURES.grid, _SIDE, _SIDE)
        self._column.setSpacing(MEASURES.grid)
        self._column.addLayout(self._fields())
        self._column.addStretch(1)
        area.setWidget(canvas)
        whole.addWidget(area, 1)
        whole.addWidget(self._foot())
        self.repeat.currentIndexChanged.connect(self._repeat_chosen)
        self.day.dateChanged.connect(self._repeat_chosen)
        self.zone.currentTextChanged.connect(self._say_here)
        self.day.dateChanged.connect(self._say_here)
        self.clock.timeChanged.connect(self._say_here)

    # -- how it is put together -----------------------------------------------------------------

    def _fields(self) -> QFormLayout:
        form = QFormLayout()
        form.setHorizontalSpacing(MEASURES.grid * 2)
        form.setVerticalSpacing(MEASURES.grid)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.text = QLineEdit()
        self.text.returnPressed.connect(self.save)
        self._add(form, self.tr("Text"), self.text)
        self.notes = QPlainTextEdit()
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(MEASURES.grid * 8)
        self._add(form, self.tr("Notes"), self.notes)
        self.day = DayField(self.tr("Day"))
        self.clock = ClockField(self.tr("Time"))
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        row.addWidget(self.day)
        row.addWidget(self.clock)
        row.addStretch(1)
        form.addRow(_name(self.tr("When")), row)
        self.zone = _Choice()
        self.zone.setEditable(True)
        self.zone.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.zone.setMinimumContentsLength(18)
        self.zone.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._add(form, self.tr("Time zone"), self.zone)
        self.here = Elided("", "small")
        form.addRow("", self.here)
        self.repeat = _Choice()
        for repeat in REPEATS:
            self.repeat.addItem(word(repeat), repeat)
        self._add(form, self.tr("Repeat"), self.repeat)
        self.rrule = QLineEdit()
        self.rrule.setPlaceholderText("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU")
        self.rrule.returnPressed.connect(self.save)
        self.rrule_name = self._add(form, self.tr("Rule"), self.rrule)
        self.missed = _Choice()
        for policy in _POLICIES:
            self.missed.addItem(words.policy(policy), policy)
        self._add(form, self.tr("When missed"), self.missed)
        self.urgent = QCheckBox(self.tr("Urgent: comes through quiet hours, stays until answered"))
        form.addRow("", self.urgent)
        return form

    def _add(self, form: QFormLayout, name: str, field: QWidget) -> QWidget:
        field.setAccessibleName(name)
        shown = _name(name)
        form.addRow(shown, field)
        return shown

    def _foot(self) -> QFrame:
        foot = QFrame()
        set_role(foot, "foot")
        row = QHBoxLayout(foot)
        row.setContentsMargins(_SIDE, MEASURES.grid, _SIDE, MEASURES.grid)
        row.setSpacing(MEASURES.grid)
        row.addStretch(1)
        self.cancel_button = button(self.tr("Cancel"), "flat")
        self.cancel_button.clicked.connect(self.close_form)
        self.save_button = button(self.tr("Save"), "primary")
        self.save_button.clicked.connect(self.save)
        row.addWidget(self.cancel_button)
        row.addWidget(self.save_button)
        return foot

    # -- showing ----------------------------------------------------------------------------------

    def edit(self, reminder: Reminder) -> None:
        """Begin to edit a reminder."""
        self.reminder = reminder
        self._clear_card()
        self.save_button.setEnabled(True)
        self.text.setText(reminder.text)
        self.notes.setPlainText(reminder.notes)
        self._show_zone(reminder.zone)
        start = _wall_time(reminder.start)
        if start is not None:
            self.day.show_day(start.date())
            self.clock.show_clock(start.time())
        self._rule = reminder.rrule
        repeat = repeat_of(reminder.rrule, self.day.day)
        self.repeat.setCurrentIndex(REPEATS.index(repeat))
        self._repeat_chosen()
        self.missed.setCurrentIndex(_POLICIES.index(reminder.missed))
        self.urgent.setChecked(reminder.urgent)
        self._say_here()
        self._know_zones()
        self.text.setFocus()
        self.text.selectAll()

    def _show_zone(self, zone: str) -> None:
        if self.zone.findText(zone) < 0:
            self.zone.addItem(zone)
        self.zone.setCurrentIndex(self.zone.findText(zone))

    def _know_zones(self) -> None:
        """The list of all zones is on the disk, so it comes when it comes."""
        if self._zones_known:
            return
        self._zones_known = True

        async def read(_: Client) -> list[str]:
            return sorted(await asyncio.to_thread(available_timezones))

        def done(zones: list[str]) -> None:
            shown = self.zone.currentText()
            self.zone.blockSignals(True)
            self.zone.clear()
            self.zone.addItems(zones)
            self._show_zone(shown)
            self.zone.blockSignals(False)
            completer = self.zone.completer()
            if completer is not None:
                completer.setFilterMode(Qt.MatchFlag.MatchContains)
                completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)

        self._bridge.call(read, owner=self, done=done, failed=self._no_zones)

    def _no_zones(self, problem: Problem) -> None:
        self._zones_known = False

    @property
    def chosen_repeat(self) -> Repeat:
        """How often, as it is chosen."""
        return REPEATS[self.repeat.currentIndex()]

    @Slot()
    def _repeat_chosen(self) -> None:
        repeat = self.chosen_repeat
        if repeat != "other":
            # A rule that was there keeps its own way of saying the same.
            same = repeat_of(self._rule, self.day.day) == repeat
            self.rrule.setText(self._rule if same else rule(repeat, self.day.day))
        elif repeat_of(self.rrule.text(), self.day.day) != "other":
            self.rrule.setText(self._rule or self.rrule.text())
        self.rrule.setReadOnly(repeat != "other")
        for widget in (self.rrule, self.rrule_name):
            widget.setVisible(repeat != "once")

    @Slot()
    def _say_here(self) -> None:
        """What the clock here shows, where the reminder is meant elsewhere."""
        zone = moments.zone_of(self.zone.currentText())
        said = ""
        if zone is not None:
            there = datetime.combine(self.day.day, self.clock.clock, tzinfo=zone)
            here = self._wall.of(there)
            if here.utcoffset() != there.utcoffset():
                time = moments.day_and_clock(here, there)
                said = self.tr("{time} here").format(time=time)
        self.here.set_text(said)
        self.here.setVisible(bool(said))

    # -- saving -----------------------------------------------------------------------------------

    def changes(self) -> Changes:
        """What is different from what the reminder was."""
        old = self.reminder
        found = Changes()
        if old is None:
            return found
        start = datetime.combine(self.day.day, self.clock.clock)
        was = _wall_time(old.start)
        # A time that was not touched keeps its seconds.
        if was is None or was.replace(second=0, microsecond=0) != start:
            found["start"] = start.isoformat()
        if (text := self.text.text().strip()) != old.text:
            found["text"] = text
        if (notes := self.notes.toPlainText()) != old.notes:
            found["notes"] = notes
        if (zone := self.zone.currentText().strip()) != old.zone:
            found["zone"] = zone
        rrule = "" if self.chosen_repeat == "once" else self.rrule.text().strip()
        if rrule != old.rrule:
            found["rrule"] = rrule.removeprefix("RRULE:")
        if self.urgent.isChecked() != old.urgent:
            found["urgent"] = self.urgent.isChecked()
        policy = _POLICIES[self.missed.currentIndex()]
        if policy != old.missed:
            found["missed"] = policy
        return found

    @Slot()
    def save(self) -> None:
        """Send what has changed; the form stays until the engine took it."""
        reminder = self.reminder
        if reminder is None or self._saving is not None:
            return
        self.day.interpretText()
        self.clock.interpretText()
        changes = self.changes()
        if not changes:
            self.close_form()
            return
        self._clear_card()
        self.save_button.setEnabled(False)

        def done(now: Reminder) -> None:
            self._saving = None
            self.saved.emit(now)
            self.close_form()

        def failed(problem: Problem) -> None:
            self._saving = None
            self.save_button.setEnabled(True)
            self._tell(problem)

        self._saving = self._bridge.call(
            lambda client: client.reminders.change(reminder.id, **changes),
            owner=self,
            done=done,
            failed=failed,
        )

    def _tell(self, problem: Problem) -> None:
        self.card = ErrorCard(problem, self, dismissible=True)
        self.card.dismissed.connect(self._clear_card)
        self.card.action_wanted.connect(self.save)
        self._column.insertWidget(0, self.card)

    @Slot()
    def _clear_card(self) -> None:
        card, self.card = self.card, None
        if card is not None:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()

    @Slot()
    def close_form(self) -> None:
        """Leave it; what was not saved is not kept."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        self.reminder = None
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_form()
            return
        super().keyPressEvent(event)


def _name(text: str) -> QWidget:
    made = label(text, "muted")
    made.setMinimumHeight(MEASURES.button)
    made.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return made


def _wall_time(start: str) -> datetime | None:
    try:
        return datetime.fromisoformat(start)
    except ValueError:
        return None
