"""The program's log: a rotating file of JSON lines that never holds a secret.

Owns the format, the file, the levels, and what is blacked out. Threads hand records over without
touching the disk; one thread writes them. It knows nothing else of this project.
"""

import atexit
import copy
import datetime as dt
import json
import logging
import logging.handlers
import os
import queue
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

FILE_NAME = "nagatha.log"
FILE_SIZE = 2_000_000
"""Bytes after which a new file is begun."""
FILES = 5
"""How many are kept, the one written to included."""
REDACTED = "***"

_QUEUE = 20_000  # records that may wait for a slow disk
_SHORTEST_SECRET = 6  # characters; blacking out shorter ones would destroy ordinary words
# Libraries that tell each request or result, and with DEBUG what is in it: only where they are
# named.
_TALKATIVE = (
    "celery.app.trace",
    "celery.worker.strategy",
    "httpx2",
    "httpcore2",
    "openai",
    "aiosqlite",
    "amqp",
    "multipart",
    "keyring",
)
# Celery hands its records the arguments of tasks, which are what people asked: in "data", whole
# messages after the first line, and within the line at what this finds. At every level.
_ARGUMENTS_IN_EXTRA = frozenset(("data", "kwargs", "argsrepr", "kwargsrepr"))
_ARGUMENTS_IN_TEXT = re.compile(
    r"(?:\s*\(args:|\. Task: \{|\s*headers[:=]| active request |[\"']?(?:kw)?args(?:repr)?[\"']?:)"
)
_STANDARD = frozenset(
    (*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "redacted")
)

# A password in an address; greedy to the last "@", since passwords may hold one themselves.
# All lengths are bounded, so that no text can make this slow.
_PASSWORD_IN_ADDRESS = re.compile(r"(://[^:/@\s\"'<>]{0,200}):[^\s\"'<>]{0,500}@")
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(sk|rk|pk|xai|gsk|hf)[-_][A-Za-z0-9_\-]{8,}"), rf"\1-{REDACTED}"),
    (re.compile(r"\bAIza[A-Za-z0-9_\-]{20,}"), f"AIza{REDACTED}"),
    (re.compile(r"(?i)\b(Bearer|Basic)(\s+|%20)[A-Za-z0-9._~+/=\-]{6,}"), rf"\1 {REDACTED}"),
    (
        re.compile(
            r"(?i)([\"']?\b(?:token(?==)|[\w-]{0,40}"
            r"(?:api[_-]?key|password|passwd|secret|access[_-]?token|auth[_-]?token|"
            r"refresh[_-]?token))[\"']?\s{0,3}[=:]\s{0,3})"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s&,;)}\]]+)"
        ),
        rf"\1{REDACTED}",
    ),
    (_PASSWORD_IN_ADDRESS, rf"\1:{REDACTED}@"),
)
_SECRET_NAME = re.compile(
    r"(?i)(api[_-]?key|password|passwd|secret|token$|authorization|cookie|credential)"
)


def mask_passwords(text: str) -> str:
    """An address, or a text with addresses in it, with *** for passwords."""
    return _PASSWORD_IN_ADDRESS.sub(rf"\1:{REDACTED}@", text)


class Redactor:
    """Blacks out what must not be written down. Any thread may use it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._known)} secrets>"

    def add(self, secret: str) -> None:
        """Never let this text through from now on. Very short ones cannot be recognised."""
        if len(secret) < _SHORTEST_SECRET:
            return
        with self._guard:
            # As it is, and as it looks inside JSON and addresses, where characters are escaped.
            quoted = quote(secret, safe="", errors="replace")
            self._known |= {secret, json.dumps(secret)[1:-1], quoted}
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(known) for known in longest_first))

    def redact(self, text: str) -> str:
        """The text without known secrets and without what looks like one."""
        known = self._pattern
        if known is not None:
            text = known.sub(REDACTED, text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text

    def redact_value(self, value: object, name: str = "", depth: int = 0) -> object:
        """The same for what is logged as extra: values inside containers too."""
        if name and isinstance(value, str) and _SECRET_NAME.search(name):
            return REDACTED
        if isinstance(value, bool | int | float) or value is None:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if depth < 6 and isinstance(value, Mapping):
            return {
                self.redact(str(key)): self.redact_value(item, str(key), depth + 1)
                for key, item in value.items()
            }
        if depth < 6 and isinstance(value, list | tuple | set | frozenset):
            return [self.redact_value(item, name, depth + 1) for item in value]
        return self.redact(_text(value))


class JsonFormatter(logging.Formatter):
    """One record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line: at, level, component, message, thread, error, and what was given as extra."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line: dict[str, object] = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "component": record.name,
            "message": record.getMessage(),
            "thread": record.threadName,
            "process": record.process,
        }
        if record.exc_text:
            line["error"] = record.exc_text
        if record.stack_info:
            line["stack"] = record.stack_info
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        # ASCII, so that lone surrogates and line separators are escaped and stay one line.
        return json.dumps(line, ensure_ascii=True, default=_text)


