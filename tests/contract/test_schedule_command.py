"""The commands about schedules and approvals, from the words typed to what is printed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.command import Nagatha
from tests.support.engines import becomes, engine_in, module
from tests.support.mailing import MAILING, asked, calling, sent
from tests.support.model_server import Behaviour, ModelServer
from tests.support.worlds import World
from worker.cli.main import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "mailing", MAILING)
    monkeypatch.setenv("NAGATHA_HOME", str(folder))
    return folder


def ran(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == code, done.output
    return done


def document(*words: str) -> Any:
    return json.loads(ran(*words, "--json").stdout)


@pytest.mark.usefixtures("home")
def test_a_schedule_is_made_listed_shown_paused_and_deleted() -> None:
    made = document(
        "schedule", "add", "What is new?", "--cron", "30 8 * * 1-5", "--zone", "Europe/Berlin",
        "--missed", "ask", "--overlap", "queue", "--no-notify", "--tool", "calculate",
    )  # fmt: skip
    assert (made["prompt"], made["cron"], made["source"]) == ("What is new?", "30 8 * * 1-5", "cli")
    assert (made["missed"], made["overlap"], made["notify"]) == ("ask", "queue", False)
    assert made["tools"] == ["calculate"] and len(made["next"]) == 3
    (listed,) = document("schedule", "list")
    assert listed["id"] == made["id"]
    assert "What is new?" in ran("schedule", "list").stdout
    name = made["id"][:8]
    assert "30 8 * * 1-5 (Europe/Berlin)" in ran("schedule", "show", name).stdout
    assert document("schedule", "pause", name)["due"] is None
    assert "paused" in ran("schedule", "list").stdout
    assert document("schedule", "resume", name)["due"] == made["due"]
    assert document("schedule", "history", name) == []
    assert document("schedule", "decide", "--skip") == {"decided": 0, "run": False}
    assert document("schedule", "delete", name)["deleted"]
    assert ran("schedule", "list").stdout.strip() == "There is nothing."
    assert "There is no schedule" in ran("schedule", "show", name, code=1).output


@pytest.mark.usefixtures("home")
def test_a_task_takes_arguments_and_a_dry_run_keeps_nothing() -> None:
    made = document(
        "schedule", "add", "--task", "echo_bot.echo", "text=hi", "--rrule", "FREQ=DAILY",
        "--at", "2026-12-01T08:30:00", "--zone", "UTC",
    )  # fmt: skip
    assert (made["kind"], made["arguments"]) == ("task", {"text": "hi"})
    assert made["start"] == "2026-12-01T08:30:00"
    coming = document("schedule", "add", "Hello", "--cron", "0 9 * * *", "--dry-run")
    assert len(coming["next"]) == 3
    assert len(document("schedule", "list")) == 1


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("schedule", "add", "Hello", "--cron", "no"), 1, "makes no sense"),
        (("schedule", "add", "--cron", "0 9 * * *"), 1, "either a prompt or a task"),
        (("schedule", "add", "Hello", "there", "--cron", "0 9 * * *"), 2, "quotes"),
        (("schedule", "add", "Hello", "--tool", "x", "--no-tools"), 2, "exclude each other"),
        (("schedule", "decide"), 2, "Say either"),
        (("schedule", "decide", "--run", "--skip"), 2, "Say either"),
        (("approvals", "allow", "0123456789"), 1, "Approval not found"),
        (("approvals", "revoke", "mail.send"), 1, "was not allowed for good"),
    ],
)
def test_what_cannot_be_is_said(words: tuple[str, ...], code: int, said: str) -> None:
    assert said in ran(*words, code=code).output


def test_an_answer_on_the_command_line_parks_and_goes_on_when_it_is_allowed(
    home: Path, tmp_path: Path, models: ModelServer
) -> None:
    file = tmp_path / "mails"
    nagatha = Nagatha.on(home, models)
    models.queue(calling(file))
    parked = nagatha.run("ask", "Mail Ann", "--no-queue")
    assert parked.code == 1 and "nagatha approvals allow" in parked.err
    (waits,) = document("approvals", "list")
    assert waits["tool"] == "mailing.send"
    assert "Sends a mail" in ran("approvals").stdout
    models.queue(Behaviour(text="It said: "))
    assert document("approvals", "allow", waits["id"][:8], "--always")["verdict"] == "always"
    assert document("approvals", "list", "--always") == ["mailing.send"]
    assert document("approvals", "revoke", "mailing.send") == []
    with engine_in(home, models=models, background=True) as there:

        async def goes_on(there: World) -> None:
            assert (await there.ended(waits["run"])).state == "SUCCESS"
            models.queue(calling(file, to="Bob"))
            await there.client.chats.send(None, "Mail Bob")
            await asked(there)

        there.run(goes_on)
        # In processes of their own, as two engines on one data folder always are.
        listed: Any = nagatha.json("approvals", "list")
        (second,) = listed
        models.queue(Behaviour(text="It said: "))
        told: Any = nagatha.json("approvals", "deny", second["id"], "--instead", "Call him")
        assert (told["verdict"], told["instead"]) == ("deny", "Call him")

        async def ended(there: World) -> None:
            async def over() -> bool:
                return (await there.client.jobs.get(second["run"])).state == "SUCCESS"

            await becomes(over, "it went on")

        there.run(ended)
    assert sent(file) == ["Ann"]
