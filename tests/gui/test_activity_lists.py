"""The lists of the activity window: segments, counts, paging, search, and what changes live."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.activity.feed import PAGE
from nagatha_desktop.activity.rows import Column
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.activity_window import Scene, activity_window
from tests.support.fake_client import FakeClient
from worker.contract.errors import StorageError
from worker.contract.types import Problem

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
DOWN = Problem("no_network", "The feed could not be fetched", "No such name.", "Check it.")


@pytest.fixture
def scene(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    with activity_window(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


def fill(scene: Scene, number: int) -> None:
    """`number` runs that are done, the newest first by a second each."""
    for place in range(number):
        queued = scene.ago(seconds=place + 1)
        scene.jobs.add("echo_bot.echo", id=f"r{place}", queued=queued, ended=queued)


# -- what is shown ---------------------------------------------------------------------------------


def test_each_run_stands_in_the_segment_of_its_state(scene: Scene) -> None:
    for state in ("STARTED", "PROGRESS"):
        scene.jobs.add("a.now", state)
    for state in ("PENDING", "RETRY"):
        scene.jobs.add("a.waits", state)
    for state in ("FAILURE", "INTERRUPTED"):
        scene.jobs.add("a.failed", state, error=DOWN)
    for state in ("SUCCESS", "REVOKED", "SUCCESS"):
        scene.jobs.add("a.done", state)
    scene.open()
    assert scene.tabs() == ["Now 2", "Waiting 2", "Failed 2", "Done 3", "Schedules"]
    assert scene.names("now") == ["Now", "Now"] and scene.names("waiting") == ["Waits", "Waits"]
    assert set(scene.names("failed")) == {"Failed"} and set(scene.names("done")) == {"Done"}


def test_a_row_says_what_why_and_how_it_stands(scene: Scene) -> None:
    chat = scene.fake.store.add("Release notes", "a", "b")
    scene.jobs.add(
        "echo_bot.reverse_text",
        "PROGRESS",
        queued=scene.ago(seconds=70),
        started=scene.ago(seconds=62),
        chat=chat.id,
        attempts=2,
        progress=0.4,
        progress_text="Reading 4 of 10",
    )
    scene.open()
    cells = [scene.cell("now", 0, column) for column in Column]
    assert cells == [
        "Reverse text",
        "From the chat “Release notes”",
        "Running, 2 attempts",
        "40 % Reading 4 of 10",
        "1 min 2 s, began 1 min ago",
    ]
    rows = scene.window.feed.rows["now"]
    said = rows.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith("Reverse text, Module Echo bot, From the chat")
    tip = str(rows.index(0, Column.WHEN).data(Qt.ItemDataRole.ToolTipRole))
    assert tip.splitlines()[0].startswith("Queued ") and "Begun" in tip and "Ended" not in tip


def test_an_answer_is_called_by_its_chat_and_follows_its_title(
    scene: Scene, on_loop: OnLoop
) -> None:
    chat = scene.fake.store.add("Old title", "a", "b")
    scene.jobs.add("answer", "STARTED", kind="answer", chat=chat.id)
    scene.open()
    assert scene.names("now") == ["Old title"]
    on_loop(scene.fake.store.rename(chat.id, "New title"))
    scene.until(lambda: scene.names("now") == ["New title"])


def test_what_waits_says_for_what(scene: Scene) -> None:
    later = scene.clock.now + timedelta(minutes=5)
    scene.jobs.add("a.later", "PENDING", queued=scene.ago(minutes=3), due=later)
    scene.jobs.add("a.again", "RETRY", queued=scene.ago(minutes=4), due=scene.ago(seconds=-8))
    scene.jobs.add("a.step", "PENDING", queued=scene.ago(minutes=5), follows="r")
    scene.open()
    whens = [scene.cell("waiting", row, Column.WHEN) for row in range(3)]
    assert whens == [
        "begins in 5 min, queued 3 min ago",
        "queued 4 min ago",
        "after the step before, queued 5 min ago",
    ]
    assert scene.cell("waiting", 1, Column.STATE) == "Retry in 8 s"
    scene.clock.move(seconds=5)
    assert scene.cell("waiting", 1, Column.STATE) == "Retry in 3 s"


def test_an_empty_segment_says_what_would_be_there(scene: Scene) -> None:
    scene.open()
    assert scene.tabs() == ["Now", "Waiting", "Failed", "Done", "Schedules"]
    for segment, words in (
        ("now", "Nothing is running"),
        ("waiting", "Nothing waits"),
        ("failed", "Nothing failed"),
        ("done", "Nothing is done yet"),
    ):
        shown: QWidget = scene.window.lists[segment].currentWidget()  # type: ignore[index]
        assert shown.accessibleName().startswith(words)


# -- paging ----------------------------------------------------------------------------------------


def test_pages_are_fetched_while_a_person_goes_down(scene: Scene) -> None:
    fill(scene, 2 * PAGE + 10)
    scene.open("done")
    rows = scene.window.feed.rows["done"]
    assert (len(rows), rows.more, scene.jobs.most) == (PAGE, True, PAGE)
    assert scene.tabs()[3] == f"Done {PAGE}+"
    bar = scene.table("done").verticalScrollBar()
    scene.until(lambda: bar.maximum() > 0)
    while rows.more:
        before = len(rows)
        bar.setValue(bar.maximum())
        scene.until(lambda: len(rows) > before or not rows.more)  # noqa: B023
    assert len(rows) == 2 * PAGE + 10
    scene.until(lambda: scene.tabs()[3] == f"Done {2 * PAGE + 10}")
    assert scene.jobs.most <= PAGE + 1
    ids = [run.id for run in rows._runs]
    assert ids == [f"r{number}" for number in range(2 * PAGE + 10)]


def test_no_run_is_lost_or_doubled_where_many_were_queued_at_once(scene: Scene) -> None:
    at_once = scene.ago(seconds=5)
    for number in range(PAGE + 50):
        scene.jobs.add("a.b", id=f"same{number}", queued=at_once)
    for number in range(20):
        scene.jobs.add("a.b", id=f"older{number}", queued=scene.ago(seconds=10 + number))
    scene.open("done")
    rows = scene.window.feed.rows["done"]
    while rows.more:
        before = len(rows)
        rows.fetchMore(rows.index(-1, -1))
        scene.until(lambda: len(rows) > before or not rows.more)  # noqa: B023
    ids = [run.id for run in rows._runs]
    assert len(ids) == len(set(ids)) == PAGE + 70


def test_a_page_that_cannot_be_read_is_said_and_can_be_asked_for_again(scene: Scene) -> None:
    fill(scene, PAGE + 5)
    scene.open("done")
    rows = scene.window.feed.rows["done"]
    scene.fake.fail["jobs.list_runs"] = StorageError("The disk is gone", "It was pulled.", "")
    rows.fetchMore(rows.index(-1, -1))
    scene.until(lambda: scene.window.said.card is not None)
    assert scene.window.said.card is not None
    assert scene.window.said.card.problem.title == "The disk is gone"
    del scene.fake.fail["jobs.list_runs"]
    rows.fetchMore(rows.index(-1, -1))
    scene.until(lambda: len(rows) == PAGE + 5)


# -- live ------------------------------------------------------------------------------------------


def test_a_run_moves_through_the_segments_as_it_goes_on(scene: Scene, on_loop: OnLoop) -> None:
    run = scene.jobs.add("a.job", "PENDING")
    scene.open()
    assert scene.tabs()[:2] == ["Now", "Waiting 1"]
    on_loop(scene.jobs.change(run.id, state="STARTED", started=run.queued))
    scene.until(lambda: scene.tabs()[:2] == ["Now 1", "Waiting"])
    on_loop(scene.jobs.change(run.id, state="FAILURE", ended=run.queued, error=DOWN))
    scene.until(lambda: scene.tabs()[:3] == ["Now", "Waiting", "Failed 1"])
    assert scene.cell("failed", 0, Column.MORE) == "The feed could not be fetched"


def test_a_change_touches_its_row_only(scene: Scene, on_loop: OnLoop) -> None:
    fill(scene, 30)
    scene.open("done")
    rows = scene.window.feed.rows["done"]
    resets: list[int] = []
    changed: list[int] = []
    rows.modelReset.connect(lambda: resets.append(1))
    rows.dataChanged.connect(lambda first, last: changed.extend((first.row(), last.row())))
    on_loop(scene.jobs.change("r7", result="other"))
    scene.until(lambda: changed == [7, 7])
    assert not resets


def test_a_new_run_comes_where_its_time_says(scene: Scene, on_loop: OnLoop) -> None:
    fill(scene, 5)
    scene.open("done")
    scene.window.bring_up()
    new = replace(scene.jobs.runs["r0"], id="new", queued=scene.ago(seconds=3, milliseconds=500))
    on_loop(scene.jobs.tell((new,)))
    rows = scene.window.feed.rows["done"]
    scene.until(lambda: rows.has("new"))
    assert [run.id for run in rows._runs] == ["r0", "r1", "r2", "new", "r3", "r4"]


def test_one_older_than_all_that_was_read_waits_for_its_page(scene: Scene, on_loop: OnLoop) -> None:
    fill(scene, PAGE + 3)
    scene.open("done")
    last = scene.jobs.runs[f"r{PAGE + 2}"]
    marker = scene.jobs.runs["r0"]
    on_loop(scene.jobs.tell((replace(last, result="told"), replace(marker, result="told"))))
    rows = scene.window.feed.rows["done"]
    scene.until(lambda: getattr(rows.get("r0"), "result", None) == "told")
    assert len(rows) == PAGE and not rows.has(last.id)


def test_what_a_person_reads_stays_where_it_is(scene: Scene, on_loop: OnLoop) -> None:
    fill(scene, 100)
    scene.open("done")
    table = scene.table("done")
    bar = table.verticalScrollBar()
    scene.until(lambda: bar.maximum() > 0)
    bar.setValue(table.verticalHeader().defaultSectionSize() * 20)
    first = table.rows.run_at(table.indexAt(table.viewport().rect().topLeft()))
    assert first is not None and first.id == "r20"
    new = [replace(scene.jobs.runs["r0"], id=f"n{n}", queued=scene.clock.now) for n in range(3)]
    on_loop(scene.jobs.tell(new))
    scene.until(lambda: table.rows.has("n2"))
    again = table.rows.run_at(table.indexAt(table.viewport().rect().topLeft()))
    assert again is not None and again.id == "r20"


def test_what_is_told_while_it_is_read_is_not_lost(scene: Scene, on_loop: OnLoop) -> None:
    run = scene.jobs.add("a.job", "STARTED")
    scene.open()
    scene.window.feed.load()
    # Told before the answer is delivered, though the answer was written after it.
    done = replace(run, state="SUCCESS", ended=run.queued)
    scene.window.feed.take(done)
    scene.loaded()
    scene.until(lambda: scene.window.feed.rows["done"].has(run.id))
    assert not scene.window.feed.rows["now"].has(run.id)


def test_a_hidden_window_reads_again_when_it_comes_back(scene: Scene, on_loop: OnLoop) -> None:
    run = scene.jobs.add("a.job", "STARTED")
    scene.open()
    scene.window.close()
    asked = scene.called("jobs.list_runs")
    on_loop(scene.jobs.change(run.id, state="SUCCESS", ended=run.queued))
    scene.until(lambda: scene.watch.running == 0)
    assert scene.called("jobs.list_runs") == asked
    scene.open()
    assert scene.tabs()[0] == "Now" and scene.tabs()[3] == "Done 1"


def test_after_a_restore_all_is_read_again(scene: Scene, on_loop: OnLoop) -> None:
    scene.jobs.add("a.job")
    scene.open("done")
    scene.jobs.runs.clear()
    on_loop(scene.fake.replace_all())
    scene.until(lambda: scene.tabs()[3] == "Done")


# -- filter ----------------------------------------------------------------------------------------


def test_words_are_searched_by_the_engine_after_a_rest(scene: Scene) -> None:
    scene.jobs.add("feeds.fetch", arguments={"address": "https://example.org/news"})
    scene.jobs.add("echo_bot.echo")
    scene.open("done")
    scene.qtbot.keyClicks(scene.window.top.field, "news fetch")
    scene.until(lambda: scene.names("done") == ["Fetch"])
    asked = {query for _, query, _ in scene.jobs.asked}
    assert asked == {"", "news fetch"}, "each letter was asked for"
    scene.press(Qt.Key.Key_Escape, scene.window.top.field)
    scene.until(lambda: len(scene.names("done")) == 2)
    assert scene.window.isVisible()


def test_a_kind_can_be_chosen(scene: Scene) -> None:
    scene.jobs.add("answer", kind="answer")
    scene.jobs.add("a.job")
    scene.open("done")
    kinds = scene.window.top.kinds
    kinds.setCurrentIndex(kinds.findText("Task"))
    scene.until(lambda: scene.names("done") == ["Job"])
    assert scene.jobs.asked[-1] == (("SUCCESS", "REVOKED"), "", ("task",))


def test_nothing_found_says_so_and_offers_all_again(scene: Scene) -> None:
    scene.jobs.add("a.job")
    scene.open("done")
    scene.window.top.field.setText("nowhere")
    listed = scene.window.lists["done"]
    scene.until(lambda: listed.currentWidget() is listed.nothing_found)
    listed.nothing_found.button.click()
    scene.until(lambda: listed.currentWidget() is listed.table)
    assert scene.window.top.field.text() == ""


def test_a_filter_holds_for_what_comes_live(scene: Scene, on_loop: OnLoop) -> None:
    found = scene.jobs.add("feeds.fetch", "STARTED")
    scene.open()
    scene.window.top.field.setText("fetch")
    scene.until(lambda: scene.jobs.asked[-1][1] == "fetch" and scene.window.feed.loaded)
    other = scene.jobs.add("echo_bot.echo", "STARTED")
    fits = scene.jobs.add("feeds.fetch", "STARTED", queued=scene.clock.now)
    on_loop(scene.jobs.tell((other, fits)))
    scene.until(lambda: scene.window.feed.rows["now"].has(fits.id))
    assert not scene.window.feed.rows["now"].has(other.id)
    # One that was found stays found while it moves on.
    on_loop(scene.jobs.change(found.id, state="SUCCESS", ended=found.queued))
    scene.until(lambda: scene.window.feed.rows["done"].has(found.id))
