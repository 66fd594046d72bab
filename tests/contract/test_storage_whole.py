"""What every storage promises, checked against each: usage, events, small values, the whole."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

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
from worker.contract.types import Attachment, Usage, UsageRecord
from worker.storage.base import Expired

PICTURE = Attachment("f1", "cat.png", "image/png", 3, 85)


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as found:
        yield found


# usage, events, small values ------------------------------------------------------------


def test_usage_is_added_up_within_the_span_and_unknown_prices_are_counted(
    storage: Blocking,
) -> None:
    def record(name: str, seconds: float, cost: str | None) -> UsageRecord:
        usage = Usage(10, 5, 2)
        price = None if cost is None else Decimal(cost)
        return UsageRecord(name, "r", later(seconds), "answer", "p", "m", usage, 1.0, price)

    for found in (
        record("before", -1, "5"),
        record("first", 0, "0.1"),
        record("second", 5, "0.2"),
        record("same price", 6, "0.2"),
        record("unknown", 7, None),
        record("after", 10, "5"),
    ):
        storage.add_usage(ME, found)
        storage.add_usage(ME, found)
    summary = storage.usage_summary(ME, NOW, later(10))
    assert (summary.requests, summary.input, summary.output, summary.cached) == (4, 40, 20, 8)
    assert summary.cost == Decimal("0.5")
    assert summary.unpriced == 1
    assert storage.usage_summary(ME, later(7), later(8)).cost is None
    assert storage.usage_summary("you", NOW, later(10)).requests == 0


def test_events_are_given_back_after_a_seq_in_the_order_they_came(storage: Blocking) -> None:
    assert storage.last_event() == 0
    (first,) = storage.add_events(ME, [("a", "{}")], origin="p1", at=NOW)
    (second,) = storage.add_events("you", [("b", '{"x":"\ud800"}')], origin="p2", at=later(1))
    assert 0 < first < second == storage.last_event()
    more = storage.add_events(ME, [("c", "1"), ("d", "2")], origin="p1", at=later(2))
    assert more == (second + 1, second + 2)
    assert [event.data for event in storage.events_after(second)] == ["1", "2"]
    events = storage.events_after(0)
    assert [(event.seq, event.owner, event.kind) for event in events[:2]] == [
        (first, ME, "a"),
        (second, "you", "b"),
    ]
    assert (events[1].data, events[1].origin, events[1].at) == ('{"x":"\ud800"}', "p2", later(1))
    assert storage.events_after(first) == events[1:]
    assert storage.events_after(0, 1) == events[:1]


def test_a_small_value_can_be_set_changed_and_removed(storage: Blocking) -> None:
    assert storage.get_value(ME, "key") is None
    storage.set_value(ME, "key", "one")
    storage.set_value(ME, "key", "two")
    assert storage.get_value(ME, "key") == "two"
    storage.set_value(ME, "key", None)
    storage.set_value(ME, "key", None)
    assert storage.get_value(ME, "key") is None


# the whole -----------------------------------------------------------------------------


def test_an_imported_chat_is_the_one_that_was_exported(storage: Blocking, tmp_path: Path) -> None:
    told(storage, 1, None, "needle")
    told(storage, 2, "a1")
    storage.put_attachment(ME, PICTURE, b"abc", NOW)
    begin(storage, 3, "a1")
    storage.interrupt_run(ME, "r3", "p1", NOW)
    chat, tree = storage.get_chat(ME, "chat"), storage.tree(ME, "chat")
    tree = (replace(tree[0], attachments=(PICTURE,)), *tree[1:])
    storage.delete_all(ME)
    assert storage.import_chat(ME, chat, tree, {"f1": b"abc"}) is True
    assert storage.get_chat(ME, "chat") == chat
    assert storage.tree(ME, "chat") == tree
    assert storage.get_attachment(ME, "f1") == (PICTURE, b"abc")
    assert [hit.message for hit in storage.search(ME, "needle", chat=None, limit=5)] == ["a1"]


def test_a_chat_that_is_there_is_not_imported_again(storage: Blocking) -> None:
    assert storage.import_chat(ME, a_chat(), chain("chat", 2), {}) is True
    assert storage.import_chat(ME, a_chat(title="Other"), chain("other", 9), {}) is False
    assert storage.get_chat(ME, "chat").title == "A chat"
    assert storage.statistics(ME).messages == 2


def test_an_import_that_does_not_fit_together_stores_nothing(storage: Blocking) -> None:
    storage.import_chat(ME, a_chat("first"), chain("first", 2), {})
    whole = chain("chat", 4)
    circle = [replace(whole[0], parent="chat-1"), *whole[1:]]
    for error, messages in (
        (InvalidInput, whole[1:]),
        (InvalidInput, circle),
        (InvalidInput, [*whole, whole[0]]),
        (InvalidInput, [replace(whole[0], attachments=(PICTURE,))]),
        (Conflict, [replace(whole[0], id="first-0")]),
    ):
        with pytest.raises(error):
            storage.import_chat(ME, a_chat(), messages, {})
    with pytest.raises(NotFound):
        storage.get_chat(ME, "chat")
    assert storage.statistics().messages == 2


def test_an_answer_that_was_streaming_when_exported_is_interrupted_when_imported(
    storage: Blocking,
) -> None:
    question, answer = a_question(), an_answer(text="half")
    storage.import_chat(ME, a_chat(head="gone"), [answer, question], {})
    assert storage.get_message(ME, "a1").state == "interrupted"
    assert storage.get_chat(ME, "chat").running is False


def test_a_thousand_chats_can_be_imported(storage: Blocking) -> None:
    for number in range(1000):
        name = f"c{number}"
        storage.import_chat(ME, a_chat(name), chain(name, 2), {})
    statistics = storage.statistics(ME)
    assert (statistics.chats, statistics.messages) == (1000, 2000)
    assert len(storage.search(ME, "message 1", chat=None, limit=2000)) == 1000


def test_deleting_all_removes_what_is_of_one_owner_only(storage: Blocking) -> None:
    storage.import_chat("you", a_chat(), chain("chat", 2), {})
    told(storage, 1, None)
    storage.put_attachment(ME, PICTURE, b"abc", NOW)
    storage.set_value(ME, "key", "value")
    storage.add_events(ME, [("a", "{}")], origin="p", at=NOW)
    record = UsageRecord("u1", "r1", NOW, "answer", "p", "m", Usage(1, 2), 0.5)
    storage.add_usage(ME, record)
    storage.delete_all(ME)
    statistics = storage.statistics(ME)
    assert (statistics.chats, statistics.messages, statistics.runs) == (0, 0, 0)
    assert storage.get_value(ME, "key") is None
    assert storage.events_after(0) == ()
    assert storage.usage_summary(ME, NOW, later(1)).requests == 0
    with pytest.raises(NotFound):
        storage.get_attachment(ME, "f1")
    assert storage.statistics("you").messages == 2
    assert len(storage.search("you", "message", chat=None, limit=5)) == 2
    told(storage, 1, None)
    assert storage.get_chat(ME, "chat").messages == 2


def test_nothing_is_deleted_while_something_is_being_written(storage: Blocking) -> None:
    begin(storage, chat=a_chat())
    with pytest.raises(Conflict, match="still running"):
        storage.delete_all(ME)
    assert storage.get_message(ME, "a1").state == "streaming"
    storage.delete_all("you")  # whose work it is not
    finish(storage)
    storage.add_run(ME, a_run("task", state="PENDING"))
    storage.claim_run(ME, "task", "p1", NOW)
    with pytest.raises(Conflict, match="still running"):
        storage.delete_all(ME)
    storage.save_run(ME, a_run("task", state="SUCCESS", ended=NOW))
    storage.delete_all(ME)
    assert storage.statistics(ME).chats == 0


def test_an_answer_that_nobody_writes_does_not_hold_up_deleting(storage: Blocking) -> None:
    storage.begin_answer(
        ME,
        question=None,
        answer=an_answer(parent=None, run="r1"),
        run=a_run(state="PENDING", message="a1"),
        process="p1",
        chat=a_chat(),
    )
    with pytest.raises(Conflict, match="still running"):
        storage.delete_all(ME)
    storage.save_run(ME, a_run(state="INTERRUPTED", message="a1", ended=NOW))
    storage.delete_all(ME)


def test_a_storage_closes_at_rest_only_when_nobody_writes(storage: Blocking) -> None:
    begin(storage, chat=a_chat())
    with pytest.raises(Conflict, match="still running"):
        storage.close_at_rest()
    finish(storage)  # it stayed open
    storage.close_at_rest()
    storage.open()
    assert storage.get_message(ME, "a1").state == "complete"


def test_any_number_is_a_valid_limit(storage: Blocking) -> None:
    told(storage, 1, None, "needle")
    storage.add_events(ME, [("a", "{}")], origin="p", at=NOW)
    for limit, found in ((10**30, 1), (0, 0), (-1, 0)):
        assert len(storage.list_chats(ME, archived=False, limit=limit)) == found
        assert len(storage.list_runs(ME, limit=limit)) == found
        assert len(storage.search(ME, "needle", chat=None, limit=limit)) == found
        assert len(storage.events_after(0, limit)) == found
        assert len(storage.branch(ME, "a1", limit=limit)[0]) == 2 * found


def test_an_import_never_replaces_a_file_that_is_kept(storage: Blocking) -> None:
    storage.put_attachment(ME, PICTURE, b"abc", NOW)
    (message,) = chain("chat", 1)
    tree = [replace(message, attachments=(PICTURE,))]
    with pytest.raises(Conflict, match="'f1' is there already"):
        storage.import_chat(ME, a_chat(), tree, {"f1": b"xyz"})
    assert storage.statistics(ME).chats == 0
    assert storage.import_chat(ME, a_chat(), tree, {"f1": b"abc"}) is True
    assert storage.get_attachment(ME, "f1") == (PICTURE, b"abc")


def test_any_number_of_tokens_that_a_server_claims_can_be_added_up(storage: Blocking) -> None:
    for name in ("u1", "u2", "u3"):
        claimed = Usage(10**30, 2**62, 10**30)
        storage.add_usage(ME, UsageRecord(name, "r", NOW, "answer", "p", "m", claimed, 1.0))
    summary = storage.usage_summary(ME, NOW, later(1))
    assert (summary.requests, summary.input, summary.output) == (3, 3 * 10**12, 3 * 10**12)


def test_expiry_removes_what_is_older_and_keeps_the_rest(storage: Blocking) -> None:
    for name in ("old", "new"):
        storage.put_attachment(ME, replace(PICTURE, id=f"sent {name}"), b"x", NOW)
        file = replace(PICTURE, id=f"sent {name}")
        first, *rest = chain(name, 3)
        storage.import_chat(ME, a_chat(name), [replace(first, attachments=(file,)), *rest], {})
        storage.put_attachment(ME, replace(PICTURE, id=f"unsent {name}"), b"x", NOW)
    storage.put_attachment(ME, replace(PICTURE, id="unsent new"), b"x", later(20))
    storage.update_chat(ME, "old", {"deleted": later(5)})
    storage.update_chat(ME, "new", {"deleted": later(15)})
    storage.add_run(ME, a_run("of chat", chat="old", state="SUCCESS", ended=later(99)))
    storage.add_run(ME, a_run("ended", state="FAILURE", ended=later(5)))
    storage.add_run(ME, a_run("ended later", state="FAILURE", ended=later(15)))
    storage.add_run(ME, a_run("waiting", state="PENDING"))
    for seconds in (5, 15):
        storage.add_events(ME, [("a", "{}")], origin="p", at=later(seconds))
    cut = later(10)
    expired = storage.expire(
        deleted_before=cut, runs_before=cut, events_before=cut, unused_before=cut
    )
    assert expired == Expired(chats=1, attachments=2, runs=2, events=1)
    assert storage.get_chat(ME, "new").messages == 3
    assert {run.id for run in storage.list_runs(ME, limit=9)} == {"ended later", "waiting"}
    assert [event.seq for event in storage.events_after(0)] == [storage.last_event()]
    for name in ("sent old", "unsent old"):
        with pytest.raises(NotFound):
            storage.get_attachment(ME, name)
    storage.get_attachment(ME, "sent new")
    storage.get_attachment(ME, "unsent new")
    storage.update_chat(ME, "new", {"deleted": None})
    found = storage.search(ME, "message", chat=None, limit=9)
    assert {hit.chat for hit in found} == {"new"}
    far = later(0) + timedelta(days=9)
    storage.expire(deleted_before=far, runs_before=far, events_before=far, unused_before=far)
    assert storage.last_event() == 2


def test_statistics_count_one_owner_or_all_without_deleted_chats(storage: Blocking) -> None:
    storage.import_chat(ME, a_chat("mine"), chain("mine", 3), {})
    storage.import_chat(ME, a_chat("gone", deleted=NOW), chain("gone", 3), {})
    storage.import_chat("you", a_chat("yours"), chain("yours", 2), {})
    storage.add_run("you", a_run())
    mine, all_ = storage.statistics(ME), storage.statistics()
    assert (mine.chats, mine.messages, mine.runs) == (1, 3, 0)
    assert (all_.chats, all_.messages, all_.runs) == (2, 5, 1)


def test_optimising_changes_nothing_that_can_be_read(storage: Blocking) -> None:
    told(storage, 1, None, "needle")
    before = storage.tree(ME, "chat")
    storage.optimise()
    assert storage.tree(ME, "chat") == before
    assert len(storage.search(ME, "needle", chat=None, limit=5)) == 1
