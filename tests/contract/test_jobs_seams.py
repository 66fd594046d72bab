"""Where the parts of background work meet: messages without rows, other modules, pauses."""

from pathlib import Path

import pytest

from tests.support.engines import engine_in, module
from tests.support.model_server import ModelServer
from tests.support.queued import somebody_works, waiting
from tests.support.worlds import World
from worker.contract.errors import NotFound, StorageError
from worker.contract.types import Run, Sent
from worker.service.run_words import CARRIED_OVER
from worker.service.task_result import run_and_wait

NOTES = '''
from pathlib import Path

def register_tasks(registry):
    registry.register_task("notes", "write", write)


def write(file: str = "", text: str = "what nobody asked for") -> str:
    """Adds a line to a file."""
    if file:
        with Path(file).open("a") as found:
            found.write(text)
    return text
'''
WRITE = "notes.write"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "notes", NOTES)
    return folder


def test_message_whose_run_is_gone_with_a_restore_does_nothing(home: Path) -> None:
    async def test(there: World) -> None:
        client = there.client
        await client.chats.create("So that there is something to copy")
        copy = await client.data.back_up()
        await client.system.pause(True)
        run = await client.jobs.run_task(WRITE, {"text": "what was asked"}, source="cli")
        await client.data.restore(copy.name)
        with pytest.raises(NotFound):
            await client.jobs.get(run.id)
        assert (await client.system.status()).paused
        await client.system.pause(False)
        after = await client.jobs.run_task(WRITE, {"text": "later"}, source="cli")
        assert (await there.ended(after.id)).result == "later"
        # Both were in the queue, the older one first.
        with pytest.raises(NotFound):
            await client.jobs.get(run.id)

    with engine_in(home, background=True) as there:
        there.run(test)


def test_what_waited_when_the_copy_was_made_and_ended_since_is_not_done_again(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "written"

    async def test(there: World) -> None:
        client = there.client
        await client.chats.create("So that there is something to copy")
        await client.system.pause(True)
        done = await client.jobs.run_task(WRITE, {"file": str(file), "text": "x"}, source="cli")
        left = await client.jobs.run_task(WRITE, {"text": "later"}, source="cli")
        copy = await client.data.back_up()
        await client.jobs.cancel(left.id)
        await client.system.pause(False)
        ended = await there.ended(done.id)
        file.unlink()
        await client.data.restore(copy.name)
        assert await client.jobs.get(done.id) == ended
        assert (await client.jobs.get(left.id)).state == "REVOKED"
        last = [line.text for line in await client.jobs.log(done.id)][-2:]
        assert last[0] == CARRIED_OVER and last[1].startswith("Ended well")
        (made,) = [run for run in await client.jobs.list_runs() if run.name == "backup"]
        assert (made.state, made.result) == ("SUCCESS", copy.name)
        after = await client.jobs.run_task(WRITE, {"text": "after"}, source="cli")
        assert (await there.ended(after.id)).result == "after"
        assert not file.exists()

    with engine_in(home, background=True) as there:
        there.run(test)


def test_a_copy_put_back_without_the_data_that_it_is_of_knows_that_it_was_made(
    home: Path,
) -> None:
    async def made(there: World) -> tuple[str, str]:
        client = there.client
        await client.chats.create("So that there is something to copy")
        later = await client.jobs.run_task(WRITE, {"text": "later"}, source="cli")
        return (await client.data.back_up()).name, later.id

    async def test(there: World) -> None:
        client = there.client
        await client.data.restore(name)
        # Nobody knows that it ended, so it goes on.
        assert (await there.ended(later)).result == "later"
        (run,) = [run for run in await client.jobs.list_runs() if run.name == "backup"]
        assert (run.state, run.result) == ("SUCCESS", name)
        assert run.ended is not None and run.ended <= there.engine.now()

    with engine_in(home) as there:
        name, later = there.run(made)
    for database in home.glob("nagatha.db*"):
        database.unlink()
    with engine_in(home, background=True) as there:
        there.run(test)


def test_an_answer_that_was_written_since_the_copy_was_made_is_taken_over(
    home: Path, models: ModelServer
) -> None:
    async def waits(there: World) -> tuple[Sent, str]:
        sent = await waiting(there)
        return sent, (await there.client.data.back_up()).name

    async def test(there: World) -> None:
        answer = await there.answered(sent)
        await there.client.data.restore(name)
        restored = await there.client.chats.message(sent.answer.id)
        assert (restored.state, restored.text) == ("complete", answer.text)
        assert (await there.client.jobs.get(sent.run)).state == "SUCCESS"
        assert await there.engine.maintenance.recover() == 0
        assert len(models.completions) == 1

    with somebody_works(home), engine_in(home, models=models, background=True,
                                         work=False) as there:  # fmt: skip
        sent, name = there.run(waits)
    with engine_in(home, models=models, background=True) as there:
        there.run(test)


def test_process_without_a_worker_ends_no_task_for_a_module_that_it_does_not_have(
    home: Path, tmp_path: Path
) -> None:
    async def queue(there: World) -> Run:
        await there.client.system.pause(True)
        return await there.client.jobs.run_task(WRITE, {}, source="cli")

    async def look(there: World) -> None:
        await there.engine.maintenance.recover()

    with engine_in(home, background=True) as there:
        run = there.run(queue)
        environ = {"NAGATHA_MODULES_DISABLED": "notes"}
        with engine_in(home, environ=environ, role="cli") as other:
            other.run(look)
        assert there.run(lambda this: this.client.jobs.get(run.id)).state == "PENDING"


def test_task_that_an_answer_waits_for_goes_on_while_work_is_paused_and_others_wait(
    home: Path,
) -> None:
    async def test(there: World) -> None:
        await there.client.system.pause(True)
        waiting = await there.client.jobs.run_task(WRITE, {"text": "one"}, source="chat")
        jobs = there.engine.services("local").jobs
        assert await run_and_wait(jobs, WRITE, {"text": "two"}) == "two"
        assert (await there.client.jobs.get(waiting.id)).state == "PENDING"
        await there.client.system.pause(False)
        assert (await there.ended(waiting.id)).result == "one"

    with engine_in(home, background=True) as there:
        there.run(test)


def test_change_of_broker_that_went_well_stands_whatever_becomes_of_what_waits(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"nagatha+file://{tmp_path}/other.db"

    async def full() -> None:
        raise StorageError("The disk is full")

    async def test(there: World) -> None:
        monkeypatch.setattr(there.engine.storage, "waiting_runs", full)
        status = await there.client.system.set_broker(url)
        assert status.broker == url
        settings = {one.key: one.value for one in await there.client.system.settings()}
        assert settings["celery.broker_url"] == url

    with engine_in(home, background=True) as there:
        there.run(test)
