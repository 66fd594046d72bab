"""Tasks of modules that others send, that come twice, whose module goes, whose worker ends."""

import asyncio
import json
import logging
import threading
from pathlib import Path

import pytest

import worker.broker
from tests.support.engines import becomes, engine_in, module, until
from tests.support.lab import client_of, done, result_of, there_is
from tests.support.worlds import World
from worker.broker import QueueLength
from worker.contract.events import RunChanged
from worker.contract.types import FINAL_STATES, Run

# who sends -------------------------------------------------------------------------------


def test_task_sent_by_another_celery_program_gets_a_row_and_a_result(
    lab: World, home: Path
) -> None:
    async def test(there: World) -> None:
        with client_of(home) as app:
            sent = app.send_task("echo_bot.echo", kwargs={"text": "from afar"})
            meta = await result_of(app, sent.id)
            assert (meta["status"], meta["result"]) == ("SUCCESS", "from afar")
            run = await there.client.jobs.get(sent.id)
            assert (run.kind, run.name, run.source) == ("task", "echo_bot.echo", "api")
            assert (run.state, run.result) == ("SUCCESS", "from afar")
            assert run.arguments == {"text": "from afar"}
            wrong = app.send_task("echo_bot.echo", kwargs={"txt": "x"})
            meta = await result_of(app, wrong.id)
            assert meta["status"] == "FAILURE" and "“text” is missing" in str(meta["result"])
            by_place = app.send_task("echo_bot.echo", args=("in its place",))
            assert (await result_of(app, by_place.id))["result"] == "in its place"
            run = await there.client.jobs.get(by_place.id)
            assert run.arguments == {"text": "in its place"}
            for arguments, named, why in (
                (("a", "b"), {}, "It takes at most 1 argument"),
                (("a",), {"text": "b"}, "“text” is given twice"),
            ):
                wrong = app.send_task("echo_bot.echo", args=arguments, kwargs=named)
                meta = await result_of(app, wrong.id)
                assert meta["status"] == "FAILURE" and why in str(meta["result"])
            slow = app.send_task("lab.flaky", kwargs={"fails": 1})
            assert (await result_of(app, slow.id))["result"] == 1
            assert (await there.client.jobs.get(slow.id)).attempts == 2

    lab.run(test)


