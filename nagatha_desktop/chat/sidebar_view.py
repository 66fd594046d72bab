"""The rows of the list at the left: headings and chats, painted in the theme.

Owns the Qt model of the list and how a row looks. What a row means is in `groups`.
"""

from collections.abc import Iterable
from datetime import datetime

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from nagatha_desktop.chat.groups import GroupName, group_chats
from nagatha_desktop.widgets.text import one_line
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Chat

Index = QModelIndex | QPersistentModelIndex
_TITLE = 120


def title_of(chat: Chat) -> str:
    """What a chat is called, also before it has a title."""
    return one_line(chat.title, _TITLE) or QCoreApplication.translate("Chats", "New chat")


def heading(name: GroupName) -> str:
    """The words above a group."""
    words: dict[GroupName, str] = {
        "pinned": QCoreApplication.translate("Chats", "Pinned"),
        "today": QCoreApplication.translate("Chats", "Today"),
        "yesterday": QCoreApplication.translate("Chats", "Yesterday"),
        "week": QCoreApplication.translate("Chats", "Previous 7 days"),
        "older": QCoreApplication.translate("Chats", "Older"),
    }
    return words[name]


class ChatRows(QAbstractListModel):
    """Headings (str) and chats (Chat), in the order of the list."""

    renamed = Signal(str, str)
    """A person typed another title for a chat (id, title)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[str | Chat] = []

    def show_chats(self, chats: Iterable[Chat], now: datetime) -> None:
        """Show these, grouped for the day of `now`."""
        rows: list[str | Chat] = []
        for group in group_chats(chats, now):
            rows.append(heading(group.name))
            rows.extend(group.chats)
        if rows == self._rows:
            return
        if [_key(row) for row in rows] == [_key(row) for row in self._rows]:
            changed = [at for at, row in enumerate(rows) if row != self._rows[at]]
            self._rows = rows
            for at in changed:
                self.dataChanged.emit(self.index(at), self.index(at))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def chat_at(self, index: Index) -> Chat | None:
        """The chat of a row; None for a heading."""
        row = self._rows[index.row()] if index.isValid() else None
        return row if isinstance(row, Chat) else None

    def index_of(self, chat: str) -> QModelIndex:
        """The row of a chat; invalid where it is not listed."""
        for at, row in enumerate(self._rows):
            if isinstance(row, Chat) and row.id == chat:
                return self.index(at)
        return QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.chat_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if isinstance(row, str):
            return row if role in _TEXT_ROLES else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return title_of(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            words = [title_of(row)]
            if row.running:
                words.append(self.tr("an answer is being written"))
            if row.pinned:
                words.append(self.tr("pinned"))
            return ", ".join(words)
        if role == Qt.ItemDataRole.ToolTipRole:
            shown = title_of(row)
            return (
                self.tr("{title} – an answer is being written").format(title=shown)
                if row.running
                else shown
            )
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        chat = self.chat_at(index)
        if chat is None or not isinstance(value, str) or role != Qt.ItemDataRole.EditRole:
            return False
        if value.strip() and value.strip() != title_of(chat):
            self.renamed.emit(chat.id, value.strip())
        return True


_TEXT_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)


def _key(row: str | Chat) -> str:
    return row if isinstance(row, str) else f"\0{row.id}"


class RowPainter(QStyledItemDelegate):
    """Paints headings and chats."""

    def __init__(self, themes: ThemeController, parent: QWidget) -> None:
        super().__init__(parent)
        self._themes = themes

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        heading_row = not index.flags() & Qt.ItemFlag.ItemIsSelectable
        height = MEASURES.target + MEASURES.half
        if heading_row and index.row() > 0:
            height += MEASURES.half
        return QSize(MEASURES.grid * 10, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = self._themes.current
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if not index.flags() & Qt.ItemFlag.ItemIsSelectable:
            self._paint_heading(painter, rect, option.font, str(index.data()))
            painter.restore()
            return
        selected = bool(state & QStyle.StateFlag.State_Selected)
        box = QRectF(rect).adjusted(0, 1, 0, -1)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.accent_soft if selected else theme.hover))
            painter.drawRoundedRect(box, MEASURES.control_radius, MEASURES.control_radius)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.accent), MEASURES.border))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            inner = box.adjusted(0.5, 0.5, -0.5, -0.5)
            painter.drawRoundedRect(inner, MEASURES.control_radius, MEASURES.control_radius)
        left = rect.left() + MEASURES.grid
        model = index.model()
        chat = model.chat_at(index) if isinstance(model, ChatRows) else None
        if chat is not None and chat.running:
            dot = MEASURES.grid
            painter.setPen(QPen(QColor(theme.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QRectF(left, rect.center().y() - dot / 2 + 1, dot - 1, dot - 1))
            left += dot + MEASURES.half
        font = QFont(option.font)
        if selected:
            font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(theme.accent if selected else theme.ink))
        room = QRect(left, rect.top(), rect.right() - left - MEASURES.grid, rect.height())
        text = painter.fontMetrics().elidedText(
            str(index.data()), Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.restore()

    def _paint_heading(self, painter: QPainter, rect: QRect, font: QFont, text: str) -> None:
        small = QFont(font)
        small.setPointSizeF(font.pointSizeF() * MEASURES.small)
        small.setWeight(QFont.Weight.DemiBold)
        painter.setFont(small)
        painter.setPen(QColor(self._themes.current.muted))
        place = rect.adjusted(MEASURES.grid, 0, 0, -MEASURES.half)
        painter.drawText(
            place, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, text.upper()
        )

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAccessibleName(self.tr("Title of the chat"))
        editor.setMaxLength(_TITLE)
        return editor

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        editor.setGeometry(option.rect)
