"""The commands about background work: what they refuse, what they find, what they print."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner

from tests.support.storages import a_run
from worker.cli import jobs
from worker.cli.main import main
from worker.cli.output import Output
from worker.contract.errors import InvalidInput, NagathaError, NotFound
from worker.contract.jobs import LogLine, Schedule
from worker.contract.services import JobService
from worker.contract.types import Problem, Run

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
FAILED = a_run(
    "f" * 32,
    kind="task",
    name="feeds.fetch",
    state="FAILURE",
    queued=NOW,
    started=NOW,
    ended=NOW + timedelta(seconds=90),
    attempts=3,
    error=Problem("k", "No route to host", "Why"),
    arguments={"url": "https://x"},
)
WORKING = a_run(
    "a" * 32, name="lab.wait", state="PROGRESS", queued=NOW, progress=0.25, progress_text="half way"
)
ENTRY = Schedule(
    name="usage",
    task="track_usage_metrics",
    title="Adds up usage",
    interval=900.0,
    default_interval=900.0,
    paused=False,
    last=NOW - timedelta(minutes=5),
    next=NOW + timedelta(minutes=10),
    last_run=replace(FAILED, schedule="usage"),
)


@dataclass
class Service:
    """Runs and schedules, and what was asked of them."""

    runs: list[Run] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def get(self, run: str) -> Run:
        for one in self.runs:
            if one.id == run:
                return one
        raise NotFound("no such run")

    async def list_runs(
        self, limit: int = 200, before: datetime | None = None, before_run: str = ""
    ) -> tuple[Run, ...]:
        names = [one.id for one in self.runs]
        behind = names.index(before_run) + 1 if before_run in names else 0
        there = [
            one
            for number, one in enumerate(self.runs)
            if before is None
            or one.queued < before
            or (before_run and one.queued == before and number >= behind)
        ]
        return tuple(there[: min(limit, 2)])

    async def schedules(self) -> tuple[Schedule, ...]:
        return (ENTRY,)

    async def pause_schedule(self, name: str, paused: bool) -> Schedule:
        self.asked.append(("pause", name, paused))
        return replace(ENTRY, paused=paused)

    async def set_interval(self, name: str, seconds: float | None) -> Schedule:
        self.asked.append(("interval", name, seconds))
        return replace(ENTRY, interval=seconds or ENTRY.default_interval)


@pytest.mark.parametrize(
    "arguments",
    [
        ("jobs", "abcdef", "--failed"),
        ("jobs", "abcdef", "--dead"),
        ("jobs", "--dead", "--running"),
        ("jobs", "--limit", "0"),
        ("retry",),
        ("retry", "abcdef", "--dead", "1"),
        ("retry", "--dead", "one"),
        ("cancel",),
        ("schedules", "--pause"),
        ("schedules", "usage", "--pause", "--resume"),
        ("schedules", "usage", "--every", "often"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


def looked_up(service: Service, text: str) -> Run:
    return asyncio.run(jobs.find(cast(JobService, service), text))


def test_a_run_is_found_by_its_whole_id_or_by_a_beginning_that_is_its_alone() -> None:
    runs = [
        a_run(name, queued=NOW - timedelta(seconds=number))
        for number, name in enumerate(("abcdef1x", "abcdef2x", "r1", "123456789", "zzzzzz9"))
    ]
    service = Service(runs)
    assert looked_up(service, "r1").id == "r1"
    assert looked_up(service, "123456").id == "123456789"
    assert looked_up(service, "zzzzzz").id == "zzzzzz9"
    with pytest.raises(click.UsageError) as caught:
        looked_up(service, "abcdef")
    assert "abcdef1x, abcdef2x" in caught.value.message
    with pytest.raises(InvalidInput):
        looked_up(service, "12345")
    with pytest.raises(NotFound):
        looked_up(service, "nothing")


def test_a_run_is_found_among_more_of_the_same_moment_than_a_page_has() -> None:
    service = Service([a_run(f"{number}" * 8, queued=NOW) for number in range(7)])
    for number in range(7):
        assert looked_up(service, f"{number}" * 6).id == f"{number}" * 8


def printed(show: Callable[..., None], *values: object, as_json: bool = False) -> str:
    @click.command()
    def command() -> None:
        show(Output(as_json=as_json), *values)

    ran = CliRunner().invoke(command)
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_the_table_of_jobs_says_what_how_long_and_why_not() -> None:
    table = printed(jobs.show_runs, [FAILED, WORKING], NOW)
    failed, working = table.splitlines()[1:]
    assert failed.split()[:3] == ["ffffffff", "FAILURE", "feeds.fetch"]
    assert "1.5 min" in failed and failed.endswith("No route to host")
    assert working.rstrip().endswith("25% half way")
    assert printed(jobs.show_runs, [], NOW) == "There is nothing.\n"


def test_jobs_as_json_have_the_published_names_and_all_the_rest() -> None:
    (one,) = json.loads(printed(jobs.show_runs, [FAILED], NOW, as_json=True))
    assert (one["task_id"], one["id"], one["status"]) == (FAILED.id, FAILED.id, "failure")
    assert (one["state"], one["attempts"], one["kind"]) == ("FAILURE", 3, "task")
    assert one["error"]["title"] == "No route to host"


def test_one_job_is_told_with_its_log() -> None:
    lines = (LogLine(NOW, "INFO", "Begun."), LogLine(NOW, "ERROR", "Failed \x1b[2J"))
    text = printed(jobs.show_run, FAILED, lines)
    assert text.startswith("feeds.fetch: FAILURE\n")
    assert '{"url": "https://x"}' in text and "No route to host" in text
    assert text.splitlines()[-2].endswith("INFO    Begun.")
    assert "\x1b" not in text
    document = json.loads(printed(jobs.show_run, FAILED, lines, as_json=True))
    assert [line["text"] for line in document["log"]] == ["Begun.", "Failed \x1b[2J"]


def test_schedules_are_listed_with_their_last_and_next_run() -> None:
    paused = replace(ENTRY, name="other", paused=True, last=None, next=None, last_run=None)
    table = printed(jobs.show_schedules, [ENTRY, paused], NOW).splitlines()
    assert table[1].split()[:3] == ["usage", "15", "min"] and "FAILURE" in table[1]
    assert "never" in table[2] and "paused" in table[2]
    (first, _) = json.loads(printed(jobs.show_schedules, [ENTRY, paused], NOW, as_json=True))
    assert (first["name"], first["interval"], first["paused"]) == ("usage", 900.0, False)
    one = printed(jobs.show_schedule, replace(ENTRY, interval=60.0, paused=True))
    assert "Every 1 min (by default every 15 min), paused." in one
    assert "No route to host" in one


@pytest.mark.parametrize(
    ("how", "asked"),
    [
        ((True, False, None, False), [("pause", "usage", True)]),
        ((False, True, None, False), [("pause", "usage", False)]),
        ((False, False, 60.0, False), [("interval", "usage", 60.0)]),
        ((False, False, None, True), [("interval", "usage", None)]),
        ((False, False, None, False), []),
    ],
)
def test_a_schedule_is_changed_as_was_asked_for(how: tuple[Any, ...], asked: list[object]) -> None:
    service = Service()
    found = asyncio.run(jobs.changed(cast(JobService, service), "usage", *how))
    assert found.name == "usage" and service.asked == asked


def test_a_schedule_that_there_is_not_is_not_found() -> None:
    with pytest.raises(NagathaError):
        asyncio.run(jobs.changed(cast(JobService, Service()), "nothing", False, False, None, False))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.2 s"), (5, "5 s"), (60, "1 min"), (80, "80 s"), (900, "15 min"), (3600, "1 h"),
     (86400, "1 d"), (7200, "2 h"), (604800, "7 d")],
)  # fmt: skip
def test_a_length_of_time_is_told_in_a_unit_that_people_use(seconds: float, text: str) -> None:
    assert jobs.span(seconds) == text
