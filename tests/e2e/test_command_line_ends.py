"""How commands end when something gets in their way: signals, readers that go away, full disks."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.command import PATIENCE, Nagatha
from tests.support.engines import Failing, engine_in
from tests.support.model_server import ANSWER, ModelServer
from tests.support.worlds import World
from worker.cli import chat, ops
from worker.cli.output import Output
from worker.contract.errors import StorageError, Unavailable
from worker.contract.events import Event
from worker.presence import Presence
from worker.storage.base import Storage
from worker.storage.sqlite.store import SqliteStorage

# A shell may start the tests in the background with SIGINT ignored, or under nohup with SIGHUP; a
# person's Ctrl+C, and the end of their terminal, are not.
MAIN = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "signal.signal(signal.SIGHUP, signal.SIG_DFL);"
    "from worker.cli.main import main; main()"
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def nagatha(nagatha_home: Path, models: ModelServer) -> Nagatha:
    # A model that says nothing more after its first words.
    return Nagatha.on(nagatha_home, models, "mute-mid")


@contextmanager
def running(nagatha: Nagatha, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments],
        env=nagatha.environ,
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def only_answer(nagatha: Nagatha) -> dict[str, Any]:
    (found,) = cast(list[dict[str, Any]], nagatha.json("chats"))
    _, answer = cast(list[dict[str, Any]], nagatha.json("chats", found["id"]))
    return answer


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """`folder` as one that nobody may write, root neither."""
    if os.geteuid() != 0:
        modes = {place: place.stat().st_mode for place in (folder, *folder.rglob("*"))}
        for place, mode in modes.items():
            place.chmod(mode & 0o555)
        yield
        for place, mode in modes.items():
            place.chmod(mode)
        return
    mount = ("mount", "--bind", str(folder), str(folder))
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        subprocess.run(("mount", "-o", "remount,bind,ro", str(folder)), check=True)
        yield
    finally:
        subprocess.run(("umount", "-l", str(folder)), check=True)


def test_the_doctor_looks_at_what_it_can_where_the_data_cannot_be_used(
    nagatha_home: Path, models: ModelServer
) -> None:
    nagatha = Nagatha.on(nagatha_home, models)
    nagatha.json("ask", "Before")
    with read_only(nagatha_home):
        ran = nagatha.run("doctor", "--task", "all", "--json")
        lines = nagatha.run("doctor").out
    checks = {check["name"]: check for check in cast(list[dict[str, Any]], ran.document)}
    assert ran.code == 1
    assert checks["storage"]["state"] == "failed"
    assert str(nagatha_home) in checks["storage"]["message"]
    assert "NAGATHA_HOME" in checks["storage"]["remedy"]
    assert (checks["broker"]["state"], checks["worker"]["state"]) == ("failed", "failed")
    for name in ("provider", "modules", "message"):
        assert checks[name]["state"] == "ok", checks[name]
    assert checks["memory"]["state"] == checks["usage"]["state"] == "off"
    assert "storage        failed" in lines and "provider       ok" in lines
    (kept,) = cast(list[dict[str, Any]], nagatha.json("chats"))
    assert kept["title"] == "Before"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_answer_that_is_interrupted_is_kept_as_stopped(
    nagatha: Nagatha, number: signal.Signals
) -> None:
    with running(nagatha, "ask", "A long answer, please") as process:
        assert process.stdout is not None
        seen = process.stdout.read(5).decode()
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "stopped" in err.decode()) == (1, True)
    answer = only_answer(nagatha)
    assert (answer["state"], answer["text"]) == (
        "stopped",
        (seen + out.decode()).removesuffix("\n"),
    )


def test_an_answer_for_a_script_that_is_interrupted_is_one_document(
    nagatha: Nagatha, models: ModelServer
) -> None:
    with running(nagatha, "ask", "A long answer, please", "--json") as process:
        models.wait_for(1)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE)
    document = json.loads(out)
    assert (process.returncode, document["state"]) == (1, "stopped")
    assert only_answer(nagatha)["id"] == document["message"]


def test_a_list_that_nobody_reads_ends_without_a_word(nagatha: Nagatha) -> None:
    for command in (("chats",), ("chats", "--json"), ("config",), ("list", "tasks")):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            nagatha.command(*command),
            env=nagatha.environ,
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        os.close(writer)
        assert (command, done.returncode, done.stderr) == (command, 141, b"")


def test_an_answer_that_nobody_reads_any_more_is_stopped(
    nagatha: Nagatha, models: ModelServer
) -> None:
    slow = Nagatha.on(nagatha.home, models, "slow")
    with running(slow, "ask", "A long answer, please") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.read(5)
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (141, b"")
    assert only_answer(nagatha)["state"] == "stopped"


def test_a_chat_that_was_begun_here_gets_its_title(nagatha_home: Path, models: ModelServer) -> None:
    plain = Nagatha.on(nagatha_home, models)
    titles = Nagatha(nagatha_home, {**plain.variables, "NAGATHA_CHAT_AUTOMATIC_TITLES": "true"})
    assert titles.run("ask", "What is the weather").out == ANSWER
    (found,) = cast(list[dict[str, Any]], plain.json("chats"))
    assert found["title"].startswith("Hello from the model server")
    assert titles.run("ask", "What else", "--model", "401").code == 1
    assert titles.run("ask", "What else", "--model", "builtin").code == 0


def test_an_answer_whose_end_cannot_be_stored_ends_the_command_with_the_reason(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    expect_log_errors: object,
) -> None:
    monkeypatch.setattr(chat, "LOOK_AGAIN", 0.05)
    storage = Failing(SqliteStorage(tmp_path / "nagatha.db", tmp_path / "backups"))

    async def no_events() -> AsyncIterator[Event]:
        await asyncio.Event().wait()
        raise AssertionError
        yield

    async def test(there: World) -> None:
        storage.broken |= {"finish_answer"}
        services = there.engine.services("local")
        sent = await services.chats.send(None, "Ask")
        shown = chat._Printed(Output())
        with pytest.raises(StorageError, match="The disk is full"):
            await chat._answered(there.engine, services, no_events(), sent, shown)
        storage.mend()
        answer = await chat._answered(there.engine, services, no_events(), sent, shown)
        assert (answer.state, answer.text) == ("complete", ANSWER)
        shown.rest(answer)
        assert capsys.readouterr().out == ANSWER

    with (
        ModelServer() as models,
        engine_in(tmp_path, models=models, storage=cast(Storage, storage)) as there,
    ):
        there.run(test)


def test_a_task_is_waited_for_no_longer_when_nobody_is_left_to_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "LOOK_AGAIN", 0.02)
    monkeypatch.setattr(ops, "MISSED", 0.1)

    async def test(there: World) -> None:
        services = there.engine.services("local")
        other = Presence(there.engine.paths.locks, "worker")
        await asyncio.to_thread(other.enter)
        await ops._check_worker(there.engine)
        run = await services.jobs.run_task("echo_bot.ping", {}, source="cli")
        waiting = asyncio.ensure_future(
            ops._ended(there.engine, services, there.client.events(), run.id)
        )
        done, _ = await asyncio.wait((waiting,), timeout=0.3)
        assert not done
        await asyncio.to_thread(other.leave)
        with pytest.raises(Unavailable, match="No background worker") as caught:
            await waiting
        assert run.id in caught.value.problem.remedy

    with engine_in(tmp_path, background=True, work=False, role="cli") as there:
        there.run(test)
