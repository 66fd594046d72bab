"""Models and keys as a person uses them, against a client in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.key_place import place_words
from nagatha_desktop.settings.pages.models import ModelsPage, ProviderRow
from nagatha_desktop.settings.provider_form import ProviderForm
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.fake_settings import MISSING, WRONG_KEY, Furniture, furnish
from tests.support.widgets import nameless
from worker.contract.errors import InvalidInput, ModelError, Unavailable
from worker.contract.system import KeyringStatus, ModelChoice, Provider


@dataclass
class Scene:
    page: ModelsPage
    engine: Furniture
    fake: FakeClient
    qtbot: QtBot

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()))

    def row(self, name: str) -> ProviderRow:
        self.until(lambda: name in self.page.rows)
        return self.page.rows[name]

    @property
    def form(self) -> ProviderForm:
        assert self.page.form is not None
        return self.page.form

    def badges(self, name: str) -> list[str]:
        from nagatha_desktop.widgets.badges import Badge

        return [badge.text() for badge in self.row(name).findChildren(Badge)]


@pytest.fixture
def make(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, qtbot: QtBot
) -> Iterator[Callable[..., Scene]]:
    engine = furnish(fake)

    def build(prepare: Callable[[Furniture], object] = lambda _: None) -> Scene:
        prepare(engine)
        store = SettingsStore(bridge, bridge)
        store.load()
        page = ModelsPage(bridge, themes, store)
        qtbot.addWidget(page)
        page.resize(560, 600)
        page.show()
        qtbot.waitUntil(lambda: bool(page.rows) and page.keyring.state != "unknown")
        return Scene(page, engine, fake, qtbot)

    yield build


def with_openai(engine: Furniture) -> None:
    engine.models.add("openai", "OpenAI", "https://api.openai.com/v1", "gpt-4o-mini")
    engine.models.keys["openai"] = "sk-good"
    engine.models.choice = ModelChoice("openai", "gpt-4o-mini")


@pytest.fixture
def scene(make: Callable[..., Scene]) -> Scene:
    return make(with_openai)


def test_providers_are_listed_with_the_place_of_their_key(make: Callable[..., Scene]) -> None:
    def prepare(engine: Furniture) -> None:
        with_openai(engine)
        engine.models.add("work", "Work", "https://w.example/v1", "m", "unreadable")
        found = Provider("env", "From variables", "https://e.example/v1", source="environment")
        engine.models.environment = (found,)

    scene = make(prepare)
    assert list(scene.page.rows) == ["env", "openai", "work", "builtin"]
    assert scene.badges("openai") == ["Default", "Key in the system keyring"]
    assert scene.badges("work") == ["Key cannot be read now"]
    assert scene.badges("env") == ["Environment"]
    assert [b.text() for b in scene.row("env").buttons()] == ["Test"]
    assert scene.row("builtin").buttons() == ()
    assert scene.row("openai").text.text() == "api.openai.com · gpt-4o-mini"
    # While the environment names one, no other is asked.
    assert not scene.page.provider_box.isEnabled() and not scene.page.model_box.isEnabled()


@pytest.mark.parametrize(
    "place", ["none", "not_needed", "keyring", "environment", "session", "file", "unreadable"]
)
def test_every_place_of_a_key_has_words(place: object) -> None:
    assert place_words(place)[0]  # type: ignore[arg-type]


def test_a_test_says_how_long_it_took_or_what_is_wrong_in_place(scene: Scene) -> None:
    row = scene.row("openai")
    row.test_button.click()
    assert not row.test_button.isEnabled()
    scene.until(lambda: row.status.text() == "✓ answered in 0.4 s · 3 models")
    scene.engine.models.keys["openai"] = "sk-old"
    row.test_button.click()
    scene.until(lambda: row.problems.told == (replace(WRONG_KEY, action=""),))
    scene.fake.fail["models.test"] = Unavailable("The engine does not answer")
    row.test_button.click()
    scene.until(lambda: row.problems.told and row.problems.told[0].action == "retry")
    del scene.fake.fail["models.test"]
    scene.engine.models.keys["openai"] = "sk-good"
    row.problems._cards[0].button.click()
    scene.until(lambda: row.status.text().startswith("✓") and not row.problems.told)


def add(scene: Scene, name: str) -> ProviderForm:
    actions = scene.page.add_button.menu().actions()
    next(action for action in actions if action.data() == name).trigger()
    return scene.form


def test_the_first_provider_that_is_added_is_the_one_to_be_asked(
    make: Callable[..., Scene],
) -> None:
    scene = make()
    form = add(scene, "openai")
    assert form.name.text() == "OpenAI" and form.address.text() == "https://api.openai.com/v1"
    assert not form.place.isVisible()
    QTest.keyClicks(form.key, "sk-good")
    assert form.place.isVisible() and form.place.badge.text() == "Keyring ready"
    QTest.keyClick(form.key, Qt.Key.Key_Return)
    scene.until(lambda: scene.page.form is None and "openai" in scene.page.rows)
    assert scene.engine.models.keys == {"openai": "sk-good"}
    assert scene.engine.models.choice == ModelChoice("openai", "gpt-4o-mini")
    scene.until(lambda: scene.page.model_box.name == "gpt-4o-mini")
    assert scene.page.add_button.isEnabled()


def test_another_provider_does_not_take_the_place_of_the_default(scene: Scene) -> None:
    form = add(scene, "")
    form.name.setText("Mine")
    assert not form.save_button.isEnabled() and not form.test_button.isEnabled()
    form.address.setText("http://127.0.0.1:9000/v1")
    form.proxy.setText("socks5://p:1")
    form.save_button.click()
    scene.until(lambda: "mine" in scene.page.rows)
    assert scene.engine.models.choice.provider == "openai"
    saved = scene.engine.models.found["mine"]
    assert (saved.proxy, saved.model, saved.key) == ("socks5://p:1", "gpt-4o", "not_needed")


def test_a_key_is_tried_before_it_is_saved(scene: Scene) -> None:
    form = add(scene, "openrouter")
    form.key.setText("sk-or-wrong")
    form.test_button.click()
    assert not form.save_button.isEnabled()
    scene.until(lambda: form.problems.told)
    assert "openrouter" not in scene.engine.models.found
    form.key.setText("sk-or-good")
    assert form.problems.told == ()
    form.test_button.click()
    scene.until(lambda: form.status.text().startswith("✓ answered"))
    assert scene.engine.models.tests[-1][:3] == (
        "OpenRouter", "https://openrouter.ai/api/v1", "sk-or-good",
    )  # fmt: skip
    form.cancel_button.click()
    scene.until(lambda: scene.page.form is None)
    assert "openrouter" not in scene.engine.models.found


def test_editing_never_shows_the_key_and_an_empty_field_keeps_it(scene: Scene) -> None:
    scene.row("openai").edit_button.click()
    form = scene.form
    assert form.key.text() == "" and "system keyring" in form.key.placeholderText()
    assert not any(
        "sk-good" in str(child.property("text") or "") for child in form.findChildren(QWidget)
    )
    form.name.setText("Open AI of mine")
    form.save_button.click()
    scene.until(lambda: scene.page.form is None and "openai" in scene.page.rows)
    scene.until(lambda: scene.row("openai").title.text() == "Open AI of mine")
    assert scene.engine.models.keys == {"openai": "sk-good"}


def test_a_kept_key_is_not_sent_to_another_server(scene: Scene) -> None:
    scene.row("openai").edit_button.click()
    form = scene.form
    form.address.setText("https://elsewhere.example/v1")
    form.save_button.click()
    assert "another server" in form.problems.told[0].title
    assert scene.engine.called("models.save") == 0
    # Another path on the same server is no other server, and a new key may go anywhere.
    form.address.setText("https://api.openai.com/v2")
    form.save_button.click()
    scene.until(lambda: scene.page.form is None)
    scene.until(lambda: scene.row("openai").provider.base_url.endswith("v2"))
    scene.row("openai").edit_button.click()
    scene.form.address.setText("https://elsewhere.example/v1")
    scene.form.key.setText("sk-good")
    scene.form.save_button.click()
    scene.until(lambda: scene.page.form is None)


def test_the_test_of_a_known_provider_uses_its_kept_key(scene: Scene) -> None:
    scene.row("openai").edit_button.click()
    scene.form.test_button.click()
    scene.until(lambda: scene.form.status.text().startswith("✓"))
    assert scene.engine.models.tests[-1] == ("openai", "https://api.openai.com/v1", "", "")


def test_adding_a_preset_that_is_there_opens_the_one_that_is_there(scene: Scene) -> None:
    form = add(scene, "openai")
    assert form.provider is not None and form.provider.id == "openai"


def test_without_a_keyring_saving_asks_where_the_key_goes(make: Callable[..., Scene]) -> None:
    def prepare(engine: Furniture) -> None:
        engine.models.status = KeyringStatus("missing", problem=MISSING)

    scene = make(prepare)
    assert scene.page.keyring_line.badge.text() == "No keyring"
    form = add(scene, "openai")
    form.key.setText("sk-good")
    form.save_button.click()
    assert form.problems.told[0].kind == "key_place"
    form.place.options["file"].radio.click()
    form.place.consent.click()
    form.save_button.click()
    scene.until(lambda: scene.page.form is None and "openai" in scene.page.rows)
    assert scene.engine.models.found["openai"].key == "file"
    scene.until(scene.page.file_row.isVisible)
    # Consent is asked once, and can be taken back.
    scene.page.file_button.click()
    scene.until(lambda: not scene.page.file_row.isVisible())
    assert not scene.engine.models.status.file_consent


def test_a_keyring_that_fails_while_saving_is_said_and_looked_at_again(scene: Scene) -> None:
    form = add(scene, "openrouter")
    form.key.setText("sk-or-good")
    locked = replace(MISSING, kind="keyring_locked", title="The keyring is locked")
    scene.engine.models.status = KeyringStatus("locked", problem=locked)
    form.save_button.click()
    scene.until(lambda: form.problems.told and form.place.status.state == "locked")
    assert form.place.options["session"].isVisible()
    assert scene.page.keyring_line.badge.text() == "Keyring locked"
    assert not scene.page.keyring_line.options["session"].isVisible()
    scene.engine.models.status = KeyringStatus("ready", "KWallet")
    scene.page.keyring_line.again.click()
    scene.until(lambda: scene.page.keyring_line.badge.text() == "Keyring ready")


def test_a_wrong_address_is_said_in_the_form(scene: Scene) -> None:
    form = add(scene, "")
    form.address.setText("models")
    form.save_button.click()
    scene.until(lambda: form.problems.told)
    assert scene.page.form is form and form.save_button.isEnabled()


def test_trouble_in_the_form_can_be_tried_again(scene: Scene) -> None:
    form = add(scene, "openrouter")
    form.key.setText("sk-or-good")
    scene.fake.fail["models.test"] = Unavailable("No network")
    form.test_button.click()
    scene.until(lambda: form.problems.told)
    del scene.fake.fail["models.test"]
    form.problems._cards[0].button.click()
    scene.until(lambda: form.status.text().startswith("✓"))


def test_a_key_is_forgotten_and_a_provider_removed_after_asking(scene: Scene) -> None:
    scene.row("openai").edit_button.click()
    form = scene.form
    form.forget_button.click()
    scene.until(lambda: form.status.text() == "The key was deleted.")
    assert not form.forget_button.isVisible() and form.key.placeholderText() == "Paste a key"
    assert scene.engine.models.keys == {}
    form.remove_button.click()
    assert form.remove_button.text() == "Remove it and its key"
    assert "openai" in scene.engine.models.found
    form.remove_button.click()
    scene.until(lambda: scene.page.form is None and list(scene.page.rows) == ["builtin"])
    scene.until(lambda: scene.page.default.provider == "builtin")
    assert not scene.page.model_box.isVisible()


def test_removing_that_fails_is_said(scene: Scene) -> None:
    scene.row("openai").edit_button.click()
    scene.fake.fail["models.remove"] = Unavailable("The disk is full")
    scene.form.remove_button.click()
    scene.form.remove_button.click()
    scene.until(lambda: scene.form.problems.told)
    assert "openai" in scene.engine.models.found


def test_the_place_where_a_key_is_had_is_opened(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", staticmethod(lambda url: opened.append(QUrl(url).host()))
    )
    add(scene, "openrouter").page_button.click()
    assert opened == ["openrouter.ai"]


# -- the default -----------------------------------------------------------------------------------


def test_the_default_model_is_chosen_from_the_list_or_typed(scene: Scene) -> None:
    box = scene.page.model_box
    scene.until(lambda: box.count() == 3)
    assert box.name == "gpt-4o-mini"
    box.setCurrentIndex(box.findText("o4-mini"))
    box.activated.emit(2)
    scene.until(lambda: scene.engine.models.choice == ModelChoice("openai", "o4-mini"))
    scene.until(lambda: box.count() == 3 and box.name == "o4-mini")
    line = box.lineEdit()
    line.selectAll()
    QTest.keyClicks(line, "a-model-of-mine")
    QTest.keyClick(line, Qt.Key.Key_Return)
    scene.until(lambda: scene.engine.models.choice == ModelChoice("openai", "a-model-of-mine"))


def test_parts_of_a_models_name_find_it(scene: Scene) -> None:
    box = scene.page.model_box
    scene.until(lambda: box.count() == 3)
    completer = box.completer()
    completer.setCompletionPrefix("MINI")
    assert completer.completionCount() == 2


def test_another_provider_becomes_the_default_with_its_model(scene: Scene) -> None:
    scene.engine.models.add("ollama", "Ollama", "http://127.0.0.1:11434/v1", "llama3", "not_needed")
    scene.page.load()
    scene.row("ollama")
    box = scene.page.provider_box
    box.setCurrentIndex(box.findData("ollama"))
    box.activated.emit(1)
    scene.until(lambda: scene.engine.models.choice == ModelChoice("ollama", "llama3"))
    scene.until(lambda: "Default" in scene.badges("ollama"))


def test_a_list_that_cannot_be_read_is_said_beside_the_default(scene: Scene) -> None:
    page = scene.page
    scene.until(page.refresh_button.isEnabled)
    scene.fake.fail["models.list_models.openai.True"] = ModelError("OpenAI does not answer")
    page.refresh_button.click()
    scene.until(lambda: page.default_row.problems.told)
    assert page.model_box.name == "gpt-4o-mini" and page.refresh_button.isEnabled()
    scene.fake.fail["models.set_default"] = InvalidInput("That is no model")
    page.model_box.chosen.emit("x")
    scene.until(lambda: page.default_row.problems.told[0].title == "That is no model")


def test_what_changes_elsewhere_is_shown(scene: Scene, on_loop: Callable[..., object]) -> None:
    assert "from-the-command-line" not in scene.page.rows
    on_loop(scene.fake.models.save("", "From the command line", "http://127.0.0.1:9/v1"))
    scene.until(lambda: "from-the-command-line" in scene.page.rows)


def test_every_control_of_the_page_and_its_form_has_a_name(scene: Scene) -> None:
    add(scene, "openrouter").key.setText("sk-or-x")
    assert nameless(scene.page) == []
