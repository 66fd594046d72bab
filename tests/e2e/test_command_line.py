"""The command line as scripts and people use it: real processes, a real model server."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.command import KEY, Nagatha
from tests.support.model_server import ANSWER, ModelServer
from tests.support.processes import free_port, started, wait_until


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def nagatha(nagatha_home: Path, models: ModelServer) -> Nagatha:
    return Nagatha.on(nagatha_home, models)


def test_ask_prints_the_answer_and_keeps_it(nagatha: Nagatha) -> None:
    ran = nagatha.run("ask", "Hello there")
    assert (ran.code, ran.out) == (0, ANSWER)
    (chat,) = _list(nagatha.json("chats"))
    assert set(chat) == {"id", "title", "updated", "messages"}
    assert (chat["title"], chat["messages"]) == ("Hello there", 2)
    question, answer = _list(nagatha.json("chats", chat["id"]))
    assert (question["role"], question["text"], question["parent"]) == ("user", "Hello there", None)
    assert (answer["role"], answer["text"], answer["parent"]) == (
        "assistant",
        ANSWER,
        question["id"],
    )
    assert answer["state"] == "complete"
    assert answer["error"] is None


def test_ask_as_json_has_the_promised_fields(nagatha: Nagatha) -> None:
    document = nagatha.json("ask", "Hello")
    assert isinstance(document, dict)
    assert set(document) == {
        "chat", "message", "run", "lane", "cached", "state", "provider", "model", "text", "usage",
        "seconds", "error",
    }  # fmt: skip
    assert document["state"] == "complete"
    assert document["text"] == ANSWER
    assert set(document["usage"]) == {"input", "cached", "output", "estimated"}
    assert document["error"] is None


def test_ask_goes_on_in_a_chat_and_takes_a_model_and_standard_input(nagatha: Nagatha) -> None:
    first = nagatha.json("ask", "One")
    assert isinstance(first, dict)
    ran = nagatha.run(
        "ask", "-", "--chat", first["chat"], "--model", "openai/echo", "--json", stdin="Two"
    )
    second = ran.document
    assert isinstance(second, dict)
    assert second["chat"] == first["chat"]
    assert second["text"].strip() == "Two"
    assert len(_list(nagatha.json("chats", first["chat"]))) == 4


def test_ask_that_fails_exits_with_1_and_says_what_to_do(nagatha: Nagatha) -> None:
    ran = nagatha.run("ask", "Hello", "--model", "401")
    assert ran.code == 1
    document = nagatha.run("ask", "Hello", "--model", "401", "--json").document
    assert isinstance(document, dict)
    assert document["state"] == "failed"
    assert document["error"]["kind"] == "wrong_key"
    assert document["error"]["title"] and document["error"]["remedy"]
    assert KEY not in ran.err + json.dumps(document)


def test_without_a_model_the_built_in_assistant_answers(nagatha_home: Path) -> None:
    ran = Nagatha.on(nagatha_home).run("ask", "Tell me a story")
    assert ran.code == 0
    assert "No model is set up" in ran.out


def test_ask_says_what_is_wrong_with_the_settings_beside_the_answer(nagatha_home: Path) -> None:
    plain = Nagatha.on(nagatha_home)
    here = Nagatha(nagatha_home, {**plain.variables, "OPENAI_BASE_URL": "no-address"})
    ran = here.run("ask", "Hello")
    assert ran.code == 0 and "OPENAI_BASE_URL" in ran.err and "OPENAI_BASE_URL" not in ran.out


@pytest.mark.parametrize(
    "arguments",
    [("ask",), ("ask", "  "), ("nothing",), ("status",), ("run", "echo_bot.echo", "text"),
     ("config", "--unset"), ("list", "unicorns")],
)  # fmt: skip
def test_wrong_usage_exits_with_2(nagatha: Nagatha, arguments: tuple[str, ...]) -> None:
    assert nagatha.run(*arguments).code == 2


@pytest.mark.parametrize(
    "arguments",
    [("chats", "no-such-chat"), ("status", "--task-id", "none"), ("config", "no.such"),
     ("restore", "none.db"), ("run", "echo_bot.nothing"), ("config", "models.temperature", "hot"),
     ("config", "celery.broker_url", "foo://bar"),
     ("import", "/nothing/there"), ("doctor", "--task", "nothing")],
)  # fmt: skip
def test_what_cannot_be_done_exits_with_1_and_one_json_document(
    nagatha: Nagatha, arguments: tuple[str, ...]
) -> None:
    ran = nagatha.run(*arguments, "--json")
    assert ran.code == 1
    document = ran.document
    assert isinstance(document, dict)
    assert document["error"]["title"]


def test_a_chat_is_named_by_the_beginning_of_its_id(nagatha: Nagatha) -> None:
    nagatha.json("ask", "Where is the report?")
    (chat,) = _list(nagatha.json("chats"))
    name = str(chat["id"])
    nagatha.json("ask", "And then?", "--chat", name[:8])
    shown = nagatha.json("chats", name[:8])
    assert shown == nagatha.json("chats", name)
    (again,) = _list(nagatha.json("chats"))
    assert (again["id"], again["messages"]) == (name, 4)
    assert nagatha.run("ask", "And then?", "--chat", "zzzzzzzz").code == 1


def test_chats_are_searched(nagatha: Nagatha) -> None:
    nagatha.json("ask", "Where is the quarterly report?")
    nagatha.json("ask", "Something else")
    (found,) = _list(nagatha.json("chats", "--search", "quarter"))
    assert found["title"].startswith("Where is")
    assert found["hits"][0]["match"].lower().startswith("quarter")
    assert "Nothing was found" in nagatha.run("chats", "--search", "zebra").out


def test_a_task_is_run_waited_for_and_looked_up(nagatha: Nagatha) -> None:
    done = nagatha.json("run", "echo_bot.reverse", "text=abc", "--wait")
    assert isinstance(done, dict)
    assert (done["status"], done["result"]) == ("success", "cba")
    again = nagatha.json("status", "--task-id", done["task_id"])
    assert again == done
    assert nagatha.json("status", "--task-id", str(done["task_id"])[:8]) == done
    assert nagatha.run("run", "echo_bot.echo", "text=hi", "--wait").out.strip() == "hi"


def test_a_task_that_is_not_waited_for_is_done_by_the_next_who_works(nagatha: Nagatha) -> None:
    queued = nagatha.json("run", "echo_bot.echo", "text=later")
    assert isinstance(queued, dict)
    assert queued["status"] == "pending"
    nagatha.json("run", "echo_bot.ping", "--wait")
    assert _until_done(nagatha, queued["task_id"])["result"] == "later"


@pytest.mark.parametrize("broken", ["foo://bar", "redis://127.0.0.1:1/0", "newer queue"])
def test_a_task_that_nobody_can_do_is_not_waited_for_and_the_doctor_says_why(
    nagatha: Nagatha, broken: str
) -> None:
    here, told = nagatha, broken.partition("://")[2].removesuffix("/0")
    if broken == "newer queue":
        nagatha.json("run", "echo_bot.ping", "--wait")
        with closing(sqlite3.connect(nagatha.home / "queue.db")) as queue, queue:
            (version,) = queue.execute("PRAGMA user_version").fetchone()
            queue.execute(f"PRAGMA user_version = {version + 1000}")
        told = "this program knows up to"
    else:
        here = Nagatha(nagatha.home, {**nagatha.variables, "CELERY_BROKER_URL": broken})
    ran = here.run("run", "echo_bot.ping", "--wait")
    assert (ran.code, told in ran.err) == (1, True), ran
    document = _object(here.run("run", "echo_bot.ping", "--wait", "--json").document)
    assert told in document["error"]["message"]
    (check,) = _list(here.run("doctor", "--task", "broker", "--json").document)
    assert (check["state"], told in check["message"]) == ("failed", True), check


def test_modules_and_tasks_are_listed(nagatha: Nagatha) -> None:
    modules = {module["name"]: module["state"] for module in _list(nagatha.json("list"))}
    assert modules == {"ai": "on", "echo_bot": "on"}
    tasks = {task["name"] for task in _list(nagatha.json("list", "tasks"))}
    assert {"echo_bot.echo", "echo_bot.reverse", "echo_bot.ping", "ai.summarise"} <= tasks
    assert "echo_bot" in nagatha.run("modules").out


def test_settings_are_read_set_and_put_back(nagatha: Nagatha) -> None:
    assert nagatha.run("config", "models.temperature").out.strip() == "0.7"
    assert nagatha.run("config", "models.temperature", "0.2").code == 0
    assert nagatha.run("config", "models.temperature").out.strip() == "0.2"
    assert nagatha.run("config", "models.temperature", "--unset").code == 0
    settings = nagatha.json("config")
    assert isinstance(settings, dict)
    assert settings["models.temperature"] == 0.7


def test_the_doctor_checks_every_part(nagatha: Nagatha) -> None:
    ran = nagatha.run("doctor", "--task", "all", "--message", "Are you there?", "--json")
    checks = {check["name"]: check for check in _list(ran.document)}
    assert ran.code == 0, ran
    for name in ("storage", "broker", "worker", "beat", "provider", "modules", "message",
                 "memory", "usage"):  # fmt: skip
        assert checks[name]["state"] == "ok", checks[name]
    assert "Hello from the model server" in checks["message"]["message"]


def test_the_doctor_says_what_is_wrong_and_exits_with_1(nagatha_home: Path) -> None:
    broken = Nagatha.on(nagatha_home)
    variables = {**broken.variables, "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:1"}
    ran = Nagatha(nagatha_home, variables).run("doctor", "--task", "provider")
    assert ran.code == 1
    assert "failed" in ran.out


def test_a_backup_is_made_listed_and_restored(nagatha: Nagatha) -> None:
    nagatha.json("ask", "Before")
    made = nagatha.json("backup")
    assert isinstance(made, dict)
    assert Path(made["path"]).is_file()
    nagatha.json("ask", "After")
    assert len(_list(nagatha.json("chats"))) == 2
    listed = _list(nagatha.json("restore"))
    assert made["name"] in [backup["name"] for backup in listed]
    assert nagatha.json("restore", made["name"]) == {"restored": made["name"]}
    (chat,) = _list(nagatha.json("chats"))
    assert chat["title"] == "Before"


def test_an_export_is_imported_elsewhere(nagatha: Nagatha, tmp_path: Path) -> None:
    nagatha.json("ask", "To be moved")
    done = nagatha.json("export", str(tmp_path))
    assert isinstance(done, dict)
    elsewhere = Nagatha.on(tmp_path / "elsewhere")
    assert _object(elsewhere.json("import", done["path"]))["chats"] == 1
    assert _object(elsewhere.json("import", done["path"]))["skipped"] == 1
    (chat,) = _list(elsewhere.json("chats"))
    (there,) = _list(nagatha.json("chats"))
    assert chat == there
    assert nagatha.json("chats", chat["id"]) == elsewhere.json("chats", chat["id"])


def test_an_answer_cannot_drive_the_terminal(nagatha: Nagatha) -> None:
    ran = nagatha.run("ask", "\x1b]0;owned\x07\u202eevil", "--model", "echo")
    assert ran.code == 0
    assert not set(ran.out) & set("\x1b\x07\u202e")


def test_a_wrong_setting_of_the_environment_names_the_nearest_key(nagatha: Nagatha) -> None:
    wrong = Nagatha(nagatha.home, {**nagatha.variables, "NAGATHA_MODELS_TEMPRATURE": "1"})
    ran = wrong.run("chats")
    assert ran.code == 1
    assert "NAGATHA_MODELS_TEMPERATURE" in ran.err or "models.temperature" in ran.err


def _until_done(nagatha: Nagatha, task: str) -> dict[str, Any]:
    for _ in range(20):
        found = _object(nagatha.json("status", "--task-id", task))
        if found["status"] not in ("pending", "started"):
            return found
        nagatha.json("run", "echo_bot.ping", "--wait")
    raise AssertionError(found)


def _list(document: object) -> list[dict[str, Any]]:
    assert isinstance(document, list)
    return document


def _object(document: object) -> dict[str, Any]:
    assert isinstance(document, dict)
    return document


def test_the_worker_serves_the_api_with_a_token_of_its_own(nagatha: Nagatha) -> None:
    port = free_port()
    here = Nagatha(nagatha.home, {**nagatha.variables, "NAGATHA_API_PORT": str(port)})
    token = nagatha.home / "api-token"
    with started(here.command("worker", "--api"), env=here.environ):
        wait_until(lambda: token.exists() and _answers(port), "the API")
        assert token.stat().st_mode & 0o777 == 0o600
        url = f"http://127.0.0.1:{port}/v1/chats/list_chats"
        assert httpx2.post(url, json={}).status_code == 401
        headers = {"Authorization": f"Bearer {token.read_text().strip()}"}
        assert httpx2.post(url, json={}, headers=headers).json() == []


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/ping").status_code == 200
    except httpx2.TransportError:
        return False
