"""Tools that a person has to agree to: who is asked, what goes through, where an answer stood."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.agents import CONTEXT, Box, Gadget
from worker.agent.standstill import Standstill
from worker.contract.errors import InvalidInput
from worker.providers.base import PromptMessage, ToolCall
from worker.tools.approval import Agreement, ApprovalWanted, ChosenTools, Guarded
from worker.tools.base import Tool, ToolContext, ToolOutcome


async def does(arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
    return ToolOutcome("did it")


class Careful(Gadget):
    """A gadget that asks for what is dear."""

    async def agreement(
        self, arguments: Mapping[str, object], context: ToolContext
    ) -> Agreement | None:
        if arguments.get("wrong"):
            raise InvalidInput("That cannot be")
        return Agreement("Buy", "Buys it") if arguments.get("dear") else None


class NeverAsked:
    """A gate of a person who was not asked yet."""

    async def call(
        self,
        tool: Tool,
        arguments: Mapping[str, object],
        context: ToolContext,
        agreement: Agreement,
    ) -> ToolOutcome:
        raise ApprovalWanted(agreement, arguments)


def called(**arguments: Any) -> ToolOutcome:
    plain, careful = Guarded(Box(Gadget("plain", does), Careful("buy", does)), NeverAsked()).tools()
    assert asyncio.run(plain.call(arguments, CONTEXT)).text == "did it"
    return asyncio.run(careful.call(arguments, CONTEXT))


def test_only_calls_that_need_it_go_through_the_gate() -> None:
    assert called().text == "did it"
    with pytest.raises(ApprovalWanted) as caught:
        called(dear=True)
    assert caught.value.agreement.why == "Buys it"
    assert caught.value.arguments == {"dear": True}


def test_nobody_is_asked_about_a_call_that_cannot_be_made() -> None:
    outcome = called(wrong=True)
    assert outcome.failed and "That cannot be" in outcome.text


def test_tools_are_chosen_by_name_or_title() -> None:
    box = Box(Gadget("one", does), Gadget("two", does))
    assert [tool.name for tool in ChosenTools(box, ("two", "none")).tools()] == ["two"]
    assert ChosenTools(box, ()).tools() == ()


def test_where_an_answer_stood_survives_its_way_through_json() -> None:
    call = ToolCall("c1", "buy", '{"dear": true}')
    stood = Standstill(
        resume="So",
        turns=(
            PromptMessage("assistant", "Let me see", calls=(ToolCall("c0", "look", "{}"),)),
            PromptMessage("tool", "There", call_id="c0"),
            PromptMessage("assistant", "", calls=(call, ToolCall("c2", "look", "{}"))),
        ),
        results={"c2": "Nothing"},
        length=12,
    )
    again = Standstill.of(json.loads(json.dumps(stood.json())))
    assert again == stood
    assert (again.rounds, again.ids) == (2, {"c0", "c1", "c2"})
