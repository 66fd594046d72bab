"""What the screenshots show of background work: a day's runs, in each segment and state.

Owns these scenes; tests/screenshots.py paints them. The engine behind is the fake one.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtWidgets import QWidget

from nagatha_desktop.activity.window import ActivityWindow
from tests.support.fake_client import FakeClient
from tests.support.scenes import Stage
from worker.contract.jobs import Batch, DeadLetter, LogLine
from worker.contract.types import Chat, Problem

Scene = Callable[[Stage], QWidget]

NO_NETWORK = Problem(
    "no_network",
    "The feed could not be fetched",
    "The name feeds.example.org could not be found.",
    "Check the network, then try again.",
    "retry",
)


def fill_jobs(fake: FakeClient, chats: list[Chat]) -> None:
    """A day of background work."""
    now = datetime.now(UTC)
    jobs = fake.work

    def before(**span: float) -> datetime:
        return now - timedelta(**span)

    jobs.add(
        "answer",
        "PROGRESS",
        kind="answer",
        queued=before(seconds=41),
        chat=chats[0].id,
        lane="queued",
        progress=None,
        progress_text="Asking gpt-4o-mini",
    )
    fetch = jobs.add(
        "feeds.fetch_all",
        "PROGRESS",
        source="schedule",
        schedule="module:feeds.fetch_all",
        queued=before(minutes=2, seconds=5),
        started=before(minutes=2),
        progress=0.62,
        progress_text="Reading 62 of 100 feeds",
        attempts=2,
        arguments={"limit": 100, "languages": ["en", "de"], "since": "2026-11-01"},
        batch="batch-1",
        id="run-fetch",
    )
    steps = [
        fetch,
        jobs.add("feeds.summarise", "PENDING", queued=before(minutes=2), follows="run-fetch"),
        jobs.add("feeds.mail", "PENDING", queued=before(minutes=2), follows="run-next"),
    ]
    jobs.batches["batch-1"] = Batch("batch-1", "chain", tuple(steps))
    for number, (level, text) in enumerate(
        (
            ("INFO", "62 feeds are new since 1 November"),
            ("WARNING", "feeds.example.org answers slowly (4.1 s)"),
            ("INFO", "Reading 62 of 100 feeds"),
        )
    ):
        line = LogLine(before(seconds=90 - number * 20), level, text)  # type: ignore[arg-type]
        jobs.logs.setdefault(fetch.id, []).append(line)
    jobs.add(
        "feeds.fetch_one",
        "RETRY",
        queued=before(minutes=1),
        due=now + timedelta(seconds=48),
        attempts=3,
        error=NO_NETWORK,
        arguments={"address": "https://feeds.example.org/news"},
    )
    jobs.add("echo_bot.reverse", "PENDING", source="cli", queued=before(seconds=8))
    jobs.add(
        "cleanup_memory_and_maintenance",
        "PENDING",
        kind="maintenance",
        source="schedule",
        schedule="maintenance",
        queued=before(minutes=3),
        due=now + timedelta(minutes=12),
        priority=0,
    )
    failed = jobs.add(
        "feeds.fetch_one",
        "FAILURE",
        queued=before(minutes=31),
        started=before(minutes=30),
        ended=before(minutes=28),
        attempts=3,
        error=NO_NETWORK,
        chat=chats[1].id,
        arguments={"address": "https://feeds.example.org/news"},
        id="run-failed",
    )
    jobs.logs[failed.id] = [
        LogLine(before(minutes=30), "INFO", "Fetching https://feeds.example.org/news"),
        LogLine(before(minutes=29), "WARNING", "Attempt 1: the name could not be found"),
        LogLine(before(minutes=28), "ERROR", "Attempt 3: the name could not be found; given up"),
    ]
    jobs.add(
        "answer",
        "INTERRUPTED",
        kind="answer",
        queued=before(hours=3),
        ended=before(hours=2, minutes=59),
        chat=chats[2].id,
        error=Problem("cut", "Nagatha was ended while it answered", "", "", "continue"),
    )
    done = (
        ("answer", "answer", "SUCCESS", "chat", 4, 2.1),
        ("title", "title", "SUCCESS", "engine", 4, 0.9),
        ("echo_bot.reverse", "task", "SUCCESS", "cli", 9, 0.1),
        ("track_usage_metrics", "maintenance", "SUCCESS", "schedule", 15, 0.3),
        ("sql_export.table_to_csv", "task", "REVOKED", "api", 48, 12.0),
        ("backup", "backup", "SUCCESS", "engine", 190, 1.4),
        ("cleanup_memory_and_maintenance", "maintenance", "SUCCESS", "schedule", 320, 4.8),
        ("echo_bot.echo", "task", "SUCCESS", "quick", 1500, 0.1),
        ("answer", "answer", "SUCCESS", "quick", 9000, 31.0),
    )
    for number, (name, kind, state, source, age, seconds) in enumerate(done):
        queued = before(minutes=age)
        jobs.add(
            name,
            state,  # type: ignore[arg-type]
            kind=kind,
            source=source,
            queued=queued,
            ended=queued + timedelta(seconds=seconds),
            chat=chats[number % 3].id if kind in ("answer", "title") else None,
            result={"rows": 3, "text": "olleh"} if kind == "task" else None,
        )
    jobs.add_schedule(
        "maintenance",
        "cleanup_memory_and_maintenance",
        3600,
        last=before(minutes=48),
        next=now + timedelta(minutes=12),
        last_run=next(r for r in jobs.runs.values() if r.kind == "maintenance" and r.ended),
    )
    jobs.add_schedule(
        "usage", "track_usage_metrics", 900, last=before(minutes=15), next=now, last_run=None
    )
    jobs.add_schedule(
        "module:feeds.fetch_all",
        "feeds.fetch_all",
        300,
        default_interval=600.0,
        title="Fetch the feeds",
        last=before(minutes=31),
        last_run=failed,
        paused=True,
        next=None,
    )
    jobs.letters = [
        DeadLetter(7, "feeds.fetch_one", "run-x", "nagatha", 5, before(hours=2)),
        DeadLetter(3, "echo_bot.echo", "run-y", "nagatha", 5, before(days=1)),
    ]


def _window(stage: Stage, *, fill: bool = True) -> ActivityWindow:
    if fill:
        fill_jobs(stage.fake, list(stage.fake.store.all.values()))
        stage.watch._ready()
    window = ActivityWindow(stage.bridge, stage.themes, stage.state, stage.keys, stage.watch)
    window.show()
    stage.kept.append(window)
    stage.wait(lambda: window.feed.loaded)
    return window


def now(stage: Stage) -> QWidget:
    """What runs, with the details of one."""
    window = _window(stage)
    window.show_run("run-fetch")
    stage.wait(lambda: "62 feeds" in window.details.log_view.toPlainText())
    return window


def waiting(stage: Stage) -> QWidget:
    """What waits."""
    window = _window(stage)
    window.show_segment("waiting")
    return window


def failed(stage: Stage) -> QWidget:
    """What failed and what the broker gave up, with the details of one."""
    window = _window(stage)
    window.resize(880, 800)
    window.show_run("run-failed")
    stage.wait(lambda: "given up" in window.details.log_view.toPlainText())
    return window


def done(stage: Stage) -> QWidget:
    """What is done, while background work is paused."""
    window = _window(stage)
    window.show_segment("done")
    stage.runtime.run(stage.fake.system.pause(True), 30)
    stage.wait(lambda: window.said.paused.isVisible())
    return window


def found(stage: Stage) -> QWidget:
    """A filter, and a run that was queued again."""
    window = _window(stage)
    window.show_segment("done")
    window.top.field.setText("reverse")
    stage.wait(lambda: len(window.feed.rows["done"]) == 1)
    run = window.feed.rows["done"].run_at(window.feed.rows["done"].index(0, 0))
    assert run is not None
    window.deeds.do("retry", run)
    stage.wait(lambda: window.toast.isVisible())
    return window


def schedules(stage: Stage) -> QWidget:
    """What is begun again and again, and changing how often."""
    window = _window(stage)
    window.show_schedules()
    stage.wait(lambda: len(window.schedules.rows) == 3)
    window.schedules.rows["module:feeds.fetch_all"].change_button.click()
    return window


def empty(stage: Stage) -> QWidget:
    """Nothing failed."""
    window = _window(stage, fill=False)
    window.show_segment("failed")
    return window


def no_engine(stage: Stage) -> QWidget:
    """The engine could not be started."""
    window = _window(stage, fill=False)
    stage.watch._failed(
        Problem(
            "read_only",
            "The data folder is read-only",
            "Nothing new can be kept in /home/ada/.local/share/nagatha-desktop.",
            "Make it writable, then try again.",
            "retry",
        )
    )
    return window


def badge(stage: Stage) -> QWidget:
    """The chat window says that something failed."""
    window = stage.chat_window()
    stage.watch.failed_unseen("run")
    return window


ACTIVITY_SCENES: dict[str, Scene] = {
    "activity-now": now,
    "activity-waiting": waiting,
    "activity-failed": failed,
    "activity-done": done,
    "activity-found": found,
    "activity-schedules": schedules,
    "activity-empty": empty,
    "activity-no-engine": no_engine,
    "chat-job-failed": badge,
}
"""File name and scene. A scene returns the window to be painted."""
