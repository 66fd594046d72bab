"""Routines in the activity window: the list, what is done to them, and what was missed."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nagatha_desktop.activity import routine_words as words
from nagatha_desktop.activity.routine_rows import RoutineRow
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.activity_window import Scene, activity_window
from tests.support.fake_client import FakeClient
from tests.support.fake_routines import FakeRoutines
from worker.contract.errors import Unavailable
from worker.contract.routines import Routine
from worker.contract.types import Problem

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def scene(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    with activity_window(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


@pytest.fixture
def desk(scene: Scene) -> FakeRoutines:
    scene.fake.routine_desk.now = scene.clock.now
    return scene.fake.routine_desk


def shown(scene: Scene, routine: Routine) -> RoutineRow:
    """The row of a routine, with the window open at the schedules."""
    scene.open()
    scene.window.show_schedules()
    rows = scene.window.routines.rows
    scene.until(lambda: routine.id in rows or routine.id in scene.window.routines.rows)
    return scene.window.routines.rows[routine.id]


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rrule": "FREQ=DAILY"}, "every day at 08:30"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"}, "every weekday at 08:30"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=WE,MO"}, "every Mon, Wed at 08:30"),
        ({"rrule": "FREQ=WEEKLY"}, "every Mon at 08:30"),
        ({"rrule": "FREQ=MONTHLY;BYMONTHDAY=31"}, "each month on day 31 at 08:30"),
        ({"rrule": "freq=monthly"}, "each month on day 2 at 08:30"),
        ({"rrule": ""}, "once on Mon 2 Nov 2026 at 08:30"),
        ({"rrule": "", "cron": "30 8 * * 1-5"}, "by the cron line 30 8 * * 1-5"),
        ({"rrule": "FREQ=DAILY;INTERVAL=2"}, "by the rule FREQ=DAILY;INTERVAL=2"),
        ({"rrule": "FREQ=DAILY;COUNT=3"}, "by the rule FREQ=DAILY;COUNT=3"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=1MO"}, "by the rule FREQ=WEEKLY;BYDAY=1MO"),
        ({"rrule": "FREQ=MONTHLY;BYMONTHDAY=-1"}, "by the rule FREQ=MONTHLY;BYMONTHDAY=-1"),
    ],
)
def test_when_a_routine_runs_is_said_in_words(rule: dict[str, str], said: str) -> None:
    moment = datetime(2026, 11, 2, tzinfo=UTC)
    values: dict[str, Any] = {"start": "2026-11-02T08:30:00", "zone": words.local_zone(), **rule}
    made = Routine("r", "R", "prompt", created=moment, updated=moment, **values)
    assert words.when(made) == said
    assert words.when(replace(made, zone="Asia/Tokyo")) == f"{said} (Tokyo)"


def test_what_something_cost_is_never_invented() -> None:
    assert words.cost(None) == "cost unknown"
    assert [words.cost(Decimal(text)) for text in ("0", "0.0004", "1.5")] == [
        "$0",
        "$0.0004",
        "$1.50",
    ]


# -- rows ------------------------------------------------------------------------------------------


def test_a_row_says_when_it_runs_and_how_the_last_time_went(
    scene: Scene, desk: FakeRoutines
) -> None:
    made = desk.put("News", zone=words.local_zone())
    desk.happened(
        made.id, "done", started=scene.ago(hours=12), ended=scene.ago(hours=12), seconds=2.1,
        cost=Decimal("0.0004"), result="Three releases.\nAnd a law.",
    )  # fmt: skip
    row = shown(scene, made)
    assert row.title.whole() == "News" and row.badge.text() == "Done"
    assert row.text.whole() == "every day at 08:30 · next in 12 h · last 12 h ago"
    assert row.result.whole() == "Three releases. And a law. · 2.1 s · $0.0004"
    assert not row.answer_button.isVisible() and row.run_button.isEnabled()
    assert row.run_button.accessibleName() == "Run now: News"


def test_a_routine_that_paused_itself_says_why(scene: Scene, desk: FakeRoutines) -> None:
    made = desk.put("News", paused=True, paused_why="3 failures in a row", failures=3, due=None)
    desk.happened(made.id, "failed", started=scene.ago(hours=1), error=Problem("x", "No network"))
    row = shown(scene, made)
    assert row.badge.text() == "Paused itself"
    assert row.result.whole() == ("paused itself: 3 failures in a row · No network. · cost unknown")
    assert "next" not in row.text.whole()
    row.pause_button.click()
    scene.until(lambda: row.pause_button.text() == "Pause")
    assert row.badge.text() == "Failed" and "next in 12 h" in row.text.whole()
    row.pause_button.click()
    scene.until(lambda: row.badge.text() == "Paused")


def test_one_that_waits_for_approval_leads_to_its_chat(
    scene: Scene, desk: FakeRoutines, on_loop: OnLoop
) -> None:
    made = desk.put("News")
    row = shown(scene, made)
    assert not row.badge.isVisible() and "never run" in row.text.whole()
    row.run_button.click()
    scene.until(lambda: row.badge.text() == "Running")
    assert not row.run_button.isEnabled() and scene.window.toast.isVisible()
    last = row.routine.last
    assert last is not None and last.by_hand
    on_loop(desk.tell(replace(last, state="parked", chat="chat-7")))
    scene.until(lambda: row.badge.text() == "Waits for approval")
    assert row.answer_button.isVisible() and not row.run_button.isVisible()
    with scene.qtbot.waitSignal(scene.window.chat_wanted) as asked:
        row.answer_button.click()
    assert asked.args == ["chat-7"]
    on_loop(desk.tell(replace(last, state="done")))
    scene.until(lambda: row.badge.text() == "Done" and row.run_button.isEnabled())


def test_a_deleted_one_comes_back_with_undo(scene: Scene, desk: FakeRoutines) -> None:
    made, other = desk.put("News"), desk.put("Mail")
    row = shown(scene, made)
    row.delete_action.trigger()
    scene.until(lambda: list(scene.window.routines.rows) == [other.id])
    toast = scene.window.toast
    scene.until(toast.isVisible)
    assert toast.words.text() == "“News” was deleted." and toast.button.text() == "Undo"
    toast.button.click()
    scene.until(lambda: set(scene.window.routines.rows) == {made.id, other.id})


def test_the_history_has_each_time_and_leads_to_its_chat_or_run(
    scene: Scene, desk: FakeRoutines, on_loop: OnLoop
) -> None:
    run = scene.jobs.add("echo_bot.echo", "FAILURE", error=Problem("x", "No network"))
    made = desk.put("News")
    begun = scene.ago(days=1)
    desk.happened(made.id, "failed", due=begun, started=begun, ended=begun, seconds=1.0,
                  run=run.id, error=Problem("x", "No network"))  # fmt: skip
    desk.happened(made.id, "done", started=begun, ended=begun, seconds=2.1, chat="chat-7",
                  cost=Decimal("0.0004"), result="Two.", earlier=2, by_hand=True)  # fmt: skip
    row = shown(scene, made)
    row.history_button.click()
    scene.until(lambda: len(row.history.rows) == 2)
    first, second = row.history.rows
    assert first.times.whole().startswith("run by hand ")
    assert "2 earlier times passed with it" in first.times.whole()
    assert (first.spent.text(), second.spent.text()) == ("2.1 s · $0.0004", "1.0 s · cost unknown")
    assert second.result.text() == "No network." and second.badge.text() == "Failed"
    with scene.qtbot.waitSignal(scene.window.chat_wanted) as asked:
        first.open_button.click()
    assert asked.args == ["chat-7"]
    second.open_button.click()
    scene.until(lambda: scene.window.details.isVisible())
    assert scene.window.details.run is not None and scene.window.details.run.id == run.id
    scene.window.show_schedules()
    # One more while it is open is told at once.
    on_loop(desk.tell(desk.happened(made.id, "running", due=scene.clock.now)))
    scene.until(lambda: row.history.rows[0].badge.text() == "Running")
    row.history_button.click()
    assert not row.history.isVisible()


def test_one_made_elsewhere_appears_and_what_cannot_be_done_is_told(
    scene: Scene, desk: FakeRoutines, on_loop: OnLoop
) -> None:
    made = desk.put("News")
    row = shown(scene, made)
    other = desk.put("Mail")
    on_loop(desk.change_one(other.id, title="Mail of today"))
    scene.until(lambda: other.id in scene.window.routines.rows)
    row = scene.window.routines.rows[made.id]
    scene.fake.fail["routines.pause"] = Unavailable("The engine does not answer", "", "Try again.")
    row.pause_button.click()
    scene.until(lambda: scene.window.said.card is not None)
    assert scene.window.said.card is not None
    assert scene.window.said.card.problem.title == "The engine does not answer"


def test_every_button_of_a_row_is_reached_by_keyboard_and_has_a_name(
    scene: Scene, desk: FakeRoutines
) -> None:
    row = shown(scene, desk.put("News"))
    buttons = [row.history_button, row.edit_button, row.pause_button, row.run_button]
    for made in (*buttons, row.more_button):
        assert made.accessibleName().endswith(": News")
        assert made.focusPolicy() & Qt.FocusPolicy.TabFocus
    row.history_button.setFocus()
    QTest.keyClick(row.history_button, Qt.Key.Key_Return)
    assert row.history.isVisible()
    QTest.keyClick(row.more_button, Qt.Key.Key_Space)
    scene.until(row.menu.isVisible)
    row.menu.close()


# -- what was missed -------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [True, False])
def test_missed_times_are_asked_about_together(scene: Scene, desk: FakeRoutines, run: bool) -> None:
    made, other = desk.put("News"), desk.put("Mail")
    for number in range(2):
        desk.happened(made.id, "asking", due=scene.clock.now - timedelta(days=number + 1))
    desk.happened(other.id, "asking")
    shown(scene, made)
    due = scene.window.due
    scene.until(due.isVisible)
    scene.until(lambda: due.which.whole() == "News, Mail")
    assert due.words.text() == "3 jobs were due"
    assert due.run_button.accessibleName() == "Run: 3 jobs were due"
    (due.run_button if run else due.skip_button).click()
    scene.until(lambda: not due.isVisible())
    assert scene.called(f"routines.decide.{run}") == 1
    wanted = "waiting" if run else "skipped"
    assert {each.state for each in desk.occurrences.values()} == {wanted}


def test_one_that_was_missed_while_the_window_is_open_is_asked_about(
    scene: Scene, desk: FakeRoutines, on_loop: OnLoop
) -> None:
    made = desk.put("News")
    shown(scene, made)
    assert not scene.window.due.isVisible()
    on_loop(desk.tell(desk.happened(made.id, "asking")))
    scene.until(scene.window.due.isVisible)
    assert scene.window.due.words.text() == "1 job was due"
    scene.fake.fail["routines.decide.True"] = Unavailable("The engine does not answer")
    scene.window.due.run_button.click()
    scene.until(lambda: scene.window.said.card is not None)
    assert scene.window.due.isVisible()
