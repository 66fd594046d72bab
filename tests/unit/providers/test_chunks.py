"""Chunks as servers really send them."""

from typing import Any

import pytest

from worker.contract.types import Usage
from worker.providers.base import ToolCall
from worker.providers.chunks import Reader, whole


def chunk(finish: str | None = None, usage: Any = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"choices": [choice], "usage": usage}


def fragment(
    index: int | None, name: str | None = None, arguments: Any = None, id: str | None = None
) -> dict[str, Any]:
    return {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}


def calls(*fragments: dict[str, Any], finish: str = "tool_calls") -> tuple[ToolCall, ...]:
    reader = Reader("m")
    for one in fragments:
        reader.feed(chunk(tool_calls=[one]))
    reader.feed(chunk(finish))
    return reader.calls()


def test_calls_without_an_index_then_each_name_begins_one() -> None:
    assert calls(
        fragment(None, "a", '{"x"', "1"),
        fragment(None, None, ": 1}"),
        fragment(None, "b", "{}", "2"),
    ) == (ToolCall("1", "a", '{"x": 1}'), ToolCall("2", "b", "{}"))


def test_calls_that_all_say_index_0_then_another_id_begins_another() -> None:
    assert calls(
        fragment(0, "a", "{}", "1"),
        fragment(0, "b", "{", "2"),
        fragment(0, None, "}"),
    ) == (ToolCall("1", "a", "{}"), ToolCall("2", "b", "{}"))


def test_calls_with_repeated_names_and_ids_then_they_are_not_doubled() -> None:
    assert calls(
        fragment(0, "a", "{", "1"),
        fragment(0, "a", "}", "1"),
    ) == (ToolCall("1", "a", "{}"),)


def test_calls_with_missing_parts_then_they_are_made_up_or_left_out() -> None:
    assert calls(
        fragment(0, "a", None),
        fragment(1, "b", {"x": 1}),
        fragment(2, None, "{}"),
        fragment(3, "c", "{}", "call_0"),
    ) == (
        ToolCall("call_0", "a", "{}"),
        ToolCall("call_1", "b", '{"x": 1}'),
        ToolCall("call_3", "c", "{}"),
    )


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_calls_in_an_answer_that_was_cut_off_then_none_is_made(finish: str) -> None:
    assert calls(fragment(0, "a", '{"x', "1"), finish=finish) == ()


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("stop", "stop"),
        ("end_turn", "stop"),
        ("eos", "stop"),
        ("MAX_TOKENS", "length"),
        ("function_call", "tool_calls"),
        ("SAFETY", "content_filter"),
    ],
)
def test_reasons_of_servers_then_they_are_ours(sent: str, reason: str) -> None:
    reader = Reader("m")
    reader.feed(chunk(sent))
    assert reader.reason == reason


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7}, Usage(5, 7)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
            Usage(5, 7, 4),
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 7, "prompt_cache_hit_tokens": 2},
            Usage(5, 7, 2),
        ),
        ({"prompt_tokens": 5, "completion_tokens": None}, Usage(5, 0)),
        ({"prompt_tokens": "5", "completion_tokens": -1}, None),
        ({}, None),
        (None, None),
    ],
)
def test_usage_as_servers_send_it_then_only_counts_are_read(usage: Any, read: Usage | None) -> None:
    reader = Reader("m")
    reader.feed(chunk(usage=usage))
    assert reader.usage == read


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "a"),
        (None, ""),
        (5, ""),
        (["odd"], ""),
        ([{"type": "thinking", "thinking": []}, {"type": "text", "text": "b"}], "b"),
        ([{"type": "text", "text": None}], ""),
    ],
)
def test_contents_as_servers_send_them_then_text_is_read(content: Any, text: str) -> None:
    reader = Reader("m")
    assert reader.feed(chunk(content=content, tool_calls="odd")) == text
    assert reader.reason is None
    assert reader.model == "m"


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        "text",
        {},
        {"choices": None},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [{}]},
        {"choices": [{"delta": None, "finish_reason": 5}], "model": 5, "usage": []},
        {"choices": [{"delta": {"tool_calls": [None, {"function": 5, "index": "0"}]}}]},
    ],
)
def test_chunks_of_odd_shape_then_they_say_nothing(odd: Any) -> None:
    reader = Reader("m")
    assert reader.feed(odd) == ""
    assert (reader.reason, reader.usage, reader.model) == (None, None, "m")
    assert reader.calls() == ()
    assert reader.chunks == 1


def test_halves_of_characters_then_they_are_joined_or_replaced() -> None:
    reader = Reader("m")
    assert reader.feed(chunk(content="a\ud83c")) == "a"
    assert reader.feed(chunk(content="\udf89")) == "🎉"
    assert reader.feed(chunk(content="\udf89\ud83c")) == "\ufffd"
    assert reader.rest() == "\ufffd"
    assert reader.rest() == ""
    assert whole("ok ü") == "ok ü"
