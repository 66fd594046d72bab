"""What must not be written down is not."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.logging import Redactor, mask_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-proj-abcdefghijk_1234-x!", "key sk-***!"),
        ("key sk_live_abcdefgh12", "key sk-***"),
        ("AIzaSyA1234567890abcdefghijk", "AIza***"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer ***"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic ***"),
        ("?api_key=abc&x=1", "?api_key=***&x=1"),
        ("api_key='two words' x", "api_key=*** x"),
        ("OPENAI_API_KEY=abc", "OPENAI_API_KEY=***"),
        ('{"password": "hunter 2", "x": 1}', '{"password": ***, "x": 1}'),
        ("client-secret: hunter2", "client-secret: ***"),
        ("?token=abc&y", "?token=***&y"),
        ("redis://:pa/ss@h:1/0 x", "redis://:***@h:1/0 x"),
        ("amqp://u:p@ss@h// and http://a:b@c", "amqp://u:***@h// and http://a:***@c"),
        # what is harmless stays readable
        ("max_tokens=2000", "max_tokens=2000"),
        ("Unexpected token: }", "Unexpected token: }"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("mail me@example.org at 10:30", "mail me@example.org at 10:30"),
        ("the task-runner, sk-", "the task-runner, sk-"),
        ("", ""),
    ],
)
def test_what_looks_like_a_secret_is_blacked_out(text: str, shown: str) -> None:
    assert Redactor().redact(text) == shown


@given(st.text(min_size=6), st.text(), st.text())
def test_a_known_secret_never_comes_through(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    shown = redactor.redact(f"{before}{secret}{after}")
    assert secret not in shown or secret in "******"
    inside_json = json.dumps({"k": secret})
    assert json.dumps(secret)[1:-1] not in redactor.redact(inside_json)


def test_a_longer_secret_goes_before_a_shorter_one_in_it() -> None:
    redactor = Redactor()
    redactor.add("abcdefgh")
    redactor.add("abcdefgh-and-more")
    assert redactor.redact("abcdefgh-and-more abcdefgh") == "*** ***"
    assert "abcdefgh" not in repr(redactor)


def test_very_short_secrets_would_destroy_ordinary_words_and_are_let_be() -> None:
    redactor = Redactor()
    for short in ("", "a", "data"):
        redactor.add(short)
    assert redactor.redact("data and a word") == "data and a word"


def test_containers_are_looked_through() -> None:
    redactor = Redactor()
    redactor.add("hunter-two")
    value = {
        "password": "x", "list": ["hunter-two", 5, None, {"Authorization": "y"}],
        "hunter-two": True, "count": 3, "tokens": 7, "path": object,
    }  # fmt: skip
    assert redactor.redact_value(value) == {
        "password": "***", "list": ["***", 5, None, {"Authorization": "***"}], "***": True,
        "count": 3, "tokens": 7, "path": "<class 'object'>",
    }  # fmt: skip
    deep: list[object] = ["hunter-two"]
    for _ in range(50):
        deep = [deep]
    assert "hunter-two" not in str(redactor.redact_value(deep))


def test_adding_while_others_redact_is_safe() -> None:
    redactor = Redactor()
    stop = threading.Event()
    failures: list[BaseException] = []

    def use() -> None:
        try:
            while not stop.is_set():
                redactor.redact("some text with secret-number-1 in it")
        except BaseException as error:
            failures.append(error)

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    for number in range(200):
        redactor.add(f"secret-number-{number}")
    stop.set()
    for user in users:
        user.join()
    assert failures == []
    assert "secret-number" not in redactor.redact("secret-number-199 secret-number-0")


def test_passwords_in_addresses_are_masked_for_display() -> None:
    assert mask_passwords("redis://me:pw@host/0") == "redis://me:***@host/0"
    assert mask_passwords("redis://host:6379/0") == "redis://host:6379/0"
