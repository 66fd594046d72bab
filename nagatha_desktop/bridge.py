"""The one place where what happens on the runtime loop comes to the GUI thread.

Owns the way there (`call` hands the loop a coroutine) and the way back: results and events are
gathered and delivered through one queued signal, deltas of an answer joined and at most one
delivery each 30 ms. Knows the `Client` Protocol and nothing of how it is made, of windows or of
the engine. Nothing here waits on the GUI thread.
"""

import dataclasses
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal, Slot
from shiboken6 import Shiboken

from worker.contract.errors import NagathaError
from worker.contract.events import AnswerDelta, Event, MessageChanged, Notice, ToolChanged
from worker.contract.services import Client
from worker.contract.types import Problem

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

GATHER = 0.03
"""Seconds between two deliveries of events."""
KEPT = 2000
"""Events that are kept for the first listener."""
RECONNECT = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds to wait before the event stream is asked for again."""

log = logging.getLogger(__name__)


class Loop(Protocol):
    """The runtime loop, as far as the bridge needs it. `submit` may be called on any thread."""

    def submit(self, coro: Coroutine[Any, Any, T]) -> "Future[T]":
        """Run `coro` on the loop."""
        ...


def problem_of(error: BaseException) -> Problem:
    """What a person is told about `error`; anything unexpected is logged where it happened."""
    if isinstance(error, NagathaError):
        return error.problem
    return Problem(
        kind="unexpected",
        title=QCoreApplication.translate("Bridge", "Something went wrong inside Nagatha"),
        message=type(error).__name__,
        remedy=QCoreApplication.translate("Bridge", "Try again. The log says more."),
    )


class Call:
    """A call under way. All of it belongs to the GUI thread."""

    __slots__ = ("cancelled", "done", "failed", "future", "owner", "use")

    def __init__(
        self,
        use: Callable[[Client], Awaitable[Any]],
        owner: QObject,
        done: Callable[[Any], None] | None,
        failed: Callable[[Problem], None] | None,
    ) -> None:
        self.use = use
        self.owner = owner
        self.done = done
        self.failed = failed
        self.future: Future[Any] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Stop it if that is still possible; neither `done` nor `failed` will be called."""
        self.cancelled = True
        if self.future is not None:
            self.future.cancel()

    @property
    def wanted(self) -> bool:
        """False once it was cancelled or its owner is gone."""
        return not self.cancelled and Shiboken.isValid(self.owner)


