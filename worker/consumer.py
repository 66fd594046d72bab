"""What Celery's consumer does differently here: it says nothing of what it reads, remembers
rate limits over restarts, and may leave queues alone, where Celery's command runs it when it is
told so through remote control.

Owns those. It must not know what the tasks do, nor who starts it.
"""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from celery.bootsteps import CLOSE
from celery.exceptions import NotRegistered, WorkerShutdown
from celery.worker.consumer import Consumer
from celery.worker.control import control_command
from kombu.message import Message
from kombu.utils.limits import TokenBucket

from worker.servers import QUEUE

log = logging.getLogger(__name__)

PAUSE = "nagatha_pause"
"""The name of the remote control command below."""

Started = Callable[[str], float | None]
"""Seconds since a task of this name was begun last; None when none is known."""


def seconds_since(moment: datetime | None, now: datetime) -> float | None:
    """For `Started`; a moment that a wrong clock put into the future was just now."""
    return None if moment is None else max(0.0, (now - moment).total_seconds())


class DiscreetConsumer(Consumer):  # type: ignore[misc]  # celery ships no types
    """Celery's consumer, which otherwise writes the content of a message that it does not know
    into the log."""

    def on_unknown_task(self, body: object, message: Message, exc: Exception) -> None:
        """A task that there is not: its sender is told, the log gets its name and id."""
        name, task_id = message.headers.get("task"), message.headers.get("id")
        log.warning("there is no task %s; run %s is not done", name, task_id)
        message.reject_log_error(log, self.connection_errors)
        if task_id:
            self.app.backend.mark_as_failure(task_id, NotRegistered(name))

    def on_unknown_message(self, body: object, message: Message) -> None:
        """Something that is no task at all."""
        log.warning("a message that is no task was taken out of the queue")
        message.reject_log_error(log, self.connection_errors)

    def on_invalid_task(self, body: object, message: Message, exc: Exception) -> None:
        """A task whose message cannot be read."""
        log.warning("a task's message cannot be read: %s", type(exc).__name__)
        message.reject_log_error(log, self.connection_errors)

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        """A message of another kind than JSON, or a broken one."""
        log.warning("a message cannot be read: %s", type(exc).__name__)
        message.ack_log_error(log, self.connection_errors)

    # queues ------------------------------------------------------------------------------

    def consume_only(self, wanted: frozenset[str]) -> None:
        """Take messages from these queues and no others. On the consumer's thread."""
        queues = self.app.amqp.queues
        queues.select(sorted(wanted))
        if self.task_consumer is None:
            return  # it takes what was selected once it is connected
        for name in tuple(queues):
            if name not in wanted:
                self.task_consumer.cancel_by_queue(name)
            elif not self.task_consumer.consuming_from(name):
                self.task_consumer.add_queue(queues[name])
                self.task_consumer.consume()


class EmbeddedConsumer(DiscreetConsumer):
    """The consumer of the worker inside a program, which otherwise begins each time with rate
    limits that nothing has been used of. Its controller is `worker.embedded`'s."""

    abandoned = False
    """Whether the worker was given up, and another one may be at work."""

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """The broker was lost, and with it perhaps what had been taken from it."""
        self.controller.lost(exc)
        super().on_connection_error_after_connected(exc)

    # leaving -----------------------------------------------------------------------------

    def abandon(self) -> None:
        """Nobody waits for this consumer any more: it ends as soon as its broker lets it.

        Celery's flags are the process's, and the next worker needs them.
        """
        self.abandoned = True
        self.blueprint.state = CLOSE

    def start(self) -> None:
        """Take messages until the worker is to stop."""
        super().start()
        if self.abandoned:
            raise WorkerShutdown(0)  # or the pool's threads would stay

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, again and again, for as long as anybody wants it."""
        ensure = conn.ensure_connection

        def watched(errback: object, retries: object, callback: Callable[[], None]) -> object:
            def look() -> None:
                callback()
                if self.abandoned:
                    raise WorkerShutdown(0)

            return ensure(errback, retries, callback=look)

        conn.ensure_connection = watched
        try:
            return super().ensure_connected(conn)
        finally:
            del conn.ensure_connection

    # rate limits -------------------------------------------------------------------------

    def bucket_for_task(self, type: Any) -> TokenBucket | None:  # celery's name
        """A bucket as full as it would be, had the worker never been stopped.

        One that the task has and that is still of the right size stays, with what waits in it.
        """
        bucket: TokenBucket | None = super().bucket_for_task(type)
        if bucket is None:
            return None
        known: TokenBucket | None = self.task_buckets[type.name]
        if known is not None and known.fill_rate == bucket.fill_rate:
            return known
        started: Started = self.controller.started
        ago = started(type.name)
        if ago is not None:
            bucket._tokens = min(bucket.capacity, ago * float(bucket.fill_rate or 0))
        return bucket


class HostedConsumer(DiscreetConsumer):
    """The consumer of a worker that Celery's command runs, with its engine, or each of its
    processes' engines, at its side. Its app is `worker.celery`'s."""

    def __init__(self, *places: Any, **options: Any) -> None:
        super().__init__(*places, **options)
        # What -Q named, or all.
        self._of_worker = frozenset(self.app.amqp.queues.consume_from)
        self.pause(self.app.begins_paused)

    def pause(self, paused: bool) -> None:
        """Leave the queue alone that nobody waits for, or take from it again."""
        self.consume_only(self._of_worker - {QUEUE} if paused else self._of_worker)


@control_command(args=[("paused", bool)], signature="true|false")  # type: ignore[untyped-decorator]
def nagatha_pause(state: Any, paused: bool) -> dict[str, str]:
    """Have a worker that Celery's command runs heed a pause; its engines send this."""
    if not isinstance(state.consumer, HostedConsumer):
        return {"error": "this worker is paused by the program that it is in"}
    state.consumer.pause(paused)
    return {"ok": "paused" if paused else "goes on"}
