"""Finding modules: the folders there are, and what their config.yaml says.

Owns where modules are looked for and the meaning of config.yaml. It must not import a module:
that is the loader's, and happens only for those that are on.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import yaml

from worker.contract.types import Problem

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
"""Names of modules and tasks. Never two underscores in a row: they part a tool's name in two."""
SHIPPED_PACKAGE = "modules"
_RESERVED = frozenset({"celery", "nagatha", "worker", "modules"})
_KEYS = ("name", "version", "description", "enabled", "options")
OPTIONS = (
    "max_retries",
    "default_retry_delay",
    "time_limit",
    "rate_limit",
    "schedule",
    "tool",
    "needs_approval",
    "description",
)
"""What `options` in config.yaml may say for a task; it wins over what the code says."""

TaskOptions = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """A module as it lies on the disk, not imported."""

    name: str
    folder: Path
    source: Literal["shipped", "person"]
    version: str = ""
    """As config.yaml says; "" where only the code knows."""
    description: str = ""
    enabled: bool = True
    """Whether config.yaml has it on. A person's own module is off until switched on once."""
    options: Mapping[str, TaskOptions] | None = None
    """Task name (without the module's) to its options."""
    problem: Problem | None = None
    """Why it cannot be loaded at all."""
    shadowed: Path | None = None
    """Another module of the same name, which is left out."""


class WrongConfig(Exception):
    """config.yaml says something it cannot; the text names the line or the key."""


def shipped_folder() -> Path | None:
    """Where the modules lie that come with the program."""
    spec = find_spec(SHIPPED_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def find_modules(shipped: Path | None, own: Path | None) -> tuple[Found, ...]:
    """Every module in the two folders, by name; a missing folder holds none.

    Names that begin with "_" or "." are passed over. A person's module with the name of a
    shipped one is left out, and named in `shadowed` of that one.
    """
    found: dict[str, Found] = {}
    places = [_read(place, "shipped") for place in _folders(shipped)]
    places += [_read(place, "person") for place in _folders(own)]
    for one in places:
        known = found.get(one.name)
        if known is None:
            found[one.name] = one
        else:
            found[one.name] = replace(known, shadowed=one.folder)
    return tuple(found[name] for name in sorted(found))


def _folders(folder: Path | None) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    return sorted(
        place
        for place in folder.iterdir()
        if not place.name.startswith(("_", "."))
        and place.is_dir()
        # A frozen program keeps the code elsewhere; config.yaml is there as data.
        and any((place / name).is_file() for name in ("__init__.py", "config.yaml"))
    )


def _read(folder: Path, source: Literal["shipped", "person"]) -> Found:
    name = folder.name
    try:
        if NAME.fullmatch(name) is None or name in _RESERVED:
            raise WrongConfig(
                "The folder's name must be letters, digits and single underscores, and not "
                "a name that the program uses itself."
            )
        config = _config(folder / "config.yaml")
        if str(config.get("name", name)) != name:
            raise WrongConfig(
                f"config.yaml calls the module “{config['name']}”, its folder “{name}”."
            )
        return Found(
            name,
            folder,
            source,
            version=_text(config, "version"),
            description=_text(config, "description"),
            enabled=_enabled(config),
            options=_options(config),
        )
    except WrongConfig as error:
        return Found(name, folder, source, enabled=source == "shipped", problem=broken(name, error))


def broken(name: str, why: object, remedy: str = "") -> Problem:
    """The problem of a module that cannot be used."""
    return Problem(
        kind="module_broken",
        title=f"The module “{name}” does not work",
        message=str(why),
        remedy=remedy or "Mend it and switch it on again, or leave it off.",
    )


def _config(file: Path) -> Mapping[str, object]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise WrongConfig(f"config.yaml cannot be read: {error}") from error
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        why = getattr(error, "problem", None) or "it is no YAML"
        raise WrongConfig(f"config.yaml{line}: {why}.") from error
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise WrongConfig("config.yaml must hold keys and values.")
    _known(config, _KEYS, "config.yaml")
    return config


def _known(given: Mapping[object, object], known: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f" Did you mean “{near[0]}”?" if near else f" It knows {', '.join(known)}."
            raise WrongConfig(f"{where}: unknown key “{key}”.{hint}")


def _text(config: Mapping[str, object], key: str) -> str:
    value = config.get(key)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise WrongConfig(f"config.yaml: “{key}” must be text.")
    return " ".join(str(value).split())


def _enabled(config: Mapping[str, object]) -> bool:
    value = config.get("enabled", True)
    if not isinstance(value, bool):
        raise WrongConfig("config.yaml: “enabled” must be true or false.")
    return value


def _options(config: Mapping[str, object]) -> Mapping[str, TaskOptions]:
    value = config.get("options")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WrongConfig("config.yaml: “options” must name tasks, each with its options.")
    options: dict[str, TaskOptions] = {}
    for task, one in value.items():
        if not isinstance(one, dict):
            raise WrongConfig(f"config.yaml: the options of “{task}” must be keys and values.")
        _known(one, OPTIONS, f"config.yaml, options of “{task}”")
        options[str(task)] = one
    return options
