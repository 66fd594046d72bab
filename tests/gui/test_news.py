"""What ended or waits while nobody looked is said once, and only where it is switched on."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nagatha_desktop.absences import Absences
from nagatha_desktop.activity.news import WorkNews
from nagatha_desktop.announcer import Announcer
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
from nagatha_desktop.platform.notifications import Notifier
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import ReminderWatch
from nagatha_desktop.widgets.notes import Note, Notes
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from worker.contract.errors import Unavailable
from worker.contract.events import Event, RoutineChanged, RunChanged
from worker.contract.routines import Approval
from worker.contract.types import Problem, Run

LEFT = Qt.MouseButton.LeftButton
OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
KINDS = ("answers", "approvals", "routines", "sound")


class Scene:
    """The news, and what can be seen of them. `on` is what is switched on, `seen` are the chats
    (ids) that a person looks at."""

    def __init__(
        self, bridge: Bridge, themes: ThemeController, fake: FakeClient, state: WindowState
    ) -> None:
        self.fake = fake
        self.now = datetime.now(UTC)
        """Where the clock stands."""
        self.quiet = ReminderWatch(bridge, bridge)
        self.quiet.read()
        self.calm = Calm(self.quiet, state, lambda: self.now, bridge)
        self.slept = 0.0
        """Seconds that the machine slept."""
        self.absences = Absences(bridge, lambda: self.now, lambda: self.slept, bridge)
        self.absences._ask()
        self.on = set(KINDS)
        self.seen: set[str] = set()
        self.chats: list[str] = []
        self.activities = 0
        self.failures: list[str] = []
        self.notifier = Notifier(lambda answered: Notes(themes, answered), None, bridge)
        self.news = WorkNews(
            bridge,
            Announcer(self.notifier, bridge),
            lambda kind: kind in self.on,
            lambda chat: chat in self.seen,
            lambda run: run.chat in self.seen,
            lambda: self.now,
            self.calm,
            self.absences,
            bridge,
        )
        self.news._soon.setInterval(20)
        self.news.approvals._recount.setInterval(20)
        self.news.chat_wanted.connect(self.chats.append)
        self.news.activity_wanted.connect(self._activity)
        self.news.failure_said.connect(self.failures.append)

    def _activity(self) -> None:
        self.activities += 1

    @property
    def notes(self) -> list[Note]:
        windows = self.notifier.windows
        return windows.notes if isinstance(windows, Notes) else []

    @property
    def titles(self) -> list[str]:
        return [note.notification.title for note in self.notes]


@pytest.fixture
def scene(
    bridge: Bridge, themes: ThemeController, fake: FakeClient, tmp_path: Path, qtbot: QtBot
) -> Iterator[Scene]:
    made = Scene(bridge, themes, fake, WindowState(tmp_path, parent=bridge))
    qtbot.waitUntil(lambda: made.quiet.quiet is not None and not bridge.busy)
    yield made
    made.news.stop()
    made.notifier.stop()


@pytest.fixture
def tell(fake: FakeClient, on_loop: OnLoop) -> Callable[[Event], None]:
    """Tells the windows of an event."""

    async def emit(event: Event) -> None:
        fake.emit(event)

    return lambda event: on_loop(emit(event))


@pytest.fixture
def quiet(scene: Scene, on_loop: OnLoop, qtbot: QtBot) -> Callable[[], None]:
    """Waits until all that was told before was heard, and sees that nothing was said of it.

    What is told last is said last, so an approval is asked for, is seen, and is answered again.
    """

    def check() -> None:
        scene.on.add("approvals")
        last = on_loop(scene.fake.approval_desk.ask("The last", chat="unseen"))
        qtbot.waitUntil(lambda: "Approval needed: The last" in scene.titles)
        qtbot.waitUntil(lambda: not scene.news._soon.isActive() and not scene.news._bridge.busy)
        assert scene.titles == ["Approval needed: The last"]
        on_loop(scene.fake.approval_desk.change(last.id, verdict="once"))
        qtbot.waitUntil(lambda: scene.titles == [])

    return check


def ended(chat: str, **more: Any) -> Run:
    """An answer that just ended well."""
    now = datetime.now(UTC)
    made = Run("run-7", "answer", "answer", "SUCCESS", "chat", now, ended=now, chat=chat)
    return replace(made, **more)


def an_answer(scene: Scene, on_loop: OnLoop) -> str:
    """A chat (id) in which a question was answered to its end."""

    async def ask() -> tuple[str, str]:
        chat = await scene.fake.chats.create("Tides")
        sent = await scene.fake.chats.send(chat.id, "When is high tide?")
        await scene.fake.store.tasks[sent.run]
        return chat.id, sent.run

    chat, run = on_loop(ask())

    async def end() -> None:
        scene.fake.emit(RunChanged(ended(chat, id=run)))

    on_loop(end())
    return str(chat)


# -- answers ------------------------------------------------------------------------------------


def test_an_answer_that_ends_unseen_is_said_and_a_click_shows_its_chat(
    scene: Scene, on_loop: OnLoop, qtbot: QtBot
) -> None:
    chat = an_answer(scene, on_loop)
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    said = scene.notes[0].notification
    assert (said.title, said.text) == ("Answered: Tides", "Hello there.")
    QTest.mouseClick(scene.notes[0], LEFT)
    assert scene.chats == [chat]
    assert scene.notes == []


def test_an_answer_that_is_seen_or_switched_off_is_not_said(
    scene: Scene, tell: Callable[[Event], None], quiet: Callable[[], None]
) -> None:
    scene.seen.add("seen")
    tell(RunChanged(ended("seen")))
    quiet()
    scene.on.discard("answers")
    tell(RunChanged(ended("unseen")))
    quiet()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "FAILURE"},
        {"source": "cli"},
        {"kind": "task"},
        {"ended": datetime.now(UTC) - timedelta(days=1)},
    ],
    ids=["failed", "from a command", "no answer", "before the program began"],
)
def test_what_is_no_answer_to_this_person_is_not_said(
    changes: dict[str, Any], tell: Callable[[Event], None], quiet: Callable[[], None]
) -> None:
    tell(RunChanged(ended("unseen", **changes)))
    quiet()


# -- approvals ----------------------------------------------------------------------------------


def test_an_approval_is_asked_for_and_allowed_on_the_desktop(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    asked = on_loop(fake.approval_desk.ask("Write a file"))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    note = scene.notes[0]
    assert note.notification.title == "Approval needed: Write a file"
    assert note.notification.text == "wants to write notes/2.4.md (31 lines)"
    assert [made.text() for made in note.buttons.values()] == ["Allow once", "Deny"]
    note.buttons["0"].click()
    qtbot.waitUntil(lambda: fake.approval_desk.all[asked.id].verdict == "once")
    assert scene.notes == []


def test_an_approval_is_denied_withdrawn_and_said_where_the_answer_failed(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    denied = on_loop(fake.approval_desk.ask())
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    scene.notes[0].buttons["1"].click()
    qtbot.waitUntil(lambda: fake.approval_desk.all[denied.id].verdict == "deny")
    elsewhere = on_loop(fake.approval_desk.ask())
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    on_loop(fake.approval_desk.change(elsewhere.id, verdict="once"))
    qtbot.waitUntil(lambda: scene.notes == [])
    fake.fail["approvals.answer"] = Unavailable("The engine is away")
    on_loop(fake.approval_desk.ask())
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    scene.notes[0].buttons["0"].click()
    qtbot.waitUntil(lambda: scene.titles == ["The engine is away"])


def test_approvals_that_are_seen_or_switched_off_are_not_said(
    scene: Scene,
    fake: FakeClient,
    bridge: Bridge,
    on_loop: OnLoop,
    quiet: Callable[[], None],
    qtbot: QtBot,
) -> None:
    scene.seen.add("seen")
    on_loop(fake.approval_desk.ask(chat="seen"))
    quiet()
    scene.on.discard("approvals")
    on_loop(fake.approval_desk.ask(chat="unseen"))
    looks = fake.calls.count("approvals.waiting")
    on_loop(fake.replace_all())  # all that wait are looked at again
    qtbot.waitUntil(lambda: fake.calls.count("approvals.waiting") > looks and not bridge.busy)
    quiet()


def test_one_that_is_asked_for_while_it_is_read_what_waits_stays(
    scene: Scene,
    fake: FakeClient,
    bridge: Bridge,
    on_loop: OnLoop,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    may_end, read = asyncio.Event(), fake.approval_desk.waiting

    async def late() -> tuple[Approval, ...]:
        found = await read()
        await may_end.wait()
        return found

    async def end() -> None:
        may_end.set()

    monkeypatch.setattr(fake.approval_desk, "waiting", late)
    looks = fake.calls.count("approvals.waiting")
    scene.news.look()
    qtbot.waitUntil(lambda: fake.calls.count("approvals.waiting") > looks)
    on_loop(fake.approval_desk.ask(chat="unseen"))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    on_loop(end())
    qtbot.waitUntil(lambda: not bridge.busy)
    assert len(scene.notes) == 1


@pytest.mark.parametrize("sound", [True, False])
def test_many_approvals_that_wait_at_the_start_are_said_together(
    sound: bool, scene: Scene, fake: FakeClient, qtbot: QtBot
) -> None:
    if not sound:
        scene.on.discard("sound")
    for number in range(4):
        fake.approval_desk.put(f"Tool {number}")
    scene.news.look()
    qtbot.waitUntil(lambda: scene.titles == ["4 calls of tools wait for your approval"])
    assert scene.notes[0].notification.sound is sound
    QTest.mouseClick(scene.notes[0], LEFT)
    assert scene.activities == 1


def test_many_that_wait_say_nothing_while_approvals_are_switched_off(
    scene: Scene, fake: FakeClient, bridge: Bridge, quiet: Callable[[], None], qtbot: QtBot
) -> None:
    scene.on.discard("approvals")
    for number in range(4):
        fake.approval_desk.put(f"Tool {number}")
    scene.news.look()
    qtbot.waitUntil(lambda: not bridge.busy)
    quiet()


def test_those_that_are_said_together_are_counted_again_and_taken_away(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    asked = [fake.approval_desk.put(f"Tool {number}") for number in range(5)]
    scene.news.look()
    qtbot.waitUntil(lambda: scene.titles == ["5 calls of tools wait for your approval"])
    on_loop(fake.approval_desk.change(asked[0].id, verdict="once"))
    on_loop(fake.approval_desk.change(asked[1].id, expired=True))
    qtbot.waitUntil(lambda: scene.titles == ["3 calls of tools wait for your approval"])
    assert scene.notes[0].notification.sound is False
    # Answered while no event told of it: that is found when it is looked at again.
    del fake.approval_desk.all[asked[2].id], fake.approval_desk.all[asked[3].id]
    on_loop(fake.replace_all())
    qtbot.waitUntil(lambda: scene.titles == ["A call of a tool waits for your approval"])
    on_loop(fake.approval_desk.change(asked[4].id, verdict="deny"))
    qtbot.waitUntil(lambda: scene.titles == [])


def test_what_was_read_before_an_answer_came_is_older_than_the_answer(
    scene: Scene, fake: FakeClient, quiet: Callable[[], None]
) -> None:
    waiting = fake.approval_desk.put("Write a file", id="approval-9")
    scene.news.approvals.take(replace(waiting, verdict="once"))
    del fake.approval_desk.all[waiting.id]
    scene.news.approvals._know((waiting,), frozenset())
    quiet()


def test_a_number_that_a_person_closed_does_not_come_back(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, quiet: Callable[[], None], qtbot: QtBot
) -> None:
    asked = [fake.approval_desk.put(f"Tool {number}") for number in range(5)]
    scene.news.look()
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    scene.notes[0].close_button.click()
    on_loop(fake.approval_desk.change(asked[0].id, verdict="once"))
    qtbot.waitUntil(lambda: asked[0].id in scene.news.approvals._ended)
    qtbot.waitUntil(lambda: not scene.news.approvals._recount.isActive())
    quiet()


def test_an_approval_that_was_seen_is_said_once_when_it_is_left_without_an_answer(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, quiet: Callable[[], None], qtbot: QtBot
) -> None:
    scene.seen.add("chat-1")
    asked = on_loop(fake.approval_desk.ask("Write a file", chat="chat-1"))
    answered = on_loop(fake.approval_desk.ask("Answered there", chat="chat-1"))
    quiet()
    scene.news.look_around()  # another window of the program, but this chat as well
    quiet()
    on_loop(fake.approval_desk.change(answered.id, verdict="once"))
    qtbot.waitUntil(lambda: answered.id in scene.news.approvals._ended)
    scene.seen.clear()
    scene.news.look_around()
    qtbot.waitUntil(lambda: scene.titles == ["Approval needed: Write a file"])
    scene.notes[0].close_button.click()
    scene.news.look_around()
    quiet()
    on_loop(fake.approval_desk.change(asked.id, verdict="once"))


def test_an_approval_of_no_chat_is_said_once_the_window_that_asks_is_left_without_an_answer(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, quiet: Callable[[], None], qtbot: QtBot
) -> None:
    seen = True
    scene.news.activity_seen = lambda: seen
    answered = on_loop(fake.approval_desk.ask("Answered there"))
    on_loop(fake.approval_desk.ask("Send a mail"))
    quiet()
    on_loop(fake.approval_desk.change(answered.id, verdict="once"))
    qtbot.waitUntil(lambda: answered.id in scene.news.approvals._ended)
    seen = False
    scene.news.look_around()
    qtbot.waitUntil(lambda: scene.titles == ["Approval needed: Send a mail"])


# -- routines -----------------------------------------------------------------------------------


def test_the_end_of_a_routine_is_said_and_a_failure_is_said_here_alone(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    desk = fake.routine_desk
    now = datetime.now(UTC)
    news = desk.put("Morning news")
    done = desk.happened(news.id, ended=now, chat="chat-9", result="Rain from noon on")
    on_loop(desk.tell(done))
    qtbot.waitUntil(lambda: scene.titles == ["Done: Morning news"])
    assert scene.notes[0].notification.text == "Rain from noon on"
    QTest.mouseClick(scene.notes[0], LEFT)
    assert scene.chats == ["chat-9"]
    wrong = Problem("internal", "The model server is away")
    failed = desk.happened(news.id, "failed", ended=now, run="run-3", error=wrong)
    on_loop(desk.tell(failed))
    qtbot.waitUntil(lambda: scene.titles == ["Failed: Morning news"])
    assert scene.notes[0].notification.text == "The model server is away"
    assert scene.failures == ["run-3"]


def test_an_end_that_is_old_seen_unwanted_or_switched_off_is_not_said(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, quiet: Callable[[], None]
) -> None:
    desk = fake.routine_desk
    now = datetime.now(UTC)
    routine = desk.put("Morning news")
    silent = desk.put("Backup", notify=False)
    scene.seen.add("seen")
    on_loop(desk.tell(desk.happened(routine.id, ended=now - timedelta(days=1))))
    on_loop(desk.tell(desk.happened(routine.id, ended=now, chat="seen")))
    on_loop(desk.tell(desk.happened(silent.id, ended=now)))
    quiet()
    scene.on.discard("routines")
    on_loop(desk.tell(desk.happened(routine.id, ended=now)))
    quiet()


def test_a_routine_that_pauses_itself_is_said_once_and_one_paused_by_hand_is_not(
    scene: Scene,
    fake: FakeClient,
    tell: Callable[[Event], None],
    quiet: Callable[[], None],
    qtbot: QtBot,
) -> None:
    routine = fake.routine_desk.put("Morning news", updated=datetime.now(UTC))
    tell(RoutineChanged(replace(routine, paused=True)))
    quiet()
    paused = replace(routine, paused=True, paused_why="It failed 3 times in a row")
    tell(RoutineChanged(paused))
    qtbot.waitUntil(lambda: scene.titles == ["Paused: Morning news"])
    assert scene.notes[0].notification.text == "It failed 3 times in a row"
    QTest.mouseClick(scene.notes[0], LEFT)
    assert scene.activities == 1
    tell(RoutineChanged(paused))
    quiet()
    scene.on.discard("routines")
    tell(RoutineChanged(replace(paused, id="another")))
    quiet()


def test_jobs_that_were_missed_are_asked_about_together(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    desk = fake.routine_desk
    routine = desk.put("Morning news")
    missed = [desk.happened(routine.id, "asking") for _ in range(2)]
    for one in missed:
        on_loop(desk.tell(one))
    qtbot.waitUntil(lambda: scene.titles == ["2 jobs were due while Nagatha was off"])
    note = scene.notes[0]
    assert [made.text() for made in note.buttons.values()] == ["Run", "Skip"]
    note.buttons["0"].click()
    states = desk.occurrences
    qtbot.waitUntil(lambda: {states[one.id].state for one in missed} == {"waiting"})


def test_a_job_that_was_missed_is_skipped_or_decided_elsewhere(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    desk = fake.routine_desk
    routine = desk.put("Morning news")
    first = desk.happened(routine.id, "asking")
    on_loop(desk.tell(first))
    qtbot.waitUntil(lambda: scene.titles == ["A job was due while Nagatha was off"])
    scene.notes[0].buttons["1"].click()
    qtbot.waitUntil(lambda: desk.occurrences[first.id].state == "skipped")
    second = desk.happened(routine.id, "asking")
    on_loop(desk.tell(second))
    qtbot.waitUntil(lambda: scene.titles == ["A job was due while Nagatha was off"])
    on_loop(desk.decide((second.id,), True))
    qtbot.waitUntil(lambda: scene.notes == [])


def test_missed_jobs_say_nothing_while_routines_are_switched_off(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, quiet: Callable[[], None]
) -> None:
    desk = fake.routine_desk
    scene.on.discard("routines")
    on_loop(desk.tell(desk.happened(desk.put("Morning news").id, "asking")))
    quiet()


def test_what_the_window_of_background_work_shows_is_not_said(
    scene: Scene,
    fake: FakeClient,
    on_loop: OnLoop,
    tell: Callable[[Event], None],
    quiet: Callable[[], None],
) -> None:
    desk, now = fake.routine_desk, datetime.now(UTC)
    routine = desk.put("Backup", updated=now)
    scene.news.activity_seen = lambda: True
    wrong = Problem("internal", "The disk is away")
    failed = desk.happened(routine.id, "failed", ended=now, run="run-3", error=wrong)
    on_loop(desk.tell(failed))
    tell(RoutineChanged(replace(routine, paused=True, paused_why="It failed 3 times in a row")))
    quiet()
    # The run's own failure is no news either: it is the routine's.
    assert scene.failures == ["run-3"]


def test_jobs_that_the_window_asked_about_are_said_once_it_is_left_without_an_answer(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, quiet: Callable[[], None], qtbot: QtBot
) -> None:
    desk = fake.routine_desk
    routine = desk.put("Morning news")
    seen = True
    scene.news.activity_seen = lambda: seen
    first = desk.happened(routine.id, "asking")
    on_loop(desk.tell(first))
    quiet()
    on_loop(desk.decide((first.id,), False))  # answered there
    scene.news.look_around()
    quiet()
    on_loop(desk.tell(desk.happened(routine.id, "asking")))
    quiet()
    seen = False
    scene.news.look_around()
    qtbot.waitUntil(lambda: scene.titles == ["A job was due while Nagatha was off"])


@pytest.mark.parametrize("on", [True, False])
def test_the_sound_is_made_where_it_is_switched_on(
    on: bool, scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    if not on:
        scene.on.discard("sound")
    on_loop(fake.approval_desk.ask())
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    assert scene.notes[0].notification.sound is on


def test_what_was_missed_while_the_machine_slept_says_so_and_what_is_unknown_gives_no_reason(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    desk = fake.routine_desk
    routine = desk.put("Morning news")
    scene.slept += 3600.0
    scene.now += timedelta(hours=2)
    slept = desk.happened(routine.id, "asking", due=scene.now - timedelta(minutes=30))
    on_loop(desk.tell(slept))
    qtbot.waitUntil(lambda: scene.titles == ["A job was due while the computer was asleep"])
    # Nobody saw when this one was found.
    desk.happened(routine.id, "asking", due=scene.now - timedelta(days=3))
    scene.news.look()
    qtbot.waitUntil(lambda: scene.titles == ["2 jobs were missed"])
