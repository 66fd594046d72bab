"""Routines, each of their times, and what waits for a person's word."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "CREATE INDEX usage_by_run ON usage (owner, run)",
    """
    CREATE TABLE routines (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        title VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        start VARCHAR NOT NULL,
        zone VARCHAR NOT NULL,
        created BIGINT NOT NULL,
        updated BIGINT NOT NULL,
        rrule VARCHAR NOT NULL,
        cron VARCHAR NOT NULL,
        prompt VARCHAR NOT NULL,
        task VARCHAR NOT NULL,
        arguments VARCHAR NOT NULL,
        provider VARCHAR NOT NULL,
        model VARCHAR NOT NULL,
        tools VARCHAR,
        chat VARCHAR,
        notify BOOLEAN NOT NULL,
        missed VARCHAR NOT NULL,
        overlap VARCHAR NOT NULL,
        source VARCHAR NOT NULL,
        paused BOOLEAN NOT NULL,
        paused_why VARCHAR NOT NULL,
        failures INTEGER NOT NULL,
        due BIGINT,
        deleted BIGINT,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
    """,
    "CREATE INDEX routines_by_due ON routines (due) WHERE due IS NOT NULL",
    """
    CREATE TABLE occurrences (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        routine INTEGER NOT NULL,
        due BIGINT NOT NULL,
        state VARCHAR NOT NULL,
        run VARCHAR,
        chat VARCHAR,
        started BIGINT,
        ended BIGINT,
        seconds FLOAT,
        cost VARCHAR,
        result VARCHAR NOT NULL,
        error VARCHAR,
        earlier INTEGER NOT NULL,
        by_hand BOOLEAN NOT NULL,
        catch_up BOOLEAN NOT NULL,
        parked BIGINT,
        parked_for FLOAT NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        UNIQUE (routine, due),
        FOREIGN KEY(owner) REFERENCES owners (seq),
        FOREIGN KEY(routine) REFERENCES routines (seq) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX occurrences_by_run ON occurrences (owner, run) WHERE run IS NOT NULL",
    "CREATE INDEX occurrences_open "
    "ON occurrences (state) WHERE state IN ('asking', 'waiting', 'running', 'parked')",
    """
    CREATE TABLE approvals (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        run VARCHAR NOT NULL,
        call VARCHAR NOT NULL,
        tool VARCHAR NOT NULL,
        arguments VARCHAR NOT NULL,
        why VARCHAR NOT NULL,
        asked BIGINT NOT NULL,
        may_always BOOLEAN NOT NULL,
        chat VARCHAR,
        message VARCHAR,
        routine VARCHAR,
        verdict VARCHAR,
        "instead" VARCHAR NOT NULL,
        answered BIGINT,
        made BIGINT,
        result VARCHAR,
        failed BOOLEAN NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        UNIQUE (owner, run, call),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
    """,
    "CREATE INDEX approvals_waiting ON approvals (owner, run) WHERE verdict IS NULL",
    """
    CREATE TABLE standstills (
        owner INTEGER NOT NULL,
        run VARCHAR NOT NULL,
        value VARCHAR NOT NULL,
        PRIMARY KEY (owner, run),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE allowed_tools (
        owner INTEGER NOT NULL,
        tool VARCHAR NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (owner, tool),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
     WITHOUT ROWID
    """,
)


def upgrade() -> None:
    """Add the tables and the index."""
    for statement in _STATEMENTS:
        op.execute(statement)
