"""What the program does about the machine's sleep.

Owns that the engine hears at once when the machine woke, and that the machine stays awake while
runs are at work, where the person wants that. How the system does either is the platform's.
"""

from PySide6.QtCore import QObject, Slot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.power import Means, SleepWatch, WakeLock
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.tray import Tray
from worker.contract.types import Problem

WANTED = "keep_awake"
"""The key of the setting."""


class Wakefulness(QObject):
    """See the module. Listens, and finds out what is possible, once the engine is there."""

    def __init__(
        self,
        bridge: Bridge,
        watch: EngineWatch,
        state: WindowState,
        parent: QObject | None = None,
        means: Means | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._watch = watch
        self._state = state
        self._tray: Tray | None = None
        self.sleep = SleepWatch(self)
        self.sleep.woke.connect(self._woke)
        self.lock = WakeLock(means, self)
        """Keeps the machine awake; `means` does it in the system's place."""
        bridge.ready.connect(self.sleep.start)
        bridge.ready.connect(self.lock.start)
        watch.changed.connect(self._hold)
        state.changed.connect(self._state_changed)
        self.lock.changed.connect(self._show)

    def offer(self, tray: Tray) -> None:
        """Let the person choose in the menu of `tray`."""
        self._tray = tray
        tray.awake_wanted.connect(self._choose)
        self._show()

    def stop(self) -> None:
        """Listen no more, and let the machine sleep."""
        self._tray = None
        self._watch.changed.disconnect(self._hold)
        self.sleep.stop()
        self.lock.stop()

    @Slot(bool)
    def _choose(self, wanted: bool) -> None:
        self._state.set(WANTED, wanted)

    @Slot(str)
    def _state_changed(self, key: str) -> None:
        if key == WANTED:
            self._hold()
            self._show()

    @Slot()
    def _hold(self) -> None:
        at_work = self._watch.running > 0 and self._watch.failure is None
        if at_work and self._state.flag(WANTED):
            self.lock.hold(self.tr("Background work is running"))
        else:
            self.lock.release()

    @Slot()
    def _show(self) -> None:
        if self._tray is None:
            return
        lock = self.lock
        if not lock.known:
            said = self.tr("Whether this computer can be kept awake is not known yet.")
        elif not lock.possible:
            said = self.tr("This system cannot be asked to stay awake.")
        elif lock.refusal:
            said = self.tr("The system refused to stay awake: {reason}").format(reason=lock.refusal)
        else:
            said = self.tr("The computer does not go to sleep while runs are at work.")
        self._tray.show_awake(self._state.flag(WANTED), lock.possible, said)

    @Slot()
    def _woke(self) -> None:
        self._bridge.call(lambda client: client.system.woke(), owner=self, failed=_nothing)


def _nothing(_: Problem) -> None:
    """The engine's own clocks find the gap a little later."""
