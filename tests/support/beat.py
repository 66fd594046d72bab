"""What Beat needs from around it, for tests: times that are kept, clocks that are set by hand."""

from datetime import UTC, datetime, timedelta

from worker.service.schedules import Plan, Times
from worker.tasks.beat import Clocks


class MemoryTimes:
    """Beat's `LastRuns`; may fail like a full disk."""

    def __init__(self, **ran: datetime) -> None:
        self.times = {name: Times(at, at, 1) for name, at in ran.items()}
        self.plans: dict[str, Plan] = {}
        self.told: list[str] = []
        self.failures = 0

    def load(self, name: str) -> Times | None:
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        return self.times.get(name)

    def store(self, name: str, times: Times) -> None:
        self.times[name] = times

    def plan(self, name: str) -> Plan:
        return self.plans.get(name, Plan())

    def queued(self, name: str) -> None:
        self.told.append(name)


class HandClock:
    """A wall clock and a steady one, which only go on when a test says so."""

    def __init__(self, wall: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.wall = wall
        self.steady = 1000.0
        self.clocks = Clocks(lambda: self.wall, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        """Time goes by."""
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds

    def sleeps(self, seconds: float) -> None:
        """The machine sleeps (to the program it looks as if somebody had set the clock)."""
        self.wall += timedelta(seconds=seconds)

    def is_set(self, seconds: float) -> None:
        """Somebody sets the wall clock forward, or back."""
        self.wall += timedelta(seconds=seconds)
