"""Everything about one run: how it stands, what went wrong, its log, what came in and out.

Owns the panel, and reading the log again while the run is at work and the panel is seen. What the
buttons ask for is done by whoever listens.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.activity import words
from nagatha_desktop.activity.actions import allowed
from nagatha_desktop.activity.written import facts, log_text, whole_text, written
from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.widgets.badges import Badge, Elided
from nagatha_desktop.widgets.buttons import CopyButton, button, icon_button
from nagatha_desktop.widgets.cards import ErrorCard
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import copied, one_line
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.jobs import Batch, LogLine
from worker.contract.services import Client
from worker.contract.types import FINAL_STATES, Problem, Run

READ_AGAIN = 1_000
"""Milliseconds after which the log of a run at work is read again."""
RECOUNT = 250
"""Milliseconds in which the changes of a batch, which may have thousands of runs, are gathered."""
_SHARES = 1000
_LINE = 300


class RunDetails(QFrame):
    """See the module. Shows nothing until `show_run`."""

    deed_wanted = Signal(str, object)
    """Do this (`Deed`) to this run (Run)."""
    chat_wanted = Signal(str)
    """Show this chat (id)."""
    action_wanted = Signal(str, object)
    """The button of the error's card was pressed: what it asks for, and the run (Run)."""
    closed = Signal()

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        title_of: Callable[[str], str],
        clock: Callable[[], datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_role(self, "foot")
        self.setAccessibleName(self.tr("Details"))
        self._bridge = bridge
        self._title_of = title_of
        self._clock = clock
        self.run: Run | None = None
        self._log: tuple[LogLine, ...] = ()
        self._card: ErrorCard | None = None
        self._reading: Call | None = None
        self._batch: Batch | None = None
        """As it was read; its runs are told one by one from then on."""
        self._members: dict[str, Run] = {}
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(READ_AGAIN)
        self._again.timeout.connect(self._read)
        self._recount = QTimer(self)
        self._recount.setSingleShot(True)
        self._recount.setInterval(RECOUNT)
        self._recount.timeout.connect(self._show_batch)
        self._lay_out(themes)

    # -- how it is put together -----------------------------------------------------------------

    def _lay_out(self, themes: ThemeController) -> None:
        whole = QVBoxLayout(self)
        side = MEASURES.grid * 2
        whole.setContentsMargins(side, MEASURES.grid, side, side)
        whole.setSpacing(MEASURES.grid)
        whole.addLayout(self._head(themes))
        self.facts = Elided("", "small", self)
        whole.addWidget(self.facts)
        self.bar, self.bar_text = self._progress_bar(self.tr("Progress"))
        self.batch_bar, self.batch_text = self._progress_bar(self.tr("Progress of the batch"))
        for bar, text in ((self.bar, self.bar_text), (self.batch_bar, self.batch_text)):
            line = QHBoxLayout()
            line.setSpacing(MEASURES.grid)
            line.addWidget(bar)
            line.addWidget(text, 1)
            whole.addLayout(line)
        self._place = QVBoxLayout()
        whole.addLayout(self._place)
        self.tabs = QTabBar(self)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(self.tr("Parts of the details"))
        self.stack = QStackedWidget(self)
        self.log_view = self._text(self.tr("Log"))
        self.arguments_view = self._text(self.tr("Arguments"))
        self.result_view = self._text(self.tr("Result"))
        self.facts_view = self._text(self.tr("About"))
        for view in (self.log_view, self.arguments_view, self.result_view, self.facts_view):
            self.tabs.addTab(view.accessibleName())
            self.stack.addWidget(view)
        self.tabs.currentChanged.connect(self.stack.setCurrentIndex)
        whole.addWidget(self.tabs, 0, Qt.AlignmentFlag.AlignLeft)
        whole.addWidget(self.stack, 1)

    def _head(self, themes: ThemeController) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.title = Elided("", "title", self)
        row.addWidget(self.title, 1)
        self.badge = Badge("", "muted", self)
        row.addWidget(self.badge)
        self.chat_button = button(self.tr("Show chat"), "secondary", self)
        self.chat_button.clicked.connect(self.show_chat)
        self.now_button = button(self.tr("Run now"), "secondary", self)
        self.now_button.clicked.connect(self._run_now)
        self.retry_button = button(self.tr("Retry"), "secondary", self)
        self.retry_button.clicked.connect(self._retry)
        self.cancel_button = button(self.tr("Cancel"), "danger", self)
        self.cancel_button.clicked.connect(self._cancel)
        self.copy_button = CopyButton(self.tr("Copy everything about this run"), self)
        self.copy_button.clicked.connect(self._copy)
        self.close_button = icon_button(
            themes, "close", self.tr("Close the details"), self, colour="muted"
        )
        self.close_button.clicked.connect(self.closed)
        for made in (
            self.chat_button,
            self.now_button,
            self.retry_button,
            self.cancel_button,
            self.copy_button,
            self.close_button,
        ):
            row.addWidget(made)
        return row

    def _progress_bar(self, name: str) -> tuple[QProgressBar, Elided]:
        bar = QProgressBar(self)
        bar.setRange(0, _SHARES)
        bar.setTextVisible(False)
        bar.setFixedSize(MEASURES.grid * 24, MEASURES.grid)
        bar.setAccessibleName(name)
        text = Elided("", "small", self)
        bar.hide()
        text.hide()
        return bar, text

    def _text(self, name: str) -> QPlainTextEdit:
        made = QPlainTextEdit(self)
        set_role(made, "code-input")
        made.setReadOnly(True)
        made.setTabChangesFocus(True)
        made.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(self.font().pointSizeF() * MEASURES.code)
        made.setFont(font)
        made.setAccessibleName(name)
        made.setMinimumHeight(MEASURES.grid * 8)
        return made

    # -- what is shown ----------------------------------------------------------------------------

    def show_run(self, run: Run) -> None:
        """Show this one."""
        if self.run is None or self.run.id != run.id:
            self._log = ()
            self.log_view.clear()
            self.tabs.setCurrentIndex(0)
            if self._batch is None or self._batch.id != run.batch:
                self._know_batch(None)
        self._put(run)
        self._read()

    def take(self, run: Run) -> None:
        """The engine told of a run; it is shown if it is this one, or one of the same batch."""
        if self.run is None or not self.isVisible():
            return
        if run.batch is not None and run.batch == self.run.batch:
            self._members[run.id] = run
            if not self._recount.isActive():
                self._recount.start()
        if run.id == self.run.id:
            ended = run.state in FINAL_STATES and self.run.state not in FINAL_STATES
            self._put(run)
            if ended:
                self._read()

    @Slot()
    def tick(self) -> None:
        """Time has passed: words that speak of it are written again."""
        if self.run is not None:
            self._put_words(self.run)

    def _put(self, run: Run) -> None:
        before, self.run = self.run, run
        self._put_words(run)
        self._put_buttons(run)
        at_work = run.state not in FINAL_STATES
        self.bar.setVisible(at_work and run.progress is not None)
        self.bar.setValue(round((run.progress or 0.0) * _SHARES))
        said = " · ".join(
            part for part in (words.percent(run), one_line(run.progress_text, _LINE)) if part
        )
        self.bar_text.set_text(said)
        self.bar_text.setVisible(at_work and bool(said))
        if before is None or (before.id, before.error) != (run.id, run.error):
            self._put_error(run.error)
        if before is None or before.id != run.id or before.arguments != run.arguments:
            nothing = self.tr("It was begun without arguments.")
            self._put_text(
                self.arguments_view, written(dict(run.arguments)) if run.arguments else nothing
            )
        if before is None or before.id != run.id or before.result != run.result:
            nothing = self.tr("There is no result.")
            self._put_text(
                self.result_view, written(run.result) if run.result is not None else nothing
            )

    def _put_words(self, run: Run) -> None:
        now, title = self._clock(), self._title(run)
        self.title.set_text(words.what(run, title))
        self.badge.say(*words.state(run, now))
        parts = [words.about(run), words.why(run, title), words.times_said(run, now)]
        parts.append(words.attempts(run))
        self.facts.set_text(" · ".join(part for part in parts if part))
        listed = facts(run, title, now)
        widest = max(len(name) for name, _ in listed) + 2
        self._put_text(
            self.facts_view, "\n".join(f"{name:<{widest}}{value}" for name, value in listed)
        )

    def _put_buttons(self, run: Run) -> None:
        deeds = allowed(run)
        self.now_button.setVisible("run_now" in deeds)
        self.retry_button.setVisible("retry" in deeds)
        self.cancel_button.setVisible("cancel" in deeds)
        self.chat_button.setVisible(run.chat is not None)

    def _put_error(self, problem: Problem | None) -> None:
        if self._card is not None:
            self._place.removeWidget(self._card)
            self._card.hide()
            self._card.deleteLater()
            self._card = None
        if problem is not None:
            retried = self.run is not None and self.run.state == "RETRY"
            self._card = ErrorCard(problem, self, tone="warn" if retried else "bad")
            self._card.action_wanted.connect(self._act)
            self._place.addWidget(self._card)
            self._fit_card()

    def _fit_card(self) -> None:
        """Lines that wrap keep their room, whatever the rest of the panel would like to have."""
        if self._card is not None:
            width = self.width() - 2 * (MEASURES.grid * 2)
            self._card.setMinimumHeight(self._card.heightForWidth(width))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_card()

    def _put_text(self, view: QPlainTextEdit, text: str) -> None:
        """Show `text` and stay where the person reads."""
        if text == view.toPlainText():
            return
        bar = view.verticalScrollBar()
        at, at_end = bar.value(), bar.value() == bar.maximum()
        view.setPlainText(text)
        bar.setValue(bar.maximum() if at_end and view is self.log_view else at)

    def _title(self, run: Run) -> str:
        return self._title_of(run.chat) if run.chat else ""

    # -- the log, and the batch ---------------------------------------------------------------

    @Slot()
    def _read(self) -> None:
        """Read what a list does not tell: all of the run, its log, and its batch, once."""
        self._again.stop()
        run = self.run
        if run is None or not self.isVisible():
            return
        if self._reading is not None:
            self._reading.cancel()
        name, batch = run.id, run.batch if self._batch is None else None

        async def read(
            client: Client,
        ) -> tuple[Run, tuple[LogLine, ...], Batch | None]:
            found = await client.jobs.get(name)
            lines = await client.jobs.log(name)
            return found, lines, await client.jobs.batch(batch) if batch else None

        self._reading = self._bridge.call(read, owner=self, done=self._know, failed=self._unknown)

    def _know(self, found: tuple[Run, tuple[LogLine, ...], Batch | None]) -> None:
        self._reading = None
        run, self._log, batch = found
        if self.run is None or run.id != self.run.id:
            return
        self._put(run)
        self._put_text(self.log_view, log_text(self._log) or self.tr("It has written nothing."))
        if batch is not None:
            self._know_batch(batch)
        if self.isVisible() and run.state not in FINAL_STATES:
            self._again.start()

    def _unknown(self, problem: Problem) -> None:
        self._reading = None
        self._put_text(self.log_view, str(problem))

    def _know_batch(self, batch: Batch | None) -> None:
        self._batch = batch
        if batch is None:
            self._members = {}
        else:  # what was told while it was read may be newer, and if not, the newer is told yet
            self._members = {run.id: run for run in batch.runs} | self._members
        self._show_batch()

    @Slot()
    def _show_batch(self) -> None:
        batch = self._batch
        self.batch_bar.setVisible(batch is not None)
        self.batch_text.setVisible(batch is not None)
        if batch is None:
            return
        batch = replace(batch, runs=tuple(self._members.values()))
        ended = sum(run.state in FINAL_STATES for run in batch.runs)
        failed = sum(run.state == "FAILURE" for run in batch.runs)
        if batch.kind == "chain":
            text = self.tr("Steps, one after the other: {number} of {all} have ended")
        else:
            text = self.tr("Batch: {number} of {all} have ended")
        said = [text.format(number=ended, all=len(batch.runs))]
        if failed:
            said.append(self.tr("{number} failed").format(number=failed))
        self.batch_bar.setValue(round(batch.progress * _SHARES))
        self.batch_text.set_text(" · ".join(said))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._know_batch(None)  # nothing was told meanwhile
        self._read()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._again.stop()
        self._recount.stop()

    # -- what a person wants --------------------------------------------------------------------

    @Slot()
    def show_chat(self) -> None:
        """Show the chat that the run came from."""
        if self.run is not None and self.run.chat:
            self.chat_wanted.emit(self.run.chat)

    @Slot()
    def _run_now(self) -> None:
        self.deed_wanted.emit("run_now", self.run)

    @Slot()
    def _retry(self) -> None:
        self.deed_wanted.emit("retry", self.run)

    @Slot()
    def _cancel(self) -> None:
        self.deed_wanted.emit("cancel", self.run)

    @Slot(str)
    def _act(self, action: str) -> None:
        self.action_wanted.emit(action, self.run)

    @Slot()
    def _copy(self) -> None:
        if self.run is not None:
            text = whole_text(self.run, self._title(self.run), self._log, self._clock())
            QGuiApplication.clipboard().setText(copied(text))
            self.copy_button.copied_now()
