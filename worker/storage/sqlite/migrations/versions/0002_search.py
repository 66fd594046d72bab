"""The search index, and what the file says about itself.

The index is filled when all steps are done, by the rules of the program that runs them.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both."""
    op.execute(
        "CREATE TABLE facts (name VARCHAR NOT NULL, value VARCHAR NOT NULL, PRIMARY KEY (name))"
    )
    op.execute(
        "CREATE VIRTUAL TABLE search USING fts5("
        "grams, content='', detail=none, columnsize=0, tokenize='ascii')"
    )
