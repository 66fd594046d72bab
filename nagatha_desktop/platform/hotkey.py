"""A key that works everywhere on the desktop, where the system has such a thing.

Owns the grabbing: XGrabKey on X11 on a thread of its own, RegisterHotKey on Windows. Elsewhere
(Wayland, macOS) it says why not; a command that people bind themselves works everywhere.
"""

import logging
import os
import select
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QCoreApplication, QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QKeySequence

from nagatha_desktop.platform.displays import reachable

if TYPE_CHECKING:
    from Xlib.display import Display

log = logging.getLogger(__name__)

_THREAD = "nagatha-hotkey"


def unavailable_because(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """Why no key can be had everywhere on this desktop; None where it can."""
    if platform == "win32":
        return None
    if platform == "darwin":
        return QCoreApplication.translate(
            "Hotkey", "macOS gives keys to Shortcuts only: bind the command below there."
        )
    if environ.get("WAYLAND_DISPLAY") and environ.get("QT_QPA_PLATFORM", "") != "xcb":
        return QCoreApplication.translate(
            "Hotkey",
            "Wayland lets no program take a key everywhere: bind the command below in the "
            "settings of your desktop.",
        )
    if not environ.get("DISPLAY"):
        return QCoreApplication.translate("Hotkey", "There is no X11 display.")
    return None


def combination(sequence: str) -> QKeyCombination | None:
    """The one key of `sequence` (Qt's portable form); None for none or for several."""
    parsed = QKeySequence(sequence, QKeySequence.SequenceFormat.PortableText)
    if parsed.count() != 1:
        return None
    # PySide's types do not know that a sequence has items.
    found = cast(Any, parsed)[0]
    return found if isinstance(found, QKeyCombination) else None


class GlobalKey(QObject):
    """One key for the whole desktop."""

    pressed = Signal()
    refused = Signal(str)
    """The key could not be had, and why."""

    def __init__(self, environ: Mapping[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._environ = environ
        self._grab: X11Grab | WindowsGrab | None = None

    def set_key(self, sequence: str) -> None:
        """Take `sequence` instead of what was taken; "" for none."""
        self.release()
        if not sequence:
            return
        reason = unavailable_because(self._environ)
        wanted = combination(sequence)
        if wanted is None and reason is None:
            reason = QCoreApplication.translate("Hotkey", "This is not one key.")
        if reason is not None or wanted is None:
            self.refused.emit(reason or "")
            return
        if sys.platform == "win32":
            self._grab = WindowsGrab(self, wanted)
        else:
            self._grab = X11Grab(self, wanted, self._environ.get("DISPLAY", ""))

    def release(self) -> None:
        """Give the key back."""
        if self._grab is not None:
            self._grab.stop()
            self._grab = None


class X11Grab:
    """A key grabbed on the root window, listened to on a thread."""

    def __init__(self, told: GlobalKey, wanted: QKeyCombination, display: str) -> None:
        self._told = told
        self._wanted = wanted
        self._display = display
        self._wake_out, self._wake_in = os.pipe()
        self._thread = threading.Thread(target=self._listen, name=_THREAD, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ungrab and end the thread."""
        os.write(self._wake_in, b"x")
        self._thread.join(2.0)
        if not self._thread.is_alive():
            os.close(self._wake_in)
            os.close(self._wake_out)

    def _listen(self) -> None:
        from Xlib.display import Display
        from Xlib.error import ConnectionClosedError, DisplayError

        try:
            # Asked first, because python-xlib leaves sockets open when it does not get through.
            if not reachable(self._display):
                raise ConnectionRefusedError(self._display)
            display = Display(self._display)
        except (DisplayError, OSError) as error:
            log.warning("No key everywhere: %s", error)
            self._told.refused.emit(
                QCoreApplication.translate("Hotkey", "The X11 display does not answer.")
            )
            return
        try:
            if self._take(display):
                self._wait(display)
        except (ConnectionClosedError, OSError) as error:
            log.warning("The key that works everywhere is gone: %s", error)
        finally:
            display.close()

    def _take(self, display: "Display") -> bool:
        from Xlib import X
        from Xlib.error import BadAccess, CatchError

        keycode = display.keysym_to_keycode(keysym_of(self._wanted.key()))
        if not keycode:
            self._told.refused.emit(
                QCoreApplication.translate("Hotkey", "This keyboard has no such key.")
            )
            return False
        root = display.screen().root
        taken = CatchError(BadAccess)
        modifiers = x11_modifiers(self._wanted.keyboardModifiers())
        # The key works with Caps Lock and Num Lock on, too.
        for locks in (0, X.LockMask, X.Mod2Mask, X.LockMask | X.Mod2Mask):
            root.grab_key(
                keycode, modifiers | locks, True, X.GrabModeAsync, X.GrabModeAsync, onerror=taken
            )
        display.sync()
        if taken.get_error() is not None:
            self._told.refused.emit(
                QCoreApplication.translate("Hotkey", "Another program has this key.")
            )
            return False
        return True

    def _wait(self, display: "Display") -> None:
        from Xlib import X

        while True:
            while display.pending_events():
                if display.next_event().type == X.KeyPress:
                    self._told.pressed.emit()
            ready, _, _ = select.select([display.fileno(), self._wake_out], [], [])
            if self._wake_out in ready:
                return


def x11_modifiers(modifiers: Qt.KeyboardModifier) -> int:
    """The mask of X11 for Qt's modifiers."""
    from Xlib import X

    mask = 0
    for modifier, bit in (
        (Qt.KeyboardModifier.ShiftModifier, X.ShiftMask),
        (Qt.KeyboardModifier.ControlModifier, X.ControlMask),
        (Qt.KeyboardModifier.AltModifier, X.Mod1Mask),
        (Qt.KeyboardModifier.MetaModifier, X.Mod4Mask),
    ):
        if modifiers & modifier:
            mask |= int(bit)
    return mask


def keysym_of(key: Qt.Key) -> int:
    """The X11 keysym of one of Qt's keys; 0 where there is none."""
    from Xlib import XK

    special = {Qt.Key.Key_Space: "space", Qt.Key.Key_Return: "Return", Qt.Key.Key_Tab: "Tab"}
    if key in special:
        return int(XK.string_to_keysym(special[key]))
    if Qt.Key.Key_F1.value <= key.value <= Qt.Key.Key_F24.value:
        return int(XK.string_to_keysym(f"F{key.value - Qt.Key.Key_F1.value + 1}"))
    text = QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)
    if len(text) == 1:
        # Of characters up to U+00FF the keysym is the code point; letters count unshifted.
        return ord(text.lower())
    return int(XK.string_to_keysym(text))


class WindowsGrab:
    """A key registered with Windows, listened to on a thread with a message queue."""

    def __init__(self, told: GlobalKey, wanted: QKeyCombination) -> None:
        self._told = told
        self._wanted = wanted
        self._id = 0
        self._thread = threading.Thread(target=self._listen, name=_THREAD, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Unregister and end the thread."""
        if sys.platform == "win32" and self._id:
            import ctypes

            wm_quit = 0x0012
            ctypes.windll.user32.PostThreadMessageW(self._id, wm_quit, 0, 0)
        self._thread.join(2.0)

    def _listen(self) -> None:
        if sys.platform == "win32":
            import ctypes
            from ctypes import wintypes

            user: Any = ctypes.windll.user32
            self._id = ctypes.windll.kernel32.GetCurrentThreadId()
            modifiers, code = windows_key(self._wanted)
            if not user.RegisterHotKey(None, 1, modifiers, code):
                self._told.refused.emit(
                    QCoreApplication.translate("Hotkey", "Another program has this key.")
                )
                return
            message = wintypes.MSG()
            wm_hotkey = 0x0312
            while user.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
                if message.message == wm_hotkey:
                    self._told.pressed.emit()
            user.UnregisterHotKey(None, 1)


def windows_key(wanted: QKeyCombination) -> tuple[int, int]:
    """Windows' modifiers (no repeat) and virtual key code."""
    mask = 0x4000
    for modifier, bit in (
        (Qt.KeyboardModifier.AltModifier, 1),
        (Qt.KeyboardModifier.ControlModifier, 2),
        (Qt.KeyboardModifier.ShiftModifier, 4),
        (Qt.KeyboardModifier.MetaModifier, 8),
    ):
        if wanted.keyboardModifiers() & modifier:
            mask |= bit
    key = wanted.key()
    if Qt.Key.Key_F1.value <= key.value <= Qt.Key.Key_F24.value:
        return mask, 0x70 + key.value - Qt.Key.Key_F1.value
    special = {Qt.Key.Key_Space: 0x20, Qt.Key.Key_Return: 0x0D, Qt.Key.Key_Tab: 0x09}
    return mask, special.get(key, key.value & 0xFF)
