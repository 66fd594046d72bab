"""What the program does about the machine's sleep.

Owns that the engine hears at once when the machine woke. How the system tells is the platform's.
"""

from PySide6.QtCore import QObject, Slot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.platform.power import SleepWatch
from worker.contract.types import Problem


class Wakefulness(QObject):
    """See the module. Listens once the engine is there."""

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.sleep = SleepWatch(self)
        self.sleep.woke.connect(self._woke)
        bridge.ready.connect(self.sleep.start)

    def stop(self) -> None:
        """Listen no more."""
        self.sleep.stop()

    @Slot()
    def _woke(self) -> None:
        self._bridge.call(lambda client: client.system.woke(), owner=self, failed=_nothing)


def _nothing(_: Problem) -> None:
    """The engine's own clocks find the gap a little later."""
