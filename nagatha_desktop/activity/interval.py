"""Choosing how often: a number and a unit, within the bounds that the engine has.

Owns the two fields and their bounds. Knows no schedule.
"""

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QWidget

from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.style import give_room
from nagatha_desktop.widgets.tokens import MEASURES

SHORTEST = 10
"""Seconds."""
LONGEST = 365 * 86_400
"""Seconds."""
_UNITS = (1, 60, 3600, 86_400)


class _Number(QSpinBox):
    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _Unit(QComboBox):
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class IntervalEditor(QWidget):
    """Every [5] [minutes]  Save  Default  Cancel. Enter saves, Esc leaves it as it was."""

    saved = Signal(object)
    """Seconds (int), or None for the default."""
    left = Signal()
    """A person does not want to change it after all."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, MEASURES.grid, 0, MEASURES.half)
        row.setSpacing(MEASURES.grid)
        row.addWidget(label(self.tr("Every"), "muted"))
        self.number = _Number()
        self.number.setAccessibleName(self.tr("How often: {title}").format(title=title))
        self.number.setFixedWidth(MEASURES.grid * 12)
        self.number.setGroupSeparatorShown(True)
        give_room(self.number)
        self.unit = _Unit()
        self.unit.setAccessibleName(self.tr("Unit of time: {title}").format(title=title))
        for words, seconds in zip(
            (self.tr("seconds"), self.tr("minutes"), self.tr("hours"), self.tr("days")),
            _UNITS,
            strict=True,
        ):
            self.unit.addItem(words, seconds)
        self.unit.currentIndexChanged.connect(self._bound)
        self.save_button = button(
            self.tr("Save"), "primary", name=self.tr("Save how often: {title}").format(title=title)
        )
        self.default_button = button(
            self.tr("Default"),
            "secondary",
            name=self.tr("Default of how often: {title}").format(title=title),
        )
        self.cancel_button = button(
            self.tr("Cancel"),
            "flat",
            name=self.tr("Do not change how often: {title}").format(title=title),
        )
        self.save_button.clicked.connect(self._save)
        self.default_button.clicked.connect(self._default)
        self.cancel_button.clicked.connect(self.left)
        for widget in (
            self.number,
            self.unit,
            self.save_button,
            self.default_button,
            self.cancel_button,
        ):
            row.addWidget(widget)
            widget.installEventFilter(self)
        row.addStretch(1)

    @property
    def seconds(self) -> int:
        """What is chosen."""
        return self.number.value() * self._unit()

    def _unit(self) -> int:
        return int(self.unit.currentData())

    def show_interval(self, seconds: float, default: float) -> None:
        """Begin with this; the largest unit that it is whole in is chosen."""
        whole = max(SHORTEST, min(LONGEST, round(seconds)))
        at = max(place for place, unit in enumerate(_UNITS) if whole % unit == 0)
        self.unit.setCurrentIndex(at)
        self._bound()
        self.number.setValue(whole // _UNITS[at])
        self.default_button.setVisible(seconds != default)

    @Slot()
    def _bound(self) -> None:
        unit = self._unit()
        self.number.setRange(-(-SHORTEST // unit), LONGEST // unit)

    @Slot()
    def _save(self) -> None:
        self.number.interpretText()
        self.saved.emit(self.seconds)

    @Slot()
    def _default(self) -> None:
        self.saved.emit(None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                self.left.emit()
                return True
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if enter and watched in (self.number, self.unit):
                self._save()
                return True
        return False
