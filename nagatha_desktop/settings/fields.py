"""One setting of the engine as a row, drawn from the `Setting` itself.

Owns the editor for each kind of value and that a change applies at once. What a setting means,
its limits and its words come from the engine.
"""

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFocusEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)

from nagatha_desktop.settings.page import Row, make_switch
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.style import give_room, restyle
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.system import Setting, SettingValue
from worker.contract.types import Problem

SETTLES = 400
"""Milliseconds without a further step after which a number is sent."""
NUMBER_WIDTH = MEASURES.grid * 18
TEXT_WIDTH = MEASURES.grid * 30
_LONG_TEXTS = frozenset({"models.system_prompt"})
"""Settings that are several lines of text, which their kind alone does not say."""
_LARGEST = 2**31 - 1
_NO_LIMIT = 1e12
_DECIMALS = 2


class WholeNumber(QSpinBox):
    """A number without a fraction; scrolling the page over it does not change it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Number(QDoubleSpinBox):
    """A number; without zeros at its end, and scrolling the page over it does not change it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def textFromValue(self, value: float) -> str:
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip("0").rstrip(point) if point in text else text


class Choice(QComboBox):
    """A list to choose from; scrolling the page over it does not change it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class LongText(QPlainTextEdit):
    """Several lines; `left` tells when the person goes elsewhere."""

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


def in_words(text: str) -> str:
    """What the engine says of a setting, in the person's language where it is known in it."""
    return QCoreApplication.translate("Setting", text)


