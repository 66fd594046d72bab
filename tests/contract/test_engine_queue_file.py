"""What goes wrong with the bundled broker's file under an engine: told as ours, and mended."""

import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in
from tests.support.processes import started
from tests.support.worlds import World
from worker.broker.node import REGISTER, used
from worker.contract.errors import Unavailable
from worker.service.dispatch import Background

# Everything is written into the file, which is garbage then: as a disk does that forgets.
DAMAGE = """
import sqlite3, sys
from pathlib import Path
path = Path(sys.argv[1])
db = sqlite3.connect(path)
assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
with path.open("r+b") as file:
    file.write(b"\\xde\\xad" * (path.stat().st_size // 2))
"""
# Another process that has the file open.
USE = """
import sys, time
from pathlib import Path
from worker.broker.node import Node
node = Node(Path(sys.argv[1]))
Path(sys.argv[2]).touch()
time.sleep(60)
"""
ROOT = Path(__file__).parents[2]


def damage(queue: Path) -> None:
    subprocess.run([sys.executable, "-c", DAMAGE, str(queue)], check=True, timeout=60)


async def echo(there: World, text: str) -> str:
    return (await there.client.jobs.run_task("echo_bot.echo", {"text": text})).id


async def done(there: World, run: str, text: str) -> None:
    ended = await there.ended(run)
    assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", text, 1)


def test_file_that_is_damaged_while_the_program_runs_is_made_anew_and_what_waits_is_done(
    tmp_path: Path, expect_log_errors: object
) -> None:
    async def test(there: World) -> None:
        await done(there, await echo(there, "before"), "before")
        await there.client.system.pause(True)
        waits = await echo(there, "waits")
        damage(tmp_path / "queue.db")
        comes = await echo(there, "comes")

        async def made_anew() -> bool:
            status = await there.client.system.status()
            told = [notice.kind for notice in status.notices]
            return "queue_damaged" in told and (status.worker, status.beat) == ("ok", "ok")

        await becomes(made_anew, "the file is made anew")
        await there.client.system.pause(False)
        await done(there, waits, "waits")
        await done(there, comes, "comes")
        assert await there.client.jobs.dead_letters() == ()

    with engine_in(tmp_path, background=True) as there:
        there.run(test)
    (aside,) = tmp_path.glob("queue.db.damaged-*")
    assert aside.read_bytes().startswith(b"\xde\xad")


def test_damaged_file_that_another_process_uses_is_told_and_made_anew_once_that_has_ended(
    tmp_path: Path, expect_log_errors: object
) -> None:
    queue, sign = tmp_path / "queue.db", tmp_path / "sign"
    use = [sys.executable, "-c", USE, str(queue), str(sign)]

    async def test(there: World) -> None:
        with started(use, cwd=ROOT):

            async def used() -> bool:
                return sign.exists()

            await becomes(used, "another process uses it")
            damage(queue)
            waits = await echo(there, "waits")

            async def told() -> bool:
                status = await there.client.system.status()
                titles = [notice.title for notice in status.notices]
                return "The broker's file is damaged" in titles and status.worker == "off"

            # Each look would come a minute after the one before.
            async def looked() -> bool:
                await there.engine.tending.tend()
                return await told()

            await becomes(looked, "it is said why there is no worker")
            assert not list(tmp_path.glob("queue.db.damaged-*"))
        await there.engine.tending.tend()
        await done(there, waits, "waits")
        (notice,) = (await there.client.system.status()).notices
        assert notice.kind == "queue_damaged"

    with engine_in(tmp_path, background=True) as there:
        there.run(test)


@pytest.fixture
def forbid(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Lets nobody in this process write into the file any more."""
    with ExitStack() as stack:

        def forbid() -> None:
            node = stack.enter_context(used(REGISTER, tmp_path / "queue.db"))
            node._database.write("PRAGMA query_only=ON")

        yield forbid


@pytest.mark.parametrize(
    "use",
    [
        lambda background: background.revoke("x"),
        lambda background: background.hasten("local", "echo_bot.echo", "x"),
        lambda background: background.forget_all(),
    ],
    ids=["revoke", "hasten", "forget"],
)
def test_file_that_cannot_be_written_is_told_as_ours(
    tmp_path: Path, forbid: Callable[[], None], use: Callable[[Background], Awaitable[None]]
) -> None:
    async def test(there: World) -> None:
        forbid()
        with pytest.raises(Unavailable, match="cannot be written"):
            await use(there.engine.background)

    with engine_in(tmp_path, background=True, work=False) as there:
        there.run(test)


def test_run_is_cancelled_though_its_message_cannot_be_taken_out(
    tmp_path: Path, forbid: Callable[[], None]
) -> None:
    async def test(there: World) -> None:
        run = await echo(there, "never")
        forbid()
        assert (await there.client.jobs.cancel(run)).state == "REVOKED"

    with engine_in(tmp_path, background=True, work=False) as there:
        there.run(test)


def test_results_in_a_file_of_their_own_are_closed_with_the_queue(tmp_path: Path) -> None:
    results = tmp_path / "results.db"
    environ = {"NAGATHA_CELERY_RESULT_BACKEND": f"nagatha+file://{results}"}
    environ["NAGATHA_CELERY_BROKER_URL"] = f"nagatha+file://{tmp_path / 'other.db'}"

    async def test(there: World) -> None:
        await done(there, await echo(there, "kept there"), "kept there")
        assert REGISTER.open(results) is not None

    with engine_in(tmp_path, background=True, environ=environ) as there:
        there.run(test)
    assert REGISTER.open(results) is None
    assert REGISTER.open(tmp_path / "other.db") is None


def test_file_of_another_place_is_the_one_that_is_asked(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"

    async def test(there: World) -> None:
        await there.client.system.set_broker(f"nagatha+file://{elsewhere}")
        run = await echo(there, "there")
        assert await there.engine.background.holds(run)
        await there.client.jobs.cancel(run)
        assert not await there.engine.background.holds(run)

    with engine_in(tmp_path, background=True, work=False) as there:
        there.run(test)
    assert elsewhere.exists()
