"""Shortcuts: every key of the program can be changed here, and the one that works everywhere.

Owns what a person chose instead of the defaults, and that no key is given twice unseen.
"""

from PySide6.QtCore import QCoreApplication, Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from nagatha_desktop.platform.hotkey import combination
from nagatha_desktop.settings.key_recorder import KeyRecorder
from nagatha_desktop.settings.outside import Outside
from nagatha_desktop.settings.page import Page, Row, Rows
from nagatha_desktop.shortcuts import LISTED, SHORTCUTS, Keys, Shortcut, effective, key_text
from nagatha_desktop.state import WindowState
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import CopyButton, button
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Problem

EVERYWHERE = "Ctrl+Alt+Space"
"""What is offered for the key that works everywhere."""
_FREE = frozenset({Qt.Key.Key_Escape, *(Qt.Key(Qt.Key.Key_F1.value + n) for n in range(35))})
"""Keys that write nothing and may stand alone."""


class ShortcutsPage(Page):
    """See the module."""

    def __init__(
        self, state: WindowState, keys: Keys, outside: Outside, parent: QWidget | None = None
    ) -> None:
        super().__init__(self.tr("Shortcuts"), parent)
        self._state = state
        self._keys = keys
        self._outside = outside
        self.rows: dict[str, ShortcutRow] = {}
        self._everywhere_part()
        self.add_section(self.tr("In Nagatha's windows"))
        rows = Rows()
        for shortcut in SHORTCUTS:
            if shortcut.fixed:
                continue
            row = ShortcutRow(shortcut)
            row.recorder.recorded.connect(self._recorded)
            row.reset_button.clicked.connect(self._reset)
            row.take_button.clicked.connect(self._take_over)
            self.rows[shortcut.id] = row
            rows.add(row)
        self.add(rows)
        self.reset_all_button = button(self.tr("All back to the defaults"))
        self.reset_all_button.clicked.connect(self._reset_all)
        line = QHBoxLayout()
        line.addWidget(self.reset_all_button)
        line.addStretch(1)
        self.column.addLayout(line)
        self.add_section(self.tr("In text boxes"))
        listed = Rows()
        for key, text in LISTED:
            fixed = Row(QCoreApplication.translate("Shortcuts", text))
            fixed.put(label(key_text(key), "muted"))
            listed.add(fixed)
        self.add(listed)
        self.end()
        state.changed.connect(self._state_changed)
        self._show()

    def _everywhere_part(self) -> None:
        self.add_section(self.tr("Everywhere on the desktop"))
        rows = Rows()
        missing = self._outside.hotkey_missing
        self.everywhere_row = Row(
            self.tr("Quick ask from everywhere"),
            missing or self.tr("Opens the quick window, whichever program is in front."),
        )
        self.everywhere = KeyRecorder(self.tr("Quick ask from everywhere"))
        self.everywhere.recorded.connect(self._everywhere_recorded)
        self.everywhere_row.put(self.everywhere)
        self.everywhere.setVisible(missing is None)
        rows.add(self.everywhere_row)
        command_row = Row(
            self.tr("Command for a key of the desktop"),
            self.tr("Bind it in the settings of your desktop; it works everywhere, Wayland too."),
        )
        self.command = QLineEdit(self._outside.quick_command)
        self.command.setReadOnly(True)
        self.command.setAccessibleName(self.tr("Command for a key of the desktop"))
        self.copy_button = CopyButton(self.tr("Copy the command"))
        self.copy_button.clicked.connect(self._copy)
        line = QHBoxLayout()
        line.setSpacing(MEASURES.grid)
        line.addWidget(self.command, 1)
        line.addWidget(self.copy_button)
        command_row.below.insertLayout(0, line)
        rows.add(command_row)
        self.add(rows)

    # -- showing ----------------------------------------------------------------------------------

    @property
    def chosen(self) -> dict[str, str]:
        """What the person chose instead of the defaults."""
        return self._state.mapping("shortcuts")

    @Slot(str)
    def _state_changed(self, key: str) -> None:
        if key in ("shortcuts", "hotkey"):
            self._show()

    @Slot()
    def _show(self) -> None:
        chosen = self.chosen
        keys = effective(chosen)
        for name, row in self.rows.items():
            row.show_key(keys[name])
        self.reset_all_button.setEnabled(any(not row.is_default for row in self.rows.values()))
        self.everywhere.set_key(self._state.text("hotkey"))

    # -- changing ---------------------------------------------------------------------------------

    def _choose(self, **changes: str) -> None:
        """Give shortcuts other keys; a default is not kept as a choice."""
        defaults = effective({})
        wanted = {**self.chosen, **changes}
        kept = {name: key for name, key in wanted.items() if key != defaults.get(name)}
        self._state.set("shortcuts", dict(kept))
        self._keys.choose(kept)
        self._show()

    def _row_of(self, sender: object) -> "ShortcutRow | None":
        for row in self.rows.values():
            if sender in (row.recorder, row.reset_button, row.take_button):
                return row
        return None

    @Slot(str)
    def _recorded(self, key: str) -> None:
        row = self._row_of(self.sender())
        if row is None:
            return
        self._quieten()
        reason = unfit(key)
        if reason is not None:
            row.status.say(reason, "bad")
            return
        other = self._holder(key, row.shortcut.id)
        if other is not None:
            row.offer(key, other)
            return
        self._choose(**{row.shortcut.id: key})

    def _holder(self, key: str, wanted_by: str) -> Shortcut | None:
        """Who has the key already."""
        if not key:
            return None
        keys = effective(self.chosen)
        for shortcut in SHORTCUTS:
            if shortcut.id != wanted_by and same_key(keys[shortcut.id], key):
                return shortcut
        return None

    @Slot()
    def _take_over(self) -> None:
        row = self._row_of(self.sender())
        if row is not None and row.offered is not None:
            key, other = row.offered
            self._quieten()
            self._choose(**{row.shortcut.id: key, other.id: ""})

    @Slot()
    def _reset(self) -> None:
        row = self._row_of(self.sender())
        if row is None:
            return
        self._quieten()
        other = self._holder(row.shortcut.default, row.shortcut.id)
        if other is not None:
            row.offer(row.shortcut.default, other)
        else:
            self._choose(**{row.shortcut.id: row.shortcut.default})

    @Slot()
    def _reset_all(self) -> None:
        self._quieten()
        self._choose(**effective({}))

    def _quieten(self) -> None:
        for row in self.rows.values():
            row.quieten()

    # -- everywhere -------------------------------------------------------------------------------

    @Slot(str)
    def _everywhere_recorded(self, key: str) -> None:
        self.everywhere_row.problems.clear()
        reason = unfit(key)
        self.everywhere_row.status.say(reason or "", "bad")
        if reason is None:
            self._state.set("hotkey", key)

    @Slot(str)
    def hotkey_refused(self, reason: str) -> None:
        """The key that works everywhere could not be had, and why."""
        if self._state.text("hotkey"):
            self.everywhere_row.problems.tell(
                Problem(
                    "hotkey",
                    self.tr("The key could not be had"),
                    reason,
                    self.tr("Choose another one, or bind the command below."),
                ),
                "warn",
            )

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.command.text())
        self.copy_button.copied_now()


