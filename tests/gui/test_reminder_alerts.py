"""What is due is said once, and what is answered on the desktop changes the reminder."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.absences import Absences
from nagatha_desktop.announcer import Announcer
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.notifications import Notifier
from nagatha_desktop.reminders.alerts import APART, ReminderAlerts
from nagatha_desktop.widgets.notes import Note, Notes
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from worker.contract.errors import NotFound
from worker.contract.reminders import Firing, FiringState, Reminder

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]


class Scene:
    """The alerts, and what can be seen of them."""

    def __init__(self, bridge: Bridge, themes: ThemeController, fake: FakeClient) -> None:
        self.fake = fake
        self.in_front = False
        self.sounds = False
        self.wanted: list[str] = []
        self.slept = 0.0
        """Seconds that the machine slept."""
        self.absences = Absences(bridge, lambda: datetime.now(UTC), lambda: self.slept, bridge)
        self.absences._ask()
        self.notifier = Notifier(lambda answered: Notes(themes, answered), None, bridge)
        self.alerts = ReminderAlerts(
            bridge,
            Announcer(self.notifier, bridge),
            lambda: self.in_front,
            lambda: self.sounds,
            lambda: datetime.now(UTC),
            self.absences,
            bridge,
        )
        self.alerts._soon.setInterval(20)
        self.alerts.reminders_wanted.connect(self.wanted.append)

    @property
    def notes(self) -> list[Note]:
        windows = self.notifier.windows
        return windows.notes if isinstance(windows, Notes) else []

    @property
    def titles(self) -> list[str]:
        return [note.notification.title for note in self.notes]

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


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """The machine was carried there since the program began."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    yield ZoneInfo("Asia/Tokyo")
    monkeypatch.undo()
    if sys.platform != "win32":
        time.tzset()


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


@pytest.mark.skipif(sys.platform == "win32", reason="TZ names no zone there")
def test_times_are_those_of_where_the_machine_is_by_then(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot, tokyo: ZoneInfo
) -> None:
    now = datetime.now(UTC)
    due = now - timedelta(minutes=30)
    reminder = fake.due.put("Call", due)
    firing = on_loop(fake.due.fire(reminder.id, "missed"))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    assert f"{due.astimezone(tokyo):%H:%M}" in scene.notes[0].notification.text
    scene.notes[0].buttons["2"].click()
    qtbot.waitUntil(lambda: scene.state(firing.id) == "snoozed")
    until = fake.due.all[reminder.id].due
    assert until is not None
    there = until.astimezone(tokyo)
    assert (there.hour, there.minute) == (9, 0)
    assert there.date() == datetime.now(tokyo).date() + timedelta(days=1)


