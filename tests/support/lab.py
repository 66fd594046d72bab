"""A module for tests whose tasks do everything that a task can do, and looking at its runs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery

import worker.broker
from tests.support.engines import becomes, until
from tests.support.worlds import World
from worker.contract.events import RunChanged
from worker.contract.types import Run

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
    add("lab", "talks", talks, bind=True, max_retries=1, default_retry_delay=0)


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


def talks(context, words: str, lines: int = 1) -> None:
    """Says much, and fails the first time."""
    context.log.debug("attempt %d", context.attempt)
    for number in range(lines):
        context.log.warning("%s %d", words, number)
    if context.attempt == 0:
        raise context.retry("not yet")


def count(file: str, value: int = 0) -> int:
    """Takes effect, visibly."""
    with Path(file).open("a") as lines:
        lines.write(f"{value}\\n")
    return value
'''


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
