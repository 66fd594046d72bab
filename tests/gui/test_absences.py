"""Why nobody was there when something was due is told where it is known, and only there."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.absences import Absences
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.power import suspended
from tests.support.fake_client import FakeClient

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Scene:
    """A program that began at nine, and the clocks of its machine."""

    def __init__(self, bridge: Bridge, slept: float | None = 0.0) -> None:
        self.now = NOW
        self.slept = slept
        self.absences = Absences(bridge, lambda: self.now, lambda: self.slept, bridge)
        self.absences._ask()

    def sleep(self, span: timedelta) -> None:
        assert self.slept is not None
        self.slept += span.total_seconds()
        self.now += span


@pytest.fixture
def scene(bridge: Bridge, qtbot: QtBot) -> Scene:
    made = Scene(bridge)
    qtbot.waitUntil(lambda: made.absences._was_paused is False)
    return made


def test_what_was_due_before_the_program_began_and_is_found_after_was_due_while_it_was_off(
    scene: Scene,
) -> None:
    assert scene.absences.why([(NOW - HOUR, NOW), (NOW - 30 * HOUR, NOW)]) == "off"


def test_what_was_found_by_an_earlier_program_or_nobody_knows_when_has_no_reason(
    scene: Scene,
) -> None:
    assert scene.absences.why([(NOW - 2 * HOUR, NOW - HOUR)]) == ""
    assert scene.absences.why([(NOW - HOUR, None)]) == ""


def test_what_was_due_while_the_machine_slept_says_so(scene: Scene) -> None:
    scene.now += HOUR
    scene.sleep(3 * HOUR)
    assert scene.absences.why([(NOW + 2 * HOUR, scene.now)]) == "asleep"
    # What came before it was seen, and what came after it.
    assert scene.absences.why([(NOW + HOUR / 2, scene.now)]) == ""
    scene.now += 2 * HOUR
    assert scene.absences.why([(NOW + 5 * HOUR, scene.now)]) == ""


def test_a_clock_that_was_set_is_no_sleep_and_where_sleep_is_unknown_nothing_is_said(
    bridge: Bridge, scene: Scene
) -> None:
    scene.now += 3 * HOUR
    assert scene.absences.why([(NOW + HOUR, scene.now)]) == ""
    unknown = Scene(bridge, slept=None)
    unknown.now += 3 * HOUR
    assert unknown.absences.why([(NOW + HOUR, unknown.now)]) == ""


def test_what_was_due_while_work_was_paused_says_so(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    scene.now += HOUR
    on_loop(fake.set_status(paused=True))
    qtbot.waitUntil(lambda: scene.absences._paused is not None)
    scene.now += HOUR
    due = scene.now
    scene.now += HOUR
    assert scene.absences.why([(due, scene.now)]) == "paused"
    on_loop(fake.set_status(paused=False))
    qtbot.waitUntil(lambda: scene.absences._paused is None)
    assert scene.absences.why([(due, scene.now)]) == "paused"
    assert scene.absences.why([(NOW + HOUR / 2, scene.now)]) == ""


def test_where_work_was_paused_before_the_program_began_it_need_not_have_been_off(
    bridge: Bridge, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    on_loop(fake.set_status(paused=True))
    made = Scene(bridge)
    assert made.absences.why([(NOW - HOUR, NOW)]) == ""
    qtbot.waitUntil(lambda: made.absences._was_paused is True)
    assert made.absences.why([(NOW - HOUR, NOW)]) == ""


def test_several_reasons_are_none(scene: Scene) -> None:
    scene.sleep(3 * HOUR)
    times = [(NOW - HOUR, NOW), (NOW + HOUR, scene.now)]
    assert scene.absences.why(times) == "" and scene.absences.why(times[1:]) == "asleep"
    assert scene.absences.why([]) == ""


def test_the_clocks_of_this_system_tell_how_long_it_slept() -> None:
    slept = suspended()
    assert slept is None or slept > -1.0
