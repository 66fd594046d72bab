"""Making a routine, or changing one: what it does, when, and what becomes of its answer.

Owns the dialog. What it offers (tasks, models, tools, chats) and whether a draft makes sense comes
from the engine; nothing is kept before Save.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QShowEvent, QTextCursor
from PySide6.QtWidgets import (
    QListWidgetItem,
    QWidget,
)

from nagatha_desktop.activity import routine_words as words
from nagatha_desktop.activity.arguments import ArgumentForm, Unreadable
from nagatha_desktop.activity.routine_fields import RoutineFields
from nagatha_desktop.activity.words import plain
from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.widgets.cards import ErrorCard
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import one_line, shown
from nagatha_desktop.widgets.tokens import Tone
from worker.contract.routines import CatchUp, Overlap, Routine, RoutineDraft
from worker.contract.services import Client
from worker.contract.system import ModelInfo, Provider, TaskInfo, ToolInfo
from worker.contract.types import Chat, JsonObject, Problem

SETTLES = 300
"""Milliseconds of rest after which the next times are asked for."""
_TITLE = 80
_CHATS = 200


@dataclass(frozen=True, slots=True)
class Offered:
    """What can be chosen."""

    tasks: tuple[TaskInfo, ...] = ()
    providers: tuple[Provider, ...] = ()
    tools: tuple[ToolInfo, ...] = ()
    chats: tuple[Chat, ...] = ()


class RoutineEditor(RoutineFields):
    """See the module. `saved` tells what was kept; then it closes."""

    saved = Signal(object)
    """The routine as it is now (Routine)."""

    def __init__(
        self, bridge: Bridge, routine: Routine | None, parent: QWidget | None = None
    ) -> None:
        """`routine` None makes a new one."""
        super().__init__(parent)
        self._bridge = bridge
        self._routine = routine
        self._offered = Offered()
        self._preview: Call | None = None
        self._models: Call | None = None
        self._saving = False
        self._read = False
        self.card: ErrorCard | None = None
        """Why it could not be kept."""
        self.arguments: ArgumentForm | None = None
        self.setWindowTitle(self.tr("New routine") if routine is None else self.tr("Edit routine"))
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(SETTLES)
        self._rest.timeout.connect(self.ask_preview)
        self._connect()
        self._fill(routine)
        self._turn_kind()

    # -- how it works together ---------------------------------------------------------------------

    def _connect(self) -> None:
        self.cancel_button.clicked.connect(self.reject)
        self.save_button.clicked.connect(self.save)
        self.kind.currentIndexChanged.connect(self._turn_kind)
        self.prompt.textChanged.connect(self._soon)
        self.task.currentIndexChanged.connect(self._turn_task)
        self.when.changed.connect(self._soon)
        self.zone.editTextChanged.connect(self._soon)
        self.provider.currentIndexChanged.connect(self._turn_provider)
        self.tools.currentIndexChanged.connect(self._turn_tools)

    # -- what it begins with ----------------------------------------------------------------------

    def _fill(self, routine: Routine | None) -> None:
        self.notify.setChecked(routine.notify if routine is not None else True)
        self.provider.addItem(self.tr("As in Settings"), "")
        self.chat.addItem(self.tr("A new chat each time"), None)
        if routine is None:
            return
        self.kind.choose(routine.kind)
        self.prompt.setPlainText(routine.prompt)
        self.prompt.moveCursor(QTextCursor.MoveOperation.End)
        self.title.setText(routine.title)
        self.when.show_rule(routine.start, routine.rrule, routine.cron)
        self.zone.setEditText(routine.zone)
        if routine.provider:
            self.provider.addItem(routine.provider, routine.provider)
            self.provider.choose(routine.provider)
        self.model.setEditText(routine.model)
        self.missed.choose(routine.missed)
        self.overlap.choose(routine.overlap)
        if routine.tools is not None:
            self.tools.choose("some" if routine.tools else "none")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)

        async def read(client: Client) -> Offered:
            return Offered(
                await client.modules.list_tasks(),
                await client.models.providers(),
                await client.tools.list_tools(),
                await client.chats.list_chats(limit=_CHATS),
            )

        self._bridge.call(read, owner=self, done=self._know, failed=self._not_read)
        self._wait(False)
        (self.prompt if self.kind.currentData() == "prompt" else self.task).setFocus()
        self.ask_preview()

    def _not_read(self, problem: Problem) -> None:
        """What was chosen before stays, and can be kept."""
        self._tell(problem)
        self._know(Offered())

    def _know(self, offered: Offered) -> None:
        self._read = True
        self._wait(False)
        self._offered = offered
        routine = self._routine
        wanted = routine.task if routine is not None else ""
        self.task.blockSignals(True)
        self.task.clear()
        for task in offered.tasks:
            module = plain(task.module)
            self.task.addItem(f"{module} · {plain(task.name.rpartition('.')[2])}", task.name)
        if wanted and self.task.findData(wanted) < 0:
            self.task.addItem(self.tr("{name} (not there now)").format(name=wanted), wanted)
        self.task.choose(wanted)
        self.task.blockSignals(False)
        self._turn_task()
        self._know_providers(routine)
        may = routine.tools if routine is not None and routine.tools is not None else ()
        names = [tool.name for tool in offered.tools]
        for name in (*names, *(name for name in may if name not in names)):
            item = QListWidgetItem(plain(name))
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled
                          | Qt.ItemFlag.ItemIsSelectable)  # fmt: skip
            on = name in may
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self.tool_list.addItem(item)
        for chat in offered.chats:
            title = one_line(chat.title, _TITLE) or self.tr("New chat")
            self.chat.addItem(title.replace("&", "&&"), chat.id)
        if routine is not None and routine.chat is not None:
            if self.chat.findData(routine.chat) < 0:
                self.chat.addItem(self.tr("A chat that is not listed"), routine.chat)
            self.chat.choose(routine.chat)

    def _know_providers(self, routine: Routine | None) -> None:
        chosen = routine.provider if routine is not None else ""
        self.provider.blockSignals(True)
        while self.provider.count() > 1:
            self.provider.removeItem(1)
        for provider in self._offered.providers:
            self.provider.addItem(provider.name, provider.id)
        if chosen and self.provider.findData(chosen) < 0:
            self.provider.addItem(chosen, chosen)
        self.provider.choose(chosen)
        self.provider.blockSignals(False)
        self._turn_provider()

    # -- what depends on what ---------------------------------------------------------------------

    @Slot()
    def _turn_kind(self) -> None:
        asks = self.kind.currentData() == "prompt"
        self._what.setRowVisible(self.prompt, asks)
        for field in (self._task_row, self.given):
            self._what.setRowVisible(field, not asks)
        for field in (self._model_row, self.tools, self.chat):
            self._how.setRowVisible(field, asks)
        self._turn_tools()
        self._soon()

    @Slot()
    def _turn_task(self) -> None:
        task = next((t for t in self._offered.tasks if t.name == self.task.currentData()), None)
        self.about.setText(shown(task.description) if task is not None else "")
        self.about.setVisible(bool(self.about.text()))
        if self.arguments is not None:
            self._given.removeWidget(self.arguments)
            self.arguments.hide()
            self.arguments.deleteLater()
            self.arguments = None
        if task is not None:
            routine = self._routine
            same = routine is not None and routine.task == task.name
            values = routine.arguments if routine is not None and same else {}
            self.arguments = ArgumentForm(task.parameters, values)
            self.arguments.changed.connect(self._soon)
            self._given.addWidget(self.arguments)
        self._soon()

    @Slot()
    def _turn_tools(self) -> None:
        some = self.tools.currentData() == "some" and self.kind.currentData() == "prompt"
        self._how.setRowVisible(self.tool_list, some)

    @Slot()
    def _turn_provider(self) -> None:
        provider = str(self.provider.currentData() or "")
        self.model.setVisible(bool(provider))
        self.model.clear()
        if self._models is not None:
            self._models.cancel()
        kept = self._routine.model if self._routine is not None else ""
        if not provider:
            self.model.setEditText("")
            return
        same = self._routine is not None and provider == self._routine.provider
        self.model.setEditText(kept if same else "")

        def read(models: tuple[ModelInfo, ...]) -> None:
            text = self.model.currentText()
            self.model.addItems([model.id for model in models])
            self.model.setCurrentIndex(self.model.findText(text))
            self.model.setEditText(text)

        # Without a list the name is typed.
        self._models = self._bridge.call(
            lambda client: client.models.list_models(provider),
            owner=self,
            done=read,
            failed=lambda _: None,
        )

    # -- the draft --------------------------------------------------------------------------------

    @property
    def draft(self) -> RoutineDraft:
        """What stands in the dialog. Raises Unreadable for an argument that is no JSON."""
        asks = self.kind.currentData() == "prompt"
        chosen = self.when.chosen
        missed: dict[str, CatchUp] = {"skip": "skip", "once": "once", "ask": "ask"}
        overlap: dict[str, Overlap] = {"skip": "skip", "queue": "queue"}
        made = RoutineDraft(
            title=self.title.text().strip(),
            start=chosen.start,
            zone=self.zone.currentText().strip(),
            rrule=chosen.rrule,
            cron=chosen.cron,
            notify=self.notify.isChecked(),
            missed=missed[self.missed.currentData()],
            overlap=overlap[self.overlap.currentData()],
        )
        if not asks:
            task = str(self.task.currentData() or "")
            return replace(made, task=task, arguments=self._arguments_of(task))
        tools: tuple[str, ...] | None = None
        if self.tools.currentData() != "all":
            tools = tuple(self._checked()) if self.tools.currentData() == "some" else ()
        return replace(
            made,
            prompt=self.prompt.toPlainText().strip(),
            provider=str(self.provider.currentData() or ""),
            model=self.model.currentText().strip(),
            tools=tools,
            chat=self.chat.currentData(),
        )

    def _arguments_of(self, task: str) -> JsonObject:
        if self.arguments is not None:
            return self.arguments.values
        # Without its schema there is no form; what was given for it stays.
        routine = self._routine
        return routine.arguments if routine is not None and routine.task == task else {}

    def _checked(self) -> list[str]:
        items = (self.tool_list.item(row) for row in range(self.tool_list.count()))
        return [
            str(item.data(Qt.ItemDataRole.UserRole))
            for item in items
            if item.checkState() == Qt.CheckState.Checked
        ]

    # -- the next times ---------------------------------------------------------------------------

    @Slot()
    def _soon(self) -> None:
        self._rest.start()

    @Slot()
    def ask_preview(self) -> None:
        """Ask when it would run next, for what stands there now."""
        self._rest.stop()
        if self._preview is not None:
            self._preview.cancel()
        missing = self.when.missing()
        if missing:
            self._say_next(missing, "warn")
            return
        try:
            draft = self.draft
        except Unreadable as error:
            self._say_next(self._unreadable(error), "warn")
            return
        # When it runs does not depend on what it does; that may be written last.
        task = draft.task and draft.task in {task.name for task in self._offered.tasks}
        draft = draft if draft.prompt or task else replace(draft, prompt="…", task="")

        def known(times: tuple[datetime, ...]) -> None:
            said = [words.moment_in(time, draft.zone) for time in times]
            text = "\n".join(said) or self.tr("It would not run any more.")
            self._say_next(text, "muted" if said else "warn")

        def wrong(problem: Problem) -> None:
            self._say_next(str(problem), "bad")

        self._preview = self._bridge.call(
            lambda client: client.routines.preview(draft),
            owner=self,
            done=known,
            failed=wrong,
        )

    def _say_next(self, text: str, tone: Tone) -> None:
        if tone == "muted":
            set_role(self.next, "small")
        else:
            set_role(self.next, "word", tone)
        self.next.setText(shown(text))
        self.next.setAccessibleName(self.tr("Next times: {text}").format(text=text))

    def _unreadable(self, error: Unreadable) -> str:
        return self.tr("What stands for “{name}” is no JSON.").format(name=error)

    # -- keeping it -------------------------------------------------------------------------------

    @Slot()
    def save(self) -> None:
        """Keep it; what is wrong with it is told in place."""
        if self._saving or not self._read:
            return
        missing = self.when.missing()
        try:
            draft = self.draft
        except Unreadable as error:
            missing = self._unreadable(error)
        if missing:
            self._tell(Problem("invalid", self.tr("It cannot be kept yet"), missing))
            return
        self._clear()
        self._wait(True)
        routine = self._routine

        async def keep(client: Client) -> Routine:
            if routine is None:
                return await client.routines.add(draft)
            return await client.routines.change(routine.id, draft)

        self._bridge.call(keep, owner=self, done=self._kept, failed=self._refused)

    def _kept(self, routine: Routine) -> None:
        self._wait(False)
        self.saved.emit(routine)
        self.accept()

    def _refused(self, problem: Problem) -> None:
        self._wait(False)
        self._tell(problem)

    def _wait(self, waits: bool) -> None:
        self._saving = waits
        # Before it is known what there is, what was chosen is not all shown yet.
        self.save_button.setEnabled(self._read and not waits)

    def _tell(self, problem: Problem) -> None:
        self._clear()
        # Nothing here leads elsewhere: the dialog is where it is mended.
        self.card = ErrorCard(replace(problem, action=""), self, dismissible=True)
        self.card.dismissed.connect(self._clear)
        self._told.addWidget(self.card)

    @Slot()
    def _clear(self) -> None:
        card, self.card = self.card, None
        if card is not None:
            self._told.removeWidget(card)
            card.hide()
            card.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.save()
        elif not enter:  # Enter in a field is no wish to keep all of it
            super().keyPressEvent(event)

    def done(self, result: int) -> None:
        self._rest.stop()
        super().done(result)
