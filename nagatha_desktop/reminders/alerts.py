"""Says on the desktop that something is due, and does what is answered there.

Owns when a firing is said, what is said together, and that it is taken first and marked as shown
once the desktop has it. When things are due is the engine's; how it is shown is the announcer's.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.absences import Absences
from nagatha_desktop.announcer import Announcer, Choice
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.reminders.words import missed_words
from nagatha_desktop.widgets import moments
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.text import one_line
from worker.contract.errors import NagathaError
from worker.contract.events import DataReplaced, Event, FiringChanged, ReminderChanged
from worker.contract.reminders import OPEN_STATES, Firing, Reminder
from worker.contract.services import Client
from worker.contract.types import Problem

GATHER = 300
"""Milliseconds within which what was missed is said together."""
AT_ONCE = 50
"""Milliseconds within which what is due counts as due at once: each is told by itself."""
AGAIN = 10_000
"""Milliseconds after which the engine is asked again where it could not say who tells."""
SNOOZE = timedelta(minutes=10)
APART = 4
"""So many that are due at once are said one by one; more are said together."""
LINES = 6
"""So many of those that are said together are named."""
_LINE = 120
_NOW = timedelta(minutes=1)
_TOGETHER = "reminders"


def name_of(firing: str) -> str:
    """The notification's id for a firing (id)."""
    return f"reminder:{firing}"


