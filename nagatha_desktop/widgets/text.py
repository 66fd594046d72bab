"""Text and numbers as people see them: nothing that breaks Qt, nothing that hides.

Owns what is replaced before a text is shown, and how counts, sizes and times are written.
Knows no widget.
"""

import re

from PySide6.QtCore import QCoreApplication, QUrl

OPENABLE = frozenset({"http", "https", "mailto"})
"""The kinds of address that may be opened; all others are only shown."""

# U+FDD0, U+FDD1 and U+FFFC mean "frame" and "object" inside a QTextDocument; U+2028 and U+2029
# end a line or a block there. A lone surrogate cannot be handed to Qt at all.
_BREAKS_QT = re.compile("[\ud800-\udfff\ufdd0\ufdd1\ufffc\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029\x85\x0b\x0c]")
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {127: 0x2421}
# What turns the direction of text or is not seen at all.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_NARROW = "\u202f"


def shown(text: str) -> str:
    """`text` with all replaced that Qt cannot show: control characters, lone surrogates."""
    if not text.isascii():
        text = _BREAKS_QT.sub("\ufffd", text)
    return _LINE_ENDS.sub("\n", text).translate(_CONTROLS)


def copied(text: str) -> str:
    """`text` as it may go to the clipboard: as it is, but without lone surrogates."""
    return text.encode("utf-16", "replace").decode("utf-16") if not text.isascii() else text


def revealed(text: str) -> str:
    """`text` with characters that hide or turn others made visible, for links and addresses."""
    return _HIDDEN.sub(lambda found: f"‹U+{ord(found.group()):04X}›", text)


def address_shown(address: str) -> str:
    """An address as a person must see it before it is opened: whole, nothing hidden in it."""
    return revealed(shown(address).replace("\n", "‹U+000A›"))


def may_open(address: str) -> bool:
    """Whether a link may be opened at all."""
    url = QUrl(address, QUrl.ParsingMode.TolerantMode)
    if not url.isValid() or url.scheme().lower() not in OPENABLE:
        return False
    return bool(url.path() if url.scheme().lower() == "mailto" else url.host())


def count(number: int) -> str:
    """12345 as "12 345"."""
    return f"{number:,}".replace(",", _NARROW)


def seconds(value: float) -> str:
    """A span of time, short: "0.4 s", "12 s", "3 min 5 s"."""
    value = max(0.0, value)
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def whole_seconds(value: float) -> str:
    """A span that is counted while a person looks: "0 s", "12 s", "1 min 5 s"."""
    value = max(0.0, value)
    return f"{int(value)} s" if value < 10 else seconds(float(int(value)))


def size(amount: int) -> str:
    """Bytes, short: "812 bytes", "3.4 kB", "12 MB"."""
    if amount < 1000:
        return QCoreApplication.translate("text", "%n byte(s)", None, amount).replace(
            "(s)", "" if amount == 1 else "s"
        )
    value = float(amount)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000 or unit == "GB":
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    raise AssertionError(amount)


def one_line(text: str, length: int) -> str:
    """`text` on one line, at most `length` characters, for a place where more is a click away."""
    flat = " ".join(shown(text[: length * 4]).split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"
