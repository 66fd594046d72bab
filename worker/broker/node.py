"""One process's share of one broker file, and the register of those.

A node joins the parts: connections, stores, the lock that shows that the process lives, the
doorbell. Owns their lifetime, recovery from processes that died, and fork.
"""

import atexit
import contextlib
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from worker.broker import schema
from worker.broker.courtesy import Courtesy
from worker.broker.database import Database
from worker.broker.doorbell import Doorbell, Topic
from worker.broker.errors import BrokerError, BrokerGone, BrokerTooLarge, translated
from worker.broker.locks import HeldLock, PeerLocks
from worker.broker.places import refuse_network_share
from worker.broker.result_store import ResultStore
from worker.broker.store import MessageStore, NewMessage
from worker.broker.upkeep import Upkeep

_log = logging.getLogger(__name__)

WORK = 1  # a message can be delivered
DONE = 2  # a result changed
_LOOK_FOR_DEAD = 1.0  # s between looks for processes that died
_TIDY = 600.0  # s between deletions of what expired, for those who run no maintenance


class Waiting:
    """Who in this process waits for which results: they are handed what is stored here.

    Called while garbage is collected, too, so it takes no lock: one call of a dictionary or a
    list is whole. Who is missed all the same finds the result in the file two seconds later.
    """

    def __init__(self) -> None:
        self._boxes: dict[str, list[deque[str | bytes]]] = {}

    def add(self, key: str, box: deque[str | bytes]) -> None:
        """Have a result put into a box when it is stored."""
        self._boxes.setdefault(key, []).append(box)

    def remove(self, key: str, box: deque[str | bytes]) -> None:
        """Undo `add`."""
        boxes = self._boxes.get(key, [])
        # By identity: two empty boxes are equal.
        boxes[:] = [other for other in boxes if other is not box]
        if not boxes:
            self._boxes.pop(key, None)

    def hand_over(self, key: str, value: str | bytes) -> None:
        """Give a result to all who wait for it."""
        for box in self._boxes.get(key, ()):
            box.append(value)


class Hunger:
    """The queues that somebody in this process waits for and has room for.

    Attributes:
        queues: those.
        fed: those of them that a message was stored in since he looked.
    """

    def __init__(self) -> None:
        self.queues: frozenset[str] = frozenset()
        self.fed: set[str] = set()

    def feed(self, messages: Iterable[NewMessage]) -> bool:
        """Note what was stored; True when it is something that is waited for."""
        wanted = [one.queue for one in messages if one.queue in self.queues]
        self.fed.update(wanted)
        return bool(wanted)


