"""Making a database file current: a new one at once, an old one by Alembic's steps.

Owns the way from any older version to the newest. Alembic is imported only where there is
something to migrate. Blocks: callers go through a thread.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.pool import NullPool

from worker.storage import folding
from worker.storage.sqlite import files, search
from worker.storage.sqlite.schema import APPLICATION_ID, REVISION, VERSION, statements

STEPS = Path(__file__).parent / "migrations"
"""Alembic's folder; its files are data for a frozen program."""

# As Alembic makes it; with it a new file looks like one that was migrated.
_ALEMBIC_TABLE = (
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, "
    "\n\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)


def make_current(path: Path, copy_first: Callable[[], None]) -> None:
    """Bring the file at `path` to the newest version, making it where it is missing.

    `copy_first` is called before an existing database is migrated. Raises StorageError (a
    newer version, another program's file), sqlite3.Error, OSError; nothing is changed then.
    """
    header = files.read_header(path)
    if header is not None:
        files.check_header(path, header)
    else:
        files.private_folder(path.parent)
        try:
            files.new_private_file(path)
        except FileExistsError:
            pass
    files.check_writable(path)
    path.chmod(0o600)
    if header is not None and header.version == VERSION:
        return
    if header is None or header.version == 0:
        _create(path)
        return
    copy_first()
    _upgrade(path)


def _create(path: Path) -> None:
    with files.connected(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been quicker.
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                _fill(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _fill(connection: sqlite3.Connection) -> None:
    for statement in (*statements(), _ALEMBIC_TABLE):
        connection.execute(statement)
    connection.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))
    connection.execute("INSERT INTO facts VALUES ('search', ?)", (folding.VERSION,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _upgrade(path: Path) -> None:
    """All steps in one transaction: after kill -9 the file is as it was."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"isolation_level": None, "timeout": 20.0},
        poolclass=NullPool,
        hide_parameters=True,
    )

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "begin", begin)
    with engine.begin() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version >= VERSION:
            return  # another process was quicker
        _run_steps(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
        if not search.is_current(connection):
            search.rebuild(connection)


def _run_steps(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
