"""The icon in the tray and its menu.

Owns the icon, what it says, and the menu. Whether the system has a tray may change while the
program runs; an icon that was made before its host never appears, so a new one is made then.
"""

import sys
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.icons import TrayState, tray_icon
from nagatha_desktop.widgets.moments import Wall, clock, point, tomorrow_morning
from nagatha_desktop.widgets.theme import ThemeController

WATCHER = "org.kde.StatusNotifierWatcher"
_REMAKE_AFTER = 300
"""Milliseconds that a host gets to come up before it is given an icon."""


class Tray(QObject):
    """See the module."""

    chat_wanted = Signal()
    new_chat_wanted = Signal()
    quick_wanted = Signal()
    reminders_wanted = Signal()
    approvals_wanted = Signal()
    """Show the approval that waits longest."""
    activity_wanted = Signal()
    quiet_wanted = Signal(object)
    """Do not disturb until then (datetime); None ends it."""
    quiet_choice_wanted = Signal()
    """Ask until when nobody is to disturb."""
    pause_wanted = Signal(bool)
    """Let background work wait, or go on."""
    awake_wanted = Signal(bool)
    """Keep the machine awake while runs are at work, or do not."""
    settings_wanted = Signal()
    quit_wanted = Signal()
    available_changed = Signal(bool)
    """A tray came, or went."""

    def __init__(
        self,
        themes: ThemeController,
        watch: EngineWatch,
        keys: Keys,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._keys = keys
        self._themes = themes
        self._watch = watch
        self._wall = Wall()
        self._icon: QSystemTrayIcon | None = None
        self._available = False
        self._shown: tuple[TrayState, bool] | None = None
        self._bus: QObject | None = None
        self.menu = self._make_menu()
        self._remake = QTimer(self)
        self._remake.setSingleShot(True)
        self._remake.setInterval(_REMAKE_AFTER)
        self._remake.timeout.connect(self._make_icon)
        watch.changed.connect(self._show)
        themes.changed.connect(self._show)
        keys.changed.connect(self._show_keys)
        self._show_keys()
        self._show()

    @property
    def available(self) -> bool:
        """Whether the system shows the icon."""
        return self._available

    def start(self) -> None:
        """Show the icon, now or as soon as there is a tray."""
        if sys.platform.startswith("linux"):
            self._watch_bus()
        self._make_icon()

    def stop(self) -> None:
        """Take the icon away."""
        self._remake.stop()
        self._watch.changed.disconnect(self._show)
        self._themes.changed.disconnect(self._show)
        self._keys.changed.disconnect(self._show_keys)
        if self._icon is not None:
            self._icon.hide()
            self._icon.deleteLater()
            self._icon = None
        self.menu.deleteLater()

    @property
    def icon(self) -> QSystemTrayIcon | None:
        """The icon itself, for messages; None where there is no tray."""
        return self._icon if self._available else None

    def _make_menu(self) -> QMenu:
        menu = QMenu()
        menu.setAccessibleName(self.tr("Nagatha"))
        self.new_chat = _action(self.tr("New chat"), self.new_chat_wanted, menu)
        self.quick = _action(self.tr("Quick ask …"), self.quick_wanted, menu)
        self.approvals = _action("", self.approvals_wanted, menu)
        self.reminders = _action("", self.reminders_wanted, menu)
        self.activity = _action("", self.activity_wanted, menu)
        self.quiet_menu = self._make_quiet_menu(menu)
        self.pause = _action("", self._pause, menu)
        self.awake = _action(self.tr("Keep awake while working"), self.awake_wanted, menu)
        self.awake.setCheckable(True)
        self.awake.setEnabled(False)
        self.settings = _action(self.tr("Settings …"), self.settings_wanted, menu)
        self.quit = _action(self.tr("Quit Nagatha"), self.quit_wanted, menu)
        menu.addActions([self.new_chat, self.quick])
        menu.addSeparator()
        menu.addActions([self.approvals, self.reminders, self.activity])
        menu.addSeparator()
        menu.addMenu(self.quiet_menu)
        menu.addActions([self.pause, self.awake, self.settings, self.quit])
        menu.setToolTipsVisible(True)
        menu.setDefaultAction(self.new_chat)
        return menu

    def _make_quiet_menu(self, parent: QMenu) -> QMenu:
        menu = QMenu(parent)
        self.quiet_hour = _action(self.tr("For 1 hour"), self._quiet_for_an_hour, menu)
        self.quiet_morning = _action("", self._quiet_until_morning, menu)
        self.quiet_choice = _action(self.tr("Choose …"), self.quiet_choice_wanted, menu)
        self.quiet_end = _action(self.tr("End it"), self._end_quiet, menu)
        menu.addActions([self.quiet_hour, self.quiet_morning, self.quiet_choice])
        menu.addSeparator()
        menu.addAction(self.quiet_end)
        menu.aboutToShow.connect(self._show_quiet)
        return menu

    @Slot()
    def _quiet_for_an_hour(self) -> None:
        self.quiet_wanted.emit(datetime.now(UTC) + timedelta(hours=1))

    @Slot()
    def _quiet_until_morning(self) -> None:
        self.quiet_wanted.emit(tomorrow_morning(datetime.now(UTC), self._wall))

    @Slot()
    def _end_quiet(self) -> None:
        self.quiet_wanted.emit(None)

    @Slot()
    def _show_quiet(self) -> None:
        quiet, now = self._watch.reminders.quiet, datetime.now(UTC)
        words = [self.tr("Do not disturb")]
        if quiet is not None and quiet.until is not None:
            time = point(quiet.until, now, self._wall)
            words.append(self.tr("until {time}").format(time=time))
        self.quiet_menu.setTitle("\t".join(words))
        self.quiet_menu.setEnabled(quiet is not None)
        self.quiet_end.setVisible(len(words) > 1)
        morning = clock(self._wall.of(tomorrow_morning(now, self._wall)))
        self.quiet_morning.setText(self.tr("Until tomorrow {time}").format(time=morning))

    @Slot()
    def _show_keys(self) -> None:
        """Which keys do the same in the windows; here they are only read."""
        for action, name in (
            (self.new_chat, "chat.new"),
            (self.quick, "window.quick"),
            (self.settings, "window.settings"),
            (self.quit, "program.quit"),
        ):
            action.setShortcut(QKeySequence(self._keys.key(name)))
            action.setShortcutVisibleInContextMenu(True)

    @Slot()
    def _pause(self) -> None:
        self.pause_wanted.emit(not self._watch.paused)

    def show_awake(self, wanted: bool, possible: bool, why: str) -> None:
        """Show whether the machine is to stay awake, whether it can be, and say more of it."""
        self.awake.setChecked(wanted)
        self.awake.setEnabled(possible)
        self.awake.setToolTip(why)

    def _watch_bus(self) -> None:
        # QtDBus is missing where Qt was built without it; then a tray that comes late stays away.
        try:
            from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher
        except ImportError:
            return
        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        mode = QDBusServiceWatcher.WatchModeFlag.WatchForOwnerChange
        watcher = QDBusServiceWatcher(WATCHER, bus, mode, self)
        watcher.serviceRegistered.connect(self._host_came)
        watcher.serviceUnregistered.connect(self._host_went)
        self._bus = watcher

    @Slot(str)
    def _host_came(self, _: str) -> None:
        self._remake.start()

    @Slot(str)
    def _host_went(self, _: str) -> None:
        self._set_available(QSystemTrayIcon.isSystemTrayAvailable())

    @Slot()
    def _make_icon(self) -> None:
        if self._icon is not None:
            self._icon.hide()
            self._icon.deleteLater()
        self._icon = QSystemTrayIcon(self)
        self._icon.setContextMenu(self.menu)
        self._icon.activated.connect(self._activated)
        self._shown = None
        self._show()
        self._icon.show()
        self._set_available(QSystemTrayIcon.isSystemTrayAvailable())

    def _set_available(self, available: bool) -> None:
        if available != self._available:
            self._available = available
            self.available_changed.emit(available)

    @Slot(QSystemTrayIcon.ActivationReason)
    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        reasons = QSystemTrayIcon.ActivationReason
        if reason in (reasons.Trigger, reasons.DoubleClick):
            self.chat_wanted.emit()
        elif reason == reasons.MiddleClick:
            self.quick_wanted.emit()

    @Slot()
    def _show(self) -> None:
        running, failures = self._watch.running, self._watch.failures
        paused = self._watch.paused
        asked = len(self._watch.approvals.waiting)
        # What stands behind a tab stands at the right, where other entries have their keys.
        counts = []
        if running:
            counts.append(self.tr("{number} running").format(number=running))
        if failures:
            counts.append(self.tr("{number} failed").format(number=failures))
        if paused:
            counts.append(self.tr("paused"))
        self.activity.setText("\t".join(filter(None, (self.tr("Activity"), ", ".join(counts)))))
        approvals = self.tr("Approvals")
        self.approvals.setText(f"{approvals}\t{asked}" if asked else approvals)
        self.approvals.setEnabled(asked > 0)
        self.reminders.setText(
            "\t".join(filter(None, (self.tr("Reminders"), ", ".join(self._due()))))
        )
        self._show_quiet()
        self.pause.setText(
            self.tr("Resume background work") if paused else self.tr("Pause background work")
        )
        self.pause.setEnabled(self._watch.engine is not None and self._watch.failure is None)
        if self._icon is None:
            return
        mood = self._watch.mood
        state: TrayState = "idle" if mood == "starting" else mood
        dark = self._themes.current.dark
        if self._shown != (state, dark):
            self._shown = (state, dark)
            self._icon.setIcon(tray_icon(state, dark))
        words = {
            "starting": self.tr("starting"),
            "idle": self.tr("ready"),
            "busy": self.tr("{number} running").format(number=running),
            "needs_you": self.tr("needs you"),
            "error": self.tr("stopped"),
        }
        said = words[mood]
        if paused:
            said = self.tr("{state}, background work is paused").format(state=said)
        self._icon.setToolTip(self.tr("Nagatha: {state}").format(state=said))

    def _due(self) -> list[str]:
        """How many reminders come today, and how many were missed."""
        counts = self._watch.reminders.counts
        if counts is None:
            return []
        found = []
        if counts.today:
            found.append(self.tr("{number} today").format(number=counts.today))
        if counts.missed:
            found.append(self.tr("{number} missed").format(number=counts.missed))
        return found


def _action(text: str, signal: object, parent: QMenu) -> QAction:
    action = QAction(text, parent)
    action.triggered.connect(signal)
    return action
