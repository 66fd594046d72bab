"""The conversation: what is shown, how an answer grows, what a person can do with it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QAbstractButton, QLabel, QPlainTextEdit, QTextBrowser, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.chat.blocks import CodeBlock, TextBlock
from nagatha_desktop.chat.message_view import MessageView
from nagatha_desktop.chat.tool_card import ToolCard
from nagatha_desktop.chat.transcript import Transcript
from nagatha_desktop.widgets.cards import ErrorCard
from nagatha_desktop.widgets.theme import DARK, LIGHT, MEASURES, ThemeController
from tests.gui.samples import NOW, clock, conversation, message, page
from worker.contract.types import Attachment, Message, Problem, ToolUse, Usage

QUESTION = message("q", "Why?", role="user")


@pytest.fixture
def transcript(qtbot: QtBot, themes: ThemeController) -> Transcript:
    made = Transcript(themes, clock=clock)
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


def view(transcript: Transcript, id: str) -> MessageView:
    (found,) = [each for each in transcript.column.views if each.message.id == id]
    return found


def words(widget: QWidget) -> str:
    """All that is read in it, as it is laid out."""
    found = []
    for each in widget.findChildren(QWidget):
        if not each.isVisibleTo(widget):
            continue
        if isinstance(each, (QTextBrowser, QPlainTextEdit)):
            found.append(each.toPlainText())
        elif isinstance(each, (QLabel, QAbstractButton)) and each.text():
            found.append(each.text())
    return "\n".join(found)


def press(widget: QWidget, text: str) -> None:
    (found,) = [
        each
        for each in widget.findChildren(QAbstractButton)
        if each.text() == text and not each.isHidden()
    ]
    found.click()


# What is shown


def test_a_question_stands_in_a_bubble_at_the_right_and_an_answer_plain(
    transcript: Transcript,
) -> None:
    transcript.show_page(page([QUESTION, message("a", "Because.", parent="q")]))
    asked, answer = transcript.column.views
    block = asked.findChildren(TextBlock)[0]
    assert block.x() > asked.width() / 2
    assert answer.findChildren(TextBlock)[0].x() == 0
    assert asked.accessibleName() == "You said"
    assert answer.accessibleName() == "Answer by gpt-4o-mini"


def test_an_answer_is_never_wider_than_the_line_that_reads_well(transcript: Transcript) -> None:
    transcript.resize(1600, 600)
    transcript.show_page(page([QUESTION, message("a", "word " * 200, parent="q")]))
    assert {each.width() for each in transcript.column.views} == {MEASURES.line_length}
    assert transcript.column.views[0].x() > 300


def test_below_an_answer_stands_what_it_cost(transcript: Transcript) -> None:
    transcript.show_page(page([QUESTION, message("a", "Because.", parent="q")]))
    assert "gpt-4o-mini\u20031\u202f240 → 318 tokens\u20032.1 s" in words(view(transcript, "a"))


def test_estimates_are_said_to_be_estimates_and_the_unknown_is_left_out(
    transcript: Transcript,
) -> None:
    transcript.show_page(
        page(
            [
                message("a", "x", usage=Usage(90, 12, estimated=True), seconds=None),
                message("b", "y", parent="a", usage=None, seconds=12.4),
            ]
        )
    )
    assert "gpt-4o-mini\u2003about 90 → 12 tokens" in words(view(transcript, "a"))
    assert "gpt-4o-mini\u200312 s" in words(view(transcript, "b"))


def test_the_field_to_find_something_takes_the_room_there_is(transcript: Transcript) -> None:
    transcript.find_bar.open()
    field = transcript.find_bar.field
    for width, least in ((800, field.maximumWidth()), (400, 230)):
        transcript.resize(width, 600)
        transcript.find_bar.layout().activate()
        assert field.width() >= least


def test_an_empty_chat_says_what_to_do(transcript: Transcript) -> None:
    transcript.clear()
    assert transcript.empty.isVisible() and transcript.message_count() == 0
    transcript.put(QUESTION)
    assert not transcript.empty.isVisible()


def test_notes_are_muted_lines_below_the_answer(transcript: Transcript) -> None:
    note = "12 older messages were left out."
    transcript.show_page(page([message("a", "x", notes=(note,))]))
    (label,) = [each for each in transcript.findChildren(QLabel) if each.text() == note]
    assert label.property("role") == "small"


def test_attachments_are_chips_that_can_be_pressed(qtbot: QtBot, transcript: Transcript) -> None:
    files = (
        Attachment("f1", "notes.txt", "text/plain", 3412, 900),
        Attachment("f2", "x" * 80 + ".png", "image/png", 800_000, 900),
        Attachment("f3", "more.txt", "text/plain", 5, 1),
    )
    transcript.resize(520, 500)
    transcript.show_page(page([replace(QUESTION, attachments=files)]))
    shown = view(transcript, "q")
    chips = [each for each in shown.findChildren(QAbstractButton) if "kB" in each.text()]
    assert chips[0].text() == "notes.txt  3.4 kB"
    assert chips[1].text().endswith("…  800 kB") and "x" * 80 in chips[1].toolTip()
    assert all(each.geometry().right() < shown.width() for each in chips)
    with qtbot.waitSignal(transcript.attachment_wanted) as wanted:
        chips[0].click()
    assert wanted.args == ["f1"]


def test_code_has_its_language_and_a_button_that_copies_it(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page([message("a", "See:\n\n```py\nx = 1\n\ty\n```\nDone.")]))
    (code,) = transcript.findChildren(CodeBlock)
    assert "Python" in words(code)
    with qtbot.waitSignal(transcript.copied):
        code.copy.click()
    assert QGuiApplication.clipboard().text() == "x = 1\n\ty"
    assert code.copy.text() == "Copied"
    assert code.copy.accessibleName() == "Copy code"


def test_long_lines_of_code_scroll_sideways_and_do_not_wrap(transcript: Transcript) -> None:
    transcript.show_page(page([message("a", "```\n" + "x" * 500 + "\n```")]))
    (code,) = transcript.findChildren(CodeBlock)
    assert code.view.horizontalScrollBar().maximum() > 0
    assert code.view.verticalScrollBar().maximum() == 0
    assert code.view.document().blockCount() == 1


def test_many_lines_of_code_are_folded_until_asked_for(transcript: Transcript) -> None:
    lines = "\n".join(f"line {number}" for number in range(1000))
    transcript.show_page(page([message("a", f"```\n{lines}\n```")]))
    (code,) = transcript.findChildren(CodeBlock)
    folded = code.height()
    assert code.view.document().blockCount() == 400
    assert code.more.text() == "Show all 1\u202f000 lines"
    code.more.click()
    assert code.view.document().blockCount() == 1000 and code.height() > folded
    code.copy.click()
    assert QGuiApplication.clipboard().text() == lines


# An answer that is being written


def test_before_the_first_word_the_wait_is_counted(qtbot: QtBot, themes: ThemeController) -> None:
    now = [NOW]
    transcript = Transcript(themes, clock=lambda: now[0])
    qtbot.addWidget(transcript)
    transcript.show()
    transcript.put(QUESTION)
    transcript.put(message("a", "", parent="q", state="streaming", created=NOW))
    assert "Thinking … 0 s" in words(view(transcript, "a"))
    now[0] += timedelta(seconds=5)
    qtbot.waitUntil(lambda: "Thinking … 5 s" in words(view(transcript, "a")))
    transcript.append_text("a", "Be", 0)
    assert "Thinking" not in words(view(transcript, "a"))
    assert "writing … 5 s" in words(view(transcript, "a"))
    transcript.put(message("a", "Because.", parent="q"))
    assert "writing" not in words(view(transcript, "a"))


def test_text_that_comes_is_appended_once_whatever_is_repeated(transcript: Transcript) -> None:
    transcript.show_page(page([QUESTION, message("a", "", parent="q", state="streaming")]))
    for text, offset in (("One ", 0), ("One ", 0), ("two ", 4), ("e two thr", 2), ("ee", 11)):
        transcript.append_text("a", text, offset)
    found = transcript.message("a")
    assert found is not None and found.text == "One two three"
    assert "One two three" in words(view(transcript, "a"))


def test_a_gap_asks_for_the_whole_message(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_page(page([QUESTION, message("a", "One", parent="q", state="streaming")]))
    with qtbot.waitSignal(transcript.refresh_wanted) as wanted:
        transcript.append_text("a", "three", 8)
    assert wanted.args == ["a"]
    assert "three" not in words(view(transcript, "a"))
    transcript.put(message("a", "One two three", parent="q", state="streaming"))
    assert "One two three" in words(view(transcript, "a"))


def test_text_for_a_message_that_is_not_shown_is_no_concern(
    qtbot: QtBot, transcript: Transcript
) -> None:
    with qtbot.assertNotEmitted(transcript.refresh_wanted):
        transcript.append_text("other", "x", 5)
        transcript.set_tool("other", ToolUse("t", "clock", "{}", "running"))


def test_a_change_that_is_older_than_the_stream_takes_no_text_away(
    transcript: Transcript,
) -> None:
    transcript.show_page(page([message("a", "One", state="streaming")]))
    transcript.append_text("a", " two", 3)
    transcript.put(message("a", "One", state="streaming"))
    assert "One two" in words(view(transcript, "a"))


def test_while_it_streams_finished_blocks_are_left_alone(transcript: Transcript) -> None:
    transcript.show_page(page([message("a", "", state="streaming")]))
    source = ("word " * 50 + "\n\n") * 20 + "```python\nx = 1\n```\nAfter.\n"
    seen: list[TextBlock | CodeBlock] = []
    for at in range(0, len(source), 37):
        transcript.append_text("a", source[at : at + 37], at)
        blocks = view(transcript, "a")._body[0].blocks
        assert seen == blocks[: len(seen)]
        seen = blocks[:-1]
    transcript.put(message("a", source))
    kinds = [type(each).__name__ for each in view(transcript, "a")._body[0].blocks]
    assert kinds == ["TextBlock"] * 3 + ["CodeBlock", "TextBlock"]
    assert not any(each.caret for each in transcript.findChildren(TextBlock))


def test_streamed_and_whole_text_look_the_same(transcript: Transcript) -> None:
    source = (
        "# T\n\n1. a\n   ```py\n   x\n   ```\n2. b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "> q\n\n~~~\ncode\n~~~\n"
        + "para " * 400
        + "\n\n"
        + "para " * 400
        + "\n\nend [x]\n\n[x]: http://y"
    )
    transcript.show_page(page([message("a", "", state="streaming")]))
    for at in range(0, len(source), 5):
        transcript.append_text("a", source[at : at + 5], at)
    transcript.put(message("a", source))
    streamed = words(view(transcript, "a")), view(transcript, "a").height()
    transcript.show_page(page([message("a", source)]))
    assert (words(view(transcript, "a")), view(transcript, "a").height()) == streamed


def test_a_selection_survives_the_words_that_come(transcript: Transcript) -> None:
    transcript.show_page(page([message("a", "One two", state="streaming")]))
    block = transcript.findChildren(TextBlock)[0]
    cursor = block.textCursor()
    cursor.setPosition(4)
    cursor.setPosition(7, QTextCursor.MoveMode.KeepAnchor)
    block.setTextCursor(cursor)
    transcript.append_text("a", " three", 7)
    assert block.textCursor().selectedText() == "two"


def test_links_defined_at_the_very_end_work_in_every_piece(transcript: Transcript) -> None:
    source = "See [here][1].\n\n" + ("word " * 80 + "\n\n") * 10 + "[1]: https://example.org\n"
    transcript.show_page(page([message("a", source)]))
    first = transcript.findChildren(TextBlock)[0]
    assert first.toPlainText().startswith("See here.")
    assert first.focusPolicy() == Qt.FocusPolicy.StrongFocus


# Tools


def tool_cards(transcript: Transcript) -> list[ToolCard]:
    return [each for each in transcript.findChildren(ToolCard) if not each.isHidden()]


def test_a_tool_call_stands_where_it_was_made(transcript: Transcript) -> None:
    use = ToolUse("t", "files__read", '{"path": "a.md"}', "done", "text", 0.12, offset=7)
    transcript.show_page(page([message("a", "Before.After.", tools=(use,))]))
    (card,) = tool_cards(transcript)
    before, after = transcript.findChildren(TextBlock)
    assert before.y() < card.y() < after.y()
    for part in ("files · read", "a.md", "done 0.1 s"):
        assert part in words(card)


def test_a_tool_call_is_followed_from_running_to_done(transcript: Transcript) -> None:
    transcript.show_page(page([message("a", "", state="streaming")]))
    transcript.set_tool("a", ToolUse("t", "clock", "{}", "running"))
    (card,) = tool_cards(transcript)
    assert "running 0 s" in words(card)
    transcript.append_text("a", "It is noon.", 0)
    transcript.set_tool("a", ToolUse("t", "clock", "{}", "failed", "no clock", 2.0))
    assert tool_cards(transcript) == [card]
    assert card.badge.text() == "failed 2.0 s" and card.badge.property("tone") == "bad"
    assert card.accessibleName() == "Tool clock: failed 2.0 s"


def test_a_tool_call_shows_all_of_itself_when_it_is_opened(transcript: Transcript) -> None:
    use = ToolUse("t", "clock", '{"zone":"UTC"}', "running")
    transcript.show_page(page([message("a", "x", tools=(use,), state="streaming")]))
    (card,) = tool_cards(transcript)
    height = card.height()
    card.toggle.click()
    assert (
        card.open
        and card.height() > height
        and card.toggle.accessibleName() == ("Hide details: clock")
    )
    assert '"zone": "UTC"' in words(card) and "Answered" not in words(card)
    transcript.set_tool("a", replace(use, state="done", result='{"now":[1,2]}', seconds=0.1))
    assert "Answered" in words(card) and '"now"' in words(card)
    card.toggle.click()
    assert card.height() == height and not card.open


@pytest.mark.parametrize("arguments", ["", "not json", "[1, 2]", "{\x00", '{"a": "\\ud800"}'])
def test_whatever_a_model_writes_as_arguments_is_shown(
    transcript: Transcript, arguments: str
) -> None:
    use = ToolUse("t", "odd\x00name", arguments, "done", "\x00\ud800" * 30_000)
    transcript.show_page(page([message("a", "", tools=(use,))]))
    tool_cards(transcript)[0].toggle.click()


# What a person can do


def test_the_buttons_below_an_answer_ask_for_what_they_say(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page([QUESTION, message("a", "**Because**.", parent="q")]))
    shown = view(transcript, "a")
    with qtbot.waitSignal(transcript.copied):
        press(shown, "Copy")
    assert QGuiApplication.clipboard().text() == "**Because**."
    with qtbot.waitSignal(transcript.retry_wanted) as retry:
        press(shown, "Retry")
    with qtbot.waitSignal(transcript.edit_wanted) as edit:
        press(shown, "Edit")
    assert (retry.args, edit.args) == (["a"], ["q"])


def test_versions_can_be_paged_through(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_page(page([message("b", "x", siblings=("a", "b", "c"))]))
    shown = view(transcript, "b")
    assert "2/3" in words(shown)
    for text, id in (("‹", "a"), ("›", "c")):
        with qtbot.waitSignal(transcript.version_wanted) as wanted:
            press(shown, text)
        assert wanted.args == [id]
    transcript.put(message("b", "x", siblings=("a", "b")))
    assert "2/2" in words(shown)
    with qtbot.assertNotEmitted(transcript.version_wanted):
        press(shown, "›")
    transcript.put(message("b", "x"))
    assert "/" not in words(shown).replace("→", "")


def test_copy_and_edit_of_a_question_come_with_the_pointer(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page([QUESTION]))
    shown = view(transcript, "q")
    assert "Edit" not in words(shown)
    height = shown.height()
    shown._foot.show_tools(True)
    with qtbot.waitSignal(transcript.edit_wanted) as edit:
        press(shown, "Edit")
    assert edit.args == ["q"] and shown.height() == height


@pytest.mark.parametrize(
    ("state", "word"), [("stopped", "Stopped"), ("interrupted", "Interrupted")]
)
def test_an_answer_that_is_not_whole_says_so_and_can_go_on(
    qtbot: QtBot, transcript: Transcript, state: str, word: str
) -> None:
    transcript.show_page(page([QUESTION, message("a", "Be", parent="q", state=state)]))  # type: ignore[arg-type]
    shown = view(transcript, "a")
    assert word in words(shown) and "Be" in words(shown)
    with qtbot.waitSignal(transcript.resume_wanted) as resume:
        press(shown, "Continue")
    with qtbot.waitSignal(transcript.retry_wanted) as retry:
        press(shown, "Retry")
    assert resume.args == retry.args == ["a"]
    transcript.put(message("a", "Be", parent="q", state="streaming"))
    assert word not in words(shown)


@pytest.mark.parametrize(
    ("action", "button", "signal", "args"),
    [
        ("models", "Models and keys", "action_wanted", ["models", "a"]),
        ("retry", "Try again", "retry_wanted", ["a"]),
        ("continue", "Continue", "resume_wanted", ["a"]),
        ("choose_model", "Choose a model", "action_wanted", ["choose_model", "a"]),
    ],
)
def test_an_error_is_a_card_in_place_whose_button_mends_it(
    qtbot: QtBot, transcript: Transcript, action: str, button: str, signal: str, args: list[str]
) -> None:
    problem = Problem("k", "It failed", "Because.", "Do this.", action)  # type: ignore[arg-type]
    failed = message("a", "part", parent="q", state="failed", error=problem)
    transcript.show_page(page([QUESTION, failed]))
    (card,) = transcript.findChildren(ErrorCard)
    assert words(card).split("\n")[:3] == ["It failed", "Because.", "Do this."]
    assert card.y() > transcript.findChildren(TextBlock)[1].y()
    with qtbot.waitSignal(getattr(transcript, signal)) as wanted:
        press(card, button)
    assert wanted.args == args
    transcript.put(message("a", "whole", parent="q"))
    assert all(each.isHidden() for each in transcript.findChildren(ErrorCard))


def test_a_failed_answer_without_a_reason_still_says_so(transcript: Transcript) -> None:
    transcript.show_page(page([message("a", "", state="failed")]))
    assert "Failed" in words(view(transcript, "a"))


def test_the_last_answer_can_be_copied(transcript: Transcript) -> None:
    assert not transcript.copy_last_answer()
    transcript.show_page(page([*conversation(100), message("x", "", state="streaming")]))
    assert transcript.copy_last_answer()
    assert QGuiApplication.clipboard().text() == "Words of message 99, and *some* more."
    transcript.column.show_around(0)
    assert transcript.copy_last_answer()


def test_the_last_question_is_known_for_editing(transcript: Transcript) -> None:
    assert transcript.last_question() is None
    transcript.show_page(page(conversation(6)))
    found = transcript.last_question()
    assert found is not None and found.id == "m4"


# Links


def test_a_link_asks_before_it_is_opened(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_page(page([message("a", "[x](https://example.org/a?b)")]))
    block = transcript.findChildren(TextBlock)[0]
    with qtbot.assertNotEmitted(transcript.link_wanted):
        qtbot.mouseClick(block.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(3, 8))
    popover = transcript._popover
    assert popover.isVisible()
    with qtbot.waitSignal(transcript.link_wanted) as wanted:
        popover.open.click()
    assert wanted.args[0].toString() == "https://example.org/a?b"
    assert transcript.message_count() == 1 and "x" in block.toPlainText()


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "notes.md", "#x"])
def test_a_link_that_is_none_of_ours_opens_nothing(
    qtbot: QtBot, transcript: Transcript, address: str
) -> None:
    transcript.show_page(page([message("a", f"[x](<{address}>)")]))
    with qtbot.assertNotEmitted(transcript.link_wanted):
        transcript.findChildren(TextBlock)[0].link_clicked.emit(address)
    assert transcript._popover.open.isHidden()
    transcript._popover.hide()


# Looks


def test_another_theme_changes_everything_at_once(
    transcript: Transcript, themes: ThemeController
) -> None:
    transcript.show_page(
        page([message("a", "[x](https://y.org)\n\n```python\ndef f(): pass\n```\n")])
    )
    (code,) = transcript.findChildren(CodeBlock)

    def colours() -> tuple[str, str]:
        block = transcript.findChildren(TextBlock)[0]
        cursor = QTextCursor(block.document())
        cursor.setPosition(1)
        (keyword, *_) = code.view.document().begin().layout().formats()
        return (
            cursor.charFormat().foreground().color().name(),
            keyword.format.foreground().color().name(),
        )

    assert colours() == (LIGHT.accent, LIGHT.syntax_keyword)
    themes.set_mode("dark")
    assert colours() == (DARK.accent, DARK.syntax_keyword)
    text = message("b", "still **here**", state="streaming", parent="a")
    transcript.put(text)
    transcript.append_text("b", " and there", len(text.text))
    themes.set_mode("light")
    assert "still here and there" in words(view(transcript, "b"))


def test_every_button_and_field_has_a_name(transcript: Transcript) -> None:
    problem = Problem("k", "It failed", "Because.", "Do this.", "retry")
    use = ToolUse("t", "clock", "{}", "done", "x", 1.0)
    odd: list[Message] = [
        QUESTION,
        message("a", "```py\nx\n```", parent="q", siblings=("a", "b"), tools=(use,)),
        message("c", "x", role="user", parent="a", siblings=("c", "d")),
        message("e", "x", parent="c", state="failed", error=problem),
        message("f", "x", role="user", parent="e", attachments=(Attachment("i", "n", "t", 1, 1),)),
        message("g", "", parent="f", state="interrupted"),
    ]
    transcript.show_page(page(odd))
    tool_cards(transcript)[0].toggle.click()
    transcript.open_find()
    nameless = [
        f"{type(each).__name__} {each.text() if isinstance(each, QAbstractButton) else ''}"
        for kind in (QAbstractButton, QTextBrowser, QPlainTextEdit)
        for each in transcript.findChildren(kind)
        if not each.accessibleName() and not (each.isHidden() and not each.text())  # type: ignore[attr-defined]
    ]
    assert nameless == []
