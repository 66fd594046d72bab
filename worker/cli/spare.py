"""Places for an engine that runs beside a data folder which cannot be used.

Owns which of them are moved out of it: what is only read stays where it is, so that the doctor can
look at it. It must not know what the doctor checks.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from worker.paths import Paths


@dataclass(frozen=True, slots=True)
class SparePaths(Paths):
    """The places of a person with everything that every engine writes in `scratch`.

    Settings, keys, modules and the queue are the person's own: an engine there must not work on
    the queue, since it has other data.
    """

    scratch: Path

    @property
    def database(self) -> Path:
        """See `Paths`."""
        return self.scratch / "nagatha.db"

    @property
    def backups(self) -> Path:
        """See `Paths`."""
        return self.scratch / "backups"

    @property
    def locks(self) -> Path:
        """See `Paths`."""
        return self.scratch / "locks"

    @property
    def doorbells(self) -> Path:
        """See `Paths`."""
        return self.scratch / "doorbells"

    def make(self) -> None:
        """See `Paths`."""
        for folder in (self.backups, self.locks, self.doorbells):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


@contextmanager
def beside(paths: Paths) -> Iterator[SparePaths]:
    """Such places for as long as the block runs. Raises OSError."""
    own = {field.name: getattr(paths, field.name) for field in fields(paths)}
    # On Windows a file may still be held for a moment; the system empties that folder, too.
    with tempfile.TemporaryDirectory(prefix="nagatha-", ignore_cleanup_errors=True) as scratch:
        yield SparePaths(**own, scratch=Path(scratch))
