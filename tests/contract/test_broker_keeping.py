"""What the bundled broker keeps through restarts, failures and full disks, and what it gives up."""

import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import kombu
import pytest

import worker.broker
from tests.contract.broker_worker import Place, close_app, make_app, running
from tests.support.disks import fill_up, small_disk_in
from tests.support.engines import engine_in
from tests.support.processes import kill, started, wait_until
from tests.support.worlds import World
from worker.broker import broker_url
from worker.broker.node import REGISTER, Node
from worker.broker.upkeep import Upkeep

ROOT = Path(__file__).parents[2]
# A worker's control queue, an asker's queue for answers and a listener's for events.
OWNER = """
import sys, time
from pathlib import Path
from celery import Celery
from worker.broker import broker_url
url = broker_url(Path(sys.argv[1]))
app = Celery(broker=url, backend=url)
connection = app.connection()
node = app.control.mailbox.Node("killed@here", channel=connection.channel())
node.listen()
receiver = app.events.Receiver(connection)
receiver.consumer_mixin = receiver.get_consumers(receiver.connection.Consumer, connection.channel())
for consumer in receiver.consumer_mixin:
    consumer.consume()
reply = app.control.mailbox.get_reply_queue()(connection.channel())
reply.declare()
Path(sys.argv[2]).touch()
time.sleep(60)
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    path = tmp_path / "queue.db"
    return Place(broker_url(path), str(path))


def temporary_queues(node: Node) -> list[str]:
    rows = node._database.read("SELECT name FROM queue WHERE temporary")
    return sorted(str(name) for (name,) in rows)


def test_reply_control_and_event_queues_go_with_their_killed_owner(
    place: Place, tmp_path: Path
) -> None:
    node = REGISTER.acquire(Path(str(place.path)))
    app = make_app(place)
    sign = tmp_path / "sign"
    command = [sys.executable, "-c", OWNER, str(place.path), str(sign)]
    with started(command, cwd=ROOT, log=tmp_path / "log") as process:
        wait_until(sign.exists, "the queues are there")
        names = temporary_queues(node)
        assert [name.split(".")[-1] for name in names if "pidbox" in name] == ["pidbox"] * 2
        assert any(name.startswith("celeryev") for name in names)
        # What is in them when the owner dies goes as well.
        app.control.broadcast("ping")
        with app.connection_for_write() as connection:
            app.events.Dispatcher(connection).send("something-happened")
        held = [name for name in names if node.messages.count(name)]
        assert len(held) == 2
        kill(process)
    assert node.recover(force=True) == 1
    assert temporary_queues(node) == []
    assert node.upkeep.status().queues == ()
    # Nobody is there to take them, so these are not stored.
    app.control.broadcast("ping")
    assert node.upkeep.status().queues == ()
    close_app(app, place)


def test_retried_dead_letter_has_its_priority_age_task_and_time_as_before(place: Place) -> None:
    was_due = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    with kombu.Connection(place.url) as connection:
        producer = connection.Producer()
        for name, priority in (("poison", 5), ("younger", 5), ("higher", 9), ("lower", 1)):
            headers = {"id": name, "eta": was_due}
            producer.publish({"n": name}, routing_key="q", priority=priority, headers=headers)
        queue = kombu.Queue("q", channel=connection.default_channel)
        first = queue.get()
        assert first.headers["id"] == "higher"
        for _ in range(5):
            message = queue.get()
            assert message.headers["id"] == "poison"
            message.reject(requeue=True)
        with worker.broker.upkeep(str(place.path)) as upkeep:
            (letter,) = upkeep.dead_letters()
            assert (letter.queue, letter.deliveries) == ("q", 5)
            assert upkeep.retry(letter.id)
        first.reject(requeue=True)
        got = [queue.get() for _ in range(4)]
        assert [message.headers["id"] for message in got] == [
            "higher", "poison", "younger", "lower"
        ]  # fmt: skip
        poison = got[1]
        assert poison.headers["nagatha_eta"] == was_due
        assert poison.properties["priority"] == 5
        assert poison.delivery_info["redelivered"]
        for message in got:
            message.ack()


def test_message_that_cannot_be_read_ends_no_worker_and_becomes_a_dead_letter(
    place: Place,
) -> None:
    app = make_app(place)
    done: list[int] = []

    @app.task(name="note", shared=False)
    def note(number: int) -> None:
        done.append(number)

    # kombu's own form of a date, and none.
    poison = {"__type__": "datetime", "__value__": "yesterday"}
    with running(app, place) as controller:
        with kombu.Connection(place.url) as connection:
            producer = connection.Producer()
            producer.publish({}, routing_key="contract", headers=poison)
            producer.publish({}, routing_key="other", headers=poison)
            producer.publish({"n": 2}, routing_key="other")
            other = kombu.Queue("other", channel=connection.default_channel)
            assert other.get(no_ack=True).payload == {"n": 2}
        app.send_task("note", (2,))
        wait_until(lambda: done == [2], "the worker goes on")
        with worker.broker.upkeep(str(place.path)) as upkeep:
            wait_until(upkeep.dead_letters, "it is given up")
            (letter,) = upkeep.dead_letters()
        assert (letter.queue, letter.deliveries) == ("contract", 5)
        assert controller.consumer.blueprint.state == 1
    close_app(app, place)


def test_task_holds_its_time_through_restarts(place: Place) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)
    app = make_app(place)
    app.send_task("later", eta=due, priority=3)
    close_app(app, place)
    for hours, there in ((0.5, False), (-2, False), (2, True)):  # the clock is set back between
        now = (datetime.now(UTC) + timedelta(hours=hours)).timestamp()
        node = Node(Path(str(place.path)), lambda moment=now: moment)  # type: ignore[misc]
        node.messages.promote_due()
        claimed = node.messages.claim("contract", 5, node.id, "channel")
        assert bool(claimed) is there
        node.close()


def test_damaged_queue_is_made_anew_and_unfinished_runs_are_queued_from_their_rows(
    tmp_path: Path,
) -> None:
    with engine_in(tmp_path, background=True, work=False) as there:

        async def leave(there: World) -> list[str]:
            jobs = there.client.jobs
            return [
                (await jobs.run_task("echo_bot.echo", {"text": str(number)})).id
                for number in range(5)
            ]

        runs = there.run(leave)
    queue = tmp_path / "queue.db"
    queue.write_bytes(b"\0" * 50_000)
    for suffix in ("-wal", "-shm"):
        queue.with_name(f"queue.db{suffix}").unlink(missing_ok=True)

    def aside() -> Path:
        (found,) = tmp_path.glob("queue.db.damaged-*")
        return found

    with engine_in(tmp_path, background=True) as there:

        async def look(there: World) -> None:
            for number, run in enumerate(runs):
                ended = await there.ended(run)
                assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", str(number), 1)
            (notice,) = (await there.client.system.status()).notices
            assert notice.kind == "queue_damaged" and aside().name in notice.message

        there.run(look)
    assert aside().read_bytes() == b"\0" * 50_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk_in(tmp_path) as disk:
        yield disk


def test_worker_on_a_disk_that_fills_up_goes_on_by_itself_when_there_is_room(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = small_disk / "queue.db"
    place = Place(broker_url(path), str(path))
    app = make_app(place)
    begun: list[int] = []
    gate = threading.Event()

    @app.task(name="hold", shared=False)
    def hold(number: int) -> int:
        begun.append(number)
        gate.wait(60)
        return number

    with running(app, place, concurrency=2):
        results = [hold.delay(number) for number in range(20)]
        wait_until(lambda: len(begun) == 2, "two tasks run")
        fill_up(small_disk / "filler")
        accepted = len(results)
        with pytest.raises(worker.broker.BrokerDiskFull):
            while True:  # until the room is used up that is left in the log
                hold.delay(accepted)
                accepted += 1
        gate.set()
        wait_until(lambda: "written later" in caplog.text, "a result cannot be written")
        (small_disk / "filler").unlink()
        for number, result in enumerate(results):
            assert result.get(timeout=60) == number
        wait_until(lambda: len(begun) >= accepted, "what was accepted has run")
        # Nothing ran again, and both places of the worker are free.
        assert sorted(begun) == list(range(accepted))
        with worker.broker.upkeep(path) as upkeep:
            wait_until(lambda: not _in_queue(upkeep), "all is acknowledged")
    close_app(app, place)


def _in_queue(upkeep: Upkeep) -> bool:
    return any(queue.queue == "contract" for queue in upkeep.status().queues)
