"""Reminders that the assistant makes: a model that calls the tools, in the whole engine."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.engines import engine_in
from tests.support.model_server import Behaviour, ModelServer
from tests.support.worlds import World
from worker.contract.reminders import Reminder
from worker.contract.types import Message

NOW = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)


@pytest.fixture
def there(tmp_path: Path, models: ModelServer) -> Iterator[World]:
    with engine_in(tmp_path / "nagatha", models=models, now=lambda: NOW) as made:
        yield made


def calling(name: str, **arguments: object) -> Behaviour:
    return Behaviour(text="", calls=((name, json.dumps(arguments)),))


async def asked(there: World, name: str, **arguments: object) -> tuple[Message, str]:
    """The answer of a model that calls a tool, and what the tool told it."""
    there.models.queue(calling(name, **arguments), Behaviour(text="Said."))
    sent = await there.client.chats.send(None, "Do it")
    answer = await there.answered(sent)
    assert answer.state == "complete"
    told = there.models.completions[-1].body["messages"][-1]
    assert told["role"] == "tool"
    return answer, str(told["content"])


async def upcoming(there: World) -> tuple[Reminder, ...]:
    return await there.client.reminders.list_reminders()


def test_a_reminder_is_made_without_asking_and_its_time_is_told(there: World) -> None:
    async def test(there: World) -> None:
        answer, told = await asked(
            there, "create_reminder", text="Pay rent", at="2026-12-01T09:00",
            zone="Europe/Berlin", rrule="FREQ=MONTHLY;BYMONTHDAY=1",
        )  # fmt: skip
        (made,) = await upcoming(there)
        assert told == (
            f"Reminder {made.id[:8]}: “Pay rent”, monthly on the 1st 09:00, "
            "next Tue 1 Dec 2026 09:00 (Europe/Berlin)."
        )
        assert made.due == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
        assert (made.source, made.chat) == ("chat", answer.chat)
        assert await there.client.approvals.waiting() == ()

    there.run(test)


def test_reminders_are_listed_and_done(there: World) -> None:
    async def test(there: World) -> None:
        _, told = await asked(there, "list_reminders")
        assert told == "There are no reminders."
        add = there.client.reminders.add
        rent = await add("Rent", "2026-12-01T09:00:00", "UTC", "FREQ=MONTHLY")
        milk = await add("Milk", "2026-11-28T09:00:00", "UTC")
        _, told = await asked(there, "list_reminders")
        assert told.splitlines() == [
            f"- {milk.id[:8]}: Milk (Sat 28 Nov 2026 09:00 (UTC))",
            f"- {rent.id[:8]}: Rent (monthly on the 1st 09:00, next Tue 1 Dec 2026 09:00 (UTC))",
        ]
        _, told = await asked(there, "list_reminders", search="ren")
        assert "Milk" not in told
        _, told = await asked(there, "complete_reminder", id=milk.id)
        assert told == "“Milk” is done."
        assert [one.id for one in await upcoming(there)] == [rent.id]
        _, told = await asked(there, "complete_reminder", id="000")
        assert "There is no one reminder" in told

    there.run(test)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"at": "2026-11-01T09:00", "zone": "UTC"}, "This time has passed."),
        ({"at": "2026-12-01T09:00", "zone": "Mars/Base"}, "There is no such time zone."),
        ({"at": "2026-12-01T09:00", "rrule": "FREQ=SOMETIMES"}, "This is no time"),
        ({"at": "2026-12-01T09:00+01:00"}, "A wall time has no offset"),
        ({"at": "tomorrow at 9"}, "is no time such as"),
        ({"at": "2026-12-01"}, "with its hour"),
        ({}, "Give both text and at."),
        ({"said": "call Anna", "text": ""}, "there is no time in it"),
    ],
)
def test_a_mistake_is_told_so_that_the_model_can_mend_it(
    there: World, arguments: dict[str, object], said: str
) -> None:
    async def test(there: World) -> None:
        _, told = await asked(there, "create_reminder", **{"text": "Rent", **arguments})
        assert told.startswith("Error: ") and said.lower() in told.lower(), told
        assert await upcoming(there) == ()

    there.run(test)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Remind me to call Anna on 1 May 2027 at 9", "call Anna"),
        ("Erinnere mich am 1. Mai 2027 um 9 an Milch", "Milch"),
    ],
)
def test_without_a_model_the_built_in_assistant_understands(
    tmp_path: Path, models: ModelServer, line: str, text: str
) -> None:
    async def test(there: World) -> None:
        answer = await there.answered(await there.client.chats.send(None, line, provider="builtin"))
        (made,) = await upcoming(there)
        assert (made.text, made.start, made.chat) == (text, "2027-05-01T09:00:00", answer.chat)
        assert answer.text.startswith("I will remind you. Reminder ")
        assert "Sat 1 May 2027 09:00" in answer.text
        sent = await there.client.chats.send(None, "my reminders", provider="builtin")
        assert text in (await there.answered(sent)).text
        sent = await there.client.chats.send(None, "Remind me to smile", provider="builtin")
        assert "there is no time in it" in (await there.answered(sent)).text
        assert len(await upcoming(there)) == 1

    with engine_in(tmp_path / "nagatha", models=models, now=lambda: NOW) as made:
        made.run(test)
