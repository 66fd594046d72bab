"""The manners of every window: it comes back where it was, and closing it only hides it.

Owns geometry and closing. Where the geometry is kept is the business of what is handed in.
"""

from typing import Protocol

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent, QMoveEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from nagatha_desktop.widgets.icons import app_icon
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES

_TITLE_BAR = MEASURES.grid * 5
"""Pixels left for the frame that is put around a window that is as high as the screen."""
_USUAL_FONT = 11.0
"""Points up to which windows have the size that was drawn for them."""
_SETTLES = 400
"""Milliseconds without a move after which a place is worth keeping."""


class GeometryStore(Protocol):
    """Where windows' places are kept; neither verb may wait."""

    def load_geometry(self, name: str) -> str:
        """What `save_geometry` was given for `name`; "" for nothing."""
        ...

    def save_geometry(self, name: str, geometry: str) -> None:
        """Keep the place of window `name`."""
        ...


class Window(QWidget):
    """A window of the program. Closing hides it; place and size come back."""

    hidden = Signal()
    """The person closed it; it still lives."""

    def __init__(
        self,
        name: str,
        title: str,
        size: tuple[int, int],
        store: GeometryStore | None = None,
        *,
        escape_closes: bool = True,
    ) -> None:
        """`name` is what its place is kept under; `size` holds at the first time."""
        super().__init__(None, Qt.WindowType.Window)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.setWindowIcon(app_icon())
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        set_role(self, "window")
        self._store = store
        self._escape_closes = escape_closes
        self._restored = False
        self._really_close = False
        # Who reads large letters wants as many of them in a window.
        larger = max(1.0, self.font().pointSizeF() / _USUAL_FONT)
        self.resize(round(size[0] * larger), round(size[1] * larger))
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLES)
        self._settle.timeout.connect(self.keep_place)

    def bring_up(self) -> None:
        """Show it, or bring it to the front if it is shown."""
        if self.isMinimized():
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def close_for_good(self) -> None:
        """Close it because the program ends."""
        self.keep_place()
        self._really_close = True
        self.close()

    @Slot()
    def keep_place(self) -> None:
        """Hand the place and size of now to the store."""
        self._settle.stop()
        if self._store is not None and self._restored:
            encoded = self.saveGeometry().toBase64().data()
            self._store.save_geometry(self.objectName(), bytes(encoded).decode("ascii"))

    def showEvent(self, event: QShowEvent) -> None:
        if not self._restored:
            self._restored = True
            kept = self._store.load_geometry(self.objectName()) if self._store is not None else ""
            if kept:
                # Qt moves it back onto a screen if the one it was on is gone.
                self.restoreGeometry(QByteArray.fromBase64(kept.encode("ascii", "ignore")))
            else:
                room = self.screen().availableSize() - QSize(0, _TITLE_BAR)
                self.resize(self.size().boundedTo(room))
        super().showEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._really_close:
            event.accept()
            return
        self.keep_place()
        event.ignore()
        self.hide()
        self.hidden.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._escape_closes:
            self.close()
            return
        super().keyPressEvent(event)

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self._place_changed()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_changed()

    def _place_changed(self) -> None:
        if self._restored and self._store is not None and self.isVisible():
            self._settle.start()
