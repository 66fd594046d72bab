"""A logind for tests: it tells that the machine goes to sleep and wakes, and can be inhibited.

Owns org.freedesktop.login1 on a bus of a test's own. Its asyncio loop runs in a thread of its own.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusSignature
from dbus_fast.service import ServiceInterface, dbus_signal

from tests.support.processes import DEADLINE


class Logind(ServiceInterface):
    """See the module."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.Manager")
        self.loop = asyncio.new_event_loop()
        self.inhibitors: list[tuple[str, ...]] = []
        """What is inhibited now: what, who, why and mode of each."""
        self.asked = 0
        self.refuses = False
        self._files: set[int] = set()

    def answer(self, bus: MessageBus, message: Message) -> bool:
        """Answer a call of Inhibit; whether it was one. On the loop.

        Not a method of the interface: our own copy of the file has to be closed once it was sent.
        """
        if message.message_type != MessageType.METHOD_CALL or message.member != "Inhibit":
            return False
        self.asked += 1
        if self.refuses:
            name = "org.freedesktop.DBus.Error.AccessDenied"
            bus.send(Message.new_error(message, name, "Permission denied"))
            return True
        ours, theirs = os.pipe()
        inhibitor = tuple(message.body)
        self.inhibitors.append(inhibitor)
        self._files.add(ours)
        self.loop.add_reader(ours, self._ended, ours, inhibitor)
        sent = bus.send(Message.new_method_return(message, "h", [0], [theirs]))
        sent.add_done_callback(lambda _: os.close(theirs))
        return True

    def _ended(self, file: int, inhibitor: tuple[str, ...]) -> None:
        """The other end was closed."""
        self.inhibitors.remove(inhibitor)
        self._close(file)

    def _close(self, file: int) -> None:
        self.loop.remove_reader(file)
        self._files.discard(file)
        os.close(file)

    def close(self) -> None:
        """Forget who still inhibits. On the loop."""
        for file in tuple(self._files):
            self._close(file)

    @dbus_signal()
    def PrepareForSleep(self, going: bool) -> Annotated[bool, DBusSignature("b")]:
        return going

    def tell(self, going: bool) -> None:
        """The machine goes to sleep, or woke. On the test's thread."""
        self.loop.call_soon_threadsafe(self.PrepareForSleep, going)


@contextmanager
def logind_on(bus_address: str) -> Iterator[Logind]:
    """The service on this bus for the length of the block."""
    made = Logind()
    thread = threading.Thread(target=made.loop.run_forever, name="nagatha-test-logind")
    thread.start()

    async def begin() -> MessageBus:
        bus = await MessageBus(bus_address=bus_address, negotiate_unix_fd=True).connect()
        bus.add_message_handler(lambda message: made.answer(bus, message))
        bus.export("/org/freedesktop/login1", made)
        await bus.request_name("org.freedesktop.login1")
        return bus

    async def end(bus: MessageBus) -> None:
        made.close()
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    bus = asyncio.run_coroutine_threadsafe(begin(), made.loop).result(DEADLINE)
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(end(bus), made.loop).result(DEADLINE)
        made.loop.call_soon_threadsafe(made.loop.stop)
        thread.join(DEADLINE)
        made.loop.close()
