"""Search over all chats: a popup over the chat window with hits in their context.

Owns the asking while a person types and the list of what was found. Going there is decided by
whoever listens.
"""

from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFocusEvent, QFont, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.sidebar_view import title_of
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import one_line, shown
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Chat, Hit, Problem

ASK_AFTER = 120
"""Milliseconds of rest after which is searched."""
HITS = 50
TITLES = 5
"""Chats that are listed because their title fits."""
_WIDTH = MEASURES.grid * 76
_HEIGHT = MEASURES.grid * 52
_AROUND = MEASURES.grid * 14
"""Height of the popup without its list."""
_CONTEXT = 160

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Found:
    """One row: a chat whose title fits, or a message."""

    chat: str
    title: str
    message: str = ""
    before: str = ""
    match: str = ""
    after: str = ""

    @property
    def words(self) -> str:
        """The row as it is read out."""
        return (
            f"{self.title}: {self.before}{self.match}{self.after}" if self.message else self.title
        )


def found_from(hit: Hit) -> Found:
    """A hit as a row, on one line."""
    return Found(
        hit.chat,
        one_line(hit.chat_title, 120),
        hit.message,
        shown(hit.before)[-_CONTEXT:].lstrip().replace("\n", " "),
        shown(hit.match).replace("\n", " "),
        shown(hit.after)[:_CONTEXT].replace("\n", " "),
    )


def titles_that_fit(chats: tuple[Chat, ...], query: str) -> list[Found]:
    """The newest chats with every word of `query` in their title."""
    words = query.casefold().split()
    if not words:
        return []
    fitting = [chat for chat in chats if all(word in chat.title.casefold() for word in words)]
    fitting.sort(key=lambda chat: chat.updated, reverse=True)
    return [Found(chat.id, title_of(chat)) for chat in fitting[:TITLES]]


class _Rows(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.found: list[Found] = []

    def show_found(self, found: list[Found]) -> None:
        self.beginResetModel()
        self.found = found
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self.found)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if index.isValid() and role in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.AccessibleTextRole,
        ):
            return self.found[index.row()].words
        return None


