"""kombu's virtual channel on the broker's file: publishing, prefetch, acknowledgement.

Owns the translation between kombu's channels and `store`. Knows nothing of waiting.
"""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import json
import logging
import time
from collections.abc import Callable
from datetime import datetime
from queue import Empty
from typing import TYPE_CHECKING, Any

from kombu.exceptions import ChannelError
from kombu.transport import virtual
from kombu.utils.json import dumps, loads
from kombu.utils.uuid import uuid

from worker.broker.errors import PASSING, BrokerError, BrokerGone
from worker.broker.node import WORK, Node
from worker.broker.store import Claimed, NewMessage, Route

if TYPE_CHECKING:
    from worker.broker.transport import Transport

_log = logging.getLogger(__name__)

# A message is a dictionary of JSON values.
Message = dict[str, Any]

WAS_DUE = "nagatha_eta"  # the header that keeps the time at which a message was due
BATCH = 16  # messages claimed at once for a consumer without a prefetch limit
_TRANSIENT = 1  # AMQP's delivery mode for messages that need not survive


class CannotTake(Exception):
    """No message can be taken just now, for the reason in `error`; what was taken is all right."""

    def __init__(self, error: BrokerError) -> None:
        super().__init__(str(error))
        self.error = error


class QoS(virtual.QoS):
    """Counts what a channel has in hand, and settles it in the file."""

    channel: "Channel"

    def ack(self, delivery_tag: int) -> None:
        """The work is done: forget the message."""
        self.channel.node.ack(delivery_tag)
        self._quick_ack(delivery_tag)
        self.channel.made_room()

    def reject(self, delivery_tag: int, requeue: bool = False) -> None:
        """The work was refused: forget the message, or count a failure and deliver it again."""
        node = self.channel.node
        # Before it goes back: it may be here again at once, under the same tag.
        self._quick_ack(delivery_tag)
        if requeue:
            node.fail(delivery_tag)
        else:
            node.ack(delivery_tag)
        self.channel.made_room()

    def restore_unacked(self) -> list[tuple[BaseException, Any]]:
        """Give back what the channel has in hand."""
        self._flush()
        self.channel.give_back()
        self._delivered.clear()
        return []