class Node:
    """What this process has of one broker file.

    Attributes:
        path: the file.
        id: this process's name in the list of peers.
        messages: the verbs on messages and queues.
        results: the verbs on results.
        upkeep: dead letters, clean-up, figures.
        moved_aside: where a damaged file was moved to when this node opened it, else None.
        clock: gives seconds since 1970.
        waiting: who in this process waits for results of the file.
        in_hand: the messages that this process has and has not settled, with their tasks' ids.
        hungry: who waits for messages here, and from which queues.
        rung: how often another process rang, so that something changed that did not pass here.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        waiting: Waiting | None = None,
    ) -> None:
        """Open the file, make or rebuild it if need be, and recover what dead processes had.

        Args:
            path: the file.
            clock: gives seconds since 1970.
            waiting: who in this process waits for results.

        Raises:
            BrokerError: it cannot be used; nothing was accepted.
        """
        self.path = path
        self.clock = clock
        self.waiting = waiting or Waiting()
        self.id = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._pid = os.getpid()
        self._closed = False
        self._lock = threading.RLock()  # what is made up for later may wait for a topic
        self._topics = {WORK: Topic(), DONE: Topic()}
        self._port: int | None = None
        self._listens_to = 0
        self._owed: deque[Callable[[], object]] = deque()
        self.in_hand: dict[int, str] = {}
        self.rung = 0
        self.hungry: dict[object, Hunger] = {}
        self._looked_for_dead = 0.0
        self._tidied = time.monotonic()
        self._locks = PeerLocks(path.with_name(f"{path.name}.peers"))
        self._held, self.moved_aside = self._enter()
        self._database = Database(path)
        self.messages = MessageStore(self._database, clock=clock)
        self.results = ResultStore(self._database, clock)
        self.upkeep = Upkeep(self._database, lambda: self.ring(WORK), clock)
        self._courtesy = Courtesy()
        self._bell = Doorbell(f"nagatha-bell-{path.name}", self._answer)
        try:
            self.messages.join(self.id)
            self.recover(force=True)
        except BaseException:
            self._database.close()
            self._held.release(remove=True)
            raise

    def _enter(self) -> tuple[HeldLock, Path | None]:
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            refuse_network_share(folder)
            with self._locks.opening():
                aside = schema.prepare(self.path, alone=not self._locks.sweep())
                return self._locks.hold(self.id), aside
        except OSError as error:
            raise translated(error, self.path) from error

    @property
    def usable(self) -> bool:
        """Whether it is open and belongs to this process."""
        return not self._closed and self._pid == os.getpid()

    # -- waking

    def topic(self, topic: int) -> Topic:
        """Give a topic to wait for, `WORK` or `DONE`; from then on other processes ring for it.

        Raises:
            BrokerGone: the node was closed.
        """
        if not self._listens_to & topic:
            with self._lock:
                self._check()
                if self._port is None:
                    self._port = self._bell.listen()
                self._listens_to |= topic
                self.messages.listen(self.id, self._port, self._listens_to)
        return self._topics[topic]

    @property
    def hears(self) -> bool:
        """Whether other processes can ring; if not, one has to look now and then."""
        return bool(self._port)

    def notify(self, topic: int) -> None:
        """Wake the threads of this process that wait for a topic."""
        for bit, waited in self._topics.items():
            if topic & bit:
                waited.notify()

    def _answer(self, topic: int) -> None:
        self.rung += 1
        self.notify(topic)

    def ring(self, topic: int) -> None:
        """Wake whoever waits for a topic, here and in other processes."""
        self.notify(topic)
        self._bell.ring(self.messages.doorbells(topic, but=self.id), topic)

    # -- work

    def publish(self, messages: Iterable[NewMessage], *, durable: bool = True) -> None:
        """Store messages, all or none, and wake whoever waits for work.

        With ``durable`` they are safe from a power cut when this returns. Somebody may have begun
        with them before: then the power cut undoes that as well.

        Raises:
            BrokerError: they were not accepted.
        """
        new = list(messages)
        stored = self.messages.store(new, topic=WORK, but=self.id)
        if any(one.due for one in new):
            self.notify(WORK)
        else:
            fed = [hunger for hunger in list(self.hungry.values()) if hunger.feed(new)]
            if fed:
                self._topics[WORK].notify(news=False)
        self._bell.ring(stored.ports, WORK)
        if durable:
            self.messages.secure(stored)  # others have the core while this waits for the disk
        elif stored.ids:
            self._courtesy.give_way(stored.ids[0], stored.ids[-1])

    def ack(self, message: int) -> None:
        """Forget a message whose work is done.

        When the file cannot be written just now, this is made up for later: the work is done, and
        whoever did it can do nothing about the file.

        Raises:
            BrokerGone: the node was closed; its messages have gone back.
        """
        if self.in_hand.pop(message, None) is not None:
            self.now_or_later(lambda: self.messages.ack(message))

    def fail(self, message: int) -> None:
        """Give back a message whose delivery failed. Made up for later like `ack`."""

        def fail() -> None:
            self.messages.fail(message, self.id)
            self.ring(WORK)

        self.in_hand.pop(message, None)
        self.now_or_later(fail)

    def give_back(self, channel: str, messages: Iterable[int]) -> None:
        """Give back in good order all that a channel claimed: what it has in hand, and the rest.

        Made up for later like `ack`.
        """
        for message in messages:
            self.in_hand.pop(message, None)
        self.now_or_later(lambda: self._release(channel=channel))

    def give_back_one(self, message: int) -> None:
        """Give back in good order one message. Made up for later like `ack`."""
        self.in_hand.pop(message, None)
        self.now_or_later(lambda: self._release(message=message))

    def _release(self, *, channel: str | None = None, message: int | None = None) -> None:
        if self.messages.release(self.id, channel=channel, message=message):
            self.ring(WORK)

    def put_result(
        self,
        key: str,
        value: str | bytes,
        state: str,
        lifetime: float | None,
        *,
        message: int | None = None,
        settles: bool = False,
        later: bool = False,
    ) -> None:
        """Store a result and wake whoever waits for one.

        Args:
            key: see `ResultStore.put`, as for the next three.
            value: the encoded result.
            state: its state.
            lifetime: seconds until it expires.
            message: the message of the task, if this process has it in hand. Then a result that
                cannot be written just now is made up for later like `ack`; should the process end
                before, the message comes back.
            settles: forget the message in the same transaction, so that no crash can part a
                task's success from its acknowledgement.
            later: make it up for later also where there is no such message any more.

        Raises:
            BrokerError: nothing was written.
        """

        def put() -> None:
            settled = message if settles else None
            done = self.results.put(
                key, value, state, lifetime, settles=settled, topic=DONE, peer=self.id
            )
            if settled is not None:
                self.in_hand.pop(settled, None)
            if done.stored:
                self.waiting.hand_over(key, value)
                self.notify(DONE)
                self._bell.ring(done.ports, DONE)

        if message is None and not later:
            put()
        else:
            self.now_or_later(put)

    def now_or_later(self, write: Callable[[], object]) -> None:
        """Do a write; one that cannot be done just now is made up for later like `ack`.

        Raises:
            BrokerGone: the node was closed.
            BrokerTooLarge: it never can be done.
        """
        if not self._owed:
            try:
                write()
                return
            except (BrokerGone, BrokerTooLarge):
                raise
            except BrokerError as error:
                _log.warning("what a task came to is written later: %s", error)
        self._owed.append(write)  # in order: no acknowledgement before its result

    def _pay(self) -> None:
        with self._lock:
            while self._owed:
                try:
                    self._owed[0]()
                except BrokerGone:
                    raise
                except BrokerTooLarge as error:  # the others are not to wait for it for ever
                    _log.error("what a task came to is lost: %s", error)
                except BrokerError:
                    return
                except Exception:  # e.g. of a chord's body; whoever looks here is no task
                    _log.exception("what a task came to is lost")
                self._owed.popleft()

    # -- recovery

    def recover(self, *, force: bool = False) -> int:
        """Take back the messages of processes that died; looks at most once a second.

        Returns:
            How many such processes there were.
        """
        now = time.monotonic()
        if not force and now - self._looked_for_dead < _LOOK_FOR_DEAD:
            return 0
        self._looked_for_dead = now
        self._pay()
        dead = 0
        peers = self.messages.peers()
        for peer in peers:
            if peer != self.id and self._locks.is_gone(peer):
                self.messages.bury(peer)
                self._locks.forget(peer)
                dead += 1
        if self.id not in peers:  # somebody deleted our lock file and took us for dead
            self._held.release(remove=True)
            self._held = self._locks.hold(self.id)
            self.messages.listen(self.id, self._port or 0, self._listens_to)
        if dead:
            self.ring(WORK)
        if now - self._tidied > _TIDY:
            self._tidied = now
            self.upkeep.delete_expired()
        return dead

    # -- lifetime

    def _check(self) -> None:
        if not self.usable:
            raise BrokerGone(f"{self.path} was closed meanwhile.", "Connect again.")

    def close(self) -> None:
        """Give everything back and free every thread, file and port. Twice is harmless."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        try:
            self._pay()
            self.messages.leave(self.id)
            self._bell.ring(self.messages.doorbells(WORK, but=self.id), WORK)
        except BrokerError as error:
            # What we have comes back all the same: the lock goes below.
            _log.warning("the broker %s was closed without leaving: %s", self.path, error)
        self._bell.close()
        self._database.close()
        self._held.release(remove=True)
        self.notify(WORK | DONE)

    def hold_for_fork(self) -> None:
        """Before a fork: no transaction and no connection may go along."""
        self._database.hold()

    def let_go(self) -> None:
        """After a fork: go on."""
        self._database.let_go()

    def abandon(self) -> None:
        """In a forked child: this is the parent's; drop the copies of its files and ports."""
        self._closed = True
        self._held.release()
        self._bell.abandon()


