"""Says once that a job failed which nobody watched.

Owns which failures are news: those of a person's own doing, those that stand before their eyes,
and those of a schedule that failed the last time too are not. Several at a time are one piece of
news, and so are those that had to wait (see `calm`) and are unseen still. Who says it, and what is
in front, is decided by whoever hands that in.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nagatha_desktop.activity import words
from nagatha_desktop.activity.waited import Waited, failures_of
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.calm import Calm
from nagatha_desktop.widgets.text import one_line
from worker.contract.events import ChatChanged, Event, RunChanged
from worker.contract.types import Run

GATHER = 400
"""Milliseconds within which failures are said together."""
_LINE = 160
_KIND = "failure"


class FailureAlerts(QObject):
    """See the module."""

    unseen = Signal(str)
    """This run (id) failed and nobody saw it; comes also where it is said no more."""
    failed = Signal(str, str, str)
    """Say this: a title, a text, and the run (id) to open, "" for several."""

    def __init__(
        self,
        bridge: Bridge,
        watched: Callable[[Run], bool],
        clock: Callable[[], datetime],
        calm: Calm,
        parent: QObject | None = None,
    ) -> None:
        """`watched` tells whether a person has before their eyes what became of a run."""
        super().__init__(parent)
        self._watched = watched
        self._calm = calm
        self._waited = Waited(bridge, calm, self)
        self._begun = clock()
        self._titles: dict[str, str] = {}
        self._told: set[str] = set()
        self._failing: dict[str, str] = {}
        """Schedules that failed the last time, and the run (id) that was said of them."""
        self._caused: set[str] = set()
        self._news: list[Run] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(GATHER)
        self._soon.timeout.connect(self._say)
        for run, schedule in calm.waiting(_KIND).items():
            if schedule:
                self._failing[schedule] = run
        bridge.ready.connect(self._remember)
        calm.over.connect(self._say_waited)
        bridge.listen(self, self._take)

    @Slot(str)
    def cancelled(self, run: str) -> None:
        """A person asked this run to end: however it ends, they know why."""
        self._caused.add(run)
        self._calm.drop(_KIND, run)

    @Slot()
    def seen(self) -> None:
        """The person looks at what failed: what waits is no news any more."""
        self._calm.settle(_KIND, self._calm.waiting(_KIND))

    @Slot(str)
    def said_elsewhere(self, run: str) -> None:
        """That this run failed is said as the end of something larger."""
        self._caused.add(run)
        self._news = [news for news in self._news if news.id != run]
        self._calm.drop(_KIND, run)

    def stop(self) -> None:
        """Say nothing more."""
        self._soon.stop()
        self._news.clear()

    def _take(self, event: Event) -> None:
        if isinstance(event, ChatChanged):
            self._titles[event.chat.id] = event.chat.title
        elif isinstance(event, RunChanged):
            self._look_at(event.run)

    def _look_at(self, run: Run) -> None:
        if run.state == "SUCCESS" and run.schedule in self._failing:
            # What failed then has gone well since: that it failed is no news after all.
            self._calm.drop(_KIND, self._failing.pop(run.schedule))
        if run.state != "FAILURE" or run.kind == "title" or run.id in self._told:
            return
        self._told.add(run.id)
        again = bool(run.schedule) and run.schedule in self._failing
        if run.schedule:
            self._failing.setdefault(run.schedule, run.id)
        old = run.ended is not None and run.ended < self._begun
        if old or run.id in self._caused or self._watched(run):
            return
        self.unseen.emit(run.id)
        if again:
            return
        if self._calm.keeps():
            self._calm.put(_KIND, run.id, run.schedule)
        else:
            self._news.append(run)
            self._soon.start()

    @Slot()
    def _say(self) -> None:
        news, self._news = self._news, []
        self._tell(news)

    @Slot()
    def _remember(self) -> None:
        """What waits since before the program began was seen by nobody."""
        for run in self._calm.waiting(_KIND):
            self.unseen.emit(run)

    @Slot()
    def _say_waited(self) -> None:
        self._waited.read(_KIND, failures_of, self._tell)

    def _tell(self, news: Sequence[Run]) -> None:
        if len(news) == 1:
            run = news[0]
            what = words.what(run, self._titles.get(run.chat, "") if run.chat else "")
            title = self.tr("Failed: {what}").format(what=one_line(what, _LINE))
            reason = run.error.title if run.error is not None else words.about(run)
            self.failed.emit(title, one_line(reason, _LINE), run.id)
        elif news:
            text = ", ".join(dict.fromkeys(words.what(run, "") for run in news))
            self.failed.emit(
                self.tr("{number} jobs failed").format(number=len(news)), one_line(text, _LINE), ""
            )
