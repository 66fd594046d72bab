"""Delivery on the event loop of a Celery worker, which is how a pool of processes is run.

Owns the socket by which other threads wake the loop, and the timers. Knows nothing of what is
delivered: it is told to look, and when to look again.
"""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from worker.broker.doorbell import Topic

_NOW_AND_THEN = 2.0  # s between looks that nobody asked for; as in Celery's plain loop


class Timer(Protocol):
    """What a loop gives for a call that it is to make later."""

    def cancel(self) -> object: ...


class Loop(Protocol):
    """What is needed of kombu's event loop. All of it is called on the loop's own thread."""

    @property
    def readers(self) -> Mapping[int, object]:
        """What it reads from, by number; nothing once it was closed."""
        ...

    def add_reader(self, fds: socket.socket, callback: Callable[[], None]) -> object: ...
    def remove_reader(self, fd: socket.socket) -> object: ...
    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer: ...
    def call_repeatedly(self, delay: float, callback: Callable[[], None]) -> Timer: ...


class LoopDelivery:
    """Has a connection look for messages on a loop whenever there may be some."""

    def __init__(
        self,
        loop: Loop,
        topic: Topic,
        look: Callable[[], float | None],
        now_and_then: Callable[[], object],
    ) -> None:
        """Begin; the first look comes with the loop's next turn.

        Args:
            loop: the worker's.
            topic: what is waited for.
            look: delivers what is there. Gives the seconds until it is to be called again, 0 for
                after the loop's other work, None for not before the topic is notified.
            now_and_then: called every two seconds as well, then `look`.
        """
        self._loop = loop
        self._topic = topic
        self._look = look
        self._look_after = now_and_then
        self._awake = False
        self._due: Timer | None = None
        self._woken, self._waking = socket.socketpair()
        self._woken.setblocking(False)
        self._waking.setblocking(False)
        loop.add_reader(self._woken, self._turn)
        self._regular = loop.call_repeatedly(_NOW_AND_THEN, self._on_time)
        topic.listen(self.wake)
        self.wake()

    def wake(self) -> None:
        """Have the loop look at its next turn; from any thread."""
        if self._awake:
            return  # it has not looked since it was last woken
        self._awake = True
        with suppress(OSError):  # it was closed meanwhile, or is so full that it is awake
            self._waking.send(b"\0")

    def close(self) -> None:
        """Leave the loop. Twice is harmless."""
        self._topic.unlisten(self.wake)
        self._regular.cancel()
        if self._due is not None:
            self._due.cancel()
        if self._woken.fileno() >= 0:
            if self._woken.fileno() in self._loop.readers:
                # One that was closed would open what it needs anew, and keep it.
                self._loop.remove_reader(self._woken)
            self._woken.close()
            self._waking.close()

    def _on_time(self) -> None:
        self._look_after()
        self._turn()

    def _turn(self) -> None:
        with suppress(BlockingIOError):
            while self._woken.recv(64):
                pass
        self._awake = False  # said before looking: who comes from here on wakes it again
        if self._due is not None:
            self._due.cancel()
            self._due = None
        after = self._look()
        if after == 0:
            self.wake()
        elif after is not None:
            self._due = self._loop.call_later(after, self.wake)
