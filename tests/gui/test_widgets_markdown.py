"""Markdown looks calm, shows raw HTML as text and asks nobody for anything."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QUrl
from PySide6.QtGui import QFont, QImage, QTextCharFormat, QTextCursor, QTextDocument, QTextTable
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.chat.blocks import TextBlock
from nagatha_desktop.widgets import highlight
from nagatha_desktop.widgets.markdown import Document, Looks, has_links, looks, plain, render
from nagatha_desktop.widgets.theme import DARK, LIGHT, ThemeController


@pytest.fixture
def look(themes: ThemeController, qapp: QApplication) -> Looks:
    return looks(LIGHT, qapp.font())


def formats(document: QTextDocument) -> list[tuple[str, QTextCharFormat]]:
    found = []
    block = document.begin()
    while block.isValid():
        at = block.begin()
        while not at.atEnd():
            found.append((at.fragment().text(), at.fragment().charFormat()))
            at += 1
        block = block.next()
    return found


class Seen(ThreadingHTTPServer):
    """Remembers what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), Asked)


class Asked(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Seen)
        self.server.paths.append(self.path)
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Seen]:
    made = Seen()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_nothing_is_ever_loaded_from_a_server_or_a_file(
    qtbot: QtBot, look: Looks, server: Seen, tmp_path: Path
) -> None:
    image = QImage(40, 400, QImage.Format.Format_RGB32)
    assert image.save(str(tmp_path / "x.png"))
    base = f"http://127.0.0.1:{server.server_address[1]}"
    here = tmp_path.as_uri()
    parent = parent_for(qtbot)
    block = TextBlock(look, parent, 500)
    source = (
        f"![a]({base}/a.png) ![b]({here}/x.png) ![c]({tmp_path}/x.png)\n\n[d][r] ![e][r]\n\n"
        f'<img src="{base}/raw.png"> <link rel="stylesheet" href="{base}/s.css">\n\n'
        f"<style>@import url({base}/i.css);</style>\n\n"
        f'<div style="background-image:url({base}/bg.png)">x</div>\n\n'
        f"[g]({base}/g '<img src={base}/tip.png>')\n\n[r]: {base}/ref.png\n"
    )
    block.show_document(render(source, look))
    block.resize(500, block.height_for(500))
    parent.show()
    block.grab()
    one_line_high = block.height_for(500) < 330
    qtbot.wait(100)
    assert server.paths == []
    assert one_line_high, "the picture from the file took room"
    assert "\ufffc" not in block.toPlainText()
    for name in ("[image: a]", "[image: b]", "[image: c]", "[image: e]", "<img src="):
        assert name in block.toPlainText()


def test_the_server_of_that_test_does_see_a_request(server: Seen) -> None:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    with pytest.raises(HTTPError) as failed:
        urlopen(f"http://127.0.0.1:{server.server_address[1]}/x")
    failed.value.close()
    assert server.paths == ["/x"]


