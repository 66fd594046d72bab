"""Text that comes from anywhere is shown without breaking Qt or hiding anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nagatha_desktop.widgets.moments import times_before
from nagatha_desktop.widgets.text import (
    address_shown,
    copied,
    count,
    may_open,
    one_line,
    revealed,
    seconds,
    shown,
    size,
    whole_seconds,
)
from worker.contract.reminders import MOST_EARLIER

ANY = st.text(st.characters(exclude_categories=()))


def test_control_characters_become_visible() -> None:
    assert shown("a\x00b\x1b[0m\tc\nd") == "a␀b␛[0m\tc\nd"


def test_every_kind_of_line_end_ends_a_line() -> None:
    assert shown("a\r\nb\rc\u2028d\u2029e") == "a\nb\nc\nd\ne"


@given(ANY)
def test_whatever_is_shown_can_be_encoded_and_holds_nothing_of_qts_own(text: str) -> None:
    clean = shown(text)
    clean.encode("utf-8")
    assert not set(clean) & set("\ufdd0\ufdd1\ufffc\u2028\u2029\r\x00")


@given(ANY)
def test_what_is_copied_can_be_encoded_and_is_otherwise_the_same(text: str) -> None:
    taken = copied(text)
    taken.encode("utf-8")
    if not any("\ud800" <= sign <= "\udfff" for sign in text):
        assert taken == text


def test_signs_that_turn_or_hide_text_are_named_in_an_address() -> None:
    assert revealed("moc.\u202elive") == "moc.‹U+202E›live"
    assert address_shown("https://a\u200b.org/\n") == "https://a‹U+200B›.org/‹U+000A›"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://example.org/a?b#c", True),
        ("HTTP://example.org", True),
        ("mailto:ann@example.org", True),
        ("mailto:", False),
        ("http://", False),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("data:text/html,hi", False),
        ("ftp://example.org", False),
        ("smb://host/share", False),
        ("notes/2.4.md", False),
        ("#part", False),
        ("", False),
    ],
)
def test_only_web_and_mail_addresses_may_be_opened(address: str, allowed: bool) -> None:
    assert may_open(address) is allowed


def test_numbers_are_written_short_and_with_narrow_spaces() -> None:
    assert count(1240) == "1\u202f240"
    assert [seconds(value) for value in (0.04, 2.13, 12.6, 185, 7300)] == [
        "0.0 s", "2.1 s", "13 s", "3 min 5 s", "2 h 1 min",
    ]  # fmt: skip
    assert [whole_seconds(value) for value in (-1, 0.9, 3.7, 75)] == [
        "0 s", "0 s", "3 s", "1 min 15 s",
    ]  # fmt: skip
    assert [size(value) for value in (0, 1, 812, 3412, 812_345, 12_000_000, 3 * 10**12)] == [
        "0 bytes", "1 byte", "812 bytes", "3.4 kB", "812 kB", "12 MB", "3000 GB",
    ]  # fmt: skip


def test_a_long_text_is_put_on_one_line() -> None:
    assert one_line("a\n b\t c", 10) == "a b c"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


def test_times_that_passed_are_counted_to_a_thousand_and_no_number_is_made_up_beyond() -> None:
    assert times_before(MOST_EARLIER - 1) == "999"
    assert times_before(MOST_EARLIER) == "1000 or more"
