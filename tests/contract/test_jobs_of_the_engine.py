"""The engine's own work as runs that people see: maintenance, usage, copies, exports; and what is
left of them when their process is killed.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.engines import Failing, engine_in
from tests.support.lab import client_of, result_of
from tests.support.model_server import ModelServer
from tests.support.worlds import World, close
from worker.contract.errors import Conflict, InvalidInput, NagathaError
from worker.contract.events import RunChanged
from worker.contract.types import Run, RunKind
from worker.service.dispatch import schedule_headers
from worker.storage.base import Storage
from worker.storage.memory import MemoryStorage

MAINTENANCE = "cleanup_memory_and_maintenance"


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def left(there: World, kind: RunKind, name: str) -> Run:
    """A run that a killed process was at."""
    now = there.engine.now()
    return Run(
        id=f"left {name}",
        kind=kind,
        name=name,
        state="PROGRESS",
        source="schedule",
        queued=now,
        started=now,
        attempts=1,
    )


def test_maintenance_is_a_run_with_steps_and_a_result(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        await there.answered(await there.client.chats.send(None, "Ask"))
        events = there.client.events(0)
        with client_of(tmp_path) as app:
            sent = app.send_task(MAINTENANCE, headers=schedule_headers("maintenance"))
            run = await there.ended(sent.id)
            found = await result_of(app, sent.id)
        assert (run.kind, run.name, run.state) == ("maintenance", MAINTENANCE, "SUCCESS")
        assert (run.source, run.schedule) == ("schedule", "maintenance")
        assert run.result == found["result"] and found["result"]["success"] is True
        last = await there.engine.storage.last_run_of("local", "maintenance")
        assert last is not None and last.id == run.id
        steps = []
        async for event in events:
            if getattr(event, "kind", "") == "run.changed" and event.run_id == run.id:
                steps.append(cast(Any, event).run.progress_text)
                if cast(Any, event).run.state == "SUCCESS":
                    break
        assert "removing what expired" in steps and "tidying the queue" in steps
        assert "maintenance" in (await there.client.jobs.log(run.id))[0].text
        # The daily copy that it made is a piece of work of its own.
        (copy,) = await there.client.jobs.list_runs(kinds=("backup",))
        assert (copy.name, copy.state, copy.source) == ("backup", "SUCCESS", "schedule")
        assert copy.result == found["result"]["backup"]

    with engine_in(tmp_path, models=models, background=True) as there:
        there.run(test)


def test_maintenance_that_fails_says_why_and_can_be_run_again(tmp_path: Path) -> None:
    storage = Failing(MemoryStorage())

    async def test(there: World) -> None:
        storage.broken.add("expire")
        with client_of(tmp_path) as app:
            sent = app.send_task(MAINTENANCE)
            failed = await there.ended(sent.id)
            assert (await result_of(app, sent.id))["status"] == "FAILURE"
        assert failed.error is not None and failed.error.kind == "disk_full"
        storage.mend()
        again = await there.client.jobs.retry(failed.id)
        assert (again.kind, again.name, again.source) == ("maintenance", MAINTENANCE, "api")
        assert (await there.ended(again.id)).state == "SUCCESS"

    with engine_in(tmp_path, background=True, storage=cast(Storage, storage)) as there:
        there.run(test)


def test_maintenance_of_a_disk_too_full_for_its_row_is_done_all_the_same(tmp_path: Path) -> None:
    storage = Failing(MemoryStorage())

    async def test(there: World) -> None:
        storage.broken.add("add_run")
        with client_of(tmp_path) as app:
            sent = app.send_task(MAINTENANCE)
            assert (await result_of(app, sent.id))["status"] == "SUCCESS"
        assert await there.client.jobs.list_runs() == ()

    with engine_in(tmp_path, background=True, storage=cast(Storage, storage)) as there:
        there.run(test)


def test_of_what_a_killed_process_was_at_maintenance_is_begun_again_and_the_rest_broken_off(
    tmp_path: Path,
) -> None:
    async def test(there: World) -> None:
        storage, jobs = there.engine.storage, there.client.jobs
        kinds: tuple[tuple[RunKind, str], ...] = (
            ("maintenance", MAINTENANCE),
            ("title", "title"),
            ("backup", "backup"),
        )
        for kind, name in kinds:
            await storage.add_run("local", left(there, kind, name), (), "desktop-0-gone")
        assert await there.engine.maintenance.recover() == 1
        assert await there.engine.background.holds(f"left {MAINTENANCE}")
        assert (await jobs.get(f"left {MAINTENANCE}")).state == "PENDING"
        for name in ("title", "backup"):
            run = await jobs.get(f"left {name}")
            assert run.state == "INTERRUPTED" and run.ended is not None
            assert "is gone" in (await jobs.log(run.id))[-1].text

    with engine_in(tmp_path, background=True, work=False) as there:
        there.run(test)
    with engine_in(tmp_path, background=True) as there:

        async def ended(there: World) -> None:
            run = await there.ended(f"left {MAINTENANCE}")
            assert (run.state, run.attempts) == ("SUCCESS", 2)

        there.run(ended)


def test_copies_exports_and_imports_are_runs(tmp_path: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        data, jobs = there.client.data, there.client.jobs
        await there.answered(await there.client.chats.send(None, "Ask"))
        made = await data.back_up()
        exported = await data.export(str(tmp_path))
        await data.import_all(exported.path)
        with pytest.raises(InvalidInput):
            await data.import_all(str(tmp_path / "nowhere"))
        runs = await jobs.list_runs(kinds=("backup",))
        assert [(run.name, run.state) for run in reversed(runs)] == [
            ("backup", "SUCCESS"),
            ("export", "SUCCESS"),
            ("import", "SUCCESS"),
            ("import", "FAILURE"),
        ]
        assert runs[-1].result == made.name and runs[-1].arguments == {"reason": "person"}
        assert cast(Any, runs[-2].result)["path"] == exported.path
        assert runs[0].error is not None
        texts = [line.text for line in await jobs.log(runs[-1].id)]
        assert texts[0] == "A person asked for it." and texts[-1].startswith("Ended well")
        # The row of the copy that is put back was at work when it was made.
        await data.restore(made.name)
        (copy,) = await jobs.list_runs(kinds=("backup",))
        assert copy == runs[-1]
        await data.delete_all()

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


def test_exports_and_imports_tell_how_far_they_are(tmp_path: Path) -> None:
    async def test(there: World) -> None:
        data = there.client.data
        for number in range(4):
            await there.client.chats.create(f"Chat {number}")
        events = there.client.events()
        exported = await data.export(str(tmp_path))
        await data.import_all(exported.path)
        told: dict[str, list[tuple[float | None, str]]] = {"export": [], "import": []}
        async for event in events:
            if isinstance(event, RunChanged):
                if event.run.state == "PROGRESS":
                    told[event.run.name].append((event.run.progress, event.run.progress_text))
                elif (event.run.name, event.run.state) == ("import", "SUCCESS"):
                    break
        await close(events)
        quarters = [(number / 4, f"{number} of 4 chats") for number in range(4)]
        assert told == {"export": quarters, "import": quarters}

    with engine_in(tmp_path) as there:
        there.run(test)


@pytest.mark.expect_log_errors
def test_an_export_goes_on_where_its_progress_cannot_be_stored(tmp_path: Path) -> None:
    storage = Failing(MemoryStorage())

    async def test(there: World) -> None:
        await there.client.chats.create("A chat")
        storage.broken.add("save_run")
        exported = await there.client.data.export(str(tmp_path))
        assert exported.chats == 1
        storage.mend()
        await there.engine.ends.settle()
        (run,) = await there.client.jobs.list_runs()
        assert run.state == "SUCCESS"

    with engine_in(tmp_path, storage=cast(Storage, storage)) as there:
        there.run(test)


def test_a_copy_is_made_without_a_row_where_there_is_no_room_for_one(tmp_path: Path) -> None:
    storage = Failing(MemoryStorage())

    async def test(there: World) -> None:
        storage.broken.add("add_run")
        exported = await there.client.data.export(str(tmp_path))
        assert Path(exported.path).is_dir()
        assert await there.client.jobs.list_runs() == ()

    with engine_in(tmp_path, storage=cast(Storage, storage)) as there:
        there.run(test)


def test_how_a_copy_ended_is_stored_as_soon_as_there_is_room(
    tmp_path: Path, expect_log_errors: object
) -> None:
    storage = Failing(MemoryStorage())

    async def test(there: World) -> None:
        storage.broken.add("save_run")
        await there.client.data.export(str(tmp_path))
        (run,) = await there.client.jobs.list_runs()
        assert run.state == "STARTED"
        with pytest.raises(Conflict):
            await there.client.jobs.cancel(run.id)
        storage.mend()
        await there.engine.ends.settle()
        assert (await there.client.jobs.get(run.id)).state == "SUCCESS"

    with engine_in(tmp_path, storage=cast(Storage, storage)) as there:
        there.run(test)


def test_what_is_no_task_cannot_be_run_again(tmp_path: Path) -> None:
    async def test(there: World) -> None:
        await there.client.data.export(str(tmp_path))
        (run,) = await there.client.jobs.list_runs()
        with pytest.raises(NagathaError):
            await there.client.jobs.retry(run.id)

    with engine_in(tmp_path) as there:
        there.run(test)


def test_old_runs_go_with_their_logs_and_batches_and_maintenance_that_went_well_sooner(
    tmp_path: Path,
) -> None:
    async def test(there: World) -> None:
        engine, jobs = there.engine, there.client.jobs
        now = engine.now()

        async def ended(name: str, days: float, kind: RunKind = "task") -> None:
            at = now - timedelta(days=days)
            run = replace(left(there, kind, name), id=name, state="SUCCESS", ended=at)
            await engine.storage.add_run("local", replace(run, batch=f"of {name}"))
            await engine.services("local").jobs.write_down(name)

        await ended("old", 31)
        await ended("young", 29)
        await ended("quiet", 2, "maintenance")
        await ended("fresh", 0.5, "maintenance")
        await engine.maintenance.run()
        assert {run.id for run in await jobs.list_runs()} == {"young", "fresh"}
        with pytest.raises(NagathaError):
            await jobs.log("old")
        with pytest.raises(NagathaError):
            await jobs.batch("of old")
        assert len((await jobs.batch("of young")).runs) == 1

    with engine_in(tmp_path) as there:
        there.run(test)
