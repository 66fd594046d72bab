"""One routine in the list, and its history below it.

Owns the row and what its buttons are called. What they do is told by signals.
"""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from nagatha_desktop.activity import routine_words as words
from nagatha_desktop.activity.times import near, whole
from nagatha_desktop.widgets.badges import Badge, Elided, label, wrapped
from nagatha_desktop.widgets.buttons import button, icon_button
from nagatha_desktop.widgets.cards import rule
from nagatha_desktop.widgets.moments import times_before
from nagatha_desktop.widgets.text import shown
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.routines import Occurrence, Routine

_BADGE = MEASURES.grid * 10
_RESULT = 600


class OccurrenceRow(QWidget):
    """One time of a routine: when it was due, began and ended, and what came of it."""

    chat_wanted = Signal(str)
    run_wanted = Signal(str)

    def __init__(self, occurrence: Occurrence, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.occurrence = occurrence
        column = QVBoxLayout(self)
        column.setContentsMargins(0, MEASURES.half, 0, MEASURES.half)
        column.setSpacing(MEASURES.half // 2)
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.badge = Badge(*words.state_word(occurrence.state))
        row.addWidget(self.badge)
        self.times = Elided(self._times(), "small")
        row.addWidget(self.times, 1)
        said = words.spent(occurrence, kind)
        self.spent = label(said, "small")
        row.addWidget(self.spent)
        due = whole(occurrence.due)
        if occurrence.chat:
            text, name = self.tr("Open chat"), self.tr("Open the chat of {time}")
        else:
            text, name = self.tr("Open run"), self.tr("Open the run of {time}")
        self.open_button = button(text, "quiet", name=name.format(time=due))
        self.open_button.setVisible(bool(occurrence.chat or occurrence.run))
        self.open_button.clicked.connect(self._open)
        row.addWidget(self.open_button)
        column.addLayout(row)
        what = str(occurrence.error) if occurrence.error is not None else occurrence.result
        self.result = wrapped(shown(what[:_RESULT]).strip(), "" if occurrence.error else "small")
        self.result.setVisible(bool(self.result.text()))
        column.addWidget(self.result)

    def _times(self) -> str:
        this = self.occurrence
        said = [self.tr("due {time}").format(time=whole(this.due))]
        if this.by_hand:
            said = [self.tr("run by hand {time}").format(time=whole(this.due))]
        if this.started is not None:
            said.append(self.tr("started {time}").format(time=near(this.started, this.due)))
        if this.ended is not None:
            said.append(self.tr("ended {time}").format(time=near(this.ended, this.due)))
        if this.earlier == 1:
            said.append(self.tr("1 earlier time passed with it"))
        elif this.earlier:
            said.append(
                self.tr("{number} earlier times passed with it").format(
                    number=times_before(this.earlier)
                )
            )
        return " · ".join(said)

    @Slot()
    def _open(self) -> None:
        if self.occurrence.chat:
            self.chat_wanted.emit(self.occurrence.chat)
        elif self.occurrence.run:
            self.run_wanted.emit(self.occurrence.run)


class History(QWidget):
    """The times of one routine, newest first."""

    chat_wanted = Signal(str)
    run_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[OccurrenceRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, MEASURES.grid, 0, MEASURES.half)
        self._column.setSpacing(0)
        self.note: QLabel = label(self.tr("Reading …"), "small")
        self._column.addWidget(self.note)

    def show_all(self, found: tuple[Occurrence, ...], kind: str) -> None:
        """Show these."""
        if [row.occurrence for row in self.rows] == list(found) and found:
            return
        while (item := self._column.takeAt(1)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.rows = []
        self.note.setText(self.tr("It has not run yet."))
        self.note.setVisible(not found)
        for occurrence in found:
            self._column.addWidget(rule())
            row = OccurrenceRow(occurrence, kind)
            row.chat_wanted.connect(self.chat_wanted)
            row.run_wanted.connect(self.run_wanted)
            self._column.addWidget(row)
            self.rows.append(row)


class RoutineRow(QWidget):
    """One routine: when, how it went, and its buttons."""

    edit_wanted = Signal(str)
    run_wanted = Signal(str)
    pause_wanted = Signal(str, bool)
    delete_wanted = Signal(str)
    history_wanted = Signal(str)
    """Its history is open and wants to be read."""
    chat_wanted = Signal(str)
    show_run_wanted = Signal(str)
    """Show this run (id)."""

    def __init__(
        self,
        routine: Routine,
        themes: ThemeController,
        clock: Callable[[], datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self.routine = routine
        column = QVBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, MEASURES.grid, side, MEASURES.grid)
        column.setSpacing(0)
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        lines = QVBoxLayout()
        lines.setSpacing(MEASURES.half // 2)
        self.title = Elided("", "strong")
        self.text = Elided("", "small")
        self.result = Elided("", "small")
        for line in (self.title, self.text, self.result):
            lines.addWidget(line)
        row.addLayout(lines, 1)
        place = QWidget()
        place.setMinimumWidth(_BADGE)
        beside = QHBoxLayout(place)
        beside.setContentsMargins(0, 0, 0, 0)
        self.badge = Badge()
        beside.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignRight)
        row.addWidget(place)
        self.answer_button = button(self.tr("Answer …"), "primary")
        self.history_button = button(self.tr("History"), "quiet")
        self.history_button.setCheckable(True)
        self.edit_button = button(self.tr("Edit …"), "secondary")
        self.pause_button = button("", "secondary")
        for text in (self.tr("Resume"), self.tr("Pause")):
            self.pause_button.setText(text)
            self.pause_button.ensurePolished()
            widest = max(self.pause_button.minimumWidth(), self.pause_button.sizeHint().width())
            self.pause_button.setMinimumWidth(widest)
        self.run_button = button(self.tr("Run now"), "secondary")
        # One stands in the other's place.
        both = (self.answer_button, self.run_button)
        for made in both:
            made.ensurePolished()
        widest = max(made.sizeHint().width() for made in both)
        for made in both:
            made.setMinimumWidth(widest)
        self.more_button = icon_button(themes, "more", "", colour="muted")
        slots: tuple[tuple[QAbstractButton, Callable[[], None]], ...] = (
            (self.history_button, self._show_history),
            (self.edit_button, self._edit),
            (self.pause_button, self._pause),
            (self.run_button, self._run),
            (self.answer_button, self._answer),
            (self.more_button, self._more),
        )
        for pressed, slot in slots:
            pressed.clicked.connect(slot)
            row.addWidget(pressed)
        column.addLayout(row)
        self.history = History(self)
        self.history.chat_wanted.connect(self.chat_wanted)
        self.history.run_wanted.connect(self.show_run_wanted)
        self.history.hide()
        column.addWidget(self.history)
        self.menu = QMenu(self)
        self.delete_action = self.menu.addAction(self.tr("Delete"))
        self.delete_action.triggered.connect(self._delete)
        self.put(routine)

    def put(self, routine: Routine) -> None:
        """Show it as it is now."""
        self.routine = routine
        title = words.title_of(routine)
        self.title.set_text(title)
        self.pause_button.setText(self.tr("Resume") if routine.paused else self.tr("Pause"))
        for made in (
            self.answer_button,
            self.history_button,
            self.edit_button,
            self.pause_button,
            self.run_button,
        ):
            made.setAccessibleName(f"{made.text()}: {title}")
        more = self.tr("More: {title}").format(title=title)
        self.more_button.setAccessibleName(more)
        self.more_button.setToolTip(more)
        last = routine.last
        parked = last is not None and last.state == "parked" and bool(last.chat)
        # It cannot run again before it was answered, so the one takes the other's place.
        self.answer_button.setVisible(parked)
        self.run_button.setVisible(not parked)
        self.run_button.setEnabled(last is None or last.state not in ("running", "parked"))
        self.tick()
        if self.history.isVisibleTo(self):
            self.history_wanted.emit(routine.id)

    def tick(self) -> None:
        """Time has passed: say when it was and will be again."""
        now, routine = self._clock(), self.routine
        self.text.set_text(words.times_said(routine, now))
        self.result.set_text(words.last_said(routine))
        self.result.setVisible(bool(self.result.whole()))
        said = words.badge(routine)
        if said is not None:
            self.badge.say(*said)
        self.badge.setVisible(said is not None)
        moments = (
            (self.tr("Last {time}"), routine.last.due if routine.last else None),
            (self.tr("Next {time}"), routine.due if not routine.paused else None),
        )
        self.setToolTip("\n".join(w.format(time=whole(m)) for w, m in moments if m))

    @Slot()
    def _answer(self) -> None:
        if self.routine.last is not None and self.routine.last.chat:
            self.chat_wanted.emit(self.routine.last.chat)

    @Slot()
    def _show_history(self) -> None:
        self.history.setVisible(self.history_button.isChecked())
        if self.history_button.isChecked():
            self.history_wanted.emit(self.routine.id)

    @Slot()
    def _edit(self) -> None:
        self.edit_wanted.emit(self.routine.id)

    @Slot()
    def _pause(self) -> None:
        self.pause_wanted.emit(self.routine.id, not self.routine.paused)

    @Slot()
    def _run(self) -> None:
        self.run_wanted.emit(self.routine.id)

    @Slot()
    def _more(self) -> None:
        self.menu.popup(self.more_button.mapToGlobal(QPoint(0, self.more_button.height())))

    @Slot()
    def _delete(self) -> None:
        self.delete_wanted.emit(self.routine.id)
