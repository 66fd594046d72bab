"""The text box that grows: where a person writes.

Owns its keys and its height. What is sent, and where files go, is decided by whoever listens.
"""

from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QImage, QKeyEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

from nagatha_desktop.widgets.style import set_role

_MOST_LINES = 12
_LONGEST = 2_000_000
"""Characters of a pasted text; more is a file, not a message."""


class MessageBox(QPlainTextEdit):
    """A plain text box between one and twelve lines high."""

    submitted = Signal()
    """The key that sends was pressed."""
    up_pressed = Signal()
    """Up was pressed while the box was empty."""
    escape_pressed = Signal()
    files_given = Signal(list)
    """Files were dropped or pasted (list of Path)."""
    picture_given = Signal(QImage)
    """A picture was pasted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "bare")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.send_with_enter = True
        # Lines are counted anew after the layout, of which only a later turn of the loop knows.
        self._fitting = QTimer(self)
        self._fitting.setSingleShot(True)
        self._fitting.timeout.connect(self._fit)
        self.document().documentLayout().documentSizeChanged.connect(self._fit_soon)
        self._fit()

    def set_text(self, text: str) -> None:
        """Replace all of it, with the cursor at the end."""
        if text != self.toPlainText():
            self.setPlainText(text)
            cursor = self.textCursor()
            cursor.movePosition(cursor.MoveOperation.End)
            self.setTextCursor(cursor)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._wanted_height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            plain = not held & (control | shift | Qt.KeyboardModifier.AltModifier)
            if plain if self.send_with_enter else bool(held & control):
                self.submitted.emit()
                return
            if held & (control | shift):
                self.textCursor().insertBlock()
                self.ensureCursorVisible()
                return
        if key == Qt.Key.Key_Up and self.document().isEmpty():
            self.up_pressed.emit()
            return
        if key == Qt.Key.Key_Escape:
            self.escape_pressed.emit()
            return
        super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasImage() or source.hasUrls() or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        if self._take(source):
            return
        text = source.text()
        if len(text) > _LONGEST:
            text = text[:_LONGEST]
        # Only the words: what a browser puts beside them has no place in a message.
        self.textCursor().insertText(text)
        self.ensureCursorVisible()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()
        else:
            super().dragMoveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        if self._take(event.mimeData()):
            event.acceptProposedAction()
        else:
            super().dropEvent(event)

    def _take(self, source: QMimeData) -> bool:
        """Hand on files and pictures; False where `source` is only text."""
        files = local_files(source)
        if files:
            self.files_given.emit(files)
            return True
        if source.hasImage():
            picture = source.imageData()
            if isinstance(picture, QImage) and not picture.isNull():
                self.picture_given.emit(picture)
                return True
        return False

    def _line_height(self) -> int:
        return self.fontMetrics().lineSpacing()

    def _wanted_height(self) -> int:
        lines = max(1, min(_MOST_LINES, round(self.document().size().height())))
        return lines * self._line_height() + 2

    @Slot()
    def _fit_soon(self) -> None:
        self._fitting.start()

    @Slot()
    def _fit(self) -> None:
        height = self._wanted_height()
        scrolls = self.document().size().height() > _MOST_LINES
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded
            if scrolls
            else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        if height != self.height():
            self.setFixedHeight(height)
            self.ensureCursorVisible()


def local_files(source: QMimeData) -> list[Path]:
    """The files of this machine that `source` names."""
    if not source.hasUrls():
        return []
    return [Path(url.toLocalFile()) for url in source.urls() if url.isLocalFile()]