class SettingField(Row):
    """A row for the setting `key`; shows itself once the store has read it."""

    def __init__(
        self, key: str, store: SettingsStore, parent: QWidget | None = None, *, text: str = ""
    ) -> None:
        """`text` replaces the engine's description where a page knows better words."""
        super().__init__(key, "", parent)
        self.key = key
        self._store = store
        self._own_text = text
        self._setting: Setting | None = None
        self._showing = False
        self.editor: QWidget | None = None
        self.default_button = button(self.tr("Default"), "quiet")
        self.default_button.clicked.connect(self._back_to_default)
        policy = self.default_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.default_button.setSizePolicy(policy)
        self.default_button.hide()
        self.line.addWidget(self.default_button)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLES)
        self._settle.timeout.connect(self._apply)
        self.problems.action_wanted.connect(self._retry)
        store.changed.connect(self._show)
        self._show()

    # -- showing ----------------------------------------------------------------------------------

    @Slot()
    def _show(self) -> None:
        setting = self._store.settings.get(self.key)
        self.setVisible(setting is not None)
        if setting is None:
            return
        if self.editor is None:
            self.title.setText(in_words(setting.title))
            self.editor = self._make(setting)
        editing = self._settle.isActive() or (
            self._setting is not None and self.value() != self._setting.value
        )
        self._setting = setting
        if not (editing and self.editor.hasFocus()):
            self._set_value(setting.value)
        fixed = setting.source in ("environment", "project")
        self.editor.setEnabled(not fixed)
        self.say(self._words(setting))
        self.default_button.setVisible(not fixed and setting.value != setting.default)
        self.default_button.setAccessibleName(
            self.tr("Default of “{title}”").format(title=in_words(setting.title))
        )

    def _words(self, setting: Setting) -> str:
        if setting.source == "environment":
            return self.tr("Set by the environment, so it cannot be changed here.")
        if setting.source == "project":
            return self.tr(
                "Set by the nagatha.yaml in the folder that Nagatha was started in, "
                "so it cannot be changed here."
            )
        return self._own_text or in_words(setting.description)

    def _make(self, setting: Setting) -> QWidget:
        made = self._editor(setting)
        made.setAccessibleName(in_words(setting.title))
        made.setAccessibleDescription(in_words(setting.description))
        if isinstance(made, LongText):
            self.below.insertWidget(0, made)
        else:
            self.line.addWidget(made, 0, Qt.AlignmentFlag.AlignVCenter)
        QWidget.setTabOrder(made, self.default_button)
        return made

    def _editor(self, setting: Setting) -> QWidget:
        if setting.kind == "bool":
            box = make_switch()
            box.clicked.connect(self._apply)
            return box
        if setting.kind == "choice":
            choice = Choice()
            choice.addItems(list(setting.choices))
            choice.setMinimumWidth(NUMBER_WIDTH)
            choice.activated.connect(self._apply)
            return choice
        if setting.kind in ("int", "float"):
            return self._number(setting)
        if setting.key in _LONG_TEXTS:
            text = LongText()
            text.setTabChangesFocus(True)
            text.setFixedHeight(MEASURES.grid * 9)
            text.left.connect(self._left)
            return text
        line = QLineEdit()
        line.setMinimumWidth(TEXT_WIDTH)
        line.editingFinished.connect(self._left)
        return line

    def _number(self, setting: Setting) -> QWidget:
        whole = setting.kind == "int"
        made = WholeNumber() if whole else Number()
        low, high = setting.minimum, setting.maximum
        if isinstance(made, WholeNumber):
            made.setRange(
                int(low) if low is not None else -_LARGEST,
                min(int(high), _LARGEST) if high is not None else _LARGEST,
            )
        else:
            made.setDecimals(_DECIMALS)
            made.setRange(
                low if low is not None else -_NO_LIMIT, high if high is not None else _NO_LIMIT
            )
            small = high is not None and high <= 10
            made.setSingleStep(0.1 if small else 1.0)
        if setting.unit:
            made.setSuffix(f" {in_words(setting.unit)}")
        made.setGroupSeparatorShown(True)
        made.setKeyboardTracking(False)
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        made.setFixedWidth(NUMBER_WIDTH)
        give_room(made)
        made.valueChanged.connect(self._stepped)
        made.editingFinished.connect(self._left)
        return made

    # -- the value --------------------------------------------------------------------------------

    def value(self) -> SettingValue:
        """What the editor holds."""
        editor = self.editor
        if isinstance(editor, QCheckBox):
            return editor.isChecked()
        if isinstance(editor, QComboBox):
            return editor.currentText()
        if isinstance(editor, WholeNumber | Number):
            return editor.value()
        if isinstance(editor, QPlainTextEdit):
            return editor.toPlainText()
        return editor.text() if isinstance(editor, QLineEdit) else None

    def _set_value(self, value: SettingValue) -> None:
        editor = self.editor
        if value == self.value():
            return
        self._showing = True
        try:
            if isinstance(editor, QCheckBox):
                editor.setChecked(bool(value))
            elif isinstance(editor, QComboBox):
                editor.setCurrentText(str(value))
            elif isinstance(editor, WholeNumber) and isinstance(value, int):
                editor.setValue(value)
            elif isinstance(editor, Number) and isinstance(value, int | float):
                editor.setValue(float(value))
            elif isinstance(editor, QPlainTextEdit):
                editor.setPlainText(str(value or ""))
            elif isinstance(editor, QLineEdit):
                editor.setText(str(value or ""))
        finally:
            self._showing = False

    # -- changing ---------------------------------------------------------------------------------

    @Slot()
    def _stepped(self) -> None:
        if not self._showing:
            self._settle.start()

    @Slot()
    def _left(self) -> None:
        if self._setting is not None and self.value() != self._setting.value:
            self._apply()

    @Slot()
    def _apply(self) -> None:
        self._settle.stop()
        setting = self._setting
        if setting is None or self.value() == setting.value:
            return
        self._send(self.value())

    @Slot()
    def _back_to_default(self) -> None:
        if self.editor is not None:
            self.editor.setFocus()
        self._send(None)

    def _send(self, value: SettingValue) -> None:
        self._invalid(False)
        self.problems.clear()
        self.status.wait(self.tr("Saving …"))
        self._store.change(self.key, value, owner=self, done=self._changed, failed=self._refused)

    def _changed(self, setting: Setting) -> None:
        self.status.say("")
        self._setting = setting
        self._set_value(setting.value)
        self._show()

    def _refused(self, problem: Problem) -> None:
        self.status.say("")
        self._invalid(True)
        self.problems.tell(problem)
        if isinstance(self.editor, QCheckBox | QComboBox) and self._setting is not None:
            self._set_value(self._setting.value)

    @Slot(str)
    def _retry(self, action: str) -> None:
        self._send(self.value())

    def _invalid(self, wrong: bool) -> None:
        if self.editor is not None and bool(self.editor.property("invalid")) != wrong:
            self.editor.setProperty("invalid", wrong)
            restyle(self.editor)
