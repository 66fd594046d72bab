"""Approvals: their cards in the chat, the tray's entry, and what is allowed always."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.tool_card import ToolCard
from nagatha_desktop.chat.window import ChatWindow
from nagatha_desktop.program import Program
from nagatha_desktop.settings.allowed_tools import AllowedTools
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.tray import Tray
from nagatha_desktop.widgets.approval_card import ApprovalCard, outcome, waited
from nagatha_desktop.widgets.markdown import looks
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.settings_window import settings_windows
from worker.contract.errors import Unavailable
from worker.contract.routines import Approval
from worker.contract.types import Chat, Message, ToolUse

pytestmark = pytest.mark.qt_log_ignore("systemTrayWindowChanged")
OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
Key = Qt.Key
NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.fixture
def watch(bridge: Bridge, qtbot: QtBot) -> EngineWatch:
    made = EngineWatch(bridge, bridge)
    made._ready()
    made.approvals.load()
    qtbot.waitUntil(lambda: made.engine is not None and not bridge.busy)
    return made


@pytest.fixture
def window(
    bridge: Bridge,
    fake: FakeClient,
    themes: ThemeController,
    watch: EngineWatch,
    tmp_path: Path,
    qtbot: QtBot,
) -> Iterator[ChatWindow]:
    state = WindowState(tmp_path, parent=bridge)
    chats, models = ChatList(bridge, bridge), Models(bridge, bridge)
    made = ChatWindow(bridge, themes, state, Keys(parent=bridge), watch, chats, models)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close_for_good()


def asking(fake: FakeClient) -> tuple[Chat, Message]:
    """A chat whose last answer waits in the middle of a tool's call."""
    chat = fake.store.add("Notes", "Write it down", "I will")
    answer = fake.store.branch(chat.id)[-1]
    call = ToolUse("c", "write_file", '{"path": "notes/2.4.md"}', "running", "", None, 6)
    fake.store.messages[answer.id] = replace(answer, state="streaming", tools=(call,))
    return chat, fake.store.messages[answer.id]


def cards(window: ChatWindow) -> list[ApprovalCard]:
    """The cards in the conversation, from the top."""
    return [card for view in window.transcript.column.views for card in view._approvals]


def opened(window: ChatWindow, chat: Chat, qtbot: QtBot, number: int = 1) -> list[ApprovalCard]:
    window.open_chat(chat.id)
    qtbot.waitUntil(lambda: len(cards(window)) == number)
    return cards(window)


def test_a_card_says_what_the_tool_wants_and_how_long_it_waits(
    window: ChatWindow, fake: FakeClient, watch: EngineWatch, qtbot: QtBot
) -> None:
    chat, answer = asking(fake)
    asked = datetime.now(UTC) - timedelta(minutes=4, seconds=52)
    fake.approval_desk.put(chat=chat.id, message=answer.id, asked=asked)
    watch.approvals.load()
    (card,) = opened(window, chat, qtbot)
    assert card.title.text() == "Write a file" and card.open
    assert card.why.text() == "wants to write notes/2.4.md (31 lines)"
    assert card.time.text().startswith(("waits 4:5", "waits 5:"))
    assert card.accessibleName() == "Approval, Write a file: waits for your answer"
    # The card stands for the call that waits, whose own card comes back afterwards.
    (tool,) = (part for part in window.findChildren(ToolCard))
    assert not tool.isVisibleTo(window)
    foot = window.transcript.column.views[-1]._foot
    assert foot.words.whole().endswith("waits for your answer")
    card.toggle.click()
    assert card.detail is not None and '"path": "notes/2.4.md"' in card.detail.toPlainText()
    card.toggle.click()
    assert card.detail is None


@pytest.mark.parametrize(
    ("verdict", "badge"),
    [("once", "Allowed once"), ("always", "Allowed always"), ("deny", "Denied")],
)
def test_each_button_gives_its_answer_and_the_card_says_so(
    window: ChatWindow,
    fake: FakeClient,
    watch: EngineWatch,
    qtbot: QtBot,
    verdict: str,
    badge: str,
) -> None:
    chat, answer = asking(fake)
    made = fake.approval_desk.put(chat=chat.id, message=answer.id)
    watch.approvals.load()
    (card,) = opened(window, chat, qtbot)
    {"once": card.once, "always": card.always, "deny": card.deny}[verdict].click()
    assert not card.once.isEnabled()
    qtbot.waitUntil(lambda: not card.open)
    assert fake.approval_desk.all[made.id].verdict == verdict
    assert card.badge.text() == badge and card.words.text()
    assert not card.once.isVisible() and not card.instead.isVisible()
    assert watch.approvals.waiting == ()
    assert not [tool for tool in window.findChildren(ToolCard) if tool.isHidden()]