class ReminderAlerts(QObject):
    """See the module. What the window of reminders shows while it is in front is not said."""

    reminders_wanted = Signal(str)
    """Show the reminders, at this one (id); "" for those that were missed."""

    def __init__(
        self,
        bridge: Bridge,
        announcer: Announcer,
        in_front: Callable[[], bool],
        sound: Callable[[], bool],
        clock: Callable[[], datetime],
        absences: Absences,
        parent: QObject | None = None,
        wall: Wall | None = None,
    ) -> None:
        """`in_front` tells whether a person looks at the reminders; `clock` gives aware times;
        `wall` is the clock on the wall where the machine is."""
        super().__init__(parent)
        self._bridge = bridge
        self._announcer = announcer
        self._in_front = in_front
        self._sound = sound
        self._clock = clock
        self._absences = absences
        self._wall = wall or Wall()
        self._known: dict[str, str] = {}
        """Firings (ids) that were asked for, and are still open, with their reminders (ids)."""
        self._said: dict[str, Firing] = {}
        self._together: set[str] = set()
        """Firings (ids) in the notification of several."""
        self._process: str | None = None
        self._late: list[Firing] = []
        self._due: list[Firing] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(GATHER)
        self._soon.timeout.connect(self._take_late)
        self._at_once = QTimer(self)
        self._at_once.setSingleShot(True)
        self._at_once.setInterval(AT_ONCE)
        self._at_once.timeout.connect(self._take_due)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(AGAIN)
        self._again.timeout.connect(self.look)
        bridge.ready.connect(self._begin)
        bridge.listen(self, self._hear)

    def stop(self) -> None:
        """Say nothing more."""
        self._soon.stop()
        self._at_once.stop()
        self._again.stop()
        self._late.clear()
        self._due.clear()

    @Slot()
    def look(self) -> None:
        """Say what is open and was never said: at the start, and where nobody could tell."""
        self._look(self._consider)

    @Slot()
    def _begin(self) -> None:
        """As `look`. What is urgent stays until it is answered: an earlier program's notification
        went with that program, so it is said again."""

        def begin(firings: tuple[Firing, ...]) -> None:
            gone = [
                firing
                for firing in firings
                if firing.urgent and firing.shown and firing.id not in self._known
                and firing.state != "held" and not firing.silent
            ]  # fmt: skip
            self._consider(firings)
            if gone:
                self._known.update((firing.id, firing.reminder) for firing in gone)
                self._say_again(gone)

        self._look(begin)

    def _say_again(self, firings: Sequence[Firing]) -> None:
        async def read(client: Client) -> tuple[Firing, ...]:
            found = [await _as_it_is_now(client, firing) for firing in firings]
            return tuple(firing for firing in found if firing is not None and firing.urgent)

        self._bridge.call(read, owner=self, done=self._taken, failed=_nothing)

    def _look(self, done: Callable[[tuple[Firing, ...]], None]) -> None:
        self._process = None  # it may be another engine
        self._bridge.call(
            lambda client: client.reminders.open_firings(),
            owner=self,
            done=done,
            failed=_nothing,
        )

    def _hear(self, event: Event) -> None:
        if isinstance(event, FiringChanged):
            self._consider((event.firing,))
        elif isinstance(event, ReminderChanged):
            self._follow(event.reminder)
        elif isinstance(event, DataReplaced):
            # What comes due from now on may be missing in what is read.
            before = frozenset((*self._known, *self._said))
            self._look(lambda firings: self._replaced(firings, before))

    def _follow(self, reminder: Reminder) -> None:
        """What is said of a reminder says what it is now. Its times tell of themselves."""
        if reminder.deleted is not None:
            # Also what is about to be said, or is just asked for.
            known = [name for name, of in self._known.items() if of == reminder.id]
            said = [firing.id for firing in self._said.values() if firing.reminder == reminder.id]
            for name in dict.fromkeys((*known, *said)):
                self._settle(name)
            return
        changed = [
            now
            for firing in self._said.values()
            if (now := _of_now(firing, reminder)) is not firing
        ]
        for firing in changed:
            self._said[firing.id] = firing
            if firing.id not in self._together and name_of(firing.id) in self._announcer.said:
                self._say(firing, again=True)
        together = any(firing.id in self._together for firing in changed)
        if together and name_of(_TOGETHER) in self._announcer.said:
            self._say_together((), again=True)

    def _replaced(self, firings: tuple[Firing, ...], before: frozenset[str]) -> None:
        """Everything may be different: what is said and still open stays, and so does what was
        not known `before` it was asked."""
        still = {firing.id: firing for firing in firings}
        for name in before.difference(still):
            self._settle(name)
        for name in before.difference(self._said):
            self._known.pop(name, None)
        unmarked = tuple(name for name in self._said if name in still and still[name].shown is None)
        if unmarked:
            self._mark(unmarked)
        self._consider(firings)

    # -- who says it ------------------------------------------------------------------------------

    def _consider(self, firings: Iterable[Firing]) -> None:
        for firing in firings:
            if firing.state not in OPEN_STATES:
                self._settle(firing.id)
                continue
            if firing.state == "held" or firing.silent or firing.shown or firing.id in self._known:
                continue
            self._known[firing.id] = firing.reminder
            if firing.state == "missed":
                self._late.append(firing)
                self._soon.start()
            else:
                self._due.append(firing)
                # What comes later does not put off what is due now.
                if not self._at_once.isActive():
                    self._at_once.start()

    @Slot()
    def _take_due(self) -> None:
        due, self._due = self._due, []
        if due:
            self._ask(due)

    @Slot()
    def _take_late(self) -> None:
        late, self._late = self._late, []
        if late:
            self._ask(late)

    def _ask(self, firings: Sequence[Firing]) -> None:
        """Ask the engine for which of them this program is the one to say it."""

        async def take(client: Client) -> tuple[str, tuple[Firing, ...], tuple[Firing, ...]]:
            process = self._process
            if process is None:
                process = (await client.system.status()).process
            taken, unsure = [], []
            for firing in firings:
                try:
                    if await client.reminders.take(firing.id, process):
                        now = await _as_it_is_now(client, firing)
                        taken += [] if now is None else [now]
                except NagathaError:
                    # Those that are taken are said all the same: nobody else can take them.
                    unsure.append(firing)
            return process, tuple(taken), tuple(unsure)

        def done(found: tuple[str, tuple[Firing, ...], tuple[Firing, ...]]) -> None:
            self._process, taken, unsure = found
            if unsure:
                ask_again(unsure)
            self._taken(taken)

        def ask_again(unsure: Sequence[Firing]) -> None:
            for firing in unsure:
                self._known.pop(firing.id, None)
            self._again.start()

        self._bridge.call(take, owner=self, done=done, failed=lambda _: ask_again(firings))

    def _taken(self, taken: Sequence[Firing]) -> None:
        # What was answered while it was asked for is known no more.
        firings = [firing for firing in taken if firing.id in self._known]
        if not firings:
            return
        if self._in_front():
            self._mark(tuple(firing.id for firing in firings))
            return
        missed = [firing for firing in firings if firing.state == "missed"]
        due = [firing for firing in firings if firing.state != "missed"]
        if len(missed) > 1 or len(due) > APART:
            self._say_together(firings)
        else:
            for firing in firings:
                self._say(firing)

    # -- saying it --------------------------------------------------------------------------------

    def _say(self, firing: Firing, *, again: bool = False) -> None:
        """Say it; `again` in the place of other words, without a sound."""
        self._said[firing.id] = firing
        self._announcer.say(
            name_of(firing.id),
            one_line(firing.text, _LINE),
            self._words(firing),
            choices=(
                Choice(self.tr("Done"), lambda: self._done(firing)),
                Choice(self.tr("Snooze 10 min"), lambda: self._snooze(firing)),
                Choice(self.tr("Tomorrow"), lambda: self._tomorrow(firing)),
            ),
            opens=lambda: self.reminders_wanted.emit(firing.reminder),
            shown=lambda: self._mark((firing.id,)),
            stays=firing.urgent,
            sound=self._sound() and not again,
        )

    def _say_together(self, firings: Sequence[Firing], *, again: bool = False) -> None:
        """Say them with those that are said together already; `again` as in `_say`."""
        if name_of(_TOGETHER) not in self._announcer.said:  # a person closed it
            self._forget_together()
        # What was said together before and is still open is not lost by what comes now.
        before = [self._said[id] for id in self._together if id in self._said]
        both = sorted((*before, *firings), key=lambda firing: firing.due)
        self._said.update((firing.id, firing) for firing in firings)
        self._together = {firing.id for firing in both}
        lines = [f"{self._when(f.due)}  {one_line(f.text, _LINE)}" for f in both[:LINES]]
        if len(both) > LINES:
            lines.append(self.tr("and {number} more").format(number=len(both) - LINES))
        if all(firing.state == "missed" for firing in both):
            why = self._absences.why((firing.due, firing.fired) for firing in both)
            title = missed_words(len(both), why)
        else:
            title = self.tr("{number} reminders are due").format(number=len(both))
        # All of them: what these words replace may not have been seen yet.
        names = tuple(firing.id for firing in both)
        self._announcer.say(
            name_of(_TOGETHER),
            title,
            "\n".join(lines),
            choices=(
                Choice(self.tr("Show"), self._show_together),
                Choice(self.tr("Done with all"), self._all_done),
            ),
            opens=self._show_together,
            shown=lambda: self._mark(names),
            stays=any(firing.urgent for firing in both),
            sound=self._sound() and not again,
        )

    def _words(self, firing: Firing) -> str:
        late = self._clock() - firing.due
        words = (
            self.tr("Due now")
            if late < _NOW
            else self.tr("Due {time}").format(time=self._when(firing.due))
        )
        if firing.earlier:
            words = self.tr("{due}, and {number} times before").format(
                due=words, number=moments.times_before(firing.earlier)
            )
        title = one_line(firing.chat_title, _LINE)
        if title:
            words = self.tr("{due} · from “{title}”").format(due=words, title=title)
        return words

    def _when(self, moment: datetime) -> str:
        """A time in this machine's zone: "09:00" today, with its day else."""
        there, here = self._wall.of(moment), self._wall.of(self._clock())
        form = self.tr("HH:mm") if there.date() == here.date() else self.tr("ddd d MMM HH:mm")
        return moments.written(there, form)

    def _mark(self, firings: tuple[str, ...]) -> None:
        async def shown(client: Client) -> None:
            for firing in firings:
                await client.reminders.shown(firing)

        # Where that is not kept, it is said again at the next start, which is the better mistake.
        self._bridge.call(shown, owner=self, failed=_nothing)

    # -- what is answered -------------------------------------------------------------------------

    def _done(self, firing: Firing) -> None:
        self._answer(firing, lambda client: client.reminders.done(firing.reminder, firing.id))

    def _snooze(self, firing: Firing) -> None:
        until = self._clock() + SNOOZE
        self._answer(
            firing, lambda client: client.reminders.snooze(firing.reminder, until, firing.id)
        )

    def _tomorrow(self, firing: Firing) -> None:
        until = moments.tomorrow_morning(self._clock(), self._wall)
        self._answer(
            firing, lambda client: client.reminders.snooze(firing.reminder, until, firing.id)
        )

    def _answer(self, firing: Firing, use: Callable[[Client], Awaitable[Reminder]]) -> None:
        self._said.pop(firing.id, None)

        def failed(problem: Problem) -> None:
            # A button that did nothing must not look like one that did.
            self._announcer.say(
                name_of(firing.id),
                one_line(problem.title, _LINE),
                one_line(firing.text, _LINE),
                opens=lambda: self.reminders_wanted.emit(firing.reminder),
            )

        self._bridge.call(use, owner=self, failed=failed)

    def _show_together(self) -> None:
        self._forget_together()
        self.reminders_wanted.emit("")

    def _all_done(self) -> None:
        firings = tuple(id for id in self._together if id in self._said)
        self._forget_together()

        def failed(problem: Problem) -> None:
            self._announcer.say(
                name_of(_TOGETHER),
                one_line(problem.title, _LINE),
                self.tr("Nothing was marked as done."),
                opens=lambda: self.reminders_wanted.emit(""),
            )

        self._bridge.call(
            lambda client: client.reminders.done_all(firings), owner=self, failed=failed
        )

    def _forget_together(self) -> None:
        for firing in self._together:
            self._said.pop(firing, None)
        self._together.clear()

    def _settle(self, firing: str) -> None:
        """A firing (id) was answered: it is said no more."""
        self._known.pop(firing, None)
        self._late = [late for late in self._late if late.id != firing]
        self._due = [due for due in self._due if due.id != firing]
        if self._said.pop(firing, None) is None:
            return
        if firing in self._together:
            self._together.discard(firing)
            if not self._together:
                self._announcer.withdraw(name_of(_TOGETHER))
        else:
            self._announcer.withdraw(name_of(firing))


async def _as_it_is_now(client: Client, firing: Firing) -> Firing | None:
    """A firing with what its reminder says now, which may have been changed while it was held;
    None where that was deleted."""
    try:
        reminder = await client.reminders.get(firing.reminder)
    except NagathaError:
        return firing
    return None if reminder.deleted is not None else _of_now(firing, reminder)


def _of_now(firing: Firing, reminder: Reminder) -> Firing:
    """A firing with what its reminder says now; the same one where nothing is different."""
    same = (firing.text, firing.urgent) == (reminder.text, reminder.urgent)
    if firing.reminder != reminder.id or same:
        return firing
    return replace(firing, text=reminder.text, urgent=reminder.urgent)


def _nothing(_: Problem) -> None:
    """Whoever asks for it is told elsewhere."""
