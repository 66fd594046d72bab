"""What says things on the desktop, for tests: with small windows of our own to fall back on.

Owns nothing that is shown; whoever makes one stops its notifier.
"""

from PySide6.QtCore import QObject

from nagatha_desktop.announcer import Announcer
from nagatha_desktop.platform.notifications import Notifier
from nagatha_desktop.widgets.notes import Note, Notes
from nagatha_desktop.widgets.theme import ThemeController


def an_announcer(themes: ThemeController, parent: QObject) -> tuple[Announcer, Notifier]:
    """It, and the notifier behind it."""
    notifier = Notifier(lambda answered: Notes(themes, answered), None, parent)
    return Announcer(notifier, parent), notifier


def shown_by(notifier: Notifier) -> list[Note]:
    """The windows of our own that say something now."""
    return notifier.windows.notes if isinstance(notifier.windows, Notes) else []
