"""The quick window, against a client in memory."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.quick_ask import QuickAsk
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient, Script
from worker.contract.errors import ModelError
from worker.contract.types import Problem, ToolUse

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def quick(bridge: Bridge, themes: ThemeController, qtbot: QtBot) -> Iterator[QuickAsk]:
    made = QuickAsk(bridge, ChatList(bridge, bridge), themes)
    qtbot.addWidget(made)
    made.open()
    yield made
    made.close()


def answered(quick: QuickAsk, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(quick.cost.whole()))


def test_enter_asks_and_the_answer_streams_in(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    low = quick.height()
    tool = ToolUse("c", "convert_time", "{}", "done", "23:30", 0.1)
    fake.scripts.append(Script(parts=("Half past", " eleven."), tools=(tool,), pause=0.02))
    QTest.keyClicks(quick.line, "What time is it in Tokyo?")
    QTest.keyClick(quick.line, Key.Key_Return)
    assert quick.waiting.isVisible()
    answered(quick, qtbot)
    assert quick._text == "Half past eleven."
    assert quick.cost.whole().startswith("convert_time")
    assert "2.1 s" in quick.cost.whole()
    qtbot.waitUntil(lambda: quick.height() > low)
    assert fake.store.all[quick.model.chat_id].title.startswith("What time")


def test_control_c_copies_the_answer_and_escape_hides(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    quick.line.setText("Hello")
    quick.ask()
    answered(quick, qtbot)
    QTest.keyClick(quick.line, Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "Hello there."
    QTest.keyClick(quick.line, Key.Key_Escape)
    assert not quick.isVisible()
    quick.toggle()
    assert quick.isVisible() and quick.line.text() == "" and not quick.body.isVisible()


def test_control_enter_goes_on_in_the_chat_window(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    quick.line.setText("Hello")
    with qtbot.waitSignal(quick.draft_wanted) as draft:
        QTest.keyClick(quick.line, Key.Key_Return, CONTROL)
    assert draft.args == ["Hello"]
    quick.open()
    quick.line.setText("Hello")
    quick.ask()
    answered(quick, qtbot)
    chat = quick.model.chat_id
    with qtbot.waitSignal(quick.open_wanted) as opened:
        QTest.keyClick(quick.line, Key.Key_Return, CONTROL)
    assert opened.args == [chat]
    assert not quick.isVisible()


def test_an_error_is_a_card_with_its_button(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    problem = Problem("no_network", "No connection", "", "", "retry")
    fake.scripts.append(Script(parts=(), error=problem))
    quick.line.setText("Hello")
    quick.ask()
    qtbot.waitUntil(lambda: quick._error is not None)
    assert quick._error is not None and quick._error.problem == problem
    quick._error.button.click()
    qtbot.waitUntil(lambda: quick._text == "Hello there.")
    qtbot.waitUntil(lambda: quick._error is None)


def test_a_refused_question_is_a_card_too(quick: QuickAsk, fake: FakeClient, qtbot: QtBot) -> None:
    fake.scripts.append(
        Script(refuse=ModelError("No model is set up", kind="no_model", action="models"))
    )
    quick.line.setText("Hello")
    quick.ask()
    qtbot.waitUntil(lambda: quick._error is not None)
    assert quick._error is not None
    with qtbot.waitSignal(quick.settings_wanted) as asked:
        quick._error.button.click()
    assert asked.args == ["models"]


def test_an_answer_goes_on_while_the_window_is_hidden(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    fake.scripts.append(Script(parts=tuple("abcdef"), pause=0.03))
    quick.line.setText("Hello")
    quick.ask()
    qtbot.waitUntil(lambda: quick.model.busy)
    quick.hide()
    answered(quick, qtbot)
    quick.open()
    assert quick._text == "abcdef"


def test_nothing_is_asked_with_an_empty_line(quick: QuickAsk, fake: FakeClient) -> None:
    quick.ask()
    assert "chats.send" not in fake.calls


def test_the_theme_may_change_under_an_answer(
    quick: QuickAsk, fake: FakeClient, themes: ThemeController, qtbot: QtBot
) -> None:
    fake.scripts.append(Script(parts=("# Title\n\n```python\nx = 1\n```\n",)))
    quick.line.setText("Hello")
    quick.ask()
    answered(quick, qtbot)
    themes.set_mode("dark")
    assert quick.answer.height() > 0
    themes.set_mode("light")


def test_the_window_that_was_in_front_gets_the_keyboard_back(quick: QuickAsk, qtbot: QtBot) -> None:
    quick.hide()
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    quick.open()
    qtbot.waitUntil(quick.isActiveWindow)
    asked: list[QWidget] = []
    other.activateWindow = lambda: asked.append(other)  # type: ignore[method-assign]
    QTest.keyClick(quick.line, Key.Key_Escape)
    assert asked == [other]
