"""What runs by itself and what waits for the person's word, in the real program: over kill -9, and
with a second process on the same data."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_program import Screen, answers, model, program
from tests.support.command import Nagatha
from tests.support.desktop import Desktop, desktop
from tests.support.engines import module
from tests.support.mailing import MAILING, calling, sent
from tests.support.model_server import Behaviour, ModelServer
from tests.support.processes import kill, started, wait_until
from worker.paths import Paths

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs X11")]

_TIMES = """select routines.id, occurrences.state, occurrences.result, runs.state, runs.attempts
    from occurrences join routines on routines.seq = occurrences.routine
    left join runs on runs.id = occurrences.run"""
_OPEN = "select id from approvals where verdict is null"
LEADS = (8, 60)
"""Seconds from now at which something is to run: more where the machine was slow to take it."""


@pytest.fixture
def desk(nagatha_home: Path, tmp_path: Path) -> Iterator[Desktop]:
    with desktop(tmp_path / "desktop", tray=True) as made:
        module(Path(made.env["NAGATHA_HOME"]), "mailing", MAILING)
        yield made


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def environ(models: ModelServer) -> dict[str, str]:
    return {**model(models), "NAGATHA_CHAT_AUTOMATIC_TITLES": "false"}


def command(desk: Desktop, models: ModelServer) -> Nagatha:
    """The command line on the desktop's data."""
    return Nagatha.on(Path(desk.env["NAGATHA_HOME"]), models)


def waiting(desk: Desktop, models: ModelServer) -> list[dict[str, Any]]:
    """What `nagatha approvals` lists."""
    listed: Any = command(desk, models).json("approvals", "list")
    return list(listed)


def kept(desk: Desktop, question: str, *values: str) -> list[Any]:
    """What the data folder has."""
    path = Paths.under(Path(desk.env["NAGATHA_HOME"])).database
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(question, values).fetchall()


def works(desk: Desktop, models: ModelServer) -> bool:
    """Waits until the program does background work: its modules are there by then."""
    queued: Any = command(desk, models).json("run", "echo_bot.ping")
    state = "select state from runs where id = ?"
    done = [("SUCCESS",)]
    return wait_until(lambda: kept(desk, state, queued["task_id"]) == done, "the program works")


def asks_on_the_tray(desk: Desktop) -> bool:
    assert desk.tray is not None
    entries = desk.tray.menu(desk.tray.wait_for_item()).all()
    return any("Approvals" in entry.label and "1" in entry.label for entry in entries)


def allow_by_command(desk: Desktop, models: ModelServer, screen: Screen, name: str) -> None:
    told: Any = command(desk, models).json("approvals", "allow", name[:8])
    assert told["verdict"] == "once"


def allow_in_the_window(desk: Desktop, models: ModelServer, screen: Screen, name: str) -> None:
    wait_until(lambda: asks_on_the_tray(desk), "the tray says that something waits")
    assert desk.tray is not None
    entries = desk.tray.menu(desk.tray.wait_for_item()).all()
    (entry,) = [one for one in entries if "Approvals" in one.label]
    screen.focus(screen.wait_for("Nagatha$"))
    desk.tray.click(desk.tray.wait_for_item(), entry.label)

    def allowed() -> bool:
        # The entry gives the keyboard to the card once it is there; elsewhere Enter does nothing.
        screen.press("Return")
        return not kept(desk, _OPEN)

    wait_until(allowed, "Enter on the card allows it")


@pytest.mark.parametrize("allow", [allow_by_command, allow_in_the_window])
def test_a_call_that_waits_survives_kill_9_and_is_made_once_when_it_is_allowed(
    desk: Desktop, models: ModelServer, tmp_path: Path, allow: Any
) -> None:
    screen, file = Screen(desk), tmp_path / "mails"
    models.queue(calling(file))
    with program(desk, **environ(models)) as process:
        window = screen.wait_for("Nagatha$")
        assert works(desk, models)
        screen.focus(window)
        screen.type("Mail Ann")
        screen.press("Return")
        wait_until(lambda: kept(desk, _OPEN), "the call waits")
        kill(process)
    assert sent(file) == []
    models.queue(Behaviour(text="It said: "))
    with program(desk, **environ(models)) as process:
        screen.wait_for("Nagatha$")
        (waits,) = waiting(desk, models)
        assert (waits["tool"], waits["arguments"]["to"]) == ("mailing.send", "Ann")
        assert [state for state, _ in answers(desk)] == ["streaming"] and sent(file) == []
        allow(desk, models, screen, waits["id"])
        wait_until(
            lambda: answers(desk) == [("complete", "It said: Sent to Ann")],
            "the answer is completed",
        )
        assert sent(file) == ["Ann"] and waiting(desk, models) == []
        process.terminate()
        assert process.wait(60) == 0
    assert sent(file) == ["Ann"] and len(models.completions) == 2


def test_a_routine_from_the_terminal_runs_once_with_the_program_and_a_worker_on_the_same_data(
    desk: Desktop, models: ModelServer
) -> None:
    nagatha = command(desk, models)
    everything = {**desk.env, **environ(models)}
    log = desk.folder / "worker.log"
    with ExitStack() as stack:
        process = stack.enter_context(program(desk, "--hidden", **environ(models)))
        assert desk.tray is not None
        desk.tray.wait_for_item()
        assert works(desk, models)
        worker = stack.enter_context(started(nagatha.command("worker"), env=everything, log=log))
        wait_until(lambda: "Working on" in log.read_text(errors="replace"), "the worker works")
        made = scheduled(nagatha)
        # Stored by one process, run by one of two others.
        titles = kept(desk, "select id, source, title from routines")
        assert titles == [(made, "cli", "Hello")]
        wait_until(lambda: [1 for one in kept(desk, _TIMES) if one[1] == "done"], "it ran", 120)
        for each in (process, worker):
            assert each.poll() is None
            each.terminate()
            each.wait(60)
    ((routine, state, result, run, attempts),) = kept(desk, _TIMES)
    assert (routine, state, run, attempts) == (made, "done", "SUCCESS", 1)
    assert result and len(answers(desk)) == 1 and len(models.completions) == 1
    history: Any = nagatha.json("schedule", "history", made)
    assert [one["state"] for one in history] == ["done"]


def scheduled(nagatha: Nagatha) -> str:
    """A routine that is due once, in a moment; its id."""
    for lead in LEADS:
        at = datetime.now(UTC) + timedelta(seconds=lead)
        start = at.replace(tzinfo=None, microsecond=0).isoformat()
        ran = nagatha.run("schedule", "add", "Hello", "--at", start, "--zone", "UTC", "--json")
        if ran.code == 0:
            break
    made: Any = ran.document
    assert ran.code == 0 and len(made["next"]) == 1, ran
    return str(made["id"])
