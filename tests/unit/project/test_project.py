"""What the project says about itself in several places is the same everywhere."""

import re
import tomllib
from pathlib import Path

import nagatha_desktop.app
import worker

ROOT = Path(__file__).parents[3]


def test_the_version_is_the_same_wherever_it_stands() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == worker.__version__ == nagatha_desktop.app.VERSION


def test_every_link_in_the_documentation_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_that_the_documentation_names_exist() -> None:
    from worker.cli.main import main

    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    named = set(re.findall(r"^\s*nagatha ([a-z]+)", text, re.MULTILINE))
    assert named
    assert named <= set(main.commands)
