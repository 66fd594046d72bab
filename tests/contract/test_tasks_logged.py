"""What the log says about tasks that come through the real queue: never what they were given."""

import asyncio
from pathlib import Path

import pytest
from celery import Celery

import worker.broker
from tests.support.engines import becomes, engine_in, module
from tests.support.model_server import ModelServer
from tests.support.worlds import World
from worker.logging import LogSystem, Redactor

PROMPT = "what-a-person-asked"
LAB = """
import time


def register_tasks(registry):
    registry.register_task("lab", "breaks", breaks)
    registry.register_task("lab", "later", later, bind=True, max_retries=1, default_retry_delay=0)
    registry.register_task("lab", "slow", slow, bind=True, time_limit=0.1)


def breaks(text: str) -> None:
    raise ValueError("something else")


def later(context, text: str) -> str:
    if context.attempt == 0:
        raise context.retry("busy")
    return "done"


def slow(context, text: str) -> None:
    while not context.cancelled:
        time.sleep(0.01)
"""


@pytest.mark.expect_log_errors
def test_what_was_asked_is_not_in_the_log_whatever_becomes_of_the_task(tmp_path: Path) -> None:
    home = tmp_path / "nagatha"
    module(home, "lab", LAB)
    named = {"text": PROMPT}
    sent = (
        ("process_message_with_nagatha", ("", PROMPT, ""), {}),
        ("echo_bot.reverse", (), named),
        ("echo_bot.reverse", (PROMPT,), {}),
        ("echo_bot.reverse", (), {**named, "oops": PROMPT}),
        ("echo_bot.reverse", (PROMPT, PROMPT), {}),
        ("lab.breaks", (), named),
        ("lab.later", (), named),
        ("lab.slow", (), named),
        ("nobody.knows", (PROMPT,), named),
    )

    async def test(there: World) -> None:
        url = worker.broker.broker_url(home / "queue.db")
        app = Celery(broker=url, backend=url, set_as_current=False, fixups=[])
        app.conf.task_default_queue = "nagatha"

        async def all_ended() -> bool:
            states = [(await asyncio.to_thread(app.backend.get_task_meta, run, False))["status"]
                      for run in runs]  # fmt: skip
            return all(state in ("SUCCESS", "FAILURE") for state in states)

        runs = [
            (await asyncio.to_thread(app.send_task, name, args, kwargs)).id
            for name, args, kwargs in sent
        ]
        await becomes(all_ended, "the end of every task")
        await asyncio.to_thread(app.close)

    with LogSystem(tmp_path / "logs", Redactor()) as logs:
        logs.set_levels("DEBUG")
        with ModelServer() as models, engine_in(home, models=models, background=True) as there:
            there.run(test)
    text = logs.path.read_text(encoding="utf-8")
    assert "lab.breaks" in text and "nobody.knows" in text
    found = [line for line in text.splitlines() if PROMPT in line or PROMPT[::-1] in line]
    assert found == []
