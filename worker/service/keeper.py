"""The modules of a running engine: loaded beside everything else, followed, switched, asked.

Owns when the module host is used, and that the settings remember what was switched. How a
module is found and loaded is the host's; it must not know Celery.
"""

import asyncio
from collections.abc import Callable

from worker.contract.events import ModuleChanged
from worker.contract.system import ModuleInfo
from worker.events.bus import EventBus
from worker.module_host.bounded import run_aside
from worker.module_host.host import ModuleHost
from worker.service.configuration import Configuration
from worker.service.dispatch import Background


class ModuleKeeper:
    """Keeps the modules of one engine. Lives on the runtime loop."""

    def __init__(
        self,
        host: ModuleHost,
        configuration: Configuration,
        background: Callable[[], Background],
        bus: EventBus,
        owner: str,
    ) -> None:
        """Changes are told to `owner`."""
        self._host = host
        self._configuration = configuration
        self._background = background
        self._bus = bus
        self._owner = owner
        self._ready = asyncio.Event()
        self._switching = asyncio.Lock()

    async def load(self) -> None:
        """Load modules beside everything else: one that hangs holds up nothing."""
        try:
            # On a thread that keeps nobody from quitting, as a pool's would.
            await run_aside(self._host.start, name="modules")
        finally:
            self._ready.set()

    async def ready(self) -> None:
        """Wait until every module was loaded or found broken."""
        await self._ready.wait()

    async def switch(self, name: str, on: bool) -> ModuleInfo:
        """Switch one on or off, and remember it. Raises NotFound, StorageError."""
        await self.ready()
        async with self._switching:
            info = await asyncio.to_thread(self._host.enable if on else self._host.disable, name)
            await self._configuration.save("modules.enabled", self._host.enabled)
            await self._configuration.save("modules.disabled", self._host.disabled)
        await self._background().refresh()
        return info

    async def follow(self) -> None:
        """Switch what the settings, which another process may have changed, say otherwise."""
        await self.ready()
        async with self._switching:
            wanted = self._configuration.settings.modules
            switched = await asyncio.to_thread(self._host.follow, wanted.enabled, wanted.disabled)
        if switched:
            await self._background().refresh()
            for info in switched:
                await self._bus.publish(self._owner, ModuleChanged(module=info))

    async def ask_all(self) -> None:
        """Ask each module how it is; one that fails or hangs is broken from then on, visibly."""
        if not self._ready.is_set():
            return
        found = await run_aside(self._host.heartbeats, name="heartbeats")
        # What a heart says is read with the list; told is only one that stopped.
        broken = [info for info in found if info.state == "broken"]
        for info in broken:
            await self._bus.publish(self._owner, ModuleChanged(module=info))
        if broken:
            await self._background().refresh()
