"""A process may die between any two statements: the file is right after each of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "darwin", reason="each life is a fork"
)
def test_death_at_any_statement_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.contract.broker_crash", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    moments = int(done.stdout.split()[0])
    assert moments > 70
