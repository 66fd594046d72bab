"""The engine's settings as the pages show them: read once, read again when they change.

Owns that picture and the way a change is sent. Settings that are only about windows are in
`nagatha_desktop.state`; keys of providers are never held here.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from nagatha_desktop.bridge import Bridge, Call
from worker.contract.events import DataReplaced, EngineChanged, Event, ModuleChanged
from worker.contract.events import SettingsChanged as EngineSettingsChanged
from worker.contract.system import Setting, SettingValue
from worker.contract.types import Problem


class SettingsStore(QObject):
    """See the module."""

    changed = Signal()
    """The settings were read, for the first time or again."""
    failed = Signal(object)
    """They could not be read (Problem)."""
    stale = Signal(str)
    """Something else that pages show is different now: "providers", "data", "modules", "engine"."""

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._reading: Call | None = None
        self.settings: dict[str, Setting] = {}
        bridge.listen(self, self._take)
        bridge.ready.connect(self.load)

    def load(self) -> None:
        """Read them."""
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self._bridge.call(
            lambda client: client.system.settings(),
            owner=self,
            done=self._loaded,
            failed=self.failed.emit,
        )

    def change(
        self,
        key: str,
        value: SettingValue,
        *,
        owner: QObject,
        done: Callable[[Setting], None],
        failed: Callable[[Problem], None],
    ) -> None:
        """Change one; None puts the default back."""

        def changed(setting: Setting) -> None:
            self.settings[key] = setting
            done(setting)

        self._bridge.call(
            lambda client: client.system.set_setting(key, value),
            owner=owner,
            done=changed,
            failed=failed,
        )

    def _loaded(self, settings: tuple[Setting, ...]) -> None:
        self._reading = None
        self.settings = {setting.key: setting for setting in settings}
        self.changed.emit()

    def _take(self, event: Event) -> None:
        if isinstance(event, EngineSettingsChanged):
            self.load()
            self.stale.emit("providers")
        elif isinstance(event, DataReplaced):
            self.load()
            self.stale.emit("data")
        elif isinstance(event, ModuleChanged):
            self.stale.emit("modules")
        elif isinstance(event, EngineChanged):
            self.stale.emit("engine")
