"""The activity window for tests: made over a client in memory, and what a person does in it.

Owns putting it together and the few words that tests of it share.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.activity.rows import Column
from nagatha_desktop.activity.run_list import RunTable
from nagatha_desktop.activity.segments import Segment
from nagatha_desktop.activity.window import ActivityWindow
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.fake_jobs import FakeJobs


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Scene:
    """The window and what it was made of."""

    window: ActivityWindow
    fake: FakeClient
    bridge: Bridge
    state: WindowState
    keys: Keys
    watch: EngineWatch
    clock: Clock
    qtbot: QtBot

    @property
    def jobs(self) -> FakeJobs:
        return self.fake.work

    def ago(self, **span: float) -> datetime:
        return self.clock.now - timedelta(**span)

    def until(self, condition: object) -> None:
        self.qtbot.waitUntil(condition)

    def open(self, segment: Segment | None = None) -> None:
        """Show the window, read and ready."""
        self.window.bring_up()
        self.loaded()
        if segment is not None:
            self.window.show_segment(segment)

    def loaded(self) -> None:
        self.until(lambda: self.window.feed.loaded)

    def table(self, segment: Segment) -> RunTable:
        return self.window.lists[segment].table

    def names(self, segment: Segment) -> list[str]:
        """What stands in the first column, from the top."""
        rows = self.window.feed.rows[segment]
        return [str(rows.index(row, Column.WHAT).data()) for row in range(rows.rowCount())]

    def cell(self, segment: Segment, row: int, column: Column) -> str:
        return str(self.window.feed.rows[segment].index(row, column).data())

    def tabs(self) -> list[str]:
        """What the segments are called now, with their numbers."""
        tabs = self.window.top.tabs
        return [tabs.tabText(at) for at in range(tabs.count())]

    def press(self, key: Qt.Key, to: QWidget | None = None, *, ctrl: bool = False) -> None:
        held = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
        QTest.keyClick(to or self.window, key, held)

    def called(self, name: str) -> int:
        return self.fake.calls.count(name)


def press_button(box: QWidget, text: str) -> None:
    """Press the button that says `text` in a message box."""
    next(made for made in box.findChildren(QPushButton) if made.text() == text).click()


@contextmanager
def activity_window(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, folder: Path, qtbot: QtBot
) -> Iterator[Scene]:
    """The window, not shown yet."""
    state, keys = WindowState(folder, parent=bridge), Keys(parent=bridge)
    watch = EngineWatch(bridge, bridge)
    watch._ready()
    qtbot.waitUntil(lambda: watch.engine is not None)
    clock = Clock()
    window = ActivityWindow(bridge, themes, state, keys, watch, clock)
    qtbot.addWidget(window)
    yield Scene(window, fake, bridge, state, keys, watch, clock, qtbot)
    window.close_for_good()