class ShortcutRow(Row):
    """One shortcut: its key, and what to do where the key is taken."""

    def __init__(self, shortcut: Shortcut, parent: QWidget | None = None) -> None:
        super().__init__(shortcut.title, "", parent)
        self.shortcut = shortcut
        self.offered: tuple[str, Shortcut] | None = None
        self.reset_button = button(
            self.tr("Default"),
            "quiet",
            name=self.tr("Default key of “{title}”").format(title=shortcut.title),
        )
        policy = self.reset_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset_button.setSizePolicy(policy)
        self.recorder = KeyRecorder(shortcut.title)
        self.put(self.reset_button)
        self.put(self.recorder)
        self.take_button: QPushButton = button(self.tr("Use it here instead"))
        line = QHBoxLayout()
        line.setSpacing(MEASURES.grid)
        self.below.removeWidget(self.status)
        line.addWidget(self.status, 1)
        line.addWidget(self.take_button)
        self.below.insertLayout(0, line)
        self.quieten()

    @property
    def is_default(self) -> bool:
        """Whether the key is the one that it has by itself."""
        return same_key(self.recorder.key, self.shortcut.default)

    def show_key(self, key: str) -> None:
        """Show the key in force."""
        self.recorder.set_key(key)
        self.reset_button.setVisible(not self.is_default)

    def offer(self, key: str, other: Shortcut) -> None:
        """Say that another shortcut has the key, and offer to take it."""
        self.offered = (key, other)
        self.status.say(
            self.tr("{key} is “{other}” already, which would have no key then.").format(
                key=key_text(key), other=other.title
            ),
            "warn",
        )
        self.take_button.show()

    def quieten(self) -> None:
        """Take back what was said and offered."""
        self.offered = None
        self.status.say("")
        self.take_button.hide()


def same_key(one: str, other: str) -> bool:
    """Whether two texts mean the same key."""
    return QKeySequence(one) == QKeySequence(other)


def unfit(key: str) -> str | None:
    """Why a key cannot be a shortcut; None where it can, or where there is none."""
    if not key:
        return None
    found = combination(key)
    if found is None:
        return QCoreApplication.translate("ShortcutsPage", "This is not one key.")
    modifiers = found.keyboardModifiers()
    strong = (
        Qt.KeyboardModifier.ControlModifier
        | Qt.KeyboardModifier.AltModifier
        | Qt.KeyboardModifier.MetaModifier
    )
    if modifiers & strong or found.key() in _FREE:
        return None
    return QCoreApplication.translate(
        "ShortcutsPage", "A key that writes needs Ctrl, Alt or Super with it."
    )