def test_one_that_comes_due_while_it_is_read_what_is_open_stays(
    scene: Scene,
    fake: FakeClient,
    bridge: Bridge,
    on_loop: OnLoop,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    may_end, read = asyncio.Event(), fake.due.open_firings

    async def late() -> tuple[Firing, ...]:
        found = await read()
        await may_end.wait()
        return found

    async def end() -> None:
        may_end.set()

    monkeypatch.setattr(fake.due, "open_firings", late)
    looks = fake.calls.count("reminders.open_firings")
    on_loop(fake.replace_all())
    qtbot.waitUntil(lambda: fake.calls.count("reminders.open_firings") > looks)
    on_loop(fake.due.fire(fake.due.put("Call", datetime.now(UTC)).id))
    qtbot.waitUntil(lambda: scene.titles == ["Call"])
    on_loop(end())
    qtbot.waitUntil(lambda: not bridge.busy)
    assert scene.titles == ["Call"]


def test_seven_of_which_some_are_due_now_are_not_called_missed(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    now = datetime.now(UTC)
    for number in range(2):
        late = fake.due.put(f"Late {number}", now - timedelta(hours=30))
        on_loop(fake.due.fire(late.id, "missed"))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    scene.alerts._at_once.setInterval(300)
    for number in range(5):
        on_loop(fake.due.fire(fake.due.put(f"Now {number}", now).id))
    qtbot.waitUntil(lambda: scene.titles == ["7 reminders are due"])


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


def test_one_that_is_deleted_while_it_is_asked_who_says_it_is_not_said(
    scene: Scene,
    fake: FakeClient,
    on_loop: OnLoop,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    may_end, asked, get = asyncio.Event(), [], fake.due.get

    async def late(reminder: str) -> Reminder:
        found = await get(reminder)  # before it is deleted
        asked.append(reminder)
        await may_end.wait()
        return found

    async def end() -> None:
        may_end.set()

    monkeypatch.setattr(fake.due, "get", late)
    gone = fake.due.put("Gone", datetime.now(UTC))
    on_loop(fake.due.fire(gone.id))
    qtbot.waitUntil(lambda: asked == [gone.id])
    monkeypatch.setattr(fake.due, "get", get)
    on_loop(fake.due.delete(gone.id))
    qtbot.waitUntil(lambda: not scene.alerts._known)
    on_loop(end())
    on_loop(fake.due.fire(fake.due.put("Call", datetime.now(UTC)).id))
    qtbot.waitUntil(lambda: "Call" in scene.titles)
    qtbot.waitUntil(lambda: not scene.alerts._bridge.busy)
    assert scene.titles == ["Call"]


def test_what_is_urgent_and_was_not_answered_is_said_again_by_the_next_program(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    due = datetime.now(UTC) - timedelta(minutes=5)
    for text, more in (
        ("Urgent", {"urgent": True, "shown": due}),
        ("Not urgent", {"shown": due}),
        ("Only listed", {"urgent": True, "shown": due, "silent": True}),
        ("Answered", {"urgent": True, "shown": due, "answered": due}),
        ("Deleted", {"urgent": True, "shown": due}),
        ("Urgent no more", {"urgent": True, "shown": due}),
    ):
        made = fake.due.put(text, due, urgent=text != "Urgent no more")
        state: FiringState = "done" if text == "Answered" else "missed"
        fake.due.add_firing(made.id, due, state, **more)
        if text == "Deleted":
            fake.due.all[made.id] = replace(fake.due.all[made.id], deleted=due)
    scene.alerts._begin()
    qtbot.waitUntil(lambda: scene.titles == ["Urgent"])
    (note,) = scene.notes
    assert note.notification.stays
    # Whoever closed it is not bothered again before the next start.
    note.close_button.click()
    scene.alerts._begin()
    on_loop(fake.due.fire(fake.due.put("Call", datetime.now(UTC)).id))
    qtbot.waitUntil(lambda: "Call" in scene.titles)
    qtbot.waitUntil(lambda: not scene.alerts._bridge.busy)
    assert scene.titles == ["Call"]


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


# -- what changes while it is shown ----------------------------------------------------------------


def said(scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot, text: str) -> Reminder:
    """A reminder that is due, was said, and is marked as shown."""
    number = len(scene.notes)
    reminder = fake.due.put(text, datetime.now(UTC))
    firing = on_loop(fake.due.fire(reminder.id))
    qtbot.waitUntil(lambda: len(scene.notes) == number + 1)
    qtbot.waitUntil(lambda: fake.due.firings[firing.id].shown is not None)
    return reminder


def test_a_text_that_is_changed_is_changed_where_it_is_shown(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    scene.sounds = True
    reminder = said(scene, fake, on_loop, qtbot, "Call Ana")
    assert scene.notes[0].notification.sound
    on_loop(fake.due.change(reminder.id, text="Call Eva", urgent=True))
    qtbot.waitUntil(lambda: scene.titles == ["Call Eva"])
    assert scene.notes[0].notification.stays and not scene.notes[0].notification.sound
    note = scene.notes[0]
    on_loop(fake.due.change(reminder.id, notes="nothing of it is shown"))
    said(scene, fake, on_loop, qtbot, "Another")
    assert scene.notes[0] is note
    note.buttons["0"].click()
    qtbot.waitUntil(lambda: fake.due.all[reminder.id].done is not None)


def test_a_text_that_is_changed_does_not_bring_back_what_was_closed(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    reminder = said(scene, fake, on_loop, qtbot, "Call Ana")
    scene.notes[0].close_button.click()
    on_loop(fake.due.change(reminder.id, text="Call Eva"))
    said(scene, fake, on_loop, qtbot, "Another")
    assert scene.titles == ["Another"]


def test_a_text_that_is_changed_before_it_was_said_is_said_as_it_is_now(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    scene.alerts._at_once.setInterval(500)
    reminder = fake.due.put("Call Ana", datetime.now(UTC))
    on_loop(fake.due.fire(reminder.id))
    on_loop(fake.due.change(reminder.id, text="Call Eva"))
    qtbot.waitUntil(lambda: scene.titles == ["Call Eva"])


def test_a_text_that_was_changed_while_it_was_held_is_said_as_it_is_now(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    reminder = fake.due.put("Call Ana", datetime.now(UTC))
    held = fake.due.add_firing(reminder.id, datetime.now(UTC), "held")
    on_loop(fake.due.change(reminder.id, text="Call Eva"))
    on_loop(fake.due.release(held.id))
    qtbot.waitUntil(lambda: scene.titles == ["Call Eva"])


def test_a_text_among_several_is_changed_there(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    due = datetime.now(UTC) - timedelta(hours=2)
    reminders = [fake.due.put(text, due) for text in ("One", "Two")]
    for reminder in reminders:
        on_loop(fake.due.fire(reminder.id, "missed"))
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    on_loop(fake.due.change(reminders[0].id, text="First of all"))
    qtbot.waitUntil(lambda: "First of all" in scene.notes[0].notification.text)
    text = scene.notes[0].notification.text
    assert "One" not in text and "Two" in text and len(scene.notes) == 1


def test_those_said_together_are_marked_where_a_text_changed_before_they_were_seen(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    announcer = scene.alerts._announcer
    scene.notifier.shown.disconnect(announcer._shown)  # the desktop takes its time
    due = datetime.now(UTC) - timedelta(hours=2)
    reminders = [fake.due.put(text, due) for text in ("One", "Two")]
    firings = [on_loop(fake.due.fire(reminder.id, "missed")) for reminder in reminders]
    qtbot.waitUntil(lambda: len(scene.notes) == 1)
    assert [fake.due.firings[firing.id].shown for firing in firings] == [None, None]
    scene.notifier.shown.connect(announcer._shown)
    on_loop(fake.due.change(reminders[0].id, text="First of all"))
    qtbot.waitUntil(lambda: all(fake.due.firings[one.id].shown for one in firings))


def test_one_that_is_moved_to_another_time_is_shown_no_more(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    reminder = said(scene, fake, on_loop, qtbot, "Call Ana")
    on_loop(fake.due.change(reminder.id, text="Call Eva", start="2031-01-01T09:00:00"))
    qtbot.waitUntil(lambda: scene.notes == [])


def test_what_is_still_due_stays_when_data_was_replaced_and_the_rest_goes(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    said(scene, fake, on_loop, qtbot, "Still due")
    gone = said(scene, fake, on_loop, qtbot, "Gone")
    kept = scene.notes[0]
    fake.due.firings = {
        name: firing for name, firing in fake.due.firings.items() if firing.reminder != gone.id
    }
    # One that nobody was told of yet.
    fresh = fake.due.put("Fresh", datetime.now(UTC))
    fake.due.add_firing(fresh.id, datetime.now(UTC), "due")
    on_loop(fake.replace_all())
    qtbot.waitUntil(lambda: sorted(scene.titles) == ["Fresh", "Still due"])
    assert kept in scene.notes
    kept.buttons["0"].click()
    qtbot.waitUntil(lambda: scene.titles == ["Fresh"])


def test_what_is_shown_is_marked_again_in_data_that_does_not_know_it(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    reminder = said(scene, fake, on_loop, qtbot, "Still due")
    (firing,) = (one for one in fake.due.firings.values() if one.reminder == reminder.id)
    fake.due.firings[firing.id] = replace(firing, shown=None)
    on_loop(fake.replace_all())
    qtbot.waitUntil(lambda: fake.due.firings[firing.id].shown is not None)
    assert scene.titles == ["Still due"]


def test_one_that_replaced_data_does_not_know_as_shown_is_said_where_nothing_says_it(
    scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    scene.in_front = True  # it was seen in the window
    firing = on_loop(fake.due.fire(fake.due.put("Call", datetime.now(UTC)).id))
    qtbot.waitUntil(lambda: fake.due.firings[firing.id].shown is not None)
    scene.in_front = False
    fake.due.firings[firing.id] = replace(fake.due.firings[firing.id], shown=None)
    on_loop(fake.replace_all())
    qtbot.waitUntil(lambda: scene.titles == ["Call"])


@pytest.mark.parametrize(
    ("hours", "title"),
    [(1, "2 were due while the computer was asleep"), (9, "2 reminders were missed")],
)
def test_why_they_were_missed_is_said_where_it_is_known(
    hours: int, title: str, scene: Scene, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    # The program has run for ten hours, of which the machine slept the last two.
    scene.absences._begun = datetime.now(UTC) - timedelta(hours=10)
    scene.slept = 2 * 3600.0
    due = datetime.now(UTC) - timedelta(hours=hours)
    for text in ("One", "Two"):
        on_loop(fake.due.fire(fake.due.put(text, due).id, "missed"))
    qtbot.waitUntil(lambda: scene.titles == [title])
