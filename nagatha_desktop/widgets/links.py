"""Asks before a link is opened, with the address as it really is.

Owns the popover. Opening is done by whoever listens; what may be opened is decided in `text`.
"""

from PySide6.QtCore import QPoint, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from nagatha_desktop.widgets.badges import label, wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.corners import cut_corners
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import address_shown, copied, may_open
from nagatha_desktop.widgets.tokens import MEASURES

_WIDTH = MEASURES.grid * 48
_LONGEST = 2_000


class LinkPopover(QFrame):
    """Shows where a link leads: "Open", "Copy address"; Esc or a click elsewhere closes it."""

    open_wanted = Signal(QUrl)
    """The person saw the address and wants it opened; always http, https or mailto."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self._address = ""
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        box = QFrame()
        set_role(box, "popover")
        around.addWidget(box)
        column = QVBoxLayout(box)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(MEASURES.grid)
        self.title = label("", "strong")
        self.address = wrapped("")
        self.address.setFixedWidth(_WIDTH)
        column.addWidget(self.title)
        column.addWidget(self.address)
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.open = button(self.tr("Open"), "primary")
        self.open.clicked.connect(self._open)
        self.copy = button(self.tr("Copy address"))
        self.copy.clicked.connect(self._copy)
        row.addWidget(self.open)
        row.addWidget(self.copy)
        row.addStretch(1)
        column.addLayout(row)

    def ask(self, address: str, at: QPoint) -> None:
        """Show it for `address` at the place `at` on the screen."""
        self._address = address
        allowed = may_open(address)
        host = QUrl(address).host(QUrl.ComponentFormattingOption.FullyEncoded)
        if not allowed:
            self.title.setText(self.tr("Nagatha does not open this kind of address"))
        elif host:
            self.title.setText(self.tr("Open this address at {host}?").format(host=host))
        else:
            self.title.setText(self.tr("Open this address?"))
        self.address.setText(_breakable(address_shown(address)[:_LONGEST]))
        self.address.setAccessibleName(address_shown(address))
        self.open.setVisible(allowed)
        self.adjustSize()
        screen = QGuiApplication.screenAt(at) or self.screen()
        room = screen.availableGeometry()
        left = min(max(room.left(), at.x()), room.right() - self.width())
        top = at.y() + MEASURES.half
        if top + self.height() > room.bottom():
            top = max(room.top(), at.y() - self.height() - MEASURES.grid)
        self.move(left, top)
        self.show()
        (self.open if allowed else self.copy).setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        cut_corners(self)

    @Slot()
    def _open(self) -> None:
        self.hide()
        if may_open(self._address):
            self.open_wanted.emit(QUrl(self._address, QUrl.ParsingMode.TolerantMode))

    @Slot()
    def _copy(self) -> None:
        self.hide()
        QGuiApplication.clipboard().setText(copied(self._address))


def _breakable(address: str) -> str:
    """The address with places where a line may end; what is copied or opened has none."""
    return "\u200b".join(address[at : at + 8] for at in range(0, len(address), 8))
