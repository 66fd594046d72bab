"""What only concerns windows and has to last: places and sizes, choices, what was said once.

Owns one small JSON file. It is read once, before the first window; changes are gathered and
written off the GUI thread. Settings of the engine are the engine's, and no key of a provider
ever comes here.
"""

import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from worker.contract.types import Problem

if TYPE_CHECKING:
    from concurrent.futures import Future

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Writer: TypeAlias = "Callable[[Callable[[], None]], Future[None] | None]"
"""Runs a function on some other thread; None where there is none any more."""

log = logging.getLogger(__name__)
NAME = "windows.json"
WRITE_AFTER = 400
"""Milliseconds that changes are gathered for."""
AGAIN_AFTER = 10_000
"""Milliseconds until what could not be written is tried again."""

DEFAULTS: dict[str, Json] = {
    "theme": "system",
    "language": "",
    "close_to_tray": True,
    "send_with_enter": True,
    "hotkey": "",
    "shortcuts": {},
    "sidebar": True,
    "last_chat": "",
    "new_chat_draft": "",
    "told": [],
    "geometry": {},
    "first_start_done": False,
    "notify_answers": True,
    "notify_failures": True,
    "notify_approvals": True,
    "notify_routines": True,
    "notify_sound": True,
    "keep_awake": False,
    "unsaid": {},
}
"""Every key there is, with its value where nothing is stored. `hotkey` and `shortcuts` are in
Qt's portable form; `told` names the notices that are shown once; `geometry` is base64 a window;
`unsaid` is news that waits (see `calm`)."""


CHOICES: dict[str, tuple[str, ...]] = {"theme": ("system", "light", "dark")}
"""Keys that may hold one of a few words only."""


def read(folder: Path) -> tuple[dict[str, Json], Problem | None]:
    """What is stored in `folder`, and what was wrong with it.

    A file that cannot be understood is kept aside under another name and reported. Of a file with
    wrong values a copy is kept aside, the wrong ones are left out and named. Keys that this
    version does not know are kept as they are.
    """
    path = folder / NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}, None
    except OSError as error:
        return {}, _wrong(
            "The settings of the windows could not be read",
            error.strerror or type(error).__name__,
            f"The usual settings are used; {path} is kept under another name once they change.",
        )
    except ValueError:  # not UTF-8
        return {}, _damaged(path)
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        return {}, _damaged(path)
    if not isinstance(stored, dict):
        return {}, _damaged(path)
    wrong = sorted(key for key, value in stored.items() if not _fits(key, value))
    good = {key: value for key, value in stored.items() if key not in wrong}
    if not wrong:
        return good, None
    aside = _aside(path)
    try:
        aside.write_text(text, "utf-8")
        kept = f"The file as it was is kept as {aside.name}."
    except OSError:
        kept = ""
    named = ", ".join(f"“{key}”" for key in wrong)
    return good, _wrong(
        "Some settings of the windows are wrong",
        f"{named} in {path} cannot be understood.",
        f"Their usual values are used. {kept}".strip(),
    )


def _fits(key: str, value: object) -> bool:
    """Whether `value` is of the kind of the default's; a key that is not known is let through."""
    if key not in DEFAULTS:
        return True
    if type(value) is not type(DEFAULTS[key]):
        return False
    return key not in CHOICES or value in CHOICES[key]


def _aside(path: Path) -> Path:
    """A name beside `path` that nothing has yet."""
    stem = f"{path.name}.wrong-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    names = (path.with_name(stem + (f"-{number}" if number else "")) for number in count())
    return next(name for name in names if not name.exists())


def _damaged(path: Path) -> Problem:
    aside = _aside(path)
    try:
        path.replace(aside)
        kept = f"It was kept as {aside.name}; the usual settings are used."
    except OSError:
        kept = "The usual settings are used."
    return _wrong("The file with the settings of the windows is damaged", str(path), kept)


def _wrong(title: str, message: str, remedy: str) -> Problem:
    return Problem("window_state", title, message, remedy)


