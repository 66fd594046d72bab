"""The engine's start on whatever it finds: settings, data, folders and modules that are wrong."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in, module
from tests.support.model_server import ModelServer
from tests.support.processes import wait_until
from tests.support.worlds import World
from worker.contract.errors import InvalidInput, StorageError
from worker.contract.types import Chat

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system of the test's own; skips where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if not IS_ROOT or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(folder: Path) -> None:
    """Leave no room on the disk."""
    ballast = os.open(folder / "ballast", os.O_CREAT | os.O_WRONLY)
    with pytest.raises(OSError):
        while True:
            os.write(ballast, b"x" * 4096)
    os.close(ballast)


async def chat_named(there: World, title: str) -> Chat:
    return await there.client.chats.create(title)


def test_settings_that_are_wrong_are_kept_aside_and_said(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("models:\n  temprature: 0.3\n")

    async def test(there: World) -> None:
        status = await there.client.system.status()
        assert status.notices and "temprature" in str(status.notices[0])
        assert "temperature" in str(status.notices[0])
        # What was written stays readable for the person, also after a change from here.
        await there.client.system.set_setting("models.temperature", 0.5)
        kept = [f for f in tmp_path.rglob("*.yaml*") if "temprature" in f.read_text()]
        assert kept

    with engine_in(tmp_path) as there:
        there.run(test)


def test_settings_of_the_environment_that_are_wrong_stop_the_start_and_leave_nothing_open(
    tmp_path: Path,
) -> None:
    with (
        pytest.raises(InvalidInput),
        engine_in(tmp_path, environ={"NAGATHA_MODELS_TEMPERATURE": "hot"}),
    ):
        raise AssertionError("it started")
    assert not list(tmp_path.glob("locks/processes/*"))
    with engine_in(tmp_path):
        pass


def test_damaged_data_is_moved_aside_and_the_backup_that_is_offered_brings_it_back(
    tmp_path: Path,
) -> None:
    with engine_in(tmp_path) as there:

        async def prepare(there: World) -> None:
            await there.client.chats.create("Precious")
            await there.client.data.back_up()

        there.run(prepare)
    database = tmp_path / "nagatha.db"
    garbage = b"\xde\xad\xbe\xef" * 30_000
    database.write_bytes(garbage)
    (tmp_path / "nagatha.db-wal").unlink(missing_ok=True)

    async def test(there: World) -> None:
        (notice,) = (await there.client.system.status()).notices
        assert (notice.kind, notice.action) == ("damaged", "restore")
        (aside,) = tmp_path.glob("nagatha.db.damaged-*")
        assert aside.read_bytes() == garbage
        assert await there.client.chats.list_chats() == ()
        (backup,) = await there.client.data.backups()
        assert backup.name in notice.remedy
        await there.client.data.restore(backup.name)
        assert [chat.title for chat in await there.client.chats.list_chats()] == ["Precious"]
        assert (await there.client.system.status()).notices == ()
        # It can be written to, and the events go on.
        await there.client.chats.create("New")

    with engine_in(tmp_path) as there:
        there.run(test)


def test_data_of_a_newer_version_is_refused_and_left_untouched(tmp_path: Path) -> None:
    with engine_in(tmp_path):
        pass
    database = tmp_path / "nagatha.db"
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA user_version = 9999")
        db.commit()
        db.execute("PRAGMA journal_mode = DELETE")
    before = database.read_bytes()
    with pytest.raises(StorageError) as caught, engine_in(tmp_path):
        raise AssertionError("it started")
    assert caught.value.kind == "newer_version"
    assert database.read_bytes() == before and not list(tmp_path.glob("*.damaged-*"))
    # Nobody is left who would count as running.
    assert not list(tmp_path.glob("locks/processes/*"))


def test_read_only_data_folder_is_an_error_that_says_so(tmp_path: Path) -> None:
    with mounted(tmp_path / "ro", "size=20m") as folder:
        with engine_in(folder):
            pass
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with pytest.raises(StorageError) as caught, engine_in(folder):
            raise AssertionError("it started")
        assert caught.value.kind == "read_only"
        assert caught.value.problem.remedy and str(folder) in caught.value.problem.message


def test_data_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError) as caught, engine_in(tmp_path / "file" / "nagatha"):
        raise AssertionError("it started")
    assert "file" in caught.value.problem.message


def test_full_disk_loses_nothing_that_was_shown_and_is_said(
    tmp_path: Path, expect_log_errors: object
) -> None:
    with (
        ModelServer() as models,
        mounted(tmp_path / "full", "size=3m") as folder,
    ):
        with engine_in(folder, models=models) as there:

            async def fill(there: World) -> None:
                chat = await there.client.chats.create("Before")
                fill_up(folder)
                with pytest.raises(StorageError) as caught:
                    for _ in range(100):
                        await there.client.chats.send(chat.id, "x" * 50_000, model="401")
                assert caught.value.kind == "disk_full"
                (folder / "ballast").unlink()
                sent = await there.client.chats.send(None, "There is room", model="fast")
                assert (await there.answered(sent)).state == "complete"

            there.run(fill)
        with engine_in(folder) as there:

            async def again(there: World) -> None:
                titles = {chat.title for chat in await there.client.chats.list_chats()}
                assert {"Before", "There is room"} <= titles

            there.run(again)


def test_start_on_a_full_disk_shows_what_is_there(
    tmp_path: Path, expect_log_errors: object
) -> None:
    with mounted(tmp_path / "full", "size=3m") as folder:
        with engine_in(folder) as there:
            there.run(lambda this: chat_named(this, "Kept"))
        fill_up(folder)
        try:
            with engine_in(folder) as there:

                async def look(there: World) -> None:
                    assert [c.title for c in await there.client.chats.list_chats()] == ["Kept"]

                there.run(look)
        except StorageError as error:
            # Not even the index of the log fits: then it is said in our words.
            assert error.kind == "disk_full"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def register_tasks(registry) -> None:\n    raise ValueError('not today')\n", "not today"),
        ("import nothing_like_it\n", "nothing_like_it"),
        ("def broken(:\n", ""),
        ("x = 1\n", "register_tasks"),
    ],
)
def test_broken_module_is_shown_and_the_others_work(tmp_path: Path, source: str, told: str) -> None:
    module(tmp_path, "bad", source)

    async def test(there: World) -> None:
        await there.engine.modules_ready()
        found = {info.name: info for info in await there.client.modules.list_modules()}
        problem = found["bad"].problem
        assert found["bad"].state == "broken" and problem is not None
        assert told in str(problem) and found["echo_bot"].state == "on"
        run = await there.client.jobs.run_task("echo_bot.echo", {"text": "alive"})
        assert (await there.ended(run.id)).result == "alive"
        (check,) = await there.client.system.doctor(("modules",))
        assert check.state in ("warning", "failed") and "bad" in check.message

    with engine_in(tmp_path, background=True) as there:
        there.run(test)


def test_module_that_hangs_does_not_hold_up_the_chat(tmp_path: Path) -> None:
    go = tmp_path / "go"
    module(
        tmp_path,
        "sleepy",
        f"""
        import time
        from pathlib import Path

        while not Path({str(go)!r}).exists():
            time.sleep(0.01)


        def register_tasks(registry) -> None:
            pass
        """,
    )
    with ModelServer() as models, engine_in(tmp_path, models=models) as there:

        async def test(there: World) -> None:
            # The module is still being imported, and the chat answers.
            ready = asyncio.create_task(there.engine.modules_ready())
            answer = await there.answered(await there.client.chats.send(None, "Hello"))
            assert answer.state == "complete"
            assert not ready.done()
            go.touch()
            await ready
            found = {info.name: info.state for info in await there.client.modules.list_modules()}
            assert found["sleepy"] == "on"

        there.run(test)


def test_engine_whose_log_of_levels_changes_follows(tmp_path: Path) -> None:
    import logging

    from worker.engine import Engine
    from worker.logging import LogSystem, Redactor
    from worker.paths import Paths
    from worker.runtime import Runtime

    paths = Paths.under(tmp_path)
    paths.make()
    redactor = Redactor()

    async def test(runtime: Runtime, logs: LogSystem) -> None:
        engine = Engine(
            paths, runtime, "desktop", environ={}, cwd=tmp_path, logs=logs, redactor=redactor
        )
        async with engine:
            await engine.services("local").system.set_setting("logging.level", "ERROR")

            async def followed() -> bool:
                return logging.getLogger().level == logging.ERROR

            await becomes(followed, "the level is taken")

    with LogSystem(paths.logs, redactor) as logs, Runtime() as runtime:
        runtime.run(test(runtime, logs), 60)


def test_start_and_end_again_and_again_leave_no_thread(tmp_path: Path) -> None:
    import threading

    with engine_in(tmp_path):
        pass
    before = threading.active_count()
    for _ in range(3):
        with engine_in(tmp_path, background=True):
            pass
    wait_until(lambda: threading.active_count() <= before, "no thread is left")


def test_engine_takes_up_a_killed_processs_answer_and_its_task(tmp_path: Path) -> None:
    """The rows as kill -9 leaves them: claimed by a process that is no more."""
    with engine_in(tmp_path, background=True, work=False) as there:

        async def leave(there: World) -> tuple[str, str]:
            run = await there.client.jobs.run_task("echo_bot.echo", {"text": "orphan"})
            gone = "desktop-1-deadbeef"
            assert await there.engine.storage.claim_run("local", run.id, gone, there.engine.now())
            return run.id, gone

        run, _ = there.run(leave)
    with engine_in(tmp_path, background=True) as there:

        async def look(there: World) -> None:
            ended = await there.ended(run)
            assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", "orphan", 2)

        there.run(look)
