"""Schedules, dead letters, the pause, and the activity window without an engine."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from nagatha_desktop.activity.interval import LONGEST, SHORTEST, IntervalEditor
from nagatha_desktop.activity.schedules import ScheduleRow
from nagatha_desktop.activity.window import ActivityWindow
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.activity_window import Scene, activity_window, press_button
from tests.support.fake_client import FakeClient
from worker.contract.errors import InvalidInput, StorageError, Unavailable
from worker.contract.events import ScheduleChanged
from worker.contract.jobs import DeadLetter
from worker.contract.services import Client
from worker.runtime import Runtime

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
Key = Qt.Key


@pytest.fixture
def scene(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    with activity_window(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


# -- schedules -------------------------------------------------------------------------------------


def scheduled(scene: Scene, **more: object) -> ScheduleRow:
    scene.jobs.add_schedule("maintenance", "cleanup_memory_and_maintenance", 3600, **more)
    scene.open()
    scene.window.show_schedules()
    scene.until(lambda: bool(scene.window.schedules.rows))
    return scene.window.schedules.rows["maintenance"]


def test_a_schedule_says_how_often_when_and_how_it_went(scene: Scene) -> None:
    last = scene.jobs.add("cleanup_memory_and_maintenance", "FAILURE", kind="maintenance")
    row = scheduled(
        scene,
        default_interval=7200.0,
        last=scene.ago(minutes=48),
        next=scene.clock.now + timedelta(minutes=12),
        last_run=last,
    )
    assert row.title.whole() == "Tidy up and make the daily copy"
    assert row.text.whole() == (
        "every hour · by default every 2 hours · last 48 min ago · next in 12 min"
    )
    assert row.badge.text() == "Failed"
    row.look_button.click()
    assert scene.window.segment == "failed" and scene.window.details.run is not None
    assert scene.window.details.run.id == last.id


def test_a_schedule_can_be_run_paused_and_resumed(scene: Scene) -> None:
    row = scheduled(scene)
    assert not row.badge.isVisible() and "never run" in row.text.whole()
    row.run_button.click()
    scene.until(lambda: row.badge.text() == "Waiting")
    assert scene.window.toast.isVisible()
    row.pause_button.click()
    scene.until(lambda: row.badge.text() == "Paused")
    assert "next" not in row.text.whole() and row.pause_button.text() == "Resume"
    row.pause_button.click()
    scene.until(lambda: row.pause_button.text() == "Pause")
    assert scene.called("jobs.pause_schedule") == 2 and scene.called("jobs.run_schedule") == 1


def test_its_interval_can_be_changed_and_put_back(scene: Scene) -> None:
    row = scheduled(scene)
    row.change_button.click()
    editor = row.editor
    assert (editor.number.value(), editor.unit.currentText()) == (1, "hours")
    assert not editor.default_button.isVisible()
    editor.unit.setCurrentIndex(1)
    editor.number.setValue(30)
    scene.press(Key.Key_Return, editor.number)
    scene.until(lambda: row.text.whole().startswith("every 30 minutes · by default every hour"))
    assert not editor.isVisible()
    row.change_button.click()
    editor.default_button.click()
    scene.until(lambda: row.text.whole().startswith("every hour · never"))
    row.change_button.click()
    scene.press(Key.Key_Escape, editor.number)
    assert not editor.isVisible() and scene.window.isVisible()
    assert scene.called("jobs.set_interval") == 2


def test_an_interval_that_the_engine_refuses_is_a_card(scene: Scene) -> None:
    row = scheduled(scene)
    scene.fake.fail["jobs.set_interval"] = InvalidInput("That is no interval", "", "Choose more.")
    row.change_button.click()
    row.editor.save_button.click()
    scene.until(lambda: scene.window.said.card is not None)
    assert row.text.whole().startswith("every hour")


@pytest.mark.parametrize(
    ("interval", "number", "unit"),
    [
        (10, 10, "seconds"),
        (90, 90, "seconds"),
        (300, 5, "minutes"),
        (86_400, 1, "days"),
        (9000, 150, "minutes"),
        (3, 10, "seconds"),
        (10**9, 365, "days"),
    ],
)
def test_the_editor_begins_with_the_largest_whole_unit(
    themes: ThemeController, qtbot: QtBot, interval: float, number: int, unit: str
) -> None:
    editor = IntervalEditor("x")
    qtbot.addWidget(editor)
    editor.show_interval(interval, interval)
    assert (editor.number.value(), editor.unit.currentText()) == (number, unit)


def test_the_editor_keeps_within_the_bounds(themes: ThemeController, qtbot: QtBot) -> None:
    editor = IntervalEditor("x")
    qtbot.addWidget(editor)
    editor.show_interval(60, 60)
    for at in range(editor.unit.count()):
        editor.unit.setCurrentIndex(at)
        editor.number.setValue(0)
        assert editor.seconds >= SHORTEST
        editor.number.setValue(2**31 - 1)
        assert editor.seconds <= LONGEST


def test_a_schedule_that_changes_elsewhere_changes_here(scene: Scene, on_loop: OnLoop) -> None:
    row = scheduled(scene)

    async def tell() -> None:
        scene.fake.emit(ScheduleChanged(replace(scene.jobs.entries["maintenance"], paused=True)))

    on_loop(tell())
    scene.until(lambda: row.badge.text() == "Paused")
    run = scene.jobs.add("x", "FAILURE", kind="maintenance", schedule="maintenance")
    on_loop(scene.jobs.tell((run,)))
    scene.until(lambda: row.schedule.last_run is not None)
    assert row.look_button.isVisible()


def test_no_schedule_says_what_would_be_there(scene: Scene) -> None:
    scene.open()
    scene.window.show_schedules()
    schedules = scene.window.schedules
    scene.until(lambda: schedules.currentWidget() is schedules.empty)
    assert not scene.window.top.field.isEnabled()


# -- dead letters ----------------------------------------------------------------------------------


def letter(scene: Scene, number: int) -> DeadLetter:
    return DeadLetter(number, "feeds.fetch", f"run{number}", "nagatha", 5, scene.ago(hours=2))


def test_dead_letters_stand_above_what_failed_and_can_be_retried(scene: Scene) -> None:
    scene.jobs.letters = [letter(scene, 7), letter(scene, 3)]
    scene.open("failed")
    dead = scene.window.dead
    scene.until(dead.isVisible)
    assert dead.heading.text().startswith("2 messages were given up")
    assert dead.rows[0].title.whole() == "Fetch"
    assert "2 h ago after 5 deliveries" in dead.rows[0].text.whole()
    scene.window.show_segment("done")
    assert not dead.isVisible()
    scene.window.show_segment("failed")
    dead.rows[0].retry_button.click()
    scene.until(lambda: len(dead.rows) == 1)
    assert dead.heading.text().startswith("1 message was") and scene.called("jobs.retry_dead") == 1


def test_deleting_a_dead_letter_asks_first(scene: Scene) -> None:
    scene.jobs.letters = [letter(scene, 7)]
    scene.open("failed")
    dead = scene.window.dead
    scene.until(dead.isVisible)
    dead.rows[0].delete_button.click()
    assert isinstance(dead.question.box, QMessageBox)
    press_button(dead.question.box, "Keep")
    scene.until(lambda: dead.question.box is None)
    assert scene.called("jobs.delete_dead") == 0
    dead.rows[0].delete_button.click()
    assert dead.question.box is not None
    press_button(dead.question.box, "Delete")
    scene.until(lambda: not dead.isVisible())
    assert scene.called("jobs.delete_dead") == 1 and not scene.window.said.isVisible()


def test_a_dead_letter_that_is_gone_already_is_said(scene: Scene) -> None:
    scene.jobs.letters = [letter(scene, 7)]
    scene.open("failed")
    scene.until(scene.window.dead.isVisible)
    scene.jobs.letters = []
    scene.window.dead.rows[0].retry_button.click()
    scene.until(lambda: scene.window.said.card is not None and not scene.window.dead.isVisible())
    assert scene.window.said.card is not None
    assert scene.window.said.card.problem.title == "This message is gone"


def test_a_broker_that_cannot_be_asked_shows_none_and_says_nothing(scene: Scene) -> None:
    scene.jobs.broker_answers = False
    scene.open("failed")
    scene.until(lambda: scene.called("jobs.dead_letters") == 1 and not scene.bridge.busy)
    assert not scene.window.dead.isVisible() and scene.window.said.card is None


# -- the pause, and no engine ----------------------------------------------------------------------


def test_background_work_can_be_paused_and_goes_on(scene: Scene) -> None:
    scene.open()
    top = scene.window.top
    assert top.pause_button.text() == "Pause background work"
    top.pause_button.click()
    scene.until(scene.window.said.paused.isVisible)
    assert top.pause_button.text() == top.pause_button.accessibleName() == "Resume background work"
    top.pause_button.click()
    scene.until(lambda: not scene.window.said.paused.isVisible())
    assert scene.called("system.pause") == 2


def test_a_pause_that_cannot_be_is_a_card(scene: Scene) -> None:
    scene.open()
    scene.fake.fail["system.pause"] = Unavailable("The engine does not answer", "", "Try again.")
    scene.window.top.pause_button.click()
    scene.until(lambda: scene.window.said.card is not None)
    assert not scene.watch.paused


def test_without_an_engine_it_says_so_and_comes_back(
    unconnected: Bridge,
    runtime: Runtime,
    fake: FakeClient,
    themes: ThemeController,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    failures: list[Exception] = [StorageError("The data folder is read-only", "", "Change it.")]

    async def make() -> Client:
        if failures:
            raise failures.pop()
        return fake.as_client()

    watch = EngineWatch(unconnected, unconnected)
    state, keys = WindowState(tmp_path, parent=unconnected), Keys(parent=unconnected)
    window = ActivityWindow(unconnected, themes, state, keys, watch)
    qtbot.addWidget(window)
    window.show()
    unconnected.connect_client(runtime, make)
    qtbot.waitUntil(lambda: window.no_engine.card is not None)
    card = window.no_engine.card
    assert card is not None and card.isVisible()
    assert card.problem.title == "The data folder is read-only" and window.said.card is None
    assert not window.top.pause_button.isEnabled()
    fake.work.add("a.job", "STARTED")
    with qtbot.waitSignal(window.restart_wanted):
        card.button.click()
    unconnected.connect_client(runtime, make)
    qtbot.waitUntil(lambda: window.top.tabs.tabText(0) == "Now 1")
    qtbot.waitUntil(lambda: window.body.currentWidget() is window.split)
    window.close_for_good()
