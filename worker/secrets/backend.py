"""The system's keyring: finding one that is safe, using it, and saying what is wrong with it.

Owns which keyrings are refused, and that nothing they raise gets out as it is: their words and
their frames may hold the key. All of it may block, for as long as a person thinks about a password.
"""

import logging
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Protocol

from worker.contract.errors import TooLarge, Unavailable
from worker.contract.types import Problem

SERVICE = "nagatha-desktop"
"""The name under which keys stand in the keyring."""
WINDOWS_MOST = 2560
"""Bytes that the Windows Credential Manager keeps of one key."""

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


def store(backend: Backend, account: str, key: str) -> None:
    """Keep a key, and look whether it was kept. Raises TooLarge, and what the backend raises."""
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


def delete(backend: Backend, account: str) -> None:
    """Delete a key; nothing happens where there is none. Raises what the backend raises."""
    from keyring.errors import PasswordDeleteError

    try:
        backend.delete_password(SERVICE, account)
    except PasswordDeleteError:
        # Raised for what is not there, too; only a key that stays is a failure.
        if backend.get_password(SERVICE, account) is not None:
            raise


def is_locked(backend: Backend) -> bool:
    """Whether it would ask the person; only where that can be known without asking."""
    if type(backend).__module__ != "keyring.backends.SecretService":
        return False
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        try:
            return bool(secretstorage.Collection(connection).is_locked())
        except secretstorage.exceptions.ItemNotFoundException:
            return False  # nothing was ever kept: it is made when something is


def unlock(backend: Backend, *, ask: bool) -> None:
    """Let the person unlock it, or raise KeyringLocked where that is not to be asked or declined.

    keyring would ask as well, but leaks its connection where the person declines.
    """
    if type(backend).__module__ != "keyring.backends.SecretService":
        return
    import secretstorage
    from keyring.errors import KeyringLocked

    with closing(secretstorage.dbus_init()) as connection:
        try:
            collection = secretstorage.Collection(connection)
            if collection.is_locked():
                if ask:
                    collection.unlock()
                if not ask or collection.is_locked():
                    raise KeyringLocked("it stayed locked")
        except secretstorage.exceptions.ItemNotFoundException:
            return


def problem_of(error: Exception) -> Problem:
    """What a backend raised, for a person."""
    from keyring.errors import InitError, KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return missing()
    if isinstance(error, KeyringLocked):
        return locked_problem()
    if isinstance(error, InitError):
        why = "It could not be opened."
    else:
        # Its own words may hold the key; the kind of error is enough to look it up.
        why = f"It failed with {type(error).__name__}."
    return Problem(
        "keyring", "The keyring cannot be used", why, "Keep keys for this session.", "models"
    )


def missing() -> Problem:
    """There is no keyring that is safe."""
    return Problem(
        "keyring_missing",
        "There is no keyring",
        "No service that keeps keys safely was found on this machine.",
        "Install one (on Linux gnome-keyring or KWallet), or keep keys for this session.",
        "models",
    )


def locked_problem() -> Problem:
    """It is locked and stays so."""
    return Problem(
        "keyring_locked",
        "The keyring is locked",
        "Keys that are kept in it cannot be read now.",
        "Unlock it and try again, or keep keys for this session.",
        "models",
    )


def silent() -> Problem:
    """It does not answer, most often because it asks."""
    return replace(
        locked_problem(), message="It has not answered; it may be asking for its password."
    )


def unavailable(problem: Problem) -> Unavailable:
    """The problem as an error to raise."""
    error = Unavailable(problem.title)
    error.problem = problem
    return error
