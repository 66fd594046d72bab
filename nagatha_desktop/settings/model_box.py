"""A box for a model's name: a list to search in, or any name typed.

Owns the finding of parts of names. Which models there are is handed in.
"""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QCompleter, QWidget

from nagatha_desktop.settings.fields import Choice
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.system import ModelInfo


class ModelBox(Choice):
    """`chosen` tells when a person took an entry, or typed one and went on."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMaxVisibleItems(16)
        self.setMinimumWidth(MEASURES.grid * 24)
        self.setAccessibleName(self.tr("Model"))
        self._told = ""
        line = self.lineEdit()
        assert line is not None  # an editable box has one
        line.setAccessibleName(self.tr("Model"))
        line.setPlaceholderText(self.tr("Choose a model, or type its name"))
        self._line = line
        completer = QCompleter(self.model(), self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        completer.setMaxVisibleItems(12)
        self.setCompleter(completer)
        completer.activated.connect(self._taken)
        self.activated.connect(self._taken)
        line.editingFinished.connect(self._taken)

    @property
    def name(self) -> str:
        """The model's name as it stands there."""
        return self.currentText().strip()

    def show_models(self, models: tuple[ModelInfo, ...], current: str) -> None:
        """Offer `models`, and show `current` whether it is among them or not."""
        self.clear()
        self.addItems([model.id for model in models])
        self.show_name(current)

    def show_name(self, name: str) -> None:
        """Show `name`, without telling."""
        self._told = name
        self.setCurrentIndex(self.findText(name))
        self.setEditText(name)
        self._line.setCursorPosition(0)

    @Slot()
    def _taken(self) -> None:
        name = self.name
        if name != self._told:
            self._told = name
            self.chosen.emit(name)
