"""Background work for tests of windows, in memory: runs, their logs, batches, schedules, dead
letters.

Owns no queue: nothing is carried out, a run changes when a test says so. Belongs to the loop that
its client is used on, but may be filled from the test's thread before that looks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from worker.contract.errors import Conflict, InvalidInput, NotFound, Unavailable
from worker.contract.events import EngineChanged, RunChanged, ScheduleChanged
from worker.contract.jobs import Batch, DeadLetter, LogLine, Schedule, TaskCall
from worker.contract.system import EngineStatus, Setting
from worker.contract.types import FINAL_STATES, Run, RunKind, RunState, Source

if TYPE_CHECKING:
    from tests.support.fake_client import FakeClient


class FakeJobs:
    """`JobService` in dictionaries."""

    def __init__(self, client: "FakeClient") -> None:
        self._client = client
        self.runs: dict[str, Run] = {}
        self.logs: dict[str, list[LogLine]] = {}
        self.batches: dict[str, Batch] = {}
        self.letters: list[DeadLetter] = []
        self.entries: dict[str, Schedule] = {}
        self.estimates: dict[str, float] = {"process_ai_query_task": 40.0}
        self.broker_answers = True
        """False for a broker that cannot be asked for dead letters."""
        self.asked: list[tuple[tuple[RunState, ...], str, tuple[RunKind, ...]]] = []
        """What `list_runs` was asked for: states, query, kinds."""
        self.most = 0
        """The longest page that was given away."""

    # -- for tests -----------------------------------------------------------------------------

    def add(self, name: str = "echo_bot.echo", state: RunState = "SUCCESS", **more: object) -> Run:
        """A run; what is not said is usual for its state."""
        now = datetime.now(UTC)
        values: dict[str, object] = {"kind": "task", "source": "chat", "queued": now, **more}
        begun = state not in ("PENDING",)
        values.setdefault("attempts", 1 if begun else 0)
        if begun:
            values.setdefault("started", values["queued"])
        if state in FINAL_STATES:
            values.setdefault("ended", values.get("started", now))
        identifier = str(values.pop("id", "")) or self._client.name("run")
        run = Run(id=identifier, name=name, state=state, **values)  # type: ignore[arg-type]
        self.runs[run.id] = run
        return run

    def add_schedule(self, name: str, task: str, interval: float, **more: object) -> Schedule:
        """A schedule that was never run."""
        values: dict[str, object] = {
            "title": "",
            "default_interval": interval,
            "paused": False,
            "last": None,
            "next": datetime.now(UTC) + timedelta(seconds=interval),
            "last_run": None,
            **more,
        }
        made = Schedule(name=name, task=task, interval=interval, **values)  # type: ignore[arg-type]
        self.entries[name] = made
        return made

    async def change(self, run: str, **changes: object) -> Run:
        """A run is like this now, and everybody hears of it."""
        changed = replace(self.runs[run], **changes)  # type: ignore[arg-type]
        self.runs[run] = changed
        self._client.emit(RunChanged(changed, run_id=run))
        return changed

    async def tell(self, runs: Iterable[Run]) -> None:
        """These are like this now, and everybody hears of them."""
        for run in runs:
            self.runs[run.id] = run
            self._client.emit(RunChanged(run, run_id=run.id))

    def _holds(self, run: Run, query: str) -> bool:
        chat = self._client.store.all.get(run.chat or "")
        held = f"{run.name} {run.arguments} {run.error} {chat.title if chat else ''}".casefold()
        return all(word in held for word in query.casefold().split())

    # -- the Protocol --------------------------------------------------------------------------

    async def list_runs(
        self,
        states: tuple[RunState, ...] = (),
        limit: int = 200,
        before: datetime | None = None,
        query: str = "",
        kinds: tuple[RunKind, ...] = (),
        before_run: str = "",
    ) -> tuple[Run, ...]:
        self._client.called("jobs.list_runs")
        self.asked.append((states, query, kinds))
        order = sorted(self.runs.values(), key=lambda run: run.queued, reverse=True)
        if before is not None:
            names = [run.id for run in order]
            behind = names.index(before_run) + 1 if before_run in names else 0
            order = [
                run
                for number, run in enumerate(order)
                if run.queued < before or (before_run and run.queued == before and number >= behind)
            ]
        found = [
            run
            for run in order
            if (not states or run.state in states)
            and (not kinds or run.kind in kinds)
            and (not query or self._holds(run, query))
        ]
        self.most = max(self.most, len(found[:limit]))
        return tuple(found[:limit])

    async def get(self, run: str) -> Run:
        self._client.called("jobs.get")
        if run not in self.runs:
            raise NotFound("There is no such run", "It was removed.", "")
        return self.runs[run]

    async def log(self, run: str) -> tuple[LogLine, ...]:
        self._client.called("jobs.log")
        return tuple(self.logs.get(run, ()))

    async def run_task(
        self, name: str, arguments: Mapping[str, object], source: Source = "chat"
    ) -> Run:
        run = self.add(name, "STARTED", source=source, arguments=dict(arguments))
        self._client.emit(RunChanged(run, run_id=run.id))
        return run

    async def run_group(self, calls: tuple[TaskCall, ...], source: Source = "chat") -> Batch:
        return self._batch("group", calls, source)

    async def run_chain(self, calls: tuple[TaskCall, ...], source: Source = "chat") -> Batch:
        return self._batch("chain", calls, source)

    def _batch(self, kind: str, calls: tuple[TaskCall, ...], source: Source) -> Batch:
        name = self._client.name("batch")
        runs = [
            self.add(call.name, "PENDING", source=source, batch=name, arguments=call.arguments)
            for call in calls
        ]
        made = Batch(name, "chain" if kind == "chain" else "group", tuple(runs))
        self.batches[name] = made
        for run in runs:
            self._client.emit(RunChanged(run, run_id=run.id))
        return made

    async def batch(self, batch: str) -> Batch:
        self._client.called("jobs.batch")
        if batch not in self.batches:
            raise NotFound("There is no such batch")
        held = self.batches[batch]
        return replace(held, runs=tuple(self.runs[run.id] for run in held.runs))

    async def cancel(self, run: str) -> Run:
        self._client.called("jobs.cancel")
        return await self.change(run, state="REVOKED", ended=datetime.now(UTC))

    async def retry(self, run: str) -> Run:
        self._client.called("jobs.retry")
        old = self.runs[run]
        made = self.add(old.name, "PENDING", source=old.source, arguments=old.arguments)
        self._client.emit(RunChanged(made, run_id=made.id))
        return made

    async def run_now(self, run: str) -> Run:
        self._client.called("jobs.run_now")
        if self.runs[run].state not in ("PENDING", "RETRY"):
            raise Conflict("This run does not wait any more")
        return await self.change(run, state="STARTED", started=datetime.now(UTC), due=None)

    async def estimate(self, name: str) -> float | None:
        return self.estimates.get(name)

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        self._client.called("jobs.dead_letters")
        if not self.broker_answers:
            raise Unavailable("The broker cannot be asked for these")
        return tuple(self.letters)

    async def retry_dead(self, letter: int) -> None:
        self._client.called("jobs.retry_dead")
        self._take_letter(letter)

    async def delete_dead(self, letter: int) -> None:
        self._client.called("jobs.delete_dead")
        self._take_letter(letter)

    def _take_letter(self, letter: int) -> None:
        found = next((dead for dead in self.letters if dead.id == letter), None)
        if found is None:
            raise NotFound("This message is gone", "It was put back, or deleted.")
        self.letters.remove(found)

    async def schedules(self) -> tuple[Schedule, ...]:
        self._client.called("jobs.schedules")
        return tuple(self.entries.values())

    def _entry(self, name: str) -> Schedule:
        if name not in self.entries:
            raise NotFound("There is no such schedule")
        return self.entries[name]

    def _tell_entry(self, entry: Schedule) -> Schedule:
        self.entries[entry.name] = entry
        self._client.emit(ScheduleChanged(entry))
        return entry

    async def run_schedule(self, name: str) -> Run:
        self._client.called("jobs.run_schedule")
        entry = self._entry(name)
        run = self.add(entry.task, "PENDING", kind="maintenance", source="schedule", schedule=name)
        self._client.emit(RunChanged(run, run_id=run.id))
        self._tell_entry(replace(entry, last=run.queued, last_run=run))
        return run

    async def pause_schedule(self, name: str, paused: bool) -> Schedule:
        self._client.called("jobs.pause_schedule")
        entry = self._entry(name)
        due = None if paused else datetime.now(UTC) + timedelta(seconds=entry.interval)
        return self._tell_entry(replace(entry, paused=paused, next=due))

    async def set_interval(self, name: str, seconds: float | None) -> Schedule:
        self._client.called("jobs.set_interval")
        entry = self._entry(name)
        wanted = entry.default_interval if seconds is None else seconds
        if not 10 <= wanted <= 365 * 86_400:
            raise InvalidInput("That is no interval", "", "Choose 10 seconds to a year.")
        return self._tell_entry(replace(entry, interval=wanted))


class FakeSystem:
    """The engine's state."""

    def __init__(self, client: "FakeClient") -> None:
        self._client = client
        self.state = EngineStatus("0.1.0", "/data", "bundled", "ok", "ok", 0, 0, 0)

    async def status(self) -> EngineStatus:
        return self.state

    async def settings(self) -> tuple[Setting, ...]:
        return ()

    async def woke(self) -> None:
        self._client.called("system.woke")

    async def pause(self, paused: bool) -> EngineStatus:
        self._client.called("system.pause")
        self.state = replace(self.state, paused=paused)
        self._client.emit(EngineChanged(self.state))
        return self.state
