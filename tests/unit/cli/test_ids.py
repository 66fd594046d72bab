"""Ids are given whole or by their beginning; one that is not clear is wrong usage."""

import click
import pytest

from worker.cli.ids import SHORTEST, meant
from worker.contract.errors import InvalidInput, NotFound

KNOWN = ("abcdef11", "abcdef12", "fedcba98", "abcdef")


def of(text: str) -> str:
    return meant(text, KNOWN, "run", "nagatha jobs")


def test_the_beginning_of_an_id_is_enough_and_a_whole_one_is_itself() -> None:
    assert of("fedcba") == "fedcba98"
    assert of("abcdef12") == "abcdef12"
    assert of("abcdef") == "abcdef"


def test_a_beginning_of_several_names_them_and_ends_with_2() -> None:
    with pytest.raises(click.UsageError) as told:
        of("abcdef1")
    assert told.value.exit_code == 2
    assert "abcdef11, abcdef12" in told.value.message


def test_of_many_that_begin_so_some_are_named_and_the_rest_counted() -> None:
    many = [f"abcdef{number}" for number in range(10, 19)]
    with pytest.raises(click.UsageError, match="and 4 more"):
        meant("abcdef1", many, "chat", "nagatha chats")


@pytest.mark.parametrize("text", ["zzzzzzzz", "", "zz"])
def test_one_that_begins_none_is_not_found(text: str) -> None:
    with pytest.raises(NotFound, match="no run"):
        of(text)


def test_too_short_a_beginning_is_refused() -> None:
    with pytest.raises(InvalidInput):
        of("fedcba98"[: SHORTEST - 1])
