"""Keys to model servers: where each is kept, and getting it from there.

Owns the keyring, and a file beside the data that says which providers have a key and where, so
that a keyring which cannot be read is not taken for an empty one. Every key that passes here is
told to the redactor. It must not know what a key is for. All of it lives on the runtime loop; what
may block runs in threads of its own.
"""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol, TypeVar
from uuid import uuid4

from worker.config.files import keep_aside, locked, storage_error, write_atomically
from worker.contract.errors import Conflict, InvalidInput, NagathaError, TooLarge, Unavailable
from worker.contract.system import KeyPlace, KeyringStatus
from worker.contract.types import Problem
from worker.logging import Redactor
from worker.paths import Paths

T = TypeVar("T")

SERVICE = "nagatha-desktop"
"""The name under which keys stand in the keyring."""
ENVIRONMENT_KEYS: Mapping[str, str] = MappingProxyType(
    {"openai": "OPENAI_API_KEY", "gemini": "GEMINI_API_KEY"}
)
"""Provider and the variable that holds its key for this process."""
WINDOWS_MOST = 2560
"""Bytes that the Windows Credential Manager keeps of one key."""
KEY_MOST = 10_000  # characters

_PATIENCE = 60.0  # s for a person to unlock the keyring
_GLANCE = 1.0  # s to wait for the keyring where nobody asked for the key itself
_REFUSED = (
    "keyring.backends.fail",
    "keyring.backends.null",
    "keyrings.alt",
    "keyrings.cryptfile",
    "keyring.backends.chainer",  # looked into instead
)
_NAMES = {
    "keyring.backends.SecretService": "Secret Service",
    "keyring.backends.libsecret": "Secret Service",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "macOS Keychain",
    "keyring.backends.Windows": "Windows Credential Manager",
}

log = logging.getLogger(__name__)


class Backend(Protocol):
    """What is needed of a keyring."""

    def get_password(self, service: str, username: str) -> str | None:
        """The key, None where there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a key."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Delete a key."""
        ...


@dataclass(frozen=True, slots=True)
class _Index:
    """What is known about the keys; no secret is in it."""

    places: Mapping[str, str] = field(default_factory=dict)
    file_consent: bool = False
    revision: int = 0
    installation: str = ""
    unsure: bool = False
    """The file was lost once: the keyring may hold keys that are not in `places`."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What reading a key from the keyring gave."""

    key: str | None
    problem: Problem | None = None


