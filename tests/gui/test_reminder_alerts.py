"""What is due is said once, and what is answered on the desktop changes the reminder."""

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.announcer import Announcer
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.notifications import Notifier
from nagatha_desktop.reminders.alerts import APART, ReminderAlerts
from nagatha_desktop.widgets.notes import Note, Notes
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from worker.contract.errors import NotFound

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


class Scene:
    """The alerts, and what can be seen of them."""

    def __init__(self, bridge: Bridge, themes: ThemeController, fake: FakeClient) -> None:
        self.fake = fake
        self.in_front = False
        self.wanted: list[str] = []
        self.notifier = Notifier(lambda answered: Notes(themes, answered), None, bridge)
        self.alerts = ReminderAlerts(
            bridge,
            Announcer(self.notifier, bridge),
            lambda: self.in_front,
            lambda: False,
            lambda: datetime.now(UTC),
            bridge,
        )
        self.alerts._soon.setInterval(20)
        self.alerts.reminders_wanted.connect(self.wanted.append)

    @property
    def notes(self) -> list[Note]:
        windows = self.notifier.windows
        return windows.notes if isinstance(windows, Notes) else []

    def state(self, firing: str) -> str:
        return self.fake.due.firings[firing].state


@pytest.fixture
def scene(
    bridge: Bridge, themes: ThemeController, fake: FakeClient, qtbot: QtBot
) -> Iterator[Scene]:
    made = Scene(bridge, themes, fake)
    yield made
    made.alerts.stop()
    made.notifier.stop()


def test_one_that_is_due_is_said_with_three_buttons_and_done_is_done(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    reminder = fake.due.put("Publish the notes", datetime.now(UTC))
    firing = on_loop(fake.due.fire(reminder.id))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    note = scene.notes[0]
    assert [made.text() for made in note.buttons.values()] == ["Done", "Snooze 10 min", "Tomorrow"]
    assert note.notification.title == "Publish the notes"
    assert note.notification.text.startswith("Due now")
    qtbot.waitUntil(lambda: fake.due.firings[firing.id].shown is not None)
    note.buttons["0"].click()
    qtbot.waitUntil(lambda: scene.state(firing.id) == "done")
    assert scene.notes == []


def test_tomorrow_is_nine_o_clock_of_the_next_day(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    reminder = fake.due.put("Call", datetime.now(UTC))
    firing = on_loop(fake.due.fire(reminder.id))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    scene.notes[0].buttons["2"].click()
    qtbot.waitUntil(lambda: scene.state(firing.id) == "snoozed")
    until = fake.due.all[reminder.id].due
    assert until is not None
    there = until.astimezone()
    assert (there.hour, there.minute) == (9, 0)
    assert there.date() == datetime.now().date() + timedelta(days=1)


def test_what_was_missed_is_said_together_and_done_with_all(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    due = datetime.now(UTC) - timedelta(hours=30)
    firings = [
        on_loop(fake.due.fire(fake.due.put(text, due).id, "missed")) for text in ("One", "Two")
    ]
    qtbot.waitUntil(lambda: bool(scene.notes))
    (note,) = scene.notes
    assert note.notification.title == "2 were due while Nagatha was off"
    assert "One" in note.notification.text and "Two" in note.notification.text
    assert [made.text() for made in note.buttons.values()] == ["Show", "Done with all"]
    note.buttons["1"].click()
    qtbot.waitUntil(lambda: {scene.state(firing.id) for firing in firings} == {"done"})


def test_one_answered_elsewhere_is_withdrawn(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    reminder = fake.due.put("Call", datetime.now(UTC))
    on_loop(fake.due.fire(reminder.id))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    on_loop(fake.due.done(reminder.id))
    qtbot.waitUntil(lambda: scene.notes == [])


def test_what_the_window_shows_is_marked_and_not_said(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    scene.in_front = True
    firing = on_loop(fake.due.fire(fake.due.put("Call", datetime.now(UTC)).id))
    qtbot.waitUntil(lambda: fake.due.firings[firing.id].shown is not None)
    assert scene.notes == []


def test_what_is_kept_back_is_not_said_and_an_answer_that_fails_is(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    on_loop(fake.due.fire(fake.due.put("Held", datetime.now(UTC)).id, "held"))
    fake.fail["reminders.done"] = NotFound("There is no such reminder")
    on_loop(fake.due.fire(fake.due.put("Due", datetime.now(UTC)).id))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    assert scene.notes[0].notification.title == "Due"
    scene.notes[0].buttons["0"].click()
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    assert scene.notes[0].notification.title == "There is no such reminder"


def test_many_that_are_due_at_once_are_said_together_though_each_is_told_by_itself(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    now = datetime.now(UTC)
    scene.alerts._at_once.setInterval(500)
    names = [fake.due.put(f"Task {number}", now).id for number in range(APART + 2)]
    firings = [on_loop(fake.due.fire(name)) for name in names]
    qtbot.waitUntil(lambda: bool(scene.notes))
    (note,) = scene.notes
    assert note.notification.title == "6 reminders are due"
    qtbot.waitUntil(lambda: all(fake.due.firings[firing.id].shown for firing in firings))


def test_those_that_are_taken_are_said_where_another_of_them_could_not_be(
    scene: Scene,
    fake: FakeClient,
    on_loop: OnLoop,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take, asked = fake.due.take, list[str]()

    async def broken(firing: str, process: str) -> bool:
        asked.append(firing)
        if len(asked) == 2:
            raise NotFound("There is no such firing")
        # Whoever is alive and has it keeps it: to ask again gives nothing.
        return asked.count(firing) == 1 and await take(firing, process)

    monkeypatch.setattr(fake.due, "take", broken)
    scene.alerts._soon.setInterval(500)
    for text in ("First", "Second", "Third"):
        on_loop(fake.due.fire(fake.due.put(text, datetime.now(UTC)).id, "missed"))
    qtbot.waitUntil(lambda: bool(scene.notes))
    (note,) = scene.notes
    assert "First" in note.notification.text and "Third" in note.notification.text
    assert scene.alerts._again.isActive()
