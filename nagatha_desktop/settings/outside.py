"""What the settings need of the system around the program.

Owns that list; the parts are made by whoever opens the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nagatha_desktop.announcer import Announcer
from nagatha_desktop.platform.autostart import Autostart


@dataclass(frozen=True, slots=True)
class Outside:
    """The system around the program."""

    autostart: Autostart
    command: Sequence[str]
    """What is started at login."""
    quick_command: str
    """What a person binds to a key of the desktop, as it is typed."""
    announcer: Announcer
    """What says things on the desktop."""
    hotkey_missing: str | None = None
    """Why no key can be had everywhere on this desktop; None where it can."""
