"""kill -9 of a process that tells reminders: between the row and the notification, and between
the notification and the answer. What was told is told no more, what was not is told again."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.command import Nagatha
from tests.support.engines import engine_in
from tests.support.processes import kill
from tests.support.worlds import World

TELLER = """
import asyncio, json, sys
from datetime import UTC, datetime, timedelta
from worker.contract.events import FiringChanged
from worker.engine import Engine
from worker.paths import Paths
from worker.runtime import Runtime


async def main(runtime, until):
    engine = Engine(Paths.find(), runtime, "desktop")
    await engine.start()
    reminders = engine.services("local").reminders
    events = engine.bus.subscribe("local")
    at = datetime.now(UTC) + timedelta(seconds=1)
    await reminders.add("x", at.replace(tzinfo=None).isoformat(), zone="UTC")
    async for event in events:
        if isinstance(event, FiringChanged):
            break
    firing = event.firing.id
    if until != "row":
        assert await reminders.take(firing, "")
    if until in ("shown", "answered"):
        await reminders.shown(firing)
    if until == "answered":
        await reminders.done(event.firing.reminder, firing)
    print(json.dumps(firing), flush=True)
    await asyncio.sleep(600)


with Runtime() as runtime:
    runtime.run(main(runtime, sys.argv[1]))
"""


@contextmanager
def teller(folder: Path, until: str) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """A program that goes on until then and waits there, and the firing that it is at."""
    with subprocess.Popen(
        [sys.executable, "-c", TELLER, until],
        env=Nagatha.on(folder).environ,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            kill(process)


@pytest.mark.parametrize(
    ("until", "told_again", "open_"),
    [("row", True, 1), ("taken", True, 1), ("shown", False, 1), ("answered", False, 0)],
)
def test_a_killed_program_tells_again_what_it_told_nobody(
    tmp_path: Path, until: str, told_again: bool, open_: int
) -> None:
    with teller(tmp_path, until) as (process, firing):
        kill(process)

    async def test(there: World) -> None:
        reminders = there.client.reminders
        found = await reminders.open_firings()
        assert len(found) == open_
        assert await reminders.take(firing, "") is told_again
        (reminder,) = await there.engine.storage.every_reminder("local")
        assert [one.id for one in await reminders.history(reminder.id)] == [firing]

    with engine_in(tmp_path) as there:
        there.run(test)


def test_what_another_living_program_tells_is_not_told_here(tmp_path: Path) -> None:
    async def test(there: World) -> None:
        with teller(tmp_path, "taken") as (_, firing):
            assert not await there.client.reminders.take(firing, "")

    with engine_in(tmp_path) as there:
        there.run(test)


def test_a_change_in_one_program_is_aimed_at_in_another(tmp_path: Path) -> None:
    """The command line ends; whoever works in the background is the one to fire."""

    async def test(there: World) -> None:
        from tests.support.engines import until as waits
        from worker.contract.events import FiringChanged
        from worker.engine import Engine
        from worker.paths import Paths

        environ = {"NAGATHA_HOME": str(tmp_path)}
        other = Engine(Paths.find(environ), there.runtime, "cli", environ=environ, cwd=tmp_path)
        async with other:
            service = other.services("local").reminders
            at = datetime.now(UTC) + timedelta(seconds=2)
            await service.add("x", at.replace(tzinfo=None).isoformat(), zone="UTC")
        event = await waits(there, lambda e: isinstance(e, FiringChanged))
        assert isinstance(event, FiringChanged) and event.firing.fired >= at

    with engine_in(tmp_path) as there:
        there.run(test)
