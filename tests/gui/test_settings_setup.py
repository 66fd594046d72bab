"""Setting a provider up: whose key it is, and the steps that leave nothing half done."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication

from nagatha_desktop.settings import languages
from nagatha_desktop.settings.presets import PRESETS, guess, preset
from nagatha_desktop.settings.setup import Draft, choose, keep, set_up, try_out
from tests.support.fake_client import FakeClient
from tests.support.fake_settings import WRONG_KEY, Furniture, furnish
from worker.contract.errors import InvalidInput, ModelError, NagathaError
from worker.contract.system import KeyringStatus, ModelInfo
from worker.providers import catalogue

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def engine(fake: FakeClient) -> Furniture:
    return furnish(fake)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("sk-proj-abc", "openai"),
        ("sk-or-v1-abc", "openrouter"),
        ("  AIzaSyabc ", "gemini"),
        ("gsk_abc", None),
        ("", None),
    ],
)
def test_a_key_tells_by_its_beginning_whose_it_is(key: str, name: str | None) -> None:
    found = guess(key)
    assert (found.id if found else None) == name


def test_the_presets_are_those_of_the_engine() -> None:
    assert [(p.id, p.name, p.base_url, p.local, p.key_page, p.model) for p in PRESETS] == [
        (p.id, p.name, p.base_url, p.local, p.key_page, p.model) for p in catalogue.PRESETS
    ]
    assert preset("gemini") is not None and preset("nobody") is None


def test_a_new_provider_gets_its_key_a_model_and_becomes_the_default(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    draft = Draft("", "OpenAI", "https://x/v1", key=" sk-good ", wanted_model="gpt-4o-mini")
    saved = on_loop(set_up(fake, draft))
    assert (saved.model, saved.key) == ("gpt-4o-mini", "keyring")
    assert engine.models.keys == {"openai": "sk-good"}
    assert (engine.models.choice.provider, engine.models.choice.model) == (
        "openai",
        "gpt-4o-mini",
    )


def test_a_new_provider_that_is_not_to_be_asked_still_gets_a_model(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    saved = on_loop(set_up(fake, Draft("", "Mine", "http://127.0.0.1:1/v1"), default=False))
    assert saved.model == "gpt-4o" and engine.models.choice.provider == "builtin"


def test_a_known_provider_whose_model_was_emptied_keeps_none(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    engine.models.add("mine", "Mine", "http://127.0.0.1:1/v1", "old")
    draft = Draft("mine", "Mine", "http://127.0.0.1:1/v1")
    assert on_loop(set_up(fake, draft, default=False)).model == ""


def test_a_server_without_a_list_is_asked_for_the_wanted_model(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    fake.fail["models.list_models.openai.False"] = ModelError("It has no list")
    draft = Draft("", "OpenAI", "https://x/v1", key="sk-good", wanted_model="gpt-4o-mini")
    assert on_loop(set_up(fake, draft)).model == "gpt-4o-mini"


def test_an_empty_key_leaves_the_kept_one(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    engine.models.add("openai", "OpenAI", "https://x/v1", "gpt-4o")
    engine.models.keys["openai"] = "sk-good"
    saved = on_loop(keep(fake, Draft("openai", "Other", "https://x/v1", "gpt-4o", key="  ")))
    assert saved.name == "Other" and saved.key == "keyring"
    assert engine.models.keys == {"openai": "sk-good"}
    assert not any(call.startswith("models.set_key") for call in fake.calls)


def test_a_new_provider_whose_key_cannot_be_kept_is_removed_again(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    engine.models.status = KeyringStatus("missing")
    with pytest.raises(NagathaError):
        on_loop(set_up(fake, Draft("", "OpenAI", "https://x/v1", key="sk-good")))
    assert engine.models.found == {}


def test_a_known_provider_stays_when_its_new_key_cannot_be_kept(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    engine.models.add("openai", "OpenAI", "https://x/v1", "gpt-4o")
    engine.models.status = KeyringStatus("missing")
    with pytest.raises(NagathaError):
        on_loop(keep(fake, Draft("openai", "OpenAI", "https://x/v1", key="sk-new")))
    assert list(engine.models.found) == ["openai"]


def test_a_wrong_address_saves_nothing(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    with pytest.raises(InvalidInput):
        on_loop(keep(fake, Draft("", "Mine", "models", key="sk-good")))
    assert engine.models.found == {} and engine.models.keys == {}


def test_the_file_is_allowed_before_a_key_goes_there(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    engine.models.status = KeyringStatus("missing")
    draft = Draft("", "OpenAI", "https://x/v1", key="sk-good", place="file")
    assert on_loop(keep(fake, draft)).key == "file"
    assert fake.calls.index("models.allow_key_file.True") < fake.calls.index("models.set_key.file")


def test_what_is_not_saved_is_tried_under_its_name(
    engine: Furniture, fake: FakeClient, on_loop: OnLoop
) -> None:
    found = on_loop(try_out(fake, Draft("", "OpenAI", "https://x/v1", key="sk-wrong")))
    assert found.problem == WRONG_KEY
    assert engine.models.tests == [("OpenAI", "https://x/v1", "sk-wrong", "")]


def test_a_key_is_not_in_what_a_draft_says_of_itself() -> None:
    assert "sk-secret" not in repr(Draft("", "OpenAI", "https://x/v1", key="sk-secret"))


@pytest.mark.parametrize(
    ("listed", "wanted", "chosen"),
    [
        ((), "a", "a"),
        (("b", "a"), "a", "a"),
        (("models/a",), "a", "models/a"),
        (("b", "c"), "a", "b"),
        (("b",), "", "b"),
    ],
)
def test_the_wanted_model_is_taken_as_the_list_writes_it(
    listed: tuple[str, ...], wanted: str, chosen: str
) -> None:
    models = tuple(ModelInfo(name, "p", name) for name in listed)
    assert choose(models, wanted) == chosen


def test_only_languages_with_a_translation_are_offered(
    tmp_path: Any, qapp: QCoreApplication
) -> None:
    assert languages.available(tmp_path) == ("en",)
    assert languages.available(tmp_path / "nothing") == ("en",)
    (tmp_path / "nagatha_de.qm").write_bytes(b"no translation")
    assert languages.available(tmp_path) == ("en", "de")
    assert languages.name_of("de") == "Deutsch" and languages.name_of("en") == "English"
    assert languages.choose("de", tmp_path) == "de"
    assert languages.choose("fr", tmp_path) in ("en", "de")
    # A file that is no translation leaves English in force.
    assert languages.install(qapp, "de", tmp_path) == "en"
    assert languages.install(qapp, "en") == "en"
