"""Results and chords."""

from tests.unit.broker.conftest import Clock
from worker.broker.result_store import SUCCESS, ChordPart, ResultStore


def part(number: int, chord: str = "c", task: str | None = None) -> ChordPart:
    return ChordPart(chord, task or f"task{number}", float(number), f"value{number}")


def test_value_is_given_back_as_it_was_until_it_is_deleted(results: ResultStore) -> None:
    results.put("text", "a", "STARTED", None)
    results.put("bytes", b"\0\xff", SUCCESS, None)
    assert results.get("text") == "a"
    assert results.get_many(["text", "bytes", "none"]) == {"text": "a", "bytes": b"\0\xff"}
    results.delete("text")
    results.delete("text")
    assert results.get("text") is None


def test_more_values_than_fit_in_a_statement_are_given(results: ResultStore) -> None:
    keys = [f"k{number}" for number in range(1201)]
    for key in keys:
        results.put(key, key, SUCCESS, None)
    assert results.get_many(keys) == {key: key for key in keys}


def test_success_is_not_undone_by_a_task_that_ran_twice(results: ResultStore) -> None:
    assert results.put("k", "1", "STARTED", None).stored
    assert results.put("k", "2", SUCCESS, None).stored
    assert not results.put("k", "3", "STARTED", None).stored
    assert not results.put("k", "4", "FAILURE", None).stored
    assert results.get("k") == "2"
    results.delete("k")
    assert results.put("k", "5", "STARTED", None).stored


def test_value_is_not_given_after_its_lifetime(results: ResultStore, clock: Clock) -> None:
    results.put("k", "1", SUCCESS, 10)
    results.put("kept", "1", SUCCESS, 10)
    results.expire("kept", None)
    clock.now += 10
    assert results.get("k") is None
    assert results.get("kept") == "1"
    assert results.put("k", "2", "STARTED", 10).stored
    results.expire("k", 100)
    clock.now += 50
    assert results.get("k") == "2"


def test_changes_tell_what_was_written_since(results: ResultStore) -> None:
    assert results.last_change() == 0
    results.put("a", "1", "STARTED", None)
    seen = results.last_change()
    results.put("b", "1", "STARTED", None)
    results.put("a", "2", SUCCESS, None)
    changes = results.changes_since(seen)
    assert [change.key for change in changes] == ["b", "a"]
    assert changes[-1].number == results.last_change()
    assert results.changes_since(results.last_change()) == []


def test_chord_gives_all_values_in_order_to_the_one_who_completes_it(results: ResultStore) -> None:
    results.start_chord("c", 3, None)
    assert results.join_chord(part(2), "me", None) is None
    assert results.join_chord(part(0), "me", None) is None
    assert results.join_chord(part(1), "me", None) == ["value0", "value1", "value2"]


def test_task_that_is_delivered_twice_counts_once(results: ResultStore) -> None:
    results.start_chord("c", 2, None)
    assert results.join_chord(part(0), "me", None) is None
    assert results.join_chord(part(0), "me", None) is None
    assert results.join_chord(part(1), "me", None) == ["value0", "value1"]
    assert results.join_chord(part(1), "me", None) is None


def test_one_task_in_two_places_of_a_header_counts_twice(results: ResultStore) -> None:
    results.start_chord("c", 2, None)
    assert results.join_chord(part(0, task="same"), "me", None) is None
    assert results.join_chord(part(1, task="same"), "me", None) == ["value0", "value1"]


def test_chord_that_grows_waits_for_the_additional_part(results: ResultStore) -> None:
    results.grow_chord("c")
    results.start_chord("c", 1, None)
    assert results.join_chord(part(0), "me", None) is None
    results.grow_chord("c")
    assert results.join_chord(part(1), "me", None) is None
    assert results.join_chord(part(2), "me", None) is not None


def test_parts_that_come_before_the_size_is_known_are_kept(results: ResultStore) -> None:
    assert results.join_chord(part(0), "me", None) is None
    results.start_chord("c", 2, None)
    assert results.join_chord(part(1), "me", None) == ["value0", "value1"]


def test_finished_chord_ignores_late_copies_until_it_is_applied_again(
    results: ResultStore,
) -> None:
    results.start_chord("c", 1, None)
    assert results.join_chord(part(0), "me", None) == ["value0"]
    results.finish_chord("c")
    assert results.join_chord(part(0), "me", None) is None
    results.start_chord("c", 1, None)
    assert results.join_chord(part(0), "me", None) == ["value0"]
