"""Whether there is a screen to paint on, before Qt is asked and ends the process over it.

Owns the check and the words for it. Qt aborts without a word a person could use when a display
or one of its libraries is missing.
"""

import ctypes
import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

NEEDED = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""What Qt's X11 plug-in loads, and the Debian package that brings it."""
_DISPLAY = re.compile(r"^(?P<host>[^:]*):(?P<number>\d+)(?:\.\d+)?$")
_TRY = (
    "To try Nagatha without one, start it on a virtual display:\n"
    "  apt-get install xvfb xauth && xvfb-run -a make run"
)


def missing_display(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """What is missing and what to do about it; None where windows can be shown."""
    if not platform.startswith("linux"):
        return None
    chosen = environ.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if chosen and chosen not in ("xcb", "wayland"):
        return None
    if environ.get("WAYLAND_DISPLAY") and chosen != "xcb":
        return None
    display = environ.get("DISPLAY", "")
    if not display:
        return f"Nagatha needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set.\n{_TRY}"
    if not reachable(display):
        return f"Nagatha needs a display, and nothing answers at DISPLAY={display}.\n{_TRY}"
    packages = missing_libraries()
    if packages:
        return (
            "Nagatha cannot show windows: libraries of the display are missing.\n"
            f"Install them:\n  apt-get install {' '.join(packages)}"
        )
    return None


def reachable(display: str) -> bool:
    """Whether an X server accepts connections at `display`."""
    match = _DISPLAY.match(display)
    if match is None:
        # On macOS, DISPLAY is the path of a socket.
        path = display.rpartition(":")[0]
        return bool(path) and Path(path).exists()
    number = int(match["number"])
    host = match["host"]
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        return any(_connects(socket.AF_UNIX, address) for address in (path, f"\0{path}"))
    return _connects(socket.AF_INET, (host, 6000 + number))


def _connects(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as link:
        link.settimeout(2.0)
        try:
            link.connect(address)
        except (OSError, OverflowError):  # the latter for a number that is no port
            return False
        return True


def missing_libraries() -> list[str]:
    """Debian's names of the packages whose libraries cannot be loaded."""
    missing = []
    for library, package in NEEDED.items():
        try:
            ctypes.CDLL(library, mode=os.RTLD_LAZY)
        except OSError:
            missing.append(package)
    return missing
