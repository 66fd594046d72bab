"""JSON schemas of tasks: made from signatures, and arguments checked against them.

Owns the part of JSON Schema that tasks need; keywords it does not know are taken as remarks.
It must not know modules or runs.
"""

import inspect
import json
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from worker.contract.errors import InvalidInput

_PLAIN: Mapping[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_WORDS: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing (null)",
    "array": "a list",
    "object": "an object",
}
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_UNSET = object()


# making ------------------------------------------------------------------------------------


def schema_of(function: Callable[..., object], *, bind: bool = False) -> dict[str, object]:
    """The JSON schema of a function's arguments, from its signature, hints and docstring.

    With `bind` the first parameter is the context and left out. Raises ValueError for what
    cannot be said in JSON, naming the parameter.
    """
    parameters = list(inspect.signature(function).parameters.values())
    if bind:
        if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
            raise ValueError("bind=True needs a first parameter for the context")
        parameters = parameters[1:]
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise ValueError(f"its type hints cannot be read: {error}") from error
    told = _described(inspect.getdoc(function) or "")
    properties: dict[str, object] = {}
    required: list[str] = []
    open_ended = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            open_ended = True
            continue
        if parameter.kind in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.VAR_POSITIONAL,
        ):
            raise ValueError(f"parameter {parameter.name!r} cannot be given by name")
        one = _schema_of_type(hints.get(parameter.name, object), parameter.name)
        if parameter.name in told:
            one.setdefault("description", told[parameter.name])
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
        else:
            one["default"] = _json_default(parameter.default, parameter.name)
        properties[parameter.name] = one
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": open_ended,
    }


def summary_of(function: Callable[..., object]) -> str:
    """The first paragraph of a function's docstring, on one line."""
    first = (inspect.getdoc(function) or "").split("\n\n", 1)[0]
    return " ".join(first.split())


def _schema_of_type(hint: object, name: str) -> dict[str, object]:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if hint in (object, inspect.Parameter.empty) or str(hint) == "typing.Any":
        return {}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        one = _schema_of_type(arguments[0], name)
        remark = next((extra for extra in arguments[1:] if isinstance(extra, str)), None)
        return one if remark is None else {**one, "description": remark}
    if origin is Literal:
        kinds = {_PLAIN.get(type(value), "") for value in arguments}
        values: dict[str, object] = {"enum": list(arguments)}
        if len(kinds) == 1 and "" not in kinds:
            values["type"] = kinds.pop()
        return values
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema_of_type(one, name) for one in arguments]}
    whole = origin or hint
    if whole in (list, tuple, Sequence):
        inner_types = [one for one in arguments if one is not Ellipsis]
        if whole is tuple and len(inner_types) > 1:
            raise ValueError(f"parameter {name!r}: a tuple holds one type, as tuple[str, ...]")
        listed: dict[str, object] = {"type": "array"}
        if inner_types:
            listed["items"] = _schema_of_type(inner_types[0], name)
        return listed
    if whole in (dict, Mapping):
        if arguments and arguments[0] is not str:
            raise ValueError(f"parameter {name!r}: the keys of JSON objects are text")
        made: dict[str, object] = {"type": "object"}
        inner = _schema_of_type(arguments[1], name) if arguments else {}
        if inner:
            made["additionalProperties"] = inner
        return made
    raise ValueError(f"parameter {name!r} has a type that JSON has not: {hint}")


def _json_default(value: object, name: str) -> object:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"the default of parameter {name!r} is not JSON") from error


def _described(text: str) -> dict[str, str]:
    """What a docstring says of each parameter: ":param x: ..." or lines under "Args:"."""
    told = {
        match[1]: " ".join(match[2].split())
        # Until the next ":field:", an empty line or the end.
        for match in re.finditer(r"^:param (?:\w+ )?(\w+):(.*?)(?=^:|^\s*$|\Z)", text, re.M | re.S)
    }
    section = re.search(r"^(?:Args|Arguments|Parameters):\n((?:[ \t]+.*\n?|\n)+)", text, re.M)
    if section is None:
        return told
    name, indent = "", None
    for line in section[1].splitlines():
        start = re.match(r"([ \t]+)(\w+)(?: \([^)]*\))?:\s*(.*)", line)
        if start is not None and (indent is None or start[1] == indent):
            indent, name = start[1], start[2]
            told[name] = start[3].strip()
        elif name and line.strip():
            told[name] = f"{told[name]} {line.strip()}".strip()
    return told


# checking ----------------------------------------------------------------------------------


def checked(
    schema: Mapping[str, object], arguments: Mapping[str, object], what: str
) -> dict[str, object]:
    """`arguments` as the schema wants them; `what` names the task.

    Text becomes a number, a bool, a list or an object where the schema asks for one and the
    text says one: the command line knows only text. Raises InvalidInput that names the
    parameter.
    """
    properties = _mapping(schema.get("properties"))
    required = schema.get("required")
    for name in required if isinstance(required, Sequence) else ():
        if name not in arguments:
            raise _wrong(what, f"“{name}” is missing.", properties)
    rest = schema.get("additionalProperties", True)
    result: dict[str, object] = {}
    for name, value in arguments.items():
        if name in properties:
            one = _mapping(properties[name])
        elif rest is False:
            raise _wrong(what, f"It takes no “{name}”.", properties)
        else:
            one = _mapping(rest)
        try:
            result[name] = _fitted(one, value)
        except _Misfit as error:
            raise _wrong(what, f"“{name}” {error}.", properties) from None
    return result


