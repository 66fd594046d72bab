"""The file as a whole: its size, settling its log, leaving nothing readable of what was deleted.

Blocks: callers go through a thread, with nothing else of the process writing.
"""

import glob
from pathlib import Path

from worker.storage.sqlite import backup, files
from worker.storage.sqlite.errors import busy


def size(path: Path) -> int:
    """Bytes of the database and its log."""
    found = 0
    for file in (path, files.companion(path, "-wal")):
        try:
            found += file.stat().st_size
        except FileNotFoundError:
            pass
    return found


def settle(path: Path) -> None:
    """Bring the log back into the file as far as readers allow; refresh the planner's numbers."""
    with files.connected(path) as connection:
        connection.execute("PRAGMA optimize")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def wipe(path: Path) -> None:
    """Write the database anew, without what was deleted, and empty its log.

    Raises StorageError where another process goes on reading the old log.
    """
    with files.connected(path) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("VACUUM")
        blocked, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if blocked:
        raise busy(path)


def delete_copies(path: Path, folder: Path) -> None:
    """Remove every backup, finished or not, and databases that were put aside as damaged or were
    on their way back when the program was killed."""
    backup.clean(folder, older_than=float("-inf"))  # the clock may have been put back
    for found in backup.listed(folder):
        (folder / found.name).unlink(missing_ok=True)
    for pattern in (".damaged-*", files.RESTORING):
        for file in path.parent.glob(f"{glob.escape(path.name)}{pattern}"):
            file.unlink(missing_ok=True)
