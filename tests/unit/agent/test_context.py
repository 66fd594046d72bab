from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.agents import NOW, attachment, branch, message
from worker.agent.context import (
    Question,
    build_prompt,
    context_in,
    decoded,
    fenced,
    left_out_note,
    prompt_budget,
    smaller_budget,
    spaced,
)
from worker.agent.prompts import system_prompt
from worker.contract.errors import ModelError
from worker.providers.base import PromptMessage
from worker.providers.tokens import estimate_prompt


def said(question: Question, **changes: object) -> list[tuple[str, str]]:
    prompt = build_prompt(question, **changes)  # type: ignore[arg-type]
    return [(m.role, m.text) for m in prompt.messages]


def test_a_branch_then_its_turns_stand_after_the_system_prompt() -> None:
    assert said(Question(branch("a", "b", "c"), system="S")) == [
        ("system", "S"),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
    ]


def test_answers_that_failed_or_are_being_written_then_they_are_left_out() -> None:
    messages = (
        message("one", number=0),
        message("", "assistant", 1, state="failed"),
        message("two", number=2),
        message("partly", "assistant", 3, state="interrupted"),
        message("three", number=4),
        message("so far", "assistant", 5, state="streaming"),
    )
    assert said(Question(messages)) == [
        ("user", "one\n\ntwo"),
        ("assistant", "partly"),
        ("user", "three"),
    ]


def test_system_messages_in_a_branch_then_they_join_the_system_prompt() -> None:
    messages = (message("Be kind.", "system"), message("Hi", number=1))
    assert said(Question(messages, system="S")) == [("system", "S\n\nBe kind."), ("user", "Hi")]


def test_text_files_then_they_are_fenced_with_their_names() -> None:
    one, two = attachment("a.py"), attachment("b\n.md", "text/markdown")
    asked = message("Compare", attachments=(one, two))
    files = {one.id: b"x = 1\n", two.id: b"```\ncode\n```"}
    assert said(Question((asked,), files=files)) == [
        (
            "user",
            "File a.py:\n```\nx = 1\n```\n\nFile b .md:\n````\n```\ncode\n```\n````\n\nCompare",
        )
    ]


def test_a_file_that_is_gone_then_it_is_named_as_missing() -> None:
    asked = message("", attachments=(attachment("a.py"),))
    assert said(Question((asked,))) == [("user", "[The file a.py is no longer there.]")]


def test_pictures_then_they_go_along_unless_the_model_is_blind() -> None:
    picture = attachment("cat.png", "image/png")
    old = message("Look", number=0, attachments=(picture,))
    question = Question(
        (old, message("I see", "assistant", 1), message("And?", number=2)),
        files={picture.id: b"png"},
    )
    for images in (True, None):
        first = build_prompt(question, images=images).messages[0]
        assert first.images[0].data == b"png"
        assert first.images[0].media_type == "image/png"
    blind = build_prompt(question, images=False).messages[0]
    assert blind.images == ()
    assert "cat.png, which you cannot see" in blind.text


def test_a_budget_then_the_oldest_go_first_and_the_question_stays() -> None:
    question = Question(branch(*["word " * 40] * 9), system="S")
    prompt = build_prompt(question, budget=200)
    assert prompt.tokens <= 200
    assert prompt.left_out == 6
    assert [m.role for m in prompt.messages] == ["system", "user", "assistant", "user"]
    least = build_prompt(question, budget=0)
    assert [m.role for m in least.messages] == ["system", "user"]
    assert least.left_out == 8


def test_a_budget_with_results_of_tools_then_they_stay_and_count() -> None:
    question = Question(branch(*["word " * 40] * 9))
    extra = [PromptMessage("tool", "x" * 400, call_id="c")]
    without = build_prompt(question, budget=400)
    prompt = build_prompt(question, budget=400, extra=extra)
    assert prompt.messages[-1] == extra[0]
    assert prompt.left_out > without.left_out
    assert prompt.tokens <= 400


def test_an_empty_branch_then_the_prompt_is_the_system_prompt() -> None:
    assert said(Question((), system="S"), budget=1) == [("system", "S")]
    assert said(Question(())) == []


@given(
    texts=st.lists(st.text(max_size=200), min_size=1, max_size=12),
    budget=st.integers(0, 400),
)
def test_any_branch_and_budget_then_the_last_question_is_there_and_turns_alternate(
    texts: list[str], budget: int
) -> None:
    question = Question(branch(*[t or "x" for t in texts]), system="S")
    prompt = build_prompt(question, budget=budget)
    roles = [m.role for m in prompt.messages]
    assert all(a != b for a, b in pairwise(roles))
    last = [m for m in question.branch if m.role == "user"][-1]
    assert any(last.text in m.text for m in prompt.messages)
    assert prompt.tokens == estimate_prompt(prompt.messages)
    assert prompt.tokens <= budget or roles[:2] == ["system", "user"]


@pytest.mark.parametrize(
    ("context", "max_tokens", "budget"),
    [(None, 2000, None), (8192, 2000, 5782), (8192, None, 6758), (1000, 2000, 450), (1, 1, 1)],
)
def test_a_context_then_room_for_the_answer_is_kept(
    context: int | None, max_tokens: int | None, budget: int | None
) -> None:
    assert prompt_budget(context, max_tokens) == budget


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("This model's maximum context length is 8192 tokens. However, 9001", 8192),
        ("exceeds the maximum number of tokens allowed (1048576).", 1048576),
        ("the available context size (4,096 tokens)", 4096),
        ("context window of 32 768 tokens", 32768),
        ("prompt is too long", None),
        ("context length is 5", None),
    ],
)
def test_what_a_server_says_then_the_size_of_its_context_is_found(
    text: str, size: int | None
) -> None:
    assert context_in(text) == size


def test_a_smaller_budget_then_it_really_is_smaller() -> None:
    prompt = build_prompt(Question(branch("word " * 8000)))
    named = ModelError("Too long", "maximum context length is 4096 tokens", kind="too_long")
    assert smaller_budget(prompt, named, 96) == int(4096 * 0.95) - 96
    vague = ModelError("Too long", "", kind="too_long")
    assert smaller_budget(prompt, vague, 96) == prompt.tokens * 3 // 5
    useless = ModelError("Too long", "maximum context length is 999999 tokens", kind="too_long")
    assert smaller_budget(prompt, useless, 96) == prompt.tokens * 3 // 5


def test_notes_then_they_read_well() -> None:
    assert left_out_note(1, None) == "1 older message was left out to fit the model's context."
    assert spaced(8192) == "8\u202f192"
    assert left_out_note(1200, 8192) == (
        "1\u202f200 older messages were left out to fit the model's context of 8\u202f192 tokens."
    )


def test_files_in_other_encodings_then_their_text_is_read() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert decoded("Grüße 🎉".encode(encoding)) == "Grüße 🎉"
    assert decoded(b"caf\xe9") == "café"  # as it was counted when it was attached
    assert decoded(b"\xff\xfea") == "\ufffd"
    assert fenced("a", "````x````").startswith("File a:\n`````\n")


def test_the_system_prompt_then_it_names_the_day_and_the_persons_wish() -> None:
    text = system_prompt(NOW, "  Call me Ada.  ")
    assert "Today is Saturday, 21 November 2026 (time zone Europe/Berlin)." in text
    assert text.endswith("\n\nCall me Ada.")
    assert "14:05" not in text
    assert "time zone" not in system_prompt(NOW.replace(tzinfo=None))
