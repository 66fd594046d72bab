"""Cuts an answer into pieces that are shown, and parsed, one by one.

Owns `split`. A piece that another one follows never changes again while text is appended,
so that a growing answer needs its last piece parsed only. Knows no Qt.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

GROUP = 1_600
"""Characters after which a piece of text ends at the next good place."""
LIMIT = 6_000
"""Characters after which a piece of text ends wherever it may."""

_FENCE = re.compile(r"^( *)(`{3,}(?=[^`]*$)|~{3,})[ \t]*([^\s{`]*)")
_DEEPEST = 3
"""Spaces that may stand before a fence outside of a list."""
_LIST = re.compile(r"^(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:[ \t]*\S.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Markdown without a code block of the first rank in it."""

    start: int
    """Where it begins in the source."""
    text: str


@dataclass(frozen=True, slots=True)
class CodePiece:
    """A fenced code block."""

    start: int
    language: str
    code: str
    closed: bool
    """False while its closing fence has not come."""


Piece: TypeAlias = TextPiece | CodePiece


def split(source: str, start: int = 0) -> list[Piece]:
    """The pieces of `source` from `start` on, which must be 0 or the `start` of a piece."""
    pieces: list[Piece] = []
    position = begin = start
    blank = in_list = False
    indent = 0
    end = len(source)
    while position < end:
        stop = source.find("\n", position)
        after = end if stop < 0 else stop + 1
        line = source[position : end if stop < 0 else stop]
        fence = _FENCE.match(line)
        if fence is not None and (in_list or len(fence.group(1)) <= _DEEPEST):
            _add_text(pieces, source, begin, position, indent)
            code, position = _code(source, position, after, fence)
            pieces.append(code)
            begin = position
            indent = len(fence.group(1)) if in_list else 0
            blank = False
            continue
        bare = line.strip()
        if bare:
            if blank and position - begin >= GROUP and _is_seam(line, in_list):
                _add_text(pieces, source, begin, position, indent)
                begin, indent = position, 0
            if not line[0].isspace():
                in_list = _LIST.match(line) is not None or (in_list and not blank)
        blank = not bare
        while after - begin > LIMIT:
            begin = _cut_anywhere(pieces, source, begin, position, after)
        position = after
    _add_text(pieces, source, begin, end, indent)
    return pieces


def definitions(source: str) -> str:
    """The lines that say where `[text][name]` links lead, which every piece needs."""
    if "]:" not in source:
        return ""
    return "\n".join(_DEFINITION.findall(source))


def _is_seam(line: str, in_list: bool) -> bool:
    """Whether what begins with `line` stands by itself, so that a piece may begin there."""
    if line[0].isspace():
        return False
    return not (in_list and _LIST.match(line))


def _cut_anywhere(pieces: list[Piece], source: str, begin: int, line: int, after: int) -> int:
    if line > begin and after - line <= LIMIT:
        cut = line
    else:
        limit = begin + LIMIT
        space = max(source.rfind(" ", begin + LIMIT // 2, limit), line)
        cut = space + 1 if begin < space < limit else limit
    _add_text(pieces, source, begin, cut, 0)
    return cut


def _add_text(pieces: list[Piece], source: str, begin: int, end: int, indent: int) -> None:
    text = source[begin:end]
    if text.strip():
        pieces.append(TextPiece(begin, _outdent(text, indent) if indent else text))


def _outdent(text: str, indent: int) -> str:
    """`text` without the indent that it had below a list's entry, up to the next entry.

    By itself, what is indented that far would be taken for code.
    """
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if line.strip() and not line[0].isspace():
            break
        lines[index] = line[min(indent, len(line) - len(line.lstrip(" "))) :]
    return "".join(lines)


def _code(source: str, start: int, position: int, fence: re.Match[str]) -> tuple[CodePiece, int]:
    """The code block whose first line ends before `position`, and where it ends."""
    indent, mark = len(fence.group(1)), fence.group(2)
    closing = re.compile(rf"^ *{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\r?$", re.MULTILINE)
    found = closing.search(source, position)
    language = fence.group(3).strip()
    code = source[position:] if found is None else source[position : found.start()]
    if indent:
        code = re.sub(rf"^ {{1,{indent}}}", "", code, flags=re.MULTILINE)
    if found is None:
        return CodePiece(start, language, code, False), len(source)
    end = min(len(source), found.end() + 1)
    return CodePiece(start, language, code.removesuffix("\n"), True), end
