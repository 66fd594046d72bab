"""Long chats, long messages and odd text: the view stays where it is, and stays able."""

import gc
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.chat.blocks import CodeBlock, TextBlock
from nagatha_desktop.chat.column import ALIVE, MOST
from nagatha_desktop.chat.message_view import MessageView
from nagatha_desktop.chat.transcript import Transcript
from nagatha_desktop.widgets.markdown import Document
from nagatha_desktop.widgets.theme import ThemeController
from tests.gui.samples import clock, conversation, message, page

LONG = 10_000


@pytest.fixture
def transcript(qtbot: QtBot, themes: ThemeController) -> Transcript:
    made = Transcript(themes, clock=clock)
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


def ids(transcript: Transcript) -> list[str]:
    return [each.message.id for each in transcript.column.views]


def on_screen(transcript: Transcript, view: MessageView) -> int:
    """Where the top of a message is seen, from the top of the view."""
    return view.mapTo(transcript.column.viewport(), QPoint(0, 0)).y()


def at_end(transcript: Transcript) -> bool:
    bar = transcript.column.verticalScrollBar()
    return bar.value() == bar.maximum()


def scroll(transcript: Transcript, value: int) -> None:
    transcript.column.verticalScrollBar().setValue(value)


# Opening and going through a long chat


