"""The example in docs/modules.md is a module that works."""

import re
from pathlib import Path

from worker.module_host.context import ModuleTaskContext, call, module_logger
from worker.module_host.discovery import OPTIONS
from worker.module_host.host import ModuleHost

PAGE = Path(__file__).parents[3] / "docs" / "modules.md"


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert found is not None
    return found[1]


def test_example_of_the_documentation_runs_as_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "weather"
    folder.mkdir()
    (folder / "__init__.py").write_text(_block("python"), "utf-8")
    (folder / "config.yaml").write_text(_block("yaml"), "utf-8")
    host = ModuleHost(tmp_path, shipped=tmp_path / "none", enabled=["weather"])
    (info,) = host.start()
    assert (info.state, info.problem, info.version) == ("on", None, "1.0.0")
    assert host.heartbeat("weather").heartbeat == {"status": "ok"}
    spec = host.spec("weather.clothes")
    assert (spec.info.max_retries, spec.info.time_limit, spec.info.tool) == (1, 60, True)
    assert "How warm it is, in °C." in str(spec.info.parameters)
    told: list[tuple[float | None, str]] = []
    context = ModuleTaskContext(
        "r1",
        module_logger("weather"),
        lambda fraction, text: told.append((fraction, text)),
        lambda: False,
        lambda prompt, system: f"asked: {prompt}",
    )
    answer = call(spec, {"degrees": "4.5", "rain": "yes"}, context)
    assert answer == "asked: What to wear at 4.5 °C in rain?"
    assert told == [(0.5, "Looking into the wardrobe")]
    host.disable("weather")


def test_documentation_names_every_option() -> None:
    page = PAGE.read_text("utf-8")
    assert [option for option in OPTIONS if f"| `{option}`" not in page] == []
