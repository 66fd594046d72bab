"""The loop thread: work from any thread, errors that are told, an end that is clean."""

import asyncio
import gc
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait

import pytest

from worker.runtime import THREAD_NAME, Runtime


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    with Runtime() as running:
        yield running


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


async def _fail() -> None:
    raise LookupError("nothing here")


def test_a_thousand_coroutines_from_eight_threads_all_run_on_one_loop(runtime: Runtime) -> None:
    lock: asyncio.Lock = asyncio.Lock()
    loops: set[asyncio.AbstractEventLoop] = set()

    async def work(number: int) -> int:
        async with lock:  # breaks when used from two loops
            loops.add(asyncio.get_running_loop())
            return await _double(number)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: runtime.run(work(number), 30), range(1000)))

    assert results == [number * 2 for number in range(1000)]
    assert loops == {runtime.loop}


def test_coroutines_run_on_the_named_thread(runtime: Runtime) -> None:
    async def where() -> str:
        return threading.current_thread().name

    assert runtime.run(where()) == THREAD_NAME
    assert threading.current_thread().name != THREAD_NAME


def test_run_raises_what_the_coroutine_raised(runtime: Runtime) -> None:
    with pytest.raises(LookupError, match="nothing here"):
        runtime.run(_fail())


def test_run_on_the_loops_own_thread_is_refused_instead_of_waiting_for_ever(
    runtime: Runtime,
) -> None:
    async def inside() -> bool:
        with pytest.raises(RuntimeError, match="cannot wait"):
            runtime.run(_double(1))
        with pytest.raises(RuntimeError, match="own thread"):
            runtime.stop()
        return runtime.on_loop

    assert runtime.run(inside()) is True
    assert not runtime.on_loop


def test_run_that_takes_too_long_is_cancelled(runtime: Runtime) -> None:
    cancelled = threading.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        runtime.run(endless(), 0.05)
    assert cancelled.wait(60)


def test_cancelling_a_future_cancels_its_coroutine(runtime: Runtime) -> None:
    began, cancelled = threading.Event(), threading.Event()

    async def endless() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    future = runtime.submit(endless())
    assert began.wait(60)
    assert future.cancel()
    assert cancelled.wait(60)


def test_a_future_cancelled_before_its_turn_never_begins(runtime: Runtime) -> None:
    gate, reached = threading.Event(), threading.Event()

    def block() -> None:
        reached.set()
        gate.wait(60)

    runtime.call_soon(block)
    assert reached.wait(60)
    future = runtime.submit(_fail())
    future.cancel()
    gate.set()
    runtime.run(_double(1))
    assert future.cancelled()


def test_a_coroutine_that_cancels_itself_cancels_its_future(runtime: Runtime) -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(CancelledError):
        runtime.submit(give_up()).result(60)


def test_spawn_that_fails_is_logged_under_its_name(
    runtime: Runtime, expect_log_errors: list[logging.LogRecord]
) -> None:
    future = runtime.spawn(_fail(), "the heartbeat")
    with pytest.raises(LookupError):
        future.result(60)
    (record,) = expect_log_errors
    assert record.getMessage() == "The task 'the heartbeat' failed"
    assert record.exc_info and record.exc_info[0] is LookupError


def test_spawn_works_from_the_loop_itself(runtime: Runtime) -> None:
    async def inside() -> int:
        return await asyncio.wrap_future(runtime.spawn(_double(4), "inner"))

    assert runtime.run(inside(), 30) == 8


def test_an_error_that_nobody_waits_for_any_more_is_logged(
    runtime: Runtime, expect_log_errors: list[logging.LogRecord]
) -> None:
    began, ended = threading.Event(), threading.Event()

    async def awkward() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.set()
            raise LookupError("while cleaning up") from None

    future = runtime.submit(awkward(), "awkward")
    assert began.wait(60)
    future.cancel()
    assert ended.wait(60)
    runtime.run(_double(1))
    assert [record.getMessage() for record in expect_log_errors] == ["The task 'awkward' failed"]


