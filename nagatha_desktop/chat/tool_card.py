"""A tool call inside an answer: its name, what it was asked, how it went.

Owns the card and its unfolding. Knows not what a tool does.
"""

import json
from time import monotonic

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from nagatha_desktop.widgets.badges import Badge, Elided, label
from nagatha_desktop.widgets.buttons import icon_button
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.markdown import Looks
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import one_line, seconds, shown, whole_seconds
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import ToolUse

_SHORT = 200
_LONG = 20_000
"""Characters of a result that the open card shows."""
_LINES = 14
"""Lines of a result that the open card shows before it scrolls."""


class ToolCard(QFrame):
    """One call; the button at its right end shows all of it."""

    height_changed = Signal()

    def __init__(
        self, tool: ToolUse, look: Looks, themes: ThemeController, parent: QWidget
    ) -> None:
        super().__init__(parent)
        set_role(self, "tool")
        self.tool = tool
        self._themes = themes
        self._look = look
        self._begun = monotonic()
        self._detail: QWidget | None = None
        self._texts: list[QPlainTextEdit] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        head = QWidget(self)
        row = QHBoxLayout(head)
        row.setContentsMargins(MEASURES.grid * 3 // 2, 0, MEASURES.half, 0)
        row.setSpacing(MEASURES.grid)
        row.addWidget(label(shown(tool.name).replace("__", " · "), "strong"))
        self._arguments = Elided("", "small")
        row.addWidget(self._arguments, 1)
        self.badge = Badge()
        row.addWidget(self.badge)
        self.toggle = icon_button(themes, "right", "", colour="muted")
        self.toggle.clicked.connect(self._toggle)
        row.addWidget(self.toggle)
        head.setFixedHeight(MEASURES.button + MEASURES.grid)
        self._column.addWidget(head)
        self.set_tool(tool)
        self._name_toggle()

    @property
    def open(self) -> bool:
        """Whether arguments and result are shown."""
        return self._detail is not None

    def set_tool(self, tool: ToolUse) -> None:
        """Show how the call stands now."""
        self.tool = tool
        self._arguments.set_text(short_arguments(tool.arguments))
        self.tick()
        if self._detail is not None:
            self._fold()
            self._unfold()
            self.height_changed.emit()
        self.setAccessibleName(
            self.tr("Tool {name}: {state}").format(name=tool.name, state=self.badge.text())
        )

    def tick(self) -> None:
        """Count the seconds on."""
        tool = self.tool
        if tool.state == "running":
            time = whole_seconds(monotonic() - self._begun)
            self.badge.say(self.tr("running {time}").format(time=time), "accent")
            return
        word = self.tr("done") if tool.state == "done" else self.tr("failed")
        time = "" if tool.seconds is None else f" {seconds(tool.seconds)}"
        self.badge.say(word + time, "ok" if tool.state == "done" else "bad")

    def height_for(self, width: int) -> int:
        border = 2 * MEASURES.border
        height = MEASURES.button + MEASURES.grid + border
        if self._detail is not None:
            height += self._detail.sizeHint().height()
        return height

    def set_looks(self, look: Looks) -> None:
        self._look = look
        for text in self._texts:
            text.setFont(look.fixed)

    @Slot()
    def _toggle(self) -> None:
        if self._detail is None:
            self._unfold()
        else:
            self._fold()
        self._name_toggle()
        self.height_changed.emit()

    def _name_toggle(self) -> None:
        name = self.tr("Hide details") if self.open else self.tr("Show details")
        self.toggle.setIcon(icon(self._themes, "down" if self.open else "right", "muted"))
        self.toggle.setToolTip(name)
        self.toggle.setAccessibleName(f"{name}: {self.tool.name}")

    def _fold(self) -> None:
        if self._detail is not None:
            self._column.removeWidget(self._detail)
            self._detail.hide()
            self._detail.deleteLater()
        self._detail = None
        self._texts = []

    def _unfold(self) -> None:
        detail = QWidget(self)
        column = QVBoxLayout(detail)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, 0, side, side)
        column.setSpacing(MEASURES.half)
        self._add(column, self.tr("Asked with"), pretty(self.tool.arguments))
        if self.tool.state != "running":
            self._add(column, self.tr("Answered"), pretty(self.tool.result) or self.tr("nothing"))
        self._detail = detail
        self._column.addWidget(detail)
        detail.show()

    def _add(self, column: QVBoxLayout, title: str, text: str) -> None:
        column.addWidget(label(title, "small"))
        view = QPlainTextEdit()
        set_role(view, "code-input")
        view.setReadOnly(True)
        view.setFont(self._look.fixed)
        view.setAccessibleName(f"{title}: {self.tool.name}")
        view.setPlainText(shown(text[:_LONG]) + (" …" if len(text) > _LONG else ""))
        view.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        lines = min(_LINES, view.document().blockCount())
        view.ensurePolished()
        view.setFixedHeight(lines * view.fontMetrics().lineSpacing() + MEASURES.grid * 3)
        self._texts.append(view)
        column.addWidget(view)


def arguments_of(tool: ToolUse) -> dict[str, object] | None:
    """The arguments of a call as values; None where the model wrote no JSON object."""
    try:
        values = json.loads(tool.arguments) if tool.arguments.strip() else {}
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def short_arguments(arguments: str) -> str:
    """The arguments of a call on one line, as a person would write them."""
    try:
        values = json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        return one_line(arguments, _SHORT)
    if not isinstance(values, dict):
        return one_line(arguments, _SHORT)
    if len(values) == 1:
        return one_line(_word(next(iter(values.values()))), _SHORT)
    return one_line(", ".join(f"{key}: {_word(value)}" for key, value in values.items()), _SHORT)


def pretty(text: str) -> str:
    """JSON with indents; anything else as it is."""
    if text[:1] not in "{[" or len(text) > _LONG:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
