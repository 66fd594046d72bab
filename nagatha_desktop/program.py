"""The running program: its windows, the tray, and how all of it begins and ends.

Owns which windows there are, what a command of a later start does, and quitting. The engine is
begun and ended by what is handed in (`Backend`); this knows the bridge to it only.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.window import ChatWindow
from nagatha_desktop.last_words import LastWords
from nagatha_desktop.platform.single_instance import SingleInstance
from nagatha_desktop.shortcuts import Keys, WindowKeys, hotkey_refused
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.caret import CalmCaret
from nagatha_desktop.widgets.icons import preload
from nagatha_desktop.widgets.quit_question import quit_question
from nagatha_desktop.widgets.theme import ThemeController, ThemeMode
from worker.contract.types import Problem, Run

if TYPE_CHECKING:
    from concurrent.futures import Future

    from nagatha_desktop.activity.desk import ActivityDesk
    from nagatha_desktop.alerts import Alerts
    from nagatha_desktop.chat.quick_ask import QuickAsk
    from nagatha_desktop.platform.hotkey import GlobalKey
    from nagatha_desktop.reminders.desk import ReminderDesk
    from nagatha_desktop.settings.dialog import SettingsWindow
    from nagatha_desktop.settings.first_start import FirstStartGuide
    from nagatha_desktop.tray import Tray
    from nagatha_desktop.wakefulness import Wakefulness

PAINTED_WITHIN = 500
"""Milliseconds after which a start goes on though the window was not painted."""
TRAY_COMES_WITHIN = 10_000
"""Milliseconds that a tray has to appear after a start at login."""
END_WITHIN = 8_000
"""Milliseconds after which the program ends whether the engine has or not."""


class Backend(Protocol):
    """The engine's side. `begin` and `end` return at once."""

    def begin(self, bridge: Bridge) -> None:
        """Start the engine; the bridge tells how it went. Again after a failure."""
        ...

    def aside(self, work: Callable[[], None]) -> "Future[None] | None":
        """Run `work` on a thread where waiting is allowed; None where there is none any more."""
        ...

    def end(self, ended: Callable[[], None]) -> None:
        """Stop the engine; `ended` is called on some thread."""
        ...


class SettingsMaker(Protocol):
    """Makes the settings window, once."""

    def __call__(self, program: "Program") -> "SettingsWindow": ...


