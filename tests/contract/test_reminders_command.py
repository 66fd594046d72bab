"""The commands about reminders, from the words typed to what is printed."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from worker.cli.main import main

NOW = ("--now", "2026-11-27T12:00", "--zone", "Europe/Berlin")
RENT = "pay rent every 1st at 9"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "nagatha"
    monkeypatch.setenv("NAGATHA_HOME", str(folder))
    return folder


def ran(*words: str, code: int = 0, stdin: bytes | None = None) -> Result:
    done = CliRunner().invoke(main, words, input=stdin)
    assert done.exit_code == code, done.output
    return done


def document(*words: str, code: int = 0) -> Any:
    return json.loads(ran(*words, "--json", code=code).stdout)


def test_a_dry_run_tells_what_is_understood_and_keeps_nothing() -> None:
    assert document("remind", RENT, *NOW, "--dry-run") == {
        "id": None,
        "text": "pay rent",
        "due": "2026-12-01T09:00:00+01:00",
        "zone": "Europe/Berlin",
        "rrule": "FREQ=MONTHLY;BYMONTHDAY=1",
        "understood": "monthly on the 1st, next Tue 1 Dec 2026 09:00",
    }
    assert document("reminders") == []


@pytest.mark.parametrize("text", ["call Anna", " "])
def test_what_is_not_understood_is_told_and_fails(text: str) -> None:
    told = document("remind", text, *NOW, code=1)
    assert (told["id"], told["due"], told["zone"]) == (None, None, "Europe/Berlin")
    assert told["understood"].startswith("Did not understand: ")
    assert "Did not understand" in ran("remind", text, *NOW, code=1).output
    assert document("reminders") == []


def test_a_reminder_is_kept_listed_put_off_done_and_brought_back() -> None:
    made = document("remind", "call", "Anna", "on 1 May 2099 at 9", *NOW)
    rent = document("remind", "pay rent every 1st at 9", "--zone", "UTC")
    first, second = document("reminders")
    assert (first["id"], second["id"]) == (rent["id"], made["id"])
    assert (second["due"], second["source"]) == ("2099-05-01T09:00:00+02:00", "cli")
    assert second["created"] == datetime.fromisoformat(second["created"]).isoformat()
    assert "monthly on the 1st 09:00" in ran("reminders").stdout
    assert [one["id"] for one in document("reminders", "--search", "anna")] == [made["id"]]
    (later,) = document("reminders", "snooze", made["id"], "2098-01-02T08:00:00+01:00")
    assert (later["snoozed"], later["due"]) == (True, "2098-01-02T08:00:00+01:00")
    (later,) = document("reminders", "snooze", made["id"], "in 2 hours")
    assert later["due"] < "2098"
    (over,) = document("reminders", "done", made["id"])
    assert over["due"] is None and over["done"]
    assert [one["id"] for one in document("reminders", "--done")] == [made["id"]]
    (skipped,) = document("reminders", "skip", rent["id"])
    assert skipped["due"] > rent["due"]
    ran("reminders", "delete", rent["id"], made["id"])
    assert ran("reminders").stdout.strip() == "There is nothing."
    (back,) = document("reminders", "undelete", rent["id"])
    assert document("reminders") == [back]


def test_a_time_that_passed_meanwhile_is_found_by_its_id() -> None:
    made = document("remind", "tea at 15:00", *NOW[:1], "2020-01-01T12:00", "--zone", "UTC")
    assert made["due"] == "2020-01-01T15:00:00+00:00"
    (done,) = document("reminders", "done", made["id"])
    assert done["done"]


def test_reminders_go_into_a_file_and_come_back_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.ics"
    made = document("remind", RENT, "--zone", "Europe/Berlin")
    assert document("reminders", "export", str(file))["bytes"] == file.stat().st_size
    assert b"SUMMARY:pay rent" in ran("reminders", "export", "-").stdout_bytes
    assert document("reminders", "import", str(file)) == []
    ran("reminders", "delete", made["id"])
    (again,) = document("reminders", "import", str(file))
    assert (again["text"], again["due"]) == ("pay rent", made["due"])
    assert "0 added" in ran("reminders", "import", "-", stdin=file.read_bytes()).stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("remind",), 2, "Missing argument"),
        (("remind", RENT, "--zone", "Mars/Phobos"), 2, "no time zone"),
        (("remind", RENT, "--now", "soon"), 2, "is no time such as"),
        (("reminders", "--done", "--missed"), 2, "exclude each other"),
        (("reminders", "--done", "skip", "012345"), 2, "go with no command"),
        (("reminders", "done", "0123456"), 1, "There is no reminder"),
        (("reminders", "import", "/nowhere.ics"), 2, "No such file"),
        (("reminders", "export", "-", "--json"), 2, "goes with a FILE"),
    ],
)
def test_what_cannot_be_is_said(words: tuple[str, ...], code: int, said: str) -> None:
    assert said in ran(*words, code=code).output


def test_what_cannot_be_read_or_understood_is_said() -> None:
    assert "no calendar" in ran("reminders", "import", "-", code=1, stdin=b"hello").output
    made = document("remind", RENT)
    assert "not understood" in ran("reminders", "snooze", made["id"], "someday", code=1).output
    assert "needs 6 characters" in ran("reminders", "done", made["id"][:3], code=1).output
