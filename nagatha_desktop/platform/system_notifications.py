"""The system's notifications, asked on a thread of their own.

Owns that thread, which begins with the first notification, and what `desktop-notifier` needs to be
told: text that daemons cannot take for markup, what replaces what, and when a service that does
not answer is given up. What is said it must not know, and no widget.
"""

import logging
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from PySide6.QtCore import QCoreApplication

if TYPE_CHECKING:
    import asyncio

    from desktop_notifier import Capability, DesktopNotifier

WhyNot: TypeAlias = Literal["", "no_bus", "no_service", "no_buttons", "no_answer", "failed"]
"""Why the system does not show a notification. `no_bus`: there is nobody to ask. `no_service`:
nothing on the desktop shows notifications. `no_buttons`: what shows them has no buttons."""

ANSWERS_WITHIN = 5.0
"""Seconds that a service has to take a notification."""
GIVES_UP_FOR = 30.0
"""Seconds for which one that did not is not asked again."""
LAST_WORDS = 1.0
"""Seconds for taking away what is shown, at the end."""
_NEVER_GOES = 0
_GOES_AS_USUAL = -1
_CLICK = "default"
"""The action that the notification itself is, in the specification of the desktops."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Action:
    """A button. `id` must not be "default"."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Notification:
    """Something to be said."""

    id: str
    """One with the same id takes the place of this one."""
    title: str
    text: str
    """Plain text."""
    actions: tuple[Action, ...] = ()
    stays: bool = False
    """It is urgent, and stays until it is answered."""
    sound: bool = False
    clickable: bool = True
    """Whether a click does something that no button does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person did with a notification."""

    id: str
    kind: Literal["pressed", "clicked", "dismissed"]
    action: str = ""
    """The button's id, where one was pressed."""


@dataclass(frozen=True, slots=True)
class Told:
    """News of the system's notifications: an answer, or what became of one that was said."""

    what: Answer | str
    """An id where it is not an answer."""
    notification: Notification | None = None
    why: WhyNot = ""
    """Why the system does not show it; "" where it does."""


Job: TypeAlias = Callable[[], Awaitable[None]]


