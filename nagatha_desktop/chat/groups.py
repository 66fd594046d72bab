"""How chats are grouped by day in the list at the left. Pure functions of chats and the time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal, TypeAlias

from worker.contract.types import Chat

GroupName: TypeAlias = Literal["pinned", "today", "yesterday", "week", "older"]
ORDER: tuple[GroupName, ...] = ("pinned", "today", "yesterday", "week", "older")


@dataclass(frozen=True, slots=True)
class Group:
    """Chats under one heading, newest first."""

    name: GroupName
    chats: tuple[Chat, ...]


def group_of(chat: Chat, today: date, zone: tzinfo | None) -> GroupName:
    """The heading that `chat` stands under; days begin at midnight of `zone` (None: the system's).

    A time in the future, of a clock that was put back, counts as today.
    """
    if chat.pinned:
        return "pinned"
    day = chat.updated.astimezone(zone).date()
    if day >= today:
        return "today"
    if day == today - timedelta(days=1):
        return "yesterday"
    if day >= today - timedelta(days=7):
        return "week"
    return "older"


def group_chats(
    chats: Iterable[Chat], now: datetime, zone: tzinfo | None = None
) -> tuple[Group, ...]:
    """All of `chats` under their headings, in the order of the list; no empty headings."""
    today = now.astimezone(zone).date()
    found: dict[GroupName, list[Chat]] = {name: [] for name in ORDER}
    for chat in sorted(chats, key=lambda chat: (chat.updated, chat.id), reverse=True):
        found[group_of(chat, today, zone)].append(chat)
    return tuple(Group(name, tuple(inside)) for name, inside in found.items() if inside)


def until_midnight(now: datetime, zone: tzinfo | None = None) -> float:
    """Seconds until the headings change by themselves; `now` is aware."""
    here = now.astimezone(zone)
    # The zone's own midnight, which a change to or from summer time moves.
    midnight = datetime.combine(here.date() + timedelta(days=1), datetime.min.time())
    target = midnight.replace(tzinfo=zone) if zone is not None else midnight.astimezone()
    return max(1.0, (target.astimezone(UTC) - here.astimezone(UTC)).total_seconds())
