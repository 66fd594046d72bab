"""Finds words in the messages that are loaded, and marks them where they are shown.

Owns the list of matches. Knows nothing of scrolling or of messages that are not loaded.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit

from nagatha_desktop.widgets.text import shown
from nagatha_desktop.widgets.tokens import Theme

if TYPE_CHECKING:
    from nagatha_desktop.chat.message_view import MessageView

_MOST = 2_000
"""Matches in one message that are marked."""


@dataclass(frozen=True, slots=True)
class Match:
    """One place where the words stand."""

    message: str
    index: int
    """Which match within its message, from 0."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a match is on screen: the widget that shows it, and the words in it."""

    widget: QTextEdit | QPlainTextEdit
    cursor: QTextCursor


def count_in(words: str, view: "MessageView | None", text: str) -> int:
    """How often `words` stand in a message: in what is shown of it, else in its source."""
    if view is None or view.hidden_characters:
        return min(_MOST, text.casefold().count(words.casefold()))
    return len(places(words, view))


def places(words: str, view: "MessageView") -> list[Place]:
    """Every place in `view` where `words` stand, from top to bottom, whatever their case."""
    found: list[Place] = []
    wanted = shown(words)
    if not wanted:
        return found
    for widget, document in view.documents():
        found.extend(Place(widget, cursor) for cursor in _cursors(document, wanted))
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def mark(words: str, view: "MessageView", current: int | None, theme: Theme) -> Place | None:
    """Mark all that is found in `view`, and match number `current` more strongly; its place."""
    by_widget: dict[QTextEdit | QPlainTextEdit, list[QTextEdit.ExtraSelection]] = {
        widget: [] for widget, _ in view.documents()
    }
    here: Place | None = None
    found = places(words, view)
    if current is not None and found:
        here = found[min(current, len(found) - 1)]
    for place in found:
        selection = QTextEdit.ExtraSelection()
        form = QTextCharFormat()
        form.setBackground(QColor(theme.find_current if place is here else theme.find))
        form.setForeground(QColor(theme.ink))
        selection.cursor = place.cursor
        selection.format = form
        by_widget[place.widget].append(selection)
    for widget, selections in by_widget.items():
        if selections or widget.extraSelections():
            widget.setExtraSelections(selections)
    return here


def _cursors(document: QTextDocument, words: str) -> list[QTextCursor]:
    found: list[QTextCursor] = []
    cursor = document.find(words)
    while not cursor.isNull() and len(found) < _MOST:
        found.append(cursor)
        cursor = document.find(words, cursor)
    return found
