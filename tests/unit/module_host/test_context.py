"""Calling tasks: the context they get, results, threads beside, coroutines."""

import asyncio
import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from worker.contract.errors import InvalidInput, NagathaError
from worker.contract.module_api import Registry, TaskContext
from worker.module_host.bounded import TookTooLong, WantedToEnd, run_aside, run_bounded
from worker.module_host.context import (
    LARGEST_RESULT,
    ModuleTaskContext,
    RetryLater,
    call,
    call_async,
    module_logger,
)
from worker.module_host.registry import ModuleRegistry, TaskSpec


def _spec(func: Callable[..., object], **options: Any) -> TaskSpec:
    registry = ModuleRegistry("m", {})
    seam: Registry = registry
    seam.register_task("m", "t", func, **options)
    return registry.close()[0]


def _context(**given: Any) -> ModuleTaskContext:
    parts: dict[str, Any] = {
        "run_id": "r1",
        "log": module_logger("m"),
        "on_progress": lambda fraction, text: None,
        "is_cancelled": lambda: False,
        "on_ask": lambda prompt, system: f"{system}|{prompt}",
    }
    return ModuleTaskContext(**(parts | given))


def test_context_keeps_the_contract_and_hands_everything_on() -> None:
    told: list[tuple[float | None, str]] = []
    stop = threading.Event()
    context = _context(
        attempt=2, on_progress=lambda *what: told.append(what), is_cancelled=stop.is_set
    )
    seen: list[object] = []

    def task(one: TaskContext, text: str) -> str:
        seen.extend((one.run_id, one.attempt, one.log.name, one.cancelled))
        stop.set()
        seen.append(one.cancelled)
        one.progress(0.5, "half")
        one.progress(7)
        one.progress(-1)
        one.progress(None, "who knows")
        one.progress(float("nan"))
        return one.ask(text, "be brief")

    assert call(_spec(task, bind=True), {"text": "q"}, context) == "be brief|q"
    assert seen == ["r1", 2, "modules.m", False, True]
    assert told == [(0.5, "half"), (1.0, ""), (0.0, ""), (None, "who knows"), (None, "")]


def test_retry_makes_an_exception_that_carries_reason_and_delay() -> None:
    def task(context: TaskContext) -> None:
        raise context.retry("busy", 5)

    with pytest.raises(RetryLater, match="busy") as caught:
        call(_spec(task, bind=True), {}, _context())
    assert (caught.value.reason, caught.value.delay) == ("busy", 5)


def test_result_comes_out_as_json_has_it() -> None:
    assert call(_spec(lambda: {"a": (1, None)}), {}, _context()) == {"a": [1, None]}


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", float("inf"), {"a": [object()]}])
def test_result_that_is_no_json_is_told_as_such(value: object) -> None:
    with pytest.raises(NagathaError) as caught:
        call(_spec(lambda: value), {}, _context())
    assert caught.value.kind == "bad_result" and "m.t" in caught.value.problem.title


