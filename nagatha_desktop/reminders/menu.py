"""The menus of one reminder: all that can be done to it, and when to be reminded again.

Owns which entries there are for what it is, and the moments that a snooze offers. Doing it is the
business of what is handed in.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from nagatha_desktop.reminders import words
from nagatha_desktop.widgets import moments
from nagatha_desktop.widgets.moments import Wall
from worker.contract.reminders import Reminder

translate = QCoreApplication.translate


class Deeds(Protocol):
    """What the entries do."""

    def toggle_done(self, reminder: Reminder) -> None: ...
    def snooze(self, reminder: Reminder, until: datetime) -> None: ...
    def choose_snooze(self, reminder: Reminder) -> None: ...
    def skip(self, reminder: Reminder) -> None: ...
    def edit(self, reminder: Reminder) -> None: ...
    def open_chat(self, reminder: Reminder) -> None: ...
    def delete(self, reminder: Reminder) -> None: ...


def snoozes(now: datetime, wall: Wall) -> list[tuple[str, datetime]]:
    """What a snooze offers at this moment, and until when each lasts."""
    found = [
        (translate("Reminders", "10 minutes"), now + timedelta(minutes=10)),
        (translate("Reminders", "1 hour"), now + timedelta(hours=1)),
    ]
    evening = moments.later_today(now, wall)
    if evening is not None:
        word = translate("Reminders", "This evening, {time}")
        found.append((word.format(time=moments.clock(wall.of(evening))), evening))
    morning = moments.tomorrow_morning(now, wall)
    word = translate("Reminders", "Tomorrow, {time}")
    found.append((word.format(time=moments.clock(wall.of(morning))), morning))
    return found


def fill_snoozes(
    menu: QMenu, reminder: Reminder, deeds: Deeds, clock: Callable[[], datetime], wall: Wall
) -> None:
    """Put the ways to put a reminder off into a menu."""
    for text, until in snoozes(clock(), wall):
        action = menu.addAction(text)
        action.triggered.connect(lambda _=False, until=until: deeds.snooze(reminder, until))
    menu.addSeparator()
    choose = menu.addAction(translate("Reminders", "Choose day and time …"))
    choose.triggered.connect(lambda: deeds.choose_snooze(reminder))


def snooze_menu(
    reminder: Reminder,
    deeds: Deeds,
    clock: Callable[[], datetime],
    wall: Wall,
    parent: QWidget,
) -> QMenu:
    """The ways to put a reminder off."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setAccessibleName(translate("Reminders", "Remind again"))
    fill_snoozes(menu, reminder, deeds, clock, wall)
    return menu


def reminder_menu(
    reminder: Reminder,
    deeds: Deeds,
    clock: Callable[[], datetime],
    wall: Wall,
    parent: QWidget,
) -> QMenu:
    """All that can be done to a reminder; keys that do the same in the list stand beside."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setAccessibleName(reminder.text)

    def add(text: str, do: Callable[[Reminder], None], key: str) -> None:
        action = menu.addAction(text)
        action.triggered.connect(lambda: do(reminder))
        action.setShortcut(QKeySequence(key))
        action.setShortcutVisibleInContextMenu(True)

    over = words.ended(reminder) is not None
    done = translate("Reminders", "Open again") if over else translate("Reminders", "Done", "deed")
    add(done, deeds.toggle_done, "Space")
    if not over:
        fill_snoozes(
            menu.addMenu(translate("Reminders", "Remind again")), reminder, deeds, clock, wall
        )
        if reminder.rrule:
            add(translate("Reminders", "Skip once"), deeds.skip, "N")
    menu.addSeparator()
    add(translate("Reminders", "Edit …"), deeds.edit, "Return")
    if reminder.chat:
        add(translate("Reminders", "Open its chat"), deeds.open_chat, "C")
    menu.addSeparator()
    add(translate("Reminders", "Delete"), deeds.delete, "Del")
    return menu
