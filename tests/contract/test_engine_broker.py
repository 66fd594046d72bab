"""The broker is changed while the program runs, and does not answer: what goes on, what is said."""

import asyncio
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from tests.support.engines import becomes, engine_in, module
from tests.support.model_server import ModelServer
from tests.support.processes import free_port
from tests.support.redis_server import RedisServer, available, redis_server
from tests.support.worlds import World
from worker.contract.errors import InvalidInput, NagathaError, Unavailable
from worker.contract.events import EngineChanged
from worker.servers import check_address, without_password

WAITING = '''
import time
from pathlib import Path


def register_tasks(registry):
    registry.register_task("waiting", "gate", gate)
    registry.register_task("waiting", "polite", polite, bind=True)
    registry.register_task("waiting", "later", later, bind=True, default_retry_delay=3600)


def gate(file: str) -> str:
    """Waits for a file `go`."""
    with Path(file).open("a") as lines:
        lines.write("begun\\n")
    while not Path(file).with_name("go").exists():
        time.sleep(0.01)
    return "through"


def polite(context, file: str) -> str:
    """The same, and stops when it is asked to."""
    with Path(file).open("a") as lines:
        lines.write("begun\\n")
    while not context.cancelled and not Path(file).with_name("go").exists():
        time.sleep(0.01)
    return "through"


def later(context) -> int:
    """Waits for a long time."""
    if context.attempt < 3:
        raise context.retry("busy")
    return context.attempt
'''
# As errors these two would end a task before it began: Celery's own calls, none of ours.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning"),
    # Celery leaves the connections of its pool's threads to be collected with them, and the
    # AMQP library its socket when the handshake fails.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
needs_redis = pytest.mark.skipif(not available(), reason="there is no redis-server here")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "waiting", WAITING)
    return folder


