from worker.contract.types import Usage
from worker.providers.base import Image, PromptMessage, ToolCall, ToolSpec
from worker.providers.tokens import (
    IMAGE,
    estimate_image,
    estimate_json,
    estimate_message,
    estimate_prompt,
    estimate_text,
    estimate_tools,
    estimate_usage,
)


def test_estimate_a_text_then_it_is_a_quarter_of_its_bytes() -> None:
    assert estimate_text("") == 0
    assert estimate_text("a") == 1
    assert estimate_text("a" * 400) == 100
    assert estimate_text("ü" * 400) == 200
    assert estimate_text("\ud800") == 1


def test_estimate_json_then_it_counts_more() -> None:
    assert estimate_json("x" * 18) == 10


def test_estimate_a_prompt_then_pictures_calls_and_overhead_count() -> None:
    call = ToolCall("c", "abcd", "x" * 18)
    message = PromptMessage("user", "a" * 40, images=(Image("image/png", b"x" * 9),), calls=(call,))
    assert estimate_message(message) == 10 + IMAGE + 1 + 10 + 4
    assert estimate_image() == IMAGE
    tool = ToolSpec("abcd", "a" * 8, {"a": 1})
    assert estimate_tools([tool]) == 1 + 2 + 5
    assert estimate_prompt([message, message], [tool]) == 2 * estimate_message(message) + 8


def test_estimate_usage_then_it_is_marked_as_an_estimate() -> None:
    used = estimate_usage([PromptMessage("user", "a" * 40)], (), PromptMessage("assistant", "abcd"))
    assert used == Usage(input=14, output=1, estimated=True)
