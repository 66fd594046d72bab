"""Files that will go with the next message: taken in, shown as chips, taken out again.

Owns what is pending and the row of chips. Reading a file and encoding a picture happen on other
threads; whether a file is accepted is the engine's to say.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import TypeAlias

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QSize, Signal, Slot
from PySide6.QtGui import QImage, QImageWriter, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import icon_button
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import count, one_line, size
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.errors import InvalidInput, TooLarge
from worker.contract.services import Client
from worker.contract.types import Attachment, Problem

MOST = 20
"""Files that one message may have."""
READ_AT_MOST = 100_000_000
"""Bytes that are read at all; the engine's own limits are lower and named by it."""
_NAME = 28

Reader: TypeAlias = Callable[[], bytes]


@dataclass(slots=True)
class Pending:
    """A file on its way to the engine, or there."""

    name: str
    attachment: Attachment | None = None
    """None while it is on its way."""
    call: Call | None = None


def read_file(path: Path) -> bytes:
    """The bytes of a file that someone chose. Raises InvalidInput or TooLarge. Waits."""
    try:
        if not path.is_file():
            raise InvalidInput(
                f"“{path.name}” is not a file",
                "Folders and devices cannot be attached.",
                "Choose files.",
            )
        length = path.stat().st_size
        if length > READ_AT_MOST:
            raise TooLarge(
                f"“{path.name}” is too large",
                f"It has {size(length)}; no attachment may have more than {size(READ_AT_MOST)}.",
                "Attach a part of it.",
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"“{path.name}” could not be read",
            error.strerror or type(error).__name__,
            "Check that you may read it.",
        ) from error


def encode_picture(picture: QImage) -> bytes:
    """`picture` as PNG. Works on any thread, and takes a moment for large ones."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(picture)
    return bytes(buffer.data().data())


def save_attachment(attachment: str, path: str) -> Callable[[Client], Awaitable[None]]:
    """What to call to write a kept file to `path`."""

    async def save(client: Client) -> None:
        import asyncio

        data = await client.chats.attachment(attachment)
        try:
            await asyncio.to_thread(Path(path).write_bytes, data)
        except OSError as error:
            raise InvalidInput(
                "The file could not be saved",
                error.strerror or type(error).__name__,
                "Choose another folder.",
            ) from error

    return save


class Attachments(QObject):
    """What is pending for the next message."""

    changed = Signal()
    """Another file is there, on its way, or gone."""
    refused = Signal(object)
    """A file was not accepted (Problem)."""

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.pending: list[Pending] = []

    @property
    def ready(self) -> tuple[Attachment, ...]:
        """What can be sent."""
        return tuple(item.attachment for item in self.pending if item.attachment is not None)

    @property
    def tokens(self) -> tuple[int, ...]:
        """Estimates of what each costs."""
        return tuple(file.tokens for file in self.ready)

    @property
    def waiting(self) -> bool:
        """Whether one is still on its way."""
        return any(item.attachment is None for item in self.pending)

    def add_files(self, paths: Iterable[Path]) -> None:
        """Take in files by their paths."""
        for path in paths:
            self._add(path.name, partial(read_file, path))

    def add_picture(self, picture: QImage) -> None:
        """Take in a picture from the clipboard."""
        self._add(self.tr("Pasted picture") + ".png", lambda: encode_picture(picture))

    def keep(self, attachments: Iterable[Attachment]) -> None:
        """Start from files that the engine has already."""
        self.clear()
        self.pending = [Pending(item.name, item) for item in attachments]
        self.changed.emit()

    def remove(self, item: Pending) -> None:
        """Take one out."""
        if item in self.pending:
            self.pending.remove(item)
            if item.call is not None:
                item.call.cancel()
            self.changed.emit()

    def clear(self) -> None:
        """Take all out."""
        for item in self.pending:
            if item.call is not None:
                item.call.cancel()
        if self.pending:
            self.pending = []
            self.changed.emit()

    def _add(self, name: str, read: Reader) -> None:
        if len(self.pending) >= MOST:
            self.refused.emit(
                Problem(
                    "too_large",
                    self.tr("Too many files"),
                    self.tr("A message may have {number} files.").format(number=MOST),
                )
            )
            return
        item = Pending(name)
        self.pending.append(item)

        async def attach(client: Client) -> Attachment:
            import asyncio  # not at the start: the first window is painted without it

            return await client.chats.attach(name, await asyncio.to_thread(read))

        def done(attachment: Attachment) -> None:
            item.attachment, item.call = attachment, None
            self.changed.emit()

        def failed(problem: Problem) -> None:
            item.call = None
            self.remove(item)
            self.refused.emit(problem)

        item.call = self._bridge.call(attach, owner=self, done=done, failed=failed)
        self.changed.emit()


class _Chip(QFrame):
    """One pending file, with a button that takes it out."""

    def __init__(self, item: Pending, themes: ThemeController, parent: QWidget) -> None:
        super().__init__(parent)
        set_role(self, "chip")
        self.item = item
        row = QHBoxLayout(self)
        row.setContentsMargins(MEASURES.grid, 0, 0, 0)
        row.setSpacing(MEASURES.half)
        found = item.attachment
        kind = "image" if found is not None and found.media_type.startswith("image/") else "file"
        sign = label("")
        sign.setPixmap(icon(themes, kind, "muted").pixmap(QSize(MEASURES.icon, MEASURES.icon)))
        row.addWidget(sign)
        words = label(one_line(item.name, _NAME))
        words.setToolTip(f"<qt>{escape(item.name)}</qt>")
        row.addWidget(words)
        about = self.tr("reading …")
        if found is not None:
            about = self.tr("{size} · about {tokens} tokens").format(
                size=size(found.size), tokens=count(found.tokens)
            )
        row.addWidget(label(about, "small"))
        self.close_button: QToolButton = icon_button(
            themes, "close", self.tr("Remove {name}").format(name=item.name), colour="muted"
        )
        row.addWidget(self.close_button)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{item.name}, {about}")


class PendingChips(QWidget):
    """The chips of what is pending, in as many rows as they need."""

    def __init__(
        self, attachments: Attachments, themes: ThemeController, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._attachments = attachments
        self._themes = themes
        self._chips: list[_Chip] = []
        attachments.changed.connect(self._fill)
        self._fill()

    @Slot()
    def _fill(self) -> None:
        for chip in self._chips:
            chip.hide()
            chip.deleteLater()
        self._chips = [_Chip(item, self._themes, self) for item in self._attachments.pending]
        for chip in self._chips:
            chip.close_button.clicked.connect(self._remove)
            chip.show()
        self.setVisible(bool(self._chips))
        self._lay_out()

    @Slot()
    def _remove(self) -> None:
        sender = self.sender()
        for chip in self._chips:
            if chip.close_button is sender:
                self._attachments.remove(chip.item)
                return

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        left = top = 0
        height = MEASURES.button
        for chip in self._chips:
            wide = min(chip.sizeHint().width(), max(1, self.width()))
            if left and left + wide > self.width():
                left, top = 0, top + height + MEASURES.half
            chip.setGeometry(left, top, wide, height)
            left += wide + MEASURES.grid
        self.setFixedHeight(top + height if self._chips else 0)
