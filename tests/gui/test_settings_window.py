"""The settings window and its rows as a person uses them, against a client in memory."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.fields import LongText, Number, WholeNumber
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.fake_settings import Furniture
from tests.support.settings_window import Maker, Scene, settings_windows
from tests.support.widgets import nameless
from worker.contract.errors import Unavailable
from worker.contract.events import EngineChanged
from worker.contract.types import Problem

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
NEVER = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
PAGES = ("general", "models", "reminders", "connection", "data", "modules", "shortcuts")


@pytest.fixture
def make(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Maker]:
    with settings_windows(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


@pytest.fixture
def scene(make: Maker) -> Scene:
    return make()


# -- the window ----------------------------------------------------------------------------------


def test_the_list_turns_the_pages_by_keyboard(scene: Scene) -> None:
    scene.window.list.setFocus()
    seen = [scene.window.page]
    for _ in range(len(PAGES) - 1):
        QTest.keyClick(scene.window.list, Qt.Key.Key_Down)
        seen.append(scene.window.page)
    assert tuple(seen) == PAGES
    assert scene.window.heading.whole() == "Settings › Shortcuts"
    assert scene.window.stack.currentWidget() is scene.window.pages["shortcuts"]


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("models", "models"),
        ("choose_model", "models"),
        ("restore", "data"),
        ("settings", "general"),
        ("data", "data"),
        ("", "connection"),
        ("no such page", "connection"),
    ],
)
def test_it_opens_at_what_a_cards_button_asks_for(scene: Scene, wanted: str, page: str) -> None:
    scene.window.show_page("connection")
    scene.window.show_page(wanted)
    assert scene.window.page == page


@pytest.mark.parametrize("name", PAGES)
def test_every_control_has_a_name(make: Maker, bridge: Bridge, name: str) -> None:
    def fill(engine: Furniture) -> None:
        engine.models.add("openai", "OpenAI", "https://x/v1", "gpt-4o")
        engine.data.add_copy(timedelta())

    scene = make(fill)
    page = scene.open(name)
    scene.until(lambda: not bridge.busy)
    assert nameless(scene.window) == []
    assert page.findChildren(QWidget)


def test_escape_closes_it_and_it_comes_back(scene: Scene) -> None:
    QTest.keyClick(scene.window, Qt.Key.Key_Escape)
    assert not scene.window.isVisible()
    scene.window.bring_up()
    assert scene.window.isVisible()


def test_settings_that_were_wrong_on_disk_are_said_once(
    make: Maker, bridge: Bridge, on_loop: OnLoop
) -> None:
    problem = Problem("settings", "“temprature” is no setting", "", "", "models")

    def wrong(engine: Furniture) -> None:
        engine.system.state = replace(engine.system.state, notices=(problem,))

    scene = make(wrong)
    scene.until(lambda: scene.window.notices.told == (problem,))
    card = scene.window.notices._cards[0]
    card.button.click()
    assert scene.window.page == "models"
    card.dismiss.click()
    assert scene.window.notices.told == () and not scene.window.notices.isVisible()

    async def again() -> None:
        scene.fake.emit(EngineChanged(scene.engine.system.state))

    heard: list[object] = []
    bridge.listen(bridge, heard.append)  # after the window, which has heard of it then
    on_loop(again())
    scene.until(lambda: bool(heard))
    assert scene.window.notices.told == ()


def test_settings_that_cannot_be_read_are_said_and_read_again(
    make: Maker,
) -> None:
    scene = make()
    scene.fake.fail["system.settings"] = Unavailable("The engine does not answer")
    scene.window.store.load()
    scene.until(lambda: scene.window.notices.told)
    del scene.fake.fail["system.settings"]
    scene.window.notices._cards[0].button.click()
    assert scene.window.notices.told == ()


# -- a setting as a row ---------------------------------------------------------------------------


def test_a_switch_applies_at_once(scene: Scene) -> None:
    scene.open("data")
    field = scene.field("data.backup_daily")
    assert isinstance(field.editor, QCheckBox) and field.editor.isChecked()
    field.editor.click()
    scene.until(lambda: scene.value("data.backup_daily") is False)
    scene.until(field.default_button.isVisible)
    field.default_button.click()
    scene.until(lambda: field.editor.isChecked() and not field.default_button.isVisible())  # type: ignore[union-attr]
    assert scene.value("data.backup_daily") is True


def test_a_number_keeps_to_its_limits_and_is_sent_once_it_settles(scene: Scene) -> None:
    scene.open("models")
    field = scene.field("models.max_tokens")
    editor = field.editor
    assert isinstance(editor, WholeNumber)
    assert (editor.minimum(), editor.maximum(), editor.suffix()) == (1, 1_000_000, " tokens")
    editor.setFocus()
    for _ in range(3):
        editor.stepUp()
    scene.until(lambda: scene.value("models.max_tokens") == 2003)
    assert scene.engine.called("system.set_setting.models.max_tokens") == 1
    temperature = scene.field("models.temperature").editor
    assert isinstance(temperature, Number)
    assert (temperature.text(), temperature.singleStep()) == ("0.7", 0.1)
    temperature.setValue(99)
    assert temperature.value() == 2
    assert temperature.text() == "2"


def test_scrolling_over_a_number_scrolls_the_page_and_changes_nothing(scene: Scene) -> None:
    page = scene.open("models")
    for key in ("models.max_tokens", "models.temperature"):
        editor = scene.field(key).editor
        assert editor is not None
        before = editor.property("value")
        editor.clearFocus()
        middle = QPointF(editor.rect().center())
        wheel = QWheelEvent(
            middle, editor.mapToGlobal(middle), QPoint(), QPoint(0, -120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(editor, wheel)
        assert editor.property("value") == before
    assert page.isVisible()


def test_several_lines_of_text_are_sent_when_the_box_is_left(scene: Scene) -> None:
    page = scene.open("models")
    field = scene.field("models.system_prompt")
    assert isinstance(field.editor, LongText)
    field.editor.setFocus()
    QTest.keyClicks(field.editor, "Be brief.")
    assert scene.value("models.system_prompt") == ""
    page.add_button.setFocus()
    scene.until(lambda: scene.value("models.system_prompt") == "Be brief.")


def test_a_choice_offers_what_the_engine_takes(scene: Scene) -> None:
    scene.open("data")
    editor: Any = scene.field("logging.level").editor
    assert [editor.itemText(row) for row in range(editor.count())][:2] == ["DEBUG", "INFO"]
    editor.setCurrentText("DEBUG")
    editor.activated.emit(0)
    scene.until(lambda: scene.value("logging.level") == "DEBUG")


@pytest.mark.parametrize(
    ("source", "word"), [("environment", "environment"), ("project", "nagatha.yaml")]
)
def test_a_setting_from_elsewhere_is_shown_but_cannot_be_changed(
    make: Maker, source: Any, word: str
) -> None:
    scene = make(lambda engine: engine.system.fix("models.temperature", 0.2, source))
    scene.open("models")
    field = scene.field("models.temperature")
    assert isinstance(field.editor, Number) and field.editor.value() == 0.2
    assert not field.editor.isEnabled() and not field.default_button.isVisible()
    assert word in field.text.text()


def test_a_refused_value_is_said_below_its_row_and_can_be_tried_again(scene: Scene) -> None:
    scene.open("data")
    field = scene.field("data.backup_daily")
    refusal = Unavailable("The settings could not be saved", "The disk is full.")
    scene.fake.fail["system.set_setting.data.backup_daily"] = refusal
    assert isinstance(field.editor, QCheckBox)
    field.editor.click()
    scene.until(lambda: field.problems.told)
    assert field.problems.told[0].title == "The settings could not be saved"
    assert field.editor.isChecked()  # what holds is shown
    assert scene.value("data.backup_daily") is True


def test_a_change_made_elsewhere_is_shown_but_does_not_disturb_typing(
    scene: Scene, on_loop: OnLoop
) -> None:
    scene.open("models")
    field, other = scene.field("models.system_prompt"), scene.field("models.max_tokens")
    assert isinstance(field.editor, LongText) and isinstance(other.editor, WholeNumber)
    field.editor.setFocus()
    QTest.keyClicks(field.editor, "Half a sent")
    on_loop(scene.fake.system.set_setting("models.max_tokens", 500))
    scene.until(lambda: other.editor.value() == 500)  # type: ignore[union-attr]
    assert field.editor.toPlainText() == "Half a sent"


def test_with_large_letters_everything_can_still_be_reached(
    qapp: QApplication, make: Maker
) -> None:
    before, large = qapp.font(), qapp.font()
    large.setPointSize(18)
    qapp.setFont(large)
    try:
        scene = make()
        window = scene.window
        window.show()
        window.resize(window.minimumSize())
        for row in range(window.list.count()):
            item = window.list.item(row)
            words = window.list.fontMetrics().horizontalAdvance(item.text())
            assert words < window.list.viewport().width(), item.text()
        for page in window.pages.values():
            canvas = page.widget()
            hidden = canvas.minimumSizeHint().width() > page.viewport().width()
            assert not hidden or page.horizontalScrollBarPolicy() != NEVER, page.accessibleName()
    finally:
        qapp.setFont(before)
