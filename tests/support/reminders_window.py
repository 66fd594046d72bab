"""The window of reminders for tests: made over reminders in memory, and what a person does in it.

Owns putting it together and the few words that tests of it share. Its clock stands still, on a
Tuesday, 8:48 in Berlin.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.absences import Why
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.reminders.rows import ReminderRows
from nagatha_desktop.reminders.window import RemindersWindow
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.fake_reminders import FakeReminders
from worker.contract.reminders import Reminder, ReminderView

NOW = datetime(2026, 11, 24, 7, 48, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW
        self.zone = "Europe/Berlin"

    def __call__(self) -> datetime:
        return self.now

    def here(self) -> str:
        return self.zone

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Scene:
    """The window and what it was made of."""

    window: RemindersWindow
    fake: FakeClient
    watch: EngineWatch
    clock: Clock
    qtbot: QtBot
    why: Why = ""
    """Why nobody was there when something was due."""

    @property
    def due(self) -> FakeReminders:
        return self.fake.due

    def put(self, text: str, more: object = None, **span: float) -> Reminder:
        """A reminder that is due in a while."""
        values = more if isinstance(more, dict) else {}
        return self.due.put(text, self.clock.now + timedelta(**span), **values)

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()))

    def open(self) -> None:
        """Show the window, read and ready."""
        self.window.bring_up()
        self.until(lambda: self.window.feed.loaded)

    def rows(self, view: ReminderView = "upcoming") -> ReminderRows:
        return self.window.feed.rows[view]

    def texts(self, view: ReminderView = "upcoming") -> list[str]:
        """What stands in a view, from the top."""
        rows = self.rows(view)
        return [str(rows.index(row, 0).data()) for row in range(len(rows))]

    def said(self, row: int = 0, view: ReminderView = "upcoming") -> str:
        """A row as it is read out."""
        rows = self.rows(view)
        return str(rows.data(rows.index(row, 0), Qt.ItemDataRole.AccessibleTextRole))

    def press(self, key: Qt.Key, to: QWidget | None = None) -> None:
        QTest.keyClick(to or self.window.table, key)

    def click(self, at: QPoint) -> None:
        button, held = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(self.window.table.viewport(), button, held, at)

    def toast(self, text: str) -> None:
        """Wait until this is said."""
        toast = self.window.toast
        self.until(lambda: toast.isVisible() and toast.words.text() == text)

    def called(self, name: str) -> int:
        return self.fake.calls.count(f"reminders.{name}")


@contextmanager
def reminders_window(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, folder: Path, qtbot: QtBot
) -> Iterator[Scene]:
    """The window, not shown yet."""
    state, keys = WindowState(folder, parent=bridge), Keys(parent=bridge)
    watch = EngineWatch(bridge, bridge)
    watch._ready()
    qtbot.waitUntil(lambda: watch.engine is not None)
    clock = Clock()
    fake.due.zone = clock.zone
    scene: Scene
    window = RemindersWindow(
        bridge, themes, state, keys, watch, clock, Wall(clock.here), lambda _: scene.why
    )
    qtbot.addWidget(window)
    scene = Scene(window, fake, watch, clock, qtbot)
    yield scene
    window.close_for_good()
