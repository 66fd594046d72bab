"""What importing the model side costs: the SDK waits until a model is asked."""

import subprocess
import sys

HEAVY = ("openai", "httpx2", "anyio", "mcp", "sqlalchemy", "celery", "PySide6")
MODULES = (
    "worker.agent.loop, worker.agent.title, worker.providers.openai_compatible, "
    "worker.providers.builtin, worker.providers.discover, worker.tools.builtin"
)


def _loaded(code: str) -> set[str]:
    program = f"import sys, {MODULES}\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_import_the_model_side_then_no_sdk_is_loaded() -> None:
    assert _loaded("") == set()


def test_make_a_provider_then_no_sdk_is_loaded_until_it_is_asked() -> None:
    make = "worker.providers.openai_compatible.OpenAICompatible('a', 'A', 'http://127.0.0.1/v1')"
    assert _loaded(make) == set()
    assert "openai" in _loaded("worker.providers.openai_compatible.load_sdk()")
