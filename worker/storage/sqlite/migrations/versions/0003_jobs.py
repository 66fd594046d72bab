"""What is known of a run besides its state, what it wrote down, and answers to be used again."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE messages ADD COLUMN cached BIGINT",
    "ALTER TABLE runs ADD COLUMN schedule VARCHAR DEFAULT '' NOT NULL",
    "ALTER TABLE runs ADD COLUMN lane VARCHAR DEFAULT 'queued' NOT NULL",
    "ALTER TABLE runs ADD COLUMN priority INTEGER DEFAULT '4' NOT NULL",
    "ALTER TABLE runs ADD COLUMN due BIGINT",
    "ALTER TABLE runs ADD COLUMN batch VARCHAR",
    "ALTER TABLE runs ADD COLUMN follows VARCHAR",
    # Until now every answer was written at once.
    "UPDATE runs SET lane = 'now' WHERE kind = 'answer'",
    "CREATE INDEX runs_by_name ON runs (owner, name, ended)",
    "CREATE INDEX runs_by_schedule ON runs (owner, schedule, queued) WHERE schedule <> ''",
    "CREATE INDEX runs_by_batch ON runs (owner, batch) WHERE batch IS NOT NULL",
    "CREATE INDEX runs_by_follows ON runs (owner, follows) WHERE follows IS NOT NULL",
    """
    CREATE TABLE run_log (
        run INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at BIGINT NOT NULL,
        level VARCHAR NOT NULL,
        text VARCHAR NOT NULL,
        PRIMARY KEY (run, number),
        FOREIGN KEY(run) REFERENCES runs (seq) ON DELETE CASCADE
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE answers (
        owner INTEGER NOT NULL,
        "key" VARCHAR NOT NULL,
        at BIGINT NOT NULL,
        expires BIGINT NOT NULL,
        provider VARCHAR NOT NULL,
        model VARCHAR NOT NULL,
        text VARCHAR NOT NULL,
        PRIMARY KEY (owner, "key"),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX answers_by_expires ON answers (expires)",
)


def upgrade() -> None:
    """Add the columns, indexes and tables."""
    for statement in _STATEMENTS:
        op.execute(statement)
