"""The blocks that a message is built of: text, code, attachments, the wait for a first word.

Owns how high each is at a width, so that the conversation can be laid out without waiting for
Qt's own layouts. Knows no chat.
"""

from math import ceil
from time import perf_counter
from typing import Protocol

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QTextBrowser,
    QTextEdit,
    QWidget,
)

from nagatha_desktop.widgets import highlight
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import CopyButton, button
from nagatha_desktop.widgets.markdown import Document, Looks, has_links
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import copied, count, shown
from nagatha_desktop.widgets.tokens import MEASURES

_WALKS = frozenset(
    {
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Space,
    }
)
"""Keys that move the conversation and not a caret inside one of its blocks."""
_FOLD = 400
"""Lines of code shown before "Show all"."""
_LONGEST_LINE = 4_000
_NEARLY = 0.9
_REST = 8
"""Colouring code while it comes takes at most one part in this many of the time."""


class Part(Protocol):
    """What a message is built of, beside being a widget."""

    def height_for(self, width: int) -> int:
        """Its height at `width`, laid out at once."""
        ...

    def set_looks(self, look: Looks) -> None:
        """Show itself in another theme or font."""
        ...


class TextBlock(QTextBrowser):
    """A document that is read, selected and clicked in, as high as it needs to be."""

    link_clicked = Signal(str)
    """The address of a link that was clicked or chosen by the keyboard."""

    def __init__(self, look: Looks, parent: QWidget, width: int) -> None:
        """`width` is the one it will probably get; any other costs laying it out twice."""
        super().__init__(parent)
        self._look = look
        self._shown: QTextDocument = Document(self)
        self._width = width
        self.caret = False
        set_role(self, "answer")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        self.setLineWrapColumnOrWidth(width)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.viewport().setAutoFillBackground(False)
        self.anchorClicked.connect(self._clicked)

    def show_document(self, document: QTextDocument) -> None:
        """Show `document` in place of what was shown; a selection stays where it was."""
        cursor = self.textCursor()
        selected = (cursor.anchor(), cursor.position()) if cursor.hasSelection() else None
        # As the widget would set them: found different, each costs laying it out once more.
        document.setDefaultTextOption(self._shown.defaultTextOption())
        document.setTextWidth(self._width)
        # Neither Qt nor PySide lets go of a document that a widget has shown.
        document.setParent(self)
        # Qt keeps the places of marks over a change of documents, and follows them into the old
        # one, long gone, at the next marking.
        self.setExtraSelections([])
        self.setDocument(document)
        self._shown.deleteLater()
        self._shown = document
        if selected is not None and max(selected) < document.characterCount():
            cursor = self.textCursor()
            cursor.setPosition(selected[0])
            cursor.setPosition(selected[1], QTextCursor.MoveMode.KeepAnchor)
            self.setTextCursor(cursor)

    def settle(self) -> None:
        """Told when the text is whole: only a block with links is a stop for the Tab key."""
        policy = Qt.FocusPolicy
        links = has_links(self._shown)
        self.setFocusPolicy(policy.StrongFocus if links else policy.ClickFocus)

    def ideal_width(self, most: int) -> int:
        """The width that its longest line wants, up to `most`."""
        self.height_for(most)
        ideal = ceil(self._shown.idealWidth()) + 1
        # A little narrower is not worth laying out anew what fills its lines.
        return most if ideal > most * _NEARLY else ideal

    def height_for(self, width: int) -> int:
        if width != self._width:
            self._width = width
            self.setLineWrapColumnOrWidth(width)
        return ceil(self._shown.size().height())

    def set_looks(self, look: Looks) -> None:
        """Remembered for what is painted; the document is made anew by its owner."""
        self._look = look

    def set_caret(self, on: bool) -> None:
        """Show where the next word will stand."""
        if on != self.caret:
            self.caret = on
            self.viewport().update()

    def loadResource(self, type: int, name: QUrl | str) -> object:
        """Nothing is ever loaded."""
        return None

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in _WALKS and plain == Qt.KeyboardModifier.NoModifier:
            event.ignore()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        self._paint_quotes(painter)
        if self.caret:
            end = QTextCursor(self._shown)
            end.movePosition(QTextCursor.MoveOperation.End)
            box = self.cursorRect(end)
            height = self.fontMetrics().ascent()
            painter.fillRect(
                box.left() + MEASURES.focus,
                box.bottom() - height - 1,
                MEASURES.half,
                height,
                QColor(self._look.theme.accent),
            )

    def _paint_quotes(self, painter: QPainter) -> None:
        layout = self._shown.documentLayout()
        level_key = QTextFormat.Property.BlockQuoteLevel
        block = self._shown.begin()
        while block.isValid():
            level = block.blockFormat().intProperty(level_key)
            if level:
                box = layout.blockBoundingRect(block)
                for step in range(level):
                    painter.fillRect(
                        step * MEASURES.grid * 2,
                        int(box.top()),
                        3,
                        ceil(box.height()),
                        QColor(self._look.theme.line),
                    )
            block = block.next()

    @Slot(QUrl)
    def _clicked(self, url: QUrl) -> None:
        encoded = url.toString(QUrl.ComponentFormattingOption.FullyEncoded)
        self.link_clicked.emit(encoded or url.toString())


