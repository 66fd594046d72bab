"""The contract's values from what `json.loads` returned, each of exactly its declared kind.

Owns the check: nothing is converted that only looks alike (no "no" for False, no "5" for 5), and
times are such that every part of the program can reckon with them. Text is kept to the letter,
which pydantic's JSON is not able to (lone surrogates). An error says where and what was expected,
never what stood there: that may be a person's words. It must not know which document it reads.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

YEARS = range(1970, 3000)
"""Times in other years come from a broken document, not from a wrong clock."""
_LARGEST = 2**53
"""Whole numbers up to here are the same in every JSON reader, and fit into a database."""

T = TypeVar("T")


class Misfit(ValueError):
    """A value is not of the expected kind; the text says where it stands, and what it is not."""


def read(cls: type[T], value: object, place: str) -> T:
    """The dataclass `cls` from a JSON object; fields with a default may be missing.

    `place` is where it stands, for the error. Raises Misfit.
    """
    return cast(T, _dataclass(cls, value, place))


def as_object(value: object, place: str) -> Mapping[str, object]:
    """A JSON object. Raises Misfit."""
    if not isinstance(value, dict):
        raise Misfit(f"{place}: an object is expected")
    return value


def as_list(value: object, place: str) -> list[object]:
    """A JSON list. Raises Misfit."""
    if not isinstance(value, list):
        raise Misfit(f"{place}: a list is expected")
    return value


def _dataclass(cls: type, value: object, place: str) -> object:
    given = as_object(value, place)
    known = _fields(cls)
    # The names of what is unknown are not told either: a document of another kind has any.
    if not given.keys() <= known.keys():
        raise Misfit(f"{place}: it has a part that is not known")
    missing = [name for name, (_, needed) in known.items() if needed and name not in given]
    if missing:
        raise Misfit(f"{place}: {missing[0]} is missing")
    return cls(**{name: _read(known[name][0], given[name], f"{place}.{name}") for name in given})


@cache
def _fields(cls: type) -> Mapping[str, tuple[object, bool]]:
    """The kind of each field, and whether it has to be there."""
    hints = get_type_hints(cls)
    return {
        field.name: (
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
    }


def _read(hint: object, value: object, place: str) -> object:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (kind,) = (one for one in inner if one is not types.NoneType)
        return None if value is None else _read(kind, value, place)
    if origin is tuple:
        return tuple(
            _read(inner[0], item, f"{place}[{number}]")
            for number, item in enumerate(as_list(value, place))
        )
    if origin is Literal:
        if not isinstance(value, str) or value not in inner:
            known = ", ".join(repr(one) for one in inner)
            raise Misfit(f"{place}: one of {known} is expected")
        return value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass(hint, value, place)
    return _PLAIN[cast(Any, hint)](value, place)


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise Misfit(f"{place}: text is expected")
    return value


def _truth(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise Misfit(f"{place}: true or false is expected")
    return value


def _whole(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise Misfit(f"{place}: a whole number from 0 on is expected")
    return value


def _number(value: object, place: str) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not -_LARGEST <= cast(float, value) <= _LARGEST:  # which leaves out NaN too
        raise Misfit(f"{place}: a number is expected")
    return float(cast(float, value))


def _time(value: object, place: str) -> datetime:
    try:
        time = datetime.fromisoformat(_text(value, place))
    except Misfit:
        raise
    except ValueError:
        raise Misfit(f"{place}: a time such as 2026-11-21T12:00:00+00:00 is expected") from None
    if time.tzinfo is None:
        raise Misfit(f"{place}: the time has no zone")
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        raise Misfit(f"{place}: the time is out of range") from None
    if time.year not in YEARS:
        raise Misfit(f"{place}: the time is out of range")
    return time


_PLAIN: Mapping[type, Callable[[object, str], object]] = types.MappingProxyType(
    {str: _text, bool: _truth, int: _whole, float: _number, datetime: _time}
)
