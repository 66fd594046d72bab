"""Keys: where they are kept, and what happens when they cannot be had."""

import asyncio
import json
import logging
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordDeleteError

from tests.support.keyrings import MemoryKeyring
from worker.contract.errors import Conflict, InvalidInput, TooLarge, Unavailable
from worker.logging import Redactor
from worker.paths import Paths
from worker.secrets import SERVICE, Backend, Secrets, backend_name, find_backend

KEY = "sk-test-0123456789abcdef"
OTHER = "sk-test-other-9876543210"


class FailingKeyring(MemoryKeyring):
    """Raises what it is told to."""

    priority = 0.1

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.reads = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.error is not None:
            raise self.error
        super().set_password(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        if self.error is not None:
            raise self.error
        super().delete_password(service, username)


class ForgetfulKeyring(MemoryKeyring):
    """Takes everything and keeps nothing."""

    priority = 0.1

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths.under(tmp_path / "data")
    made.make()
    return made


@pytest.fixture
def ring() -> FailingKeyring:
    return FailingKeyring()


def _secrets(paths: Paths, ring: Backend | None, **environ: str) -> Secrets:
    return Secrets(paths, Redactor(), environ, lambda: ring, patience=10, glance=10)


def test_a_key_is_kept_in_the_keyring_and_nowhere_else(paths: Paths, ring: FailingKeyring) -> None:
    async def main() -> None:
        secrets = _secrets(paths, ring)
        assert (await secrets.get("openai"), await secrets.place("openai")) == (None, "none")
        await secrets.set("openai", f"  {KEY}\n")
        assert (await secrets.get("openai"), await secrets.place("openai")) == (KEY, "keyring")
        fresh = _secrets(paths, ring)
        assert (await fresh.get("openai"), await fresh.place("openai")) == (KEY, "keyring")
        assert KEY not in repr(secrets) + repr(vars(fresh).get("_redactor"))

    asyncio.run(main())
    assert {service for service, _ in ring.entries} == {SERVICE}
    for file in paths.home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()
    assert stat.S_IMODE(paths.key_index.stat().st_mode) == 0o600


def test_two_data_folders_do_not_overwrite_each_others_keys(
    tmp_path: Path, ring: FailingKeyring
) -> None:
    async def main() -> None:
        one = _secrets(Paths.under(tmp_path / "one"), ring)
        two = _secrets(Paths.under(tmp_path / "two"), ring)
        await one.set("openai", KEY)
        await two.set("openai", OTHER)
        assert (await one.get("openai"), await two.get("openai")) == (KEY, OTHER)
        usual = _secrets(Paths.find({}), ring)
        await usual.set("openai", KEY)
        assert ring.entries[SERVICE, "openai"] == KEY

    asyncio.run(main())


def test_a_key_that_was_read_is_not_read_again_until_someone_changes_it(
    paths: Paths, ring: FailingKeyring
) -> None:
    async def main() -> None:
        secrets, other = _secrets(paths, ring), _secrets(paths, ring)
        await secrets.set("a", KEY)
        assert await other.get("a") == KEY
        reads = ring.reads
        assert await other.get("a") == KEY
        assert ring.reads == reads
        await secrets.set("a", OTHER)
        assert await other.get("a") == OTHER
        await secrets.forget("a")
        assert (await other.get("a"), await other.place("a")) == (None, "none")

    asyncio.run(main())


def test_an_empty_key_never_replaces_one(paths: Paths, ring: FailingKeyring) -> None:
    async def main() -> None:
        secrets = _secrets(paths, ring)
        await secrets.set("a", KEY)
        for empty in ("", "  \n"):
            with pytest.raises(InvalidInput, match="empty"):
                await secrets.set("a", empty)
            with pytest.raises(InvalidInput, match="empty"):
                await secrets.set("a", empty, "session")
        assert await secrets.get("a") == KEY

    asyncio.run(main())


@pytest.mark.parametrize("key", ["two words", "schlüssel", "line\nbreak", "nul\0", "\ud800"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(
    paths: Paths, ring: FailingKeyring, key: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        asyncio.run(_secrets(paths, ring).set("a", key))
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyringLocked("no"), "keyring_locked"),
        (InitError("no"), "keyring"),
        (NoKeyringError("no"), "keyring_missing"),
        (OSError("no"), "keyring"),
        (RuntimeError(KEY), "keyring"),
    ],
)
def test_a_keyring_that_fails_makes_its_keys_unreadable_not_gone(
    paths: Paths, ring: FailingKeyring, error: Exception, kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    async def main() -> None:
        await _secrets(paths, ring).set("a", KEY)
        ring.error = error
        secrets = _secrets(paths, ring)
        assert (await secrets.get("a"), await secrets.place("a")) == (None, "unreadable")
        assert (await secrets.get("b"), await secrets.place("b")) == (None, "none")
        for attempt in (secrets.set("a", OTHER), secrets.forget("a")):
            with pytest.raises(Unavailable) as caught:
                await attempt
            assert caught.value.kind == kind
            assert KEY not in str(caught.value)
            assert caught.value.__cause__ is None
        ring.error = None
        assert (await secrets.get("a"), await secrets.place("a")) == (KEY, "keyring")

    asyncio.run(main())
    assert KEY not in caplog.text


def test_without_a_keyring_stored_keys_are_unreadable_and_the_session_still_works(
    paths: Paths, ring: FailingKeyring
) -> None:
    async def main() -> None:
        await _secrets(paths, ring).set("a", KEY)
        secrets = _secrets(paths, None)
        assert await secrets.place("a") == "unreadable"
        with pytest.raises(Unavailable, match="no keyring"):
            await secrets.set("b", KEY)
        await secrets.set("b", KEY, "session")
        await secrets.set("a", OTHER, "session")
        assert (await secrets.get("b"), await secrets.place("b")) == (KEY, "session")
        assert (await secrets.get("a"), await secrets.place("a")) == (OTHER, "session")
        status = await secrets.status()
        assert (status.state, status.file_consent) == ("missing", False)
        assert status.problem is not None and status.problem.remedy
        assert await _secrets(paths, ring).get("a") == KEY

    asyncio.run(main())


def test_a_key_removed_from_the_keyring_by_hand_is_none(paths: Paths, ring: FailingKeyring) -> None:
    async def main() -> None:
        await _secrets(paths, ring).set("a", KEY)
        ring.entries.clear()
        secrets = _secrets(paths, ring)
        assert (await secrets.get("a"), await secrets.place("a")) == (None, "none")
        await secrets.forget("a")
        await secrets.forget("never")

    asyncio.run(main())


def test_a_delete_that_fails_is_told(paths: Paths) -> None:
    class Stubborn(MemoryKeyring):
        priority = 0.1

        def delete_password(self, service: str, username: str) -> None:
            raise PasswordDeleteError("no")

    async def main() -> None:
        secrets = _secrets(paths, Stubborn())
        await secrets.set("a", KEY)
        with pytest.raises(Unavailable):
            await secrets.forget("a")
        assert await secrets.place("a") == "keyring"

    asyncio.run(main())


def test_a_keyring_that_keeps_nothing_is_found_out(paths: Paths) -> None:
    async def main() -> None:
        secrets = _secrets(paths, ForgetfulKeyring())
        with pytest.raises(Unavailable):
            await secrets.set("a", KEY)
        assert await secrets.place("a") == "none"

    asyncio.run(main())


def test_windows_limit_is_told_before_anything_is_kept(paths: Paths) -> None:
    ring = type("WinVaultKeyring", (MemoryKeyring,), {"__module__": "keyring.backends.Windows"})()

    async def main() -> None:
        secrets = _secrets(paths, ring)
        with pytest.raises(TooLarge, match="2560 bytes"):
            await secrets.set("a", "k" * 1281)
        await secrets.set("a", "k" * 1280)
        with pytest.raises(TooLarge):
            await secrets.set("a", "k" * 20_000, "session")
        assert (await secrets.status()).backend == "Windows Credential Manager"

    asyncio.run(main())


def test_a_file_needs_consent_and_is_private(paths: Paths, ring: FailingKeyring) -> None:
    async def main() -> None:
        secrets = _secrets(paths, ring)
        await secrets.set("b", KEY)
        with pytest.raises(InvalidInput, match="consent"):
            await secrets.set("a", KEY, "file")
        assert not paths.key_file.exists()
        assert (await secrets.allow_file(True)).file_consent
        await secrets.set("a", KEY, "file")
        await secrets.set("b", OTHER, "file")
        assert ring.entries == {}
        assert stat.S_IMODE(paths.key_file.stat().st_mode) == 0o600
        fresh = _secrets(paths, None)
        assert (await fresh.status()).file_consent
        assert (await fresh.get("a"), await fresh.place("a")) == (KEY, "file")
        await fresh.forget("a")
        assert (await fresh.get("a"), await fresh.place("a")) == (None, "none")
        assert (await secrets.get("b"), await secrets.place("b")) == (OTHER, "file")
        await secrets.set("b", KEY)
        assert await secrets.place("b") == "keyring"
        assert KEY not in paths.key_file.read_text() and OTHER not in paths.key_file.read_text()

    asyncio.run(main())


def test_the_end_of_consent_removes_the_file_and_keeps_its_keys_for_the_session(
    paths: Paths, ring: FailingKeyring
) -> None:
    async def main() -> None:
        secrets = _secrets(paths, ring)
        await secrets.allow_file(True)
        await secrets.set("a", KEY, "file")
        assert not (await secrets.allow_file(False)).file_consent
        assert not paths.key_file.exists()
        assert (await secrets.get("a"), await secrets.place("a")) == (KEY, "session")
        assert await _secrets(paths, ring).place("a") == "none"

    asyncio.run(main())


def test_a_key_file_that_is_broken_makes_its_keys_unreadable_and_is_kept_aside(
    paths: Paths,
) -> None:
    async def main() -> None:
        secrets = _secrets(paths, None)
        await secrets.allow_file(True)
        await secrets.set("a", KEY, "file")
        paths.key_file.write_text("{broken")
        assert (await secrets.get("a"), await secrets.place("a")) == (None, "unreadable")
        await secrets.set("b", OTHER, "file")
        (copy,) = paths.home.glob("secret-keys.json.wrong-*")
        assert copy.read_text() == "{broken"
        assert await secrets.get("b") == OTHER
        await secrets.allow_file(False)
        assert not list(paths.home.glob("secret-keys.json*"))

    asyncio.run(main())


def test_a_lost_index_is_kept_aside_and_the_keyring_is_asked(
    nagatha_home: Path, ring: FailingKeyring
) -> None:
    paths = Paths.find({})

    async def main() -> None:
        secrets = _secrets(paths, ring)
        await secrets.set("a", KEY)
        await secrets.set("b", OTHER)
        paths.key_index.write_text("[]")
        fresh = _secrets(paths, ring)
        assert (await fresh.get("a"), await fresh.place("a")) == (KEY, "keyring")
        await fresh.set("a", OTHER)
        assert (await fresh.get("b"), await fresh.place("c")) == (OTHER, "none")
        assert len(list(paths.home.glob("keys.json.wrong-*"))) == 1
        await fresh.forget("b")
        assert (SERVICE, "b") not in ring.entries

    asyncio.run(main())


def test_keys_of_the_environment_are_used_and_never_copied(
    paths: Paths, ring: FailingKeyring
) -> None:
    async def main() -> None:
        await _secrets(paths, ring).set("openai", OTHER)
        secrets = _secrets(paths, ring, OPENAI_API_KEY=f" {KEY} ", GEMINI_API_KEY="")
        assert (await secrets.get("openai"), await secrets.place("openai")) == (KEY, "environment")
        assert await secrets.place("gemini") == "none"
        with pytest.raises(Conflict, match="OPENAI_API_KEY"):
            await secrets.forget("openai")
        assert ring.entries == {}

    asyncio.run(main())
    for file in paths.home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


def test_a_stored_key_is_not_sent_to_an_address_of_the_environment(
    paths: Paths, ring: FailingKeyring
) -> None:
    async def main() -> None:
        stored = _secrets(paths, ring)
        await stored.set("openai", KEY)
        elsewhere = _secrets(paths, ring, OPENAI_BASE_URL="http://elsewhere.example/v1")
        assert (await elsewhere.get("openai"), await elsewhere.place("openai")) == (None, "none")

    asyncio.run(main())


def test_every_key_that_passes_is_told_to_the_redactor(paths: Paths, ring: FailingKeyring) -> None:
    async def main() -> None:
        plain = "0123456789abcdefghij"
        for secrets, redactor, use in _ways(paths, ring, plain):
            await use(secrets)
            assert redactor.redact(f"x {plain} y") == "x *** y"

    asyncio.run(main())


def _ways(
    paths: Paths, ring: FailingKeyring, key: str
) -> list[tuple[Secrets, Redactor, Callable[[Secrets], Coroutine[None, None, object]]]]:
    def made(**environ: str) -> tuple[Secrets, Redactor]:
        redactor = Redactor()
        return Secrets(paths, redactor, environ, lambda: ring), redactor

    async def by_environment(secrets: Secrets) -> None:
        assert await secrets.get("openai") == key

    async def by_file(secrets: Secrets) -> None:
        await secrets.allow_file(True)
        await secrets.set("c", key, "file")

    return [
        (*made(), lambda s: s.set("a", key)),
        (*made(), lambda s: s.get("a")),
        (*made(), lambda s: s.set("b", key, "session")),
        (*made(OPENAI_API_KEY=key), by_environment),
        (*made(), by_file),
        (*made(), lambda s: s.get("c")),
    ]


def test_a_keyring_that_asks_the_person_holds_up_nobody(paths: Paths) -> None:
    release, asked = threading.Event(), threading.Event()

    class Asking(MemoryKeyring):
        priority = 0.1
        asks = False
        count = 0

        def get_password(self, service: str, username: str) -> str | None:
            if self.asks:
                self.count += 1
                asked.set()
                release.wait(60)
            return super().get_password(service, username)

    ring = Asking()

    async def main() -> None:
        first = Secrets(paths, Redactor(), {}, lambda: ring)
        await first.set("a", KEY)
        ring.asks = True
        secrets = Secrets(paths, Redactor(), {}, lambda: ring, glance=0.05, patience=20)
        getting = asyncio.ensure_future(secrets.get("a"))
        assert await asyncio.to_thread(asked.wait, 60)
        assert await secrets.place("a") == "unreadable"
        assert not getting.done()
        release.set()
        assert await getting == KEY
        assert ring.count == 1
        assert await secrets.place("a") == "keyring"

    asyncio.run(main())


def test_giving_up_on_a_keyring_that_asks_leaves_nothing_behind(paths: Paths) -> None:
    release, asked = threading.Event(), threading.Event()

    def find() -> Backend | None:
        asked.set()
        release.wait(60)
        return None

    async def main() -> None:
        secrets = Secrets(paths, Redactor(), {}, find, glance=0.01)
        task = asyncio.ensure_future(secrets.set("a", KEY))
        assert await asyncio.to_thread(asked.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    release.set()


# finding the keyring -------------------------------------------------------------------------


def test_the_systems_keyring_is_found(memory_keyring: MemoryKeyring) -> None:
    found = find_backend()
    assert found is memory_keyring
    assert backend_name(found) == "MemoryKeyring"


@pytest.mark.parametrize(
    "module", ["keyring.backends.null", "keyring.backends.fail", "keyrings.alt.file",
               "keyrings.cryptfile.cryptfile"],
)  # fmt: skip
def test_keyrings_that_keep_nothing_or_in_the_open_are_refused(
    module: str, monkeypatch: pytest.MonkeyPatch, paths: Paths
) -> None:
    unsafe = type("Keyring", (MemoryKeyring,), {"__module__": module, "priority": 0.1})()
    monkeypatch.setattr(keyring, "get_keyring", lambda: unsafe)
    assert find_backend() is None
    status = asyncio.run(Secrets(paths, Redactor(), {}).status())
    assert status.state == "missing"


def test_of_several_the_first_safe_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    unsafe = type("K", (MemoryKeyring,), {"__module__": "keyrings.alt.file", "priority": 0.1})()
    safe = MemoryKeyring()

    class Chain(MemoryKeyring):
        priority = 0.1
        backends: tuple[KeyringBackend, ...] = (unsafe, safe)

    Chain.__module__ = "keyring.backends.chainer"
    monkeypatch.setattr(keyring, "get_keyring", Chain)
    assert find_backend() is safe


def test_a_search_that_fails_finds_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> KeyringBackend:
        raise RuntimeError("a broken backend")

    monkeypatch.setattr(keyring, "get_keyring", broken)
    with caplog.at_level(logging.WARNING):
        assert find_backend() is None
    assert "RuntimeError" in caplog.text


def test_the_index_names_places_and_no_keys(paths: Paths, ring: FailingKeyring) -> None:
    asyncio.run(_secrets(paths, ring).set("a", KEY))
    index = json.loads(paths.key_index.read_text())
    assert index["places"] == {"a": "keyring"}
    assert set(index) == {
        "version", "revision", "installation", "file_consent", "unsure", "places"
    }  # fmt: skip


def test_importing_the_secrets_looks_for_no_keyring() -> None:
    code = "import sys, worker.secrets; print({'keyring', 'secretstorage'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_a_person_who_declined_to_unlock_is_not_asked_again_at_once(
    paths: Paths, ring: FailingKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def unlock(backend: Backend, *, ask: bool) -> None:
        asked.append(ask)
        raise KeyringLocked("declined")

    async def main() -> None:
        await _secrets(paths, ring).set("a", KEY)
        monkeypatch.setattr("worker.secrets.backend.unlock", unlock)
        secrets = _secrets(paths, ring)
        assert await secrets.place("a") == "unreadable"
        assert await secrets.get("a") is None
        assert await secrets.get("a") is None
        with pytest.raises(Unavailable):
            await secrets.set("a", OTHER)

    asyncio.run(main())
    assert asked == [False, True, False, True]