class Secrets:
    """The keys of one person on this machine."""

    def __init__(
        self,
        paths: Paths,
        redactor: Redactor,
        environ: Mapping[str, str] | None = None,
        backend: Callable[[], Backend | None] | None = None,
        glance: float = _GLANCE,
        patience: float = _PATIENCE,
    ) -> None:
        """`backend` finds the keyring, None where there is no safe one; by default the system's.

        `glance` and `patience` are seconds to wait for a keyring that asks the person: for
        `place` and `status`, and for the key itself.
        """
        self._paths = paths
        self._redactor = redactor
        self._find = backend or find_backend
        self._glance = glance
        self._patience = patience
        env = os.environ if environ is None else environ
        self._environment = {
            provider: key
            for provider, variable in ENVIRONMENT_KEYS.items()
            if (key := env.get(variable, "").strip())
        }
        # An address from the environment must not be sent a key that was stored for another one.
        self._environment_only = {"openai"} if env.get("OPENAI_BASE_URL", "").strip() else set()
        for key in self._environment.values():
            redactor.add(key)
        self._session: dict[str, str] = {}
        self._cache: dict[str, tuple[int, str]] = {}  # provider: (revision, key)
        self._reading: dict[str, asyncio.Future[_Read]] = {}
        self._shared_home = paths.home == Paths.find({}).home

    async def get(self, provider: str) -> str | None:
        """The key, or None where there is none or it cannot be read.

        A locked keyring may ask the person for its password; that is waited for.
        """
        if known := self._known(provider):
            return known
        if provider in self._environment_only:
            return None
        index = await _in_thread(self._load)
        if index.places.get(provider) == "file":
            return (await _in_thread(self._load_file)).get(provider)
        if index.places.get(provider) == "keyring" or index.unsure:
            return (await self._from_keyring(provider, index, self._patience)).key
        return None

    async def place(self, provider: str) -> KeyPlace:
        """Where the key is kept; "unreadable" for one that is stored but cannot be had now."""
        if provider in self._environment:
            return "environment"
        if provider in self._environment_only:
            return "none"
        if provider in self._session:
            return "session"
        index = await _in_thread(self._load)
        stored = index.places.get(provider)
        if stored == "file":
            return "file" if provider in await _in_thread(self._load_file) else "unreadable"
        if stored != "keyring" and not index.unsure:
            return "none"
        read = await self._from_keyring(provider, index, self._glance)
        if read.problem is not None:
            return "unreadable"
        return "keyring" if read.key else "none"

    async def set(
        self, provider: str, key: str, place: Literal["keyring", "session", "file"] = "keyring"
    ) -> None:
        """Keep a key in one place and forget it in the others.

        Raises InvalidInput (empty, no key, no consent to a file), TooLarge, Unavailable (the
        keyring is locked, missing or fails), StorageError.
        """
        key = _checked(key)
        self._redactor.add(key)
        if place == "session":
            self._session[provider] = key
            return
        index = await _in_thread(self._load)
        if place == "file":
            if not index.file_consent:
                raise InvalidInput(
                    "The key was not saved",
                    "Keeping keys in a file needs your consent.",
                    "Allow it in Settings › Models and keys, or keep the key for this session.",
                )
            await _in_thread(lambda: self._save_file(provider, key))
            index = await self._note(provider, "file")
            await self._drop_quietly(provider, index)
        else:
            await self._keyring(lambda backend: _store(backend, self._account(provider), key))
            index = await self._note(provider, "keyring")
            self._cache[provider] = (index.revision, key)
            await _in_thread(lambda: self._save_file(provider, None))
        self._session.pop(provider, None)

    async def forget(self, provider: str) -> None:
        """Delete a key wherever it is kept; nothing happens where there is none.

        Raises Conflict for a key of the environment, Unavailable where the keyring holds one and
        cannot be used; StorageError.
        """
        self._session.pop(provider, None)
        index = await _in_thread(self._load)
        if index.places.get(provider) == "keyring" or index.unsure:
            await self._keyring(lambda backend: _delete(backend, self._account(provider)))
        await _in_thread(lambda: self._save_file(provider, None))
        if provider in index.places:
            await self._note(provider, None)
        self._cache.pop(provider, None)
        if provider in self._environment:
            raise Conflict(
                "The key is still there",
                f"It comes from the variable {ENVIRONMENT_KEYS[provider]}.",
                "Remove the variable and start the program again.",
            )

    async def status(self) -> KeyringStatus:
        """Whether the keyring can be used. Asks the person nothing."""
        index = await _in_thread(self._load)

        def look() -> KeyringStatus:
            backend = self._find()
            if backend is None:
                return KeyringStatus("missing", problem=_missing(), file_consent=index.file_consent)
            name = backend_name(backend)
            try:
                if _is_locked(backend):
                    return KeyringStatus("locked", name, _locked(), index.file_consent)
            except Exception as error:  # backends raise what their libraries raise
                return KeyringStatus("missing", name, _problem(error), index.file_consent)
            return KeyringStatus("ready", name, None, index.file_consent)

        try:
            return await asyncio.wait_for(_in_thread(look), max(self._glance, 1.0) * 5)
        except TimeoutError:
            return KeyringStatus("locked", "", _silent(), index.file_consent)

    async def allow_file(self, allowed: bool) -> KeyringStatus:
        """The person's consent to a file with mode 0600, or its end.

        At its end the file is removed; its keys last until the program ends. Raises StorageError.
        """
        if not allowed:
            left = await _in_thread(self._load_file)
            self._session = {**left, **self._session}
            await _in_thread(self._remove_file)

        def consent(index: _Index) -> _Index:
            kept = {p: w for p, w in index.places.items() if allowed or w != "file"}
            return replace(index, file_consent=allowed, places=kept)

        await _in_thread(lambda: self._change(consent))
        return await self.status()

    def _known(self, provider: str) -> str | None:
        return self._environment.get(provider) or (
            None if provider in self._environment_only else self._session.get(provider)
        )

    # the keyring -------------------------------------------------------------------------

    def _account(self, provider: str) -> str:
        """The name of an entry; a data folder that was moved elsewhere has entries of its own."""
        if self._shared_home:
            return provider
        return f"{provider}@{self._change(lambda index: index).installation}"

    async def _from_keyring(self, provider: str, index: _Index, patience: float) -> _Read:
        revision, key = self._cache.get(provider, (-1, ""))
        if revision == index.revision:
            return _Read(key)
        reading = self._reading.get(provider)
        if reading is None:
            reading = asyncio.ensure_future(self._read(provider))
            self._reading[provider] = reading
            reading.add_done_callback(lambda _: self._reading.pop(provider, None))
        try:
            read = await asyncio.wait_for(asyncio.shield(reading), patience)
        except TimeoutError:
            return _Read(None, _silent())
        if read.key is not None:
            self._redactor.add(read.key)
            self._cache[provider] = (index.revision, read.key)
        return read

    async def _read(self, provider: str) -> _Read:
        try:
            return _Read(
                await self._keyring(
                    lambda backend: backend.get_password(SERVICE, self._account(provider)) or None
                )
            )
        except NagathaError as error:
            log.warning("A key cannot be read: %s", error)
            return _Read(None, error.problem)

    async def _keyring(self, use: Callable[[Backend], T]) -> T:
        """Do something with the keyring. Raises Unavailable, TooLarge."""

        def work() -> T:
            backend = self._find()
            if backend is None:
                raise _unavailable(_missing())
            try:
                _unlock(backend)
                return use(backend)
            except NagathaError:
                raise
            except Exception as error:  # backends raise what their libraries raise
                # Without the cause: its frames and words may hold the key.
                raise _unavailable(_problem(error)) from None

        return await _in_thread(work)

    async def _drop_quietly(self, provider: str, index: _Index) -> None:
        """Delete what the keyring may still hold; it is not used any more in any case."""
        self._cache.pop(provider, None)
        try:
            await self._keyring(lambda backend: _delete(backend, self._account(provider)))
        except NagathaError as error:
            log.info("An older key stays in the keyring: %s", error)

    # files -------------------------------------------------------------------------------

    def _load(self) -> _Index:
        data, broken = _load_json(self._paths.key_index)
        places = data.get("places")
        revision, installation = data.get("revision"), data.get("installation")
        return _Index(
            places={str(p): str(w) for p, w in places.items()} if isinstance(places, dict) else {},
            file_consent=data.get("file_consent") is True,
            revision=revision if isinstance(revision, int) else 0,
            installation=installation if isinstance(installation, str) else "",
            unsure=broken or data.get("unsure") is True,
        )

    def _change(self, change: Callable[[_Index], _Index]) -> _Index:
        with locked(self._paths.locks / "keys.lock"):
            old = self._load()
            if _load_json(self._paths.key_index)[1]:
                keep_aside(self._paths.key_index)
            new = change(old)
            if not new.installation:
                new = replace(new, installation=uuid4().hex[:12])
            if new == old:
                return old
            new = replace(new, revision=old.revision + 1)
            plain = {
                "version": 1,
                "revision": new.revision,
                "installation": new.installation,
                "file_consent": new.file_consent,
                "unsure": new.unsure,
                "places": dict(new.places),
            }
            write_atomically(self._paths.key_index, json.dumps(plain, indent=1).encode())
            return new

    async def _note(self, provider: str, place: str | None) -> _Index:
        def note(index: _Index) -> _Index:
            others = {p: w for p, w in index.places.items() if p != provider}
            places = others if place is None else {**others, provider: place}
            # A new revision even for the same place: other processes have the old key.
            return replace(index, places=places, revision=index.revision + 1)

        return await _in_thread(lambda: self._change(note))

    def _load_file(self) -> dict[str, str]:
        data, _ = _load_json(self._paths.key_file)
        keys = {name: key for name, key in data.items() if isinstance(key, str) and key}
        for key in keys.values():
            self._redactor.add(key)
        return keys

    def _save_file(self, provider: str, key: str | None) -> None:
        if key is None and not self._paths.key_file.exists():
            return
        with locked(self._paths.locks / "keys.lock"):
            _, broken = _load_json(self._paths.key_file)
            if broken:
                keep_aside(self._paths.key_file)
            old = self._load_file()
            new = {name: value for name, value in old.items() if name != provider}
            if key is not None:
                new[provider] = key
            if new != old:
                write_atomically(self._paths.key_file, json.dumps(new, indent=1).encode())

    def _remove_file(self) -> None:
        try:
            self._paths.key_file.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, self._paths.key_file) from error


