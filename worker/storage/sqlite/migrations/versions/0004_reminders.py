"""Reminders, and the times that they were due."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE reminders (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        text VARCHAR NOT NULL,
        start VARCHAR NOT NULL,
        zone VARCHAR NOT NULL,
        created BIGINT NOT NULL,
        updated BIGINT NOT NULL,
        rrule VARCHAR NOT NULL,
        due BIGINT,
        series BIGINT,
        snooze BIGINT,
        notes VARCHAR NOT NULL,
        chat VARCHAR,
        urgent BOOLEAN NOT NULL,
        missed VARCHAR NOT NULL,
        source VARCHAR NOT NULL,
        done BIGINT,
        deleted BIGINT,
        uid VARCHAR NOT NULL,
        version INTEGER NOT NULL,
        folded VARCHAR NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
    """,
    "CREATE INDEX reminders_by_deleted ON reminders (deleted) WHERE deleted IS NOT NULL",
    """
    CREATE INDEX reminders_by_done ON reminders (owner, done)
    WHERE done IS NOT NULL AND deleted IS NULL
    """,
    """
    CREATE INDEX reminders_by_due ON reminders (due)
    WHERE due IS NOT NULL AND deleted IS NULL
    """,
    """
    CREATE INDEX reminders_by_owner_due ON reminders (owner, due)
    WHERE due IS NOT NULL AND deleted IS NULL
    """,
    "CREATE INDEX reminders_by_uid ON reminders (owner, uid) WHERE uid <> ''",
    """
    CREATE TABLE firings (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        reminder INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        text VARCHAR NOT NULL,
        due BIGINT NOT NULL,
        state VARCHAR NOT NULL,
        fired BIGINT NOT NULL,
        urgent BOOLEAN NOT NULL,
        silent BOOLEAN NOT NULL,
        shown BIGINT,
        answered BIGINT,
        until BIGINT,
        earlier INTEGER NOT NULL,
        taken VARCHAR NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        UNIQUE (reminder, due),
        FOREIGN KEY(owner) REFERENCES owners (seq),
        FOREIGN KEY(reminder) REFERENCES reminders (seq) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX firings_held ON firings (due) WHERE state = 'held'",
    """
    CREATE INDEX firings_waiting ON firings (owner, due)
    WHERE state IN ('due', 'held', 'missed')
    """,
)


def upgrade() -> None:
    """Make both."""
    for statement in _STATEMENTS:
        op.execute(statement)
