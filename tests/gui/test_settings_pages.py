"""The pages of the settings as a person uses them, against a client in memory."""

import errno
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.notifications import Shown
from nagatha_desktop.settings.pages.data import SHOWN
from nagatha_desktop.settings.pages.shortcuts import unfit
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.fake_settings import Furniture
from tests.support.notes import shown_by
from tests.support.settings_window import Maker, Scene, settings_windows
from worker.contract.errors import Conflict, InvalidInput, Unavailable
from worker.contract.events import EngineChanged

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def make(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Maker]:
    with settings_windows(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


@pytest.fixture
def scene(make: Maker) -> Scene:
    return make()


# -- general ---------------------------------------------------------------------------------------


def test_theme_language_and_switches_of_windows_are_kept(scene: Scene) -> None:
    page = scene.general
    assert page.theme.currentData() == "system"
    page.theme.setCurrentIndex(page.theme.findData("dark"))
    page.theme.activated.emit(2)
    page.language.setCurrentIndex(page.language.findData("en"))
    page.language.activated.emit(1)
    page.switch("close_to_tray").click()
    page.switch("send_with_enter").click()
    assert [scene.state.get(k) for k in ("theme", "language", "close_to_tray")] == [
        "dark",
        "en",
        False,
    ]
    assert not scene.state.flag("send_with_enter")
    scene.state.set("send_with_enter", True)
    assert page.switch("send_with_enter").isChecked()


def test_each_kind_of_notification_can_be_switched_off(scene: Scene) -> None:
    page = scene.general
    for kind in ("answers", "failures", "approvals", "routines", "sound"):
        assert page.switch(f"notify_{kind}").isChecked()
        page.switch(f"notify_{kind}").click()
        assert not scene.state.flag(f"notify_{kind}")


def test_a_test_notification_says_which_way_it_went_and_that_its_answer_came(
    scene: Scene,
) -> None:
    row = scene.general.test_row
    row.send_button.click()
    scene.until(lambda: len(shown_by(scene.notifier)) == 1)
    scene.until(lambda: "there is no session bus" in row.status.text())
    (note,) = shown_by(scene.notifier)
    assert note.notification.title == "A test"
    note.buttons["0"].click()
    assert row.status.text() == "You answered it, and the answer came back."
    row.send_button.click()
    scene.until(lambda: len(shown_by(scene.notifier)) == 1)
    scene.qtbot.mouseClick(shown_by(scene.notifier)[0], Qt.MouseButton.LeftButton)
    assert row.status.text() == "You answered it, and the answer came back."


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (Shown("test", "system"), "The system’s notifications have it."),
        (Shown("test", "window", "no_service"), "nothing on this desktop shows notifications."),
        (Shown("test", "window", "no_buttons"), "have no buttons."),
        (Shown("test", "window", "no_answer"), "do not answer."),
        (Shown("test", "window", "failed"), "did not take it."),
        (Shown("another", "system"), ""),
    ],
)
def test_each_way_of_a_test_notification_is_said_in_plain_words(
    shown: Shown, said: str, scene: Scene
) -> None:
    row = scene.general.test_row
    row._announcer.told.emit(shown)
    assert row.status.text().endswith(said) and bool(row.status.text()) is bool(said)
    assert row.status.text().startswith("A small window") is (shown.place == "window")


def test_start_at_login_is_switched_in_the_system(scene: Scene) -> None:
    page = scene.general
    assert not page.login.isChecked()
    page.login.click()
    assert not page.login.isEnabled()
    scene.until(page.login.isEnabled)
    assert scene.autostart.command == ("nagatha", "--hidden") and page.login.isChecked()
    page.login.click()
    scene.until(lambda: scene.autostart.command is None and page.login.isEnabled())
    assert not page.login.isChecked()


