"""The quick window, against a client in memory."""

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.approvals import ApprovalWatch
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.quick_ask import QuickAsk
from nagatha_desktop.program import Program
from nagatha_desktop.widgets.approval_card import ApprovalCard
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient, Script
from tests.support.program import begun
from worker.contract.errors import ModelError, Unavailable
from worker.contract.types import Problem, ToolUse

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def quick(bridge: Bridge, themes: ThemeController, qtbot: QtBot) -> Iterator[QuickAsk]:
    made = QuickAsk(bridge, ChatList(bridge, bridge), themes, ApprovalWatch(bridge, bridge))
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


# -- what waits for the person's word --------------------------------------------------------------


def asked(quick: QuickAsk, fake: FakeClient, qtbot: QtBot, script: Script) -> ApprovalCard:
    """Ask; the card of the call that the answer then waits for."""
    fake.scripts.append(script)
    quick.line.setText("Write it down")
    quick.ask()
    qtbot.waitUntil(lambda: quick.asked.card is not None and quick.asked.card.isVisible())
    assert quick.asked.card is not None
    return quick.asked.card


ONE = Script(parts=("I will.",), asks=("Write a file",), rest=(" Written.",))


def inside(quick: QuickAsk, part: QWidget) -> bool:
    """Whether a part is seen whole, and lies over none of its neighbours."""
    others = (quick.line, quick.area, quick.asked, quick.hints)
    there = part.rect().translated(part.mapTo(quick, part.rect().topLeft()))
    return quick.rect().contains(there) and not any(
        there.intersects(other.rect().translated(other.mapTo(quick, other.rect().topLeft())))
        for other in others
        if other.isVisible() and other is not part and not other.isAncestorOf(part)
    )


