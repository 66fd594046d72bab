"""The open chat and the list of chats, against a client in memory."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.model import PAGE, ChatModel
from tests.support.fake_client import FakeClient, Script
from worker.contract.errors import ModelError, NotFound
from worker.contract.events import AnswerDelta
from worker.contract.types import Message, Problem
from worker.runtime import Runtime


class Seen:
    """What the window would show, made of the model's signals only."""

    def __init__(self, model: ChatModel) -> None:
        self.texts: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.drafts: list[str] = []
        self.problems: list[Problem] = []
        self.refused: list[Problem] = []
        self.jumps: list[tuple[str, str]] = []
        self.pages = 0
        model.page_shown.connect(self._page)
        model.turned.connect(lambda: self._page(None))
        model.older_shown.connect(self._older)
        model.message_put.connect(self._put)
        model.text_added.connect(self._text)
        model.draft_shown.connect(self.drafts.append)
        model.problem.connect(self.problems.append)
        model.not_sent.connect(self.refused.append)
        model.jumped.connect(lambda message, text: self.jumps.append((message, text)))

    def _page(self, page: object) -> None:
        self.pages += 1
        self.texts.clear()
        self.states.clear()
        for message in getattr(page, "messages", ()):
            self._put(message)

    def _older(self, page: object) -> None:
        above = {message.id: message.text for message in getattr(page, "messages", ())}
        self.texts = {**above, **self.texts}

    def _put(self, message: Message) -> None:
        if message.id not in self.texts:
            # As the conversation does it: a sibling's place is taken, and what followed goes.
            names = list(self.texts)
            above = names.index(message.parent) + 1 if message.parent in names else 0
            for gone in names[above:]:
                del self.texts[gone]
                self.states.pop(gone, None)
        self.texts[message.id] = message.text
        self.states[message.id] = message.state

    def _text(self, message: str, text: str, offset: int) -> None:
        assert len(self.texts[message]) == offset
        self.texts[message] += text

    @property
    def shown(self) -> list[str]:
        return list(self.texts.values())


@pytest.fixture
def chats(bridge: Bridge) -> ChatList:
    return ChatList(bridge, bridge)


@pytest.fixture
def model(bridge: Bridge, chats: ChatList) -> ChatModel:
    return ChatModel(bridge, chats, parent=bridge)


@pytest.fixture
def seen(model: ChatModel) -> Seen:
    return Seen(model)


def settled(seen: Seen) -> Callable[[], bool]:
    return lambda: bool(seen.states) and "streaming" not in seen.states.values()


