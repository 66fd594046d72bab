"""A service of notifications for tests: it keeps what it is asked to show, and presses buttons.

Owns org.freedesktop.Notifications on a test's session bus. Its asyncio loop runs in a thread of
its own. Must not be used on a person's session bus.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from dbus_fast import Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

from tests.support.processes import DEADLINE

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the service was asked to show. `actions` maps ids to words."""

    id: int
    title: str
    body: str
    actions: dict[str, str]
    hints: dict[str, Any]
    timeout: int


class NotificationDaemon(ServiceInterface):
    """See the module. `shown` is what can be seen now, `closed` what was withdrawn."""

    def __init__(self, capabilities: tuple[str, ...], called: str) -> None:
        super().__init__(NAME)
        self._called = called
        self._capabilities = list(capabilities)
        self.shown: dict[int, Kept] = {}
        self.closed: list[int] = []
        self._loop = asyncio.new_event_loop()

    @dbus_method()
    def Notify(
        self,
        app: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        title: DBusStr,
        body: DBusStr,
        actions: Annotated[list[str], DBusSignature("as")],
        hints: Annotated[dict[str, Variant], DBusSignature("a{sv}")],
        timeout: DBusInt32,
    ) -> DBusUInt32:
        number = len(self.shown) + len(self.closed) + 1
        buttons = dict(zip(actions[::2], actions[1::2], strict=True))
        plain = {key: value.value for key, value in hints.items()}
        self.shown[number] = Kept(number, title, body, buttons, plain, timeout)
        return number

    @dbus_method()
    def CloseNotification(self, number: DBusUInt32) -> None:
        self._close(number, 3)

    @dbus_method()
    def GetCapabilities(self) -> Annotated[list[str], DBusSignature("as")]:
        return self._capabilities

    @dbus_method()
    def GetServerInformation(self) -> Annotated[list[str], DBusSignature("ssss")]:
        return [self._called, "nagatha", "1", "1.2"]

    @dbus_signal()
    def ActionInvoked(
        self, number: int, action: str
    ) -> Annotated[list[int | str], DBusSignature("us")]:
        return [number, action]

    @dbus_signal()
    def NotificationClosed(
        self, number: int, reason: int
    ) -> Annotated[list[int], DBusSignature("uu")]:
        return [number, reason]

    def _close(self, number: int, reason: int) -> None:
        if self.shown.pop(number, None) is not None:
            self.closed.append(number)
            self.NotificationClosed(number, reason)

    # On the thread of the test

    def press(self, number: int, action: str = "default") -> None:
        """Press a button of it, or click on it."""

        def act() -> None:
            self.ActionInvoked(number, action)
            self._close(number, 2)

        self._loop.call_soon_threadsafe(act)

    def dismiss(self, number: int) -> None:
        """Close it as a person does."""
        self._loop.call_soon_threadsafe(self._close, number, 2)


@contextmanager
def notification_service(
    bus_address: str,
    capabilities: tuple[str, ...] = ("actions", "body", "body-markup"),
    called: str = "of the tests",
) -> Iterator[NotificationDaemon]:
    """The service on this bus for the length of the block. `called` is how it names itself."""
    daemon = NotificationDaemon(capabilities, called)
    loop = daemon._loop
    thread = threading.Thread(target=loop.run_forever, name="nagatha-test-notifications")
    thread.start()

    async def begin() -> MessageBus:
        bus = await MessageBus(bus_address=bus_address).connect()
        bus.export(PATH, daemon)
        await bus.request_name(NAME)
        return bus

    async def end(bus: MessageBus) -> None:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    bus = asyncio.run_coroutine_threadsafe(begin(), loop).result(DEADLINE)
    try:
        yield daemon
    finally:
        asyncio.run_coroutine_threadsafe(end(bus), loop).result(DEADLINE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE)
        loop.close()
