"""What commands print: ids in one piece, tokens under one form."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from worker.cli.chat import usage_json
from worker.cli.main import main
from worker.cli.output import Output
from worker.contract.types import Usage

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
