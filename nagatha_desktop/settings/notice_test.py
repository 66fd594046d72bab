"""A row that sends a notification to try it, and says which way it went.

Owns that notification and the words for what became of it. It comes also while nobody is to be
disturbed: somebody asked for it.
"""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget
from shiboken6 import Shiboken

from nagatha_desktop.announcer import Announcer, Choice
from nagatha_desktop.platform.notifications import Shown
from nagatha_desktop.platform.system_notifications import WhyNot
from nagatha_desktop.settings.page import Row
from nagatha_desktop.widgets.buttons import button

ID = "test"


class NoticeTest(Row):
    """See the module."""

    def __init__(self, announcer: Announcer, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Try it"), self.tr("With a button, as reminders have them."), parent
        )
        self._announcer = announcer
        self.send_button = button(self.tr("Send a test notification"))
        self.send_button.clicked.connect(self._send)
        self.put(self.send_button)
        announcer.told.connect(self._told)

    @Slot()
    def _send(self) -> None:
        self.status.wait(self.tr("The desktop is asked …"))
        self._announcer.say(
            ID,
            self.tr("A test"),
            self.tr("This is how Nagatha speaks to you on this desktop."),
            choices=(Choice(self.tr("I see it"), self._answered),),
            opens=self._answered,
        )

    @Slot(object)
    def _told(self, shown: Shown) -> None:
        if shown.id == ID:
            if shown.place == "system":
                self.status.say(self.tr("The system’s notifications have it."))
            else:
                self.status.say(self._reason(shown.why), "warn")

    def _reason(self, why: WhyNot) -> str:
        words: dict[WhyNot, str] = {
            "no_bus": self.tr(
                "A small window of Nagatha’s own shows it: there is no session bus on which the "
                "system’s notifications could be asked."
            ),
            "no_service": self.tr(
                "A small window of Nagatha’s own shows it: nothing on this desktop shows "
                "notifications."
            ),
            "no_buttons": self.tr(
                "A small window of Nagatha’s own shows it: the system’s notifications have no "
                "buttons."
            ),
            "no_answer": self.tr(
                "A small window of Nagatha’s own shows it: the system’s notifications do not "
                "answer."
            ),
        }
        return words.get(
            why,
            self.tr(
                "A small window of Nagatha’s own shows it: the system’s notifications did not "
                "take it."
            ),
        )

    def _answered(self) -> None:
        if Shiboken.isValid(self):  # it may be answered after the window is gone
            self.status.say(self.tr("You answered it, and the answer came back."))
