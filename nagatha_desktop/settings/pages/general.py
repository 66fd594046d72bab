"""General: look, language, start and end, how a message is sent.

Owns these few rows. They are about windows and kept in `nagatha_desktop.state`; starting at login
is the system's.
"""

import asyncio

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.fields import NUMBER_WIDTH, Choice, SettingField
from nagatha_desktop.settings.languages import available, name_of
from nagatha_desktop.settings.notice_test import NoticeTest
from nagatha_desktop.settings.outside import Outside
from nagatha_desktop.settings.page import Page, Row, Rows, make_switch
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.state import WindowState
from worker.contract.errors import Unavailable
from worker.contract.services import Client
from worker.contract.types import Problem


class GeneralPage(Page):
    """See the module."""

    def __init__(
        self,
        bridge: Bridge,
        state: WindowState,
        store: SettingsStore,
        outside: Outside,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(self.tr("General"), parent)
        self._bridge = bridge
        self._state = state
        self._outside = outside
        self._switches: dict[str, QCheckBox] = {}
        self.add_section(self.tr("Look"))
        look = Rows()
        look.add(self._theme_row())
        look.add(self._language_row())
        self.add(look)
        self.add_section(self.tr("Start and end"))
        start = Rows()
        start.add(self._login_row())
        start.add(
            self._switch_row(
                "close_to_tray",
                self.tr("Closing the chat window keeps Nagatha in the tray"),
                self.tr("Otherwise it quits. Where the desktop has no tray, it always quits."),
            )
        )
        self.add(start)
        self.add_section(self.tr("Chat"))
        chat = Rows()
        chat.add(
            self._switch_row(
                "send_with_enter",
                self.tr("Enter sends"),
                self.tr("Shift+Enter makes a new line. Off: Enter makes one, Ctrl+Enter sends."),
            )
        )
        for key in ("chat.automatic_titles", "chat.text_limit", "chat.image_limit"):
            chat.add(SettingField(key, store))
        self.add(chat)
        self._add_notices()
        self.end()
        state.changed.connect(self._show)

    def _add_notices(self) -> None:
        self.add_section(self.tr("Notifications"))
        notices = Rows()
        for key, title, text in (
            ("answers", self.tr("Answers"), self.tr("One is there, and its chat is not in front.")),
            ("failures", self.tr("Failures"), self.tr("A job failed, and nobody watched.")),
            ("approvals", self.tr("Approvals"), self.tr("A tool waits for your word.")),
            ("routines", self.tr("Routines"), self.tr("One ended, or paused itself.")),
            ("sound", self.tr("Sound"), self.tr("For reminders and approvals.")),
        ):
            notices.add(self._switch_row(f"notify_{key}", title, text))
        self.test_row = NoticeTest(self._outside.announcer)
        notices.add(self.test_row)
        self.add(notices)

    def _theme_row(self) -> Row:
        row = Row(self.tr("Theme"))
        self.theme = Choice()
        for value, text in (
            ("system", self.tr("Like the system")),
            ("light", self.tr("Light")),
            ("dark", self.tr("Dark")),
        ):
            self.theme.addItem(text, value)
        self.theme.setMinimumWidth(NUMBER_WIDTH)
        self.theme.activated.connect(self._theme_chosen)
        row.put(self.theme)
        return row

    def _language_row(self) -> Row:
        there = available()
        row = Row(
            self.tr("Language"),
            self.tr("Another language is used from the next start on.")
            if len(there) > 1
            else self.tr("Nagatha speaks English so far."),
        )
        self.language = Choice()
        self.language.addItem(self.tr("Like the system"), "")
        for code in there:
            self.language.addItem(name_of(code), code)
        self.language.setMinimumWidth(NUMBER_WIDTH)
        self.language.activated.connect(self._language_chosen)
        row.put(self.language)
        return row

    def _login_row(self) -> Row:
        self.login_row = Row(
            self.tr("Start at login"), self.tr("In the tray, without opening a window.")
        )
        self.login = make_switch()
        self.login.setEnabled(False)
        self.login.clicked.connect(self._login_switched)
        self.login_row.put(self.login)
        return self.login_row

    def _switch_row(self, key: str, title: str, text: str) -> Row:
        row = Row(title, text)
        switch = make_switch()
        switch.setObjectName(key)
        switch.clicked.connect(self._switched)
        self._switches[key] = switch
        row.put(switch)
        return row

    def switch(self, key: str) -> QCheckBox:
        """The box of a setting that is on or off."""
        return self._switches[key]

    # -- showing ----------------------------------------------------------------------------------

    def load(self) -> None:
        """Show what holds now."""
        self._show()

        async def read(_: Client) -> bool:
            return await asyncio.to_thread(lambda: self._outside.autostart.enabled)

        self._bridge.call(read, owner=self, done=self._know_login, failed=self._no_login)

    @Slot()
    def _show(self) -> None:
        self.theme.setCurrentIndex(self.theme.findData(self._state.text("theme")))
        at = self.language.findData(self._state.text("language"))
        self.language.setCurrentIndex(max(0, at))
        for key, switch in self._switches.items():
            switch.setChecked(self._state.flag(key))

    def _know_login(self, enabled: bool) -> None:
        self.login.setEnabled(True)
        self.login.setChecked(enabled)

    def _no_login(self, problem: Problem) -> None:
        self.login_row.problems.tell(problem)

    # -- changing ---------------------------------------------------------------------------------

    @Slot()
    def _theme_chosen(self) -> None:
        self._state.set("theme", str(self.theme.currentData()))

    @Slot()
    def _language_chosen(self) -> None:
        self._state.set("language", str(self.language.currentData()))

    @Slot()
    def _switched(self) -> None:
        sender = self.sender()
        if isinstance(sender, QCheckBox):
            self._state.set(sender.objectName(), sender.isChecked())

    @Slot()
    def _login_switched(self) -> None:
        wanted = self.login.isChecked()
        autostart, command = self._outside.autostart, tuple(self._outside.command)

        def change() -> bool:
            try:
                if wanted:
                    autostart.enable(command)
                else:
                    autostart.disable()
            except OSError as error:
                raise Unavailable(
                    "Start at login could not be changed",
                    error.strerror or type(error).__name__,
                    "Check that you may write to the folder for it.",
                    action="",
                ) from error
            return autostart.enabled

        async def write(_: Client) -> bool:
            return await asyncio.to_thread(change)

        self.login.setEnabled(False)
        self.login_row.problems.clear()
        self._bridge.call(write, owner=self, done=self._know_login, failed=self._login_refused)

    def _login_refused(self, problem: Problem) -> None:
        self.load()
        self._no_login(problem)
