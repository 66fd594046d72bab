"""How the contract crosses HTTP: calls, results, errors and events as JSON, there and back.

Owns the form on the wire, which the routes and `RemoteClient` share so that it cannot drift.
Text survives whatever it holds, NUL and lone surrogates too (JSON escapes them; two that make
a pair come out as their character); bytes travel as base64, datetimes as ISO 8601 with their
zone, Decimals as text. Needs pydantic, so nobody
imports it who does not speak HTTP.
"""

import base64
import binascii
import dataclasses
import inspect
import json
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BeforeValidator, TypeAdapter, ValidationError

from worker.contract.errors import (
    AuthenticationError,
    Conflict,
    InvalidInput,
    ModelError,
    NagathaError,
    NotFound,
    StorageError,
    TooLarge,
    Unavailable,
    error_from,
)
from worker.contract.events import EVENT_TYPES, Event
from worker.contract.services import FEATURES
from worker.contract.types import Problem

PROBLEM_TYPE = "application/problem+json"
EVENTS_PATH = "/v1/events"
NOW_HEADER = "x-nagatha-now"
"""On the answer of the event stream: the server's clock when it began."""

_ERRORS: Mapping[str, type[NagathaError]] = {
    cls.__name__: cls
    for cls in (
        NagathaError,
        InvalidInput,
        NotFound,
        TooLarge,
        Conflict,
        Unavailable,
        StorageError,
        ModelError,
        AuthenticationError,
    )
}


# values ------------------------------------------------------------------------------------


def to_json(value: object) -> str:
    """Any value of the contract as JSON, in ASCII."""
    return json.dumps(value, default=_plain, separators=(",", ":"))


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} does not belong to the contract")


def _from_base64(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("is not base64") from error


def _on_the_wire(hint: object) -> object:
    """The type of a parameter or result as pydantic shall read it."""
    if hint is bytes:
        return Annotated[bytes, BeforeValidator(_from_base64)]
    if hint is datetime:
        return AwareDatetime
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(_on_the_wire(one) for one in get_args(hint))]  # noqa: UP007 - its members are known at run time only
    return hint


@cache
def _adapter(hint: object) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, _on_the_wire(hint)))


# calls -------------------------------------------------------------------------------------


class Method:
    """One use case: where it is called, what it takes, what it returns."""

    def __init__(self, feature: str, function: Callable[..., object]) -> None:
        self.feature = feature
        self.name = function.__name__
        self.path = f"/v1/{feature}/{self.name}"
        self.summary = (inspect.getdoc(function) or "").split("\n", 1)[0]
        self._function = function

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters, `self` left out."""
        signature = inspect.signature(self._function)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    @cached_property
    def _hints(self) -> Mapping[str, object]:
        return get_type_hints(self._function)

    def call_json(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
        """The body of a call. Raises TypeError as the call itself would."""
        return to_json(self.signature.bind(*args, **kwargs).arguments)

    def arguments_of(self, body: bytes | str) -> dict[str, Any]:
        """The arguments that a body holds. Raises InvalidInput that names the parameter."""
        try:
            given = json.loads(body or "{}", parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise self._wrong(f"The body is no JSON: {error}.") from error
        if not isinstance(given, dict):
            raise self._wrong("The body must be one JSON object.")
        parameters = self.signature.parameters
        for name in given:
            if name not in parameters:
                raise self._wrong(f"It takes no “{name}”.")
        for name, parameter in parameters.items():
            if name not in given and parameter.default is inspect.Parameter.empty:
                raise self._wrong(f"“{name}” is missing.")
        return {name: self._checked(name, value) for name, value in given.items()}

    def _checked(self, name: str, value: object) -> Any:
        try:
            return _adapter(self._hints[name]).validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            # Within a union the place names its members too, which tells people nothing.
            raise self._wrong(f"“{name}”: {first['msg']}.") from error

    def _wrong(self, why: str) -> InvalidInput:
        takes = ", ".join(self.signature.parameters) or "no parameters"
        return InvalidInput(f"{self.path} was not called rightly", why, f"It takes: {takes}.")

    def result_of(self, body: bytes | str) -> Any:
        """The result that an answer holds. Raises ValueError for what is none."""
        hint = self._hints["return"]
        value = json.loads(body)
        return None if hint is type(None) else _adapter(hint).validate_python(value)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not allowed")


@cache
def methods() -> tuple[Method, ...]:
    """Every method of every feature, made from the Protocols."""
    return tuple(
        Method(feature, function)
        for feature, protocol in FEATURES.items()
        for name, function in vars(protocol).items()
        if not name.startswith("_") and inspect.iscoroutinefunction(function)
    )


# errors ------------------------------------------------------------------------------------


def problem_json(error: NagathaError, status: int) -> str:
    """The body of an `application/problem+json` answer (RFC 9457) with all that `error` says."""
    problem = error.problem
    fields: dict[str, object] = {
        "type": f"urn:nagatha:problem:{problem.kind}",
        "status": status,
        "detail": problem.message,
        "error": type(error).__name__,
    }
    for field in dataclasses.fields(problem):
        fields[field.name] = getattr(problem, field.name)
    return to_json(fields)


def error_of(body: bytes | str) -> NagathaError | None:
    """The error that such a body tells of, as the class it was; None for a foreign body."""
    names = {field.name for field in dataclasses.fields(Problem)}
    try:
        fields = json.loads(body)
        known = {name: value for name, value in fields.items() if name in names}
        problem: Problem = _adapter(Problem).validate_python(known)
        name = fields.get("error")
    except (ValueError, RecursionError, AttributeError):
        return None
    cls = _ERRORS.get(name) if isinstance(name, str) else None
    if cls is None:
        return error_from(problem)
    error = cls(problem.title)
    error.problem = problem
    return error


# events ------------------------------------------------------------------------------------


@cache
def _event_types() -> Mapping[str, type]:
    kinds: dict[str, type] = {}
    for cls in EVENT_TYPES:
        (kind,) = (field.default for field in dataclasses.fields(cls) if field.name == "kind")
        kinds[str(kind)] = cls
    return kinds


def event_of(body: bytes | str) -> Event | None:
    """The event that `to_json` wrote; None for a kind that only a newer version knows.

    Raises ValueError for what is no event.
    """
    fields = json.loads(body)
    kind = fields.get("kind") if isinstance(fields, dict) else None
    if not isinstance(kind, str):
        raise ValueError("an event has a kind")
    cls = _event_types().get(kind)
    return None if cls is None else cast(Event, _adapter(cls).validate_python(fields))
