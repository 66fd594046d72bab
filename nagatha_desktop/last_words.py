"""The last moment before the engine is stopped: what was just typed still has to reach it.

Owns how long that may take. What is kept, and what comes after, is its owner's.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

from nagatha_desktop.bridge import Bridge

LAST_WORDS = 2_000
"""Milliseconds that a draft has to reach the engine when the program ends."""
STEP = 10
"""Milliseconds between two looks at whether it has."""


class LastWords(QObject):
    """Waits for the calls that are under way, and longer for a draft."""

    def __init__(
        self, bridge: Bridge, keeping: Callable[[], bool], said: Callable[[], None], parent: QObject
    ) -> None:
        """`keeping` tells whether a draft is on its way; `said` is called at the end."""
        super().__init__(parent)
        self._bridge = bridge
        self._keeping = keeping
        self._said = said
        self.left = LAST_WORDS // STEP
        """Looks that are left."""

    @Slot()
    def wait(self) -> None:
        """Wait, and call `said`, at once where nothing is under way."""
        self.left -= 1
        # A call of another kind may hang at a server: it has a fifth of the time.
        late = self.left < LAST_WORDS // STEP * 4 // 5
        if self.left > 0 and (self._keeping() if late else self._bridge.busy):
            QTimer.singleShot(STEP, self, self.wait)
        else:
            self._said()
