"""Answers that were claimed and could not be begun, or ended: nobody is at work, and nobody waits
for the next start."""

import asyncio
import logging
from pathlib import Path
from typing import cast

import pytest

from tests.support.engines import Failing, engine_in
from tests.support.model_server import ANSWER, ModelServer
from tests.support.queued import message, somebody_works, waiting
from tests.support.worlds import World
from worker.contract.errors import StorageError
from worker.service.run_words import dead_letter
from worker.storage.base import Storage
from worker.storage.memory import MemoryStorage


async def waits(there: World, run: str) -> bool:
    """Whether a run waits, and no process has it."""
    return run in {owned.run.id for owned in await there.engine.storage.unclaimed_runs()}


async def here(there: World, run: str) -> bool:
    """Write a queued answer here and now."""
    scope = there.engine.services("local").chats.scope
    return await there.engine.answers.take(scope, run, lane="now", words="At once.")


def test_an_answer_whose_beginning_cannot_be_stored_waits_again_and_is_written_later(
    tmp_path: Path, models: ModelServer
) -> None:
    storage = Failing(MemoryStorage())

    async def test(there: World) -> None:
        sent = await waiting(there)
        storage.broken.add("save_run")
        with pytest.raises(StorageError):
            await here(there, sent.run)
        assert storage.failed == ["save_run"]
        assert await waits(there, sent.run)
        assert (await there.client.jobs.get(sent.run)).state == "PENDING"
        assert not there.engine.answers.writes(sent.run)
        storage.mend()
        assert await here(there, sent.run)
        assert (await there.answered(sent)).text == ANSWER

    with somebody_works(tmp_path), engine_in(
        tmp_path, models=models, background=True, work=False, storage=cast(Storage, storage)
    ) as there:  # fmt: skip
        there.run(test)


def test_an_answer_that_cannot_even_be_let_go_waits_again_once_there_is_room(
    tmp_path: Path, models: ModelServer, expect_log_errors: list[logging.LogRecord]
) -> None:
    storage = Failing(MemoryStorage())

    async def test(there: World) -> None:
        sent = await waiting(there)
        storage.broken |= {"save_run", "release_run"}
        with pytest.raises(StorageError):
            await here(there, sent.run)
        assert not await waits(there, sent.run)
        with pytest.raises(StorageError):
            await there.engine.answers.settle()
        storage.mend()
        assert await there.engine.answers.settle() == 1
        assert await waits(there, sent.run)
        assert await there.engine.answers.settle() == 0
        assert await here(there, sent.run)
        assert (await there.answered(sent)).text == ANSWER
        assert "cannot be let go" in expect_log_errors[0].getMessage()

    with somebody_works(tmp_path), engine_in(
        tmp_path, models=models, background=True, work=False, storage=cast(Storage, storage)
    ) as there:  # fmt: skip
        there.run(test)


@pytest.mark.parametrize("verb", ["claim_answer", "save_run"])
def test_an_answer_that_is_cancelled_between_its_claim_and_its_beginning_waits_again(
    tmp_path: Path, models: ModelServer, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    async def test(there: World) -> None:
        sent = await waiting(there)
        before = await there.client.jobs.get(sent.run)
        storage = there.engine.storage
        store, stored = getattr(storage, verb), asyncio.Event()

        async def slow(*args: object) -> object:
            await store(*args)
            stored.set()
            return await asyncio.Event().wait()

        monkeypatch.setattr(storage, verb, slow)
        taking = asyncio.create_task(here(there, sent.run))
        await stored.wait()
        assert not await waits(there, sent.run)
        monkeypatch.setattr(storage, verb, store)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert await waits(there, sent.run)
        assert not there.engine.answers.writes(sent.run)
        run = await there.client.jobs.get(sent.run)
        assert (run.state, run.lane, run.name) == ("PENDING", "queued", before.name)

    with somebody_works(tmp_path), engine_in(
        tmp_path, models=models, background=True, work=False
    ) as there:  # fmt: skip
        there.run(test)


@pytest.mark.parametrize("full", [{"finish_answer"}, {"finish_answer", "release_run"}])
def test_an_answer_that_cannot_be_given_up_waits_to_be_given_up_later(
    tmp_path: Path, models: ModelServer, full: set[str], expect_log_errors: object
) -> None:
    storage = Failing(MemoryStorage())

    async def test(there: World) -> None:
        sent = await waiting(there)
        life = there.engine.services("local").jobs
        storage.broken |= full
        with pytest.raises(StorageError):
            await life.give_up(await life.get(sent.run), dead_letter())
        storage.mend()
        assert await there.engine.ends.settle() == len(full) - 1
        assert await waits(there, sent.run)
        assert (await message(there, sent)).state == "streaming"
        await life.give_up(await life.get(sent.run), dead_letter())
        assert (await message(there, sent)).state == "failed"
        assert (await life.get(sent.run)).state == "FAILURE"

    with somebody_works(tmp_path), engine_in(
        tmp_path, models=models, background=True, work=False, storage=cast(Storage, storage)
    ) as there:  # fmt: skip
        there.run(test)
