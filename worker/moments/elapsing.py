"""Rules of hours and minutes: time that passes, whatever the clocks on the wall do.

Owns their steps and what limits them to hours, days and months of the wall. It walks a day at a
time, the minutes of it that count as the bits of a number. It must not know how a rule is written.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from worker.moments.days import LAST_YEAR, DaysOfYears, bits, every, first_of
from worker.moments.rules import EVERY, Rule

_PATIENCE = 4_000
"""Days in a row that are looked at in vain before a rule counts as ended."""
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_OF_DAY = 24 * 60


class Elapsing:
    """The instants of one rule. Ask `elapsing` for it, which keeps what was reckoned."""

    def __init__(self, rule: Rule, beginning: datetime, zone: ZoneInfo) -> None:
        """It is `beginning` (an instant) that steps are counted from."""
        self._rule = rule
        self._beginning = beginning
        self._zone = zone
        self._step = EVERY[rule.frequency] * rule.interval
        self._every = self._step // _MINUTE
        self._days = DaysOfYears(rule, beginning.date())
        minutes = sorted(set(rule.values("BYMINUTE")))
        # For hours, BYMINUTE is where in each of them; for minutes, which of them count.
        self._at = minutes if rule.frequency == "HOURLY" else []
        among = minutes if rule.frequency == "MINUTELY" and minutes else range(60)
        hours = set(rule.values("BYHOUR")) or range(24)
        self._counts = sum(1 << hour * 60 + minute for hour in hours for minute in among)
        self._second = rule.values("BYSECOND")
        self._limited = any(name != "BYSETPOS" for name, _ in rule.by) or bool(rule.weekdays)
        self._before = {self._beginning.year: 0}
        """How many times there are before a year, see `_before_year`."""
        self._last: datetime | None = None
        """The last of COUNT, once it is known."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Those after an instant, growing (UTC)."""
        number = max(0, (moment - self._beginning) // self._step - 1)
        vain = 0
        for base, hits in self._stretches(number):
            vain += 1
            for at in self._times(base, hits):
                if self._rule.count is not None and self._is_over(at, self._rule.count):
                    return
                if at <= moment or at < self._beginning or self._is_excepted(at):
                    continue
                vain = 0
                yield at
            if vain >= _PATIENCE:
                return

    def _is_excepted(self, at: datetime) -> bool:
        if not self._rule.excepted:
            return False
        return at.astimezone(self._zone).replace(tzinfo=None, fold=0) in self._rule.excepted

    # the walk ----------------------------------------------------------------------------

    def _stretches(self, number: int) -> Iterator[tuple[datetime, int]]:
        """Days, or parts of them in which clocks do not change: a step (an instant), and which
        minutes from there on are a step that counts. From the step with a number on."""
        try:
            while True:
                base = self._beginning + number * self._step
                wall = base.astimezone(self._zone)
                end = self._idle_until(wall)
                hits = 0
                if end is None:
                    end = self._steady_until(base, wall)
                    hits = self._counts >> wall.hour * 60 + wall.minute
                    hits &= every(self._every, 1, _OF_DAY)
                    hits &= (1 << -((base - end) // _MINUTE)) - 1
                yield base, hits
                number = max(number + 1, -((self._beginning - end) // self._step))
        except OverflowError:
            return  # the end of time

    def _idle_until(self, wall: datetime) -> datetime | None:
        """The beginning of the next day that counts, where this one does not."""
        place = wall.timetuple().tm_yday - 1
        days = self._days.of(wall.year) >> place
        if days & 1:
            return None
        year = wall.year
        while not days and year < LAST_YEAR:
            year, place = year + 1, 0
            days = self._days.of(year)
        if not days:
            raise OverflowError("no day counts any more")
        day = date.fromordinal(first_of(year) + place + next(bits(days)))
        return datetime.combine(day, time(), self._zone).astimezone(UTC)

    def _steady_until(self, base: datetime, wall: datetime) -> datetime:
        """The end of the day, or when clocks change before that."""
        passed = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
        passed += timedelta(microseconds=wall.microsecond)
        try:
            end = base + (timedelta(days=1) - passed)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)
        offset = wall.utcoffset()
        if (end - _SECOND).astimezone(self._zone).utcoffset() == offset:
            return end
        low, high = 0, (end - base) // _SECOND
        while high - low > 1:
            middle = (low + high) // 2
            there = (base + middle * _SECOND).astimezone(self._zone)
            low, high = (middle, high) if there.utcoffset() == offset else (low, middle)
        return base + high * _SECOND

    def _times(self, base: datetime, hits: int) -> Iterator[datetime]:
        """The instants that these steps stand for."""
        if not hits:
            return
        wall = base.astimezone(self._zone)
        seconds = timedelta(seconds=self._second[0] - wall.second if self._second else 0)
        for minutes in bits(hits):
            at = base + timedelta(minutes=minutes) + seconds
            # Steps of hours show the same minute throughout.
            for minute in self._at or (wall.minute,):
                yield at + timedelta(minutes=minute - wall.minute)

    # how many there are (COUNT) --------------------------------------------------------------

    def _is_over(self, at: datetime, count: int) -> bool:
        if self._last is None:
            if not self._limited:
                try:
                    self._last = self._beginning + (count - 1) * self._step
                except OverflowError:
                    return False
            else:
                self._last = self._find_last(at.year, count + self._too_early())
        return self._last is not None and at > self._last

    def _find_last(self, until: int, count: int) -> datetime | None:
        """The last of so many, where it comes before the end of a year."""
        if self._before_year(until + 1) < count:
            return None
        year = max(one for one, many in tuple(self._before.items()) if many < count)
        left = count - self._before[year]
        for base, hits in self._stretches(self._first_step(year)):
            many = self._many(hits)
            if left <= many:
                return list(self._times(base, hits))[left - 1]
            left -= many
        return None

    def _before_year(self, year: int) -> int:
        """Times of steps before a year (UTC), also those that come too early for the series."""
        if year not in self._before:
            for one in range(max(self._before), year):
                self._before[one + 1] = self._before[one] + self._in_year(one)
        return self._before[year]

    def _in_year(self, year: int) -> int:
        number, end = self._first_step(year), self._first_step(year + 1)
        stop = self._beginning + end * self._step if year < LAST_YEAR else None
        many = 0
        for base, hits in self._stretches(number):
            if stop is not None and base + timedelta(days=2) > stop:
                if base >= stop:
                    break
                hits &= (1 << (stop - base) // _MINUTE) - 1
            many += self._many(hits)
        return many

    def _first_step(self, year: int) -> int:
        """The number of the first step in a year."""
        if year > LAST_YEAR:
            return 0
        return max(0, -((self._beginning - datetime(year, 1, 1, tzinfo=UTC)) // self._step))

    def _many(self, hits: int) -> int:
        return hits.bit_count() * max(1, len(self._at))

    def _too_early(self) -> int:
        """Times of the first step that come before the series begins."""
        base, hits = next(self._stretches(0), (self._beginning, 0))
        if base != self._beginning:
            return 0
        return sum(at < base for at in self._times(base, hits & 1))


@lru_cache(maxsize=256)
def elapsing(rule: Rule, beginning: datetime, zone: ZoneInfo) -> Elapsing:
    """The instants of a rule of hours or minutes that begins at an instant."""
    return Elapsing(rule, beginning, zone)
