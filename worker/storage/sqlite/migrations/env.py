"""Runs the steps on the connection that `migrate` hands over, inside its transaction.

Read by Alembic; there is no alembic.ini and no offline way.
"""

from alembic import context
from sqlalchemy import Connection


def _run() -> None:
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


_run()