def test_start_at_login_that_is_refused_says_why(scene: Scene) -> None:
    page = scene.general
    scene.autostart.refuse = PermissionError(errno.EACCES, "Permission denied")
    page.login.click()
    scene.until(lambda: page.login_row.problems.told and page.login.isEnabled())
    assert "Permission denied" in page.login_row.problems.told[0].message
    assert not page.login.isChecked()


# -- connection ------------------------------------------------------------------------------------


def test_redis_is_used_once_it_answers_and_the_bundled_one_again(scene: Scene) -> None:
    page = scene.connection
    assert page.here.radio.isChecked() and not page.card.isVisible()
    page.redis.radio.click()
    assert page.card.isVisible() and scene.engine.called("system.set_broker") == 0
    QTest.keyClick(page.address, Qt.Key.Key_Return)
    scene.until(lambda: page.current == "redis://localhost:6379/0")
    scene.until(lambda: page.status.text().startswith("✓"))
    page.here.radio.click()
    scene.until(lambda: page.current == "" and not page.card.isVisible())
    assert page.here.radio.isChecked()


def test_a_redis_that_does_not_answer_leaves_all_as_it_was(scene: Scene) -> None:
    page = scene.connection
    page.redis.radio.click()
    page.address.setText("redis://localhost:1/0")
    page.connect_button.click()
    scene.until(lambda: page.trouble.told)
    assert page.current == "" and page.redis.radio.isChecked() and page.card.isVisible()
    scene.engine.system.brokers_up.add("redis://localhost:1/0")
    page.trouble._cards[0].button.click()
    scene.until(lambda: page.current == "redis://localhost:1/0")
    assert page.trouble.told == ()


def test_choosing_redis_and_then_not_changes_nothing(scene: Scene) -> None:
    page = scene.connection
    page.redis.radio.click()
    page.here.radio.click()
    assert not page.card.isVisible() and scene.engine.called("system.set_broker") == 0


@pytest.mark.parametrize("source", ["environment", "project"])
def test_a_broker_from_elsewhere_cannot_be_changed(make: Maker, source: Any) -> None:
    scene = make(lambda engine: engine.system.fix("celery.broker_url", "redis://other/1", source))
    page = scene.connection
    assert page.redis.radio.isChecked() and page.address.text() == "redis://other/1"
    assert not page.here.radio.isEnabled() and not page.card.isEnabled()
    assert "cannot be changed" in page.fixed.text()


def test_how_worker_and_clock_are_is_shown(scene: Scene, on_loop: OnLoop) -> None:
    page = scene.connection
    assert [badge.text() for badge in page.badges.values()] == ["Running", "Running"]
    state = replace(scene.engine.system.state, worker="failed", beat="off")

    async def tell() -> None:
        scene.fake.emit(EngineChanged(state))

    on_loop(tell())
    scene.until(lambda: [b.text() for b in page.badges.values()] == ["Stopped", "Off"])


# -- data ------------------------------------------------------------------------------------------


def test_kept_answers_are_counted_and_forgotten_with_one_button(scene: Scene) -> None:
    page = scene.data
    scene.until(lambda: page.kept_row.text.text() == "7 answers")
    scene.fake.fail["data.clear_cache"] = Unavailable("The disk is full")
    page.forget_button.click()
    scene.until(lambda: page.forget_button.isEnabled())
    assert page.kept_row.problems.isVisible()
    scene.fake.fail.clear()
    page.forget_button.click()
    scene.until(lambda: page.kept_row.text.text() == "None.")
    assert page.kept_row.status.text() == "✓ 7 forgotten"
    assert not page.forget_button.isEnabled() and not page.kept_row.problems.isVisible()
    assert scene.engine.data.kept == 0


