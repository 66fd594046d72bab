"""The first start: a key, a model on this machine, or neither; and when the page is there."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.first_start import FirstStart, FirstStartGuide
from nagatha_desktop.settings.page import here
from nagatha_desktop.state import WindowState
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.fake_settings import MISSING, WRONG_KEY, Furniture, furnish
from tests.support.widgets import nameless
from worker.contract.errors import Unavailable
from worker.contract.events import SettingsChanged
from worker.contract.system import KeyringStatus, ModelChoice, Provider
from worker.runtime import Runtime

OLLAMA = Provider("ollama", "Ollama", "http://127.0.0.1:11434/v1", model="llama3", local=True)
OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def engine(fake: FakeClient) -> Furniture:
    return furnish(fake)


@pytest.fixture
def page(
    engine: Furniture, bridge: Bridge, themes: ThemeController, qtbot: QtBot
) -> Iterator[FirstStart]:
    made = FirstStart(bridge, themes)
    qtbot.addWidget(made)
    made.resize(660, 700)
    made.show()
    qtbot.waitUntil(lambda: made.place.status.state != "unknown" and made.look_button.isEnabled())
    yield made


def test_a_pasted_key_is_guessed_tested_kept_and_used(
    page: FirstStart, engine: Furniture, qtbot: QtBot
) -> None:
    assert not page.use_button.isEnabled()
    QTest.keyClicks(page.key, "AIza-good")
    assert page.provider.currentText() == "Gemini"
    engine.models.models = ("models/gemini-2.5-pro", "models/gemini-2.5-flash")
    with qtbot.waitSignal(page.finished):
        QTest.keyClick(page.key, Qt.Key.Key_Return)
    assert engine.models.keys == {"gemini": "AIza-good"}
    assert engine.models.choice == ModelChoice("gemini", "models/gemini-2.5-flash")
    assert page.key.text() == ""


def test_a_wrong_key_is_said_in_place_and_nothing_is_kept(
    page: FirstStart, engine: Furniture, qtbot: QtBot
) -> None:
    page.key.setText("sk-wrong")
    page.use_button.click()
    assert not page.use_button.isEnabled() and not page.key.isEnabled()
    qtbot.waitUntil(lambda: bool(page.problems.told))
    # The button to this very page is left out.
    assert page.problems.told == (replace(WRONG_KEY, action=""),)
    assert engine.models.found == {} and engine.models.keys == {}
    assert page.use_button.isEnabled() and page.key.isEnabled()
    QTest.keyClicks(page.key, "x")
    assert page.problems.told == ()


def test_a_key_is_covered_until_it_is_to_be_seen(page: FirstStart) -> None:
    assert page.key.echoMode() == QLineEdit.EchoMode.Password
    assert not page.key.eye.isVisible()
    page.key.setText("sk-x")
    assert page.key.eye.isVisible()
    page.key.eye.trigger()
    assert page.key.echoMode() == QLineEdit.EchoMode.Normal
    page.key.forget()
    assert page.key.echoMode() == QLineEdit.EchoMode.Password and page.key.key == ""


def test_another_address_needs_no_key(page: FirstStart, engine: Furniture, qtbot: QtBot) -> None:
    assert not page.address.isVisible() and page.page_button.isVisible()
    page.provider.setCurrentIndex(page.provider.count() - 1)
    assert page.address.isVisible() and not page.page_button.isVisible()
    assert not page.use_button.isEnabled()
    page.address.setText("http://127.0.0.1:9000/v1")
    page.key.setText("sk-like-those-of-openai")
    assert page.provider.currentText() == "Another address"
    page.key.clear()
    with qtbot.waitSignal(page.finished):
        QTest.keyClick(page.address, Qt.Key.Key_Return)
    (saved,) = engine.models.found.values()
    assert (saved.name, saved.base_url, saved.model) == (
        "127.0.0.1",
        "http://127.0.0.1:9000/v1",
        "gpt-4o",
    )


@pytest.mark.parametrize("state", ["missing", "locked"])
def test_without_a_keyring_the_place_of_the_key_is_asked(
    engine: Furniture,
    bridge: Bridge,
    themes: ThemeController,
    qtbot: QtBot,
    state: Any,
) -> None:
    engine.models.status = KeyringStatus(state, problem=MISSING)
    page = FirstStart(bridge, themes)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.place.status.state == state)
    options = page.place.options
    assert options["keyring"].isVisible() == (state == "locked")
    page.key.setText("sk-good")
    page.use_button.click()
    assert [problem.kind for problem in page.problems.told] == ["key_place"]
    first = options["keyring" if state == "locked" else "session"].radio
    assert page.focusWidget() is first
    options["file"].radio.click()
    assert page.problems.told == ()
    QTest.keyClick(options["file"].radio, Qt.Key.Key_Return)
    assert page.focusWidget() is page.place.consent
    page.problems.clear()
    page.use_button.click()
    assert "agree" in page.problems.told[0].title  # a file needs more than being chosen
    assert engine.called("models.test") == 0
    page.place.consent.click()
    with qtbot.waitSignal(page.finished):
        page.use_button.click()
    assert engine.models.found["openai"].key == "file"
    assert engine.models.status.file_consent


def test_a_key_for_this_session_is_kept_nowhere_else(
    engine: Furniture, bridge: Bridge, themes: ThemeController, qtbot: QtBot
) -> None:
    engine.models.status = KeyringStatus("missing", problem=MISSING)
    page = FirstStart(bridge, themes)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.place.status.state == "missing")
    page.key.setText("sk-good")
    page.place.options["session"].radio.click()
    with qtbot.waitSignal(page.finished):
        page.use_button.click()
    assert engine.models.found["openai"].key == "session"
    assert not engine.models.status.file_consent


def test_a_keyring_that_locks_meanwhile_is_asked_about(
    page: FirstStart, engine: Furniture, qtbot: QtBot
) -> None:
    engine.models.status = KeyringStatus("locked", problem=replace(MISSING, kind="keyring_locked"))
    page.key.setText("sk-good")
    page.use_button.click()
    qtbot.waitUntil(lambda: page.place.status.state == "locked")
    assert page.place.options["session"].isVisible()
    assert engine.models.found == {}
    engine.models.status = KeyringStatus("ready", "Secret Service")
    page.place.again.click()
    qtbot.waitUntil(lambda: page.place.status.state == "ready")
    assert not page.place.options["session"].isVisible()


def test_a_keyring_that_cannot_even_be_asked_counts_as_missing(
    engine: Furniture, fake: FakeClient, bridge: Bridge, themes: ThemeController, qtbot: QtBot
) -> None:
    fake.fail["models.keyring"] = Unavailable("The engine does not answer")
    page = FirstStart(bridge, themes)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.place.status.state == "missing")


def test_a_model_on_this_machine_is_found_after_looking_again_and_used(
    page: FirstStart, engine: Furniture, qtbot: QtBot
) -> None:
    assert page.local_words.isVisible() and "11434" in page.local_words.text()
    assert not page.local_rows.isVisible()
    engine.models.near = (OLLAMA, replace(OLLAMA, id="lmstudio", name="LM Studio", model=""))
    page.look_button.click()
    qtbot.waitUntil(lambda: len(page._local) == 2)
    assert not page.local_words.isVisible()
    use, without_model = page._local
    assert use.accessibleName() == "Use Ollama" and not without_model.isEnabled()
    with qtbot.waitSignal(page.finished):
        use.click()
    assert engine.models.choice == ModelChoice("ollama", "llama3")
    assert engine.models.keys == {}


def test_trouble_with_looking_is_said(page: FirstStart, fake: FakeClient, qtbot: QtBot) -> None:
    fake.fail["models.discover"] = Unavailable("The engine does not answer")
    page.look_button.click()
    qtbot.waitUntil(lambda: bool(page.local_problems.told))
    assert page.look_button.isEnabled()


def test_trouble_that_passes_can_be_tried_again(
    page: FirstStart, engine: Furniture, fake: FakeClient, qtbot: QtBot
) -> None:
    fake.fail["models.test"] = Unavailable("No network")
    page.key.setText("sk-good")
    page.use_button.click()
    qtbot.waitUntil(lambda: bool(page.problems.told))
    del fake.fail["models.test"]
    with qtbot.waitSignal(page.finished):
        page.problems._cards[0].button.click()
    assert engine.models.keys == {"openai": "sk-good"}


def test_waiting_is_said_and_a_second_press_does_nothing(
    page: FirstStart, engine: Furniture, qtbot: QtBot, runtime: Runtime, on_loop: OnLoop
) -> None:
    async def close() -> None:
        engine.models.gate = asyncio.Event()

    async def open_() -> None:
        assert engine.models.gate is not None
        engine.models.gate.set()

    on_loop(close())
    page.key.setText("sk-good")
    page.use_button.click()
    page.test_and_use()
    qtbot.waitUntil(lambda: page.status.text() == "Asking OpenAI …" and page.status.isVisible())
    assert page.busy
    with qtbot.waitSignal(page.finished):
        on_loop(open_())
    assert engine.called("models.test") == 1


def test_the_page_where_a_key_is_had_is_opened(
    page: FirstStart, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", staticmethod(lambda url: opened.append(QUrl(url).host()))
    )
    page.page_button.click()
    assert opened == ["platform.openai.com"]


def test_every_control_of_the_page_has_a_name_and_is_reached_by_tab(page: FirstStart) -> None:
    assert nameless(page) == []
    assert page.focusWidget() is page.key
    reached: list[QWidget] = []
    widget: QWidget | None = page.key
    while widget is not None and widget not in reached:
        reached.append(widget)
        widget = widget.nextInFocusChain()
        while widget is not page.key and not (
            widget.isVisible()
            and widget.isEnabled()
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        ):
            widget = widget.nextInFocusChain()
    names = [each.accessibleName() for each in reached]
    assert names == ["Key", "Provider", "Get a key …", "Look again", "Go on without a model"]


# -- when the page is there ------------------------------------------------------------------------


class Place:
    """Where a window would put the page."""

    def __init__(self, guide: FirstStartGuide) -> None:
        self.page: FirstStart | None = None
        self.changes = 0
        guide.page_changed.connect(self.put)

    def put(self, page: FirstStart | None) -> None:
        if self.page is not None:
            self.page.hide()
            self.page.deleteLater()
        self.page = page
        self.changes += 1
        if page is not None:
            page.show()


@pytest.fixture
def state(tmp_path: Path, bridge: Bridge) -> WindowState:
    return WindowState(tmp_path, parent=bridge)


@pytest.fixture
def place(
    engine: Furniture, bridge: Bridge, themes: ThemeController, state: WindowState, qtbot: QtBot
) -> Iterator[Place]:
    guide = FirstStartGuide(bridge, themes, state, bridge)
    made = Place(guide)
    guide.look()
    yield made
    if made.page is not None:
        made.page.deleteLater()


def test_the_page_is_there_when_nothing_is_set_up_and_goes_for_good_when_sent_away(
    place: Place,
    state: WindowState,
    bridge: Bridge,
    fake: FakeClient,
    on_loop: OnLoop,
    qtbot: QtBot,
) -> None:
    qtbot.waitUntil(lambda: place.page is not None)
    assert place.page is not None
    place.page.skip_button.click()
    assert place.page is None and state.flag("first_start_done")

    async def tell() -> None:
        fake.emit(SettingsChanged())

    heard: list[object] = []
    bridge.listen(bridge, heard.append)  # after the guide, which has heard of it then
    on_loop(tell())
    qtbot.waitUntil(lambda: bool(heard) and not bridge.busy)
    assert place.page is None


def test_the_page_goes_once_a_key_works(place: Place, engine: Furniture, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: place.page is not None)
    assert place.page is not None
    place.page.key.setText("sk-good")
    place.page.use_button.click()
    qtbot.waitUntil(lambda: place.page is None)
    assert engine.models.choice.provider == "openai"
    assert place.changes == 2


def test_the_page_goes_when_a_provider_is_set_up_elsewhere(
    place: Place, fake: FakeClient, on_loop: OnLoop, state: WindowState, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: place.page is not None)
    on_loop(fake.models.save("", "Mine", "http://127.0.0.1:9/v1"))
    qtbot.waitUntil(lambda: place.page is None)
    assert not state.flag("first_start_done")


@pytest.mark.parametrize("kind", ["settings", "environment"])
def test_the_page_does_not_come_where_a_provider_is_set_up(
    engine: Furniture,
    bridge: Bridge,
    themes: ThemeController,
    state: WindowState,
    qtbot: QtBot,
    kind: str,
) -> None:
    if kind == "settings":
        engine.models.add("mine", "Mine", "http://127.0.0.1:9/v1")
    else:
        found = Provider("openai", "OpenAI", "https://x/v1", source="environment")
        engine.models.environment = (found,)
    guide = FirstStartGuide(bridge, themes, state, bridge)
    guide.look()
    qtbot.waitUntil(lambda: engine.called("models.providers") == 1 and not bridge.busy)
    assert guide.page is None


def test_a_card_on_the_page_does_not_send_the_person_elsewhere() -> None:
    remedy = "Check the key in Settings › Models and keys."
    problem = replace(WRONG_KEY, remedy=remedy, action="models")
    assert here(problem).remedy == "Check the key." and not here(problem).action
    other = replace(WRONG_KEY, remedy=remedy, action="retry")
    assert here(other) is other


def test_after_a_wrong_key_the_next_paste_replaces_it(
    page: FirstStart, engine: Furniture, qtbot: QtBot
) -> None:
    page.key.setText("sk-wrong")
    page.use_button.click()
    qtbot.waitUntil(lambda: bool(page.problems.told))
    assert page.key.selectedText() == "sk-wrong"
