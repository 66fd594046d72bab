"""Which heading a chat stands under."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nagatha_desktop.chat.groups import GroupName, group_chats, group_of, until_midnight
from worker.contract.types import Chat

LISBON = ZoneInfo("Europe/Lisbon")
NOW = datetime(2026, 11, 21, 0, 30, tzinfo=LISBON)


def chat(updated: datetime, pinned: bool = False) -> Chat:
    return Chat(updated.isoformat(), "t", updated, updated, pinned=pinned)


@pytest.mark.parametrize(
    ("updated", "pinned", "group"),
    [
        (datetime(2026, 11, 21, 0, 0, tzinfo=LISBON), False, "today"),
        (datetime(2026, 11, 20, 23, 59, tzinfo=LISBON), False, "yesterday"),
        (datetime(2026, 11, 20, 23, 59, tzinfo=UTC), False, "yesterday"),
        (datetime(2026, 11, 21, 2, 0, tzinfo=ZoneInfo("Asia/Tokyo")), False, "yesterday"),
        (datetime(2026, 11, 19, 23, 0, tzinfo=LISBON), False, "week"),
        (datetime(2026, 11, 14, 0, 0, tzinfo=LISBON), False, "week"),
        (datetime(2026, 11, 13, 23, 59, tzinfo=LISBON), False, "older"),
        (datetime(2027, 1, 1, tzinfo=LISBON), False, "today"),
        (datetime(2020, 1, 1, tzinfo=LISBON), True, "pinned"),
    ],
)
def test_a_chat_stands_under_the_day_of_the_persons_zone(
    updated: datetime, pinned: bool, group: GroupName
) -> None:
    assert group_of(chat(updated, pinned), NOW.date(), LISBON) == group


def test_groups_come_in_order_without_empty_ones_and_newest_first() -> None:
    chats = [
        chat(NOW - timedelta(days=2)),
        chat(NOW - timedelta(minutes=10)),
        chat(NOW),
        chat(NOW - timedelta(days=400), pinned=True),
    ]
    groups = group_chats(chats, NOW.astimezone(UTC), LISBON)
    assert [group.name for group in groups] == ["pinned", "today", "week"]
    assert groups[1].chats == (chats[2], chats[1])


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 11, 21, 20, 0, tzinfo=LISBON), 4),
        # Clocks go back on this day: it has 25 hours.
        (datetime(2026, 10, 25, 0, 0, tzinfo=LISBON), 25),
    ],
)
def test_the_headings_change_at_the_persons_midnight(now: datetime, hours: int) -> None:
    assert until_midnight(now.astimezone(UTC), LISBON) == hours * 3600