class SystemNotifications:
    """See the module. Its methods may be called on any thread and return at once."""

    def __init__(
        self,
        tell: Callable[[Told], None],
        icon: Path | None = None,
        answers_within: float = ANSWERS_WITHIN,
    ) -> None:
        """`tell` is called on the thread that belongs to this."""
        self._tell = tell
        self._icon = icon
        self._answers_within = answers_within
        self._lock = threading.Lock()
        self._jobs: list[Job] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._ending = False
        # What follows belongs to the thread.
        self._notifier: DesktopNotifier | None = None
        self._not_before = 0.0

    def say(self, notification: Notification) -> None:
        """Show it; `tell` is told whether the system took it."""
        self._post(lambda: self._say(notification))

    def withdraw(self, id: str) -> None:
        """Show it no more."""
        self._post(lambda: self._withdraw(id))

    def service_came(self) -> None:
        """Something shows notifications again."""
        self._post(self._hope)

    def service_went(self) -> None:
        """What showed notifications is gone; another may be able to do other things."""
        self._post(self._start_anew)

    def stop(self) -> None:
        """Take away all that is shown; the thread ends by itself."""
        with self._lock:
            self._ending = True
            self._call()

    def _post(self, job: Job) -> None:
        with self._lock:
            if self._ending:
                return
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="nagatha-notifications", daemon=True
                )
                self._thread.start()
            self._call()

    def _call(self) -> None:
        if self._loop is not None and self._wake is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    # -- on the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        import asyncio

        try:
            asyncio.run(self._serve())
        except Exception:  # nothing that happens here may end the program
            log.exception("Notifications of the system are given up")

    async def _serve(self) -> None:
        import asyncio

        # A connection that is let go of leaves what it could not send behind as lost futures.
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: log.debug("On the way to the system: %s", context)
        )
        wake = asyncio.Event()
        with self._lock:
            self._wake, self._loop = wake, asyncio.get_running_loop()
        while True:
            wake.clear()
            with self._lock:
                jobs, self._jobs = self._jobs, []
                ending = self._ending
                if ending:
                    self._loop = None
            if ending:
                await self._end()
                return
            for job in jobs:
                await job()
            await wake.wait()

    async def _say(self, notification: Notification) -> None:
        self._tell(Told(notification.id, notification, await self._try(notification)))

    async def _try(self, notification: Notification) -> WhyNot:
        import asyncio

        clock = asyncio.get_running_loop()
        if clock.time() < self._not_before:
            return "no_answer"
        fresh = self._notifier is None
        try:
            async with asyncio.timeout(self._answers_within):
                return await self._send(notification)
        except TimeoutError:
            self._not_before = clock.time() + GIVES_UP_FOR
            why: WhyNot = "no_answer"
        except Exception as error:  # each system has exceptions of its own
            why = _why(error)
            log.info("The system shows no notification: %s: %s", type(error).__name__, error)
        self._let_go()
        if not fresh and why != "no_answer":
            return await self._try(notification)  # the connection was an old one
        return why

    async def _send(self, notification: Notification) -> WhyNot:
        from desktop_notifier import Button, Capability, Sound, Urgency
        from desktop_notifier import Notification as Native

        notifier = self._notifier or self._connect()
        able = await notifier.get_capabilities()
        if Capability.TITLE not in able:
            return "no_service"
        if notification.actions and Capability.BUTTONS not in able:
            return "no_buttons"
        await self._withdraw(notification.id)
        buttons = [Button(action.title, identifier=action.id) for action in notification.actions]
        if notification.clickable and self._needs_a_button_for_clicks(able):
            words = QCoreApplication.translate("Notifier", "Open")
            buttons.insert(0, Button(words, identifier=_CLICK))
        accepted = False

        def note() -> None:
            nonlocal accepted
            accepted = True

        await notifier.send_notification(
            Native(
                title=notification.title,
                # Daemons of the specification render markup in the body.
                message=escape(notification.text, quote=False)
                if _speaks_markup()
                else notification.text,
                urgency=Urgency.Critical if notification.stays else Urgency.Normal,
                buttons=tuple(buttons),
                sound=Sound(name="default") if notification.sound else None,
                timeout=_NEVER_GOES if notification.stays else _GOES_AS_USUAL,
                identifier=notification.id,
                on_dispatched=note,
            )
        )
        if not accepted:  # it only logs what went wrong
            raise RuntimeError("the notification was not taken")
        return ""

    def _connect(self) -> "DesktopNotifier":
        from desktop_notifier import DesktopNotifier, Icon

        # What it warns of is told as `WhyNot`.
        logging.getLogger("desktop_notifier").setLevel(logging.ERROR)
        icon = Icon(path=self._icon) if self._icon is not None else None
        notifier = DesktopNotifier("Nagatha", icon)
        notifier.on_clicked = lambda id: self._tell(Told(Answer(id, "clicked")))
        notifier.on_dismissed = lambda id: self._tell(Told(Answer(id, "dismissed")))
        notifier.on_button_pressed = lambda id, action: self._tell(
            Told(Answer(id, "pressed", action))
        )
        self._notifier = notifier
        return notifier

    @staticmethod
    def _needs_a_button_for_clicks(able: "frozenset[Capability]") -> bool:
        """Some daemons do nothing on a click; then a button has to lead to the window."""
        from desktop_notifier import Capability

        return Capability.BUTTONS in able and Capability.ON_CLICKED not in able

    async def _withdraw(self, id: str) -> None:
        notifier = self._notifier
        if notifier is None or id not in await notifier.get_current_notifications():
            return
        try:
            await notifier.clear(id)
        except Exception as error:  # it is gone with the service that showed it
            log.debug("A notification could not be withdrawn: %s", error)

    async def _hope(self) -> None:
        # The connection is kept: it may have been our own question that began the service.
        self._not_before = 0.0

    async def _start_anew(self) -> None:
        self._not_before = 0.0
        self._let_go()

    def _let_go(self) -> None:
        """Keep no connection that half works: the library would leave it open."""
        notifier, self._notifier = self._notifier, None
        bus = getattr(getattr(notifier, "_backend", None), "bus", None)
        if bus is not None:
            bus.disconnect()

    async def _end(self) -> None:
        import asyncio

        try:
            async with asyncio.timeout(LAST_WORDS):
                if self._notifier is not None:
                    await self._notifier.clear_all()
        except Exception as error:  # whatever is left has no one behind it any more
            log.debug("Notifications could not be withdrawn: %s", error)
        self._let_go()


def _speaks_markup() -> bool:
    """Whether it is a daemon of the desktops' specification; other systems show text as it is."""
    return sys.platform not in ("win32", "darwin")


def _why(error: Exception) -> WhyNot:
    """What an exception of D-Bus means for a person."""
    kind = str(getattr(error, "type", ""))
    if kind.endswith((".ServiceUnknown", ".NameHasNoOwner")) or ".Spawn." in kind:
        return "no_service"
    # An address that makes no sense is a ValueError there, one where nobody listens an OSError.
    return "no_bus" if isinstance(error, OSError | ValueError) else "failed"
