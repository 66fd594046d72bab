"""Background work on the command line: real processes on one data folder."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.command import Nagatha


def test_jobs_are_listed_told_run_again_and_cancelled(nagatha_home: Path) -> None:
    nagatha = Nagatha.on(nagatha_home)
    done: Any = nagatha.json("run", "echo_bot.reverse", "text=abc", "--wait")
    queued: Any = nagatha.json("run", "echo_bot.echo", "text=later")
    listed: Any = nagatha.json("jobs")
    assert [one["id"] for one in listed] == [queued["task_id"], done["task_id"]]
    (found,) = _list(nagatha.json("jobs", "--search", "reverse ABC"))
    assert found["id"] == done["task_id"]
    short = done["task_id"][:6]
    told = nagatha.run("jobs", short)
    assert told.code == 0
    assert "echo_bot.reverse: SUCCESS" in told.out and "Ended well" in told.out
    again: Any = nagatha.json("retry", short)
    assert (again["status"], again["arguments"]) == ("pending", {"text": "abc"})
    cancelled: Any = nagatha.json("cancel", again["id"])
    assert cancelled["state"] == "REVOKED"
    ran = nagatha.run("retry", "0" * 32, "--json")
    document: Any = ran.document
    assert ran.code == 1 and document["error"]["title"]


def test_a_dead_letter_is_listed_and_put_back(nagatha_home: Path) -> None:
    nagatha = Nagatha.on(nagatha_home)
    queued: Any = nagatha.json("run", "echo_bot.echo", "text=later")
    with closing(sqlite3.connect(nagatha_home / "queue.db")) as queue:
        queue.execute(
            """INSERT INTO dead(id, queue, priority, deliveries, task, payload, died)
               SELECT id, queue, priority, 5, task, payload, 1700000000 FROM message
               WHERE task IS NOT NULL"""
        )
        queue.execute("DELETE FROM message WHERE task IS NOT NULL")
        queue.commit()
    (letter,) = _list(nagatha.json("jobs", "--dead"))
    assert (letter["task"], letter["run"]) == ("echo_bot.echo", queued["task_id"])
    put_back = nagatha.run("retry", "--dead", str(letter["id"]))
    assert put_back.code == 0 and "It waits until Nagatha" in put_back.err
    (back,) = _list(nagatha.json("jobs"))
    assert (back["id"], back["state"]) == (queued["task_id"], "PENDING")


def test_a_schedule_that_is_run_now_says_that_nobody_works_at_it(nagatha_home: Path) -> None:
    nagatha = Nagatha.on(nagatha_home)
    ran = nagatha.run("schedules", "usage", "--run")
    assert ran.code == 0 and ran.out.startswith("Queued as ")
    assert "It waits until Nagatha or “nagatha worker” runs." in ran.err
    assert nagatha.run("schedules", "usage", "--run", "--json").err == ""
    (usage,) = (one for one in _list(nagatha.json("schedules")) if one["name"] == "usage")
    assert usage["last"] is not None


def _list(document: object) -> list[Any]:
    assert isinstance(document, list)
    return document
