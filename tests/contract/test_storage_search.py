"""What every storage promises about search."""

from collections.abc import Iterator
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
    chain,
    later,
)
from worker.storage import folding


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blocking]:
    with backend(request.param, tmp_path) as found:
        yield found


def holding(storage: Blocking, *texts: str) -> None:
    """A chat of messages with these texts, the last one the newest."""
    storage.import_chat(ME, a_chat(), chain("chat", len(texts), lambda number: texts[number]), {})


def found(storage: Blocking, query: str, limit: int = 50) -> list[str]:
    return [hit.message for hit in storage.search(ME, query, chat=None, limit=limit)]


@pytest.mark.parametrize(
    ("text", "query", "match"),
    [
        ("Hello wörld", "WORLD", "wörld"),
        ("Hello world", "wörld", "world"),
        ("decomposed cafe\u0301s", "café", "cafe\u0301"),
        ("something", "meth", "meth"),
        ("Straße", "strasse", "Straße"),
        ("Łódź", "lodz", "Łódź"),
        ("ΌΣΟΣ", "οσος", "ΌΣΟΣ"),
        ("the ﬁne print", "fine", "ﬁne"),
        ("short words", "sh", "sh"),
        ("short words", "w", "w"),
        ("東京都に住む", "京", "京"),
        ("東京都に住む", "京都", "京都"),
        ("東京都に住む", "都に住", "都に住"),
        ("한국어를 배운다", "국어", "국어"),
        ("ﾊﾝｶｸ", "ハン", "ﾊﾝ"),
        ("हिन्दी भाषा", "हिन्", "हिन्"),
        ("שָׁלוֹם", "שלום", "שָׁלוֹם"),
        ("use C++ here", "c++", "C++"),
        ("a.b.c(d)", "b.c(", "b.c("),
        ('say "quoted" words', '"quoted"', '"quoted"'),
        ("100% sure", "100%", "100%"),
        ("snake_case_name", "case_n", "case_n"),
        ("party 🎉 time", "🎉", "🎉"),
        ("soft\u00adhyphen", "softhyphen", "soft\u00adhyphen"),
        ("left \u202eright\u202c", "right", "right"),
        ("a \ud800 surrogate", "surrogate", "surrogate"),
        ("nul\0byte", "byte", "byte"),
        ("an apple \uf8ff sign", "\uf8ff", "\uf8ff"),
        ("word NEAR(other)", "near(", "NEAR("),
        ("AND OR NOT", "or not", "OR"),
    ],
)
def test_a_text_is_found(storage: Blocking, text: str, query: str, match: str) -> None:
    holding(storage, "another one", text)
    [hit] = storage.search(ME, query, chat=None, limit=5)
    assert (hit.message, hit.match) == ("chat-1", match)
    assert hit.before + hit.match + hit.after == text


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Hello world", "hello moon"),
        ("foo bar", "foobar"),
        ("foobar", "foo_bar"),
        ("inside", "si"),
        ("a- b", "-b"),
        ("東 京", "東京"),
        ("がぎぐ", "か"),
        ("anything", ""),
        ("anything", "   \n"),
        ("anything", "\0"),
        ("anything", "\u0301\u200b"),
        ("anything", "*"),
        ("anything", '"'),
        ("anything", "text:anything"),
        ("anything", "any*"),
        ("anything", "\ud800"),
        ("anything", "\ue000"),
    ],
)
def test_a_text_is_not_found(storage: Blocking, text: str, query: str) -> None:
    holding(storage, text)
    assert found(storage, query) == []


def test_a_match_far_into_a_text_whose_folding_changes_lengths_is_where_it_stands(
    storage: Blocking,
) -> None:
    text = "Straße ﬁne cafe\u0301 " * 400 + "sought cafe\u0301s" + " und ﬁn" * 200
    holding(storage, text)
    for query, match in (("sought", "sought"), ("cafés", "cafe\u0301s"), ("so", "so")):
        [hit] = storage.search(ME, query, chat=None, limit=5)
        assert hit.match == match
        assert hit.before + hit.match + hit.after in text


def test_a_hit_says_where_it_is(storage: Blocking) -> None:
    storage.import_chat(
        ME,
        a_chat(title="Title"),
        [a_question(text="x" * 300 + " " + "some " * 30 + "needle" + " more" * 60)],
        {},
    )
    [hit] = storage.search(ME, "needle", chat=None, limit=5)
    assert (hit.chat, hit.chat_title, hit.message) == ("chat", "Title", "q1")
    assert (hit.role, hit.created, hit.match) == ("user", NOW, "needle")
    assert hit.before.endswith("some ") and 10 < len(hit.before) <= 80
    assert hit.after.startswith(" more") and 10 < len(hit.after) <= 200