class _ToQueue(logging.handlers.QueueHandler):
    """Makes a record final and free of secrets on the thread that logs it, and passes it on."""

    def __init__(self, waiting: "queue.Queue[logging.LogRecord]", redactor: Redactor) -> None:
        super().__init__(waiting)
        self._waiting = waiting
        self._redactor = redactor

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """A copy with text only, so that nothing it points at can change or leak later."""
        done = copy.copy(record)
        try:
            message = record.getMessage()
        except Exception as error:  # wrong arguments for the text must not lose the record
            message = f"{_text(record.msg)} (cannot be filled in: {type(error).__name__})"
        of_celery = record.name.partition(".")[0] == "celery"
        if of_celery:
            message = _without_arguments(message)
        done.msg, done.args = self._redactor.redact(message), None
        done.message = done.msg
        if record.exc_info and record.exc_info[0] is not None:
            done.exc_text = _told(record.exc_info)
        if done.exc_text:
            done.exc_text = self._redactor.redact(done.exc_text)
        done.exc_info = None
        if done.stack_info:
            done.stack_info = self._redactor.redact(done.stack_info)
        for name, value in vars(record).items():
            if of_celery and name in _ARGUMENTS_IN_EXTRA:
                delattr(done, name)
            elif name not in _STANDARD:
                setattr(done, name, self._redactor.redact_value(value, name))
        return done

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand over; where the disk is too slow for all of it, errors come before the rest."""
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            if record.levelno >= logging.ERROR:
                try:
                    self._waiting.get_nowait()
                    self._waiting.put_nowait(record)
                except (queue.Empty, queue.Full):
                    pass  # others are quicker; nothing to be done without waiting

    def handleError(self, record: logging.LogRecord) -> None:
        """Logging never breaks what it tells about."""


class _File(logging.handlers.RotatingFileHandler):
    """The file, readable by its person only; a disk that is full costs lines and nothing else."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return open(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Whether it is full; follows the file where another process has begun a new one."""
        if self.stream is not None:
            try:
                here, there = os.fstat(self.stream.fileno()), os.stat(self.baseFilename)
                moved = (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)
            except FileNotFoundError:
                moved = True
            if moved:
                self.stream.close()
                self.stream = self._open()
        return bool(super().shouldRollover(record))

    def doRollover(self) -> None:
        """Begin a new file; go on in the old one where another process holds it (Windows)."""
        try:
            super().doRollover()
        except OSError:
            if self.stream is None:
                self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """Let go of the file: a buffer that could not be written would fail again for ever."""
        stream, self.stream = self.stream, None
        if stream is not None:
            try:
                stream.close()
            except OSError:
                pass  # the same disk, still full


