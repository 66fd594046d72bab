"""All modules: which there are, which are on, how each one is, and their tasks.

Owns the state of every module. Safe to call from several threads; `load`, `enable` and
`heartbeat` may take until the time limit and belong on a worker thread. It must not know
Celery, the settings file or who runs a task.
"""

import difflib
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from worker.contract.errors import NotFound
from worker.contract.system import ModuleInfo, TaskInfo
from worker.contract.types import JsonObject, Problem
from worker.module_host.discovery import Found, broken, find_modules, shipped_folder
from worker.module_host.loader import Loaded, LoadFailed, forget, heartbeat, load, problem_of
from worker.module_host.registry import TaskSpec

TIME_LIMIT = 10.0
"""Seconds that a module has to be imported and registered, and for a heartbeat."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Module:
    """One module as it is now."""

    found: Found
    loaded: Loaded | None = None
    problem: Problem | None = None
    heartbeat: JsonObject | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)
    """One load, heartbeat or switch at a time."""


class ModuleHost:
    """Finds, loads, switches and watches modules. One for each engine.

    `own` is the person's folder of modules, `shipped` the one that comes along (None for the
    program's). `enabled` and `disabled` are the names that the settings switch on and off;
    the host changes its copies in `enable` and `disable`, and who calls them stores them.
    """

    def __init__(
        self,
        own: Path | None,
        *,
        shipped: Path | None = None,
        enabled: Iterable[str] = (),
        disabled: Iterable[str] = (),
        time_limit: float = TIME_LIMIT,
    ) -> None:
        self._own = own
        self._shipped = shipped if shipped is not None else shipped_folder()
        self._enabled = set(enabled)
        self._disabled = set(disabled)
        self._limit = time_limit
        self._modules: dict[str, _Module] = {}
        self._lock = threading.Lock()

    @property
    def enabled(self) -> tuple[str, ...]:
        """Names that are switched on, for `modules.enabled` of the settings."""
        with self._lock:
            return tuple(sorted(self._enabled))

    @property
    def disabled(self) -> tuple[str, ...]:
        """Names that are switched off, for `modules.disabled` of the settings."""
        with self._lock:
            return tuple(sorted(self._disabled))

    # finding and loading -------------------------------------------------------------------

    def start(self) -> tuple[ModuleInfo, ...]:
        """Find all modules and load those that are on, broken ones beside the others."""
        names = [info.name for info in self.discover() if self._is_on(info.name)]
        if names:
            # Side by side, so that three that hang cost one time limit and not three.
            with ThreadPoolExecutor(min(4, len(names)), "modules") as pool:
                list(pool.map(self.load, names))
        return self.modules()

    def discover(self) -> tuple[ModuleInfo, ...]:
        """Look what is in the folders; what is loaded stays, what is gone from there goes."""
        try:
            found = find_modules(self._shipped, self._own)
        except OSError as error:
            log.warning("The modules' folder cannot be read: %s", error)
            found = find_modules(self._shipped, None)
        with self._lock:
            known = self._modules
            self._modules = {}
            for one in found:
                module = known.get(one.name)
                if module is None or module.found.folder != one.folder:
                    module = _Module(one, problem=one.problem)
                elif module.loaded is None:
                    module.found = one
                    module.problem = one.problem or module.problem
                self._modules[one.name] = module
        return self.modules()

    def load(self, name: str) -> ModuleInfo:
        """Load a module, whether or not it is switched on; never raises for what it does.

        Raises NotFound for one that `discover` has not seen.
        """
        module = self._module(name)
        with module.turn:
            try:
                loaded = load(module.found, self._limit)
            except LoadFailed as error:
                log.warning("%s: %s", error.problem.title, error.problem.message)
                with self._lock:
                    module.loaded, module.problem = None, error.problem
            else:
                with self._lock:
                    module.loaded, module.problem = loaded, None
        return self.module(name)

    # switching -----------------------------------------------------------------------------

    def enable(self, name: str) -> ModuleInfo:
        """Switch on and load, a broken one anew. Raises NotFound."""
        self.discover()
        module = self._module(name)
        with self._lock:
            self._enabled.add(name)
            self._disabled.discard(name)
            running = module.loaded is not None
        return self.module(name) if running else self.load(name)

    def disable(self, name: str) -> ModuleInfo:
        """Switch off: its tasks are gone at once, what runs may end. Raises NotFound."""
        module = self._module(name)
        with self._lock:
            self._enabled.discard(name)
            self._disabled.add(name)
        return self._off(module.found.name)

    def follow(self, enabled: Iterable[str], disabled: Iterable[str]) -> tuple[ModuleInfo, ...]:
        """Take over what the settings say now; those that were switched by it, as they are then."""
        with self._lock:
            if (self._enabled, self._disabled) == (set(enabled), set(disabled)):
                return ()
        self.discover()
        before = {info.name: self._is_on(info.name) for info in self.modules()}
        with self._lock:
            self._enabled, self._disabled = set(enabled), set(disabled)
        switched = []
        for name, was_on in before.items():
            if self._is_on(name) != was_on:
                switched.append(self._off(name) if was_on else self.load(name))
        return tuple(switched)

    def _off(self, name: str) -> ModuleInfo:
        module = self._module(name)
        with module.turn:
            with self._lock:
                module.loaded, module.heartbeat = None, None
                module.problem = module.found.problem
            forget(module.found)
        return self.module(name)

    # asking --------------------------------------------------------------------------------

    def modules(self) -> tuple[ModuleInfo, ...]:
        """All that were found, by name."""
        with self._lock:
            return tuple(self._info(module) for module in self._modules.values())

    def module(self, name: str) -> ModuleInfo:
        """One of them. Raises NotFound."""
        module = self._module(name)
        with self._lock:
            return self._info(module)

    def tasks(self) -> tuple[TaskSpec, ...]:
        """The tasks of the modules that are on, by name."""
        with self._lock:
            loaded = [module.loaded for module in self._modules.values()]
        specs = [spec for one in loaded if one is not None for spec in one.specs]
        return tuple(sorted(specs, key=lambda spec: spec.name))

    def task_infos(self) -> tuple[TaskInfo, ...]:
        """The same, as the contract shows them."""
        return tuple(spec.info for spec in self.tasks())

    def spec(self, name: str) -> TaskSpec:
        """The task `name`. Raises NotFound, which says why there is none."""
        specs = {spec.name: spec for spec in self.tasks()}
        if name in specs:
            return specs[name]
        with self._lock:
            module = self._modules.get(name.partition(".")[0])
            info = self._info(module) if module is not None else None
        if info is not None and info.state == "off":
            why, what = f"The module “{info.name}” is switched off.", "Switch it on."
        elif info is not None and info.state == "broken" and info.problem is not None:
            why, what = f"{info.problem.title}. {info.problem.message}", info.problem.remedy
        else:
            near = difflib.get_close_matches(name, specs, 1)
            why = "No module that is on has it."
            what = f"Did you mean {near[0]}?" if near else "See the list of tasks."
        raise NotFound(f"There is no task “{name}”", why, what)

    def heartbeat(self, name: str) -> ModuleInfo:
        """Ask a module how it is; one that fails or hangs is broken from then on.

        Raises NotFound.
        """
        module = self._module(name)
        with module.turn:
            loaded = module.loaded
            if loaded is None:
                return self.module(name)
            try:
                told = heartbeat(loaded.code, module.found, self._limit)
            except LoadFailed as error:
                log.warning("%s: %s", error.problem.title, error.problem.message)
                with self._lock:
                    module.loaded, module.heartbeat = None, None
                    module.problem = error.problem
                forget(module.found)
            else:
                with self._lock:
                    module.heartbeat = told
        return self.module(name)

    def heartbeats(self) -> tuple[ModuleInfo, ...]:
        """Ask every module that is on."""
        return tuple(self.heartbeat(info.name) for info in self.modules() if info.state == "on")

    def problem_of(self, error: BaseException, task: str) -> Problem:
        """What a person reads of an exception that the task `task` raised, with its line."""
        problem = getattr(error, "problem", None)
        if isinstance(problem, Problem):
            return problem
        try:
            found = self._module(task.partition(".")[0]).found
        except NotFound:
            return Problem("task_failed", f"{task} failed", f"{type(error).__name__}: {error}")
        told = problem_of(error, found, f"in {task}")
        return replace(told, kind="task_failed", title=f"{task} failed", remedy="")

    # within --------------------------------------------------------------------------------

    def _module(self, name: str) -> _Module:
        with self._lock:
            module = self._modules.get(name)
            known = list(self._modules)
        if module is None:
            near = difflib.get_close_matches(name, known, 1)
            raise NotFound(
                f"There is no module “{name}”",
                "Neither the program nor the data folder has it.",
                f"Did you mean {near[0]}?" if near else "See the list of modules.",
            )
        return module

    def _is_on(self, name: str) -> bool:
        with self._lock:
            return self._wanted(self._modules[name].found)

    def _wanted(self, found: Found) -> bool:
        if found.name in self._disabled:
            return False
        if found.name in self._enabled:
            return True
        return found.source == "shipped" and found.enabled

    def _info(self, module: _Module) -> ModuleInfo:
        found, loaded = module.found, module.loaded
        problem = module.problem
        if problem is None and found.shadowed is not None:
            problem = broken(
                found.name,
                f"{found.shadowed} has the name of a module that comes with the program.",
                "Give it another name.",
            )
            problem = replace(problem, title=f"Another module “{found.name}” is left out")
        if loaded is not None:
            state = "on"
        elif not self._wanted(found) and found.problem is None:
            state = "off"
        else:
            state = "broken" if module.problem is not None else "off"
        return ModuleInfo(
            name=found.name,
            version=loaded.version if loaded is not None else found.version,
            description=loaded.description if loaded is not None else found.description,
            state="on" if state == "on" else "broken" if state == "broken" else "off",
            source=found.source,
            tasks=tuple(sorted(spec.name for spec in loaded.specs)) if loaded is not None else (),
            heartbeat=module.heartbeat,
            problem=problem,
        )