def write(folder: Path, values: dict[str, Json]) -> None:
    """Replace the file as a whole: whoever reads it sees the old or the new one.

    What cannot be read there is kept aside, as nobody knows what is in it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / NAME
    handle, name = tempfile.mkstemp(prefix=f".{NAME}.", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(values, file, indent=1, sort_keys=True)
        if _hidden(path):
            path.replace(_aside(path))
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _hidden(path: Path) -> bool:
    """Whether something is there that cannot be read as a file."""
    if not path.exists():
        return False
    try:
        if path.is_file():
            path.open("rb").close()
            return False
    except OSError:
        pass
    return True


class WindowState(QObject):
    """The values in memory, for the GUI thread."""

    changed = Signal(str)
    """A value changed (its key)."""
    _refused = Signal()

    def __init__(
        self, folder: Path, values: dict[str, Json] | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._values: dict[str, Json] = dict(values or {})
        self._writer: Writer | None = None
        self._writing: Future[None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._write)
        self._refused.connect(self._write_later)
        self._number = 0
        # What follows belongs to whoever writes, one at a time.
        self._in_turn = threading.Lock()
        self._written = 0
        self._complained = False

    def write_with(self, writer: Writer) -> None:
        """From now on changes are written, by functions handed to `writer`."""
        self._writer = writer
        self._timer.start(WRITE_AFTER)

    def get(self, key: str) -> Json:
        """A value, or its default. Raises KeyError for a key that there is not."""
        default = DEFAULTS[key]
        return self._values.get(key, default)

    def flag(self, key: str) -> bool:
        """A value that is true or false."""
        return bool(self.get(key))

    def text(self, key: str) -> str:
        """A value that is text."""
        value = self.get(key)
        return value if isinstance(value, str) else ""

    def mapping(self, key: str) -> dict[str, str]:
        """A value that maps text to text."""
        value = self.get(key)
        if not isinstance(value, dict):
            return {}
        return {name: text for name, text in value.items() if isinstance(text, str)}

    def set(self, key: str, value: Json) -> None:
        """Keep a value; it is written soon."""
        if self.get(key) == value:
            return
        self._values[key] = value
        self.changed.emit(key)
        waits = self._timer.isActive() and self._timer.remainingTime() <= WRITE_AFTER
        if self._writer is not None and not waits:
            self._timer.start(WRITE_AFTER)

    def set_item(self, key: str, name: str, text: str) -> None:
        """Keep one entry of a value that maps text to text."""
        self.set(key, {**self.mapping(key), name: text})

    def load_geometry(self, name: str) -> str:
        """Where the window `name` was; "" where that is not known."""
        return self.mapping("geometry").get(name, "")

    def save_geometry(self, name: str, geometry: str) -> None:
        """Keep where the window `name` is."""
        self.set_item("geometry", name, geometry)

    def tell_once(self, name: str) -> bool:
        """True the first time it is asked for `name`, ever."""
        told = self.get("told")
        names = (
            [entry for entry in told if isinstance(entry, str)] if isinstance(told, list) else []
        )
        if name in names:
            return False
        self.set("told", [*names, name])
        return True

    @Slot()
    def _write(self) -> None:
        if self._writer is None:
            return
        if self._writing is not None and not self._writing.done():
            self._timer.start(WRITE_AFTER)
            return
        self._writing = self._hand_over(self._writer)

    @Slot()
    def _write_later(self) -> None:
        if not self._timer.isActive():
            self._timer.start(AGAIN_AFTER)

    def flush(self) -> "Future[None] | None":
        """Write what has not been written; the future ends when it is. For the end of things."""
        if self._writer is None or not self._timer.isActive():
            return None
        self._timer.stop()
        return self._hand_over(self._writer)

    def _hand_over(self, writer: Writer) -> "Future[None] | None":
        self._number += 1
        number, folder, values = self._number, self._folder, dict(self._values)
        return writer(lambda: self._write_here(number, folder, values))

    def _write_here(self, number: int, folder: Path, values: dict[str, Json]) -> None:
        """On a thread of the writer: an older state does not overtake a newer one."""
        with self._in_turn:
            if number < self._written:
                return
            try:
                write(folder, values)
            except OSError as error:  # a full disk, or a folder that is not there just now
                if not self._complained:
                    log.warning("The settings of the windows cannot be written: %s", error)
                self._complained = True
                self._refused.emit()
            else:
                self._written, self._complained = number, False
