"""A desktop of the test's own: a virtual screen, a window manager, a session bus, and on it a
keyring, notifications and a tray, each only if asked for.

Owns these processes and ends them by their pid. Nothing of the person's session is used: the bus
starts no services by itself, so what a test did not start is really absent.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.wrappers import DBusErrorResponse, unwrap_msg
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayConnectionError, DisplayNameError

from tests.support.processes import started, wait_until
from tests.support.tray_host import TrayHost, tray_host

NEEDED = ("Xvfb", "openbox", "dbus-daemon", "gnome-keyring-daemon", "dunst")

_BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
_SECRETS = DBusAddress(
    "/org/freedesktop/secrets", "org.freedesktop.secrets", "org.freedesktop.Secret.Service"
)
_BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@contextmanager
def screen(folder: Path, size: str = "1600x1000x24") -> Iterator[str]:
    """A virtual X screen; gives its DISPLAY. Xvfb picks a number that is free."""
    read_end, write_end = os.pipe()
    log = folder / "xvfb.log"
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", size, "-nolisten", "tcp"]
    # Else it starts anew whenever its last client leaves, under the feet of the next one.
    command += ["-noreset"]
    with (
        os.fdopen(read_end) as told,
        os.fdopen(write_end, "w") as tell,
        started(command, log=log, pass_fds=[write_end]) as process,
    ):
        tell.close()
        # Comes when the screen takes connections; if Xvfb ends, the pipe ends empty.
        number = told.readline().strip()
        if not number:
            said = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"Xvfb ended with code {process.wait()}:\n{said}")
        yield f":{number}"


@contextmanager
def window_manager(folder: Path, env: Mapping[str, str]) -> Iterator[None]:
    """openbox on the screen of `env`, in charge when the block begins."""
    with started(["openbox", "--sm-disable"], env=env, log=folder / "openbox.log"):
        wait_until(lambda: _has_window_manager(env["DISPLAY"]), "openbox manages the screen")
        yield


def _has_window_manager(display_name: str) -> bool:
    try:
        display = Display(display_name)
    except (DisplayConnectionError, DisplayNameError, ConnectionClosedError):
        return False
    try:
        atom = display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        return display.screen().root.get_full_property(atom, 0) is not None
    finally:
        display.close()


@contextmanager
def session_bus(folder: Path, runtime: Path) -> Iterator[str]:
    """A session bus; gives its address. Its socket lies in `runtime`, a short path."""
    socket = runtime / "bus"
    config = folder / "bus.conf"
    config.write_text(_BUS_CONFIG.format(socket=escape(str(socket))), encoding="utf-8")
    address = f"unix:path={socket}"
    command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"]
    with started(command, log=folder / "dbus.log"):
        wait_until(lambda: _bus_answers(address), "the session bus answers")
        yield address


def _bus_answers(address: str) -> bool:
    try:
        open_dbus_connection(address).close()
    except OSError:
        return False
    return True


def name_has_owner(address: str, name: str) -> bool:
    """Whether some program on the bus offers this name, such as org.freedesktop.Notifications."""
    with open_dbus_connection(address) as connection:
        question = new_method_call(_BUS, "NameHasOwner", "s", (name,))
        return bool(unwrap_msg(connection.send_and_get_reply(question, timeout=60))[0])


def _wait_for_name(address: str, name: str) -> None:
    wait_until(lambda: name_has_owner(address, name), f"{name} is on the bus")


@contextmanager
def notification_daemon(folder: Path, env: Mapping[str, str], chosen: str = "") -> Iterator[None]:
    """dunst, ready for notifications. Needs a screen and a bus in `env`.

    `chosen` is what a person picks in its menu of buttons (`dunstctl context`), by its words.
    """
    command = ["dunst"]
    if chosen:
        menu = folder / "dunst-menu"
        menu.write_text(f"#!/bin/sh\nexec grep -F -m 1 -- {shlex.quote(chosen)}\n", "utf-8")
        menu.chmod(0o755)
        config = folder / "dunstrc"
        config.write_text(f"[global]\n    dmenu = {menu}\n", "utf-8")
        command += ["-config", str(config)]
    with started(command, env=env, log=folder / "dunst.log"):
        _wait_for_name(env["DBUS_SESSION_BUS_ADDRESS"], "org.freedesktop.Notifications")
        yield


@contextmanager
def secret_service(folder: Path, env: Mapping[str, str], password: str = "pw") -> Iterator[None]:
    """A gnome-keyring with an unlocked collection. Its files lie in the HOME of `env`."""
    command = ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"]
    with started(command, env=env, log=folder / "keyring.log", stdin=password.encode()):
        address = env["DBUS_SESSION_BUS_ADDRESS"]
        _wait_for_name(address, "org.freedesktop.secrets")
        wait_until(lambda: default_collection(address), "the keyring has a collection")
        yield


def default_collection(bus_address: str) -> str | None:
    """The path of the collection that keys go into, or None while there is none."""
    with open_dbus_connection(bus_address) as connection:
        question = new_method_call(_SECRETS, "ReadAlias", "s", ("default",))
        try:
            path = str(unwrap_msg(connection.send_and_get_reply(question, timeout=60))[0])
        except DBusErrorResponse:
            return None
    return None if path == "/" else path


def lock_keyring(bus_address: str) -> None:
    """Locks the keyring, as a person can at any time; reading then wants the password."""
    collection = default_collection(bus_address)
    with open_dbus_connection(bus_address) as connection:
        order = new_method_call(_SECRETS, "Lock", "ao", ([collection],))
        unwrap_msg(connection.send_and_get_reply(order, timeout=60))


@dataclass(frozen=True, slots=True)
class Desktop:
    """A running desktop.

    `env` is the whole environment to start the program with, `folder` holds the daemons' logs,
    and `tray` is the tray's host if one was asked for.
    """

    env: dict[str, str]
    folder: Path
    bus_address: str
    tray: TrayHost | None


@contextmanager
def desktop(
    folder: Path,
    *,
    tray: bool = False,
    keyring: bool = False,
    notifications: bool = False,
    size: str = "1600x1000x24",
) -> Iterator[Desktop]:
    """A screen, a window manager and a session bus, and what else is asked for.

    Takes HOME, XDG_RUNTIME_DIR and the rest from this process, where tests/conftest.py has set
    them to the test's own folders. A tray can come and go later: `tray_host(bus_address)`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        env = dict(os.environ)
        env["DISPLAY"] = stack.enter_context(screen(folder, size))
        runtime = Path(env["XDG_RUNTIME_DIR"])
        address = stack.enter_context(session_bus(folder, runtime))
        env["DBUS_SESSION_BUS_ADDRESS"] = address
        env["QT_QPA_PLATFORM"] = "xcb"
        env["XDG_SESSION_TYPE"] = "x11"
        stack.enter_context(window_manager(folder, env))
        if keyring:
            env.pop("PYTHON_KEYRING_BACKEND", None)
            stack.enter_context(secret_service(folder, env))
        if notifications:
            stack.enter_context(notification_daemon(folder, env))
        host = stack.enter_context(tray_host(address)) if tray else None
        yield Desktop(env, folder, address, host)