class _CodeView(QPlainTextEdit):
    """Code that does not wrap and scrolls sideways only."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        sideways = event.angleDelta().x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if sideways and self.horizontalScrollBar().maximum() > 0:
            QApplication.sendEvent(self.horizontalScrollBar(), event)
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in _WALKS and plain == Qt.KeyboardModifier.NoModifier:
            event.ignore()
            return
        super().keyPressEvent(event)


class CodeBlock(QFrame):
    """Code in its own frame, with its language and a button that copies it."""

    copied = Signal()
    height_changed = Signal()

    def __init__(self, look: Looks, parent: QWidget) -> None:
        super().__init__(parent)
        set_role(self, "code")
        self._look = look
        self.code = ""
        self.language = ""
        self._given: str | None = None
        self._folded = False
        self._ready_at = 0.0
        self._widest = 0
        self._colours: list[list[highlight.Span]] = []
        head = QWidget(self)
        row = QHBoxLayout(head)
        row.setContentsMargins(MEASURES.grid * 3 // 2, 0, MEASURES.half, 0)
        self._language = label("", "small")
        row.addWidget(self._language)
        row.addStretch(1)
        self.copy = CopyButton(self.tr("Copy code"))
        self.copy.clicked.connect(self._copy)
        row.addWidget(self.copy)
        self._head = head
        self.view = _CodeView(self)
        set_role(self.view, "bare")
        self.view.setReadOnly(True)
        self.view.setUndoRedoEnabled(False)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.view.viewport().setAutoFillBackground(False)
        self.view.document().setDocumentMargin(0)
        self.more = button("", "quiet", self)
        self.more.hide()
        self.more.clicked.connect(self.unfold)
        self._dress()

    def set_code(self, code: str, language: str, *, closed: bool, grew: bool = False) -> None:
        """Show `code`; what only grew (it is being written) is appended, and never folded."""
        if code == self._given and language == self.language and not closed:
            return
        if language != self.language or self._given is None:
            self.language = language
            name = highlight.language_name(shown(language))
            self._language.setText(name)
            self.view.setAccessibleName(
                self.tr("Code in {language}").format(language=name) if name else self.tr("Code")
            )
        self._given = self.code = code
        visible = shown(code).expandtabs(4)
        self._folded = self._folded or (not grew and visible.count("\n") >= _FOLD)
        if self._folded:
            lines = visible.count("\n") + 1
            visible = "\n".join(visible.split("\n", _FOLD)[:_FOLD])
            self.more.setText(self.tr("Show all {count} lines").format(count=count(lines)))
            self.more.setAccessibleName(self.more.text())
        self.more.setVisible(self._folded)
        self._set_visible(_cut_lines(visible))
        self._colour(closed)

    @Slot()
    def unfold(self) -> None:
        """Show every line."""
        self._folded = False
        code, self._given = self.code, None
        self.set_code(code, self.language, closed=True, grew=True)
        self.height_changed.emit()

    def document(self) -> QTextDocument:
        """What is shown, to search in."""
        return self.view.document()

    def height_for(self, width: int) -> int:
        pad = MEASURES.grid * 3 // 2
        border = MEASURES.border
        inner = width - 2 * border
        head = MEASURES.target + MEASURES.half
        height = self._text_height() + MEASURES.half
        if self._widest > inner - 2 * pad:
            height += MEASURES.scroll_width
        self._head.setGeometry(border, border, inner, head)
        self.view.setGeometry(border + pad, head, inner - 2 * pad, height)
        bottom = head + height
        if not self.more.isHidden():
            self.more.setGeometry(pad, bottom, self.more.sizeHint().width(), MEASURES.target)
            bottom += MEASURES.target
        return bottom + MEASURES.grid

    def _text_height(self) -> int:
        """Lines with signs from other fonts are higher; of very many, the first are a measure."""
        document = self.view.document()
        layout = document.documentLayout()
        measured = min(_FOLD, document.blockCount())
        block = document.begin()
        total = 0.0
        for _ in range(measured):
            total += layout.blockBoundingRect(block).height()
            block = block.next()
        return ceil(total / max(1, measured) * document.blockCount())

    def set_looks(self, look: Looks) -> None:
        self._look = look
        self._dress()
        highlight.paint(self.view.document(), self._colours, look.theme)

    def _dress(self) -> None:
        self.view.setFont(self._look.fixed)
        self.view.document().setDefaultFont(self._look.fixed)

    def _set_visible(self, text: str) -> None:
        before = self.view.toPlainText()
        if text == before:
            return
        if before and text.startswith(before):
            cursor = QTextCursor(self.view.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(text[len(before) :])
            added = text[before.rfind("\n") + 1 :]
        else:
            self.view.setPlainText(text)
            self._widest = 0
            added = text
        longest = max(added.split("\n"), key=len, default="")
        advance = self.view.fontMetrics().horizontalAdvance(longest)
        self._widest = max(self._widest, advance)

    def _colour(self, closed: bool) -> None:
        begun = perf_counter()
        if begun < self._ready_at and not closed:
            return
        self._colours = highlight.spans(self.view.toPlainText(), self.language)
        if self._colours:
            highlight.paint(self.view.document(), self._colours, self._look.theme)
        self._ready_at = perf_counter() + (perf_counter() - begun) * _REST

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(copied(self.code))
        self.copy.copied_now()
        self.copied.emit()


def _cut_lines(text: str) -> str:
    """`text` with endless lines cut for the eye; copying gives them whole."""
    if len(text) <= _LONGEST_LINE:
        return text
    return "\n".join(
        line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …"
        for line in text.split("\n")
    )
