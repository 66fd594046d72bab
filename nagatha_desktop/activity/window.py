"""The activity window: segments, filter, the list, and the details of one run below it.

Owns how these parts are put together and what moves between them. What is known of runs is the
feed's affair, what is done to them that of the actions.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
)

from nagatha_desktop.activity import words
from nagatha_desktop.activity.actions import Deed, RunActions, allowed
from nagatha_desktop.activity.asking import Question
from nagatha_desktop.activity.dead_letters import DeadLetters
from nagatha_desktop.activity.details import RunDetails
from nagatha_desktop.activity.due_bar import ApprovalBar, DueBar
from nagatha_desktop.activity.feed import RunFeed
from nagatha_desktop.activity.run_list import RunList
from nagatha_desktop.activity.said import Said
from nagatha_desktop.activity.schedules import Schedules
from nagatha_desktop.activity.segments import SEGMENTS, Filter, Segment, segment_of
from nagatha_desktop.activity.top import SCHEDULES, Top, empty_state, segment_word
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.shortcuts import Keys, WindowKeys, key_text
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.cards import NoEngine
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.toast import Toast
from nagatha_desktop.widgets.tokens import MEASURES
from nagatha_desktop.widgets.window import Window
from worker.contract.types import Problem, Run

SIZE = (880, 680)
TICK = 1_000
"""Milliseconds after which words about times are written again."""
COUNT = 250
"""Milliseconds between two looks at how many runs there are."""
_SPLIT = "activity.split"
_PAGES = {"models": "models", "choose_model": "models", "restore": "data"}


def utc_now() -> datetime:
    """The clock that is used where no other is given."""
    return datetime.now(UTC)


class ActivityWindow(Window):
    """See the module. What it shows is read whenever it comes up, and kept in step meanwhile."""

    chat_wanted = Signal(str)
    """Show this chat (id); "" for the chat window as it is."""
    settings_wanted = Signal(str)
    reminders_wanted = Signal()
    quick_wanted = Signal()
    shortcuts_wanted = Signal()
    quit_wanted = Signal()
    restart_wanted = Signal()
    """Try again to start the engine."""
    cancelled = Signal(str)
    """A person asked this run (id) to end."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        state: WindowState,
        keys: Keys,
        watch: EngineWatch,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__("activity", self.tr("Activity – Nagatha"), SIZE, state)
        self._state = state
        self._keys = keys
        self._watch = watch
        self._engine_shown: tuple[Problem | None, bool | None] = (None, None)
        self.question = Question(self)
        self._wanted = ""
        self.feed = RunFeed(bridge, clock, self)
        self.deeds = RunActions(bridge, self)
        self.top = Top(themes, self)
        self.dead = DeadLetters(bridge, clock, self)
        self.schedules = Schedules(bridge, themes, clock, self)
        self.routines = self.schedules.routines
        self.due = DueBar(bridge, self.routines.title_of, self)
        self.asked = ApprovalBar(watch.approvals, themes, clock, self)
        self.said = Said(self.dead, self.due, self.asked, self)
        self.no_engine = NoEngine(self)
        self.details = RunDetails(bridge, themes, self.feed.title_of, clock, self)
        self.lists: dict[Segment, RunList] = {
            segment: RunList(
                self.feed.rows[segment], themes, segment_word(segment), empty_state(segment), self
            )
            for segment in SEGMENTS
        }
        self._tick = QTimer(self)
        self._tick.setInterval(TICK)
        self._tick.timeout.connect(self._pass_time)
        self._counted = QTimer(self)
        self._counted.setSingleShot(True)
        self._counted.setInterval(COUNT)
        self._counted.timeout.connect(self._count_again)
        self._stale = False
        self._lay_out()
        self.toast = Toast(self.stack)
        self._connect()
        bridge.ready.connect(self._engine_came)
        self._window_keys = WindowKeys(self, keys, self._handlers())
        self._show_keys()
        self._show_engine()
        # How high it must be at least depends on what is open in it.
        self.setMinimumWidth(MEASURES.grid * 80)

    # -- how it is put together -----------------------------------------------------------------

    def _lay_out(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.top)
        whole.addWidget(self.said)
        self.stack = QStackedWidget()
        for made in (*self.lists.values(), self.schedules):
            self.stack.addWidget(made)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(MEASURES.half)
        self.split.addWidget(self.stack)
        self.split.addWidget(self.details)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        self.details.hide()
        self.body = QStackedWidget()
        self.body.addWidget(self.split)
        self.body.addWidget(self.no_engine)
        whole.addWidget(self.body, 1)

    def _connect(self) -> None:
        self.top.turned.connect(self._turn)
        self.top.filter_changed.connect(self._filter)
        self.top.list_wanted.connect(self._focus_list)
        self.top.pause_wanted.connect(self._toggle_pause)
        self._watch.changed.connect(self._show_engine)
        self._watch.changed.connect(self._seen)
        self.feed.changed.connect(self._feed_changed)
        self.feed.run_changed.connect(self._run_told)
        self.feed.problem.connect(self.tell)
        self.deeds.done.connect(self._did)
        self.deeds.failed.connect(self.tell)
        self.deeds.cancelled.connect(self.cancelled)
        self.said.action_wanted.connect(self._act)
        self.no_engine.action_wanted.connect(self._act_on_engine)
        self.dead.failed.connect(self.tell)
        self.due.failed.connect(self.tell)
        self.routines.failed.connect(self.tell)
        self.routines.said.connect(self.toast_say)
        self.routines.chat_wanted.connect(self.chat_wanted)
        self.routines.run_wanted.connect(self.show_run)
        self.routines.changed.connect(self.due.say)
        self.schedules.failed.connect(self.tell)
        self.schedules.begun.connect(self._begun)
        self.schedules.look_wanted.connect(self.look_at)
        self.details.deed_wanted.connect(self._do)
        self.details.chat_wanted.connect(self.chat_wanted)
        self.details.action_wanted.connect(self._act_for)
        self.details.closed.connect(self.close_details)
        self.split.splitterMoved.connect(self._split_moved)
        self.toast.pressed.connect(self._toast_pressed)
        self._keys.changed.connect(self._show_keys)
        for listed in self.lists.values():
            listed.clear_wanted.connect(self.top.clear_filter)
            listed.table.pressed_run.connect(self._show_details)
            listed.table.chosen_run.connect(self._chosen)
            listed.table.looked_at.connect(self._looked_at)
            listed.table.cancel_wanted.connect(self._ask_to_cancel)

    def _handlers(self) -> Mapping[str, Callable[[], object]]:
        return {
            "chat.find": self.focus_filter,
            "window.chat": self._want_chat,
            "window.reminders": self.reminders_wanted.emit,
            "window.activity": self.bring_up,
            "window.settings": self._want_settings,
            "window.quick": self.quick_wanted.emit,
            "help.shortcuts": self.shortcuts_wanted.emit,
            "program.quit": self.quit_wanted.emit,
        }

    # -- coming and going -------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._load()
        self._tick.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._tick.stop()
        self._counted.stop()
        self.top.stop()
        self.feed.pause()
        self.asked.forget_answered()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange:
            self._seen()

    @Slot()
    def _engine_came(self) -> None:
        if self.isVisible():
            self._load()

    def _load(self) -> None:
        self.feed.load()
        self.dead.load()
        self.schedules.load()
        self.due.load()
        self._seen()

    @Slot()
    def _pass_time(self) -> None:
        listed = self._list
        if listed is not None:
            listed.table.viewport().update()
        else:
            self.schedules.tick()
        if self.details.isVisible():
            self.details.tick()
        self.asked.tick()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.details.isVisible():
            self.close_details()
            return
        super().keyPressEvent(event)

    # -- segments and filter --------------------------------------------------------------------

    @property
    def segment(self) -> Segment | None:
        """The segment that is shown; None for the schedules."""
        return SEGMENTS[self.top.at] if self.top.at < SCHEDULES else None

    @property
    def _list(self) -> RunList | None:
        return self.lists[self.segment] if self.segment is not None else None

    def show_segment(self, segment: Segment) -> None:
        """Turn to a segment."""
        self.top.go(SEGMENTS.index(segment))

    @Slot()
    def show_schedules(self) -> None:
        """Turn to the schedules."""
        self.top.go(SCHEDULES)

    def show_approvals(self) -> None:
        """Come up with what waits for an answer and stands in no chat."""
        self.bring_up()
        self.asked.focus_first()

    @Slot(int)
    def _turn(self, at: int) -> None:
        self.stack.setCurrentIndex(at)
        self.said.show_dead(self.segment == "failed")
        self._seen()
        if at == SCHEDULES:
            self.close_details()
            self.schedules.tick()

    @Slot(object)
    def _filter(self, wanted: Filter) -> None:
        self.feed.set_filter(wanted)
        for listed in self.lists.values():
            listed.set_narrowed(wanted.on)

    @Slot()
    def focus_filter(self) -> None:
        """Go to the filter."""
        if self.segment is None:
            self.top.go(0)
        self.top.focus_filter()

    @Slot()
    def _focus_list(self) -> None:
        if self._list is not None and len(self._list.rows):
            self._list.table.setFocus()

    @Slot()
    def _show_counts(self) -> None:
        self._stale = False
        for segment, rows in self.feed.rows.items():
            self.top.show_number(segment, rows.number if rows.loaded and len(rows) else "")

    @Slot()
    def _count_again(self) -> None:
        if self._stale:
            self._show_counts()
            self._counted.start()

    @Slot()
    def _feed_changed(self) -> None:
        # A number that grows has the whole window laid out again: not for each change.
        if not self._counted.isActive():
            self._show_counts()
            self._counted.start()
        else:
            self._stale = True
        if self._wanted and self.feed.loaded:
            wanted, self._wanted = self._wanted, ""
            self._go_to(wanted)

    @Slot()
    def _seen(self) -> None:
        """Failures that stand before a person's eyes are no news any more."""
        if self.isVisible() and self.isActiveWindow() and self.segment == "failed":
            self._watch.failures_seen()

    # -- one run ------------------------------------------------------------------------------

    @Slot(str)
    def show_run(self, run: str) -> None:
        """Come up with the details of a run; "" for the window as it is."""
        already = self.isVisible()
        if run:
            self._wanted = run
            if self.feed.filter.on:
                self.top.clear_filter()
        self.bring_up()
        if run and already:
            self.feed.load()

    def _go_to(self, run: str) -> None:
        """Show the details of a run, and its row where that was read."""
        found = self.feed.find(run)
        if found is not None:
            self.look_at(found)
            self._focus_list()
        else:
            self.feed.look_up(run, self.look_at, self.tell)

    @Slot(object)
    def look_at(self, run: Run) -> None:
        """Show the details of a run that may stand in no list here."""
        segment = segment_of(run)
        self.show_segment(segment)
        self.lists[segment].table.go_to(run.id)
        self._show_details(run)

    @Slot(object)
    def _chosen(self, run: Run) -> None:
        """Enter: the details, and from there on to the chat."""
        shown = self.details.run
        if self.details.isVisible() and shown is not None and shown.id == run.id:
            self.details.show_chat()
        else:
            self._show_details(run)

    @Slot(object)
    def _show_details(self, run: Run) -> None:
        self.details.show_run(run)
        if not self.details.isVisible():
            self.details.show()
            self.split.setSizes(self._sizes())
        self._follow(True)
        listed = self._list
        if listed is not None and listed.table.current is not None:
            listed.table.scrollTo(listed.table.currentIndex())

    def _sizes(self) -> list[int]:
        """The share of list and details as a person left it."""
        share = 0.55
        kept = self._state.load_geometry(_SPLIT)
        if kept.isascii() and kept.isdigit():
            share = min(90, max(10, int(kept))) / 100
        below = round(self.split.height() * share)
        return [self.split.height() - below, below]

    @Slot(int, int)
    def _split_moved(self, at: int, handle: int) -> None:
        above, below = self.split.sizes()
        if above + below:
            share = round(100 * below / (above + below))
            self._state.save_geometry(_SPLIT, str(share))

    @Slot()
    def close_details(self) -> None:
        """Show the list alone."""
        focus = self.focusWidget()
        had_focus = focus is not None and self.details.isAncestorOf(focus)
        self.details.hide()
        self._follow(False)
        if had_focus:
            self._focus_list()

    def _follow(self, follow: bool) -> None:
        for listed in self.lists.values():
            listed.table.follow = follow

    @Slot(object)
    def _looked_at(self, run: Run | None) -> None:
        if run is not None and self.details.isVisible():
            self.details.show_run(run)

    @Slot(object)
    def _run_told(self, run: Run) -> None:
        self.details.take(run)
        if run.state == "FAILURE" and self.isVisible():
            self.dead.load()

    # -- doing ------------------------------------------------------------------------------------

    @Slot(str, object)
    def _do(self, deed: Deed, run: Run) -> None:
        self.said.clear()
        self.deeds.do(deed, run)

    @Slot(object)
    def _ask_to_cancel(self, run: Run) -> None:
        """Delete is pressed by accident more easily than a button, so it asks."""
        if "cancel" in allowed(run):
            self.question.ask(
                self,
                self.tr("Cancel “{what}”?").format(what=self._what(run)),
                "",
                (self.tr("Let it go on"), self.tr("Cancel it")),
                lambda: self._do("cancel", run),
            )

    def _what(self, run: Run) -> str:
        return words.what(run, self.feed.title_of(run.chat) if run.chat else "")

    @Slot(str, object)
    def _did(self, deed: Deed, run: Run) -> None:
        self.feed.take(run)
        self.details.take(run)
        if deed == "retry":
            self._begun(run)

    @Slot(object)
    def _begun(self, run: Run) -> None:
        self.feed.take(run)
        text = self.tr("“{what}” is queued.").format(what=self._what(run))
        self.toast.say(text, self.tr("Show"), run.id)

    @Slot(str, str, str)
    def toast_say(self, text: str, button_text: str, token: str) -> None:
        """Say something in passing, with a button whose token says what it is for."""
        self.toast.say(text, button_text, token)

    @Slot(str)
    def _toast_pressed(self, token: str) -> None:
        what, _, name = token.partition(":")
        if what == "undelete" and name:
            self.routines.undelete(name)
        else:
            self.show_run(token)

    @Slot(str, object)
    def _act_for(self, action: str, run: Run) -> None:
        """The button of a run's error card."""
        if action in ("retry", "wait") and "retry" in allowed(run):
            self._do("retry", run)
        elif action in ("retry", "wait", "continue", "new_chat"):
            self.chat_wanted.emit(run.chat or "")
        else:
            self.settings_wanted.emit(_PAGES.get(action, ""))

    @Slot()
    def _toggle_pause(self) -> None:
        self.said.clear()
        self._watch.pause(not self._watch.paused, self.tell)

    @Slot()
    def _want_chat(self) -> None:
        self.chat_wanted.emit("")

    @Slot()
    def _want_settings(self) -> None:
        self.settings_wanted.emit("")

    @Slot()
    def _show_keys(self) -> None:
        self.top.show_key(key_text(self._keys.key("chat.find")))

    # -- telling ----------------------------------------------------------------------------------

    @Slot(object)
    def tell(self, problem: Problem) -> None:
        """Say what did not work, in place of what was said before."""
        if self._watch.failure is not None:
            return  # that there is no engine is said already
        self.said.tell(problem)

    @Slot(str)
    def _act(self, action: str) -> None:
        if action in ("retry", "wait"):
            self._load()
        elif action in ("continue", "new_chat"):
            self.chat_wanted.emit("")
        else:
            self.settings_wanted.emit(_PAGES.get(action, ""))

    @Slot()
    def _show_engine(self) -> None:
        """The engine paused, went on, could not be started, or is there."""
        failure, paused = self._watch.failure, self._watch.paused
        if (failure, paused) == self._engine_shown:
            return  # it is told of each run that begins or ends
        if self._engine_shown[1] not in (None, paused):
            self.schedules.load()  # when an entry is due next is another time now, or none
        self._engine_shown = failure, paused
        if failure is not None:
            self.said.clear()
        self.no_engine.show_failure(failure)
        self.top.tools.setEnabled(failure is None)
        self.body.setCurrentWidget(self.split if failure is None else self.no_engine)
        self.top.show_paused(paused)
        self.said.show_paused(paused and failure is None)
        self.said.show_dead(self.segment == "failed" and failure is None)

    @Slot(str)
    def _act_on_engine(self, action: str) -> None:
        if action in ("retry", "wait"):
            self.restart_wanted.emit()
        else:
            self.settings_wanted.emit(_PAGES.get(action, ""))
