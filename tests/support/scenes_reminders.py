"""What the screenshots show of reminders: each view, the line, the form, the menus, the settings.

Owns these scenes; tests/screenshots.py paints them. The clock in them stands still.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from nagatha_desktop.absences import Absences
from nagatha_desktop.reminders.alerts import ReminderAlerts
from nagatha_desktop.reminders.window import RemindersWindow
from nagatha_desktop.tray import Tray
from nagatha_desktop.widgets.moments import Wall
from tests.support.fake_client import FakeClient
from tests.support.notes import an_announcer, shown_by
from tests.support.scenes import Stage
from worker.contract.reminders import Quiet, Understood
from worker.contract.types import Problem

Scene = Callable[[Stage], QWidget]
ZONE = "Europe/Berlin"
NOW = datetime(2026, 11, 24, 7, 48, tzinfo=UTC)
"""A Tuesday, 8:48 in Berlin."""


def fill(fake: FakeClient, *, missed: bool = True) -> None:
    """A week of a person with things to remember."""
    due = fake.due
    due.zone = ZONE
    now = NOW
    minutes = timedelta(minutes=1)
    due.put("Publish the release notes", now + 12 * minutes, id="notes", chat="chat-2")
    due.put("Stand-up", now + 102 * minutes, id="standup", rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")
    due.put("Call the dentist", now + timedelta(hours=23, minutes=27), snoozed=True)
    due.put("Renew the certificate", now + timedelta(days=1, hours=4), urgent=True)
    due.put("Ring Kiko about the conference", now + timedelta(days=2, hours=1), zone="Asia/Tokyo")
    due.put("Pay rent", now + timedelta(days=7, minutes=12), rrule="FREQ=MONTHLY;BYMONTHDAY=1")
    due.put("Change the batteries of the smoke detectors", now + timedelta(days=60))
    if missed:
        due.put("Water the plants", now + timedelta(hours=9), id="plants", rrule="FREQ=DAILY")
        due.add_firing("plants", now - timedelta(hours=14), earlier=2)
        due.put("Send the invoice to Ada", None, id="invoice")
        due.add_firing("invoice", now - timedelta(hours=11))
    for number, text in enumerate(("Book the train to Lisbon", "Order new filters")):
        due.put(text, None, done=now - timedelta(hours=3 + 20 * number))


def _window(stage: Stage, *, full: bool = True, missed: bool = True) -> RemindersWindow:
    if full:
        fill(stage.fake, missed=missed)
    wall = Wall(lambda: ZONE)
    window = RemindersWindow(
        stage.bridge,
        stage.themes,
        stage.state,
        stage.keys,
        stage.watch,
        lambda: NOW,
        wall,
        lambda _: "off",
    )
    window.show()
    stage.kept.append(window)
    stage.wait(lambda: window.feed.loaded)
    return window


def upcoming(stage: Stage) -> QWidget:
    """What comes, what was missed, and a line that was understood."""
    window = _window(stage)
    due = datetime(2026, 12, 1, 8, tzinfo=UTC)
    line = "pay rent every 1st at 9:00"
    stage.fake.due.meanings[line] = Understood(
        "pay rent", due, "2026-12-01T09:00:00", ZONE, "FREQ=MONTHLY;BYMONTHDAY=1", "monthly"
    )
    window.line.field.setText(line)
    stage.wait(window.line.meaning.isVisible)
    return window


def hovered(stage: Stage) -> QWidget:
    """As it was drawn; the pointer is over a row, and something was done."""
    window = _window(stage, missed=False)
    window.resize(520, 470)
    window.table._hover(1, "circle")
    one = window.feed.find("notes")
    assert one is not None
    window.toggle_done(one)
    stage.wait(window.toast.isVisible)
    return window


def not_understood(stage: Stage) -> QWidget:
    """A line without a time, after Enter, and a search that finds one."""
    window = _window(stage)
    window.line.field.setText("the dentist, some day")
    window.line.keep()
    stage.wait(window.line.reason.isVisible)
    window.begin_search()
    window.search.field.setText("plants")
    stage.wait(lambda: window.feed.loaded and len(window.feed.rows["upcoming"]) == 1)
    return window


def missed(stage: Stage) -> QWidget:
    """What was missed, from the keyboard."""
    window = _window(stage)
    window.show_missed()
    return window


def done(stage: Stage) -> QWidget:
    """What is done."""
    window = _window(stage, missed=False)
    window.show_view("done")
    return window


def menu(stage: Stage) -> QWidget:
    """All that can be done to a reminder."""
    window = _window(stage)
    one = window.feed.find("standup")
    assert one is not None
    window._open_menu(one, window.mapToGlobal(QPoint(60, 300)))
    assert window.menu is not None
    return window.menu


def snooze(stage: Stage) -> QWidget:
    """A moment of one's own."""
    window = _window(stage)
    one = window.feed.find("notes")
    assert one is not None
    window.choose_snooze(one)
    assert window.dialog is not None
    return window.dialog