def test_a_document_refuses_to_load_by_itself(qtbot: QtBot, look: Looks, tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text("p { color: red }")
    document = Document()
    address = QUrl.fromLocalFile(str(tmp_path / "x.css"))
    assert document.resource(3, address) is None
    parent = parent_for(qtbot)
    assert TextBlock(look, parent, 500).loadResource(3, address) is None


def parent_for(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def test_raw_html_is_shown_as_text(look: Looks) -> None:
    source = "a <b>bold</b> <script>alert(1)</script>\n\n<table><tr><td>x</td></tr></table>\n"
    text = render(source, look).toPlainText()
    assert "<b>bold</b> <script>alert(1)</script>" in text
    assert "<table><tr><td>x</td></tr></table>" in text


def test_a_picture_becomes_a_link_that_says_so(look: Looks) -> None:
    document = render("see ![my *nice* chart](http://x.org/y.png) and ![b](z.png)", look)
    assert document.toPlainText() == "see [image: my nice chart] and [image: b]"
    links = [form.anchorHref() for _, form in formats(document) if form.isAnchor()]
    assert links == ["http://x.org/y.png", "z.png"]
    assert has_links(document) and not has_links(render("no link", look))


def test_a_link_has_the_accent_and_its_address_as_tool_tip(look: Looks) -> None:
    document = render("[words](https://x.org/?a=1&b=2 '<b>lies</b>')", look)
    ((words, form),) = [entry for entry in formats(document) if entry[1].isAnchor()]
    assert words == "words"
    assert form.foreground().color().name() == LIGHT.accent
    assert form.toolTip() == "<qt>https://x.org/?a=1&amp;b=2</qt>"


def test_what_hides_inside_of_a_links_words_is_made_visible(look: Looks) -> None:
    document = render("[pay\u202epal](https://x.org) and \u202ertl\u202c text", look)
    assert document.toPlainText() == "pay‹U+202E›pal and \u202ertl\u202c text"
    assert [form.anchorHref() for _, form in formats(document) if form.isAnchor()] == [
        "https://x.org"
    ]


def test_headings_are_larger_and_bold_by_rank(look: Looks) -> None:
    document = render("# One\n\n## Two\n\n### Three\n\ntext\n", look)
    sizes = [form.fontPointSize() for _, form in formats(document)]
    assert sizes[0] > sizes[1] > sizes[2] > look.body.pointSizeF()
    assert formats(document)[0][1].fontWeight() == QFont.Weight.DemiBold


def test_code_within_a_line_has_the_fixed_font_and_its_ground(look: Looks) -> None:
    document = render("call `load()` now", look)
    forms = dict(formats(document))
    assert forms["load()"].fontFamilies() == look.fixed.families()
    assert forms["load()"].background().color().name() == LIGHT.code


@pytest.mark.parametrize("before", ["", "words\n\n", "> a quote\n\n", "- a list\n\n"])
def test_a_table_has_a_bold_head_and_no_empty_lines(look: Looks, before: str) -> None:
    document = render(f"{before}| step | ms |\n|---|--:|\n| parse | 120 |\n", look)
    (table,) = [each for each in document.rootFrame().childFrames() if isinstance(each, QTextTable)]
    cell = table.cellAt(0, 0)
    assert cell.firstCursorPosition().block().text() == "step"
    assert cell.firstCursorPosition().block() == cell.lastCursorPosition().block()
    inside = QTextCursor(document)
    inside.setPosition(cell.firstPosition() + 1)
    assert inside.charFormat().fontWeight() == QFont.Weight.DemiBold
    assert table.format().toTableFormat().borderCollapse()


def test_numbered_lists_go_on_where_they_begin(look: Looks) -> None:
    document = render("3. three\n4. four\n", look)
    block = document.begin()
    assert block.textList() is not None and block.textList().format().start() == 3


def test_a_persons_words_are_not_markdown(look: Looks) -> None:
    text = "# no heading\n**not bold** <b>&amp;</b>\n\n  kept"
    assert plain(text, look.body).toPlainText() == text


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(
        st.one_of(st.sampled_from("#*_`[]()!<>|-\n> 1."), st.characters(exclude_categories=())),
        max_size=120,
    )
)
def test_any_text_can_be_rendered_and_laid_out(look: Looks, text: str) -> None:
    document = render(text, look)
    document.setTextWidth(300)
    assert document.size().height() >= 0
    assert "\ufffc" not in document.toRawText()


def test_code_is_coloured_line_by_line() -> None:
    lines = highlight.spans("def f():\n    return 'é'  # c\n", "python")
    assert lines[0][:2] == [(0, 3, "syntax_keyword"), (4, 1, "syntax_name")]
    assert (4, 6, "syntax_keyword") in lines[1]
    assert lines[1][-1] == (16, 3, "syntax_comment")


def test_signs_outside_of_the_basic_plane_count_twice_as_qt_counts() -> None:
    ((start, length, _),) = [
        span
        for span in highlight.spans("x = '😀'  # c", "python")[0]
        if span[2] == "syntax_comment"
    ]
    assert (start, length) == (10, 3)


def test_an_unknown_language_stays_plain() -> None:
    assert highlight.spans("x", "no-such-language") == [] == highlight.spans("x", "")


def test_painting_changes_colours_and_not_the_text(themes: ThemeController) -> None:
    document = QTextDocument("def f():\n    pass")
    lines = highlight.spans(document.toPlainText(), "python")
    for theme in (LIGHT, DARK):
        highlight.paint(document, lines, theme)
        (first, *_) = document.begin().layout().formats()
        assert first.format.foreground().color().name() == theme.syntax_keyword
    assert document.toPlainText() == "def f():\n    pass"


def test_languages_are_named_as_people_write_them() -> None:
    assert highlight.language_name("py") == "Python"
    assert highlight.language_name("brainfuck") == "brainfuck"