def test_where_the_data_is_is_shown_and_opened(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = scene.data
    assert "12 chats · 340 messages" in page.place_row.text.text()
    opened: list[str] = []

    def open_(url: QUrl) -> bool:
        opened.append(url.toLocalFile())
        return len(opened) == 1

    monkeypatch.setattr(QDesktopServices, "openUrl", staticmethod(open_))
    page.open_button.click()
    assert opened == ["/home/ada/.local/share/nagatha-desktop"]
    assert page.place_row.problems.told == ()
    page.open_button.click()
    assert opened[0] in page.place_row.problems.told[0].remedy


def test_a_copy_is_made_and_listed(scene: Scene) -> None:
    page = scene.data
    assert not page.backup_list.isVisible() and "no copy" in page.backup_row.text.text()
    page.backup_button.click()
    scene.until(lambda: len(page._restore_buttons) == 1)
    assert page.backup_row.status.text() == "✓ copied, 3.4 MB"


def test_a_copy_that_fails_is_said(scene: Scene) -> None:
    page = scene.data
    scene.fake.fail["data.back_up"] = Unavailable("The disk is full")
    page.backup_button.click()
    scene.until(lambda: page.backup_row.problems.told)
    assert page.backup_button.isEnabled()


def test_many_copies_are_listed_on_demand(make: Maker) -> None:
    def fill(engine: Furniture) -> None:
        for days in range(SHOWN + 4):
            engine.data.add_copy(timedelta(days=days))

    page = make(fill).data
    assert len(page._restore_buttons) == SHOWN and page.all_button.text() == "Show 4 more"
    page.all_button.click()
    assert len(page._restore_buttons) == SHOWN + 4 and not page.all_button.isVisible()


def test_restoring_asks_first_and_the_safe_answer_has_the_focus(
    make: Maker,
) -> None:
    def fill(engine: Furniture) -> None:
        engine.data.add_copy(timedelta())
        engine.data.add_copy(timedelta(days=1))

    scene = make(fill)
    page = scene.data
    wanted = scene.engine.data.copies[1]
    list(page._restore_buttons)[1].click()
    assert page.restore_card.isVisible() and page.focusWidget() is page.keep_button
    page.keep_button.click()
    assert not page.restore_card.isVisible() and scene.engine.data.done == []
    list(page._restore_buttons)[1].click()
    page.restore_button.click()
    scene.until(lambda: page.backup_row.status.text() == "✓ restored")
    assert scene.engine.data.done == [f"restore {wanted.name}"]


def test_a_restore_that_is_refused_is_said(make: Maker) -> None:
    scene = make(lambda engine: engine.data.add_copy(timedelta()))
    page = scene.data
    scene.fake.fail["data.restore"] = Conflict("Something is still running")
    next(iter(page._restore_buttons)).click()
    page.restore_button.click()
    scene.until(lambda: page.backup_row.problems.told)


def test_export_and_import_say_how_much_and_where(scene: Scene) -> None:
    page = scene.data
    page.export_to("/media/stick")
    assert not page.export_button.isEnabled() and not page.import_button.isEnabled()
    scene.until(lambda: "/media/stick/nagatha-export-1" in page.export_row.status.text())
    page.import_from("/media/stick/nagatha.json")
    scene.until(lambda: "2 were here already" in page.import_row.status.text())
    assert scene.engine.data.done == ["import /media/stick/nagatha.json"]
    assert page.export_button.isEnabled() and page.import_button.isEnabled()


def test_export_and_import_that_fail_say_why(scene: Scene) -> None:
    page = scene.data
    scene.fake.fail["data.export"] = Unavailable("The export could not be written")
    scene.fake.fail["data.import_all"] = InvalidInput("That is no export")
    page.export_to("/nowhere")
    scene.until(lambda: page.export_row.problems.told)
    page.import_from("/nowhere")
    scene.until(lambda: page.import_row.problems.told)
    assert page.export_button.isEnabled()


@pytest.mark.parametrize("which", ["export", "import"])
def test_the_place_is_asked_without_blocking(scene: Scene, which: str) -> None:
    page = scene.data
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    (page.export_button if which == "export" else page.import_button).click()
    (dialog,) = page.findChildren(QFileDialog)
    assert dialog.isVisible()
    dialog.fileSelected.emit("/chosen")
    dialog.reject()
    scene.until(lambda: scene.engine.called(f"data.{which if which == 'export' else 'import_all'}"))


def test_deleting_everything_needs_the_word(scene: Scene) -> None:
    page = scene.data
    page.delete_button.click()
    assert page.focusWidget() is page.confirmation and not page.really_button.isEnabled()
    QTest.keyClicks(page.confirmation, "delet")
    QTest.keyClick(page.confirmation, Qt.Key.Key_Return)
    assert scene.engine.called("data.delete_all") == 0
    page.spare_button.click()
    assert not page.delete_card.isVisible()
    page.delete_button.click()
    assert page.confirmation.text() == ""
    QTest.keyClicks(page.confirmation, "Delete")
    assert page.really_button.isEnabled()
    page.really_button.click()
    scene.until(lambda: page.delete_row.status.text() == "✓ everything was deleted")
    assert scene.engine.data.done == ["delete all"]
    scene.until(lambda: "0 chats" in page.place_row.text.text())


def test_deleting_that_is_refused_is_said(scene: Scene) -> None:
    page = scene.data
    scene.fake.fail["data.delete_all"] = Conflict("Something is still running")
    page.delete_button.click()
    page.confirmation.setText("delete")
    page.really_button.click()
    scene.until(lambda: page.delete_row.problems.told and page.delete_button.isEnabled())


def test_a_page_that_cannot_be_read_says_so_and_is_read_again(scene: Scene) -> None:
    scene.fake.fail["data.places"] = Unavailable("The data cannot be read")
    page = scene.open("data")
    scene.until(lambda: page.problems.told)
    del scene.fake.fail["data.places"]
    page.problems._cards[0].button.click()
    scene.until(page.open_button.isEnabled)


# -- modules ---------------------------------------------------------------------------------------


def test_modules_are_listed_with_state_and_problem(scene: Scene) -> None:
    page = scene.modules
    assert {name: row.badge.text() for name, row in page.rows.items()} == {
        "ai": "On", "echo_bot": "On", "weather": "Off", "diary": "Broken",
    }  # fmt: skip
    assert page.rows["diary"].problems.told[0].title == "diary could not be loaded"
    assert "ai.summarise" in page.rows["ai"].text.text()


def test_a_module_is_switched_on_and_off(scene: Scene) -> None:
    page = scene.modules
    row = page.rows["weather"]
    row.switch.click()
    assert not row.switch.isEnabled()
    scene.until(lambda: row.badge.text() == "On" and row.switch.isChecked())
    row.switch.click()
    scene.until(lambda: row.badge.text() == "Off" and not row.switch.isChecked())
    assert scene.engine.modules.all["weather"].state == "off"


def test_a_module_that_cannot_be_switched_on_says_why(scene: Scene) -> None:
    page = scene.modules
    scene.fake.fail["modules.enable"] = Unavailable("It could not be loaded")
    row = page.rows["weather"]
    row.switch.click()
    scene.until(lambda: row.problems.told)
    assert not row.switch.isChecked() and row.switch.isEnabled()


# -- shortcuts -------------------------------------------------------------------------------------


def test_a_key_is_recorded_and_put_in_force(scene: Scene) -> None:
    page = scene.shortcuts
    row = page.rows["chat.search_all"]
    row.recorder.click()
    assert row.recorder.listening and row.recorder.text() == "Press a key …"
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(row.recorder, Qt.Key.Key_Shift, modifiers)
    assert row.recorder.listening  # more is to come
    QTest.keyClick(row.recorder, Qt.Key.Key_P, modifiers)
    assert scene.state.mapping("shortcuts") == {"chat.search_all": "Ctrl+Shift+P"}
    assert scene.keys.key("chat.search_all") == "Ctrl+Shift+P"
    assert row.reset_button.isVisible() and page.reset_all_button.isEnabled()
    row.reset_button.click()
    assert scene.state.mapping("shortcuts") == {} and scene.keys.key("chat.search_all") == "Ctrl+K"
    assert not page.reset_all_button.isEnabled()


def test_escape_and_leaving_end_the_recording_and_backspace_takes_the_key_away(
    scene: Scene,
) -> None:
    page = scene.shortcuts
    row = page.rows["chat.retry"]
    row.recorder.click()
    QTest.keyClick(row.recorder, Qt.Key.Key_Escape)
    assert not row.recorder.listening and scene.window.isVisible()
    row.recorder.click()
    page.command.setFocus()
    assert not row.recorder.listening and scene.state.mapping("shortcuts") == {}
    row.recorder.click()
    QTest.keyClick(row.recorder, Qt.Key.Key_Backspace)
    assert scene.state.mapping("shortcuts") == {"chat.retry": ""}
    assert row.recorder.text() == "None"


def test_a_key_that_is_taken_is_said_and_given_only_on_demand(scene: Scene) -> None:
    page = scene.shortcuts
    row = page.rows["chat.search_all"]
    row.recorder.recorded.emit("Ctrl+N")
    assert "“New chat”" in row.status.text() and row.take_button.isVisible()
    assert scene.state.mapping("shortcuts") == {}
    row.take_button.click()
    assert scene.state.mapping("shortcuts") == {"chat.search_all": "Ctrl+N", "chat.new": ""}
    # The other way round: the default of "New chat" is taken now.
    page.rows["chat.new"].reset_button.click()
    assert "“Search all chats”" in page.rows["chat.new"].status.text()
    page.reset_all_button.click()
    assert scene.state.mapping("shortcuts") == {}
    assert page.rows["chat.new"].recorder.key == "Ctrl+N"


def test_a_key_that_writes_is_refused(scene: Scene) -> None:
    page = scene.shortcuts
    row = page.rows["chat.retry"]
    row.recorder.recorded.emit("A")
    assert "needs Ctrl" in row.status.text() and scene.state.mapping("shortcuts") == {}


@pytest.mark.parametrize(
    ("key", "fits"),
    [
        ("", True), ("F5", True), ("Esc", True), ("Ctrl+A", True), ("Meta+Space", True),
        ("Alt+1", True), ("A", False), ("Shift+A", False), ("Space", False), ("Ctrl+A, B", False),
    ],
)  # fmt: skip
def test_which_keys_can_be_shortcuts(qapp: QApplication, key: str, fits: bool) -> None:
    assert (unfit(key) is None) == fits


def test_the_key_for_everywhere_is_kept_and_a_refusal_is_said(scene: Scene) -> None:
    page = scene.shortcuts
    page.everywhere.recorded.emit("Ctrl+Alt+Space")
    assert scene.state.text("hotkey") == "Ctrl+Alt+Space"
    assert QKeySequence(page.everywhere.key) == QKeySequence("Ctrl+Alt+Space")
    scene.window.hotkey_refused("Another program has this key.")
    assert page.everywhere_row.problems.told[0].message == "Another program has this key."
    page.everywhere.recorded.emit("x")
    assert "needs Ctrl" in page.everywhere_row.status.text()
    assert scene.state.text("hotkey") == "Ctrl+Alt+Space"
    page.everywhere.recorded.emit("")
    assert scene.state.text("hotkey") == "" and page.everywhere_row.problems.told == ()


def test_where_no_key_can_be_had_everywhere_the_command_is_offered(
    make: Maker,
) -> None:
    page = make(missing="Wayland lets no program take a key.").shortcuts
    assert not page.everywhere.isVisible()
    assert page.everywhere_row.text.text() == "Wayland lets no program take a key."
    page.copy_button.click()
    assert QGuiApplication.clipboard().text() == "nagatha --quick"
