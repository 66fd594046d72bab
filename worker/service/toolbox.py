"""Everything that the assistant can call, put together.

Owns which toolboxes there are, and their order: of two tools with one name the first counts.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from worker.contract.reminders import Reminder
from worker.contract.time_services import ReminderService, RoutineService
from worker.module_host.host import ModuleHost
from worker.tools.base import Toolbox
from worker.tools.builtin import BuiltinTools, FixedTools, Toolboxes
from worker.tools.modules import Ask, ModuleTools, RunTask, RunTaskTool
from worker.tools.reminders import (
    SHOWN,
    CompleteReminderTool,
    CreateReminderTool,
    ListRemindersTool,
)
from worker.tools.routines import CreateRoutineTool, ListRoutinesTool


def all_tools(
    host: ModuleHost,
    *,
    ask: Ask,
    run: RunTask,
    routines: Callable[[str], RoutineService],
    reminders: Callable[[str], ReminderService],
) -> Toolbox:
    """The toolbox of an engine. `routines` and `reminders` are an owner's."""
    of_modules = ModuleTools(host, ask)
    any_task = FixedTools(RunTaskTool(run, host.spec))
    of_time = FixedTools(
        CreateRoutineTool(
            lambda owner, draft: routines(owner).preview(draft),
            lambda owner, draft: routines(owner).add(draft),
        ),
        ListRoutinesTool(lambda owner: routines(owner).list_routines()),
        *_of_reminders(reminders),
    )
    others = (of_modules, any_task, of_time)
    return Toolboxes(BuiltinTools(others, host.task_infos), *others)


def _of_reminders(
    reminders: Callable[[str], ReminderService],
) -> tuple[CreateReminderTool, ListRemindersTool, CompleteReminderTool]:
    async def add(owner: str, text: str, at: str, zone: str, rrule: str, chat: str) -> Reminder:
        return await reminders(owner).add(text, at, zone, rrule, chat=chat or None)

    async def remind(owner: str, line: str, chat: str, now: datetime) -> Reminder:
        return await reminders(owner).remind(line, now=now, chat=chat or None)

    async def open_ones(owner: str, query: str) -> Sequence[Reminder]:
        # One more than is shown, so that it can be said that there are more.
        service = reminders(owner)
        missed = await service.list_reminders("missed", query, SHOWN + 1)
        coming = await service.list_reminders("upcoming", query, SHOWN + 1)
        return tuple({one.id: one for one in (*missed, *coming)}.values())

    return (
        CreateReminderTool(add, remind),
        ListRemindersTool(open_ones),
        CompleteReminderTool(open_ones, lambda owner, name: reminders(owner).done(name)),
    )
