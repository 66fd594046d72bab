"""What windows of settings ask a client for, in memory: providers, settings, data, modules.

Owns no engine. `furnish` puts these beside the chats of a `FakeClient`; they belong to its loop.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from tests.support.fake_client import FakeClient
from worker.contract.errors import Conflict, InvalidInput, NotFound, Unavailable, error_from
from worker.contract.events import DataReplaced, EngineChanged, ModuleChanged, SettingsChanged
from worker.contract.services import DataService, ModelService, ModuleService, SystemService
from worker.contract.system import (
    Backup,
    DataPlaces,
    EngineStatus,
    KeyPlace,
    KeyringStatus,
    ModelChoice,
    ModelInfo,
    ModuleInfo,
    Provider,
    ProviderTest,
    Setting,
    SettingValue,
    Transfer,
)
from worker.contract.types import Problem

BUILTIN = Provider(
    "builtin", "Built-in assistant", "", "builtin", key="not_needed", local=True, source="builtin"
)
WRONG_KEY = Problem(
    "wrong_key",
    "OpenAI refused the key",
    "The server answered 401: the key is wrong or was revoked.",
    "Paste a valid key.",
    "models",
)
MISSING = Problem("keyring_missing", "There is no keyring", "None was found.", "", "models")


class FakeModelDesk:
    """Providers, their keys, and servers that answer to right keys only."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.found: dict[str, Provider] = {}
        self.environment: tuple[Provider, ...] = ()
        self.keys: dict[str, str] = {}
        self.good_keys = {"sk-good", "AIza-good", "sk-or-good"}
        self.status = KeyringStatus("ready", "Secret Service")
        self.near: tuple[Provider, ...] = ()
        self.choice = ModelChoice("builtin", "")
        self.models: tuple[str, ...] = ("gpt-4o", "gpt-4o-mini", "o4-mini")
        self.tests: list[tuple[str, str, str, str]] = []
        self.gate: asyncio.Event | None = None
        """Tests of a server wait for it."""

    def add(
        self, name: str, title: str, url: str, model: str = "", key: KeyPlace = "keyring"
    ) -> Provider:
        """For tests: a provider that is there already."""
        local = "127.0.0.1" in url
        self.found[name] = Provider(name, title, url, model=model, key=key, local=local)
        return self.found[name]

    async def providers(self) -> tuple[Provider, ...]:
        self._client.called("models.providers")
        return (*self.environment, *self.found.values(), BUILTIN)

    async def save(
        self, provider: str, name: str, base_url: str, model: str = "", proxy: str = ""
    ) -> Provider:
        self._client.called("models.save")
        if not base_url.startswith("http"):
            raise InvalidInput("That is no address", f"“{base_url}” has no http.", "Mend it.")
        identifier = provider or name.lower().replace(" ", "-")
        local = "127.0.0.1" in base_url
        old = self.found.get(identifier)
        place: KeyPlace = old.key if old is not None else ("not_needed" if local else "none")
        self.found[identifier] = Provider(
            identifier, name, base_url, model=model, key=place, local=local, proxy=proxy
        )
        self._client.emit(SettingsChanged(("providers",)))
        return self.found[identifier]

    async def remove(self, provider: str) -> None:
        self._client.called("models.remove")
        del self.found[provider]
        self.keys.pop(provider, None)
        if self.choice.provider == provider:
            self.choice = ModelChoice("builtin", "")
        self._client.emit(SettingsChanged(("providers",)))

    async def set_key(
        self, provider: str, key: str, place: Literal["keyring", "session", "file"] = "keyring"
    ) -> Provider:
        self._client.called(f"models.set_key.{place}")
        if not key:
            raise InvalidInput("The key is empty")
        if place == "keyring" and self.status.state != "ready":
            raise error_from(self.status.problem or MISSING)
        if place == "file" and not self.status.file_consent:
            raise Conflict("There is no consent to a file")
        self.keys[provider] = key
        self.found[provider] = replace(self.found[provider], key=place)
        self._client.emit(SettingsChanged(("providers",)))
        return self.found[provider]

    async def forget_key(self, provider: str) -> Provider:
        self._client.called("models.forget_key")
        self.keys.pop(provider, None)
        self.found[provider] = replace(self.found[provider], key="none")
        return self.found[provider]

    async def keyring(self) -> KeyringStatus:
        self._client.called("models.keyring")
        return self.status

    async def allow_key_file(self, allowed: bool) -> KeyringStatus:
        self._client.called(f"models.allow_key_file.{allowed}")
        self.status = replace(self.status, file_consent=allowed)
        return self.status

    async def test(
        self, provider: str, base_url: str = "", key: str = "", proxy: str = ""
    ) -> ProviderTest:
        self._client.called("models.test")
        self.tests.append((provider, base_url, key, proxy))
        if self.gate is not None:
            await self.gate.wait()
        used = key or self.keys.get(provider, "")
        local = "127.0.0.1" in (base_url or self.found[provider].base_url)
        if local or used in self.good_keys:
            return ProviderTest(True, 0.4, len(self.models))
        return ProviderTest(False, 0.2, problem=WRONG_KEY)

    async def list_models(self, provider: str, refresh: bool = False) -> tuple[ModelInfo, ...]:
        self._client.called(f"models.list_models.{provider}.{refresh}")
        return tuple(ModelInfo(name, provider, name) for name in self.models)

    async def discover(self) -> tuple[Provider, ...]:
        self._client.called("models.discover")
        return self.near

    async def default(self) -> ModelChoice:
        return self.choice

    async def set_default(self, provider: str, model: str) -> ModelChoice:
        self._client.called("models.set_default")
        self.choice = ModelChoice(provider, model)
        self._client.emit(SettingsChanged(("models.default_provider",)))
        return self.choice


