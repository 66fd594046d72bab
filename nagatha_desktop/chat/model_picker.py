"""Chooses the model of a chat: a list of what the providers offer, with a filter above it.

Owns the popup. What there is to choose from is known by `models`.
"""

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFont, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.chat.models import Models
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.corners import cut_corners
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import count
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.system import ModelInfo, Provider

_CHOICE = Qt.ItemDataRole.UserRole
_SIZE = (MEASURES.grid * 42, MEASURES.grid * 46)


class ModelPicker(QWidget):
    """The popup. Enter or a click chooses, Esc closes, typing filters."""

    chosen = Signal(str, str)
    """Provider and model; empty texts for the default."""

    def __init__(self, models: Models, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self._models = models
        self._choice = ("", "")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        frame = QFrame(self)
        set_role(frame, "popover")
        outer.addWidget(frame)
        column = QVBoxLayout(frame)
        side = MEASURES.grid
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(MEASURES.half)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter models"))
        self.filter.setAccessibleName(self.tr("Filter models"))
        self.filter.textChanged.connect(self._fill)
        self.filter.installEventFilter(self)
        column.addWidget(self.filter)
        self.list = QListWidget()
        set_role(self.list, "bare")
        self.list.setAccessibleName(self.tr("Models"))
        self.list.itemActivated.connect(self._take)
        self.list.itemClicked.connect(self._take)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.addWidget(self.list, 1)
        self.hint = label("", "small")
        column.addWidget(self.hint)
        self._refill = QTimer(self)
        self._refill.setSingleShot(True)
        self._refill.timeout.connect(self._fill)
        models.changed.connect(self._refill_soon)
        self.resize(*_SIZE)

    def open_at(self, choice: tuple[str, str], at: QPoint) -> None:
        """Show it with its lower left corner at `at` on the screen."""
        self._choice = choice
        self._models.load_lists()
        self.filter.clear()
        self._fill()
        screen = self.screen().availableGeometry()
        left = max(screen.left(), min(at.x(), screen.right() - self.width()))
        top = at.y() - self.height()
        self.move(left, top if top >= screen.top() else at.y() + MEASURES.grid * 5)
        self.show()
        self.filter.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        cut_corners(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self._step(1 if event.key() == Qt.Key.Key_Down else -1)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                item = self.list.currentItem()
                if item is not None:
                    self._take(item)
                return True
        return False

    def _step(self, by: int) -> None:
        row = self.list.currentRow() + by
        while 0 <= row < self.list.count():
            if self.list.item(row).flags() & Qt.ItemFlag.ItemIsSelectable:
                self.list.setCurrentRow(row)
                return
            row += by

    @Slot()
    def _refill_soon(self) -> None:
        if self.isVisible():
            self._refill.start()

    @Slot()
    def _fill(self) -> None:
        wanted = self.filter.text().casefold().split()
        self.list.clear()
        catalogue = self._models.catalogue
        if not wanted:
            default = catalogue.default
            name = default.model if default is not None and default.model else ""
            text = self.tr("Default ({model})").format(model=name) if name else self.tr("Default")
            self._add(text, "", "")
        for provider in catalogue.providers:
            models = self._models_of(provider)
            found = [
                model
                for model in models
                if all(word in f"{provider.name} {model.id}".casefold() for word in wanted)
            ]
            if found or not wanted:
                self._head(provider)
            for model in found:
                self._add(model.id, provider.id, model.id, model.context)
        if self.list.currentItem() is None:
            self._step(1)
        total = sum(map(len, self._models.lists.values()))
        self.hint.setText(self.tr("{number} models").format(number=count(total)))
        self.hint.setVisible(total > 0)

    def _models_of(self, provider: Provider) -> tuple[ModelInfo, ...]:
        listed = self._models.lists.get(provider.id, ())
        if not listed and provider.model:
            return (ModelInfo(provider.model, provider.id, provider.model),)
        if provider.kind == "builtin":
            return (ModelInfo("", provider.id, provider.name),)
        return listed

    def _head(self, provider: Provider) -> None:
        problem = self._models.problems.get(provider.id)
        text = provider.name.upper()
        if problem is not None:
            text = f"{text} · {problem.title}"
        item = QListWidgetItem(text)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setSizeHint(QSize(0, MEASURES.target))
        font = QFont(self.list.font())
        font.setPointSizeF(font.pointSizeF() * MEASURES.small)
        font.setWeight(QFont.Weight.DemiBold)
        item.setFont(font)
        item.setForeground(self.palette().placeholderText())
        self.list.addItem(item)

    def _add(self, text: str, provider: str, model: str, context: int | None = None) -> None:
        shown = text or self.tr("Built-in assistant")
        if context:
            shown = self.tr("{model} · {tokens} tokens").format(model=shown, tokens=count(context))
        item = QListWidgetItem(shown)
        item.setData(_CHOICE, (provider, model))
        item.setSizeHint(QSize(0, MEASURES.target))
        self.list.addItem(item)
        if (provider, model) == self._choice:
            self.list.setCurrentItem(item)

    @Slot(QListWidgetItem)
    def _take(self, item: QListWidgetItem) -> None:
        choice = item.data(_CHOICE)
        if choice is not None:
            self.hide()
            self.chosen.emit(*choice)
