"""Everything that the assistant can call, put together.

Owns which toolboxes there are, and their order: of two tools with one name the first counts.
"""

from collections.abc import Callable

from worker.contract.time_services import RoutineService
from worker.module_host.host import ModuleHost
from worker.tools.base import Toolbox
from worker.tools.builtin import BuiltinTools, FixedTools, Toolboxes
from worker.tools.modules import Ask, ModuleTools, RunTask, RunTaskTool
from worker.tools.routines import CreateRoutineTool, ListRoutinesTool


def all_tools(
    host: ModuleHost, *, ask: Ask, run: RunTask, routines: Callable[[str], RoutineService]
) -> Toolbox:
    """The toolbox of an engine. `routines` are an owner's."""
    of_modules = ModuleTools(host, ask)
    any_task = FixedTools(RunTaskTool(run, host.spec))
    of_time = FixedTools(
        CreateRoutineTool(
            lambda owner, draft: routines(owner).preview(draft),
            lambda owner, draft: routines(owner).add(draft),
        ),
        ListRoutinesTool(lambda owner: routines(owner).list_routines()),
    )
    others = (of_modules, any_task, of_time)
    return Toolboxes(BuiltinTools(others, host.task_infos), *others)
