"""Reminders in the program: tray with its counts, commands, keys, and "do not disturb"."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.app import commands_of, parse
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.program import Program
from nagatha_desktop.settings.pages.reminders import RemindersPage
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.program import begun
from tests.support.settings_window import Maker, settings_windows
from worker.contract.errors import Unavailable
from worker.contract.reminders import ReminderCounts

# The offscreen platform has no tray, and says so in these words.
pytestmark = pytest.mark.qt_log_ignore("systemTrayWindowChanged")

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def make(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Maker]:
    with settings_windows(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


def moods(program: Program) -> tuple[str, ...]:
    return (program.watch.mood,)


def test_counts_are_live_in_the_tray_and_a_missed_one_needs_the_person(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    told = ReminderCounts(2, 0, 0)

    async def counts() -> ReminderCounts:
        return told

    fake.due.counts = counts  # type: ignore[method-assign]
    begun(program, qtbot)
    tray = program.tray
    qtbot.waitUntil(lambda: tray.reminders.text() == "Reminders\t2 today")
    assert moods(program) == ("idle",)
    # Elsewhere, or with another clock, today is another day: that is noticed within a minute.
    day = program.watch.reminders._day
    assert day.isActive() and day.interval() <= 60_000
    told = ReminderCounts(0, 1, 1)
    one = fake.due.put("tea", datetime.now(UTC) + timedelta(hours=1))
    on_loop(fake.due.fire(one.id, "missed"))
    qtbot.waitUntil(lambda: tray.reminders.text() == "Reminders\t1 missed")
    assert moods(program) == ("needs_you",)
    told = ReminderCounts(0, 0, 0)
    on_loop(fake.due.done(one.id))
    qtbot.waitUntil(lambda: tray.reminders.text() == "Reminders")


def test_commands_keys_and_the_tray_show_the_window(
    program: Program, fake: FakeClient, qtbot: QtBot
) -> None:
    assert commands_of(parse(["--show", "reminders"])) == ["show reminders"]
    begun(program, qtbot)
    assert program.reminders.made is None
    program.obey(["show reminders"])
    window = program.reminders.window
    assert window.isVisible()
    activity = program.activity.window
    for keys in (program.window._window_keys, activity._window_keys):
        window.hide()
        keys.actions["window.reminders"].trigger()
        assert window.isVisible()
    window.hide()
    program.tray.reminders.trigger()
    assert window.isVisible()
    window._window_keys.actions["window.activity"].trigger()
    assert activity.isVisible()
    chat = fake.store.add("One", "a", "b")
    one = fake.due.put("tea", datetime.now(UTC) + timedelta(hours=1), chat=chat.id)
    window.open_chat(one)
    qtbot.waitUntil(lambda: program.window.model.chat_id == chat.id)
    program.reminders.show_reminder(one.id)
    qtbot.waitUntil(lambda: window.table.current is not None)


def test_the_window_says_why_they_were_missed(
    program: Program, fake: FakeClient, qtbot: QtBot
) -> None:
    one = fake.due.put("tea", None)
    begun(program, qtbot)
    qtbot.waitUntil(lambda: program.alerts.absences._was_paused is False)
    now = datetime.now(UTC)
    firing = fake.due.add_firing(one.id, now - timedelta(hours=1))
    fake.due.firings[firing.id] = replace(firing, fired=now)
    program.show_reminders()
    bar = program.reminders.window.bar
    qtbot.waitUntil(lambda: bar.words.whole() == "1 was due while Nagatha was off")


def test_how_long_the_machine_slept_is_found_out_when_it_wakes(
    program: Program, qtbot: QtBot
) -> None:
    begun(program, qtbot)
    absences = program.alerts.absences
    absences._before, absences._slept = 0.0, lambda: 3600.0
    program.wakefulness.sleep.woke.emit()
    assert len(absences._sleeps) == 1


def test_nobody_disturbs_from_the_tray(program: Program, fake: FakeClient, qtbot: QtBot) -> None:
    begun(program, qtbot)
    tray, quiet = program.tray, program.watch.reminders
    qtbot.waitUntil(lambda: quiet.quiet is not None)
    assert tray.quiet_menu.title() == "Do not disturb" and not tray.quiet_end.isVisible()
    tray.quiet_hour.trigger()
    qtbot.waitUntil(lambda: "until" in tray.quiet_menu.title())
    assert tray.quiet_end.isVisible()
    tray.quiet_morning.trigger()
    qtbot.waitUntil(
        lambda: (
            quiet.quiet is not None
            and quiet.quiet.until is not None
            and quiet.quiet.until.astimezone().time() == time(9)
        )
    )
    tray.quiet_end.trigger()
    qtbot.waitUntil(lambda: tray.quiet_menu.title() == "Do not disturb")
    tray.quiet_choice.trigger()
    dialog = program.reminders.dialog
    assert dialog is not None
    wanted = dialog.moment
    dialog.choose_button.click()
    qtbot.waitUntil(lambda: fake.due.kept_back.until == wanted)
    assert program.reminders.dialog is None
    fake.fail["reminders.do_not_disturb"] = Unavailable("It could not be changed")
    tray.quiet_end.trigger()
    qtbot.waitUntil(lambda: quiet.quiet is not None and quiet.quiet.until == wanted)


# -- settings --------------------------------------------------------------------------------------


def page_of(make: Maker) -> tuple[Any, RemindersPage]:
    scene = make()
    page = scene.open("reminders")
    scene.until(lambda: page.hour_button.isEnabled())
    return scene, page


def test_quiet_hours_are_set_and_taken_back(make: Maker) -> None:
    scene, page = page_of(make)
    assert not page.hours.isChecked() and not page.begin.isVisible()
    page.hours.click()
    scene.until(lambda: scene.value("reminders.quiet_to") == "07:00")
    assert scene.value("reminders.quiet_from") == "22:00" and page.begin.isVisible()
    page.begin.show_clock(time(23, 30))
    scene.until(lambda: scene.value("reminders.quiet_from") == "23:30")
    assert scene.value("reminders.quiet_to") == "07:00"
    page.hours.click()
    scene.until(lambda: scene.value("reminders.quiet_to") == "")
    assert scene.value("reminders.quiet_from") == "" and not page.begin.isVisible()


def test_what_becomes_of_missed_ones_is_chosen(make: Maker) -> None:
    scene, page = page_of(make)
    assert page.missed.currentText() == "Notify"
    page.missed.setCurrentIndex(2)
    page.missed.activated.emit(2)
    scene.until(lambda: scene.value("reminders.missed") == "skip")


def test_what_the_environment_sets_cannot_be_changed_here(make: Maker) -> None:
    scene = make(lambda made: made.system.fix("reminders.missed", "list", "environment"))
    page = scene.open("reminders")
    assert page.missed.currentText() == "Only list it" and not page.missed.isEnabled()


def test_nobody_disturbs_from_the_settings(make: Maker) -> None:
    scene, page = page_of(make)
    assert not page.end_button.isVisible()
    page.hour_button.click()
    scene.until(page.end_button.isVisible)
    assert "Urgent reminders come through." in page.quiet_row.text.text()
    page.morning_button.click()
    scene.until(lambda: "tomorrow 09:00" in page.quiet_row.text.text())
    page.choose_button.click()
    assert page.dialog is not None
    wanted = page.dialog.moment
    page.dialog.choose_button.click()
    scene.until(lambda: scene.fake.due.kept_back.until == wanted)
    scene.fake.fail["reminders.do_not_disturb"] = Unavailable("It could not be changed")
    page.end_button.click()
    scene.until(lambda: page.quiet_row.problems.told)
    scene.fake.fail.clear()
    page.end_button.click()
    scene.until(lambda: not page.end_button.isVisible())
    assert page.quiet_row.problems.told == ()