class _Painter(QStyledItemDelegate):
    """A title, and below it the line with the match in colour."""

    def __init__(self, themes: ThemeController, rows: _Rows, parent: QWidget) -> None:
        super().__init__(parent)
        self._themes = themes
        self._rows = rows

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        lines = 2 if self._rows.found[index.row()].message else 1
        line = QFontMetrics(option.font).lineSpacing()
        return QSize(MEASURES.grid * 10, lines * line + 2 * MEASURES.grid)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = self._themes.current
        found = self._rows.found[index.row()]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.accent_soft if selected else theme.hover))
            radius = MEASURES.control_radius
            painter.drawRoundedRect(QRectF(rect).adjusted(0, 1, 0, -1), radius, radius)
        inner = rect.adjusted(MEASURES.grid, MEASURES.grid, -MEASURES.grid, -MEASURES.grid)
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        metrics = QFontMetrics(option.font)
        painter.setFont(bold)
        painter.setPen(QColor(theme.accent if selected else theme.ink))
        title = QFontMetrics(bold).elidedText(
            found.title, Qt.TextElideMode.ElideRight, inner.width()
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, title)
        if found.message:
            line = inner.adjusted(0, metrics.lineSpacing(), 0, 0)
            self._paint_line(painter, line, option.font, found)
        painter.restore()

    def _paint_line(self, painter: QPainter, rect: QRect, font: QFont, found: Found) -> None:
        theme = self._themes.current
        metrics = QFontMetrics(font)
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        match = QFontMetrics(bold).elidedText(
            found.match, Qt.TextElideMode.ElideRight, rect.width()
        )
        match_width = QFontMetrics(bold).horizontalAdvance(match)
        # The match stays in sight: what stands before it gives way first.
        room = max(0, (rect.width() - match_width) // 2)
        before = metrics.elidedText(found.before, Qt.TextElideMode.ElideLeft, room)
        left = rect.left()
        for text, colour, used in (
            (before, theme.muted, font),
            (match, theme.accent, bold),
            (None, theme.muted, font),
        ):
            if text is None:
                text = metrics.elidedText(
                    found.after, Qt.TextElideMode.ElideRight, rect.right() - left
                )
            painter.setFont(used)
            painter.setPen(QColor(colour))
            width = QFontMetrics(used).horizontalAdvance(text)
            place = QRect(left, rect.top(), width + 2, rect.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, text)
            left += width


class SearchPopup(QFrame):
    """Lies over its parent. Up and Down move, Enter goes there, Esc closes."""

    hit_wanted = Signal(str, str, str)
    """Chat, message ("" for the chat's end) and the text to mark."""
    closed = Signal()

    def __init__(
        self, bridge: Bridge, chats: ChatList, themes: ThemeController, parent: QWidget
    ) -> None:
        super().__init__(parent)
        set_role(self, "popover")
        self._bridge = bridge
        self._chats = chats
        self._call: Call | None = None
        self._asked = ""
        column = QVBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(MEASURES.grid)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(self.tr("Search all chats"))
        self.field.setAccessibleName(self.tr("Search all chats"))
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._typed)
        column.addWidget(self.field)
        self.rows = _Rows(self)
        self.view = QListView(self)
        set_role(self.view, "bare")
        self.view.setModel(self.rows)
        self.view.setItemDelegate(_Painter(themes, self.rows, self.view))
        self.view.setAccessibleName(self.tr("Found"))
        self.view.setMouseTracking(True)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.clicked.connect(self._go)
        column.addWidget(self.view)
        self.hint = label("", "small", self)
        column.addWidget(self.hint)
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(MEASURES.grid * 4)
        shadow.setOffset(0, MEASURES.half)
        colour = QColor(themes.current.shadow)
        colour.setAlphaF(0.35)
        shadow.setColor(colour)
        self.setGraphicsEffect(shadow)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(ASK_AFTER)
        self._timer.timeout.connect(self._ask)
        parent.installEventFilter(self)
        self.hide()

    def open(self, text: str = "") -> None:
        """Show it, with `text` in the field."""
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus()
        if text:
            self.field.setText(text)
        else:
            self.field.selectAll()
        self._typed()

    @Slot()
    def close_popup(self) -> None:
        """Hide it; what was typed is there when it opens again."""
        self._timer.stop()
        if self._call is not None:
            self._call.cancel()
        self.hide()
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self.parentWidget():
            if kind == QEvent.Type.Resize and self.isVisible():
                self._place()
            elif kind == QEvent.Type.MouseButtonPress and self.isVisible():
                self.close_popup()
            return False
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event)
        if kind == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            # Another window in front is no reason to forget what was being looked for.
            away = Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason
            if self.isVisible() and event.reason() not in away:
                self.close_popup()
        return False

    def _key(self, event: QKeyEvent) -> bool:
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: 6,
            Qt.Key.Key_PageUp: -6,
        }
        key = Qt.Key(event.key())
        if key in steps:
            self._step(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go(self.view.currentIndex())
        elif key == Qt.Key.Key_Escape:
            self.close_popup()
        else:
            return False
        return True

    def _step(self, by: int) -> None:
        number = self.rows.rowCount()
        if number:
            row = min(max(self.view.currentIndex().row() + by, 0), number - 1)
            self.view.setCurrentIndex(self.rows.index(row))

    def _place(self) -> None:
        around = self.parentWidget()
        if around is not None:
            margin = MEASURES.grid * 3
            width = min(_WIDTH, around.width() - 2 * margin)
            rows = range(self.rows.rowCount())
            listed = sum(self.view.sizeHintForRow(row) for row in rows)
            self.view.setVisible(listed > 0)
            room = min(_HEIGHT, around.height() - 3 * margin)
            self.view.setFixedHeight(min(listed + MEASURES.half, room - _AROUND))
            self.resize(width, 0)
            self.setGeometry(
                (around.width() - width) // 2, margin * 2, width, self.sizeHint().height()
            )

    @Slot()
    def _typed(self) -> None:
        text = self.field.text().strip()
        if not text:
            self._timer.stop()
            self._asked = ""
            self._show([])
            self.hint.setText(self.tr("Words, or parts of them, that stand in a message."))
        elif text != self._asked:
            self._timer.start()

    @Slot()
    def _ask(self) -> None:
        text = self.field.text().strip()
        if self._call is not None:
            self._call.cancel()
        self._asked = text
        self._call = self._bridge.call(
            lambda client: client.chats.search(text, limit=HITS),
            owner=self,
            done=self._found,
            failed=self._failed,
        )

    def _found(self, hits: tuple[Hit, ...]) -> None:
        self._call = None
        found = titles_that_fit(self._chats.chats, self._asked) + [found_from(hit) for hit in hits]
        self._show(found)
        if found:
            self.view.setCurrentIndex(self.rows.index(0))
            more = self.tr("The newest {number} are shown.").format(number=HITS)
            keys = self.tr("↑ ↓ choose · Enter opens · Esc closes")
            self.hint.setText(f"{more} {keys}" if len(hits) >= HITS else keys)
        else:
            self.hint.setText(self.tr("Nothing holds these words."))

    def _show(self, found: list[Found]) -> None:
        self.rows.show_found(found)
        if self.isVisible():
            self._place()

    def _failed(self, problem: Problem) -> None:
        self._call = None
        self._asked = ""
        self._show([])
        self.hint.setText(f"{problem.title} {problem.message}".strip())

    @Slot(QModelIndex)
    def _go(self, index: QModelIndex) -> None:
        if index.isValid():
            found = self.rows.found[index.row()]
            self.close_popup()
            self.hit_wanted.emit(found.chat, found.message, found.match)
