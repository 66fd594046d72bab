"""What modules offer to the assistant, as tools.

Owns the names' way there and back and the calling of a task as a tool. It must not know how
modules are found, nor what a model is.
"""

import json
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from worker.contract.errors import NagathaError
from worker.module_host.context import ModuleTaskContext, RetryLater, call_async, module_logger
from worker.module_host.host import ModuleHost
from worker.module_host.registry import TaskSpec
from worker.tools.approval import Agreement
from worker.tools.base import Tool, ToolContext, ToolOutcome

Ask = Callable[[ToolContext, str, str], str]
"""Asks the default model for the tool's owner: context, prompt, system text; blocks."""
RunTask = Callable[[str, Mapping[str, object], ToolContext], Awaitable[str]]
"""Runs any module's task by name and returns what to tell the model. Raises NagathaError."""

_LONGEST = 200
"""Characters of an argument that a person is shown in a sentence; the rest is shown beside it."""
AT_ONCE = 4
"""Tasks that run as tools at the same time; a fifth is told to come later."""


def tool_name(task: str) -> str:
    """The name of a task as a model may write it: "echo_bot.echo" is "echo_bot__echo"."""
    return task.replace(".", "__", 1)


def task_name(tool: str) -> str:
    """The task behind a tool's name. Task names hold no two underscores in a row."""
    return tool.replace("__", ".", 1)


class ModuleTools:
    """A `Toolbox` of the tasks that were registered with `tool=True` and whose module is on."""

    def __init__(self, host: ModuleHost, ask: Ask) -> None:
        self._host = host
        self._ask = ask
        # Held until the task has really ended, not until somebody stopped waiting for it.
        self._places = threading.Semaphore(AT_ONCE)

    def tools(self) -> Sequence[Tool]:
        """Those that may be called now."""
        return tuple(
            ModuleTool(spec, self._host, self._ask, self._places)
            for spec in self._host.tasks()
            if spec.info.tool
        )


class ModuleTool:
    """One task as a tool; it runs in this process at once, not through the queue."""

    def __init__(
        self, spec: TaskSpec, host: ModuleHost, ask: Ask, places: threading.Semaphore
    ) -> None:
        self.name = tool_name(spec.name)
        self.title = spec.name
        self.description = spec.info.description
        self.parameters = spec.info.parameters
        self.source = spec.info.module
        self._host = host
        self._ask = ask
        self._places = places

    async def agreement(
        self, arguments: Mapping[str, object], context: ToolContext
    ) -> Agreement | None:
        """See `AskingTool.agreement`: where the task was registered so."""
        return agreement_for(self._host.spec(self.title), arguments)

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Run the task; when the waiting is given up, the task sees itself cancelled."""
        try:
            spec = self._host.spec(self.title)
        except NagathaError as error:
            return ToolOutcome(str(error), failed=True)
        if not self._places.acquire(blocking=False):
            return ToolOutcome(
                f"{AT_ONCE} tasks of modules are still at work. Try again later.", failed=True
            )
        cancelled = threading.Event()
        task_context = ModuleTaskContext(
            run_id=context.run,
            log=module_logger(spec.info.module),
            on_progress=lambda fraction, text: None,
            is_cancelled=cancelled.is_set,
            on_ask=partial(self._ask, context),
        )
        try:
            result = await call_async(
                spec, arguments, task_context, when_ended=self._places.release
            )
        except RetryLater as error:
            return ToolOutcome(f"It could not be done now: {error.reason}", failed=True)
        # A module may raise anything; the model is told what a person would be.
        except Exception as error:
            problem = self._host.problem_of(error, spec.name)
            told = (problem.title, problem.message, problem.remedy)
            return ToolOutcome(" ".join(part for part in told if part), failed=True)
        finally:
            cancelled.set()
        return ToolOutcome(result if isinstance(result, str) else json.dumps(result))


def agreement_for(spec: TaskSpec, arguments: Mapping[str, object]) -> Agreement | None:
    """What a person has to agree to before a task is called by the assistant."""
    if not spec.info.needs_approval:
        return None
    does = spec.info.description.strip().rstrip(".") or spec.name
    given = ", ".join(f"{name} = {_short(value)}" for name, value in arguments.items())
    return Agreement(spec.name, f"{does} ({spec.name}{': ' + given if given else ''})")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class RunTaskTool:
    """The tool that runs any task of any module that is on, through `run`."""

    name = "run_task"
    title = "Run a module's task"
    source = "builtin"
    description = (
        "Run a task of one of Nagatha's modules by its name, e.g. echo_bot.echo, and get its "
        "result."
    )

    def __init__(self, run: RunTask, spec: Callable[[str], TaskSpec]) -> None:
        """`spec` is the task of a name; raises NotFound."""
        self._run = run
        self._spec = spec
        self.parameters: Mapping[str, object] = {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "The task, as module.task"},
                "arguments": {
                    "type": "object",
                    "description": "Its arguments by name",
                    "additionalProperties": True,
                },
            },
            "required": ["name"],
            "additionalProperties": False,
        }

    async def agreement(
        self, arguments: Mapping[str, object], context: ToolContext
    ) -> Agreement | None:
        """See `AskingTool.agreement`: for a task that needs it, however it is called."""
        given = arguments.get("arguments", {})
        spec = self._spec(str(arguments.get("name")))
        return agreement_for(spec, given if isinstance(given, Mapping) else {})

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Run the task named."""
        name, given = arguments.get("name"), arguments.get("arguments", {})
        if not isinstance(name, str) or not isinstance(given, Mapping):
            return ToolOutcome("Give a task's “name” and its “arguments” object.", failed=True)
        try:
            return ToolOutcome(await self._run(name, given, context))
        except NagathaError as error:
            return ToolOutcome(str(error), failed=True)
