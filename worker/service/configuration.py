"""The settings of a running engine: read, changed, read again; and what was wrong with them.

Owns the one copy of the settings that everybody looks at. How they are read and written is
`worker.config`'s; files are touched off the loop.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from worker.config import (
    Loaded,
    Settings,
    describe,
    load,
    provider_entry,
    remove_provider,
    save,
    save_provider,
)
from worker.contract.errors import NagathaError
from worker.contract.system import Provider, Setting, SettingValue
from worker.contract.types import Problem
from worker.paths import Paths


class Configuration:
    """The settings of one engine. `open` comes before everything else."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], cwd: Path | None) -> None:
        self._paths = paths
        self._environ = environ
        self._cwd = cwd
        self._loaded: Loaded | None = None
        self._changing = asyncio.Lock()
        self.problems: tuple[Problem, ...] = ()
        """What was wrong when they were last read."""

    async def open(self) -> None:
        """Read them. Raises InvalidInput for what is wrong in the environment or the project."""
        await self._read(strict=True)

    async def reload(self) -> None:
        """Read them again; what is wrong now is in `problems`."""
        # In turn with `save`: what was read before it must not be taken for newer.
        async with self._changing:
            await self._reload()

    async def _reload(self) -> None:
        try:
            await self._read(strict=False)
        except NagathaError as error:
            self.problems = (error.problem,)

    async def _read(self, *, strict: bool) -> None:
        self._loaded = await asyncio.to_thread(
            load, self._paths, self._environ, self._cwd, strict=strict
        )
        self.problems = self._loaded.problems

    @property
    def loaded(self) -> Loaded:
        """The whole of it, with sources."""
        if self._loaded is None:
            raise RuntimeError("the configuration was not opened")
        return self._loaded

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self.loaded.settings

    @property
    def providers(self) -> Sequence[Provider]:
        """Those of the environment, then those of the settings."""
        return self.loaded.providers

    def describe(self) -> tuple[Setting, ...]:
        """Every setting, for a dialog."""
        return describe(self.loaded)

    # changing ----------------------------------------------------------------------------

    async def save(self, key: str, value: SettingValue | Sequence[str]) -> None:
        """Set one setting; None puts its default back. Raises InvalidInput, StorageError."""
        async with self._changing:
            await asyncio.to_thread(save, self._paths, key, value)
            await self._reload()

    async def save_provider(self, provider: Provider) -> None:
        """Add or replace a provider. Raises InvalidInput, StorageError."""
        entry = provider_entry(
            provider.id, provider.name, provider.base_url, provider.model, provider.proxy
        )
        async with self._changing:
            await asyncio.to_thread(save_provider, self._paths, entry)
            await self._reload()

    async def remove_provider(self, provider: str) -> None:
        """Remove a provider. Raises NotFound, StorageError."""
        async with self._changing:
            await asyncio.to_thread(remove_provider, self._paths, provider)
            await self._reload()

    async def set_default(self, provider: str, model: str) -> None:
        """Choose who is asked by default."""
        await self.save("models.default_provider", provider or None)
        await self.save("models.default_model", model or None)
