"""The engine on each of its brokers: order by priority, pause and resume, changes of broker."""

import asyncio
import gc
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import kombu
import psutil
import pytest
import redis
from celery.worker import state as worker_state

from tests.support import rabbitmq_server, redis_server
from tests.support.engines import becomes, engine_in, module
from tests.support.model_server import Behaviour, ModelServer
from tests.support.others import Other, other_on
from tests.support.processes import free_port, kill, posix_only
from tests.support.queued import LONG, half_written, heard, in_state, message
from tests.support.worlds import World
from worker import servers
from worker.contract.errors import Unavailable
from worker.contract.jobs import PRIORITY_PERSON
from worker.contract.types import Run
from worker.servers import check_address
from worker.service.scope import new_id

GATE = '''
import time
from pathlib import Path


def register_tasks(registry):
    registry.register_task("gate", "pass", through)


def through(file: str) -> str:
    """Waits for a file."""
    while not Path(file).exists():
        time.sleep(0.01)
    return "through"
'''
pytestmark = [
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning"),
    # Celery leaves the connections of its pool's threads to be collected with them.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
NAMES = ["bundled", "redis", "rabbitmq"]


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Where the brokers are that can be had here."""
    folder, found = tmp_path_factory.mktemp("servers"), {"bundled": ""}
    with ExitStack() as stack:
        if redis_server.available():
            server = stack.enter_context(redis_server.redis_server(folder / "redis"))
            found["redis"] = server.url()
        if rabbitmq_server.available():
            rabbit = stack.enter_context(rabbitmq_server.rabbitmq_server(folder / "rabbitmq"))
            found["rabbitmq"] = rabbit.url()
        yield found


@pytest.fixture(params=NAMES)
def address(request: pytest.FixtureRequest, addresses: Mapping[str, str]) -> str:
    if request.param not in addresses:
        pytest.skip(f"there is no {request.param} here")
    return addresses[request.param]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "gate", GATE)
    return folder


def on(address: str, tasks: int = 1) -> dict[str, str]:
    environ = {"NAGATHA_CELERY_CONCURRENCY": str(tasks)}
    return environ | ({"NAGATHA_CELERY_BROKER_URL": address} if address else {})


async def queue(there: World, text: str, priority: int = 4) -> Run:
    """Queue an echo that is begun by its priority."""
    jobs = there.engine.services("local").jobs
    run = Run(
        id=new_id(),
        kind="task",
        name="echo_bot.echo",
        state="PENDING",
        source="cli",
        queued=datetime.now(UTC),
        arguments={"text": text},
        priority=priority,
    )
    await there.engine.storage.add_run("local", run)
    await jobs.enqueue(run)
    return run


async def done(there: World, run: Run) -> None:
    ended = await there.ended(run.id)
    assert (ended.state, ended.result, ended.attempts) == (
        "SUCCESS",
        (run.arguments or {})["text"],
        1,
    )


async def waits(there: World, run: Run) -> None:
    found = await there.client.jobs.get(run.id)
    assert (found.state, found.attempts) == ("PENDING", 0)


def test_what_waits_is_begun_by_priority_then_age(home: Path, address: str) -> None:
    async def test(there: World) -> None:
        await there.client.system.pause(True)
        order = [4, 0, 6, 1, 7, 4, 2, 5, 3]
        runs = [await queue(there, str(number), p) for number, p in enumerate(order)]
        await there.client.system.pause(False)
        for run in runs:
            await done(there, run)
        begun = sorted(
            [await there.client.jobs.get(run.id) for run in runs],
            key=lambda run: run.started or run.queued,
        )
        assert [run.priority for run in begun] == sorted(order, reverse=True)
        fours = [run.result for run in begun if run.priority == 4]
        assert fours == ["0", "5"]

    with engine_in(home, background=True, environ=on(address)) as there:
        there.run(test)


def test_paused_work_waits_over_restarts_and_what_a_person_waits_for_goes_on(
    home: Path, address: str
) -> None:
    async def pause(there: World) -> Run:
        assert (await there.client.system.pause(True)).paused
        run = await queue(there, "patience")
        await done(there, await queue(there, "at once", PRIORITY_PERSON))
        sent = await there.client.chats.send(None, "Hello?")
        assert (await there.answered(sent)).state == "complete"
        await waits(there, run)
        return run

    async def still(there: World, run: Run) -> None:
        assert (await there.client.system.status()).paused
        await done(there, await queue(there, "again", PRIORITY_PERSON))
        await waits(there, run)
        assert not (await there.client.system.pause(False)).paused
        await done(there, run)

    with ModelServer() as models:
        with engine_in(home, models=models, background=True, environ=on(address)) as there:
            run = there.run(pause)
        with engine_in(home, models=models, background=True, environ=on(address)) as there:
            there.run(lambda this: still(this, run))
        with engine_in(home, background=True, environ=on(address)) as there:
            status = there.run(lambda this: this.client.system.status())
            assert not status.paused


def test_what_a_server_gave_ahead_goes_back_when_work_is_paused(
    home: Path, addresses: Mapping[str, str], tmp_path: Path
) -> None:
    async def test(there: World) -> None:
        gate = await there.client.jobs.run_task("gate.pass", {"file": str(tmp_path / "go")})
        await in_state(there, gate.id, "STARTED")  # or it would go back with the others
        ahead = [await queue(there, str(number)) for number in range(3)]

        async def taken() -> bool:
            return len(worker_state.reserved_requests) == 4

        await becomes(taken, "the worker has taken four")
        await there.client.system.pause(True)
        (tmp_path / "go").touch()
        assert (await there.ended(gate.id)).state == "SUCCESS"  # what runs ends

        async def given_back() -> bool:
            return not worker_state.reserved_requests

        await becomes(given_back, "the others went back")
        for run in ahead:
            await waits(there, run)
        await there.client.system.pause(False)
        for run in ahead:
            await done(there, run)

    for name in ("redis", "rabbitmq"):
        if name in addresses:
            (tmp_path / "go").unlink(missing_ok=True)
            with engine_in(home, background=True, environ=on(addresses[name])) as there:
                there.run(test)


@posix_only
def test_changes_leave_as_many_files_and_threads_as_there_were(
    home: Path, addresses: Mapping[str, str]
) -> None:
    process = psutil.Process()

    def counts() -> tuple[int, int]:
        gc.collect()
        return process.num_fds(), threading.active_count()

    async def test(there: World) -> None:
        before = counts()
        for round in range(5):
            for address in addresses.values():
                await there.client.system.set_broker(address)
                await done(there, await queue(there, address))
            if round == 1:  # the first changes load and pool what is there for good then
                before = counts()

        async def as_before() -> bool:
            files, threads = counts()
            return files <= before[0] + 3 and threads <= before[1] + 3

        # Some are opened when they are first needed. One left by each of nine changes would stay.
        await becomes(as_before, f"no more files and threads than {before}")

    with engine_in(home, background=True) as there:
        there.run(test)


def test_server_that_forgot_everything_is_used_again_and_given_again_what_waits(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect_log_errors: object
) -> None:
    if not redis_server.available():
        pytest.skip("there is no redis-server here")
    port = free_port()
    monkeypatch.setattr("tests.support.redis_server.free_port", lambda: port)

    async def lose(there: World) -> list[Run]:
        await done(there, await queue(there, "before"))
        await there.client.system.pause(True)
        runs = [await queue(there, "had it")]
        stack.close()
        runs.append(await queue(there, "never had it"))
        await there.client.system.pause(False)
        return runs

    async def find(there: World, runs: list[Run]) -> None:
        async def queued() -> bool:
            await there.engine.maintenance.recover()  # what is done every minute
            states = [(await there.client.jobs.get(run.id)).state for run in runs]
            return states == ["SUCCESS", "SUCCESS"]

        await becomes(queued, "both have run")
        assert (await there.client.system.status()).worker == "ok"

    with ExitStack() as stack:
        stack.enter_context(redis_server.redis_server(tmp_path / "redis"))
        environ = on(f"redis://127.0.0.1:{port}/0")
        with engine_in(home, background=True, environ=environ) as there:
            runs = there.run(lose)
            stack.enter_context(redis_server.redis_server(tmp_path / "redis"))
            there.run(lambda this: find(this, runs))


@pytest.mark.parametrize("rights", ["+@all", "+@all -client"])
def test_redis_gives_a_closed_channel_up_with_the_right_to_be_asked_and_without(
    tmp_path: Path, rights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not redis_server.available():
        pytest.skip("there is no redis-server here")
    # The wait is sat out only where the server may not be asked to end it.
    asked = rights == "+@all"
    monkeypatch.setattr("kombu.transport.redis.Transport.brpop_timeout", 3600 if asked else 1)
    with (
        redis_server.redis_server(tmp_path / "redis") as server,
        redis.Redis(port=server.port) as admin,
    ):
        admin.execute_command("ACL", "SETUSER", "me", "on", ">pw", "~*", "&*", *rights.split())
        url = f"redis://me:pw@127.0.0.1:{server.port}/0"
        with kombu.Connection(url, transport=servers.REDIS) as connection:
            heard: list[object] = []

            def hear(body: object, message: kombu.Message) -> None:
                heard.append(body)
                message.ack()

            with connection.Consumer([kombu.Queue("q")], callbacks=[hear]):
                connection.Producer().publish("hello", routing_key="q")
                connection.drain_events(timeout=60)
                with pytest.raises(TimeoutError):
                    connection.drain_events(timeout=0.01)  # it waits for a second message now
        assert heard == ["hello"]
        assert admin.llen("q") == 0


def test_server_that_does_not_say_a_word_is_left_and_its_worker_ends_when_it_can(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect_log_errors: object
) -> None:
    if not redis_server.available():
        pytest.skip("there is no redis-server here")
    monkeypatch.setattr("worker.background.STOP_TIMEOUT", 0.2)
    monkeypatch.setattr("worker.servers.ANSWER_TIMEOUT", 90.0)

    def workers() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "nagatha-worker"]

    async def test(there: World) -> None:
        await done(there, await queue(there, "before"))
        psutil.Process(server.pid).suspend()
        await there.client.system.set_broker("")
        assert len(workers()) == 2
        await done(there, await queue(there, "meanwhile"))
        stack.close()

        async def alone() -> bool:
            return len(workers()) == 1

        await becomes(alone, "the old worker has ended")
        await done(there, await queue(there, "after"))

    with ExitStack() as stack:
        server = stack.enter_context(redis_server.redis_server(tmp_path / "redis"))
        environ = on(server.url(), tasks=2)
        with engine_in(home, background=True, environ=environ) as there:
            there.run(test)


def test_queue_of_another_kind_is_found_out_before_the_broker_is_changed(
    home: Path, addresses: Mapping[str, str]
) -> None:
    if "rabbitmq" not in addresses:
        pytest.skip("there is no rabbitmq here")
    rabbit = addresses["rabbitmq"]
    with kombu.Connection(rabbit) as connection:
        channel = connection.default_channel
        kombu.Queue("nagatha", channel=channel).delete()
        kombu.Queue("nagatha", channel=channel).declare()
    try:
        with pytest.raises(Unavailable) as caught:
            check_address(rabbit)
        assert "Delete the queues" in str(caught.value) and "guest" not in str(caught.value)
    finally:
        with kombu.Connection(rabbit) as connection:
            kombu.Queue("nagatha", channel=connection.default_channel).delete()
    check_address(rabbit)
    with pytest.raises(Unavailable):
        check_address(f"{rabbit}other")  # there is no such virtual host


def test_everything_queued_is_forgotten_also_while_work_is_paused(home: Path, address: str) -> None:
    async def test(there: World) -> None:
        await there.client.system.pause(True)
        run = await queue(there, "forgotten")
        await there.engine.background.forget_all()
        await there.client.system.pause(False)
        await done(there, await queue(there, "after"))
        await waits(there, run)
        await there.client.jobs.cancel(run.id)

    with engine_in(home, background=True, environ=on(address)) as there:
        there.run(test)


def test_worker_that_waits_for_its_broker_stops_out_of_that_wait(
    home: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who sat the wait out would not be back within the time that a stop is given.
    monkeypatch.setattr("kombu.transport.redis.Transport.brpop_timeout", 3600)
    monkeypatch.setattr("worker.servers.ANSWER_TIMEOUT", 90.0)

    async def test(there: World) -> None:
        await done(there, await queue(there, "before"))
        background = there.engine.background
        worker = background._worker  # type: ignore[attr-defined]
        assert await asyncio.to_thread(worker.stop, 60.0)
        await background.aclose()
        await background.start()
        await done(there, replace(await queue(there, "after")))

    with engine_in(home, background=True, environ=on(address)) as there:
        there.run(test)


def test_worker_without_an_event_loop_as_on_windows_pauses_and_stops_as_well(
    home: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("celery.worker.WorkController.should_use_eventloop", lambda self: False)

    async def test(there: World) -> None:
        await done(there, await queue(there, "before"))
        await there.client.system.pause(True)
        run = await queue(there, "patience")
        await done(there, await queue(there, "at once", PRIORITY_PERSON))
        await waits(there, run)
        await there.client.system.pause(False)
        await done(there, run)
        worker = there.engine.background._worker  # type: ignore[attr-defined]
        assert await asyncio.to_thread(worker.stop, 60.0)

    with engine_in(home, background=True, environ=on(address)) as there:
        there.run(test)


# queued answers --------------------------------------------------------------------------


async def hears(there: World, run: str, state: str) -> None:
    """Celery clients are told of an end after everybody else."""

    async def look() -> bool:
        return await heard(there, run) == state

    await becomes(look, f"clients hear of {state}")


def test_a_queued_answer_is_written_and_another_one_cancelled(
    tmp_path: Path, address: str, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chats, jobs = there.client.chats, there.client.jobs
        sent = await chats.send(None, LONG)
        assert sent.lane == "queued"
        assert (await there.answered(sent)).state == "complete"
        run = await jobs.get(sent.run)
        assert (run.state, run.lane, run.attempts) == ("SUCCESS", "queued", 1)
        await hears(there, run.id, "SUCCESS")
        stopped = await half_written(there)
        assert (await jobs.cancel(stopped.run)).state == "REVOKED"
        answer = await message(there, stopped)
        assert (answer.state, answer.text) == ("stopped", "one two three ")
        await hears(there, stopped.run, "REVOKED")
        assert await there.engine.maintenance.recover() == 0

    with engine_in(tmp_path, models=models, background=True, environ=on(address)) as there:
        there.run(test)


def test_a_queued_answer_goes_on_after_its_worker_was_killed(
    tmp_path: Path, address: str, models: ModelServer
) -> None:
    ask = f"client.chats.send(None, {LONG!r}, model='half', provider='openai')"

    async def begin(other: Other) -> None:
        await other.do(ask)

        async def three_words() -> bool:
            return bool(await other.do("last_text(client)") == "one two three ")

        await becomes(three_words, "the first words")

    async def test(there: World) -> None:
        (run,) = await there.client.jobs.list_runs()
        assert (await in_state(there, run.id, "SUCCESS")).attempts == 2
        answer = await there.client.chats.message(str(run.message))
        assert (answer.state, answer.text) == ("complete", "one two three and the end")
        assert len(models.completions) == 2
        await hears(there, run.id, "SUCCESS")
        assert await there.engine.maintenance.recover() == 0

    with other_on(tmp_path, models, on(address)) as other:
        asyncio.run(begin(other))
        kill(other.process)  # type: ignore[arg-type]
    models.queue(Behaviour(text="and the end"))
    with engine_in(tmp_path, models=models, background=True, environ=on(address)) as there:
        there.run(test)
