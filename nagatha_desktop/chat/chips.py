"""The files that go with a message, as a row of small buttons.

Owns how they wrap. Opening one is the business of whoever listens.
"""

from html import escape

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.markdown import Looks
from nagatha_desktop.widgets.text import one_line, size
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Attachment

_NAME = 40


class Chips(QWidget):
    """Attachments of a message; they end at the right edge, as the person's words do."""

    wanted = Signal(str)
    """The id of the attachment that was pressed."""

    def __init__(
        self, attachments: tuple[Attachment, ...], themes: ThemeController, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._ids: dict[QPushButton, str] = {}
        for attachment in attachments:
            name = one_line(attachment.name, _NAME)
            chip = button(f"{name}  {size(attachment.size)}", "secondary", self)
            kind = "image" if attachment.media_type.startswith("image/") else "file"
            chip.setIcon(icon(themes, kind, "muted"))
            chip.setIconSize(QSize(MEASURES.icon, MEASURES.icon))
            chip.setToolTip(
                f"<qt>{escape(attachment.name)}</qt>" if name != attachment.name else ""
            )
            chip.setAccessibleName(
                self.tr("Attached file {name}, {size}").format(
                    name=attachment.name, size=size(attachment.size)
                )
            )
            chip.clicked.connect(self._pressed)
            self._ids[chip] = attachment.id

    def height_for(self, width: int) -> int:
        rows: list[list[tuple[QPushButton, int]]] = [[]]
        used = 0
        for chip in self._ids:
            chip.ensurePolished()
            wide = min(width, chip.sizeHint().width())
            if rows[-1] and used + MEASURES.grid + wide > width:
                rows.append([])
                used = 0
            used += wide + (MEASURES.grid if rows[-1] else 0)
            rows[-1].append((chip, wide))
        top = 0
        for row in rows:
            left = width - sum(wide for _, wide in row) - MEASURES.grid * (len(row) - 1)
            for chip, wide in row:
                chip.setGeometry(left, top, wide, MEASURES.button)
                left += wide + MEASURES.grid
            top += MEASURES.button + MEASURES.half
        return top - MEASURES.half

    def set_looks(self, look: Looks) -> None:
        """Nothing to do: icons and style sheet follow the theme by themselves."""

    @Slot()
    def _pressed(self) -> None:
        sender = self.sender()
        if isinstance(sender, QPushButton) and sender in self._ids:
            self.wanted.emit(self._ids[sender])