def test_what_to_do_instead_goes_with_a_denial_by_keyboard_alone(
    window: ChatWindow, fake: FakeClient, watch: EngineWatch, qtbot: QtBot
) -> None:
    chat, answer = asking(fake)
    made = fake.approval_desk.put(chat=chat.id, message=answer.id)
    watch.approvals.load()
    (card,) = opened(window, chat, qtbot)
    card.instead.setFocus()
    QTest.keyClick(card.instead, Key.Key_Return)
    assert card.once.isEnabled()  # nothing was written, so nothing is said
    QTest.keyClicks(card.instead, "Only show it")
    QTest.keyClick(card.instead, Key.Key_Escape)
    assert card.instead.text() == "" and window.model.busy  # nothing was stopped
    QTest.keyClicks(card.instead, "Only show it")
    QTest.keyClick(card.instead, Key.Key_Return)
    qtbot.waitUntil(lambda: not card.open)
    told = fake.approval_desk.all[made.id]
    assert (told.verdict, told.instead) == ("deny", "Only show it")
    assert card.words.text() == "You said instead: Only show it"


def test_what_is_asked_about_each_time_cannot_be_allowed_always(
    window: ChatWindow, fake: FakeClient, watch: EngineWatch, qtbot: QtBot
) -> None:
    chat, answer = asking(fake)
    fake.approval_desk.put("Create a routine", chat=chat.id, message=answer.id, may_always=False)
    watch.approvals.load()
    (card,) = opened(window, chat, qtbot)
    assert card.once.isVisible() and card.deny.isVisible() and not card.always.isVisible()


def test_several_wait_at_once_and_each_is_answered_for_itself(
    window: ChatWindow, fake: FakeClient, watch: EngineWatch, qtbot: QtBot, on_loop: OnLoop
) -> None:
    chat, answer = asking(fake)
    first = fake.approval_desk.put(chat=chat.id, message=answer.id)
    watch.approvals.load()
    opened(window, chat, qtbot)
    on_loop(fake.approval_desk.ask("Send a mail", chat=chat.id, message=answer.id))
    qtbot.waitUntil(lambda: len(cards(window)) == 2)
    one, two = cards(window)
    assert one.approval.id == first.id and one.geometry().bottom() < two.geometry().top()
    two.deny.click()
    qtbot.waitUntil(lambda: not two.open)
    assert one.open and len(watch.approvals.waiting) == 1


def test_an_answer_given_elsewhere_and_one_that_expired_are_told(
    window: ChatWindow, fake: FakeClient, watch: EngineWatch, qtbot: QtBot, on_loop: OnLoop
) -> None:
    chat, answer = asking(fake)
    first = fake.approval_desk.put(chat=chat.id, message=answer.id)
    second = fake.approval_desk.put("Send a mail", chat=chat.id, message=answer.id)
    watch.approvals.load()
    one, two = opened(window, chat, qtbot, 2)
    on_loop(fake.approval_desk.change(first.id, verdict="once", answered=datetime.now(UTC)))
    on_loop(fake.approval_desk.change(second.id, expired=True))
    qtbot.waitUntil(lambda: not one.open and not two.open)
    assert (one.badge.text(), two.badge.text()) == ("Allowed once", "Expired")
    assert "nothing left to answer" in two.words.text()


def test_one_that_was_answered_before_says_what_was_decided(
    window: ChatWindow, fake: FakeClient, watch: EngineWatch, qtbot: QtBot
) -> None:
    chat, answer = asking(fake)
    made = fake.approval_desk.put(chat=chat.id, message=answer.id)
    watch.approvals.load()
    (card,) = opened(window, chat, qtbot)
    # Answered by another program whose event never came.
    fake.approval_desk.all[made.id] = replace(made, verdict="deny", answered=datetime.now(UTC))
    card.once.click()
    qtbot.waitUntil(lambda: not card.open)
    assert card.badge.text() == "Denied"


def test_an_answer_that_did_not_arrive_can_be_given_again(
    window: ChatWindow, fake: FakeClient, watch: EngineWatch, qtbot: QtBot
) -> None:
    chat, answer = asking(fake)
    fake.approval_desk.put(chat=chat.id, message=answer.id)
    watch.approvals.load()
    (card,) = opened(window, chat, qtbot)
    fake.fail["approvals.answer"] = Unavailable("The engine does not answer", "", "Try again.")
    card.once.click()
    qtbot.waitUntil(card.trouble.isVisible)
    assert "The engine does not answer" in card.trouble.text() and card.once.isEnabled()
    fake.fail.clear()
    card.once.click()
    qtbot.waitUntil(lambda: not card.open)
    assert not card.trouble.isVisible()


def test_one_that_is_not_there_any_more_has_expired(
    window: ChatWindow, fake: FakeClient, watch: EngineWatch, qtbot: QtBot
) -> None:
    chat, answer = asking(fake)
    made = fake.approval_desk.put(chat=chat.id, message=answer.id)
    watch.approvals.load()
    (card,) = opened(window, chat, qtbot)
    del fake.approval_desk.all[made.id]
    watch.approvals.load()
    qtbot.waitUntil(lambda: card.badge.text() == "Expired" and not card.open)


