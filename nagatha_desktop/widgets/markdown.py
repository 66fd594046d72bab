"""Markdown into a document that looks calm and asks nobody for anything.

Owns how headings, lists, tables, quotes, links and pictures of an answer look. Raw HTML stays
text. A picture becomes a link that says so before the document is laid out, because laying it
out would load it. Knows no widget.
"""

from dataclasses import dataclass
from html import escape

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextImageFormat,
    QTextLength,
    QTextTable,
)

from nagatha_desktop.widgets.style import points
from nagatha_desktop.widgets.text import address_shown, revealed, shown
from nagatha_desktop.widgets.tokens import MEASURES, Theme

_FEATURES = (
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub
    | QTextDocument.MarkdownFeature.MarkdownNoHTML
)
_PROPERTY = QTextFormat.Property
_PROPORTIONAL = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
_FIXED = QTextBlockFormat.LineHeightTypes.FixedHeight.value


class Document(QTextDocument):
    """A document that loads nothing: no picture, no style, neither from the net nor a file."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setUndoRedoEnabled(False)
        self.setDocumentMargin(0)
        self.setIndentWidth(MEASURES.grid * 5 / 2)

    def loadResource(self, type: int, name: QUrl | str) -> object:
        """Nothing, whatever is asked for."""
        return None


@dataclass(frozen=True, slots=True)
class Looks:
    """What a document takes from theme and system."""

    theme: Theme
    body: QFont
    fixed: QFont


def looks(theme: Theme, body: QFont) -> Looks:
    """The looks for `theme` with the fonts of now."""
    return Looks(theme, body, fixed_font())


def fixed_font() -> QFont:
    """The system's fixed font, at the size of the text around it."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPointSizeF(points(MEASURES.code))
    font.setStyleHint(QFont.StyleHint.Monospace)
    return font


def render(source: str, look: Looks) -> Document:
    """A new document that shows `source`, not yet laid out; `source` may hold anything."""
    document = Document()
    document.setDefaultFont(look.body)
    document.setMarkdown(shown(source), _FEATURES)
    _replace_pictures(document)
    _style_tables(document, look.theme)
    _style_blocks(document, look)
    return document


def plain(text: str, font: QFont) -> Document:
    """A new document that shows `text` as it is."""
    document = Document()
    document.setDefaultFont(font)
    document.setPlainText(shown(text))
    cursor = QTextCursor(document)
    cursor.select(QTextCursor.SelectionType.Document)
    form = QTextBlockFormat()
    form.setLineHeight(MEASURES.leading, _PROPORTIONAL)
    cursor.mergeBlockFormat(form)
    return document


def has_links(document: QTextDocument) -> bool:
    """Whether there is something in it to follow."""
    return any(
        form.isAnchor() and form.anchorHref()
        for form in (item.toCharFormat() for item in document.allFormats() if item.isCharFormat())
    )


def _replace_pictures(document: QTextDocument) -> None:
    if "\ufffc" not in document.toRawText():
        return
    found: list[tuple[int, int, str, str]] = []
    block = document.begin()
    while block.isValid():
        for start, length, form in _fragments(block):
            if not form.isImageFormat():
                continue
            image: QTextImageFormat = form.toImageFormat()
            alt = str(image.property(_PROPERTY.ImageAltText.value) or "")
            if found and found[-1][2] == image.name() and sum(found[-1][:2]) == start:
                last = found.pop()
                found.append((last[0], last[1] + length, last[2], last[3] + alt))
            else:
                found.append((start, length, image.name(), alt))
        block = block.next()
    cursor = QTextCursor(document)
    for start, length, address, alt in reversed(found):
        link = QTextCharFormat()
        if address:
            link.setAnchor(True)
            link.setAnchorHref(address)
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        name = " ".join(alt.split())
        label = document.tr("[image: {name}]").format(name=name) if name else document.tr("[image]")
        cursor.insertText(label, link)