class _Gathered:
    """Events and results on their way to the GUI thread, in order; safe on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: list[Event | Callable[[], None]] = []
        self._open: dict[str, int] = {}
        self._pieces: dict[int, list[str]] = {}

    def add(self, event: Event) -> None:
        """Put `event` behind the others; a delta goes to the last one of the same message."""
        with self._lock:
            if isinstance(event, AnswerDelta):
                at = self._open.get(event.message)
                if at is not None and self._follows(at, event):
                    self._pieces[at].append(event.text)
                    return
                self._open[event.message] = len(self._items)
                self._pieces[len(self._items)] = [event.text]
            elif isinstance(event, MessageChanged):
                self._open.pop(event.message.id, None)
            elif isinstance(event, ToolChanged):
                self._open.pop(event.message, None)
            self._items.append(event)

    def add_result(self, deliver: Callable[[], None]) -> None:
        """Put a result behind the events that it already knows of."""
        with self._lock:
            self._open.clear()
            self._items.append(deliver)

    def _follows(self, at: int, event: AnswerDelta) -> bool:
        first = self._items[at]
        held = sum(map(len, self._pieces[at]))
        return isinstance(first, AnswerDelta) and first.offset + held == event.offset

    def take(self) -> list[Event | Callable[[], None]]:
        """All of them, oldest first, deltas joined; nothing is held afterwards."""
        with self._lock:
            items, pieces = self._items, self._pieces
            self._items, self._open, self._pieces = [], {}, {}
        for at, parts in pieces.items():
            first = items[at]
            if len(parts) > 1 and isinstance(first, AnswerDelta):
                items[at] = dataclasses.replace(first, text="".join(parts))
        return items


class Bridge(QObject):
    """Between the GUI thread and the runtime loop. Made and used on the GUI thread."""

    ready = Signal()
    """A client is there; what was asked for before is on its way now."""
    failed = Signal(object)
    """No client could be made (Problem). `connect_client` may be called again."""
    problem = Signal(object)
    """A call that nobody else listens to failed (Problem)."""
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._loop: Loop | None = None
        self._client: Client | None = None
        self._waiting: list[Call] = []
        self._failure: Problem | None = None
        self._listeners: list[tuple[QObject, Callable[[Event], None]]] = []
        self._kept: list[Event] = []
        self._gathered = _Gathered()
        self._lock = threading.Lock()
        self._woken = False
        self._stopping = False
        self._pump: Future[None] | None = None
        self._under_way: set[Call] = set()
        self._wake.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    # -- life ---------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """True once a client is there."""
        return self._client is not None

    @property
    def busy(self) -> bool:
        """Whether calls are under way whose results have not come back."""
        return bool(self._under_way)

    def connect_client(self, loop: Loop, make: Callable[[], Awaitable[Client]]) -> None:
        """Make the client on `loop` by `make()`; `ready` or `failed` follows.

        May be called on any thread, and again after `failed`.
        """

        async def connect() -> None:
            try:
                client = await make()
            except Exception as error:  # whatever goes wrong becomes a card in the window
                if not isinstance(error, NagathaError):
                    log.exception("The engine did not start")
                problem = problem_of(error)
                self._post(lambda: self._not_connected(problem))
            else:
                self._post(lambda: self._connected(loop, client))

        self._post(self._forget_failure)
        loop.submit(connect())

    def _forget_failure(self) -> None:
        self._failure = None

    def report_failure(self, problem: Problem) -> None:
        """The loop or the client could not even be begun with. May be called on any thread."""
        self._post(lambda: self._not_connected(problem))

    def _connected(self, loop: Loop, client: Client) -> None:
        if self._stopping:
            return
        self._loop, self._client, self._failure = loop, client, None
        self._pump = loop.submit(self._pump_events(client))
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self._submit(call)
        self.ready.emit()

    def _not_connected(self, problem: Problem) -> None:
        self._failure = problem
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self._refuse(call, problem)
        self.failed.emit(problem)

    def _refuse(self, call: Call, problem: Problem) -> None:
        if call.wanted and call.failed is not None:
            call.failed(problem)

    def stop(self) -> None:
        """Deliver nothing more. The loop and the client are not closed by this."""
        self._stopping = True
        for call in (*self._waiting, *self._under_way):
            call.cancel()
        self._waiting.clear()
        self._under_way.clear()
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
        self._listeners.clear()
        self._client = None

    # -- there ---------------------------------------------------------------------------------

    def call(
        self,
        use: Callable[[Client], Awaitable[T]],
        *,
        owner: QObject,
        done: Callable[[T], None] | None = None,
        failed: Callable[[Problem], None] | None = None,
    ) -> Call:
        """Run `use(client)` on the loop and call `done(result)` or `failed(problem)` here.

        `use` runs on the loop's thread and must touch no widget. When `owner` is destroyed
        nothing is delivered any more. Without `failed` the signal `problem` tells. A call made
        before a client is there waits for it; once none could be made, it fails for that reason.
        """
        call = Call(use, owner, done, failed)
        if self._stopping:
            call.cancelled = True
        elif self._client is None and self._failure is not None:
            problem = self._failure
            self._post(lambda: self._refuse(call, problem))
        elif self._client is None:
            self._waiting.append(call)
        else:
            self._submit(call)
        return call

    def _submit(self, call: Call) -> None:
        client, loop = self._client, self._loop
        if not call.wanted or client is None or loop is None:
            return

        async def run() -> Any:
            return await call.use(client)

        self._under_way.add(call)
        call.future = loop.submit(run())
        call.future.add_done_callback(lambda future: self._post(lambda: self._ended(call, future)))

    def _ended(self, call: Call, future: "Future[Any]") -> None:
        self._under_way.discard(call)
        if future.cancelled() or not call.wanted:
            return
        error = future.exception()
        if error is None:
            if call.done is not None:
                call.done(future.result())
            return
        if not isinstance(error, NagathaError):
            log.error("A call of the engine failed", exc_info=error)
        (call.failed or self.problem.emit)(problem_of(error))

    # -- back ----------------------------------------------------------------------------------

    def listen(self, owner: QObject, handler: Callable[[Event], None]) -> None:
        """Call `handler` with each event until `owner` is destroyed.

        What came before there was any listener is delivered to the first one, soon but not from
        within this call.
        """
        self._listeners.append((owner, handler))
        if self._kept:
            QTimer.singleShot(0, self, self._deliver_kept)

    @Slot()
    def _deliver_kept(self) -> None:
        kept, self._kept = self._kept, []
        for event in kept:
            self._tell(event)

    async def _pump_events(self, client: Client) -> None:
        """Runs on the loop: takes events as they come and sees to it that they are fetched."""
        import asyncio  # not at the start: the first window is painted without it

        after: int | None = None
        failures = 0
        clock = asyncio.get_running_loop()
        last = clock.time() - GATHER  # when text was last delivered
        text_waits = False
        timer: asyncio.TimerHandle | None = None

        def wake() -> None:
            nonlocal last, text_waits, timer
            if text_waits:
                last = clock.time()
            text_waits, timer = False, None
            self._call_home()

        while True:
            try:
                async for event in client.events(after):
                    failures = 0
                    after = event.seq or after
                    self._gathered.add(event)
                    # The first words of an answer go at once, whatever was told just before.
                    text = isinstance(event, AnswerDelta)
                    text_waits = text_waits or text
                    if timer is None:
                        held = last + GATHER - clock.time() if text else 0.0
                        timer = clock.call_later(max(0.0, held), wake)
            except NagathaError as error:
                log.warning("The event stream broke: %s", error)
            except Exception:  # a stream that fails must not silence the windows for good
                log.exception("The event stream failed")
            await asyncio.sleep(RECONNECT[min(failures, len(RECONNECT) - 1)])
            failures += 1

    def _post(self, result: Callable[[], None]) -> None:
        """Have `result` called on the GUI thread. On any thread."""
        self._gathered.add_result(result)
        self._call_home()

    def _call_home(self) -> None:
        """Have `_deliver` called; one wake-up stands for all that is there by then."""
        with self._lock:
            if self._woken:
                return
            self._woken = True
        if Shiboken.isValid(self):
            self._wake.emit()

    @Slot()
    def _deliver(self) -> None:
        with self._lock:
            self._woken = False
        for item in self._gathered.take():
            if self._stopping:
                return
            if not callable(item):
                self._take(item)
                continue
            try:
                item()
            except Exception:  # one broken window must not keep the others waiting
                log.exception("A window failed on an answer of the engine")

    def _take(self, event: Event) -> None:
        if self._listeners and not self._kept:
            self._tell(event)
        elif len(self._kept) < KEPT or isinstance(event, Notice):
            self._kept.append(event)

    def _tell(self, event: Event) -> None:
        self._listeners = [pair for pair in self._listeners if Shiboken.isValid(pair[0])]
        for _, handler in tuple(self._listeners):
            try:
                handler(event)
            except Exception:  # one broken window must not keep events from the others
                log.exception("A window failed on the event %s", event.kind)
