"""An answer is cut into pieces that stay as they are while more comes."""

from hypothesis import given
from hypothesis import strategies as st

from nagatha_desktop.widgets.pieces import (
    GROUP,
    LIMIT,
    CodePiece,
    Piece,
    TextPiece,
    definitions,
    split,
)


def texts(source: str) -> list[str]:
    return [piece.text for piece in split(source) if isinstance(piece, TextPiece)]


def codes(source: str) -> list[CodePiece]:
    return [piece for piece in split(source) if isinstance(piece, CodePiece)]


def test_code_stands_apart_from_text() -> None:
    assert split("a\n\n```python\nx = 1\n```\nb\n") == [
        TextPiece(0, "a\n\n"),
        CodePiece(3, "python", "x = 1", True),
        TextPiece(23, "b\n"),
    ]


def test_code_whose_end_has_not_come_is_open() -> None:
    assert split("```py\nx") == [CodePiece(0, "py", "x", False)]


def test_a_fence_is_closed_by_its_own_kind_only() -> None:
    (code,) = codes("````md\n```\ninner\n```\n~~~\n````\n")
    assert code.code == "```\ninner\n```\n~~~" and code.closed


def test_the_language_is_the_first_word() -> None:
    assert [code.language for code in codes("```python title=x\n```\n\n``` js\n```\n")] == [
        "python",
        "js",
    ]


def test_code_inside_of_a_list_loses_the_lists_indent_and_so_does_what_follows() -> None:
    pieces = split("1. Do:\n   ```bash\n   ls\n     x\n   ```\n   then\n2. b\n")
    assert pieces[1] == CodePiece(7, "bash", "ls\n  x", True)
    assert isinstance(pieces[2], TextPiece) and pieces[2].text == "then\n2. b\n"


def test_indented_code_outside_of_a_list_is_left_to_markdown() -> None:
    assert codes("text\n\n     ```\n     x\n     ```\n") == []


def test_long_text_is_cut_between_paragraphs() -> None:
    source = ("word " * 60 + "\n\n") * 30
    parts = texts(source)
    assert len(parts) > 3 and "".join(parts) == source
    assert all(part.endswith("\n\n") and len(part) < GROUP + 400 for part in parts)


def test_a_list_is_not_cut_between_its_entries() -> None:
    source = "\n\n".join(f"- entry {number} " + "word " * 20 for number in range(40))
    assert all(len(part) <= LIMIT for part in texts(source))
    assert len(texts(source)) == 1


def test_text_without_any_seam_is_cut_all_the_same() -> None:
    assert max(map(len, texts("x" * 50_000))) <= LIMIT
    assert "".join(texts("word " * 20_000)) == "word " * 20_000


def test_link_definitions_are_found_wherever_they_stand() -> None:
    assert definitions("see [a][1]\n\n[1]: http://x\n  [b]: http://y 't'\n") == (
        "[1]: http://x\n  [b]: http://y 't'"
    )
    assert definitions("nothing") == ""


markdown = st.lists(
    st.sampled_from(
        ["word ", "\n", "\n\n", "```", "~~~", "py", "- ", "1. ", "   ", "x" * 700, "> "]
    ),
    max_size=60,
).map("".join)


@given(markdown.filter(lambda source: "```" not in source and "~~~" not in source))
def test_no_word_of_a_text_without_code_is_lost(source: str) -> None:
    assert "".join("".join(texts(source)).split()) == "".join(source.split())


@given(st.text(st.sampled_from("ab \n`~")), st.sampled_from(["`", "~"]))
def test_no_sign_of_a_code_block_is_lost(code: str, mark: str) -> None:
    fence = mark * (max(3, code.count(mark)) + 1)
    assert split(f"{fence}\n{code}\n{fence}\n") == [CodePiece(0, "", code, True)]


@given(markdown, st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_what_another_piece_follows_never_changes_while_text_is_appended(
    source: str, steps: list[int]
) -> None:
    known: list[Piece] = []
    start = position = 0
    for step in steps:
        position += step
        tail = split(source[:position], start)
        assert all(piece.start >= start for piece in tail)
        if tail:
            known = [*(piece for piece in known if piece.start < tail[0].start), *tail]
            start = tail[-1].start
    starts = [piece.start for piece in known]
    assert starts == sorted(set(starts))
