"""Reminders and their firings, on every storage: kept, changed by whoever comes first, found."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.reminders import a_firing, a_row, moved
from tests.support.storages import BACKENDS, ME, NOW, Blocking, a_chat, backend, later
from worker.contract.errors import Conflict, NotFound
from worker.storage.reminders import ReminderChange

DAY = 86_400


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as made:
        yield made


def fire(storage: Blocking, name: str = "r", firing: str = "f", **values: object) -> None:
    """The reminder `name` is due once, and no more."""
    row = storage.get_reminder(ME, name)
    due = row.reminder.due
    storage.fire(ME, (moved(row, a_firing(firing, name, due=due, **values)),))


def names(found: object) -> list[str]:
    return [one.id for one in found]  # type: ignore[attr-defined]


# keeping ---------------------------------------------------------------------------------


def test_a_reminder_is_kept_as_it_is(storage: Blocking) -> None:
    row = a_row(
        text="Päckchen \ud800 holen",
        notes="from\0there",
        rrule="FREQ=DAILY",
        zone="Europe/Berlin",
        urgent=True,
        missed="list",
        source="cli",
        chat="c",
        uid="a@b",
    )
    assert storage.add_reminders(ME, (row,)) == ("r",)
    assert storage.get_reminder(ME, "r") == row
    with pytest.raises(NotFound):
        storage.get_reminder("you", "r")
    with pytest.raises(Conflict):
        storage.add_reminders(ME, (a_row("new"), a_row("r")))
    assert names(storage.every_reminder(ME)) == ["r"]


def test_what_a_calendar_brought_is_not_brought_twice(storage: Blocking) -> None:
    assert storage.add_reminders(ME, (a_row("a", uid="1"), a_row("b", uid="1"))) == ("a",)
    assert storage.add_reminders(ME, (a_row("c", uid="1"), a_row("d", uid="2"))) == ("d",)
    assert storage.add_reminders("you", (a_row("a", uid="1"),)) == ("a",)
    assert storage.add_reminders(ME, (a_row("e"), a_row("f"))) == ("e", "f")
    row = storage.get_reminder(ME, "a")
    gone = replace(row, reminder=replace(row.reminder, deleted=NOW))
    storage.save_reminders(ME, (ReminderChange(gone),))
    assert storage.add_reminders(ME, (a_row("g", uid="1"),)) == ("g",)


def test_a_change_of_what_somebody_changed_meanwhile_does_nothing(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row("a"), a_row("b")))
    read = storage.get_reminder(ME, "a")
    other = storage.get_reminder(ME, "b")
    first = replace(read, reminder=replace(read.reminder, text="First"))
    assert storage.save_reminders(ME, (ReminderChange(first),)) == {"a"}
    second = replace(read, reminder=replace(read.reminder, text="Second"))
    late = ReminderChange(second, (a_firing("f", "a"),))
    assert storage.save_reminders(ME, (late, ReminderChange(other))) == {"b"}
    assert storage.get_reminder(ME, "a").reminder.text == "First"
    assert storage.firings_of(ME, "a", 10) == ()


# firing ----------------------------------------------------------------------------------


def test_a_due_time_is_fired_once(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row(),))
    row = storage.get_reminder(ME, "r")
    assert names(storage.fire(ME, (moved(row, a_firing("f"), due=later(DAY)),))) == ["f"]
    # Another process read the same row.
    assert storage.fire(ME, (moved(row, a_firing("g"), due=later(DAY)),)) == ()
    assert storage.get_reminder(ME, "r").reminder.due == later(DAY)
    # And even one that reads it now cannot fire that time again, only move on.
    again = storage.get_reminder(ME, "r")
    assert storage.fire(ME, (moved(again, a_firing("h"), due=later(2 * DAY)),)) == ()
    row = storage.get_reminder(ME, "r")
    assert (row.reminder.due, names(row.open)) == (later(2 * DAY), ["f"])
    assert row.reminder.firing == a_firing("f")


def test_what_is_due_is_found_for_everybody_the_longest_due_first(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row("late", later(30)), a_row("early", later(10))))
    storage.add_reminders("you", (a_row("yours", later(20)), a_row("gone", later(5))))
    row = storage.get_reminder("you", "gone")
    gone = replace(row, reminder=replace(row.reminder, deleted=NOW))
    storage.save_reminders("you", (ReminderChange(gone),))
    assert storage.next_reminder_due() == later(10)
    assert storage.due_reminders(later(9), 10) == ()
    found = [(one.owner, one.row.reminder.id) for one in storage.due_reminders(later(30), 10)]
    assert found == [(ME, "early"), ("you", "yours"), (ME, "late")]
    assert len(storage.due_reminders(later(30), 2)) == 2


def test_an_answer_changes_the_firing_and_nothing_that_others_know_of_it(
    storage: Blocking,
) -> None:
    storage.add_reminders(ME, (a_row(),))
    fire(storage)
    row = storage.get_reminder(ME, "r")
    assert storage.take_firing(ME, "f", "p1", {"p1"})
    storage.show_firing(ME, "f", later(61))
    answered = replace(
        row.open[0], state="snoozed", answered=later(70), until=later(99), urgent=True
    )
    storage.save_reminders(ME, (ReminderChange(row, (answered,)),))
    (found,) = storage.firings_of(ME, "r", 10)
    assert found == replace(answered, shown=later(61)) != replace(row.open[0], shown=later(61))
    assert storage.open_firings(ME) == ()
    assert storage.get_reminder(ME, "r").reminder.firing is None


def test_a_firing_names_the_chat_as_long_as_that_is_there(storage: Blocking) -> None:
    storage.create_chat(ME, a_chat("c", title="About rent"))
    storage.add_reminders(ME, (a_row(chat="c"),))
    fire(storage)
    found = storage.get_firing(ME, "f")
    assert (found.chat, found.chat_title) == ("c", "About rent")
    storage.update_chat(ME, "c", {"deleted": NOW})
    found = storage.get_firing(ME, "f")
    assert (found.chat, found.chat_title) == (None, "")
    with pytest.raises(NotFound):
        storage.get_firing("you", "f")


def test_firings_are_found_by_their_names_whatever_became_of_them(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row("a"), a_row("b")))
    storage.add_reminders("you", (a_row("c"),))
    fire(storage, "a", "f", state="done", answered=later(70))
    fire(storage, "b", "g")
    row = storage.get_reminder("you", "c")
    storage.fire("you", (moved(row, a_firing("h", "c")),))
    gone = storage.get_reminder(ME, "b")
    gone = replace(gone, reminder=replace(gone.reminder, deleted=NOW))
    storage.save_reminders(ME, (ReminderChange(gone),))
    found = storage.firings_named(ME, ("f", "none", "g", "h", "f"))
    assert sorted((one.id, one.reminder, one.state) for one in found) == [
        ("f", "a", "done"),
        ("g", "b", "due"),
    ]
    assert storage.firings_named(ME, ()) == ()


# telling ---------------------------------------------------------------------------------


def test_one_living_process_tells_a_firing(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row(),))
    fire(storage)
    assert storage.take_firing(ME, "f", "p1", {"p1", "p2"})
    assert not storage.take_firing(ME, "f", "p2", {"p1", "p2"})
    assert not storage.take_firing(ME, "f", "p1", {"p1", "p2"})
    assert storage.take_firing(ME, "f", "p2", {"p2"})  # p1 was killed
    assert storage.show_firing(ME, "f", later(61)).shown == later(61)
    assert storage.show_firing(ME, "f", later(99)).shown == later(61)
    assert not storage.take_firing(ME, "f", "p3", {"p3"})
    with pytest.raises(NotFound):
        storage.show_firing(ME, "nothing", NOW)


@pytest.mark.parametrize("values", [{"state": "held"}, {"state": "done"}, {"silent": True}])
def test_what_nobody_is_to_be_told_is_not_taken(
    storage: Blocking, values: dict[str, object]
) -> None:
    storage.add_reminders(ME, (a_row(),))
    fire(storage, **values)
    assert not storage.take_firing(ME, "f", "p1", {"p1"})
    assert not storage.take_firing("you", "f", "p1", {"p1"})


def test_firings_of_a_deleted_reminder_wait_for_nobody(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row(),))
    fire(storage, state="held")
    assert storage.held_firings() == ((ME, "f"),)
    row = storage.get_reminder(ME, "r")
    storage.save_reminders(
        ME, (ReminderChange(replace(row, reminder=replace(row.reminder, deleted=NOW))),)
    )
    assert (storage.open_firings(ME), storage.held_firings()) == ((), ())
    assert storage.count_reminders(ME, later(DAY)).open == 0
    assert storage.reminders_of(ME, ("f",)) == ()
    assert not storage.take_firing(ME, "f", "p1", {"p1"})


def test_takes_of_a_replaced_database_are_forgotten(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row("a"), a_row("b")))
    fire(storage, "a", "f")
    fire(storage, "b", "g")
    for name in ("f", "g"):
        storage.take_firing(ME, name, "p1", {"p1"})
    storage.show_firing(ME, "g", NOW)
    storage.forget_takes()
    assert storage.take_firing(ME, "f", "p1", {"p1"})
    assert not storage.take_firing(ME, "g", "p1", {"p1"})


# lists -----------------------------------------------------------------------------------


def test_views_are_in_their_order(storage: Blocking) -> None:
    due = {"soon": 10, "later": 20, "told": 5, "held": 6, "late": 4, "ended": 3, "old": 2}
    storage.add_reminders(ME, [a_row(name, later(at)) for name, at in due.items()])
    fire(storage, "told", "f1")
    fire(storage, "held", "f2", state="held")
    fire(storage, "late", "f3", state="missed")
    for name, at in (("ended", 50), ("old", 40)):
        row = storage.get_reminder(ME, name)
        after = replace(row, reminder=replace(row.reminder, due=None, done=later(at)))
        storage.save_reminders(ME, (ReminderChange(after),))
    upcoming = ["told", "held", "soon", "later"]
    assert names(storage.list_reminders(ME, "upcoming", "", 10, 0)) == upcoming
    for offset in range(5):
        page = names(storage.list_reminders(ME, "upcoming", "", 2, offset))
        assert page == upcoming[offset : offset + 2]
    assert names(storage.list_reminders(ME, "done", "", 10, 0)) == ["ended", "old"]
    assert names(storage.list_reminders(ME, "missed", "", 10, 0)) == ["late"]
    assert storage.list_reminders("you", "upcoming", "", 10, 0) == ()


def test_missed_ones_are_listed_by_their_latest_time(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row("a", later(10)), a_row("b", later(20))))
    fire(storage, "a", "f1", state="missed")
    fire(storage, "b", "f2", state="missed")
    row = storage.get_reminder(ME, "a")
    storage.fire(ME, (moved(row, a_firing("f3", "a", due=later(30), state="missed")),))
    assert names(storage.list_reminders(ME, "missed", "", 10, 0)) == ["a", "b"]
    assert storage.get_reminder(ME, "a").reminder.firing.id == "f3"


def test_every_word_is_looked_for_in_text_and_notes(storage: Blocking) -> None:
    storage.add_reminders(
        ME,
        (
            a_row("a", text="Käse kaufen", notes="im Laden"),
            a_row("b", text="100% sure_thing"),
            a_row("c", text="東京"),
        ),
    )
    for query, wanted in (
        ("kase LADEN", ["a"]),
        ("käse garten", []),
        ("100%", ["b"]),
        ("sure_", ["b"]),
        ("%", ["b"]),
        ("京", ["c"]),
        (" ", ["a", "b", "c"]),
    ):
        assert names(storage.list_reminders(ME, "upcoming", query, 10, 0)) == wanted, query


def test_counts_tell_what_is_to_come_and_what_waits(storage: Blocking) -> None:
    storage.add_reminders(
        ME,
        (
            a_row("a", later(10)),
            a_row("b", later(20)),
            a_row("c", later(30), rrule="FREQ=DAILY"),
            a_row("d", later(DAY)),
            a_row("e", later(5)),
            a_row("f", later(6)),
        ),
    )
    fire(storage, "e", "f1")
    fire(storage, "f", "f2", state="missed")
    found = storage.count_reminders(ME, later(DAY))
    assert (found.once, names(found.recurring), found.open, found.missed) == (2, ["c"], 2, 1)


# whole -----------------------------------------------------------------------------------


def test_old_firings_and_deleted_reminders_expire(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row("a"), a_row("gone"), a_row("waits")))
    for number in range(4):
        row = storage.get_reminder(ME, "a")
        firing = a_firing(
            f"f{number}", "a", due=later(number), state="done", answered=later(number)
        )
        storage.fire(ME, (moved(row, firing, due=later(DAY)),))
    fire(storage, "gone", "g")
    row = storage.get_reminder(ME, "gone")
    storage.save_reminders(
        ME, (ReminderChange(replace(row, reminder=replace(row.reminder, deleted=later(1)))),)
    )
    nothing = storage.expire_reminders(deleted_before=NOW, answered_before=NOW, keep=2)
    assert (nothing.reminders, nothing.firings) == (0, 0)
    gone = storage.expire_reminders(deleted_before=later(2), answered_before=later(1), keep=2)
    assert (gone.reminders, gone.firings) == (1, 2)
    assert names(storage.firings_of(ME, "a", 10)) == ["f3", "f2", "f1"]
    assert names(storage.firings_of(ME, "a", 1)) == ["f3"]
    with pytest.raises(NotFound):
        storage.get_reminder(ME, "gone")


def test_reminders_are_counted_and_deleted_with_everything(storage: Blocking) -> None:
    storage.add_reminders(ME, (a_row("a"), a_row("b")))
    storage.add_reminders("you", (a_row("a"),))
    fire(storage, "a")
    assert (storage.statistics(ME).reminders, storage.statistics().reminders) == (2, 3)
    storage.delete_all(ME)
    assert storage.statistics().reminders == 1
    assert storage.open_firings(ME) == ()
    assert storage.get_reminder("you", "a").reminder.id == "a"
