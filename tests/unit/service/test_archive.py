"""An export can be read back to the letter, and nothing else is taken for one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.contract.errors import InvalidInput
from worker.contract.types import Attachment, Chat, Message, Problem, ToolUse, Usage
from worker.service.archive import (
    JSON_NAME,
    ArchivedChat,
    ArchiveWriter,
    as_markdown,
    read_archive,
    shown_branch,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def _chat(text: str = "Hello") -> ArchivedChat:
    question = Message(
        id="q",
        chat="c",
        parent=None,
        role="user",
        state="complete",
        text=text,
        created=NOW,
        attachments=(Attachment("a", "notes.txt", "text/plain", 3, 1),),
    )
    answer = Message(
        id="r",
        chat="c",
        parent="q",
        role="assistant",
        state="interrupted",
        text=text,
        created=NOW,
        provider="openai",
        model="gpt",
        usage=Usage(10, 5, 2, estimated=True),
        seconds=1.5,
        error=Problem("rate_limited", "Too many", "Slow", "Wait", "wait", NOW),
        tools=(ToolUse("t", "date_time", "{}", "done", "noon", 0.1, 3),),
        notes=("Something was left out.",),
    )
    other = replace(answer, id="r2", text="another", state="complete", error=None)
    chat = Chat(id="c", title="A chat", created=NOW, updated=NOW, head="r", messages=3)
    return ArchivedChat(chat, (question, answer, other), {"a": b"\x00\xffx"})


def _round_trip(folder: Path, *chats: ArchivedChat) -> tuple[ArchivedChat, ...]:
    writer = ArchiveWriter(folder, NOW)
    for chat in chats:
        writer.add(chat)
    writer.close()
    return read_archive(folder)


def test_an_export_when_read_back_is_the_same(tmp_path: Path) -> None:
    assert _round_trip(tmp_path / "x", _chat()) == (_chat(),)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.characters(codec=None), max_size=200))
def test_any_text_survives_an_export_to_the_letter(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("export") / "x"
    assert _round_trip(folder, _chat(text))[0].messages[0].text == text


def test_an_export_of_no_chats_is_valid(tmp_path: Path) -> None:
    assert _round_trip(tmp_path / "x") == ()


def test_an_answer_that_was_streaming_comes_back_as_interrupted(tmp_path: Path) -> None:
    archived = _chat()
    streaming = replace(archived.messages[1], state="streaming")
    chat = replace(archived, messages=(archived.messages[0], streaming))
    assert _round_trip(tmp_path / "x", chat)[0].messages[1].state == "interrupted"


def test_an_export_that_was_abandoned_is_not_taken_for_one(tmp_path: Path) -> None:
    writer = ArchiveWriter(tmp_path / "x", NOW)
    writer.add(_chat())
    writer.abandon()
    with pytest.raises(InvalidInput):
        read_archive(tmp_path / "x")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"format": "nagatha-export", "version": 99, "chats": []}',
        '{"format": "nagatha-export", "version": 1, "chats": [{}]}',
        '{"format": "nagatha-export", "version": 1, "chats": 3}',
        '{"format": "nagatha-export", "version": 1}',
        "[" * 100_000,
    ],
)
def test_a_file_that_is_no_export_is_refused_with_a_reason(tmp_path: Path, content: str) -> None:
    file = tmp_path / JSON_NAME
    file.write_text(content)
    with pytest.raises(InvalidInput) as caught:
        read_archive(file)
    assert caught.value.problem.title


def test_a_message_without_its_parent_is_refused(tmp_path: Path) -> None:
    _round_trip(tmp_path / "x", _chat())
    file = tmp_path / "x" / JSON_NAME
    document = json.loads(file.read_text())
    del document["chats"][0]["messages"][0]
    file.write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match="not as expected"):
        read_archive(file)


def test_the_shown_branch_is_the_one_that_ends_at_the_head() -> None:
    archived = _chat()
    assert [m.id for m in shown_branch(archived.chat, archived.messages)] == ["q", "r"]


def test_markdown_names_who_spoke_the_state_and_the_error() -> None:
    text = as_markdown(_chat())
    assert text.startswith("# A chat")
    assert "## You" in text
    assert "## gpt (interrupted)" in text
    assert "> Too many Slow" in text
    assert "another" not in text


def test_an_export_writes_a_markdown_file_for_each_chat_whatever_its_title(tmp_path: Path) -> None:
    archived = _chat()
    odd = replace(archived, chat=replace(archived.chat, title="../a/\0b\ud800 ?"))
    _round_trip(tmp_path / "x", odd)
    (file,) = (tmp_path / "x" / "chats").iterdir()
    assert file.suffix == ".md"
    assert "/" not in file.name