def test_the_words_for_waiting_and_for_what_was_decided() -> None:
    made = Approval("a", "r", "Tool", {}, "", NOW)
    spans = {
        timedelta(seconds=-3): "0:00",
        timedelta(seconds=292): "4:52",
        timedelta(hours=3, minutes=12): "3 h 12 min",
        timedelta(days=2, hours=4): "2 d 4 h",
    }
    assert {waited(made, NOW + span) for span in spans} == set(spans.values())
    assert outcome(replace(made, expired=True))[0] == "Expired"
    assert outcome(replace(made, verdict="deny"))[2] == "The tool was not called."


@pytest.mark.parametrize("width", [300, 420, 760])
def test_nothing_on_a_card_is_cut_or_lies_over_another_thing(
    themes: ThemeController, qtbot: QtBot, width: int
) -> None:
    why = "wants to do something that takes a good many words to say, as tools sometimes do."
    made = Approval("a", "r", "filesystem · write_file", {"path": "x"}, why, NOW)
    card = ApprovalCard(made, looks(themes.current, QApplication.font()), themes, lambda: NOW)
    qtbot.addWidget(card)
    card.resize(width, card.height_for(width))
    card.show()
    qtbot.waitExposed(card)
    parts = [part for part in (card.title, card.why, card.time, *card.answers) if part.isVisible()]
    for at, one in enumerate(parts):
        assert card.rect().contains(one.geometry()), one
        for two in parts[at + 1 :]:
            assert not one.geometry().intersects(two.geometry()), (one, two)
    assert all(made.width() >= made.sizeHint().width() for made in card.answers[:3])


# -- the tray, and what leads there --------------------------------------------------------------


def test_the_tray_counts_what_waits_and_needs_the_person(
    bridge: Bridge,
    fake: FakeClient,
    themes: ThemeController,
    watch: EngineWatch,
    qtbot: QtBot,
    on_loop: OnLoop,
) -> None:
    tray = Tray(themes, watch, Keys(parent=bridge), bridge)
    assert tray.approvals.text() == "Approvals" and not tray.approvals.isEnabled()
    made = on_loop(fake.approval_desk.ask())
    qtbot.waitUntil(lambda: tray.approvals.text() == "Approvals\t1")
    assert tray.approvals.isEnabled() and str(watch.mood) == "needs_you"
    with qtbot.waitSignal(tray.approvals_wanted):
        tray.approvals.trigger()
    on_loop(fake.approval_desk.answer(made.id, "once"))
    qtbot.waitUntil(lambda: tray.approvals.text() == "Approvals")
    assert str(watch.mood) == "idle"
    tray.stop()


def test_the_entry_leads_to_the_chat_of_the_one_that_waits_longest(
    program: Program, fake: FakeClient, qtbot: QtBot
) -> None:
    chat, answer = asking(fake)
    old = datetime.now(UTC) - timedelta(hours=1)
    fake.approval_desk.put("Later", chat="other")
    fake.approval_desk.put(chat=chat.id, message=answer.id, asked=old)
    program.start((), hidden=True)
    qtbot.waitUntil(lambda: len(program.watch.approvals.waiting) == 2)
    program.tray.approvals.trigger()
    qtbot.waitUntil(lambda: len(cards(program.window)) == 1)
    assert program.window.isVisible() and program.window.model.chat_id == chat.id
    (card,) = cards(program.window)
    qtbot.waitUntil(lambda: card.once.hasFocus() or program.window.focusWidget() is card.once)


def test_one_without_a_chat_is_answered_in_the_activity_window(
    program: Program, fake: FakeClient, qtbot: QtBot
) -> None:
    made = fake.approval_desk.put("Send a mail")
    program.start((), hidden=True)
    qtbot.waitUntil(lambda: len(program.watch.approvals.waiting) == 1)
    program.tray.approvals.trigger()
    bar = program.activity.window.asked
    qtbot.waitUntil(bar.isVisible)
    card = bar.cards[made.id]
    card.deny.click()
    qtbot.waitUntil(lambda: not card.open)
    assert card.badge.text() == "Denied" and bar.isVisible()
    program.activity.window.hide()
    assert bar.cards == {} and not bar.isVisibleTo(program.activity.window)


# -- what is allowed always ----------------------------------------------------------------------


def test_a_tool_that_is_allowed_always_can_be_asked_about_again(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> None:
    fake.approval_desk.allowed = ["Write a file", "Send a mail"]
    with settings_windows(bridge, fake, themes, tmp_path, qtbot) as make:
        part: AllowedTools = make().data.allowed
        qtbot.waitUntil(lambda: list(part.tools) == ["Write a file", "Send a mail"])
        row = part.tools["Write a file"]
        assert row.revoke_button.accessibleName() == "Ask about “Write a file” again"
        fake.fail["approvals.revoke"] = Unavailable("The engine does not answer")
        row.revoke_button.click()
        qtbot.waitUntil(lambda: bool(row.problems.told))
        fake.fail.clear()
        row.revoke_button.click()
        qtbot.waitUntil(lambda: list(part.tools) == ["Send a mail"])
        part.tools["Send a mail"].revoke_button.click()
        qtbot.waitUntil(lambda: part.about.title.text() == "None so far")
        assert fake.approval_desk.allowed == []
