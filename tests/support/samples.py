"""Values of the contract for tests, made from its type hints.

Owns the strategies. It must not know single types: what the contract gains is covered.
"""

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20).filter(
    lambda text: _PAIR.search(text) is None
)
"""Any text there can be: NUL, lone surrogates, right to left. Two surrogates that make a pair
are not lone: JSON writes them as the character they stand for."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
_PLAIN: Mapping[object, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=50),
    type(None): st.none(),
    object: JSON,
    datetime: st.datetimes(timezones=st.just(UTC)),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
}


def samples(hint: Any) -> st.SearchStrategy[Any]:
    """A strategy for the values of a type of the contract."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([samples(one) for one in arguments])
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return st.lists(samples(arguments[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(samples(arguments[0]), samples(arguments[1]), max_size=3)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return st.builds(
            hint, **{field.name: samples(hints[field.name]) for field in dataclasses.fields(hint)}
        )
    raise TypeError(f"the contract has no values of {hint}")


def arguments_of(function: Callable[..., object]) -> st.SearchStrategy[dict[str, Any]]:
    """A strategy for all arguments of a method, by name."""
    hints = {name: hint for name, hint in get_type_hints(function).items() if name != "return"}
    return st.fixed_dictionaries({name: samples(hint) for name, hint in hints.items()})
