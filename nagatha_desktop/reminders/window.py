"""The window of reminders: the line on top, what was missed, the views, and the form to edit one.

Owns how these parts are put together and what moves between them. What is known of reminders is the
feed's affair, what is done to them that of the actions.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QPoint, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from nagatha_desktop.absences import Times, Why
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.reminders.actions import ReminderActions
from nagatha_desktop.reminders.calendar_files import CalendarFiles
from nagatha_desktop.reminders.editor import ReminderEditor
from nagatha_desktop.reminders.feed import ReminderFeed
from nagatha_desktop.reminders.menu import reminder_menu, snooze_menu
from nagatha_desktop.reminders.quick_line import QuickLine
from nagatha_desktop.reminders.rows import VIEWS
from nagatha_desktop.reminders.table import ReminderList, ReminderTable
from nagatha_desktop.reminders.top import MissedBar, SearchLine, Top, empty_state, view_word
from nagatha_desktop.shortcuts import Keys, WindowKeys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.cards import EmptyState, ErrorCard, NoEngine
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.toast import Toast
from nagatha_desktop.widgets.tokens import MEASURES
from nagatha_desktop.widgets.when import WhenDialog
from nagatha_desktop.widgets.window import Window
from worker.contract.reminders import Reminder, ReminderView
from worker.contract.types import Problem

SIZE = (560, 620)
TICK = 5_000
"""Milliseconds after which words about times are written again."""
_SIDE = MEASURES.grid * 2
_PAGES = {"models": "models", "choose_model": "models", "restore": "data"}


def utc_now() -> datetime:
    """The clock that is used where no other is given."""
    return datetime.now(UTC)


class RemindersWindow(Window):
    """See the module. What it shows is read whenever it comes up, and kept in step meanwhile."""

    chat_wanted = Signal(str)
    """Show this chat (id); "" for the chat window as it is."""
    activity_wanted = Signal()
    settings_wanted = Signal(str)
    quick_wanted = Signal()
    shortcuts_wanted = Signal()
    quit_wanted = Signal()
    restart_wanted = Signal()
    """Try again to start the engine."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        state: WindowState,
        keys: Keys,
        watch: EngineWatch,
        clock: Callable[[], datetime] = utc_now,
        wall: Wall | None = None,
        why: Callable[[Times], Why] = lambda _: "",
    ) -> None:
        """`why` tells why nobody was there when something was due, see `Absences`."""
        super().__init__("reminders", self.tr("Reminders – Nagatha"), SIZE, state)
        self._watch = watch
        self._clock = clock
        self._wall = wall or Wall()
        self._why = why
        self._minute = -1
        self._wanted = ""
        self.card: ErrorCard | None = None
        """The problem that is said now."""
        self.menu: QMenu | None = None
        """The menu that was opened last, while it is open."""
        self.dialog: WhenDialog | None = None
        """The question for a moment that was opened last, while it is open."""
        self.feed = ReminderFeed(bridge, clock, self._wall, self)
        self.deeds = ReminderActions(bridge, self.feed, clock, self._wall, self)
        self.files = CalendarFiles(bridge, self)
        self.top = Top(themes, self)
        self.line = QuickLine(bridge, clock, self._wall, self)
        self.search = SearchLine(themes, self)
        self.bar = MissedBar(self)
        self.editor = ReminderEditor(bridge, self._wall, self)
        self.no_engine = NoEngine(self)
        self.lists: dict[ReminderView, ReminderList] = {
            view: ReminderList(
                self.feed.rows[view],
                themes,
                view_word(view),
                empty_state(view),
                EmptyState(
                    self.tr("Nothing found"),
                    self.tr("No reminder here has these words in its text or notes."),
                    self.tr("End the search"),
                ),
                self,
            )
            for view in VIEWS
        }
        self._tick = QTimer(self)
        self._tick.setInterval(TICK)
        self._tick.timeout.connect(self.pass_time)
        self._lay_out()
        self.toast = Toast(self.body)
        self._connect()
        bridge.ready.connect(self._engine_came)
        self._window_keys = WindowKeys(self, keys, self._handlers())
        self._show_engine()
        self.setMinimumSize(MEASURES.grid * 56, MEASURES.grid * 44)

    # -- how it is put together -----------------------------------------------------------------

    def _lay_out(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.top)
        self.tools = QWidget()
        self.column = QVBoxLayout(self.tools)
        above = MEASURES.grid * 3 // 2
        self.column.setContentsMargins(_SIDE, above, _SIDE, MEASURES.grid)
        self.column.setSpacing(MEASURES.grid)
        for tool in (self.line, self.search, self.bar):
            self.column.addWidget(tool)
        self.stack = QStackedWidget()
        for listed in self.lists.values():
            self.stack.addWidget(listed)
        shown = QWidget()
        below = QVBoxLayout(shown)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.tools)
        below.addWidget(self.stack, 1)
        self.main = shown
        self.body = QStackedWidget()
        for widget in (shown, self.editor, self.no_engine):
            self.body.addWidget(widget)
        whole.addWidget(self.body, 1)

    def _connect(self) -> None:
        self.top.turned.connect(self._turn)
        self.top.search_wanted.connect(self.begin_search)
        self.top.import_wanted.connect(self.files.choose_import)
        self.top.export_wanted.connect(self.files.choose_export)
        self.top.settings_wanted.connect(lambda: self.settings_wanted.emit("reminders"))
        self.search.changed.connect(self._search)
        self.search.left.connect(self._focus_list)
        self.line.left.connect(self._focus_list)
        self.line.kept.connect(self._kept)
        self.line.failed.connect(self.tell)
        self.bar.show_wanted.connect(self.show_missed)
        self.bar.done_wanted.connect(lambda: self.deeds.done_all(self.feed.missed))
        self._watch.changed.connect(self._show_engine)
        self.feed.problem.connect(self.tell)
        self.feed.changed.connect(self._look_for_wanted)
        self.feed.missed_changed.connect(self._show_missed)
        self.deeds.said.connect(self._say)
        self.deeds.failed.connect(self.tell)
        self.files.imported.connect(self._imported)
        self.files.exported.connect(lambda path: self.toast.say(self.tr("Exported.")))
        self.files.failed.connect(self.tell)
        self.editor.saved.connect(self._saved)
        self.editor.closed.connect(self._leave_editor)
        self.no_engine.action_wanted.connect(self._act_on_engine)
        self.toast.pressed.connect(self.deeds.undo)
        for view, listed in self.lists.items():
            table = listed.table
            table.done_wanted.connect(self.toggle_done)
            table.edit_wanted.connect(self.edit)
            table.delete_wanted.connect(self.delete)
            table.skip_wanted.connect(self.skip)
            table.chat_wanted.connect(self.open_chat)
            table.snooze_wanted.connect(self._offer_snoozes)
            table.menu_wanted.connect(self._open_menu)
            listed.nothing_found.pressed.connect(self.search.end)
            if view == "upcoming":
                listed.empty.pressed.connect(self.line.field.setFocus)

    def _handlers(self) -> Mapping[str, Callable[[], object]]:
        return {
            "chat.find": self.begin_search,
            "window.chat": lambda: self.chat_wanted.emit(""),
            "window.reminders": self.bring_up,
            "window.activity": self.activity_wanted.emit,
            "window.settings": lambda: self.settings_wanted.emit(""),
            "window.quick": self.quick_wanted.emit,
            "help.shortcuts": self.shortcuts_wanted.emit,
            "program.quit": self.quit_wanted.emit,
        }

    # -- coming and going -------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.feed.load()
        self._tick.start()
        if self.focusWidget() is None:
            self.line.field.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._tick.stop()
        self.line.stop()
        self.search.stop()
        self.feed.pause()

    @Slot()
    def _engine_came(self) -> None:
        if self.isVisible():
            self.feed.load()

    @Slot()
    def pass_time(self) -> None:
        """Write words about times again."""
        self.feed.rows["upcoming"].regroup()
        self.lists[self.view].table.viewport().update()
        minute = int(self._clock().timestamp() // 60)
        if minute != self._minute:
            self._minute = minute
            self.line.refresh()

    # -- views and search -----------------------------------------------------------------------

    @property
    def view(self) -> ReminderView:
        """The view that is shown."""
        return self.top.view

    @property
    def table(self) -> ReminderTable:
        """The list that is shown."""
        return self.lists[self.view].table

    def show_view(self, view: ReminderView) -> None:
        """Turn to a view."""
        self._leave_editor()
        self.top.go(view)

    @Slot()
    def show_missed(self) -> None:
        """Turn to what was missed."""
        self.show_view("missed")
        self._focus_list()

    def show_reminder(self, reminder: str) -> None:
        """Come up with a reminder (id) in view; "" for the window as it is."""
        already = self.isVisible()
        self._wanted = reminder
        if reminder and self.search.isVisible():
            self.search.end()
        self.bring_up()
        if reminder and already:
            self.feed.load()

    @Slot()
    def _look_for_wanted(self) -> None:
        if not self._wanted or not self.feed.loaded:
            return
        wanted, self._wanted = self._wanted, ""
        for view in VIEWS:
            if self.feed.rows[view].has(wanted):
                self.show_view(view)
                self.table.setFocus()
                self.table.go_to(wanted)
                return

    @Slot(object)
    def _turn(self, view: ReminderView) -> None:
        self._leave_editor()
        self.stack.setCurrentWidget(self.lists[view])
        self.bar.show_button.setVisible(view != "missed")

    @Slot()
    def begin_search(self) -> None:
        """Look for words."""
        self._leave_editor()
        self.search.begin()

    @Slot(str)
    def _search(self, query: str) -> None:
        self.feed.search(query)
        for listed in self.lists.values():
            listed.set_narrowed(bool(query.strip()))

    @Slot()
    def _focus_list(self) -> None:
        if len(self.table.rows):
            self.table.setFocus()

    @Slot()
    def _show_missed(self) -> None:
        number = len(self.feed.missed)
        why = self._why([(firing.due, firing.fired) for firing in self.feed.missed])
        self.bar.show_number(number, why)
        self.top.show_missed(number)

    # -- one reminder -----------------------------------------------------------------------------

    @Slot(object)
    def toggle_done(self, reminder: Reminder) -> None:
        """Done, or open again."""
        self.clear()
        self.deeds.toggle_done(reminder)

    def snooze(self, reminder: Reminder, until: datetime) -> None:
        """Put it off until then."""
        self.clear()
        self.deeds.snooze(reminder, until)

    def choose_snooze(self, reminder: Reminder) -> None:
        """Ask until when it is put off."""
        dialog = WhenDialog(
            self.tr("Remind again"),
            self.tr("Remind again"),
            self._clock,
            self._wall,
            lambda until: self.snooze(reminder, until),
            self,
        )
        dialog.finished.connect(self._dialog_closed)
        self.dialog = dialog
        dialog.open_at(self._clock() + timedelta(hours=2))

    @Slot()
    def _dialog_closed(self) -> None:
        self.dialog = None

    @Slot(object)
    def skip(self, reminder: Reminder) -> None:
        """Leave out its next time."""
        self.clear()
        self.deeds.skip(reminder)

    @Slot(object)
    def delete(self, reminder: Reminder) -> None:
        """Delete it."""
        self.clear()
        self.deeds.delete(reminder.id)

    @Slot(object)
    def open_chat(self, reminder: Reminder) -> None:
        """Show the chat that it came from."""
        if reminder.chat:
            self.chat_wanted.emit(reminder.chat)

    @Slot(object)
    def edit(self, reminder: Reminder) -> None:
        """Show the form for it."""
        self.clear()
        self.body.setCurrentWidget(self.editor)
        self.editor.edit(reminder)

    @Slot(object)
    def _saved(self, reminder: Reminder) -> None:
        self.feed.take(reminder, at_once=True)
        self.toast.say(self.tr("Saved."))

    @Slot()
    def _leave_editor(self) -> None:
        if self.body.currentWidget() is self.editor:
            self.body.setCurrentWidget(self.main)
            self._focus_list()

    @Slot(object)
    def _kept(self, reminder: Reminder) -> None:
        self.clear()
        self.deeds.kept(reminder)

    @Slot(object, QPoint)
    def _offer_snoozes(self, reminder: Reminder, at: QPoint) -> None:
        self._pop_up(snooze_menu(reminder, self, self._clock, self._wall, self), at)

    @Slot(object, QPoint)
    def _open_menu(self, reminder: Reminder, at: QPoint) -> None:
        self._pop_up(reminder_menu(reminder, self, self._clock, self._wall, self), at)

    def _pop_up(self, menu: QMenu, at: QPoint) -> None:
        self.menu = menu
        menu.aboutToHide.connect(self._menu_closed)
        menu.popup(at)
        menu.setActiveAction(menu.actions()[0])

    @Slot()
    def _menu_closed(self) -> None:
        self.menu = None

    # -- telling ----------------------------------------------------------------------------------

    @Slot(str, str)
    def _say(self, text: str, undo: str) -> None:
        self.toast.say(text, self.tr("Undo") if undo else "", undo)

    @Slot(int)
    def _imported(self, number: int) -> None:
        self.feed.load()
        texts = {
            0: self.tr("Nothing in it was new."),
            1: self.tr("1 reminder was imported."),
        }
        many = self.tr("{number} reminders were imported.")
        self.toast.say(texts.get(number) or many.format(number=number))

    @Slot(object)
    def tell(self, problem: Problem) -> None:
        """Say what did not work, in place of what was said before."""
        if self._watch.failure is not None:
            return  # that there is no engine is said already
        self.clear()
        self.card = ErrorCard(problem, self, dismissible=True)
        self.card.action_wanted.connect(self._act)
        self.card.dismissed.connect(self.clear)
        self.column.insertWidget(1, self.card)

    @Slot()
    def clear(self) -> None:
        """The problem is over, or was read."""
        card, self.card = self.card, None
        if card is not None:
            self.column.removeWidget(card)
            card.hide()
            card.deleteLater()

    @Slot(str)
    def _act(self, action: str) -> None:
        self.clear()
        if action in ("retry", "wait"):
            self.feed.load()
        elif action in ("continue", "new_chat"):
            self.chat_wanted.emit("")
        else:
            self.settings_wanted.emit(_PAGES.get(action, ""))

    @Slot()
    def _show_engine(self) -> None:
        """The engine could not be started, or is there."""
        failure = self._watch.failure
        shown = self.body.currentWidget() is self.no_engine
        if failure is not None and not shown:
            self.clear()
            self.body.setCurrentWidget(self.no_engine)
        elif failure is None and shown:
            self.body.setCurrentWidget(self.main)
        if failure is not None or shown:
            self.no_engine.show_failure(failure)
        self.top.setEnabled(failure is None)

    @Slot(str)
    def _act_on_engine(self, action: str) -> None:
        if action in ("retry", "wait"):
            self.restart_wanted.emit()
        else:
            self.settings_wanted.emit(_PAGES.get(action, ""))
