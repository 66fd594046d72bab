"""The doctor's lines: what each part's state is called, and what to do about it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from worker.contract.errors import InvalidInput, ModelError
from worker.contract.system import KeyringStatus, ModuleInfo, ProviderTest
from worker.contract.types import Problem
from worker.events.memory import MemoryBus
from worker.service import desktop_bus
from worker.service.dispatch import BackgroundState, NoBackground
from worker.service.doctor import Doctor
from worker.service.modules import Modules
from worker.service.scope import Scope
from worker.storage.memory import MemoryStorage

READY = KeyringStatus("ready", "A keyring")


class Reachable(NoBackground):
    """A background that is there."""

    def __init__(self, beat: str = "ok") -> None:
        super().__init__()
        self._beat = beat

    @property
    def state(self) -> BackgroundState:
        return BackgroundState("redis://h/0", "ok", "ok" if self._beat == "ok" else "off")

    async def reach(self) -> None:
        """It answers."""

    async def round_trip(self, seconds: float) -> float:
        return 0.012


class FewModules:
    """Modules in the states given."""

    def __init__(self, **states: str) -> None:
        self._states = states

    async def list_modules(self) -> tuple[ModuleInfo, ...]:
        return tuple(
            ModuleInfo(name, "1", "", "broken" if state == "broken" else "on", "shipped")
            for name, state in self._states.items()
        )


def doctor() -> Doctor:
    async def keyring() -> KeyringStatus:
        return READY

    async def provider() -> tuple[str, ProviderTest | None]:
        return "", None

    async def ask(text: str) -> str:
        return f"  heard\n{text} "

    async def maintain() -> dict[str, object]:
        return {"success": True}

    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return Doctor(
        scope=Scope("me", MemoryStorage(), MemoryBus(), lambda: now, "p"),
        home="/data",
        background=Reachable,
        beat_is_taken=lambda: False,
        modules=cast(Modules, FewModules(echo_bot="on")),
        keyring=keyring,
        test_default=provider,
        ask=ask,
        maintain=maintain,
        monotonic=lambda: 1.0,
        message=lambda: "",
    )


def told(one: Doctor, check: str) -> tuple[str, str, str]:
    (found,) = asyncio.run(one.examine((check,)))
    assert found.name == check
    return found.state, found.message, found.remedy


def gives(value: object) -> Callable[[], Awaitable[object]]:
    async def give() -> object:
        if isinstance(value, BaseException):
            raise value
        return value

    return give


def test_parts_that_work_are_ok_and_all_are_checked_when_all_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desktop_bus, "has_owner", lambda name: True)
    found = asyncio.run(doctor().examine(("all", "storage")))
    states = {check.name: check.state for check in found}
    assert states.pop("provider") == "warning"  # the built-in assistant
    assert set(states.values()) == {"ok"} and {"message", "memory", "usage"} <= set(states)
    quick = [check.name for check in asyncio.run(doctor().examine(()))]
    assert "message" not in quick and quick[0] == "storage"


def test_check_that_there_is_not_is_invalid_and_the_others_are_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        asyncio.run(doctor().examine(("storge",)))
    assert "storage" in caught.value.problem.remedy


def test_beat_of_another_process_is_ok_and_none_at_all_is_not() -> None:
    elsewhere = replace(doctor(), background=lambda: Reachable("off"), beat_is_taken=lambda: True)
    assert told(elsewhere, "beat")[:2] == ("ok", "Runs in another process on this data folder.")
    nowhere = replace(elsewhere, beat_is_taken=lambda: False)
    assert told(nowhere, "beat")[0] == "failed" and "Start" in told(nowhere, "beat")[2]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (KeyringStatus("unknown"), "unknown"),
        (
            KeyringStatus("locked", problem=Problem("x", "It is locked", "why", "Unlock it.")),
            "It is locked",
        ),
    ],
)
def test_keyring_that_cannot_be_used_is_a_warning(status: KeyringStatus, message: str) -> None:
    state, text, remedy = told(replace(doctor(), keyring=gives(status)), "keyring")  # type: ignore[arg-type]
    assert state == "warning" and message in text
    assert remedy == ("Unlock it." if status.problem else "")


@pytest.mark.parametrize(
    ("test", "state", "message"),
    [
        (ProviderTest(True, 0.1, 3), "ok", "Mine answers, 3 models."),
        (ProviderTest(True, 0.1), "ok", "Mine answers."),
        (ProviderTest(False, 0.1), "failed", "Mine does not answer."),
        (
            ProviderTest(False, 0.1, problem=Problem("k", "Wrong key", "No", "Enter it.")),
            "failed",
            "Mine: Wrong key. No.",
        ),
    ],
)
def test_provider_is_told_by_its_name(test: ProviderTest, state: str, message: str) -> None:
    line = told(replace(doctor(), test_default=gives(("Mine", test))), "provider")  # type: ignore[arg-type]
    assert line[:2] == (state, message)


def test_broken_modules_are_named() -> None:
    one = replace(doctor(), modules=cast(Modules, FewModules(good="on", bad="broken")))
    assert told(one, "modules")[:2] == ("warning", "Broken: bad.")


@pytest.mark.parametrize(("found", "state"), [(True, "ok"), (False, "warning"), (None, "off")])
@pytest.mark.parametrize("check", ["tray", "notifications"])
def test_desktop_is_asked_and_none_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, check: str, found: bool | None, state: str
) -> None:
    monkeypatch.setattr(desktop_bus, "has_owner", lambda name: found)
    assert told(doctor(), check)[0] == state


def test_failing_check_is_a_line_and_one_that_hangs_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = ModelError("No key", "It wants one.", "Enter it.", kind="no_key")
    assert told(replace(doctor(), ask=lambda text: gives(error)()), "message") == (  # type: ignore[arg-type,return-value]
        "failed",
        "No key. It wants one.",
        "Enter it.",
    )
    monkeypatch.setattr("worker.service.doctor.CHECK_TIMEOUT", 0.01)

    async def never(text: str) -> str:
        await asyncio.Event().wait()
        return text

    assert told(replace(doctor(), ask=never), "message")[0] == "failed"


def test_check_that_breaks_is_a_line_without_its_words_and_the_others_are_made(
    monkeypatch: pytest.MonkeyPatch, expect_log_errors: list[logging.LogRecord]
) -> None:
    def broken(name: str) -> bool:
        raise RuntimeError("sk-secret-0123456789")

    monkeypatch.setattr(desktop_bus, "has_owner", broken)
    found = {check.name: check for check in asyncio.run(doctor().examine(("tray", "storage")))}
    assert found["tray"].state == "failed" and "RuntimeError" in found["tray"].message
    assert "sk-secret" not in str(found["tray"])
    assert found["storage"].state == "ok"
    assert "tray" in expect_log_errors[0].getMessage()


def test_storage_says_where_the_data_is() -> None:
    assert "/data" in told(doctor(), "storage")[1]


def test_answer_of_the_model_is_shown_and_the_persons_own_question_is_asked() -> None:
    one = replace(doctor(), message=lambda: "How are you?")
    assert told(one, "message")[1] == "Answered: “heard How are you?”."


def test_storage_that_gives_back_something_else_has_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def wrong(self: MemoryStorage, owner: str, key: str) -> str | None:
        return "something else"

    monkeypatch.setattr(MemoryStorage, "get_value", wrong)
    assert told(doctor(), "storage")[0] == "failed"


def test_maintenance_that_fails_is_said() -> None:
    one = replace(doctor(), maintain=gives({"success": False}))  # type: ignore[arg-type]
    assert told(one, "memory")[0] == "failed"
