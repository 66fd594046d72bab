"""Notifications of the system and windows of our own, and what follows from an answer."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nagatha_desktop.announcer import Announcer, Choice
from nagatha_desktop.platform.notifications import Notifier, Shown
from nagatha_desktop.widgets.notes import Notes
from nagatha_desktop.widgets.theme import ThemeController


@pytest.fixture
def notifier(themes: ThemeController, qtbot: QtBot) -> Iterator[Notifier]:
    """On a machine without a bus."""
    made = Notifier(lambda answered: Notes(themes, answered))
    yield made
    made.stop()
    made.deleteLater()


def notes(notifier: Notifier) -> Notes:
    assert isinstance(notifier.windows, Notes)
    return notifier.windows


def test_without_a_bus_windows_of_our_own_speak_and_their_buttons_act(
    notifier: Notifier, qtbot: QtBot
) -> None:
    announcer, done, seen = Announcer(notifier), list[str](), list[Shown]()
    announcer.told.connect(seen.append)
    choices = (Choice("Done", lambda: done.append("done")), Choice("No", lambda: None))
    announcer.say("one", "Pay <rent>", "Due now", choices=choices, stays=True)
    announcer.say("two", "Other", "", opens=lambda: done.append("opened"))
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen[0] == Shown("one", "window", "no_bus")
    first, second = notes(notifier).notes
    assert first.isVisible() and second.isVisible() and second.y() < first.y()
    assert not first.isActiveWindow() and not first._timer.isActive()
    assert second._timer.isActive()
    first.buttons["0"].click()
    assert done == ["done"] and notes(notifier).notes == [second]
    qtbot.mouseClick(second, Qt.MouseButton.LeftButton)
    assert done == ["done", "opened"] and notes(notifier).notes == []
    announcer.deleteLater()


def test_a_click_that_does_what_a_button_does_needs_no_button_of_its_own(
    notifier: Notifier, qtbot: QtBot
) -> None:
    announcer, seen = Announcer(notifier), list[Shown]()
    announcer.told.connect(seen.append)

    def show() -> None:
        return None

    announcer.say("one", "", "", choices=(Choice("Show", show),), opens=show)
    announcer.say("two", "", "", choices=(Choice("Done", print),), opens=show)
    announcer.say("three", "", "")
    qtbot.waitUntil(lambda: len(seen) == 3)
    told = [note.notification.clickable for note in notes(notifier).notes]
    assert told == [False, True, False]
    announcer.deleteLater()


def test_what_is_withdrawn_or_replaced_is_shown_no_more(notifier: Notifier, qtbot: QtBot) -> None:
    announcer, seen = Announcer(notifier), list[Shown]()
    announcer.told.connect(seen.append)
    announcer.say("one", "Before", "")
    qtbot.waitUntil(lambda: len(seen) == 1)
    announcer.say("one", "After", "")
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert [note.notification.title for note in notes(notifier).notes] == ["After"]
    announcer.withdraw("one")
    assert notes(notifier).notes == [] and announcer.said == ()
    announcer.deleteLater()


def test_one_that_need_not_be_answered_goes_by_itself(notifier: Notifier, qtbot: QtBot) -> None:
    announcer, seen = Announcer(notifier), list[Shown]()
    announcer.told.connect(seen.append)
    announcer.say("one", "A thing", "")
    qtbot.waitUntil(lambda: len(seen) == 1)
    notes(notifier).notes[0]._timer.timeout.emit()
    assert notes(notifier).notes == []
    announcer.deleteLater()