class LogSystem:
    """The log of this process: handlers, levels and hooks, from `start` to `stop`.

    Usable as a context manager. `folder` is made. `redactor` is the one that keys are told to.
    """

    def __init__(self, folder: Path, redactor: Redactor, *, console: bool = False) -> None:
        self._path = folder / FILE_NAME
        self._redactor = redactor
        self._console = console
        self._handler: _ToQueue | None = None
        self._listener: logging.handlers.QueueListener | None = None
        self._targets: list[logging.Handler] = []
        self._levels: dict[str, int] = {}
        self._hooks = (sys.excepthook, threading.excepthook)

    @property
    def path(self) -> Path:
        """The file that is written to."""
        return self._path

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, level: str = "INFO", components: Mapping[str, str] | None = None) -> None:
        """Begin to write. A folder that cannot be written is told on the console, not raised."""
        if self._listener is not None:
            raise RuntimeError("The log was started already")
        self._targets = list(self._make_targets())
        waiting: queue.Queue[logging.LogRecord] = queue.Queue(_QUEUE)
        self._handler = _ToQueue(waiting, self._redactor)
        self._listener = logging.handlers.QueueListener(waiting, *self._targets)
        self._listener.start()
        logging.getLogger().addHandler(self._handler)
        logging.captureWarnings(True)
        self.set_levels(level, components)
        self._hooks = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._crash
        threading.excepthook = self._thread_crash
        atexit.register(self.stop)

    def set_levels(self, level: str, components: Mapping[str, str] | None = None) -> None:
        """Levels by name: of everything, and of single components (logger names)."""
        for name in self._levels.keys() - {""}:
            logging.getLogger(name).setLevel(logging.NOTSET)
        chosen = {"": level, **dict.fromkeys(_TALKATIVE, "WARNING"), **(components or {})}
        for name, text in chosen.items():
            logger = logging.getLogger(name or None)
            self._levels.setdefault(name, logger.level)
            logger.setLevel(text.upper())

    def stop(self) -> None:
        """Write what waits, close the file, and put everything back as it was."""
        handler, listener = self._handler, self._listener
        if handler is None or listener is None:
            return
        self._handler = self._listener = None
        atexit.unregister(self.stop)
        sys.excepthook, threading.excepthook = self._hooks
        logging.getLogger().removeHandler(handler)
        logging.captureWarnings(False)
        _end(listener)
        handler.close()
        for target in self._targets:
            target.close()
        for name, level in self._levels.items():
            logging.getLogger(name or None).setLevel(level)
        self._levels.clear()

    def _make_targets(self) -> Iterable[logging.Handler]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = _File(
                self._path, maxBytes=FILE_SIZE, backupCount=FILES - 1, encoding="utf-8", delay=True
            )
        except OSError as error:
            print(f"No log is written: {self._path}: {error.strerror}", file=sys.stderr)
        else:
            file.setFormatter(JsonFormatter())
            yield file
        if self._console:
            console = logging.StreamHandler()
            console.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
            yield console

    def _crash(
        self, kind: type[BaseException], error: BaseException, tb: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._hooks[0](kind, error, tb)
            return
        log = logging.getLogger("crash")
        log.critical("The program ended by an error", exc_info=(kind, error, tb))
        print(self._redactor.redact(_told((kind, error, tb))), file=sys.stderr)

    def _thread_crash(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or issubclass(args.exc_type, SystemExit):
            return
        name = args.thread.name if args.thread is not None else "unknown"
        logging.getLogger("crash").critical(
            "The thread %s ended by an error",
            name,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )


def _end(listener: logging.handlers.QueueListener) -> None:
    """Stop the listening thread after it has written what waits, even if the queue is full."""
    while True:
        try:
            listener.stop()
            return
        except queue.Full:  # no room for the word to stop: the thread is making some
            time.sleep(0.01)


def _told(
    error: tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[type[BaseException] | None, BaseException | None, TracebackType | None],
) -> str:
    try:
        return "".join(traceback.format_exception(*error)).rstrip()
    except Exception as broken:  # an exception whose own text raises
        name = error[0].__name__ if error[0] is not None else "error"
        return f"{name} (cannot be shown: {type(broken).__name__})"


def _without_arguments(message: str) -> str:
    """What Celery says, without what a task was given; see `_ARGUMENTS_IN_TEXT`."""
    first = message.split("\n", 1)[0]
    found = _ARGUMENTS_IN_TEXT.search(first)
    return first if found is None else first[: found.start()]


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # logged objects may have a broken __str__
        return f"<{type(value).__name__}: {type(error).__name__}>"