def test_what_asyncio_reports_is_logged(
    runtime: Runtime, expect_log_errors: list[logging.LogRecord]
) -> None:
    def broken() -> None:
        raise ValueError("in a callback")

    runtime.call_soon(broken)
    runtime.run(_double(1))
    (record,) = expect_log_errors
    assert "callback" in record.getMessage()
    assert record.exc_info and record.exc_info[0] is ValueError


def test_a_task_that_raises_system_exit_does_not_end_the_loop(
    runtime: Runtime, expect_log_errors: list[logging.LogRecord]
) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        runtime.submit(leave()).result(60)
    assert runtime.run(_double(2), 30) == 4
    assert "tried to end the program" in expect_log_errors[0].getMessage()


def test_stop_cancels_tasks_and_closes_async_generators() -> None:
    told: list[str] = []
    runtime = Runtime()
    runtime.start()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            told.append("generator")

    async def child() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.append("child")

    kept = numbers()

    async def start() -> asyncio.Task[None]:
        await anext(kept)
        return asyncio.create_task(child())

    runtime.run(start())
    runtime.run(_double(0))
    assert runtime.stop() is True
    assert sorted(told) == ["child", "generator"]
    assert not runtime.running


def test_stop_leaves_no_future_waiting_for_ever() -> None:
    runtime = Runtime()
    runtime.start()
    futures: list[Future[int]] = []
    refused = threading.Event()

    def feed() -> None:
        while True:
            try:
                futures.append(runtime.submit(_double(1)))
            except RuntimeError:
                refused.set()
                return

    feeder = threading.Thread(target=feed)
    feeder.start()
    runtime.run(_double(1))
    runtime.stop()
    assert refused.wait(60)
    feeder.join()
    assert not wait(futures, 60).not_done


def test_a_stopped_runtime_refuses_work_and_can_be_started_again() -> None:
    runtime = Runtime()
    with pytest.raises(RuntimeError, match="not running"):
        runtime.submit(_double(1))
    runtime.start()
    with pytest.raises(RuntimeError, match="started already"):
        runtime.start()
    runtime.stop()
    assert runtime.stop() is True
    with pytest.raises(RuntimeError, match="not running"):
        runtime.run(_double(1))
    with pytest.raises(RuntimeError, match="not running"):
        runtime.call_soon(print)
    runtime.start()
    assert runtime.run(_double(3)) == 6
    runtime.stop()


def test_a_task_that_ignores_its_cancellation_is_named_and_left_behind(
    expect_log_errors: list[logging.LogRecord],
) -> None:
    runtime = Runtime()
    runtime.start()
    release = threading.Event()
    began = threading.Event()

    async def stubborn() -> None:
        began.set()
        while not release.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    runtime.spawn(stubborn(), "stubborn")
    assert began.wait(60)
    assert runtime.stop(0.2) is False
    release.set()
    gc.collect()
    assert len(expect_log_errors) == 1
    assert any("'stubborn' did not end" in record.getMessage() for record in expect_log_errors)


def test_a_loop_held_up_by_a_blocking_call_does_not_hold_up_stop(
    expect_log_errors: list[logging.LogRecord],
) -> None:
    runtime = Runtime()
    runtime.start()
    release = threading.Event()
    runtime.call_soon(release.wait)
    assert runtime.stop(0.1) is False
    assert "held up" in expect_log_errors[0].getMessage()
    release.set()


def test_a_blocking_call_in_a_helper_thread_does_not_hold_up_stop() -> None:
    runtime = Runtime()
    runtime.start()
    release, began = threading.Event(), threading.Event()

    def block() -> None:
        began.set()
        release.wait(60)

    runtime.submit(asyncio.to_thread(block))
    assert began.wait(60)
    assert runtime.stop(0.2) is False
    assert not release.is_set()
    release.set()


def test_importing_the_runtime_loads_nothing_else_of_the_project() -> None:
    code = (
        "import sys, worker.runtime;"
        "print([n for n in sys.modules if n.split('.')[0] in ('worker', 'pydantic', 'kombu')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['worker', 'worker.runtime']"
