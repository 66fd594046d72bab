"""The file that people copy from says what the program does."""

from importlib.resources import files
from pathlib import Path

import yaml

from worker.config import KEYS, Settings, load
from worker.paths import Paths


def test_the_defaults_file_has_every_setting_at_its_default(tmp_path: Path) -> None:
    text = (files("resources.defaults") / "config.yaml").read_text()
    paths = Paths.under(tmp_path)
    paths.config.write_text(text)
    loaded = load(paths, {}, tmp_path / "nowhere")
    assert loaded.problems == ()
    assert loaded.settings == Settings.of()
    named = {
        f"{section}.{name}" for section, names in yaml.safe_load(text).items() for name in names
    }
    assert named == set(KEYS)


def test_the_example_of_a_provider_is_right(tmp_path: Path) -> None:
    text = (files("resources.defaults") / "config.yaml").read_text()
    example = text[text.index("# providers:") :]
    paths = Paths.under(tmp_path)
    paths.config.write_text("\n".join(line.removeprefix("# ") for line in example.splitlines()))
    loaded = load(paths, {}, tmp_path / "nowhere")
    assert loaded.problems == ()
    assert [provider.id for provider in loaded.providers] == ["ollama"]
