"""That the documents name what is really there."""

import re
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]


def dependencies() -> set[str]:
    """The names in pyproject.toml, without versions, extras and markers."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    named = list(project["project"]["dependencies"])
    for group in project["dependency-groups"].values():
        named += group
    return {re.match(r"[A-Za-z0-9_.-]+", entry).group() for entry in named}  # type: ignore[union-attr]


def test_dependencies_when_named_in_the_project_then_each_has_its_reason_and_no_other() -> None:
    text = (CHECKOUT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| ([a-z0-9-]+) \| \S", text, re.MULTILINE)
    assert sorted(set(explained) - {"dependency"}) == sorted(dependencies())


def test_make_help_when_read_then_every_target_is_listed() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) == set(phony[1].split())