def test_the_first_question_begins_a_chat_and_its_answer_streams_in(
    model: ChatModel, seen: Seen, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(model.sent):
        model.send("Good morning")
    qtbot.waitUntil(settled(seen))
    assert seen.shown == ["Good morning", "Hello there."]
    assert model.chat is not None and not model.busy
    qtbot.waitUntil(lambda: model.chat is not None and model.chat.title == "Good morning")


def test_a_refused_question_is_told_and_can_be_sent_again(
    model: ChatModel, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    fake.scripts.append(Script(refuse=ModelError("No key", kind="no_key")))
    model.send("Hello")
    qtbot.waitUntil(lambda: bool(seen.refused))
    assert seen.refused[0].kind == "no_key"
    with qtbot.waitSignal(model.sent):
        model.send("Hello")
    qtbot.waitUntil(settled(seen))


def test_opening_a_chat_shows_its_end_and_its_draft(
    model: ChatModel, chats: ChatList, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    turns = [f"turn {number}" for number in range(100)]
    chat = fake.store.add("Long", *turns, draft="not yet sent")
    model.open(chat.id)
    qtbot.waitUntil(lambda: len(seen.shown) == PAGE)
    assert seen.shown == turns[-PAGE:]
    assert seen.drafts[-1] == "not yet sent"
    model.load_older()
    model.load_older()
    qtbot.waitUntil(lambda: len(seen.shown) == 2 * PAGE)
    assert seen.shown == turns[-2 * PAGE :]
    model.load_older()
    qtbot.waitUntil(lambda: not model.more)
    assert seen.shown == turns
    model.load_older()
    assert [message.text for message in model.messages] == turns


def test_events_that_come_while_a_page_is_on_its_way_are_not_lost(
    model: ChatModel, chats: ChatList, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    fake.scripts.append(Script(parts=tuple("abcdefghij" * 30), pause=0.001))
    model.send("Count")
    for _ in range(30):
        qtbot.wait(10)
        model.reload()
    qtbot.waitUntil(settled(seen))
    assert seen.shown == ["Count", "abcdefghij" * 30]


def test_a_gap_in_the_text_has_the_message_read_again(
    model: ChatModel, seen: Seen, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    chat = fake.store.add("t", "question", "the whole answer")
    model.open(chat.id)
    qtbot.waitUntil(lambda: len(seen.shown) == 2)
    answer = fake.store.branch(chat.id)[1]

    async def late() -> None:
        whole = "the whole answer, and the rest of it"
        object.__setattr__(fake.store.messages[answer.id], "text", whole)
        fake.emit(AnswerDelta(chat.id, answer.id, "rest of it", len(whole) - 10))
        fake.emit(AnswerDelta(chat.id, answer.id, "!", len(whole)))

    runtime.run(late(), 30)
    qtbot.waitUntil(lambda: seen.shown[-1] == "the whole answer, and the rest of it!")


def test_stop_ends_the_answer_and_keeps_what_came(
    model: ChatModel, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    fake.scripts.append(Script(parts=("Part",), hold=True))
    model.send("Tell me")
    qtbot.waitUntil(lambda: seen.shown[-1:] == ["Part"])
    assert model.busy
    model.stop()
    qtbot.waitUntil(lambda: "stopped" in seen.states.values())
    assert not model.busy
    answer = model.last_of("assistant")
    assert answer is not None
    model.resume(answer.id)
    qtbot.waitUntil(lambda: seen.shown[-1] == "PartHello there.")
    qtbot.waitUntil(settled(seen))


def test_retry_and_edit_show_the_new_version_and_select_the_old_one(
    model: ChatModel, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    chat = fake.store.add("t", "question", "first answer")
    model.open(chat.id)
    qtbot.waitUntil(lambda: len(seen.shown) == 2)
    first = model.messages[1].id
    fake.scripts.append(Script(parts=("second answer",)))
    model.retry(first)
    qtbot.waitUntil(lambda: seen.shown == ["question", "second answer"])
    qtbot.waitUntil(settled(seen))
    assert (model.messages[1].version, model.messages[1].versions) == (2, 2)
    model.select(first)
    qtbot.waitUntil(lambda: seen.shown == ["question", "first answer"])
    fake.scripts.append(Script(parts=("other",)))
    with qtbot.waitSignal(model.sent):
        model.edit(model.messages[0].id, "other question")
    qtbot.waitUntil(lambda: seen.shown == ["other question", "other"])


def test_a_branch_that_was_changed_elsewhere_is_read_again(
    model: ChatModel, seen: Seen, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    chat = fake.store.add("t", "question", "first answer")
    model.open(chat.id)
    qtbot.waitUntil(lambda: len(seen.shown) == 2)
    fake.scripts.append(Script(parts=("from elsewhere",)))
    runtime.run(fake.store.retry(model.messages[1].id), 30)
    qtbot.waitUntil(lambda: seen.shown == ["question", "from elsewhere"])


def test_the_list_follows_what_others_do(
    chats: ChatList, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    old = fake.store.add("Old", age=timedelta(days=3))
    chats.load()
    qtbot.waitUntil(lambda: [chat.title for chat in chats.chats] == ["Old"])
    runtime.run(fake.store.rename(old.id, "New name"), 30)
    qtbot.waitUntil(lambda: [chat.title for chat in chats.chats] == ["New name"])
    runtime.run(fake.store.archive(old.id, True), 30)
    qtbot.waitUntil(lambda: chats.chats == ())


def test_deleting_the_open_chat_shows_a_new_one_and_undo_brings_it_back(
    model: ChatModel, chats: ChatList, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    chat = fake.store.add("t", "question", "answer")
    model.open(chat.id)
    qtbot.waitUntil(lambda: len(seen.shown) == 2)
    with qtbot.waitSignal(chats.deleted):
        chats.delete(chat.id)
    assert model.chat is None and seen.shown == []
    chats.undelete(chat.id)
    qtbot.waitUntil(lambda: len(seen.shown) == 2)
    assert model.chat_id == chat.id


def test_drafts_are_kept_for_each_chat_and_come_back(
    model: ChatModel, chats: ChatList, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    one, two = fake.store.add("One", "a", "b"), fake.store.add("Two", "c", "d")
    chats.load()
    qtbot.waitUntil(lambda: len(chats.chats) == 2)
    model.set_draft("for a new one")
    model.open(one.id)
    qtbot.waitUntil(lambda: len(seen.shown) == 2)
    model.set_draft("half a thou")
    model.set_draft("half a thought")
    model.open(two.id)
    qtbot.waitUntil(lambda: seen.shown == ["c", "d"])
    assert seen.drafts[-1] == ""
    qtbot.waitUntil(lambda: fake.store.all[one.id].draft == "half a thought")
    assert fake.calls.count("chats.set_draft") == 1
    model.open(one.id)
    assert seen.drafts[-1] == "half a thought"
    model.new_chat()
    assert seen.drafts[-1] == "for a new one"


def test_a_draft_that_was_sent_does_not_come_back(
    model: ChatModel, chats: ChatList, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    chat = fake.store.add("One", "a", "b")
    model.open(chat.id)
    qtbot.waitUntil(lambda: len(seen.shown) == 2)
    model.set_draft("now")
    with qtbot.waitSignal(model.sent):
        model.send("now")
    qtbot.waitUntil(settled(seen))
    model.new_chat()
    model.open(chat.id)
    assert seen.drafts[-1] == ""
    assert fake.store.all[chat.id].draft == ""


def test_a_chat_that_is_gone_is_taken_out_of_the_list(
    model: ChatModel, chats: ChatList, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    chat = fake.store.add("Gone", "a", "b")
    chats.load()
    qtbot.waitUntil(lambda: len(chats.chats) == 1)
    fake.fail["chats.page"] = NotFound("There is no such chat")
    model.open(chat.id)
    qtbot.waitUntil(lambda: bool(seen.problems))
    assert chats.chats == () and model.chat is None


def test_jumping_to_a_hit_shows_what_is_above_and_below_it(
    model: ChatModel, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    chat = fake.store.add("Long", *[f"turn {number}" for number in range(200)])
    target = fake.store.branch(chat.id)[60]
    model.open_at(chat.id, target.id, "turn")
    qtbot.waitUntil(lambda: seen.jumps == [(target.id, "turn")])
    assert seen.shown[0] == "turn 40" and seen.shown[-1] == "turn 199"
    model.open_at(chat.id, target.id, "60")
    assert seen.jumps[-1] == (target.id, "60") and seen.pages == 1


def test_replaced_data_is_read_again(
    model: ChatModel, chats: ChatList, seen: Seen, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    chat = fake.store.add("Before", "a", "b")
    chats.load()
    model.open(chat.id)
    qtbot.waitUntil(lambda: len(seen.shown) == 2)
    fake.store.all.clear()
    fake.store.add("After", "c", "d")
    runtime.run(fake.replace_all(), 30)
    qtbot.waitUntil(lambda: [c.title for c in chats.chats] == ["After"] and model.chat is None)


def test_a_model_chosen_for_a_new_chat_goes_with_its_first_question(
    model: ChatModel, seen: Seen, fake: FakeClient, qtbot: QtBot
) -> None:
    model.choose_model("ollama", "qwen3:8b")
    assert model.choice == ("ollama", "qwen3:8b")
    with qtbot.waitSignal(model.sent):
        model.send("Hello")
    assert model.choice == ("ollama", "qwen3:8b")
    qtbot.waitUntil(settled(seen))
    model.choose_model("", "")
    qtbot.waitUntil(lambda: model.choice == ("", ""))