def find_backend() -> Backend | None:
    """The system's keyring, None where there is none that is safe. Slow at first: 0.2 to 0.5 s."""
    import keyring

    try:
        chosen: Backend = keyring.get_keyring()
        if _is_safe(chosen):
            return chosen
        chained: Iterable[Backend] = getattr(chosen, "backends", ())
        return next((backend for backend in chained if _is_safe(backend)), None)
    except Exception as error:  # a backend that is installed but broken raises anything
        log.warning("The keyring cannot be looked for: %s", type(error).__name__)
        return None


def _is_safe(backend: Backend) -> bool:
    module = type(backend).__module__
    return not any(module == name or module.startswith(f"{name}.") for name in _REFUSED)


def backend_name(backend: Backend) -> str:
    """What people call it."""
    return _NAMES.get(type(backend).__module__, type(backend).__name__)


def _store(backend: Backend, account: str, key: str) -> None:
    windows = type(backend).__module__ == "keyring.backends.Windows"
    if windows and len(key.encode("utf-16-le")) > WINDOWS_MOST:
        raise TooLarge(
            "The key is too long",
            f"The Windows Credential Manager keeps at most {WINDOWS_MOST} bytes.",
            "Keep it for this session, or in a file.",
        )
    backend.set_password(SERVICE, account, key)
    if backend.get_password(SERVICE, account) != key:
        raise RuntimeError("the keyring did not keep it")


