"""The command `nagatha` as a process, on a data folder and a model server of the test's.

Owns how it is started and its answer read.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.model_server import ModelServer

KEY = "sk-test-0123456789abcdef"
PATIENCE = 120.0
"""Seconds for one command, far above what it takes."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> object:
        """The one JSON document that it printed."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Nagatha:
    """Runs commands with one environment."""

    home: Path
    variables: Mapping[str, str]

    @classmethod
    def on(cls, home: Path, models: ModelServer | None = None, model: str = "fast") -> "Nagatha":
        """Commands on the data folder `home`; without `models` there is no provider."""
        variables = {"NAGATHA_HOME": str(home), "NAGATHA_CHAT_AUTOMATIC_TITLES": "false"}
        if models is not None:
            variables |= {
                "OPENAI_API_KEY": KEY,
                "OPENAI_BASE_URL": models.url,
                "OPENAI_MODEL": model,
            }
        return cls(home, variables)

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of a command."""
        return {**os.environ, **self.variables}

    def command(self, *arguments: str) -> list[str]:
        """What is executed."""
        return [sys.executable, "-m", "worker.cli.main", *arguments]

    def run(self, *arguments: str, stdin: str | None = None) -> Ran:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environ,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str) -> object:
        """Run a command with --json that has to succeed; its document."""
        ran = self.run(*arguments, "--json")
        assert ran.code == 0, ran
        return ran.document