class Program(QObject):
    """Made on the GUI thread, before the event loop runs."""

    _engine_ended = Signal()

    def __init__(
        self,
        app: QApplication,
        state: WindowState,
        backend: Backend,
        instance: SingleInstance | None = None,
        settings: SettingsMaker | None = None,
    ) -> None:
        super().__init__()
        self.app = app
        self.state = state
        self._backend = backend
        self._instance = instance
        self._settings = settings
        self._settings_window: SettingsWindow | None = None
        self._guide: FirstStartGuide | None = None
        self._told: set[Problem] = set()
        self._question: QMessageBox | None = None
        self._ending = False
        self._failure = ""
        self._paint_wait = self._timer(self._start_rest)
        self._tray_wait = self._timer(self._no_tray)
        self._deadline = self._timer(self._deadline_passed)
        self._deadline.setInterval(END_WITHIN)
        self.themes = ThemeController(app, _theme(state))
        self._caret = CalmCaret(app, self)
        self.keys = Keys(state.mapping("shortcuts"), self)
        self.bridge = Bridge(self)
        self.watch = EngineWatch(self.bridge, self)
        self.chats = ChatList(self.bridge, self)
        self.models = Models(self.bridge, self)
        self.calm = Calm(self.watch.reminders, state, parent=self)
        self.window = ChatWindow(
            self.bridge, self.themes, state, self.keys, self.watch, self.chats, self.models
        )
        self._quick: QuickAsk | None = None
        self._hotkey: GlobalKey | None = None
        self._engine_ended.connect(self._ended)
        self._connect()

    def _timer(self, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(slot)
        return timer

    def _connect(self) -> None:
        window = self.window
        window.settings_wanted.connect(self.show_settings)
        window.activity_wanted.connect(self.show_activity)
        window.reminders_wanted.connect(self.show_reminders)
        window.quick_wanted.connect(self.toggle_quick)
        window.quit_wanted.connect(self.quit)
        window.restart_wanted.connect(self._begin_engine)
        window.hidden.connect(self._window_closed)
        self.bridge.ready.connect(self._ready)
        self.bridge.failed.connect(self._failed)
        self.watch.changed.connect(self._tell_notices)
        self.watch.reminders.problem.connect(window.tell)
        self.bridge.problem.connect(window.tell)
        self.state.changed.connect(self._state_changed)
        self.app.commitDataRequest.connect(self._session_ends)
        if self._instance is not None:
            self._instance.commanded.connect(self.obey)

    # What the first window can do without is made, and imported, once that is painted.

    @cached_property
    def tray(self) -> "Tray":
        """The icon and its menu."""
        from nagatha_desktop.tray import Tray

        tray = Tray(self.themes, self.watch, self.keys, self)
        tray.chat_wanted.connect(self.window.bring_up)
        tray.new_chat_wanted.connect(self.new_chat)
        tray.quick_wanted.connect(self.open_quick)
        tray.approvals_wanted.connect(self.show_approval)
        tray.reminders_wanted.connect(self.show_reminders)
        tray.activity_wanted.connect(self.show_activity)
        tray.quiet_wanted.connect(self.watch.reminders.do_not_disturb)
        tray.quiet_choice_wanted.connect(lambda: self.reminders.choose_quiet())
        tray.pause_wanted.connect(self.watch.pause)
        tray.settings_wanted.connect(self.show_settings)
        tray.quit_wanted.connect(self.quit)
        tray.available_changed.connect(self._tray_changed)
        return tray

    @cached_property
    def activity(self) -> "ActivityDesk":
        """The window of background work, and news of it."""
        from nagatha_desktop.activity.desk import ActivityDesk

        activity = ActivityDesk(
            self.bridge,
            self.themes,
            self.state,
            self.keys,
            self.watch,
            self._watched,
            self.calm,
            self,
        )
        activity.news.connect(self._say_news)
        activity.reminders_wanted.connect(self.show_reminders)
        self._connect_desk(activity)
        return activity

    @cached_property
    def reminders(self) -> "ReminderDesk":
        """The window of reminders."""
        from nagatha_desktop.reminders.desk import ReminderDesk

        reminders = ReminderDesk(self.bridge, self.themes, self.state, self.keys, self.watch, self)
        reminders.activity_wanted.connect(self.show_activity)
        self._connect_desk(reminders)
        return reminders

    def _connect_desk(self, desk: "ActivityDesk | ReminderDesk") -> None:
        desk.chat_wanted.connect(self._show_chat)
        desk.settings_wanted.connect(self.show_settings)
        desk.quick_wanted.connect(self.toggle_quick)
        desk.shortcuts_wanted.connect(self.window.show_shortcuts_beside)
        desk.quit_wanted.connect(self.quit)
        desk.restart_wanted.connect(self._begin_engine)

    @cached_property
    def alerts(self) -> "Alerts":
        """What is said on the desktop."""
        from nagatha_desktop.alerts import Alerts

        made = Alerts(
            self.bridge,
            self.themes,
            self.state,
            self._chat_watched,
            self._watched,
            self.calm,
            self,
        )
        made.reminders_seen = lambda: _in_front(self.reminders.made)
        made.work.activity_seen = lambda: _in_front(self.activity.made)
        self.reminders.why = made.absences.why
        made.chat_wanted.connect(self.open_chat)
        made.activity_wanted.connect(self.show_activity)
        made.reminders_wanted.connect(self.reminders.show_reminder)
        made.work.failure_said.connect(self.activity.alerts.said_elsewhere)
        self.app.focusWindowChanged.connect(made.front_changed)
        self.window.model.chat_changed.connect(made.front_changed)
        return made

    @cached_property
    def wakefulness(self) -> "Wakefulness":
        """What is done about the machine's sleep."""
        from nagatha_desktop.wakefulness import Wakefulness

        made = Wakefulness(self.bridge, self.watch, self.state, self)
        made.offer(self.tray)
        made.sleep.woke.connect(self.alerts.absences.look)
        return made

    @Slot()
    def show_activity(self) -> None:
        """Show what is done in the background."""
        self.activity.show()

    @Slot()
    def show_reminders(self) -> None:
        """Show the reminders."""
        self.reminders.show()

    # -- beginning ------------------------------------------------------------------------------

    def start(self, commands: Sequence[str], hidden: bool) -> None:
        """Show what is to be seen; everything else follows once that is painted."""
        if not hidden:
            self.window.bring_up()
        self._commands = list(commands)
        self._hidden = hidden
        # The window system says when there is something to paint on; where it never does, the
        # rest does not wait for it.
        self.window.installEventFilter(self)
        self._paint_wait.start(0 if hidden else PAINTED_WITHIN)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hears of the first painting."""
        if event.type() == QEvent.Type.Paint and self._paint_wait.isActive():
            self._paint_wait.start(0)
        return False

    @Slot()
    def _start_rest(self) -> None:
        self.window.removeEventFilter(self)
        self.tray.start()
        # They listen from before the engine is there and tells what waits.
        self._listeners = (self.activity, self.reminders, self.alerts, self.wakefulness)
        self._begin_engine()
        self.obey([command for command in self._commands if command != "show chat"])
        self.state.write_with(self._backend.aside)
        self._take_hotkey()
        if not self.tray.available:
            self._tray_wait.start(TRAY_COMES_WITHIN if self._hidden else 0)

    @Slot()
    def _begin_engine(self) -> None:
        self.window.notices.remove(self._failure)
        self._backend.begin(self.bridge)

    @Slot()
    def _ready(self) -> None:
        self.chats.load()
        self.models.load()
        last = self.state.text("last_chat")
        if last and not self.window.model.chat_id and not self.window.composer.text:
            self.window.model.open(last)
        self._greet()
        preload()

    def _greet(self) -> None:
        """On a first start, a page that sets a model up stands in the conversation's place."""
        if self._guide is None and not self.state.flag("first_start_done"):
            from nagatha_desktop.settings.first_start import FirstStartGuide

            self._guide = FirstStartGuide(self.bridge, self.themes, self.state, self)
            self._guide.page_changed.connect(self.window.show_page)
            self._guide.look()

    @Slot()
    def _tell_notices(self) -> None:
        """What the engine has to say about its settings and data, once each."""
        for problem in self.watch.engine.notices if self.watch.engine is not None else ():
            if problem not in self._told:
                self._told.add(problem)
                self.window.notices.add(problem)

    @Slot(object)
    def _failed(self, problem: Problem) -> None:
        # Whatever it was, it may be over when it is tried again.
        told = replace(problem, action=problem.action or "retry")
        self._failure = told.kind
        self.window.notices.add(told)

    @Slot()
    def _no_tray(self) -> None:
        """Without a tray the window is the only way to the program; said once."""
        if self.tray.available or self._ending:
            return
        if not self.window.isVisible():
            self.window.bring_up()
        if self.state.tell_once("no_tray"):
            self.window.notices.add(
                Problem(
                    "no_tray",
                    self.tr("This desktop has no tray"),
                    self.tr("Nagatha works all the same; closing its window quits it."),
                    self.tr("Start it again to come back, or bind a key to nagatha-desktop."),
                )
            )

    @Slot(bool)
    def _tray_changed(self, available: bool) -> None:
        if available:
            self.window.notices.remove("no_tray")
        elif not self.window.isVisible() and not self._ending:
            # The tray went away with the only way to the program in it.
            self._tray_wait.start(TRAY_COMES_WITHIN)

    # -- what a person wants --------------------------------------------------------------------

    @Slot(list)
    def obey(self, commands: Sequence[str]) -> None:
        """Do what a start was asked for: "show chat", "show reminders", "show activity",
        "show settings", "toggle", "quick"."""
        for command in commands:
            if command == "show chat":
                self.window.bring_up()
            elif command == "show reminders":
                self.reminders.show()
            elif command == "show activity":
                self.activity.show()
            elif command == "show settings":
                self.show_settings()
            elif command == "toggle":
                self.toggle()
            elif command == "quick":
                self.open_quick()

    @Slot()
    def toggle(self) -> None:
        """Bring the chat window up, or hide it if it is in front."""
        if self.window.isVisible() and self.window.isActiveWindow():
            # Not closed: without a tray that would end the program.
            self.window.keep_place()
            self.window.hide()
        else:
            self.window.bring_up()

    @Slot()
    def new_chat(self) -> None:
        """Show an empty chat."""
        self.window.bring_up()
        self.window.new_chat()

    @property
    def quick(self) -> "QuickAsk":
        """The quick window, made when it is first wanted."""
        if self._quick is None:
            from nagatha_desktop.chat.quick_ask import QuickAsk

            self._quick = QuickAsk(self.bridge, self.chats, self.themes, self.watch.approvals)
            self._quick.open_wanted.connect(self.open_chat)
            self._quick.draft_wanted.connect(self._open_draft)
            self._quick.settings_wanted.connect(self.show_settings)
        return self._quick

    @Slot()
    def open_quick(self) -> None:
        """Show the quick window."""
        self.quick.open()

    @Slot()
    def toggle_quick(self) -> None:
        """Show or hide the quick window."""
        self.quick.toggle()

    @Slot(str)
    def open_chat(self, chat: str) -> None:
        """Show a chat in the chat window."""
        self.window.bring_up()
        self.window.open_chat(chat)

    @Slot(str)
    def _open_draft(self, text: str) -> None:
        self.new_chat()
        if text:
            self.window.composer.give_back(text, ())

    @Slot()
    @Slot(str)
    def show_settings(self, page: str = "") -> None:
        """Show the settings at a page."""
        if self._settings_window is None and self._settings is not None:
            self._settings_window = self._settings(self)
            self._settings_keys(self._settings_window)
        if self._settings_window is not None:
            self._settings_window.show_page(page)
            self._settings_window.bring_up()

    def _settings_keys(self, window: "SettingsWindow") -> None:
        """From the settings the keys lead to the other windows, too."""
        handlers: dict[str, Callable[[], object]] = {
            "window.chat": self.window.bring_up,
            "window.reminders": self.show_reminders,
            "window.activity": self.show_activity,
            "window.settings": window.bring_up,
            "help.shortcuts": lambda: self.window.show_shortcuts_beside(window),
            "program.quit": self.quit,
        }
        WindowKeys(window, self.keys, handlers)

    @Slot()
    def show_approval(self) -> None:
        """Show what waits longest for the person's word: in its chat, or where it has none."""
        waiting = self.watch.approvals.waiting
        if waiting and waiting[0].chat:
            self.window.bring_up()
            self.window.show_approval(waiting[0])
        else:
            self.activity.window.show_approvals()

    # -- background work ------------------------------------------------------------------------

    @Slot(str)
    def _show_chat(self, chat: str) -> None:
        if chat:
            self.open_chat(chat)
        else:
            self.window.bring_up()

    def _chat_watched(self, chat: str) -> bool:
        """Whether the chat window, or quick ask, shows a person this chat."""
        front = [window for window in (self.window, self._quick) if window and _in_front(window)]
        return any(window.model.chat_id == chat for window in front)

    def _watched(self, run: Run) -> bool:
        """Whether the chat, or quick ask, shows a person what became of a run."""
        if run.chat and self._chat_watched(run.chat):
            return True
        return run.source == "quick" and _in_front(self._quick)

    @Slot(str, str)
    def _say_news(self, title: str, text: str) -> None:
        if not self._ending:
            self.alerts.failure(title, text, self.activity.show_news)

    @Slot(str)
    def _state_changed(self, key: str) -> None:
        if key == "theme":
            self.themes.set_mode(_theme(self.state))
        elif key == "shortcuts":
            self.keys.choose(self.state.mapping(key))
        elif key == "hotkey":
            self._take_hotkey()

    def _take_hotkey(self) -> None:
        key = self.state.text("hotkey")
        if self._hotkey is None and key:
            from nagatha_desktop.platform.hotkey import GlobalKey

            self._hotkey = GlobalKey(os.environ, self)
            self._hotkey.pressed.connect(self.toggle_quick)
            self._hotkey.refused.connect(self._hotkey_refused)
        if self._hotkey is not None:
            self._hotkey.set_key(key)

    @Slot(str)
    def _hotkey_refused(self, reason: str) -> None:
        if self._settings_window is not None:
            self._settings_window.hotkey_refused(reason)
        self.window.notices.add(hotkey_refused(self.state.text("hotkey"), reason))

    # -- closing and ending ---------------------------------------------------------------------

    @Slot()
    def _window_closed(self) -> None:
        self.window.model.drafts.keep()
        if self._ending:
            return
        if not self.tray.available or not self.state.flag("close_to_tray"):
            self.quit()
        elif self.state.tell_once("still_running"):
            self.alerts.still_running(self.window.bring_up)

    @Slot()
    def quit(self) -> None:
        """End the program; asks first while something is at work."""
        if self._ending or self._question is not None:
            return
        if self.watch.running == 0:
            self.end()
            return
        parent = self.window if self.window.isVisible() else None
        question, stop = quit_question(self.watch.running, parent)
        stop.clicked.connect(self.end)
        question.finished.connect(self._answered)
        self._question = question
        question.open()
        question.raise_()
        question.activateWindow()

    @Slot()
    def _answered(self) -> None:
        question, self._question = self._question, None
        if question is not None:
            question.deleteLater()
        if not self._ending and not self.tray.available and not self.window.isVisible():
            self.window.bring_up()

    @Slot()
    def end(self) -> None:
        """End the program without asking."""
        if self._ending:
            return
        self._ending = True
        self._tray_wait.stop()
        if self._instance is not None:
            self._instance.close()
        self.window.keep_place()
        self.window.model.drafts.keep()
        if self._hotkey is not None:
            self._hotkey.release()
        for window in self.app.topLevelWidgets():
            window.hide()
        self.tray.stop()
        self.activity.stop()
        self.alerts.stop()
        self.wakefulness.stop()
        drafts = self.window.model.drafts
        self.last_words = LastWords(self.bridge, lambda: drafts.keeping, self._stop_engine, self)
        self.last_words.wait()

    def _stop_engine(self) -> None:
        self.state.flush()
        self.bridge.stop()
        self._deadline.start()
        self._backend.end(self._engine_ended.emit)

    @Slot()
    def _ended(self) -> None:
        if self._deadline.isActive():
            self._deadline.stop()
            QCoreApplication.exit(0)

    @Slot()
    def _deadline_passed(self) -> None:
        """The engine does not end; the program does."""
        QCoreApplication.exit(0)

    @Slot()
    def _session_ends(self) -> None:
        """The person logs out: what stands in boxes is kept, and nothing is asked."""
        self.window.keep_place()
        self.window.model.drafts.keep()
        self.state.flush()


def _in_front(window: QWidget | None) -> bool:
    """Whether a window is seen and has the keyboard."""
    return window is not None and window.isVisible() and window.isActiveWindow()


def _theme(state: WindowState) -> ThemeMode:
    modes: dict[str, ThemeMode] = {"light": "light", "dark": "dark"}
    return modes.get(state.text("theme"), "system")
