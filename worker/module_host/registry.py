"""What a module's `register_tasks` is handed, and the tasks that come out of it.

Owns `TaskSpec` and what a task may be called and may ask for. It must not know who runs a
task, nor where a module lies.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from worker.contract.system import TaskInfo
from worker.module_host.discovery import NAME, OPTIONS, TaskOptions
from worker.module_host.schema import schema_of, summary_of

_RATE = re.compile(r"\d+(/[smh])?")
_LONGEST_TOOL_NAME = 64


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A registered task: what it is, and the function that does it."""

    info: TaskInfo
    func: Callable[..., object]
    bind: bool
    """Whether the function's first argument is a TaskContext."""
    is_async: bool
    """Whether the function is a coroutine function, for the runtime loop."""

    @property
    def name(self) -> str:
        """module.task"""
        return self.info.name


class ModuleRegistry:
    """Gathers the tasks of one module, while its `register_tasks` runs and no longer."""

    def __init__(self, module: str, options: Mapping[str, TaskOptions]) -> None:
        self._module = module
        self._options = options
        self._specs: dict[str, TaskSpec] = {}
        self._open = True

    def close(self) -> tuple[TaskSpec, ...]:
        """What was registered; nothing can be any more.

        Raises ValueError for options of a task that there is not.
        """
        self._open = False
        known = {name.partition(".")[2] for name in self._specs}
        for task in self._options:
            if task not in known:
                raise ValueError(f"config.yaml has options for “{task}”, which is no task of it")
        return tuple(self._specs.values())

    def register_task(
        self,
        module: str,
        name: str,
        func: Callable[..., object],
        *,
        bind: bool = False,
        max_retries: int = 3,
        default_retry_delay: float = 60,
        time_limit: float | None = None,
        rate_limit: str = "",
        schedule: float | None = None,
        tool: bool = False,
        needs_approval: bool = False,
        description: str = "",
        parameters: Mapping[str, object] | None = None,
    ) -> None:
        """See `worker.contract.module_api.Registry`."""
        if not self._open:
            raise ValueError(f"{module}.{name} comes too late: tasks are registered at the start")
        if module != self._module:
            raise ValueError(f"a task of “{self._module}” cannot be named “{module}.{name}”")
        if not isinstance(name, str) or NAME.fullmatch(name) is None:
            raise ValueError(
                f"“{name}” is no name for a task: letters, digits and single underscores are"
            )
        full = f"{module}.{name}"
        if full in self._specs:
            raise ValueError(f"the task {full} is registered twice")
        if len(full) + 1 > _LONGEST_TOOL_NAME:
            raise ValueError(f"the name {full} is longer than {_LONGEST_TOOL_NAME - 1} characters")
        if not callable(func):
            raise ValueError(f"{full} is no function")
        try:
            schema = schema_of(func, bind=bind) if parameters is None else _object(parameters)
        except ValueError as error:
            raise ValueError(f"{full}: {error}") from error
        given: dict[str, object] = {
            "max_retries": max_retries,
            "default_retry_delay": default_retry_delay,
            "time_limit": time_limit,
            "rate_limit": rate_limit,
            "schedule": schedule,
            "tool": tool,
            "needs_approval": needs_approval,
            "description": description or summary_of(func),
        }
        info = _info(full, module, schema, given | dict(self._options.get(name, {})))
        self._specs[full] = TaskSpec(info, func, bind, inspect.iscoroutinefunction(func))


def _object(parameters: Mapping[str, object]) -> dict[str, object]:
    if parameters.get("type", "object") != "object":
        raise ValueError("parameters must be the JSON schema of an object")
    return {"type": "object", **parameters}


def _info(
    full: str, module: str, schema: Mapping[str, object], options: Mapping[str, object]
) -> TaskInfo:
    assert set(options) == set(OPTIONS)
    retries = _number(full, options, "max_retries", least=0)
    assert retries is not None
    delay = _number(full, options, "default_retry_delay", least=0)
    assert delay is not None
    limit, schedule = options["time_limit"], options["schedule"]
    rate = str(options["rate_limit"] or "")
    if rate and _RATE.fullmatch(rate) is None:
        raise ValueError(f"{full}: rate_limit is written as “10/m” (s, m or h), not “{rate}”")
    tool = options["tool"]
    if not isinstance(tool, bool):
        raise ValueError(f"{full}: tool must be true or false")
    needs_approval = options["needs_approval"]
    if not isinstance(needs_approval, bool):
        raise ValueError(f"{full}: needs_approval must be true or false")
    return TaskInfo(
        name=full,
        module=module,
        description=str(options["description"] or ""),
        parameters=schema,
        tool=tool,
        max_retries=int(retries),
        retry_delay=delay,
        time_limit=None if limit is None else _number(full, options, "time_limit", above=0),
        rate_limit=rate,
        schedule=None if schedule is None else _number(full, options, "schedule", least=1),
        needs_approval=needs_approval,
    )


def _number(
    full: str, options: Mapping[str, object], key: str, *, least: float = 0, above: float = -1
) -> float:
    value = options[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{full}: {key} must be a number")
    if not (value >= least and value > above and value < float("inf")):
        raise ValueError(
            f"{full}: {key} must be {f'at least {least:g}' if above < 0 else 'above 0'}"
        )
    if key == "max_retries" and value != int(value):
        raise ValueError(f"{full}: {key} must be a whole number")
    return value
