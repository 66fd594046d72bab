"""Reminders that happen: finding what is due, exactly then and once, on behalf of everybody.

Owns the timer on the runtime loop, and when what was kept back is told. What becomes of a reminder
is in `reminder_rules`; it must not know SQL, nor who notifies.

Every process that does background work has one, and Beat has the same done each minute. They may
find the same reminder at the same moment: who stores the firing first has it.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from worker.contract.errors import NagathaError
from worker.contract.events import (
    DataReplaced,
    EngineChanged,
    Event,
    FiringChanged,
    QuietChanged,
    ReminderChanged,
    SettingsChanged,
)
from worker.contract.reminders import Firing, Quiet
from worker.contract.types import JsonObject
from worker.service import reminder_rules
from worker.service.quiet import Hours, Wishes, next_change, quiet_at
from worker.service.scope import Scope
from worker.storage.base import Storage
from worker.storage.reminders import OwnedReminder, ReminderChange

log = logging.getLogger(__name__)

LONGEST_SLEEP = 30.0
"""Seconds after which is read anew what is due: whoever changed it may have told nobody here."""
LOOK = 3.0
"""Seconds after which the wall clock is looked at. While a machine sleeps timers stand still."""
GAP = 5.0
"""Seconds that the wall clock may gain on time itself without being looked after at once."""
AT_ONCE = 200
"""Reminders that are fired in one transaction."""
TRY_AGAIN = 5.0
"""Seconds before a storage that failed is tried again."""
WISHES = "reminders:quiet"


@dataclass(slots=True)
class Reminding:
    """What makes reminders happen in one process. Lives on the runtime loop."""

    scope: Callable[[str], Scope]
    """One owner's view."""
    owner: str
    """Who is told of quiet hours that begin and end."""
    hours: Callable[[], tuple[str, str]]
    """The quiet hours of the settings, as they are now."""
    paused: Callable[[], bool]
    zone: Callable[[], str]
    """The machine's; read off the loop."""
    monotonic: Callable[[], float] = time.monotonic
    _aim: datetime | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _told: Quiet | None = None

    # quiet -------------------------------------------------------------------------------

    async def quiet(self, owner: str) -> Quiet:
        """Whether notifications of `owner` are kept back now."""
        hours, wishes, zone = await self._wishes(owner)
        return quiet_at(self._now(), hours, wishes, zone)

    async def do_not_disturb(self, owner: str, until: datetime | None) -> Quiet:
        """See `ReminderService.do_not_disturb`."""
        hours, _, zone = await self._wishes(owner)
        now = self._now()
        wishes = Wishes(asked=until)
        if until is None and hours is not None and (around := hours.around(now, zone)):
            wishes = Wishes(open=around[1])
        scope = self.scope(owner)
        await scope.storage.set_value(owner, WISHES, wishes.stored())
        quiet = quiet_at(now, hours, wishes, zone)
        if owner == self.owner:
            self._told = quiet
        await scope.tell(QuietChanged(quiet=quiet))
        self.wake()
        return quiet

    async def _wishes(self, owner: str) -> tuple[Hours | None, Wishes, ZoneInfo]:
        stored = await self.scope(owner).storage.get_value(owner, WISHES)
        zone = await asyncio.to_thread(self.zone)
        return Hours.of(*self.hours()), Wishes.of(stored), ZoneInfo(zone)

    # firing ------------------------------------------------------------------------------

    async def tick(self) -> JsonObject:
        """Fire what is due and tell what is kept back no longer; says how much that was.

        While work is paused nothing happens; it is found late afterwards. Raises StorageError.
        """
        counts: Counter[str] = Counter()
        async with self._turn:
            paused = self.paused()
            if not paused:
                await self._release(counts)
                await self._fire_all(counts)
            following = await self._storage.next_reminder_due()
        return {
            "success": True,
            "paused": paused,
            **{state: counts[state] for state in ("due", "missed", "held", "skipped", "released")},
            "next": None if following is None else following.isoformat(),
        }

    async def _fire_all(self, counts: Counter[str]) -> None:
        idle = 0
        while idle < 2 and not self.paused():
            now = self._now()
            found = await self._storage.due_reminders(now, AT_ONCE)
            if not found:
                return
            fired = 0
            for owner in dict.fromkeys(one.owner for one in found):
                mine = [one for one in found if one.owner == owner]
                fired += await self._fire(owner, mine, now, counts)
            # Another process was quicker, twice: it goes on, too.
            idle = 0 if fired else idle + 1

    async def _fire(
        self, owner: str, found: Sequence[OwnedReminder], now: datetime, counts: Counter[str]
    ) -> int:
        held = (await self.quiet(owner)).until is not None

        def decide() -> list[ReminderChange]:
            # A rule that passed a thousand times takes a while.
            return [reminder_rules.fired(one.row, now, held) for one in found]

        changes = await asyncio.to_thread(decide)
        fired = await self._storage.fire(owner, changes)
        if not fired:
            return 0
        counts.update(firing.state for firing in fired)
        by_reminder = {change.row.reminder.id: change.row.reminder for change in changes}
        events: list[Event] = []
        for firing in fired:
            reminder = by_reminder[firing.reminder]
            if firing.state != "skipped":
                reminder = replace(reminder, firing=firing)
            events += [FiringChanged(firing=firing), ReminderChanged(reminder=reminder)]
        await self.scope(owner).tell_all(events)
        return len(fired)

    async def _release(self, counts: Counter[str]) -> None:
        held: dict[str, list[str]] = {}
        for owner, name in await self._storage.held_firings():
            held.setdefault(owner, []).append(name)
        for owner, names in held.items():
            if (await self.quiet(owner)).until is not None:
                continue
            rows = await self._storage.reminders_of(owner, names)
            wanted = frozenset(names)
            made = [reminder_rules.released(row, wanted) for row in rows]
            changes = [change for change in made if change is not None]
            saved = await self._storage.save_reminders(owner, changes)
            told = [
                firing
                for change in changes
                if change.row.reminder.id in saved
                for firing in change.firings
            ]
            counts["released"] += len(told)
            await self.scope(owner).tell_all([FiringChanged(firing=firing) for firing in told])

    # the timer ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Aim at the next due time, until cancelled."""
        await self._tell_open()
        while True:
            self._woken.clear()
            try:
                await self.tick()
                aim = await self._next_aim()
            except NagathaError as error:
                # A full disk, or data that is being replaced.
                log.warning("reminders have to wait: %s", error)
                await asyncio.sleep(TRY_AGAIN)
                continue
            except Exception:  # one reminder that breaks it must not be the last one
                log.exception("reminders could not be looked after")
                await asyncio.sleep(TRY_AGAIN)
                continue
            await self._sleep(aim)

    def wake(self) -> None:
        """Look now: something changed, or the machine slept. On the loop's thread."""
        self._woken.set()

    def expect(self, due: datetime | None) -> None:
        """A reminder is due then; look now where that is before what is aimed at."""
        if due is not None and (self._aim is None or due < self._aim):
            self.wake()

    def heed(self, event: Event) -> None:
        """Something happened, here or in another process, after which to look, or look earlier."""
        if isinstance(event, ReminderChanged):
            if event.reminder.deleted is None:
                self.expect(event.reminder.due)
        elif isinstance(event, SettingsChanged | EngineChanged | QuietChanged | DataReplaced):
            self.wake()

    async def _next_aim(self) -> datetime | None:
        hours, wishes, zone = await self._wishes(self.owner)
        now = self._now()
        await self._tell_quiet(quiet_at(now, hours, wishes, zone))
        dues = [await self._storage.next_reminder_due()] if not self.paused() else []
        dues.append(next_change(now, hours, wishes, zone))
        return min((due for due in dues if due is not None), default=None)

    async def _tell_quiet(self, quiet: Quiet) -> None:
        before, self._told = self._told, quiet
        if before is not None and before != quiet:
            await self.scope(self.owner).tell(QuietChanged(quiet=quiet))

    async def _tell_open(self) -> None:
        """Who begins to listen may have missed what a killed process told nobody."""
        try:
            found = await self._storage.open_firings(self.owner)
        except NagathaError as error:
            log.warning("what waits for an answer cannot be told again: %s", error)
            return
        untold = [one for one in found if one.shown is None and _is_told(one)]
        if untold:
            events = [FiringChanged(firing=firing) for firing in untold]
            await self.scope(self.owner).tell_all(events)

    async def _sleep(self, aim: datetime | None) -> None:
        self._aim = aim
        end = self.monotonic() + LONGEST_SLEEP
        while not self._woken.is_set():
            wall, steady = self._now(), self.monotonic()
            wait = min(LOOK, end - steady)
            if aim is not None:
                wait = min(wait, (aim - wall).total_seconds())
            if wait <= 0:
                return
            try:
                async with asyncio.timeout(wait):
                    await self._woken.wait()
            except TimeoutError:
                pass
            gained = (self._now() - wall).total_seconds() - (self.monotonic() - steady)
            if abs(gained) > GAP:
                log.info("the clock went by %+.0f s: reminders are looked after", gained)
                return

    def _now(self) -> datetime:
        return self.scope(self.owner).now()

    @property
    def _storage(self) -> Storage:
        return self.scope(self.owner).storage


def _is_told(firing: Firing) -> bool:
    return firing.state in ("due", "missed") and not firing.silent
