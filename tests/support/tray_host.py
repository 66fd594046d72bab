"""The part of a desktop's panel that tray icons register with, for tests: it sees the icons, reads
their menus and clicks in them, all over D-Bus and with nothing painted.

Owns org.kde.StatusNotifierWatcher on a test's session bus. Its asyncio loop runs in a thread of
its own, so that tests are plain functions. Must not be used on a person's session bus.
"""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from dbus_fast import Message, MessageType, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal
from dbus_fast.unpack import unpack_variants

from tests.support.processes import DEADLINE, wait_until

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
PROPERTIES = "org.freedesktop.DBus.Properties"
BUS = "org.freedesktop.DBus"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrayItem:
    """A registered icon: the connection it came from and the path it answers at."""

    owner: str
    path: str


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of a menu. `checked` is None for what can't be ticked."""

    id: int
    label: str
    enabled: bool
    visible: bool
    separator: bool
    checked: bool | None
    children: list["MenuEntry"] = field(default_factory=list)

    def all(self) -> Iterator["MenuEntry"]:
        """This entry and everything below it, from the top down."""
        yield self
        for child in self.children:
            yield from child.all()


class DBusCallError(Exception):
    """A call over D-Bus was answered with an error."""


class _Watcher(ServiceInterface):
    """What the program sees. Registering is done by the host, which knows the sender."""

    def __init__(self, items: list[TrayItem]) -> None:
        super().__init__(WATCHER)
        self._items = items

    @dbus_method()
    def RegisterStatusNotifierItem(self, service: DBusStr) -> None:
        """Answered by TrayHost._on_message before it comes here; named for introspection."""

    @dbus_method()
    def RegisterStatusNotifierHost(self, service: DBusStr) -> None:
        """A second host is welcome and nothing more is done about it."""

    @dbus_signal()
    def StatusNotifierItemRegistered(self, service: str) -> DBusStr:
        return service

    @dbus_signal()
    def StatusNotifierItemUnregistered(self, service: str) -> DBusStr:
        return service

    @dbus_property(access=PropertyAccess.READ)
    def RegisteredStatusNotifierItems(self) -> Annotated[list[str], DBusSignature("as")]:
        return [item.owner + item.path for item in self._items]

    @dbus_property(access=PropertyAccess.READ)
    def IsStatusNotifierHostRegistered(self) -> DBusBool:
        return True

    @dbus_property(access=PropertyAccess.READ)
    def ProtocolVersion(self) -> DBusInt32:
        return 0


