"""Where everything of the program is on this machine.

Owns the rule by which folders are found, and making them. It must not know what is in a file,
and reads none.
"""

import errno
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs

from worker.contract.errors import StorageError

APP = "nagatha-desktop"
CONFIG_NAME = "config.yaml"
SOCKET_LENGTH = 100
"""Bytes that a socket's address may have everywhere (Linux has 107, macOS 103)."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders and files of one installation for one person. Nothing exists until `make`."""

    home: Path
    """The data folder."""
    config: Path
    """The person's configuration file."""
    logs: Path
    runtime: Path
    """Sockets: emptied by the system when the person logs out, where the system does that."""

    @classmethod
    def find(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The places of this person, by the environment (this process's by default).

        NAGATHA_HOME moves all of them under one folder. Otherwise the platform's folders are
        used, and `~/.nagatha/config.yaml` for the configuration where `~/.nagatha` exists and
        the platform's folder does not hold one instead.
        """
        env = os.environ if environ is None else environ
        if moved := env.get("NAGATHA_HOME", "").strip():
            return cls.under(Path(moved))
        config = platformdirs.user_config_path(APP, appauthor=False) / CONFIG_NAME
        published = Path.home() / ".nagatha"
        if (published / CONFIG_NAME).is_file() or (published.is_dir() and not config.is_file()):
            config = published / CONFIG_NAME
        home = platformdirs.user_data_path(APP, appauthor=False)
        runtime = env.get("XDG_RUNTIME_DIR", "")
        return cls(
            home=home,
            config=config,
            logs=platformdirs.user_log_path(APP, appauthor=False),
            runtime=Path(runtime) / APP if Path(runtime).is_absolute() else home / "run",
        )

    @classmethod
    def under(cls, home: Path) -> Self:
        """Everything in one folder."""
        home = Path(os.path.abspath(home.expanduser()))
        return cls(home=home, config=home / CONFIG_NAME, logs=home / "logs", runtime=home / "run")

    @property
    def database(self) -> Path:
        """The database: chats, runs, usage."""
        return self.home / "nagatha.db"

    @property
    def queue(self) -> Path:
        """The bundled broker's file."""
        return self.home / "queue.db"

    @property
    def backups(self) -> Path:
        """Copies of the database."""
        return self.home / "backups"

    @property
    def modules(self) -> Path:
        """The person's own modules."""
        return self.home / "modules"

    @property
    def locks(self) -> Path:
        """Files that processes lock to keep out of each other's way."""
        return self.home / "locks"

    @property
    def doorbells(self) -> Path:
        """How processes on this data folder reach each other; beside the data they share."""
        return self.home / "doorbells"

    @property
    def key_index(self) -> Path:
        """Which providers have a key, and where; never the key."""
        return self.home / "keys.json"

    @property
    def key_file(self) -> Path:
        """The keys themselves, only with the person's consent."""
        return self.home / "secret-keys.json"

    @property
    def api_token(self) -> Path:
        """The token that clients of the HTTP API on this machine send."""
        return self.home / "api-token"

    def make(self) -> None:
        """Make the folders; new ones are for this person only. Raises OSError.

        A folder that is there is left as it is: it may be one that is shared on purpose.
        """
        for folder in (
            self.home,
            self.config.parent,
            self.logs,
            self.runtime,
            self.backups,
            self.modules,
            self.locks,
            self.doorbells,
        ):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def socket(self, name: str, environ: Mapping[str, str] | None = None) -> Path:
        """An address for a local socket; its folder is made. Raises OSError.

        Where the usual one is longer than systems allow, a short one in the runtime or temporary
        folder is used, the same for every process on this data folder.
        """
        usual = self.runtime / name
        if len(os.fsencode(usual)) <= SOCKET_LENGTH:
            usual.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return usual
        env = os.environ if environ is None else environ
        own = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        for base in (env.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir()):
            short = Path(base) / f"nagatha-{own}" / name
            if short.is_absolute() and len(os.fsencode(short)) <= SOCKET_LENGTH:
                _make_own(short.parent)
                return short
        raise OSError(f"No folder has a name short enough for the socket {name}")


def _make_own(folder: Path) -> None:
    """A folder where anyone may have made one of that name, or a link, before us."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform == "win32":
        return
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to someone else")
    if stat.S_IMODE(status.st_mode) & 0o077:
        folder.chmod(0o700)


def unusable(home: Path, error: OSError) -> StorageError:
    """What to tell a person where `error` keeps the data folder `home` from being used."""
    kinds = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full"}
    kinds |= dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "read_only")
    return StorageError(
        "The data folder cannot be used",
        f"{error.filename or home}: {error.strerror or error}.",
        "Make room or change its rights, or choose another folder with NAGATHA_HOME.",
        kind=kinds.get(error.errno or 0, "storage"),
    )