@contextmanager
def mute_server() -> Iterator[int]:
    """Accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def echoes(there: World, text: str) -> None:
    run = await there.client.jobs.run_task("echo_bot.echo", {"text": text})
    ended = await there.ended(run.id)
    assert (ended.state, ended.result) == ("SUCCESS", text)


async def begun(file: Path) -> None:
    async def written() -> bool:
        return file.exists()

    await becomes(written, "the task has begun")


@needs_redis
def test_broker_is_changed_to_redis_and_back_and_tasks_run_on_each(
    home: Path, redis: RedisServer
) -> None:
    async def test(there: World) -> None:
        system = there.client.system
        await echoes(there, "bundled")
        events = there.client.events()
        status = await system.set_broker(redis.url())
        assert (status.broker, status.worker, status.beat) == (redis.url(), "ok", "ok")
        async for event in events:
            if isinstance(event, EngineChanged) and event.status.broker == redis.url():
                break
        assert there.engine.settings.celery.broker_url == redis.url()
        await echoes(there, "redis")
        (broker, worker) = await system.doctor(("broker", "worker"))
        assert (broker.state, worker.state) == ("ok", "ok")
        status = await system.set_broker("")
        assert status.broker.startswith("nagatha+file://") and status.worker == "ok"
        assert there.engine.settings.celery.broker_url == ""
        await echoes(there, "bundled again")

    with engine_in(home, background=True) as there:
        there.run(test)


@needs_redis
def test_broker_of_the_settings_is_used_at_the_next_start(home: Path, redis: RedisServer) -> None:
    environ = {"NAGATHA_CELERY_BROKER_URL": redis.url(3)}

    async def test(there: World) -> None:
        assert (await there.client.system.status()).broker == redis.url(3)
        await echoes(there, "at once")

    with engine_in(home, background=True, environ=environ) as there:
        there.run(test)


@needs_redis
@pytest.mark.parametrize("to_redis", [True, False])
def test_waiting_tasks_are_carried_over_and_running_ones_are_done_once(
    home: Path, redis: RedisServer, tmp_path: Path, to_redis: bool
) -> None:
    file = tmp_path / "begun"
    first, then = ("", redis.url(1)) if to_redis else (redis.url(1), "")

    async def test(there: World) -> None:
        jobs = there.client.jobs
        if first:
            await there.client.system.set_broker(first)
        # All four places are taken: what comes now has to wait.
        running = [await jobs.run_task("waiting.gate", {"file": str(file)}) for _ in range(4)]
        await begun(file)

        async def all_run() -> bool:
            return there.engine.running.count == 4

        await becomes(all_run, "four tasks run")
        waiting = [await jobs.run_task("echo_bot.echo", {"text": str(n)}) for n in range(20)]
        change = asyncio.create_task(there.client.system.set_broker(then))
        await asyncio.sleep(0)
        file.with_name("go").touch()
        assert (await change).worker == "ok"
        for run in (*running, *waiting):
            ended = await there.ended(run.id)
            assert (ended.state, ended.attempts) == ("SUCCESS", 1), ended

    with engine_in(home, background=True) as there:
        there.run(test)
    assert file.read_text().split() == ["begun"] * 4


def test_task_that_gives_way_to_a_change_of_broker_is_begun_again_on_the_new_one(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "begun"

    async def test(there: World) -> None:
        run = await there.client.jobs.run_task("waiting.polite", {"file": str(file)})
        await begun(file)
        await there.client.system.set_broker("")
        file.with_name("go").touch()
        ended = await there.ended(run.id)
        assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", "through", 2)

    with engine_in(home, background=True) as there:
        there.run(test)


@needs_redis
def test_recovery_gives_redis_no_task_twice_and_keeps_to_a_retrys_delay(
    home: Path, redis: RedisServer
) -> None:
    async def test(there: World) -> None:
        await there.client.system.set_broker(redis.url(2))
        run = await there.client.jobs.run_task("waiting.later", {})

        async def waits() -> bool:
            return (await there.client.jobs.get(run.id)).state == "RETRY"

        await becomes(waits, "it waits to be tried again")
        assert await there.engine.maintenance.recover() == 0

        # Another process, or one that started anew, does not know: then it is queued for later.
        async def queued_anew() -> bool:
            # The worker may be about to note that it has queued the retry itself.
            there.engine.background._published.clear()  # type: ignore[attr-defined]
            return await there.engine.maintenance.recover() == 1

        await becomes(queued_anew, "it is queued for later")
        assert (await there.client.jobs.get(run.id)).attempts == 1
        await echoes(there, "meanwhile")
        assert (await there.client.jobs.get(run.id)).state == "RETRY"
        await there.client.jobs.cancel(run.id)

    with engine_in(home, background=True) as there:
        there.run(test)


def test_answer_that_is_being_written_is_not_stopped_by_a_change_of_broker(
    home: Path,
) -> None:
    async def test(there: World) -> None:
        sent = await there.client.chats.send(None, "Ask", model="pause", provider="openai")
        await asyncio.to_thread(there.models.wait_for, 1)
        await there.client.system.set_broker("")
        there.models.release()
        assert (await there.answered(sent)).state == "complete"

    with ModelServer() as models, engine_in(home, models=models, background=True) as there:
        there.run(test)


def test_address_where_nobody_listens_is_an_error_and_the_old_broker_still_works(
    home: Path,
) -> None:
    nobody = f"redis://:hunter2@127.0.0.1:{free_port()}/0"

    async def test(there: World) -> None:
        before = await there.client.system.status()
        with pytest.raises(Unavailable) as caught:
            await there.client.system.set_broker(nobody)
        assert "hunter2" not in str(caught.value)
        assert (await there.client.system.status()).broker == before.broker
        assert there.engine.settings.celery.broker_url == ""
        await echoes(there, "still")

    with engine_in(home, background=True) as there:
        there.run(test)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "nonsense", "sqs://x", "redis://127.0.0.1:99999999/0"]
)
def test_address_of_no_broker_is_invalid_and_the_old_broker_still_works(
    home: Path, url: str
) -> None:
    async def test(there: World) -> None:
        with pytest.raises(InvalidInput):
            await there.client.system.set_broker(url)
        await echoes(there, "still")

    with engine_in(home, background=True) as there:
        there.run(test)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_server_that_is_no_broker_is_found_out_while_the_old_one_goes_on(
    home: Path, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.servers.CONNECT_TIMEOUT", 0.5)
    with ModelServer() as http, mute_server() as mute:
        for port in (http.port, mute):
            with pytest.raises(Unavailable):
                check_address(f"{scheme}://127.0.0.1:{port}/")
            gc.collect()


@needs_redis
def test_wrong_password_is_found_out_and_not_told(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as server, Redis(port=server.port) as client:
        client.config_set("requirepass", "right")
        check_address(f"redis://:right@127.0.0.1:{server.port}/0")
        with pytest.raises(Unavailable) as caught:
            check_address(f"redis://:hunter2@127.0.0.1:{server.port}/0")
    assert "hunter2" not in str(caught.value)
    assert without_password("redis://me:hunter2@h:1/0") == "redis://me:***@h:1/0"
    assert without_password("redis://h/0") == "redis://h/0"


def test_broker_that_is_not_there_at_the_start_is_said_and_taken_when_it_comes(
    home: Path, tmp_path: Path, expect_log_errors: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not available():
        pytest.skip("there is no redis-server here")
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    monkeypatch.setattr("tests.support.redis_server.free_port", lambda: port)

    async def without(there: World) -> str:
        status = await there.client.system.status()
        assert (status.worker, status.beat) == ("off", "off")
        assert [notice.kind for notice in status.notices] == ["unavailable"]
        run = await there.client.jobs.run_task("echo_bot.echo", {"text": "patience"})
        (check,) = await there.client.system.doctor(("broker",))
        assert check.state == "failed"
        await there.engine._tend()  # still not there
        assert (await there.client.jobs.get(run.id)).state == "PENDING"
        return run.id

    async def with_it(there: World, run: str) -> None:
        await there.engine._tend()  # what is done every minute
        status = await there.client.system.status()
        assert (status.worker, status.notices) == ("ok", ())
        assert (await there.ended(run)).state == "SUCCESS"

    with engine_in(home, background=True, environ={"NAGATHA_CELERY_BROKER_URL": url}) as there:
        run = there.run(without)
        with redis_server(tmp_path / "redis"):
            there.run(lambda this: with_it(this, run))


@needs_redis
def test_doctor_finds_a_broker_that_has_gone(
    home: Path, tmp_path: Path, expect_log_errors: object
) -> None:
    async def change(there: World, url: str) -> None:
        await there.client.system.set_broker(url)

    async def ask(there: World) -> None:
        (check,) = await there.client.system.doctor(("broker",))
        assert check.state == "failed" and check.remedy

    with engine_in(home, background=True) as there:
        with redis_server(tmp_path / "redis") as server:
            there.run(lambda this: change(this, server.url()))
        there.run(ask)
        there.run(lambda this: change(this, ""))


def test_without_a_background_what_needs_one_says_so(home: Path) -> None:
    async def test(there: World) -> None:
        background = there.engine.background
        for call in (
            background.round_trip(0.1),
            background.reach(),
            background.send("local", "echo_bot.echo", "x"),
            background.change_broker(""),
        ):
            with pytest.raises(Unavailable):
                await call
        background.watch()
        await background.start()
        await background.pause(True)
        await background.reschedule()
        await background.follow()
        assert not background.holds_back(0)
        await background.refresh()
        await background.forget_all()
        await background.revoke("x")
        assert not await background.holds("x") and await background.tidy() == {}
        checks = {check.name: check for check in await there.client.system.doctor()}
        assert checks["broker"].state == "failed" and checks["worker"].state == "failed"
        assert checks["beat"].state == "failed" and checks["storage"].state == "ok"

    with engine_in(home) as there:
        there.run(test)


def test_failures_of_a_broker_are_told_as_ours(home: Path, redis: RedisServer) -> None:
    async def test(there: World) -> None:
        background = there.engine.background
        app = background._app  # type: ignore[attr-defined]
        app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0}
        app.conf.broker_url = f"redis://127.0.0.1:{free_port()}/0"
        for call in (background.send("local", "echo_bot.echo", "x"), background.round_trip(0.5)):
            with pytest.raises(NagathaError):
                await call

    with engine_in(home, background=True, work=False) as there:
        there.run(test)
