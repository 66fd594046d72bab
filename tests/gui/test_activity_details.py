"""One run in the activity window: its details, what can be done to it, and the keyboard."""

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from nagatha_desktop.activity import details as details_module
from nagatha_desktop.activity.written import LONGEST, written
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.activity_window import Scene, activity_window, press_button
from tests.support.fake_client import FakeClient
from tests.support.widgets import nameless
from worker.contract.errors import Conflict
from worker.contract.jobs import Batch, LogLine
from worker.contract.types import Problem

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
Key = Qt.Key
DOWN = Problem(
    "no_network", "The feed could not be fetched", "No such name.", "Check the network.", "retry"
)


@pytest.fixture
def scene(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    with activity_window(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


def line(text: str) -> LogLine:
    return LogLine(datetime.now(UTC), "INFO", text)


# -- details ---------------------------------------------------------------------------------------


def test_a_failed_run_shows_its_error_log_arguments_and_result(scene: Scene) -> None:
    chat = scene.fake.store.add("Release notes", "a", "b")
    run = scene.jobs.add(
        "feeds.fetch",
        "FAILURE",
        chat=chat.id,
        error=DOWN,
        attempts=3,
        arguments={"address": "https://example.org/ü"},
        result={"read": [1, 2]},
    )
    scene.jobs.logs[run.id] = [line("Begun"), line("Given up")]
    scene.window.show_run(run.id)
    details = scene.window.details
    scene.until(lambda: "Given up" in details.log_view.toPlainText())
    assert scene.window.segment == "failed" and details.title.whole() == "Fetch"
    assert details.badge.text() == "Failed"
    assert details._card is not None and details._card.problem == DOWN
    assert "https://example.org/ü" in details.arguments_view.toPlainText()
    assert '"read": [\n' in details.result_view.toPlainText()
    about = details.facts_view.toPlainText()
    assert "feeds.fetch" in about and run.id in about and "Release notes" in about
    with scene.qtbot.waitSignal(scene.window.chat_wanted) as asked:
        details.chat_button.click()
    assert asked.args == [chat.id]


def test_the_log_is_read_again_while_the_run_is_at_work_and_seen(
    scene: Scene, on_loop: OnLoop
) -> None:
    scene.window.details._again.setInterval(20)
    run = scene.jobs.add("feeds.fetch", "STARTED")
    scene.jobs.logs[run.id] = [line("one")]
    scene.window.show_run(run.id)
    details = scene.window.details
    scene.until(lambda: "one" in details.log_view.toPlainText())
    scene.jobs.logs[run.id].append(line("two"))
    scene.until(lambda: "two" in details.log_view.toPlainText())
    scene.window.close_details()
    assert not details._again.isActive()
    scene.window.look_at(run)
    scene.until(details._again.isActive)
    scene.jobs.logs[run.id].append(line("three"))
    on_loop(scene.jobs.change(run.id, state="SUCCESS", ended=run.queued))
    scene.until(lambda: "three" in details.log_view.toPlainText())
    scene.until(lambda: details._reading is None and not details._again.isActive())
    assert details_module.READ_AGAIN == 1_000


def test_progress_is_shown_as_it_comes(scene: Scene, on_loop: OnLoop) -> None:
    run = scene.jobs.add("feeds.fetch", "STARTED", queued=scene.clock.now)
    scene.window.show_run(run.id)
    details = scene.window.details
    scene.until(details.isVisible)
    assert not details.bar.isVisible()
    on_loop(scene.jobs.change(run.id, state="PROGRESS", progress=0.25, progress_text="A quarter"))
    scene.until(lambda: details.bar.value() == 250)
    assert details.bar.isVisible() and details.bar_text.whole() == "25 % · A quarter"
    assert details.facts.whole().endswith("began just now")
    scene.clock.move(seconds=61)
    details.tick()
    assert "at work for 1 min 1 s" in details.facts.whole()


def test_a_batch_shows_how_far_the_whole_is(scene: Scene, on_loop: OnLoop) -> None:
    scene.window.details._again.setInterval(20)
    scene.window.details._recount.setInterval(20)
    runs = [scene.jobs.add(f"a.step{n}", "PENDING", batch="b") for n in range(3)]
    scene.jobs.batches["b"] = Batch("b", "group", tuple(runs))
    scene.window.show_run(runs[0].id)
    details = scene.window.details
    scene.until(details.batch_bar.isVisible)
    assert details.batch_text.whole() == "Batch: 0 of 3 have ended"
    on_loop(scene.jobs.change(runs[1].id, state="FAILURE", ended=runs[1].queued, error=DOWN))
    scene.until(lambda: details.batch_text.whole() == "Batch: 1 of 3 have ended · 1 failed")
    assert details.batch_bar.value() == 333
    # All of it was read once: it may have thousands of runs, each of which tells each change.
    on_loop(scene.jobs.change(runs[0].id, state="SUCCESS", ended=runs[0].queued))
    on_loop(scene.jobs.change(runs[2].id, state="PROGRESS", progress=0.5))
    scene.until(lambda: details.batch_bar.value() == 833)
    assert details.batch_text.whole() == "Batch: 2 of 3 have ended · 1 failed"
    assert scene.fake.calls.count("jobs.batch") == 1
    # What was told while nobody looked is read.
    scene.window.close_details()
    on_loop(scene.jobs.change(runs[2].id, state="SUCCESS", ended=runs[2].queued))
    scene.window.show_run(runs[1].id)
    scene.until(lambda: details.batch_text.whole() == "Batch: 3 of 3 have ended · 1 failed")


def test_values_are_written_readably_and_have_an_end() -> None:
    assert written({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'
    assert written("\x00") == '"\\u0000"'
    long = written(["x" * 1000] * 1000)
    assert len(long) < LONGEST + 100 and "cut after" in long


def test_a_run_that_is_gone_is_said(scene: Scene) -> None:
    scene.window.show_run("no-such-run")
    scene.until(lambda: scene.window.said.card is not None)
    assert scene.window.said.card is not None
    assert scene.window.said.card.problem.title == "There is no such run"
    scene.window.said.card.dismiss.click()
    assert scene.window.said.card is None and not scene.window.said.isVisible()


def test_details_stay_with_their_run_when_it_moves_on(scene: Scene, on_loop: OnLoop) -> None:
    first = scene.jobs.add("a.first", "STARTED", queued=scene.ago(seconds=1))
    scene.jobs.add("a.second", "STARTED", queued=scene.ago(seconds=2))
    scene.window.show_run(first.id)
    scene.until(scene.window.details.isVisible)
    on_loop(scene.jobs.change(first.id, state="SUCCESS", ended=first.queued))
    scene.until(lambda: scene.names("now") == ["Second"])
    shown = scene.window.details.run
    assert shown is not None and (shown.id, shown.state) == (first.id, "SUCCESS")
    assert scene.table("now").current is None


def test_everything_can_be_copied(scene: Scene) -> None:
    run = scene.jobs.add("feeds.fetch", "FAILURE", error=DOWN, arguments={"n": 1}, result=[2])
    scene.jobs.logs[run.id] = [line("Given up")]
    scene.window.show_run(run.id)
    details = scene.window.details
    scene.until(lambda: "Given up" in details.log_view.toPlainText())
    details.copy_button.click()
    text = QGuiApplication.clipboard().text()
    for part in ("feeds.fetch", "The feed could not be fetched", '"n": 1', "Given up", run.id):
        assert part in text
    assert details.copy_button.text() == "Copied"


# -- actions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind", "lane", "buttons"),
    [
        ("PENDING", "task", "queued", {"now", "cancel"}),
        ("RETRY", "task", "queued", {"now", "cancel"}),
        ("STARTED", "answer", "now", {"cancel"}),
        ("SUCCESS", "task", "queued", {"retry"}),
        ("FAILURE", "maintenance", "queued", {"retry"}),
        ("FAILURE", "answer", "now", set()),
        ("STARTED", "title", "now", set()),
        ("SUCCESS", "backup", "now", set()),
    ],
)
def test_only_what_is_possible_is_offered(
    scene: Scene, state: Any, kind: str, lane: str, buttons: set[str]
) -> None:
    run = scene.jobs.add("a.job", state, kind=kind, lane=lane)
    scene.window.show_run(run.id)
    details = scene.window.details
    scene.until(details.isVisible)
    offered = {
        "now": details.now_button,
        "retry": details.retry_button,
        "cancel": details.cancel_button,
    }
    assert {name for name, made in offered.items() if made.isVisible()} == buttons


def test_cancel_run_now_and_retry_ask_the_engine(scene: Scene) -> None:
    waiting = scene.jobs.add("a.job", "PENDING")
    scene.window.show_run(waiting.id)
    details = scene.window.details
    scene.until(details.now_button.isVisible)
    details.now_button.click()
    details.now_button.click()
    scene.until(lambda: details.badge.text() == "Running")
    assert scene.called("jobs.run_now") == 1
    with scene.qtbot.waitSignal(scene.window.cancelled) as told:
        details.cancel_button.click()
    assert told.args == [waiting.id]
    scene.until(lambda: details.badge.text() == "Cancelled")
    details.retry_button.click()
    scene.until(scene.window.toast.isVisible)
    assert scene.called("jobs.retry") == 1
    scene.window.toast.button.click()
    scene.until(lambda: scene.window.segment == "waiting" and details.badge.text() == "Waiting")


def test_what_cannot_be_done_is_a_card(scene: Scene) -> None:
    run = scene.jobs.add("a.job", "PENDING")
    scene.window.show_run(run.id)
    scene.until(scene.window.details.now_button.isVisible)
    scene.fake.fail["jobs.run_now"] = Conflict("This run does not wait any more", "", "Look again.")
    scene.window.details.now_button.click()
    scene.until(lambda: scene.window.said.card is not None)
    card = scene.window.said.card
    assert card is not None and card.problem.title == "This run does not wait any more"
    assert card.isVisible() and scene.window.said.isVisible()
    # It can be tried once more, and the card goes when that is done.
    del scene.fake.fail["jobs.run_now"]
    scene.window.details.now_button.click()
    scene.until(lambda: scene.window.details.badge.text() == "Running")
    assert scene.window.said.card is None


def test_the_button_of_an_error_does_what_it_says(scene: Scene) -> None:
    task = scene.jobs.add("a.job", "FAILURE", error=DOWN)
    chat = scene.fake.store.add("One", "a", "b")
    key = Problem("wrong_key", "The key is wrong", "", "", "models")
    answer = scene.jobs.add("answer", "FAILURE", kind="answer", chat=chat.id, error=DOWN)
    asked = scene.jobs.add("answer", "FAILURE", kind="answer", chat=chat.id, error=key)
    scene.window.show_run(task.id)
    details = scene.window.details
    scene.until(lambda: details._card is not None)
    assert details._card is not None
    details._card.button.click()
    scene.until(lambda: scene.called("jobs.retry") == 1)
    scene.window.look_at(answer)
    with scene.qtbot.waitSignal(scene.window.chat_wanted) as wanted:
        details._card.button.click()
    assert wanted.args == [chat.id]
    scene.window.look_at(asked)
    with scene.qtbot.waitSignal(scene.window.settings_wanted) as page:
        details._card.button.click()
    assert page.args == ["models"]


# -- keyboard --------------------------------------------------------------------------------------


def test_the_keyboard_goes_through_all_of_it(scene: Scene) -> None:
    chat = scene.fake.store.add("One", "a", "b")
    for number in range(3):
        scene.jobs.add("a.job", id=f"r{number}", queued=scene.ago(seconds=number), chat=chat.id)
    scene.open("done")
    window, table = scene.window, scene.table("done")
    window.activateWindow()
    window.focus_filter()
    scene.press(Key.Key_Down, window.top.field)
    assert table.hasFocus() and table.current is not None and table.current.id == "r0"
    scene.press(Key.Key_End, table)
    assert table.current is not None and table.current.id == "r2"
    scene.press(Key.Key_Home, table)
    scene.press(Key.Key_Down, table)
    assert not window.details.isVisible()
    scene.press(Key.Key_Return, table)
    assert window.details.isVisible() and window.details.run is not None
    assert window.details.run.id == "r1"
    scene.press(Key.Key_Down, table)
    assert window.details.run.id == "r2"
    with scene.qtbot.waitSignal(window.chat_wanted) as wanted:
        scene.press(Key.Key_Return, table)
    assert wanted.args == [chat.id]
    scene.press(Key.Key_Escape, table)
    assert not window.details.isVisible() and window.isVisible()
    scene.press(Key.Key_Escape, table)
    assert not window.isVisible()


def test_delete_asks_before_it_cancels(scene: Scene) -> None:
    scene.jobs.add("a.job", "STARTED")
    scene.open("now")
    table = scene.table("now")
    table.setFocus()
    scene.press(Key.Key_Delete, table)
    question = scene.window.question.box
    assert isinstance(question, QMessageBox) and "Job" in question.text()
    press_button(question, "Let it go on")
    scene.until(lambda: scene.window.question.box is None)
    assert scene.called("jobs.cancel") == 0
    scene.press(Key.Key_Delete, table)
    assert scene.window.question.box is not None
    press_button(scene.window.question.box, "Cancel it")
    scene.until(lambda: scene.tabs()[3] == "Done 1")
    assert scene.called("jobs.cancel") == 1


def test_delete_leaves_alone_what_has_ended(scene: Scene) -> None:
    scene.jobs.add("a.job")
    scene.open("done")
    scene.table("done").setFocus()
    scene.press(Key.Key_Delete, scene.table("done"))
    assert scene.window.question.box is None


def test_keys_lead_to_the_other_windows(scene: Scene) -> None:
    scene.open()
    keys = scene.window._window_keys.actions
    assert keys["window.activity"].shortcut().toString() == "Ctrl+5"
    with scene.qtbot.waitSignal(scene.window.chat_wanted) as wanted:
        keys["window.chat"].trigger()
    assert wanted.args == [""]
    with scene.qtbot.waitSignal(scene.window.settings_wanted):
        keys["window.settings"].trigger()
    with scene.qtbot.waitSignal(scene.window.shortcuts_wanted):
        keys["help.shortcuts"].trigger()
    scene.window.show_schedules()
    keys["chat.find"].trigger()
    assert scene.window.segment == "now"


def test_every_control_has_a_name(scene: Scene) -> None:
    scene.jobs.add("a.job", "PENDING")
    scene.jobs.add_schedule("maintenance", "cleanup_memory_and_maintenance", 3600)
    scene.open("waiting")
    scene.window.show_run(next(iter(scene.jobs.runs)))
    scene.until(scene.window.details.isVisible)
    assert nameless(scene.window) == []
    scene.window.show_schedules()
    scene.until(lambda: bool(scene.window.schedules.rows))
    scene.window.schedules.rows["maintenance"].change_button.click()
    assert nameless(scene.window) == []
    assert scene.window.top.tabs.accessibleName() and scene.window.details.tabs.accessibleName()


def test_the_share_of_the_details_is_kept(scene: Scene) -> None:
    run = scene.jobs.add("a.job")
    scene.window.show_run(run.id)
    scene.until(scene.window.details.isVisible)
    split = scene.window.split
    above = split.sizes()[0] - 40
    split.moveSplitter(above, 1)
    kept = int(scene.state.load_geometry("activity.split"))
    assert abs(kept - 100 * split.sizes()[1] / sum(split.sizes())) <= 1
    scene.window.close_details()
    scene.window.look_at(run)
    assert abs(split.sizes()[0] - above) <= sum(split.sizes()) // 100 + 1
