"""The page of the first start in the chat window, and what a start remembers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.window import ChatWindow
from nagatha_desktop.settings.first_start import FirstStart, FirstStartGuide
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.fake_settings import Furniture, furnish


@pytest.fixture
def engine(fake: FakeClient) -> Furniture:
    return furnish(fake)


@pytest.fixture
def state(tmp_path: Path, bridge: Bridge) -> WindowState:
    return WindowState(tmp_path, {"last_chat": "chat-7"}, parent=bridge)


@pytest.fixture
def window(
    engine: Furniture, bridge: Bridge, themes: ThemeController, state: WindowState, qtbot: QtBot
) -> Iterator[ChatWindow]:
    keys, watch = Keys(parent=bridge), EngineWatch(bridge, bridge)
    watch._ready()
    made = ChatWindow(
        bridge, themes, state, keys, watch, ChatList(bridge, bridge), Models(bridge, bridge)
    )
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: watch.engine is not None)
    yield made
    made.close_for_good()


def page_of(
    window: ChatWindow, bridge: Bridge, themes: ThemeController, state: WindowState, qtbot: QtBot
) -> FirstStart:
    guide = FirstStartGuide(bridge, themes, state, bridge)
    guide.page_changed.connect(window.show_page)
    guide.look()
    qtbot.waitUntil(lambda: guide.page is not None)
    assert guide.page is not None
    return guide.page


def test_making_the_window_does_not_forget_the_last_chat(
    window: ChatWindow, state: WindowState
) -> None:
    assert state.text("last_chat") == "chat-7"


def test_a_question_that_began_a_chat_is_not_the_draft_of_the_next_start(
    window: ChatWindow, state: WindowState, qtbot: QtBot
) -> None:
    qtbot.keyClicks(window.composer.box, "Good morning")
    assert state.text("new_chat_draft") == "Good morning"
    window.composer.send_button.click()
    qtbot.waitUntil(lambda: state.text("last_chat") not in ("", "chat-7"))
    assert state.text("new_chat_draft") == ""


def test_the_page_has_the_window_until_a_key_works_and_then_the_box_has_the_focus(
    window: ChatWindow,
    bridge: Bridge,
    themes: ThemeController,
    state: WindowState,
    engine: Furniture,
    qtbot: QtBot,
) -> None:
    page = page_of(window, bridge, themes, state, qtbot)
    assert window.windowTitle() == "First start – Nagatha"
    assert not window.conversation.isVisible() and window.focusWidget() is page.key
    page.key.setText("sk-good")
    page.use_button.click()
    qtbot.waitUntil(window.conversation.isVisible)
    assert window.windowTitle() == "New chat – Nagatha"
    assert window.focusWidget() is window.composer.box
    assert engine.models.choice.provider == "openai"


def test_whoever_wants_a_chat_leaves_the_page(
    window: ChatWindow,
    bridge: Bridge,
    themes: ThemeController,
    state: WindowState,
    fake: FakeClient,
    qtbot: QtBot,
) -> None:
    chat = fake.store.add("From before", "question", "answer")
    page_of(window, bridge, themes, state, qtbot)
    window.open_chat(chat.id)
    assert window.conversation.isVisible() and not state.flag("first_start_done")
    qtbot.waitUntil(lambda: window.transcript.message_count() == 2)
    assert state.text("last_chat") == chat.id
