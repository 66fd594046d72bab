"""How a text is made findable: folding case and diacritics, and the grams that are indexed.

Owns the rules that every backend's search follows. It must not know where an index is kept.

A text is folded (compatibility forms, case, diacritics) and taken apart into words and
characters that are words by themselves (CJK, punctuation, emoji). Indexed are, of each word,
its stretches of three and of four characters and its first one and two; of characters by
themselves each one and each pair. So one index finds parts of words (a term is asked for by
its four-character stretches, which few texts share by chance), beginnings of words, and single
CJK characters. What it finds is checked with `holds`, so grams need no positions.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

VERSION = "1"
"""Another one whenever the grams change; an index of another version is made anew."""

BEFORE = 60
"""Characters of a hit's text shown before the match, at most."""
AFTER = 140
"""And after it."""

_BEGINNING = "\ue000"  # stands before the first one or two characters of a word
_PUNCTUATION = 0xE080  # ASCII punctuation would part tokens: it is moved here
_CHAT_DIGITS = 0xE100
_OWNER_DIGITS = 0xE800
_BASE = 0x700
_RESERVED = range(0xE000, 0xF900)  # a text's own private characters are moved out of the way
_MOVED = 0xF0000 - 0xE000

_MAX_QUERY = 10_000
_MAX_TERMS = 16
_MAX_TERM = 200
_MAX_GRAMS = 64
_ENOUGH = 8
_CHUNK = 256

