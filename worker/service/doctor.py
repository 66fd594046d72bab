"""The doctor: each part is really used, and its line says what to do.

Owns the checks. It must not know how the parts work.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from worker.contract.errors import InvalidInput, NagathaError
from worker.contract.system import Check, KeyringStatus, ProviderTest
from worker.contract.types import Problem
from worker.service import desktop_bus
from worker.service.dispatch import Background
from worker.service.modules import Modules
from worker.service.scope import Scope, new_id

WORKER_TIMEOUT = 5.0
"""Seconds that the worker is given to answer."""
CHECK_TIMEOUT = 90.0
"""Seconds for one check; asking a model may take that long."""
ALL = "all"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doctor:
    """Checks of one engine, on behalf of one owner."""

    scope: Scope
    home: str
    """The data folder."""
    background: Callable[[], Background]
    beat_is_taken: Callable[[], bool]
    modules: Modules
    keyring: Callable[[], Awaitable[KeyringStatus]]
    test_default: Callable[[], Awaitable[tuple[str, ProviderTest | None]]]
    """The default provider's name, and what its test found; None for the built-in one."""
    ask: Callable[[str], Awaitable[str]]
    """Asks the default model, as a message in a chat does."""
    maintain: Callable[[], Awaitable[Mapping[str, object]]]
    monotonic: Callable[[], float]
    message: Callable[[], str]
    """What the person wants the model to be asked; "" for a question of our own."""
    _order: tuple[str, ...] = field(
        default=(
            "storage",
            "broker",
            "worker",
            "beat",
            "keyring",
            "provider",
            "modules",
            "tray",
            "notifications",
        )
    )

    def checks(self) -> Mapping[str, Callable[[], Awaitable[Check]]]:
        """Name and check; those after "notifications" only run when named, or for "all"."""
        return {
            "storage": self._storage,
            "broker": self._broker,
            "worker": self._worker,
            "beat": self._beat,
            "keyring": self._keyring,
            "provider": self._provider,
            "modules": self._modules,
            "tray": self._tray,
            "notifications": self._notifications,
            "message": self._message,
            "memory": self._memory,
            "usage": self._usage,
        }

    async def examine(self, names: tuple[str, ...]) -> tuple[Check, ...]:
        """Run the named checks; none means the quick ones, "all" every one.

        Raises InvalidInput for a name that there is not.
        """
        known = self.checks()
        for name in names:
            if name not in known and name != ALL:
                raise InvalidInput(
                    f"There is no check “{name}”", "", f"There are: {', '.join(known)}, {ALL}."
                )
        wanted = tuple(known) if ALL in names else tuple(dict.fromkeys(names)) or self._order
        return tuple([await self._run(name, known[name]) for name in wanted])

    async def _run(self, name: str, check: Callable[[], Awaitable[Check]]) -> Check:
        started = self.monotonic()
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                found = await check()
        except NagathaError as error:
            found = Check(name, "failed", *_told(error.problem))
        except TimeoutError:
            found = Check(name, "failed", f"No answer within {CHECK_TIMEOUT:.0f} s.")
        except Exception as error:  # a part that is broken in a new way must not hide the others
            log.exception("the check of %s broke", name)
            why = f"The check itself broke with {type(error).__name__}."
            found = Check(name, "failed", why, "The log says more.")
        return replace(found, seconds=self.monotonic() - started)

    async def _storage(self) -> Check:
        token, key = new_id(), "doctor"
        await self.scope.storage.set_value(self.scope.owner, key, token)
        read = await self.scope.storage.get_value(self.scope.owner, key)
        await self.scope.storage.set_value(self.scope.owner, key, None)
        if read != token:
            return Check("storage", "failed", "What was written was not read back.")
        statistics = await self.scope.storage.statistics(self.scope.owner)
        return Check(
            "storage",
            "ok",
            f"Written and read in {self.home}. {statistics.chats} chats, "
            f"{statistics.messages} messages, {statistics.size / 1e6:.1f} MB.",
        )

    async def _broker(self) -> Check:
        background = self.background()
        await background.reach()
        return Check("broker", "ok", f"Answers at {background.state.broker}.")

    async def _worker(self) -> Check:
        seconds = await self.background().round_trip(WORKER_TIMEOUT)
        return Check("worker", "ok", f"Answered within {seconds * 1000:.0f} ms.")

    async def _beat(self) -> Check:
        if self.background().state.beat == "ok":
            return Check("beat", "ok", "Runs in this process.")
        if self.beat_is_taken():
            return Check("beat", "ok", "Runs in another process on this data folder.")
        return Check(
            "beat", "failed", "Nothing runs periodic tasks.", "Start Nagatha, or “nagatha worker”."
        )

    async def _keyring(self) -> Check:
        status = await self.keyring()
        if status.state == "ready":
            return Check("keyring", "ok", f"{status.backend} keeps keys.")
        if status.problem is None:
            return Check("keyring", "warning", f"It is {status.state}.")
        return Check("keyring", "warning", *_told(status.problem))

    async def _provider(self) -> Check:
        name, test = await self.test_default()
        if test is None:
            return Check(
                "provider",
                "warning",
                "No model is set up; the built-in assistant answers.",
                "Add one in Settings › Models and keys, or set OPENAI_API_KEY.",
            )
        if test.ok:
            models = "" if test.models is None else f", {test.models} models"
            return Check("provider", "ok", f"{name} answers{models}.")
        if test.problem is None:
            return Check("provider", "failed", f"{name} does not answer.")
        message, remedy = _told(test.problem)
        return Check("provider", "failed", f"{name}: {message}", remedy)

    async def _modules(self) -> Check:
        modules = await self.modules.list_modules()
        broken = [module.name for module in modules if module.state == "broken"]
        running = [module.name for module in modules if module.state == "on"]
        if broken:
            return Check(
                "modules",
                "warning",
                f"Broken: {', '.join(broken)}.",
                "“nagatha list modules” says why.",
            )
        return Check("modules", "ok", f"On: {', '.join(running) or 'none'}.")

    async def _tray(self) -> Check:
        return _desktop_check(
            "tray",
            await asyncio.to_thread(desktop_bus.has_owner, desktop_bus.TRAY),
            "A tray is there.",
            "This desktop has no tray; Nagatha shows its window instead.",
            "On GNOME, the extension AppIndicator adds one.",
        )

    async def _notifications(self) -> Check:
        return _desktop_check(
            "notifications",
            await asyncio.to_thread(desktop_bus.has_owner, desktop_bus.NOTIFICATIONS),
            "A notification service is there.",
            "No service shows notifications; Nagatha uses small windows of its own.",
            "Any notification daemon will do, e.g. dunst.",
        )

    async def _message(self) -> Check:
        answer = await self.ask(self.message() or "Answer with the word ready.")
        return Check("message", "ok", f"Answered: “{' '.join(answer.split())[:80]}”.")

    async def _memory(self) -> Check:
        done = await self.maintain()
        return Check("memory", "ok" if done.get("success") else "failed", "Maintenance ran.")

    async def _usage(self) -> Check:
        now = self.scope.now()
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        summary = await self.scope.storage.usage_summary(self.scope.owner, day, now)
        return Check(
            "usage",
            "ok",
            f"{summary.requests} calls, {summary.input + summary.output} tokens today (UTC).",
        )


def _told(problem: Problem) -> tuple[str, str]:
    """Message and remedy of a line."""
    return str(replace(problem, remedy="")), problem.remedy


def _desktop_check(name: str, found: bool | None, yes: str, no: str, remedy: str) -> Check:
    if found is None:
        return Check(name, "off", "There is no desktop session here to ask.")
    return Check(name, "ok", yes) if found else Check(name, "warning", no, remedy)
