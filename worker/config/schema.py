"""Every setting of the engine, declared once: type, default, limits, and the words for people.

Owns the declarations. It must not know where values come from; what is only about windows is the
desktop's own affair.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from worker.contract.addresses import is_web_address

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII)
_WEB_ADDRESS = re.compile(r"https?://[^\s/]+", re.ASCII)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_PROXY_ADDRESS = re.compile(r"(https?|socks5h?)://[^\s/]+", re.ASCII)


def _no_bool(value: object) -> object:
    if isinstance(value, bool):  # which pydantic would take as 0 or 1
        raise ValueError("A number is expected")
    return value


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part for part in (part.strip() for part in value.split(",")) if part)
    return value


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError("Pairs such as worker.agent=DEBUG are expected, with commas between them")
    return {name.strip(): level.strip() for name, _, level in pairs}


def _level(value: object) -> object:
    if isinstance(value, str):
        value = value.strip().upper()
        return "WARNING" if value == "WARN" else value
    return value


def _clock(value: str) -> str:
    if value and not _CLOCK.fullmatch(value):
        raise ValueError("A time such as 22:00 is expected")
    return value


def _address(value: str) -> str:
    if value and not _ADDRESS.match(value):
        raise ValueError("An address such as redis://localhost:6379/0 is expected")
    return value


def login_in(base_url: str, proxy: str = "") -> str:
    """Why these addresses of a provider cannot be used, where a name or password stands in one:
    they are kept and shown as they are. "" where none does."""
    if _names_somebody(base_url):
        return "A name or password cannot stand in the address; give it as the key"
    if _names_somebody(proxy):
        return (
            "A name or password cannot stand in the proxy's address; leave the proxy empty, and"
            " put the address into the variable HTTPS_PROXY or the system's proxy settings"
        )
    return ""


def _names_somebody(address: str) -> bool:
    # Not by urlsplit: who reads the address later may see another end of the host.
    return "@" in re.split(r"[/?#]", address.partition("://")[2], maxsplit=1)[0]


def _web_address(value: str) -> str:
    if not _WEB_ADDRESS.match(value) or not is_web_address(value):
        raise ValueError("An address such as https://api.openai.com/v1 is expected")
    if fault := login_in(value):
        raise ValueError(fault)
    return value


def _proxy_address(value: str) -> str:
    if value and not _PROXY_ADDRESS.match(value):
        raise ValueError("An address such as http://proxy:8080 or socks5://proxy:1080 is expected")
    if fault := login_in("", value):
        raise ValueError(fault)
    return value


Count: TypeAlias = Annotated[int, BeforeValidator(_no_bool)]
Number: TypeAlias = Annotated[float, BeforeValidator(_no_bool)]
Clock: TypeAlias = Annotated[str, AfterValidator(_clock)]
Address: TypeAlias = Annotated[str, AfterValidator(_address)]
Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_split)]
LevelName: TypeAlias = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_level)
]
Levels: TypeAlias = Annotated[dict[str, LevelName], BeforeValidator(_pairs)]


class Section(BaseModel):
    """Settings that belong together. What is wrong is never shown in an error: it may be secret."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
    )


def _unit(unit: str) -> JsonDict:
    return {"unit": unit}


class Models(Section):
    """What is asked of a model, and how long it may take."""

    default_provider: str = Field(
        "", title="Default provider", description="Asked where a chat has chosen none."
    )
    default_model: str = Field(
        "", title="Default model", description="Empty: the model of the default provider."
    )
    temperature: Number = Field(
        0.7,
        ge=0,
        le=2,
        title="Temperature",
        description="Low values answer soberly, high ones with more fancy.",
    )
    max_tokens: Count = Field(
        2000,
        ge=1,
        le=1_000_000,
        title="Answer length",
        description="The most that one answer may have.",
        json_schema_extra=_unit("tokens"),
    )
    connect_timeout: Number = Field(
        10.0,
        ge=0.1,
        le=600,
        title="Connect within",
        description="How long to wait for a server to take the call.",
        json_schema_extra=_unit("s"),
    )
    chunk_timeout: Number = Field(
        60.0,
        ge=0.1,
        le=3600,
        title="Silence at most",
        description="How long a server may send nothing, before its first word too.",
        json_schema_extra=_unit("s"),
    )
    total_timeout: Number = Field(
        600.0,
        ge=1,
        le=86_400,
        title="Answer within",
        description="How long one call to a model may take in all.",
        json_schema_extra=_unit("s"),
    )
    system_prompt: str = Field(
        "", title="Instructions", description="Said to the model at the beginning of every chat."
    )


class Agent(Section):
    """How far the assistant may go by itself."""

    max_rounds: Count = Field(
        8,
        ge=1,
        le=100,
        title="Rounds",
        description="How often the model may call tools before it has to answer.",
    )
    tool_timeout: Number = Field(
        60.0,
        ge=0.1,
        le=3600,
        title="Tool within",
        description="How long one call of a tool may take.",
        json_schema_extra=_unit("s"),
    )
    tool_result_limit: Count = Field(
        20_000,
        ge=100,
        le=10_000_000,
        title="Tool result at most",
        description="What is longer is cut before the model reads it.",
        json_schema_extra=_unit("characters"),
    )


