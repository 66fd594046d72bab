"""The use cases of models: providers, keys, the default; and who answers a request.

Owns which provider and model are asked, and the open connections to them. What a server says
is the providers' room, where keys are kept the secrets'.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from worker.config import Settings, login_in
from worker.contract.addresses import is_local
from worker.contract.errors import InvalidInput, ModelError, NotFound
from worker.contract.events import SettingsChanged
from worker.contract.system import (
    KeyPlace,
    KeyringStatus,
    ModelChoice,
    ModelInfo,
    Provider,
    ProviderTest,
)
from worker.providers.base import ModelProvider
from worker.providers.catalogue import PRESETS, origin, sees_images
from worker.providers.discover import discover
from worker.providers.openai_compatible import OpenAICompatible, test_provider
from worker.service.scope import Scope

BUILTIN = "builtin"
LIST_KEPT = 600.0
"""Seconds that a server's list of models is believed."""
_SLUG = re.compile(r"[^a-z0-9]+")


class Keys(Protocol):
    """Where keys are kept; see `worker.secrets`."""

    async def get(self, provider: str) -> str | None:
        """The key, or None where there is none or it cannot be read"""
        ...

    async def place(self, provider: str) -> KeyPlace:
        """Where it is kept."""
        ...

    async def set(
        self, provider: str, key: str, place: Literal["keyring", "session", "file"]
    ) -> None:
        """Keep it. Raises InvalidInput, Unavailable."""
        ...

    async def forget(self, provider: str) -> None:
        """Delete it wherever it is."""
        ...

    async def status(self) -> KeyringStatus:
        """Whether the keyring can be used."""
        ...

    async def allow_file(self, allowed: bool) -> KeyringStatus:
        """Consent, or its end, to a file with mode 0600."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderBook:
    """How providers are read from and written to the settings."""

    settings: Callable[[], Settings]
    providers: Callable[[], Sequence[Provider]]
    """Those of the environment, then those of the settings; `key` not filled in."""
    save: Callable[[Provider], Awaitable[None]]
    remove: Callable[[str], Awaitable[None]]
    set_default: Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who is asked."""

    provider: ModelProvider
    model: str
    info: ModelInfo | None
    """What the server says about the model; None where it was not asked or does not say."""


