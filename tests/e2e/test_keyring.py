"""Keys in a real keyring: gnome-keyring on a session bus of the test's own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.desktop import lock_keyring, secret_service, session_bus
from worker.paths import Paths

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not shutil.which("gnome-keyring-daemon") or not shutil.which("dbus-daemon"),
        reason="gnome-keyring and dbus are not installed",
    ),
]

KEY = "sk-real-keyring-0123456789"
_PROGRAM = """
import asyncio, os, sys
from worker.contract.errors import NagathaError
from worker.logging import Redactor
from worker.paths import Paths
from worker.secrets import Secrets

async def main(order, provider="openai"):
    secrets = Secrets(Paths.find(), Redactor(), {}, patience=20, glance=10)
    try:
        if order == "set":
            await secrets.set(provider, os.environ["THE_KEY"])
        elif order == "forget":
            await secrets.forget(provider)
    except NagathaError as error:
        print("error", error.kind)
        return
    status = await secrets.status()
    key = await secrets.get(provider)
    right = "right" if key and key == os.environ["THE_KEY"] else "none" if not key else "wrong"
    print(status.state, status.backend.replace(" ", ""), await secrets.place(provider), right)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    runtime = Path(os.environ["XDG_RUNTIME_DIR"])
    kept = {name: value for name, value in os.environ.items() if name != "PYTHON_KEYRING_BACKEND"}
    kept |= {"PYTHONWARNINGS": "error", "XDG_DATA_HOME": str(tmp_path / "share")}
    return {**kept, "XDG_RUNTIME_DIR": str(runtime)}


@pytest.fixture
def bus(tmp_path: Path, env: dict[str, str]) -> Iterator[str]:
    """A session bus, named in `env`, without a keyring."""
    with session_bus(tmp_path, Path(env["XDG_RUNTIME_DIR"])) as address:
        env["DBUS_SESSION_BUS_ADDRESS"] = address
        yield address


@pytest.fixture
def service(tmp_path: Path, env: dict[str, str], bus: str) -> Iterator[ExitStack]:
    """An unlocked keyring on that bus; closing the stack ends it."""
    with ExitStack() as stack:
        stack.enter_context(secret_service(tmp_path, env))
        yield stack


def _program(env: Mapping[str, str], *arguments: str, key: str = KEY) -> str:
    """What a process of its own says: nothing of an earlier one is in its memory."""
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        env={**env, "THE_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert KEY not in ended.stdout + ended.stderr
    assert "Warning" not in ended.stderr, ended.stderr
    return ended.stdout.strip()


def test_a_key_survives_the_program_and_can_be_forgotten(
    env: dict[str, str], service: ExitStack
) -> None:
    assert _program(env, "show") == "ready SecretService none none"
    assert _program(env, "set") == "ready SecretService keyring right"
    assert _program(env, "show") == "ready SecretService keyring right"
    assert _program(env, "show", "gemini") == "ready SecretService none none"
    assert _program(env, "set", key="sk-another-one-1") == "ready SecretService keyring right"
    assert _program(env, "show") == "ready SecretService keyring wrong"
    assert _program(env, "forget") == "ready SecretService none none"
    for file in Paths.find(env).home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


def test_a_locked_keyring_makes_keys_unreadable_and_cannot_be_overwritten(
    env: dict[str, str], bus: str, service: ExitStack
) -> None:
    assert _program(env, "set") == "ready SecretService keyring right"
    lock_keyring(bus)
    assert _program(env, "show") == "locked SecretService unreadable none"
    assert _program(env, "show", "gemini") == "locked SecretService none none"
    assert _program(env, "set", key="sk-another-one-1") == "error keyring_locked"
    assert _program(env, "forget") == "error keyring_locked"


def test_a_keyring_that_is_gone_makes_keys_unreadable_until_it_is_back(
    tmp_path: Path, env: dict[str, str], service: ExitStack
) -> None:
    assert _program(env, "set") == "ready SecretService keyring right"
    service.close()
    assert _program(env, "show").split()[0] == "missing"
    assert _program(env, "show").split()[-2:] == ["unreadable", "none"]
    assert _program(env, "set").startswith("error keyring")
    with secret_service(tmp_path, env):
        assert _program(env, "show") == "ready SecretService keyring right"


def test_without_a_bus_there_is_no_keyring_and_the_program_says_so(env: dict[str, str]) -> None:
    env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere/at/all"
    assert _program(env, "show").split()[-2:] == ["none", "none"]
    assert _program(env, "show").split()[0] == "missing"
    assert _program(env, "set") == "error keyring_missing"
