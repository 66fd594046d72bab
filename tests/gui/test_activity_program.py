"""Background work in the program: tray, badge, commands, and the news of what failed."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.activity.alerts import FailureAlerts
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
from nagatha_desktop.program import Program
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import ReminderWatch
from nagatha_desktop.widgets.notes import Notes
from tests.support.activity_window import Clock
from tests.support.fake_client import FakeClient
from tests.support.program import begun
from worker.contract.reminders import Quiet
from worker.contract.types import Problem, Run

# The offscreen platform has no tray, and says so in these words.
pytestmark = pytest.mark.qt_log_ignore("systemTrayWindowChanged")

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
DOWN = Problem("no_network", "The feed could not be fetched", "No such name.", "Check it.")


# -- tray, badge, commands -------------------------------------------------------------------------


def test_the_menu_has_what_there_is_with_its_keys(program: Program, qtbot: QtBot) -> None:
    begun(program, qtbot)
    shown = [
        (action.text(), action.shortcut().toString())
        for action in program.tray.menu.actions()
        if not action.isSeparator()
    ]
    assert shown == [
        ("New chat", "Ctrl+N"),
        ("Quick ask …", "Ctrl+Alt+Space"),
        ("Approvals", ""),
        ("Reminders", ""),
        ("Activity", ""),
        ("Do not disturb", ""),
        ("Pause background work", ""),
        ("Keep awake while working", ""),
        ("Settings …", "Ctrl+6"),
        ("Quit Nagatha", "Ctrl+Q"),
    ]
    program.state.set("shortcuts", {"chat.new": "Ctrl+J"})
    assert program.tray.new_chat.shortcut() == QKeySequence("Ctrl+J")


def test_counts_are_live_in_the_menu_and_in_the_chat_window(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    begun(program, qtbot)
    tray, badge = program.tray, program.window.bar.work
    assert not badge.isVisible()
    run = on_loop(fake.work.run_task("echo_bot.echo", {}))
    qtbot.waitUntil(lambda: tray.activity.text() == "Activity\t1 running")
    assert badge.text() == "1 running" and badge.accessibleName() == "Activity: 1 running"
    assert program.watch.mood == "busy"
    waiting = fake.work.add("a.b", "PENDING")
    on_loop(fake.work.tell((waiting,)))
    on_loop(fake.work.change(run.id, state="FAILURE", ended=run.queued, error=DOWN))
    qtbot.waitUntil(lambda: tray.activity.text() == "Activity\t1 failed")
    assert badge.text() == "1 failed" and program.watch.mood == "idle"
    badge.click()
    activity = program.activity.window
    assert activity.isVisible() and activity.segment == "failed"
    # Looked at, it is no news any more.
    qtbot.waitUntil(lambda: tray.activity.text() == "Activity")
    assert not badge.isVisible()


def test_the_engines_own_upkeep_is_no_work_to_speak_of(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    upkeep = fake.work.add("process_scheduled_tasks", "STARTED", kind="maintenance")
    begun(program, qtbot)
    assert (program.watch.running, program.watch.mood) == (0, "idle")
    other = fake.work.add("cleanup_memory_and_maintenance", "STARTED", kind="maintenance")
    asked = fake.work.add("echo_bot.echo", "STARTED")
    on_loop(fake.work.tell((upkeep, other, asked)))
    qtbot.waitUntil(lambda: str(program.watch.mood) == "busy")
    assert program.watch.running == 1


def test_the_pause_is_in_the_menu_and_is_said_in_words(program: Program, qtbot: QtBot) -> None:
    begun(program, qtbot)
    program.tray._make_icon()
    program.tray.pause.trigger()
    qtbot.waitUntil(lambda: program.tray.pause.text() == "Resume background work")
    icon = program.tray._icon
    assert icon is not None and icon.toolTip() == "Nagatha: ready, background work is paused"
    assert program.tray.activity.text() == "Activity\tpaused"
    assert program.window.bar.work.text() == "Paused"
    program.tray.pause.trigger()
    qtbot.waitUntil(lambda: program.tray.pause.text() == "Pause background work")
    assert icon.toolTip() == "Nagatha: ready"


def test_without_an_engine_there_is_nothing_to_pause(
    program: Program, backend: Any, qtbot: QtBot
) -> None:
    assert not program.tray.pause.isEnabled()
    program.watch._failed(DOWN)
    assert not program.tray.pause.isEnabled()


def test_commands_and_keys_show_the_window(
    program: Program, fake: FakeClient, qtbot: QtBot
) -> None:
    begun(program, qtbot)
    assert program.activity.made is None
    program.obey(["show activity"])
    window = program.activity.window
    assert window.isVisible() and program.activity.window is window
    window.hide()
    program.window._window_keys.actions["window.activity"].trigger()
    assert window.isVisible()
    window.hide()
    program.tray.activity.trigger()
    assert window.isVisible()
    chat = fake.store.add("One", "a", "b")
    window.chat_wanted.emit(chat.id)
    qtbot.waitUntil(lambda: program.window.model.chat_id == chat.id)
    program.window.hide()
    window.chat_wanted.emit("")
    assert program.window.isVisible()
    window.shortcuts_wanted.emit()
    listed = next(w for w in program.app.topLevelWidgets() if "shortcuts" in w.windowTitle())
    assert isinstance(listed, QWidget) and listed.parentWidget() is window
    listed.close()


# -- the news --------------------------------------------------------------------------------------


def failing(fake: FakeClient, **more: object) -> Run:
    return fake.work.add("feeds.fetch", "FAILURE", error=DOWN, **more)


def test_a_failure_that_nobody_watched_is_said_once_and_a_click_shows_it(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    begun(program, qtbot, hidden=True)
    program.activity.alerts._soon.setInterval(10)
    run = failing(fake)
    on_loop(fake.work.tell((run,)))
    qtbot.waitUntil(lambda: isinstance(program.alerts.notifier.windows, Notes))
    shown = program.alerts.notifier.windows
    assert isinstance(shown, Notes)
    said = shown.notes[0]
    assert said.accessibleName() == "Failed: Fetch. The feed could not be fetched"
    on_loop(fake.work.tell((run,)))
    marker = on_loop(fake.work.run_task("a.b", {}))
    qtbot.waitUntil(lambda: marker.id in program.watch._runs)
    assert not program.activity.alerts._soon.isActive() and shown.notes == [said]
    qtbot.mouseClick(said, Qt.MouseButton.LeftButton)
    window = program.activity.window
    qtbot.waitUntil(lambda: window.details.run is not None and window.details.run.id == run.id)
    assert window.segment == "failed" and window.details.isVisible()


class News:
    """What was said, and who watches."""

    def __init__(self, bridge: Bridge, clock: Clock, state: WindowState) -> None:
        self.said: list[tuple[str, str, str]] = []
        self.watched = False
        self.quiet = ReminderWatch(bridge, bridge)
        self.calm = Calm(self.quiet, state, clock, bridge)
        self.alerts = FailureAlerts(bridge, lambda _: self.watched, clock, self.calm, bridge)
        self.alerts._soon.setInterval(10)
        self.alerts.failed.connect(lambda *words: self.said.append(words))


@pytest.fixture
def news(bridge: Bridge, tmp_path: Path) -> News:
    return News(bridge, Clock(), WindowState(tmp_path, parent=bridge))


def settled(news: News, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot) -> None:
    """All that was told so far has been looked at, and said where it is news."""
    end = fake.work.add("a.end", "SUCCESS", schedule="the end")
    news.alerts._failing["the end"] = ""
    on_loop(fake.work.tell((end,)))
    qtbot.waitUntil(lambda: "the end" not in news.alerts._failing)
    qtbot.waitUntil(lambda: not news.alerts._soon.isActive())


def test_several_at_a_time_are_one_piece_of_news(
    news: News, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    on_loop(fake.work.tell([failing(fake) for _ in range(3)]))
    qtbot.waitUntil(lambda: news.said == [("3 jobs failed", "Fetch", "")])


def test_what_is_watched_is_not_said(
    news: News, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    news.watched = True
    on_loop(fake.work.tell((failing(fake),)))
    settled(news, fake, on_loop, qtbot)
    assert news.said == []


def test_what_a_person_cancelled_or_misses_not_is_not_said(
    news: News, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    cancelled = failing(fake)
    news.alerts.cancelled(cancelled.id)
    title = fake.work.add("title", "FAILURE", kind="title", error=DOWN)
    old = failing(fake, ended=Clock().now - timedelta(hours=1))
    on_loop(fake.work.tell((cancelled, title, old)))
    settled(news, fake, on_loop, qtbot)
    assert news.said == []


def test_a_schedule_that_fails_again_is_said_again_only_after_it_went_well(
    news: News, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    def run(state: Any) -> None:
        made = fake.work.add("feeds.fetch", state, schedule="feeds", error=DOWN)
        on_loop(fake.work.tell((made,)))
        settled(news, fake, on_loop, qtbot)

    run("FAILURE")
    assert len(news.said) == 1
    run("FAILURE")
    assert len(news.said) == 1
    run("SUCCESS")
    run("FAILURE")
    assert len(news.said) == 2


def test_what_was_seen_or_wanted_is_no_number_in_the_badge(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    chat = fake.store.add("One", "a", "b")
    begun(program, qtbot)
    program.open_chat(chat.id)
    qtbot.waitUntil(lambda: program.window.model.chat_id == chat.id)
    qtbot.waitUntil(program.window.isActiveWindow)
    seen = failing(fake, kind="answer", chat=chat.id)
    cancelled = failing(fake)
    program.activity.alerts.cancelled(cancelled.id)
    unseen = failing(fake)
    on_loop(fake.work.tell((seen, cancelled, unseen)))
    qtbot.waitUntil(lambda: program.watch.failures > 0)
    assert program.watch._failures == {unseen.id}
    assert program.window.bar.work.text() == "1 failed"


def test_an_answer_is_watched_where_its_chat_is_in_front(
    program: Program, fake: FakeClient, qtbot: QtBot
) -> None:
    chat = fake.store.add("One", "a", "b")
    begun(program, qtbot)
    program.open_chat(chat.id)
    qtbot.waitUntil(lambda: program.window.model.chat_id == chat.id)
    qtbot.waitUntil(program.window.isActiveWindow)
    answer = failing(fake, kind="answer", chat=chat.id)
    elsewhere = failing(fake, kind="answer", chat="another")
    quick = failing(fake, kind="answer", chat="another", source="quick")
    is_watched = program.activity._is_watched
    assert is_watched(answer) and not is_watched(elsewhere)
    program.open_quick()
    qtbot.waitUntil(program.quick.isActiveWindow)
    assert is_watched(quick) and not is_watched(answer)
    program.activity.show()
    qtbot.waitUntil(program.activity.window.isActiveWindow)
    assert is_watched(elsewhere)


# -- news that waits -------------------------------------------------------------------------------


@pytest.fixture
def kept(bridge: Bridge, fake: FakeClient, tmp_path: Path, qtbot: QtBot) -> News:
    """Nobody is to disturb."""
    clock = Clock()
    fake.due.kept_back = Quiet(clock.now + timedelta(hours=1), "hours")
    made = News(bridge, clock, WindowState(tmp_path, parent=bridge))
    made.quiet.read()
    qtbot.waitUntil(made.calm.keeps)
    qtbot.waitUntil(lambda: made.quiet.quiet is not None)
    return made


def waiting(news: News, *runs: Run) -> Callable[[], bool]:
    return lambda: set(news.calm.waiting("failure")) == {run.id for run in runs}


def be_over(fake: FakeClient, on_loop: OnLoop) -> None:
    on_loop(fake.due.do_not_disturb(None))


def test_failures_wait_while_nobody_is_to_disturb_and_are_said_together(
    kept: News, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    runs = [failing(fake) for _ in range(4)]
    for run in runs:
        on_loop(fake.work.tell((run,)))
        settled(kept, fake, on_loop, qtbot)
    assert kept.said == [] and waiting(kept, *runs)()
    del fake.work.runs[runs[0].id]
    fake.work.runs[runs[1].id] = replace(runs[1], state="SUCCESS")
    be_over(fake, on_loop)
    qtbot.waitUntil(lambda: kept.said == [("2 jobs failed", "Fetch", "")])
    assert waiting(kept)()


def test_a_failure_that_was_seen_or_went_well_since_is_not_said_afterwards(
    kept: News, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    mended = fake.work.add("feeds.fetch", "FAILURE", schedule="feeds", error=DOWN)
    on_loop(fake.work.tell((mended,)))
    qtbot.waitUntil(waiting(kept, mended))
    well = fake.work.add("feeds.fetch", "SUCCESS", schedule="feeds")
    on_loop(fake.work.tell((well,)))
    qtbot.waitUntil(waiting(kept))
    routine = failing(fake)
    on_loop(fake.work.tell((routine,)))
    qtbot.waitUntil(waiting(kept, routine))
    kept.alerts.said_elsewhere(routine.id)
    assert waiting(kept)()
    seen = failing(fake)
    on_loop(fake.work.tell((seen,)))
    qtbot.waitUntil(waiting(kept, seen))
    kept.alerts.seen()
    last = failing(fake)
    on_loop(fake.work.tell((last,)))
    qtbot.waitUntil(waiting(kept, last))
    be_over(fake, on_loop)
    qtbot.waitUntil(lambda: kept.said == [("Failed: Fetch", DOWN.title, last.id)])


def test_a_failure_that_waits_over_a_restart_is_counted_and_said(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    run = failing(fake)
    fake.due.kept_back = Quiet(datetime.now(UTC) + timedelta(hours=1), "asked")
    program.calm.put("failure", run.id, "")
    begun(program, qtbot, hidden=True)
    qtbot.waitUntil(lambda: program.watch._failures == {run.id})
    assert program.alerts.notifier.windows is None
    be_over(fake, on_loop)
    qtbot.waitUntil(lambda: isinstance(program.alerts.notifier.windows, Notes))
    shown = program.alerts.notifier.windows
    assert isinstance(shown, Notes)
    assert shown.notes[0].notification.title == "Failed: Fetch"


def test_one_that_failed_before_a_restart_and_went_well_since_is_not_said(
    bridge: Bridge,
    kept: News,
    fake: FakeClient,
    on_loop: OnLoop,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    fetched = fake.work.add("feeds.fetch", "FAILURE", schedule="feeds", error=DOWN)
    packed = fake.work.add("notes.pack", "FAILURE", schedule="notes", error=DOWN)
    on_loop(fake.work.tell((fetched, packed)))
    qtbot.waitUntil(waiting(kept, fetched, packed))
    kept.calm.stop()
    state = WindowState(tmp_path, {"unsaid": kept.calm._state.mapping("unsaid")}, bridge)
    later = News(bridge, Clock(), state)
    later.quiet.read()
    qtbot.waitUntil(later.calm.keeps)
    assert waiting(later, fetched, packed)()
    # Failing once more is nothing new, and what goes well is heard of.
    again = fake.work.add("notes.pack", "FAILURE", schedule="notes", error=DOWN)
    well = fake.work.add("feeds.fetch", "SUCCESS", schedule="feeds")
    on_loop(fake.work.tell((again, well)))
    qtbot.waitUntil(waiting(later, packed))
    be_over(fake, on_loop)
    qtbot.waitUntil(lambda: later.said == [("Failed: Pack", DOWN.title, packed.id)])


def test_one_that_went_well_while_nobody_was_there_to_hear_is_not_said(
    kept: News, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    late = datetime.now(UTC)
    names = ("well", "earlier", "still", "never")
    runs = {
        name: fake.work.add(f"m.{name}", "FAILURE", schedule=name, error=DOWN, queued=late)
        for name in names
    }
    on_loop(fake.work.tell(runs.values()))
    qtbot.waitUntil(waiting(kept, *runs.values()))
    for name, state, seconds in (
        ("well", "SUCCESS", 60),
        ("earlier", "SUCCESS", -60),
        ("still", "FAILURE", 60),
    ):
        queued = late + timedelta(seconds=seconds)
        last = fake.work.add(f"m.{name}", state, schedule=name, queued=queued)  # type: ignore[arg-type]
        fake.work.add_schedule(name, f"m.{name}", 60.0, last_run=last)
    fake.work.add_schedule("never", "m.never", 60.0)
    be_over(fake, on_loop)
    qtbot.waitUntil(lambda: [title for title, _, _ in kept.said] == ["3 jobs failed"])
    assert set(kept.said[0][1].split(", ")) == {"Earlier", "Still", "Never"}


def test_what_waits_is_not_lost_by_a_program_that_is_ending(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    fake.due.kept_back = Quiet(datetime.now(UTC) + timedelta(hours=1), "asked")
    run = failing(fake)
    program.calm.put("failure", run.id, "")
    begun(program, qtbot, hidden=True)
    qtbot.waitUntil(program.calm.keeps)
    program.alerts.stop()
    be_over(fake, on_loop)
    qtbot.waitUntil(lambda: program.watch.reminders.quiet == Quiet(None))
    qtbot.waitUntil(lambda: not program.bridge.busy)
    assert set(program.calm.waiting("failure")) == {run.id}
    program.alerts.front_changed()
    assert not program.alerts._left.isActive()


def test_what_waits_is_no_news_once_the_failed_ones_were_looked_at(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    run = failing(fake)
    fake.due.kept_back = Quiet(datetime.now(UTC) + timedelta(hours=1), "asked")
    program.calm.put("failure", run.id, "")
    begun(program, qtbot, hidden=True)
    qtbot.waitUntil(lambda: program.watch._failures == {run.id})
    program.activity.show()
    qtbot.waitUntil(lambda: program.calm.waiting("failure") == {})


# -- what is in front ------------------------------------------------------------------------------


def test_an_approval_that_was_in_front_is_said_when_another_chat_is(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    chats = [fake.store.add(title, "a", "b").id for title in ("One", "Two")]
    begun(program, qtbot)
    program.open_chat(chats[0])
    qtbot.waitUntil(lambda: program.window.model.chat_id == chats[0])
    qtbot.waitUntil(program.window.isActiveWindow)
    asked = on_loop(fake.approval_desk.ask("Write a file", chat=chats[0]))
    qtbot.waitUntil(lambda: asked.id in program.alerts.work.approvals._open)
    assert program.alerts.notifier.windows is None
    program.open_chat(chats[1])
    qtbot.waitUntil(lambda: isinstance(program.alerts.notifier.windows, Notes))
    shown = program.alerts.notifier.windows
    assert isinstance(shown, Notes)
    assert shown.notes[0].notification.title == "Approval needed: Write a file"


def test_an_approval_that_was_in_front_is_said_when_the_program_is_left(
    program: Program, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    chat = fake.store.add("One", "a", "b").id
    begun(program, qtbot)
    program.open_chat(chat)
    qtbot.waitUntil(lambda: program.window.model.chat_id == chat)
    qtbot.waitUntil(program.window.isActiveWindow)
    asked = on_loop(fake.approval_desk.ask("Write a file", chat=chat))
    qtbot.waitUntil(lambda: asked.id in program.alerts.work.approvals._open)
    qtbot.waitUntil(lambda: not program.alerts._left.isActive())
    assert program.alerts.notifier.windows is None
    program.open_quick()
    qtbot.waitUntil(program.quick.isActiveWindow)
    qtbot.waitUntil(lambda: isinstance(program.alerts.notifier.windows, Notes))