class ModelDesk:
    """Decides who is asked, and keeps connections open. One for each engine, on its loop."""

    def __init__(
        self,
        book: ProviderBook,
        keys: Keys,
        builtin: ModelProvider,
        monotonic: Callable[[], float],
    ) -> None:
        self.book = book
        self.keys = keys
        self._builtin = builtin
        self._monotonic = monotonic
        self._open: dict[str, tuple[tuple[str, str, str], OpenAICompatible]] = {}
        self._lists: dict[str, tuple[float, tuple[ModelInfo, ...]]] = {}
        self._old: list[OpenAICompatible] = []

    async def providers(self) -> tuple[Provider, ...]:
        """All providers with the place of their key, the built-in one last."""
        found = [replace(p, key=await self._place(p)) for p in self.book.providers()]
        return (*found, Provider(BUILTIN, self._builtin.name, "", "builtin", key="not_needed",
                                 local=True, source="builtin"))  # fmt: skip

    async def _place(self, provider: Provider) -> KeyPlace:
        place = await self.keys.place(provider.id)
        return "not_needed" if place == "none" and not needs_key(provider.base_url) else place

    def provider(self, identifier: str) -> Provider:
        """One provider of the settings or environment. Raises NotFound."""
        for provider in self.book.providers():
            if provider.id == identifier:
                return provider
        raise NotFound(
            f"There is no provider “{identifier}”", remedy="See Settings › Models and keys."
        )

    async def default(self) -> ModelChoice:
        """What is asked where nothing was chosen."""
        models = self.book.settings().models
        listed = self.book.providers()
        # A provider of the environment was named for this process: it comes before a default.
        for provider in listed:
            if provider.source == "environment":
                return ModelChoice(provider.id, provider.model)
        if models.default_provider == BUILTIN:  # somebody chose it, whoever else there is
            return ModelChoice(BUILTIN, "")
        for provider in listed:
            if provider.id == models.default_provider:
                return ModelChoice(provider.id, models.default_model or provider.model)
        for provider in listed:
            if await self._place(provider) not in ("none", "unreadable"):
                return ModelChoice(provider.id, provider.model)
        return ModelChoice(BUILTIN, "")

    async def choose(self, provider: str = "", model: str = "") -> Chosen:
        """Who answers: the given provider and model, else the default.

        Raises ModelError ("no_key", "no_model"), NotFound.
        """
        if not provider:
            default = await self.default()
            provider, model = default.provider, model or default.model
        if provider == BUILTIN:
            return Chosen(self._builtin, model, None)
        known = self.provider(provider)
        opened = await self.open(known)
        wanted = model or known.model or await self._first_model(known)
        return Chosen(opened, wanted, await self._info(known, wanted))

    async def open(self, provider: Provider) -> OpenAICompatible:
        """A connection to a provider. Raises ModelError ("no_key") where a key is missing."""
        key = await self.keys.get(provider.id)
        if key is None and await self.keys.place(provider.id) == "unreadable":
            raise ModelError(
                f"The key for {provider.name} cannot be read",
                "The system's keyring is locked or does not answer.",
                "Unlock the keyring, or enter the key again.",
                kind="no_key",
                action="models",
            )
        if key is None and needs_key(provider.base_url):
            raise _no_key(provider.name)
        wanted = (provider.base_url, key or "", provider.proxy)
        known = self._open.get(provider.id)
        if known is not None and known[0] == wanted:
            return known[1]
        if known is not None:
            # An answer may still be coming through it: closed with the engine.
            self._old.append(known[1])
        opened = OpenAICompatible(
            provider.id, provider.name, provider.base_url, key, provider.proxy
        )
        self._open[provider.id] = (wanted, opened)
        return opened

    async def _first_model(self, provider: Provider) -> str:
        for preset in PRESETS:
            if preset.model and origin(preset.base_url) == origin(provider.base_url):
                return preset.model
        models = await self.list_models(provider.id)
        if not models:
            raise ModelError(
                f"{provider.name} has no model",
                "Its list of models is empty.",
                "Load one there, or choose a model in Settings › Models and keys.",
                kind="no_model",
                action="models",
            )
        return models[0].id

    async def _info(self, provider: Provider, model: str) -> ModelInfo | None:
        """What is known of a model, without asking a server that was not asked yet."""
        listed = self._lists.get(provider.id)
        for info in listed[1] if listed is not None else ():
            if info.id == model:
                return info
        return ModelInfo(model, provider.id, model, None, sees_images(model))

    async def list_models(self, identifier: str, *, refresh: bool = False) -> tuple[ModelInfo, ...]:
        """See `ModelService.list_models`."""
        if identifier == BUILTIN:
            return await self._builtin.models()
        provider = self.provider(identifier)
        known = self._lists.get(identifier)
        now = self._monotonic()
        if known is not None and not refresh and now - known[0] < LIST_KEPT:
            return known[1]
        models = await (await self.open(provider)).models()
        self._lists[identifier] = (now, models)
        return models

    def forget_lists(self) -> None:
        """Providers or keys changed: ask again."""
        self._lists.clear()

    async def aclose(self) -> None:
        """Let go of every connection."""
        opened = [provider for _, provider in self._open.values()] + self._old
        self._open.clear()
        self._old.clear()
        for provider in opened:
            await provider.aclose()


