"""What every storage promises, checked against each: chats, messages, trees, the whole."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.storages import (
    BACKENDS,
    ME,
    NOW,
    Blocking,
    a_chat,
    a_question,
    a_run,
    an_answer,
    backend,
    begin,
    chain,
    finish,
    later,
    told,
)
from worker.contract.errors import Conflict, InvalidInput, NotFound
from worker.contract.types import Attachment, Problem, ToolUse, Usage, UsageRecord

PICTURE = Attachment("f1", "cat.png", "image/png", 3, 85)

# Everything that a str can hold: NUL, lone surrogates, bidi controls, private characters.
TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from("\0\ue000\ue001\uf8ff\u202e\u2066\u200fא\u0301東😀'\"*%_"),
    ),
    max_size=40,
)


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as found:
        yield found


# chats ---------------------------------------------------------------------------------


def test_a_chat_that_was_created_is_given_back_as_it_was(storage: Blocking) -> None:
    chat = a_chat(
        title="Title",
        titled_by="person",
        pinned=True,
        archived=True,
        deleted=later(5),
        draft="half a",
        provider="openai",
        model="gpt",
    )
    assert storage.create_chat(ME, chat) == chat
    assert storage.get_chat(ME, "chat") == chat


def test_a_second_chat_with_the_same_id_is_a_conflict_and_changes_nothing(
    storage: Blocking,
) -> None:
    storage.create_chat(ME, a_chat())
    with pytest.raises(Conflict):
        storage.create_chat(ME, a_chat(title="Another"))
    assert storage.get_chat(ME, "chat").title == "A chat"


def test_chats_are_listed_pinned_first_and_then_by_their_last_word(storage: Blocking) -> None:
    storage.create_chat(ME, a_chat("old", updated=later(1)))
    storage.create_chat(ME, a_chat("new", updated=later(3)))
    storage.create_chat(ME, a_chat("pinned", updated=later(0), pinned=True))
    storage.create_chat(ME, a_chat("deleted", deleted=NOW))
    storage.create_chat(ME, a_chat("archived", archived=True))
    listed = storage.list_chats(ME, archived=False, limit=10)
    assert [chat.id for chat in listed] == ["pinned", "new", "old"]
    assert [chat.id for chat in storage.list_chats(ME, archived=True, limit=10)] == ["archived"]
    assert len(storage.list_chats(ME, archived=False, limit=2)) == 2


def test_updating_a_chat_sets_the_fields_given_and_no_others(storage: Blocking) -> None:
    storage.create_chat(ME, a_chat(draft="kept"))
    changed = storage.update_chat(ME, "chat", {"title": "New", "pinned": True, "deleted": NOW})
    assert changed == a_chat(draft="kept", title="New", pinned=True, deleted=NOW)
    assert storage.update_chat(ME, "chat", {"deleted": None}).deleted is None
    assert storage.update_chat(ME, "chat", {}).title == "New"


def test_a_head_that_is_not_in_the_chat_is_not_found(storage: Blocking) -> None:
    told(storage, 1, None)
    storage.create_chat(ME, a_chat("other"))
    with pytest.raises(NotFound):
        storage.update_chat(ME, "other", {"head": "a1"})
    assert storage.update_chat(ME, "chat", {"head": "q1"}).head == "q1"


def test_an_answer_that_begins_is_given_back_as_it_is_stored(storage: Blocking) -> None:
    begun = storage.begin_answer(
        ME,
        question=a_question(),
        answer=an_answer(),
        run=a_run(),
        process="p1",
        chat=a_chat(draft="to be sent"),
    )
    assert begun.chat == storage.get_chat(ME, "chat")
    assert (begun.chat.head, begun.chat.running, begun.chat.draft) == ("a1", True, "")
    assert (begun.question, begun.answer) == (
        storage.get_message(ME, "q1"),
        storage.get_message(ME, "a1"),
    )
    again = storage.begin_answer(ME, question=None, answer=an_answer(), run=a_run(), process="p1")
    assert again.question is None


def test_what_is_not_there_is_not_found(storage: Blocking) -> None:
    for call in (
        lambda: storage.get_chat(ME, "none"),
        lambda: storage.update_chat(ME, "none", {"title": "x"}),
        lambda: storage.get_message(ME, "none"),
        lambda: storage.get_message(ME, "lone \ud800"),
        lambda: storage.branch(ME, "none"),
        lambda: storage.tree(ME, "none"),
        lambda: storage.newest_leaf(ME, "none"),
        lambda: storage.is_above(ME, "none", "none"),
        lambda: storage.search(ME, "word", chat="none", limit=5),
        lambda: storage.append_text(ME, "none", 0, "x"),
        lambda: storage.finish_answer(ME, an_answer("none"), a_run()),
        lambda: storage.begin_answer(
            ME, question=None, answer=an_answer(chat="none"), run=a_run(), process="p"
        ),
        lambda: storage.get_attachment(ME, "none"),
        lambda: storage.get_run(ME, "none"),
        lambda: storage.save_run(ME, a_run("none")),
        lambda: storage.claim_run(ME, "none", "p", NOW),
        lambda: storage.release_run(ME, "none", "p"),
        lambda: storage.interrupt_run(ME, "none", "p", NOW),
    ):
        with pytest.raises(NotFound):
            call()


def test_nothing_of_one_owner_is_seen_by_another(storage: Blocking) -> None:
    told(storage, 1, None, "secret word")
    storage.put_attachment(ME, PICTURE, b"abc", NOW)
    storage.set_value(ME, "key", "value")
    assert storage.list_chats("you", archived=False, limit=5) == ()
    assert storage.search("you", "secret", chat=None, limit=5) == ()
    assert storage.list_runs("you", limit=5) == ()
    assert storage.get_value("you", "key") is None
    assert storage.statistics("you").messages == 0
    for call in (
        lambda: storage.get_chat("you", "chat"),
        lambda: storage.get_message("you", "a1"),
        lambda: storage.get_attachment("you", "f1"),
        lambda: storage.get_run("you", "r1"),
        lambda: storage.search("you", "secret", chat="chat", limit=5),
    ):
        with pytest.raises(NotFound):
            call()


def test_two_owners_can_have_chats_and_messages_of_the_same_ids(storage: Blocking) -> None:
    assert storage.import_chat(ME, a_chat(), chain("chat", 3), {})
    assert storage.import_chat("you", a_chat(title="Yours"), chain("chat", 3), {})
    assert storage.get_chat(ME, "chat").title == "A chat"
    assert storage.get_chat("you", "chat").title == "Yours"
    assert len(storage.search(ME, "message", chat=None, limit=9)) == 3


# an answer's life ----------------------------------------------------------------------


def test_beginning_an_answer_stores_the_chat_the_question_the_answer_and_the_run(
    storage: Blocking,
) -> None:
    begin(storage, chat=a_chat(draft="Question q1"))
    chat = storage.get_chat(ME, "chat")
    assert (chat.head, chat.updated, chat.draft) == ("a1", later(1), "")
    assert (chat.messages, chat.running) == (2, True)
    answer = storage.get_message(ME, "a1")
    assert (answer.state, answer.text, answer.run, answer.depth) == ("streaming", "", "r1", 1)
    assert storage.get_message(ME, "q1").text == "Question q1"
    assert [owned.process for owned in storage.runs_of_others("p2")] == ["p1"]


def test_a_second_answer_in_the_same_chat_is_a_conflict_and_stores_nothing(
    storage: Blocking,
) -> None:
    begin(storage, chat=a_chat())
    before = storage.get_chat(ME, "chat")
    with pytest.raises(Conflict):
        begin(storage, 2, "a1")
    assert storage.get_chat(ME, "chat") == before
    with pytest.raises(NotFound):
        storage.get_message(ME, "q2")
    with pytest.raises(NotFound):
        storage.get_run(ME, "r2")


def test_the_same_answer_by_another_run_is_a_conflict_while_it_is_streaming(
    storage: Blocking,
) -> None:
    begin(storage, chat=a_chat())
    with pytest.raises(Conflict):
        storage.begin_answer(ME, question=None, answer=an_answer(), run=a_run("r2"), process="p2")


def test_an_answer_that_cannot_begin_leaves_no_chat_behind(storage: Blocking) -> None:
    with pytest.raises(NotFound):
        storage.begin_answer(
            ME,
            question=a_question(attachments=(PICTURE,)),
            answer=an_answer(),
            run=a_run(),
            process="p1",
            chat=a_chat(),
        )
    with pytest.raises(NotFound):
        begin(storage, parent="nowhere", chat=a_chat())
    assert storage.statistics().chats == 0
    assert storage.statistics().runs == 0


def test_text_is_joined_from_its_pieces_and_a_piece_twice_changes_nothing(
    storage: Blocking,
) -> None:
    begin(storage, chat=a_chat())
    for offset, text in ((0, "Hello"), (5, ", wor"), (5, ", wor"), (0, "Hello"), (8, "orld")):
        storage.append_text(ME, "a1", offset, text)
    assert storage.get_message(ME, "a1").text == "Hello, world"
    assert storage.tree(ME, "chat")[1].text == "Hello, world"


def test_a_piece_after_a_gap_is_refused(storage: Blocking) -> None:
    begin(storage, chat=a_chat())
    storage.append_text(ME, "a1", 0, "Hello")
    with pytest.raises(InvalidInput):
        storage.append_text(ME, "a1", 6, "!")
    assert storage.get_message(ME, "a1").text == "Hello"


def test_a_piece_for_an_answer_that_has_ended_is_a_conflict(storage: Blocking) -> None:
    told(storage, 1, None)
    with pytest.raises(Conflict):
        storage.append_text(ME, "a1", 9, "more")


def test_a_finished_answer_is_given_back_with_all_that_it_has(storage: Blocking) -> None:
    begin(storage, chat=a_chat())
    storage.append_text(ME, "a1", 0, "The beg")
    answer = an_answer(
        text="The beginning and the end",
        state="failed",
        created=later(1),
        provider="openai",
        model="gpt-5",
        usage=Usage(100, 20, 50, True),
        seconds=1.5,
        error=Problem("cut", "Cut", "why", "what", "continue", later(60)),
        run="r1",
        tools=(ToolUse("t", "calc", "{}", "done", "4", 0.1, 3), ToolUse("u", "x", "", "failed")),
        notes=("one note", "two \ud800 notes"),
    )
    record = UsageRecord("u1", "r1", NOW, "answer", "openai", "gpt", Usage(1, 2), 0.5)
    run = a_run(state="FAILURE", ended=later(3), error=Problem("cut", "Cut"))
    ended = storage.finish_answer(ME, answer, run, [record])
    assert ended == replace(answer, siblings=("a1",), depth=1)
    assert storage.get_message(ME, "a1") == ended
    assert storage.get_run(ME, "r1") == run
    assert storage.get_chat(ME, "chat").running is False
    assert storage.usage_summary(ME, NOW, later(1)).requests == 1


def test_an_answer_that_goes_on_keeps_its_place_and_its_text(storage: Blocking) -> None:
    begin(storage, chat=a_chat())
    storage.append_text(ME, "a1", 0, "Half an ans")
    half = storage.interrupt_run(ME, "r1", "p1", later(5))
    assert (half.state, half.text) == ("interrupted", "Half an ans")
    assert len(storage.search(ME, "half", chat=None, limit=5)) == 1
    storage.begin_answer(ME, question=None, answer=half, run=a_run("r2"), process="p2")
    assert storage.search(ME, "half", chat=None, limit=5) == ()
    storage.append_text(ME, "a1", 11, "wer")
    going = storage.get_message(ME, "a1")
    assert (going.state, going.text, going.run) == ("streaming", "Half an answer", "r2")
    assert storage.get_chat(ME, "chat").messages == 2
    storage.finish_answer(ME, replace(going, state="complete"), a_run("r2", state="SUCCESS"))
    assert storage.get_message(ME, "a1").text == "Half an answer"
    assert [hit.message for hit in storage.search(ME, "half answer", chat=None, limit=5)] == ["a1"]
    # Who wanted it to go on as well, and was slower, finds it complete.
    with pytest.raises(Conflict, match="complete by now"):
        storage.begin_answer(ME, question=None, answer=half, run=a_run("r3"), process="p3")
    assert storage.get_message(ME, "a1").text == "Half an answer"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=TEXTS, second=TEXTS, third=TEXTS)
def test_any_text_is_given_back_exactly(
    storage: Blocking, first: str, second: str, third: str
) -> None:
    storage.delete_all(ME)
    storage.begin_answer(
        ME,
        question=a_question(text=first),
        answer=an_answer(),
        run=a_run(chat="chat", message="a1", arguments={"text": second}, progress_text=third),
        process="p1",
        chat=a_chat(title=first, draft=second),
    )
    storage.append_text(ME, "a1", 0, second)
    storage.append_text(ME, "a1", len(second), third)
    assert storage.get_message(ME, "q1").text == first
    assert storage.get_message(ME, "a1").text == second + third
    assert storage.get_chat(ME, "chat").title == first
    assert storage.get_run(ME, "r1").arguments == {"text": second}
    storage.interrupt_run(ME, "r1", "p1", NOW)
    assert storage.get_message(ME, "a1").text == second + third
    storage.set_value(ME, first, second)
    assert storage.get_value(ME, first) == second
    for word in (second + third).split()[:1]:
        # Whatever the word is, asking for it is no error.
        storage.search(ME, word, chat=None, limit=5)


def test_a_message_of_100000_characters_is_kept_and_found(storage: Blocking) -> None:
    text = "lorem ipsum ä " * 8000 + "needle \0 \udfff end"
    begin(storage, chat=a_chat())
    for offset in range(0, len(text), 10_000):
        storage.append_text(ME, "a1", offset, text[offset : offset + 10_000])
    assert storage.get_message(ME, "a1").text == text
    finish(storage, text=text)
    assert storage.get_message(ME, "a1").text == text
    [hit] = storage.search(ME, "needle", chat=None, limit=5)
    assert (hit.match, hit.after) == ("needle", " \0 \udfff end")


# the tree ------------------------------------------------------------------------------


@pytest.fixture
def forked(storage: Blocking) -> Blocking:
    """q1 a1 q2 a2, with a1b beside a1, q2b beside q2, and a2b below q2b."""
    told(storage, 1, None)
    told(storage, 2, "a1")
    for number, question, answer in (
        (3, None, an_answer("a1b", "q1", created=later(3))),
        (4, a_question("q2b", parent="a1", created=later(4)), an_answer("a2b", "q2b")),
    ):
        run = a_run(f"r{number}", queued=later(number))
        answer = replace(answer, created=later(number))
        storage.begin_answer(ME, question=question, answer=answer, run=run, process="p1")
        storage.finish_answer(
            ME, replace(answer, state="complete", text="x"), replace(run, state="SUCCESS")
        )
    return storage


def test_versions_are_the_messages_with_the_same_parent_and_role(forked: Blocking) -> None:
    assert forked.get_message(ME, "a1").siblings == ("a1", "a1b")
    second = forked.get_message(ME, "a1b")
    assert (second.version, second.versions) == (2, 2)
    assert forked.get_message(ME, "q2b").siblings == ("q2", "q2b")
    assert forked.get_message(ME, "q1").siblings == ("q1",)


def test_a_first_question_asked_differently_is_its_version(storage: Blocking) -> None:
    told(storage, 1, None)
    begin(storage, 2)
    assert storage.get_message(ME, "q2").siblings == ("q1", "q2")


def test_the_tree_has_parents_before_children_and_older_versions_first(forked: Blocking) -> None:
    tree = forked.tree(ME, "chat")
    assert [message.id for message in tree] == ["q1", "a1", "q2", "a2", "a1b", "q2b", "a2b"]
    assert [message.depth for message in tree] == [0, 1, 2, 3, 1, 2, 3]
    assert tree == tuple(forked.get_message(ME, message.id) for message in tree)


def test_a_branch_leads_from_the_root_to_the_leaf(forked: Blocking) -> None:
    messages, more = forked.branch(ME, "a2b")
    assert [message.id for message in messages] == ["q1", "a1", "q2b", "a2b"]
    assert more is False
    assert messages[1] == forked.get_message(ME, "a1")


def test_a_branch_is_cut_to_the_last_messages_and_says_so(storage: Blocking) -> None:
    storage.import_chat(ME, a_chat(), chain("chat", 10), {})
    messages, more = storage.branch(ME, "chat-9", limit=4)
    assert [message.id for message in messages] == [f"chat-{number}" for number in (6, 7, 8, 9)]
    assert more is True
    messages, more = storage.branch(ME, "chat-9", before="chat-6", limit=4)
    assert [message.id for message in messages] == [f"chat-{number}" for number in (2, 3, 4, 5)]
    assert more is True
    messages, more = storage.branch(ME, "chat-9", before="chat-2", limit=4)
    assert [message.id for message in messages] == ["chat-0", "chat-1"]
    assert more is False
    assert storage.branch(ME, "chat-9", before="chat-0", limit=4) == ((), False)
    assert storage.branch(ME, "chat-9", limit=0) == ((), True)


def test_a_message_that_is_not_on_the_branch_cannot_cut_it(forked: Blocking) -> None:
    with pytest.raises(NotFound):
        forked.branch(ME, "a2", before="q2b")
    with pytest.raises(NotFound):
        forked.branch(ME, "a1", before="a2")


def test_the_newest_leaf_is_where_was_written_last(forked: Blocking) -> None:
    assert forked.newest_leaf(ME, "q1") == "a2b"
    assert forked.newest_leaf(ME, "q2") == "a2"
    assert forked.newest_leaf(ME, "a1b") == "a1b"


def test_the_newest_leaf_follows_an_old_answer_that_went_on(forked: Blocking) -> None:
    stopped = an_answer("a2c", "q2", created=later(5), state="stopped")
    for answer in (stopped, an_answer("a2d", "q2b", created=later(6), state="complete")):
        run = a_run(f"r-{answer.id}")
        forked.begin_answer(ME, question=None, answer=answer, run=run, process="p1")
        forked.finish_answer(ME, answer, replace(run, state="SUCCESS"))
    assert forked.newest_leaf(ME, "q1") == "a2d"
    going = forked.get_message(ME, "a2c")
    forked.begin_answer(ME, question=None, answer=going, run=a_run("r9"), process="p1")
    assert forked.newest_leaf(ME, "q1") == "a2c"


def test_a_message_is_above_itself_and_what_follows_from_it(forked: Blocking) -> None:
    assert forked.is_above(ME, "q1", "a2b")
    assert forked.is_above(ME, "a2b", "a2b")
    assert not forked.is_above(ME, "q2", "a2b")
    assert not forked.is_above(ME, "a2b", "q1")
    assert not forked.is_above(ME, "a1b", "a2")


def test_a_chat_of_10000_levels_can_be_walked(storage: Blocking) -> None:
    storage.import_chat(ME, a_chat(), chain("chat", 10_000, lambda number: "x"), {})
    messages, more = storage.branch(ME, "chat-9999", limit=40)
    assert (messages[0].id, len(messages), more) == ("chat-9960", 40, True)
    assert storage.newest_leaf(ME, "chat-0") == "chat-9999"
    assert storage.is_above(ME, "chat-0", "chat-9999")
    assert not storage.is_above(ME, "chat-9999", "chat-0")
    assert storage.get_chat(ME, "chat").messages == 10_000


# attachments ---------------------------------------------------------------------------


def test_a_file_is_kept_byte_for_byte_and_goes_with_its_message(storage: Blocking) -> None:
    data = bytes(range(256)) * 10
    picture = replace(PICTURE, size=len(data))
    storage.put_attachment(ME, picture, data, NOW)
    storage.begin_answer(
        ME,
        question=a_question(attachments=(picture,)),
        answer=an_answer(),
        run=a_run(),
        process="p1",
        chat=a_chat(),
    )
    assert storage.get_attachment(ME, "f1") == (picture, data)
    assert storage.get_message(ME, "q1").attachments == (picture,)
    assert storage.branch(ME, "a1")[0][0].attachments == (picture,)
