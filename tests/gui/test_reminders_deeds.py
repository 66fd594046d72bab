"""What is done to reminders: done, snooze, skip, edit, delete and undo, chat, calendar files."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.reminders.repeats import REPEATS, repeat_of, rule
from nagatha_desktop.reminders.words import recurrence
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.reminders_window import Scene, reminders_window
from worker.contract.errors import StorageError
from worker.contract.reminders import FiringState, Reminder


@pytest.fixture
def scene(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    with reminders_window(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


def opened(scene: Scene, text: str = "tea", **more: object) -> Reminder:
    """A reminder of tomorrow, looked at with the keyboard."""
    made = scene.put(text, more, days=1)
    scene.open()
    scene.window.table.setFocus()
    assert scene.window.table.go_to(made.id)
    return made


def entries(menu: QMenu | None) -> list[str]:
    assert menu is not None
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def choose(menu: QMenu | None, text: str) -> None:
    assert menu is not None
    next(action for action in menu.actions() if action.text() == text).trigger()
    menu.close()


# -- done ------------------------------------------------------------------------------------------


def test_the_circle_ends_one_and_undo_opens_it_again(scene: Scene) -> None:
    one = opened(scene)
    scene.click(scene.window.table.circle_of(one.id))
    scene.toast("“tea” is done.")
    assert scene.texts() == [] and scene.texts("done") == ["tea"]
    scene.window.toast.button.click()
    scene.until(lambda: scene.texts() == ["tea"])
    scene.press(Qt.Key.Key_Space)
    scene.until(lambda: scene.texts("done") == ["tea"])
    scene.window.show_view("done")
    scene.window.table.setFocus()
    scene.press(Qt.Key.Key_Space)
    scene.toast("“tea” is open again.")
    assert scene.texts() == ["tea"] and scene.called("reopen") == 2


def test_one_that_recurs_goes_on_whether_it_was_due_or_not(scene: Scene) -> None:
    one = opened(scene, rrule="FREQ=DAILY")
    scene.press(Qt.Key.Key_Space)
    scene.toast("“tea” is done for this time. Next: Thu 26 Nov 08:48")
    assert scene.called("skip") == 1 and scene.called("done") == 0
    scene.window.hide()
    scene.due.add_firing(one.id, scene.clock.now - timedelta(hours=1), "due")
    scene.open()
    scene.window.table.go_to(one.id)
    scene.window.toggle_done(scene.due.all[one.id])
    scene.toast("“tea” is done. Next: Thu 26 Nov 08:48")
    assert scene.called("done") == 1


@pytest.mark.parametrize("rrule", ["FREQ=DAILY", ""])
@pytest.mark.parametrize("state", ["due", "missed"])
def test_undo_after_done_has_it_wait_again_as_it_did(
    scene: Scene, rrule: str, state: FiringState
) -> None:
    one = opened(scene, rrule=rrule)
    came = [scene.clock.now - timedelta(hours=hours) for hours in (3, 1)]
    firings = [scene.due.add_firing(one.id, due, state) for due in came]
    scene.window.feed.load()
    scene.until(lambda: scene.window.feed.loaded)
    before, said = scene.due.all[one.id], scene.said()
    scene.window.toggle_done(before)
    scene.toast("“tea” is done." + (" Next: tomorrow 08:48" if rrule else ""))
    scene.until(lambda: scene.texts("missed") == [] and scene.said() != said)
    assert scene.due.firings[firings[0].id].state == "done"
    scene.window.toast.button.click()
    scene.toast("“tea” is open again.")
    assert not scene.window.toast.button.isVisible()
    scene.until(lambda: scene.said() == said)
    assert [scene.due.firings[firing.id].state for firing in firings] == [state, state]
    after = scene.due.all[one.id]
    assert (after.due, after.done) == (before.due, None)
    assert scene.called("undo_done") == 1 and scene.called("reopen") == 0


def test_undo_of_what_was_deleted_meanwhile_says_that_it_opened_nothing(scene: Scene) -> None:
    one = opened(scene, rrule="FREQ=DAILY")
    scene.due.add_firing(one.id, scene.clock.now - timedelta(hours=1), "due")
    scene.window.toggle_done(scene.due.all[one.id])
    scene.toast("“tea” is done. Next: tomorrow 08:48")
    scene.due.all[one.id] = replace(scene.due.all[one.id], deleted=scene.clock.now)
    scene.fake.fail["reminders.undo_done"] = StorageError("It was not kept")
    scene.window.toast.button.click()
    scene.until(lambda: scene.window.card is not None)
    scene.fake.fail.clear()
    scene.window.deeds.undo(f"undo_done:{next(iter(scene.due.firings))}")
    scene.toast("There was nothing left to open again.")


def test_a_refusal_is_said_and_nothing_moves(scene: Scene) -> None:
    opened(scene)
    scene.fake.fail["reminders.done"] = StorageError("It was not kept")
    scene.press(Qt.Key.Key_Space)
    scene.until(lambda: scene.window.card is not None)
    assert scene.texts() == ["tea"]
    scene.fake.fail.clear()
    scene.press(Qt.Key.Key_Space)
    scene.until(lambda: scene.texts() == [])
    assert scene.window.card is None


# -- later, skip, delete, chat ---------------------------------------------------------------------


def test_a_snooze_offers_what_is_still_to_come(scene: Scene) -> None:
    one = opened(scene)
    scene.press(Qt.Key.Key_S)
    assert entries(scene.window.menu) == [
        "10 minutes",
        "1 hour",
        "This evening, 18:00",
        "Tomorrow, 09:00",
        "Choose day and time …",
    ]
    choose(scene.window.menu, "This evening, 18:00")
    scene.toast("“tea” comes again: 18:00")
    assert scene.due.all[one.id].due == datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert scene.said() == "Today, tea, snoozed, 18:00"
    scene.clock.move(hours=12)
    scene.press(Qt.Key.Key_S)
    assert "This evening, 18:00" not in entries(scene.window.menu)
    choose(scene.window.menu, "Tomorrow, 09:00")
    scene.until(lambda: scene.due.all[one.id].due == datetime(2026, 11, 25, 8, tzinfo=UTC))


def test_a_moment_of_ones_own_must_be_to_come(scene: Scene) -> None:
    one = opened(scene)
    scene.press(Qt.Key.Key_S)
    choose(scene.window.menu, "Choose day and time …")
    dialog = scene.window.dialog
    assert dialog is not None
    dialog.day.show_day(date(2026, 11, 23))
    assert not dialog.choose_button.isEnabled() and dialog.hint.isVisible()
    dialog.accept()
    assert dialog.isVisible()
    dialog.day.show_day(date(2026, 11, 30))
    dialog.choose_button.click()
    scene.until(lambda: scene.due.all[one.id].due == datetime(2026, 11, 30, 9, 48, tzinfo=UTC))
    assert scene.window.dialog is None


def test_only_one_that_recurs_is_skipped(scene: Scene) -> None:
    one = opened(scene, rrule="FREQ=DAILY")
    scene.press(Qt.Key.Key_N)
    scene.toast("“tea” is skipped once. Next: Thu 26 Nov 08:48")
    scene.window.skip(scene.put("once", hours=1))
    assert scene.called("skip") == 1
    assert scene.due.all[one.id].due == scene.clock.now + timedelta(days=2)


@pytest.mark.parametrize(
    ("key", "word"), [(Qt.Key.Key_N, "skipped once"), (Qt.Key.Key_Space, "done for this time")]
)
@pytest.mark.parametrize("off", [False, True])
def test_undo_brings_the_time_back_that_was_left_out(
    scene: Scene, key: Qt.Key, word: str, off: bool
) -> None:
    one = opened(scene, rrule="FREQ=DAILY", snoozed=off)
    scene.press(key)
    scene.toast(f"“tea” is {word}. Next: Thu 26 Nov 08:48")
    scene.window.toast.button.click()
    scene.toast("“tea” is back. Next: tomorrow 08:48")
    assert not scene.window.toast.button.isVisible()
    after = scene.due.all[one.id]
    assert (after.due, after.snoozed) == (one.due, off) and scene.called("undo_skip") == 1


def test_undo_of_a_time_that_was_changed_since_says_that_it_opened_nothing(scene: Scene) -> None:
    one = opened(scene, rrule="FREQ=DAILY")
    scene.press(Qt.Key.Key_N)
    scene.toast("“tea” is skipped once. Next: Thu 26 Nov 08:48")
    moved = replace(scene.due.all[one.id], due=scene.clock.now + timedelta(days=9))
    scene.due.all[one.id] = moved
    scene.window.toast.button.click()
    scene.toast("There was nothing left to open again.")
    assert scene.due.all[one.id] == moved


def test_what_was_deleted_comes_back(scene: Scene) -> None:
    opened(scene)
    scene.press(Qt.Key.Key_Delete)
    scene.toast("“tea” is deleted.")
    assert scene.texts() == []
    scene.window.toast.button.click()
    scene.until(lambda: scene.texts() == ["tea"])


def test_the_menu_has_all_that_can_be_done_to_what_it_is(scene: Scene) -> None:
    one = opened(scene, rrule="FREQ=DAILY", chat="chat-7")
    table = scene.window.table
    at = table.menu_point()
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Keyboard, table.viewport().mapFromGlobal(at), at
    )
    QApplication.sendEvent(table.viewport(), event)
    usual = ["Done", "Remind again", "Skip once", "Edit …", "Open its chat", "Delete"]
    assert entries(scene.window.menu) == usual
    assert scene.window.menu is not None
    scene.window.menu.close()
    scene.click(table.more_of(one.id))
    assert entries(scene.window.menu) == usual
    wanted: list[str] = []
    scene.window.chat_wanted.connect(wanted.append)
    choose(scene.window.menu, "Open its chat")
    scene.press(Qt.Key.Key_C)
    assert wanted == ["chat-7", "chat-7"]
    done = scene.due.put("over", None, done=scene.clock.now)
    scene.window._open_menu(done, at)
    assert entries(scene.window.menu) == ["Open again", "Edit …", "Delete"]
    choose(scene.window.menu, "Delete")
    scene.until(lambda: scene.due.all[done.id].deleted is not None)


# -- the form --------------------------------------------------------------------------------------


def test_the_form_sends_only_what_was_changed(scene: Scene) -> None:
    one = opened(scene, rrule="FREQ=DAILY", notes="green")
    scene.press(Qt.Key.Key_Return)
    form = scene.window.editor
    assert form.isVisible() and form.changes() == {}
    form.text.setText("black tea")
    form.urgent.setChecked(True)
    form.missed.setCurrentIndex(1)
    form.repeat.setCurrentIndex(REPEATS.index("weekly"))
    assert form.rrule.text() == "FREQ=WEEKLY;BYDAY=WE" and form.rrule.isReadOnly()
    assert form.changes() == {
        "text": "black tea",
        "rrule": "FREQ=WEEKLY;BYDAY=WE",
        "urgent": True,
        "missed": "list",
    }
    form.save_button.click()
    scene.until(lambda: not form.isVisible())
    scene.until(lambda: scene.texts() == ["black tea"])
    assert scene.due.all[one.id].notes == "green"
    assert scene.said() == "Tomorrow, black tea, every Wed 08:48, urgent, 08:48"


def test_a_time_in_another_zone_says_what_it_is_here(scene: Scene) -> None:
    one = opened(scene)
    scene.window.edit(one)
    form = scene.window.editor
    assert not form.here.isVisible()
    scene.until(lambda: form.zone.findText("Asia/Tokyo") >= 0)
    assert form.zone.currentText() == "Europe/Berlin"
    form.zone.setCurrentText("Asia/Tokyo")
    assert form.here.whole() == "Wed 25 Nov 00:48 here"
    form.save_button.click()
    scene.until(lambda: scene.due.all[one.id].zone == "Asia/Tokyo")
    assert scene.due.all[one.id].due == datetime(2026, 11, 24, 23, 48, tzinfo=UTC)


def test_the_form_stays_when_the_engine_says_no(scene: Scene) -> None:
    one = opened(scene)
    scene.window.edit(one)
    form = scene.window.editor
    form.repeat.setCurrentIndex(REPEATS.index("other"))
    assert not form.rrule.isReadOnly()
    form.rrule.setText("FREQ=NEVER")
    form.save()
    scene.until(lambda: form.card is not None)
    assert form.isVisible() and form.rrule.text() == "FREQ=NEVER"
    scene.press(Qt.Key.Key_Escape, form)
    assert not form.isVisible() and scene.due.all[one.id].rrule == ""


@pytest.mark.parametrize("repeat", REPEATS[:-1])
def test_a_rule_with_a_name_is_known_again(repeat: str) -> None:
    day = date(2026, 11, 25)
    assert repeat_of(rule(repeat, day), day) == repeat  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rrule", "said", "repeat"),
    [
        ("", "", "once"),
        ("FREQ=WEEKLY;BYDAY=FR,TH,WE,TU,MO;INTERVAL=1", "weekdays 09:00", "weekdays"),
        ("FREQ=WEEKLY", "weekly 09:00", "weekly"),
        ("FREQ=WEEKLY;BYDAY=SU,SA", "weekends 09:00", "other"),
        ("FREQ=WEEKLY;BYDAY=MO,TH", "every Mon, Thu 09:00", "other"),
        ("FREQ=DAILY;INTERVAL=3", "every 3 days 09:00", "other"),
        ("FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1", "repeats", "other"),
        ("FREQ=WEEKLY;INTERVAL=x", "repeats", "other"),
    ],
)
def test_a_rule_is_said_in_words(rrule: str, said: str, repeat: str) -> None:
    assert recurrence(rrule, "2026-11-25T09:00:00") == said
    assert repeat_of(rrule, date(2026, 11, 25)) == repeat


# -- calendar files --------------------------------------------------------------------------------


def test_reminders_go_into_a_file_and_come_from_one(scene: Scene, tmp_path: Path) -> None:
    scene.open()
    file = tmp_path / "reminders.ics"
    scene.window.files.export_to(str(file))
    scene.toast("Exported.")
    assert file.read_bytes() == scene.due.export
    scene.window.files.import_from(str(file))
    scene.toast("1 reminder was imported.")
    assert scene.due.imported == [scene.due.export]
    scene.until(lambda: scene.texts() == ["From the calendar"])


@pytest.mark.parametrize("content", [None, b"no calendar"])
def test_a_file_that_cannot_be_taken_is_said(
    scene: Scene, tmp_path: Path, content: bytes | None
) -> None:
    scene.open()
    file = tmp_path / "some.ics"
    if content is not None:
        file.write_bytes(content)
    scene.window.files.import_from(str(file))
    scene.until(lambda: scene.window.card is not None)
    assert scene.window.card is not None
    title = scene.window.card.problem.title
    assert title == ("This is no calendar" if content else "The file could not be read")
    scene.window.files.export_to(str(tmp_path / "missing" / "some.ics"))
    scene.until(
        lambda: (
            scene.window.card is not None
            and scene.window.card.problem.title == "The file could not be written"
        )
    )
