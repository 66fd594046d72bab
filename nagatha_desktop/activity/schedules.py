"""What is begun again and again: a row for each schedule, and what can be done to it.

Owns the rows, reading the schedules, and doing what the buttons say. What a schedule is comes from
the engine.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.activity import words
from nagatha_desktop.activity.interval import IntervalEditor
from nagatha_desktop.activity.routines import Routines
from nagatha_desktop.activity.times import ago, every, until, whole
from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.widgets.badges import Badge, Elided, section
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import Card, EmptyState, rule
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import one_line
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.events import DataReplaced, Event, RunChanged, ScheduleChanged
from worker.contract.jobs import Schedule
from worker.contract.services import Client
from worker.contract.types import Problem, Run

_TITLE = 120
_BADGE = MEASURES.grid * 10


def title_of(schedule: Schedule) -> str:
    """What a schedule does, in the person's language where it is known in it."""
    known = words.known(schedule.task)
    return known or one_line(schedule.title, _TITLE) or words.task_words(schedule.task)


class ScheduleRow(QWidget):
    """One schedule: how often, when last and next, how the last run went, and its buttons."""

    run_wanted = Signal(str)
    """Run it now (its name)."""
    pause_wanted = Signal(str, bool)
    interval_wanted = Signal(str, object)
    """How often from now on: seconds (int), or None for the default."""
    look_wanted = Signal(object)
    """Show its last run (Run)."""

    def __init__(
        self, schedule: Schedule, clock: Callable[[], datetime], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self.schedule = schedule
        title = title_of(schedule)
        column = QVBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, MEASURES.grid, side, MEASURES.grid)
        column.setSpacing(0)
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        lines = QVBoxLayout()
        lines.setSpacing(MEASURES.half // 2)
        self.title = Elided(title, "strong")
        self.badge = Badge()
        lines.addWidget(self.title)
        self.text = Elided("", "small")
        lines.addWidget(self.text)
        row.addLayout(lines, 1)
        place = QWidget()
        place.setMinimumWidth(_BADGE)
        beside = QHBoxLayout(place)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignRight)
        row.addWidget(place)
        self.look_button = button(
            self.tr("Last run"),
            "quiet",
            name=self.tr("Last run of {title}").format(title=title),
        )
        self.change_button = button(
            self.tr("Change …"),
            "secondary",
            name=self.tr("Change how often: {title}").format(title=title),
        )
        self.pause_button = button("", "secondary")
        # Below each other they begin at the same place, whatever they say.
        for text in (self.tr("Resume"), self.tr("Pause")):
            self.pause_button.setText(text)
            self.pause_button.ensurePolished()
            widest = max(self.pause_button.minimumWidth(), self.pause_button.sizeHint().width())
            self.pause_button.setMinimumWidth(widest)
        policy = self.look_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.look_button.setSizePolicy(policy)
        self.run_button = button(
            self.tr("Run now"), "secondary", name=self.tr("Run now: {title}").format(title=title)
        )
        for made, slot in (
            (self.look_button, self._look),
            (self.change_button, self._change),
            (self.pause_button, self._pause),
            (self.run_button, self._run),
        ):
            made.clicked.connect(slot)
            row.addWidget(made)
        column.addLayout(row)
        self.editor = IntervalEditor(title, self)
        self.editor.saved.connect(self._save)
        self.editor.left.connect(self._leave)
        self.editor.hide()
        column.addWidget(self.editor)
        self.put(schedule)

    def put(self, schedule: Schedule) -> None:
        """Show it as it is now; what is being typed stays."""
        self.schedule = schedule
        title = title_of(schedule)
        pause = self.tr("Resume") if schedule.paused else self.tr("Pause")
        self.pause_button.setText(pause)
        self.pause_button.setAccessibleName(f"{pause}: {title}")
        self.look_button.setVisible(schedule.last_run is not None)
        self.tick()

    def tick(self) -> None:
        """Time has passed: say when it was and will be again."""
        now, schedule = self._clock(), self.schedule
        said = [every(schedule.interval)]
        if schedule.interval != schedule.default_interval:
            usual = every(schedule.default_interval)
            said.append(self.tr("by default {interval}").format(interval=usual))
        if schedule.last is None:
            said.append(self.tr("never run"))
        else:
            said.append(self.tr("last {time}").format(time=ago(schedule.last, now)))
        if schedule.next is not None:
            said.append(self.tr("next {time}").format(time=until(schedule.next, now)))
        self.text.set_text(" · ".join(said))
        moments = (
            (self.tr("Last {time}"), schedule.last),
            (self.tr("Next {time}"), schedule.next),
        )
        self.setToolTip("\n".join(w.format(time=whole(m)) for w, m in moments if m))
        if schedule.paused:
            self.badge.say(self.tr("Paused"), "warn")
        elif schedule.last_run is not None:
            self.badge.say(*words.state(schedule.last_run, now))
        self.badge.setVisible(schedule.paused or schedule.last_run is not None)

    @Slot()
    def _look(self) -> None:
        if self.schedule.last_run is not None:
            self.look_wanted.emit(self.schedule.last_run)

    @Slot()
    def _run(self) -> None:
        self.run_wanted.emit(self.schedule.name)

    @Slot()
    def _pause(self) -> None:
        self.pause_wanted.emit(self.schedule.name, not self.schedule.paused)

    @Slot()
    def _change(self) -> None:
        self.editor.show_interval(self.schedule.interval, self.schedule.default_interval)
        self.editor.setVisible(not self.editor.isVisibleTo(self))
        if self.editor.isVisibleTo(self):
            self.editor.number.setFocus()
            self.editor.number.selectAll()

    @Slot(object)
    def _save(self, seconds: int | None) -> None:
        self._leave()
        self.interval_wanted.emit(self.schedule.name, seconds)

    @Slot()
    def _leave(self) -> None:
        self.editor.hide()
        self.change_button.setFocus()


