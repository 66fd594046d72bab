"""The comparison of foreign tests on two brokers."""

import json
from pathlib import Path

import pytest

from tests.peer.outcomes import (
    MISSING,
    Exceptional,
    Outcome,
    after_second_try,
    compare,
    counted,
    load_exceptions,
    read_exceptions,
    read_log,
)
from tests.peer.parts import HERE

PASSED, FAILED, SKIPPED = Outcome("passed"), Outcome("failed", "no"), Outcome("skipped", "why")


def log(*entries: object) -> list[str]:
    return [json.dumps(entry) for entry in entries]


def ran(test: str, outcome: str) -> list[object]:
    told = {"test": test, "outcome": outcome, "message": "said"}
    return [{"begun": test}, told, {"ended": test}]


class TestLog:
    def test_each_outcome_is_read_and_what_never_began_is_missing(self) -> None:
        entries = [{"collected": ["a", "b", "c"]}, *ran("a", "passed"), *ran("b", "skipped")]
        found = read_log(log(*entries))
        assert found == {
            "a": Outcome("passed", "said"),
            "b": Outcome("skipped", "said"),
            "c": MISSING,
        }

    def test_test_that_took_its_process_with_it_failed(self) -> None:
        found = read_log(log({"collected": ["a", "b"]}, *ran("a", "passed"), {"begun": "b"}))
        assert found["a"].name == "passed"
        assert found["b"].name == "failed"

    def test_test_that_passes_and_fails_while_it_is_torn_down_failed(self) -> None:
        torn = {"test": "a", "outcome": "failed", "message": "left open"}
        found = read_log(log({"collected": ["a"]}, *ran("a", "passed"), torn))
        assert found == {"a": Outcome("failed", "left open")}

    def test_line_that_was_cut_off_is_left_out(self) -> None:
        lines = log({"collected": ["a"]}, *ran("a", "passed"))
        assert read_log([*lines, '{"begun": "b']) == {"a": Outcome("passed", "said")}


class TestSecondTry:
    def test_test_that_passes_alone_passed_and_says_so(self) -> None:
        assert after_second_try(FAILED, PASSED) == Outcome("passed", second_try=True)

    @pytest.mark.parametrize("again", [FAILED, SKIPPED, MISSING])
    def test_test_that_does_not_pass_alone_either_failed(self, again: Outcome) -> None:
        assert after_second_try(FAILED, again) == FAILED


class TestComparison:
    def test_equal_outcomes_hold_and_differ_in_nothing(self) -> None:
        outcomes = {"a": PASSED, "b": FAILED, "c": SKIPPED}
        verdict = compare(outcomes, dict(outcomes))
        assert verdict.holds
        assert not (verdict.worse or verdict.better or verdict.other or verdict.second_tries)

    @pytest.mark.parametrize("here", [FAILED, SKIPPED, MISSING])
    def test_test_that_passes_on_redis_has_to_pass_here(self, here: Outcome) -> None:
        verdict = compare({"a": PASSED}, {"a": here})
        assert [pair.test for pair in verdict.worse] == ["a"]
        assert not verdict.holds

    def test_test_that_was_not_even_collected_here_is_worse(self) -> None:
        assert not compare({"a": PASSED, "b": PASSED}, {"a": PASSED}).holds

    @pytest.mark.parametrize("there", [FAILED, SKIPPED, MISSING])
    def test_test_that_fails_on_redis_too_is_no_matter_unless_it_must_pass(
        self, there: Outcome
    ) -> None:
        redis, here = {"a": PASSED, "ttl": there}, {"a": PASSED, "ttl": FAILED}
        assert compare(redis, here).holds
        assert not compare(redis, here, must_pass=lambda test: test == "ttl").holds

    def test_test_that_passes_here_only_is_shown(self) -> None:
        verdict = compare({"a": PASSED, "b": FAILED}, {"a": PASSED, "b": PASSED})
        assert verdict.holds
        assert [pair.test for pair in verdict.better] == ["b"]

    def test_exception_with_a_reason_excuses_its_test_only(self) -> None:
        redis, here = {"a": PASSED, "b": PASSED}, {"a": FAILED, "b": FAILED}
        verdict = compare(redis, here, [Exceptional("a", "because")])
        assert [pair.test for pair in verdict.excused] == ["a"]
        assert [pair.test for pair in verdict.worse] == ["b"]

    def test_exception_that_passes_is_complained_of(self) -> None:
        verdict = compare({"a": PASSED}, {"a": PASSED}, [Exceptional("a", "because")])
        assert not verdict.holds

    def test_exception_that_races_may_pass_or_fail(self) -> None:
        races = [Exceptional("a", "because", races=True)]
        assert compare({"a": PASSED}, {"a": PASSED}, races).holds
        assert compare({"a": PASSED}, {"a": FAILED, "b": PASSED}, races).holds
        assert not compare({"b": PASSED}, {"b": PASSED}, races).holds

    def test_exception_for_no_test_is_complained_of_when_everything_ran(self) -> None:
        exceptions = [Exceptional("gone", "because")]
        assert not compare({"a": PASSED}, {"a": PASSED}, exceptions).holds
        assert compare({"a": PASSED}, {"a": PASSED}, exceptions, whole=False).holds

    def test_comparison_with_nothing_does_not_hold(self) -> None:
        assert not compare({}, {}).holds
        assert not compare({"a": FAILED}, {"a": PASSED}).holds

    def test_second_tries_on_either_side_are_named(self) -> None:
        again = Outcome("passed", second_try=True)
        verdict = compare({"a": again, "b": PASSED}, {"a": PASSED, "b": again})
        assert verdict.holds
        assert [pair.test for pair in verdict.second_tries] == ["a", "b"]

    def test_counts_have_a_place_for_every_outcome(self) -> None:
        counts = counted({"a": PASSED, "b": PASSED, "c": MISSING})
        assert counts == {"passed": 2, "failed": 0, "skipped": 0, "missing": 1}


class TestExceptions:
    def test_exceptions_are_read_with_their_reasons(self) -> None:
        text = '[[exception]]\ntest = "a"\nreason = "because"\n'
        assert read_exceptions(text) == (Exceptional("a", "because"),)
        assert read_exceptions("# none\n") == ()
        assert read_exceptions(text + "races = true\n")[0].races

    @pytest.mark.parametrize(
        "text", ['[[exception]]\ntest = "a"\n', '[[exception]]\nreason = "b"\n', "[[exception"]
    )
    def test_exception_without_a_test_or_a_reason_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="exception"):
            read_exceptions(text)

    def test_exceptions_of_the_project_can_be_read(self) -> None:
        listed = load_exceptions(Path(HERE) / "exceptions.toml")
        assert len({exception.test for exception in listed}) == len(listed)
