"""A stretch of text as blocks, one below the other; while it grows, only the last is made anew.

Owns which source is shown by which block. Where the blocks stand is decided by the message.
"""

from collections.abc import Iterable
from time import thread_time
from typing import TypeAlias, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QWidget

from nagatha_desktop.chat.blocks import CodeBlock, TextBlock
from nagatha_desktop.widgets.markdown import Looks, plain, render
from nagatha_desktop.widgets.pieces import CodePiece, Piece, TextPiece, definitions, split

FIRST = 12_000
"""Characters of a long text that are shown before "Show all"."""
LONG = 20_000
"""A text longer than this is cut; one only a little longer than `FIRST` is not worth a button."""
_STEP = 6_000
"""Characters that `show_more` adds at a time; about 10 ms."""

_SLOW = 0.02
"""Seconds of work after which making the last block anew is too slow for every word."""
_SHORT = 500
"""Characters of a last block that is made anew for every word whatever it takes."""
_REST = 8
"""It takes at most one part in this many of the time then."""

Block: TypeAlias = TextBlock | CodeBlock
_B = TypeVar("_B", TextBlock, CodeBlock)


class TextFlow(QObject):
    """Text as blocks in `parent`. Markdown, or `as_is` for a person's own words."""

    link_clicked = Signal(str)
    copied = Signal()
    changed = Signal()
    """A block changed its height by itself."""

    def __init__(
        self, look: Looks, parent: QWidget, *, as_is: bool = False, name: str = "", width: int
    ) -> None:
        """`name` is read out for each block of text; `width` is what it will probably get."""
        super().__init__(parent)
        self._look = look
        self._widget = parent
        self._as_is = as_is
        self._name = name
        self._width = width
        self._source = ""
        self._whole = True
        self._late = ""
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._catch_up)
        self._definitions = ""
        self._pieces: list[Piece] = []
        self._waiting: list[Piece] = []
        self.blocks: list[Block] = []

    @property
    def hidden_characters(self) -> int:
        """How many characters wait for "Show all"."""
        return len(self._source) - self._waiting[0].start if self._waiting else 0

    def set_text(self, source: str, *, growing: bool) -> None:
        """Show `source`; `growing` if more of it is to come."""
        if source == self._source and growing != self._whole:
            return
        if growing and self._rest.isActive():
            self._late = source
            return
        self._rest.stop()
        self._late = ""
        begun = thread_time()
        grew = source.startswith(self._source) and bool(self._pieces)
        finished = self._whole is False and not growing
        self._whole = not growing
        if grew and self._waiting:
            # It is cut; what was added waits with the rest.
            start = self._waiting[0].start
            self._source = source
            self._waiting = self._split(source, start)
            return
        kept = self._pieces[:-1] if grew else []
        start = self._pieces[-1].start if grew else 0
        self._source = source
        pieces = self._split(source, start)
        limit = None if growing or grew or len(source) <= LONG else FIRST
        shown = [piece for piece in pieces if limit is None or piece.start < limit]
        self._waiting = pieces[len(shown) :]
        self._replace_from(len(kept), shown)
        spent = thread_time() - begun
        if growing and spent > _SLOW and len(source) - start > _SHORT:
            self._rest.start(int(spent * _REST * 1000))
        if finished:
            self._split_again()
        if not growing:
            self._finish(finished or not grew)

    @Slot()
    def _catch_up(self) -> None:
        """Show what came while making the last block anew was too slow for every word."""
        if self._late:
            self.set_text(self._late, growing=True)
            self.changed.emit()

    def show_more(self) -> bool:
        """Show some more of what waits; True while still more does."""
        added = 0
        more: list[Piece] = []
        while self._waiting and added < _STEP:
            piece = self._waiting.pop(0)
            added += len(piece.text if isinstance(piece, TextPiece) else piece.code)
            more.append(piece)
        self._replace_from(len(self._pieces), more)
        self._finish(False)
        return bool(self._waiting)

    def set_looks(self, look: Looks) -> None:
        """Make every document anew in another theme or font."""
        self._look = look
        for piece, block in zip(self._pieces, self.blocks, strict=True):
            block.set_looks(look)
            if isinstance(block, TextBlock) and isinstance(piece, TextPiece):
                block.show_document(self._document(piece))

    def set_caret(self, on: bool) -> None:
        """Show where the next word will stand, in the last block."""
        for block in self.blocks:
            if isinstance(block, TextBlock):
                block.set_caret(on and block is self.blocks[-1])

    def clear(self) -> None:
        """Take every block away."""
        self._rest.stop()
        self._drop(self.blocks)
        self._source, self._pieces, self._waiting, self.blocks = "", [], [], []

    def _split(self, source: str, start: int) -> list[Piece]:
        if not self._as_is:
            return split(source, start)
        step = _STEP
        return [TextPiece(at, source[at : at + step]) for at in range(start, len(source), step)]

    def _split_again(self) -> None:
        """What a line means may have changed with its last sign, after it was cut at."""
        pieces = self._split(self._source, 0)
        same = 0
        while same < min(len(pieces), len(self._pieces)) and pieces[same] == self._pieces[same]:
            same += 1
        self._replace_from(same, pieces[same:])

    def _replace_from(self, first: int, pieces: list[Piece]) -> None:
        """Let `pieces` follow the first `first`; blocks of the same kind are used again."""
        for index, piece in enumerate(pieces, first):
            block = self.blocks[index] if index < len(self.blocks) else None
            if isinstance(piece, CodePiece):
                if not isinstance(block, CodeBlock):
                    block = self._put(index, self._code_block())
                grew = index < len(self._pieces) or not self._whole
                block.set_code(piece.code, piece.language, closed=piece.closed, grew=grew)
            else:
                if not isinstance(block, TextBlock):
                    block = self._put(index, self._text_block())
                block.show_document(self._document(piece))
        stop = first + len(pieces)
        self._pieces[first:] = pieces
        self._drop(self.blocks[stop:])
        del self.blocks[stop:]

    def _finish(self, look_again: bool) -> None:
        """Nothing more comes: colours are made whole, links that are defined far below found."""
        found = definitions(self._source) if look_again and not self._as_is else ""
        if found != self._definitions and look_again:
            self._definitions = found
            for piece, block in zip(self._pieces, self.blocks, strict=True):
                if isinstance(block, TextBlock) and isinstance(piece, TextPiece):
                    block.show_document(self._document(piece))
        for piece, block in zip(self._pieces, self.blocks, strict=True):
            if isinstance(block, TextBlock):
                block.settle()
            elif isinstance(piece, CodePiece) and not piece.closed:
                block.set_code(piece.code, piece.language, closed=True, grew=True)

    def _document(self, piece: TextPiece) -> QTextDocument:
        if self._as_is:
            return plain(piece.text, self._look.body)
        text = piece.text
        if self._definitions and "[" in text:
            text = f"{text}\n\n{self._definitions}"
        return render(text, self._look)

    def _text_block(self) -> TextBlock:
        block = TextBlock(self._look, self._widget, self._width)
        block.setAccessibleName(self._name)
        block.link_clicked.connect(self.link_clicked)
        return block

    def _code_block(self) -> CodeBlock:
        block = CodeBlock(self._look, self._widget)
        block.copied.connect(self.copied)
        block.height_changed.connect(self.changed)
        return block

    def _put(self, index: int, block: _B) -> _B:
        if index < len(self.blocks):
            self._drop([self.blocks[index]])
            self.blocks[index] = block
        else:
            self.blocks.append(block)
        block.show()
        return block

    @staticmethod
    def _drop(blocks: Iterable[Block]) -> None:
        for block in blocks:
            block.hide()
            block.deleteLater()