def _setting(
    key: str,
    value: SettingValue,
    kind: Literal["bool", "int", "float", "text", "choice"],
    title: str,
    text: str = "",
    **more: object,
) -> Setting:
    return Setting(key, value, value, "default", kind, title, text, **more)  # type: ignore[arg-type]


SETTINGS: tuple[Setting, ...] = (
    _setting("models.temperature", 0.7, "float", "Temperature", "Low values answer soberly.",
             minimum=0, maximum=2),
    _setting("models.max_tokens", 2000, "int", "Answer length", "The most that one may have.",
             minimum=1, maximum=1_000_000, unit="tokens"),
    _setting("models.system_prompt", "", "text", "Instructions", "Said at the beginning."),
    _setting("models.connect_timeout", 10.0, "float", "Connect within", "How long to wait.",
             minimum=0.1, maximum=600, unit="s"),
    _setting("models.chunk_timeout", 60.0, "float", "Silence at most", "", minimum=0.1,
             maximum=3600, unit="s"),
    _setting("models.total_timeout", 600.0, "float", "Answer within", "", minimum=1,
             maximum=86_400, unit="s"),
    _setting("agent.max_rounds", 8, "int", "Rounds", "How often.", minimum=1, maximum=100),
    _setting("chat.reuse_answers", True, "bool", "Use answers again", "And say so."),
    _setting("chat.automatic_titles", True, "bool", "Title chats automatically", "By the model."),
    _setting("chat.text_limit", 1.0, "float", "Text file at most", "", minimum=0, maximum=100,
             unit="MB"),
    _setting("celery.broker_url", "", "text", "Broker"),
    _setting("celery.concurrency", 4, "int", "Tasks at once", "", minimum=1, maximum=64,
             unit="threads"),
    _setting("data.backup_daily", True, "bool", "Back up daily", "The newest 7 are kept."),
    _setting("data.keep_deleted_days", 30, "int", "Keep deleted chats", "", minimum=0,
             maximum=3650, unit="days"),
    _setting("data.keep_runs_days", 30, "int", "Keep finished work", "", minimum=1, maximum=3650,
             unit="days"),
    _setting("reminders.quiet_from", "", "text", "Quiet from"),
    _setting("reminders.quiet_to", "", "text", "Quiet to"),
    _setting("reminders.missed", "notify", "choice", "Missed reminders", "",
             choices=("notify", "list", "skip")),
    _setting("logging.level", "INFO", "choice", "Log level", "",
             choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
)  # fmt: skip


class FakeEngineSettings:
    """Settings and the broker."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.state = EngineStatus("0.1.0", "/data", "bundled", "ok", "ok", 0, 0, 0)
        self.all: dict[str, Setting] = {setting.key: setting for setting in SETTINGS}
        self.brokers_up: set[str] = {"", "redis://localhost:6379/0"}

    def fix(self, key: str, value: SettingValue, source: Literal["environment", "project"]) -> None:
        """For tests: a setting that comes from elsewhere."""
        self.all[key] = replace(self.all[key], value=value, source=source)

    async def status(self) -> EngineStatus:
        return self.state

    async def settings(self) -> tuple[Setting, ...]:
        self._client.called("system.settings")
        return tuple(self.all.values())

    async def set_setting(self, key: str, value: SettingValue) -> Setting:
        self._client.called(f"system.set_setting.{key}")
        if key not in self.all:
            raise NotFound(f"There is no setting “{key}”")
        old = self.all[key]
        source: Literal["default", "file"] = "default" if value is None else "file"
        self.all[key] = replace(old, value=old.default if value is None else value, source=source)
        self._client.emit(SettingsChanged((key,)))
        return self.all[key]

    async def set_broker(self, url: str) -> EngineStatus:
        self._client.called("system.set_broker")
        if url not in self.brokers_up:
            raise Unavailable(
                "The broker does not answer", f"Nothing listens at {url}.", "Start it."
            )
        self.all["celery.broker_url"] = replace(self.all["celery.broker_url"], value=url)
        self.state = replace(self.state, broker=url or "bundled")
        self._client.emit(SettingsChanged(("celery.broker_url",)))
        self._client.emit(EngineChanged(self.state))
        return self.state


class FakeData:
    """Places, copies, and what was done to them."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.chats, self.messages = 12, 340
        self.kept = 7
        self.copies: list[Backup] = []
        self.done: list[str] = []

    def add_copy(self, age: timedelta, reason: Literal["daily", "person"] = "daily") -> Backup:
        """For tests: a copy that is there already."""
        when = datetime(2026, 11, 20, 14, 2, tzinfo=UTC) - age
        made = Backup(f"{when:%Y%m%dT%H%M%S}-{reason}.db", when, 3_400_000, reason)
        self.copies.append(made)
        return made

    async def places(self) -> DataPlaces:
        self._client.called("data.places")
        home = "/home/ada/.local/share/nagatha-desktop"
        return DataPlaces(
            home, f"{home}/nagatha.db", f"{home}/backups", f"{home}/logs", f"{home}/config.yaml",
            3_400_000, self.chats, self.messages, self.kept,
        )  # fmt: skip

    async def clear_cache(self) -> int:
        self._client.called("data.clear_cache")
        forgotten, self.kept = self.kept, 0
        return forgotten

    async def backups(self) -> tuple[Backup, ...]:
        return tuple(sorted(self.copies, key=lambda copy: copy.created, reverse=True))

    async def back_up(self) -> Backup:
        self._client.called("data.back_up")
        return self.add_copy(timedelta(), "person")

    async def restore(self, backup: str) -> None:
        self._client.called("data.restore")
        self.done.append(f"restore {backup}")
        self._client.emit(DataReplaced())

    async def export(self, folder: str) -> Transfer:
        self._client.called("data.export")
        return Transfer(f"{folder}/nagatha-export-1", self.chats, self.messages)

    async def import_all(self, path: str) -> Transfer:
        self._client.called("data.import_all")
        self.done.append(f"import {path}")
        return Transfer(path, 3, 40, 2)

    async def delete_all(self) -> None:
        self._client.called("data.delete_all")
        self.chats = self.messages = 0
        self.copies.clear()
        self.done.append("delete all")
        self._client.emit(DataReplaced())


class FakeModuleHost:
    """Some modules, one of them broken."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.all: dict[str, ModuleInfo] = {
            module.name: module
            for module in (
                ModuleInfo("ai", "1.0.0", "Summarise, translate, rewrite, extract.", "on",
                           "shipped", ("ai.summarise", "ai.translate")),
                ModuleInfo("echo_bot", "1.0.0", "Says what it was told.", "on", "shipped",
                           ("echo_bot.echo",)),
                ModuleInfo("weather", "0.2", "Rain or not.", "off", "person"),
                ModuleInfo("diary", "", "", "broken", "person", problem=Problem(
                    "module", "diary could not be loaded", "ImportError: no module named x",
                    "Mend it, then switch it on again.")),
            )
        }  # fmt: skip

    async def list_modules(self) -> tuple[ModuleInfo, ...]:
        self._client.called("modules.list_modules")
        return tuple(self.all.values())

    async def enable(self, module: str) -> ModuleInfo:
        self._client.called("modules.enable")
        return self._put(replace(self.all[module], state="on", problem=None))

    async def disable(self, module: str) -> ModuleInfo:
        self._client.called("modules.disable")
        return self._put(replace(self.all[module], state="off"))

    def _put(self, module: ModuleInfo) -> ModuleInfo:
        self.all[module.name] = module
        self._client.emit(ModuleChanged(module))
        return module


class Furniture:
    """The parts, typed as what they are."""

    def __init__(self, client: FakeClient) -> None:
        self.client = client
        self.models = FakeModelDesk(client)
        self.system = FakeEngineSettings(client)
        self.data = FakeData(client)
        self.modules = FakeModuleHost(client)
        client.models = cast(ModelService, self.models)
        client.system = cast(SystemService, self.system)
        client.data = cast(DataService, self.data)
        client.modules = cast(ModuleService, self.modules)

    def called(self, name: str) -> int:
        """How often a method was called."""
        return sum(1 for call in self.client.calls if call == name)


def furnish(client: FakeClient) -> Furniture:
    """Give `client` all that the settings ask for."""
    return Furniture(client)


class MemoryAutostart:
    """Start at login that touches nothing."""

    def __init__(self) -> None:
        self.command: tuple[str, ...] | None = None
        self.refuse: OSError | None = None

    @property
    def enabled(self) -> bool:
        return self.command is not None

    def enable(self, command: object) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.command = tuple(cast("tuple[str, ...]", command))

    def disable(self) -> None:
        self.command = None
