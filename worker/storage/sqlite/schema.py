"""The tables, as they are in the newest version.

Owns their shape. The steps that lead here from older versions are in `migrations/versions`;
a test checks that both ways end at the same shape. What a row means is with the features.

A message's `seq` is its row id and grows with `created` (seconds since 1970, moved on to the
next free number), and a child's is greater than its parent's. So newest first is the order of
row ids, in the search index too.
"""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from worker.storage.sqlite.types import Bytes, Instant, Json, Money, Text

APPLICATION_ID: Final = 0x4E475448
"""In the file's header: a database of this program."""
VERSION: Final = 5
"""In the file's header (`user_version`): the newest migration's number."""
REVISION: Final = "0005"
"""Alembic's name for it."""

metadata = MetaData()

owners = Table(
    "owners",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

chats = Table(
    "chats",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("titled_by", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("deleted", Instant),
    Column("draft", Text, nullable=False),
    Column("head", Text),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    # How many messages there are, kept in step with every insert; counting is slow.
    Column("messages", Integer, nullable=False),
    # Grows with every question and answer: what was written in last.
    Column("written", Integer, nullable=False),
    UniqueConstraint("owner", "id"),
    Index("chats_by_updated", "owner", "archived", "pinned", "updated"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("chat", ForeignKey("chats.seq"), nullable=False),
    Column("parent", ForeignKey("messages.seq")),
    Column("id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("written", Integer, nullable=False),
    Column("created", Instant, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("run", Text),
    Column("seconds", Float),
    Column("usage", Json),
    Column("error", Json),
    Column("tools", Json),
    Column("notes", Json),
    # Last, so that reading the others of a long message does not read through its text.
    Column("text", Text, nullable=False),
    # Came later, and is read with the text only.
    Column("cached", Instant),
    UniqueConstraint("owner", "id"),
    Index("messages_by_parent", "chat", "parent"),
    Index("messages_by_parent_alone", "parent"),
    Index("messages_streaming", "chat", sqlite_where=text("state = 'streaming'")),
)

pieces = Table(
    "pieces",
    metadata,
    Column("message", ForeignKey("messages.seq"), primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("stop", Integer, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_with_rowid=False,
)

attachments = Table(
    "attachments",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("created", Instant, nullable=False),
    Column("data", Bytes, nullable=False),
    UniqueConstraint("owner", "id"),
)

message_attachments = Table(
    "message_attachments",
    metadata,
    Column("message", ForeignKey("messages.seq"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("attachment", ForeignKey("attachments.seq"), nullable=False),
    Index("message_attachments_by_attachment", "attachment"),
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("queued", Instant, nullable=False),
    Column("started", Instant),
    Column("ended", Instant),
    Column("chat", Text),
    Column("message", Text),
    Column("arguments", Json),
    Column("attempts", Integer, nullable=False),
    Column("progress", Float),
    Column("progress_text", Text, nullable=False),
    Column("result", Json),
    Column("error", Json),
    # The process that claimed it; "" while nobody has.
    Column("process", Text, nullable=False),
    Column("schedule", Text, nullable=False, server_default=""),
    Column("lane", Text, nullable=False, server_default="queued"),
    Column("priority", Integer, nullable=False, server_default="4"),
    Column("due", Instant),
    Column("batch", Text),
    Column("follows", Text),
    UniqueConstraint("owner", "id"),
    Index("runs_by_queued", "owner", "queued"),
    Index("runs_by_chat", "owner", "chat"),
    Index("runs_by_name", "owner", "name", "ended"),
    Index("runs_by_schedule", "owner", "schedule", "queued", sqlite_where=text("schedule <> ''")),
    Index("runs_by_batch", "owner", "batch", sqlite_where=text("batch IS NOT NULL")),
    Index("runs_by_follows", "owner", "follows", sqlite_where=text("follows IS NOT NULL")),
    Index(
        "runs_unfinished",
        "state",
        sqlite_where=text("state IN ('PENDING', 'STARTED', 'PROGRESS', 'RETRY')"),
    ),
    Index("runs_by_ended", "ended"),
)

run_log = Table(
    "run_log",
    metadata,
    Column("run", ForeignKey("runs.seq", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("level", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_with_rowid=False,
)

answers = Table(
    "answers",
    metadata,
    Column("owner", ForeignKey("owners.seq"), primary_key=True),
    # A hash of everything that the answer depends on.
    Column("key", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("answers_by_expires", "expires"),
    sqlite_with_rowid=False,
)
"""Answers that may be used again for a while."""

usage = Table(
    "usage",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("id", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("input", Integer, nullable=False),
    Column("output", Integer, nullable=False),
    Column("cached", Integer, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("cost", Money),
    UniqueConstraint("owner", "id"),
    Index("usage_by_time", "owner", "at"),
    Index("usage_by_run", "owner", "run"),
)

reminders = Table(
    "reminders",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("rrule", Text, nullable=False),
    # The earlier one of the next two, or NULL when it is due no more.
    Column("due", Instant),
    Column("series", Instant),
    Column("snooze", Instant),
    Column("notes", Text, nullable=False),
    Column("chat", Text),
    Column("urgent", Boolean, nullable=False),
    Column("missed", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("done", Instant),
    Column("deleted", Instant),
    Column("uid", Text, nullable=False),
    # Grows with every change: see `storage.reminders`.
    Column("version", Integer, nullable=False),
    # Text and notes as they are searched.
    Column("folded", Text, nullable=False),
    UniqueConstraint("owner", "id"),
    Index("reminders_by_due", "due", sqlite_where=text("due IS NOT NULL AND deleted IS NULL")),
    Index(
        "reminders_by_owner_due",
        "owner",
        "due",
        sqlite_where=text("due IS NOT NULL AND deleted IS NULL"),
    ),
    Index(
        "reminders_by_done",
        "owner",
        "done",
        sqlite_where=text("done IS NOT NULL AND deleted IS NULL"),
    ),
    Index("reminders_by_deleted", "deleted", sqlite_where=text("deleted IS NOT NULL")),
    Index("reminders_by_uid", "owner", "uid", sqlite_where=text("uid <> ''")),
)

firings = Table(
    "firings",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("reminder", ForeignKey("reminders.seq", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("due", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("fired", Instant, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("shown", Instant),
    Column("answered", Instant),
    Column("until", Instant),
    Column("earlier", Integer, nullable=False),
    # The process that tells it; "" while none does.
    Column("taken", Text, nullable=False),
    UniqueConstraint("owner", "id"),
    # It happens once, whoever finds it due.
    UniqueConstraint("reminder", "due"),
    Index(
        "firings_waiting",
        "owner",
        "due",
        sqlite_where=text("state IN ('due', 'held', 'missed')"),
    ),
    Index("firings_held", "due", sqlite_where=text("state = 'held'")),
)
"""The times that reminders were due, each once."""

routines = Table(
    "routines",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("rrule", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    # Names; NULL for all that there are.
    Column("tools", Json),
    Column("chat", Text),
    Column("notify", Boolean, nullable=False),
    Column("missed", Text, nullable=False),
    Column("overlap", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("paused_why", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    # NULL while it is paused or deleted, and when it will not be due any more.
    Column("due", Instant),
    Column("deleted", Instant),
    UniqueConstraint("owner", "id"),
    Index("routines_by_due", "due", sqlite_where=text("due IS NOT NULL")),
)

occurrences = Table(
    "occurrences",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("id", Text, nullable=False),
    Column("routine", ForeignKey("routines.seq", ondelete="CASCADE"), nullable=False),
    Column("due", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("run", Text),
    Column("chat", Text),
    Column("started", Instant),
    Column("ended", Instant),
    Column("seconds", Float),
    Column("cost", Money),
    Column("result", Text, nullable=False),
    Column("error", Json),
    Column("earlier", Integer, nullable=False),
    Column("by_hand", Boolean, nullable=False),
    # Whether it makes up for times that were missed.
    Column("catch_up", Boolean, nullable=False),
    # Since when it is parked, and how many seconds it was before.
    Column("parked", Instant),
    Column("parked_for", Float, nullable=False),
    UniqueConstraint("owner", "id"),
    # What makes each time happen once, whoever looks.
    UniqueConstraint("routine", "due"),
    Index("occurrences_by_run", "owner", "run", sqlite_where=text("run IS NOT NULL")),
    Index(
        "occurrences_open",
        "state",
        sqlite_where=text("state IN ('asking', 'waiting', 'running', 'parked')"),
    ),
)

approvals = Table(
    "approvals",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", ForeignKey("owners.seq"), nullable=False),
    Column("id", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("call", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("why", Text, nullable=False),
    Column("asked", Instant, nullable=False),
    Column("may_always", Boolean, nullable=False),
    Column("chat", Text),
    Column("message", Text),
    Column("routine", Text),
    Column("verdict", Text),
    Column("instead", Text, nullable=False),
    Column("answered", Instant),
    # When the call was begun, which happens once, and what it gave.
    Column("made", Instant),
    Column("result", Text),
    Column("failed", Boolean, nullable=False),
    UniqueConstraint("owner", "id"),
    UniqueConstraint("owner", "run", "call"),
    Index("approvals_waiting", "owner", "run", sqlite_where=text("verdict IS NULL")),
)

standstills = Table(
    "standstills",
    metadata,
    Column("owner", ForeignKey("owners.seq"), primary_key=True),
    Column("run", Text, primary_key=True),
    Column("value", Json, nullable=False),
    sqlite_with_rowid=False,
)
"""Where parked answers stand."""

allowed_tools = Table(
    "allowed_tools",
    metadata,
    Column("owner", ForeignKey("owners.seq"), primary_key=True),
    Column("tool", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
"""Tools that a person need not be asked about any more."""

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("origin", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("events_by_time", "at"),
    sqlite_autoincrement=True,  # a seq is never given twice, not even after expiry
)

small_values = Table(
    "small_values",
    metadata,
    Column("owner", ForeignKey("owners.seq"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What the file says about itself, e.g. by which rules its search index was made."""

SEARCH_DDL: Final = (
    "CREATE VIRTUAL TABLE search USING fts5("
    "grams, content='', detail=none, columnsize=0, tokenize='ascii')"
)
"""Contentless: the text stands in `messages` only. The grams are made by `folding` (SQLite's own
trigram tokenizer folds no diacritics before 3.45), and positions are not kept (`detail=none`:
a quarter of the size), since what is found is checked anyway."""


def statements() -> tuple[str, ...]:
    """What makes an empty file a database of the newest version, version numbers excluded."""
    dialect = sqlite.dialect()
    found: list[str] = []
    for table in metadata.sorted_tables:
        found.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        found += [
            str(CreateIndex(index).compile(dialect=dialect)).strip()
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    return (*found, SEARCH_DDL)
