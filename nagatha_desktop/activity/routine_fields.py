"""The fields of the dialog that makes and changes routines, and where they stand.

Owns the layout. What is offered in them, what depends on what, and keeping it is the editor's.
"""

from PySide6.QtCore import Qt, QTimeZone
from PySide6.QtWidgets import (
    QCheckBox,
    QCompleter,
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.activity import routine_words as words
from nagatha_desktop.activity.controls import Choice
from nagatha_desktop.activity.when import When
from nagatha_desktop.widgets.badges import label, section, wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES

SIZE = (600, 660)


class RoutineFields(QDialog):
    """See the module."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.resize(*SIZE)
        self.setMinimumSize(MEASURES.grid * 60, MEASURES.grid * 50)
        self._lay_out()

    def _lay_out(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setAccessibleName(self.tr("Routine"))
        inner = QWidget()
        set_role(inner, "canvas")
        self._column = QVBoxLayout(inner)
        side = MEASURES.grid * 2
        self._column.setContentsMargins(side, side, side, side)
        self._column.setSpacing(MEASURES.grid)
        self._what_part()
        self._when_part()
        self._how_part()
        self._column.addStretch(1)
        area.setWidget(inner)
        self.area = area
        whole.addWidget(area, 1)
        whole.addWidget(self._foot())

    def _form(self, title: str) -> QFormLayout:
        self._column.addWidget(section(title))
        form = QFormLayout()
        form.setSpacing(MEASURES.grid)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._column.addLayout(form)
        self._column.addSpacing(MEASURES.grid)
        return form

    def _add(self, form: QFormLayout, title: str, field: QWidget) -> None:
        name = label(title, "muted")
        name.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        name.setContentsMargins(0, MEASURES.grid, 0, 0)
        name.setMinimumWidth(MEASURES.grid * 14)
        if not field.accessibleName():
            field.setAccessibleName(title)
        name.setBuddy(field)
        form.addRow(name, field)

    def _what_part(self) -> None:
        form = self._form(self.tr("What it does"))
        self.kind = Choice()
        self.kind.addItem(self.tr("Ask the assistant"), "prompt")
        self.kind.addItem(self.tr("Run a module's task"), "task")
        self._add(form, self.tr("Kind"), self.kind)
        self.prompt = QPlainTextEdit()
        self.prompt.setPlaceholderText(self.tr("Summarise what is new in my feeds …"))
        self.prompt.setTabChangesFocus(True)
        self.prompt.setFixedHeight(MEASURES.grid * 11)
        self._add(form, self.tr("Prompt"), self.prompt)
        self.task = Choice()
        self.task.setAccessibleName(self.tr("Task"))
        self.about = wrapped("", "small")
        self._task_row = QWidget()
        lines = QVBoxLayout(self._task_row)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(MEASURES.half)
        lines.addWidget(self.task)
        lines.addWidget(self.about)
        self._add(form, self.tr("Task"), self._task_row)
        self._given = QVBoxLayout()
        self._given.setContentsMargins(0, 0, 0, 0)
        self.given = QWidget()
        self.given.setLayout(self._given)
        self._add(form, self.tr("Arguments"), self.given)
        self.title = QLineEdit()
        self.title.setPlaceholderText(self.tr("Made from what it does"))
        self._add(form, self.tr("Title"), self.title)
        self._what = form

    def _when_part(self) -> None:
        form = self._form(self.tr("When"))
        self.when = When()
        self._add(form, self.tr("Runs"), self.when)
        self.zone = Choice()
        self.zone.setEditable(True)
        self.zone.setInsertPolicy(Choice.InsertPolicy.NoInsert)
        here = words.local_zone()
        self.zone.addItem(here)
        names = sorted(
            bytes(name.data()).decode("ascii", "replace")
            for name in QTimeZone.availableTimeZoneIds()
        )
        self.zone.addItems([name for name in names if "/" in name and name != here])
        completer = QCompleter(self.zone.model(), self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.zone.setCompleter(completer)
        self._add(form, self.tr("Time zone"), self.zone)
        self.next = wrapped("", "small")
        self.next.setContentsMargins(0, MEASURES.grid, 0, 0)
        self.next.setMinimumHeight(MEASURES.target)
        self._add(form, self.tr("Next times"), self.next)

    def _how_part(self) -> None:
        form = self._form(self.tr("How"))
        self.provider = Choice()
        self.model = Choice()
        self.model.setEditable(True)
        self.model.setInsertPolicy(Choice.InsertPolicy.NoInsert)
        self.model.setAccessibleName(self.tr("Model"))
        self.provider.setAccessibleName(self.tr("Who is asked"))
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(MEASURES.grid)
        row.addWidget(self.provider, 1)
        row.addWidget(self.model, 1)
        self._add(form, self.tr("Model"), both)
        self._model_row = both
        self.tools = Choice()
        self.tools.addItem(self.tr("All"), "all")
        self.tools.addItem(self.tr("None"), "none")
        self.tools.addItem(self.tr("Only these"), "some")
        self._add(form, self.tr("Tools"), self.tools)
        self.tool_list = QListWidget()
        self.tool_list.setAccessibleName(self.tr("Tools that it may use"))
        self.tool_list.setFixedHeight(MEASURES.grid * 16)
        form.addRow("", self.tool_list)
        self.chat = Choice()
        self._add(form, self.tr("Answers in"), self.chat)
        self.missed = Choice()
        for text, value in (
            (self.tr("Run once for all of them"), "once"),
            (self.tr("Leave them out"), "skip"),
            (self.tr("Ask me"), "ask"),
        ):
            self.missed.addItem(text, value)
        self._add(form, self.tr("Missed times"), self.missed)
        self.overlap = Choice()
        self.overlap.addItem(self.tr("Leave this time out"), "skip")
        self.overlap.addItem(self.tr("Run after it"), "queue")
        self._add(form, self.tr("Last one still runs"), self.overlap)
        self.notify = QCheckBox(self.tr("Notify me when it ends"))
        form.addRow("", self.notify)
        self._how = form

    def _foot(self) -> QFrame:
        foot = QFrame()
        set_role(foot, "foot")
        column = QVBoxLayout(foot)
        side = MEASURES.grid * 2
        column.setContentsMargins(side, side * 3 // 4, side, side * 3 // 4)
        column.setSpacing(MEASURES.grid)
        self._told = QVBoxLayout()
        column.addLayout(self._told)
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        row.addStretch(1)
        self.cancel_button = button(self.tr("Cancel"), "secondary")
        self.save_button = button(self.tr("Save"), "primary")
        row.addWidget(self.cancel_button)
        row.addWidget(self.save_button)
        column.addLayout(row)
        return foot
