"""A process is seen as alive for as long as it lives, however it ends."""

import subprocess
import sys
from pathlib import Path

from worker.presence import Presence

HOLD = """
import sys, pathlib
from worker.presence import Presence
presence = Presence(pathlib.Path(sys.argv[1]), "cli").enter()
print(presence.id, presence.take("beat"), flush=True)
sys.stdin.read()
"""


def _other(folder: Path) -> tuple["subprocess.Popen[str]", str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    identifier, took = process.stdout.readline().split()
    assert took == "True"
    return process, identifier


def test_a_process_that_entered_is_alive_and_gone_when_it_left(tmp_path: Path) -> None:
    one = Presence(tmp_path, "desktop").enter()
    two = Presence(tmp_path, "worker").enter()
    assert one.living() == {one.id, two.id}
    assert one.others() == {two.id}
    two.leave()
    two.leave()
    assert one.living() == {one.id}
    one.leave()


def test_a_killed_process_is_gone_and_its_duty_is_free(tmp_path: Path) -> None:
    process, other = _other(tmp_path)
    one = Presence(tmp_path, "desktop").enter()
    try:
        assert other in one.living()
        assert one.is_taken("beat")
        assert not one.take("beat")
    finally:
        process.kill()
        process.communicate()
    assert one.living() == {one.id}
    assert not one.is_taken("beat")
    assert one.take("beat")
    assert one.take("beat")
    one.leave()


def test_a_duty_that_is_given_back_can_be_taken_by_another(tmp_path: Path) -> None:
    one = Presence(tmp_path, "desktop").enter()
    two = Presence(tmp_path, "worker").enter()
    assert one.take("beat")
    assert not two.take("beat")
    one.give_back("beat")
    assert two.take("beat")
    two.leave()
    assert one.take("beat")
    one.leave()
