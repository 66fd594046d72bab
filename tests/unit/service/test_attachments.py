"""What may go with a message is found by its content, and limits are named."""

from typing import Any

import pytest

from worker.contract.errors import InvalidInput, TooLarge
from worker.service.attachments import Attachments, decode_text, image_type

LIMITS = Attachments(text_limit=1000, image_limit=5000)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


@pytest.mark.parametrize(
    ("name", "data", "media"),
    [
        ("notes.txt", b"hello", "text/plain"),
        ("page.html", b"<p>hello", "text/html"),
        ("script.py", "print('ü')".encode(), "text/x-python"),
        ("unknown", "ünïcode".encode("utf-16"), "text/plain"),
        ("old.txt", "caf\xe9".encode("latin-1"), "text/plain"),
        ("picture.txt", PNG, "image/png"),
        ("photo", b"\xff\xd8\xff\xe0" + b"0" * 9, "image/jpeg"),
        ("a.gif", b"GIF89a00", "image/gif"),
        ("a.webp", b"RIFF0000WEBPVP8 ", "image/webp"),
    ],
)
def test_a_file_is_recognised_by_its_content(name: str, data: bytes, media: str) -> None:
    found = LIMITS.describe("id", name, data)
    assert (found.media_type, found.size) == (media, len(data))
    assert found.tokens > 0


@pytest.mark.parametrize("data", [b"\x00\x01\x02binary", b"%PDF-1.7\x00", b"\xff\xfe\x00", b"\x80"])
def test_a_file_that_is_neither_text_nor_image_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        LIMITS.describe("id", "file.bin", data)


@pytest.mark.parametrize(("name", "data"), [("a", "text"), (5, b"x"), ("a", None)])
def test_what_is_no_file_is_refused_in_words(name: Any, data: Any) -> None:
    with pytest.raises(InvalidInput, match="a name and bytes"):
        LIMITS.describe("id", name, data)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        LIMITS.describe("id", "file", b"")


@pytest.mark.parametrize(("data", "limit"), [(b"x" * 1001, "1 kB"), (PNG * 60, "5 kB")])
def test_a_file_that_is_too_large_is_refused_with_its_limit(data: bytes, limit: str) -> None:
    with pytest.raises(TooLarge, match=limit):
        LIMITS.describe("id", "file", data)


def test_a_name_cannot_hold_paths_or_turn_text_around() -> None:
    name = LIMITS.describe("id", "../..\\a\u202egnp.exe\0", b"x").name
    assert not set(name) & set("/\\\u202e\0")


@pytest.mark.parametrize("data", [b"", b"GIF", b"RIFF", b"plain text"])
def test_what_is_no_image_has_no_image_type(data: bytes) -> None:
    assert image_type(data) == ""


def test_broken_utf_16_is_no_text() -> None:
    assert decode_text(b"\xff\xfea") is None
