"""That the dependency rules in pyproject.toml forbid what ARCHITECTURE.md forbids, and no more.

The rules are run over a small made-up tree in the project's layout, once as it should be and once
for each way of breaking them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]

# As the architecture draws it: who imports whom, and each outside package in its room.
TREE = {
    "worker.contract.types": ["pydantic", "datetime"],
    "worker.contract.events": ["worker.contract.types"],
    "worker.broker.store": ["sqlite3"],
    "worker.broker.transport": ["worker.broker.store", "kombu", "celery"],
    "worker.runtime": ["asyncio"],
    "worker.logging": ["logging"],
    "worker.config": ["pydantic_settings", "worker.contract.types", "worker.logging"],
    "worker.secrets": ["keyring", "worker.config"],
    "worker.storage.base": ["worker.contract.types"],
    "worker.storage.sqlite.chats": ["sqlalchemy", "worker.storage.base"],
    "worker.storage.redis": ["redis", "worker.storage.base"],
    "worker.events.bus": ["worker.contract.events"],
    "worker.providers.openai_compatible": ["openai", "httpx2", "worker.secrets"],
    "worker.module_host.registry": ["worker.contract.types"],
    "worker.tools.base": ["worker.module_host.registry", "worker.contract.types"],
    "worker.agent.loop": ["worker.tools.base", "worker.providers.openai_compatible"],
    "worker.mcp.manager": ["worker.tools.base"],
    "worker.service.chats": ["worker.agent.loop", "worker.storage.base", "worker.mcp.manager"],
    "worker.engine": ["worker.service.chats", "worker.runtime", "worker.broker.store"],
    "worker.tasks.chat": ["celery", "worker.engine", "worker.service.chats"],
    "worker.celery_app": ["celery", "worker.tasks.chat", "worker.broker.transport"],
    "worker.embedded": ["celery", "worker.celery_app"],
    "worker.background": ["celery", "worker.embedded"],
    "worker.api.app": ["fastapi", "uvicorn", "worker.celery_app", "worker.engine"],
    "worker.cli.main": ["click", "rich", "worker.api.app", "worker.embedded"],
    "modules.ai": ["worker.contract.types", "modules.ai.texts", "yaml"],
    "modules.ai.texts": [],
    "modules.echo_bot": ["worker.contract.types"],
    "nagatha_desktop.platform.hotkey": ["PySide6", "Xlib"],
    "nagatha_desktop.client.base": ["worker.contract.types"],
    "nagatha_desktop.client.local": ["worker.engine", "worker.embedded"],
    "nagatha_desktop.client.remote": ["httpx2", "nagatha_desktop.client.base"],
    "nagatha_desktop.bridge": ["PySide6", "nagatha_desktop.client.base"],
    "nagatha_desktop.widgets.theme": ["PySide6", "qtawesome", "pygments", "worker.contract.types"],
    "nagatha_desktop.chat.window": ["nagatha_desktop.widgets.theme", "nagatha_desktop.bridge"],
    "nagatha_desktop.settings.dialog": [
        "nagatha_desktop.widgets.theme",
        "nagatha_desktop.platform.hotkey",
    ],
    "nagatha_desktop.tray": ["PySide6", "nagatha_desktop.platform.hotkey"],
    "nagatha_desktop.app": [
        "nagatha_desktop.tray",
        "nagatha_desktop.chat.window",
        "nagatha_desktop.client.local",
        "worker.engine",
    ],
    "nagatha_desktop.__main__": ["nagatha_desktop.app"],
}

# importer, imported, the words that tell the rule which forbids it
FORBIDDEN = [
    ("worker.service.chats", "worker.tasks.chat", "engine is built in layers"),
    ("worker.service.chats", "worker.engine", "engine is built in layers"),
    ("worker.storage.base", "worker.service.chats", "engine is built in layers"),
    ("worker.agent.loop", "worker.mcp.manager", "engine is built in layers"),
    ("worker.storage.base", "worker.events.bus", "engine is built in layers"),
    ("worker.attic", "json", "engine is built in layers"),
    ("nagatha_desktop.widgets.theme", "nagatha_desktop.chat.window", "desktop is built in layers"),
    ("nagatha_desktop.chat.window", "nagatha_desktop.tray", "desktop is built in layers"),
    ("nagatha_desktop.client.base", "nagatha_desktop.bridge", "desktop is built in layers"),
    ("nagatha_desktop.attic", "json", "desktop is built in layers"),
    ("worker.engine", "nagatha_desktop.client.base", "knows no desktop"),
    ("worker.module_host.registry", "modules.ai", "knows no desktop"),
    ("worker.contract.types", "yaml", "contract knows the standard library"),
    ("worker.contract.types", "worker.logging", "contract knows the standard library"),
    ("worker.broker.store", "worker.logging", "the bundled broker"),
    ("worker.broker.store", "worker.contract.types", "the bundled broker"),
    ("worker.runtime", "worker.contract.types", "the loop thread and the logs"),
    ("worker.logging", "worker.runtime", "the loop thread and the logs"),
    ("modules.ai", "worker.service.chats", "A module knows the contract"),
    ("modules.ai", "modules.echo_bot", "A module knows the contract"),
    ("modules.ai", "celery", "Celery stays"),
    ("modules.ai", "sqlalchemy", "database is the storage's"),
    ("modules.ai", "PySide6.QtCore", "Qt stays"),
    ("nagatha_desktop.bridge", "worker.engine", "desktop knows the engine by its contract"),
    ("nagatha_desktop.client.remote", "worker.api.app", "desktop knows the engine by its contract"),
    ("nagatha_desktop.platform.hotkey", "worker.contract.types", "platform stands beside"),
    ("nagatha_desktop.platform.hotkey", "nagatha_desktop.bridge", "platform stands beside"),
    ("worker.cli.main", "PySide6.QtCore", "Qt stays"),
    ("worker.service.chats", "celery.result", "Celery stays"),
    ("worker.engine", "kombu", "Celery stays"),
    ("worker.agent.loop", "openai", "Talking to models"),
    ("worker.service.chats", "httpx2", "HTTP is spoken"),
    ("worker.service.chats", "fastapi", "HTTP is served"),
    ("worker.service.chats", "sqlalchemy", "database is the storage's"),
    ("worker.service.chats", "redis.asyncio", "Redis is spoken"),
    ("worker.service.chats", "rich", "command line stays"),
    ("nagatha_desktop.settings.dialog", "keyring", "Keys are fetched"),
    ("worker.runtime", "pytest", "What tests need"),
]


def plant(folder: Path, tree: dict[str, list[str]]) -> None:
    """Writes these modules with these imports, and the packages around them."""
    for module, imports in tree.items():
        is_package = any(other.startswith(f"{module}.") for other in tree)
        parts = module.split(".")
        for depth in range(1, len(parts)):
            package = folder.joinpath(*parts[:depth])
            package.mkdir(exist_ok=True)
            (package / "__init__.py").touch()
        path = folder.joinpath(*parts)
        path = path / "__init__.py" if is_package else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"import {name}\n" for name in imports))


def broken_rules(folder: Path) -> tuple[int, str]:
    """What the rules say of the tree in `folder`: exit code and report."""
    command = [sys.executable, CHECKOUT / ".ci" / "rules.py", "--no-cache"]
    done = subprocess.run(
        [*command, "--config", CHECKOUT / "pyproject.toml"],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_rules_when_the_tree_is_as_drawn_then_all_are_kept(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    status, report = broken_rules(tmp_path)
    assert status == 0, report
    assert " 0 broken" in report


@pytest.mark.parametrize(("importer", "imported", "rule"), FORBIDDEN)
def test_rules_when_an_import_goes_the_wrong_way_then_its_rule_is_broken(
    importer: str, imported: str, rule: str, tmp_path: Path
) -> None:
    plant(tmp_path, {**TREE, importer: [*TREE.get(importer, []), imported]})
    status, report = broken_rules(tmp_path)
    assert status == 1, report
    broken = [line for line in report.splitlines() if line.endswith("BROKEN")]
    assert any(rule in line for line in broken), report
