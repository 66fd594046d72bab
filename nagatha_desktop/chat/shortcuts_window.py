"""All keys at a glance (F1).

Owns the list as it is read; changing keys is a page of the settings.
"""

from PySide6.QtCore import QCoreApplication, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from nagatha_desktop.shortcuts import LISTED, SHORTCUTS, Keys, key_text
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES

_WIDTH = MEASURES.grid * 52


class ShortcutsWindow(QWidget):
    """A small window beside the one that opened it. Esc closes it."""

    def __init__(self, keys: Keys, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Dialog)
        set_role(self, "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(self.tr("All shortcuts – Nagatha"))
        self._keys = keys
        column = QVBoxLayout(self)
        side = MEASURES.grid * 2
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(MEASURES.grid)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName(self.tr("All shortcuts"))
        column.addWidget(self._area)
        self.close_button = button(self.tr("Close"), "secondary", self)
        self.close_button.clicked.connect(self.close)
        column.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignRight)
        keys.changed.connect(self._fill)
        self._fill()
        inner = self._area.widget()
        around = 2 * side + MEASURES.button + 2 * MEASURES.grid
        wanted = (inner.sizeHint().height() if inner is not None else 0) + around
        self.resize(_WIDTH, min(MEASURES.grid * 80, wanted))

    def lines(self) -> list[tuple[str, str]]:
        """What is listed: what a key does, and the key."""
        listed = [(shortcut.title, self._keys.key(shortcut.id)) for shortcut in SHORTCUTS]
        translate = QCoreApplication.translate
        listed += [(translate("Shortcuts", text), key) for key, text in LISTED]
        return [(title, key_text(key)) for title, key in listed if key]

    @Slot()
    def _fill(self) -> None:
        inner = QWidget()
        set_role(inner, "canvas")
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 0, MEASURES.grid, 0)
        grid.setVerticalSpacing(MEASURES.grid)
        grid.setColumnStretch(0, 1)
        for row, (title, key) in enumerate(self.lines()):
            grid.addWidget(label(title), row, 0)
            grid.addWidget(label(key, "muted"), row, 1)
        grid.setRowStretch(grid.rowCount(), 1)
        self._area.setWidget(inner)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)