def _style_tables(document: QTextDocument, theme: Theme) -> None:
    for frame in document.rootFrame().childFrames():
        if not isinstance(frame, QTextTable):
            continue
        form = frame.format().toTableFormat()
        form.setBorder(MEASURES.border)
        form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        form.setBorderCollapse(True)
        form.setBorderBrush(QBrush(QColor(theme.line)))
        form.setCellPadding(MEASURES.half * 3 / 2)
        form.setCellSpacing(0)
        form.setTopMargin(MEASURES.half)
        form.setBottomMargin(MEASURES.half)
        form.setWidth(QTextLength())
        frame.setFormat(form)
        for column in range(frame.columns()):
            cell = frame.cellAt(0, column)
            cursor = cell.firstCursorPosition()
            if cursor.block().length() == 1 and cursor != cell.lastCursorPosition():
                # Qt begins a table after a quote with an empty line in its first cell.
                cursor.deleteChar()
            head = cell.format()
            head.setBackground(QColor(theme.code))
            cell.setFormat(head)
            bold = QTextCharFormat()
            bold.setFontWeight(QFont.Weight.DemiBold)
            cursor.setPosition(cell.firstPosition())
            cursor.setPosition(cell.lastPosition(), QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(bold)


def _style_blocks(document: QTextDocument, look: Looks) -> None:
    base = points(MEASURES.normal)
    gap = look.body.pointSizeF() * MEASURES.paragraph
    cursor = QTextCursor(document)
    code = _code_format(look)
    last = document.lastBlock().blockNumber()
    block = document.begin()
    while block.isValid():
        form = block.blockFormat()
        level = form.headingLevel()
        cursor.setPosition(block.position())
        in_table = cursor.currentTable() is not None
        is_code = form.hasProperty(_PROPERTY.BlockCodeFence.value)
        change = QTextBlockFormat()
        if is_code:
            change.setBackground(QColor(look.theme.code))
            change.setTopMargin(0)
            change.setBottomMargin(0)
            change.setNonBreakableLines(False)
        elif block.length() == 1 and not in_table and not _is_rule(form):
            change.setLineHeight(MEASURES.border, _FIXED)
            change.setTopMargin(0)
            change.setBottomMargin(0)
        else:
            change.setLineHeight(MEASURES.leading, _PROPORTIONAL)
            if in_table:
                # The first cell takes over the margins of what stands before the table.
                for side in (change.setTopMargin, change.setBottomMargin, change.setLeftMargin):
                    side(0)
            else:
                _set_margins(change, form, block, gap, last)
        cursor.mergeBlockFormat(change)
        if level:
            head = QTextCharFormat()
            head.clearProperty(_PROPERTY.FontSizeAdjustment.value)
            head.setFontPointSize(base * MEASURES.headings[min(level, 6) - 1])
            head.setFontWeight(QFont.Weight.DemiBold)
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            _merge_over(cursor, block, head)
        _style_fragments(document, block, code, look.theme)
        block = block.next()


def _set_margins(
    change: QTextBlockFormat, form: QTextBlockFormat, block: QTextBlock, gap: float, last: int
) -> None:
    number = block.blockNumber()
    before = gap * 1.6 if form.headingLevel() else gap
    listed = block.textList() is not None
    if listed:
        previous = block.previous()
        before = gap if not (previous.isValid() and previous.textList()) else gap / 3
    change.setTopMargin(0 if number == 0 else before)
    change.setBottomMargin(0 if number == last else gap / 3 if listed else gap)
    quotes = form.intProperty(_PROPERTY.BlockQuoteLevel.value)
    if quotes:
        change.setLeftMargin(quotes * MEASURES.grid * 2)
        change.setRightMargin(0)


def _is_rule(form: QTextBlockFormat) -> bool:
    return form.hasProperty(_PROPERTY.BlockTrailingHorizontalRulerWidth.value)


def _code_format(look: Looks) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setFontFamilies(look.fixed.families())
    form.setFontPointSize(look.fixed.pointSizeF())
    form.setBackground(QColor(look.theme.code))
    return form


def _merge_over(cursor: QTextCursor, block: QTextBlock, form: QTextCharFormat) -> None:
    cursor.setPosition(block.position())
    cursor.setPosition(block.position() + block.length() - 1, QTextCursor.MoveMode.KeepAnchor)
    cursor.mergeCharFormat(form)


def _style_fragments(
    document: QTextDocument, block: QTextBlock, code: QTextCharFormat, theme: Theme
) -> None:
    """Code in the fixed font, links in the accent, and nothing hidden in a link's words."""
    cursor = QTextCursor(document)
    for start, length, form in reversed(_fragments(block)):
        if not (form.fontFixedPitch() or form.isAnchor()):
            continue
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        if form.fontFixedPitch():
            cursor.mergeCharFormat(code)
        if form.isAnchor():
            link = QTextCharFormat()
            link.setForeground(QColor(theme.accent))
            link.setFontUnderline(True)
            # In place of the title that the answer gave: a tool tip may be rich text.
            link.setToolTip(f"<qt>{escape(address_shown(form.anchorHref()))[:600]}</qt>")
            words = cursor.selectedText()
            clear = revealed(words)
            if clear == words:
                cursor.mergeCharFormat(link)
            else:
                form.merge(link)
                cursor.insertText(clear, form)


def _fragments(block: QTextBlock) -> list[tuple[int, int, QTextCharFormat]]:
    found = []
    iterator = block.begin()
    while not iterator.atEnd():
        fragment = iterator.fragment()
        if fragment.isValid():
            found.append((fragment.position(), fragment.length(), fragment.charFormat()))
        iterator += 1
    return found
