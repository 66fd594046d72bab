"""Reminders: quiet hours, "do not disturb until", and what becomes of what was missed.

Owns these few rows. The settings are the engine's; whether nobody is to disturb now is known to the
watch. What notifications there are is a group of its own, which is put at the end.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from nagatha_desktop.settings.fields import NUMBER_WIDTH, SETTLES, Choice
from nagatha_desktop.settings.page import Page, Row, Rows, make_switch
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.status import ReminderWatch
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.moments import Wall, clock, point, tomorrow_morning
from nagatha_desktop.widgets.tokens import MEASURES
from nagatha_desktop.widgets.when import ClockField, WhenDialog
from worker.contract.system import Setting
from worker.contract.types import Problem

FROM = "reminders.quiet_from"
TO = "reminders.quiet_to"
MISSED = "reminders.missed"
USUAL = (time(22), time(7))
"""The quiet hours that are offered where there are none."""


def utc_now() -> datetime:
    """The clock that is used where no other is given."""
    return datetime.now(UTC)


class RemindersPage(Page):
    """See the module."""

    def __init__(
        self,
        store: SettingsStore,
        watch: ReminderWatch,
        parent: QWidget | None = None,
        now: Callable[[], datetime] = utc_now,
        wall: Wall | None = None,
    ) -> None:
        super().__init__(self.tr("Reminders"), parent)
        self._store = store
        self._watch = watch
        self._now = now
        self._wall = wall or Wall()
        self._showing = False
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLES)
        self._settle.timeout.connect(self._send_hours)
        self.dialog: WhenDialog | None = None
        """The question how long nobody is to disturb, while it is open."""
        self.add_section(self.tr("Do not disturb"))
        calm = Rows()
        calm.add(self._quiet_row())
        calm.add(self._hours_row())
        self.add(calm)
        self.add_section(self.tr("Missed reminders"))
        missed = Rows()
        missed.add(self._missed_row())
        self.add(missed)
        self.end()
        store.changed.connect(self._show_settings)
        watch.changed.connect(self._show_quiet)
        self._show_settings()
        self._show_quiet()

    # -- how it is put together -----------------------------------------------------------------

    def _quiet_row(self) -> Row:
        self.quiet_row = Row(self.tr("Do not disturb until"), " ")
        self.hour_button = button(self.tr("1 hour"), name=self.tr("Do not disturb for 1 hour"))
        self.hour_button.clicked.connect(self._for_an_hour)
        self.morning_button = button(self.tr("Tomorrow"))
        self.morning_button.clicked.connect(self._until_morning)
        self.choose_button = button(
            self.tr("Choose …"), name=self.tr("Choose until when nobody is to disturb")
        )
        self.choose_button.clicked.connect(self._choose)
        self.end_button = button(self.tr("End it"), "primary")
        self.end_button.clicked.connect(self._end)
        buttons = QHBoxLayout()
        buttons.setSpacing(MEASURES.grid)
        for made in (self.end_button, self.hour_button, self.morning_button, self.choose_button):
            buttons.addWidget(made)
        buttons.addStretch(1)
        self.quiet_row.below.insertLayout(0, buttons)
        return self.quiet_row

    def _hours_row(self) -> Row:
        self.hours_row = Row(
            self.tr("Quiet hours"),
            self.tr("What is new then is said once they end. Urgent reminders come through."),
        )
        self.hours = make_switch()
        self.hours.clicked.connect(self._switched)
        self.begin = ClockField(self.tr("Quiet from"))
        self.until = ClockField(self.tr("Quiet until"))
        for field in (self.begin, self.until):
            field.timeChanged.connect(self._stepped)
            field.editingFinished.connect(self._left)
        self.to_word = label(self.tr("to"), "muted")
        for widget in (self.begin, self.to_word, self.until, self.hours):
            if isinstance(widget, ClockField):
                self.hours_row.line.addWidget(widget)
            else:
                self.hours_row.put(widget)
        return self.hours_row

    def _missed_row(self) -> Row:
        self.missed_row = Row(
            self.tr("When one was missed"),
            self.tr(
                "What becomes of a time that passed while Nagatha was off. Each reminder can have "
                "its own way; this is how new ones begin."
            ),
        )
        self.missed = Choice()
        for value, text in (
            ("notify", self.tr("Notify")),
            ("list", self.tr("Only list it")),
            ("skip", self.tr("Leave it out")),
        ):
            self.missed.addItem(text, value)
        self.missed.setMinimumWidth(NUMBER_WIDTH)
        self.missed.activated.connect(self._missed_chosen)
        self.missed_row.put(self.missed)
        return self.missed_row

    def load(self) -> None:
        """Ask what holds now."""
        self._watch.read()

    # -- do not disturb -------------------------------------------------------------------------

    @Slot()
    def _show_quiet(self) -> None:
        quiet, now = self._watch.quiet, self._now()
        self.end_button.setVisible(quiet is not None and quiet.until is not None)
        for made in (self.hour_button, self.morning_button, self.choose_button):
            made.setEnabled(quiet is not None)
        morning = clock(self._wall.of(tomorrow_morning(now, self._wall)))
        self.morning_button.setText(self.tr("Tomorrow {time}").format(time=morning))
        self.morning_button.setAccessibleName(
            self.tr("Do not disturb until tomorrow {time}").format(time=morning)
        )
        if quiet is None:
            self.quiet_row.say(self.tr("Not known yet."))
        elif quiet.until is None:
            self.quiet_row.say(self.tr("Notifications come as they are due."))
        else:
            kept = (
                self.tr("Kept back until {time}, for these are quiet hours.")
                if quiet.why == "hours"
                else self.tr("Kept back until {time}. Urgent reminders come through.")
            )
            self.quiet_row.say(kept.format(time=point(quiet.until, now, self._wall)))

    def _disturb_not(self, until: datetime | None) -> None:
        self.quiet_row.problems.clear()
        self._watch.do_not_disturb(until, self.quiet_row.problems.tell)

    @Slot()
    def _for_an_hour(self) -> None:
        self._disturb_not(self._now() + timedelta(hours=1))

    @Slot()
    def _until_morning(self) -> None:
        self._disturb_not(tomorrow_morning(self._now(), self._wall))

    @Slot()
    def _end(self) -> None:
        self._disturb_not(None)

    @Slot()
    def _choose(self) -> None:
        self.dialog = WhenDialog(
            self.tr("Do not disturb until"),
            self.tr("Do not disturb"),
            self._now,
            self._wall,
            self._disturb_not,
            self,
        )
        self.dialog.finished.connect(self._dialog_closed)
        self.dialog.open_at(self._now() + timedelta(hours=2))

    @Slot()
    def _dialog_closed(self) -> None:
        self.dialog = None

    # -- settings -------------------------------------------------------------------------------

    @Slot()
    def _show_settings(self) -> None:
        begin, until = self._store.settings.get(FROM), self._store.settings.get(TO)
        missed = self._store.settings.get(MISSED)
        self.hours_row.setVisible(begin is not None and until is not None)
        self.missed_row.setVisible(missed is not None)
        if begin is not None and until is not None:
            self._show_hours(begin, until)
        if missed is not None:
            self.missed.setCurrentIndex(max(0, self.missed.findData(missed.value)))
            self.missed.setEnabled(not _fixed(missed))

    def _show_hours(self, begin: Setting, until: Setting) -> None:
        if self._settle.isActive():
            return  # what is being typed is newer
        first, last = _clock(begin), _clock(until)
        on = first is not None and last is not None
        self._showing = True
        self.hours.setChecked(on)
        self.begin.show_clock(first or USUAL[0])
        self.until.show_clock(last or USUAL[1])
        self._showing = False
        fixed = _fixed(begin) or _fixed(until)
        self.hours.setEnabled(not fixed)
        for widget in (self.begin, self.to_word, self.until):
            widget.setVisible(on)
            widget.setEnabled(not fixed)

    @Slot()
    def _switched(self) -> None:
        self._settle.stop()
        on = self.hours.isChecked()
        for widget in (self.begin, self.to_word, self.until):
            widget.setVisible(on)
        self._send_hours()

    @Slot()
    def _stepped(self) -> None:
        if not self._showing:
            self._settle.start()

    @Slot()
    def _left(self) -> None:
        if self._settle.isActive():
            self._send_hours()

    @Slot()
    def _send_hours(self) -> None:
        """Both, where they are another: one alone means nothing."""
        self._settle.stop()
        on = self.hours.isChecked()
        wanted = {
            FROM: f"{self.begin.clock:%H:%M}" if on else "",
            TO: f"{self.until.clock:%H:%M}" if on else "",
        }
        self.hours_row.problems.clear()
        for key, value in wanted.items():
            setting = self._store.settings.get(key)
            if setting is not None and setting.value != value:
                self._store.change(
                    key, value, owner=self, done=self._hours_changed, failed=self._hours_refused
                )

    def _hours_changed(self, _: Setting) -> None:
        self._show_settings()
        self._watch.read()

    def _hours_refused(self, problem: Problem) -> None:
        self.hours_row.problems.tell(problem)
        self._show_settings()

    @Slot()
    def _missed_chosen(self) -> None:
        self.missed_row.problems.clear()
        self._store.change(
            MISSED,
            str(self.missed.currentData()),
            owner=self,
            done=lambda _: self._show_settings(),
            failed=self._missed_refused,
        )

    def _missed_refused(self, problem: Problem) -> None:
        self.missed_row.problems.tell(problem)
        self._show_settings()


def _fixed(setting: Setting) -> bool:
    return setting.source in ("environment", "project")


def _clock(setting: Setting) -> time | None:
    try:
        return time.fromisoformat(str(setting.value))
    except ValueError:
        return None
