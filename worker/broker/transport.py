"""The kombu transport: connections to the broker's file, and waiting for messages.

Nothing here polls: a drain, and a worker's event loop, sleep until somebody rings. Knows Celery
only by the flags that stop a worker.
"""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import logging
import sqlite3
import sys
import threading
import time
from contextlib import suppress
from queue import Empty
from typing import Any, ClassVar

from kombu.exceptions import ChannelError
from kombu.transport import virtual

from worker.broker.channel import CannotTake, Channel, Message
from worker.broker.errors import (
    PASSING,
    BrokerBusy,
    BrokerDamaged,
    BrokerDiskFull,
    BrokerError,
    BrokerGone,
    BrokerReadOnly,
    BrokerUnavailable,
)
from worker.broker.loop import Loop, LoopDelivery
from worker.broker.node import REGISTER, WORK, Hunger, Node, Register
from worker.broker.places import SCHEME, path_from_url

_log = logging.getLogger(__name__)

_TRY_AGAIN = 1.0  # s between tries while the file cannot be written
_LONGEST_SLEEP = 5.0  # s; even with no doorbell and no timeout somebody looks this often


class Transport(virtual.Transport):
    """The transport of ``nagatha+file://`` URLs."""

    Channel = Channel
    register: ClassVar[Register] = REGISTER

    can_parse_url = True
    driver_type = SCHEME
    driver_name = "sqlite"
    default_connection_params: ClassVar[dict[str, Any]] = {}  # there is no host and no port
    implements = virtual.Transport.implements.extend(
        asynchronous=True, exchange_type=frozenset(["direct", "topic", "fanout"])
    )
    # A worker outlasts all of these; a publisher tries again only where that may help at once.
    connection_errors = (  # type: ignore[assignment]  # kombu says a tuple of one
        BrokerBusy,
        BrokerGone,
        BrokerDiskFull,
        BrokerReadOnly,
        BrokerDamaged,
        BrokerUnavailable,
    )
    recoverable_connection_errors = (BrokerBusy, BrokerGone)
    channel_errors = (ChannelError,)
    recoverable_channel_errors = ()

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self._node: Node | None = None
        self._opening = threading.Lock()
        self._on_loop: LoopDelivery | None = None
        # What is known of the queues: which may have something, when the next message is due,
        # and of which node, which news and which queues that is the knowledge.
        self._hunger = Hunger()
        self._ready: set[str] = set()
        self._due: float | None = None
        self._looked: tuple[Node, int, set[str]] | None = None
        self._trouble: type[BrokerError] | None = None

    @property
    def node(self) -> Node:
        """The process's share of the file, while the connection is open."""
        with self._opening:
            if self._node is None:
                url = str(getattr(self.client, "hostname", ""))
                self._node = self.register.acquire(path_from_url(url))
            return self._node

    def establish_connection(self) -> "Transport":
        """Open the file.

        Raises:
            BrokerError: it cannot be used.
        """
        if self._node is not None and not self._node.usable:
            self.close_connection(self)
        super().establish_connection()
        return self

    def driver_version(self) -> str:
        """The version of SQLite."""
        return sqlite3.sqlite_version

    def as_uri(self, uri: str, include_password: bool = False, mask: str = "**") -> str:
        """Give the URL; it holds no secret."""
        return f"{SCHEME}+{uri}" if uri.startswith("file://") else uri

    def verify_connection(self, connection: "Transport") -> bool:
        """Tell whether the connection can still be used."""
        return self._node is None or self._node.usable

    def close_connection(self, connection: "Transport") -> None:
        """Close the channels, and the file when nobody else in this process uses it."""
        on_loop, self._on_loop = self._on_loop, None
        if on_loop is not None:
            on_loop.close()
        try:
            super().close_connection(connection)
        finally:
            with self._opening:
                node, self._node = self._node, None
            self._looked = None
            if node is not None:
                node.hungry.pop(self, None)
                self.register.release(node)

    def register_with_event_loop(self, connection: "Transport", loop: Loop) -> None:
        """Deliver on a worker's event loop from now on, as long as the connection is open.

        Raises:
            BrokerError: the file cannot be used; also on the loop, from then on.
        """
        if self._on_loop is None:
            node = self.node
            self._on_loop = LoopDelivery(loop, node.topic(WORK), self._look, self._look_anew)

    @property
    def on_loop(self) -> bool:
        """Whether messages are delivered on a worker's event loop."""
        return self._on_loop is not None

    def _look(self) -> float | None:
        node = self.node
        if not node.usable:
            raise _gone(node)
        try:
            delivered = self._look_after(node, node.topic(WORK).news)
        except CannotTake as trouble:
            self._bear(trouble.error)
            return _TRY_AGAIN
        self._trouble = None
        if delivered:
            return 0.0
        return None if self._due is None else max(0.0, self._due - node.clock())

    def _look_anew(self) -> None:
        """A byte that was to wake the loop may have been lost."""
        self._looked = None

    def drain_events(  # type: ignore[override]  # the base takes any keyword
        self, connection: "Transport", timeout: float | None = None
    ) -> None:
        """Deliver messages, waiting for the first until it is there.

        Returns at once, as if the time were over, when this process's worker is to stop and
        somebody wakes it (`worker.broker.wake`).

        Raises:
            TimeoutError: none came in ``timeout`` seconds.
            BrokerError: the file cannot be used.
        """
        node = self.node
        work = node.topic(WORK)
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            seq, news = work.seq, work.news
            longest = _LONGEST_SLEEP
            try:
                delivered = self._look_after(node, news)
                self._trouble = None
                if delivered:
                    return
            except CannotTake as trouble:
                # A worker that lost its connection would drop what it runs, and run it again.
                self._bear(trouble.error)
                longest = _TRY_AGAIN
            left = longest if deadline is None else deadline - time.monotonic()
            if left <= 0 or _worker_is_stopping():
                raise TimeoutError("no message came in time")
            if self._due is not None and self._trouble is None:
                left = min(left, self._due - node.clock())
            if not work.wait(seq, min(left, longest)):
                self._looked = None  # a byte may have been lost
            if not node.usable:
                raise _gone(node)

    def _look_after(self, node: Node, news: int) -> bool:
        """Deliver what is there, or do what there is time for when nothing is."""
        try:
            self._see_what_is_there(node, news)
            if self._due is not None and self._due <= node.clock():
                node.messages.promote_due()
                self._looked = None
                self._see_what_is_there(node, news)
        except PASSING as error:
            raise CannotTake(error) from error
        if self._ready and self._deliver_what_is_there():
            return True
        try:
            node.recover()
        except PASSING as error:
            raise CannotTake(error) from error
        return False

    def _bear(self, error: BrokerError) -> None:
        if type(error) is not self._trouble:
            self._trouble = type(error)
            _log.warning("no messages can be taken just now: %s", error)
        self._looked = None

    def _see_what_is_there(self, node: Node, news: int) -> None:
        """Bring up to date which queues may have something, looking only when there is news.

        A queue for which there is no room is rung for by nobody; so it may have something when
        there is room again. A queue that had nothing and that there is room for is rung for.
        """
        active: set[str] = set()
        hungry: set[str] = set()
        for channel in self.channels:
            active.update(channel.active_queues)
            hungry.update(channel.hungry_queues)
        # Said before looking: whoever stores something after the look says so, and rings.
        self._hunger.queues = frozenset(hungry)
        self._ready |= active - hungry
        seen = (node, news, active)
        if self._looked != seen or not node.hears:
            self._looked = seen
            node.hungry[self] = self._hunger
            look = node.messages.look(sorted(hungry))
            self._ready = set(look.ready) | (active - hungry)
            self._due = None if look.due is None else node.clock() + look.due
        with suppress(KeyError):
            while self._hunger.fed:
                self._ready.add(self._hunger.fed.pop())

    def _deliver_what_is_there(self) -> bool:
        delivered = False
        for channel in list(self.channels):
            try:
                channel.drain_events(callback=self._deliver, ready=self._ready)
            except Empty:
                continue
            delivered = True
        return delivered

    def _reject_inbound_message(self, raw_message: Message) -> None:
        """Nobody consumes from its queue any more: give it back, which is nobody's failure."""
        tag = raw_message["properties"]["delivery_tag"]
        self.node.in_hand.pop(tag, None)
        self.node.messages.release(self.node.id, message=tag)


def _gone(node: Node) -> BrokerGone:
    return BrokerGone(f"{node.path} was closed meanwhile.", "Connect again.")


def _worker_is_stopping() -> bool:
    # Only looked up: a process that runs no worker need not import Celery's.
    state = sys.modules.get("celery.worker.state")
    flags = (getattr(state, "should_stop", None), getattr(state, "should_terminate", None))
    return any(flag is not None and flag is not False for flag in flags)