def test_result_that_is_too_large_is_refused_and_the_largest_is_not() -> None:
    largest = "é" * (LARGEST_RESULT // 2 - 1)
    assert call(_spec(lambda: largest), {}, _context()) == largest
    with pytest.raises(NagathaError, match="returned too much") as caught:
        call(_spec(lambda: largest + "e"), {}, _context())
    assert caught.value.kind == "bad_result" and "1 MB" in caught.value.problem.message
    assert call(_spec(lambda: "\ud800"), {}, _context()) == "\ud800"


def test_wrong_arguments_never_reach_the_function() -> None:
    called = []
    with pytest.raises(InvalidInput, match="“nunber”"):
        call(_spec(lambda number=1: called.append(number)), {"nunber": 2}, _context())
    assert called == []


def test_text_from_the_command_line_becomes_what_the_function_wants() -> None:
    def task(count: int, sure: bool = False) -> list[object]:
        return [count, sure]

    assert call(_spec(task), {"count": "3", "sure": "true"}, _context()) == [3, True]


async def _coroutine(context: TaskContext, text: str) -> list[str]:
    await asyncio.sleep(0)
    answer = await asyncio.to_thread(context.ask, text)
    return [answer, threading.current_thread().name]


def test_coroutine_runs_on_the_loop_and_may_ask_from_a_thread() -> None:
    spec = _spec(_coroutine, bind=True)
    result = asyncio.run(call_async(spec, {"text": "q"}, _context()))
    assert result == ["|q", threading.current_thread().name]
    with pytest.raises(TypeError, match="call_async"):
        call(spec, {"text": "q"}, _context())


@pytest.mark.parametrize("end", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_coroutine_that_wants_to_end_the_program_only_fails_itself(end: BaseException) -> None:
    ended: list[int] = []

    async def task() -> None:
        await asyncio.sleep(0)
        raise end

    async def both() -> None:
        # In a task of its own, as the worker has it.
        running = asyncio.ensure_future(
            call_async(_spec(task), {}, _context(), when_ended=lambda: ended.append(1))
        )
        with pytest.raises(WantedToEnd, match=type(end).__name__):
            await running

    asyncio.run(both())
    assert ended == [1]


def test_asking_on_the_loop_is_refused_instead_of_waiting_for_ever() -> None:
    async def task(context: TaskContext) -> str:
        return context.ask("q")

    with pytest.raises(RuntimeError, match="to_thread"):
        asyncio.run(call_async(_spec(task, bind=True), {}, _context()))


def test_ordinary_function_runs_beside_the_loop_and_its_failure_comes_back() -> None:
    ended: list[int] = []

    async def both() -> None:
        name = await call_async(
            _spec(lambda: threading.current_thread().name),
            {},
            _context(),
            when_ended=lambda: ended.append(1),
        )
        assert name == "task m.t"
        with pytest.raises(ZeroDivisionError):
            await call_async(
                _spec(lambda: 1 / 0), {}, _context(), when_ended=lambda: ended.append(2)
            )

    asyncio.run(both())
    assert ended == [1, 2]


def test_who_stops_waiting_leaves_the_thread_to_end_by_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release, ended = threading.Event(), threading.Event()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await call_async(
                    _spec(lambda: release.wait(60)), {}, _context(), when_ended=ended.set
                )

    asyncio.run(give_up())
    assert not ended.is_set()
    with caplog.at_level(logging.DEBUG):
        release.set()
        assert ended.wait(60)
        for thread in threading.enumerate():
            if thread.name == "task m.t":
                thread.join(60)
    assert caplog.records == []


def test_bounded_call_hands_on_results_failures_and_its_own_timeouts() -> None:
    def fail() -> None:
        raise TimeoutError("mine")

    def leave() -> None:
        raise SystemExit(2)

    assert run_bounded(lambda: 3, 10, name="t") == 3
    with pytest.raises(TimeoutError, match="mine"):
        run_bounded(fail, 10, name="t")
    with pytest.raises(WantedToEnd, match="SystemExit: 2"):
        run_bounded(leave, 10, name="t")
    release = threading.Event()
    with pytest.raises(TookTooLong) as caught:
        run_bounded(lambda: release.wait(60), 0.01, name="t")
    release.set()
    assert (caught.value.file, caught.value.line) == ("", 0)


def test_aside_runs_on_a_daemon_thread() -> None:
    assert asyncio.run(run_aside(lambda: threading.current_thread().daemon, name="t")) is True


def test_registry_takes_nothing_after_it_was_closed() -> None:
    registry = ModuleRegistry("m", {})
    registry.close()
    with pytest.raises(ValueError, match="too late"):
        registry.register_task("m", "t", len)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_retries": -1}, "max_retries must be at least 0"),
        ({"default_retry_delay": "soon"}, "must be a number"),
        ({"time_limit": 0}, "time_limit must be above 0"),
        ({"schedule": 0.5}, "schedule must be at least 1"),
        ({"rate_limit": "10/d"}, "10/m"),
        ({"tool": "yes"}, "true or false"),
        ({"max_retries": float("nan")}, "at least 0"),
    ],
)
def test_unfit_options_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        _spec(lambda: None, **options)


def test_given_schema_and_description_are_kept() -> None:
    spec = _spec(lambda **given: given, description="Said", parameters={"properties": {"a": {}}})
    assert spec.info.description == "Said"
    assert spec.info.parameters == {"type": "object", "properties": {"a": {}}}
    assert call(spec, {"a": 1, "b": 2}, _context()) == {"a": 1, "b": 2}


def test_error_of_the_module_s_own_making_is_not_taken_for_ours() -> None:
    def task() -> None:
        error = ValueError("x")
        error.problem = SimpleNamespace()  # type: ignore[attr-defined]
        raise error

    with pytest.raises(ValueError, match="x"):
        call(_spec(task), {}, _context())