def test_an_answer_that_waits_for_an_approval_says_so_and_is_allowed_there(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    card = asked(quick, fake, qtbot, ONE)
    assert quick.asked.words.whole() == "Waits for your approval"
    assert card.title.text() == "Write a file" and not quick.waiting.isVisible()
    qtbot.waitUntil(lambda: inside(quick, card) and inside(quick, quick.area))
    low = quick.height()
    # The keyboard stays in the line: what is typed on allows nothing.
    assert quick.line.hasFocus()
    QTest.keyClick(quick.line, Key.Key_Return)
    assert card.open and "approvals.answer" not in fake.calls
    card.once.setFocus()
    QTest.keyClick(card.once, Key.Key_Return)
    answered(quick, qtbot)
    assert quick._text == "I will. Written."
    assert [one.verdict for one in fake.approval_desk.all.values()] == ["once"]
    assert quick.asked.card is None and not quick.asked.isVisible()
    qtbot.waitUntil(lambda: quick.height() < low)
    assert quick.line.hasFocus()


def test_an_approval_before_the_first_word_stands_for_the_thinking(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    script = Script(parts=(), asks=("Write a file",), rest=("Not written.",))
    card = asked(quick, fake, qtbot, script)
    assert not quick.waiting.isVisible()
    QTest.keyClicks(card.instead, "Only show it")
    QTest.keyClick(card.instead, Key.Key_Return)
    answered(quick, qtbot)
    (told,) = fake.approval_desk.all.values()
    assert (told.verdict, told.instead) == ("deny", "Only show it")
    assert quick._text == "Not written." and not quick.asked.isVisible()


def test_an_approval_that_is_answered_elsewhere_goes_and_the_answer_goes_on(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot, on_loop: OnLoop
) -> None:
    asked(quick, fake, qtbot, ONE)
    (waits,) = fake.approval_desk.all.values()
    # What another answer asks for is no affair of this one.
    on_loop(fake.approval_desk.ask("Send a mail", chat="other", message="other"))
    on_loop(fake.approval_desk.change(waits.id, verdict="once", answered=datetime.now(UTC)))
    answered(quick, qtbot)
    assert quick._text == "I will. Written." and not quick.asked.isVisible()


def test_several_that_wait_are_named_and_answered_in_the_chat(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot, on_loop: OnLoop
) -> None:
    fake.scripts.append(Script(parts=("I will.",), asks=("Write a file", "Send a mail")))
    quick.line.setText("Write it down and send it")
    quick.ask()
    words = "Waits for your approval: Write a file, Send a mail"
    qtbot.waitUntil(lambda: quick.asked.words.whole() == words)
    assert quick.asked.card is None and quick.asked.open_button.text() == "Open in chat"
    qtbot.waitUntil(lambda: inside(quick, quick.asked.open_button))
    chat = quick.model.chat_id
    with qtbot.waitSignal(quick.open_wanted) as opened:
        quick.asked.open_button.click()
    assert opened.args == [chat]
    assert not quick.isVisible() and not quick.asked.waits


def test_the_last_of_several_that_waits_has_its_card(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot, on_loop: OnLoop
) -> None:
    fake.scripts.append(Script(parts=("Well.",), asks=("Write a file", "Send a mail"), rest=("!",)))
    quick.line.setText("Both")
    quick.ask()
    qtbot.waitUntil(lambda: len(quick.asked._waiting) == 2)
    first, second = fake.approval_desk.all.values()
    quick.asked.open_button.setFocus()
    on_loop(fake.approval_desk.answer(second.id, "deny"))
    qtbot.waitUntil(lambda: quick.asked.card is not None)
    assert quick.asked.card is not None and quick.asked.card.approval.id == first.id
    quick.asked.card.deny.click()
    answered(quick, qtbot)
    assert quick._text == "Well.!"


def test_control_enter_opens_the_chat_even_from_the_buttons_of_the_card(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    card = asked(quick, fake, qtbot, ONE)
    chat = quick.model.chat_id
    card.once.setFocus()
    with qtbot.waitSignal(quick.open_wanted) as opened:
        QTest.keyClick(card.once, Key.Key_Return, CONTROL)
    assert opened.args == [chat] and "approvals.answer" not in fake.calls
    assert [one.verdict for one in fake.approval_desk.all.values()] == [None]


def test_an_approval_that_could_not_be_passed_on_is_given_again(
    quick: QuickAsk, fake: FakeClient, qtbot: QtBot
) -> None:
    card = asked(quick, fake, qtbot, ONE)
    fake.fail["approvals.answer"] = Unavailable("The engine does not answer", "", "Try again.")
    card.once.click()
    qtbot.waitUntil(card.trouble.isVisible)
    qtbot.waitUntil(lambda: inside(quick, card))
    fake.fail.clear()
    card.once.click()
    answered(quick, qtbot)
    assert quick._text == "I will. Written."


def test_how_long_it_waits_is_counted_while_it_is_seen(
    quick: QuickAsk, fake: FakeClient, themes: ThemeController, qtbot: QtBot
) -> None:
    now = datetime.now(UTC)
    quick.asked._clock = lambda: now
    card = asked(quick, fake, qtbot, ONE)
    assert quick.asked._ticks.isActive()
    quick.hide()
    assert not quick.asked._ticks.isActive()
    now = card.approval.asked + timedelta(minutes=4)
    quick.open()
    assert quick.asked.card is card and card.open and quick.asked._ticks.isActive()
    assert card.time.text() == "waits 4:00"
    card.toggle.click()
    themes.set_mode("dark")
    qtbot.waitUntil(lambda: inside(quick, card))
    themes.set_mode("light")
    with qtbot.waitSignal(quick.open_wanted):
        quick.open_in_chat()
    assert quick.asked.card is None and not quick.asked._ticks.isActive()


@pytest.mark.qt_log_ignore("systemTrayWindowChanged")
def test_nothing_is_notified_of_an_approval_that_quick_ask_shows(
    program: Program, fake: FakeClient, qtbot: QtBot
) -> None:
    begun(program, qtbot, "quick")
    quick = program.quick
    qtbot.waitUntil(quick.isActiveWindow)
    card = asked(quick, fake, qtbot, ONE)
    chat = quick.model.chat_id
    quick.activateWindow()  # a window of an earlier test that goes may have taken that along
    qtbot.waitUntil(lambda: program._chat_watched(chat))
    assert not program._chat_watched("another")
    card.deny.click()
    answered(quick, qtbot)
    quick.hide()
    assert not program._chat_watched(chat)