def test_task_that_nobody_knows_is_told_to_its_sender_and_its_content_is_not_logged(
    lab: World, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(there: World) -> None:
        with client_of(home) as app:
            sent = app.send_task("nobody.knows", kwargs={"text": "a secret of the person"})
            assert (await result_of(app, sent.id))["status"] == "FAILURE"
            assert (await done(there, "echo_bot.ping")).state == "SUCCESS"

    with caplog.at_level(logging.DEBUG):
        lab.run(test)
    told = [r.getMessage() for r in caplog.records if "nobody.knows" in r.getMessage()]
    assert told and "a secret of the person" not in caplog.text


def test_message_that_comes_twice_takes_effect_once(lab: World, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "count"

    async def test(there: World) -> None:
        with client_of(home) as app:
            for _ in range(3):
                app.send_task("lab.count", kwargs={"file": str(file), "value": 7}, task_id="same")
            assert (await result_of(app, "same"))["result"] == 7
        run = await there.client.jobs.run_task("lab.count", {"file": str(file), "value": 8})
        for _ in range(3):
            await there.engine.background.send("local", "lab.count", run.id)
        ended = await there.ended(run.id)
        for _ in range(2):
            await there.engine.background.send("local", "lab.count", run.id)
        assert (await done(there, "echo_bot.ping")).state == "SUCCESS"

        async def empty() -> bool:
            return not await there.engine.background.holds(run.id)

        await becomes(empty, "the queue is empty")
        assert await there.client.jobs.get(run.id) == ended

    lab.run(test)
    assert file.read_text().split() == ["7", "8"]


def test_message_too_many_does_not_begin_a_retry_before_its_time(lab: World, home: Path) -> None:
    async def lie(scheduled: int) -> bool:
        with worker.broker.upkeep(home / "queue.db") as upkeep:
            return upkeep.status().queues == (QueueLength("nagatha", 0, 0, scheduled),)

    async def test(there: World) -> None:
        jobs, background = there.client.jobs, there.engine.background
        run = await jobs.run_task("lab.later", {})
        await becomes(lambda: lie(1), "it waits to be tried again")
        await background.send("local", "lab.later", run.id)
        await becomes(lambda: lie(2), "the message waits for that time, too")
        found = await jobs.get(run.id)
        assert (found.state, found.attempts) == ("RETRY", 1)
        # What a person wants now does not wait.
        await jobs.run_now(run.id)
        ended = await there.ended(run.id)
        assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", "done", 2)

    lab.run(test)


def test_messages_hold_ids_and_no_arguments(home: Path) -> None:
    with engine_in(home, background=True, work=False) as there:

        async def send(there: World) -> None:
            await there.client.jobs.run_task("echo_bot.echo", {"text": "only for the database"})

        there.run(send)
        files = [home / name for name in ("queue.db", "queue.db-wal")]
        assert any(b"echo_bot.echo" in file.read_bytes() for file in files)
        assert not any(b"only for the database" in file.read_bytes() for file in files)


def test_message_of_a_killed_process_that_comes_back_before_its_row_is_released_is_carried_out(
    lab: World, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "count"

    async def test(there: World) -> None:
        storage, now = there.engine.storage, there.engine.now()
        run = Run(
            "orphan", "task", "lab.count", "PENDING", "cli", now, arguments={"file": str(file)}
        )
        await storage.add_run("local", run)
        assert await storage.claim_run("local", run.id, "worker-1-deadbeef", now)
        # No tick in between: the message finds the row claimed by who is no more.
        await there.engine.background.send("local", "lab.count", run.id)
        ended = await there.ended(run.id)
        assert (ended.state, ended.attempts) == ("SUCCESS", 2)

    lab.run(test)
    assert file.read_text().split() == ["0"]


# modules that come and go ----------------------------------------------------------------


def test_run_of_a_module_that_is_switched_off_fails_with_the_reason(home: Path) -> None:
    with engine_in(home, background=True, work=False) as there:

        async def queue(there: World) -> Run:
            run = await there.client.jobs.run_task("lab.flaky", {"fails": 0})
            await there.client.modules.disable("lab")
            ended = await there.ended(run.id)
            assert ended.state == "FAILURE" and ended.error is not None
            assert "switched off" in ended.error.message
            assert not await there.engine.background.holds(run.id)
            return ended

        there.run(queue)


def test_run_that_was_queued_before_its_module_was_switched_off_elsewhere_fails_at_the_start(
    home: Path,
) -> None:
    with engine_in(home, background=True, work=False) as there:

        async def queue(there: World) -> Run:
            return await there.client.jobs.run_task("lab.flaky", {"fails": 0})

        run = there.run(queue)
    (home / "config.yaml").write_text("modules:\n  disabled: [lab]\n")
    with engine_in(home, background=True) as there:

        async def look(there: World) -> None:
            ended = await there.ended(run.id)
            assert ended.state == "FAILURE" and ended.error is not None
            assert "switched off" in ended.error.message

        there.run(look)


def test_message_for_a_module_that_was_just_switched_off_fails_its_run(lab: World) -> None:
    async def test(there: World) -> None:
        await there.client.modules.disable("lab")
        with client_of(there.folder) as app:
            sent = app.send_task("lab.flaky", kwargs={"fails": 0})
            meta = await result_of(app, sent.id)
            assert meta["status"] == "FAILURE" and "switched off" in str(meta["result"])

    lab.run(test)


def test_module_that_is_switched_on_while_the_program_runs_can_be_used_at_once(
    home: Path,
) -> None:
    (home / "config.yaml").unlink()
    with engine_in(home, background=True) as there:

        async def test(there: World) -> None:
            assert (await there.client.modules.enable("lab")).state == "on"
            assert (await done(there, "lab.flaky", fails=1)).result == 1
            # Its rate limit holds, too.
            await done(there, "lab.note")
            second = await there.client.jobs.run_task("lab.note", {})
            assert (await done(there, "echo_bot.ping")).state == "SUCCESS"
            assert (await there.client.jobs.get(second.id)).state == "PENDING"
            await there.client.modules.disable("lab")
            assert (await there.client.jobs.get(second.id)).state == "FAILURE"
            await there.client.modules.enable("lab")
            assert (await done(there, "lab.flaky", fails=0)).result == 0

        there.run(test)


# the schedule ----------------------------------------------------------------------------

CLOCK = '''
from pathlib import Path


def register_tasks(registry):
    registry.register_task("clock", "tick", tick, schedule=1)


def tick() -> str:
    """Every second."""
    return "tick"
'''


def test_scheduled_task_is_sent_by_beat_and_no_longer_once_its_module_is_off(
    tmp_path: Path,
) -> None:
    module(tmp_path, "clock", CLOCK)
    (tmp_path / "config.yaml").unlink()

    def ticked(event: object) -> bool:
        return isinstance(event, RunChanged) and (event.run.name, event.run.state) == (
            "clock.tick",
            "SUCCESS",
        )

    async def test(there: World) -> None:
        # Beat sleeps for minutes when this comes; it is woken.
        await there.client.modules.enable("clock")
        event = await until(there, ticked)
        assert isinstance(event, RunChanged) and event.run.source == "schedule"
        assert event.run.schedule == "module:clock.tick"
        await until(there, ticked, after=event.seq)
        await there.client.modules.disable("clock")
        scheduled = there.engine.background._app.conf.beat_schedule  # type: ignore[attr-defined]
        assert set(scheduled) == {"maintenance", "usage", "scheduled"}

    with engine_in(tmp_path, background=True) as there:
        there.run(test)


# the end of the worker -------------------------------------------------------------------


def test_task_that_stops_because_the_program_ends_is_begun_again_at_the_next_start(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "begun"
    with engine_in(home, background=True) as there:

        async def begin(there: World) -> Run:
            run = await there.client.jobs.run_task("lab.wait", {"file": str(file)})
            await there_is(file)
            return run

        run = there.run(begin)
    file.with_name("go").touch()
    with engine_in(home, background=True) as there:

        async def ended(there: World) -> None:
            found = await there.ended(run.id)
            assert (found.state, found.result, found.attempts) == ("SUCCESS", "went", 2)

        there.run(ended)
    assert file.read_text().split() == ["begun", "begun"]


def test_task_that_ends_while_the_program_ends_is_done_and_not_begun_again(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "begun"
    opener = threading.Timer(0.3, lambda: file.with_name("go").touch())
    with engine_in(home, background=True) as there:

        async def begin(there: World) -> Run:
            run = await there.client.jobs.run_task("lab.gate", {"file": str(file)})
            await there_is(file)
            return run

        run = there.run(begin)
        opener.start()
    opener.join()
    with engine_in(home, background=True) as there:

        async def look(there: World) -> None:
            found = await there.client.jobs.get(run.id)
            assert (found.state, found.result, found.attempts) == ("SUCCESS", "through", 1)
            assert (await done(there, "echo_bot.ping")).state == "SUCCESS"

        there.run(look)
    assert file.read_text().split() == ["begun"]


# many ------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
def test_a_thousand_tasks_on_the_one_loop_make_no_loop_and_no_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loops = []
    made = asyncio.new_event_loop

    def counted() -> asyncio.AbstractEventLoop:
        loops.append(threading.current_thread().name)
        return made()

    with engine_in(home, background=True) as there:
        # The program's own loop is there; from now on nobody may make one.
        monkeypatch.setattr(asyncio, "new_event_loop", counted)
        monkeypatch.setattr(asyncio.events, "new_event_loop", counted)
        tasks = ("echo_bot.echo", "lab.steps_async", "lab.steps", "echo_bot.reverse")

        async def test(there: World) -> None:
            events = there.client.events()
            runs = set()
            for number in range(1000):
                task = tasks[number % 4]
                arguments = {"text": str(number)} if task.startswith("echo_bot") else {}
                runs.add((await there.client.jobs.run_task(task, arguments)).id)
            async for event in events:
                if isinstance(event, RunChanged) and event.run.state in FINAL_STATES:
                    assert event.run.state == "SUCCESS", event.run
                    runs.discard(event.run_id)
                if not runs:
                    break

        with caplog.at_level(logging.WARNING):
            there.run(test, deadline=300)
        monkeypatch.undo()
    assert loops == []
    said = json.dumps([record.getMessage() for record in caplog.records]).lower()
    assert not any(word in said for word in ("greenlet", "loop", "locked")), said
