"""An export can be read back to the letter, and nothing else is taken for one."""

import errno
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.contract.errors import InvalidInput
from worker.contract.types import Attachment, Chat, Message, Problem, ToolUse, Usage
from worker.service import archive as archive_module
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


Broken = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], object]
"""Breaks a chat, its first message (a question), or its second (an answer)."""

BROKEN: dict[str, Broken] = {
    "chat.title": lambda chat, q, a: chat.update(title=5),
    "chat.updated: the time": lambda chat, q, a: chat.update(updated="0001-01-01T00:00:00+14:00"),
    "chat.created: the time": lambda chat, q, a: chat.update(created="9999-12-31T23:59:59-12:00"),
    "chat.created: a time": lambda chat, q, a: chat.update(created="yesterday"),
    "chat.pinned": lambda chat, q, a: chat.update(pinned="no"),
    "chat.draft": lambda chat, q, a: chat.update(draft=["SECRET"]),
    "chat.titled_by": lambda chat, q, a: chat.update(titled_by="SECRET"),
    "chat.id: an id": lambda chat, q, a: [
        chat.update(id="../SECRET"), q.update(chat="../SECRET"), a.update(chat="../SECRET")
    ],
    "chat.messages: a whole": lambda chat, q, a: chat.update(messages=True),
    "chat: it has a part": lambda chat, q, a: chat.update(SECRET=1),
    "chat: id is missing": lambda chat, q, a: chat.pop("id"),
    "chat.head": lambda chat, q, a: chat.update(head="SECRET"),
    "messages[0].text": lambda chat, q, a: q.update(text=None),
    "messages[0].role": lambda chat, q, a: q.update(role="SECRET"),
    "messages[0].created": lambda chat, q, a: q.update(created="2026-01-01T00:00:00"),
    "messages[0].depth": lambda chat, q, a: q.update(depth="SECRET"),
    "messages[0].attachments[0].size": lambda chat, q, a: q["attachments"][0].update(size=-1),
    "messages[0].attachments[0].id": lambda chat, q, a: q["attachments"][0].update(id="a/b"),
    "stand in a circle": lambda chat, q, a: q.update(parent="r"),
    "messages[1].state": lambda chat, q, a: a.update(state="SECRET"),
    "messages[1].seconds": lambda chat, q, a: a.update(seconds="SECRET"),
    "messages[1].notes[0]": lambda chat, q, a: a.update(notes=[5]),
    "messages[1].notes: a list": lambda chat, q, a: a.update(notes="SECRET"),
    "messages[1].usage.input": lambda chat, q, a: a["usage"].update(input="SECRET"),
    "messages[1].usage.output": lambda chat, q, a: a["usage"].update(output=10**30),
    "messages[1].usage.estimated": lambda chat, q, a: a["usage"].update(estimated=0),
    "messages[1].error.retry_at": lambda chat, q, a: a["error"].update(retry_at="SECRET"),
    "messages[1].tools[0].state": lambda chat, q, a: a["tools"][0].update(state="SECRET"),
    "messages[1].tools[0].seconds": lambda chat, q, a: a["tools"][0].update(seconds=float("nan")),
    "two messages have the same id": lambda chat, q, a: a.update(id="q"),
}  # fmt: skip


@pytest.mark.parametrize("told", BROKEN)
def test_a_value_of_the_wrong_kind_is_refused_and_named_without_its_content(
    tmp_path: Path, told: str
) -> None:
    _round_trip(tmp_path / "x", _chat("SECRET"))
    file = tmp_path / "x" / JSON_NAME
    document = json.loads(file.read_text())
    (entry,) = document["chats"]
    BROKEN[told](entry["chat"], entry["messages"][0], entry["messages"][1])
    file.write_text(json.dumps(document))
    with pytest.raises(InvalidInput) as caught:
        read_archive(file)
    assert told in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("files", [{"a": 5}, {"a": "no base64"}, {"a/b": ""}, []])
def test_files_that_are_none_are_refused(tmp_path: Path, files: object) -> None:
    _round_trip(tmp_path / "x", _chat())
    file = tmp_path / "x" / JSON_NAME
    document = json.loads(file.read_text())
    document["chats"][0]["files"] = files
    file.write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match=r"chats\[0\].files"):
        read_archive(file)


def test_a_pipe_is_refused_instead_of_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match="it is no file"):
        read_archive(tmp_path / "pipe")


def test_an_export_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        _round_trip(tmp_path / "x", _chat())
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "x").rglob("*")}
    assert len(modes) == 3
    for path, mode in modes.items():
        assert mode == (0o700 if path.is_dir() else 0o600)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o700


def test_a_title_of_letters_that_need_four_bytes_fits_into_a_files_name(tmp_path: Path) -> None:
    archived = _chat()
    gothic = replace(archived, chat=replace(archived.chat, title="\U0001d51e" * 200))
    assert _round_trip(tmp_path / "x", gothic) == (gothic,)
    (file,) = (tmp_path / "x" / "chats").iterdir()
    assert "\U0001d51e" * 37 in file.name


def test_two_chats_of_one_name_have_a_file_each(tmp_path: Path) -> None:
    one, two = _chat("one"), _chat("two")
    _round_trip(tmp_path / "x", one, two)
    files = sorted((tmp_path / "x" / "chats").iterdir())
    assert len({file.read_text() for file in files}) == 2


def test_markdown_that_cannot_be_written_for_one_chat_costs_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"A chat": errno.ENAMETOOLONG}
    really = archive_module._private

    def private(path: Path) -> Any:
        for title, number in said.items():
            if title.replace(" ", "-") in path.name:
                raise OSError(number, os.strerror(number))
        return really(path)

    monkeypatch.setattr(archive_module, "_private", private)
    other = replace(_chat(), chat=replace(_chat().chat, title="Other"))
    writer = ArchiveWriter(tmp_path / "x", NOW)
    assert writer.add(_chat()) is False
    assert writer.add(other) is True
    said["A chat"] = errno.ENOSPC
    with pytest.raises(OSError, match="No space"):
        writer.add(_chat())
    writer.abandon()


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
