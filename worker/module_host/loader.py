"""Importing one module, letting it register its tasks, asking for its heartbeat.

Owns how a module's code comes into the process and how its failures are told. Whatever the
module does (raise, hang, exit) ends here as a `Problem`. It must not know other modules.
"""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from worker.contract.types import JsonObject, Problem
from worker.module_host.bounded import TookTooLong, run_bounded
from worker.module_host.context import as_json
from worker.module_host.discovery import SHIPPED_PACKAGE, Found, broken
from worker.module_host.registry import ModuleRegistry, TaskSpec


@dataclass(frozen=True, slots=True)
class Loaded:
    """A module whose code is in the process."""

    code: ModuleType
    version: str
    description: str
    specs: tuple[TaskSpec, ...]


class LoadFailed(Exception):
    """The module cannot be used; `problem` says why, with the line where there is one."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def load(found: Found, seconds: float) -> Loaded:
    """Import a module and let it register its tasks, within `seconds`. Raises LoadFailed."""
    if found.problem is not None:
        raise LoadFailed(found.problem)
    registry = ModuleRegistry(found.name, found.options or {})
    doing = ["while it was imported"]

    def work() -> Loaded:
        code = _import(found)
        doing[0] = "in register_tasks"
        register = getattr(code, "register_tasks", None)
        if not callable(register):
            raise AttributeError("it has no function register_tasks(registry)")
        register(registry)
        first = (code.__doc__ or "").strip().split("\n\n", 1)[0]
        return Loaded(
            code,
            found.version or str(getattr(code, "__version__", "")),
            found.description or " ".join(first.split()),
            registry.close(),
        )

    try:
        return run_bounded(
            work, seconds, name=f"module {found.name}", folder=found.folder.resolve()
        )
    # A module may raise anything at all, and none of it may stop the program.
    except Exception as error:
        try:
            registry.close()
        except ValueError:
            pass  # Options that fit no task matter no more.
        forget(found)
        raise LoadFailed(problem_of(error, found, doing[0])) from error


def heartbeat(code: ModuleType, found: Found, seconds: float) -> JsonObject | None:
    """What the module's heartbeat says, None where it has none. Raises LoadFailed."""
    beat = getattr(code, "heartbeat", None)
    if beat is None:
        return None

    def work() -> Mapping[str, object]:
        told = as_json(beat(), "heartbeat()")
        if not isinstance(told, dict):
            raise TypeError("heartbeat() must return a dict")
        return told

    try:
        return run_bounded(
            work, seconds, name=f"module {found.name}", folder=found.folder.resolve()
        )
    # As above: whatever it raises.
    except Exception as error:
        raise LoadFailed(problem_of(error, found, "in its heartbeat")) from error


def forget(found: Found) -> None:
    """Take a module's code out of `sys.modules`, so that the next load reads it anew."""
    name = import_name(found)
    # A list of the names at once: other threads import meanwhile.
    for known in list(sys.modules):
        if known == name or known.startswith(f"{name}."):
            sys.modules.pop(known, None)


def import_name(found: Found) -> str:
    """The name a module has in `sys.modules`: a private one for a person's own."""
    if _is_shipped(found):
        return f"{SHIPPED_PACKAGE}.{found.name}"
    place = hashlib.sha256(str(found.folder.resolve()).encode(errors="surrogateescape"))
    return f"_nagatha_module_{place.hexdigest()[:12]}_{found.name}"


class _Fresh(SourceFileLoader):
    """Reads the source each time: who mends a module and switches it on again sees the change,
    also within the second that a cached file would be taken for current."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _is_shipped(found: Found) -> bool:
    if found.source != "shipped":
        return False
    package = importlib.util.find_spec(SHIPPED_PACKAGE)
    places = package.submodule_search_locations if package is not None else None
    return str(found.folder.parent) in list(places or ())


def _import(found: Found) -> ModuleType:
    name = import_name(found)
    if _is_shipped(found):
        return importlib.import_module(name)
    file = found.folder.resolve() / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        name,
        file,
        loader=_Fresh(name, str(file)),
        submodule_search_locations=[str(file.parent)],
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be imported")
    code = importlib.util.module_from_spec(spec)
    sys.modules[name] = code
    spec.loader.exec_module(code)
    return code


def problem_of(error: BaseException, found: Found, doing: str) -> Problem:
    """What a person reads of a module's failure: what it was doing, why, and the line."""
    if isinstance(error, TookTooLong):
        place = f", at {_place(found, error.file, error.line)}" if error.line else ""
        return broken(
            found.name, f"It had not come back within {error.seconds:g} s {doing}{place}."
        )
    file, line = line_of(error, found.folder)
    place = f" ({_place(found, file, line)})" if line else ""
    why = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = type(error).__name__
    told = f"It failed {doing}: {kind}: {why}" if why else f"It failed {doing}: {kind}"
    return broken(found.name, f"{told}{place}.")


def line_of(error: BaseException, folder: Path) -> tuple[str, int]:
    """The file (relative to `folder`) and line in a module that an exception came from."""
    folder = folder.resolve()
    if isinstance(error, SyntaxError) and error.filename:
        file = Path(error.filename)
        if file.is_relative_to(folder):
            return str(file.relative_to(folder)), error.lineno or 0
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(folder):
            return str(file.relative_to(folder)), frame.lineno or 0
    return "", 0


def _place(found: Found, file: str, line: int) -> str:
    return f"{found.name}/{file}, line {line}"
