"""A logind for tests: it tells that the machine goes to sleep and wakes.

Owns org.freedesktop.login1 on a bus of a test's own. Its asyncio loop runs in a thread of its own.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusSignature
from dbus_fast.service import ServiceInterface, dbus_signal

from tests.support.processes import DEADLINE


class Logind(ServiceInterface):
    """See the module."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.Manager")
        self.loop = asyncio.new_event_loop()

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
        bus = await MessageBus(bus_address=bus_address).connect()
        bus.export("/org/freedesktop/login1", made)
        await bus.request_name("org.freedesktop.login1")
        return bus

    async def end(bus: MessageBus) -> None:
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
