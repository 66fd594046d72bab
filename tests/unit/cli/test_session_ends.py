"""How a command ends where something holds it up, or the data folder cannot be used."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from worker.cli.main import main
from worker.cli.output import Output
from worker.cli.session import run
from worker.engine import Engine
from worker.service.owner import OwnerServices

HELD_UP = """
import asyncio, sys, threading
from worker.cli.output import Output
from worker.cli.session import run

async def action(engine, services):
    def wait():
        print("here", flush=True)
        threading.Event().wait()
    await asyncio.to_thread(wait)
    return 0

sys.exit(run(Output(), action))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
def test_one_signal_ends_a_command_whose_thread_is_held_up(tmp_path: Path) -> None:
    environment = {**os.environ, "NAGATHA_HOME": str(tmp_path / "data")}
    process = subprocess.Popen(
        [sys.executable, "-c", HELD_UP], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 1
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
@pytest.mark.parametrize("as_json", [True, False])
def test_a_result_that_cannot_be_written_is_said_and_fails(
    as_json: bool,
    nagatha_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with open("/dev/full", "w") as full, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        output = Output(as_json=as_json)

        async def action(engine: Engine, services: OwnerServices) -> int:
            output.document({"a": "b"}) if as_json else output.line("a")
            return 0

        assert run(output, action) == 1
    told = capsys.readouterr().err
    assert "could not be written" in told and "No space left" in told


def test_standard_output_that_is_closed_is_no_failure(
    nagatha_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    output = Output(as_json=True)

    async def action(engine: Engine, services: OwnerServices) -> int:
        output.document([])
        return 0

    assert run(output, action) == 0


def test_a_folder_that_cannot_be_used_is_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NAGATHA_HOME", str(tmp_path / "file" / "x"))
    ended = CliRunner().invoke(main, ["chats", "--json"])
    assert ended.exit_code == 1
    error = json.loads(ended.stdout)["error"]
    assert error["title"] == "The data folder cannot be used"
    assert error["message"] == f"{tmp_path / 'file' / 'x'}: Not a directory."
    assert "NAGATHA_HOME" in error["remedy"]
