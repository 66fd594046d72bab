"""What may go with a message: text and images under a limit.

Owns the check of a file's content and the estimate of its tokens. It must not know where
the bytes are kept.
"""

import mimetypes
import re
from dataclasses import dataclass

from worker.contract.errors import InvalidInput, TooLarge
from worker.contract.types import Attachment
from worker.providers.tokens import estimate_image, estimate_text

_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff/\\]+")
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Attachments:
    """The limits that hold now."""

    text_limit: int
    """Bytes of a text file."""
    image_limit: int
    """Bytes of an image."""

    def describe(self, identifier: str, name: str, data: bytes) -> Attachment:
        """What `data` is, found by its content.

        Raises InvalidInput for an empty file or one that is neither text nor image, TooLarge
        (naming the limit) for one over it.
        """
        if not isinstance(name, str) or not isinstance(data, bytes):
            raise InvalidInput("A file has a name and bytes", "Something else was given.")
        shown = _UNSAFE.sub("_", name).strip()[:LONGEST_NAME] or "file"
        if not data:
            raise InvalidInput(f"“{shown}” is empty", remedy="Choose another file.")
        image = image_type(data)
        limit = self.image_limit if image else self.text_limit
        if len(data) > limit:
            raise TooLarge(
                f"“{shown}” is too large",
                f"It has {_megabytes(len(data))}; the limit for "
                f"{'images' if image else 'text files'} is {_megabytes(limit)}.",
                "Send a smaller part, or raise the limit in Settings.",
            )
        if image:
            return Attachment(identifier, shown, image, len(data), estimate_image())
        text = decode_text(data)
        if text is None:
            raise InvalidInput(
                f"“{shown}” is neither text nor a PNG, JPEG, GIF or WebP image",
                "Other kinds of files cannot be read by a model.",
                "Save it as text or as an image first.",
            )
        guessed = mimetypes.guess_type(shown)[0] or ""
        media = guessed if guessed.startswith("text/") else "text/plain"
        return Attachment(identifier, shown, media, len(data), estimate_text(text))


def image_type(data: bytes) -> str:
    """The media type of an image that models take, "" for anything else."""
    for magic, media in _IMAGES:
        if data.startswith(magic):
            return media
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return ""


def decode_text(data: bytes) -> str | None:
    """`data` as text: UTF-8 or UTF-16 with its mark, else Latin-1 without control characters."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            return None
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    text = data.decode("latin-1")
    if any((ord(c) < 32 and c not in "\t\n\r\f") or 127 <= ord(c) < 160 for c in text):
        return None
    return text


def _megabytes(size: int) -> str:
    if size < 1_000_000:
        return f"{size / 1000:,.0f} kB"
    return f"{size / 1_000_000:,.1f} MB"