def test_hits_come_newest_first_and_no_more_than_asked_for(storage: Blocking) -> None:
    holding(storage, *(f"word {number}" for number in range(30)))
    storage.import_chat(
        ME, a_chat("old"), [a_question("ancient", "old", text="word", created=later(-9999))], {}
    )
    everything = [f"chat-{number}" for number in reversed(range(30))]
    assert found(storage, "word") == [*everything, "ancient"]
    assert found(storage, "word", limit=3) == everything[:3]
    assert found(storage, "word", limit=0) == []


def test_every_word_has_to_be_there_in_any_order(storage: Blocking) -> None:
    holding(storage, "red green blue", "green red", "red blue")
    assert found(storage, "green re") == ["chat-1", "chat-0"]
    assert found(storage, "blue green red") == ["chat-0"]


def test_a_search_in_one_chat_finds_nothing_of_others(storage: Blocking) -> None:
    for name in ("one", "two"):
        storage.import_chat(ME, a_chat(name), chain(name, 3), {})
    hits = storage.search(ME, "message", chat="one", limit=50)
    assert [hit.message for hit in hits] == ["one-2", "one-1", "one-0"]


def test_chats_that_are_deleted_are_not_found_until_they_are_back(storage: Blocking) -> None:
    holding(storage, *["word"] * 120)
    storage.import_chat(
        ME, a_chat("kept"), [a_question("kept", "kept", text="word", created=later(-5))], {}
    )
    storage.update_chat(ME, "chat", {"deleted": NOW})
    assert found(storage, "word", limit=5) == ["kept"]
    storage.update_chat(ME, "chat", {"deleted": None, "archived": True})
    assert len(found(storage, "word", limit=500)) == 121


def test_an_answer_is_found_once_it_is_finished(storage: Blocking) -> None:
    storage.begin_answer(
        ME,
        question=a_question(text="asked"),
        answer=an_answer(),
        run=a_run(),
        process="p1",
        chat=a_chat(),
    )
    storage.append_text(ME, "a1", 0, "needle")
    assert found(storage, "asked") == ["q1"]
    assert found(storage, "needle") == []
    ended = an_answer(text="a needle at last", state="stopped")
    storage.finish_answer(ME, ended, a_run(state="SUCCESS"))
    assert found(storage, "needle") == ["a1"]
    storage.finish_answer(ME, an_answer(text="thread", state="failed"), a_run(state="SUCCESS"))
    assert found(storage, "needle") == []
    assert found(storage, "thread") == ["a1"]


ANY_WORD = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=3, max_size=12)
ASCII_WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=3, max_size=12)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.lists(ASCII_WORD, min_size=1, max_size=6), data=st.data())
def test_every_part_of_a_word_from_three_characters_on_is_found(
    storage: Blocking, words: list[str], data: st.DataObject
) -> None:
    storage.delete_all(ME)
    holding(storage, " ".join(words))
    word = data.draw(st.sampled_from(words))
    start = data.draw(st.integers(0, len(word) - 3))
    part = word[start : data.draw(st.integers(start + 3, len(word)))]
    [hit] = storage.search(ME, part, chat=None, limit=5)
    assert hit.match.lower() == part.lower()


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.lists(ANY_WORD, min_size=1, max_size=4))
def test_every_word_of_any_script_is_found_in_either_case(
    storage: Blocking, words: list[str]
) -> None:
    storage.delete_all(ME)
    holding(storage, " ".join(words))
    for word in words:
        if folding.terms(word):  # a word of nothing but marks that are left out finds nothing
            assert found(storage, word) == ["chat-0"]
            assert found(storage, word.swapcase().swapcase()) == ["chat-0"]


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=st.text(max_size=40))
def test_any_text_is_a_valid_query(storage: Blocking, query: str) -> None:
    storage.search(ME, query, chat=None, limit=3)


def test_of_a_query_as_long_as_a_book_only_the_beginning_counts(storage: Blocking) -> None:
    holding(storage, "needle")
    query = "  needle" + " " * 20_000 + "haystack " * 1_000_000
    assert len(storage.search(ME, query, chat=None, limit=5)) == 1
