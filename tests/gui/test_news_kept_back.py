"""News that comes while nobody wants to be disturbed waits, and what is true then is said after."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import MOST, Calm
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import ReminderWatch
from nagatha_desktop.widgets.theme import ThemeController
from tests.gui.test_news import LEFT, OnLoop, Scene, ended
from tests.support.fake_client import FakeClient
from worker.contract.errors import Unavailable
from worker.contract.events import Event, QuietChanged, RoutineChanged, RunChanged
from worker.contract.reminders import Quiet
from worker.contract.types import Problem

Tell = Callable[[Event], None]


@pytest.fixture
def state(tmp_path: Path, bridge: Bridge) -> WindowState:
    return WindowState(tmp_path, parent=bridge)


@pytest.fixture
def scene(
    bridge: Bridge, themes: ThemeController, fake: FakeClient, state: WindowState, qtbot: QtBot
) -> Iterator[Scene]:
    """Nobody is to disturb for an hour, since before the program began."""
    fake.due.kept_back = Quiet(datetime.now(UTC) + timedelta(hours=1), "hours")
    made = Scene(bridge, themes, fake, state)
    qtbot.waitUntil(lambda: made.quiet.quiet is not None and not bridge.busy)
    yield made
    made.news.stop()
    made.notifier.stop()


@pytest.fixture
def tell(fake: FakeClient, on_loop: OnLoop) -> Tell:
    """Tells the windows of an event."""

    async def emit(event: Event) -> None:
        fake.emit(event)

    return lambda event: on_loop(emit(event))


@pytest.fixture
def end(fake: FakeClient, tell: Tell) -> Callable[[], None]:
    """Everybody may be disturbed again."""

    def be_over() -> None:
        fake.due.kept_back = Quiet(None)
        tell(QuietChanged(Quiet(None)))

    return be_over


def answered(fake: FakeClient, tell: Tell, title: str) -> str:
    """A chat (id) with an answer that has just come."""
    chat = fake.store.add(title, "When is high tide?", f"In the {title}.")
    tell(RunChanged(ended(chat.id, id=f"run-of-{chat.id}", message=chat.head)))
    return chat.id


def waits(scene: Scene, kind: str, number: int = 1) -> Callable[[], bool]:
    return lambda: len(scene.calm.waiting(kind)) == number


# -- answers --------------------------------------------------------------------------------------


def test_an_answer_waits_for_the_end_of_the_quiet_hours(
    scene: Scene, fake: FakeClient, tell: Tell, end: Callable[[], None], qtbot: QtBot
) -> None:
    chat = answered(fake, tell, "Morning")
    qtbot.waitUntil(waits(scene, "answer"))
    assert scene.notes == []
    end()
    qtbot.waitUntil(lambda: scene.titles == ["Answered: Morning"])
    said = scene.notes[0]
    assert said.notification.text == "In the Morning."
    qtbot.mouseClick(said, LEFT)
    assert scene.chats == [chat] and scene.calm.waiting("answer") == {}


def test_several_answers_are_said_together_those_seen_or_deleted_meanwhile_are_not(
    scene: Scene,
    fake: FakeClient,
    tell: Tell,
    on_loop: OnLoop,
    end: Callable[[], None],
    qtbot: QtBot,
) -> None:
    chats = [answered(fake, tell, title) for title in ("One", "Two", "Three", "Four")]
    qtbot.waitUntil(waits(scene, "answer", 4))
    on_loop(fake.chats.delete(chats[1]))
    scene.seen.add(chats[2])
    scene.news.look_around()
    scene.seen.clear()
    end()
    qtbot.waitUntil(lambda: scene.titles == ["2 answers are there"])
    assert set(scene.notes[0].notification.text.splitlines()) == {"One", "Four"}


def test_many_are_named_as_far_as_there_is_room(
    scene: Scene, fake: FakeClient, tell: Tell, end: Callable[[], None], qtbot: QtBot
) -> None:
    for number in range(9):
        answered(fake, tell, f"Chat {number}")
    qtbot.waitUntil(waits(scene, "answer", 9))
    end()
    qtbot.waitUntil(lambda: scene.titles == ["9 answers are there"])
    lines = scene.notes[0].notification.text.splitlines()
    assert len(lines) == 7 and lines[-1] == "and 3 more"


def test_what_cannot_be_read_at_the_end_waits_for_the_next_look(
    scene: Scene, fake: FakeClient, tell: Tell, end: Callable[[], None], qtbot: QtBot
) -> None:
    real = fake.chats.get

    async def broken(chat: str) -> Any:
        fake.called("chats.get")
        raise Unavailable("The engine is away")

    fake.store.get = broken  # type: ignore[method-assign]
    answered(fake, tell, "Morning")
    qtbot.waitUntil(waits(scene, "answer"))
    end()
    qtbot.waitUntil(lambda: "chats.get" in fake.calls and waits(scene, "answer")())
    fake.store.get = real  # type: ignore[method-assign]
    scene.quiet.read()
    qtbot.waitUntil(lambda: scene.titles == ["Answered: Morning"])


# -- approvals, and what is asked about -----------------------------------------------------------


def test_approvals_wait_and_those_answered_meanwhile_are_not_said(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, end: Callable[[], None], qtbot: QtBot
) -> None:
    fake.approval_desk.put("From before")
    scene.news.look()
    first = on_loop(fake.approval_desk.ask("Answered elsewhere"))
    on_loop(fake.approval_desk.ask("Write a file"))
    on_loop(fake.approval_desk.change(first.id, verdict="once"))
    qtbot.waitUntil(lambda: first.id in scene.news.approvals._ended and not scene.news._bridge.busy)
    assert scene.notes == []
    end()
    qtbot.waitUntil(lambda: len(scene.notes) == 2)
    assert sorted(scene.titles) == ["Approval needed: From before", "Approval needed: Write a file"]


def test_missed_jobs_are_asked_about_afterwards(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, end: Callable[[], None], qtbot: QtBot
) -> None:
    desk = fake.routine_desk
    routine = desk.put("Morning news")
    on_loop(desk.tell(desk.happened(routine.id, "asking")))
    decided = desk.happened(routine.id, "asking")
    on_loop(desk.tell(decided))
    qtbot.waitUntil(lambda: decided.id in scene.news._found)
    qtbot.waitUntil(lambda: not scene.news._soon.isActive() and not scene.news._bridge.busy)
    assert scene.notes == []
    on_loop(desk.decide((decided.id,), True))
    end()
    qtbot.waitUntil(lambda: scene.titles == ["A job was due while Nagatha was off"])


# -- routines -------------------------------------------------------------------------------------


def test_ends_of_routines_wait_and_are_said_together(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, end: Callable[[], None], qtbot: QtBot
) -> None:
    desk, now = fake.routine_desk, scene.now
    wrong = Problem("internal", "The model server is away")
    for title, state in (("News", "failed"), ("Backup", "failed"), ("Gone", "done"), ("S", "done")):
        routine = desk.put(title)
        told = desk.happened(routine.id, state, ended=now, chat=f"chat of {title}", error=wrong)
        on_loop(desk.tell(told))
    again = desk.happened(next(iter(desk.all)), ended=now, result="Rain")
    on_loop(desk.tell(again))  # the newest end of News
    qtbot.waitUntil(waits(scene, "end", 4))
    on_loop(desk.delete(list(desk.all)[2]))
    scene.seen.add("chat of S")
    scene.news.look_around()
    scene.seen.clear()
    end()
    qtbot.waitUntil(lambda: scene.titles == ["2 routines ended"])
    lines = scene.notes[0].notification.text.splitlines()
    assert set(lines) == {"Done: News", "Failed: Backup"}
    qtbot.mouseClick(scene.notes[0], LEFT)
    assert scene.activities == 1


def test_an_end_with_many_times_after_it_is_said_all_the_same(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, end: Callable[[], None], qtbot: QtBot
) -> None:
    desk, now = fake.routine_desk, scene.now
    routine = desk.put("Each minute")
    on_loop(desk.tell(desk.happened(routine.id, ended=now, due=now, result="Rain")))
    qtbot.waitUntil(waits(scene, "end"))
    # The next one goes on all night, and those that come meanwhile are left out.
    for minute in range(1, 200):
        due = now + timedelta(minutes=minute)
        on_loop(desk.tell(desk.happened(routine.id, "skipped", due=due, ended=due)))
    end()
    qtbot.waitUntil(lambda: scene.titles == ["Done: Each minute"])


def test_an_end_that_is_not_there_any_more_is_not_said(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, end: Callable[[], None], qtbot: QtBot
) -> None:
    desk, now = fake.routine_desk, scene.now
    for title in ("Gone", "News"):
        on_loop(desk.tell(desk.happened(desk.put(title).id, ended=now)))
    qtbot.waitUntil(waits(scene, "end", 2))
    del desk.occurrences[next(iter(desk.occurrences))]
    end()
    qtbot.waitUntil(lambda: scene.titles == ["Done: News"])


def test_what_the_window_of_background_work_shows_then_is_not_said(
    scene: Scene,
    fake: FakeClient,
    on_loop: OnLoop,
    tell: Tell,
    end: Callable[[], None],
    qtbot: QtBot,
) -> None:
    desk, now = fake.routine_desk, scene.now
    routine = desk.put("News", updated=now)
    on_loop(desk.tell(desk.happened(routine.id, ended=now)))
    paused = replace(routine, paused=True, paused_why="It failed 3 times in a row")
    desk.all[routine.id] = paused
    tell(RoutineChanged(paused))
    qtbot.waitUntil(lambda: waits(scene, "end")() and waits(scene, "paused")())
    scene.news.activity_seen = lambda: True
    scene.news.look_around()
    assert scene.calm.waiting("end") == {}
    answered(fake, tell, "Morning")
    qtbot.waitUntil(waits(scene, "answer"))
    end()
    qtbot.waitUntil(lambda: scene.titles == ["Answered: Morning"])
    qtbot.waitUntil(lambda: waits(scene, "paused", 0)() and not scene.news._bridge.busy)
    assert scene.titles == ["Answered: Morning"]


def test_a_routine_that_paused_itself_is_said_where_it_is_still_paused(
    scene: Scene, fake: FakeClient, tell: Tell, end: Callable[[], None], qtbot: QtBot
) -> None:
    desk = fake.routine_desk
    for title in ("Resumed", "Morning news"):
        routine = desk.put(title, updated=scene.now)
        paused = replace(routine, paused=True, paused_why="It failed 3 times in a row")
        desk.all[routine.id] = paused
        tell(RoutineChanged(paused))
    qtbot.waitUntil(waits(scene, "paused", 2))
    resumed = next(iter(desk.all))
    desk.all[resumed] = replace(desk.all[resumed], paused=False, paused_why="")
    end()
    qtbot.waitUntil(lambda: scene.titles == ["Paused: Morning news"])


# -- when it is quiet, and when not ---------------------------------------------------------------


def test_quiet_hours_that_end_by_the_clock_need_no_event(
    scene: Scene, fake: FakeClient, tell: Tell, qtbot: QtBot
) -> None:
    answered(fake, tell, "Morning")
    qtbot.waitUntil(waits(scene, "answer"))
    scene.quiet.read()
    qtbot.waitUntil(lambda: not scene.news._bridge.busy)
    assert scene.notes == []
    scene.now += timedelta(hours=1)
    # What the watch sets its timer for.
    assert scene.quiet._day.isActive() and scene.quiet._day.interval() <= 15 * 60_000
    scene.quiet._day.timeout.emit()
    qtbot.waitUntil(lambda: scene.titles == ["Answered: Morning"])


def test_quiet_hours_that_begin_keep_back_what_comes_from_then_on(
    scene: Scene, fake: FakeClient, tell: Tell, end: Callable[[], None], qtbot: QtBot
) -> None:
    end()
    answered(fake, tell, "Before")
    qtbot.waitUntil(lambda: scene.titles == ["Answered"])
    quiet = Quiet(scene.now + timedelta(hours=2), "asked")
    fake.due.kept_back = quiet
    tell(QuietChanged(quiet))
    answered(fake, tell, "After")
    qtbot.waitUntil(waits(scene, "answer"))
    assert scene.titles == ["Answered"]


def test_quiet_hours_that_are_only_found_when_they_are_asked_for_count_too(
    scene: Scene, fake: FakeClient, tell: Tell, end: Callable[[], None], qtbot: QtBot
) -> None:
    end()
    qtbot.waitUntil(lambda: not scene.calm.keeps())
    fake.due.kept_back = Quiet(scene.now + timedelta(hours=1), "hours")
    scene.quiet.read()
    qtbot.waitUntil(scene.calm.keeps)


def test_news_waits_until_it_is_known_whether_it_may_be_said(
    bridge: Bridge,
    themes: ThemeController,
    fake: FakeClient,
    state: WindowState,
    tell: Tell,
    qtbot: QtBot,
) -> None:
    made = Scene(bridge, themes, fake, state)
    try:
        assert made.quiet.quiet is None and made.calm.keeps()
        fake.approval_desk.put("Write a file")
        made.news.look()
        qtbot.waitUntil(lambda: made.titles == ["Approval needed: Write a file"])
    finally:
        made.news.stop()
        made.notifier.stop()


def test_where_nobody_can_tell_nothing_waits_but_what_was_known_holds(
    bridge: Bridge, fake: FakeClient, state: WindowState, tell: Tell, qtbot: QtBot
) -> None:
    now = datetime.now(UTC)
    fake.fail["reminders.quiet"] = Unavailable("The engine is away")
    watch = ReminderWatch(bridge, bridge)
    calm = Calm(watch, state, lambda: now, bridge)
    assert not calm.keeps()
    watch.read()
    assert calm.keeps()
    qtbot.waitUntil(lambda: not bridge.busy)
    assert not calm.keeps()
    tell(QuietChanged(Quiet(now + timedelta(hours=1), "asked")))
    qtbot.waitUntil(calm.keeps)
    watch.read()
    qtbot.waitUntil(lambda: watch.quiet is None)
    assert calm.keeps()


def test_what_waited_when_the_program_ended_is_said_by_the_next_one(
    scene: Scene,
    bridge: Bridge,
    themes: ThemeController,
    fake: FakeClient,
    state: WindowState,
    tmp_path: Path,
    tell: Tell,
    qtbot: QtBot,
) -> None:
    answered(fake, tell, "Morning")
    qtbot.waitUntil(waits(scene, "answer"))
    scene.news.stop()
    values = {"unsaid": state.get("unsaid")}
    assert len(scene.calm.waiting("answer")) == 1
    state.set("unsaid", {})
    scene.calm._waiting.clear()
    fake.due.kept_back = Quiet(None)
    later = Scene(bridge, themes, fake, WindowState(tmp_path, values, bridge))
    try:
        qtbot.waitUntil(lambda: later.titles == ["Answered: Morning"])
        assert later.calm.waiting("answer") == {}
    finally:
        later.news.stop()
        later.notifier.stop()


def test_so_many_wait_and_the_oldest_are_dropped(scene: Scene, state: WindowState) -> None:
    for number in range(MOST + 1):
        scene.calm.put("answer", str(number), "")
    waiting = scene.calm.waiting("answer")
    assert len(waiting) == MOST and "0" not in waiting and str(MOST) in waiting
    assert len(state.mapping("unsaid")) == MOST


def test_a_chat_that_is_renamed_while_its_answer_waits_is_said_with_its_new_name(
    scene: Scene,
    fake: FakeClient,
    tell: Tell,
    on_loop: OnLoop,
    end: Callable[[], None],
    qtbot: QtBot,
) -> None:
    chat = answered(fake, tell, "Morning")
    qtbot.waitUntil(waits(scene, "answer"))
    on_loop(fake.chats.rename(chat, "Tides"))
    end()
    qtbot.waitUntil(lambda: scene.titles == ["Answered: Tides"])


def test_a_program_that_ends_says_nothing_more_and_keeps_what_waits(
    scene: Scene, fake: FakeClient, tell: Tell, end: Callable[[], None], qtbot: QtBot
) -> None:
    over: list[bool] = []
    scene.calm.over.connect(lambda: over.append(True))
    answered(fake, tell, "Morning")
    qtbot.waitUntil(waits(scene, "answer"))
    scene.calm.stop()
    end()
    qtbot.waitUntil(lambda: scene.quiet.quiet == Quiet(None))
    assert over == [] and waits(scene, "answer")()


def test_what_came_while_it_was_read_what_is_true_waits_on(scene: Scene) -> None:
    scene.calm.put("answer", "chat", "old")
    read = scene.calm.waiting("answer")
    scene.calm.put("answer", "chat", "new")
    scene.calm.settle("answer", read)
    assert scene.calm.waiting("answer") == {"chat": "new"}
    scene.calm.settle("answer", {"chat": "new"})
    assert scene.calm.waiting("answer") == {}
