"""Start at login, in each system's own way.

Owns what is written where: an XDG autostart entry, a value under the user's Run key, a
LaunchAgent. Nothing is written for other users of the machine.
"""

import os
import plistlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

NAME = "nagatha-desktop"
_RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
_LABEL = "org.nagatha.desktop"


class Autostart(Protocol):
    """Whether the program starts at login. Methods raise OSError when the place is not writable."""

    @property
    def enabled(self) -> bool:
        """Whether it does now."""
        ...

    def enable(self, command: Sequence[str]) -> None:
        """Start `command` at login."""
        ...

    def disable(self) -> None:
        """Do so no longer."""
        ...


def program_command(environ: Mapping[str, str], hidden: bool = True) -> tuple[str, ...]:
    """The command that starts this program again, from a package or from a checkout.

    On the data folder that NAGATHA_HOME names, too, which nobody sets at login or behind a key;
    but not on Windows, whose commands cannot say it.
    """
    arguments = ("--hidden",) if hidden else ()
    if not getattr(sys, "frozen", False):
        arguments = ("-m", "nagatha_desktop", *arguments)
    home = environ.get("NAGATHA_HOME", "").strip()
    if not home or sys.platform == "win32":
        return (sys.executable, *arguments)
    moved = os.path.abspath(os.path.expanduser(home))
    return ("/usr/bin/env", f"NAGATHA_HOME={moved}", sys.executable, *arguments)


class XdgAutostart:
    """A .desktop file in the user's autostart folder."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        config = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")) / ".config")
        self.path = Path(config).expanduser() / "autostart" / f"{NAME}.desktop"

    @property
    def enabled(self) -> bool:
        try:
            text = self.path.read_text("utf-8", "replace")
        except OSError:
            return False
        # Desktops switch an entry off by this line instead of removing it.
        off = ("Hidden=true", "X-GNOME-Autostart-enabled=false")
        return not any(line.strip() in off for line in text.splitlines())

    def enable(self, command: Sequence[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = " ".join(_desktop_quote(part) for part in command)
        self.path.write_text(
            "[Desktop Entry]\nType=Application\nName=Nagatha\n"
            "Comment=A desktop assistant in the tray\n"
            f"Exec={line}\nTerminal=false\nX-GNOME-Autostart-enabled=true\n",
            "utf-8",
        )

    def disable(self) -> None:
        self.path.unlink(missing_ok=True)


def _desktop_quote(part: str) -> str:
    """One argument of an Exec line, as the Desktop Entry specification wants it."""
    if part and all(char.isalnum() or char in "-_./=:@+," for char in part):
        return part
    inner = part.replace("%", "%%")
    for char in '\\"`$':
        inner = inner.replace(char, f"\\{char}")
    # The value itself is unescaped once more when the file is read.
    return '"' + inner.replace("\\", "\\\\") + '"'


class LaunchAgent:
    """A property list in the user's LaunchAgents, for macOS."""

    def __init__(self, home: Path) -> None:
        self.path = home / "Library" / "LaunchAgents" / f"{_LABEL}.plist"

    @property
    def enabled(self) -> bool:
        return self.path.exists()

    def enable(self, command: Sequence[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {"Label": _LABEL, "ProgramArguments": list(command), "RunAtLoad": True}
        self.path.write_bytes(plistlib.dumps(content))

    def disable(self) -> None:
        self.path.unlink(missing_ok=True)


class RunKeys(Protocol):
    """The user's Run key of the Windows registry."""

    def read(self, name: str) -> str | None:
        """A value, or None."""
        ...

    def write(self, name: str, value: str) -> None:
        """Set a value."""
        ...

    def remove(self, name: str) -> None:
        """Remove a value; nothing happens where there is none."""
        ...


class RegistryRun:
    """A value under the user's Run key, for Windows."""

    def __init__(self, keys: RunKeys) -> None:
        self._keys = keys

    @property
    def enabled(self) -> bool:
        return self._keys.read(NAME) is not None

    def enable(self, command: Sequence[str]) -> None:
        self._keys.write(NAME, " ".join(f'"{part}"' for part in command))

    def disable(self) -> None:
        self._keys.remove(NAME)


class WindowsRunKeys:
    """`RunKeys` through winreg."""

    if sys.platform == "win32":

        def read(self, name: str) -> str | None:
            import winreg

            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN) as key:
                    return str(winreg.QueryValueEx(key, name)[0])
            except FileNotFoundError:
                return None

        def write(self, name: str, value: str) -> None:
            import winreg

            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN) as key:
                winreg.SetValueEx(key, name, 0, winreg.REG_SZ, value)

        def remove(self, name: str) -> None:
            import winreg

            access = winreg.KEY_SET_VALUE
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN, 0, access) as key:
                    winreg.DeleteValue(key, name)
            except FileNotFoundError:
                return


def autostart_for(environ: Mapping[str, str], platform: str = sys.platform) -> Autostart:
    """The way of the system `platform`."""
    if platform == "darwin":
        return LaunchAgent(Path(environ.get("HOME", "~")).expanduser())
    if sys.platform == "win32" and platform == "win32":
        return RegistryRun(WindowsRunKeys())
    return XdgAutostart(environ)


def command_line(command: Sequence[str]) -> str:
    """`command` as a person would type it, to bind it to a key of the desktop."""
    return shlex.join(command)
