"""The values about the engine itself: providers, keys, models, settings, modules, health.

Owns their names and meaning; frozen, like those in `types`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from worker.contract.types import JsonObject, Problem

ProviderKind: TypeAlias = Literal["openai", "builtin"]
""""openai": any server that speaks chat.completions; "builtin": the program itself."""
KeyPlace: TypeAlias = Literal[
    "none", "not_needed", "keyring", "environment", "session", "file", "unreadable"
]
"""Where a key is kept. "unreadable": one is stored, but the keyring is locked or fails."""
SettingValue: TypeAlias = bool | int | float | str | None
Health: TypeAlias = Literal["ok", "warning", "failed", "off"]


@dataclass(frozen=True, slots=True)
class Provider:
    """A server that models are asked at."""

    id: str
    """A slug, e.g. "openai", "gemini", "openrouter", "ollama", "lmstudio", "custom-2"."""
    name: str
    base_url: str
    kind: ProviderKind = "openai"
    model: str = ""
    """The model used where none is chosen; "" until one is known."""
    key: KeyPlace = "none"
    local: bool = False
    """True for an address on this machine: no key needed, calls cost nothing."""
    source: Literal["settings", "environment", "builtin"] = "settings"
    """"environment" providers live for this process only and are never stored."""
    proxy: str = ""
    """An http:// or socks5:// address; "" for the system's proxy settings."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a provider offers."""

    id: str
    provider: str
    name: str
    context: int | None = None
    """Tokens that fit; None where the server does not say."""
    images: bool | None = None
    """Whether it sees images; None where unknown."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model at a provider."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class ProviderTest:
    """What the Test button found."""

    ok: bool
    seconds: float
    models: int | None = None
    """How many models the server lists; None where it has no list."""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class KeyringStatus:
    """Whether keys can be kept safely on this machine."""

    state: Literal["unknown", "ready", "locked", "missing"]
    backend: str = ""
    """E.g. "Secret Service"."""
    problem: Problem | None = None
    file_consent: bool = False
    """True when the person agreed to keep keys in a file with mode 0600."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the engine, with all that a dialog needs to show it."""

    key: str
    """Dotted, e.g. "models.temperature"."""
    value: SettingValue
    default: SettingValue
    source: Literal["default", "file", "project", "environment"]
    """"file": the data folder's; "project": ./nagatha.yaml; the last two cannot be set here."""
    kind: Literal["bool", "int", "float", "text", "choice"]
    title: str
    description: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task that a module registered."""

    name: str
    """module.task"""
    module: str
    description: str
    parameters: JsonObject
    """JSON schema of its arguments."""
    tool: bool
    """Whether the assistant may call it."""
    max_retries: int
    retry_delay: float
    """Seconds."""
    time_limit: float | None
    """Seconds; None for the engine's."""
    rate_limit: str
    """As Celery writes it, e.g. "10/m"; "" for none."""
    schedule: float | None
    """Seconds between two runs by Beat; None for none."""
    needs_approval: bool = False
    """Whether the assistant may call it only after the person agreed."""


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """A plug-in and how it is."""

    name: str
    version: str
    description: str
    state: Literal["on", "off", "broken"]
    source: Literal["shipped", "person"]
    tasks: tuple[str, ...] = ()
    heartbeat: JsonObject | None = None
    """What its heartbeat returned last; None where it has none or none yet."""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """A tool that the assistant may call."""

    name: str
    description: str
    parameters: JsonObject
    """JSON schema of its arguments."""
    source: str
    """"builtin" or the module's name."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """How the engine is, at one moment."""

    version: str
    data_folder: str
    broker: str
    """The broker's address without a password."""
    worker: Health
    beat: Health
    running: int
    """Runs at work now."""
    waiting: int
    """Runs queued."""
    failed: int
    """Runs that failed within the last 24 h."""
    notices: tuple[Problem, ...] = ()
    """What a person should know: settings kept aside, a database restored, a dead worker."""
    paused: bool = False
    """True while a person has paused background work: what is queued waits."""
    dead: int | None = 0
    """Messages that the broker gave up; None where the broker cannot be asked."""
    process: str = ""
    """The id of the process that the engine runs in, for `ReminderService.take`."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's."""

    name: str
    state: Health
    message: str
    remedy: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the database."""

    name: str
    """The file's name inside the backups folder."""
    created: datetime
    size: int
    """Bytes."""
    reason: Literal["daily", "person", "migration", "restore"]


@dataclass(frozen=True, slots=True)
class DataPlaces:
    """Where everything is, and how large."""

    home: str
    database: str
    backups: str
    logs: str
    configuration: str
    size: int
    """Bytes of the database and its attachments."""
    chats: int
    messages: int
    cached: int = 0
    """Answers kept to be used again."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What an export wrote or an import read."""

    path: str
    chats: int
    messages: int
    skipped: int = 0
    """Chats that an import left out because they were there already."""
