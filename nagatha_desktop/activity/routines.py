"""The person's routines: their rows, and what is done to them.

Owns reading them, keeping them in step with events, and doing what the rows ask for. How a routine
is made or changed is the editor's affair.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from nagatha_desktop.activity import routine_words as words
from nagatha_desktop.activity.routine_rows import RoutineRow
from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.widgets.badges import section, wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import Card, rule
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.events import DataReplaced, Event, OccurrenceChanged, RoutineChanged
from worker.contract.routines import Occurrence, Routine
from worker.contract.services import Client
from worker.contract.types import Problem

if TYPE_CHECKING:
    from nagatha_desktop.activity.routine_editor import RoutineEditor


class Routines(QWidget):
    """See the module. `load` reads them again."""

    failed = Signal(object)
    """Something could not be done (Problem)."""
    said = Signal(str, str, str)
    """Something was done: a text, and a button's text and token, or "" for none."""
    chat_wanted = Signal(str)
    run_wanted = Signal(str)
    """Show this run (id)."""
    changed = Signal()
    """There are more or fewer of them."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        clock: Callable[[], datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._themes = themes
        self._clock = clock
        self._call: Call | None = None
        self.loaded = False
        self.rows: dict[str, RoutineRow] = {}
        self.editor: RoutineEditor | None = None
        """The dialog that is open."""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, MEASURES.grid)
        self._column.setSpacing(MEASURES.grid)
        head = QHBoxLayout()
        head.addWidget(section(self.tr("Your routines")), 1)
        self.new_button = button(self.tr("New routine …"), "primary")
        self.new_button.clicked.connect(self.new)
        head.addWidget(self.new_button)
        self._column.addLayout(head)
        self.hint = wrapped(
            self.tr(
                "A question or a module's task that runs by itself, each weekday at 8:30 for "
                "instance, is listed here."
            ),
            "muted",
        )
        self._column.addWidget(self.hint)
        self.card: Card | None = None
        bridge.listen(self, self._take)

    # -- what there is ----------------------------------------------------------------------------

    @Slot()
    def load(self) -> None:
        """Read all of them again."""
        if self._call is not None:
            self._call.cancel()
        self._call = self._bridge.call(
            lambda client: client.routines.list_routines(),
            owner=self,
            done=self._show,
            failed=self._not_read,
        )

    def _not_read(self, problem: Problem) -> None:
        self._call = None
        self.failed.emit(problem)

    def _show(self, found: tuple[Routine, ...]) -> None:
        self._call = None
        self.loaded = True
        if [routine.id for routine in found] == list(self.rows):
            for routine in found:
                self.rows[routine.id].put(routine)
        else:
            self._make_rows(found)
        self.changed.emit()

    def _make_rows(self, found: tuple[Routine, ...]) -> None:
        opened = {name for name, row in self.rows.items() if row.history_button.isChecked()}
        if self.card is not None:
            self._column.removeWidget(self.card)
            self.card.hide()
            self.card.deleteLater()
            self.card = None
        self.rows = {}
        self.hint.setVisible(not found)
        if not found:
            return
        card = Card()
        card.column.setContentsMargins(0, MEASURES.half, 0, MEASURES.half)
        card.column.setSpacing(0)
        for routine in found:
            if self.rows:
                card.column.addWidget(rule())
            row = RoutineRow(routine, self._themes, self._clock)
            row.edit_wanted.connect(self.edit)
            row.run_wanted.connect(self._run)
            row.pause_wanted.connect(self._pause)
            row.delete_wanted.connect(self._delete)
            row.history_wanted.connect(self._read_history)
            row.chat_wanted.connect(self.chat_wanted)
            row.show_run_wanted.connect(self.run_wanted)
            card.column.addWidget(row)
            self.rows[routine.id] = row
            if routine.id in opened:
                row.history_button.click()
        self._column.addWidget(card)
        self.card = card

    @Slot()
    def tick(self) -> None:
        """Time has passed."""
        for row in self.rows.values():
            row.tick()

    def title_of(self, routine: str) -> str:
        """What a routine (its id) is called; "" for one that is not listed."""
        row = self.rows.get(routine)
        return words.title_of(row.routine) if row is not None else ""

    def _take(self, event: Event) -> None:
        if isinstance(event, RoutineChanged):
            self._put(event.routine)
        elif isinstance(event, OccurrenceChanged):
            self._happened(event.occurrence)
        elif isinstance(event, DataReplaced) and self.loaded:
            self.load()

    def _put(self, routine: Routine) -> None:
        row = self.rows.get(routine.id)
        if row is None or routine.deleted is not None:
            if self.loaded and (row is not None or routine.deleted is None):
                self.load()
            return
        row.put(routine)

    def _happened(self, occurrence: Occurrence) -> None:
        row = self.rows.get(occurrence.routine)
        if row is None or occurrence.state == "asking":
            return
        last = row.routine.last
        if last is None or last.id == occurrence.id or last.due <= occurrence.due:
            row.put(replace(row.routine, last=occurrence))
        elif row.history_button.isChecked():
            self._read_history(row.routine.id)

    # -- what a person wants ----------------------------------------------------------------------

    @Slot()
    def new(self) -> None:
        """Make a routine."""
        self._edit(None)

    @Slot(str)
    def edit(self, routine: str) -> None:
        """Change a routine."""
        if routine in self.rows:
            self._edit(self.rows[routine].routine)

    def _edit(self, routine: Routine | None) -> None:
        if self.editor is not None:
            self.editor.raise_()
            self.editor.activateWindow()
            return
        from nagatha_desktop.activity.routine_editor import RoutineEditor

        self.editor = RoutineEditor(self._bridge, routine, self.window())
        self.editor.saved.connect(self._saved)
        self.editor.finished.connect(self._closed)
        self.editor.open()

    @Slot(object)
    def _saved(self, routine: Routine) -> None:
        self._put(routine)
        text = self.tr("“{title}” is kept.").format(title=words.title_of(routine))
        self.said.emit(text, "", "")

    @Slot()
    def _closed(self) -> None:
        editor, self.editor = self.editor, None
        if editor is not None:
            editor.deleteLater()

    def _ask(
        self,
        use: Callable[[Client], Awaitable[Routine]],
        then: Callable[[Routine], None] | None = None,
    ) -> None:
        def done(routine: Routine) -> None:
            self._put(routine)
            if then is not None:
                then(routine)

        self._bridge.call(use, owner=self, done=done, failed=self._refused)

    @Slot(str)
    def _run(self, routine: str) -> None:
        title = self.title_of(routine)

        def begun(occurrence: Occurrence) -> None:
            self._happened(occurrence)
            self.said.emit(self.tr("“{title}” runs now.").format(title=title), "", "")

        self._bridge.call(
            lambda client: client.routines.run_now(routine),
            owner=self,
            done=begun,
            failed=self._refused,
        )

    @Slot(str, bool)
    def _pause(self, routine: str, paused: bool) -> None:
        self._ask(lambda client: client.routines.pause(routine, paused))

    @Slot(str)
    def _delete(self, routine: str) -> None:
        title = self.title_of(routine)

        def gone(_: Routine) -> None:
            text = self.tr("“{title}” was deleted.").format(title=title)
            self.said.emit(text, self.tr("Undo"), f"undelete:{routine}")

        self._ask(lambda client: client.routines.delete(routine), gone)

    def undelete(self, routine: str) -> None:
        """Bring a routine (its id) back."""
        self._ask(lambda client: client.routines.undelete(routine))

    @Slot(str)
    def _read_history(self, routine: str) -> None:
        def read(found: tuple[Occurrence, ...]) -> None:
            row = self.rows.get(routine)
            if row is not None:
                row.history.show_all(found, row.routine.kind)

        self._bridge.call(
            lambda client: client.routines.history(routine),
            owner=self,
            done=read,
            failed=self.failed.emit,
        )

    def _refused(self, problem: Problem) -> None:
        self.failed.emit(problem)
        self.load()
