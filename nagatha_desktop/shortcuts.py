"""The keys of the program: one table, and the actions that windows make of it.

Owns which shortcuts there are, their default keys and their titles. Which keys a person chose
instead is a mapping that is handed in; what a shortcut does belongs to the windows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from worker.contract.types import Problem


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One key that does something."""

    id: str
    """What a person's own choice is stored under."""
    default: str
    """In Qt's portable form, e.g. "Ctrl+N"; "" for none."""
    text: str
    """What it does, in English; `title` is translated."""
    fixed: bool = False
    """True where the key belongs to a text box and is only listed."""

    @property
    def title(self) -> str:
        """What it does, in the person's language."""
        return QCoreApplication.translate("Shortcuts", self.text)


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("chat.new", "Ctrl+N", str(QT_TRANSLATE_NOOP("Shortcuts", "New chat"))),
    Shortcut("chat.search_all", "Ctrl+K", str(QT_TRANSLATE_NOOP("Shortcuts", "Search all chats"))),
    Shortcut(
        "chat.find",
        "Ctrl+F",
        str(QT_TRANSLATE_NOOP("Shortcuts", "Find in the window")),
    ),
    Shortcut("chat.stop", "Esc", str(QT_TRANSLATE_NOOP("Shortcuts", "Stop the answer"))),
    Shortcut(
        "chat.copy_answer",
        "Ctrl+Shift+C",
        str(QT_TRANSLATE_NOOP("Shortcuts", "Copy the last answer")),
    ),
    Shortcut("chat.retry", "Ctrl+R", str(QT_TRANSLATE_NOOP("Shortcuts", "Answer again"))),
    Shortcut("chat.attach", "Ctrl+O", str(QT_TRANSLATE_NOOP("Shortcuts", "Attach a file"))),
    Shortcut("chat.model", "Ctrl+M", str(QT_TRANSLATE_NOOP("Shortcuts", "Choose the model"))),
    Shortcut("chat.rename", "F2", str(QT_TRANSLATE_NOOP("Shortcuts", "Rename this chat"))),
    Shortcut("chat.focus", "Ctrl+L", str(QT_TRANSLATE_NOOP("Shortcuts", "Go to the message box"))),
    Shortcut(
        "chat.sidebar", "Ctrl+B", str(QT_TRANSLATE_NOOP("Shortcuts", "Show or hide the chats"))
    ),
    Shortcut("window.chat", "Ctrl+1", str(QT_TRANSLATE_NOOP("Shortcuts", "Chat"))),
    Shortcut("window.reminders", "Ctrl+2", str(QT_TRANSLATE_NOOP("Shortcuts", "Reminders"))),
    Shortcut("window.activity", "Ctrl+5", str(QT_TRANSLATE_NOOP("Shortcuts", "Activity"))),
    Shortcut("window.settings", "Ctrl+6", str(QT_TRANSLATE_NOOP("Shortcuts", "Settings"))),
    Shortcut("window.quick", "Ctrl+Alt+Space", str(QT_TRANSLATE_NOOP("Shortcuts", "Quick ask"))),
    Shortcut("help.shortcuts", "F1", str(QT_TRANSLATE_NOOP("Shortcuts", "All shortcuts"))),
    Shortcut("program.quit", "Ctrl+Q", str(QT_TRANSLATE_NOOP("Shortcuts", "Quit Nagatha"))),
)

LISTED: tuple[tuple[str, str], ...] = (
    ("Return", str(QT_TRANSLATE_NOOP("Shortcuts", "Send"))),
    ("Shift+Return", str(QT_TRANSLATE_NOOP("Shortcuts", "New line"))),
    ("Up", str(QT_TRANSLATE_NOOP("Shortcuts", "In an empty box: edit the last message"))),
    ("Del", str(QT_TRANSLATE_NOOP("Shortcuts", "In the activity: cancel a run"))),
    ("Space", str(QT_TRANSLATE_NOOP("Shortcuts", "In the reminders: done"))),
    ("S", str(QT_TRANSLATE_NOOP("Shortcuts", "In the reminders: snooze"))),
    ("N", str(QT_TRANSLATE_NOOP("Shortcuts", "In the reminders: skip once"))),
    ("C", str(QT_TRANSLATE_NOOP("Shortcuts", "In the reminders: open its chat"))),
    ("Ctrl+Return", str(QT_TRANSLATE_NOOP("Shortcuts", "In quick ask: open in chat"))),
)
"""Keys of text boxes: shown in the list, changed elsewhere or not at all."""


def effective(chosen: Mapping[str, str]) -> dict[str, str]:
    """The key of each shortcut: the person's where there is one ("" for none), else the default."""
    return {shortcut.id: chosen.get(shortcut.id, shortcut.default) for shortcut in SHORTCUTS}


def conflicts(chosen: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Keys that stand for more than one shortcut, with the ids that share each."""
    by_key: dict[str, list[str]] = {}
    for name, key in effective(chosen).items():
        if key:
            portable = QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)
            by_key.setdefault(portable, []).append(name)
    return {key: tuple(names) for key, names in by_key.items() if len(names) > 1}


def key_text(key: str) -> str:
    """How a key is written for a person on this system."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def hotkey_refused(key: str, reason: str) -> Problem:
    """What a person is told where the system does not give `key`, which is to work everywhere."""
    translate = QCoreApplication.translate
    return Problem(
        "hotkey",
        translate("Program", "{key} does not open quick ask").format(key=key_text(key)),
        reason,
        translate("Program", "Choose another key in Settings."),
        "settings",
    )


class Keys(QObject):
    """The keys in force; `changed` tells windows to take the new ones."""

    changed = Signal()

    def __init__(self, chosen: Mapping[str, str] | None = None, parent: QObject | None = None):
        super().__init__(parent)
        self._chosen = dict(chosen or {})

    def key(self, shortcut: str) -> str:
        """The key of a shortcut in portable form, "" for none."""
        return effective(self._chosen)[shortcut]

    def choose(self, chosen: Mapping[str, str]) -> None:
        """Replace the person's choices."""
        if dict(chosen) != self._chosen:
            self._chosen = dict(chosen)
            self.changed.emit()


class WindowKeys(QObject):
    """The actions of one window, kept in step with `Keys`. Lives as long as the window."""

    def __init__(
        self, window: QWidget, keys: Keys, handlers: Mapping[str, Callable[[], object]]
    ) -> None:
        super().__init__(window)
        self._keys = keys
        self.actions: dict[str, QAction] = {}
        titles = {shortcut.id: shortcut.title for shortcut in SHORTCUTS}
        for name, handler in handlers.items():
            action = QAction(titles[name], window)
            action.triggered.connect(handler)
            window.addAction(action)
            self.actions[name] = action
        self._apply()
        keys.changed.connect(self._apply)

    def _apply(self) -> None:
        for name, action in self.actions.items():
            action.setShortcut(QKeySequence(self._keys.key(name)))
