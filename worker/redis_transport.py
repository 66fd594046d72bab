"""kombu's transport for Redis, whose wait for a message can be ended.

Owns what is different there. It must not know the engine, nor any task.
"""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import contextlib
from typing import Any

from kombu.transport import redis
from kombu.utils.eventio import READ, poll


def _answered(connection: Any, seconds: float) -> bool:
    """Whether the answer that is waited for has come, or comes within `seconds`.

    It is left in the socket, by which the event loop learns of it: the connection's own `can_read`
    takes it out, and with it perhaps a message, which nobody would read any more.
    """
    if connection._sock is None:
        return True  # it was lost, and the answer with it
    poller = poll()
    try:
        poller.register(connection._sock, READ)
        return bool(poller.poll(seconds))
    finally:
        poller.close()


class RedisChannel(redis.Channel):
    """kombu's channel, whose wait for a message can be ended.

    It waits in a BRPOP of one second; closing reads the answer to it, because a message may be
    on its way, and took up to that second.
    """

    _asked: object = None
    """The socket that `_reader` was asked for."""
    _reader = 0
    """What the server calls the connection that waits; 0 where it does not say."""

    def _brpop_start(self, timeout: float | None = None) -> None:
        connection = self.client.connection
        if connection._sock is None or connection._sock is not self._asked:
            self._reader = self._number_of(connection)
            self._asked = connection._sock
        super()._brpop_start(timeout)

    def _number_of(self, connection: Any) -> int:
        connection.send_command("CLIENT", "ID")
        try:
            return int(connection.read_response())
        except self.ResponseError:  # a server of ours may not be allowed to say it
            return 0

    def end_wait(self) -> None:
        """Let the server answer a waiting BRPOP now."""
        connection: Any = self._in_poll
        if not connection or not self._reader:
            return
        with contextlib.suppress(self.ResponseError, *self.connection_errors):
            # It is on its own way to the server, and may come there before what it is to end.
            for _ in range(10):
                with self.conn_or_acquire() as client:
                    if client.execute_command("CLIENT", "UNBLOCK", self._reader):
                        return
                if _answered(connection, 0.01):
                    return

    def basic_consume(self, queue: str, *args: Any, **kwargs: Any) -> Any:
        """Consume from one more queue, from now on and not after the wait that goes on."""
        consumer = super().basic_consume(queue, *args, **kwargs)
        self.end_wait()
        return consumer

    def _basic_cancel(self, consumer_tag: str) -> Any:
        cancelled = super()._basic_cancel(consumer_tag)
        self.end_wait()
        return cancelled

    def close(self) -> None:
        """Close at once; a message that is on its way goes back."""
        if not self.closed:
            self.end_wait()
            if self.connection is not None and self.connection.client is None:
                # The server was lost, and nothing can be given back to it. kombu would raise
                # something that Celery takes for the end of the worker.
                self.do_restore = False
        super().close()


class RedisTransport(redis.Transport):
    """kombu's transport with the channel above."""

    Channel = RedisChannel
