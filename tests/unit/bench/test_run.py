"""That `make bench` tells a kept bound from a missed one and goes on after a failure."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.bench import run
from tests.bench.figure import Figure


def bench(name: str, *figures: Figure, error: Exception | None = None) -> ModuleType:
    module = ModuleType(f"tests.bench.bench_{name}")
    module.NAME = name.title()  # type: ignore[attr-defined]

    def measure(quick: bool) -> list[Figure]:
        if error is not None:
            raise error
        return list(figures)

    module.measure = measure  # type: ignore[attr-defined]
    return module


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The benches' folder is empty and the results go to this one."""
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(run, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def offer(module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f"{module.__name__.rpartition('.')[2]}.py").touch()
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.parametrize(
    ("value", "at_most", "kept"),
    [(1.0, True, True), (1.1, True, False), (0.9, False, False), (float("nan"), True, False)],
)
def test_figure_when_compared_with_its_bound_then_it_says_whether_it_keeps_it(
    value: float, at_most: bool, kept: bool
) -> None:
    assert Figure("f", value, "ms", 1.0, at_most).kept is kept


def test_bench_when_a_bound_is_missed_then_it_exits_with_1(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(bench("slow", Figure("start", 2.5, "times", 2.0)), results.parent, monkeypatch)
    offer(bench("fine", Figure("tokens", 0.95, "of raw", 0.9, False)), results.parent, monkeypatch)
    offer(bench("torn", error=OSError("no disk")), results.parent, monkeypatch)

    assert run.main(["--quick"]) == 1

    out = capsys.readouterr().out
    assert "miss" in out and "pass" in out and "no disk" in out
    document = json.loads((results / "bench.json").read_text())
    assert [entry["name"] for entry in document["benches"]] == ["Fine", "Slow", "Torn"]
    assert [entry["figures"][0]["kept"] for entry in document["benches"][:2]] == [True, False]
    table = (results / "bench.md").read_text().splitlines()
    assert table[2] == "| Fine | tokens | 0.95 of raw | ≥ 0.9 of raw | pass |  |"


def test_bench_when_all_bounds_are_kept_then_it_exits_with_0(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(bench("torn", error=OSError("no disk")), results.parent, monkeypatch)
    offer(bench("fine", Figure("a", 1, "ms", 2), Figure("b", 9, "ms")), results.parent, monkeypatch)
    assert run.main(["--only", "fine"]) == 0


def test_bench_when_an_unknown_one_is_asked_for_then_it_names_the_known(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(bench("fine"), results.parent, monkeypatch)
    assert run.main(["--only", "fien"]) == 2
    assert "There are: fine" in capsys.readouterr().out


def test_bench_when_it_measures_nothing_then_that_is_a_failure(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(bench("idle"), results.parent, monkeypatch)
    assert run.main([]) == 1


@pytest.mark.parametrize(
    ("number", "text"), [(0.00123, "0.00123"), (45.62, "45.6"), (11900.4, "11,900"), (3, "3")]
)
def test_shown_when_given_a_number_then_three_digits_count(number: float, text: str) -> None:
    assert run.shown(number) == text
