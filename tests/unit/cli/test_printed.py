"""What commands print: ids in one piece, tokens under one form."""

import asyncio
import errno
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import click
import pytest
from click.testing import CliRunner

from worker.cli.chat import _list, from_input, usage_json
from worker.cli.main import main
from worker.cli.output import Output
from worker.contract.types import Chat, Usage
from worker.service.owner import OwnerServices

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def test_an_id_is_never_broken_over_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    row = ("a1" * 16, "2026-11-26 12:00", "12", "A long title of many words " * 4)
    Output().table(("ID", "Updated", "Messages", "Title"), [row])
    assert "a1" * 16 in capsys.readouterr().out


def test_a_mistyped_setting_names_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAGATHA_HOME", str(tmp_path / "data"))
    for given in (["chat.automatic_title", "1"], ["chat.automatic_title"]):
        ended = CliRunner().invoke(main, ["config", *given, "--json"])
        assert ended.exit_code == 1
        assert "chat.automatic_titles" in json.loads(ended.stdout)["error"]["remedy"]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_what_is_wrong_with_the_settings_is_said_beside_the_result(
    more: list[str], nagatha_home: Path
) -> None:
    nagatha_home.mkdir(exist_ok=True)
    (nagatha_home / "config.yaml").write_text("chat: {text_limit: much}\n", encoding="utf-8")
    ended = CliRunner().invoke(main, ["config", "chat.text_limit", *more])
    assert ended.exit_code == 0
    assert "config.yaml" in ended.stderr and "text_limit" in ended.stderr
    assert "config.yaml" not in ended.stdout
    if more:
        assert json.loads(ended.stdout)["value"] == 1.0


def test_every_chat_is_listed_however_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    there = tuple(Chat(f"c{number}", "", NOW, NOW) for number in range(1500))

    class Chats:
        async def list_chats(self, archived: bool = False, limit: int = 1000) -> tuple[Chat, ...]:
            return there[:limit]

    class Services:
        chats = Chats()

    asyncio.run(_list(Output(as_json=True), cast(OwnerServices, Services()), False))
    assert len(json.loads(capsys.readouterr().out)) == 1500


def test_bytes_that_are_no_text_on_standard_input_are_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = io.TextIOWrapper(io.BytesIO(b"Gr\xfc\xdfe"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", given)
    assert from_input() == "Gr\ufffd\ufffde"


def test_standard_input_that_is_not_there_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def read(self) -> str:
            raise IsADirectoryError(errno.EISDIR, "Is a directory")

    for given in (None, Broken()):
        monkeypatch.setattr(sys, "stdin", given)
        with pytest.raises(click.UsageError, match=r"tandard input"):
            from_input()


@pytest.mark.parametrize(
    ("usage", "cached", "numbers"),
    [
        (None, NOW, (0, 0, 0, False)),
        (None, None, (None, None, None, None)),
        (Usage(5, 7, 2), None, (5, 2, 7, False)),
    ],
)
def test_tokens_are_always_an_object(
    usage: Usage | None, cached: datetime | None, numbers: tuple[object, ...]
) -> None:
    told = usage_json(usage, cached)
    assert tuple(told[key] for key in ("input", "cached", "output", "estimated")) == numbers


def test_a_name_is_in_one_line_while_there_is_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    row = (
        "47566266",
        "PROGRESS",
        "process_ai_query_task",
        "12:49:34",
        "7.5 s",
        "Writing, 741 " * 4,
    )
    Output().table(("Id", "State", "Name", "Queued", "Took", ""), [row])
    assert "process_ai_query_task" in capsys.readouterr().out
