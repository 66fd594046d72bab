"""Reading and writing the configuration's files, and small files beside it, without losing them.

Owns YAML, line numbers, locks, atomic writes, and copies of what is wrong. It must not know which
settings exist.
"""

import contextlib
import errno
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml

from worker.contract.errors import Conflict, StorageError

_LOCK_PATIENCE = 10.0  # s
_LOCK_PAUSE = 0.01  # s
_HEADER = "# Nagatha Desktop. The program changes this file too; comments are lost when it does.\n"


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file holds."""

    path: Path
    values: Mapping[str, object] = field(default_factory=dict)
    """Its top level; empty where the file is missing or broken."""
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    """The line (from 1) of each key, by its path; items of lists are "0", "1", ..."""
    twice: tuple[tuple[str, ...], ...] = ()
    """Keys that stand twice in one mapping; the last one counts."""
    broken: str = ""
    """Why it cannot be understood at all; "" when it can."""
    unreadable: bool = False
    """The file is there but could not be opened, so it must not be replaced either."""


def read_document(path: Path) -> Document:
    """Read a YAML file. Never raises: what is wrong is said in the answer."""
    try:
        data = _read(path)
    except (FileNotFoundError, NotADirectoryError):
        return Document(path)
    except OSError as error:
        return Document(path, broken=error.strerror or "it cannot be opened", unreadable=True)
    loader: yaml.SafeLoader | None = None
    try:
        loader = yaml.SafeLoader(data)
        node = loader.get_single_node()
        lines: dict[tuple[str, ...], int] = {}
        twice: list[tuple[str, ...]] = []
        if node is None:
            return Document(path)
        _find_lines(node, (), lines, twice)
        values = loader.construct_document(node)
    except yaml.YAMLError as error:
        return Document(path, broken=_why(error))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return Document(path, broken="a value in it cannot be understood")
    finally:
        if loader is not None:
            loader.dispose()
    if values is None:
        return Document(path)
    if not isinstance(values, dict):
        return Document(path, broken="names with values are expected, such as models:")
    named = {str(key): value for key, value in values.items()}
    return Document(path, named, lines, tuple(twice))


def write_document(path: Path, values: Mapping[str, object]) -> None:
    """Replace a YAML file. Raises StorageError."""
    try:
        body = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True).encode()
    except UnicodeEncodeError:  # lone surrogates: escaped, they come back as they were
        body = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=False).encode()
    write_atomically(path, _HEADER.encode() + body)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file so that after a crash either the old or the new one is there, mode 0600.

    A link is followed, so that it stays one. Raises StorageError.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, path) from error


def keep_aside(path: Path, now: datetime | None = None) -> Path:
    """Copy a file that is wrong beside itself; an equal copy that is there already will do.

    Raises StorageError.
    """
    try:
        data = _read(path)
        for copy in path.parent.glob(f"{path.name}.wrong-*"):
            if copy.is_file() and copy.read_bytes() == data:
                return copy
    except OSError as error:
        raise storage_error(error, path) from error
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    stem = f"{path.name}.wrong-{moment:%Y%m%dT%H%M%SZ}"
    aside = path.with_name(stem)
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{stem}-{number}")
    write_atomically(aside, data)
    return aside


@contextlib.contextmanager
def locked(path: Path, patience: float = _LOCK_PATIENCE) -> Iterator[None]:
    """Hold the lock file `path` against other threads and processes.

    Raises Conflict after `patience` seconds, StorageError where the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        deadline = time.monotonic() + patience
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise Conflict(
                    "The settings are being changed by another program",
                    f"{path} has been locked for {patience:g} s.",
                    "Try again, or end the other program.",
                )
            time.sleep(_LOCK_PAUSE)
        yield
    finally:
        os.close(descriptor)  # which also frees the lock


def storage_error(error: OSError, path: Path) -> StorageError:
    """What the system said about a file, for a person."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            "The disk is full",
            f"{path} could not be written.",
            "Make room and try again.",
            kind="disk_full",
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageError(
            "The settings cannot be written",
            f"{path} is read-only.",
            "Allow this program to write there, or set NAGATHA_HOME to another folder.",
            kind="read_only",
        )
    return StorageError(
        "The settings cannot be read or written",
        f"{path}: {error.strerror or 'unknown error'}.",
        "Check the disk and the folder.",
    )


def _read(path: Path) -> bytes:
    """What a regular file holds. Anything else may never end, or wait for a writer: OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        return file.read()


def _why(error: yaml.YAMLError) -> str:
    """What is wrong and where; never the line itself, which may hold something secret."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return "it is no text in UTF-8"
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}: " if mark is not None else ""
    what = error.problem or "it is no YAML"
    # PyYAML quotes characters and names of the text in some of its words.
    return where + ("it is no YAML" if "'" in what or '"' in what else what)


def _find_lines(
    node: yaml.Node,
    above: tuple[str, ...],
    lines: dict[tuple[str, ...], int],
    twice: list[tuple[str, ...]],
) -> None:
    if len(above) > 3:  # deeper than any setting
        return
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            here = (*above, str(key.value))
            if here in seen:
                twice.append(here)
            seen.add(here)
            lines[here] = key.start_mark.line + 1
            _find_lines(value, here, lines, twice)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            here = (*above, str(index))
            lines[here] = item.start_mark.line + 1
            _find_lines(item, here, lines, twice)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # some file systems cannot; the file itself is safe
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file if nobody else has; closing it, or the process's end, frees it."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
