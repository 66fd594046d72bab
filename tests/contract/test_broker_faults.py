"""Processes of one file are killed at random moments: nothing is lost, and what repeats is known.

`make soak` does the same for as long as one says.
"""

import os
import random
import sys
from pathlib import Path

import pytest

from tests.soak import faults

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "darwin",
    reason="the processes are forks of one that has imported everything",
)


def test_1500_tasks_in_processes_that_are_killed_at_random_are_all_done_and_none_for_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    report = faults.run(tmp_path, seed, 1500, workers=2, pause=0.25)
    with capsys.disabled():
        print(f"\n{report}")
    assert report.wrong == []
    assert report.lost == 0
    assert report.accepted > 1400
    assert report.blows["workers killed"] + report.blows["producers killed"] > 3
