"""Tasks of modules through the real queue and worker: tried again, cut off, cancelled, delivered
twice, sent by others, switched off, and what becomes of them when the worker ends.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

import worker.broker
from tests.support.engines import becomes, engine_in, module, until
from tests.support.worlds import World
from worker.contract.events import RunChanged
from worker.contract.types import FINAL_STATES, Run

LAB = '''
import asyncio
import threading
import time
from pathlib import Path


def register_tasks(registry):
    add = registry.register_task
    add("lab", "flaky", flaky, bind=True, max_retries=2, default_retry_delay=0.05)
    add("lab", "later", later, bind=True, max_retries=2, default_retry_delay=3600)
    add("lab", "hang", hang, bind=True, time_limit=0.2)
    add("lab", "hang_async", hang_async, time_limit=0.2)
    add("lab", "deaf_async", deaf_async, time_limit=0.2)
    add("lab", "sees_async", sees_async, bind=True, time_limit=0.2)
    add("lab", "wait", wait, bind=True)
    add("lab", "wait_async", wait_async, bind=True)
    add("lab", "gate", gate)
    add("lab", "steps", steps, bind=True)
    add("lab", "steps_async", steps_async, bind=True)
    add("lab", "step_and_retry", step_and_retry, bind=True, max_retries=1, default_retry_delay=0)
    add("lab", "breaks", breaks)
    add("lab", "quits", quits)
    add("lab", "huge", huge)
    add("lab", "odd", odd)
    add("lab", "note", note, rate_limit="2/h")
    add("lab", "count", count)


def flaky(context, fails: int) -> int:
    """Fails some times."""
    if context.attempt < fails:
        raise context.retry(f"try {context.attempt}")
    return context.attempt


def later(context) -> str:
    """Fails and wants to wait."""
    if context.attempt == 0:
        raise context.retry("busy")
    return "done"


def hang(context, file: str) -> None:
    """Takes too long."""
    while not context.cancelled:
        time.sleep(0.01)
    Path(file).write_text("saw it")


async def hang_async() -> None:
    """Takes too long."""
    await asyncio.sleep(60)


async def sees_async(context) -> None:
    """Takes too long, and looks why it is to stop."""
    try:
        await asyncio.sleep(60)
    finally:
        assert context.cancelled


async def quits() -> None:
    """Takes itself for the program."""
    await asyncio.sleep(0)
    raise SystemExit("enough")


def huge() -> str:
    """Returns far more than anybody wants to keep."""
    return "x" * 2_000_000


async def deaf_async() -> None:
    """Takes too long, and does not listen."""
    for _ in range(30):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            pass


def wait(context, file: str) -> str:
    """Works until it is told to stop, or until there is a file `go` beside the other."""
    with Path(file).open("a") as lines:
        lines.write("begun\\n")
    while not context.cancelled:
        if Path(file).with_name("go").exists():
            return "went"
        time.sleep(0.01)
    return "gave up"


async def wait_async(context, file: str) -> str:
    """The same on the loop."""
    Path(file).write_text("begun")
    while not context.cancelled:
        await asyncio.sleep(0.01)
    return "gave up"


def gate(file: str) -> str:
    """Looks at nothing but a file."""
    with Path(file).open("a") as lines:
        lines.write("begun\\n")
    while not Path(file).with_name("go").exists():
        time.sleep(0.01)
    return "through"


def steps(context) -> str:
    """Tells how far it is."""
    for step in range(5):
        context.progress(step / 4, f"Step {step}")
    return "there"


async def steps_async(context) -> str:
    """Tells how far it is, from the loop."""
    for step in range(5):
        context.progress(step / 4, f"Step {step}")
        await asyncio.sleep(0)
    return "there"


def step_and_retry(context) -> int:
    """Tells something and is tried again at once."""
    for step in range(20):
        context.progress(step / 20)
    if context.attempt == 0:
        raise context.retry("once more", delay=0)
    return context.attempt


def breaks(text: str) -> None:
    """Fails for good."""
    raise ValueError(f"cannot do {text}")


def odd() -> object:
    """Returns no JSON."""
    return object()


def note() -> str:
    """Not often."""
    return "noted"


def count(file: str, value: int = 0) -> int:
    """Takes effect, visibly."""
    with Path(file).open("a") as lines:
        lines.write(f"{value}\\n")
    return value
'''


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "lab", LAB)
    return folder


@pytest.fixture
def lab(home: Path) -> Iterator[World]:
    with engine_in(home, background=True) as there:
        yield there


Test = Callable[[World], Awaitable[None]]


async def done(there: World, task: str, **arguments: object) -> Run:
    """A run from its queueing to its end."""
    return await there.ended((await there.client.jobs.run_task(task, arguments)).id)


async def state(there: World, run: str, wanted: str) -> Run:
    event = await until(
        there,
        lambda e: isinstance(e, RunChanged) and (e.run_id, e.run.state) == (run, wanted),
    )
    assert isinstance(event, RunChanged)
    return event.run


async def there_is(file: Path) -> None:
    async def written() -> bool:
        return file.exists() and bool(file.read_text())

    await becomes(written, f"{file.name} is written")


@contextmanager
def client_of(home: Path) -> Iterator[Celery]:
    """A Celery program elsewhere, that knows the address and nothing else."""
    url = worker.broker.broker_url(home / "queue.db")
    app = Celery(broker=url, backend=url, set_as_current=False, fixups=[])
    app.conf.task_default_queue = "nagatha"
    yield app
    app.close()


async def result_of(app: Celery, task: str) -> dict[str, Any]:
    """What the result backend has, once it has an end."""

    async def ended() -> dict[str, Any] | None:
        meta: dict[str, Any] = await asyncio.to_thread(app.backend.get_task_meta, task, False)
        return meta if meta["status"] in ("SUCCESS", "FAILURE", "REVOKED") else None

    found: dict[str, Any] = await becomes(ended, f"an end of {task}")
    return found


# trying again ----------------------------------------------------------------------------


def test_task_that_asks_to_be_tried_again_is_until_its_retries_are_used_up(lab: World) -> None:
    async def test(there: World) -> None:
        ended = await done(there, "lab.flaky", fails=2)
        assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", 2, 3)
        assert ended.error is None
        ended = await done(there, "lab.flaky", fails=3)
        assert (ended.state, ended.attempts) == ("FAILURE", 3)
        assert ended.error is not None and ended.error.kind == "retries_used_up"
        assert ended.error.message == "try 2"

    lab.run(test)


def test_task_that_waits_to_be_tried_again_says_until_when_and_recovery_leaves_it(
    lab: World,
) -> None:
    async def test(there: World) -> None:
        run = await there.client.jobs.run_task("lab.later", {})
        waiting = await state(there, run.id, "RETRY")
        assert waiting.error is not None and waiting.error.message == "busy"
        assert waiting.error.retry_at is not None
        wait = (waiting.error.retry_at - there.engine.now()).total_seconds()
        assert 3500 < wait <= 3600
        await becomes(lambda: there.engine.background.holds(run.id), "its message is queued")
        assert await there.engine.maintenance.recover() == 0
        assert (await there.client.jobs.cancel(run.id)).state == "REVOKED"

    lab.run(test)


def test_task_whose_message_was_lost_while_it_waits_is_queued_for_the_time_it_waited_for(
    lab: World,
) -> None:
    async def test(there: World) -> None:
        run = await there.client.jobs.run_task("lab.later", {})
        await state(there, run.id, "RETRY")
        queue = there.engine.paths.queue

        async def discarded() -> int:
            return await asyncio.to_thread(worker.broker.discard, queue, run.id)

        async def gone() -> bool:
            return not await there.engine.background.holds(run.id)

        # The message of the second try comes a moment after the row, and the first one's end.
        await becomes(discarded, "the second message is there and lost")
        await becomes(gone, "the first message has ended")
        assert await there.engine.maintenance.recover() == 1
        assert await there.engine.background.holds(run.id)
        assert (await there.client.jobs.get(run.id)).state == "RETRY"

    lab.run(test)


# limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["hang", "hang_async", "deaf_async", "sees_async"])
def test_task_over_its_time_limit_fails_and_the_next_one_runs(
    lab: World, tmp_path: Path, task: str
) -> None:
    file = tmp_path / "seen"

    async def test(there: World) -> None:
        ended = await done(there, f"lab.{task}", **({"file": str(file)} if task == "hang" else {}))
        assert ended.state == "FAILURE" and ended.error is not None
        assert (ended.error.kind, ended.error.action) == ("time_limit", "retry")
        assert "0.2 s" in ended.error.message
        if task == "hang":
            await there_is(file)  # it was asked to stop
        assert (await done(there, "echo_bot.echo", text="next")).result == "next"

    lab.run(test)


def test_rate_limit_of_a_task_holds_back_what_is_too_much(lab: World) -> None:
    async def test(there: World) -> None:
        await done(there, "lab.note")
        second = await there.client.jobs.run_task("lab.note", {})
        assert (await done(there, "echo_bot.echo", text="by")).state == "SUCCESS"
        assert (await there.client.jobs.get(second.id)).state == "PENDING"
        assert (await there.client.jobs.cancel(second.id)).state == "REVOKED"

    lab.run(test)


# cancelling ------------------------------------------------------------------------------


def test_queued_task_that_is_cancelled_never_runs(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "count"
    with engine_in(home, background=True, work=False) as there:

        async def cancel(there: World) -> None:
            run = await there.client.jobs.run_task("lab.count", {"file": str(file)})
            assert await there.engine.background.holds(run.id)
            ended = await there.client.jobs.cancel(run.id)
            assert ended.state == "REVOKED" and ended.ended is not None
            assert not await there.engine.background.holds(run.id)
            assert (await there.client.jobs.cancel(run.id)) == ended

        there.run(cancel)
    with engine_in(home, background=True) as there:

        async def run_others(there: World) -> None:
            assert (await done(there, "echo_bot.ping")).state == "SUCCESS"

        there.run(run_others)
    assert not file.exists()


@pytest.mark.parametrize("task", ["wait", "wait_async"])
def test_running_task_that_is_cancelled_sees_it_and_stops(
    lab: World, home: Path, tmp_path: Path, task: str
) -> None:
    file = tmp_path / "begun"

    async def test(there: World) -> None:
        run = await there.client.jobs.run_task(f"lab.{task}", {"file": str(file)})
        await there_is(file)
        assert (await there.client.jobs.cancel(run.id)).state == "REVOKED"

        async def idle() -> bool:
            return there.engine.running.count == 0

        await becomes(idle, "the task stops")
        assert (await there.client.jobs.get(run.id)).result is None
        with client_of(home) as app:
            assert (await result_of(app, run.id))["status"] == "REVOKED"

    lab.run(test)


def test_running_task_is_cancelled_from_another_process(
    home: Path, lab: World, tmp_path: Path
) -> None:
    file = tmp_path / "begun"

    async def begin(there: World) -> Run:
        run = await there.client.jobs.run_task("lab.wait", {"file": str(file)})
        await there_is(file)
        return run

    async def idle(there: World) -> None:
        async def nothing() -> bool:
            return there.engine.running.count == 0

        await becomes(nothing, "the task stops")

    run = lab.run(begin)
    with engine_in(home, role="cli") as other:

        async def cancel(other: World) -> None:
            assert (await other.client.jobs.cancel(run.id)).state == "REVOKED"

        other.run(cancel)
        lab.run(idle)


def test_cancelled_task_that_does_not_look_stays_cancelled_when_it_ends(
    lab: World, tmp_path: Path
) -> None:
    file = tmp_path / "begun"

    async def test(there: World) -> None:
        run = await there.client.jobs.run_task("lab.gate", {"file": str(file)})
        await there_is(file)
        await there.client.jobs.cancel(run.id)
        file.with_name("go").touch()

        async def idle() -> bool:
            return there.engine.running.count == 0

        await becomes(idle, "the task ends")
        ended = await there.client.jobs.get(run.id)
        assert (ended.state, ended.result) == ("REVOKED", None)

    lab.run(test)


# progress, failures, results -------------------------------------------------------------


@pytest.mark.parametrize("task", ["steps", "steps_async"])
def test_progress_is_told_and_the_end_comes_last(lab: World, home: Path, task: str) -> None:
    async def test(there: World) -> None:
        events = there.client.events()
        run = await there.client.jobs.run_task(f"lab.{task}", {})
        seen = []
        async for event in events:
            if isinstance(event, RunChanged) and event.run_id == run.id:
                seen.append((event.run.state, event.run.progress, event.run.progress_text))
                if event.run.state in FINAL_STATES:
                    break
        told = [progress for name, progress, _ in seen if name == "PROGRESS"]
        assert told and told == sorted(told) and told[-1] == 1.0
        assert seen[-2] == ("PROGRESS", 1.0, "Step 4") and seen[-1][0] == "SUCCESS"
        with client_of(home) as app:
            meta = await result_of(app, run.id)
            assert (meta["status"], meta["result"]) == ("SUCCESS", "there")

    lab.run(test)


def test_progress_just_before_a_retry_does_not_hold_the_run_fast(lab: World) -> None:
    async def test(there: World) -> None:
        for _ in range(10):
            ended = await done(there, "lab.step_and_retry")
            assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", 1, 2)

    lab.run(test)


def test_task_that_breaks_says_where_and_one_without_json_says_so(lab: World, home: Path) -> None:
    async def test(there: World) -> None:
        broke = await done(there, "lab.breaks", text="that")
        assert broke.state == "FAILURE" and broke.error is not None
        assert broke.error.title == "lab.breaks failed"
        assert "cannot do that" in broke.error.message and "__init__.py" in broke.error.message
        odd = await done(there, "lab.odd")
        assert odd.error is not None and odd.error.kind == "bad_result"
        with client_of(home) as app:
            meta = await result_of(app, broke.id)
            assert meta["status"] == "FAILURE" and "cannot do that" in str(meta["result"])
        again = await there.ended((await there.client.jobs.retry(broke.id)).id)
        assert again.id != broke.id and again.arguments == {"text": "that"}

    lab.run(test)


def test_task_that_wants_to_end_the_program_or_returns_too_much_only_fails(lab: World) -> None:
    async def test(there: World) -> None:
        quit_ = await done(there, "lab.quits")
        assert quit_.state == "FAILURE" and quit_.error is not None
        assert "SystemExit: enough" in quit_.error.message
        huge = await done(there, "lab.huge")
        assert huge.state == "FAILURE" and huge.result is None and huge.error is not None
        assert (huge.error.kind, huge.error.title) == ("bad_result", "lab.huge returned too much")
        assert (await done(there, "echo_bot.ping")).state == "SUCCESS"

    lab.run(test)


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
        await until(there, ticked, after=event.seq)
        await there.client.modules.disable("clock")
        scheduled = there.engine.background._app.conf.beat_schedule  # type: ignore[attr-defined]
        assert set(scheduled) == {"maintenance", "usage"}

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
            there.run(test)
        monkeypatch.undo()
    assert loops == []
    said = json.dumps([record.getMessage() for record in caplog.records]).lower()
    assert not any(word in said for word in ("greenlet", "loop", "locked")), said