class Schedules(QStackedWidget):
    """See the module. `load` reads them again."""

    failed = Signal(object)
    """Something could not be done (Problem)."""
    begun = Signal(object)
    """A schedule's task was queued because a person wanted it (Run)."""
    look_wanted = Signal(object)
    """Show this run (Run)."""
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
        self._clock = clock
        self._loaded = False
        self._card: Card | None = None
        self._call: Call | None = None
        self.rows: dict[str, ScheduleRow] = {}
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setAccessibleName(self.tr("Schedules"))
        self.empty = EmptyState(
            self.tr("Nothing is scheduled"),
            self.tr("What Nagatha and its modules do again and again is listed here."),
            self.tr("New routine …"),
        )
        self.routines = Routines(bridge, themes, clock)
        self.routines.changed.connect(self._turn)
        self.empty.pressed.connect(self.routines.new)
        canvas = QWidget()
        set_role(canvas, "canvas")
        self._column = QVBoxLayout(canvas)
        side = MEASURES.grid * 2
        self._column.setContentsMargins(side, 0, side, side)
        self._column.setSpacing(MEASURES.grid)
        self._column.addWidget(self.routines)
        self.own = section(self.tr("Nagatha and its modules"))
        self._column.addWidget(self.own)
        self._column.addStretch(1)
        self.area.setWidget(canvas)
        self.waiting = QWidget()
        for widget in (self.waiting, self.area, self.empty):
            self.addWidget(widget)
        bridge.listen(self, self._take)

    @Slot()
    def load(self) -> None:
        """Read all of them again."""
        self.routines.load()
        if self._call is not None:
            self._call.cancel()
        self._call = self._bridge.call(
            lambda client: client.jobs.schedules(),
            owner=self,
            done=self._show,
            failed=self._not_read,
        )

    def _not_read(self, problem: Problem) -> None:
        self._call = None
        self.failed.emit(problem)

    def _show(self, found: tuple[Schedule, ...]) -> None:
        self._call = None
        if [schedule.name for schedule in found] == list(self.rows):
            for schedule in found:
                self.rows[schedule.name].put(schedule)
        else:
            self._make_rows(found)
        self._loaded = True
        self._turn()
        self.changed.emit()

    @Slot()
    def _turn(self) -> None:
        """Show what there is, once both kinds were read."""
        if self.rows or self.routines.rows:
            self.setCurrentWidget(self.area)
        elif self._loaded and self.routines.loaded:
            self.setCurrentWidget(self.empty)
        self.own.setVisible(bool(self.rows))

    def _make_rows(self, found: tuple[Schedule, ...]) -> None:
        self.rows = {}
        if self._card is not None:
            self._column.removeWidget(self._card)
            self._card.hide()
            self._card.deleteLater()
        self._card = card = Card()
        card.column.setContentsMargins(0, MEASURES.half, 0, MEASURES.half)
        card.column.setSpacing(0)
        for schedule in found:
            if self.rows:
                card.column.addWidget(rule())
            row = ScheduleRow(schedule, self._clock)
            row.run_wanted.connect(self._run)
            row.pause_wanted.connect(self._pause)
            row.interval_wanted.connect(self._set_interval)
            row.look_wanted.connect(self.look_wanted)
            card.column.addWidget(row)
            self.rows[schedule.name] = row
        card.setVisible(bool(found))
        self._column.insertWidget(self._column.count() - 1, card)

    @Slot()
    def tick(self) -> None:
        """Time has passed."""
        for row in self.rows.values():
            row.tick()
        self.routines.tick()

    def _take(self, event: Event) -> None:
        if isinstance(event, ScheduleChanged):
            self._put(event.schedule)
        elif isinstance(event, RunChanged) and event.run.schedule in self.rows:
            row = self.rows[event.run.schedule]
            last = row.schedule.last_run
            if last is None or last.id == event.run.id or last.queued <= event.run.queued:
                row.put(replace(row.schedule, last_run=event.run))
        elif isinstance(event, DataReplaced) and self.rows:
            self.load()

    def _put(self, schedule: Schedule) -> None:
        if schedule.name in self.rows:
            self.rows[schedule.name].put(schedule)
        elif self.rows:
            self.load()  # one that was not there: a module was switched on

    # -- what a person wants --------------------------------------------------------------------

    def _ask(self, use: Callable[[Client], Awaitable[Schedule]]) -> None:
        self._bridge.call(use, owner=self, done=self._put, failed=self._refused)

    @Slot(str)
    def _run(self, name: str) -> None:
        def begun(run: Run) -> None:
            self.begun.emit(run)

        self._bridge.call(
            lambda client: client.jobs.run_schedule(name),
            owner=self,
            done=begun,
            failed=self._refused,
        )

    @Slot(str, bool)
    def _pause(self, name: str, paused: bool) -> None:
        self._ask(lambda client: client.jobs.pause_schedule(name, paused))

    @Slot(str, object)
    def _set_interval(self, name: str, seconds: int | None) -> None:
        self._ask(lambda client: client.jobs.set_interval(name, seconds))

    def _refused(self, problem: Problem) -> None:
        self.failed.emit(problem)
        self.load()
