"""The use cases of modules and tools: what is there, switch on, switch off.

Owns what is told about them; finding and loading is the module host's.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from worker.contract.events import ModuleChanged
from worker.contract.system import ModuleInfo, TaskInfo, ToolInfo
from worker.module_host.host import ModuleHost
from worker.service.scope import Scope
from worker.tools.base import Toolbox


@dataclass(frozen=True, slots=True)
class Modules:
    """`ModuleService` for one owner."""

    scope: Scope
    host: ModuleHost
    switch: Callable[[str, bool], Awaitable[ModuleInfo]]
    """Switches a module on or off for the whole engine, and remembers it."""

    async def list_modules(self) -> tuple[ModuleInfo, ...]:
        """See `ModuleService.list_modules`."""
        return tuple(self.host.modules())

    async def list_tasks(self) -> tuple[TaskInfo, ...]:
        """See `ModuleService.list_tasks`."""
        return tuple(self.host.task_infos())

    async def enable(self, module: str) -> ModuleInfo:
        """See `ModuleService.enable`."""
        return await self._switch(module, on=True)

    async def disable(self, module: str) -> ModuleInfo:
        """See `ModuleService.disable`."""
        return await self._switch(module, on=False)

    async def _switch(self, module: str, *, on: bool) -> ModuleInfo:
        info = await self.switch(module, on)
        await self.scope.tell(ModuleChanged(module=info))
        return info


@dataclass(frozen=True, slots=True)
class Tools:
    """`ToolService`."""

    toolbox: Toolbox

    async def list_tools(self) -> tuple[ToolInfo, ...]:
        """See `ToolService.list_tools`."""
        return tuple(
            ToolInfo(tool.title, tool.description, tool.parameters, tool.source)
            for tool in self.toolbox.tools()
        )
