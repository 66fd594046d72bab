"""Cutting long texts, and reading lists out of answers.

Owns both as pure functions. Knows nothing of models or tasks.
"""

import json
import re

PIECE = 24_000
"""Characters asked about at once: some 6,000 tokens, which fits small local models too."""
_BREAKS = ("\n\n", "\n", ". ", " ")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+")
_FENCE = re.compile(r"^```\w*\n(.*?)\n?```$", re.S)
_ARRAY = re.compile(r"^\s*(\[.*\])\s*$", re.S | re.M)
_NOTHING = frozenset({"", "none", "none.", "nothing", "nothing.", "[]", "n/a", "-"})


def in_pieces(text: str, size: int = PIECE) -> list[str]:
    """A text in pieces of at most `size` characters, cut between paragraphs where that goes,
    else between lines, sentences or words; never an empty one."""
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > size:
        cut = _cut(rest, size)
        pieces.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [piece for piece in (*pieces, rest) if piece]


def _cut(text: str, size: int) -> int:
    for mark in _BREAKS:
        at = text.rfind(mark, 0, size)
        # A cut in the first half would make many small pieces: the next finer mark then.
        if at >= size // 2:
            return at + len(mark)
    return size


def items_of(answer: str) -> list[str]:
    """The entries of a list as models write one: a JSON array, or a line for each entry."""
    fenced = _FENCE.match(answer.strip())
    text = (fenced[1] if fenced else answer).strip()
    array = _ARRAY.search(text)
    if array is not None:
        try:
            found = json.loads(array[1])
        except ValueError:
            found = None
        if isinstance(found, list):
            items = [one if isinstance(one, str) else json.dumps(one) for one in found]
            return [item.strip() for item in items if item.strip()]
    lines = [_BULLET.sub("", line).strip().strip("\"'“”,") for line in text.splitlines()]
    return [line for line in lines if line.lower() not in _NOTHING]
