"""A second engine on a data folder, in a process of its own, which does what it is told.

Owns its start and end. It may be killed at any moment.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.command import Nagatha
from tests.support.model_server import ModelServer

OTHER = """
import asyncio, json, os, sys
from nagatha_desktop.client.local import LocalClient
from worker.background import CeleryBackground
from worker.engine import Engine
from worker.paths import Paths
from worker.runtime import Runtime


async def main(runtime, role):
    paths = Paths.find()
    engine = Engine(paths, runtime, role)
    await engine.start()
    await engine.plug(CeleryBackground(engine, paths.queue, work=True))
    client = LocalClient(engine)
    loop = asyncio.get_running_loop()
    print(json.dumps(engine.background.state.beat), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        names = {"client": client, "engine": engine, "state": state, "last_text": last_text}
        result = await eval(line, names)
        print(json.dumps(result, default=str), flush=True)
    await engine.aclose()


async def state(engine):
    return engine.background.state.beat


async def last_text(client):
    # What is stored of the last message of the newest chat.
    chats = await client.chats.list_chats()
    return (await client.chats.tree(chats[0].id))[-1].text if chats else ""


with Runtime() as runtime:
    runtime.run(main(runtime, sys.argv[1]))
"""


class Other:
    """An engine in another process, which does what it is told."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        self.beat = json.loads(process.stdout.readline())

    async def do(self, call: str) -> Any:
        """What an expression gives there, e.g. `client.chats.create('x')`."""

        def ask() -> Any:
            assert self.process.stdin is not None and self.process.stdout is not None
            self.process.stdin.write(call + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            assert line, "the other process has ended"
            return json.loads(line)

        return await asyncio.to_thread(ask)


@contextmanager
def other_on(
    folder: Path, models: ModelServer | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Other]:
    nagatha = Nagatha.on(folder, models)
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, "worker"],
        env={**nagatha.environ, **(environ or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Other(process)
        finally:
            assert process.stdin is not None
            if process.poll() is None:
                process.stdin.close()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
