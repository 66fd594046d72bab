"""Schemas from signatures, and arguments made to fit them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import pytest

from worker.contract.errors import InvalidInput
from worker.module_host.schema import checked, schema_of, summary_of


def sample(
    text: str,
    count: int = 3,
    share: Annotated[float, "Between 0 and 1"] = 0.5,
    *,
    sure: bool = False,
    tags: list[str] | None = None,
    mode: Literal["quick", "slow"] = "quick",
    more: dict[str, int] = {},  # noqa: B006
    free: Any = None,
) -> str:
    """Does something
    over two lines.

    More about it.

    Args:
        text: What to work on,
            told over two lines.
        count (int): How many.
    """
    return text


SCHEMA = schema_of(sample)


def test_schema_of_a_function_says_types_defaults_and_descriptions() -> None:
    assert SCHEMA == {
        "type": "object",
        "properties": {
            "text": {
                "type": "string",
                "description": "What to work on, told over two lines.",
            },
            "count": {"type": "integer", "description": "How many.", "default": 3},
            "share": {"type": "number", "description": "Between 0 and 1", "default": 0.5},
            "sure": {"type": "boolean", "default": False},
            "tags": {
                "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                "default": None,
            },
            "mode": {"enum": ["quick", "slow"], "type": "string", "default": "quick"},
            "more": {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "default": {},
            },
            "free": {"default": None},
        },
        "required": ["text"],
        "additionalProperties": False,
    }


def test_summary_is_the_first_paragraph_on_one_line() -> None:
    assert summary_of(sample) == "Does something over two lines."


def test_schema_of_a_bound_function_leaves_the_context_out() -> None:
    def task(context: object, text: str) -> None: ...

    properties = schema_of(task, bind=True)["properties"]
    assert isinstance(properties, Mapping) and list(properties) == ["text"]


def test_schema_with_open_keywords_allows_more_arguments() -> None:
    def task(**rest: object) -> None: ...

    assert schema_of(task)["additionalProperties"] is True


def test_descriptions_are_read_from_param_fields_too() -> None:
    def task(text: str, count: int) -> None:
        """Works.

        :param text: what to
            work on
        :param int count: how many
        :returns: nothing
        """

    properties = schema_of(task)["properties"]
    assert properties == {
        "text": {"type": "string", "description": "what to work on"},
        "count": {"type": "integer", "description": "how many"},
    }


def _tuple_of_two(pair: tuple[int, str]) -> None: ...
def _date(day: date) -> None: ...
def _keys(table: dict[int, str]) -> None: ...
def _positional(text: str, /) -> None: ...
def _stars(*texts: str) -> None: ...
def _default(text: object = object()) -> None: ...
def _unknown(text: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (_tuple_of_two, "'pair'"),
        (_date, "'day'"),
        (_keys, "'table'"),
        (_positional, "'text'"),
        (_stars, "'texts'"),
        (_default, "'text'"),
        (_unknown, "Nowhere"),
    ],
)
def test_what_json_cannot_say_is_refused_by_name(function: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        schema_of(function)


def test_bind_without_a_parameter_is_refused() -> None:
    def task() -> None: ...

    with pytest.raises(ValueError, match="context"):
        schema_of(task, bind=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"text": "a"}, {"text": "a"}),
        ({"text": "3"}, {"text": "3"}),
        ({"text": "a", "count": "4"}, {"text": "a", "count": 4}),
        ({"text": "a", "count": 4.0}, {"text": "a", "count": 4}),
        ({"text": "a", "share": "0.25"}, {"text": "a", "share": 0.25}),
        ({"text": "a", "share": 1}, {"text": "a", "share": 1}),
        ({"text": "a", "sure": "yes"}, {"text": "a", "sure": True}),
        ({"text": "a", "sure": "False"}, {"text": "a", "sure": False}),
        ({"text": "a", "tags": '["x", "y"]'}, {"text": "a", "tags": ["x", "y"]}),
        ({"text": "a", "tags": ("x",)}, {"text": "a", "tags": ["x"]}),
        ({"text": "a", "tags": None}, {"text": "a", "tags": None}),
        ({"text": "a", "mode": "slow"}, {"text": "a", "mode": "slow"}),
        ({"text": "a", "more": '{"b": "2"}'}, {"text": "a", "more": {"b": 2}}),
        ({"text": "a", "free": [1, {"b": None}]}, {"text": "a", "free": [1, {"b": None}]}),
    ],
)
def test_arguments_that_fit_come_out_as_the_schema_wants(
    given: dict[str, object], expected: dict[str, object]
) -> None:
    found = checked(SCHEMA, given, "m.t")
    assert found == expected
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in expected.items()
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "“text” is missing"),
        ({"text": "a", "cuont": 1}, "It takes no “cuont”"),
        ({"text": 3}, "“text” must be text"),
        ({"text": "a", "count": "x"}, "“count” must be a whole number"),
        ({"text": "a", "count": 1.5}, "“count” must be a whole number"),
        ({"text": "a", "count": True}, "“count” must be a whole number"),
        ({"text": "a", "count": "[" * 100_000}, "“count” must be a whole number"),
        ({"text": "a", "share": "much"}, "“share” must be a number"),
        ({"text": "a", "sure": "perhaps"}, "“sure” must be true or false"),
        ({"text": "a", "sure": 1}, "“sure” must be true or false"),
        ({"text": "a", "tags": ["x", 3]}, "“tags” at [1] must be text"),
        ({"text": "a", "mode": "fast"}, '“mode” must be one of "quick", "slow"'),
        ({"text": "a", "more": {"b": "c"}}, "“more” at “b” must be a whole number"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(given: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(SCHEMA, given, "m.t")
    assert told in caught.value.problem.message
    assert "m.t" in caught.value.problem.title
    assert "text, count" in caught.value.problem.remedy


def _one(schema: dict[str, object], value: object) -> object:
    return checked({"properties": {"x": schema}}, {"x": value}, "m.t")["x"]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"minimum": 1, "type": "integer"}, 1, 0),
        ({"maximum": 5, "type": "integer"}, "5", "6"),
        ({"exclusiveMinimum": 0}, 0.1, 0),
        ({"exclusiveMaximum": 1}, 0.9, 1),
        ({"minLength": 2}, "ab", "a"),
        ({"maxLength": 2}, "ab", "abc"),
        ({"pattern": "^[a-z]+$"}, "abc", "a1"),
        ({"minItems": 1}, [1], []),
        ({"maxItems": 1}, [1], [1, 2]),
        ({"const": 3}, 3, 4),
        ({"enum": [1, "two"]}, "1", "3"),
        ({"enum": [1]}, 1, True),
        ({"type": ["integer", "null"]}, None, "x"),
        ({"oneOf": [{"type": "integer"}, {"type": "boolean"}]}, True, "x"),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, "3", "2"),
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"a": 1},
            {},
        ),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            {"a": 1},
            {"b": 1},
        ),
        ({"type": "object"}, {"a": 1}, [1]),
    ],
)
def test_limits_of_a_given_schema_hold(
    schema: dict[str, object], good: object, bad: object
) -> None:
    _one(schema, good)
    with pytest.raises(InvalidInput, match="“x”"):
        _one(schema, bad)


def test_text_stays_text_where_text_is_allowed() -> None:
    assert _one({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "3") == "3"
    assert _one({"type": ["integer", "string"]}, "3") == "3"


def test_schemas_without_properties_take_anything() -> None:
    given: Mapping[str, object] = {"a": [1], "b": "c"}
    assert checked({"type": "object"}, given, "m.t") == given


def test_sequences_are_lists() -> None:
    def task(texts: Sequence[str], pairs: tuple[int, ...] = ()) -> None: ...

    assert checked(schema_of(task), {"texts": ["a"], "pairs": (1, 2)}, "m.t") == {
        "texts": ["a"],
        "pairs": [1, 2],
    }
