"""Changing the data folder's file without losing what is in it."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from worker.config import (
    ProviderEntry,
    describe,
    load,
    provider_entry,
    remove_provider,
    save,
    save_provider,
)
from worker.config.files import locked
from worker.contract.errors import Conflict, InvalidInput, NotFound, StorageError
from worker.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.under(tmp_path / "data")


def _settings(paths: Paths) -> dict[str, object]:
    loaded = load(paths, {}, paths.home / "nowhere")
    assert loaded.problems == ()
    return {setting.key: setting.value for setting in describe(loaded)}


def test_saved_settings_are_read_back_from_a_private_file(paths: Paths) -> None:
    save(paths, "models.temperature", 1.5)
    save(paths, "models.max_tokens", 5)
    save(paths, "data.backup_daily", False)
    save(paths, "logging.level", "debug")
    found = _settings(paths)
    assert found["models.temperature"] == 1.5
    assert found["models.max_tokens"] == 5
    assert found["data.backup_daily"] is False
    assert found["logging.level"] == "DEBUG"
    assert stat.S_IMODE(paths.config.stat().st_mode) == 0o600
    assert list(paths.home.glob("*.tmp")) == []


def test_lists_and_pairs_are_taken_as_they_are_and_as_text(paths: Paths) -> None:
    save(paths, "modules.enabled", ("one", "two"))
    save(paths, "modules.disabled", "three, four")
    save(paths, "logging.components", {"worker.agent": "DEBUG"})
    settings = load(paths, {}, paths.home / "nowhere").settings
    assert settings.modules.enabled == ("one", "two")
    assert settings.modules.disabled == ("three", "four")
    assert settings.logging.components == {"worker.agent": "DEBUG"}


def test_none_puts_the_default_back(paths: Paths) -> None:
    save(paths, "models.temperature", 1)
    save(paths, "models.temperature", None)
    save(paths, "models.temperature", None)
    assert load(paths, {}).sources["models.temperature"] == "default"
    assert "models" not in paths.config.read_text()


@pytest.mark.parametrize(
    "text", ["line\nline", "nul \0 end", "\ud800 alone", "\u202eright to left", "𝄞 ü", "", " x "]
)
def test_any_text_survives(paths: Paths, text: str) -> None:
    save(paths, "models.system_prompt", text)
    assert load(paths, {}).settings.models.system_prompt == text


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("models.temprature", 1, "Did you mean models.temperature?"),
        ("models", 1, "nagatha config"),
        ("providers", "x", "nagatha config"),
        ("models.temperature", 9, "less than or equal to 2"),
        ("models.max_tokens", "many", "valid integer"),
        ("models.max_tokens", True, "a number is expected"),
        ("api.host", "0.0.0.0", "127.0.0.1"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    paths: Paths, key: str, value: str | int, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        save(paths, key, value)
    assert words in str(caught.value)
    assert not paths.config.exists()


def test_a_save_leaves_what_is_wrong_elsewhere_and_keeps_a_copy_first(paths: Paths) -> None:
    own = "models:\n  temperature: 9\n  max_tokens: 7\nfuture: {x: 1}\n"
    paths.home.mkdir()
    paths.config.write_text(own)
    save(paths, "api.port", 99)
    (copy,) = paths.home.glob("config.yaml.wrong-*")
    assert copy.read_text() == own
    assert yaml.safe_load(paths.config.read_text()) == {
        "models": {"temperature": 9, "max_tokens": 7}, "future": {"x": 1}, "api": {"port": 99}
    }  # fmt: skip
    save(paths, "models.temperature", 1)
    loaded = load(paths, {})
    assert loaded.settings.models.temperature == 1
    assert len(loaded.problems) == 1


def test_a_save_over_a_broken_file_keeps_it_aside_first(paths: Paths) -> None:
    paths.home.mkdir()
    paths.config.write_text("models: [oh")
    save(paths, "api.port", 99)
    (copy,) = paths.home.glob("config.yaml.wrong-*")
    assert copy.read_text() == "models: [oh"
    assert _settings(paths)["api.port"] == 99


def test_two_different_wrong_files_in_one_second_are_both_kept(paths: Paths) -> None:
    paths.home.mkdir()
    for text in ("models: [oh", "models: [no", "models: [ah"):
        paths.config.write_text(text)
        save(paths, "api.port", 99)
    kept = {copy.read_text() for copy in paths.home.glob("config.yaml.wrong-*")}
    assert kept == {"models: [oh", "models: [no", "models: [ah"}


def test_no_copy_no_save(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.home.mkdir()
    paths.config.write_text("models: [oh")

    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError) as caught:
        save(paths, "api.port", 99)
    assert caught.value.kind == "disk_full"
    assert paths.config.read_text() == "models: [oh"
    assert sorted(p.name for p in paths.home.iterdir()) == ["config.yaml", "locks"]
    loaded = load(paths, {})
    assert "No copy could be kept: The disk is full" in loaded.problems[0].message


@pytest.mark.parametrize(
    ("number", "kind"), [(28, "disk_full"), (30, "read_only"), (13, "read_only"), (5, "storage")]
)
def test_a_disk_that_refuses_leaves_the_old_file(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, number: int, kind: str
) -> None:
    save(paths, "api.port", 98)
    before = paths.config.read_bytes()

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError) as caught:
            save(paths, "api.port", 99)
    assert caught.value.kind == kind
    assert caught.value.problem.remedy
    assert paths.config.read_bytes() == before
    assert list(paths.home.glob("*.tmp")) == []


def test_a_file_that_cannot_be_read_is_not_replaced(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    with pytest.raises(StorageError):
        save(paths, "api.port", 99)
    assert paths.config.is_dir()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        save(Paths.under(tmp_path / "file" / "data"), "api.port", 99)


def test_a_link_stays_a_link(paths: Paths, tmp_path: Path) -> None:
    paths.home.mkdir()
    real = tmp_path / "dotfiles.yaml"
    real.write_text("api: {port: 1}")
    paths.config.symlink_to(real)
    save(paths, "api.port", 99)
    assert paths.config.is_symlink()
    assert "99" in real.read_text()


def test_saves_at_once_from_threads_and_processes_are_all_kept(paths: Paths) -> None:
    code = (
        "import sys; from pathlib import Path; from worker.paths import Paths;"
        "from worker.config import save\n"
        "for n in range(20): save(Paths.under(Path(sys.argv[1])), sys.argv[2], n + 1)"
    )
    with ExitStack() as stack:
        others = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", code, str(paths.home), key])
            )
            for key in ("api.port", "models.max_tokens")
        ]
        with ThreadPoolExecutor(4) as pool:
            names = ["agent.max_rounds", "celery.concurrency", "data.keep_runs_days"] * 10
            list(pool.map(lambda key: save(paths, key, 7), names))
        assert [other.wait(60) for other in others] == [0, 0]
    found = _settings(paths)
    assert (found["api.port"], found["models.max_tokens"]) == (20, 20)
    assert found["agent.max_rounds"] == found["celery.concurrency"] == 7
    assert found["data.keep_runs_days"] == 7


def test_a_lock_that_is_never_freed_is_told(paths: Paths) -> None:
    lock = paths.locks / "config.lock"
    with locked(lock), pytest.raises(Conflict, match="another program"), locked(lock, 0.05):
        pass
    with locked(lock, 0):
        pass


def test_an_address_shown_without_its_password_keeps_it_when_saved_like_that(paths: Paths) -> None:
    save(paths, "celery.broker_url", "redis://me:hunter2@host:6379/0")
    shown = _settings(paths)["celery.broker_url"]
    assert isinstance(shown, str)
    save(paths, "celery.broker_url", shown)
    assert load(paths, {}).settings.celery.broker_url == "redis://me:hunter2@host:6379/0"
    save(paths, "celery.broker_url", "redis://me:other@host:6379/0")
    assert load(paths, {}).settings.celery.broker_url == "redis://me:other@host:6379/0"


def test_providers_are_added_changed_and_removed(paths: Paths) -> None:
    save_provider(paths, provider_entry("a", "A", "http://a/v1", "", ""))
    save_provider(paths, provider_entry("b", "B", "http://b/v1", "m", "http://p:1"))
    save_provider(paths, ProviderEntry(id="a", name="A2", base_url="http://a2/v1"))
    found = load(paths, {}).providers
    assert [(p.id, p.name, p.base_url) for p in found] == [
        ("a", "A2", "http://a2/v1"), ("b", "B", "http://b/v1")
    ]  # fmt: skip
    assert (found[1].model, found[1].proxy) == ("m", "http://p:1")
    remove_provider(paths, "a")
    with pytest.raises(NotFound):
        remove_provider(paths, "a")
    remove_provider(paths, "b")
    assert load(paths, {}).providers == ()
    with pytest.raises(NotFound):
        remove_provider(paths, "b")


def test_a_provider_that_cannot_be_is_refused(paths: Paths) -> None:
    with pytest.raises(InvalidInput, match="base_url: an address such as https"):
        provider_entry("a", "A", "a.example", "", "")
    with pytest.raises(InvalidInput, match="base_url: an address such as https"):
        provider_entry("a", "A", "http://127.0.0.1:99999/v1", "", "")
    with pytest.raises(InvalidInput, match="proxy"):
        provider_entry("a", "A", "http://a", "", "gopher://x")
    with pytest.raises(InvalidInput, match="taken"):
        save_provider(paths, provider_entry("builtin", "A", "http://a", "", ""))


@pytest.mark.parametrize("address", ["foo://bar", "http://host", "sqs://", "redis//host"])
def test_an_address_of_no_known_kind_of_broker_is_not_saved(paths: Paths, address: str) -> None:
    with pytest.raises(InvalidInput):
        save(paths, "celery.broker_url", address)
    assert load(paths, {}).settings.celery.broker_url == ""
    for known in ("amqps://u:p@host//", "nagatha+file:///queue.db", ""):
        save(paths, "celery.broker_url", known)
        assert load(paths, {}).settings.celery.broker_url == known
    # One of the environment may be there for another program.
    assert load(paths, {"CELERY_BROKER_URL": "sqs://"}).settings.celery.broker_url == "sqs://"


@pytest.mark.parametrize(
    ("base_url", "proxy", "hint"),
    [
        ("http://me:hunter2@host/v1", "", "give it as the key"),
        ("https://hunter2@host", "", "give it as the key"),
        ("https://me:hunter2\\@host/v1", "", "give it as the key"),
        ("http://host/v1", "http://me:hunter2@p:8080", "HTTPS_PROXY"),
        ("http://host/v1", "socks5h://hunter2@p", "HTTPS_PROXY"),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(
    paths: Paths, base_url: str, proxy: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        provider_entry("a", "A", base_url, "", proxy)
    assert hint in caught.value.problem.message
    assert "hunter2" not in str(caught.value)
    # Nor is it shown where somebody wrote it into the file.
    paths.home.mkdir()
    entry = {"id": "a", "base_url": base_url, "proxy": proxy}
    paths.config.write_text(yaml.safe_dump({"providers": [entry]}))
    loaded = load(paths, {}, paths.home / "nowhere")
    assert loaded.providers == () and "hunter2" not in repr(loaded)
    assert any(hint in problem.message for problem in loaded.problems)


def test_an_at_sign_behind_the_host_is_no_password(paths: Paths) -> None:
    entry = provider_entry("a", "A", "https://host/v1/@me?x=a@b#@", "", "http://p:1/@")
    save_provider(paths, entry)
    assert load(paths, {}, paths.home / "nowhere").providers[0].base_url == entry.base_url


def test_a_password_in_the_variable_is_refused_and_not_repeated(paths: Paths) -> None:
    loaded = load(paths, {"OPENAI_BASE_URL": "http://me:hunter2@host/v1"}, paths.home / "nowhere")
    assert loaded.providers == ()
    assert "hunter2" not in repr(loaded)
    assert any("OPENAI_BASE_URL" in problem.message for problem in loaded.problems)