class Chat(Section):
    """Conversations."""

    automatic_titles: bool = Field(
        True, title="Title chats automatically", description="The model finds a title."
    )
    reuse_answers: bool = Field(
        True,
        title="Use answers again",
        description="What was asked a while ago is not asked again; the answer says so.",
    )
    text_limit: Number = Field(
        1.0,
        gt=0,
        le=100,
        title="Text file at most",
        description="Larger text files cannot be attached.",
        json_schema_extra=_unit("MB"),
    )
    image_limit: Number = Field(
        10.0,
        gt=0,
        le=100,
        title="Image at most",
        description="Larger images cannot be attached.",
        json_schema_extra=_unit("MB"),
    )


class Celery(Section):
    """Background work."""

    broker_url: Address = Field(
        "",
        repr=False,
        title="Broker",
        description="Where tasks are queued. Empty: the bundled broker, which needs no server.",
    )
    result_backend: Address = Field(
        "",
        repr=False,
        title="Result backend",
        description="Where results are kept. Empty: with the bundled broker, or the broker's own.",
    )
    concurrency: Count = Field(
        4,
        ge=1,
        le=64,
        title="Tasks at once",
        description="How many tasks run at the same time.",
        json_schema_extra=_unit("threads"),
    )


class Api(Section):
    """The engine over HTTP."""

    host: Literal["127.0.0.1"] = Field(
        "127.0.0.1", title="Host", description="Only this machine can reach it."
    )
    port: Count = Field(8765, ge=1, le=65_535, title="Port", description="Where it listens.")


class Storage(Section):
    """Where the data is."""

    database_url: Address = Field(
        "",
        repr=False,
        title="Database",
        description="Empty: a file in the data folder.",
    )


class Data(Section):
    """What is kept, and how long."""

    backup_daily: bool = Field(
        True,
        title="Back up daily",
        description="The newest 7 copies are kept, and one for each of 4 weeks.",
    )
    keep_runs_days: Count = Field(
        30,
        ge=1,
        le=3650,
        title="Keep finished work",
        description="Older entries of the activity list are removed.",
        json_schema_extra=_unit("days"),
    )
    keep_deleted_days: Count = Field(
        30,
        ge=0,
        le=3650,
        title="Keep deleted chats",
        description="Until then they can be brought back.",
        json_schema_extra=_unit("days"),
    )


class Reminders(Section):
    """When one is reminded, and when not."""

    quiet_from: Clock = Field(
        "", title="Quiet from", description="Reminders are kept back from then on, e.g. 22:00."
    )
    quiet_to: Clock = Field(
        "", title="Quiet until", description="What was kept back is told then, e.g. 07:00."
    )
    missed: Literal["notify", "list", "skip"] = Field(
        "notify",
        title="Missed reminders",
        description="What becomes of times that passed while Nagatha was off.",
    )


class Modules(Section):
    """Plug-ins that were switched. Shipped ones are on, a person's own are off by themselves."""

    enabled: Names = Field((), title="Modules on", description="Names, with commas between them.")
    disabled: Names = Field((), title="Modules off", description="Names, with commas between them.")


class Logging(Section):
    """How much is written to the log."""

    level: LevelName = Field(
        "INFO", title="Log level", description="What is less important is not written."
    )
    components: Levels = Field(
        default_factory=dict,
        title="Levels of components",
        description="Pairs such as worker.agent=DEBUG, with commas between them.",
    )


class ProviderEntry(Section):
    """A model server. Its key is never here: see `worker.secrets`."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    name: str = Field("", max_length=200)
    base_url: Annotated[str, AfterValidator(_web_address)] = Field(repr=False)
    model: str = ""
    proxy: Annotated[str, AfterValidator(_proxy_address)] = Field("", repr=False)


class _Layer(PydanticBaseSettingsSource):
    """What one source says, checked already."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, object]) -> None:
        super().__init__(settings_cls)
        self._values = dict(values)

    def get_field_value(self, field: object, field_name: str) -> tuple[object, str, bool]:
        """The value of a field, as pydantic-settings asks for it."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, object]:
        return self._values


class Settings(BaseSettings):
    """All settings. Without layers: the defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    models: Models = Models()
    agent: Agent = Agent()
    chat: Chat = Chat()
    celery: Celery = Celery()
    api: Api = Api()
    storage: Storage = Storage()
    data: Data = Data()
    reminders: Reminders = Reminders()
    modules: Modules = Modules()
    logging: Logging = Logging()
    providers: tuple[ProviderEntry, ...] = ()

    @classmethod
    def of(cls, *layers: Mapping[str, object]) -> Self:
        """Merge nested mappings, the most important first. Raises pydantic.ValidationError."""
        make: Callable[..., Self] = cls
        return make(layers=layers)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The layers that were handed in, and nothing else: their origin is kept by `load`."""
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        return tuple(_Layer(settings_cls, layer) for layer in given.get("layers", ()))


SECTIONS: Mapping[str, type[Section]] = MappingProxyType(
    {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }
)
"""Name and class of each section."""

KEYS: tuple[str, ...] = tuple(
    f"{section}.{field}" for section, cls in SECTIONS.items() for field in cls.model_fields
)
"""All dotted keys, in the order in which a dialog shows them."""
