"""The verbs of `MemoryStorage` about runs, their logs and what belongs together.

Owns no state; see `memory_state`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from worker.contract.jobs import LogLine
from worker.contract.types import FINAL_STATES, Message, Run, RunKind, RunState
from worker.storage import rules
from worker.storage.base import OwnedRun, RunCounts, Waiting
from worker.storage.memory_state import MemoryState


class MemoryRuns(MemoryState):
    """`Storage`, as far as runs go."""

    # one run -----------------------------------------------------------------------------

    async def add_runs(
        self, owner: str, runs: Sequence[Run], lines: Sequence[LogLine] = (), process: str = ""
    ) -> None:
        """See `Storage.add_runs`."""
        there = self._of(owner).runs
        coming: set[str] = set()
        for run in runs:
            if run.id in there or run.id in coming:
                raise rules.already_there("run", run.id)
            coming.add(run.id)
        for run in runs:
            there[run.id] = (run, process)
            self._write_down(owner, run.id, lines)

    async def add_run(
        self, owner: str, run: Run, lines: Sequence[LogLine] = (), process: str = ""
    ) -> None:
        """See `Storage.add_run`."""
        await self.add_runs(owner, (run,), lines, process)

    async def get_run(self, owner: str, run: str) -> Run:
        """See `Storage.get_run`."""
        return self._run(owner, run)[0]

    async def claim_run(
        self,
        owner: str,
        run: str,
        process: str,
        at: datetime,
        lines: Sequence[LogLine] = (),
    ) -> Run | None:
        """See `Storage.claim_run`."""
        found, holder = self._run(owner, run)
        if not rules.claimable(found, holder, process, at):
            return None
        taken = rules.claimed(found, at)
        self._of(owner).runs[run] = (taken, process)
        self._write_down(owner, run, lines)
        return taken

    async def save_run(self, owner: str, run: Run, lines: Sequence[LogLine] = ()) -> Run:
        """See `Storage.save_run`."""
        found, holder = self._run(owner, run.id)
        if found.state in FINAL_STATES:
            return found
        self._of(owner).runs[run.id] = (run, holder if rules.keeps_process(run.state) else "")
        self._write_down(owner, run.id, lines)
        return run

    async def reopen_run(self, owner: str, run: str, lines: Sequence[LogLine] = ()) -> Run | None:
        """See `Storage.reopen_run`."""
        opened = rules.reopened(self._run(owner, run)[0])
        if opened is not None:
            self._of(owner).runs[run] = (opened, "")
            self._write_down(owner, run, lines)
        return opened

    async def hasten_run(
        self, owner: str, run: str, priority: int, lines: Sequence[LogLine] = ()
    ) -> Run | None:
        """See `Storage.hasten_run`."""
        hastened = rules.hastened(*self._run(owner, run), priority)
        if hastened is not None:
            self._of(owner).runs[run] = (hastened, "")
            self._write_down(owner, run, lines)
        return hastened

    async def release_run(self, owner: str, run: str, process: str) -> bool:
        """See `Storage.release_run`."""
        found, holder = self._run(owner, run)
        if holder != process or found.state in FINAL_STATES:
            return False
        self._of(owner).runs[run] = (rules.released(found), "")
        return True

    async def interrupt_run(
        self, owner: str, run: str, process: str, at: datetime
    ) -> Message | None:
        """See `Storage.interrupt_run`."""
        found, holder = self._run(owner, run)
        if holder != process or found.state in FINAL_STATES:
            return None
        node = None if found.message is None else self._node(owner, found.message)
        self._of(owner).runs[run] = (replace(found, state="INTERRUPTED", ended=at), "")
        if node is None or node.message.state != "streaming" or node.message.run != run:
            return None
        self._end(node, replace(self._complete(owner, node), state="interrupted"))
        return self._complete(owner, node)

    # its log -----------------------------------------------------------------------------

    async def add_log(self, owner: str, run: str, lines: Sequence[LogLine]) -> None:
        """See `Storage.add_log`."""
        self._run(owner, run)
        self._write_down(owner, run, lines)

    async def run_log(self, owner: str, run: str, limit: int) -> tuple[LogLine, ...]:
        """See `Storage.run_log`."""
        self._run(owner, run)
        lines = self._of(owner).logs.get(run, [])
        return tuple(lines[len(lines) - min(rules.within(limit), len(lines)) :])

    async def list_runs(
        self,
        owner: str,
        *,
        states: Sequence[RunState] = (),
        limit: int,
        before: datetime | None = None,
        query: str = "",
        kinds: Sequence[RunKind] = (),
        before_run: str = "",
    ) -> tuple[Run, ...]:
        """See `Storage.list_runs`."""
        words, earlier = rules.words_of(query), self._earlier(owner, before_run)
        found = [
            run
            for run, _ in reversed(self._of(owner).runs.values())
            if (not states or run.state in states)
            and (not kinds or run.kind in kinds)
            and (
                before is None
                or run.queued < before
                or (run.queued == before and run.id in earlier)
            )
            and (not words or self._holds(owner, run, words))
        ]
        found.sort(key=lambda run: run.queued, reverse=True)
        return tuple(found[: rules.within(limit)])

    def _earlier(self, owner: str, before_run: str) -> frozenset[str]:
        """The runs that were added before one, or all where there is no such run."""
        if not before_run:
            return frozenset()
        there = list(self._of(owner).runs)
        return frozenset(there[: there.index(before_run)] if before_run in there else there)

    def _holds(self, owner: str, run: Run, words: Sequence[str]) -> bool:
        chat = self._of(owner).chats.get(run.chat or "")
        title = "" if chat is None else chat.title
        return rules.holds_words(words, run.name, run.arguments, run.error, title)

    async def count_runs(self, owner: str, failed_since: datetime) -> RunCounts:
        """See `Storage.count_runs`."""
        found = [run for run, _ in self._of(owner).runs.values()]
        failed = [run for run in found if run.state == "FAILURE"]
        return RunCounts(
            Counter(run.state for run in found),
            sum((run.ended or run.queued) >= failed_since for run in failed),
        )

    async def runs_of_batch(self, owner: str, batch: str) -> tuple[Run, ...]:
        """See `Storage.runs_of_batch`."""
        return self._oldest_first(owner, lambda run: run.batch == batch)

    async def followers(self, owner: str, run: str) -> tuple[Run, ...]:
        """See `Storage.followers`."""
        return self._oldest_first(owner, lambda other: other.follows == run)

    def _oldest_first(self, owner: str, wanted: Callable[[Run], bool]) -> tuple[Run, ...]:
        found = [run for run, _ in self._of(owner).runs.values() if wanted(run)]
        return tuple(sorted(found, key=lambda run: run.queued))

    async def last_run_of(self, owner: str, schedule: str) -> Run | None:
        """See `Storage.last_run_of`."""
        if not schedule:
            return None
        found = self._oldest_first(owner, lambda run: run.schedule == schedule)
        return found[-1] if found else None

    async def last_begun(self, name: str) -> datetime | None:
        """See `Storage.last_begun`."""
        runs = (run for owner in self._owners.values() for run, _ in owner.runs.values())
        return max((r.started for r in runs if r.name == name and r.started), default=None)

    async def run_seconds(self, owner: str, name: str, limit: int) -> tuple[float, ...]:
        """See `Storage.run_seconds`."""
        spans = [
            (run.ended, (run.ended - run.started).total_seconds())
            for run, _ in self._of(owner).runs.values()
            if run.name == name
            and run.state == "SUCCESS"
            and run.started
            and run.ended
            and not self._was_kept(owner, run)
        ]
        spans.sort(key=lambda span: span[0], reverse=True)
        return tuple(seconds for _, seconds in spans[: rules.within(limit)])

    def _was_kept(self, owner: str, run: Run) -> bool:
        """Whether its answer was one kept from before, which takes no time."""
        node = self._of(owner).nodes.get(run.message or "")
        return node is not None and node.message.cached is not None

    async def runs_of_others(self, process: str) -> tuple[OwnedRun, ...]:
        """See `Storage.runs_of_others`."""
        return tuple(found for found in self._unfinished() if found.process not in ("", process))

    async def unclaimed_runs(self) -> tuple[OwnedRun, ...]:
        """See `Storage.unclaimed_runs`."""
        return tuple(
            found
            for found in self._unfinished()
            if not found.process and found.run.state in ("PENDING", "RETRY")
        )

    async def waiting_runs(self) -> tuple[Waiting, ...]:
        """See `Storage.waiting_runs`."""
        return tuple(
            Waiting(found.owner, found.run.id, found.run.kind, found.run.name, found.run.lane)
            for found in await self.unclaimed_runs()
            if not self._has_to_wait(found)
        )

    def _has_to_wait(self, found: OwnedRun) -> bool:
        before = self._of(found.owner).runs.get(found.run.follows or "")
        return before is not None and not rules.ended(before[0])
