"""Between rows and the contract's values.

Owns the way there and back. Must not know which statement a row came from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import BindParameter, Row, ScalarSelect, Select, bindparam, select

from worker.contract.types import Attachment, Chat, Message, Problem, Run, ToolUse, Usage
from worker.storage.sqlite.schema import owners

Values = dict[str, object]
AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]  # the columns are as wide as the tables


def owner_seq(owner: str | BindParameter[str]) -> ScalarSelect[int]:
    """The number of an owner, within another statement; NULL for one never seen."""
    return select(owners.c.seq).where(owners.c.name == owner).scalar_subquery()


@cache
def whose() -> ScalarSelect[int]:
    """As `owner_seq`, for a statement that is made once: its owner is the parameter "whose".

    To put a statement together takes several times as long as to run it.
    """
    return owner_seq(bindparam("whose"))


def _object(value: object) -> Values:
    return {field.name: getattr(value, field.name) for field in fields(cast(Any, value))}


def problem_values(problem: Problem | None) -> Values | None:
    """For a JSON column."""
    if problem is None:
        return None
    at = problem.retry_at
    return {**_object(problem), "retry_at": None if at is None else at.isoformat()}


def problem_from(values: object) -> Problem | None:
    """From a JSON column."""
    if values is None:
        return None
    found = dict(cast(Mapping[str, Any], values))
    at = found.get("retry_at")
    return Problem(**{**found, "retry_at": None if at is None else datetime.fromisoformat(at)})


def message_values(message: Message) -> Values:
    """The columns of a message that do not depend on where it stands."""
    return {
        "id": message.id,
        "role": message.role,
        "state": message.state,
        "created": message.created,
        "text": message.text,
        "provider": message.provider,
        "model": message.model,
        "run": message.run,
        "seconds": message.seconds,
        "usage": None if message.usage is None else _object(message.usage),
        "error": problem_values(message.error),
        "tools": [_object(tool) for tool in message.tools] or None,
        "notes": list(message.notes) or None,
        "cached": message.cached,
    }


def message_from(
    row: AnyRow,
    *,
    text: str,
    attachments: Sequence[Attachment],
    siblings: Sequence[str],
) -> Message:
    """A message from its row (with `chat_id` and `parent_id`) and what stands elsewhere."""
    return Message(
        id=row.id,
        chat=row.chat_id,
        parent=row.parent_id,
        role=row.role,
        state=row.state,
        text=text,
        created=row.created,
        attachments=tuple(attachments),
        provider=row.provider,
        model=row.model,
        usage=None if row.usage is None else Usage(**row.usage),
        seconds=row.seconds,
        error=problem_from(row.error),
        run=row.run,
        tools=tuple(ToolUse(**tool) for tool in row.tools or ()),
        notes=tuple(row.notes or ()),
        siblings=tuple(siblings),
        depth=row.depth,
        cached=row.cached,
    )


def chat_values(chat: Chat) -> Values:
    """The columns of a chat but for the counted ones."""
    values = _object(chat)
    del values["messages"], values["running"]
    return values


def chat_from(row: AnyRow) -> Chat:
    """A chat from its row, with `running` counted."""
    return Chat(
        id=row.id,
        title=row.title,
        created=row.created,
        updated=row.updated,
        titled_by=row.titled_by,
        pinned=row.pinned,
        archived=row.archived,
        deleted=row.deleted,
        draft=row.draft,
        head=row.head,
        provider=row.provider,
        model=row.model,
        messages=row.messages,
        running=bool(row.running),
    )


def run_values(run: Run) -> Values:
    """The columns of a run but for whose it is."""
    return {**_object(run), "error": problem_values(run.error)}


def run_from(row: AnyRow) -> Run:
    """A run from its row."""
    return Run(
        **{field.name: getattr(row, field.name) for field in fields(Run) if field.name != "error"},
        error=problem_from(row.error),
    )


def attachment_from(row: AnyRow) -> Attachment:
    """An attachment from its row."""
    return Attachment(
        id=row.id, name=row.name, media_type=row.media_type, size=row.size, tokens=row.tokens
    )
