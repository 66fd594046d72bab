"""The first tables: chats and messages, files, runs, usage, events, small values.

Written down as it was, apart from `schema`, which goes on changing.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE events (
        seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        owner VARCHAR NOT NULL,
        at BIGINT NOT NULL,
        origin VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        data VARCHAR NOT NULL
    )
    """,
    """
    CREATE INDEX events_by_time ON events (at)
    """,
    """
    CREATE TABLE owners (
        seq INTEGER NOT NULL,
        name VARCHAR NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (name)
    )
    """,
    """
    CREATE TABLE attachments (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        media_type VARCHAR NOT NULL,
        size INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        created BIGINT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
    """,
    """
    CREATE TABLE chats (
        seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        owner INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        title VARCHAR NOT NULL,
        titled_by VARCHAR NOT NULL,
        created BIGINT NOT NULL,
        updated BIGINT NOT NULL,
        pinned BOOLEAN NOT NULL,
        archived BOOLEAN NOT NULL,
        deleted BIGINT,
        draft VARCHAR NOT NULL,
        head VARCHAR,
        provider VARCHAR NOT NULL,
        model VARCHAR NOT NULL,
        messages INTEGER NOT NULL,
        written INTEGER NOT NULL,
        UNIQUE (owner, id),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
    """,
    """
    CREATE INDEX chats_by_updated ON chats (owner, archived, pinned, updated)
    """,
    """
    CREATE TABLE runs (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        state VARCHAR NOT NULL,
        source VARCHAR NOT NULL,
        queued BIGINT NOT NULL,
        started BIGINT,
        ended BIGINT,
        chat VARCHAR,
        message VARCHAR,
        arguments VARCHAR,
        attempts INTEGER NOT NULL,
        progress FLOAT,
        progress_text VARCHAR NOT NULL,
        result VARCHAR,
        error VARCHAR,
        process VARCHAR NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
    """,
    """
    CREATE INDEX runs_by_chat ON runs (owner, chat)
    """,
    """
    CREATE INDEX runs_by_ended ON runs (ended)
    """,
    """
    CREATE INDEX runs_by_queued ON runs (owner, queued)
    """,
    """
    CREATE INDEX runs_unfinished ON runs (state)
    WHERE state IN ('PENDING', 'STARTED', 'PROGRESS', 'RETRY')
    """,
    """
    CREATE TABLE small_values (
        owner INTEGER NOT NULL,
        "key" VARCHAR NOT NULL,
        value VARCHAR NOT NULL,
        PRIMARY KEY (owner, "key"),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE usage (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        id VARCHAR NOT NULL,
        run VARCHAR NOT NULL,
        at BIGINT NOT NULL,
        purpose VARCHAR NOT NULL,
        provider VARCHAR NOT NULL,
        model VARCHAR NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cached INTEGER NOT NULL,
        estimated BOOLEAN NOT NULL,
        seconds FLOAT NOT NULL,
        cost VARCHAR,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        FOREIGN KEY(owner) REFERENCES owners (seq)
    )
    """,
    """
    CREATE INDEX usage_by_time ON usage (owner, at)
    """,
    """
    CREATE TABLE messages (
        seq INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        chat INTEGER NOT NULL,
        parent INTEGER,
        id VARCHAR NOT NULL,
        role VARCHAR NOT NULL,
        state VARCHAR NOT NULL,
        depth INTEGER NOT NULL,
        written INTEGER NOT NULL,
        created BIGINT NOT NULL,
        provider VARCHAR NOT NULL,
        model VARCHAR NOT NULL,
        run VARCHAR,
        seconds FLOAT,
        usage VARCHAR,
        error VARCHAR,
        tools VARCHAR,
        notes VARCHAR,
        text VARCHAR NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (owner, id),
        FOREIGN KEY(owner) REFERENCES owners (seq),
        FOREIGN KEY(chat) REFERENCES chats (seq),
        FOREIGN KEY(parent) REFERENCES messages (seq)
    )
    """,
    """
    CREATE INDEX messages_by_parent ON messages (chat, parent)
    """,
    """
    CREATE INDEX messages_by_parent_alone ON messages (parent)
    """,
    """
    CREATE INDEX messages_streaming ON messages (chat) WHERE state = 'streaming'
    """,
    """
    CREATE TABLE message_attachments (
        message INTEGER NOT NULL,
        position INTEGER NOT NULL,
        attachment INTEGER NOT NULL,
        PRIMARY KEY (message, position),
        FOREIGN KEY(message) REFERENCES messages (seq),
        FOREIGN KEY(attachment) REFERENCES attachments (seq)
    )
     WITHOUT ROWID
    """,
    """
    CREATE INDEX message_attachments_by_attachment ON message_attachments (attachment)
    """,
    """
    CREATE TABLE pieces (
        message INTEGER NOT NULL,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        text VARCHAR NOT NULL,
        PRIMARY KEY (message, start),
        FOREIGN KEY(message) REFERENCES messages (seq)
    )
     WITHOUT ROWID
    """,
)


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS:
        op.execute(statement)
