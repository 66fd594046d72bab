"""Colours for code, by Pygments, laid over a document without changing it.

Owns which kind of token has which colour of the theme. Pygments is imported at the first block
of code, not before.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QTextCharFormat, QTextDocument, QTextLayout

from nagatha_desktop.widgets.tokens import Theme

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LIMIT = 30_000
"""Characters of a block that are coloured; finding the colours takes 1 ms for about 1,000."""

# By the beginning of a token's name; the longest that fits wins.
_COLOURS = {
    "Token.Keyword": "syntax_keyword",
    "Token.Keyword.Constant": "syntax_builtin",
    "Token.Name.Function": "syntax_name",
    "Token.Name.Class": "syntax_name",
    "Token.Name.Tag": "syntax_keyword",
    "Token.Name.Attribute": "syntax_name",
    "Token.Name.Decorator": "syntax_builtin",
    "Token.Name.Builtin": "syntax_builtin",
    "Token.Name.Exception": "syntax_builtin",
    "Token.Name.Namespace": "syntax_name",
    "Token.Literal.String": "syntax_string",
    "Token.Literal.Number": "syntax_number",
    "Token.Comment": "syntax_comment",
    "Token.Operator": "syntax_operator",
    "Token.Operator.Word": "syntax_keyword",
    "Token.Generic.Inserted": "syntax_added",
    "Token.Generic.Deleted": "syntax_removed",
    "Token.Generic.Heading": "syntax_name",
    "Token.Generic.Subheading": "syntax_name",
    "Token.Generic.Prompt": "syntax_comment",
}

Span = tuple[int, int, str]
"""Where it starts in its line and how long it is, in UTF-16 units as Qt counts, and the name of
its colour in the theme."""


def spans(code: str, language: str) -> list[list[Span]]:
    """What to colour, line by line; nothing for a language that Pygments does not know."""
    if not language:
        return []
    lexer = _lexer(language.lower())
    if lexer is None:
        return []
    lines: list[list[Span]] = [[]]
    column = 0
    for _, kind, text in lexer.get_tokens_unprocessed(code[:LIMIT]):
        colour = _colour(str(kind))
        first = True
        for part in text.split("\n"):
            if not first:
                lines.append([])
                column = 0
            first = False
            if not part:
                continue
            length = len(part) if part.isascii() else len(part.encode("utf-16-le")) // 2
            if colour and not part.isspace():
                lines[-1].append((column, length, colour))
            column += length
    return lines


def paint(document: QTextDocument, lines: list[list[Span]], theme: Theme) -> None:
    """Lay the colours of `theme` over the blocks of `document`, one block a line."""
    formats: dict[str, QTextCharFormat] = {}
    block = document.begin()
    for line in lines:
        if not block.isValid():
            break
        ranges = []
        for start, length, colour in line:
            if colour not in formats:
                formats[colour] = QTextCharFormat()
                formats[colour].setForeground(QColor(getattr(theme, colour)))
            span = QTextLayout.FormatRange()
            span.start, span.length, span.format = start, length, formats[colour]
            ranges.append(span)
        block.layout().setFormats(ranges)
        block = block.next()
    document.markContentsDirty(0, document.characterCount())


def language_name(language: str) -> str:
    """What stands above a block of code: the language as people write it."""
    return _NAMES.get(language.lower(), language)


_NAMES = {
    "py": "Python", "python": "Python", "python3": "Python", "js": "JavaScript",
    "javascript": "JavaScript", "ts": "TypeScript", "typescript": "TypeScript", "sh": "Shell",
    "bash": "Bash", "zsh": "Zsh", "shell": "Shell", "console": "Console", "json": "JSON",
    "yaml": "YAML", "yml": "YAML", "toml": "TOML", "html": "HTML", "css": "CSS", "sql": "SQL",
    "c": "C", "cpp": "C++", "c++": "C++", "cs": "C#", "csharp": "C#", "java": "Java", "go": "Go",
    "rust": "Rust", "rs": "Rust", "rb": "Ruby", "ruby": "Ruby", "php": "PHP", "md": "Markdown",
    "markdown": "Markdown", "xml": "XML", "diff": "Diff", "ini": "INI", "kotlin": "Kotlin",
    "swift": "Swift", "dockerfile": "Dockerfile", "make": "Makefile", "makefile": "Makefile",
    "text": "Text", "txt": "Text", "powershell": "PowerShell", "lua": "Lua", "r": "R",
}  # fmt: skip


@lru_cache(maxsize=32)
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


@lru_cache(maxsize=512)
def _colour(kind: str) -> str:
    while kind:
        if kind in _COLOURS:
            return _COLOURS[kind]
        kind = kind.rpartition(".")[0]
    return ""
