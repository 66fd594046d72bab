"""Puts the sources together, and describes the result to a dialog.

Owns which source wins. It must not write, but for the copy of a file that is wrong.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from worker.config.files import keep_aside, read_document
from worker.config.layers import Layer, Source, from_document, from_environment, nested, redis_layer
from worker.config.schema import KEYS, SECTIONS, ProviderEntry, Settings
from worker.contract.addresses import is_local
from worker.contract.errors import InvalidInput, StorageError
from worker.contract.system import Provider, Setting, SettingValue
from worker.contract.types import Problem
from worker.logging import mask_passwords
from worker.paths import Paths

PROJECT_NAME = "nagatha.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The configuration, where each value comes from, and what was wrong."""

    settings: Settings
    sources: Mapping[str, Source]
    """By dotted key."""
    providers: tuple[Provider, ...] = ()
    """Those of the environment, then those of the settings; `key` is not filled in."""
    problems: tuple[Problem, ...] = ()
    """For `EngineStatus.notices`."""
    kept_aside: Path | None = None
    """The copy of the data folder's file, where that is wrong."""
    defaults: Settings = field(default_factory=Settings.of, repr=False)


def load(
    paths: Paths,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    *,
    strict: bool = True,
) -> Loaded:
    """Read the configuration; reads files, so not on the GUI thread.

    What is wrong in the data folder's file is a problem in the result: the default is used, the
    file stays as it is and a copy is kept beside it. What is wrong in a NAGATHA_* variable or in
    ./nagatha.yaml raises InvalidInput, or is a problem too where `strict` is off.
    """
    env = os.environ if environ is None else environ
    environment = from_environment(env)
    project = from_document(read_document(_folder(cwd) / PROJECT_NAME), "project")
    own = read_document(paths.config)
    file = from_document(own, "file")
    named = redis_layer(env)
    strictly = (*environment.problems, *project.problems)
    if strict and strictly:
        first, more = strictly[0], len(strictly) - 1
        also = f" ({more} more like this)" if more else ""
        raise InvalidInput(first.title, first.message + also, first.remedy, action="settings")
    problems = [*strictly, *environment.warnings, *named.warnings]
    aside = None
    if file.problems:
        aside, told = _aside(paths.config, file.problems, unreadable=own.unreadable)
        problems.extend(told)

    layers = (environment, project, file, named)
    settings = Settings.of(*(nested(layer.values) for layer in layers)).model_copy(
        update={"providers": file.providers}
    )
    sources: dict[str, Source] = dict.fromkeys(KEYS, "default")
    for layer in reversed(layers):
        sources.update(dict.fromkeys(layer.values, layer.source))
    return Loaded(
        settings=settings,
        sources=MappingProxyType(sources),
        providers=_providers(environment, file, env),
        problems=tuple(problems),
        kept_aside=aside,
    )


def describe(loaded: Loaded) -> tuple[Setting, ...]:
    """Every setting with all that a dialog needs. Passwords in addresses are shown as ***, and
    `save` takes them back like that."""
    return tuple(_describe(key, loaded) for key in KEYS)


def value_of(settings: Settings, key: str) -> object:
    """The value of a dotted key."""
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _folder(cwd: Path | None) -> Path:
    try:
        return cwd if cwd is not None else Path.cwd()
    except FileNotFoundError:  # the folder the program stands in was deleted
        return Path(os.devnull)


def _aside(
    path: Path, problems: tuple[Problem, ...], *, unreadable: bool
) -> tuple[Path | None, tuple[Problem, ...]]:
    if unreadable:
        return None, problems
    try:
        aside = keep_aside(path)
    except StorageError as error:
        note = f" No copy could be kept: {error.problem.title}."
        return None, tuple(replace(p, message=p.message + note) for p in problems)
    note = f" A copy was kept as {aside.name}."
    return aside, tuple(replace(p, message=p.message + note) for p in problems)


def _providers(environment: Layer, file: Layer, environ: Mapping[str, str]) -> tuple[Provider, ...]:
    found = [_provider(entry, "environment") for entry in environment.providers]
    taken = {provider.id for provider in found}
    model = environ.get("OPENAI_MODEL", "").strip()
    for entry in file.providers:
        if entry.id in taken:
            continue
        provider = _provider(entry, "settings")
        found.append(replace(provider, model=model) if model and entry.id == "openai" else provider)
    return tuple(found)


def _provider(entry: ProviderEntry, source: Literal["settings", "environment"]) -> Provider:
    return Provider(
        id=entry.id,
        name=entry.name or entry.id,
        base_url=entry.base_url,
        model=entry.model,
        local=is_local(entry.base_url),
        source=source,
        proxy=entry.proxy,
    )


def _describe(key: str, loaded: Loaded) -> Setting:
    section, _, name = key.partition(".")
    info = SECTIONS[section].model_fields[name]
    extra = info.json_schema_extra
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    return Setting(
        key=key,
        value=_shown(value_of(loaded.settings, key)),
        default=_shown(value_of(loaded.defaults, key)),
        source=loaded.sources[key],
        kind="choice" if choices else _kind(info.annotation),
        title=info.title or name,
        description=info.description or "",
        choices=choices,
        minimum=_limit(info, Ge, Gt),
        maximum=_limit(info, Le, Lt),
        unit=str(extra.get("unit", "")) if isinstance(extra, dict) else "",
    )


def _shown(value: object) -> SettingValue:
    if isinstance(value, str):
        return mask_passwords(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={level}" for name, level in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _kind(annotation: object) -> Literal["bool", "int", "float", "text"]:
    if annotation is bool:
        return "bool"
    if annotation is int:
        return "int"
    return "float" if annotation is float else "text"


def _limit(info: FieldInfo, *kinds: type[Ge | Gt | Le | Lt]) -> float | None:
    for item in info.metadata:
        for attribute, kind in (("ge", Ge), ("gt", Gt), ("le", Le), ("lt", Lt)):
            if kind in kinds and isinstance(item, kind):
                return float(getattr(item, attribute))
    return None