class TrayHost:
    """The host's side for a test: what icons are there, what they show, and clicks on them."""

    def __init__(self, bus_address: str) -> None:
        self._address = bus_address
        self._items: list[TrayItem] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tray-host")

    def start(self) -> None:
        """Takes the watcher's name on the bus. Programs notice and register."""
        self._thread.start()
        self._run(self._connect())

    def stop(self) -> None:
        """Gives the name up: to programs, the panel is gone."""
        self._run(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def items(self) -> list[TrayItem]:
        """The icons that are registered now, the oldest first."""
        return list(self._items)

    def wait_for_item(self, title: str | None = None, deadline: float = DEADLINE) -> TrayItem:
        """The newest icon, of that title if one is given, once there is one."""
        return wait_until(lambda: self._newest(title), f"a tray icon {title or ''}", deadline)

    def wait_for_no_item(self, deadline: float = DEADLINE) -> None:
        """Returns when the last icon has gone."""
        wait_until(lambda: not self._items, "no tray icon is left", deadline)

    def properties(self, item: TrayItem) -> dict[str, Any]:
        """All the icon says of itself: Id, Title, Status, ToolTip, Menu, IconPixmap and so on."""
        call = self._call(item.owner, item.path, PROPERTIES, "GetAll", "s", [ITEM])
        return dict(unpack_variants(self._run(call)[0]))

    def activate(self, item: TrayItem) -> None:
        """A left click."""
        self._run(self._call(item.owner, item.path, ITEM, "Activate", "ii", [0, 0]))

    def menu(self, item: TrayItem) -> MenuEntry:
        """The icon's menu as it is now; the root entry's children are its lines."""
        path = self.properties(item)["Menu"]
        self._run(self._call(item.owner, path, MENU, "AboutToShow", "i", [0]))
        call = self._call(item.owner, path, MENU, "GetLayout", "iias", [0, -1, []])
        return _entry(self._run(call)[1])

    def click(self, item: TrayItem, label: str) -> None:
        """Chooses the menu's line of that label. Raises LookupError if it is not to be had."""
        lines = [entry for entry in self.menu(item).all() if entry.visible and entry.label]
        chosen = next((entry for entry in lines if entry.label == label), None)
        if chosen is None or not chosen.enabled:
            labels = [entry.label + ("" if entry.enabled else " (off)") for entry in lines]
            raise LookupError(f"No line {label!r} to click in the menu: {labels}")
        body = [chosen.id, "clicked", Variant("s", ""), int(time.time())]
        path = self.properties(item)["Menu"]
        self._run(self._call(item.owner, path, MENU, "Event", "isvu", body))

    # On the thread of the loop

    async def _connect(self) -> None:
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._watcher = _Watcher(self._items)
        self._bus.add_message_handler(self._on_message)
        self._bus.export("/StatusNotifierWatcher", self._watcher)
        rule = "type='signal',member='NameOwnerChanged',sender='org.freedesktop.DBus'"
        await self._call(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", "s", [rule])
        await self._bus.request_name(WATCHER)

    async def _disconnect(self) -> None:
        self._bus.disconnect()
        await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _on_message(self, message: Message) -> Message | None:
        if message.member == "RegisterStatusNotifierItem":
            self._register(message.sender or "", message.body[0])
            return Message.new_method_return(message)
        if message.member == "NameOwnerChanged" and not message.body[2]:
            self._forget(message.body[0])
        return None

    def _register(self, sender: str, service: str) -> None:
        # Programs name a path on their connection, or a name they own (then the path is fixed).
        path = service if service.startswith("/") else "/StatusNotifierItem"
        owner = sender if service.startswith("/") else service
        self._items.append(TrayItem(owner, path))
        self._watcher.StatusNotifierItemRegistered(owner + path)

    def _forget(self, owner: str) -> None:
        for item in [item for item in self._items if item.owner == owner]:
            self._items.remove(item)
            self._watcher.StatusNotifierItemUnregistered(item.owner + item.path)

    async def _call(
        self, owner: str, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> list[Any]:
        message = Message(
            destination=owner,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body,
        )
        reply = await asyncio.wait_for(self._bus.call(message), DEADLINE)
        if reply.message_type is MessageType.ERROR:
            raise DBusCallError(f"{interface}.{member}: {reply.error_name} {reply.body}")
        return list(reply.body)

    # On the thread of the test

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(DEADLINE + 5)

    def _newest(self, title: str | None) -> TrayItem | None:
        for item in reversed(self.items()):
            if title is None or self._title(item) == title:
                return item
        return None

    def _title(self, item: TrayItem) -> str | None:
        try:
            return str(self.properties(item)["Title"])
        except DBusCallError:  # the icon went between being listed and being asked
            return None


def _entry(node: list[Any]) -> MenuEntry:
    number, properties, children = node
    said = unpack_variants(properties)
    return MenuEntry(
        id=number,
        # An underscore marks the access key; a doubled one stands for itself.
        label=said.get("label", "").replace("__", "\0").replace("_", "").replace("\0", "_"),
        enabled=said.get("enabled", True),
        visible=said.get("visible", True),
        separator=said.get("type") == "separator",
        checked=said["toggle-state"] == 1 if said.get("toggle-type") else None,
        children=[_entry(child.value) for child in children],
    )


@contextmanager
def tray_host(bus_address: str) -> Iterator[TrayHost]:
    """A tray on this bus for the length of the block."""
    host = TrayHost(bus_address)
    host.start()
    try:
        yield host
    finally:
        host.stop()
