"""The window of reminders: its line, its lists, and what is done with them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.reminders.feed import PAGE
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.reminders_window import Scene, reminders_window
from worker.contract.errors import StorageError
from worker.contract.reminders import Understood
from worker.contract.types import Problem

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def scene(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    with reminders_window(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


# -- the line --------------------------------------------------------------------------------------


def test_what_a_line_means_is_shown_before_enter_and_enter_keeps_it(scene: Scene) -> None:
    scene.open()
    line = scene.window.line
    meant = Understood(
        "pay rent",
        datetime(2026, 12, 1, 8, tzinfo=UTC),
        "2026-12-01T09:00:00",
        "Europe/Berlin",
        "FREQ=MONTHLY;BYMONTHDAY=1",
        "monthly",
    )
    scene.due.meanings["pay rent every 1st at 9"] = meant
    line.field.setText("pay rent every 1st at 9")
    scene.until(line.meaning.isVisible)
    assert line.meaning.whole() == "→ monthly, next Tue 1 Dec 09:00 ↵"
    assert line.field.accessibleDescription() == line.meaning.whole()
    assert scene.due.all == {}
    scene.press(Qt.Key.Key_Return, line.field)
    scene.until(lambda: scene.texts() == ["pay rent"])
    assert line.text == "" and not line.meaning.isVisible()
    scene.toast("“pay rent” is kept. Next: Tue 1 Dec 09:00")
    scene.window.toast.button.click()
    scene.until(lambda: scene.texts() == [])


def test_what_was_not_understood_is_said_and_the_line_stays(scene: Scene) -> None:
    scene.open()
    line = scene.window.line
    line.field.setText("the dentist")
    scene.until(line.meaning.isVisible)
    assert line.meaning.whole() == "did not understand"
    assert line.field.toolTip() == "There is no time in it."
    scene.press(Qt.Key.Key_Return, line.field)
    scene.until(line.reason.isVisible)
    assert "There is no time in it." in line.reason.text()
    assert line.text == "the dentist" and line.field.property("invalid")
    line.field.setText("the dentist at 9")
    assert not line.reason.isVisible() and not line.field.property("invalid")
    scene.until(lambda: line.meaning.whole().startswith("→"))


def test_an_answer_about_an_earlier_line_is_dropped(scene: Scene, on_loop: OnLoop) -> None:
    async def gate() -> asyncio.Event:
        return asyncio.Event()

    scene.open()
    line = scene.window.line
    held = scene.due.gates["first at 8"] = on_loop(gate())
    line.field.setText("first at 8")
    scene.until(lambda: scene.called("understand") == 1)
    line.field.setText("nothing here")
    scene.until(line.meaning.isVisible)
    assert line.meaning.whole() == "did not understand"

    async def let_go() -> None:
        held.set()
        await asyncio.sleep(0)

    on_loop(let_go())
    line.field.setText("nothing here either")
    scene.until(lambda: scene.called("understand") == 3 and line.meaning.isVisible())
    assert line.meaning.whole() == "did not understand"


def test_a_line_is_not_lost_when_the_engine_cannot_keep_it(scene: Scene) -> None:
    scene.open()
    scene.fake.fail["reminders.remind"] = StorageError("It was not kept", "The disk is full.")
    line = scene.window.line
    line.field.setText("tea at 16:00")
    scene.press(Qt.Key.Key_Return, line.field)
    scene.until(lambda: scene.window.card is not None)
    assert scene.window.card is not None and scene.window.card.problem.title == "It was not kept"
    assert line.text == "tea at 16:00"
    scene.window.hide()
    scene.open()
    assert line.text == "tea at 16:00"
    del scene.fake.fail["reminders.remind"]
    scene.press(Qt.Key.Key_Return, line.field)
    scene.until(lambda: scene.texts() == ["tea"])
    assert scene.window.card is None


# -- the lists -------------------------------------------------------------------------------------


def test_upcoming_is_grouped_and_what_waits_comes_first(scene: Scene) -> None:
    scene.put("later", days=40)
    scene.put("today", {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"}, hours=2)
    scene.put("this week", days=2)
    scene.put("tomorrow", {"snoozed": True}, days=1)
    late = scene.due.put("late", None)
    scene.due.add_firing(late.id, scene.clock.now - timedelta(hours=2), "due")
    scene.open()
    assert scene.texts() == ["late", "today", "tomorrow", "this week", "later"]
    assert scene.rows().heads == {
        0: "Waiting for you",
        1: "Today",
        2: "Tomorrow",
        3: "This week",
        4: "Later",
    }
    assert scene.said(0) == "Waiting for you, late, 06:48 · 2 h ago"
    assert scene.said(1) == "Today, today, weekdays 10:48, 10:48"
    assert scene.said(2) == "Tomorrow, tomorrow, snoozed, 08:48"
    assert scene.said(3) == "This week, this week, Thu 08:48"
    header = scene.window.table.verticalHeader()
    assert all(header.sectionSize(row) > header.defaultSectionSize() for row in range(5))
    # Headings stay with their groups while rows come and go.
    scene.window.deeds.delete(late.id)
    scene.until(lambda: scene.texts()[0] == "today")
    assert scene.rows().heads[0] == "Today"


def test_a_time_stays_true_while_the_window_is_open(scene: Scene) -> None:
    scene.put("soon", minutes=12)
    scene.open()
    assert scene.said().endswith("09:00 · in 12 min")
    assert scene.window._tick.isActive()
    scene.clock.move(minutes=5)
    scene.window.pass_time()
    assert scene.said().endswith("09:00 · in 7 min")
    scene.clock.move(hours=-12)
    scene.window.pass_time()
    assert scene.rows().heads == {0: "Tomorrow"}
    scene.window.hide()
    assert not scene.window._tick.isActive()


def test_a_reminder_of_another_zone_says_so_and_is_shown_in_this_one(scene: Scene) -> None:
    scene.put("ring Kiko", {"zone": "Asia/Tokyo"}, hours=3)
    scene.put("near", {"zone": "Europe/Paris"}, hours=4)
    scene.open()
    assert scene.said(0) == "Today, ring Kiko, 19:48 in Tokyo, 11:48"
    assert scene.said(1) == "near, 12:48"
    scene.clock.zone = "Asia/Tokyo"
    assert scene.said(0) == "Today, ring Kiko, 19:48"


def at_least(scene: Scene, number: int) -> bool:
    return len(scene.rows()) >= number


def test_further_pages_come_while_a_person_scrolls(scene: Scene, qtbot: QtBot) -> None:
    for number in range(2 * PAGE + 10):
        scene.put(f"n{number}", days=1, minutes=number)
    scene.open()
    assert len(scene.rows()) == PAGE and scene.rows().number == "200+"
    bar = scene.window.table.verticalScrollBar()
    for pages in (2, 3):
        bar.setValue(bar.maximum())
        wanted = min(pages * PAGE, 2 * PAGE + 10)
        qtbot.waitUntil(partial(at_least, scene, wanted))
    assert len(scene.rows()) == 2 * PAGE + 10 and not scene.rows().more
    assert scene.texts() == [f"n{number}" for number in range(2 * PAGE + 10)]


def test_search_finds_in_text_and_notes_and_ends_with_escape(scene: Scene) -> None:
    scene.put("water the plants", days=1)
    scene.put("call Ada", {"notes": "about the plants"}, days=2)
    scene.put("tea", days=3)
    scene.open()
    scene.window._window_keys.actions["chat.find"].trigger()
    search = scene.window.search
    assert search.isVisible()
    search.field.setText("PLANTS the")
    scene.until(lambda: scene.texts() == ["water the plants", "call Ada"])
    search.field.setText("nothing like it")
    upcoming = scene.window.lists["upcoming"]
    scene.until(lambda: upcoming.currentWidget() is upcoming.nothing_found)
    scene.press(Qt.Key.Key_Escape, search.field)
    scene.until(lambda: len(scene.texts()) == 3)
    assert not search.isVisible() and upcoming.currentWidget() is upcoming.table


def test_empty_views_say_what_to_do_first(scene: Scene) -> None:
    scene.open()
    upcoming = scene.window.lists["upcoming"]
    assert upcoming.currentWidget() is upcoming.empty
    scene.window.show_view("missed")
    upcoming.empty.button.click()
    for listed in scene.window.lists.values():
        assert listed.currentWidget() is listed.empty and listed.empty.accessibleName()


def test_what_the_engine_tells_is_shown(scene: Scene, on_loop: OnLoop) -> None:
    one = scene.put("tea", minutes=1)
    scene.open()
    on_loop(scene.due.fire(one.id))
    scene.until(lambda: scene.rows().heads == {0: "Waiting for you"})
    late = scene.put("late", minutes=2)
    on_loop(scene.due.fire(late.id, "missed"))
    scene.until(lambda: scene.texts("missed") == ["late"])
    assert scene.window.bar.isVisible()
    assert scene.window.bar.words.whole() == "1 reminder was missed"
    scene.due.all.clear()
    scene.due.firings.clear()
    on_loop(scene.fake.replace_all())
    scene.until(lambda: scene.texts() == [] and not scene.window.bar.isVisible())


def test_an_error_of_the_engine_is_a_card_and_can_be_tried_again(scene: Scene) -> None:
    scene.fake.fail["reminders.open_firings"] = StorageError("It broke", action="retry")
    scene.window.bring_up()
    scene.until(lambda: scene.window.card is not None)
    scene.put("tea", hours=1)
    scene.fake.fail.clear()
    assert scene.window.card is not None
    scene.window.card.button.click()
    scene.until(lambda: scene.texts() == ["tea"])
    assert scene.window.card is None


def test_without_an_engine_the_reason_stands_in_the_lists_place(scene: Scene) -> None:
    scene.open()
    scene.watch._failed(Problem("read_only", "The data folder is read-only"))
    assert scene.window.body.currentWidget() is scene.window.no_engine
    wanted: list[bool] = []
    scene.window.restart_wanted.connect(lambda: wanted.append(True))
    assert scene.window.no_engine.card is not None
    scene.window.no_engine.card.button.click()
    assert wanted == [True]
    scene.watch.failure = None
    scene.watch.changed.emit()
    assert scene.window.body.currentWidget() is scene.window.main


# -- what was missed -------------------------------------------------------------------------------


def test_what_was_missed_is_shown_together_and_done_with_at_once(scene: Scene) -> None:
    for number in range(2):
        one = scene.due.put(f"missed {number}", None)
        due = scene.clock.now - timedelta(hours=5 - number)
        scene.due.add_firing(one.id, due)
    scene.why = "off"
    scene.open()
    bar = scene.window.bar
    assert bar.words.whole() == "2 were due while Nagatha was off"
    assert scene.window.top.tabs.tabText(2) == "Missed 2"
    bar.show_button.click()
    assert scene.window.view == "missed" and scene.texts("missed") == ["missed 1", "missed 0"]
    assert scene.said(0, "missed") == "missed 1, missed, 04:48 · 4 h ago"
    bar.done_button.click()
    scene.toast("2 reminders are done.")
    scene.until(lambda: scene.texts("missed") == [] and not bar.isVisible())
    scene.until(lambda: len(scene.texts("done")) == 2)
    assert scene.texts() == []
    # It can be undone, and nothing was lost by a press too many.
    scene.window.toast.button.click()
    scene.toast("2 reminders are open again.")
    assert not scene.window.toast.button.isVisible()
    scene.until(lambda: bar.isVisible() and scene.texts("missed") == ["missed 1", "missed 0"])
    assert bar.words.whole() == "2 were due while Nagatha was off"
    assert scene.texts("done") == [] and scene.texts() == ["missed 0", "missed 1"]


# -- the program's side ----------------------------------------------------------------------------


def test_a_reminder_that_is_asked_for_comes_into_view(scene: Scene) -> None:
    for number in range(40):
        scene.put(f"n{number}", days=1 + number)
    wanted = scene.put("this one", days=30, hours=1)
    scene.window.show_reminder(wanted.id)
    scene.until(lambda: scene.window.table.current is not None)
    assert scene.window.table.current == wanted
    scene.window.show_reminder("")
    assert scene.window.isVisible()
