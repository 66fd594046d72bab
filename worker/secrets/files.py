"""What is known about the keys, and the file that may hold them: both beside the data.

Owns their form, their locks, and that a broken one is copied before it is replaced. It must not
know the keyring. All of it reads and writes files.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from worker.config.files import keep_aside, locked, storage_error, write_atomically
from worker.logging import Redactor
from worker.paths import Paths

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Index:
    """What is known about the keys; no secret is in it."""

    places: Mapping[str, str] = field(default_factory=dict)
    file_consent: bool = False
    revision: int = 0
    installation: str = ""
    unsure: bool = False
    """The file was lost once: the keyring may hold keys that are not in `places`."""


class KeyFiles:
    """The index and the key file of one data folder."""

    def __init__(self, paths: Paths, redactor: Redactor) -> None:
        self._paths = paths
        self._redactor = redactor

    def index(self) -> Index:
        """What is known."""
        data, broken = _load_json(self._paths.key_index)
        places = data.get("places")
        revision, installation = data.get("revision"), data.get("installation")
        return Index(
            places={str(p): str(w) for p, w in places.items()} if isinstance(places, dict) else {},
            file_consent=data.get("file_consent") is True,
            revision=revision if isinstance(revision, int) else 0,
            installation=installation if isinstance(installation, str) else "",
            unsure=broken or data.get("unsure") is True,
        )

    def change(self, change: Callable[[Index], Index]) -> Index:
        """Change it; returns what is known then. Raises StorageError."""
        with locked(self._paths.locks / "keys.lock"):
            old = self.index()
            if _load_json(self._paths.key_index)[1]:
                keep_aside(self._paths.key_index)
            new = change(old)
            if not new.installation:
                new = replace(new, installation=uuid4().hex[:12])
            if new == old:
                return old
            new = replace(new, revision=old.revision + 1)
            plain = {
                "version": 1,
                "revision": new.revision,
                "installation": new.installation,
                "file_consent": new.file_consent,
                "unsure": new.unsure,
                "places": dict(new.places),
            }
            write_atomically(self._paths.key_index, json.dumps(plain, indent=1).encode())
            return new

    def note(self, provider: str, place: str | None) -> Index:
        """Note where a key is now; None for nowhere. Raises StorageError."""

        def noted(index: Index) -> Index:
            others = {p: w for p, w in index.places.items() if p != provider}
            places = others if place is None else {**others, provider: place}
            # A new revision even for the same place: other processes have the old key.
            return replace(index, places=places, revision=index.revision + 1)

        return self.change(noted)

    def keys(self) -> dict[str, str]:
        """The keys in the file, by provider."""
        data, _ = _load_json(self._paths.key_file)
        keys = {name: key for name, key in data.items() if isinstance(key, str) and key}
        for key in keys.values():
            self._redactor.add(key)
        return keys

    def save_key(self, provider: str, key: str | None) -> None:
        """Keep a key in the file; None removes it. Raises StorageError."""
        if key is None and not self._paths.key_file.exists():
            return
        with locked(self._paths.locks / "keys.lock"):
            _, broken = _load_json(self._paths.key_file)
            if broken:
                keep_aside(self._paths.key_file)
            old = self.keys()
            new = {name: value for name, value in old.items() if name != provider}
            if key is not None:
                new[provider] = key
            if new != old:
                write_atomically(self._paths.key_file, json.dumps(new, indent=1).encode())

    def remove(self) -> None:
        """Remove the file, and copies of it that were kept aside. Raises StorageError."""
        file = self._paths.key_file
        try:
            for path in (file, *file.parent.glob(f"{file.name}.wrong-*")):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, file) from error


def _load_json(path: Path) -> tuple[dict[str, object], bool]:
    """The object in a file, and whether there is a file that cannot be understood."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, False
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s cannot be read: %s", path.name, type(error).__name__)
        return {}, True
    return (data, False) if isinstance(data, dict) else ({}, True)