def test_of_a_long_chat_only_the_end_is_made(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_page(page(conversation(LONG)))
    assert len(ids(transcript)) < ALIVE and ids(transcript)[-1] == f"m{LONG - 1}"
    assert at_end(transcript) and transcript.message_count() == LONG
    qtbot.waitUntil(lambda: len(ids(transcript)) >= ALIVE)
    qtbot.wait(50)
    assert ALIVE <= len(ids(transcript)) < ALIVE + 8 and at_end(transcript)


def test_a_chat_that_is_opened_unseen_is_made_whole_when_it_is_shown(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.hide()
    transcript.show_page(page(conversation(100)))
    qtbot.wait(50)
    assert len(ids(transcript)) < ALIVE
    transcript.show()
    qtbot.waitUntil(lambda: len(ids(transcript)) >= ALIVE)
    assert at_end(transcript)


def test_scrolling_up_makes_older_messages_and_lets_go_of_newer_ones(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page(conversation(400)))
    while transcript.column.first > 0:
        scroll(transcript, 0)
        qtbot.wait(1)
        assert len(ids(transcript)) <= MOST + 4
        known = ids(transcript)
        assert known == [
            f"m{number}" for number in range(int(known[0][1:]), int(known[-1][1:]) + 1)
        ]
    assert ids(transcript)[-1] != "m399" and not transcript.column.stuck
    while transcript.column.last < 400:
        scroll(transcript, transcript.column.verticalScrollBar().maximum())
        qtbot.wait(1)
        assert len(ids(transcript)) <= MOST + 4
    assert ids(transcript)[0] != "m0"


def test_making_older_messages_does_not_move_what_is_looked_at(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page(conversation(400)))
    qtbot.waitUntil(lambda: len(ids(transcript)) >= ALIVE)
    scroll(transcript, 300)
    column = transcript.column
    looked = next(each for each in column.views if each.y() + each.height() > 300)
    place = on_screen(transcript, looked)
    first = column.first
    qtbot.waitUntil(lambda: column.first < first)
    qtbot.wait(20)
    assert on_screen(transcript, looked) == place


def test_older_messages_are_asked_for_once_and_put_above_without_a_jump(
    qtbot: QtBot, transcript: Transcript
) -> None:
    everything = conversation(120)
    asked: list[bool] = []
    transcript.older_wanted.connect(lambda: asked.append(True))
    transcript.show_page(page(everything[80:], more=True))
    while not asked:
        scroll(transcript, 0)
        qtbot.wait(1)
    scroll(transcript, 40)
    scroll(transcript, 0)
    qtbot.wait(50)
    assert asked == [True]
    looked = transcript.column.views[0]
    place = on_screen(transcript, looked)
    transcript.prepend(page(everything[38:82], more=False))
    assert transcript.message_count() == 82 and looked.message.id == "m80"
    qtbot.waitUntil(lambda: "m72" in ids(transcript))
    assert on_screen(transcript, looked) == place
    while "m38" not in ids(transcript):
        scroll(transcript, 0)
        qtbot.wait(1)
    qtbot.wait(50)
    assert asked == [True]


def test_a_page_that_does_not_fill_the_window_asks_for_more(
    qtbot: QtBot, transcript: Transcript
) -> None:
    with qtbot.waitSignal(transcript.older_wanted):
        transcript.show_page(page(conversation(2), more=True))


def test_a_page_without_more_asks_for_nothing(qtbot: QtBot, transcript: Transcript) -> None:
    with qtbot.assertNotEmitted(transcript.older_wanted, wait=80):
        transcript.show_page(page(conversation(2)))


# The end


def test_the_end_stays_in_sight_while_an_answer_grows(transcript: Transcript) -> None:
    transcript.show_page(page([*conversation(20), message("a", "", state="streaming")]))
    for number in range(60):
        transcript.append_text("a", "word word\n\n", number * 11)
        assert at_end(transcript)
    assert transcript.latest.isHidden()


def test_who_scrolls_up_is_left_there_and_offered_a_way_back(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page([*conversation(40), message("a", "", state="streaming")]))
    qtbot.waitUntil(lambda: len(ids(transcript)) > 30)
    bar = transcript.column.verticalScrollBar()
    scroll(transcript, bar.maximum() - 400)
    value = bar.value()
    for number in range(40):
        transcript.append_text("a", "word word\n\n", number * 11)
    assert bar.value() == value and transcript.latest.isVisible()
    transcript.latest.click()
    assert at_end(transcript) and transcript.latest.isHidden()
    transcript.append_text("a", "more\n\n" * 20, 440)
    assert at_end(transcript)


def test_asking_something_goes_to_the_end(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_page(page(conversation(200)))
    transcript.jump_to("m3")
    assert "m199" not in ids(transcript)
    transcript.put(message("q", "And now?", role="user", parent="m199"))
    assert ids(transcript)[-1] == "q" and at_end(transcript)
    transcript.put(message("a", "", parent="q", state="streaming"))
    assert ids(transcript)[-1] == "a" and at_end(transcript)


def test_an_answer_that_comes_while_someone_reads_far_above_is_kept(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page([*conversation(200), message("a", "", state="streaming")]))
    transcript.jump_to("m3")
    transcript.append_text("a", "It came.", 0)
    transcript.put(message("b", "Another", parent="a"))
    assert "b" not in ids(transcript)
    found = transcript.message("a")
    assert found is not None and found.text == "It came."
    transcript.latest.click()
    assert ids(transcript)[-2:] == ["a", "b"]


def test_a_message_that_leaves_the_end_stays_stuck_and_does_not_pile_up(
    transcript: Transcript,
) -> None:
    transcript.show_page(page(conversation(2)))
    for number in range(2, 3 * MOST):
        transcript.put(
            message(
                f"m{number}",
                "x",
                role="assistant" if number % 2 else "user",
                parent=f"m{number - 1}",
            )
        )
    assert len(ids(transcript)) <= MOST and ids(transcript)[-1] == f"m{3 * MOST - 1}"


# The tree


def test_a_new_version_takes_the_place_of_the_old_one_and_of_what_followed(
    transcript: Transcript,
) -> None:
    transcript.show_page(page(conversation(6)))
    transcript.put(message("n", "", parent="m2", state="streaming", siblings=("m3", "n")))
    assert ids(transcript) == ["m0", "m1", "m2", "n"] and transcript.message_count() == 4
    assert transcript.message("m3") is None
    transcript.append_text("n", "New", 0)
    assert transcript.message("n") is not None


def test_an_edited_question_takes_the_place_of_the_old_one(transcript: Transcript) -> None:
    transcript.show_page(page(conversation(6)))
    transcript.put(message("n", "Otherwise?", role="user", parent="m1", siblings=("m2", "n")))
    assert ids(transcript) == ["m0", "m1", "n"]


def test_a_new_version_far_above_the_end_is_shown(transcript: Transcript) -> None:
    transcript.show_page(page(conversation(300)))
    transcript.put(message("n", "Otherwise?", role="user", parent="m9", siblings=("m10", "n")))
    assert ids(transcript)[-1] == "n" and transcript.message_count() == 11 and at_end(transcript)


# Going to a place


def test_a_message_far_away_is_brought_into_sight_and_its_words_marked(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page(conversation(LONG)))
    assert transcript.jump_to("m5000", "message 5000")
    found = next(each for each in transcript.column.views if each.message.id == "m5000")
    assert 0 <= on_screen(transcript, found) < 600
    (block,) = found.findChildren(TextBlock)
    (selection,) = block.extraSelections()
    assert selection.cursor.selectedText() == "message 5000"
    qtbot.wait(30)
    assert 0 <= on_screen(transcript, found) < 600
    assert not transcript.jump_to("no such message")


def test_what_is_found_is_counted_marked_and_gone_through(
    qtbot: QtBot, transcript: Transcript
) -> None:
    messages = conversation(60)
    messages[3] = message("m3", "A **nee**dle and a Needle", parent="m2")
    messages[50] = message("m50", "needle", role="user", parent="m49")
    messages[51] = message("m51", "```\nneedle\n```", parent="m50")
    transcript.show_page(page(messages))
    transcript.open_find()
    assert transcript.find_bar.field.hasFocus() or not transcript.isActiveWindow()
    qtbot.keyClicks(transcript.find_bar.field, "needle")
    total = len(transcript._matches)
    assert total in (3, 4)
    assert transcript.find_bar.count.text().endswith(f"of {total}")
    seen = set()
    for _ in range(total):
        qtbot.keyClick(transcript.find_bar.field, Qt.Key.Key_Return)
        seen.add(transcript.find_bar.count.text())
    assert seen == {f"{number} of {total}" for number in range(1, total + 1)}
    before = transcript.find_bar.count.text()
    transcript.find_bar.next.click()
    qtbot.keyClick(transcript.find_bar.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert transcript.find_bar.count.text() == before
    while transcript._matches[transcript._match].message != "m51":
        transcript.find_next()
    (code,) = [each for each in transcript.findChildren(CodeBlock) if each.isVisible()]
    assert [each.cursor.selectedText() for each in code.view.extraSelections()] == ["needle"]
    qtbot.keyClick(transcript.find_bar.field, Qt.Key.Key_Escape)
    assert transcript.find_bar.isHidden()
    assert code.view.extraSelections() == []


def test_what_is_marked_in_an_answer_goes_with_the_text_that_it_stood_in(
    qtbot: QtBot, transcript: Transcript
) -> None:
    asked = message("q", "Why?", role="user")
    transcript.show_page(page([asked, message("a", "word", parent="q", state="streaming")]))
    transcript.find("word")
    block = transcript.findChildren(TextBlock)[-1]
    assert len(block.extraSelections()) == 1
    # Marks that stayed would point into a document that is gone by the next marking.
    transcript.append_text("a", " and another word", 4)
    assert block.toPlainText() == "word and another word"
    assert block.extraSelections() == []
    qtbot.wait(0)
    assert transcript.find("word") == 2


def test_what_is_not_there_is_said_not_to_be(transcript: Transcript) -> None:
    transcript.show_page(page(conversation(6)))
    transcript.find_bar.open("nowhere")
    assert transcript.find("nowhere") == 0
    assert transcript.find_bar.count.text() == "not found"
    transcript.find_next()
    transcript.find_previous()
    assert transcript.find("") == 0


def test_keys_go_through_the_conversation(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_page(page(conversation(300)))
    column = transcript.column
    qtbot.waitUntil(lambda: len(column.views) >= ALIVE)
    bar = column.verticalScrollBar()
    for target in (column, column.views[-1].findChildren(TextBlock)[0]):
        transcript.column.go_to_end()
        before = bar.value()
        press: Callable[[Qt.Key], None] = lambda key, to=target: qtbot.keyClick(to, key)  # noqa: E731
        press(Qt.Key.Key_PageUp)
        assert before - 600 < bar.value() < before - 300
        press(Qt.Key.Key_Up)
        press(Qt.Key.Key_PageDown)
        press(Qt.Key.Key_Down)
        assert at_end(transcript)
    qtbot.keyClick(column, Qt.Key.Key_Home)
    assert ids(transcript)[0] == "m0" and bar.value() == 0
    qtbot.keyClick(column, Qt.Key.Key_End)
    assert ids(transcript)[-1] == "m299" and at_end(transcript)


def wheel(widget: QWidget, dx: int, dy: int) -> bool:
    """Turn the wheel over `widget`; whether it kept the turn to itself."""
    event = QWheelEvent(
        QPointF(5, 5),
        widget.mapToGlobal(QPointF(5, 5)),
        QPoint(),
        QPoint(dx, dy),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_text_and_code_leave_the_wheel_to_the_conversation(transcript: Transcript) -> None:
    source = "```\n" + "x" * 400 + "\n```\n\ntext"
    transcript.show_page(page([*conversation(40), message("a", source)]))
    (code,) = transcript.findChildren(CodeBlock)
    text = transcript.column.views[-1].findChildren(TextBlock)[-1]
    assert not wheel(text.viewport(), 0, 120)
    assert not wheel(code.view.viewport(), 0, 120)
    assert wheel(code.view.viewport(), -120, 0)
    assert code.view.horizontalScrollBar().value() > 0


# Long and odd messages


def test_a_message_of_100_000_characters_is_cut_until_asked_for(
    qtbot: QtBot, transcript: Transcript
) -> None:
    for role in ("assistant", "user"):
        text = ("Some words of a long message. " * 20 + "\n\n") * 170
        transcript.show_page(page([message("a", text, role=role)]))
        (view,) = transcript.column.views
        assert len(view.findChildren(TextBlock)) < 12
        more = view._more
        assert more is not None and more.text().startswith("Show all, ")
        height = view.height()
        more.click()
        qtbot.waitUntil(lambda view=view: view._more is None, timeout=10_000)
        shown = "".join(each.toPlainText() for each in view.findChildren(TextBlock))
        assert "".join(shown.split()) == "".join(text.split())
        assert view.height() > 5 * height
        view.copy_text()
        assert QGuiApplication.clipboard().text() == text


def test_a_block_that_is_slow_to_make_is_made_less_often_and_still_caught_up_with(
    qtbot: QtBot, transcript: Transcript, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = iter(range(10_000))
    monkeypatch.setattr("nagatha_desktop.chat.flow.thread_time", lambda: next(work) * 0.03)
    transcript.show_page(page([message("a", "", state="streaming")]))
    transcript.append_text("a", "word " * 150, 0)
    transcript.append_text("a", "later", 750)
    (block,) = transcript.findChildren(TextBlock)
    assert "later" not in block.toPlainText()
    qtbot.waitUntil(lambda: "later" in block.toPlainText())
    transcript.append_text("a", "last", 755)
    transcript.put(message("a", "word " * 150 + "laterlast."))
    assert block.toPlainText().endswith("laterlast.")


def test_words_far_down_in_a_cut_message_are_found(transcript: Transcript) -> None:
    text = ("Some words of a long message. " * 20 + "\n\n") * 100 + "the needle"
    transcript.show_page(page([message("a", text)]))
    transcript.column._clear()
    assert transcript.jump_to("a", "needle")
    block = transcript.column.views[0].findChildren(TextBlock)[-1]
    assert [each.cursor.selectedText() for each in block.extraSelections()] == ["needle"]
    assert 0 <= block.mapTo(transcript.column.viewport(), block.rect().bottomLeft()).y() <= 600


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "\x00" * 2000,
        "\ud800\udfff\udc00 lone \ud83d",
        "\u202eright to left\u202c and \u2066isolated\u2069",
        "שלום עולם **مرحبا** بالعالم",
        "\ufdd0\ufdd1\ufffc\u2028\u2029",
        "```\n" + "\x00\ud800\u202e" * 500 + "\n```",
        "```\n" + "y" * 100_000,
        "[" * 3000 + "](" * 3000,
        "> " * 500 + "deep",
        "- " * 300 + "deep",
        "|" * 2000 + "\n" + "|-" * 1000 + "|\n",
        "*" * 5000 + "_" * 5000,
        "&#0;&#xD800;&#8238;<!-- x --><?php ?>",
        "\n" * 20_000,
    ],
    ids=lambda text: repr(text[:12]),
)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_odd_text_is_shown_and_can_be_copied(
    transcript: Transcript, text: str, streamed: bool
) -> None:
    if streamed:
        transcript.show_page(page([message("a", "", state="streaming")]))
        step = max(1, len(text) // 40)
        for at in range(0, len(text), step):
            transcript.append_text("a", text[at : at + step], at)
        transcript.put(message("a", text))
    else:
        transcript.show_page(
            page([message("q", text, role="user"), message("a", text, parent="q")])
        )
    transcript.grab()
    found = transcript.message("a")
    assert found is not None and found.text == text
    assert transcript.copy_last_answer()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["\n", "\n\n", "```", "~~~\n", "# ", "- ", "1. ", "   ", "| a |", "> "]
            ),
            st.text(st.characters(exclude_categories=()), max_size=20),
        ),
        max_size=25,
    )
)
def test_any_text_can_stream_and_ends_as_if_it_had_come_at_once(
    transcript: Transcript, parts: list[str]
) -> None:
    text = "".join(parts)
    transcript.show_page(page([message("a", "", state="streaming")]))
    at = 0
    for part in parts:
        transcript.append_text("a", part, at)
        at += len(part)
    transcript.put(message("a", text))
    streamed = [each.toPlainText() for each in _shown(transcript)]
    transcript.show_page(page([message("a", text)]))
    assert [each.toPlainText() for each in _shown(transcript)] == streamed


def _shown(transcript: Transcript) -> list[TextBlock]:
    return [
        each
        for each in transcript.column.views[0].findChildren(TextBlock)
        if each.isVisibleTo(transcript)
    ]


def test_documents_and_widgets_that_are_not_shown_any_more_are_let_go_of(
    qtbot: QtBot, transcript: Transcript
) -> None:
    def alive() -> tuple[int, int]:
        qtbot.wait(20)
        gc.collect()
        documents = sum(type(each) is Document for each in gc.get_objects())
        return documents, len(transcript.findChildren(QWidget))

    messages = conversation(8)
    transcript.show_page(page(messages))
    before = alive()
    for _ in range(20):
        transcript.show_page(page(messages))
    transcript.put(message("a", "", parent="m7", state="streaming"))
    for number in range(100):
        transcript.append_text("a", "word ", number * 5)
    transcript.show_page(page(messages))
    assert alive() == before


def test_where_everything_is_in_sight_nothing_leads_to_the_latest(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_page(page(conversation(2)))
    assert transcript.jump_to("m0", "Words")
    assert not transcript.latest.isVisible() and transcript.column.stuck
    transcript.column.setFocus()
    QTest.keyClick(transcript.column, Qt.Key.Key_Home)
    assert not transcript.latest.isVisible()
    transcript.show_page(page(conversation(60)))
    qtbot.waitUntil(lambda: transcript.column.first == 0 or len(ids(transcript)) >= ALIVE)
    QTest.keyClick(transcript.column, Qt.Key.Key_Home)
    assert transcript.latest.isVisible()
    transcript.resize(800, 20_000)
    qtbot.waitUntil(lambda: not transcript.latest.isVisible())