def _delete(backend: Backend, account: str) -> None:
    from keyring.errors import PasswordDeleteError

    try:
        backend.delete_password(SERVICE, account)
    except PasswordDeleteError:
        # Raised for what is not there, too; only a key that stays is a failure.
        if backend.get_password(SERVICE, account) is not None:
            raise


def _is_locked(backend: Backend) -> bool:
    """Whether it would ask the person; only where that can be known without asking."""
    if type(backend).__module__ != "keyring.backends.SecretService":
        return False
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        try:
            return bool(secretstorage.Collection(connection).is_locked())
        except secretstorage.exceptions.ItemNotFoundException:
            return False  # nothing was ever kept: it is made when something is


def _unlock(backend: Backend) -> None:
    """Let the person unlock it. keyring does that as well, but leaks its connection where the
    person declines."""
    if type(backend).__module__ != "keyring.backends.SecretService":
        return
    import secretstorage
    from keyring.errors import KeyringLocked

    with closing(secretstorage.dbus_init()) as connection:
        try:
            collection = secretstorage.Collection(connection)
            if collection.is_locked():
                collection.unlock()
                if collection.is_locked():
                    raise KeyringLocked("it stayed locked")
        except secretstorage.exceptions.ItemNotFoundException:
            return


def _checked(key: str) -> str:
    key = key.strip()
    if not key:
        raise InvalidInput("The key is empty", "An empty field never replaces a key.")
    if len(key) > KEY_MOST:
        raise TooLarge("The key is too long", f"At most {KEY_MOST} characters are kept.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput(
            "This is no key",
            "It has characters in it that no key has.",
            "Copy it again from the provider's page.",
        )
    return key


def _problem(error: Exception) -> Problem:
    from keyring.errors import InitError, KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return _missing()
    if isinstance(error, KeyringLocked):
        return _locked()
    if isinstance(error, InitError):
        why = "It could not be opened."
    else:
        # Its own words may hold the key; the kind of error is enough to look it up.
        why = f"It failed with {type(error).__name__}."
    return Problem(
        "keyring", "The keyring cannot be used", why, "Keep keys for this session.", "models"
    )


def _missing() -> Problem:
    return Problem(
        "keyring_missing",
        "There is no keyring",
        "No service that keeps keys safely was found on this machine.",
        "Install one (on Linux gnome-keyring or KWallet), or keep keys for this session.",
        "models",
    )


def _locked() -> Problem:
    return Problem(
        "keyring_locked",
        "The keyring is locked",
        "Keys that are kept in it cannot be read now.",
        "Unlock it and try again, or keep keys for this session.",
        "models",
    )


def _silent() -> Problem:
    return replace(_locked(), message="It has not answered; it may be asking for its password.")


def _unavailable(problem: Problem) -> Unavailable:
    error = Unavailable(problem.title)
    error.problem = problem
    return error


def _load_json(path: Path) -> tuple[dict[str, object], bool]:
    """The object in a file, and whether there is a file that cannot be understood."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, False
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s cannot be read: %s", path.name, type(error).__name__)
        return {}, True
    return (data, False) if isinstance(data, dict) else ({}, True)


async def _in_thread(work: Callable[[], T]) -> T:
    """Run what may block in a daemon thread: a keyring that waits for a person for ever must
    hold up neither the loop nor the end of the program, as asyncio's own threads would."""
    done: Future[T] = Future()

    def run() -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            done.set_result(work())
        except BaseException as error:  # whatever it is, it belongs to the one who waits
            done.set_exception(error)

    threading.Thread(target=run, name="nagatha-keyring", daemon=True).start()
    return await asyncio.wrap_future(done)
