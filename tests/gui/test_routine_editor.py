"""The dialog that makes and changes routines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QDate, Qt, QTime
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLineEdit
from pytestqt.qtbot import QtBot

from nagatha_desktop.activity import routine_words as words
from nagatha_desktop.activity.controls import Choice, WholeNumber
from nagatha_desktop.activity.routine_editor import RoutineEditor
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.activity_window import Scene, activity_window
from tests.support.fake_client import FakeClient
from tests.support.fake_routines import FakeRoutines
from worker.contract.errors import Unavailable


@pytest.fixture
def scene(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    with activity_window(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made
        if made.window.routines.editor is not None:
            made.window.routines.editor.reject()


@pytest.fixture
def desk(scene: Scene) -> FakeRoutines:
    return scene.fake.routine_desk


def opened(scene: Scene, routine: str = "") -> RoutineEditor:
    """The dialog, with all that it offers."""
    scene.open()
    scene.window.show_schedules()
    scene.until(lambda: scene.window.routines.loaded)
    if routine:
        scene.window.routines.rows[routine].edit_button.click()
    else:
        scene.window.routines.new()
    editor = scene.window.routines.editor
    assert editor is not None
    scene.until(lambda: editor.tool_list.count() == 3 and editor.isVisible())
    return editor


def saved(scene: Scene, editor: RoutineEditor) -> None:
    editor.save_button.click()
    scene.until(lambda: scene.window.routines.editor is None)


def test_a_prompt_is_made_and_stands_in_the_list(scene: Scene, desk: FakeRoutines) -> None:
    chat = scene.fake.store.add("Feeds", "a", "b")
    editor = opened(scene)
    QTest.keyClicks(editor.prompt, "Summarise my feeds")
    editor.when.time.setTime(QTime(7, 15))
    editor.provider.choose("openai")
    scene.until(lambda: editor.model.count() == 3)
    editor.model.setCurrentText("gpt-4o")
    editor.tools.choose("some")
    editor.tool_list.item(1).setCheckState(Qt.CheckState.Checked)
    editor.chat.choose(chat.id)
    editor.missed.choose("ask")
    editor.overlap.choose("queue")
    editor.notify.setChecked(False)
    saved(scene, editor)
    (draft,) = desk.drafts
    today = QDate.currentDate().toString("yyyy-MM-dd")
    assert (draft.prompt, draft.task, draft.cron) == ("Summarise my feeds", "", "")
    assert draft.rrule == "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    assert draft.start == f"{today}T07:15:00" and draft.zone == words.local_zone()
    assert (draft.provider, draft.model, draft.chat) == ("openai", "gpt-4o", chat.id)
    assert (draft.tools, draft.missed, draft.overlap) == (("current_time",), "ask", "queue")
    assert not draft.notify
    scene.until(lambda: len(scene.window.routines.rows) == 1)
    assert scene.window.toast.words.text() == "“Summarise my feeds” is kept."


@pytest.mark.parametrize(
    ("pattern", "rrule", "cron"),
    [
        ("daily", "FREQ=DAILY", ""),
        ("weekly", "FREQ=WEEKLY;BYDAY=TU,SU", ""),
        ("monthly", "FREQ=MONTHLY;BYMONTHDAY=15", ""),
        ("once", "", ""),
        ("cron", "", "30 8 * * 1-5"),
        ("rule", "FREQ=MONTHLY;BYDAY=-1FR", ""),
    ],
)
def test_each_way_to_say_when_is_kept_and_comes_back(
    scene: Scene, desk: FakeRoutines, pattern: str, rrule: str, cron: str
) -> None:
    editor = opened(scene)
    when = editor.when
    editor.prompt.setPlainText("Do it")
    when.pattern.choose(pattern)
    for day, made in when.days.items():
        made.setChecked(day in ("TU", "SU"))
    when.day.setValue(15)
    when.date.setDate(QDate(2031, 5, 17))
    when.cron.setText("30 8 * * 1-5")
    when.rule.setText("RRULE:FREQ=MONTHLY;BYDAY=-1FR")
    saved(scene, editor)
    draft = desk.drafts[-1]
    assert (draft.rrule, draft.cron) == (rrule, cron)
    if pattern in ("once", "rule"):
        assert draft.start == "2031-05-17T08:30:00"
    (routine,) = desk.all.values()
    scene.until(lambda: routine.id in scene.window.routines.rows)
    again = opened(scene, routine.id)
    assert again.when.pattern.currentData() == pattern
    chosen = again.when.chosen
    assert (chosen.rrule, chosen.cron) == (rrule, cron)
    if pattern != "cron":
        assert chosen.start == draft.start


def test_the_next_three_times_are_shown_or_why_there_are_none(scene: Scene) -> None:
    editor = opened(scene)
    scene.until(lambda: editor.next.text().count("\n") == 2)
    when = editor.when
    when.pattern.choose("cron")
    scene.until(lambda: editor.next.text().startswith("Write a cron line"))
    when.cron.setText("every morning")
    scene.until(lambda: "has not five fields" in editor.next.text())
    assert editor.next.property("tone") == "bad"
    when.cron.setText("30 8 1 1 *")
    scene.until(lambda: editor.next.text().count("\n") == 2 and "1 Jan" in editor.next.text())
    when.pattern.choose("once")
    when.date.setDate(QDate(2001, 1, 1))
    scene.until(lambda: editor.next.text().startswith("That time has passed"))
    editor.zone.setEditText("Mars/Base")
    scene.until(lambda: "no such time zone" in editor.next.text())
    when.pattern.choose("weekly")
    for made in when.days.values():
        made.setChecked(False)
    scene.until(lambda: editor.next.text() == "Choose a day of the week.")
    editor.save()
    assert editor.card is not None and editor.card.problem.message == "Choose a day of the week."


def test_a_task_gets_its_arguments_by_its_schema(scene: Scene, desk: FakeRoutines) -> None:
    editor = opened(scene)
    editor.kind.choose("task")
    editor.task.choose("feeds.fetch_all")
    form = editor.arguments
    assert form is not None and list(form.fields) == ["limit", "kind", "again", "languages"]
    limit, kind, again, languages = form.fields.values()
    assert isinstance(limit, WholeNumber) and (limit.value(), limit.maximum()) == (20, 100)
    assert isinstance(kind, Choice) and isinstance(again, QCheckBox)
    assert isinstance(languages, QLineEdit)
    assert form.values == {"limit": 20, "kind": "short", "again": False}
    limit.setValue(7)
    kind.choose("long")
    languages.setText("[de")
    editor.save()
    assert editor.card is not None and "“languages” is no JSON" in editor.card.problem.message
    assert desk.drafts == [] and languages.property("invalid")
    languages.setText('["de"]')
    assert not editor.prompt.isVisible() and not editor.chat.isVisible()
    saved(scene, editor)
    (draft,) = desk.drafts
    assert draft.task == "feeds.fetch_all" and draft.prompt == "" and draft.tools is None
    assert draft.arguments == {"limit": 7, "kind": "long", "again": False, "languages": ["de"]}


def test_a_routine_is_shown_as_it_is_and_what_is_gone_stays_named(
    scene: Scene, desk: FakeRoutines
) -> None:
    made = desk.put(
        "News", prompt="Tell me", provider="gone", model="m-1", tools=("old_tool", "calculate"),
        chat="no-chat", zone="Asia/Tokyo", missed="skip", overlap="queue", notify=False,
    )  # fmt: skip
    scene.open()
    scene.window.show_schedules()
    scene.until(lambda: made.id in scene.window.routines.rows)
    scene.window.routines.edit(made.id)
    editor = scene.window.routines.editor
    assert editor is not None
    scene.until(lambda: editor.tool_list.count() == 4)
    editor.title.setText("News of Tokyo")
    saved(scene, editor)
    (draft,) = desk.drafts
    assert (draft.title, draft.prompt, draft.zone) == ("News of Tokyo", "Tell me", "Asia/Tokyo")
    assert (draft.provider, draft.model, draft.chat) == ("gone", "m-1", "no-chat")
    assert set(draft.tools or ()) == {"old_tool", "calculate"}
    assert (draft.missed, draft.overlap, draft.notify) == ("skip", "queue", False)
    assert draft.start == made.start and draft.rrule == made.rrule


def test_a_task_that_is_gone_is_kept_with_its_arguments(scene: Scene, desk: FakeRoutines) -> None:
    made = desk.put("Figures", task="gone.task", arguments={"a": 1}, prompt="")
    editor = opened_for(scene, made.id)
    editor.title.setText("Figures of the week")
    saved(scene, editor)
    assert (desk.drafts[-1].task, desk.drafts[-1].arguments) == ("gone.task", {"a": 1})


def opened_for(scene: Scene, routine: str) -> RoutineEditor:
    scene.open()
    scene.window.show_schedules()
    scene.until(lambda: routine in scene.window.routines.rows)
    return opened(scene, routine)


def test_what_there_is_to_choose_from_not_being_read_loses_nothing(
    scene: Scene, desk: FakeRoutines
) -> None:
    made = desk.put("News", provider="gone", model="m-1", tools=("calculate",), chat="no-chat")
    scene.open()
    scene.window.show_schedules()
    scene.until(lambda: made.id in scene.window.routines.rows)
    scene.fake.fail["models.providers"] = Unavailable("The engine does not answer", "", "Wait.")
    scene.window.routines.edit(made.id)
    editor = scene.window.routines.editor
    assert editor is not None and not editor.save_button.isEnabled()
    scene.until(lambda: editor.card is not None)
    editor.title.setText("Mine")
    saved(scene, editor)
    draft = desk.drafts[-1]
    assert (draft.title, draft.provider, draft.model) == ("Mine", "gone", "m-1")
    assert (draft.tools, draft.chat) == (("calculate",), "no-chat")


def test_what_is_wrong_is_told_in_place_and_nothing_is_lost(
    scene: Scene, desk: FakeRoutines
) -> None:
    editor = opened(scene)
    editor.title.setText("Mine")
    editor.save_button.click()
    scene.until(lambda: editor.card is not None)
    assert editor.card is not None and editor.card.problem.title == "There is nothing to do"
    assert editor.isVisible() and editor.title.text() == "Mine" and editor.save_button.isEnabled()
    editor.prompt.setPlainText("Do it")
    # Enter in a field keeps nothing, Ctrl+Enter does.
    QTest.keyClick(editor.title, Qt.Key.Key_Return)
    assert desk.drafts == []
    QTest.keyClick(editor.title, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    scene.until(lambda: scene.window.routines.editor is None)
    assert desk.drafts[0].title == "Mine"


def test_esc_leaves_it_and_nothing_is_kept(scene: Scene, desk: FakeRoutines) -> None:
    editor = opened(scene)
    editor.prompt.setPlainText("Do it")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    scene.until(lambda: scene.window.routines.editor is None)
    assert desk.drafts == [] and scene.window.isVisible()


def test_everything_in_it_has_a_name(scene: Scene) -> None:
    editor = opened(scene)
    when = editor.when
    fields = (
        editor.kind, editor.prompt, editor.task, editor.title, when.pattern, when.time, when.date,
        when.day, when.cron, when.rule, editor.zone, editor.provider, editor.model, editor.tools,
        editor.tool_list, editor.chat, editor.missed, editor.overlap,
    )  # fmt: skip
    assert [field for field in fields if not field.accessibleName()] == []
    assert "Next times: " in editor.next.accessibleName()