@dataclass(frozen=True, slots=True)
class Models:
    """`ModelService` for one owner."""

    scope: Scope
    desk: ModelDesk

    async def providers(self) -> tuple[Provider, ...]:
        """See `ModelService.providers`."""
        return await self.desk.providers()

    async def save(
        self, provider: str, name: str, base_url: str, model: str = "", proxy: str = ""
    ) -> Provider:
        """See `ModelService.save`."""
        identifier = provider or self._new_id(name, base_url)
        if identifier == BUILTIN:
            raise InvalidInput("The built-in assistant cannot be changed")
        for known in self.desk.book.providers():
            if known.id == identifier and known.source == "environment":
                raise InvalidInput(
                    f"{known.name} is set by the environment",
                    "It lives for this process only.",
                    "Change the variable, or add a provider under another name.",
                )
        entry = Provider(
            id=identifier,
            name=name.strip() or identifier,
            base_url=base_url.strip(),
            model=model.strip(),
            local=is_local(base_url),
            proxy=proxy.strip(),
        )
        await self.desk.book.save(entry)
        return await self._changed(identifier)

    async def remove(self, provider: str) -> None:
        """See `ModelService.remove`."""
        await self.desk.book.remove(provider)
        await self.desk.keys.forget(provider)
        self.desk.forget_lists()
        await self.scope.tell(SettingsChanged(keys=("providers",)))

    async def set_key(
        self, provider: str, key: str, place: Literal["keyring", "session", "file"] = "keyring"
    ) -> Provider:
        """See `ModelService.set_key`."""
        if not key.strip():
            raise InvalidInput(
                "The key is empty", "The one that is kept was left as it is.", "Paste a key."
            )
        self.desk.provider(provider)
        await self.desk.keys.set(provider, key.strip(), place)
        return await self._changed(provider)

    async def forget_key(self, provider: str) -> Provider:
        """See `ModelService.forget_key`."""
        self.desk.provider(provider)
        await self.desk.keys.forget(provider)
        return await self._changed(provider)

    async def keyring(self) -> KeyringStatus:
        """See `ModelService.keyring`."""
        return await self.desk.keys.status()

    async def allow_key_file(self, allowed: bool) -> KeyringStatus:
        """See `ModelService.allow_key_file`."""
        return await self.desk.keys.allow_file(allowed)

    async def test(
        self, provider: str, base_url: str = "", key: str = "", proxy: str = ""
    ) -> ProviderTest:
        """See `ModelService.test`."""
        if provider == BUILTIN:
            return ProviderTest(ok=True, seconds=0.0, models=len(await self.list_models(BUILTIN)))
        known = next((p for p in self.desk.book.providers() if p.id == provider), None)
        if known is None and not base_url:
            raise NotFound(f"There is no provider “{provider}”")
        address = base_url.strip() or (known.base_url if known else "")
        if fault := login_in(address, proxy):
            refused = InvalidInput("The provider cannot be used like this", f"{fault}.")
            return ProviderTest(ok=False, seconds=0.0, problem=refused.problem)
        stored = await self.desk.keys.get(provider) if known is not None else None
        # A kept key goes to the address it was kept for, and to no other.
        same_place = known is not None and address == known.base_url
        used = key.strip() or (stored if same_place else None)
        name = known.name if known is not None else provider or "The server"
        if not used and needs_key(address):
            return ProviderTest(ok=False, seconds=0.0, problem=_no_key(name).problem)
        trial = OpenAICompatible(
            provider, name, address, used, proxy or (known.proxy if known else "")
        )
        try:
            return await test_provider(trial, known.model if known is not None else "")
        finally:
            await trial.aclose()

    async def test_default(self) -> tuple[str, ProviderTest | None]:
        """The default provider's name and what its test found; None for the built-in one."""
        default = await self.default()
        if default.provider == BUILTIN:
            return "", None
        return self.desk.provider(default.provider).name, await self.test(default.provider)

    async def list_models(self, provider: str, refresh: bool = False) -> tuple[ModelInfo, ...]:
        """See `ModelService.list_models`."""
        return await self.desk.list_models(provider, refresh=refresh)

    async def discover(self) -> tuple[Provider, ...]:
        """See `ModelService.discover`."""
        saved = {provider.base_url.rstrip("/") for provider in self.desk.book.providers()}
        found = await discover()
        return tuple(p for p in found if p.base_url.rstrip("/") not in saved)

    async def default(self) -> ModelChoice:
        """See `ModelService.default`."""
        return await self.desk.default()

    async def set_default(self, provider: str, model: str) -> ModelChoice:
        """See `ModelService.set_default`."""
        if provider not in ("", BUILTIN):
            self.desk.provider(provider)
        await self.desk.book.set_default(provider, model)
        await self.scope.tell(SettingsChanged(keys=("models.default_provider",)))
        return await self.desk.default()

    async def _changed(self, identifier: str) -> Provider:
        self.desk.forget_lists()
        await self.scope.tell(SettingsChanged(keys=("providers",)))
        return next(p for p in await self.desk.providers() if p.id == identifier)

    def _new_id(self, name: str, base_url: str) -> str:
        for preset in PRESETS:
            if preset.base_url.rstrip("/") == base_url.strip().rstrip("/"):
                return preset.id
        stem = _SLUG.sub("-", name.lower()).strip("-")[:40] or "custom"
        taken = {provider.id for provider in self.desk.book.providers()} | {BUILTIN}
        number, identifier = 1, stem
        while identifier in taken:
            number += 1
            identifier = f"{stem}-{number}"
        return identifier


def needs_key(base_url: str) -> bool:
    """Whether the server is known to want one; any other is asked without, and may say so."""
    return any(origin(preset.base_url) == origin(base_url) for preset in PRESETS if preset.key_page)


def _no_key(name: str) -> ModelError:
    return ModelError(
        f"There is no key for {name}",
        "It answers nobody without one.",
        "Enter it in Settings › Models and keys.",
        kind="no_key",
        action="models",
    )


async def warm_up() -> None:
    """Import what talking to a model needs, beside the loop, before it is needed."""
    from worker.providers.openai_compatible import load_sdk

    await asyncio.to_thread(load_sdk)