class Channel(virtual.Channel):
    """One channel: its claims are its own, and go back when it closes."""

    QoS = QoS
    supports_fanout = True

    def __init__(self, connection: "Transport", **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self._node = connection.node
        self._name = uuid()
        self.active_queues: list[str] = []
        self._no_ack: set[str] = set()
        self._claims = False
        self._full = False
        self._turn = 0

    @property
    def node(self) -> Node:
        """The process's share of the file.

        Raises:
            BrokerGone: it was closed, or belongs to the process that forked this one.
        """
        if not self._node.usable:
            raise BrokerGone(f"{self._node.path} was closed meanwhile.", "Connect again.")
        return self._node

    # -- publishing

    def basic_publish(
        self, message: Message, exchange: str, routing_key: str, **kwargs: Any
    ) -> None:
        """Store a message in every queue that it goes to, or in none.

        Raises:
            BrokerError: it was not accepted.
        """
        self._inplace_augment_message(message, exchange, routing_key)
        self._store(self._targets(exchange, routing_key), message)

    def _targets(self, exchange: str, routing_key: str) -> list[str]:
        if not exchange:
            return [routing_key]
        if self.typeof(exchange).type == "fanout":
            return sorted({route.queue for route in self.node.messages.routes(exchange)})
        return sorted(queue for queue in self._lookup(exchange, routing_key) if queue)

    def _put(self, queue: str, message: Message, **kwargs: Any) -> None:
        self._store([queue], message)

    def _put_fanout(self, exchange: str, message: Message, routing_key: str, **kwargs: Any) -> None:
        self._store(self._targets(exchange, routing_key), message)

    def _store(self, queues: list[str], message: Message) -> None:
        if not queues:
            return
        headers, properties = message.get("headers") or {}, message["properties"]
        task = headers.get("id")
        payload = dumps(message)
        priority, due = self._get_message_priority(message), due_time(headers.get("eta"))
        # A task that expires is still delivered: the worker refuses it and stores that it did,
        # where dropping it would leave whoever waits for its result waiting for ever.
        is_task = headers.get("expires") is not None
        expires = None if is_task else expiry(properties.get("expiration"), self.node.clock())
        self.node.publish(
            [
                NewMessage(
                    queue, payload, priority, due, expires, task if isinstance(task, str) else None
                )
                for queue in queues
            ],
            durable=properties.get("delivery_mode") != _TRANSIENT,
        )

    def encode_body(self, body: Any, encoding: str | None = None) -> tuple[Any, str | None]:
        """Text stays text; only bytes need base64 to be stored as JSON."""
        if isinstance(body, str):
            return body, "utf-8"
        return super().encode_body(body, encoding)  # type: ignore[no-any-return]

    # -- consuming

    def basic_consume(
        self, queue: str, no_ack: bool, callback: Callable[..., Any], consumer_tag: str, **kw: Any
    ) -> None:
        """Begin to consume from a queue."""
        (self._no_ack.add if no_ack else self._no_ack.discard)(queue)
        super().basic_consume(queue, no_ack, callback, consumer_tag, **kw)
        self._node.notify(WORK)  # what is there already may be delivered now

    def basic_qos(
        self, prefetch_size: int = 0, prefetch_count: int = 0, apply_global: bool = False
    ) -> None:
        """Change the prefetch limit; a higher one lets a drain go on that waits for room."""
        super().basic_qos(prefetch_size, prefetch_count, apply_global)
        self.made_room()

    def basic_cancel(self, consumer_tag: str) -> None:
        """Stop consuming; a temporary queue goes with its last consumer here."""
        queue = self._tag_to_queue.get(consumer_tag)
        super().basic_cancel(consumer_tag)
        if queue is None or queue in self._active_queues or not self._node.usable:
            return
        if queue in self._no_ack and self.node.messages.is_temporary(queue):
            self.queue_delete(queue)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        """Give the first message of a queue, None when it is empty."""
        self.node.messages.promote_due()
        try:
            message = self.Message(self._get(queue, forget=no_ack), channel=self)
        except Empty:
            return None
        if not no_ack:
            self.qos.append(message, message.delivery_tag)
        return message

    def _get(
        self, queue: str, timeout: float | None = None, *, forget: bool | None = None
    ) -> Message:
        if forget is None:
            forget = queue in self._no_ack
        while found := self._claim_if_there(queue, 1, forget=forget):
            message = self._readable(found[0], kept=not forget)
            if message is not None:
                return message
        raise Empty

    def _claim_if_there(self, queue: str, limit: int, *, forget: bool) -> list[Claimed]:
        if not self.node.messages.look([queue]).ready:
            return []  # costs no write
        return self._claim(queue, limit, forget=forget)

    def _claim(self, queue: str, limit: int, *, forget: bool) -> list[Claimed]:
        if forget:
            return self.node.messages.take(queue, limit)
        self._claims = True
        return self.node.messages.claim(queue, limit, self.node.id, self._name)

    def _readable(self, claimed: Claimed, *, kept: bool) -> Message | None:
        """A message as kombu wants it; None for one that cannot be read, whose delivery failed."""
        try:
            return self._decoded(claimed, kept=kept)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            # Whoever met it would end of it, and so would the next one.
            _log.warning("message %s cannot be read: %r", claimed.id, error)
            if kept:
                self._node.fail(claimed.id)
            return None

    def _decoded(self, claimed: Claimed, *, kept: bool) -> Message:
        # kombu's own looks at each dictionary, for values that JSON has no form for.
        decode = loads if '"__type__"' in claimed.payload else json.loads
        message: Message = decode(claimed.payload)
        message["properties"]["delivery_tag"] = claimed.id
        headers = message.get("headers") or {}
        if kept:
            self._node.in_hand[claimed.id] = str(headers.get("id") or "")
        due = due_time(headers.get("eta"))
        if due and not (self.connection.on_loop and due <= time.time()):
            # It was held here until it was due. A worker that read it again would pass it to its
            # own timer, which in the plain loop is a thread that looks once a second; on an event
            # loop it is for the next turn, unless the clock was set back meanwhile.
            headers[WAS_DUE], headers["eta"] = headers["eta"], None
        if claimed.redelivered:  # Celery reads it in the delivery_info
            message["redelivered"] = True
            message["properties"]["delivery_info"]["redelivered"] = True
        return message

    @property
    def hungry_queues(self) -> list[str]:
        """Those of its queues that it has room for."""
        queues = self.active_queues
        if not queues or self._no_ack.issuperset(queues) or self._room():
            return queues
        return [queue for queue in queues if queue in self._no_ack]

    def _reset_cycle(self) -> None:
        # kombu calls this whenever it consumes from another queue, or from one less.
        super()._reset_cycle()
        self.active_queues = list(dict.fromkeys(self._active_queues))

    def drain_events(
        self,
        timeout: float | None = None,
        callback: Callable[..., Any] | None = None,
        ready: set[str] | None = None,
    ) -> None:
        """Deliver what is there and what the prefetch limit allows.

        Args:
            timeout: not used: this never waits.
            callback: takes a message and its queue.
            ready: the queues that may have something, if that is known; those that turn out to
                have no more are taken out.

        Raises:
            Empty: nothing was.
            CannotTake: the file cannot be written just now.
        """
        deliver = callback or self.connection._deliver
        self._turn += 1  # so that no queue is always the first to use up the prefetch
        queues = self.active_queues
        if ready is None:
            ready = set(self.node.messages.look(queues).ready)
        start = self._turn % len(queues) if queues else 0
        delivered = False
        for queue in queues[start:] + queues[:start]:
            if queue not in ready:
                continue
            forget = queue in self._no_ack
            room = 1 if forget else self._room()
            if room == 0:
                continue
            try:
                found = self._claim(queue, room, forget=forget)
            except PASSING as error:
                raise CannotTake(error) from error
            if len(found) < room:
                ready.discard(queue)
            for claimed in found:
                delivered = True
                message = self._readable(claimed, kept=not forget)
                if message is not None:
                    deliver(message, queue)
        if not delivered:
            raise Empty

    def _room(self) -> int:
        limit = self.qos.can_consume_max_estimate()
        if limit == 0:
            self._full = True  # said first: an ack in between then knows that it must ring
            limit = self.qos.can_consume_max_estimate()
        return BATCH if limit is None else min(limit, BATCH)

    def made_room(self) -> None:
        """Something was settled: a drain that waits for room may go on."""
        if self._full:
            self._full = False
            self._node.topic(WORK).notify(news=False)

    def give_back(self) -> None:
        """Give back in good order all that the channel claimed."""
        if self._claims and self._node.usable:
            self._node.give_back(self._name, list(self.qos._delivered))

    def _restore(self, message: Any) -> None:
        self.give_back_one(message.delivery_tag)

    def give_back_one(self, message: int) -> None:
        """Give back in good order one message."""
        if self._node.usable:
            self._node.give_back_one(message)

    def _size(self, queue: str) -> int:
        return self.node.messages.count(queue)

    def _purge(self, queue: str) -> int:
        return self.node.messages.purge(queue)

    # -- declarations, which every process must see

    def exchange_declare(
        self,
        exchange: str | None = None,
        type: str = "direct",
        durable: bool = False,
        auto_delete: bool = False,
        arguments: Message | None = None,
        nowait: bool = False,
        passive: bool = False,
    ) -> None:
        """Declare an exchange; with ``passive`` only see that it is there.

        Raises:
            ChannelError: a passive declaration of one that is not.
        """
        name = exchange or f"amq.{type or 'direct'}"
        if passive:
            if self.node.messages.exchange_type(name) is None:
                raise ChannelError(
                    f"NOT_FOUND - no exchange {name!r}", (50, 10), "Channel.exchange_declare", "404"
                )
            return
        super().exchange_declare(name, type, durable, auto_delete, arguments, nowait)
        self.node.messages.declare_exchange(name, type or "direct")

    def exchange_delete(self, exchange: str, if_unused: bool = False, nowait: bool = False) -> None:
        """Delete an exchange and its routes."""
        self.node.messages.delete_exchange(exchange)
        self.state.exchanges.pop(exchange, None)

    def typeof(self, exchange: str, default: str = "direct") -> Any:
        """Give the exchange type, also of an exchange that another process declared."""
        known = self.state.exchanges.get(exchange)
        kind = known["type"] if known else self.node.messages.exchange_type(exchange)
        return self.exchange_types[kind or default]

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        arguments = kwargs.get("arguments") or {}
        temporary = kwargs.get("auto_delete") or kwargs.get("exclusive")
        ttl = arguments.get("x-message-ttl")
        self.node.messages.declare_queue(
            queue,
            owner=self.node.id if temporary else None,
            ttl=ttl / 1000 if ttl is not None else None,
        )

    def prepare_queue_arguments(self, arguments: Message | None, **kwargs: Any) -> Message:
        """Keep the time to live of a queue's messages, in AMQP's own form."""
        prepared = dict(arguments or {})
        if kwargs.get("message_ttl") is not None:
            prepared["x-message-ttl"] = int(kwargs["message_ttl"] * 1000)
        return prepared

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return self.node.messages.has_queue(queue)

    def queue_bind(
        self,
        queue: str,
        exchange: str | None = None,
        routing_key: str = "",
        arguments: Message | None = None,
        **kwargs: Any,
    ) -> None:
        """Bind a queue to an exchange."""
        name = exchange or "amq.direct"
        self.node.messages.bind(name, self._route(name, queue, routing_key, arguments))

    def queue_unbind(
        self,
        queue: str,
        exchange: str | None = None,
        routing_key: str = "",
        arguments: Message | None = None,
        **kwargs: Any,
    ) -> None:
        """Undo `queue_bind`."""
        name = exchange or "amq.direct"
        self.node.messages.unbind(name, self._route(name, queue, routing_key, arguments))

    def _route(
        self, exchange: str, queue: str, routing_key: str, arguments: Message | None
    ) -> Route:
        key, pattern, name = self.typeof(exchange).prepare_bind(
            queue, exchange, routing_key or "", arguments
        )
        return Route(key or "", pattern or "", name)

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """Give an exchange's routes as kombu's exchange types want them."""
        return [
            (route.routing_key, route.pattern, route.queue)
            for route in self.node.messages.routes(exchange)
        ]

    def queue_delete(
        self, queue: str, if_unused: bool = False, if_empty: bool = False, **kwargs: Any
    ) -> None:
        """Delete a queue, its routes and its messages."""
        if not (if_empty and self._size(queue)):
            self.node.messages.delete_queue(queue)

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        self.node.messages.delete_queue(queue)

    def close(self) -> None:
        """Close the channel; what it claimed and did not settle is delivered again."""
        if not self.closed:
            self.give_back()
        super().close()


def due_time(eta: object) -> float:
    """Turn Celery's ``eta`` header into seconds since 1970, 0 for at once.

    A time without a zone, or one that cannot be read, means at once: only the worker knows what
    zone its app is in.
    """
    if not isinstance(eta, str):
        return 0.0
    try:
        moment = datetime.fromisoformat(eta)
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.tzinfo else 0.0


def expiry(expiration: object, now: float) -> float | None:
    """Turn AMQP's ``expiration`` (milliseconds, as text) into a time, None for never."""
    try:
        return now + float(str(expiration)) / 1000 if expiration is not None else None
    except ValueError:
        return None
