"""Brokers that are servers of their own: Redis and RabbitMQ, and what is different about them.

Owns their queues and options, how a priority is told to them, and whether one answers at an
address. It must not know the engine, nor any task.
"""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from celery.exceptions import CeleryError
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError
from kombu.transport import TRANSPORT_ALIASES

from worker.contract.errors import InvalidInput, Unavailable
from worker.contract.jobs import PRIORITY_PERSON

QUEUE: Final = "nagatha"
URGENT: Final = "nagatha.urgent"
"""The queue of what a person waits for, which goes on while the other one is paused."""
HIGHEST_PRIORITY: Final = 9
CONNECT_TIMEOUT = 5.0
"""Seconds that another broker is given before it counts as not there."""
ANSWER_TIMEOUT = 5.0
"""Seconds after which a server that says nothing counts as lost."""
LONGEST_TASK = 12 * 3600
"""Seconds before Redis gives a task that nobody acknowledged to another worker."""
REDIS: Final = "nagatha_redis"
"""kombu's name for our transport; addresses still begin with redis://."""
RABBITMQ: Final = "nagatha_amqp"
"""The same for amqp://."""

# By name: a server's library is not loaded where nobody uses it.
TRANSPORT_ALIASES[REDIS] = "worker.redis_transport:RedisTransport"
TRANSPORT_ALIASES[RABBITMQ] = "worker.rabbitmq_transport:RabbitTransport"


def queues(broker_url: str) -> tuple[Queue, ...]:
    """The queues of tasks, as they are declared there."""
    exchange = Exchange(QUEUE, type="direct")
    # RabbitMQ keeps no order of priorities in a queue that was not made for them.
    most = HIGHEST_PRIORITY if is_rabbitmq(broker_url) else None
    return tuple(
        Queue(name, exchange, routing_key=name, max_priority=most) for name in (QUEUE, URGENT)
    )


def queue_for(priority: int) -> str:
    """The queue of a run with this priority."""
    return URGENT if priority >= PRIORITY_PERSON else QUEUE


def told_priority(broker_url: str, priority: int) -> int:
    """How `priority` (0 to 9, highest first) is told to the broker, and back: it is its own
    reverse. Redis counts the other way round."""
    return HIGHEST_PRIORITY - priority if broker_url.startswith("redis") else priority


def is_bundled(broker_url: str) -> bool:
    """Whether it is the bundled broker's address."""
    return broker_url.startswith("nagatha+")


def is_rabbitmq(broker_url: str) -> bool:
    """Whether it is RabbitMQ's address."""
    return broker_url.partition("://")[0] in ("amqp", "amqps", "pyamqp")


def transport_of(broker_url: str) -> str | None:
    """kombu's name for the transport to use; None for the one of the address."""
    return {"redis": REDIS, "amqp": RABBITMQ}.get(broker_url.partition("://")[0])


def transport_options(broker_url: str) -> dict[str, object]:
    """What kombu is to know about the broker."""
    if is_bundled(broker_url):
        return {}
    # Who sends a task must not wait for long: its row is there, and it is queued later.
    patience = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}
    if is_rabbitmq(broker_url):
        return {**patience, "confirm_publish": True}
    return {
        **patience,
        "visibility_timeout": LONGEST_TASK,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": ANSWER_TIMEOUT,
        "socket_keepalive": True,
        "health_check_interval": 30,
        "priority_steps": list(range(HIGHEST_PRIORITY + 1)),
    }


def without_password(url: str) -> str:
    """`url` as it may be shown and logged."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    return urlunsplit(parts._replace(netloc=f"{user}:***@{host}"))


def short(error: BaseException) -> str:
    """An exception for people: its last line, without an address that may hold a password."""
    text = str(error).strip().splitlines()
    return (text[-1] if text else type(error).__name__)[:300]


def errors_of(connection: Connection) -> tuple[type[Exception], ...]:
    """What a broker that does not answer, or answers wrongly, raises."""
    return (
        OSError,
        KombuError,
        CeleryError,
        *connection.connection_errors,
        *connection.channel_errors,
    )


def check_address(url: str) -> None:
    """Whether a broker listens at `url`; blocks for at most a few seconds.

    Raises InvalidInput for an address of no known kind, Unavailable when nobody answers.
    """
    scheme = url.partition("://")[0]
    ports = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "pyamqp": 5672}
    if is_bundled(url):
        return
    if scheme not in ports:
        raise InvalidInput(
            "This is no address of a broker",
            f"“{without_password(url)}” begins with neither redis:// nor amqp://.",
            "Leave it empty for the bundled broker.",
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "localhost", parts.port or ports[scheme]
    except ValueError as error:
        raise InvalidInput(
            "This is no address of a broker", short(error), "Leave it empty for the bundled one."
        ) from error
    where = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT):
            pass
    except OSError as error:
        raise _no_answer(where, error) from error
    _shake_hands(url, where)


def _shake_hands(url: str, where: str) -> None:
    """Whether it is a broker that listens there, lets us in and has room for our queues."""
    options: Mapping[str, float] = {}
    if url.startswith("redis"):
        options = {"socket_timeout": CONNECT_TIMEOUT, "socket_connect_timeout": CONNECT_TIMEOUT}
    connection = Connection(url, connect_timeout=CONNECT_TIMEOUT, transport_options=options)
    try:
        # Connection.connect would try again, and wait seconds in between.
        transport = connection.transport
        established = transport.establish_connection()
        try:
            if is_rabbitmq(url):
                for queue in queues(url):
                    queue(established.channel()).declare()
        finally:
            transport.close_connection(established)
    except errors_of(connection) as error:
        if "PRECONDITION_FAILED" in str(error):
            raise Unavailable(
                "The broker has a queue of this name that is a different one",
                short(error),
                f"Delete the queues “{QUEUE}” and “{URGENT}” there, or use another virtual host.",
            ) from error
        raise _no_answer(where, error) from error
    finally:
        connection.release()


def _no_answer(where: str, error: BaseException) -> Unavailable:
    return Unavailable(
        "The broker does not answer",
        f"{where}: {short(error)}",
        "Check that it runs there, the address and the password.",
    )
