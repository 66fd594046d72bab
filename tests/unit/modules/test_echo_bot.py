"""The echo_bot module, and that its reverse keeps characters whole."""

import asyncio
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules import echo_bot
from worker.module_host.context import ModuleTaskContext, call_async, module_logger
from worker.module_host.host import ModuleHost


@pytest.fixture(scope="module")
def host() -> ModuleHost:
    host = ModuleHost(None)
    host.start()
    return host


def _run(host: ModuleHost, task: str, **arguments: object) -> object:
    def ask(prompt: str, system: str) -> str:
        raise AssertionError("no model is needed")

    context = ModuleTaskContext(
        "r1", module_logger("echo_bot"), lambda fraction, text: None, lambda: False, ask
    )
    return asyncio.run(call_async(host.spec(task), arguments, context))


def test_echo_bot_is_shipped_switched_on_and_well(host: ModuleHost) -> None:
    info = host.heartbeat("echo_bot")
    assert (info.state, info.source, info.version) == ("on", "shipped", echo_bot.__version__)
    assert info.tasks == ("echo_bot.echo", "echo_bot.ping", "echo_bot.reverse")
    assert info.heartbeat == {"status": "ok"} and info.problem is None
    tools = {spec.name for spec in host.tasks() if spec.info.tool and spec.info.module == info.name}
    assert tools == {"echo_bot.echo", "echo_bot.reverse"}


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_echo_gives_any_text_back_as_it_is(text: str) -> None:
    assert echo_bot.echo(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("abc", "cba"),
        ("a\r\nb", "b\r\na"),
        ("nae\u0308\u0323b", "be\u0308\u0323an"),
        ("🇩🇪🇫🇷x", "x🇫🇷🇩🇪"),
        ("🇩🇪🇫", "🇫🇩🇪"),
        ("a👨‍👩‍👧b", "b👨‍👩‍👧a"),
        ("👍🏽!", "!👍🏽"),
        ("a\u200db", "b" + "a\u200d"),
        ("🏴\U000e0067\U000e007f.", ".🏴\U000e0067\U000e007f"),
        ("\u1112\u1161\u11ab가", "가\u1112\u1161\u11ab"),
        ("가\u11a8나", "나가\u11a8"),
        ("각\u11a8x", "x각\u11a8"),
        ("\n\u0308a", "a\u0308\n"),
        ("שלום", "םולש"),
        ("a\x00\ud800", "\ud800\x00a"),
    ],
)
def test_reverse_turns_round_what_people_see_as_characters(text: str, expected: str) -> None:
    assert echo_bot.reverse(text) == expected


@given(st.text())
def test_characters_put_together_are_the_text(text: str) -> None:
    found = echo_bot.characters(text)
    assert "".join(found) == text and all(found)


def test_tasks_run_through_the_host(host: ModuleHost) -> None:
    assert _run(host, "echo_bot.echo", text="hi") == "hi"
    assert _run(host, "echo_bot.reverse", text="ab") == "ba"
    pong = _run(host, "echo_bot.ping")
    assert isinstance(pong, dict) and pong["reply"] == "pong"
    assert datetime.fromisoformat(pong["at"]).tzinfo is not None
