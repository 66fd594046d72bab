"""Keys to model servers: where each is kept, and getting it from there.

Owns the keyring, and a file beside the data that says which providers have a key and where, so
that a keyring which cannot be read is not taken for an empty one. Every key that passes here is
told to the redactor. It must not know what a key is for. All of it lives on the runtime loop; what
may block runs in threads of its own.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, TypeVar

from worker.contract.errors import Conflict, InvalidInput, NagathaError, TooLarge
from worker.contract.system import KeyPlace, KeyringStatus
from worker.contract.types import Problem
from worker.logging import Redactor
from worker.paths import Paths
from worker.secrets import backend as ring
from worker.secrets.backend import SERVICE, Backend
from worker.secrets.files import Index, KeyFiles

T = TypeVar("T")

ENVIRONMENT_KEYS: Mapping[str, str] = MappingProxyType(
    {"openai": "OPENAI_API_KEY", "gemini": "GEMINI_API_KEY"}
)
"""Provider and the variable that holds its key for this process."""
KEY_MOST = 10_000  # characters

_PATIENCE = 60.0  # s for a person to unlock the keyring
_GLANCE = 1.0  # s to wait for the keyring where nobody asked for the key itself
_QUIET = 30.0  # s for which a person who declined to unlock it is not asked again

log = logging.getLogger(__name__)


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
        self._files = KeyFiles(paths, redactor)
        self._redactor = redactor
        self._find = backend or ring.find_backend
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
        self._reading: dict[tuple[str, bool], asyncio.Future[_Read]] = {}  # (…, may ask)
        self._quiet_until = 0.0
        self._shared_home = paths.home == Paths.find({}).home

    async def get(self, provider: str) -> str | None:
        """The key, or None where there is none or it cannot be read.

        A locked keyring may ask the person for its password; that is waited for.
        """
        if known := self._known(provider):
            return known
        if provider in self._environment_only:
            return None
        index = await _in_thread(self._files.index)
        if index.places.get(provider) == "file":
            return (await _in_thread(self._files.keys)).get(provider)
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
        index = await _in_thread(self._files.index)
        stored = index.places.get(provider)
        if stored == "file":
            return "file" if provider in await _in_thread(self._files.keys) else "unreadable"
        if stored != "keyring" and not index.unsure:
            return "none"
        read = await self._from_keyring(provider, index, self._glance, ask=False)
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
        index = await _in_thread(self._files.index)
        if place == "file":
            if not index.file_consent:
                raise InvalidInput(
                    "The key was not saved",
                    "Keeping keys in a file needs your consent.",
                    "Allow it in Settings › Models and keys, or keep the key for this session.",
                )
            await _in_thread(lambda: self._files.save_key(provider, key))
            index = await self._note(provider, "file")
            await self._drop_quietly(provider)
        else:
            await self._keyring(lambda backend: ring.store(backend, self._account(provider), key))
            index = await self._note(provider, "keyring")
            self._cache[provider] = (index.revision, key)
            await _in_thread(lambda: self._files.save_key(provider, None))
        self._session.pop(provider, None)

    async def forget(self, provider: str) -> None:
        """Delete a key wherever it is kept; nothing happens where there is none.

        Raises Conflict for a key of the environment, Unavailable where the keyring holds one and
        cannot be used; StorageError.
        """
        self._session.pop(provider, None)
        index = await _in_thread(self._files.index)
        if index.places.get(provider) == "keyring" or index.unsure:
            await self._keyring(lambda backend: ring.delete(backend, self._account(provider)))
        await _in_thread(lambda: self._files.save_key(provider, None))
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
        index = await _in_thread(self._files.index)

        def look() -> KeyringStatus:
            backend = self._find()
            if backend is None:
                return KeyringStatus(
                    "missing", problem=ring.missing(), file_consent=index.file_consent
                )
            name = ring.backend_name(backend)
            try:
                if ring.is_locked(backend):
                    return KeyringStatus("locked", name, ring.locked_problem(), index.file_consent)
            except Exception as error:  # backends raise what their libraries raise
                return KeyringStatus("missing", name, ring.problem_of(error), index.file_consent)
            return KeyringStatus("ready", name, None, index.file_consent)

        try:
            return await asyncio.wait_for(_in_thread(look), max(self._glance, 1.0) * 5)
        except TimeoutError:
            return KeyringStatus("locked", "", ring.silent(), index.file_consent)

    async def allow_file(self, allowed: bool) -> KeyringStatus:
        """The person's consent to a file with mode 0600, or its end.

        At its end the file is removed; its keys last until the program ends. Raises StorageError.
        """
        if not allowed:
            left = await _in_thread(self._files.keys)
            self._session = {**left, **self._session}
            await _in_thread(self._files.remove)

        def consent(index: Index) -> Index:
            kept = {p: w for p, w in index.places.items() if allowed or w != "file"}
            return replace(index, file_consent=allowed, places=kept)

        await _in_thread(lambda: self._files.change(consent))
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
        return f"{provider}@{self._files.change(lambda index: index).installation}"

    async def _from_keyring(
        self, provider: str, index: Index, patience: float, *, ask: bool = True
    ) -> _Read:
        revision, key = self._cache.get(provider, (-1, ""))
        if revision == index.revision:
            return _Read(key)
        reading = self._reading.get((provider, True)) or self._reading.get((provider, ask))
        if reading is None:
            reading = asyncio.ensure_future(self._read(provider, ask=ask))
            self._reading[provider, ask] = reading
            reading.add_done_callback(lambda _: self._reading.pop((provider, ask), None))
        try:
            read = await asyncio.wait_for(asyncio.shield(reading), patience)
        except TimeoutError:
            return _Read(None, ring.silent())
        if read.key is not None:
            self._redactor.add(read.key)
            self._cache[provider] = (index.revision, read.key)
        return read

    async def _read(self, provider: str, *, ask: bool) -> _Read:
        ask = ask and time.monotonic() >= self._quiet_until
        try:
            return _Read(
                await self._keyring(
                    lambda backend: backend.get_password(SERVICE, self._account(provider)) or None,
                    ask=ask,
                )
            )
        except NagathaError as error:
            log.warning("A key cannot be read: %s", error)
            if ask and error.kind == "keyring_locked":
                self._quiet_until = time.monotonic() + _QUIET
            return _Read(None, error.problem)

    async def _keyring(self, use: Callable[[Backend], T], *, ask: bool = True) -> T:
        """Do something with the keyring. Raises Unavailable, TooLarge."""

        def work() -> T:
            backend = self._find()
            if backend is None:
                raise ring.unavailable(ring.missing())
            try:
                ring.unlock(backend, ask=ask)
                return use(backend)
            except NagathaError:
                raise
            except Exception as error:  # backends raise what their libraries raise
                # Without the cause: its frames and words may hold the key.
                raise ring.unavailable(ring.problem_of(error)) from None

        return await _in_thread(work)

    async def _note(self, provider: str, place: str | None) -> Index:
        return await _in_thread(lambda: self._files.note(provider, place))

    async def _drop_quietly(self, provider: str) -> None:
        """Delete what the keyring may still hold; it is not used any more in any case."""
        self._cache.pop(provider, None)
        try:
            await self._keyring(lambda backend: ring.delete(backend, self._account(provider)))
        except NagathaError as error:
            log.info("An older key stays in the keyring: %s", error)


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
