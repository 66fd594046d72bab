"""The engine as the desktop program begins and ends it."""

import asyncio
import threading
from pathlib import Path

import pytest
from celery import Celery

from nagatha_desktop.client.local import LocalEngine
from tests.support.engines import environment, module
from tests.support.model_server import ModelServer
from tests.support.worlds import DEADLINE
from worker.contract.events import AnswerDelta
from worker.embedded import EmbeddedWorker
from worker.engine import Engine
from worker.logging import Redactor
from worker.paths import Paths
from worker.runtime import Runtime

HANGS = """
    import time
    from pathlib import Path

    while not Path("{gate}").exists():
        time.sleep(0.01)
"""


def test_program_that_ends_while_a_module_hangs_keeps_the_answer_and_does_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, gate = tmp_path / "nagatha", tmp_path / "gate"
    module(home, "hangs", HANGS.format(gate=gate))
    with ModelServer() as models, Runtime() as runtime:
        for name, value in environment(home, models, "slow", titles=False).items():
            monkeypatch.setenv(name, value)
        paths = Paths.find()

        async def begin_ask_and_end() -> str:
            local, client = await LocalEngine.begin(paths, runtime, Redactor())
            events = client.events()
            sent = await client.chats.send(None, "A long answer, please")
            async for event in events:
                if isinstance(event, AnswerDelta):
                    break
            engine = local._engine
            await local.end()
            # It was still being loaded, and had not been given up.
            assert engine.host.module("hangs").problem is None
            again = Engine(paths, runtime, "cli", environ={"NAGATHA_HOME": str(home)}, cwd=home)
            async with again:
                return (await again.services("local").chats.message(sent.answer.id)).state

        async def bounded() -> str:
            async with asyncio.timeout(DEADLINE):
                return await begin_ask_and_end()

        try:
            assert runtime.run(bounded()) == "interrupted"
        finally:
            gate.touch()


def test_program_that_ends_while_the_worker_starts_waits_for_it_and_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()
    start = EmbeddedWorker.start
    started: list[EmbeddedWorker] = []

    def slow_start(worker: EmbeddedWorker, app: Celery, timeout: float = 30.0) -> None:
        began.set()
        assert go_on.wait(DEADLINE)
        start(worker, app, timeout)
        started.append(worker)

    monkeypatch.setattr(EmbeddedWorker, "start", slow_start)
    monkeypatch.setenv("NAGATHA_HOME", str(tmp_path / "nagatha"))
    with Runtime() as runtime:

        async def begin_and_end() -> None:
            local, _ = await LocalEngine.begin(Paths.find(), runtime, Redactor())
            await asyncio.to_thread(began.wait, DEADLINE)
            ending = asyncio.ensure_future(local.end())
            try:
                done, _ = await asyncio.wait((ending,), timeout=0.2)
                assert not done
            finally:
                go_on.set()
                await ending

        runtime.run(begin_and_end(), DEADLINE)
    assert [worker.state.worker for worker in started] == ["off"]