class _Misfit(Exception):
    """Why a value does not fit, as the end of a sentence that begins with its name."""


def _wrong(what: str, why: str, properties: Mapping[str, object]) -> InvalidInput:
    takes = ", ".join(properties) or "no arguments"
    return InvalidInput(f"{what} was not called rightly", why, f"It takes: {takes}.")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _fitted(schema: Mapping[str, object], value: object) -> object:
    for key in ("anyOf", "oneOf"):
        choices = schema.get(key)
        if isinstance(choices, Sequence):
            value = _first_fitting([_mapping(one) for one in choices], value)
    every = schema.get("allOf")
    for part in every if isinstance(every, Sequence) else ():
        value = _fitted(_mapping(part), value)
    kinds = schema.get("type")
    if kinds is not None:
        names = [kinds] if isinstance(kinds, str) else list(_sequence(kinds))
        value = _typed([str(one) for one in names], value)
    if "enum" in schema:
        value = _one_of(list(_sequence(schema["enum"])), value)
    if "const" in schema:
        value = _one_of([schema["const"]], value)
    _limits(schema, value)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [_inside(_mapping(schema["items"]), one, f"[{i}]") for i, one in enumerate(value)]
    if isinstance(value, dict) and ("properties" in schema or "additionalProperties" in schema):
        return _object(schema, value)
    return value


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _first_fitting(choices: Sequence[Mapping[str, object]], value: object) -> object:
    """The value by the first choice it fits as it is, else by the first that it can become."""
    fits: list[object] = []
    told: list[str] = []
    for choice in choices:
        try:
            found = _fitted(choice, value)
        except _Misfit as error:
            told.append(str(error))
            continue
        if found == value and type(found) is type(value):
            return found
        fits.append(found)
    if not fits:
        raise _Misfit(" or ".join(dict.fromkeys(told)) or "fits nothing")
    return fits[0]


def _typed(kinds: Sequence[str], value: object) -> object:
    for kind in kinds:
        found = _as_is(kind, value)
        if found is not _UNSET:
            return found
    if isinstance(value, str):
        for kind in kinds:
            found = _from_text(kind, value)
            if found is not _UNSET:
                return found
    raise _Misfit("must be " + " or ".join(_WORDS.get(kind, kind) for kind in kinds))


def _as_is(kind: str, value: object) -> object:
    match kind, value:
        case ("string", str()) | ("boolean", bool()) | ("null", None):
            return value
        case ("integer" | "number", bool()):
            return _UNSET
        case ("integer", int()) | ("number", int() | float()):
            return value
        case ("integer", float()) if value.is_integer():
            return int(value)
        case ("array", list() | tuple()):
            return list(value)
        case ("object", Mapping()):
            return dict(value)
    return _UNSET


def _from_text(kind: str, text: str) -> object:
    if kind == "boolean":
        word = text.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else _UNSET
    if kind == "string":
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _UNSET
    return _as_is(kind, value)


def _one_of(choices: Sequence[object], value: object) -> object:
    for choice in choices:
        if choice == value and isinstance(choice, bool) == isinstance(value, bool):
            return choice
    if isinstance(value, str):
        for choice in choices:
            if not isinstance(choice, str) and json.dumps(choice) == value.strip():
                return choice
    raise _Misfit("must be one of " + ", ".join(json.dumps(one) for one in choices))


def _limits(schema: Mapping[str, object], value: object) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        _within(schema, "minimum", "maximum", value, "")
        over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if isinstance(over, int | float) and value <= over:
            raise _Misfit(f"must be more than {over}")
        if isinstance(under, int | float) and value >= under:
            raise _Misfit(f"must be less than {under}")
    elif isinstance(value, str):
        _within(schema, "minLength", "maxLength", len(value), " characters")
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and re.search(pattern, value) is None:
            raise _Misfit(f"must look like {pattern}")
    elif isinstance(value, list):
        _within(schema, "minItems", "maxItems", len(value), " entries")


def _within(schema: Mapping[str, object], low: str, high: str, number: float, unit: str) -> None:
    least, most = schema.get(low), schema.get(high)
    if isinstance(least, int | float) and number < least:
        raise _Misfit(f"must be at least {least}{unit}")
    if isinstance(most, int | float) and number > most:
        raise _Misfit(f"must be at most {most}{unit}")


def _inside(schema: Mapping[str, object], value: object, place: str) -> object:
    try:
        return _fitted(schema, value)
    except _Misfit as error:
        raise _Misfit(f"at {place} {error}") from None


def _object(schema: Mapping[str, object], value: Mapping[str, object]) -> dict[str, object]:
    properties = _mapping(schema.get("properties"))
    rest = schema.get("additionalProperties", True)
    for name in _sequence(schema.get("required", ())):
        if name not in value:
            raise _Misfit(f"lacks “{name}”")
    result: dict[str, object] = {}
    for name, one in value.items():
        if name not in properties and rest is False:
            raise _Misfit(f"takes no “{name}”")
        result[name] = _inside(_mapping(properties.get(name, rest)), one, f"“{name}”")
    return result
