"""What is said on the desktop, together with what follows from each answer to it.

Owns the way from a button on a notification back to whoever said it. Knows nothing of what is
said, and not whether the system or a window of our own shows it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.platform.notifications import Notifier, Shown
from nagatha_desktop.platform.system_notifications import Action, Notification

Deed = Callable[[], object]
_KEPT = 200
"""So many are remembered: a notification that passed may still be answered where the desktop
keeps a list of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A button and what it does."""

    title: str
    do: Deed


@dataclass(frozen=True, slots=True)
class _Said:
    choices: tuple[Choice, ...]
    opens: Deed | None
    shown: Deed | None
    stays: bool


class Announcer(QObject):
    """See the module."""

    told = Signal(object)
    """A notification can be seen (Shown)."""

    def __init__(self, notifier: Notifier, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notifier = notifier
        self._said: dict[str, _Said] = {}
        notifier.shown.connect(self._shown)
        notifier.pressed.connect(self._pressed)
        notifier.clicked.connect(self._clicked)
        notifier.dismissed.connect(self._dismissed)

    @property
    def said(self) -> tuple[str, ...]:
        """The ids of what may still be answered, the oldest first."""
        return tuple(self._said)

    def say(
        self,
        id: str,
        title: str,
        text: str,
        *,
        choices: Sequence[Choice] = (),
        opens: Deed | None = None,
        shown: Deed | None = None,
        stays: bool = False,
        sound: bool = False,
    ) -> None:
        """Say it, in the place of what was said with the same id.

        `opens` is what a click does, `shown` is called once it can be seen. With `stays` it is
        urgent, and is shown until it is answered.
        """
        self._said.pop(id, None)
        self._said[id] = _Said(tuple(choices), opens, shown, stays)
        self._make_room()
        actions = tuple(Action(str(at), choice.title) for at, choice in enumerate(choices))
        clickable = opens is not None and all(choice.do != opens for choice in choices)
        self._notifier.say(Notification(id, title, text, actions, stays, sound, clickable))

    def withdraw(self, id: str) -> None:
        """Take it away: it was answered elsewhere."""
        if self._said.pop(id, None) is not None:
            self._notifier.withdraw(id)

    def _make_room(self) -> None:
        old = [id for id, said in self._said.items() if not said.stays]
        for id in old[: max(0, len(self._said) - _KEPT)]:
            del self._said[id]

    @Slot(object)
    def _shown(self, shown: Shown) -> None:
        said = self._said.get(shown.id)
        if said is not None and said.shown is not None:
            said.shown()
        self.told.emit(shown)

    @Slot(str, str)
    def _pressed(self, id: str, action: str) -> None:
        said = self._said.pop(id, None)
        if said is not None and action.isdecimal() and int(action) < len(said.choices):
            said.choices[int(action)].do()

    @Slot(str)
    def _clicked(self, id: str) -> None:
        said = self._said.pop(id, None)
        if said is not None and said.opens is not None:
            said.opens()

    @Slot(str)
    def _dismissed(self, id: str) -> None:
        self._said.pop(id, None)