def edit(stage: Stage) -> QWidget:
    """The form for one that recurs, in another zone."""
    window = _window(stage)
    one = next(o for o in stage.fake.due.all.values() if o.zone == "Asia/Tokyo")
    window.edit(one)
    stage.wait(lambda: window.editor.zone.count() > 100)
    return window


def empty(stage: Stage) -> QWidget:
    """Nothing to remember."""
    return _window(stage, full=False)


def refused(stage: Stage) -> QWidget:
    """The engine says no."""
    window = _window(stage)
    window.tell(
        Problem(
            "storage",
            "The reminder was not kept",
            "The disk is full.",
            "Make room, then try again.",
            "retry",
        )
    )
    return window


def tray(stage: Stage) -> QWidget:
    """The tray's menu with its counts."""
    fill(stage.fake)
    now = datetime.now(UTC)
    for number in range(2):
        stage.fake.due.put("Later", now + timedelta(seconds=5 + number))
    stage.fake.due.kept_back = Quiet(now + timedelta(hours=1), "asked")
    stage.watch.reminders.read()
    made = Tray(stage.themes, stage.watch, stage.keys, stage.bridge)
    stage.ends.append(made.stop)
    stage.wait(lambda: bool(counts := stage.watch.reminders.counts) and counts.missed > 0)
    made.menu.popup(QPoint(100, 100))
    return made.menu


def notification(stage: Stage) -> QWidget:
    """One that is due, where the desktop itself shows no notifications."""
    announcer, notifier = an_announcer(stage.themes, stage.bridge)

    def clock() -> datetime:
        return datetime.now(UTC)

    absences = Absences(stage.bridge, clock, parent=stage.bridge)
    alerts = ReminderAlerts(
        stage.bridge, announcer, lambda: False, lambda: False, clock, absences, stage.bridge
    )
    stage.ends += [alerts.stop, notifier.stop]
    title = stage.main.title
    made = stage.fake.due.put("Publish the release notes", clock(), chat=stage.main.id)
    firing = stage.fake.due.add_firing(made.id, clock(), "due", chat_title=title)
    alerts._consider((firing,))
    stage.wait(lambda: bool(shown_by(notifier)))
    return shown_by(notifier)[0]


REMINDER_SCENES: dict[str, Scene] = {
    "reminders-upcoming": upcoming,
    "reminders-as-drawn": hovered,
    "reminders-not-understood": not_understood,
    "reminders-missed": missed,
    "reminders-done": done,
    "reminders-menu": menu,
    "reminders-snooze": snooze,
    "reminders-edit": edit,
    "reminders-empty": empty,
    "reminders-refused": refused,
    "reminders-tray": tray,
    "notification": notification,
}
"""File name and scene. A scene returns the window to be painted."""
