"""Events as text: nothing is lost, and what is wrong is told without its content."""

import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.contract import events
from worker.contract.events import AnswerDelta, Event, RunChanged, ToolChanged
from worker.contract.jobs import Schedule
from worker.contract.reminders import Firing, Quiet, Reminder
from worker.contract.routines import Approval, Occurrence, Routine
from worker.contract.system import EngineStatus, ModuleInfo
from worker.contract.types import Chat, Message, Problem, Run, ToolUse, Usage
from worker.events.codec import UnknownEvent, decode, encode

NOW = datetime(2026, 11, 21, 12, 0, 1, 5, tzinfo=UTC)
TEXT = st.text(alphabet=st.characters(codec=None))  # lone surrogates among them


def _examples() -> list[Event]:
    problem = Problem("x", "Title", "why", "what", "retry", NOW)
    message = Message(
        "m", "c", "p", "assistant", "failed", "text", NOW, usage=Usage(1, 2, 3, True),
        error=problem, tools=(ToolUse("t", "n", "{}", "done", "r", 0.5, 3),), notes=("n",),
        siblings=("m", "o"), depth=2,
    )  # fmt: skip
    run = Run(
        "r", "task", "a.b", "SUCCESS", "cli", NOW, NOW, NOW, "c", "m", {"a": [1, None, {"b": 2}]},
        1, 0.5, "half", {"deep": ["list", 1.5]}, problem,
    )  # fmt: skip
    firing = Firing("f", "r", "text", NOW, "missed", NOW, True, True, NOW, NOW, NOW, 3, "c", "t")
    reminder = Reminder(
        "r", "text", "2026-12-01T09:00:00", "Europe/Lisbon", NOW, NOW, "FREQ=DAILY", NOW, True,
        "notes", "c", True, "list", "cli", NOW, NOW, firing,
    )  # fmt: skip
    occurrence = Occurrence(
        "o", "u", NOW, "failed", "r", "c", NOW, NOW, 1.5, Decimal("0.001"), "said", problem, 2, True
    )
    routine = Routine(
        "u", "t", "prompt", "2026-12-01T09:00:00", "Europe/Lisbon", NOW, NOW, prompt="p",
        arguments={"a": 1}, tools=("x",), due=NOW, last=occurrence,
    )  # fmt: skip
    return [
        events.ChatChanged(Chat("c", "t", NOW, NOW, "model", True, True, NOW, "d", "m")),
        events.MessageChanged(message, run_id="r", seq=5, at=NOW),
        AnswerDelta("c", "m", "text", 3),
        ToolChanged("c", "m", message.tools[0]),
        RunChanged(run),
        events.StopAsked(run_id="r"),
        events.SettingsChanged(("a", "b")),
        events.ModuleChanged(ModuleInfo("m", "1", "d", "on", "person", ("t",), {"a": 1}, problem)),
        events.EngineChanged(EngineStatus("1", "/", "b", "ok", "off", 1, 2, 3, (problem,))),
        events.ScheduleChanged(
            Schedule("usage", "track_usage_metrics", "t", 9.5, 900.0, True, NOW, None, run)
        ),
        events.ReminderChanged(reminder),
        events.FiringChanged(firing),
        events.QuietChanged(Quiet(NOW, "asked")),
        events.RoutineChanged(routine),
        events.OccurrenceChanged(occurrence),
        events.ApprovalChanged(
            Approval(
                "a", "r", "t", {"x": [1]}, "why", NOW, "c", "m", "o", "deny", "else", NOW, True
            )
        ),
        events.DataReplaced(),
        events.Notice(problem),
    ]


@pytest.mark.parametrize("event", _examples(), ids=lambda event: event.kind)
def test_every_kind_of_event_comes_back_as_it_was(event: Event) -> None:
    text = encode(event)
    assert text.isascii() and "\n" not in text
    assert decode(text) == decode(text.encode()) == event
    assert json.loads(text)["kind"] == event.kind


def test_no_kind_of_event_was_forgotten() -> None:
    assert {type(event) for event in _examples()} == set(events.EVENT_TYPES)


@given(TEXT)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    event = AnswerDelta("c", "m", text, 0, at=NOW)
    assert decode(encode(event)) == event


def test_a_result_that_is_no_json_does_not_break_the_stream() -> None:
    run = Run("r", "task", "a.b", "SUCCESS", "cli", NOW, result=object())
    back = decode(encode(RunChanged(run)))
    assert isinstance(back, RunChanged)
    assert dataclasses.replace(back.run, result=None) == dataclasses.replace(run, result=None)


@pytest.mark.parametrize(
    "text",
    [
        "", "no json", "[]", "5", "{}", '{"kind": "later.version", "x": "secret"}',
        '{"kind": "answer.delta", "chat": "secret"}', b"\xff", "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_event_is_told_without_its_content(text: str | bytes) -> None:
    with pytest.raises(UnknownEvent) as caught:
        decode(text)
    assert "secret" not in str(caught.value)
