"""Whether a desktop is there to show a tray icon and notifications: asked over D-Bus.

Owns two questions for the doctor. Blocks; to be called beside the loop.
"""

import os
import sys

TRAY = "org.kde.StatusNotifierWatcher"
NOTIFICATIONS = "org.freedesktop.Notifications"
TIMEOUT = 2.0
"""Seconds that the bus is given to answer."""


def has_owner(name: str) -> bool | None:
    """Whether somebody answers to `name` on the session bus, or would be started for it.

    None where there is no session bus to ask (another system, or a bare terminal).
    """
    if not sys.platform.startswith("linux") or not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.blocking import open_dbus_connection

    bus = DBusAddress(
        "/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus"
    )
    try:
        with open_dbus_connection(bus="SESSION") as connection:
            call = new_method_call(bus, "NameHasOwner", "s", (name,))
            if connection.send_and_get_reply(call, timeout=TIMEOUT).body[0]:
                return True
            names = connection.send_and_get_reply(
                new_method_call(bus, "ListActivatableNames"), timeout=TIMEOUT
            ).body[0]
    except (OSError, TimeoutError, ValueError, KeyError):
        return None
    return name in names
