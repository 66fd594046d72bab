"""What each source says: the environment, ./nagatha.yaml, the data folder's file.

Owns the names in the environment and the checking of each source by itself, so that one wrong
value costs only itself. It must not know which source wins.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from pydantic import ValidationError

from worker.config.files import Document
from worker.config.schema import KEYS, SECTIONS, ProviderEntry
from worker.contract.types import Problem

Source: TypeAlias = Literal["default", "file", "project", "environment"]

PREFIX = "NAGATHA_"
OTHER_VARIABLES: frozenset[str] = frozenset({"NAGATHA_HOME"})
"""Variables with the prefix that are no settings. NAGATHA_TEST_* are left to tests."""
BROKERS = ("redis://", "rediss://", "amqp://", "amqps://", "pyamqp://", "nagatha+file://")
"""How the address of a broker that can be used begins."""
RESERVED_PROVIDERS: frozenset[str] = frozenset({"builtin"})
OPENAI_URL = "https://api.openai.com/v1"
GEMINI_URL = "https://generativelanguage.googleapis.com/v1beta/openai/"

VARIABLES: Mapping[str, str] = MappingProxyType(
    {PREFIX + key.replace(".", "_").upper(): key for key in KEYS}
    | {"NAGATHA_DATABASE_URL": "storage.database_url", "NAGATHA_LOG_LEVEL": "logging.level"}
)
"""Our own variables and their keys."""
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "CELERY_BROKER_URL": "celery.broker_url",
        "CELERY_RESULT_BACKEND": "celery.result_backend",
        "OPENAI_TEMPERATURE": "models.temperature",
        "OPENAI_MAX_TOKENS": "models.max_tokens",
        "LOG_LEVEL": "logging.level",
    }
)
"""Published variables that other programs use too; our own come before them."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says, checked: only what is right is in `values`."""

    source: Source
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    """By dotted key."""
    providers: tuple[ProviderEntry, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What is wrong and was left out."""
    warnings: tuple[Problem, ...] = ()
    """What is wrong, but perhaps not meant for this program."""


def nested(values: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """{"models.temperature": 1} as {"models": {"temperature": 1}}."""
    tree: dict[str, dict[str, object]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        tree.setdefault(section, {})[name] = value
    return tree


def check(key: str, value: object) -> object:
    """The value of a known key as its type; raises ValueError with words for a person."""
    section, _, name = key.partition(".")
    try:
        return getattr(SECTIONS[section].model_validate({name: value}), name)
    except ValidationError as error:
        raise ValueError(reason(error)) from None


def check_written(key: str, value: object) -> object:
    """As `check`, for what somebody wrote for this program; the environment's CELERY_BROKER_URL
    may be there for another one, and must not keep this one from starting."""
    found = check(key, value)
    if key == "celery.broker_url" and found and not str(found).startswith(BROKERS):
        raise ValueError(
            f"an address begins with {', '.join(BROKERS[:-1])} or {BROKERS[-1]}; it is empty for"
            " the bundled broker"
        )
    return found


def reason(error: ValidationError) -> str:
    """Why a value is wrong, without the value: it may be secret."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    text = first["msg"].removeprefix("Value error, ").removeprefix("Input should ")
    if text.startswith("be "):
        text = f"it should {text}"
    return text[:1].lower() + text[1:]


def nearest(word: str, known: tuple[str, ...]) -> str:
    """A sentence that names what was probably meant, or where to look."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), folded, 1, 0.6)
    return f"Did you mean {folded[close[0]]}?" if close else ""


def nearest_key(key: str) -> str:
    """As `nearest`, for a key: compares the last part too, where the section is wrong."""
    if hint := nearest(key, KEYS):
        return hint
    name = key.rpartition(".")[2]
    close = difflib.get_close_matches(name.lower(), [k.partition(".")[2] for k in KEYS], 1, 0.75)
    meant = next((k for k in KEYS if close and k.partition(".")[2] == close[0]), "")
    return f"Did you mean {meant}?" if meant else "See `nagatha config` for all of them."


def wrong(message: str, remedy: str, title: str = "A setting is wrong") -> Problem:
    """The problem that a wrong setting is."""
    return Problem("invalid", title, message, remedy, action="settings")


# the environment -----------------------------------------------------------------------------


def from_environment(environ: Mapping[str, str]) -> Layer:
    """What the variables say. Keys to models are not among it: see `worker.secrets`."""
    values: dict[str, object] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for variable, key in ALIASES.items():
        if text := environ.get(variable, "").strip():
            _take(variable, key, text, values, warnings)
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        if variable in OTHER_VARIABLES or variable.startswith("NAGATHA_TEST_"):
            continue
        known = VARIABLES.get(variable)
        if known is None:
            hint = nearest(variable, (*VARIABLES, *sorted(OTHER_VARIABLES)))
            known_ones = f"Known are {', '.join(sorted((*VARIABLES, *OTHER_VARIABLES)))}."
            problems.append(wrong(f"The variable {variable} is not known.", hint or known_ones))
        elif environ[variable].strip() or _default(known) == "":
            _take(variable, known, environ[variable].strip(), values, problems)
    return Layer(
        "environment",
        values,
        _environment_providers(environ, warnings),
        tuple(problems),
        tuple(warnings),
    )


def redis_layer(environ: Mapping[str, str]) -> Layer:
    """REDIS_HOST and REDIS_PORT: the broker and the results where nothing else names them."""
    host = environ.get("REDIS_HOST", "").strip()
    port = environ.get("REDIS_PORT", "").strip()
    if not host and not port:
        return Layer("environment")
    if port and not port.isdecimal():
        # Container platforms set it to tcp://… for any service of that name.
        hint = "A number such as 6379 is expected; it was ignored."
        return Layer("environment", warnings=(wrong("REDIS_PORT is no number.", hint),))
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    address = f"redis://{host or 'localhost'}:{port or '6379'}/0"
    return Layer("environment", {"celery.broker_url": address, "celery.result_backend": address})


def _take(
    variable: str, key: str, text: str, values: dict[str, object], problems: list[Problem]
) -> None:
    try:
        values[key] = check(key, text)
    except ValueError as error:
        problems.append(wrong(f"{variable}: {error}.", "Change the variable, or remove it."))


def _default(key: str) -> object:
    section, _, name = key.partition(".")
    return SECTIONS[section].model_fields[name].get_default(call_default_factory=True)


def _environment_providers(
    environ: Mapping[str, str], warnings: list[Problem]
) -> tuple[ProviderEntry, ...]:
    found: list[ProviderEntry] = []

    def add(variable: str, id_: str, name: str, base_url: str, model: str) -> None:
        try:
            found.append(ProviderEntry(id=id_, name=name, base_url=base_url, model=model))
        except ValidationError as error:
            warnings.append(wrong(f"{variable}: {reason(error)}.", "Change the variable."))

    base_url = environ.get("OPENAI_BASE_URL", "").strip()
    if base_url or environ.get("OPENAI_API_KEY", "").strip():
        model = environ.get("OPENAI_MODEL", "").strip()
        name = "OpenAI" if not base_url or "api.openai.com" in base_url else "OPENAI_BASE_URL"
        add("OPENAI_BASE_URL", "openai", name, base_url or OPENAI_URL, model)
    if environ.get("GEMINI_API_KEY", "").strip():
        add("GEMINI_API_KEY", "gemini", "Gemini", GEMINI_URL, "")
    return tuple(found)


# files ---------------------------------------------------------------------------------------


def from_document(document: Document, source: Source) -> Layer:
    """What a file says."""
    if document.broken:
        title = "The settings cannot be read"
        hint = "Mend the file, or save a setting to begin a new one."
        text = f"{document.path}: {document.broken}."
        return Layer(source, problems=(wrong(text, hint, title),))
    values: dict[str, object] = {}
    providers: tuple[ProviderEntry, ...] = ()
    problems = [
        wrong(f"{_place(document, path)}: {'.'.join(path)} stands there twice.", "Remove one.")
        for path in document.twice
    ]
    for name, content in document.values.items():
        if content is None:
            continue
        if name == "providers":
            providers = _providers(document, content, source, problems)
        elif name not in SECTIONS:
            hint = nearest(name, (*SECTIONS, "providers")) or f"Known are {', '.join(SECTIONS)}."
            problems.append(wrong(f"{_place(document, (name,))}: {name} is not known.", hint))
        elif not isinstance(content, dict):
            problems.append(
                wrong(f"{_place(document, (name,))}: {name} has no names in it.", "Indent them.")
            )
        else:
            _section(document, name, content, values, problems)
    return Layer(source, values, providers, tuple(problems))


def _section(
    document: Document,
    section: str,
    content: Mapping[object, object],
    values: dict[str, object],
    problems: list[Problem],
) -> None:
    for name, value in content.items():
        key = f"{section}.{name}"
        place = _place(document, (section, str(name)))
        if key not in KEYS:
            problems.append(wrong(f"{place}: {key} is not known.", nearest_key(key)))
        elif value is not None:
            try:
                values[key] = check_written(key, value)
            except ValueError as error:
                problems.append(wrong(f"{place}: {key}: {error}.", "The default is used."))


def _providers(
    document: Document, content: object, source: Source, problems: list[Problem]
) -> tuple[ProviderEntry, ...]:
    if source == "project":
        # A folder from elsewhere must not be able to send the person's keys to its own server.
        hint = "Save them in Settings, or in the data folder's file."
        place = _place(document, ("providers",))
        problems.append(wrong(f"{place}: providers cannot be set there.", hint))
        return ()
    if not isinstance(content, list):
        place = _place(document, ("providers",))
        problems.append(wrong(f"{place}: providers is no list.", "Begin each with a dash."))
        return ()
    found: dict[str, ProviderEntry] = {}
    for index, item in enumerate(content):
        place = _place(document, ("providers", str(index)))
        try:
            entry = ProviderEntry.model_validate(item)
        except ValidationError as error:
            problems.append(_wrong_provider(place, error))
            continue
        if entry.id in found or entry.id in RESERVED_PROVIDERS:
            problems.append(wrong(f"{place}: the id {entry.id} is taken.", "Choose another."))
            continue
        found[entry.id] = entry
    return tuple(found.values())


def _wrong_provider(place: str, error: ValidationError) -> Problem:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        hint = nearest(name, tuple(ProviderEntry.model_fields))
        if "key" in name.lower() or "token" in name.lower():
            hint = "Keys are not kept in this file: give it in Settings and remove it here."
        return wrong(f"{place}: {name} is not known.", hint)
    return wrong(f"{place}: {name}: {reason(error)}.", "This provider was left out.")


def _place(document: Document, path: tuple[str, ...]) -> str:
    line = document.lines.get(path)
    return f"{document.path}, line {line}" if line else str(document.path)
