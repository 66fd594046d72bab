"""Messages and pages for tests of the conversation, and for its benchmark."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from worker.contract.types import Chat, Message, MessageState, Page, Problem, Role, Usage

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def chat(id: str = "c1", title: str = "Release notes") -> Chat:
    return Chat(id=id, title=title, created=NOW, updated=NOW)


def message(
    id: str,
    text: str,
    *,
    role: Role = "assistant",
    parent: str | None = None,
    state: MessageState = "complete",
    error: Problem | None = None,
    **more: object,
) -> Message:
    made: dict[str, object] = {"created": NOW - timedelta(seconds=3), "chat": "c1", **more}
    if role == "assistant" and state == "complete":
        made = {"model": "gpt-4o-mini", "usage": Usage(1240, 318), "seconds": 2.1, **made}
    return Message(
        id=id,
        parent=parent,
        role=role,
        state=state,
        text=text,
        error=error,
        **made,  # type: ignore[arg-type]
    )


def conversation(
    count: int, text: str = "Words of message {number}, and *some* more."
) -> list[Message]:
    """`count` messages in one branch, the person's first, ids m0, m1, ..."""
    return [
        message(
            f"m{number}",
            text.format(number=number),
            role="assistant" if number % 2 else "user",
            parent=f"m{number - 1}" if number else None,
        )
        for number in range(count)
    ]


def page(messages: Sequence[Message], *, more: bool = False) -> Page:
    return Page(chat=chat(), messages=tuple(messages), more=more)