_CJK = (
    (0x1100, 0x11FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3041, 0x30FF),
    (0x3105, 0x312F), (0x3131, 0x318E), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip

# Diacritics that may be left out: Latin, Greek and Cyrillic ones, Hebrew points, Arabic harakat.
# Vowel signs of Indic scripts and the Japanese voicing marks are letters and stay. Joiners,
# soft hyphens and bidi controls are invisible, so nobody types them into a search.
_DROPPED = re.compile(
    "[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff]+"
)
_COMPOSABLE = re.compile("[\u1100-\u11ff\u3099\u309a]")  # Hangul's parts, Japanese voicing
_UNDECOMPOSED = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i"})
_RUNS = re.compile("w+|s+")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query."""

    folded: str
    """Folded, without white space."""
    grams: tuple[str, ...]
    """What the index holds for every text that holds it."""
    begins_word: bool
    """Whether it matches only where a word begins: it has less than 3 characters."""


def fold(text: str) -> str:
    """`text` without differences of case, diacritics and compatibility forms."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text).casefold()
    # Casefolding may bring back what decomposes (e.g. the Greek iota subscript).
    text = _DROPPED.sub("", unicodedata.normalize("NFKD", text)).translate(_UNDECOMPOSED)
    return unicodedata.normalize("NFC", text) if _COMPOSABLE.search(text) else text


def grams(text: str) -> set[str]:
    """What is indexed for `text`: non-empty, without white space, ASCII only letters and digits."""
    found: set[str] = set()
    for kind, piece in set(_pieces(fold(text))):
        length = len(piece)
        if kind == "s":
            found.update(piece)
            found.update([piece[at : at + 2] for at in range(length - 1)])
            continue
        found.add(_BEGINNING + piece[:1])
        found.add(_BEGINNING + piece[:2])
        found.update([piece[at : at + 3] for at in range(length - 2)])
        found.update([piece[at : at + 4] for at in range(length - 3)])
    return found


def terms(query: str) -> tuple[Term, ...]:
    """The words that a message has to hold; () finds nothing.

    Words from 3 characters on match anywhere, shorter ones where a word begins; CJK characters
    and punctuation anywhere. At most 16 words of 200 characters count.
    """
    found: dict[str, Term] = {}
    for word in fold(query.strip()[:_MAX_QUERY]).replace("\0", " ").split()[:_MAX_TERMS]:
        folded = word[:_MAX_TERM]
        if wanted := _wanted(folded):
            begins = len(folded) < 3 and _classes()[ord(folded[0])] == "w"
            found.setdefault(folded, Term(folded, wanted, begins))
    return tuple(found.values())


def holds(folded: str, wanted: tuple[Term, ...]) -> bool:
    """Whether the text whose folded form is `folded` holds all terms."""
    return all(_place(folded, term) >= 0 for term in wanted)


def asked(wanted: tuple[Term, ...]) -> tuple[str, ...]:
    """The grams to ask an index for: all, or of many every other one.

    Each one narrows what is found and costs time; what is found is checked with `holds`.
    """
    stride = 1 if sum(len(term.grams) for term in wanted) <= _ENOUGH else 2
    found: dict[str, None] = {}
    for term in wanted:
        found.update(dict.fromkeys((*term.grams[::stride], *term.grams[-1:])))
    return tuple(found)


def excerpt(text: str, folded: str, term: Term) -> tuple[str, str, str]:
    """What stands before the first match of `term`, the match, and what follows.

    All as they stand in `text`, the outer two cut. `folded` is its folded form. No match
    found: ("", "", the beginning).
    """
    span = _find(text, folded, term)
    if span is None:
        return "", "", text[:AFTER]
    start, end = span
    return text[max(0, start - BEFORE) : start], text[start:end], text[end : end + AFTER]


def scope(number: int, *, owner: bool = False) -> str:
    """A gram that no text has and that stands for a chat (or an owner)."""
    digits = []
    for _ in range(3):
        number, digit = divmod(number, _BASE)
        digits.append(chr((_OWNER_DIGITS if owner else _CHAT_DIGITS) + digit))
    return "".join(digits)


def _pieces(folded: str) -> list[tuple[str, str]]:
    """Words ("w") and stretches of characters by themselves ("s"), ready to be indexed."""
    classes = folded.translate(_classes())
    if "r" in classes:
        folded = "".join(map(_moved, folded))
        classes = folded.translate(_classes())
    found = []
    for run in _RUNS.finditer(classes):
        piece = folded[run.start() : run.end()]
        if classes[run.start()] == "w":
            found.append(("w", piece))
        else:
            found.append(("s", "".join(map(_token, piece))))
    return found


def _wanted(folded: str) -> tuple[str, ...]:
    """The grams of a term."""
    pieces = _pieces(folded)
    found: list[str] = []
    for place, (kind, piece) in enumerate(pieces):
        size = 2 if kind == "s" else 4
        if len(piece) >= size:
            found += [piece[at : at + size] for at in range(len(piece) - size + 1)]
        elif kind == "s" or len(piece) == 3:
            found.append(piece)
        elif place or len(pieces) == 1:  # else it may be the end of a longer word
            found.append(_BEGINNING + piece)
    return tuple(dict.fromkeys(found))[:_MAX_GRAMS]


def _place(folded: str, term: Term, start: int = 0) -> int:
    """Where `term` stands from `start` on, -1 where nowhere."""
    found = folded.find(term.folded, start)
    if term.begins_word:
        classes = _classes()
        while found > 0 and classes[ord(folded[found - 1])] == "w":
            found = folded.find(term.folded, found + 1)
    return found


def _find(text: str, folded: str, term: Term) -> tuple[int, int] | None:
    """Where `term` stands first in `text`."""
    if len(folded) == len(text):
        found = _place(folded, term)
        end = found + len(term.folded)
        if found >= 0 and fold(text[found:end]) == term.folded:
            return found, end
    # Folding changed lengths: piece by piece, since only the hit needs exact positions.
    for at in range(0, len(text), _CHUNK):
        base = max(0, at - 1)  # the character before tells whether a word begins
        piece = text[base : at + _CHUNK + 2 * len(term.folded)]
        if term.folded not in fold(piece):
            continue
        folded, places = _mapped(piece)
        found = _place(folded, term, places.index(1) if base and 1 in places else 0)
        if found >= 0:
            start = base + places[found]
            end = base + places[found + len(term.folded) - 1] + 1
            while end < len(text) and unicodedata.combining(text[end]):
                end += 1
            return start, end
    return None


def _mapped(text: str) -> tuple[str, list[int]]:
    """`text` folded character by character, and where each folded one stood."""
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        piece = fold(char)
        folded.append(piece)
        places.extend([place] * len(piece))
    return "".join(folded), places


class _Classes(dict[int, str]):
    """For `str.translate`: "w" for what words are made of, "s" for a character that is a word
    by itself, " " for white space, "r" for what has to be moved away first."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _class_of(code)
        return found


@cache
def _classes() -> _Classes:
    return _Classes()


def _class_of(code: int) -> str:
    char = chr(code)
    if code in _RESERVED or 0xD800 <= code < 0xE000:
        return "r"
    if char.isspace() or code == 0:
        return " "
    if any(low <= code <= high for low, high in _CJK):
        return "s"
    return "w" if char.isalnum() or unicodedata.category(char).startswith("M") else "s"


def _moved(char: str) -> str:
    code = ord(char)
    if code in _RESERVED:
        return chr(code + _MOVED)
    return "\ufffd" if 0xD800 <= code < 0xE000 else char


def _token(char: str) -> str:
    return chr(_PUNCTUATION + ord(char)) if char.isascii() else char
