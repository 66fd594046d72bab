"""A button that shows a key and, once pressed, takes the next one.

Owns the listening. Whether the key may be had is decided by whoever asked for it.
"""

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPushButton, QWidget

from nagatha_desktop.shortcuts import key_text
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES

_MODIFIERS = frozenset(
    {
        Qt.Key.Key_Shift,
        Qt.Key.Key_Control,
        Qt.Key.Key_Alt,
        Qt.Key.Key_AltGr,
        Qt.Key.Key_Meta,
        Qt.Key.Key_CapsLock,
        Qt.Key.Key_NumLock,
        Qt.Key.Key_ScrollLock,
        Qt.Key.Key_unknown,
    }
)


class KeyRecorder(QPushButton):
    """Esc lets it be, Backspace takes the key away; `recorded` gives the new one."""

    recorded = Signal(str)
    """In Qt's portable form; "" for none."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        self._listening = False  # before there are events
        super().__init__(parent)
        set_role(self, "secondary")
        self._title = title
        self._key = ""
        self.setAutoDefault(False)
        self.setFixedWidth(MEASURES.grid * 20)
        self.setToolTip(self.tr("Press to choose another key"))
        self.clicked.connect(self.listen)
        self._show()

    @property
    def key(self) -> str:
        """The key that is shown, in portable form."""
        return self._key

    @property
    def listening(self) -> bool:
        """Whether the next key is taken."""
        return self._listening

    def set_key(self, key: str) -> None:
        """Show a key."""
        self._key = key
        self._show()

    @Slot()
    def listen(self) -> None:
        """Take the next key."""
        self._listening = True
        self.setFocus()
        self._show()

    def _end(self) -> None:
        self._listening = False
        self._show()

    def _show(self) -> None:
        if self._listening:
            text = self.tr("Press a key …")
            name = self.tr("{title}: press the new key, Escape to leave it as it is")
        else:
            text = key_text(self._key) or self.tr("None")
            name = self.tr("{title}: {key}")
        self.setText(text.replace("&", "&&"))
        self.setAccessibleName(name.format(title=self._title, key=text))

    def event(self, event: QEvent) -> bool:
        # Before a shortcut of the window, or the focus by Tab, can take the key away.
        if self._listening and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._take(event)
                return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self._listening:
            self._end()

    def _take(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _MODIFIERS or event.isAutoRepeat():
            return
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        self._end()
        if plain and key == Qt.Key.Key_Escape:
            return
        if plain and key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.recorded.emit("")
            return
        combination = event.keyCombination()
        self.recorded.emit(
            QKeySequence(combination).toString(QKeySequence.SequenceFormat.PortableText)
        )
