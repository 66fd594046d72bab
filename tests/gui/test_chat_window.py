"""The chat window as a person uses it, against a client in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.shortcuts_window import ShortcutsWindow
from nagatha_desktop.chat.window import ChatWindow
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient, Script
from worker.contract.errors import ModelError, Unavailable
from worker.contract.types import Problem
from worker.runtime import Runtime

Key = Qt.Key


@dataclass
class Scene:
    """The window and what it was made of."""

    window: ChatWindow
    state: WindowState
    keys: Keys
    watch: EngineWatch
    fake: FakeClient
    qtbot: QtBot

    @property
    def box(self) -> QPlainTextEdit:
        return self.window.composer.box

    def type(self, text: str) -> None:
        QTest.keyClicks(self.box, text)

    def press(
        self, key: Qt.Key, *modifiers: Qt.KeyboardModifier, to: QWidget | None = None
    ) -> None:
        held = Qt.KeyboardModifier.NoModifier
        for modifier in modifiers:
            held |= modifier
        QTest.keyClick(to or self.box, key, held)

    def open(self, title: str) -> None:
        chat = next(chat for chat in self.window.chats.chats if chat.title == title)
        self.window.open_chat(chat.id)
        self.qtbot.waitUntil(lambda: self.window.transcript.message_count() > 0)

    def texts(self) -> list[str]:
        return [message.text for message in self.window.model.messages]

    def settled(self) -> None:
        self.qtbot.waitUntil(
            lambda: bool(self.window.model.messages) and not self.window.model.busy
        )

    def rows(self) -> list[str]:
        rows = self.window.sidebar.rows
        return [str(rows.index(row).data()) for row in range(rows.rowCount())]


@pytest.fixture
def scene(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    fake.store.add("Pinned one", "a", "b", pinned=True)
    fake.store.add("Release notes", "Draft the notes", "Here is a draft.")
    fake.store.add("Trip to Lisbon", "Where?", "There.", age=timedelta(days=1))
    state, keys = WindowState(tmp_path, parent=bridge), Keys(parent=bridge)
    watch = EngineWatch(bridge, bridge)
    watch._ready()
    chats, models = ChatList(bridge, bridge), Models(bridge, bridge)
    window = ChatWindow(bridge, themes, state, keys, watch, chats, models)
    qtbot.addWidget(window)
    chats.load()
    models.load()
    window.show()
    qtbot.waitUntil(lambda: chats.loaded and bool(models.lists) and watch.engine is not None)
    yield Scene(window, state, keys, watch, fake, qtbot)
    window.close_for_good()


def test_enter_sends_and_the_answer_appears(scene: Scene) -> None:
    scene.type("Good morning")
    assert scene.window.composer.send_button.isEnabled()
    scene.press(Key.Key_Return)
    assert scene.box.toPlainText() == ""
    scene.settled()
    assert scene.texts() == ["Good morning", "Hello there."]
    assert scene.window.transcript.message_count() == 2
    scene.qtbot.waitUntil(lambda: "Good morning" in scene.rows())
    assert scene.window.bar.title.whole() == "Good morning"


def test_shift_enter_makes_a_line_and_the_keys_can_be_swapped(scene: Scene) -> None:
    scene.type("one")
    scene.press(Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    scene.type("two")
    assert scene.box.toPlainText() == "one\ntwo"
    scene.state.set("send_with_enter", False)
    scene.press(Key.Key_Return)
    assert scene.box.toPlainText() == "one\ntwo\n"
    scene.press(Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    scene.settled()
    assert scene.texts()[0].strip() == "one\ntwo"


def test_the_box_grows_with_its_text_up_to_twelve_lines(scene: Scene) -> None:
    low = scene.box.height()
    scene.box.setPlainText("\n".join("line" for _ in range(6)))
    scene.qtbot.waitUntil(lambda: scene.box.height() >= 5 * low - 10)
    scene.box.setPlainText("\n".join("line" for _ in range(60)))
    scene.qtbot.waitUntil(lambda: scene.box.height() > 9 * low)
    assert scene.box.height() < 14 * low
    scene.box.setPlainText("")
    scene.qtbot.waitUntil(lambda: scene.box.height() == low)


def test_an_empty_message_is_not_sent(scene: Scene) -> None:
    scene.type("   ")
    scene.press(Key.Key_Return)
    assert not scene.window.composer.send_button.isEnabled()
    assert "chats.send" not in scene.fake.calls


def test_a_refused_message_goes_back_into_the_box_and_says_why(scene: Scene) -> None:
    scene.fake.scripts.append(Script(refuse=ModelError("No key is set up", kind="no_key")))
    scene.type("Hello")
    scene.press(Key.Key_Return)
    scene.qtbot.waitUntil(lambda: bool(scene.window.notices.problems))
    assert scene.box.toPlainText() == "Hello"
    assert scene.window.notices.problems[0].title == "No key is set up"


def test_escape_stops_the_answer_and_the_button_says_so(scene: Scene) -> None:
    scene.fake.scripts.append(Script(parts=("Part",), hold=True))
    scene.type("Tell me")
    scene.press(Key.Key_Return)
    stop = scene.window.composer.stop_button
    scene.qtbot.waitUntil(lambda: scene.window.model.busy and stop.isVisible())
    assert not scene.window.composer.send_button.isVisible()
    scene.press(Key.Key_Escape)
    scene.settled()
    assert scene.window.model.messages[-1].state == "stopped"
    assert not stop.isVisible()


def test_up_in_an_empty_box_edits_the_last_message_and_escape_cancels(scene: Scene) -> None:
    scene.open("Release notes")
    scene.type("a thought")
    scene.press(Key.Key_Up)
    assert not scene.window.composer.editing
    scene.box.selectAll()
    scene.press(Key.Key_Delete)
    scene.press(Key.Key_Up)
    assert scene.window.composer.editing
    assert scene.window.composer.banner.isVisible()
    assert scene.box.toPlainText() == "Draft the notes"
    scene.press(Key.Key_Escape)
    assert not scene.window.composer.editing and scene.box.toPlainText() == ""


def test_an_edit_asks_again_and_the_earlier_version_stays(scene: Scene) -> None:
    scene.open("Release notes")
    scene.type("unsent")
    question = scene.window.model.messages[0]
    scene.window.conversation.edit(question.id)
    scene.type(" for 2.4")
    scene.press(Key.Key_Return)
    scene.qtbot.waitUntil(lambda: scene.texts()[:1] == ["Draft the notes for 2.4"])
    scene.settled()
    assert scene.window.model.messages[0].versions == 2
    assert scene.box.toPlainText() == "unsent"
    scene.window.model.select(question.id)
    scene.qtbot.waitUntil(lambda: scene.texts() == ["Draft the notes", "Here is a draft."])


def test_each_chat_keeps_its_draft(scene: Scene) -> None:
    scene.type("for a new chat")
    assert scene.state.text("new_chat_draft") == "for a new chat"
    scene.open("Release notes")
    assert scene.box.toPlainText() == ""
    scene.type("for the notes")
    scene.open("Trip to Lisbon")
    scene.open("Release notes")
    assert scene.box.toPlainText() == "for the notes"
    scene.window.new_chat()
    assert scene.box.toPlainText() == "for a new chat"


def test_dropped_files_become_chips_and_go_with_the_message(scene: Scene, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("some words " * 100)
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(note))])
    scene.box.insertFromMimeData(dropped)
    attachments = scene.window.conversation.attachments
    scene.qtbot.waitUntil(lambda: len(attachments.ready) == 1)
    assert scene.window.composer.chips.isVisible()
    scene.press(Key.Key_Return)
    scene.settled()
    assert [file.name for file in scene.window.model.messages[0].attachments] == ["note.txt"]
    assert not attachments.pending


def test_a_pasted_picture_is_sent_as_png_and_can_be_taken_out(scene: Scene) -> None:
    picture = QImage(20, 20, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    pasted = QMimeData()
    pasted.setImageData(picture)
    scene.box.insertFromMimeData(pasted)
    attachments = scene.window.conversation.attachments
    scene.qtbot.waitUntil(lambda: len(attachments.ready) == 1)
    assert attachments.ready[0].media_type == "image/png"
    chip = scene.window.composer.chips._chips[0]
    chip.close_button.click()
    assert not attachments.pending and not scene.window.composer.chips.isVisible()


def test_a_file_that_is_too_large_is_refused_with_the_limit(scene: Scene, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"x" * 2_000_000)
    scene.window.conversation.attachments.add_files([large, tmp_path / "none.txt", tmp_path])
    toast = scene.window.toast
    scene.qtbot.waitUntil(lambda: not scene.window.conversation.attachments.pending)
    said = {str(toast.words.text())}
    assert toast.isVisible() and any("file" in text or "limit" in text for text in said)


def test_the_limit_is_named(scene: Scene, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"x" * 2_000_000)
    scene.window.conversation.attachments.add_files([large])
    scene.qtbot.waitUntil(scene.window.toast.isVisible)
    assert "limit for text is 1 MB" in scene.window.toast.words.text()


def test_delete_can_be_undone(scene: Scene) -> None:
    scene.open("Release notes")
    view = scene.window.sidebar.view
    scene.press(Key.Key_Delete, to=view)
    scene.qtbot.waitUntil(lambda: "Release notes" not in scene.rows())
    assert scene.window.model.chat is None
    assert "deleted" in scene.window.toast.words.text()
    scene.window.toast.button.click()
    scene.qtbot.waitUntil(lambda: "Release notes" in scene.rows())
    scene.qtbot.waitUntil(lambda: scene.texts() == ["Draft the notes", "Here is a draft."])


def menu_entry(menu: QMenu, text: str) -> None:
    next(action for action in menu.actions() if action.text().startswith(text)).trigger()


def test_a_chat_is_pinned_and_archived_by_its_menu(scene: Scene) -> None:
    sidebar = scene.window.sidebar

    def entry(title: str, text: str) -> None:
        rows = scene.window.chats.chats + scene.window.chats.archive_chats
        chat = next(chat for chat in rows if chat.title == title)
        menu = sidebar.menu_for(chat, sidebar)
        menu_entry(menu, text)
        menu.deleteLater()

    assert scene.rows()[:2] == ["Pinned", "Pinned one"]
    entry("Trip to Lisbon", "Pin")
    scene.qtbot.waitUntil(lambda: set(scene.rows()[1:3]) == {"Pinned one", "Trip to Lisbon"})
    entry("Trip to Lisbon", "Unpin")
    scene.qtbot.waitUntil(lambda: scene.rows()[2] == "Today")
    entry("Trip to Lisbon", "Archive")
    scene.qtbot.waitUntil(lambda: "Trip to Lisbon" not in scene.rows())
    sidebar.archive_button.click()
    scene.qtbot.waitUntil(lambda: "Trip to Lisbon" in scene.rows())
    entry("Trip to Lisbon", "Take out")
    scene.qtbot.waitUntil(lambda: "Trip to Lisbon" not in scene.rows())
    sidebar.archive_button.click()
    assert "Trip to Lisbon" in scene.rows()


def test_a_chat_is_renamed_in_place(scene: Scene) -> None:
    scene.open("Release notes")
    scene.window.rename_open()
    editor = scene.window.sidebar.view.findChild(QLineEdit)
    assert editor is not None and editor.text() == "Release notes"
    editor.setText("Notes for 2.4")
    scene.press(Key.Key_Return, to=editor)
    scene.qtbot.waitUntil(lambda: "Notes for 2.4" in scene.rows())
    assert scene.window.bar.title.whole() == "Notes for 2.4"


def test_the_list_is_walked_by_keys_and_enter_opens(scene: Scene) -> None:
    view = scene.window.sidebar.view
    view.setFocus()
    scene.open("Pinned one")
    scene.press(Key.Key_Down, to=view)
    scene.press(Key.Key_Return, to=view)
    scene.qtbot.waitUntil(lambda: scene.texts() == ["Draft the notes", "Here is a draft."])


def test_search_finds_messages_and_goes_there(scene: Scene) -> None:
    scene.window.search.open()
    scene.qtbot.keyClicks(scene.window.search.field, "draft")
    rows = scene.window.search.rows
    scene.qtbot.waitUntil(lambda: rows.rowCount() == 2)
    assert [found.match for found in rows.found] == ["draft", "Draft"]
    scene.press(Key.Key_Down, to=scene.window.search.field)
    scene.press(Key.Key_Return, to=scene.window.search.field)
    assert not scene.window.search.isVisible()
    scene.qtbot.waitUntil(lambda: scene.texts() == ["Draft the notes", "Here is a draft."])
    assert scene.fake.calls.count("chats.search") == 1


def test_search_lists_chats_by_title_and_says_when_nothing_is_found(scene: Scene) -> None:
    search = scene.window.search
    search.open("lisbon")
    scene.qtbot.waitUntil(lambda: search.rows.rowCount() == 1)
    assert search.rows.found[0].message == ""
    search.field.setText("zzz")
    scene.qtbot.waitUntil(lambda: "Nothing" in search.hint.text())
    scene.fake.fail["chats.search"] = Unavailable("The engine is busy")
    search.field.setText("zzzz")
    scene.qtbot.waitUntil(lambda: "busy" in search.hint.text())
    scene.press(Key.Key_Escape, to=search.field)
    assert not search.isVisible()


def test_a_letter_in_the_side_field_begins_a_search(scene: Scene) -> None:
    QTest.keyClicks(scene.window.sidebar.search_field, "l")
    assert scene.window.search.isVisible() and scene.window.search.field.text() == "l"
    scene.window.search.close_popup()


def test_find_in_chat_goes_to_messages_that_are_not_loaded(scene: Scene) -> None:
    turns = [f"turn {number}" for number in range(120)]
    turns[3] = "the needle"
    scene.fake.store.add("Long", *turns)
    scene.window.chats.load()
    scene.qtbot.waitUntil(lambda: "Long" in scene.rows())
    scene.open("Long")
    scene.qtbot.waitUntil(lambda: len(scene.texts()) == 40)
    scene.window.transcript.open_find()
    QTest.keyClicks(scene.window.transcript.find_bar.field, "needle")
    scene.qtbot.waitUntil(lambda: "the needle" in scene.texts())


def test_the_model_is_chosen_from_what_the_providers_list(scene: Scene) -> None:
    composer, picker = scene.window.composer, scene.window.conversation.picker
    assert composer.model_button.text() == "gpt-4o-mini"
    composer.choose_model()
    scene.qtbot.waitUntil(lambda: "ollama" in scene.window.conversation.models.lists)
    scene.qtbot.waitUntil(lambda: picker.list.count() >= 8)
    QTest.keyClicks(picker.filter, "qwen")
    scene.press(Key.Key_Return, to=picker.filter)
    assert not picker.isVisible()
    assert composer.model_button.text() == "qwen3:8b"
    scene.type("Hello")
    scene.press(Key.Key_Return)
    scene.settled()
    chat = scene.window.model.chat
    assert chat is not None and (chat.provider, chat.model) == ("ollama", "qwen3:8b")


def test_how_full_the_context_is_stands_beside_the_button(scene: Scene) -> None:
    scene.open("Release notes")
    label = scene.window.composer.room_label
    scene.qtbot.waitUntil(lambda: "of context" in label.text())
    scene.box.setPlainText("word " * 90_000)
    scene.qtbot.waitUntil(lambda: label.text().startswith("8") and "%" in label.text())
    assert label.property("tone") == "warn"


def test_a_failure_of_the_engine_is_a_card_and_the_button_tries_again(scene: Scene) -> None:
    problem = Problem("read_only", "The data folder is read-only", "", "", "retry")
    scene.window.notices.add(problem)
    scene.window.notices.add(problem)
    assert scene.window.notices.problems == (problem,)
    with scene.qtbot.waitSignal(scene.window.restart_wanted):
        scene.window.notices._cards[0].button.click()
    assert scene.window.notices.problems == ()
    for number in range(5):
        scene.window.notices.add(Problem("note", f"Number {number}"))
    assert len(scene.window.notices.problems) == 3
    scene.window.notices.remove("note")
    assert not scene.window.notices.isVisible()


def test_the_buttons_of_error_cards_do_what_they_say(scene: Scene) -> None:
    window = scene.window
    error = Problem("wrong_key", "The key was refused", "", "", "models")
    scene.fake.scripts.append(Script(parts=(), error=error))
    scene.type("Hello")
    scene.press(Key.Key_Return)
    scene.settled()
    answer = window.model.messages[-1].id
    with scene.qtbot.waitSignal(window.settings_wanted) as asked:
        window.conversation.act("models", answer)
    assert asked.args == ["models"]
    window.conversation.act("retry", answer)
    scene.qtbot.waitUntil(lambda: scene.texts() == ["Hello", "Hello there."])
    scene.settled()
    window.conversation.act("new_chat", window.model.messages[-1].id)
    assert window.model.chat is None and scene.box.toPlainText() == "Hello"


def test_the_badge_follows_the_engine(scene: Scene, runtime: Runtime) -> None:
    assert "This computer" in scene.window.bar.place.text()
    runtime.run(scene.fake.set_status(worker="failed"), 30)
    scene.qtbot.waitUntil(lambda: "stopped" in scene.window.bar.place.text())
    runtime.run(scene.fake.set_status(worker="ok"), 30)
    runtime.run(scene.fake.jobs.run_task("echo_bot.echo", {}), 30)
    scene.qtbot.waitUntil(lambda: scene.window.bar.work.text() == "1 running")


def test_the_list_can_be_hidden_and_stays_so(scene: Scene) -> None:
    scene.window.toggle_sidebar()
    assert not scene.window.sidebar.isVisible() and not scene.state.flag("sidebar")
    scene.window.toggle_sidebar()
    assert scene.window.sidebar.isVisible()


def test_keys_follow_what_the_person_chose(scene: Scene) -> None:
    action = scene.window._window_keys.actions["chat.new"]
    assert action.shortcut() == QKeySequence("Ctrl+N")
    scene.keys.choose({"chat.new": "Ctrl+Shift+N"})
    assert action.shortcut() == QKeySequence("Ctrl+Shift+N")
    assert "Ctrl+Shift+N" in scene.window.sidebar.new_button.text()
    shown = ShortcutsWindow(scene.keys, scene.window)
    assert ("New chat", "Ctrl+Shift+N") in shown.lines()
    shown.deleteLater()


def test_every_key_has_something_to_do(scene: Scene) -> None:
    from nagatha_desktop.shortcuts import SHORTCUTS, conflicts

    assert set(scene.window._window_keys.actions) == {shortcut.id for shortcut in SHORTCUTS}
    assert conflicts({}) == {}
    assert conflicts({"chat.find": "Ctrl+N"}) == {"Ctrl+N": ("chat.new", "chat.find")}


def test_another_page_can_stand_in_place_of_the_conversation(scene: Scene) -> None:
    page = QWidget()
    scene.window.show_page(page)
    assert page.isVisible() and not scene.window.conversation.isVisible()
    scene.window.show_page(None)
    assert scene.window.conversation.isVisible()


def test_every_control_has_a_name_that_is_read_out(scene: Scene) -> None:
    scene.open("Release notes")
    scene.window.transcript.open_find()
    nameless = [
        widget
        for widget in scene.window.findChildren(QWidget)
        if isinstance(widget, QAbstractButton | QLineEdit | QPlainTextEdit | QAbstractItemView)
        and widget.isVisible()
        and not (widget.accessibleName() or getattr(widget, "text", str)())
        and widget.objectName() not in ("qt_scrollarea_viewport",)
    ]
    assert nameless == []


def test_tab_goes_from_the_top_to_the_bottom(scene: Scene) -> None:
    window = scene.window
    order: list[QWidget] = []
    widget: QWidget | None = window.bar.sidebar_button
    while widget is not None and widget not in order:
        order.append(widget)
        widget = widget.nextInFocusChain()
    wanted = [
        window.bar.sidebar_button,
        window.sidebar.new_button,
        window.sidebar.search_field,
        window.sidebar.view,
        window.composer.box,
        window.composer.attach_button,
        window.composer.model_button,
        window.composer.send_button,
    ]
    places = [order.index(widget) for widget in wanted]
    assert places == sorted(places)


def test_the_headings_change_when_the_day_does(scene: Scene) -> None:
    sidebar = scene.window.sidebar
    sidebar._clock = lambda: datetime.now(UTC) + timedelta(days=1)
    sidebar._fill()
    assert "Yesterday" in scene.rows() and "Today" not in scene.rows()


def test_the_menu_of_the_open_chat_comes_from_the_bar(scene: Scene) -> None:
    assert not scene.window.bar.more_button.isVisible()
    scene.open("Release notes")
    assert scene.window.bar.more_button.isVisible()
    scene.window._open_menu(QPoint(0, 0))
    menu = next(menu for menu in scene.window.findChildren(QMenu) if menu.isVisible())
    menu_entry(menu, "Pin")
    menu.close()
    scene.qtbot.waitUntil(lambda: scene.rows()[:3].count("Release notes") == 1)
