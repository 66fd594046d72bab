"""The settings window on an engine in memory, for tests that use it as a person does.

Owns the making of it. What the engine is like may be said before it is made.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.notifications import Notifier
from nagatha_desktop.settings.dialog import SettingsWindow
from nagatha_desktop.settings.fields import SettingField
from nagatha_desktop.settings.outside import Outside
from nagatha_desktop.settings.pages.connection import ConnectionPage
from nagatha_desktop.settings.pages.data import DataPage
from nagatha_desktop.settings.pages.general import GeneralPage
from nagatha_desktop.settings.pages.modules import ModulesPage
from nagatha_desktop.settings.pages.shortcuts import ShortcutsPage
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient
from tests.support.fake_settings import Furniture, MemoryAutostart, furnish
from tests.support.notes import an_announcer


@dataclass
class Scene:
    """The window and what it was made of."""

    window: SettingsWindow
    engine: Furniture
    fake: FakeClient
    state: WindowState
    keys: Keys
    autostart: MemoryAutostart
    notifier: Notifier
    qtbot: QtBot

    def open(self, name: str) -> Any:
        self.window.show_page(name)
        return self.window.pages[name]

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()))

    def field(self, key: str) -> SettingField:
        return next(f for f in self.window.findChildren(SettingField) if f.key == key)

    def value(self, key: str) -> object:
        return self.engine.system.all[key].value

    @property
    def general(self) -> GeneralPage:
        page = self.open("general")
        assert isinstance(page, GeneralPage)
        self.until(lambda: page.login.isEnabled())
        return page

    @property
    def connection(self) -> ConnectionPage:
        page = self.open("connection")
        assert isinstance(page, ConnectionPage)
        return page

    @property
    def data(self) -> DataPage:
        page = self.open("data")
        assert isinstance(page, DataPage)
        self.until(page.open_button.isEnabled)
        return page

    @property
    def modules(self) -> ModulesPage:
        page = self.open("modules")
        assert isinstance(page, ModulesPage)
        self.until(lambda: page.rows)
        return page

    @property
    def shortcuts(self) -> ShortcutsPage:
        page = self.open("shortcuts")
        assert isinstance(page, ShortcutsPage)
        return page


class Maker(Protocol):
    """Makes a window; `missing` says why no key can be had everywhere."""

    def __call__(
        self,
        prepare: Callable[[Furniture], object] = ...,
        missing: str | None = ...,
    ) -> Scene: ...


@contextmanager
def settings_windows(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, folder: Path, qtbot: QtBot
) -> Iterator[Maker]:
    """Makes windows and closes them for good."""
    engine = furnish(fake)
    made: list[SettingsWindow] = []
    announcer, notifier = an_announcer(themes, bridge)

    def build(
        prepare: Callable[[Furniture], object] = lambda _: None, missing: str | None = None
    ) -> Scene:
        prepare(engine)
        state, keys = WindowState(folder, parent=bridge), Keys(parent=bridge)
        watch = EngineWatch(bridge, bridge)
        watch._ready()
        autostart = MemoryAutostart()
        command = ("nagatha", "--hidden")
        outside = Outside(autostart, command, "nagatha --quick", announcer, missing)
        window = SettingsWindow(bridge, themes, state, keys, watch, outside)
        qtbot.addWidget(window)
        made.append(window)
        window.show()
        qtbot.waitUntil(lambda: bool(window.store.settings) and watch.engine is not None)
        return Scene(window, engine, fake, state, keys, autostart, notifier, qtbot)

    yield build
    for window in made:
        window.close_for_good()
    notifier.stop()
