"""Which answers of the open chat wait: in the queue, or for another try after an error.

Owns what is known of the runs behind the answers that are being written in the open chat. It
knows the model and the bridge; no widget. How waiting looks is the message's own affair.
"""

from PySide6.QtCore import QObject, Signal, Slot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.model import ChatModel
from nagatha_desktop.chat.waiting import Waiting
from worker.contract.events import AnswerDelta, Event, RunChanged
from worker.contract.services import Client
from worker.contract.types import Message, Run


class Waits(QObject):
    """See the module."""

    changed = Signal(str, object)
    """An answer (its id) waits (Waiting), or no longer (None)."""

    def __init__(self, model: ChatModel, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._bridge = bridge
        self._waiting: dict[str, Waiting] = {}
        self._asked: set[str] = set()
        """Runs that were looked at; what happens to them is told."""
        self._told: dict[str, Run] = {}
        """Runs as events told of them."""
        self._silent: set[str] = set()
        """Answers of which no text came since their run told how far it is."""
        model.page_shown.connect(self._look)
        model.message_put.connect(self._put)
        bridge.listen(self, self._take)

    def of(self, message: str) -> Waiting | None:
        """What is known of a message's waiting."""
        return self._waiting.get(message)

    @Slot(object)
    def _look(self, _: object) -> None:
        self._asked.clear()
        self._told.clear()
        for message in self._model.messages:
            self._put(message)

    @Slot(object)
    def _put(self, message: Message) -> None:
        if message.state != "streaming":
            self._tell(message.id, None)
        elif message.run is not None and message.run not in self._asked:
            self._ask(message.run)
        elif message.id in self._waiting:
            self.changed.emit(message.id, self._waiting[message.id])

    def _ask(self, run: str) -> None:
        self._asked.add(run)

        async def read(client: Client) -> tuple[Run, float | None]:
            found = await client.jobs.get(run)
            waits = found.state == "PENDING"
            return found, await client.jobs.estimate(found.name) if waits else None

        # A run that cannot be read says nothing; its answer is shown as always.
        self._bridge.call(read, owner=self, done=self._read, failed=lambda _: None)

    def _read(self, found: tuple[Run, float | None]) -> None:
        run, estimate = found
        # What was told of it meanwhile is newer.
        self._show(self._told.get(run.id, run), estimate)

    def _take(self, event: Event) -> None:
        if isinstance(event, AnswerDelta):
            self._silent.discard(event.message)
        elif isinstance(event, RunChanged) and event.run.message is not None:
            self._told[event.run.id] = event.run
            shown = self._model.message(event.run.message)
            if shown is None or shown.run not in (None, event.run.id):
                return
            self._show(event.run, None)
            if event.run.state == "PROGRESS":
                self._follow(shown.id)

    def _follow(self, message: str) -> None:
        """Text that another process writes does not come as events: it is read now and then."""
        if message in self._silent:
            self._model.refresh(message)
        self._silent.add(message)

    def _show(self, run: Run, estimate: float | None) -> None:
        name = run.message or ""
        if run.state not in ("PENDING", "RETRY"):
            self._tell(name, None)
            return
        known = self._waiting.get(name)
        if estimate is None and known is not None and known.run.id == run.id:
            estimate = known.estimate
        self._tell(name, Waiting(run, estimate))

    def _tell(self, message: str, waiting: Waiting | None) -> None:
        if waiting is None and self._waiting.pop(message, None) is None:
            return
        if waiting is not None:
            self._waiting[message] = waiting
        self.changed.emit(message, waiting)
