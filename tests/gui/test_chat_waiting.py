"""Answers that wait, are tried again, or were given before: how the chat shows them."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.foot import Foot, age_words, cost_words
from nagatha_desktop.chat.message_view import MessageView
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.transcript import Transcript
from nagatha_desktop.chat.waiting import Waiting, wait_words
from nagatha_desktop.chat.window import ChatWindow
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from tests.gui.samples import NOW, clock, message, page
from tests.support.fake_client import FakeClient
from worker.contract.events import AnswerDelta, MessageChanged, RunChanged
from worker.contract.types import Problem, Run, RunState

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
QUESTION = message("q", "Why?", role="user")


def a_run(state: RunState = "PENDING", **more: Any) -> Run:
    queued = more.pop("queued", NOW - timedelta(seconds=5))
    return Run("r", "answer", "process_ai_query_task", state, "chat", queued, message="a",
               lane="queued", priority=8, **more)  # fmt: skip


# words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("waiting", "said"),
    [
        (Waiting(a_run(), 40.4), "Waits in the queue, about 40 s"),
        (Waiting(a_run(), 0.2), "Waits in the queue, about 1.0 s"),
        (Waiting(a_run()), "Waits in the queue … 5 s"),
        (
            Waiting(
                a_run(
                    "RETRY",
                    error=Problem(
                        "server_error", "OpenAI has a problem", retry_at=NOW + timedelta(seconds=42)
                    ),
                )
            ),
            "OpenAI has a problem. Tried again in 42 s",
        ),
        (
            Waiting(a_run("RETRY", error=Problem("timeout", "It is silent", retry_at=NOW))),
            "It is silent. Tried again now",
        ),
    ],
)
def test_waiting_is_said_in_a_few_words(waiting: Waiting, said: str) -> None:
    assert wait_words(waiting, NOW) == said


@pytest.mark.parametrize(
    ("age", "said"),
    [
        ({"seconds": 10}, "from just now"),
        ({"minutes": 12}, "from 12 min ago"),
        ({"hours": 1, "minutes": 59}, "from 1 h ago"),
        ({"seconds": -30}, "from just now"),
    ],
)
def test_the_age_of_an_answer_is_said_in_a_few_words(age: dict[str, float], said: str) -> None:
    assert age_words(NOW - timedelta(**age), NOW) == said
    used = message("a", "Hello", cached=NOW - timedelta(**age), usage=None)
    assert cost_words(used, NOW) == f"gpt-4o-mini\u2003{said}"


def test_an_answer_of_another_day_names_it() -> None:
    assert "2026" in age_words(NOW - timedelta(days=3), NOW) or "26" in age_words(
        NOW - timedelta(days=3), NOW
    )


# one message -----------------------------------------------------------------------------


@pytest.fixture
def transcript(qtbot: QtBot, themes: ThemeController) -> Transcript:
    made = Transcript(themes, clock=clock)
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


def view(transcript: Transcript) -> MessageView:
    (found,) = [each for each in transcript.column.views if each.message.id == "a"]
    return found


def labels(widget: MessageView) -> list[str]:
    return [each.text() for each in widget.findChildren(QLabel) if each.isVisibleTo(widget)]


def test_an_answer_that_waits_says_so_until_it_is_being_written(transcript: Transcript) -> None:
    answer = message("a", "", parent="q", state="streaming", run="r")
    transcript.set_waiting("a", Waiting(a_run(), 40))  # known before it is shown
    transcript.show_page(page([QUESTION, answer]))
    assert "Waits in the queue, about 40 s" in labels(view(transcript))
    transcript.set_waiting("a", None)
    assert any(text.startswith("Thinking") for text in labels(view(transcript)))
    transcript.append_text("a", "Because", 0)
    assert labels(view(transcript)) == ["writing … 3 s"]
    error = Problem("cut", "The connection was cut", retry_at=NOW + timedelta(seconds=60))
    transcript.set_waiting("a", Waiting(a_run("RETRY", error=error)))
    assert "The connection was cut. Tried again in 1 min 0 s" in labels(view(transcript))
    transcript.put(replace(answer, text="Because", state="stopped"))
    assert not any("Tried again" in text for text in labels(view(transcript)))


def test_an_answer_that_was_given_before_says_when_and_its_link_asks_again(
    transcript: Transcript, qtbot: QtBot
) -> None:
    answer = message("a", "Hello", parent="q", cached=NOW - timedelta(minutes=12), usage=None)
    transcript.show_page(page([QUESTION, answer]))
    foot = view(transcript).findChild(Foot)
    assert foot is not None and foot.again is not None and foot.again.isVisibleTo(foot)
    assert foot.words.whole() == "gpt-4o-mini\u2003from 12 min ago ·"
    assert foot.again.text() == "ask again"
    # It follows the words, and they are not cut.
    assert foot.words.text() == foot.words.whole()
    assert 0 <= foot.again.x() - foot.words.geometry().right() <= 8
    with qtbot.waitSignal(transcript.retry_wanted) as wanted:
        foot.again.click()
    assert wanted.args == ["a"]
    transcript.put(replace(answer, cached=None))
    assert foot.again is None and "min ago" not in foot.words.whole()


# the window ------------------------------------------------------------------------------


@pytest.fixture
def window(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[ChatWindow]:
    watch = EngineWatch(bridge, bridge)
    watch._ready()
    made = ChatWindow(
        bridge,
        themes,
        WindowState(tmp_path, parent=bridge),
        Keys(parent=bridge),
        watch,
        ChatList(bridge, bridge),
        Models(bridge, bridge),
    )
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close_for_good()


def test_the_window_shows_how_a_queued_answer_stands_from_beginning_to_end(
    window: ChatWindow, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    chat = fake.store.add("A long one", "Tell me all", "")
    asked, answer = fake.store.branch(chat.id)
    answer = replace(answer, state="streaming", run="r", text="", created=datetime.now(UTC))
    fake.store.messages[answer.id] = answer
    run = replace(a_run(queued=datetime.now(UTC)), message=answer.id)
    cast(Any, fake.jobs).runs["r"] = run

    async def tell(*events: Any) -> None:
        for event in events:
            fake.emit(event)

    def shown() -> list[str]:
        views = window.transcript.column.views
        return labels(views[-1]) if views and views[-1].message.id == answer.id else []

    window.open_chat(chat.id)
    qtbot.waitUntil(lambda: "Waits in the queue, about 40 s" in shown())
    started = replace(run, state="STARTED")
    on_loop(tell(RunChanged(started, run_id="r")))
    qtbot.waitUntil(lambda: any(text.startswith("Thinking") for text in shown()))
    on_loop(tell(AnswerDelta(chat.id, answer.id, "Well", 0, run_id="r")))
    qtbot.waitUntil(lambda: window.model.messages[-1].id == answer.id and "writing" in shown()[-1])
    error = Problem("timeout", "It is silent", retry_at=datetime.now(UTC) + timedelta(minutes=1))
    on_loop(tell(RunChanged(replace(run, state="RETRY", error=error), run_id="r")))
    qtbot.waitUntil(lambda: any("It is silent. Tried again in" in text for text in shown()))
    ended = replace(answer, state="complete", text="Well, yes.")
    on_loop(tell(RunChanged(started, run_id="r"), MessageChanged(ended, run_id="r")))
    qtbot.waitUntil(lambda: not window.model.busy and not any("silent" in t for t in shown()))
    assert asked.text == "Tell me all"


def test_text_that_another_process_writes_is_read_as_its_run_tells_of_it(
    window: ChatWindow, fake: FakeClient, on_loop: OnLoop, qtbot: QtBot
) -> None:
    chat = fake.store.add("Elsewhere", "Tell me all", "")
    answer = replace(fake.store.branch(chat.id)[1], state="streaming", run="r", text="")
    fake.store.messages[answer.id] = answer
    at_work = replace(a_run("PROGRESS", progress_text="Writing, 9 characters"), message=answer.id)
    window.open_chat(chat.id)
    qtbot.waitUntil(lambda: window.transcript.message_count() == 2)

    async def written(text: str) -> None:
        fake.store.messages[answer.id] = replace(answer, text=text)
        fake.emit(RunChanged(at_work, run_id="r"))

    on_loop(written("One two "))
    on_loop(written("One two three "))
    qtbot.waitUntil(lambda: window.model.messages[-1].text == "One two three ")
    assert window.model.busy