class Register:
    """The nodes of this process, one for each file, each with the number of its users.

    There has to be one register for the process: kombu and Celery make transports and backends
    from a URL alone, in whatever thread, and they must meet at the same node.

    Attributes:
        clock: gives seconds since 1970 to the nodes that are opened from now on.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._lock = threading.RLock()
        self._nodes: dict[Path, Node] = {}
        self._users: dict[Path, int] = {}
        self._waiting: dict[Path, Waiting] = {}
        self._hooked = False

    def acquire(self, path: Path) -> Node:
        """Give the node of a file and count one user more; `release` it.

        Raises:
            BrokerError: the file cannot be used.
        """
        with self._lock:
            node = self.borrow(path)
            self._users[node.path] += 1
            return node

    def borrow(self, path: Path) -> Node:
        """Give the node of a file without counting; it stays until `close` or the last release.

        Raises:
            BrokerError: the file cannot be used.
        """
        key = Path(os.path.realpath(path))
        with self._lock:
            self._hook()
            node = self._nodes.get(key)
            if node is None or not node.usable:
                node = self._nodes[key] = Node(key, self.clock, self.waiting(key))
                self._users[key] = 0
            return node

    def waiting(self, path: Path) -> Waiting:
        """Give those who wait in this process for results of a file, open or not."""
        try:
            return self._waiting[path]
        except KeyError:
            return self._waiting.setdefault(Path(os.path.realpath(path)), Waiting())

    def release(self, node: Node) -> None:
        """Count one user less and close the node when it was the last."""
        with self._lock:
            if self._nodes.get(node.path) is not node:
                return  # closed meanwhile
            self._users[node.path] -= 1
            if self._users[node.path] > 0:
                return
            self._remove(node.path)
        node.close()

    def open(self, path: Path) -> Node | None:
        """Give the node of a file if this process has one."""
        with self._lock:
            node = self._nodes.get(Path(os.path.realpath(path)))
            return node if node is not None and node.usable else None

    def close(self, path: Path) -> None:
        """Close the node of a file, whoever uses it; the next use opens it again."""
        with self._lock:
            node = self._remove(Path(os.path.realpath(path)))
        if node is not None:
            node.close()

    def close_all(self) -> None:
        """Close every node, at the end of the process."""
        for path in list(self._nodes):
            self.close(path)

    def _remove(self, path: Path) -> Node | None:
        self._users.pop(path, None)
        return self._nodes.pop(path, None)

    def _hook(self) -> None:
        if self._hooked:
            return
        self._hooked = True
        atexit.register(self.close_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork,
                after_in_parent=self._after_fork_in_parent,
                after_in_child=self._after_fork_in_child,
            )

    def _before_fork(self) -> None:
        self._lock.acquire()
        for node in self._nodes.values():
            node.hold_for_fork()

    def _after_fork_in_parent(self) -> None:
        for node in self._nodes.values():
            node.let_go()
        self._lock.release()

    def _after_fork_in_child(self) -> None:
        for node in self._nodes.values():
            node.let_go()
            node.abandon()
        self._nodes.clear()
        self._users.clear()
        self._waiting.clear()
        self._lock.release()


# The one exception to "no module-level state", for the reason that Register gives.
REGISTER = Register()


@contextlib.contextmanager
def used(register: Register, path: Path) -> Iterator[Node]:
    """Use a file's node for the length of a block."""
    node = register.acquire(path)
    try:
        yield node
    finally:
        register.release(node)
