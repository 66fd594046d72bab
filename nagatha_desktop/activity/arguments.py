"""A task's arguments as a form, made from their JSON schema.

Owns the fields and reading values out of them. What a value has to be is checked by the engine.
"""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLineEdit, QWidget

from nagatha_desktop.activity.controls import Choice, Number, WholeNumber
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.style import restyle
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import JsonObject

_LARGEST = 2**31 - 1
_NO_LIMIT = 1e12
_DECIMALS = 6
_LEFT_OUT = object()

Read: TypeAlias = Callable[[], object]


class Unreadable(Exception):
    """A field holds something that is no value of its kind; its name is the argument."""


class ArgumentForm(QWidget):
    """See the module. An optional argument whose field is left empty is not passed on."""

    changed = Signal()

    def __init__(
        self, schema: JsonObject, values: JsonObject, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.fields: dict[str, QWidget] = {}
        self._reads: dict[str, Read] = {}
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(MEASURES.grid)
        properties = schema.get("properties")
        required = schema.get("required")
        needed = set(required) if isinstance(required, list | tuple) else set()
        for name, about in properties.items() if isinstance(properties, Mapping) else ():
            told = about if isinstance(about, Mapping) else {}
            given = values.get(name, told.get("default", _LEFT_OUT))
            field = self._field(str(name), told, given, str(name) in needed)
            description = str(told.get("description", ""))
            field.setAccessibleName(str(name))
            field.setAccessibleDescription(description)
            field.setToolTip(description)
            self.fields[str(name)] = field
            said = label(str(name), "muted")
            said.setMinimumHeight(MEASURES.button)
            form.addRow(said, field)
        if not self.fields:
            form.addRow(label(self.tr("This task takes no arguments."), "small"))

    @property
    def values(self) -> dict[str, object]:
        """What stands in the fields. Raises Unreadable for one that is no JSON."""
        found = {name: read() for name, read in self._reads.items()}
        return {name: value for name, value in found.items() if value is not _LEFT_OUT}

    def _field(self, name: str, told: Mapping[str, object], given: object, needed: bool) -> QWidget:
        options, kind = told.get("enum"), told.get("type")
        known = given is not _LEFT_OUT and given is not None
        if isinstance(options, list | tuple):
            return self._choice(name, list(options), given)
        if kind == "boolean":
            box = QCheckBox()
            box.setChecked(given is True)
            box.toggled.connect(self._changed)
            self._reads[name] = box.isChecked
            return box
        if kind == "integer" and (known or needed):
            whole = WholeNumber()
            whole.setRange(_bound(told, "minimum", -_LARGEST), _bound(told, "maximum", _LARGEST))
            whole.setValue(given if isinstance(given, int) else 0)
            whole.valueChanged.connect(self._changed)
            self._reads[name] = whole.value
            return whole
        if kind == "number" and (known or needed):
            number = Number()
            number.setDecimals(_DECIMALS)
            number.setRange(-_NO_LIMIT, _NO_LIMIT)
            number.setValue(float(given) if isinstance(given, int | float) else 0.0)
            number.valueChanged.connect(self._changed)
            self._reads[name] = number.value
            return number
        line = QLineEdit()
        text = kind == "string"
        if known:
            line.setText(
                given if text and isinstance(given, str) else json.dumps(given, ensure_ascii=False)
            )
        elif not needed:
            line.setPlaceholderText(self.tr("Left out"))
        if not text:
            line.setPlaceholderText(self.tr("As JSON") if needed else self.tr("Left out, or JSON"))
        line.textChanged.connect(self._changed)
        self._reads[name] = lambda: self._read_line(name, line, text, needed)
        return line

    def _choice(self, name: str, options: list[object], given: object) -> QWidget:
        choice = Choice()
        for option in options:
            choice.addItem(option if isinstance(option, str) else json.dumps(option), option)
        choice.choose(given)
        choice.currentIndexChanged.connect(self._changed)
        self._reads[name] = choice.currentData
        return choice

    def _read_line(self, name: str, line: QLineEdit, text: bool, needed: bool) -> object:
        said = line.text()
        if not said and not (text and needed):
            return _LEFT_OUT
        if text:
            return said
        try:
            value: object = json.loads(said)
        except ValueError:
            self._mark(line, True)
            raise Unreadable(name) from None
        self._mark(line, False)
        return value

    def _mark(self, line: QLineEdit, wrong: bool) -> None:
        if bool(line.property("invalid")) != wrong:
            line.setProperty("invalid", wrong)
            restyle(line)

    @Slot()
    def _changed(self) -> None:
        self.changed.emit()


def _bound(told: Mapping[str, object], name: str, otherwise: int) -> int:
    value = told.get(name)
    return int(value) if isinstance(value, int | float) and abs(value) < _LARGEST else otherwise
